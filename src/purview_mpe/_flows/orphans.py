"""Finding the orphans of one account, on both sides. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.plain import read_list
from purview_mpe._model.arm_id import ArmId, folded, is_subscription
from purview_mpe._model.checkup import Orphans
from purview_mpe._model.results import Finding, by_severity
from purview_mpe._model.spec import ACCOUNT_TYPE, STORAGE_TYPE, given_id
from purview_mpe._model.survey import KnownFactory
from purview_mpe._rules.findings.approvals import (
    CONNECTIONS_UNATTRIBUTED,
    TARGET_GONE_IN_SEARCH,
    TARGET_UNREADABLE_IN_SEARCH,
)
from purview_mpe._rules.findings.factory import (
    FACTORIES_UNREADABLE,
    FACTORY_UNREADABLE_IN_SEARCH,
    SUBSCRIPTIONS_UNREADABLE,
)
from purview_mpe._rules.orphans import SeenConnection, concerns, orphan_connections, orphan_endpoints, suspects
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import Attempt, is_without_token
from purview_mpe._wire.reading import text
from purview_mpe.errors import NotFound, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._flows.steps.io import Clients, Io
    from purview_mpe._model.results import Account

_SUBSCRIPTIONS_API_VERSION = "2022-12-01"
#: Azure Resource Manager's codes for a resource that does not exist. The status 404 alone does not prove that, because
#: a hidden subscription also answers 404.
_GONE = frozenset({"resourcenotfound", "resourcegroupnotfound", "parentresourcenotfound", "notfound"})
#: The most connections that one finding names.
_SHOWN_CONNECTIONS = 20


async def orphans(io: Io, account: str | ArmId) -> Orphans:
    """Find the orphans: read the connections first, then the endpoints.

    In the other order, the connection of an endpoint created in between would be reported as an orphan.
    """
    account_id = given_id(account, ACCOUNT_TYPE, "account")
    (found, seen, gone, unread), (factories, unlisted) = await reads.both(
        io, _account_side(io, account_id), _list_factories(io, account_id)
    )
    concerned = [factory for factory in factories if concerns(factory, account_id, seen)]
    read = await io.gather([_read_endpoints(io, factory) for factory in concerned])
    known = [factory for factory, _ in read]
    asked = suspects(found, account_id, known, gone=gone)
    exists = dict(zip(asked, await io.gather([_exists(io, target) for target in asked]), strict=True))
    rows, unattributed = orphan_connections(seen, known)
    return Orphans(
        account=str(account_id),
        connections=rows,
        endpoints=orphan_endpoints(found, account_id, known, exists, gone=gone),
        findings=by_severity(
            [*unread, *unlisted, *(finding for _, finding in read if finding), *_of_other_services(unattributed)]
        ),
    )


async def _account_side(
    io: Io, account_id: ArmId
) -> tuple[Account | None, list[SeenConnection], list[str], list[Finding]]:
    """The account (None if deleted), its targets' distinct connections, the ids of deleted targets, the findings."""
    try:
        account = await reads.read_account(io, account_id)
    except NotFound as missing:
        if _is_gone(missing):
            return None, [], [], []
        raise
    listings = await connections.list_targets(io, account_id, account.targets)
    seen: dict[tuple[str, str], SeenConnection] = {}
    gone: list[str] = []
    findings: dict[str, Finding] = {}
    for target in account.targets:
        listing = listings[target.identity]
        for connection in listing.connections:
            # blob and queue share a list
            key = (folded(connection.id), folded(connection.private_endpoint_id))
            seen.setdefault(key, SeenConnection(target.resource_id, connection))
        error = listing.error
        if isinstance(error, NotFound) and _is_gone(error):
            gone.append(target.resource_id)
            findings[target.resource_id] = _gone_target(target.resource_id, error)
        elif error is not None:
            findings[target.resource_id] = _unread_target(target.resource_id, error)
    return account, list(seen.values()), gone, [*account.warnings, *findings.values()]


