"""Reading JSON that may hold anything: a field of the wrong type counts as absent.

Answers pass through proxies and api-versions that this library does not control, so no reader relies on a shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from purview_mpe._model.fields import is_id
from purview_mpe._model.shown import one_line

Object = Mapping[str, Any]


def mapping(holder: Object, key: str) -> Object:
    """The object under a key, or an empty one."""
    return as_mapping(holder.get(key))


def text(holder: Object, key: str) -> str:
    """The text under a key, or an empty one."""
    value = holder.get(key)
    return whole(value) if isinstance(value, str) else ""


def id_text(holder: Object, key: str) -> str:
    """The resource id under a key; empty if the text is missing or is not an id."""
    given = text(holder, key)
    return given if is_id(given) else ""


def line(holder: Object, key: str) -> str:
    """The text under a key as one line that can be printed."""
    return one_line(text(holder, key))


def whole(value: str) -> str:
    """The text without lone surrogates, which JSON escapes can spell but no file, terminal or noun can hold."""
    return value.encode("utf-8", "replace").decode()


def objects(holder: Object, key: str) -> tuple[Object, ...]:
    """The objects in the list under a key; other items are skipped."""
    return tuple(cast("Object", item) for item in _list(holder.get(key)) if isinstance(item, dict))


def texts(holder: Object, key: str) -> tuple[str, ...]:
    """The texts in the list under a key; other items are skipped."""
    return tuple(whole(item) for item in _list(holder.get(key)) if isinstance(item, str))


def as_mapping(value: object) -> Object:
    """The value, if it is an object; otherwise an empty one."""
    # Not `Mapping`: that would check the value against each of the SDKs' thousand models, which derive from it.
    return cast("Object", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object] | None:
    """The value, if it is a list: the list itself, not a copy."""
    return cast("list[object]", value) if isinstance(value, list) else None


def _list(value: object) -> list[object]:
    return as_list(value) or []
