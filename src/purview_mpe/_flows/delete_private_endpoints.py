"""Removing private endpoints from the customer's own network, one after the other, and checking that they are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

from purview_mpe._flows.delete_all import read_account
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.narration import tell_step, tell_waiting
from purview_mpe._flows.steps.network_reads import list_around
from purview_mpe._flows.steps.network_writes import EndpointDeletion
from purview_mpe._flows.steps.operations import deleted
from purview_mpe._model import states
from purview_mpe._model.arm_id import folded
from purview_mpe._model.network import own_name
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, ErrorDetail, Outcome, Report, by_severity
from purview_mpe._rules.own_network import is_at_home, is_for, own_targets, shared_findings
from purview_mpe.errors import PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.results import Account, Finding, Result, Target
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.surroundings import PrivateEndpoint


async def delete_private_endpoints(io: Io, spec: Spec, network: Network, purpose: Purpose, *, dry_run: bool) -> Report:
    """Delete the private endpoints of a purpose, and nothing else; zones and links stay, because others may use them.

    Raises:
        UnsupportedSetup, NotFound, AccessDenied: before the first write.
    """
    account_id = spec.account_id or await reads.connected_account(io, spec)
    seen_at = io.now()
    account, endpoints = await reads.both(io, read_account(io, account_id), list_around(io, network))
    work = Removals(io, spec, network, purpose, account, seen_at)
    work.found(own_targets(account, purpose), endpoints)
    work.shared = tuple(shared_findings(account, purpose, network, endpoints))
    io.so_far = work.report
    for removal in work.removals:
        await work.remove(removal, dry_run=dry_run)
    return work.report()


@dataclass(frozen=True, slots=True)
class Standing:
    """The private endpoint exists, and nothing was sent."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A DELETE was sent, or is about to be."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended."""

    result: Result
    error: ErrorDetail | None = None


State: TypeAlias = Standing | UnderWay | Ended


@dataclass
class Removal:
    """How far the removal for one target has come."""

    target: Target
    began: float
    state: State
    endpoint: PrivateEndpoint | None = None
    ended: float | None = None


@dataclass
class Removals:
    """One run. `report` returns the current outcome of each private endpoint at any moment."""

    io: Io
    spec: Spec
    network: Network
    purpose: Purpose
    account: Account
    seen_at: float
    began: float = field(init=False)
    removals: list[Removal] = field(init=False, default_factory=list[Removal])
    shared: tuple[Finding, ...] = field(init=False, default=())
    """What else needs the private endpoints."""

    def __post_init__(self) -> None:
        self.began = self.io.now()

    def found(self, targets: Sequence[Target], endpoints: Sequence[PrivateEndpoint]) -> None:
        """Note which private endpoints serve the targets; Azure allows several to one target."""
        for target in targets:
            same = [one for one in endpoints if is_for(one, target, self.network)]
            self.removals += [Removal(target, self.began, Standing(), one) for one in same]
            if not same:
                self.removals.append(Removal(target, self.began, Ended("absent")))

    async def remove(self, removal: Removal, *, dry_run: bool) -> None:
        """Delete one and wait until it is gone: the subnet takes one operation at a time."""
        removal.began, endpoint = self.io.now(), removal.endpoint
        if endpoint is None:
            self._end(removal, Ended("absent"))
        elif not is_at_home(endpoint, self.network):
            self._end(removal, Ended("conflict", _elsewhere(endpoint, self.network)))
        elif dry_run:
            self._end(removal, Ended("would-delete"))
        else:
            await self._delete(removal, endpoint)

    async def _delete(self, removal: Removal, endpoint: PrivateEndpoint) -> None:
        removal.state = UnderWay()
        # Already being deleted: force a read, so that no second DELETE is sent.
        seen_at = float("-inf") if states.is_deleting(endpoint.endpoint.provisioning_state) else self.seen_at
        work = EndpointDeletion(self.io, endpoint.id, endpoint)
        try:
            was_sent = await deleted(
                self.io, work, waiting=lambda: self._tell_waiting(endpoint.endpoint.name), seen_at=seen_at
            )
        except PurviewMpeError as error:
            self._end(
                removal, Ended("timed-out" if isinstance(error, WaitTimedOut) else "failed", ErrorDetail.of(error))
            )
        else:
            is_going = states.is_deleting(endpoint.endpoint.provisioning_state)
            self._end(removal, Ended("deleted" if was_sent or is_going else "absent"))

    def report(self) -> Report:
        """The outcome of each target's private endpoint, in the account's order."""
        return Report(
            verb="delete_private_endpoints",
            spec=self.spec,
            account=self.account,
            network=self.network,
            purpose=self.purpose,
            outcomes=tuple(map(self._outcome, self.removals)),
            warnings=by_severity([*self.account.warnings, *self.shared]),
        )

    def _tell_waiting(self, name: str) -> None:
        tell_waiting(
            self.io,
            "delete_private_endpoints",
            f"Waiting until {name} is gone",
            factory=self.spec.factory,
            pending=(name,),
        )

    def _end(self, removal: Removal, state: Ended) -> None:
        removal.ended = self.io.now()
        removal.state = state
        outcome = self._outcome(removal)
        tell_step(self.io, "delete_private_endpoints", outcome, self.spec.factory)

    def _outcome(self, removal: Removal) -> Outcome:
        match removal.state:
            case Standing():
                ended = Ended("failed", NOT_BEGUN)
            case UnderWay():
                ended = Ended("failed", INTERRUPTED)
            case Ended() as ended:
                pass
            case _:
                assert_never(removal.state)
        endpoint = removal.endpoint.endpoint if removal.endpoint else None
        until = self.io.now() if removal.ended is None else removal.ended
        return Outcome(
            subject="private-endpoint",
            name=endpoint.name if endpoint else own_name(self.spec.name, removal.target.group_id),
            group_id=removal.target.group_id,
            resource_id=removal.target.resource_id,
            private_endpoint_id=endpoint.private_endpoint_id if endpoint else None,
            result=ended.result,
            error=ended.error,
            seconds=max(0.0, round(until - removal.began, 3)),
        )


def _elsewhere(endpoint: PrivateEndpoint, network: Network) -> ErrorDetail:
    group = endpoint.id.resource_group
    # A name alone means a resource group in the subscription of the subnet.
    is_near = folded(endpoint.id.subscription) == folded(network.subnet_id.subscription)
    wanted = group if is_near else str(endpoint.id.group)
    return ErrorDetail(
        code="conflict",
        message=f"The private endpoint {endpoint.endpoint.name!r} is in the resource group {group!r}; only private "
        "endpoints in the network's own resource group are deleted.",
        remedy=f"Set Network.resource_group to '{wanted}' if this private endpoint is yours to delete.",
    )
