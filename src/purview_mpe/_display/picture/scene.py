"""The picture of a noun as one small value: factory, managed virtual network, endpoints and their targets.

`scene` turns a noun into a `Scene`; `svg` and `mermaid` draw it. `_model.words` gives each state a symbol, a word and a
kind of line; the colour only repeats them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import TYPE_CHECKING

from purview_mpe._display import endings
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.matrix import CLOSED
from purview_mpe._model.results import Account, Plan, Report, Status
from purview_mpe._model.words import ACTIONS, FIREWALLS, RESULTS, SAME, UNDER_WAY, UNKNOWN, VERDICTS, WORKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Identity, Outcome, Result, Subject
    from purview_mpe._model.spec import Noun
    from purview_mpe._model.words import Mark, Word


@dataclass(frozen=True, slots=True)
class Way:
    """One line of the picture: from an endpoint to its target."""

    name: str
    group_id: str
    target: str
    """The target's id."""
    mark: Mark
    word: str
    """The state in a word or two."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a picture shows."""

    title: str
    outer: tuple[str, str]
    """Kind and name of the outer box: the factory, or the account if no factory is known."""
    inner: tuple[str, str]
    """Kind and name of the inner box: the managed virtual network."""
    ways: tuple[Way, ...]
    mark: Mark
    """The mark of the whole picture."""
    empty: str = "no endpoints"
    """The text if there are no lines."""
    before: tuple[Way, ...] = ()
    """The lines before the network: the factory's identity, and its connection to the account."""
    after: tuple[Way, ...] = ()
    """The last lines: the role of the factory's identity."""

    @property
    def rows(self) -> tuple[Way, ...]:
        """Every line of the picture, from top to bottom."""
        return (*self.before, *self.ways, *self.after)

    @property
    def text(self) -> str:
        """The picture in words, for readers who cannot see it."""
        ways = [f"{way.name} ({way.group_id}) to {_the(way.target)}: {way.word}" for way in self.rows]
        whole = f"{self.outer[0]} {self.outer[1]}".strip()
        return f"{whole}. {'. '.join(ways) or self.empty.capitalize()}."


class HasNoPicture(TypeError):
    """The noun has no picture."""


@singledispatch
def scene(noun: Noun) -> Scene:
    """The picture of a noun; modules with further nouns register theirs.

    Raises:
        HasNoPicture: the noun has none.
    """
    known = ", ".join(sorted(kind.__name__ for kind in scene.registry if kind is not object))
    raise HasNoPicture(f"{type(noun).__name__} has no picture; these have one: {known}")


@scene.register
def _(account: Account) -> Scene:
    firewall = FIREWALLS[account.firewall][0] if account.firewall else "unknown firewall"
    needed = "needed" if account.firewall in {CLOSED, None} else "needed once closed"
    return Scene(
        f"Purview account {account.name}: {_count(len(account.targets), 'endpoint')} {needed} "
        f"(shape {account.shape or 'unknown'}, {firewall})",
        ("Any data factory", ""),
        ("Managed virtual network", ""),
        sorted_ways(
            Way(f"{target.group_id} endpoint", target.group_id, target.resource_id, SAME, needed)
            for target in account.targets
        ),
        UNKNOWN if account.shape in {None, "F"} else SAME,
    )


@scene.register
def _(plan: Plan) -> Scene:
    network = next((step for step in plan.steps if step.subject == "managed-network"), None)
    changes = len(plan.changes)
    verdict = _count(len(plan.conflicts), "conflict") if plan.conflicts else _count(changes, "change")
    return Scene(
        f"Plan from {plan.spec.factory_id.name} to {plan.account.name}: {verdict}",
        ("Data factory", plan.spec.factory_id.name),
        _frame(plan.network, plan.spec.managed_virtual_network, "" if network is None else network.action),
        sorted_ways(
            _said(step.name, step.group_id, step.resource_id, ACTIONS[step.action])
            for step in plan.steps
            if step.subject in _ENDPOINTS and step.group_id is not None
        ),
        endings.of_plan(plan),
    )


@scene.register
def _(report: Report) -> Scene:
    account = report.account.name if report.account else last_segment(report.spec.account or "the account")
    mark, verdict = endings.of_report(report)
    return outcomes_scene(
        f"{report.verb} from {report.spec.factory_id.name} to {account}: {verdict}",
        report.spec.factory_id.name,
        report.spec.managed_virtual_network,
        report.outcomes,
        mark=mark,
        own=report.network,
    )


@scene.register
def _(status: Status) -> Scene:
    ready = sum(endpoint.verdict == "ready" for endpoint in status.endpoints)
    factory, account = last_segment(status.factory), last_segment(status.account)
    return Scene(
        f"Status from {factory} to {account}: {ready} of {_count(len(status.endpoints), 'endpoint')} ready",
        ("Data factory", factory),
        ("Managed virtual network", ""),
        sorted_ways(
            _said(endpoint.name, endpoint.group_id, endpoint.resource_id, VERDICTS[endpoint.verdict])
            for endpoint in status.endpoints
        ),
        endings.of_status(status),
    )


