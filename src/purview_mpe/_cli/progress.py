"""Live progress on stderr, from a client's events: a block that is redrawn on a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self

from purview_mpe._cli.fleet_progress import fleet_progress_on
from purview_mpe._cli.ticking import Ticker
from purview_mpe._display.text.page import Cell, Page, duration, marked, shortened, wrapped
from purview_mpe._model.naming import LINEAGE_GROUPS
from purview_mpe._model.shell import command_of
from purview_mpe._model.words import KINDS, RESULTS, UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Identity, Result, Subject
    from purview_mpe._model.spec import Spec

_LINES_EVERY = 30.0
#: What a block shows before the endpoints, in this order; everything else stands below them.
_BEFORE: tuple[Subject, ...] = ("identity", "connection", "managed-network", "runtime")
#: What the owner of a target has decided stays in sight while Azure still works on the endpoint.
_DECIDED: frozenset[Result] = frozenset({"approved", "rejected"})


class Progress(Protocol):
    """Something that shows events while a verb runs; used as a context manager around it."""

    def __call__(self, event: Event) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *args: object) -> None: ...


class _Seen:
    """The state that the events so far give. The lock is there because events come from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._verb = ""
        self._seconds = 0.0
        self._message = ""
        self._pending: tuple[str, ...] = ()
        self._order: dict[str, None] = {}
        #: The results of each row. Identity, connection and role bear one name, the factory's.
        self._results: dict[tuple[Subject, str], dict[Result, None]] = {}
        #: Those of each step: several zone groups can bear one name, too.
        self._steps: dict[tuple[Subject, str, Identity], dict[Result, None]] = {}
        self._groups: dict[str, str | None] = {}

    def _take(self, event: Event) -> None:
        self._verb, self._seconds = command_of(event.verb), event.seconds
        self._message = event.message if event.kind in {"waiting", "retrying"} else ""
        if event.outcome is not None:
            done = event.outcome
            self._results[done.subject, done.name] = _with(self._results.get((done.subject, done.name)), done.result)
            step = (done.subject, done.name, done.identity)
            self._steps[step] = _with(self._steps.get(step), done.result)
            self._groups[done.name] = done.group_id
            self._pending = tuple(name for name in self._pending if name != done.name)
        if event.kind == "waiting":
            self._pending = event.pending
            # Steps that run together end in any order; the pending ones are listed in the plan's order.
            self._order |= dict.fromkeys(event.pending)
        if event.kind == "finished":
            self._pending = ()

    def _summary(self, event: Event) -> str | None:
        """What was done; None if nothing was, or if the verb was stopped: the error is then shown elsewhere."""
        if not self._results or not event.message.endswith("finished"):
            return None
        counts = Counter(RESULTS[result].text for results in self._steps.values() for result in results)
        done = ", ".join(f"{count} {text}" for text, count in counts.items())
        return f"{self._verb} finished after {duration(self._seconds)}: {done}."


