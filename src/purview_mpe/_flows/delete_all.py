"""Removing the endpoints of one spec, and proving that they are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.waiting import poll_interval, when_free
from purview_mpe._model import states
from purview_mpe._model.events import Event
from purview_mpe._model.results import INTERRUPTED, Account, ErrorDetail, Finding, Outcome, Report, Result, Target
from purview_mpe._rules.planning import needed_targets
from purview_mpe._wire import account as account_json
from purview_mpe._wire.errors import Attempt, is_busy
from purview_mpe.errors import NotFound, ProvisioningFailed, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Endpoint
    from purview_mpe._model.spec import Spec

_ROLE = "Data Factory Contributor"
_LOCK_REMEDY = (
    "Look for a resource lock on the factory, on the target or on the resource group of either "
    "(az lock list --resource {factory}; az lock list --resource {target}): Azure answers 200 to the deletion even "
    "where a lock makes it fail. Remove the lock, then repeat the call."
)


async def delete_all(io: Io, spec: Spec, *, dry_run: bool) -> Report:
    """Delete what serves this spec, and nothing else; done when Azure no longer lists it.

    Raises:
        UnsupportedSetup, NotFound, AccessDenied: before the first write.
    """
    account_id = spec.account_id or await reads.connected_account(io, spec)
    account, endpoints = await reads.both(io, _read_account(io, account_id), reads.list_endpoints_alone(io, spec))
    work = Takedown(io, spec, account, needed_targets(spec, account), endpoints)
    io.so_far = work.report
    work.settle()
    if dry_run:
        work.foretell()
    else:
        await work.delete()
        await work.wait_until_gone()
    return work.report()


@dataclass
class _Removal:
    """How far the removal for one target has come; `endpoint` is None where there is none."""

    target: Target
    endpoint: Endpoint | None
    began: float
    ended: float | None = None
    asked: bool = False
    result: Result | None = None
    error: ErrorDetail | None = None


@dataclass
class Takedown:
    """One run; knows at any moment what became of each endpoint."""

    io: Io
    spec: Spec
    account: Account
    targets: Sequence[Target]
    endpoints: Sequence[Endpoint]
    began: float = field(init=False)
    removals: list[_Removal] = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.removals = []
        for target in self.targets:
            found: list[Endpoint | None] = [one for one in self.endpoints if one.identity == target.identity]
            # Azure allows one per identity; should it ever list more, each is removed and reported.
            self.removals.extend(_Removal(target, endpoint, self.began) for endpoint in found or [None])

    def settle(self) -> None:
        """Decide what needs no deletion, or may have none."""
        for removal in self.removals:
            if removal.endpoint is None:
                self._end(removal, "absent")
            elif removal.endpoint.reserved:
                self._end(removal, "conflict", _reserved(removal.endpoint))

    def foretell(self) -> None:
        """Say of the rest that it would be deleted."""
        for removal in self._open():
            self._end(removal, "would-delete")

    async def delete(self) -> None:
        """Ask for all deletions at once."""
        await self.io.gather([self._ask(one, one.endpoint) for one in self._open() if one.endpoint is not None])

    async def wait_until_gone(self) -> None:
        """One list per round for all of them together."""
        began = self.io.now()
        while waiting := self._open():
            self._tell_waiting(waiting)
            await self.io.sleep(poll_interval(self.io.now() - began))
            try:
                listed = await reads.list_endpoints(self.io, self.spec)
            except WaitTimedOut:  # no request leaves after the deadline
                self._time_out(waiting)
                return
            except PurviewMpeError as error:
                for removal in waiting:
                    self._end(removal, "failed", ErrorDetail.of(error))
                return
            for removal in waiting:
                self._look(removal, listed)

    def report(self) -> Report:
        """What became of each target's endpoint, in the account's order; what is not over yet is said to be so."""
        return Report(
            verb="delete_all",
            spec=self.spec,
            account=self.account,
            outcomes=tuple(self._outcome(removal) for removal in self.removals),
            warnings=self.account.warnings,
        )

    def _open(self) -> list[_Removal]:
        return [removal for removal in self.removals if removal.result is None]

    async def _ask(self, removal: _Removal, endpoint: Endpoint) -> None:
        if states.is_deleting(endpoint.provisioning_state):
            return  # somebody has asked already
        factory = self.spec.factory_id
        attempt = Attempt(f"delete the endpoint {endpoint.name!r}", self.spec.factory, _ROLE)

        async def delete() -> None:
            await self.io.call(
                attempt,
                lambda az: az.datafactory(factory).managed_private_endpoints.delete(
                    factory.resource_group, factory.name, self.spec.managed_virtual_network, endpoint.name
                ),
            )

        try:
            await when_free(self.io, delete, is_busy=is_busy)
        except PurviewMpeError as failure:
            # A lost answer, or 404 because somebody else was faster: the list will tell.
            removal.error = ErrorDetail.of(failure)
            if failure.status is not None and 400 <= failure.status < 500 and failure.status not in {404, 408}:
                self._end(removal, "failed", removal.error)
            elif isinstance(failure, WaitTimedOut):
                self._end(removal, "timed-out", removal.error)
            return
        removal.asked = True

    def _look(self, removal: _Removal, listed: Sequence[Endpoint]) -> None:
        before = removal.endpoint
        now = next(
            (
                one
                for one in listed
                if one.identity == removal.target.identity
                and before is not None
                and one.name.casefold() == before.name.casefold()
            ),
            None,
        )
        if now is None or before is None:
            self._end(removal, "deleted")
        elif removal.error is not None and not states.is_deleting(now.provisioning_state):
            self._end(removal, "failed", removal.error)  # the request did not arrive
        elif removal.asked and _has_failed(now) and not _has_failed(before):
            self._end(removal, "failed", ErrorDetail.of(self._kept_alive(now, removal.target)))

    def _time_out(self, waiting: Sequence[_Removal]) -> None:
        for removal in waiting:
            name = removal.endpoint.name if removal.endpoint else ""
            self._end(
                removal,
                "timed-out",
                ErrorDetail.of(
                    WaitTimedOut(
                        f"The endpoint {name!r} was to be deleted, and Azure still listed it when the time given ran "
                        "out.",
                        remedy=self._lock_remedy(removal.target),
                    )
                ),
            )

    def _lock_remedy(self, target: Target) -> str:
        return _LOCK_REMEDY.format(factory=self.spec.factory, target=target.resource_id)

    def _kept_alive(self, endpoint: Endpoint, target: Target) -> ProvisioningFailed:
        return ProvisioningFailed(
            f"Azure accepted the deletion of the endpoint {endpoint.name!r} and did not carry it out: its state is "
            f"{endpoint.provisioning_state}.",
            remedy=self._lock_remedy(target),
        )

    def _tell_waiting(self, waiting: Sequence[_Removal]) -> None:
        names = tuple(removal.endpoint.name for removal in waiting if removal.endpoint)
        self.io.tell(
            Event(
                kind="waiting",
                verb="delete_all",
                seconds=self.io.now() - self.began,
                message=f"Waiting until {', '.join(names)} is gone",
                factory=self.spec.factory,
                pending=names,
            )
        )

    def _end(self, removal: _Removal, result: Result, error: ErrorDetail | None = None) -> None:
        removal.result, removal.error, removal.ended = result, error, self.io.now()
        outcome = self._outcome(removal)
        self.io.tell(
            Event(
                kind="step",
                verb="delete_all",
                seconds=self.io.now() - self.began,
                message=f"{outcome.name}: {outcome.result}",
                factory=self.spec.factory,
                outcome=outcome,
            )
        )

    def _outcome(self, removal: _Removal) -> Outcome:
        target, endpoint = removal.target, removal.endpoint
        return Outcome(
            name=endpoint.name if endpoint else self.spec.name_of(target.group_id),
            group_id=target.group_id,
            resource_id=target.resource_id,
            private_endpoint_id=endpoint.private_endpoint_id if endpoint else None,
            result=removal.result or "failed",
            error=removal.error if removal.result else INTERRUPTED,
            seconds=round((self.io.now() if removal.ended is None else removal.ended) - removal.began, 3),
        )


async def _read_account(io: Io, account_id: ArmId) -> Account:
    """The account; one that is gone leaves its own endpoint behind, which is known without it."""
    try:
        return await reads.read_account(io, account_id)
    except NotFound as gone:
        unreadable = account_json.unreadable_account(account_id, gone.message)
        warning = Finding(
            code="account-missing",
            severity="warning",
            message=f"Only the account endpoint can be deleted: the account {account_id.name!r} does not exist, so "
            "its other targets are unknown.",
            evidence=(gone.message,),
            remedy="Check the id; for an account that was deleted, client.orphans(account) lists what is left over.",
        )
        return unreadable.model_copy(update={"warnings": (warning,)})


def _reserved(endpoint: Endpoint) -> ErrorDetail:
    return ErrorDetail(
        code="conflict",
        message=f"The endpoint {endpoint.name!r} is reserved: it belongs to the Data Factory service itself.",
        remedy="Leave it alone; Data Factory removes it when it needs it no more.",
    )


def _has_failed(endpoint: Endpoint) -> bool:
    return states.is_broken(endpoint.provisioning_state, "")
