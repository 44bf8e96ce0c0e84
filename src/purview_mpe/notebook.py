"""Live progress in a notebook cell, with IPython's own display protocol.

    from purview_mpe import Client
    from purview_mpe.notebook import live, progress

    with Client(on_event=progress()) as client:
        report = client.create_all(spec)                    # the cell shows the progress, and the picture at the end
        for status in live(client.watch(spec)):             # one picture, redrawn at each change
            pass

Needs IPython, which every notebook has. Needs no widgets.
"""

from __future__ import annotations

import importlib
import threading
from collections import Counter
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from purview_mpe._display.html import Fragment, html, render
from purview_mpe._display.notes import of_outcomes
from purview_mpe._display.picture.scene import MADE, outcomes_scene
from purview_mpe._display.tables import Table
from purview_mpe._display.text.page import duration
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.naming import LINEAGE_GROUPS
from purview_mpe._model.results import FAILURES
from purview_mpe._model.words import DONE, FAILED, RESULTS, SAME, WAITING, WORKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Outcome, Result, Status
    from purview_mpe._model.words import Mark

__all__ = ["Progress", "live", "progress"]

#: Maximum number of failures shown; a fleet can have thousands, and its report holds all of them.
_SHOWN_TROUBLE = 5
#: A new connection is pending until it is approved; that of a kept endpoint may be approved already.
_UNAPPROVED = frozenset(result for result, word in RESULTS.items() if word.mark.role == "new")
#: Results that leave work for a person after the verb.
_LEFT = frozenset(result for result, word in RESULTS.items() if word.is_left)
#: Verbs for which nothing is left to do where nothing exists.
_REMOVING = frozenset({"delete_all", "delete_many", "delete_private_endpoints", "disconnect", "offboard", "revoke"})
_ORDER = {group_id: number for number, group_id in enumerate(LINEAGE_GROUPS)}


def progress() -> Progress:
    """A listener for `Client(on_event=…)` that shows each verb in the cell where it runs, while it runs.

    Raises:
        ModuleNotFoundError: IPython is not installed.
        RuntimeError: this is a script, not a notebook.
    """
    return Progress(_ipython_display())


@overload
def live(statuses: Iterable[Status]) -> Iterator[Status]: ...
@overload
def live(statuses: AsyncIterable[Status]) -> AsyncIterator[Status]: ...
def live(statuses: Iterable[Status] | AsyncIterable[Status]) -> Iterator[Status] | AsyncIterator[Status]:
    """The same statuses, each shown in place of the previous one; wrap `Client.watch` in it.

    With the asynchronous client, iterate with `async for`.

    Raises:
        ModuleNotFoundError: IPython is not installed.
        RuntimeError: this is a script, not a notebook.
    """
    output = _Output(_ipython_display())
    return _live_later(statuses, output) if isinstance(statuses, AsyncIterable) else _live(statuses, output)


def _live(statuses: Iterable[Status], output: _Output) -> Iterator[Status]:
    for status in statuses:
        output.show(html(status) or "", str(status))
        yield status


async def _live_later(statuses: AsyncIterable[Status], output: _Output) -> AsyncIterator[Status]:
    async for status in statuses:
        output.show(html(status) or "", str(status))
        yield status


def _ipython_display() -> Any:
    try:
        ipython = importlib.import_module("IPython")
        module = importlib.import_module("IPython.display")
    except ModuleNotFoundError as error:
        message = "purview_mpe.notebook needs IPython, which every notebook has: pip install ipython"
        raise ModuleNotFoundError(message, name="IPython") from error
    if ipython.get_ipython() is None:
        raise RuntimeError(
            "purview_mpe.notebook only works in a notebook, and this is not one; "
            "in a script pass a function of your own as on_event."
        )
    return module


class _Output:
    """One place in a cell's output that can be rewritten."""

    def __init__(self, ipython_display: Any) -> None:
        self._display = ipython_display
        self._handle: Any = None

    @property
    def is_shown(self) -> bool:
        """Whether the cell shows anything yet."""
        return self._handle is not None

    def show(self, markup: str, text: str) -> None:
        """Show it, in place of anything shown before."""
        data = {"text/html": markup, "text/plain": text}
        if self._handle is None:
            self._handle = self._display.display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


@dataclass(slots=True)
class _Run:
    """The state of one run of a verb, from its events."""

    verb: str
    output: _Output
    message: str = ""
    seconds: float = 0.0
    over: bool = False
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict["str", "list[Outcome]"])
    """By the id of the factory; the id is empty if an event does not name it."""
    pending: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


