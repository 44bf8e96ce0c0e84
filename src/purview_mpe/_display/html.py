"""How the nouns look in a notebook: a picture, and what is behind it, to unfold.

No script and nothing from elsewhere. The style stands in the picture: HTML allows a `style` element there, and not in
the middle of a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._arm_id import last_segment
from purview_mpe._assessment import Check, Diagnosis, Orphans
from purview_mpe._display.picture import BROKEN, KEPT, READY, REFUSED, UNKNOWN, WAITING, Mark, Scene, scene
from purview_mpe._display.picture_svg import STYLE, draw
from purview_mpe._display.picture_text import escape
from purview_mpe._display.tables import Table, table
from purview_mpe._model import Account, Endpoint, Plan, Report, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purview_mpe._model import Finding
    from purview_mpe._spec import Noun

_STYLE = (
    "div.pmpe{font:13px/1.45 system-ui,sans-serif;padding:4px 8px;max-width:876px}"
    ".pmpe details{margin:4px 0}.pmpe summary{cursor:pointer;color:var(--ink)}"
    ".pmpe .wide{overflow-x:auto}.pmpe table{border-collapse:collapse;color:var(--ink);margin:4px 0}"
    ".pmpe th,.pmpe td{border:1px solid var(--rim);padding:2px 8px;text-align:left;vertical-align:top;"
    "background:var(--paper)}.pmpe th{background:var(--fill)}"
    ".pmpe td{overflow-wrap:break-word;max-width:32em}"
    ".pmpe pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--fill);color:var(--ink);padding:8px}"
    ".pmpe p,.pmpe ul{margin:4px 0}.pmpe .head{font-weight:600}"
    + "".join(f".pmpe p.{tone}{{color:var(--{tone})}}" for tone in ("good", "quiet", "new", "waiting", "bad"))
)

Folded: TypeAlias = "tuple[str, Table | str]"
"""A heading, and the table or text below it."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What is shown of a noun: a headline, a picture if it has one, findings, and details to unfold."""

    headline: str
    mark: Mark
    picture: Scene | None = None
    findings: Sequence[Finding] = ()
    details: Sequence[Folded] = field(default_factory=list["Folded"])


@singledispatch
def fragment(_noun: Noun) -> Fragment | None:
    """What is shown of a noun, None for those that are shown as text; further nouns register theirs."""
    return None


def html(noun: Noun) -> str | None:
    """The noun as HTML, for `_repr_html_`."""
    shown = fragment(noun)
    return None if shown is None else render(shown)


def render(shown: Fragment) -> str:
    """A fragment as one `div`."""
    return "\n".join(['<div class="pmpe">', *_lines(shown), "</div>\n"])


def _lines(shown: Fragment) -> Iterator[str]:
    if shown.picture is None:
        yield f'<svg style="display:none"><style>{STYLE}{_STYLE}</style></svg>'
        yield f'<p class="head {shown.mark.tone}">{shown.mark.symbol} {escape(shown.headline)}</p>'
    else:
        yield draw(shown.picture, _STYLE).rstrip("\n")
    if shown.findings:
        yield "<ul>"
        yield from (_finding(finding) for finding in shown.findings)
        yield "</ul>"
    for heading, content in shown.details:
        yield f"<details><summary>{escape(heading)}</summary>"
        yield from _table(content) if isinstance(content, Table) else [f"<pre>{escape(content)}</pre>"]
        yield "</details>"


def _finding(finding: Finding) -> str:
    more = "".join(f"<p>{escape(text)}</p>" for text in (finding.cause, *finding.evidence) if text)
    remedy = f"<p>What to do: {escape(finding.remedy)}</p>" if finding.remedy else ""
    head = f"<b>{finding.severity}</b>: {escape(finding.message)}"
    if not more and not remedy:
        return f"<li>{head}</li>"
    return f"<li><details><summary>{head}</summary>{more}{remedy}</details></li>"


def _table(content: Table) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in content.columns)
    yield "</tr></thead><tbody>"
    for row in content.rows:
        yield f"<tr>{''.join(f'<td>{_breakable(_cell(value))}</td>' for value in row)}</tr>"
    yield "</tbody></table></div>"


