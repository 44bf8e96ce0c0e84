"""The tables of the nouns that the first verbs return: Account, Plan, Report, Status, and the findings in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from purview_mpe._display.pages import is_explained
from purview_mpe._display.text.page import Cell, Page, duration, marked, name_in, place, short_ids
from purview_mpe._display.text.render import render
from purview_mpe._model.events import Event
from purview_mpe._model.matrix import CLOSED
from purview_mpe._model.results import (
    Account,
    Action,
    Finding,
    Outcome,
    Plan,
    Report,
    Status,
    Verdict,
)
from purview_mpe._model.shell import command_of
from purview_mpe._model.words import ACTIONS, FIREWALLS, KINDS, RESULTS, SEVERITIES, SHAPES, VERDICTS
from purview_mpe.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Endpoint, EndpointStatus, ErrorDetail, Step, Subject
from purview_mpe._model.words import Word


@render.register(Account)
def render_account(account: Account, page: Page) -> None:
    """The account's properties, and the targets that endpoints must reach."""
    page.title(f"Purview account {account.name}")
    page.fields(
        [
            ("account", place(account.id)),
            ("location", account.location),
            ("state", account.provisioning_state),
            ("firewall", _firewall(account)),
            ("shape", _shape(account)),
            *account.endpoints.items(),
        ]
    )
    # No endpoint is needed behind a firewall that lets in all traffic, or all traffic except ingestion.
    needed = "needs" if account.firewall in {CLOSED, None} else "would need behind a closed firewall"
    page.title(f"Endpoints that lineage {needed}" if account.targets else "No target is known")
    if account.targets:
        page.table(
            [
                (target.group_id, name_in(target.resource_id), _group_of(target.resource_id))
                for target in account.targets
            ],
            head=("GROUP", "TARGET", "RESOURCE GROUP"),
        )
    if account.retired:
        page.title("Not used for ingestion (any more)")
        for resource_id in account.retired:
            page.prose(short_ids(resource_id))
    render_findings(account.warnings, page)


@render.register(Plan)
def render_plan(plan: Plan, page: Page) -> None:
    """The steps with `+ = ~ !`, and the reasons below them."""
    counts = counted(ACTIONS[step.action] for step in plan.steps)
    nothing = all(step.action == "keep" for step in plan.steps)
    page.title(f"Plan: {'nothing to do' + (', ' if counts else '') if nothing else ''}{counts}")
    shape, firewall = ("shape", _shape(plan.account)), ("firewall", _firewall(plan.account))
    both_ends(page, plan.spec.factory, plan.account.id, *_own(plan.network), shape, firewall)
    if plan.steps:
        page.gap()
        page.table(
            [
                (
                    marked(ACTIONS[step.action].mark),
                    step.name,
                    _group(step.subject, step.group_id),
                    name_in(step.resource_id),
                )
                for step in plan.steps
            ],
            head=("", "ENDPOINT", "GROUP", "TARGET"),
        )
        page.gap()
        _reasons(page, plan.steps)
    if plan.conflicts:
        page.gap()
        page.prose("Nothing is written while there is a conflict.", role="bad")
        more(page, PlanConflict.code)
    if plan.obsolete:
        page.title("Obsolete: the account does not use what these lead to; they are left alone")
        _endpoints(page, plan.obsolete)
    render_findings(plan.warnings, page)


@render.register(Report)
def render_report(report: Report, page: Page) -> None:
    """The outcome of each step; below it the failures, and what is left for others."""
    counts = counted(RESULTS[outcome.result] for outcome in report.outcomes)
    failed = len(report.failures)
    verdict = "nothing to do" if not report.outcomes else counts
    verb = command_of(report.verb) if page.look.on_command_line else report.verb
    page.title(f"{verb}: {verdict}", "bad" if failed else "strong")
    account = report.account.id if report.account else report.spec.account
    both_ends(page, report.spec.factory, account, *_own(report.network))
    if report.outcomes:
        page.gap()
        page.table(
            [
                (
                    marked(RESULTS[outcome.result].mark),
                    outcome.name,
                    _group(outcome.subject, outcome.group_id),
                    _cell(RESULTS[outcome.result]),
                    duration(outcome.seconds),
                    name_in(outcome.resource_id),
                )
                for outcome in report.outcomes
            ],
            head=("", "FACTORY" if report.verb == "connect" else "ENDPOINT", "GROUP", "RESULT", "TIME", "TARGET"),
        )
    _troubles(page, report.outcomes)
    render_findings(report.warnings, page)
    if report.hand_off:
        page.title("For the owners of the targets")
        page.block(report.hand_off)


@render.register(Status)
def render_status(status: Status, page: Page) -> None:
    """A verdict for each endpoint, and what to do if it is not ready."""
    counts = counted(VERDICTS[endpoint.verdict] for endpoint in status.endpoints)
    page.title(f"Status: {'ready' if status.ready else 'not ready'} ({counts or 'no endpoint is wanted'})")
    both_ends(page, status.factory, status.account)
    if status.endpoints:
        page.gap()
        page.table(
            [
                (
                    marked(VERDICTS[endpoint.verdict].mark),
                    endpoint.name,
                    endpoint.group_id,
                    _cell(VERDICTS[endpoint.verdict]),
                    endpoint.provisioning_state or "-",
                    endpoint.connection_status or "-",
                    _target_says(endpoint),
                )
                for endpoint in status.endpoints
            ],
            head=("", "ENDPOINT", "GROUP", "VERDICT", "STATE", "FACTORY SAYS", "TARGET SAYS"),
        )
        _verdicts(page, status.endpoints)
    if status.others:
        page.title("Other managed private endpoints of this factory")
        _endpoints(page, status.others)
    render_findings(status.findings, page)


