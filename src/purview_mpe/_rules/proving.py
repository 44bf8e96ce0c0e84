"""Decides whether the lineage of one run arrived, from what was read of the run and of Purview's catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._model import matrix
from purview_mpe._model.proof import Link, LinkName, LinkState
from purview_mpe._model.results import by_severity
from purview_mpe._rules.diagnosing import reported, runtime_name
from purview_mpe._rules.findings import proof
from purview_mpe._rules.runtimes import IMPLICIT_RUNTIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._model.results import Account, Finding, Severity
    from purview_mpe._model.survey import ActivityRun, Runtime

#: The final statuses of a run (docs); any other status means that it still runs.
ENDED = frozenset({"succeeded", "failed", "cancelled", "canceled"})


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What the catalog holds about one activity."""

    activity: ActivityRun
    is_there: bool | None
    """True if there is an entity of this run; None if the catalog cannot be read."""
    relations: int | None = None
    """How many relations tie the entity to data sets; None if they were not read."""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was read about one run."""

    status: str | None
    """The run's status, as Azure writes it; None if the run cannot be read."""
    activities: tuple[ActivityRun, ...] = ()
    """The activities of the kinds that report lineage."""
    account: Account | None = None
    runtimes: tuple[Runtime, ...] | None = None
    catalog: tuple[Catalogued, ...] = ()
    catalog_hidden: str | None = None
    """Why the catalog cannot be read; None if it can."""
    run_evidence: str = ""


def links(seen: Seen) -> tuple[Link, ...]:
    """The links of the chain, in order. A link behind a broken one is unknown if nothing was read about it."""
    return (_run(seen), _runtime(seen), _reported(seen), _entity(seen), _relations(seen))


def is_proven(chain: Sequence[Link]) -> bool | None:
    """True if the lineage arrived; None if this caller cannot see it.

    The runtime alone decides nothing: lineage that is in Purview has arrived, whatever runtime sent it.
    """
    states = {link.name: link.state for link in chain if link.name != "runtime"}
    if "no" in states.values():
        return False
    return True if states["entity"] == states["relations"] == "yes" else None


def findings(seen: Seen, chain: Sequence[Link]) -> tuple[Finding, ...]:
    """What the links mean and what to do; errors first, then in the order of the links."""
    state = {link.name: link for link in chain}
    return by_severity(
        [
            *_run_findings(seen, state["run"]),
            *_runtime_findings(state["runtime"]),
            *_report_findings(seen, state["reported"]),
            *_catalog_findings(seen, state["entity"], state["relations"]),
        ]
    )


def _link(name: LinkName, state: LinkState, evidence: Sequence[str]) -> Link:
    return Link(name=name, state=state, evidence=tuple(one for one in evidence if one))


def _run(seen: Seen) -> Link:
    said = [seen.run_evidence]
    if seen.status is None:
        return _link("run", "unknown", said)
    if seen.status.casefold() == "succeeded":
        return _link("run", "yes", said)
    return _link("run", "no" if seen.status.casefold() in ENDED else "unknown", said)


def _runtime(seen: Seen) -> Link:
    """`yes` if the support matrix supports lineage from the runtime of every activity."""
    said: list[str] = []
    allowed: list[bool | None] = []
    for activity in seen.activities:
        kind = _kind_of(activity, seen)
        said.append(f"{activity.activity}: {activity.runtime or 'runtime not shown'}")
        if kind is None or seen.account is None or seen.account.firewall is None:
            allowed.append(None)
        else:
            allowed.append(matrix.requirement(seen.account.firewall, kind).supported)
    if False in allowed:
        return _link("runtime", "no", said)
    return _link("runtime", "yes" if allowed and None not in allowed else "unknown", said)


def _kind_of(activity: ActivityRun, seen: Seen) -> matrix.RuntimeKind | None:
    if activity.runtime is None or seen.runtimes is None:
        return None
    name = runtime_name(activity.runtime).casefold()
    listed: dict[str, matrix.RuntimeKind] = {one.name.casefold(): one.kind for one in seen.runtimes}
    if name in listed:
        return listed[name]
    # Every factory has this runtime, but the list does not show it until a client has saved it (recorded).
    return "azure" if name == IMPLICIT_RUNTIME.casefold() else None


def _reported(seen: Seen) -> Link:
    said = [f"{one.activity} ({one.kind}): {one.lineage or 'says nothing about lineage'}" for one in seen.activities]
    kinds = {reported(one) for one in seen.activities}
    if not kinds or kinds & {"unknown", "not-succeeded"}:
        return _link("reported", "unknown", said)
    if kinds & {"failed", "silent"} or "arrived" not in kinds:
        return _link("reported", "no", said)
    return _link("reported", "yes", said)


def _entity(seen: Seen) -> Link:
    said = [one.evidence for one in seen.catalog] or ([seen.catalog_hidden] if seen.catalog_hidden else [])
    there = {one.is_there for one in seen.catalog}
    if not there or None in there:
        return _link("entity", "unknown", said)
    return _link("entity", "yes" if there == {True} else "no", said)


def _relations(seen: Seen) -> Link:
    found = [one for one in seen.catalog if one.is_there]
    said = [f"{one.activity.activity}: {one.relations} relations" for one in found if one.relations is not None]
    counts = [one.relations for one in found]
    if not counts or None in counts:
        return _link("relations", "unknown", said)
    return _link("relations", "yes" if all(counts) else "no", said)


def _run_findings(seen: Seen, link: Link) -> Iterator[Finding]:
    if link.state == "no":
        yield proof.RUN_NOT_SUCCEEDED.found(status=seen.status, evidence=link.evidence)
    elif link.state == "unknown":
        yield (proof.RUN_NOT_ENDED if seen.status else proof.RUN_UNREADABLE).found(evidence=link.evidence)
    elif not seen.activities:
        yield proof.PROOF_WITHOUT_LINEAGE_ACTIVITIES.found()


def _runtime_findings(link: Link) -> Iterator[Finding]:
    if link.state == "no":
        yield proof.PROOF_RAN_OUTSIDE.found(evidence=link.evidence)


def _report_findings(seen: Seen, link: Link) -> Iterator[Finding]:
    if any(reported(one) == "not-reported" for one in seen.activities):
        severity: Severity = "warning" if link.state == "yes" else "error"
        yield proof.PROOF_NOT_REPORTED.found(severity=severity, evidence=link.evidence)
    if any(reported(one) in {"failed", "silent"} for one in seen.activities):
        yield proof.PROOF_FAILED.found(evidence=link.evidence)


def _catalog_findings(seen: Seen, entity: Link, relations: Link) -> Iterator[Finding]:
    if seen.catalog_hidden:
        reason = f"{seen.catalog_hidden[:1].upper()}{seen.catalog_hidden[1:]}".rstrip(".")
        yield proof.CATALOG_UNREADABLE.found(reason=reason)
    if entity.state == "no":
        yield proof.LINEAGE_NOT_IN_CATALOG.found(evidence=entity.evidence)
    if relations.state == "no":
        yield proof.LINEAGE_WITHOUT_RELATIONS.found(evidence=relations.evidence)
    if relations.state == "yes":
        yield proof.LINEAGE_PROVEN.found(evidence=relations.evidence)
