"""Approving for many factories at once, or a dry run of it: from specs, or from requesters' reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from purview_mpe._flows import approve
from purview_mpe._flows.steps import approvals, fleet_reports, shared
from purview_mpe._flows.steps.approvals import Approvals, Case
from purview_mpe._flows.steps.fleet import FleetWork, Member
from purview_mpe._flows.steps.shared_accounts import SharedAccounts
from purview_mpe._flows.steps.shared_rights import SharedRights
from purview_mpe._model.results import Report
from purview_mpe._model.spec import Spec
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.shared_accounts import SharedAccount

Item: TypeAlias = tuple[int, "Spec | Report"]

_QUEUES = {**shared.QUEUES, **approvals.QUEUES}


@dataclass(eq=False)
class _Factory(Member):
    """A factory whose connections are approved."""

    subject: Spec | Report = field(kw_only=True)
    """What the caller gave."""
    case: Case | None = None


class ApprovingFleet(FleetWork[_Factory]):
    """One run over the connections of many factories."""

    verb: ClassVar[str] = "approve_many"

    def __init__(self, io: Io, items: Iterable[Item], *, dry_run: bool, wait: bool) -> None:
        members = [_Factory(index, spec_of(subject), subject=subject) for index, subject in items]
        super().__init__(io, members, _QUEUES)
        self._dry_run, self._wait = dry_run, wait and not dry_run
        self._accounts = SharedAccounts(io, self.schedule)
        self._approvals = Approvals(io, self.schedule)
        self._rights = SharedRights(io, self.schedule)

    def admit(self, member: _Factory) -> None:
        """Find the account, which several factories may share."""
        if isinstance(member.subject, Report) and member.spec.account_id is None and member.subject.account is not None:
            known = approve.account_in(member.subject.account)
            self._accounts.need(known, lambda found: self._begin(member, found))
            return
        self.find_account(
            member,
            lambda account_id: self._accounts.need(account_id, lambda found: self._begin(member, found)),
            lambda failure: self._fail(member, failure),
        )

    def cut_off(self, member: _Factory) -> Report:
        """What was decided so far, and what timed out."""
        if member.case is None:
            return fleet_reports.not_begun(member.spec, approve=True, verb="approve")
        self._approvals.close(member.case)
        member.case.work.end_open(waited=self._wait)
        return member.case.work.report()

    def prepare(self) -> float:
        """Read the lists of connections that are due."""
        return self._approvals.start_lists()

    def _begin(self, member: _Factory, found: SharedAccount | PurviewMpeError) -> None:
        if isinstance(found, PurviewMpeError):
            self._fail(member, found)
            return
        try:
            work = approve.prepared(
                self.io, member.subject, found.account, decision="Approved", dry_run=self._dry_run, verb="approve"
            )
        except PurviewMpeError as failure:
            self._fail(member, failure)
            return
        member.case = Case(work, member.lane, self._wait, lambda: self._decided(member, work))
        self._approvals.open(member.case)

    def _decided(self, member: _Factory, work: Approving) -> None:
        """Report the factory; in a dry run, after reading what the caller is allowed to decide."""
        self._rights.hold(work, lambda: self.finish(member, self.cut_off(member)))

    def _fail(self, member: _Factory, failure: PurviewMpeError) -> None:
        self.finish(member, fleet_reports.failed(member.spec, failure, approve=True, verb="approve"))


def spec_of(subject: Spec | Report) -> Spec:
    """The spec whose connections are approved."""
    return subject if isinstance(subject, Spec) else subject.spec