class Lines(_Seen):
    """A line for each step, and one now and then while the verb only waits."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self._shown: tuple[float, tuple[str, ...]] = (0.0, ())

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            self._take(event)
            match event.kind:
                case "waiting":
                    shown_at, shown = self._shown
                    if shown != event.pending or event.seconds - shown_at >= _LINES_EVERY:
                        self._line(event)
                        self._shown = (event.seconds, event.pending)
                case "step" | "retrying" | "warning":
                    self._line(event)
                case "started":
                    pass
                case "finished":
                    if summary := self._summary(event):
                        self._write(summary)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        """There is nothing to clean up."""

    def _line(self, event: Event) -> None:
        self._write(f"[{duration(event.seconds)}] {event.message}")


class Block(_Seen):
    """One block of lines at the bottom of a terminal, redrawn in place and removed at the end.

    Args:
        terminal: Where to draw.
        now: A clock for the time between two events. With None the shown time does not move between them, for a
            client whose clock is not the real one.
        every: Seconds between two redraws while nothing happens.
    """

    def __init__(
        self, terminal: Terminal, *, now: Callable[[], float] | None = time.monotonic, every: float = 0.5
    ) -> None:
        super().__init__()
        self._terminal = terminal
        self._now = now
        self._seen_at = 0.0
        self._drawn = 0
        self._ticker = Ticker(self._tick, every)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            self._take(event)
            self._seen_at = self._now() if self._now else 0.0
            if event.kind == "finished":
                self._erase()
                # If stdout is a terminal, too, the table that follows shows the same.
                if (summary := self._summary(event)) and not self._terminal.stdout.isatty():
                    self._terminal.say(summary)
            elif event.kind == "warning":
                self._erase()
                self._terminal.say(event.message)  # stays above the block, which the next event draws
            else:
                self.draw()

    def __enter__(self) -> Self:
        if self._now:
            self._ticker.start()
        return self

    def __exit__(self, *args: object) -> None:
        if self._now:
            self._ticker.stop()
        with self._lock:
            self._erase()

    def draw(self) -> None:
        """Draw the present state over the previous one."""
        with self._lock:
            wide, high = self._terminal.size(self._terminal.stderr)
            lines = list(self._lines(wide - 1))[: max(1, high - 1)]
            text = "".join(f"{line}\x1b[K\n" for line in lines)
            self._terminal.stderr.write(self._home() + text + "\x1b[J")
            self._terminal.stderr.flush()
            self._drawn = len(lines)

    def _lines(self, width: int) -> Iterable[str]:
        look = self._terminal.look(self._terminal.stderr)
        passed = self._now() - self._seen_at if self._now else 0.0
        yield look.paint("strong", shortened(f"{self._verb}  {duration(self._seconds + passed)}", width))
        page = Page(replace(look, width=width))
        known = {name for _, name in self._results}
        unknown: list[tuple[Subject, str]] = [("endpoint", name) for name in self._order if name not in known]
        if rows := sorted([*self._results, *unknown], key=self._place):
            page.table([self._row(*row) for row in rows])
            yield from str(page).splitlines()
        if self._message:
            for line in wrapped(self._message, width - 2):
                yield look.paint("faint", shortened(f"  {line}", width))

    def _place(self, row: tuple[Subject, str]) -> tuple[int, int, int]:
        """The place of a row, so that rows stay in their order while the verb runs."""
        subject, name = row
        if subject in _BEFORE:
            return 0, _BEFORE.index(subject), 0
        group, in_order = self._groups.get(name), list(self._order)
        by_group = LINEAGE_GROUPS.index(group) if group in LINEAGE_GROUPS else len(LINEAGE_GROUPS)
        return int(subject == "data-curator") + 1, by_group, in_order.index(name) if name in in_order else len(in_order)

    def _row(self, subject: Subject, name: str) -> tuple[Cell, Cell, Cell]:
        results = list(self._results.get((subject, name), {}))
        words = [RESULTS[result] for result in results]
        # A step that is not pending any more and has no outcome yet: its outcome comes with the next event.
        if not results or name in self._pending:
            words = [*(RESULTS[result] for result in results if result in _DECIDED), UNDER_WAY]
        mark, shown = words[-1].mark, ", ".join(word.text for word in words)
        return marked(mark), Cell(f"{name} {KINDS.get(subject, '')}".strip()), Cell(shown, mark.role)

    def _erase(self) -> None:
        if self._drawn:
            self._terminal.stderr.write(self._home() + "\x1b[J")
            self._terminal.stderr.flush()
            self._drawn = 0

    def _home(self) -> str:
        return f"\x1b[{self._drawn}A\r" if self._drawn else ""

    def _tick(self) -> None:
        with self._lock:
            if self._drawn:
                self.draw()


def _with(before: dict[Result, None] | None, result: Result) -> dict[Result, None]:
    """The results with one more; a failure takes the place of what was reported when the request was accepted."""
    return {result: None} if before is None or RESULTS[result].mark.role == "bad" else {**before, result: None}


def progress_on(terminal: Terminal, fleet: Sequence[Spec] | None = None) -> Progress:
    """The progress that fits the terminal, for one factory or a fleet."""
    if fleet is not None:
        return fleet_progress_on(terminal, fleet)
    return Block(terminal) if terminal.is_live(terminal.stderr) else Lines(terminal.say)
