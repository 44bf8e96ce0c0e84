"""How a result ended: one mark and a few words, for every place that shows it in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.words import ACTIONS, DONE, FAILED, IN_THE_WAY, NEW, SAME, VERDICTS, WAITING, WARNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.checkup import Check, Diagnosis
    from purview_mpe._model.results import Plan, Report, Status
    from purview_mpe._model.words import Mark


#: Words of counts as they stand in a sentence: "4 to create", "2 not ok".
_IN_WORDS: Mapping[str, str] = {**{action: word.text for action, word in ACTIONS.items()}, "not-ok": "not ok"}


def counted(counts: Mapping[str, int]) -> str:
    """The counts of a fleet's plan or check in words; empty if there are none."""
    return ", ".join(f"{count} {_IN_WORDS.get(kind, kind)}" for kind, count in counts.items())


def of_plan(plan: Plan) -> Mark:
    """The mark of a conflict if the plan cannot be applied, of a new thing if it would write."""
    return IN_THE_WAY if plan.conflicts else NEW if plan.changes else SAME


def of_report(report: Report) -> tuple[Mark, str]:
    """Mark and words; a report that still waits for the targets' owners is not done."""
    if report.failures:
        return FAILED, f"{len(report.failures)} of {len(report.outcomes)} failed"
    if not report.complete:
        return WAITING, "not complete"
    return (WAITING, "complete, to be approved") if report.hand_off else (DONE, "complete")


def of_status(status: Status) -> Mark:
    """Failed if an endpoint needs a person, waiting if it needs time or an approval."""
    if status.ready:
        return DONE
    broken = any(VERDICTS[endpoint.verdict].mark.role == "bad" for endpoint in status.endpoints)
    return FAILED if broken or not status.endpoints else WAITING


def of_check(check: Check) -> Mark:
    """The mark of a conflict if a finding is an error."""
    if not check.ok:
        return IN_THE_WAY
    return WARNED if any(one.severity == "warning" for one in check.findings) else DONE


def of_diagnosis(diagnosis: Diagnosis) -> Mark:
    """Failed if a finding is an error."""
    return DONE if diagnosis.ok else FAILED
