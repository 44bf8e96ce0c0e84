"""JSON from outside: checks the type of a value before its use; and resource ids in JSON."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe.emulator._values.exchange import MAXIMUM_CONTENT, ArmError

if TYPE_CHECKING:
    from purview_mpe.emulator._values.exchange import Request

_DEPTH = 64


def check_size(request: Request) -> None:
    """Refuse a body that is larger than Azure Resource Manager takes.

    Raises:
        ArmError: 413.
    """
    if len(request.content) > MAXIMUM_CONTENT:
        raise ArmError(
            413,
            "RequestContentTooLarge",
            f"The request content size exceeds the maximum size of {MAXIMUM_CONTENT // 2**20} MB.",
        )


def read_json(request: Request) -> Any:
    """The request's body as JSON; None if there is none.

    Raises:
        ArmError: 400 `InvalidRequestContent`, Azure Resource Manager's answer to malformed JSON; 413 if the body is
            too large.
    """
    check_size(request)
    if not request.content.strip():
        return None
    try:
        content = json.loads(request.content, parse_constant=_no_number, parse_float=_finite)
        if request.content.count(b"[") + request.content.count(b"{") > _DEPTH:
            _check_depth(content)
    except (ValueError, RecursionError) as error:
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from None
    return content


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _check_depth(content: Any) -> None:
    """Refuse JSON that is nested too deep to be serialized again."""
    level, depth = [content], 0
    while level:
        depth += 1
        if depth > _DEPTH:
            raise ValueError(f"it is nested deeper than {_DEPTH} levels")
        level = [inner for item in level for inner in _inside(item)]


def _inside(item: Any) -> list[Any]:
    found = object_of(item)
    return list(found.values()) if found is not None else list_of(item) or []


def object_of(value: Any) -> dict[str, Any] | None:
    """The value if it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def list_of(value: Any) -> list[Any] | None:
    """The value if it is a JSON array."""
    return value if _is_list(value) else None


def strings_of(value: Any) -> list[str] | None:
    """The value if it is a JSON array of strings."""
    items = list_of(value)
    if items is None or not all(isinstance(item, str) for item in items):
        return None
    return items


@lru_cache(maxsize=16_384)
def parsed(text: str) -> ArmId | None:
    """The id in a text; cached, because the same few are parsed again and again."""
    try:
        return ArmId.parse(text)
    except InvalidArmId:
        return None


def id_of(value: Any) -> ArmId | None:
    """The value if it is the id of a resource."""
    return parsed(value) if isinstance(value, str) else None


def region_of(location: Any) -> str:
    """The name of a region: `West Europe` is `westeurope`."""
    return re.sub(r"[^a-z0-9]", "", str(location).lower())


def as_id(given: ArmId | str) -> ArmId:
    """The id that a caller passed to one of the emulator's own methods.

    Raises:
        InvalidArmId: the text is not the id of a resource.
    """
    return given if isinstance(given, ArmId) else ArmId.parse(given)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def read_object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object.

    Raises:
        ArmError: 400 `InvalidRequestContent`.
    """
    body = object_of(content := read_json(request))
    if body is None:
        kind = "nothing" if content is None else type(content).__name__
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: a JSON object is required, got {kind}.",
        )
    return body
