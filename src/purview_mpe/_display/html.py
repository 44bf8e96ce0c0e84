"""How the nouns look in a notebook: a picture, and details to unfold.

There are no scripts and no external files. The `style` element is inside the SVG picture, where HTML allows it; in the
middle of a page it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from purview_mpe._display import notes
from purview_mpe._display.markup import escape
from purview_mpe._display.picture.scenes import scene
from purview_mpe._display.picture.svg import STYLE, draw
from purview_mpe._display.tables import Table, table
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.checkup import Check, Diagnosis, Orphans
from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
from purview_mpe._model.fleets import FleetReport, FleetStatus
from purview_mpe._model.results import Account, Endpoint, Plan, Report, Status
from purview_mpe._model.words import (
    ACTIONS,
    ANSWERS,
    ORPHANED,
    RESULTS,
    SAME,
    SEVERITIES,
    SUPPORT,
    VERDICTS,
    Role,
    answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._display.notes import Note
    from purview_mpe._display.picture.scene import Scene
    from purview_mpe._model.spec import Noun
    from purview_mpe._model.words import Mark, Word

_STYLE = (
    "div.pmpe{font:13px/1.45 system-ui,sans-serif;padding:4px 0;max-width:860px}"
    ".pmpe>details,.pmpe>p{margin:4px 10px}.pmpe summary{cursor:pointer;color:var(--ink)}"
    # In a narrow cell, a picture scrolls instead of shrinking to an unreadable size.
    ".pmpe .wide{overflow-x:auto}.pmpe .wide>svg{min-width:640px}"
    ".pmpe table{border-collapse:collapse;color:var(--ink);margin:4px 0}"
    ".pmpe th,.pmpe td{border:1px solid var(--rim);padding:2px 8px;text-align:left;vertical-align:top;"
    "background:var(--paper)}.pmpe th{background:var(--fill)}"
    ".pmpe td{overflow-wrap:break-word;max-width:32em}"
    ".pmpe pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--fill);color:var(--ink);padding:8px}"
    ".pmpe details p{margin:2px 0 2px 18px;color:var(--ink)}.pmpe .head{font-weight:600}"
    + "".join(f".pmpe p.{role},.pmpe b.{role},.pmpe td.{role}{{color:var(--{role})}}" for role in get_args(Role))
)

Folded: TypeAlias = "tuple[str, Table | str]"
"""A heading, and the table or text below it."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The parts shown of a noun: a headline, a picture if it has one, notes, and details to unfold."""

    headline: str
    mark: Mark
    picture: Scene | None = None
    notes: Sequence[Note] = ()
    details: Sequence[Folded] = field(default_factory=list["Folded"])


@singledispatch
def fragment(_noun: Noun) -> Fragment | None:
    """The parts shown of a noun; None for nouns that are shown as text. Further nouns register theirs."""
    return None


def html(noun: Noun) -> str | None:
    """The noun as HTML, for `_repr_html_`."""
    shown = fragment(noun)
    return None if shown is None else render(shown)


def render(shown: Fragment) -> str:
    """The parts as one `div`."""
    return "\n".join(['<div class="pmpe">', *_lines(shown), "</div>\n"])


def _lines(shown: Fragment) -> Iterator[str]:
    if shown.picture is None:
        yield f'<svg style="display:none"><style>{STYLE}{_STYLE}</style></svg>'
        yield f'<p class="head {shown.mark.role}">{shown.mark.symbol} {escape(shown.headline)}</p>'
    else:
        yield f'<div class="wide">{draw(shown.picture, _STYLE).rstrip(chr(10))}</div>'
    yield from (_note(note) for note in shown.notes)
    for heading, content in shown.details:
        yield f"<details><summary>{escape(heading)}</summary>"
        yield from _table(content) if isinstance(content, Table) else [f"<pre>{escape(content)}</pre>"]
        yield "</details>"


