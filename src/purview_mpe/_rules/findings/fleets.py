"""Findings about many factories at once."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

JOURNAL_INCOMPLETE = Kind(
    link="Fleets",
    code="journal-incomplete",
    severity="warning",
    message="{reports} could not be written to the journal {path!r}.",
    remedy="Keep this report (report.model_dump_json()) and pass its file as resume.",
    meaning="Some reports of the fleet could not be written to its journal.",
    why="The disk was full, or the file could not be reached, until the end of the run; the finding's `evidence` is "
    "what the operating system says.",
    fix="Write the returned report to a file (`report.model_dump_json()`) and pass that file as `resume`.",
)
FACTORY_LEFT_OUT = Kind(
    link="Fleets",
    code="factory-left-out",
    severity="warning",
    message="Azure lists a connected factory that no spec can name: {factory!r}.",
    remedy="Look at the factory in the portal. If its id is right, report it as a bug in this library.",
    meaning="`find_specs` found a factory that is connected to an account, but that no spec can name; the other "
    "factories of the scope are returned.",
    why="The id that Azure lists breaks a rule of this library; the finding's `evidence` names it.",
    fix="Look at the factory in the portal, and report its id as a bug in this library.",
)
