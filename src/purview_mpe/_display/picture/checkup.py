"""The pictures of a check, which shows the runtimes, and of a diagnosis, which shows the links of the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._display import endings
from purview_mpe._display.picture.scene import Scene, Way, scene
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.checkup import Check, Diagnosis
from purview_mpe._model.words import DONE, OWN, RESULTS, SAME, SEVERITIES, SUPPORT, answer
from purview_mpe._rules.findings.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.checkup import RuntimeCheck
    from purview_mpe._model.results import Finding
    from purview_mpe._rules.findings.kind import Link

#: The links of the chain in order, and the subject of each. Findings about fleets belong to none of them.
CHAIN: Mapping[Link, str] = {
    "Account": "its firewall and what it shows",
    "Factory": "connection, identity, runtimes",
    "Endpoints": "present, and to the right targets",
    "Network": "your own private endpoints",
    "Approvals": "what the owners have decided",
    "Rights": "what this caller may do",
    "Runs": "what recent activities reported",
}
_NO_ACCOUNT = "no account"


@scene.register(Check)
def _(check: Check) -> Scene:
    return Scene(
        f"Check from {last_segment(check.factory)} to {_name(check.account)}: {_verdict(check)}",
        ("Data factory", last_segment(check.factory)),
        ("Integration runtimes", ""),
        tuple(_runtime(check, runtime) for runtime in check.runtimes),
        endings.of_check(check),
        empty="no runtimes were found",
        after=_role(check),
    )


@scene.register(Diagnosis)
def _(diagnosis: Diagnosis) -> Scene:
    verdict = "no cause found" if diagnosis.ok else "lineage is blocked"
    return Scene(
        f"Diagnosis from {last_segment(diagnosis.factory)} to {_name(diagnosis.account)}: {verdict}",
        ("Data factory", last_segment(diagnosis.factory)),
        ("What lineage depends on", ""),
        tuple(_link(link, diagnosis) for link in CHAIN),
        endings.of_diagnosis(diagnosis),
    )


def _runtime(check: Check, runtime: RuntimeCheck) -> Way:
    supported = SUPPORT[answer(runtime.supported)]
    return Way(runtime.name, _needs(runtime), check.account or _NO_ACCOUNT, supported.mark, supported.text)


def _role(check: Check) -> tuple[Way, ...]:
    """The role of the factory's identity, if the caller could read it."""
    if check.curator is None:
        return ()
    word = RESULTS["already-granted"] if check.curator else SEVERITIES["error"]
    text = word.text if check.curator else "missing"
    return (Way("Role Data Curator", "the factory's identity", check.account or _NO_ACCOUNT, word.mark, text),)


def _verdict(check: Check) -> str:
    severities = [finding.severity for finding in check.findings]
    counts = [(severities.count(severity), severity) for severity in ("error", "warning")]
    found = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)
    return found or ("nothing stands in the way" if check.ok else "not ready")


def _link(link: Link, diagnosis: Diagnosis) -> Way:
    # Errors come first in a diagnosis, so the first finding of a link is its worst.
    found = [finding for finding in diagnosis.findings if _link_of(finding) == link]
    target = diagnosis.account or _NO_ACCOUNT
    if not found:
        # Behind an error, later problems might not have been found.
        return Way(link, CHAIN[link], target, DONE if diagnosis.ok else SAME, "nothing found")
    severity = SEVERITIES[found[0].severity]
    codes = found[0].code if len(found) == 1 else f"{found[0].code} and {len(found) - 1} more"
    return Way(link, codes, target, severity.mark, severity.text)


def _link_of(finding: Finding) -> Link | None:
    """The link that a finding belongs to; None for a code of another version of this library."""
    kind = CATALOGUE.get(finding.code)
    return kind.link if kind else None


def _needs(runtime: RuntimeCheck) -> str:
    both = ((runtime.managed_groups, "managed endpoints"), (runtime.customer_groups, "endpoints of yours"))
    needs = [f"{len(groups)} {whose}" for groups, whose in both if groups]
    if not needs:
        return runtime.kind
    own = f" ({OWN[answer(runtime.private_endpoints)]})" if runtime.kind == "self-hosted" else ""
    return f"{runtime.kind}: {', '.join(needs)}{own}"


def _name(account: str | None) -> str:
    return last_segment(account) if account else _NO_ACCOUNT
