"""What a person has to know beside the picture: findings, conflicts, failures, and endpoints that need somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._display.picture.scene import BROKEN, NOTED, REFUSED, RESULTS, VERDICTS, WARNED
from purview_mpe._display.text.nouns import ADVICE
from purview_mpe._model.arm_id import last_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purview_mpe._display.picture.scene import Mark
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import EndpointStatus, ErrorDetail, Finding, Outcome, Severity, Step, Verdict

_SEVERITIES: Mapping[Severity, Mark] = {"error": BROKEN, "warning": WARNED, "info": NOTED}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know: what kind it is, what it says, what is behind it, and what to do."""

    mark: Mark
    kind: str
    message: str
    more: tuple[str, ...] = ()
    remedy: str = ""
    page: str = ""
    """Where the documentation explains it."""

    @property
    def is_urgent(self) -> bool:
        """Whether it is shown unfolded."""
        return self.mark.tone == "bad"


def of_findings(findings: Iterable[Finding]) -> list[Note]:
    """Findings in the order given."""
    return [
        Note(
            _SEVERITIES[finding.severity],
            finding.severity,
            finding.message,
            tuple(text for text in (finding.cause, *finding.evidence) if text),
            finding.remedy,
            f"docs/findings.md#{finding.code}",
        )
        for finding in findings
    ]


def of_conflicts(steps: Iterable[Step]) -> list[Note]:
    """What keeps a plan from being carried out."""
    return [Note(REFUSED, "conflict", f"{step.name}: {step.reason}", (), step.remedy or "") for step in steps]


def of_outcomes(outcomes: Iterable[Outcome]) -> list[Note]:
    """Outcomes with an error: what failed, and what could not be done by this caller."""
    return [
        Note(
            RESULTS[outcome.result],
            outcome.result,
            f"{outcome.name}: {outcome.error.message}",
            _trail(outcome.error),
            outcome.error.remedy,
            f"docs/errors.md#{outcome.error.code}",
        )
        for outcome in outcomes
        if outcome.error is not None
    ]


def of_endpoints(endpoints: Iterable[EndpointStatus]) -> list[Note]:
    """Endpoints that are not ready; those of one kind stand together."""
    grouped: dict[tuple[Verdict, str], list[str]] = {}
    for endpoint in endpoints:
        if endpoint.verdict != "ready":
            grouped.setdefault((endpoint.verdict, endpoint.reason), []).append(endpoint.name)
    return [
        Note(VERDICTS[verdict], verdict, f"{', '.join(names)}: {reason}", (), ADVICE[verdict])
        for (verdict, reason), names in grouped.items()
    ]


def of_unreadable(factories: Iterable[FactoryStatus]) -> list[Note]:
    """Factories of a fleet whose status cannot be told."""
    return [
        Note(
            BROKEN,
            each.error.code,
            f"{last_segment(each.spec.factory)}: {each.error.message}",
            _trail(each.error),
            each.error.remedy,
            f"docs/errors.md#{each.error.code}",
        )
        for each in factories
        if each.error is not None
    ]


def _trail(error: ErrorDetail) -> tuple[str, ...]:
    known = [
        ("status", error.status),
        ("Azure's code", error.azure_code),
        ("request id", error.request_id),
        ("correlation id", error.correlation_id),
    ]
    told = ", ".join(f"{label} {value}" for label, value in known if value)
    return (told,) if told else ()
