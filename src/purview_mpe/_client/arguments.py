"""What both clients check before anything is sent."""

from __future__ import annotations

import inspect
import sys
from datetime import timedelta
from pathlib import Path

from purview_mpe._model.fleets import FleetReport, path_of
from purview_mpe._model.results import Plan, Report
from purview_mpe._model.shown import shown
from purview_mpe._model.spec import Spec
from purview_mpe.errors import InvalidSpec


def checked_spec(value: object) -> None:
    """Refuse everything that is no Spec."""
    if not isinstance(value, Spec):
        raise InvalidSpec("spec", [("spec", f"is a {type(value).__name__}; pass a purview_mpe.Spec")])


def checked_plan_or_spec(value: object) -> None:
    """Refuse everything that is neither a Plan nor a Spec."""
    if not isinstance(value, (Plan, Spec)):
        raise InvalidSpec("plan", [("plan", f"is a {type(value).__name__}; pass a purview_mpe.Plan or Spec")])


def checked_spec_or_report(value: object) -> None:
    """Refuse everything that is neither a Spec nor a Report."""
    if not isinstance(value, (Spec, Report)):
        raise InvalidSpec("spec", [("spec", f"is a {type(value).__name__}; pass a purview_mpe.Spec or Report")])


def checked_flags(**flags: object) -> None:
    """Refuse what is neither True nor False: the text "false" would count as true, and approve."""
    problems = [
        (flag, f"{shown(value)} is a {type(value).__name__}; pass True or False")
        for flag, value in flags.items()
        if not isinstance(value, bool)
    ]
    if problems:
        raise InvalidSpec(problems[0][0], problems)


def checked_listener(value: object) -> None:
    """Refuse what cannot be called with an event, as well as what would only make coroutines of them."""
    if value is None:
        return
    if not callable(value):
        raise InvalidSpec("Client", [("on_event", f"is a {type(value).__name__}; pass a function, for example print")])
    if inspect.iscoroutinefunction(value):
        raise InvalidSpec("Client", [("on_event", "is asynchronous; pass a plain function, which may start tasks")])


def checked_since(value: object) -> timedelta:
    """A stretch of time that Data Factory still knows: it keeps runs for 45 days (docs)."""
    if isinstance(value, timedelta) and timedelta(0) < value <= timedelta(days=45):
        return value
    raise InvalidSpec(
        "since", [("since", f"{shown(value)} is no timedelta up to 45 days, for example timedelta(hours=24)")]
    )


def checked_timeout(value: object, argument: str = "timeout") -> float:
    """Seconds, as a number that is positive and finite."""
    # A whole number may be larger than any that has a fraction, and cannot be made into one then.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= sys.float_info.max:
        return float(value)
    raise InvalidSpec(argument, [(argument, f"{shown(value)} is not a positive number of seconds, for example 1800")])


def checked_limit(value: object, argument: str = "timeout") -> float | None:
    """Seconds, or None for no limit."""
    return None if value is None else checked_timeout(value, argument)


def earlier_report(value: object, journal: str | Path | None) -> FleetReport | None:
    """The report to go on from, read where it is a file's path.

    A journal that is to be written and does not exist yet holds nothing, so that the first run and every further one
    can be the same call.

    Raises:
        InvalidSpec: it is neither, or the file holds no report.
        OSError: the file cannot be read.
    """
    if isinstance(value, (str, Path)):
        if journal is not None and _is_same_file(value, journal) and not path_of(value, "resume").exists():
            return None
        return FleetReport.load(value)
    if value is None or isinstance(value, FleetReport):
        return value
    rule = f"is a {type(value).__name__}; pass a FleetReport, or the path of a report file or journal"
    raise InvalidSpec("resume", [("resume", rule)])


def _is_same_file(one: str | Path, other: str | Path) -> bool:
    return path_of(one, "resume").resolve() == path_of(other, "journal").resolve()
