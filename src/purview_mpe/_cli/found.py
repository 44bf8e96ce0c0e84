"""What `find` shows: the factories, in a form that `--fleet` takes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from purview_mpe._display.tables import Table, table
from purview_mpe._display.text.page import name_in
from purview_mpe._display.text.render import render
from purview_mpe._model.spec import Noun, Spec

if TYPE_CHECKING:
    from purview_mpe._display.text.page import Page

_COLUMNS = ("factory", "account", "name")
_CONNECTED = "the connected account"


class FoundFactories(Noun):
    """Factories that are connected to an account; its JSON is a file for `--fleet`."""

    specs: tuple[Spec, ...]


@render.register(FoundFactories)
def _(found: FoundFactories, page: Page) -> None:
    count = len(found.specs)
    page.title(f"{count} {'factory is' if count == 1 else 'factories are'} connected to an account")
    if found.specs:
        rows = [
            (
                name_in(spec.factory),
                spec.factory_id.resource_group,
                name_in(spec.account) if spec.account else _CONNECTED,
            )
            for spec in found.specs
        ]
        page.table(rows, head=("FACTORY", "RESOURCE GROUP", "ACCOUNT"))


@table.register(FoundFactories)
def _(found: FoundFactories) -> Table:
    return Table(_COLUMNS, tuple(tuple(getattr(spec, field) for field in _COLUMNS) for spec in found.specs))


def as_csv(found: FoundFactories) -> str:
    """The factories as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_COLUMNS, *table(found).rows])
    return text.getvalue()
