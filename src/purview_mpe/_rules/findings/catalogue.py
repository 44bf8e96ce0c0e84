"""Every kind of finding, by code and in the order of the documentation's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from purview_mpe._rules.findings import account, approvals, endpoints, factory, fleets, network, proof, rights, runs
from purview_mpe._rules.findings.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_SECTIONS = (account, factory, endpoints, network, approvals, rights, runs, proof, fleets)


def _kinds(module: ModuleType) -> Iterator[Kind]:
    for value in vars(module).values():
        if isinstance(value, Kind):
            yield value
        elif isinstance(value, Mapping):
            yield from (kind for kind in cast("Mapping[str, object]", value).values() if isinstance(kind, Kind))


def _first_of_each() -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for module in _SECTIONS:
        for kind in _kinds(module):
            # Later entries under the same code are the same kind in the words of another verb.
            found.setdefault(kind.code, kind)
    return found


#: By code, without the texts that other verbs have for the same code.
CATALOGUE: Mapping[str, Kind] = _first_of_each()