async def _list_factories(io: Io, account_id: ArmId) -> tuple[list[KnownFactory], list[Finding]]:
    """The factories of all subscriptions that this caller can see; a finding for each subscription without an answer.

    An account also serves factories in other subscriptions.
    """
    attempt = Attempt("list the subscriptions", f"/subscriptions/{account_id.subscription}", "Reader")
    items = await read_list(io, attempt, account_id, f"/subscriptions?api-version={_SUBSCRIPTIONS_API_VERSION}")
    visible = (text(item, "subscriptionId") for item in items or ())
    guids = dict.fromkeys(guid.casefold() for guid in (account_id.subscription, *visible) if is_subscription(guid))
    found = await io.gather([_list_subscription(io, guid) for guid in guids])
    # A factory created meanwhile shifts the pages, so the last item of a page may also be the first of the next.
    factories: dict[str, KnownFactory] = {}
    for factory in (factory for listed in found if not isinstance(listed, Finding) for factory in listed):
        factories.setdefault(factory.id.key, factory)
    findings = [listed for listed in found if isinstance(listed, Finding)]
    if items is None:
        findings.insert(0, SUBSCRIPTIONS_UNREADABLE.found(subscription=account_id.subscription))
    return list(factories.values()), findings


async def _list_subscription(io: Io, guid: str) -> list[KnownFactory] | Finding:
    attempt = Attempt(f"list the factories of the subscription {guid}", f"/subscriptions/{guid}", "Reader")
    try:
        items = await io.collect(attempt, lambda az: az.datafactory(ArmId(guid, "")).factories.list())
    except PurviewMpeError as error:
        if (error.azure_code or "").casefold() == "missingsubscriptionregistration":
            return []  # if Data Factory is not registered, there are no factories
        if is_without_token(error):
            raise
        return FACTORIES_UNREADABLE.found(subscription=guid, remedy=error.remedy, evidence=(error.message,))
    return [factory for item in items if (factory := factory_json.read_known_factory(item)) is not None]


async def _read_endpoints(io: Io, factory: KnownFactory) -> tuple[KnownFactory, Finding | None]:
    """The factory with the endpoints of all its managed virtual networks."""
    try:
        networks = await reads.list_networks(io, factory.id)
        listed = await io.gather([reads.list_endpoints_in(io, factory.id, network) for network in networks])
    except PurviewMpeError as error:
        if isinstance(error, NotFound) and _is_gone(error):
            return KnownFactory(factory.id, factory.purview_account, ()), None  # it was deleted meanwhile
        if is_without_token(error):
            raise
        return factory, FACTORY_UNREADABLE_IN_SEARCH.found(
            factory=factory.id.name, remedy=error.remedy, evidence=(error.message,)
        )
    endpoints = tuple(endpoint for endpoints in listed for endpoint in endpoints)
    return KnownFactory(factory.id, factory.purview_account, endpoints), None


async def _exists(io: Io, target: ArmId) -> bool | None:
    """True if a target exists; None if that cannot be read."""
    attempt = Attempt(f"read {target.name!r}", str(target), "Reader")
    try:
        await io.call(attempt, lambda az: _get(az, target))
    except NotFound as missing:
        return False if _is_gone(missing) else None
    except PurviewMpeError:
        return None
    return True


def _get(az: Clients, target: ArmId) -> Any:
    group, name = target.resource_group, target.name
    if target.is_a(ACCOUNT_TYPE):
        return az.purview(target).accounts.get(group, name)
    if target.is_a(STORAGE_TYPE):
        return az.storage(target).storage_accounts.get_properties(group, name)
    return az.eventhub(target).namespaces.get(group, name)


def _of_other_services(unattributed: Sequence[SeenConnection]) -> Iterator[Finding]:
    if not unattributed:
        return
    shown = [one.connection.private_endpoint_id for one in unattributed[:_SHOWN_CONNECTIONS]]
    more = len(unattributed) - len(shown)
    yield CONNECTIONS_UNATTRIBUTED.found(
        count=len(unattributed), evidence=(*shown, *([f"and {more} more"] if more else []))
    )


def _is_gone(missing: NotFound) -> bool:
    return (missing.azure_code or "").casefold() in _GONE


def _gone_target(target_id: str, error: NotFound) -> Finding:
    return TARGET_GONE_IN_SEARCH.found(target=target_id, evidence=(error.message,))


def _unread_target(target_id: str, error: PurviewMpeError) -> Finding:
    return TARGET_UNREADABLE_IN_SEARCH.found(target=target_id, remedy=error.remedy, evidence=(error.message,))