def outcomes_scene(
    title: str,
    factory: str,
    network: str,
    outcomes: Iterable[Outcome],
    *,
    mark: Mark,
    pending: Sequence[str] = (),
    own: Network | None = None,
) -> Scene:
    """The picture of each step's outcome so far; `pending` names the steps that have not finished."""
    network_result = ""
    is_own = own is not None
    results: dict[Identity, list[Outcome]] = {}
    links: dict[Subject, Way] = {}
    for outcome in outcomes:
        if outcome.subject == "managed-network":
            network_result = outcome.result
        elif outcome.subject in _ENDPOINTS:
            results.setdefault(outcome.identity, []).append(outcome)
            is_own = is_own or outcome.subject == "private-endpoint"
        elif outcome.subject in _LINKS:
            links[outcome.subject] = _link(outcome)
    ways = [_way(together) for together in results.values()]
    waited = set(pending)
    shown = [
        replace(way, mark=WORKING, word=f"{way.word}, {UNDER_WAY.text}") if way.name in waited else way for way in ways
    ]
    runtime = [links["runtime"]] if "runtime" in links else []
    return Scene(
        title,
        ("Data factory", factory),
        _frame(own, network, network_result) if own or not is_own else _OWN_NETWORK,
        (*runtime, *sorted_ways(shown)),
        mark,
        before=tuple(links[subject] for subject in _BEFORE if subject in links),
        after=tuple(links[subject] for subject in _AFTER if subject in links),
    )


def _way(outcomes: Sequence[Outcome]) -> Way:
    """The outcome of one endpoint, with a word per result: first how it was made, then the decision about it.

    Events report a step twice, at its request and at its end, and an approval may come in between.
    """
    results: list[Result] = sorted(
        dict.fromkeys(outcome.result for outcome in outcomes), key=lambda result: result not in MADE
    )
    last = outcomes[-1]
    word = ", ".join(RESULTS[result].text for result in results)
    return Way(last.name, last.group_id or "", last.resource_id, RESULTS[results[-1]].mark, word)


def _link(outcome: Outcome) -> Way:
    name, subtitle = _LINKS[outcome.subject]
    # It needs no approval, so once created it is done.
    word = replace(RESULTS["enabled"], text=RESULTS["created"].text) if outcome.result == "created" else None
    return _said(name or outcome.name, subtitle, outcome.resource_id, word or RESULTS[outcome.result])


def _said(name: str, group_id: str, target: str, word: Word) -> Way:
    return Way(name, group_id, target, word.mark, word.text)


#: Results that say how an endpoint was made; the others say what was decided about it.
MADE: frozenset[Result] = frozenset({"created", "kept", "replaced"})
#: What leads to a target.
_ENDPOINTS: frozenset[Subject] = frozenset({"endpoint", "private-endpoint"})
#: Name and subtitle of the links beside the endpoints; a runtime has its own name.
_LINKS: Mapping[Subject, tuple[str, str]] = {
    "identity": ("Managed identity", "system-assigned"),
    "connection": ("Connection to Purview", "where lineage goes"),
    "runtime": ("", "Azure integration runtime"),
    "data-curator": ("Role Data Curator", "of the identity, on the root collection"),
}
_BEFORE: tuple[Subject, ...] = ("identity", "connection")
_AFTER: tuple[Subject, ...] = ("data-curator",)
#: The inner box for private endpoints of the customer's own, if the network's name is not known.
_OWN_NETWORK = ("Your virtual network", "")
_KINDS = {
    "integrationruntimes": "Integration runtime",
    "microsoft.datafactory/factories": "Data factory",
    "microsoft.purview/accounts": "Purview account",
    "microsoft.storage/storageaccounts": "Storage account",
    "microsoft.eventhub/namespaces": "Event Hubs namespace",
}


def kind_of(resource_id: str) -> str:
    """The kind of a target, in words; empty if the text is not an id."""
    folded = resource_id.casefold()
    kind = next((kind for part, kind in _KINDS.items() if f"/{part}/" in folded), "Resource")
    return kind if "/" in resource_id else ""


def _the(target: str) -> str:
    kind = kind_of(target)
    return f"the {kind} {last_segment(target)}" if kind else target


def _frame(own: Network | None, name: str, fate: str) -> tuple[str, str]:
    """What the endpoints are in: the factory's managed virtual network, or one of the customer's own."""
    if own is not None:
        return (_OWN_NETWORK[0], f"{own.virtual_network_id.name} / {own.subnet_id.name}")
    return ("Managed virtual network", f"{name}, {fate}" if fate else name)


def sorted_ways(ways: Iterable[Way]) -> tuple[Way, ...]:
    """The ways grouped by target, so that each target is drawn once; otherwise in the order given."""
    listed = list(ways)
    first = {way.target.casefold(): number for number, way in reversed(list(enumerate(listed)))}
    return tuple(sorted(listed, key=lambda way: first[way.target.casefold()]))


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