def _note(note: Note) -> str:
    more = "".join(f"<p>{_breakable(text)}</p>" for text in note.more)
    remedy = f"<p><b>What to do:</b> {_breakable(note.remedy)}</p>" if note.remedy else ""
    page = f"<p>More: {_breakable(note.page)}</p>" if note.page else ""
    head = f'<b class="{note.mark.role}">{note.mark.symbol} {escape(note.kind)}</b> {_breakable(note.message)}'
    if not more and not remedy and not page:
        return f"<p>{head}</p>"
    return f"<details{' open' if note.is_urgent else ''}><summary>{head}</summary>{more}{remedy}{page}</details>"


def _table(content: Table) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in content.columns)
    yield "</tr></thead><tbody>"
    for row in content.rows:
        yield f"<tr>{''.join(_td(name, value) for name, value in zip(content.columns, row, strict=True))}</tr>"
    yield "</tbody></table></div>"


def _td(column: str, value: Any) -> str:
    word = _word(column, value)
    if word is None:
        return f"<td>{_breakable(_cell(value))}</td>"
    return f'<td class="{word.mark.role}">{word.mark.symbol} {_breakable(word.text)}</td>'


def _breakable(text: str) -> str:
    """The text, with line breaks allowed after the slashes of ids; names do not break."""
    return escape(text).replace("/", "/<wbr>")


def _word(column: str, value: Any) -> Word | None:
    """The word for a state, so that tables and pictures show it in the same way; None if the value is not a state."""
    match column:
        case "action":
            return ACTIONS[value]
        case "result":
            return RESULTS[value]
        case "verdict":
            return None if value is None else VERDICTS[value]
        case "severity":
            return SEVERITIES[value]
        case "supported":
            return SUPPORT[answer(value)]
        case "allowed":
            return ANSWERS[answer(value)]
        case "certain":
            return ORPHANED[value]
        case _:
            return None


def _cell(value: Any) -> str:
    match value:
        case None | "" | ():
            return "\N{EN DASH}"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}"
        case tuple():
            return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - of texts, in every noun
        case _:
            return str(value)


_IDS = frozenset({"resource_id", "private_endpoint_id", "target_id", "connection_id"})


def _counted(what: str, rows: Table) -> list[Folded]:
    """A table with its length in the heading. If ids would take the space of other columns, they get their own table.

    Columns that are empty in every row are left out.
    """
    if not rows.rows:
        return [(f"{what} (0)", "none")]
    filled = [name for name, *cells in zip(rows.columns, *rows.rows, strict=True) if any(map(_says_something, cells))]
    ids = [name for name in filled if name in _IDS]
    if len(filled) <= 6 or not ids:
        return [(f"{what} ({len(rows.rows)})", _only(rows, filled))]
    others = [name for name in filled if name not in _IDS]
    return [(f"{what} ({len(rows.rows)})", _only(rows, others)), ("Their ids", _only(rows, [others[0], *ids]))]


def _says_something(value: Any) -> bool:
    return value is not None and value not in ("", ())


def _only(rows: Table, columns: Sequence[str]) -> Table:
    kept = [rows.columns.index(name) for name in columns]
    return Table(tuple(columns), tuple(tuple(row[number] for number in kept) for row in rows.rows))


def _endpoints(endpoints: Sequence[Endpoint]) -> Table:
    columns = ("name", "group_id", "connection_status", "resource_id")
    return Table(columns, tuple(tuple(getattr(endpoint, name) for name in columns) for endpoint in endpoints))


def _pictured(noun: Noun, notes: Sequence[Note], *details: Folded) -> Fragment:
    shown = scene(noun)
    return Fragment(shown.title, shown.mark, shown, notes, details)


def _both_ends(factory: str, account: str | None) -> Folded:
    """The full ids of factory and account, to copy: the picture shortens long names."""
    rows = [("factory", factory), *([("account", account)] if account else [])]
    return "Factory and account", Table(("what", "id"), tuple(rows))


@fragment.register
def _(account: Account) -> Fragment:
    details = _counted("Targets", table(account))
    if account.endpoints:
        addresses = Table(("service", "address"), tuple(account.endpoints.items()))
        details += _counted("Addresses", addresses)
    return _pictured(account, notes.of_findings(account.warnings), *details, ("Id", account.id))


