"""Removing the endpoints of one spec, and proving that they are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.factory_writes import delete_endpoint
from purview_mpe._flows.steps.narration import tell_step, tell_waiting
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, carried_out, poll_interval
from purview_mpe._model import states
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, Account, ErrorDetail, Outcome, Report
from purview_mpe._rules.findings.account import ACCOUNT_MISSING_IN_TAKEDOWN
from purview_mpe._rules.planning import needed_targets
from purview_mpe._wire import account as account_json
from purview_mpe.errors import NotFound, ProvisioningFailed, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Endpoint, Result, Target, Verb
    from purview_mpe._model.spec import Spec

_LOCK_REMEDY = (
    "Look for a resource lock on the factory, on the target or on the resource group of either "
    "(az lock list --resource {factory}; az lock list --resource {target}): Azure answers 200 to the deletion even "
    "where a lock makes it fail. Remove the lock, then repeat the call."
)


async def delete_all(io: Io, spec: Spec, *, dry_run: bool) -> Report:
    """Delete the endpoints of this spec, and nothing else; return when Azure no longer lists them.

    Raises:
        UnsupportedSetup, NotFound, AccessDenied: before the first write.
    """
    account_id = spec.account_id or await reads.connected_account(io, spec)
    account, (endpoints, seen_at) = await reads.both(io, read_account(io, account_id), list_endpoints(io, spec))
    work = Takedown(io, spec, account, needed_targets(spec, account), endpoints, seen_at)
    io.so_far = work.report
    await work.run(dry_run=dry_run)
    return work.report()


async def prepared(io: Io, spec: Spec, account: Account) -> Takedown:
    """The removal for an account that was read; nothing is deleted yet."""
    endpoints, seen_at = await list_endpoints(io, spec)
    return Takedown(io, spec, account, needed_targets(spec, account), endpoints, seen_at)


async def list_endpoints(io: Io, spec: Spec) -> tuple[Sequence[Endpoint], float]:
    """The endpoints, and when their list arrived. The account is read at the same time and may arrive later."""
    endpoints = await reads.list_endpoints_alone(io, spec)
    return endpoints, io.now()


@dataclass(frozen=True, slots=True)
class Listed:
    """The factory has the endpoint, and nothing was sent."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A DELETE was sent, or is about to be; its result is not known yet."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Asked:
    """Azure accepted the deletion, or showed that it is under way; the list shows when the endpoint is gone."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Ended:
    """The endpoint's outcome; `endpoint` is None if there was no endpoint."""

    result: Result
    error: ErrorDetail | None = None
    endpoint: Endpoint | None = None


State: TypeAlias = Listed | UnderWay | Asked | Ended


@dataclass
class Removal:
    """How far the removal for one target has come."""

    target: Target
    state: State
    ended: float | None = None


