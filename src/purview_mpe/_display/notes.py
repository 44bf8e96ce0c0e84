"""The notes beside a picture: findings, conflicts, failures, and endpoints that need a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._display.pages import is_explained
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.words import ACTIONS, FAILED, RESULTS, SEVERITIES, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.fleet_looks import FactoryCheck, FactoryPlan
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import EndpointStatus, ErrorDetail, Finding, Outcome, Step, Verdict
    from purview_mpe._model.words import Mark


@dataclass(frozen=True, slots=True)
class Note:
    """One note: its kind, message, details and remedy."""

    mark: Mark
    kind: str
    message: str
    more: tuple[str, ...] = ()
    remedy: str = ""
    page: str = ""
    """The command that explains its code."""

    @property
    def is_urgent(self) -> bool:
        """Whether to show it unfolded."""
        return self.mark.role == "bad"


def of_findings(findings: Iterable[Finding]) -> list[Note]:
    """Findings in the order given."""
    return [
        Note(
            SEVERITIES[finding.severity].mark,
            SEVERITIES[finding.severity].text,
            finding.message,
            tuple(text for text in (finding.cause, *finding.evidence) if text),
            finding.remedy,
            _page(finding.code),
        )
        for finding in findings
    ]


def of_conflicts(steps: Iterable[Step]) -> list[Note]:
    """The conflicts that prevent a plan."""
    word = ACTIONS["conflict"]
    return [Note(word.mark, word.text, f"{step.name}: {step.reason}", (), step.remedy or "") for step in steps]


def of_outcomes(outcomes: Iterable[Outcome]) -> list[Note]:
    """Outcomes with an error: failures, and steps that this caller cannot do."""
    return [
        Note(
            RESULTS[outcome.result].mark,
            RESULTS[outcome.result].text,
            f"{outcome.name}: {outcome.error.message}",
            _trail(outcome.error),
            outcome.error.remedy,
            _page(outcome.error.code),
        )
        for outcome in outcomes
        if outcome.error is not None
    ]


def of_endpoints(endpoints: Iterable[EndpointStatus]) -> list[Note]:
    """Endpoints that are not ready, grouped by verdict and reason."""
    grouped: dict[tuple[Verdict, str], list[str]] = {}
    for endpoint in endpoints:
        if endpoint.verdict != "ready":
            grouped.setdefault((endpoint.verdict, endpoint.reason), []).append(endpoint.name)
    return [
        Note(
            VERDICTS[verdict].mark,
            VERDICTS[verdict].text,
            f"{', '.join(names)}: {reason}",
            (),
            VERDICTS[verdict].advice,
        )
        for (verdict, reason), names in grouped.items()
    ]


def of_unreadable(factories: Iterable[FactoryStatus | FactoryPlan | FactoryCheck]) -> list[Note]:
    """Factories of a fleet that could not be read."""
    return [
        Note(
            FAILED,
            each.error.code,
            f"{last_segment(each.spec.factory)}: {each.error.message}",
            _trail(each.error),
            each.error.remedy,
            _page(each.error.code),
        )
        for each in factories
        if each.error is not None
    ]


def _page(code: str) -> str:
    return f"purview-mpe explain {code}" if is_explained(code) else ""


def _trail(error: ErrorDetail) -> tuple[str, ...]:
    known = [
        ("status", error.status),
        ("Azure's code", error.azure_code),
        ("request id", error.request_id),
        ("correlation id", error.correlation_id),
    ]
    ids = ", ".join(f"{label} {value}" for label, value in known if value)
    return (ids,) if ids else ()
