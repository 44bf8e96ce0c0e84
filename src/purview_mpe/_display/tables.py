"""The nouns as rows and columns: for pandas, and for the tables in HTML."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.checkup import Check, Diagnosis, Orphans
from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
from purview_mpe._model.fleets import FleetReport, FleetStatus
from purview_mpe._model.proof import Proof
from purview_mpe._model.results import Account, Outcome, Plan, Report, Status

if TYPE_CHECKING:
    from purview_mpe._model.spec import Noun


@dataclass(frozen=True, slots=True)
class Table:
    """Column names, and rows with one value per column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class HasNoTable(TypeError):
    """The noun does not hold a list."""


@singledispatch
def table(noun: Noun) -> Table:
    """The list that a noun holds, as a table; modules with further nouns register theirs.

    Raises:
        HasNoTable: it is about a single thing.
    """
    # Public ones alone: the command line registers a list of its own.
    known = ", ".join(sorted(kind.__name__ for kind in table.registry if kind.__module__ == "purview_mpe"))
    raise HasNoTable(f"{type(noun).__name__} has no rows; these have: {known}")


@table.register
def _(account: Account) -> Table:
    return _fields(account.targets, "group_id", "resource_id", "connections")


@table.register
def _(plan: Plan) -> Table:
    return _fields(plan.steps, "action", "name", "group_id", "resource_id", "reason", "remedy")


@table.register
def _(report: Report) -> Table:
    columns = ("name", "group_id", "result", "seconds", "resource_id", "private_endpoint_id", "matched_by")
    errors = ("error", "message", "remedy")
    return Table(
        (*columns, *errors),
        tuple((*(getattr(outcome, name) for name in columns), *_error(outcome)) for outcome in report.outcomes),
    )


def _error(outcome: Outcome) -> tuple[str | None, str | None, str | None]:
    error = outcome.error
    return (None, None, None) if error is None else (error.code, error.message, error.remedy)


@table.register
def _(status: Status) -> Table:
    return _fields(
        status.endpoints,
        "name",
        "group_id",
        "verdict",
        "provisioning_state",
        "connection_status",
        "target_status",
        "reason",
        "resource_id",
        "private_endpoint_id",
    )


@table.register
def _(check: Check) -> Table:
    return _fields(
        check.runtimes, "name", "kind", "supported", "managed_groups", "customer_groups", "private_endpoints", "reason"
    )


@table.register
def _(diagnosis: Diagnosis) -> Table:
    return _fields(diagnosis.findings, "severity", "code", "message", "cause", "evidence", "remedy")


@table.register
def _(proof: Proof) -> Table:
    return _fields(proof.links, "name", "state", "evidence")


@table.register
def _(orphans: Orphans) -> Table:
    return _fields(
        (*orphans.connections, *orphans.endpoints),
        "factory",
        "endpoint",
        "certain",
        "reason",
        "target_id",
        "connection_id",
        "private_endpoint_id",
    )


@table.register
def _(fleet: FleetReport) -> Table:
    columns = ("factory", "name", "group_id", "result", "seconds", "resource_id", "private_endpoint_id")
    rows = [
        (
            last_segment(report.spec.factory),
            *(getattr(outcome, name) for name in columns[1:]),
            *_error(outcome),
        )
        for report in fleet.reports
        for outcome in report.outcomes
    ]
    return Table((*columns, "error", "message", "remedy"), tuple(rows))


@table.register
def _(fleet: FleetStatus) -> Table:
    columns = ("name", "group_id", "verdict", "connection_status", "target_status", "resource_id")
    unseen = (None,) * len(columns)
    rows: list[tuple[Any, ...]] = []
    for each in fleet.factories:
        factory = last_segment(each.spec.factory)
        if each.status is None:
            rows.append((factory, *unseen, each.error.code if each.error else None))
            continue
        rows += [(factory, *(getattr(one, name) for name in columns), None) for one in each.status.endpoints]
    return Table(("factory", *columns, "error"), tuple(rows))


@table.register
def _(fleet: FleetPlan) -> Table:
    columns = ("action", "name", "group_id", "resource_id", "reason", "remedy")
    rows: list[tuple[Any, ...]] = []
    for each in fleet.factories:
        factory = last_segment(each.spec.factory)
        if each.plan is None:
            rows.append((factory, *(None,) * len(columns), each.error.code if each.error else None))
            continue
        rows += [(factory, *(getattr(step, name) for name in columns), None) for step in each.plan.steps]
    return Table(("factory", *columns, "error"), tuple(rows))


@table.register
def _(fleet: FleetCheck) -> Table:
    columns = ("severity", "code", "message", "remedy")
    rows: list[tuple[Any, ...]] = []
    for each in fleet.factories:
        factory = last_segment(each.spec.factory)
        if each.check is None:
            rows.append((factory, *(None,) * len(columns), each.error.code if each.error else None))
            continue
        rows += [(factory, *(getattr(one, name) for name in columns), None) for one in each.check.findings]
    return Table(("factory", *columns, "error"), tuple(rows))


def _fields(things: tuple[Noun, ...], *columns: str) -> Table:
    return Table(columns, tuple(tuple(getattr(thing, name) for name in columns) for thing in things))


def pandas(noun: Noun) -> Any:
    """The rows as a `pandas.DataFrame`; its columns are the same if there are no rows.

    Raises:
        ModuleNotFoundError: pandas is not installed.
        HasNoTable: the noun is about a single thing.
    """
    rows = table(noun)
    try:
        pd = importlib.import_module("pandas")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("to_pandas() needs pandas: pip install pandas", name="pandas") from error
    return pd.DataFrame(list(rows.rows), columns=list(rows.columns))
