"""The full id of a factory or an account, found by its name in one list of a subscription or resource group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._flows.find_specs import scope_of
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.naming import dashed_name_problem
from purview_mpe._wire.errors import Attempt, safe_text
from purview_mpe._wire.reading import text
from purview_mpe.errors import InvalidSpec, NotFound

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Clients, Io
    from purview_mpe._model.arm_id import ArmId

_KINDS = {"factory": "data factory", "account": "Purview account"}


async def find_id(io: Io, scope: str, name: str, *, kind: str) -> str:
    """The id of the resource of that name.

    Raises:
        InvalidSpec: the scope, the name or the kind is wrong.
        NotFound: the caller sees no such resource.
    """
    place = scope_of(scope)
    problem = dashed_name_problem(kind, name) if kind in _KINDS else f"{kind!r} is neither 'factory' nor 'account'"
    if problem:
        raise InvalidSpec("name", [("name" if kind in _KINDS else "kind", problem)])
    where = f"the subscription {place.subscription}"
    if place.resource_group:
        where = f"the resource group {place.resource_group!r} of {where}"
    attempt = Attempt(f"list the resources of {where}", f"/subscriptions/{place.subscription}", "Reader")
    items = await io.collect(attempt, lambda az: _listed(az, place, kind))
    for resource_id in (text(item, "id") for item in items):
        if last_segment(resource_id).casefold() == name.casefold():
            return resource_id
    raise NotFound(
        f"{where[:1].upper()}{where[1:]} has no {_KINDS[kind]} {safe_text(name, 80)!r}, or you cannot see it.",
        remedy="Check the name and the subscription: az resource list --name NAME; or give the full id.",
    )


def _listed(az: Clients, place: ArmId, kind: str) -> Any:
    group = place.resource_group
    if kind == "factory":
        factories = az.datafactory(place).factories
        return factories.list_by_resource_group(group) if group else factories.list()
    accounts = az.purview(place).accounts
    return accounts.list_by_resource_group(group) if group else accounts.list_by_subscription()