@render.register(Finding)
def render_finding(finding: Finding, page: Page) -> None:
    """One finding: message, evidence and remedy."""
    word = SEVERITIES[finding.severity]
    bullet = f"{word.mark.symbol} "
    # A headline is there to be read, so it is never faint.
    role = None if word.mark.role == "faint" else word.mark.role
    page.prose(f"{word.text}: {short_ids(finding.message)}", indent=0, bullet=bullet, role=role)
    if finding.cause:
        page.prose(short_ids(finding.cause))
    for evidence in finding.evidence:
        page.prose(short_ids(evidence), bullet="- ")
    if finding.remedy:
        page.advice(finding.remedy, indent=2)
    more(page, finding.code)


def more(page: Page, *codes: str, indent: int = 2) -> None:
    """The command that explains codes; a report file may hold codes of another version, which it does not know."""
    for code in dict.fromkeys(codes):
        if page.look.on_command_line and is_explained(code):
            page.prose(f"More: purview-mpe explain {code}", indent=indent)
        elif page.look.verbose:
            page.prose(f"code: {code}", indent=indent, role="faint")


@render.register(Event)
def render_event(event: Event, page: Page) -> None:
    """One line."""
    page.line(f"[{duration(event.seconds)}] {event.message}")


def render_findings(findings: Sequence[Finding], page: Page) -> None:
    """All findings, in the order given."""
    for finding in findings:
        page.gap()
        render_finding(finding, page)


def both_ends(page: Page, factory: str, account: str | None, *more: tuple[str, str | None]) -> None:
    """The factory and the account, and the other lines at the top."""
    page.fields([("factory", place(factory)), ("account", place(account) if account else None), *more])


def _group(subject: Subject, group_id: str | None) -> str:
    """The group id; for what has none, what it is."""
    return group_id or KINDS.get(subject, "-")


def _own(network: Network | None) -> list[tuple[str, str | None]]:
    """The line about a network of the customer's own."""
    if network is None:
        return []
    return [("network", f"{network.virtual_network_id.name}, subnet {network.subnet_id.name}")]


def _target_says(endpoint: EndpointStatus) -> str:
    """The connection on the target: distinguishes a target that cannot be read from one without a connection."""
    return "-" if endpoint.target_status is None else endpoint.target_status or "(none)"


def _firewall(account: Account) -> str:
    return FIREWALLS[account.firewall][0] if account.firewall else "unknown"


def _shape(account: Account) -> str:
    return SHAPES[account.shape] if account.shape else "unknown: this caller cannot read the account"


def _group_of(resource_id: str) -> str:
    parts = resource_id.split("/")
    return parts[4] if len(parts) > 4 else ""


def _cell(word: Word) -> Cell:
    return Cell(word.text, word.mark.role)


def counted(words: Iterable[Word]) -> str:
    """How many of each, in the order in which they first occur: "3 kept, 1 to create"."""
    return ", ".join(f"{count} {text}" for text, count in Counter(word.text for word in words).items())


def _reasons(page: Page, steps: Sequence[Step]) -> None:
    """Each reason once; a conflict always with its name, because its remedy names that endpoint."""
    grouped: dict[tuple[Action, str, str | None], list[str]] = {}
    for step in steps:
        grouped.setdefault((step.action, step.reason, step.remedy), []).append(step.name)
    for (action, reason, remedy), names in grouped.items():
        mark = ACTIONS[action].mark
        shared_by_all = len(names) == sum(step.action == action for step in steps)
        of_whom = "" if shared_by_all and action != "conflict" else f"{', '.join(names)}: "
        page.prose(
            of_whom + short_ids(reason), bullet=f"{mark.symbol} ", role=mark.role if action == "conflict" else None
        )
        if remedy:
            page.advice(remedy, indent=4)


def _troubles(page: Page, outcomes: Sequence[Outcome]) -> None:
    """The errors, grouped by remedy."""
    grouped: dict[str, list[tuple[Outcome, ErrorDetail]]] = {}
    for outcome in outcomes:
        if outcome.error is not None:
            grouped.setdefault(outcome.error.remedy, []).append((outcome, outcome.error))
    for remedy, group in grouped.items():
        page.gap()
        for outcome, error in group:
            mark = RESULTS[outcome.result].mark
            page.prose(f"{outcome.name}: {short_ids(error.message)}", bullet=f"{mark.symbol} ", role=mark.role)
            if page.look.verbose:
                page.trail(error.code, error, indent=4)
        page.advice(remedy, indent=4)
        more(page, *(error.code for _, error in group), indent=4)


def _verdicts(page: Page, endpoints: Sequence[EndpointStatus]) -> None:
    grouped: dict[tuple[Verdict, str], list[str]] = {}
    for endpoint in endpoints:
        if endpoint.verdict != "ready":
            grouped.setdefault((endpoint.verdict, endpoint.reason), []).append(endpoint.name)
    for (verdict, reason), names in grouped.items():
        word = VERDICTS[verdict]
        page.gap()
        page.prose(f"{', '.join(names)}: {short_ids(reason)}", bullet=f"{word.mark.symbol} ", role=word.mark.role)
        page.advice(word.advice, indent=4)


def _endpoints(page: Page, endpoints: Sequence[Endpoint]) -> None:
    page.table(
        [
            (
                endpoint.name,
                endpoint.group_id,
                endpoint.provisioning_state or "-",
                endpoint.connection_status or "-",
                name_in(endpoint.resource_id),
            )
            for endpoint in endpoints
        ],
        head=("ENDPOINT", "GROUP", "STATE", "FACTORY SAYS", "TARGET"),
    )
