"""Decides whether the lineage of one run arrived, from what was read of the run and of Purview's catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._model import matrix
from purview_mpe._model.proof import Link, LinkName, LinkState
from purview_mpe._model.results import by_severity
from purview_mpe._rules.diagnosing import reported, runtime_name
from purview_mpe._rules.findings import proof
from purview_mpe._rules.findings.account import ACCOUNT_HIDDEN, ACCOUNT_UNREADABLE
from purview_mpe._rules.reach import account_unreadable, out_of_reach
from purview_mpe._rules.runtimes import IMPLICIT_RUNTIME
from purview_mpe.errors import AccessDenied, AzureUnavailable, NoAnswer, Throttled, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from purview_mpe._model.results import Account, Finding, Firewall
    from purview_mpe._model.survey import ActivityRun, Entity, Runtime
    from purview_mpe._rules.findings.kind import Kind
    from purview_mpe.errors import PurviewMpeError

#: The final statuses of a run (docs); any other status means that it still runs.
ENDED = frozenset({"succeeded", "failed", "cancelled", "canceled"})
#: The final statuses of an activity that has no lineage to report, because it did not succeed (docs: monitoring).
_NOTHING_TO_REPORT = frozenset({"failed", "cancelled", "canceled", "timedout", "skipped", "inactive"})
_AGAIN = "Repeat the proof for this run (run_id)."
_PASSING = (AzureUnavailable, NoAnswer, Throttled)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why something cannot be read."""

    reason: str
    remedy: str
    is_lasting: bool = True
    """True if another read would fail in the same way."""


OUT_OF_TIME = Hidden("the time ran out before the catalog answered", _AGAIN, is_lasting=False)


def run_hidden(error: PurviewMpeError) -> Hidden:
    """Why the run, or its activities, cannot be read."""
    if isinstance(error, (*_PASSING, WaitTimedOut)):
        return Hidden(error.message, _AGAIN, is_lasting=isinstance(error, WaitTimedOut))
    if error.status == 404:
        return Hidden(error.message, "Check the id of the run, and that it is a run of this factory.")
    return Hidden(error.message, error.remedy)


def catalog_hidden(account: Account, error: PurviewMpeError, *, is_inside: bool) -> Hidden:
    """Why the catalog cannot be read. `is_inside`: it has answered this caller before, so the network is open."""
    reach = out_of_reach(account, error)
    is_refused = isinstance(error, AccessDenied) and error.status is not None
    if (reach and reach.kind == "not-collection-admin") or (is_refused and (is_inside or error.status == 401)):
        return Hidden(
            "this caller does not hold the role Data Reader on the root collection",
            "Ask a collection administrator of the root collection for the role Data Reader, then repeat the proof for "
            "this run (run_id).",
        )
    if reach and reach.kind == "outside-the-network" and not is_inside:
        return Hidden(reach.reason, "Run this inside the account's network, with run_id and the role Data Reader.")
    if isinstance(error, (*_PASSING, WaitTimedOut)):
        return Hidden(error.message, _AGAIN, is_lasting=False)
    return Hidden(error.message, error.remedy)


def address_hidden(account: Account) -> Hidden:
    """Why the address of the account's data plane is not known."""
    if {one.code for one in account.warnings} & {ACCOUNT_UNREADABLE.code, ACCOUNT_HIDDEN.code}:
        return Hidden(
            account_unreadable().reason,
            "Ask for the role Reader on the Purview account, then repeat the proof for this run (run_id).",
        )
    return Hidden("the account does not show the address of its data plane", "Look for the lineage in Purview itself.")


@dataclass(frozen=True, slots=True)
class Catalogued:
    """What the catalog holds about one activity."""

    activity: ActivityRun
    is_there: bool | None
    """True if there is an entity of this run; None if that is not known."""
    relations: int | None = None
    """How many relations tie the entity to data sets; None if they were not read."""
    evidence: str = ""
    hidden: Hidden | None = None
    """Why the entity, or its relations, cannot be read."""


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
    run_hidden: Hidden | None = None
    activities_hidden: Hidden | None = None
    connection: Finding | None = None
    """Why no lineage of the factory can reach the account."""
    is_started: bool = True
    """False if no run was started because of the connection."""
    run_evidence: str = ""


