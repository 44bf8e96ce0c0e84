"""Finding the factories of a subscription or resource group that are connected to a Purview account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._flows.steps.narration import tell_warning
from purview_mpe._model import pasted
from purview_mpe._model.arm_id import ArmId, InvalidArmId, folded, same_id
from purview_mpe._model.fleets import FoundSpecs
from purview_mpe._model.spec import ACCOUNT_TYPE, Spec, given_id, typed_id
from purview_mpe._rules.findings.fleets import FACTORY_LEFT_OUT
from purview_mpe._wire import account as account_json
from purview_mpe._wire.errors import Attempt, safe_text
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Finding

_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(/[^/]+)?/?", re.IGNORECASE)

_ANY_FACTORY = ArmId("00000000-0000-0000-0000-000000000001", "rg1", "Microsoft.DataFactory", ("factories",), ("df1",))


async def find_specs(io: Io, scope: str, *, name: str, account: str | ArmId | None) -> FoundSpecs:
    """One spec for each factory in the scope that is connected to an account; with `account`, only to that account."""
    place = scope_of(scope)
    wanted = None if account is None else given_id(account, ACCOUNT_TYPE, "account")
    Spec(factory=str(_ANY_FACTORY), name=name)  # a wrong name is wrong for every factory, so check it before any read
    attempt = Attempt(f"list the factories of {_called(place)!r}", _called(place), "Reader")
    items = await io.collect(
        attempt,
        lambda az: (
            az.datafactory(place).factories.list_by_resource_group(place.resource_group)
            if place.resource_group
            else az.datafactory(place).factories.list()
        ),
    )
    # A factory created meanwhile shifts the pages, so the last item of a page may also be the first of the next.
    specs: dict[str, Spec] = {}
    left_out: dict[str, Finding] = {}
    for factory, connected in map(account_json.read_listed_factory, items):
        if not connected or not (wanted is None or same_id(connected, wanted)):
            continue
        try:
            specs[folded(factory)] = Spec(factory=factory, account=_account(connected), name=name)
        except InvalidSpec as error:
            left_out[folded(factory)] = _left_out(factory, error)
    for finding in left_out.values():
        tell_warning(io, "find_specs", finding.message)
    return FoundSpecs(specs.values(), left_out.values())


def _account(connected: str) -> str | None:
    """The account's id; None if the text is not an account id (each verb reports that problem)."""
    try:
        return str(typed_id(connected, ACCOUNT_TYPE, "account"))
    except InvalidSpec:
        return None


def _left_out(factory: str, error: InvalidSpec) -> Finding:
    return FACTORY_LEFT_OUT.found(
        factory=safe_text(factory, 300),
        evidence=(f"{field}: {safe_text(rule)}" for field, rule in error.problems),
    )


def _called(place: ArmId) -> str:
    return str(place) if place.resource_group else f"/subscriptions/{place.subscription}"


def scope_of(scope: object) -> ArmId:
    """The subscription or resource group, as an id that the management clients accept.

    Raises:
        InvalidSpec: the scope is neither.
    """
    try:
        text, is_address = pasted.without_wrapping(scope) if isinstance(scope, str) else ("", False)
    except InvalidArmId as error:
        raise _no_scope(str(error)) from None
    found = _SUBSCRIPTION.fullmatch(text)
    if found and (is_address or not found[2]):  # in a portal URL, a page name may follow
        return ArmId(found[1], "")
    try:
        place = pasted.parsed(scope)
    except InvalidArmId:
        place = None
    if place is not None and not place.types:
        return place
    raise _no_scope(f"{safe_text(str(scope), 200)!r} is neither a subscription nor a resource group")


def _no_scope(problem: str) -> InvalidSpec:
    example = "'/subscriptions/00000000-0000-0000-0000-000000000001'"
    return InvalidSpec("scope", [("scope", f"{problem}; for example {example}")])