@dataclass
class Takedown:
    """One run. `report` returns the current outcome of each endpoint at any moment."""

    io: Io
    spec: Spec
    account: Account
    targets: Sequence[Target]
    endpoints: Sequence[Endpoint]
    seen_at: float
    """When the endpoints were listed."""
    verb: Verb = "delete_all"
    """The verb that its events name."""
    began: float = field(init=False)
    removals: list[Removal] = field(init=False)
    failed_looks: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.removals = []
        for target in self.targets:
            found = [one for one in self.endpoints if one.identity == target.identity]
            # Azure allows one endpoint per target and group id. If it ever lists more, each is removed and reported.
            self.removals += [Removal(target, Listed(endpoint)) for endpoint in found]
            if not found:
                self.removals.append(Removal(target, Ended("absent"), self.began))

    async def run(self, *, dry_run: bool) -> None:
        """Delete existing endpoints and wait until Azure no longer lists them; in a dry run, only report them."""
        self.settle()
        if dry_run:
            self.report_planned()
        else:
            await self.delete()
            await self.wait_until_gone()

    def settle(self) -> None:
        """End each removal that needs no deletion (absent) or does not allow one (reserved)."""
        for removal in self.removals:
            match removal.state:
                case Listed(endpoint=endpoint) if endpoint.reserved:
                    self._end(removal, _reserved(endpoint))
                case Ended() as ended:
                    self._end(removal, ended)
                case _:
                    pass

    def report_planned(self) -> None:
        """Report that the rest would be deleted."""
        for removal in self.removals:
            if isinstance(removal.state, Listed):
                self._end(removal, Ended("would-delete", endpoint=removal.state.endpoint))

    async def delete(self) -> None:
        """Send all deletions concurrently."""
        await self.io.gather(
            [self._ask(one, one.state.endpoint) for one in self.removals if isinstance(one.state, Listed)]
        )

    async def wait_until_gone(self) -> None:
        """Wait until the deleted endpoints are gone, with one list request per round for all of them."""
        began = self.io.now()
        while waiting := self.asked:
            self._tell_waiting([endpoint.name for _, endpoint in waiting])
            await self.io.sleep(poll_interval(self.io.now() - began))
            await self.look()

    async def look(self) -> None:
        """List the factory's endpoints once, and end the removals of those that are gone."""
        waiting = self.asked
        try:
            listed = await reads.list_endpoints_alone(self.io, self.spec)
        except WaitTimedOut:  # no request leaves after the deadline
            self.time_out()
        except PurviewMpeError as error:
            self.failed_looks += 1
            # Azure goes on deleting even if it does not answer, so a temporary failure ends nothing.
            if not isinstance(error, PASSING) or self.failed_looks >= FAILED_LOOKS:
                self.give_up(error)
        else:
            self.failed_looks = 0
            for removal, endpoint in waiting:
                self._look(removal, endpoint, listed)

    def give_up(self, error: PurviewMpeError) -> None:
        """End every deletion that is still waited for, because nothing more can be read."""
        for removal, endpoint in self.asked:
            self._end(removal, Ended("failed", ErrorDetail.of(error), endpoint))

    def time_out(self) -> None:
        """End the removals of endpoints that Azure still lists."""
        for removal, endpoint in self.asked:
            self._end(removal, Ended("timed-out", self._still_listed(endpoint, removal.target), endpoint))

    @property
    def asked(self) -> list[tuple[Removal, Endpoint]]:
        """Deletions that Azure accepted and has not carried out."""
        return [(one, one.state.endpoint) for one in self.removals if isinstance(one.state, Asked)]

    def report(self) -> Report:
        """The outcome of each target's endpoint, in the account's order, including unfinished ones."""
        return Report(
            verb="delete_all",
            spec=self.spec,
            account=self.account,
            outcomes=tuple(self._outcome(removal) for removal in self.removals),
            warnings=self.account.warnings,
        )

    async def _ask(self, removal: Removal, endpoint: Endpoint) -> None:
        if states.is_deleting(endpoint.provisioning_state):
            removal.state = Asked(endpoint)  # another caller has sent the deletion already
            return
        now = endpoint

        async def delete() -> State:
            await delete_endpoint(self.io, self.spec, now.name)
            return Asked(now)

        async def look(may_be_done: bool) -> State | None:
            nonlocal now
            found = self._same(removal.target, endpoint, await reads.list_endpoints_alone(self.io, self.spec))
            if found is None:
                return Ended("deleted" if may_be_done else "absent", endpoint=endpoint)
            if found.reserved:
                return _reserved(found)
            now = found
            return Asked(found) if states.is_deleting(found.provisioning_state) else None

        removal.state = UnderWay(endpoint)
        try:
            state = await carried_out(self.io, delete, look=look, seen_at=self.seen_at)
        except PurviewMpeError as failure:
            result: Result = "timed-out" if isinstance(failure, WaitTimedOut) else "failed"
            state = Ended(result, ErrorDetail.of(failure), now)
        if isinstance(state, Ended):
            self._end(removal, state)
        else:
            removal.state = state

    def _same(self, target: Target, endpoint: Endpoint, listed: Sequence[Endpoint]) -> Endpoint | None:
        """The endpoint as a list shows it now: the same target, the same group, the same name."""
        return next(
            (
                one
                for one in listed
                if one.identity == target.identity and one.name.casefold() == endpoint.name.casefold()
            ),
            None,
        )

    def _look(self, removal: Removal, before: Endpoint, listed: Sequence[Endpoint]) -> None:
        now = self._same(removal.target, before, listed)
        if now is None:
            self._end(removal, Ended("deleted", endpoint=before))
        elif _has_failed(now) and not _has_failed(before):
            self._end(removal, Ended("failed", self._kept_alive(now, removal.target), now))

    def _still_listed(self, endpoint: Endpoint, target: Target) -> ErrorDetail:
        return ErrorDetail.of(
            WaitTimedOut(
                f"The endpoint {endpoint.name!r} should be deleted, but Azure still listed it when the time ran out.",
                remedy=self._lock_remedy(target),
            )
        )

    def _kept_alive(self, endpoint: Endpoint, target: Target) -> ErrorDetail:
        return ErrorDetail.of(
            ProvisioningFailed(
                f"Azure accepted the deletion of the endpoint {endpoint.name!r} but did not carry it out: the state of "
                f"the endpoint is {endpoint.provisioning_state}.",
                remedy=self._lock_remedy(target),
            )
        )

    def _lock_remedy(self, target: Target) -> str:
        return _LOCK_REMEDY.format(factory=self.spec.factory, target=target.resource_id)

    def _tell_waiting(self, names: Sequence[str]) -> None:
        tell_waiting(
            self.io,
            self.verb,
            f"Waiting for Azure to delete {', '.join(names)}",
            factory=self.spec.factory,
            pending=names,
        )

    def _end(self, removal: Removal, state: Ended) -> None:
        removal.ended = self.io.now()
        removal.state = state
        outcome = self._outcome(removal)
        tell_step(self.io, self.verb, outcome, self.spec.factory)

    def _outcome(self, removal: Removal) -> Outcome:
        target = removal.target
        match removal.state:
            case Listed(endpoint=endpoint):
                ended = Ended("failed", NOT_BEGUN, endpoint)
            case UnderWay(endpoint=endpoint):
                ended = Ended("failed", INTERRUPTED, endpoint)
            case Asked(endpoint=endpoint):
                ended = Ended("failed", _not_seen_to_go(endpoint), endpoint)
            case Ended() as ended:
                pass
            case _:
                assert_never(removal.state)
        return Outcome(
            name=ended.endpoint.name if ended.endpoint else self.spec.name_of(target.group_id),
            group_id=target.group_id,
            resource_id=target.resource_id,
            private_endpoint_id=ended.endpoint.private_endpoint_id if ended.endpoint else None,
            result=ended.result,
            error=ended.error,
            seconds=max(0.0, round((self.io.now() if removal.ended is None else removal.ended) - self.began, 3)),
        )


