"""Reading: the Purview account, the factory, its managed virtual network and endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from purview_mpe._model.results import Account, Endpoint, Factory
from purview_mpe._model.spec import ACCOUNT_TYPE, typed_id
from purview_mpe._wire import account as account_json
from purview_mpe._wire.errors import Answer, Attempt, is_about_the_sign_in, unreadable_answer
from purview_mpe.errors import AccessDenied, InvalidSpec, NotFound, UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.spec import Spec

A = TypeVar("A")
B = TypeVar("B")


async def observe(io: Io, spec: Spec) -> tuple[Account, Factory]:
    """Account and factory. Four reads at most; all run together where the spec names the account."""
    if (account_id := spec.account_id) is None:
        account_id = await connected_account(io, spec)
    account, factory = await both(io, read_account(io, account_id), read_factory(io, spec))
    return account, factory


async def both(io: Io, one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Two flows of different results, run together."""
    results: list[Any] = await io.gather([one, other])
    return cast("A", results[0]), cast("B", results[1])


async def read_account(io: Io, account_id: ArmId) -> Account:
    """The account as its properties show it."""
    attempt = Attempt(f"read the Purview account {account_id.name!r}", str(account_id), "Reader")
    try:
        answer = await io.read(
            attempt,
            lambda az: az.purview(account_id).accounts.get(account_id.resource_group, account_id.name),
        )
    except AccessDenied as denied:
        if is_about_the_sign_in(denied):
            raise
        return account_json.unreadable_account(account_id, denied.message)
    return account_json.read_account(answer, account_id)


async def connected_account(io: Io, spec: Spec) -> ArmId:
    """The account that the factory is connected to.

    Raises:
        UnsupportedSetup: it is connected to none.
    """
    _, account = await read_connection(io, spec.factory_id)
    if account is None:
        raise UnsupportedSetup(
            f"The factory {spec.factory_id.name!r} is not connected to a Purview account, and Spec.account is None.",
            remedy="Set Spec.account, or connect the factory first with connect(spec) or in Data Factory Studio "
            "under Manage, Microsoft Purview.",
        )
    try:
        return typed_id(account, ACCOUNT_TYPE, "account")
    except InvalidSpec as error:
        said = error.problems[0][1]
    raise UnsupportedSetup(
        f"The factory {spec.factory_id.name!r} is connected to something that is no Purview account: {said}",
        remedy="Set Spec.account, or correct the factory's connection under Manage, Microsoft Purview.",
    )


async def read_connection(io: Io, factory_id: ArmId) -> tuple[str | None, str | None]:
    """The factory's location and the id of the account that it is connected to."""
    attempt = Attempt(f"read the factory {factory_id.name!r}", str(factory_id), "Reader")
    answer = await io.read(
        attempt,
        lambda az: az.datafactory(factory_id).factories.get(factory_id.resource_group, factory_id.name),
    )
    return account_json.read_factory_connection(answer)


async def read_factory(io: Io, spec: Spec) -> Factory:
    """The factory's managed virtual networks, and the endpoints in the one that the spec names."""
    networks, endpoints = await both(io, list_networks(io, spec.factory_id), list_endpoints(io, spec))
    return Factory(id=spec.factory, networks=tuple(networks), endpoints=tuple(endpoints))


async def list_networks(io: Io, factory_id: ArmId) -> list[str]:
    """The names of the factory's managed virtual networks; usually one, and possibly none."""
    attempt = Attempt(
        f"list the managed virtual networks of the factory {factory_id.name!r}", str(factory_id), "Reader"
    )
    items = await io.collect(
        attempt,
        lambda az: az.datafactory(factory_id).managed_virtual_networks.list_by_factory(
            factory_id.resource_group, factory_id.name
        ),
    )
    return named(attempt, list(dict.fromkeys(account_json.read_name(item) for item in items)))


async def list_endpoints(io: Io, spec: Spec) -> list[Endpoint]:
    """The endpoints in the spec's managed virtual network; none if that does not exist.

    A missing factory answers the same; `list_networks` is what tells it.
    """
    try:
        return await list_endpoints_in(io, spec.factory_id, spec.managed_virtual_network)
    except NotFound:
        return []


async def list_endpoints_alone(io: Io, spec: Spec) -> list[Endpoint]:
    """As `list_endpoints`, for callers that read nothing else of the factory: a missing one is an error."""
    try:
        return await list_endpoints_in(io, spec.factory_id, spec.managed_virtual_network)
    except NotFound:
        await list_networks(io, spec.factory_id)
        return []


async def list_endpoints_in(io: Io, factory_id: ArmId, network: str) -> list[Endpoint]:
    """The endpoints in one managed virtual network."""
    attempt = Attempt(
        f"list the managed private endpoints of the factory {factory_id.name!r}", str(factory_id), "Reader"
    )
    items = await io.collect(
        attempt,
        lambda az: az.datafactory(factory_id).managed_private_endpoints.list_by_factory(
            factory_id.resource_group, factory_id.name, network
        ),
    )
    return named(attempt, [account_json.read_endpoint(item, factory_id.name) for item in items])


def named(attempt: Attempt, found: Sequence[A | None]) -> list[A]:
    """What a list holds, if each item has a name that can be part of a path.

    To leave one out would say that it does not exist.

    Raises:
        AzureUnavailable: an item has none, so the answer did not come from Azure.
    """
    items = [item for item in found if item]
    if len(items) < len(found):
        raise unreadable_answer(attempt, Answer(200), "an item of the list has no name that can be in a resource id")
    return items