class Progress:
    """Shows events as they arrive, possibly from several threads; see `progress`."""

    def __init__(self, ipython_display: Any) -> None:
        self._display = ipython_display
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    def __call__(self, event: Event) -> None:
        """Take an event, and show the progress of the verb."""
        with self._lock:
            run = self._runs.get(event.verb)
            if run is None or event.kind == "started" or run.over:
                run = self._runs[event.verb] = _Run(event.verb, _Output(self._display))
            _take(run, event)
            # A verb that only reads ends in a moment, and its result shows everything.
            if run.outcomes or run.pending or event.kind == "retrying" or run.output.is_shown:
                shown = _fragment(run)
                run.output.show(render(shown), _plain(run, shown))


def _take(run: _Run, event: Event) -> None:
    run.message, run.seconds, run.over = event.message, event.seconds, event.kind == "finished"
    factory = event.factory or ""
    if event.outcome is not None:
        run.outcomes.setdefault(factory, []).append(event.outcome)
        left = run.pending.get(factory, ())
        run.pending[factory] = tuple(name for name in left if name != event.outcome.name)
    if event.kind == "waiting":
        run.pending[factory] = event.pending
    if run.over:
        run.pending.clear()


def _fragment(run: _Run) -> Fragment:
    """A picture for one factory; a table with a row each for many."""
    headline = _headline(run)
    trouble = of_outcomes(outcome for outcomes in run.outcomes.values() for outcome in outcomes)
    factories = list(run.outcomes | dict.fromkeys(run.pending))
    if len(factories) > 1:
        table = (f"Factories ({len(factories)})", _fleet(run, factories))
        return Fragment(headline, _mark(run), None, trouble[:_SHOWN_TROUBLE], [table])
    if not any(outcome.group_id for outcomes in run.outcomes.values() for outcome in outcomes):
        return Fragment(headline, _mark(run), None, trouble)
    (factory,) = factories
    # Steps that run together end in any order; the picture keeps the portal's order.
    outcomes = sorted(run.outcomes[factory], key=lambda outcome: _ORDER.get(outcome.group_id or "", len(_ORDER)))
    pending = run.pending.get(factory, ())
    scene = outcomes_scene(headline, last_segment(factory), "", outcomes, mark=_mark(run), pending=pending)
    return Fragment(headline, scene.mark, scene, trouble)


def _headline(run: _Run) -> str:
    """The pending steps and the elapsed time, and at the end the results."""
    if not run.over or not run.message.endswith("finished"):
        return f"{run.verb}, {duration(run.seconds)}: {run.message}"
    results: Counter[Result] = Counter(
        outcome.result for outcomes in run.outcomes.values() for outcome in _last_words(outcomes)
    )
    counts = ", ".join(f"{count} {RESULTS[result].text}" for result, count in results.items()) or "nothing to do"
    left = ", to be approved" if _UNAPPROVED & _undecided(run) else ""
    return f"{run.message} after {duration(run.seconds)}: {counts}{left}"


def _last_words(outcomes: list[Outcome]) -> list[Outcome]:
    """Events report a step twice, at its request and at its end: each result of an endpoint counts once."""
    return list({(outcome.subject, outcome.identity, outcome.result): outcome for outcome in outcomes}.values())


def _mark(run: _Run) -> Mark:
    if not run.over:
        return WORKING
    if not run.message.endswith("finished"):
        return FAILED
    results = {outcome.result for outcomes in run.outcomes.values() for outcome in outcomes}
    undecided = _undecided(run)
    if FAILURES & results:
        return FAILED
    if _LEFT & results or _UNAPPROVED & undecided or ("absent" in results and run.verb not in _REMOVING):
        return WAITING
    # No event says whether an existing endpoint is approved.
    return SAME if "kept" in undecided else DONE


def _undecided(run: _Run) -> set[Result]:
    """The results of the endpoints whose connections this verb has neither approved nor found approved."""
    made: dict[tuple[str, ...], Result] = {}
    approved: set[tuple[str, ...]] = set()
    for factory, outcomes in run.outcomes.items():
        for outcome in outcomes:
            if outcome.subject != "endpoint":
                continue
            endpoint = (factory, *outcome.identity)
            if outcome.result in MADE:
                made[endpoint] = outcome.result
            elif outcome.result in {"approved", "already-approved"}:
                approved.add(endpoint)
    return {result for endpoint, result in made.items() if endpoint not in approved}


def _fleet(run: _Run, factories: list[str]) -> Table:
    rows = [
        (
            last_segment(factory),
            ", ".join(_said(outcome) for outcome in run.outcomes.get(factory, ())),
            ", ".join(run.pending.get(factory, ())),
        )
        for factory in factories
    ]
    return Table(("factory", "done", "waiting for"), tuple(rows))


def _plain(run: _Run, shown: Fragment) -> str:
    done = [f"  {_said(outcome)}" for outcomes in run.outcomes.values() for outcome in outcomes]
    return "\n".join([f"{shown.mark.symbol} {shown.headline}", *done])


def _said(outcome: Outcome) -> str:
    word = RESULTS[outcome.result]
    return f"{word.mark.symbol} {outcome.name}: {word.text}"
