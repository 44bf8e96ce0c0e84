"""Pages of state as short texts: factories differ in little more than names."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def packed(states: Sequence[Mapping[str, Any]]) -> str:
    """The states of some factories as a short text: they differ in little more than names."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(states, separators=(",", ":")).encode(), 9)).decode()


def unpacked(page: str) -> list[dict[str, Any]]:
    """What was packed.

    Raises:
        ValueError: the text is something else.
    """
    try:
        return cast("list[dict[str, Any]]", json.loads(zlib.decompress(base64.urlsafe_b64decode(page))))
    except zlib.error as error:
        raise ValueError(str(error)) from None