def _breakable(text: str) -> str:
    """Ids may break behind a slash; names are not torn."""
    return escape(text).replace("/", "/<wbr>")


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
    """A table with its length in the heading, and its ids in one of their own where they would crowd the rest out.

    Columns that say nothing in any row are left out.
    """
    if not rows.rows:
        return [(f"{what} (0)", "none")]
    told = [name for name, *cells in zip(rows.columns, *rows.rows, strict=True) if any(map(_says_something, cells))]
    ids = [name for name in told if name in _IDS]
    if len(told) <= 6 or not ids:
        return [(f"{what} ({len(rows.rows)})", _only(rows, told))]
    others = [name for name in told if name not in _IDS]
    return [(f"{what} ({len(rows.rows)})", _only(rows, others)), ("Their ids", _only(rows, [others[0], *ids]))]


def _says_something(value: Any) -> bool:
    return value is not None and value not in ("", ())


def _only(rows: Table, columns: Sequence[str]) -> Table:
    kept = [rows.columns.index(name) for name in columns]
    return Table(tuple(columns), tuple(tuple(row[number] for number in kept) for row in rows.rows))


def _endpoints(endpoints: Sequence[Endpoint]) -> Table:
    columns = ("name", "group_id", "connection_status", "resource_id")
    return Table(columns, tuple(tuple(getattr(endpoint, name) for name in columns) for endpoint in endpoints))


def _pictured(noun: Noun, findings: Sequence[Finding], *details: Folded) -> Fragment:
    shown = scene(noun)
    return Fragment(shown.title, shown.mark, shown, findings, details)


@fragment.register
def _(account: Account) -> Fragment:
    details = _counted("Targets", table(account))
    if account.endpoints:
        addresses = Table(("service", "address"), tuple(account.endpoints.items()))
        details += _counted("Addresses", addresses)
    return _pictured(account, account.warnings, *details, ("Id", account.id))


@fragment.register
def _(plan: Plan) -> Fragment:
    details = _counted("Steps", table(plan))
    if plan.obsolete:
        details += _counted("Obsolete endpoints", _endpoints(plan.obsolete))
    return _pictured(plan, plan.warnings, *details)


@fragment.register
def _(report: Report) -> Fragment:
    details = _counted("Outcomes", table(report))
    if report.hand_off:
        details.append(("For the owners of the targets", report.hand_off))
    return _pictured(report, report.warnings, *details)


@fragment.register
def _(status: Status) -> Fragment:
    details = _counted("Endpoints", table(status))
    if status.others:
        details += _counted("Other endpoints of the factory", _endpoints(status.others))
    return _pictured(status, status.findings, *details)


@fragment.register
def _(check: Check) -> Fragment:
    to = last_segment(check.account) if check.account else "no account"
    told = (
        f"Check from {last_segment(check.factory)} to {to}: {'nothing stands in the way' if check.ok else 'not ready'}"
    )
    columns = ("step", "role", "allowed", "missing_actions", "scope")
    rights = Table(columns, tuple(tuple(getattr(right, name) for name in columns) for right in check.rights))
    details = [*_counted("Integration runtimes", table(check)), *_counted("Rights of the caller", rights)]
    return Fragment(told, READY if check.ok else REFUSED, None, check.findings, details)


@fragment.register
def _(diagnosis: Diagnosis) -> Fragment:
    to = last_segment(diagnosis.account) if diagnosis.account else "no account"
    told = "no cause found" if diagnosis.ok else "lineage has something in its way"
    headline = f"Diagnosis from {last_segment(diagnosis.factory)} to {to}: {told}"
    details: list[Folded] = []
    if diagnosis.lineage:
        runs = Table(("lineage", "activity runs"), tuple(diagnosis.lineage.items()))
        details += _counted("What recent runs reported", runs)
    return Fragment(headline, READY if diagnosis.ok else BROKEN, None, diagnosis.findings, details)


@fragment.register
def _(orphans: Orphans) -> Fragment:
    found = len(orphans.connections) + len(orphans.endpoints)
    certain = any(row.certain for row in orphans.connections) or any(row.certain for row in orphans.endpoints)
    headline = f"Orphans around {last_segment(orphans.account)}: {found or 'none'}"
    mark = (WAITING if certain else UNKNOWN) if found else KEPT
    return Fragment(headline, mark, None, orphans.findings, _counted("Orphans", table(orphans)))
