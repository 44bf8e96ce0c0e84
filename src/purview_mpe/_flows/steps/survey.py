"""Reading one factory and one account, even if this caller is allowed to read only parts of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.permissions import read_permissions
from purview_mpe._flows.steps.root_policy import read_root_policy
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import ErrorDetail
from purview_mpe._model.spec import ACCOUNT_TYPE, typed_id
from purview_mpe._model.survey import CuratorHidden, CuratorSeen, Gap, Part, Situation
from purview_mpe._rules.reach import account_unreadable, out_of_reach
from purview_mpe._rules.rights import scopes_of
from purview_mpe._wire import account as account_json
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import is_about_the_sign_in
from purview_mpe._wire.policy import curators
from purview_mpe.errors import AccessDenied, AzureError, InvalidSpec, NoAnswer, NotFound, UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Endpoint
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Permission, Runtime

T = TypeVar("T")
Permissions: TypeAlias = "Mapping[str, tuple[Permission, ...] | None]"


@dataclass(frozen=True, slots=True)
class FactorySide:
    """What was read of the factory."""

    connected_to: str | None
    has_system_identity: bool
    principal: str | None
    """Object id of the factory's system-assigned identity."""
    networks: tuple[str, ...] | None
    endpoints: tuple[Endpoint, ...] | None
    runtimes: tuple[Runtime, ...] | None
    permissions: Permissions
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class AccountSide:
    """What was read of the account."""

    account: Account | None = None
    """None without an account to read.

    That is so if the spec names none and the factory is not connected to one, or if the account does not exist.
    """
    permissions: Permissions = field(default_factory=dict[str, None])
    curators: frozenset[str] | CuratorHidden | None = None
    """The identities that are Data Curator, in lower case; None if that was not read."""


async def survey(io: Io, spec: Spec) -> Situation:
    """The situation of a spec.

    Reads the account, the caller's permissions at each scope, the root policy, and four parts of the factory;
    independent reads run together.

    Raises:
        NotFound: the factory does not exist. A missing account is part of the situation.
    """
    if (account_id := spec.account_id) is not None:
        side, of_account = await reads.both(io, factory_side(io, spec), account_side(io, account_id))
    else:
        side = await factory_side(io, spec)
        account_id = account_of(spec, side)
        of_account = AccountSide() if account_id is None else await account_side(io, account_id)
    if side.principal:
        of_account = await with_curators(io, of_account)
    return situation(spec, side, of_account)


def situation(spec: Spec, side: FactorySide, of_account: AccountSide) -> Situation:
    """Both sides together."""
    return Situation(
        spec=spec,
        account=of_account.account,
        connected_to=side.connected_to,
        has_system_identity=side.has_system_identity,
        curator=_curator(of_account, side.principal),
        networks=side.networks,
        endpoints=side.endpoints,
        runtimes=side.runtimes,
        permissions={**side.permissions, **of_account.permissions},
        gaps=side.gaps,
    )


def account_of(spec: Spec, side: FactorySide) -> ArmId | None:
    """The account of the spec, or the one that the factory is connected to; None if there is none."""
    if spec.account_id is not None:
        return spec.account_id
    try:
        return typed_id(side.connected_to, ACCOUNT_TYPE, "account")
    except InvalidSpec:
        return None


async def factory_side(io: Io, spec: Spec) -> FactorySide:
    """All parts, read concurrently; a part that this caller is not allowed to read becomes a gap."""
    factory_id = spec.factory_id
    readings: dict[Part, Coroutine[Any, Any, Any]] = {
        "factory": reads.read_factory_body(io, factory_id),
        "networks": reads.list_networks(io, factory_id),
        "endpoints": reads.list_endpoints(io, spec),
        "runtimes": reads.list_runtimes(io, factory_id),
    }
    parts = [_part(part, reading) for part, reading in readings.items()]
    (factory, networks, endpoints, runtimes), permissions = await reads.both(
        io, io.gather(parts), read_permissions(io, [spec.factory])
    )
    body: dict[str, Any] | None = factory.value
    return FactorySide(
        connected_to=account_json.read_factory_connection(body)[1] if body is not None else None,
        has_system_identity=body is None or factory_json.has_system_identity(body),
        principal=factory_json.principal_id(body) if body is not None else None,
        networks=_frozen(networks.value),
        endpoints=_frozen(endpoints.value),
        runtimes=_frozen(runtimes.value),
        permissions=permissions,
        gaps=tuple(part.gap for part in (factory, networks, endpoints, runtimes) if part.gap),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    value: Any = None
    gap: Gap | None = None


async def _part(part: Part, reading: Coroutine[Any, Any, Any]) -> _Reading:
    try:
        return _Reading(await reading)
    except AccessDenied as denied:
        if is_about_the_sign_in(denied):
            raise
        return _Reading(gap=Gap(part, ErrorDetail.of(denied)))


async def account_side(io: Io, account_id: ArmId) -> AccountSide:
    """The account and what the caller is allowed to do there; a missing account is not an error."""
    try:
        account = await reads.read_account(io, account_id)
    except NotFound:
        return AccountSide()
    scopes = scopes_of("", account)
    wanted = {scope for place, scope in scopes.items() if place != "factory"}
    return AccountSide(account, await read_permissions(io, wanted))


async def with_curators(io: Io, side: AccountSide) -> AccountSide:
    """The account side, with the identities that are Data Curator.

    If they cannot be read, `curators` holds the reason; no error is raised.
    """
    return side if side.account is None else replace(side, curators=await _curators(io, side.account))


async def _curators(io: Io, account: Account) -> frozenset[str] | CuratorHidden:
    if account.shape is None:
        return CuratorHidden(account_unreadable().reason)
    try:
        policy = await read_root_policy(io, account, ArmId.parse(account.id))
    except (AzureError, NoAnswer, UnsupportedSetup) as error:
        reach = out_of_reach(account, error)
        return CuratorHidden(reach.reason if reach else error.message.rstrip("."))
    return frozenset(curators(policy))


def _curator(side: AccountSide, principal: str | None) -> CuratorSeen | CuratorHidden | None:
    if not principal or side.curators is None:
        return None
    if isinstance(side.curators, CuratorHidden):
        return side.curators
    return CuratorSeen(principal.casefold() in side.curators)


def _frozen(items: list[T] | None) -> tuple[T, ...] | None:
    return None if items is None else tuple(items)
