"""Approving (or dry-running it) for many factories at once: from specs, or from requesters' reports."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe._flows import approve
from purview_mpe._flows.steps import fleet_reports as fleet_outcomes
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.fleet_approval import Approvals
from purview_mpe._flows.steps.foreseen import hold_against_rights
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._model.events import Event
from purview_mpe._model.results import Account, Report
from purview_mpe._model.spec import Spec
from purview_mpe._rules.lanes import Backlog
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId

Item: TypeAlias = tuple[int, "Spec | Report"]

#: Factories per second that are looked at while their connections are waited for: a list each.
_LOOKS_PER_SECOND = 10.0


def spec_of(subject: Spec | Report) -> Spec:
    """The spec that is approved."""
    return subject if isinstance(subject, Spec) else subject.spec


@dataclass
class ApprovingFleet:
    """One run over the connections of many factories; the deadline of the `Io` is for all of them together."""

    io: Io
    items: Iterable[Item]
    dry_run: bool
    wait: bool
    began: float = field(init=False)
    _open: list[tuple[int, Approving]] = field(init=False, default_factory=list[tuple[int, "Approving"]])
    _new: deque[tuple[int, Approving]] = field(init=False, default_factory=deque[tuple[int, "Approving"]])
    _done: deque[tuple[int, Report]] = field(init=False, default_factory=deque[tuple[int, Report]])
    _not_signed_in: PurviewMpeError | None = field(init=False, default=None)
    _next: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.backlog = Backlog(self.items, lambda item: spec_of(item[1]).factory_id.subscription.casefold())
        self._approvals = Approvals(self.io)

    @property
    def is_over(self) -> bool:
        """Whether every factory has its report."""
        return not (self.backlog or self._open or self._done)

    async def round(self) -> list[tuple[int, Report]]:
        """One look at everything that is open; the reports of the factories that it finished."""
        if self.backlog:
            await self.io.gather([self._prepare() for _ in range(min(self.io.at_once, len(self.backlog)))])
        elif (pause := min(self._next - self.io.now(), remaining(self.io))) > 0:
            self._tell_waiting()
            await self.io.sleep(pause)
        self._open.extend(sorted(self._new, key=lambda numbered: numbered[0]))
        self._new.clear()
        works = [work for _, work in self._open]
        await self._approvals.round(works)
        if self.dry_run:
            await hold_against_rights(self.io, works)
        return self._results()

    async def _prepare(self) -> None:
        while (item := self.backlog.take()) is not None:
            index, subject = item
            try:
                if self._not_signed_in is not None:
                    raise self._not_signed_in
                account = await self._account(item)
                if account is not None:
                    work = approve.prepared(
                        self.io, subject, account, decision="Approved", dry_run=self.dry_run, verb="approve"
                    )
                    self._new.append((index, work))
            except PurviewMpeError as error:
                if error.code == "access-denied" and error.status != 403:
                    self._not_signed_in = error
                self._done.append((index, fleet_outcomes.failed(spec_of(subject), error, approve=True, verb="approve")))

    async def _account(self, item: Item) -> Account | None:
        account_id = await approve.account_id_of(self.io, item[1])
        account = self.backlog.account(account_id.key, item)
        if isinstance(account, PurviewMpeError):
            raise account
        if account == "come back":
            return None
        return await self._read(account_id) if account == "read it" else account

    async def _read(self, account_id: ArmId) -> Account:
        try:
            account = await reads.read_account(self.io, account_id)
        except PurviewMpeError as error:
            self.backlog.found(account_id.key, error, is_final=not isinstance(error, PASSING))
            raise
        self.backlog.found(account_id.key, account)
        return account

    def _results(self) -> list[tuple[int, Report]]:
        waits = self.wait and not self.dry_run
        is_last = not waits or remaining(self.io) <= 0
        still_open: list[tuple[int, Approving]] = []
        for index, work in self._open:
            if is_last:
                work.end_open(waited=waits)
            if work.is_over:
                self._done.append((index, work.report()))
            else:
                still_open.append((index, work))
        self._open = still_open
        now = self.io.now()
        self._next = now + max(poll_interval(now - self.began), len(still_open) / _LOOKS_PER_SECOND)
        results = list(self._done)
        self._done.clear()
        return results

    def _tell_waiting(self) -> None:
        self.io.tell(
            Event(
                kind="waiting",
                verb="approve_many",
                seconds=self.io.now() - self.began,
                message=f"{len(self._open)} factories wait for their connections",
            )
        )
