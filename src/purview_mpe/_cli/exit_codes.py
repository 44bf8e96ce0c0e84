"""The exit codes of the process: one number per kind of ending, for scripts."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from purview_mpe._cli.signals import Ended
from purview_mpe.errors import AccessDenied, InvalidCredential, InvalidSpec, NotApproved, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe._model.checkup import Diagnosis
    from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
    from purview_mpe._model.fleets import FleetReport, FleetStatus
    from purview_mpe._model.proof import Proof
    from purview_mpe._model.results import ErrorDetail, Plan, Report, Status


class Exit(IntEnum):
    """The exit codes, as `purview-mpe --help` and the documentation explain them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DRIFT = 3
    WAITING = 4
    DENIED = 5
    HUNG_UP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143

    @classmethod
    def of_error(cls, error: PurviewMpeError) -> Exit:
        """The exit code of a run that an error has stopped."""
        match error:
            case InvalidSpec() | InvalidCredential():
                return cls.USAGE
            case AccessDenied():
                return cls.DENIED
            case NotApproved():
                return cls.WAITING
            case _:
                return cls.FAILED

    @classmethod
    def of_signal(cls, interrupt: KeyboardInterrupt) -> Exit:
        """The exit code of a run that a signal has stopped: 128 plus the signal's number, as in shells."""
        return cls(128 + interrupt.number) if isinstance(interrupt, Ended) else cls.INTERRUPTED

    @classmethod
    def of_plan(cls, plan: Plan, *, detailed: bool) -> Exit:
        """Done once there is a plan; with --fail-on-changes the code depends on the plan."""
        if not detailed:
            return cls.DONE
        if plan.conflicts:
            return cls.FAILED
        if plan.changes:
            return cls.DRIFT
        return cls.DONE if plan.all_known else cls.DENIED

    @classmethod
    def of_proof(cls, proof: Proof) -> Exit:
        """Whether lineage arrives; a fact that this caller cannot see is not a failure of the pipeline."""
        if proof.proven is None:
            return cls.DENIED
        return cls.DONE if proof.proven else cls.FAILED

    @classmethod
    def of_report(cls, report: Report) -> Exit:
        """Failed if a step failed; denied if a missing role is the only reason; waiting if others have to act.

        If the account cannot be read, its other endpoints are unknown. A missing role is the reason for that, too.
        """
        return cls._of_reports([report])

    @classmethod
    def of_fleet(cls, fleet: FleetReport) -> Exit:
        """As for one factory, over all of them."""
        return cls._of_reports(fleet.reports)

    @classmethod
    def _of_reports(cls, reports: Sequence[Report]) -> Exit:
        failures = [outcome for report in reports for outcome in report.failures]
        codes = {outcome.error.code if outcome.error else outcome.result for outcome in failures}
        if codes:
            return cls.DENIED if codes == {AccessDenied.code} else cls.FAILED
        if not all(report.all_known for report in reports):
            return cls.DENIED
        results = {outcome.result for report in reports for outcome in report.outcomes}
        if "handed-off" in results:
            return cls.WAITING
        if any(result.startswith("would-") for result in results):
            return cls.DONE  # the requested dry run is complete
        return cls.DONE if all(report.complete for report in reports) else cls.WAITING

    @classmethod
    def of_fleet_status(cls, fleet: FleetStatus) -> Exit:
        """As for one factory; the worst of them counts."""
        return cls._worst(
            cls._of_detail(one.error) if one.status is None else cls.of_status(one.status) for one in fleet.factories
        )

    @classmethod
    def of_fleet_plan(cls, fleet: FleetPlan, *, detailed: bool) -> Exit:
        """As for one factory; the worst of them counts."""
        return cls._worst(
            cls._of_detail(one.error) if one.plan is None else cls.of_plan(one.plan, detailed=detailed)
            for one in fleet.factories
        )

    @classmethod
    def of_fleet_check(cls, fleet: FleetCheck) -> Exit:
        """As for one factory; the worst of them counts."""
        return cls._worst(
            cls._of_detail(one.error) if one.check is None else cls.DONE if one.check.ok else cls.FAILED
            for one in fleet.factories
        )

    @classmethod
    def _of_detail(cls, error: ErrorDetail | None) -> Exit:
        return cls.DENIED if error is not None and error.code == AccessDenied.code else cls.FAILED

    @classmethod
    def _worst(cls, codes: Iterable[Exit]) -> Exit:
        found = set(codes)
        return next((code for code in (cls.FAILED, cls.DENIED, cls.WAITING, cls.DRIFT) if code in found), cls.DONE)

    @classmethod
    def of_status(cls, status: Status) -> Exit:
        """Waiting if only time or an approval is missing; denied if the account cannot be read."""
        if status.ready:
            return cls.DONE
        on_the_way = {"ready", "pending", "provisioning"}
        waiting = bool(status.endpoints) and all(endpoint.verdict in on_the_way for endpoint in status.endpoints)
        if waiting and not status.all_known:
            return cls.DENIED
        return cls.WAITING if waiting else cls.FAILED

    @classmethod
    def of_diagnosis(cls, diagnosis: Diagnosis) -> Exit:
        """Denied if this caller finds nothing wrong, but cannot see everything."""
        if diagnosis.ok:
            return cls.DONE
        is_wrong = any(finding.severity == "error" for finding in diagnosis.findings)
        return cls.FAILED if is_wrong else cls.DENIED
