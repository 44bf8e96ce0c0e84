"""Reading: the Purview account, the factory, its managed virtual network and endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from purview_mpe._model.results import Account, Endpoint, Factory
from purview_mpe._model.spec import ACCOUNT_TYPE, typed_id
from purview_mpe._rules.planning import make_plan
from purview_mpe._wire import account as account_json
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import Answer, Attempt, is_about_the_sign_in, unreadable_answer
from purview_mpe.errors import AccessDenied, AzureError, InvalidSpec, NotFound, UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Plan
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Runtime

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a plan is made from."""

    account: Account
    factory: Factory
    runtimes: tuple[Runtime, ...] | None = None
    """The factory's integration runtimes; None where the plan does not depend on them."""

    def plan(self, spec: Spec) -> Plan:
        """What is missing.

        Raises:
            UnsupportedSetup: as `make_plan`.
        """
        return make_plan(spec, self.account, self.factory, self.runtimes)


async def observe(io: Io, spec: Spec) -> Observed:
    """The account, the factory and, if the spec names a runtime, the factory's runtimes.

    The two sides are read concurrently if the spec names the account.
    """
    if (account_id := spec.account_id) is None:
        account_id = await connected_account(io, spec)
    account, (factory, runtimes) = await both(io, read_account(io, account_id), read_factory_side(io, spec))
    return Observed(account, factory, runtimes)


async def read_factory_side(
    io: Io, spec: Spec, *, with_runtimes: bool = False
) -> tuple[Factory, tuple[Runtime, ...] | None]:
    """The factory's networks and endpoints, and its runtimes if the spec names one or `with_runtimes` is set."""
    if spec.runtime is None and not with_runtimes:
        return await read_factory(io, spec), None
    factory, runtimes = await both(io, read_factory(io, spec), list_runtimes(io, spec.factory_id))
    return factory, tuple(runtimes)


async def both(io: Io, one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Run two flows with different types of result together."""
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
        return account_json.unreadable_account(account_id, denied)
    return account_json.read_account(answer, account_id)


async def connected_account(io: Io, spec: Spec) -> ArmId:
    """The account that the factory is connected to.

    Raises:
        UnsupportedSetup: the factory is not connected to an account.
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
        f"The factory {spec.factory_id.name!r} is connected to something that is not a Purview account: {said}",
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


async def _endpoints_or_404(io: Io, spec: Spec) -> list[Endpoint] | AzureError:
    try:
        return await list_endpoints(io, spec)
    except AzureError as error:
        if error.status != 404:
            raise
        return error


async def read_factory(io: Io, spec: Spec) -> Factory:
    """The factory's managed virtual networks, and the endpoints in the one that the spec names.

    Azure can answer the list of endpoints with a 404 that does not say what is missing. Then the factory counts as
    having no endpoints only if the list of networks shows that the spec's network does not exist.
    """
    networks, endpoints = await both(io, list_networks(io, spec.factory_id), _endpoints_or_404(io, spec))
    if isinstance(endpoints, AzureError):
        if spec.managed_virtual_network.casefold() in {network.casefold() for network in networks}:
            raise endpoints
        endpoints = []
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

    A missing factory gives the same answer; `list_networks` distinguishes the two.
    """
    try:
        return await list_endpoints_in(io, spec.factory_id, spec.managed_virtual_network)
    except NotFound:
        return []


async def list_endpoints_alone(io: Io, spec: Spec) -> list[Endpoint]:
    """As `list_endpoints`, for callers that read nothing else of the factory.

    A missing factory is an error. A 404 is also an error if the factory has the spec's managed virtual network, because
    it does not prove that there are no endpoints.
    """
    try:
        return await list_endpoints_in(io, spec.factory_id, spec.managed_virtual_network)
    except NotFound:
        networks = await list_networks(io, spec.factory_id)
        if spec.managed_virtual_network.casefold() in {network.casefold() for network in networks}:
            raise
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
    """The items of a list, each of which must have a name that can be part of a path.

    Skipping an item would report it as missing.

    Raises:
        AzureUnavailable: an item has no such name, so the answer did not come from Azure.
    """
    items = [item for item in found if item]
    if len(items) < len(found):
        raise unreadable_answer(attempt, Answer(200), "an item of the list has no name that is valid in a resource id")
    return items


async def read_factory_body(io: Io, factory_id: ArmId) -> dict[str, Any]:
    """The factory as Azure's own JSON, complete (measured: the SDK keeps unknown fields)."""
    attempt = Attempt(f"read the factory {factory_id.name!r}", str(factory_id), "Reader")
    return await io.read(
        attempt,
        lambda az: az.datafactory(factory_id).factories.get(factory_id.resource_group, factory_id.name),
    )


async def list_runtimes(io: Io, factory_id: ArmId) -> list[Runtime]:
    """The factory's integration runtimes."""
    attempt = Attempt(f"list the integration runtimes of the factory {factory_id.name!r}", str(factory_id), "Reader")
    items = await io.collect(
        attempt,
        lambda az: az.datafactory(factory_id).integration_runtimes.list_by_factory(
            factory_id.resource_group, factory_id.name
        ),
    )
    return [runtime for item in items if (runtime := factory_json.read_runtime(item)) is not None]