@fragment.register
def _(plan: Plan) -> Fragment:
    details = _counted("Steps", table(plan))
    if plan.obsolete:
        details += _counted("Obsolete endpoints", _endpoints(plan.obsolete))
    shown = [*notes.of_conflicts(plan.conflicts), *notes.of_findings(plan.warnings)]
    return _pictured(plan, shown, *details, _both_ends(plan.spec.factory, plan.account.id))


@fragment.register
def _(report: Report) -> Fragment:
    details = _counted("Outcomes", table(report))
    if report.hand_off:
        details.append(("For the owners of the targets", report.hand_off))
    shown = [*notes.of_outcomes(report.outcomes), *notes.of_findings(report.warnings)]
    account = report.account.id if report.account else report.spec.account
    return _pictured(report, shown, *details, _both_ends(report.spec.factory, account))


@fragment.register
def _(status: Status) -> Fragment:
    details = _counted("Endpoints", table(status))
    if status.others:
        details += _counted("Other endpoints of the factory", _endpoints(status.others))
    shown = [*notes.of_endpoints(status.endpoints), *notes.of_findings(status.findings)]
    return _pictured(status, shown, *details, _both_ends(status.factory, status.account))


@fragment.register
def _(check: Check) -> Fragment:
    columns = ("step", "role", "allowed", "missing_actions", "scope")
    rights = Table(columns, tuple(tuple(getattr(right, name) for name in columns) for right in check.rights))
    details = [*_counted("Integration runtimes", table(check)), *_counted("Rights of the caller", rights)]
    return _pictured(check, notes.of_findings(check.findings), *details, _both_ends(check.factory, check.account))


@fragment.register
def _(diagnosis: Diagnosis) -> Fragment:
    details: list[Folded] = []
    if diagnosis.lineage:
        runs = Table(("lineage", "activity runs"), tuple(diagnosis.lineage.items()))
        details += _counted("What recent runs reported", runs)
    ends = _both_ends(diagnosis.factory, diagnosis.account)
    return _pictured(diagnosis, notes.of_findings(diagnosis.findings), *details, ends)


@fragment.register
def _(orphans: Orphans) -> Fragment:
    found = len(orphans.connections) + len(orphans.endpoints)
    certain = any(row.certain for row in orphans.connections) or any(row.certain for row in orphans.endpoints)
    headline = f"Orphans around {last_segment(orphans.account)}: {found or 'none'}"
    mark = ORPHANED[certain].mark if found else SAME
    details = _counted("Orphans", table(orphans))
    return Fragment(headline, mark, None, notes.of_findings(orphans.findings), details)


@fragment.register
def _(fleet: FleetReport) -> Fragment:
    failures = [outcome.model_copy(update={"name": name}) for name, outcome in fleet.named_failures[:_SHOWN_NOTES]]
    return _pictured(
        fleet, [*notes.of_outcomes(failures), *notes.of_findings(fleet.warnings)], *_some("Outcomes", table(fleet))
    )


@fragment.register
def _(fleet: FleetStatus) -> Fragment:
    return _pictured(fleet, notes.of_unreadable(fleet.factories)[:_SHOWN_NOTES], *_some("Endpoints", table(fleet)))


@fragment.register
def _(fleet: FleetPlan) -> Fragment:
    unreadable = notes.of_unreadable(fleet.factories)[:_SHOWN_NOTES]
    return _pictured(fleet, [*unreadable, *notes.of_findings(fleet.warnings)], *_some("Steps", table(fleet)))


@fragment.register
def _(fleet: FleetCheck) -> Fragment:
    return _pictured(fleet, notes.of_unreadable(fleet.factories)[:_SHOWN_NOTES], *_some("Findings", table(fleet)))


#: Maximum number of rows on a page; for a fleet of thousands, use the JSON or pandas.
_SHOWN_ROWS, _SHOWN_NOTES = 100, 5


def _some(what: str, rows: Table) -> list[Folded]:
    shown = Table(rows.columns, rows.rows[:_SHOWN_ROWS])
    cut = len(rows.rows) > _SHOWN_ROWS
    heading = f"The first of {len(rows.rows)} {what.lower()}" if cut else what
    return _counted(heading, shown)
