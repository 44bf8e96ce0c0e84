"""Finding factories: all of a subscription or resource group that are connected to a Purview account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId, InvalidArmId, same_id
from purview_mpe._model.spec import ACCOUNT_TYPE, Spec, typed_id
from purview_mpe._wire import account as account_json
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io

_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?", re.IGNORECASE)


async def find_specs(io: Io, scope: str, *, name: str, account: str | None) -> tuple[Spec, ...]:
    """One spec for each connected factory of the scope; with `account`, for those connected to that one."""
    place = scope_of(scope)
    wanted = None if account is None else typed_id(account, ACCOUNT_TYPE, "account")
    attempt = Attempt(f"list the factories of {scope!r}", scope.rstrip("/"), "Reader")
    items = await io.collect(
        attempt,
        lambda az: (
            az.datafactory(place).factories.list_by_resource_group(place.resource_group)
            if place.resource_group
            else az.datafactory(place).factories.list()
        ),
    )
    listed = [account_json.read_listed_factory(item) for item in items]
    specs = [
        Spec(factory=factory, account=_account(connected), name=name)
        for factory, connected in listed
        if factory and connected and (wanted is None or same_id(connected, wanted))
    ]
    # One that is created meanwhile shifts the pages, and the last of a page is the first of the next as well.
    return tuple({spec.factory.casefold(): spec for spec in specs}.values())


def _account(connected: str) -> str | None:
    """The account; None for what is none, so that the verbs say what is wrong with it, factory by factory."""
    try:
        return str(typed_id(connected, ACCOUNT_TYPE, "account"))
    except InvalidSpec:
        return None


def scope_of(scope: object) -> ArmId:
    """A subscription or a resource group, as an id whose parts the clients take.

    Raises:
        InvalidSpec: it is neither.
    """
    if isinstance(scope, str) and (found := _SUBSCRIPTION.fullmatch(scope)):
        return ArmId(found[1], "")
    try:
        place = ArmId.parse(scope)
    except InvalidArmId:
        place = None
    if place is None or place.types:
        example = "'/subscriptions/00000000-0000-0000-0000-000000000001'"
        raise InvalidSpec(
            "scope",
            [("scope", f"{str(scope)[:200]!r} is no subscription or resource group; for example {example}")],
        )
    return place
