"""Live progress of a fleet on stderr: a line per subscription, not per factory."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from purview_mpe._cli.ticking import Ticker
from purview_mpe._display.text.page import Cell, Page, duration, marked, shortened, wrapped
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._model.shell import command_of
from purview_mpe._model.words import DONE, FAILED, RESULTS, UNDER_WAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.events import Event
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.words import Mark

#: Seconds between two lines in a log, and between two redraws of a terminal.
_LINES_EVERY, _DRAWN_EVERY = 30.0, 0.2
#: Seconds after which a message about waiting disappears: a fleet that waits says so every 15 seconds.
_STALE = 20.0
#: Columns of a row for its indent, its mark and the gaps.
_AROUND = 8
#: A log has a line for each of so many factories with failures; the answer has them all.
_MOST_FAILURES = 20


@dataclass
class _Subscription:
    """The factories of one subscription."""

    name: str
    factories: int = 0
    done: int = 0
    failed: int = 0
    results: Counter[str] = field(default_factory=Counter[str])

    @property
    def mark(self) -> Mark:
        if self.done < self.factories:
            return UNDER_WAY.mark
        return FAILED if self.failed else DONE

    def take(self, counts: Mapping[str, int]) -> None:
        """One more factory has finished."""
        self.done += 1
        self.failed += _has_failures(counts)
        self.results.update(counts)

    def __str__(self) -> str:
        failed = f", {self.failed} with failures" if self.failed else ""
        return f"{self.done} of {self.factories} factories done{failed}"

    def short(self) -> str:
        """The same in a row about factories."""
        return f"{self.done} of {self.factories}{f', {self.failed} failed' if self.failed else ''}"

    def counted(self, width: int) -> str:
        """The results so far, in their usual order; without the last of them where it does not fit."""
        counts = [f"{self.results[kind]} {kind}" for kind in RESULTS if self.results[kind]]
        whole = ", ".join(counts)
        while counts and len(whole) > width:
            counts.pop()
            whole = ", ".join([*counts, "..."])
        return whole if counts else ""


def _has_failures(counts: Mapping[str, int]) -> bool:
    return any(RESULTS[result].mark.role == "bad" for result in RESULTS if result in counts)


class _Tally:
    """What the events so far say. The lock is there because events come from several threads."""

    def __init__(self, fleet: Sequence[Spec]) -> None:
        self._lock = threading.RLock()
        self._verb, self._seconds = "", 0.0
        self._last: tuple[float, str] = (float("-inf"), "")
        self._of: dict[str, _Subscription] = {}
        for spec in fleet:
            name = spec.factory_id.subscription
            self._of.setdefault(folded(name), _Subscription(name)).factories += 1
        self._all = _Subscription("all", len(fleet))

    def _take(self, event: Event) -> bool:
        """Count an event; True if a factory has finished."""
        self._seconds = event.seconds
        if event.kind == "started":
            self._verb = command_of(event.verb.removesuffix("_many"))
        if (
            event.kind in {"waiting", "retrying"}
            and event.factory is None
            and "factories are done" not in event.message
        ):
            self._last = event.seconds, event.message
        if event.kind != "finished" or event.factory is None:
            return False
        self._of[folded(ArmId.parse(event.factory).subscription)].take(event.counts)
        self._all.take(event.counts)
        return True

    @property
    def _message(self) -> str:
        """What the fleet waits for, unless that is long past."""
        said_at, message = self._last
        return message if self._seconds - said_at < _STALE else ""


class FleetLines(_Tally):
    """For logs: a line for every factory with a failure, and one now and then with the number of those done."""

    def __init__(self, fleet: Sequence[Spec], write: Callable[[str], None]) -> None:
        super().__init__(fleet)
        self._write = write
        self._shown_at = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            if self._take(event):
                if _has_failures(event.counts):
                    self._failed(event.message)
            elif event.kind == "warning":
                self._line(event.message)
            elif event.kind == "finished":
                # A run that was refused has an error of its own.
                if self._all.done or event.message.endswith("finished"):
                    self._line(f"{self._verb}: {self._all}")
                return
            if event.seconds - self._shown_at >= _LINES_EVERY:
                self._shown_at = event.seconds
                self._line(f"{self._verb}: {self._all}{f'; {self._message}' if self._message else ''}")

    def _failed(self, text: str) -> None:
        if self._all.failed <= _MOST_FAILURES:
            self._line(text)
        elif self._all.failed == _MOST_FAILURES + 1:
            self._line("Further failures are in the answer.")

    def _line(self, text: str) -> None:
        self._write(f"[{duration(self._seconds)}] {text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        """There is nothing to clean up."""


class FleetBlock(_Tally):
    """For terminals: a line per subscription, redrawn in place and removed at the end.

    Args:
        terminal: Where to draw.
        fleet: The factories.
        now: A clock that limits how often it is drawn, and shows the time that passes between two events.
        every: Seconds between two redraws while nothing happens.
    """

    def __init__(
        self,
        terminal: Terminal,
        fleet: Sequence[Spec],
        *,
        now: Callable[[], float] = time.monotonic,
        every: float = 0.5,
    ) -> None:
        super().__init__(fleet)
        self._terminal, self._now = terminal, now
        self._drawn, self._drawn_at, self._seen_at = 0, float("-inf"), now()
        self._ticker = Ticker(self._tick, every)

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with self._lock:
            self._take(event)
            self._seen_at = self._now()
            if event.kind == "warning":
                self._erase()
                self._terminal.say(event.message)
                self.draw()
            elif self._seen_at - self._drawn_at >= _DRAWN_EVERY:
                self.draw()

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._ticker.stop()
        with self._lock:
            self._erase()

    def _tick(self) -> None:
        with self._lock:
            if self._drawn:
                self.draw()

    def draw(self) -> None:
        """Draw the present state over the previous one."""
        wide, high = self._terminal.size(self._terminal.stderr)
        lines = self._fitting(list(self._lines(wide - 1)), max(3, high - 1))
        self._terminal.stderr.write(self._home() + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._terminal.stderr.flush()
        self._drawn, self._drawn_at = len(lines), self._now()

    def _lines(self, width: int) -> Iterable[str]:
        look = self._terminal.look(self._terminal.stderr)
        seconds = self._seconds + self._now() - self._seen_at
        yield look.paint("strong", shortened(f"{self._verb}  {duration(seconds)}  {self._all}", width))
        page = Page(replace(look, width=width))
        # Those under way first: of very many, the terminal shows the first.
        rows = sorted(self._of.values(), key=lambda one: one.done >= one.factories)
        counts = [one.short() for one in rows]
        widest = (max((len(text) for text in column), default=0) for column in ([one.name for one in rows], counts))
        room = width - sum(widest) - _AROUND
        table = zip(rows, counts, strict=True)
        page.table([(marked(one.mark), Cell(one.name), Cell(short), Cell(one.counted(room))) for one, short in table])
        yield from str(page).splitlines()
        if self._message:
            yield from (look.paint("faint", f"  {line}") for line in wrapped(self._message, width - 2)[:2])

    def _fitting(self, lines: list[str], high: int) -> list[str]:
        hidden = len(lines) - high
        return lines if hidden <= 0 else [*lines[: high - 1], f"  ... and {hidden + 1} more lines"]

    def _erase(self) -> None:
        if self._drawn:
            self._terminal.stderr.write(self._home() + "\x1b[J")
            self._terminal.stderr.flush()
            self._drawn = 0

    def _home(self) -> str:
        return f"\x1b[{self._drawn}A\r" if self._drawn else ""


def fleet_progress_on(terminal: Terminal, fleet: Sequence[Spec]) -> FleetBlock | FleetLines:
    """The progress that fits the terminal."""
    return FleetBlock(terminal, fleet) if terminal.is_live(terminal.stderr) else FleetLines(fleet, terminal.say)