def unknown(activity: ActivityRun, hidden: Hidden) -> Catalogued:
    """An activity whose entity cannot be read."""
    return Catalogued(activity, None, evidence=f"{activity.activity}: {hidden.reason}", hidden=hidden)


def catalogued(activity: ActivityRun, entity: Entity | None, started: datetime | None) -> Catalogued:
    """What an entity, or its absence, says about this run; its relations have not been read yet."""
    if entity is None:
        return Catalogued(activity, False, evidence=f"{activity.activity}: not in the catalog")
    if entity.last_run is None or started is None:
        subject = "entity" if entity.last_run is None else "run"
        reason = f"the {subject} does not show its time, so the entity can be of an earlier run"
        return unknown(activity, Hidden(reason, "Look for the activity in Purview itself.", is_lasting=False))
    if entity.last_run < started.timestamp():
        return Catalogued(activity, False, evidence=f"{activity.activity}: in the catalog from an earlier run only")
    return Catalogued(activity, True, evidence=f"{activity.activity}: entity {entity.guid}")


def links(seen: Seen) -> tuple[Link, ...]:
    """The links of the chain, in order. A link behind a broken one is unknown if nothing was read about it."""
    return (_run(seen), _runtime(seen), _reported(seen), _entity(seen), _relations(seen))


def is_proven(chain: Sequence[Link]) -> bool | None:
    """True if every link is yes, False if one is no; None if this caller cannot see it."""
    states = {link.state for link in chain}
    if "no" in states:
        return False
    return None if "unknown" in states else True


def findings(seen: Seen, chain: Sequence[Link]) -> tuple[Finding, ...]:
    """What the links mean and what to do; errors first, then in the order of the links."""
    state = {link.name: link for link in chain}
    found = [
        *_connection_findings(seen, is_proven(chain)),
        *_run_findings(seen, state["run"]),
        *_runtime_findings(seen, state["runtime"]),
        *_report_findings(seen, state["reported"]),
        *_catalog_findings(seen, state["entity"], state["relations"]),
    ]
    if is_proven(chain):
        found.append(proof.LINEAGE_PROVEN.found(evidence=state["relations"].evidence))
    return by_severity(found)


def is_to_look_up(activity: ActivityRun) -> bool:
    """True if the catalog can hold the activity: it reported lineage, or with a status that is not documented."""
    return reported(activity) in {"arrived", "unknown"}


def _link(name: LinkName, state: LinkState, evidence: Sequence[str]) -> Link:
    return Link(name=name, state=state, evidence=tuple(one for one in evidence if one))


def _run(seen: Seen) -> Link:
    said = [seen.run_evidence]
    if seen.status is None:
        return _link("run", "unknown", said)
    if seen.status.casefold() == "succeeded":
        return _link("run", "yes", said)
    return _link("run", "no" if seen.status.casefold() in ENDED else "unknown", said)


def _due(seen: Seen) -> tuple[ActivityRun, ...]:
    """The activities that should report lineage: all except those that ended without success."""
    return tuple(one for one in seen.activities if one.status.casefold() not in _NOTHING_TO_REPORT)


def _runtime(seen: Seen) -> Link:
    """`yes` if the support matrix supports lineage from the runtime of every activity."""
    said: list[str] = []
    allowed: list[bool | None] = []
    for activity in _due(seen):
        said.append(f"{activity.activity}: {activity.runtime or 'runtime not shown'}")
        allowed.append(_is_supported(seen.account.firewall if seen.account else None, _kind_of(activity, seen)))
    if False in allowed:
        return _link("runtime", "no", said)
    return _link("runtime", "yes" if allowed and None not in allowed else "unknown", said)


def _is_supported(firewall: Firewall | None, kind: matrix.RuntimeKind | None) -> bool | None:
    """What the matrix says; what is not known does not matter where all its values lead to the same answer."""
    settings = (firewall,) if firewall else matrix.FIREWALLS
    kinds = (kind,) if kind else matrix.KINDS
    answers = {matrix.requirement(setting, runtime).supported for setting in settings for runtime in kinds}
    return answers.pop() if len(answers) == 1 else None


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
    if not seen.is_started:
        return _link("reported", "no", [seen.connection.message] if seen.connection else [])
    states = {_is_reported(one, seen) for one in _due(seen)}
    if False in states:
        return _link("reported", "no", said)
    return _link("reported", "yes" if states == {True} else "unknown", said)


