"""What the process ends with: one number per kind of ending, for scripts."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from purview_mpe._cli.signals import Ended
from purview_mpe.errors import AccessDenied, InvalidCredential, InvalidSpec, NotApproved, PurviewMpeError

if TYPE_CHECKING:
    from purview_mpe._model.checkup import Diagnosis
    from purview_mpe._model.proof import Proof
    from purview_mpe._model.results import Plan, Report, Status


class Exit(IntEnum):
    """The exit codes; `purview-mpe --help` and the documentation explain them in these words."""

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
        """How a run ends that an error has stopped."""
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
        """How a run ends that a signal has stopped: 128 and the signal's number, as shells count."""
        return cls(128 + interrupt.number) if isinstance(interrupt, Ended) else cls.INTERRUPTED

    @classmethod
    def of_plan(cls, plan: Plan, *, detailed: bool) -> Exit:
        """A plan was made, which is all that was asked, unless the details are asked for."""
        if not detailed:
            return cls.DONE
        if plan.conflicts:
            return cls.FAILED
        if plan.changes:
            return cls.DRIFT
        return cls.DONE if plan.all_known else cls.DENIED

    @classmethod
    def of_proof(cls, proof: Proof) -> Exit:
        """Whether lineage arrives; what cannot be seen from here is not a failure of the pipeline."""
        if proof.proven is None:
            return cls.DENIED
        return cls.DONE if proof.proven else cls.FAILED

    @classmethod
    def of_report(cls, report: Report) -> Exit:
        """Failed if any step did; denied if the lack of a role is the only reason; waiting if others have to act.

        Where the account cannot be read its other endpoints are unknown, which a role mends as well.
        """
        codes = {outcome.error.code if outcome.error else outcome.result for outcome in report.failures}
        if codes == {AccessDenied.code}:
            return cls.DENIED
        if codes:
            return cls.FAILED
        if not report.all_known:
            return cls.DENIED
        if any(outcome.result == "handed-off" for outcome in report.outcomes):
            return cls.WAITING
        if any(outcome.result.startswith("would-") for outcome in report.outcomes):
            return cls.DONE  # a dry run was asked for, and was done
        return cls.DONE if report.complete else cls.WAITING

    @classmethod
    def of_status(cls, status: Status) -> Exit:
        """Waiting while time or an approval is all that is missing; denied if the account cannot be read."""
        if status.ready:
            return cls.DONE
        on_the_way = {"ready", "pending", "provisioning"}
        waiting = bool(status.endpoints) and all(endpoint.verdict in on_the_way for endpoint in status.endpoints)
        if waiting and not status.all_known:
            return cls.DENIED
        return cls.WAITING if waiting else cls.FAILED

    @classmethod
    def of_diagnosis(cls, diagnosis: Diagnosis) -> Exit:
        """Denied if nothing is wrong as far as this caller can see, and that is not everything."""
        if diagnosis.ok:
            return cls.DONE
        is_wrong = any(finding.severity == "error" for finding in diagnosis.findings)
        return cls.FAILED if is_wrong else cls.DENIED
