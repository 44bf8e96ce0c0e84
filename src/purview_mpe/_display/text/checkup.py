"""The tables of the nouns that inspect a setup: Check, Diagnosis, Proof, Orphans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._display.text.nouns import both_ends, render_findings
from purview_mpe._display.text.page import Cell, Page, marked, name_in, place, short_ids
from purview_mpe._display.text.render import render
from purview_mpe._model.checkup import Check, Diagnosis, Orphans
from purview_mpe._model.proof import Proof
from purview_mpe._model.words import ANSWERS, ORPHANED, OWN, SUPPORT, answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from purview_mpe._model.checkup import OrphanConnection, OrphanEndpoint, Right, RuntimeCheck
    from purview_mpe._model.results import Finding
    from purview_mpe._model.words import Word


@render.register(Check)
def render_check(check: Check, page: Page) -> None:
    """Each runtime against the support matrix, each right of the caller, and the findings."""
    page.title(f"Check: {_verdict(check.ok, check.findings)}", "strong" if check.ok else "bad")
    both_ends(page, check.factory, check.account)
    if check.runtimes:
        page.title("Does lineage arrive through this runtime?")
        page.table(
            [(*_marked(SUPPORT[answer(one.supported)], one.name, one.kind), _needs(one)) for one in check.runtimes],
            head=("", "RUNTIME", "KIND", "LINEAGE", "NEEDS"),
        )
        page.gap()
        _reasons(page, check.runtimes)
    if check.rights:
        page.title("What may this caller do?")
        page.table(
            [(*_marked(ANSWERS[answer(one.allowed)], one.step), one.role) for one in check.rights],
            head=("", "STEP", "ALLOWED", "SMALLEST ROLE"),
        )
        _missing_actions(page, check.rights)
    render_findings(check.findings, page)


@render.register(Diagnosis)
def render_diagnosis(diagnosis: Diagnosis, page: Page) -> None:
    """What prevents lineage, in the order of the chain."""
    page.title(f"Diagnosis: {_verdict(diagnosis.ok, diagnosis.findings)}", "strong" if diagnosis.ok else "bad")
    lineage = ", ".join(f"{count} {status}" for status, count in diagnosis.lineage.items())
    runs = ("runs", _runs(diagnosis.runs, diagnosis.since))
    both_ends(page, diagnosis.factory, diagnosis.account, runs, ("lineage", lineage))
    render_findings(diagnosis.findings, page)


@render.register(Proof)
def render_proof(proof: Proof, page: Page) -> None:
    """The links from the run to the data sets, with what was seen of each."""
    proven = ANSWERS[answer(proof.proven)]
    verdict = {True: "lineage arrived", False: "lineage did not arrive", None: "unknown"}[proof.proven]
    page.title(f"Proof: {verdict}", "strong" if proof.proven else proven.mark.role)
    run = ("run", proof.run_id)
    both_ends(page, proof.factory, proof.account, ("pipeline", proof.pipeline), run)
    if proof.links:
        page.gap()
        page.table([_marked(ANSWERS[link.state], link.name) for link in proof.links], head=("", "LINK", "SEEN"))
        page.gap()
        for link in proof.links:
            for line in link.evidence:
                page.prose(f"{link.name}: {short_ids(line)}", bullet=f"{ANSWERS[link.state].mark.symbol} ")
    render_findings(proof.findings, page)


@render.register(Orphans)
def render_orphans(orphans: Orphans, page: Page) -> None:
    """What is left over, each with the full id that you need to remove it."""
    left_over: list[OrphanConnection | OrphanEndpoint] = [*orphans.connections, *orphans.endpoints]
    unsure = sum(not one.certain for one in left_over)
    doubt = f" ({unsure} of them not certain)" if unsure else ""
    page.title(f"Orphans: {f'{len(left_over)} left over{doubt}' if left_over else 'none'}")
    page.fields([("account", place(orphans.account))])
    if orphans.connections:
        page.title("Connections on the targets that no endpoint uses")
        _orphans(page, [(one, one.connection_id) for one in orphans.connections])
    if orphans.endpoints:
        page.title("Endpoints in factories whose target is gone")
        _orphans(page, [(one, one.factory) for one in orphans.endpoints])
    render_findings(orphans.findings, page)


def _orphans(page: Page, rows: Sequence[tuple[OrphanConnection | OrphanEndpoint, str]]) -> None:
    """A table, and below it each reason once, with the ids that it applies to."""
    page.table(
        [
            (
                marked(ORPHANED[one.certain].mark),
                name_in(one.factory),
                one.endpoint,
                name_in(one.target_id),
                ORPHANED[one.certain].text,
            )
            for one, _ in rows
        ],
        head=("", "FACTORY", "ENDPOINT", "TARGET", "ORPHAN"),
    )
    grouped: dict[tuple[bool, str], list[str]] = {}
    for one, resource_id in rows:
        grouped.setdefault((one.certain, one.reason), []).append(resource_id)
    for (certain, reason), ids in grouped.items():
        mark = ORPHANED[certain].mark
        page.gap()
        page.prose(short_ids(reason), bullet=f"{mark.symbol} ", role=mark.role)
        for resource_id in dict.fromkeys(ids):
            page.line(f"    {resource_id}")


def _verdict(ok: bool, findings: Sequence[Finding]) -> str:
    severities = [finding.severity for finding in findings]
    counts = ", ".join(
        f"{count} {severity}{'s' if count > 1 and severity != 'info' else ''}"
        for severity in dict.fromkeys(severities)
        if (count := severities.count(severity))
    )
    return f"{'ok' if ok else 'not ok'}{f' ({counts})' if counts else ''}"


def _marked(word: Word, *cells: str) -> tuple[Cell | str, ...]:
    """The word's mark, the cells, and the word."""
    return marked(word.mark), *cells, Cell(word.text, word.mark.role)


def _needs(runtime: RuntimeCheck) -> str:
    needs = [f"{len(groups)} {whose}" for groups, whose in _groups(runtime)]
    if runtime.customer_groups and runtime.kind == "self-hosted":
        needs[-1] += f" ({OWN[answer(runtime.private_endpoints)]})"
    return ", ".join(needs) or "-"


def _groups(runtime: RuntimeCheck) -> list[tuple[tuple[str, ...], str]]:
    both = [(runtime.managed_groups, "managed"), (runtime.customer_groups, "own")]
    return [(groups, whose) for groups, whose in both if groups]


def _reasons(page: Page, runtimes: Sequence[RuntimeCheck]) -> None:
    for runtime in runtimes:
        mark = SUPPORT[answer(runtime.supported)].mark
        needs = "".join(f" {whose.capitalize()} endpoints: {', '.join(groups)}." for groups, whose in _groups(runtime))
        page.prose(
            f"{runtime.name}: {runtime.reason}{needs}",
            bullet=f"{mark.symbol} ",
            role=None if runtime.supported else mark.role,
        )


def _missing_actions(page: Page, rights: Sequence[Right]) -> None:
    for right in rights:
        if right.missing_actions and page.look.verbose:
            page.prose(f"{right.step} lacks {', '.join(right.missing_actions)}", role="faint")


def _runs(runs: int | None, since: timedelta) -> str:
    return f"{'unknown' if runs is None else runs} in the last {_stretch(since)}"


def _stretch(since: timedelta) -> str:
    hours = since.total_seconds() / 3600
    return f"{hours:g} hours" if hours <= 48 else f"{hours / 24:g} days"