def _is_reported(activity: ActivityRun, seen: Seen) -> bool | None:
    """Whether the activity reported its lineage; with a status that is not documented, the catalog shows it."""
    said = reported(activity)
    if said == "unknown":
        return True if any(one.is_there and one.activity == activity for one in seen.catalog) else None
    return None if said == "not-succeeded" else said == "arrived"


def _entity(seen: Seen) -> Link:
    there = {one.is_there for one in seen.catalog}
    state: LinkState = "no" if False in there else "yes" if there == {True} else "unknown"
    return _link("entity", state, [one.evidence for one in seen.catalog])


def _relations(seen: Seen) -> Link:
    counts = [one.relations if one.is_there else None for one in seen.catalog]
    said = [f"{one.activity.activity}: {one.relations} relations" for one in seen.catalog if one.relations is not None]
    state: LinkState = "no" if 0 in counts else "yes" if counts and None not in counts else "unknown"
    return _link("relations", state, said)


def _connection_findings(seen: Seen, proven: bool | None) -> Iterator[Finding]:
    if seen.connection:
        # A run of a time when the factory was connected can be in the catalog.
        yield seen.connection.model_copy(update={"severity": "warning"}) if proven else seen.connection


def _run_findings(seen: Seen, link: Link) -> Iterator[Finding]:
    if link.state == "no":
        yield proof.RUN_NOT_SUCCEEDED.found(status=seen.status, evidence=link.evidence)
    elif seen.run_hidden:
        yield _unreadable(proof.RUN_UNREADABLE, seen.run_hidden, link.evidence)
    elif link.state == "unknown" and seen.is_started:
        yield proof.RUN_NOT_ENDED.found(evidence=link.evidence)
    elif seen.activities_hidden:
        yield _unreadable(proof.ACTIVITIES_UNREADABLE, seen.activities_hidden)
    elif not seen.activities and seen.is_started:
        yield proof.PROOF_WITHOUT_LINEAGE_ACTIVITIES.found()


def _runtime_findings(seen: Seen, link: Link) -> Iterator[Finding]:
    if link.state == "no":
        yield proof.PROOF_RAN_OUTSIDE.found(evidence=link.evidence)
    elif link.state == "unknown" and _due(seen):
        yield proof.RUNTIME_UNKNOWN.found(evidence=link.evidence)


def _report_findings(seen: Seen, link: Link) -> Iterator[Finding]:
    said = {reported(one) for one in _due(seen)}
    if "not-reported" in said:
        yield proof.PROOF_NOT_REPORTED.found(severity="error", evidence=link.evidence)
    if "failed" in said:
        yield proof.PROOF_FAILED.found(evidence=link.evidence)
    if "silent" in said:
        yield proof.PROOF_SILENT.found(evidence=link.evidence)
    if "unknown" in said:
        yield proof.PROOF_STATUS_UNKNOWN.found(evidence=link.evidence)
    if idle := [f"{one.activity}: {one.status}" for one in seen.activities if reported(one) == "not-succeeded"]:
        yield proof.PROOF_NOT_ALL_SUCCEEDED.found(evidence=idle)


def _catalog_findings(seen: Seen, entity: Link, relations: Link) -> Iterator[Finding]:
    hidden = [one.hidden for one in seen.catalog if one.hidden]
    if hidden:
        yield _unreadable(proof.CATALOG_UNREADABLE, hidden[0])
    if entity.state == "no":
        yield proof.LINEAGE_NOT_IN_CATALOG.found(evidence=entity.evidence)
    if relations.state == "no":
        yield proof.LINEAGE_WITHOUT_RELATIONS.found(evidence=relations.evidence)


def _unreadable(kind: Kind, hidden: Hidden, evidence: Sequence[str] = ()) -> Finding:
    reason = f"{hidden.reason[:1].upper()}{hidden.reason[1:]}".rstrip(".")
    return kind.found(reason=reason, remedy=hidden.remedy, evidence=evidence)
