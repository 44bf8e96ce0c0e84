"""How Azure answers where it is not known how: one choice for each open question."""

from __future__ import annotations

import typing
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from purview_mpe.emulator._values.public import public

FullTarget: TypeAlias = Literal["failed", "refused"]
EndpointError: TypeAlias = Literal["object", "text"]


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the emulator answers where Azure's answer is not documented.

    Each default is the answer that is best supported; the others are possible too, so a client has to survive them.

    Raises:
        ValueError: a choice is not one of those that its field names.
    """

    full_target: FullTarget = "failed"
    """A private endpoint to a target that has no room for another connection.

    `failed`: the PUT is accepted and the endpoint ends as Failed, with the reason in `properties.error`.
    `refused`: the PUT is refused with 400.
    """
    endpoint_error: EndpointError = "object"
    """`properties.error` of a failed managed private endpoint: an `object` with code and message, or a `text`."""

    def __post_init__(self) -> None:
        """Refuse a choice that is not one."""
        hints = typing.get_type_hints(type(self), globals())
        for field in fields(self):
            value, choices = getattr(self, field.name), typing.get_args(hints[field.name]) or (True, False)
            if not any(value == choice and type(value) is type(choice) for choice in choices):
                raise ValueError(f"{field.name}: must be one of {', '.join(map(str, choices))}, not {value!r}")
