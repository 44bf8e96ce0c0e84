"""Values from machines of other versions: what this version does not know is ignored, unlike in what callers write."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from purview_mpe._model.spec import Noun

if TYPE_CHECKING:
    from collections.abc import Sequence

N = TypeVar("N", bound=Noun)


class NotKnown(Exception):
    """What a message holds is not such a value; the text names the place."""


def known(kind: type[N], message: object) -> N:
    """The value in a message, without the fields that this version does not know.

    Raises:
        NotKnown: the message is not such a value.
    """
    while True:
        try:
            return cast("N", kind.__pydantic_validator__.validate_python(message))
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
        unknown = [each["loc"] for each in problems if each["type"] == "extra_forbidden"]
        if not unknown:
            raise NotKnown(".".join(map(str, problems[0]["loc"])))
        message = _without(message, unknown)


def _without(message: object, places: Sequence[tuple[int | str, ...]]) -> object:
    shorter: Any = copy.deepcopy(message)
    for *way, last in places:
        at = shorter
        for step in way:
            at = at[step]
        del at[last]
    return shorter
