"""What both clients check before anything is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from purview_mpe import _model
from purview_mpe._model.naming import entity_name_problem, is_guid
from purview_mpe._model.network import PURPOSES, Network
from purview_mpe._model.results import Plan, Report
from purview_mpe._model.shown import shown
from purview_mpe._model.spec import Spec
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from purview_mpe._model.fleets import FleetReport


def checked_spec(value: object) -> None:
    """Refuse everything that is not a Spec."""
    if not isinstance(value, Spec):
        raise InvalidSpec("spec", [("spec", f"is a {type(value).__name__}; pass a purview_mpe.Spec")])


def checked_network(network: object, purpose: object) -> None:
    """Refuse everything that is not a Network, and purposes that do not exist."""
    problems: list[tuple[str, str]] = []
    if not isinstance(network, Network):
        problems.append(("network", f"is a {type(network).__name__}; pass a purview_mpe.Network"))
    if purpose not in PURPOSES:
        problems.append(("purpose", f"{shown(purpose)} is none of {', '.join(PURPOSES)}"))
    if problems:
        raise InvalidSpec("network", problems)


def checked_plan_or_spec(value: object) -> None:
    """Refuse everything that is neither a Plan nor a Spec."""
    if not isinstance(value, (Plan, Spec)):
        raise InvalidSpec("plan", [("plan", f"is a {type(value).__name__}; pass a purview_mpe.Plan or Spec")])
    if isinstance(value, Plan):
        _checked_managed(value)


def _checked_managed(plan: Plan) -> None:
    """Refuse a plan for a network of the caller's own."""
    if plan.network is not None:
        rule = "is for private endpoints of your own; call create_private_endpoints(spec, network, purpose=...) for it"
        raise InvalidSpec("plan", [("plan", rule)])


def checked_spec_or_report(value: object) -> None:
    """Refuse everything that is neither a Spec nor a Report."""
    if not isinstance(value, (Spec, Report)):
        raise InvalidSpec("spec", [("spec", f"is a {type(value).__name__}; pass a purview_mpe.Spec or Report")])


def checked_flags(**flags: object) -> None:
    """Refuse what is neither True nor False: the text "false" counts as true in Python, and would approve."""
    problems = [
        (flag, f"{shown(value)} is a {type(value).__name__}; pass True or False")
        for flag, value in flags.items()
        if not isinstance(value, bool)
    ]
    if problems:
        raise InvalidSpec(problems[0][0], problems)


def checked_since(value: object) -> timedelta:
    """A time span for which Data Factory still keeps runs: at most 45 days (docs)."""
    if isinstance(value, timedelta) and timedelta(0) < value <= timedelta(days=45):
        return value
    raise InvalidSpec(
        "since", [("since", f"{shown(value)} is not a timedelta of at most 45 days, for example timedelta(hours=24)")]
    )


def checked_timeout(value: object, argument: str = "timeout") -> float:
    """Seconds: a positive, finite number."""
    # An int can be too large to become a float.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= sys.float_info.max:
        return float(value)
    raise InvalidSpec(argument, [(argument, f"{shown(value)} is not a positive number of seconds, for example 1800")])


def checked_limit(value: object, argument: str = "timeout") -> float | None:
    """Seconds, or None for no limit."""
    return None if value is None else checked_timeout(value, argument)


def earlier_report(value: object, journal: str | Path | None) -> FleetReport | None:
    """The report to resume from; a path is read.

    The path of the journal to write may name a file that does not exist yet. So the first run and every later run can
    be the same call.

    Raises:
        InvalidSpec: the value is neither a report nor a path, or the file holds no report.
        OSError: the file cannot be read.
    """
    if isinstance(value, (str, Path)):
        if (
            journal is not None
            and _is_same_file(value, journal)
            and not _model.fleets.path_of(value, "resume").exists()
        ):
            return None
        return _model.fleets.FleetReport.load(value)
    if value is None or isinstance(value, _model.fleets.FleetReport):
        return value
    rule = f"is a {type(value).__name__}; pass a FleetReport, or the path of a report file or journal"
    raise InvalidSpec("resume", [("resume", rule)])


def _is_same_file(one: str | Path, other: str | Path) -> bool:
    return _model.fleets.path_of(one, "resume").resolve() == _model.fleets.path_of(other, "journal").resolve()


def _json_problem(parameters: Mapping[object, object]) -> str | None:
    """Why the parameters of a run cannot be sent as JSON; None if they can."""
    if not all(isinstance(name, str) for name in parameters):
        return "have a name that is not a text"
    try:
        json.dumps(dict(parameters), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        return f"cannot be sent as JSON ({str(error)[:80]})"
    return None


def checked_run(pipeline: object, run_id: object, parameters: object) -> None:
    """Refuse everything except the name of one pipeline, with parameters, or the id of one run."""
    problems: list[tuple[str, str]] = []
    if (pipeline is None) is (run_id is None):
        problems.append(("pipeline", "name either a pipeline to start or the run_id of an existing run, not both"))
    if pipeline is not None and (not isinstance(pipeline, str) or entity_name_problem(pipeline)):
        problems.append(("pipeline", f"{repr(pipeline)[:80]} is not a pipeline's name, for example 'copy-sales'"))
    if run_id is not None and (not isinstance(run_id, str) or not is_guid(run_id)):
        problems.append(("run_id", f"{repr(run_id)[:80]} is not the id of a run, which is a GUID"))
    if parameters is not None and not isinstance(parameters, Mapping):
        problems.append(("parameters", f"is a {type(parameters).__name__}; pass a mapping from names to values"))
    elif parameters and pipeline is None:
        problems.append(("parameters", "are for a pipeline to start; an existing run has its own"))
    elif parameters and (problem := _json_problem(cast("Mapping[object, object]", parameters))):
        problems.append(("parameters", f"{problem}; pass texts, finite numbers, booleans, None, lists and mappings"))
    if problems:
        raise InvalidSpec(problems[0][0], problems)
