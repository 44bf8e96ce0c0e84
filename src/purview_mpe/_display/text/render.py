"""How each noun prints: `render` dispatches on the type, and has a general form for nouns without a table.

To give a noun its own table, register one function beside the others of its kind:

    @render.register(Check)
    def render_check(check: Check, page: Page) -> None: ...
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, cast

from purview_mpe._model.spec import Noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._display.text.page import Page


@singledispatch
def render(noun: Noun, page: Page) -> None:
    """Put a noun on a page."""
    page.title(type(noun).__name__)
    _fields(noun, page, indent=2)


def _fields(noun: Noun, page: Page, *, indent: int) -> None:
    values = {name: getattr(noun, name) for name in (*type(noun).model_fields, *type(noun).model_computed_fields)}
    page.fields([(name, _spoken(value)) for name, value in values.items()], indent=indent)
    for name, value in values.items():
        for inner in _nouns(value):
            page.prose(name, indent=indent, role="faint")
            _fields(inner, page, indent=indent + 2)


def _nouns(value: object) -> list[Noun]:
    if isinstance(value, Noun):
        return [value]
    if isinstance(value, (tuple, list)):
        return [item for item in cast("Sequence[object]", value) if isinstance(item, Noun)]
    return []


def _spoken(value: object) -> str | None:
    """The text beside the field's name; None if there is nothing, or if nouns follow below."""
    if value is None or isinstance(value, Noun):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in cast("Mapping[str, object]", value).items()) or None
    if isinstance(value, (tuple, list)):
        listed = cast("Sequence[object]", value)
        return ", ".join(str(item) for item in listed if not isinstance(item, Noun)) or None
    return str(value)
