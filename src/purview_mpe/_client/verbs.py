"""Every verb, once for both clients: what is checked before anything is sent, and which flow runs.

A client's verb passes its arguments to the function of the same name here, and runs what that returns. A new verb is
one function here and one method in each client, because editors and type checkers read the methods.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe import _flows, _model
from purview_mpe._client.arguments import (
    checked_flags,
    checked_limit,
    checked_network,
    checked_plan_or_spec,
    checked_run,
    checked_since,
    checked_spec,
    checked_spec_or_report,
    checked_timeout,
    earlier_report,
)
from purview_mpe._client.calls import Call, FleetLook, FleetRun, Watching
from purview_mpe._client.files import fleet_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.checkup import Check, Diagnosis, Orphans
    from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
    from purview_mpe._model.fleets import FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.proof import Proof
    from purview_mpe._model.results import Account, Plan, Report, Status, Subject, Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.states import Decision

#: Seconds for a verb that takes no `timeout`: far more than it takes to read one factory and account, including all
#: retries and the waits that Azure asks for.
LOOKING = 900.0
#: Seconds for a verb that searches whole subscriptions.
SEARCHING = 3600.0
_OPTIONS = ("approve", "grant", "become_admin", "replace")


def discover(account: str | ArmId) -> Call[Account]:
    return Call("discover", lambda io: _flows.discover.discover(io, account), timeout=LOOKING)


def plan(spec: Spec) -> Call[Plan]:
    checked_spec(spec)
    return Call("plan", lambda io: _flows.plan.plan(io, spec), timeout=LOOKING)


def apply(plan_or_spec: Plan | Spec, *, wait: bool, timeout: float) -> Call[Report]:
    checked_plan_or_spec(plan_or_spec)
    checked_flags(wait=wait)
    return Call(
        "apply", lambda io: _flows.create_all.apply(io, plan_or_spec, wait=wait), timeout=checked_timeout(timeout)
    )


def create_all(spec: Spec, *, approve: bool, wait: bool, timeout: float) -> Call[Report]:
    checked_spec(spec)
    checked_flags(approve=approve, wait=wait)
    return Call(
        "create_all",
        lambda io: _flows.create_all.create_all(io, spec, approve=approve, wait=wait),
        timeout=checked_timeout(timeout),
    )


def approve(subject: Spec | Report, *, dry_run: bool, wait: bool, timeout: float) -> Call[Report]:
    return _decide("approve", "Approved", subject, dry_run=dry_run, wait=wait, timeout=timeout)


def reject(subject: Spec | Report, *, dry_run: bool, wait: bool, timeout: float) -> Call[Report]:
    return _decide("reject", "Rejected", subject, dry_run=dry_run, wait=wait, timeout=timeout)


def _decide(
    verb: Verb, decision: Decision, subject: Spec | Report, *, dry_run: bool, wait: bool, timeout: float
) -> Call[Report]:
    checked_spec_or_report(subject)
    checked_flags(dry_run=dry_run, wait=wait)
    return Call(
        verb,
        lambda io: _flows.approve.approve(io, subject, decision=decision, dry_run=dry_run, wait=wait, verb=verb),
        timeout=checked_timeout(timeout),
    )


def status(spec: Spec) -> Call[Status]:
    checked_spec(spec)
    return Call("status", lambda io: _flows.status.status(io, spec), timeout=LOOKING)


def watch(spec: Spec, *, every: float, timeout: float | None) -> Watching[Status]:
    checked_spec(spec)
    seconds = checked_timeout(every, "every")
    return Watching("watch", lambda io: _flows.status.Watch(io, spec, seconds), timeout=checked_limit(timeout))


def check(spec: Spec) -> Call[Check]:
    checked_spec(spec)
    return Call("check", lambda io: _flows.check.check(io, spec), timeout=LOOKING)


def connect(spec: Spec, *, replace: bool, identity: bool) -> Call[Report]:
    checked_spec(spec)
    checked_flags(replace=replace, identity=identity)
    return Call(
        "connect", lambda io: _flows.connect.connect(io, spec, replace=replace, identity=identity), timeout=LOOKING
    )


def disconnect(spec: Spec) -> Call[Report]:
    checked_spec(spec)
    return Call("disconnect", lambda io: _flows.connect.disconnect(io, spec), timeout=LOOKING)


def grant(spec: Spec, *, become_admin: bool, dry_run: bool, timeout: float) -> Call[Report]:
    checked_spec(spec)
    checked_flags(become_admin=become_admin, dry_run=dry_run)
    return Call(
        "grant",
        lambda io: _flows.grant.grant(io, spec, become_admin=become_admin, dry_run=dry_run),
        timeout=checked_timeout(timeout),
    )


def revoke(spec: Spec, *, dry_run: bool, timeout: float) -> Call[Report]:
    checked_spec(spec)
    checked_flags(dry_run=dry_run)
    return Call("revoke", lambda io: _flows.grant.revoke(io, spec, dry_run=dry_run), timeout=checked_timeout(timeout))


def prove(
    spec: Spec,
    *,
    pipeline: str | None,
    run_id: str | None,
    parameters: Mapping[str, Any] | None,
    timeout: float,
) -> Call[Proof]:
    checked_spec(spec)
    checked_run(pipeline, run_id, parameters)
    return Call(
        "prove",
        lambda io: _flows.prove.prove(
            io, spec, pipeline=pipeline, run_id=run_id, parameters=parameters, now=datetime.now(UTC)
        ),
        timeout=checked_timeout(timeout),
    )


def onboard(
    spec: Spec, options: tuple[bool, bool, bool, bool], *, dry_run: bool, wait: bool, timeout: float
) -> Call[Report]:
    checked_spec(spec)
    checked_flags(**dict(zip(_OPTIONS, options, strict=True)), dry_run=dry_run, wait=wait)
    return Call(
        "onboard",
        lambda io: _flows.onboard.onboard(
            io, spec, _flows.onboard.OnboardOptions(*options), dry_run=dry_run, wait=wait
        ),
        timeout=checked_timeout(timeout),
    )


def offboard(spec: Spec, *, dry_run: bool, timeout: float) -> Call[Report]:
    checked_spec(spec)
    checked_flags(dry_run=dry_run)
    return Call(
        "offboard",
        lambda io: _flows.offboard.offboard(io, spec, dry_run=dry_run),
        timeout=checked_timeout(timeout),
    )


def plan_private_endpoints(spec: Spec, network: Network, *, purpose: Purpose) -> Call[Plan]:
    checked_spec(spec)
    checked_network(network, purpose)
    return Call(
        "plan_private_endpoints",
        lambda io: _flows.private_endpoints.plan_private_endpoints(io, spec, network, purpose),
        timeout=LOOKING,
    )


def create_private_endpoints(
    spec: Spec, network: Network, *, purpose: Purpose, approve: bool, dry_run: bool, wait: bool, timeout: float
) -> Call[Report]:
    checked_spec(spec)
    checked_network(network, purpose)
    checked_flags(approve=approve, dry_run=dry_run, wait=wait)
    return Call(
        "create_private_endpoints",
        lambda io: _flows.private_endpoints.create_private_endpoints(
            io, spec, network, purpose, approve=approve, dry_run=dry_run, wait=wait
        ),
        timeout=checked_timeout(timeout),
    )


def delete_private_endpoints(
    spec: Spec, network: Network, *, purpose: Purpose, dry_run: bool, timeout: float
) -> Call[Report]:
    checked_spec(spec)
    checked_network(network, purpose)
    checked_flags(dry_run=dry_run)
    return Call(
        "delete_private_endpoints",
        lambda io: _flows.delete_private_endpoints.delete_private_endpoints(
            io, spec, network, purpose, dry_run=dry_run
        ),
        timeout=checked_timeout(timeout),
    )


def private_endpoints_status(spec: Spec, network: Network, *, purpose: Purpose) -> Call[Status]:
    checked_spec(spec)
    checked_network(network, purpose)
    return Call(
        "private_endpoints_status",
        lambda io: _flows.private_endpoints.private_endpoints_status(io, spec, network, purpose),
        timeout=LOOKING,
    )


def diagnose(spec: Spec, *, since: timedelta) -> Call[Diagnosis]:
    checked_spec(spec)
    stretch = checked_since(since)
    return Call(
        "diagnose", lambda io: _flows.diagnose.diagnose(io, spec, since=stretch, now=datetime.now(UTC)), timeout=LOOKING
    )


def delete_all(spec: Spec, *, dry_run: bool, timeout: float) -> Call[Report]:
    checked_spec(spec)
    checked_flags(dry_run=dry_run)
    return Call(
        "delete_all",
        lambda io: _flows.delete_all.delete_all(io, spec, dry_run=dry_run),
        timeout=checked_timeout(timeout),
    )


def orphans(account: str | ArmId) -> Call[Orphans]:
    return Call("orphans", lambda io: _flows.orphans.orphans(io, account), timeout=SEARCHING)


def find_specs(scope: str, *, name: str, account: str | ArmId | None) -> Call[FoundSpecs]:
    return Call(
        "find_specs", lambda io: _flows.find_specs.find_specs(io, scope, name=name, account=account), timeout=SEARCHING
    )


def find_id(scope: str, name: str, *, kind: Literal["factory", "account"]) -> Call[str]:
    return Call("find_id", lambda io: _flows.find_id.find_id(io, scope, name, kind=kind), timeout=LOOKING)


def create_many(
    specs: Iterable[Spec] | FleetPlan | str | Path,
    *,
    approve: bool,
    wait: bool,
    timeout: float,
    stop_after: float | None,
    resume: FleetReport | str | Path | None,
    journal: str | Path | None,
    dry_run: bool,
) -> FleetRun:
    checked_flags(approve=approve, wait=wait, dry_run=dry_run)
    seconds, whole = checked_timeout(timeout), checked_limit(stop_after, "stop_after")
    if journal is not None:
        _model.fleets.path_of(journal, "journal")
    plans = specs.agreed() if isinstance(specs, _model.fleet_looks.FleetPlan) else ()
    fleet = fleet_of([plan.spec for plan in plans] if isinstance(specs, _model.fleet_looks.FleetPlan) else specs)
    todo, kept = _model.fleets.left_over(fleet, earlier_report(resume, journal), approve=approve)
    agreed = dict(enumerate(plans))
    return FleetRun(
        "create_many",
        lambda io: _flows.create_many.Fleet(
            io, todo, approve=approve, wait=wait, timeout=seconds, dry_run=dry_run, agreed=agreed
        ),
        timeout=whole,
        journal=None if dry_run else journal,
        reports=kept,
    )


def onboard_many(
    specs: Iterable[Spec] | str | Path,
    options: tuple[bool, bool, bool, bool],
    *,
    wait: bool,
    timeout: float,
    stop_after: float | None,
    resume: FleetReport | str | Path | None,
    journal: str | Path | None,
    dry_run: bool,
) -> FleetRun:
    checked_flags(**dict(zip(_OPTIONS, options, strict=True)), wait=wait, dry_run=dry_run)
    seconds, whole = checked_timeout(timeout), checked_limit(stop_after, "stop_after")
    if journal is not None:
        _model.fleets.path_of(journal, "journal")
    approve, grants, _, _ = options
    wanted: set[Subject] = {"identity", "connection"}
    if grants:
        wanted.add("data-curator")
    todo, kept = _model.fleets.left_over(
        fleet_of(specs), earlier_report(resume, journal), approve=approve, subjects=wanted
    )
    return FleetRun(
        "onboard_many",
        lambda io: _flows.onboard_many.OnboardingFleet(
            io, todo, _flows.onboard.OnboardOptions(*options), wait=wait, timeout=seconds, dry_run=dry_run
        ),
        timeout=whole,
        journal=None if dry_run else journal,
        reports=kept,
    )


def approve_many(
    specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path, *, dry_run: bool, wait: bool, timeout: float
) -> FleetRun:
    checked_flags(dry_run=dry_run, wait=wait)
    seconds = checked_timeout(timeout)
    if isinstance(specs_or_reports, _model.fleets.FleetReport):
        given: Iterable[Spec | Report] = specs_or_reports.reports
    elif isinstance(specs_or_reports, (str, Path)):
        given = fleet_of(specs_or_reports)
    else:
        given = specs_or_reports
    subjects = list(enumerate(_model.fleets.checked_subjects(given)))
    return FleetRun(
        "approve_many",
        lambda io: _flows.approve_many.ApprovingFleet(io, subjects, dry_run=dry_run, wait=wait),
        timeout=seconds,
    )


def status_many(specs: Iterable[Spec] | str | Path) -> Call[FleetStatus]:
    fleet = fleet_of(specs)
    return Call("status_many", lambda io: _flows.status_many.status_many(io, fleet))


def plan_many(specs: Iterable[Spec] | str | Path) -> FleetLook[FleetPlan]:
    fleet = fleet_of(specs)
    return FleetLook("plan_many", lambda io: _flows.plan_many.PlanningFleet(io, fleet))


def check_many(specs: Iterable[Spec] | str | Path) -> Call[FleetCheck]:
    fleet = fleet_of(specs)
    return Call("check_many", lambda io: _flows.check_many.check_many(io, fleet))


def delete_many(
    specs: Iterable[Spec] | str | Path,
    *,
    dry_run: bool,
    timeout: float,
    stop_after: float | None,
    resume: FleetReport | str | Path | None,
    journal: str | Path | None,
) -> FleetRun:
    checked_flags(dry_run=dry_run)
    seconds, whole = checked_timeout(timeout), checked_limit(stop_after, "stop_after")
    if journal is not None:
        _model.fleets.path_of(journal, "journal")
    mine: frozenset[Verb] = frozenset({"delete_all"})
    todo, kept = _model.fleets.left_over(fleet_of(specs), earlier_report(resume, journal), approve=False, verbs=mine)
    return FleetRun(
        "delete_many",
        lambda io: _flows.delete_many.DeletingFleet(io, todo, dry_run=dry_run, timeout=seconds),
        timeout=whole,
        journal=None if dry_run else journal,
        reports=kept,
    )