async def read_account(io: Io, account_id: ArmId) -> Account:
    """The account; if it is gone, an account with the `account` target alone, which is known without reading."""
    try:
        return await reads.read_account(io, account_id)
    except NotFound as gone:
        unreadable = account_json.unreadable_account(account_id, gone)
        warning = ACCOUNT_MISSING_IN_TAKEDOWN.found(name=account_id.name, evidence=(gone.message,))
        return unreadable.model_copy(update={"warnings": (warning,)})


def _not_seen_to_go(endpoint: Endpoint) -> ErrorDetail:
    return ErrorDetail(
        code=INTERRUPTED.code,
        message=f"Azure accepted the deletion of the endpoint {endpoint.name!r}; the run was interrupted before the "
        "endpoint was seen to be gone.",
        remedy=INTERRUPTED.remedy,
    )


def _reserved(endpoint: Endpoint) -> Ended:
    error = ErrorDetail(
        code="conflict",
        message=f"The endpoint {endpoint.name!r} is reserved: it belongs to the Data Factory service itself.",
        remedy="Leave it as it is; Data Factory removes it when it no longer needs it.",
    )
    return Ended("conflict", error, endpoint)


def _has_failed(endpoint: Endpoint) -> bool:
    return states.is_broken(endpoint.provisioning_state, "")
