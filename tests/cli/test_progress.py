"""Live progress: what a person sees while a verb runs, and what a log keeps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Event, Outcome
from purview_mpe._cli.progress import Block, Lines, progress_on
from purview_mpe._cli.terminal import Terminal
from tests.support.nouns import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("purview", "purview_blob")


def event(kind: Any, seconds: float = 0.0, message: str = "", **fields: Any) -> Event:
    return Event(kind=kind, verb="create_all", seconds=seconds, message=message, **fields)


def step(name: str, result: Any, seconds: float = 0.0) -> Event:
    outcome = Outcome(name=name, group_id="x", resource_id=ACCOUNT, result=result)
    return event("step", seconds, f"{name}: {result}", outcome=outcome)


def waiting(seconds: float, *names: str) -> Event:
    return event("waiting", seconds, f"Waiting for {', '.join(names)}", pending=names)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def progress(lines: list[str]) -> Lines:
    return Lines(lines.append)


@pytest.fixture
def terminal(screen: Callable[..., Any]) -> Terminal:
    return Terminal(stdin=screen(tty=True), stdout=screen(), stderr=screen(tty=True), environ={})


def seen(terminal: Terminal) -> str:
    stderr: Any = terminal.stderr
    return str(stderr.seen)


def test_rows_of_the_factory_show_their_subject(terminal: Terminal) -> None:
    """Identity, connection and role have the same name, so the row shows the subject."""
    block = Block(terminal, now=None)
    for subject, result in (("identity", "enabled"), ("data-curator", "handed-off")):
        outcome = Outcome(subject=subject, name="df1", resource_id=ACCOUNT, result=result)  # type: ignore[arg-type]
        block(event("step", outcome=outcome))
    assert "df1 (identity)" in seen(terminal)
    assert "df1 (role)" in seen(terminal)


# --- lines


def test_each_step_is_printed_as_it_happens(lines: list[str], progress: Lines) -> None:
    """A line for each step, one for the waiting, and a summary."""
    with progress:
        for one in (
            event("started"),
            step("purview", "created", 0.4),
            step("purview_blob", "kept", 0.4),
            waiting(0.5, "purview"),
            waiting(2.5, "purview"),
            step("purview", "created", 96.2),
            event("finished", 96.2, "create_all finished"),
        ):
            progress(one)
    assert lines == [
        "[0:00] purview: created",
        "[0:00] purview_blob: kept",
        "[0:00] Waiting for purview",
        "[1:36] purview: created",
        "create finished after 1:36: 1 created, 1 kept.",
    ]


def test_long_wait_is_printed_every_half_minute(lines: list[str], progress: Lines) -> None:
    """While nothing changes, one line appears each half minute; a change is printed at once."""
    for second in range(0, 66, 2):
        progress(waiting(float(second), *NAMES))
    progress(waiting(66.0, "purview_blob"))
    assert lines == [
        "[0:00] Waiting for purview, purview_blob",
        "[0:30] Waiting for purview, purview_blob",
        "[1:00] Waiting for purview, purview_blob",
        "[1:06] Waiting for purview_blob",
    ]


def test_retry_is_printed(lines: list[str], progress: Lines) -> None:
    """Each retry gets a line."""
    progress(event("retrying", 3.0, "The storage account is busy"))
    assert lines == ["[0:03] The storage account is busy"]


def test_verb_without_steps_prints_nothing(lines: list[str], progress: Lines) -> None:
    """A verb that only reads leaves the log empty."""
    progress(event("started"))
    progress(event("finished", 0.3, "plan finished"))
    assert lines == []


def test_failed_verb_prints_no_summary(lines: list[str], progress: Lines) -> None:
    """The error message of a stopped verb comes from another part of the command line."""
    progress(step("purview", "created"))
    progress(event("finished", 1.0, "create_all ended with RuntimeError"))
    assert lines == ["[0:00] purview: created"]


# --- the block


def test_block_shows_steps_elapsed_time_and_pending_endpoints(terminal: Terminal) -> None:
    """One line per step in the plan's order, redrawn in place; the clock runs between two events."""
    time = [100.0]
    block = Block(terminal, now=lambda: time[0])
    block(event("started"))
    block(step("purview_blob", "created", 0.5))
    block(step("purview", "created", 0.5))
    block(waiting(0.5, *NAMES))
    time[0] = 142.0
    block.draw()
    assert seen(terminal) == (
        "create  0:42\n  * purview       under way\n  * purview_blob  under way\n  Waiting for purview, purview_blob\n"
    )
    block(step("purview", "failed", 50.0))
    assert seen(terminal) == "create  0:50\n  x purview       failed\n  * purview_blob  under way\n"
    block(waiting(52.0, "purview_blob"))
    block(step("purview_blob", "created", 60.0))
    assert seen(terminal) == "create  1:00\n  x purview       failed\n  + purview_blob  created\n"


def test_block_is_replaced_by_a_summary(terminal: Terminal) -> None:
    """One line stays at the end, because stdout is not a terminal and shows no table."""
    block = Block(terminal, now=None)
    with block:
        block(step("purview", "kept"))
        block(event("finished", 2.0, "create_all finished"))
    assert seen(terminal) == "create finished after 0:02: 1 kept.\n"


def test_block_disappears_when_the_verb_fails(terminal: Terminal) -> None:
    """The terminal is clean for the error message."""

    def fail(block: Block) -> None:
        with block:
            block(waiting(0.0, *NAMES))
            assert seen(terminal) != ""
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(Block(terminal, now=None))
    assert seen(terminal) == ""


def test_the_block_fits_the_terminal(terminal: Terminal) -> None:
    """Long names are cut and surplus steps are not drawn, because a wrapped line cannot be redrawn."""
    block = Block(terminal, now=None)
    names = tuple(
        f"purview_of_a_department_with_a_very_long_name_indeed_{number:02}_{'x' * 30}" for number in range(40)
    )
    block(waiting(0.0, *names))
    block(waiting(2.0, *names))
    shown = seen(terminal).splitlines()
    assert len(shown) == 23
    assert max(map(len, shown)) <= 79
    assert shown[0] == "create  0:02"


def test_pending_names_are_never_cut(terminal: Terminal) -> None:
    """A long line wraps, and every name in it stays whole."""
    block = Block(terminal, now=None)
    names = ("purview", "purview_blob", "purview_queue", "purview_namespace", "purview_of_the_other_region")
    with block:
        block(waiting(1.0, *names))
        shown = " ".join(seen(terminal).split())
    assert f"Waiting for {', '.join(names)}" in shown
    assert "..." not in shown


def test_step_without_an_outcome_keeps_its_line(terminal: Terminal) -> None:
    """A step that left the pending list without an outcome stays in the block."""
    block = Block(terminal, now=None)
    block(waiting(0.0, *NAMES))
    block(waiting(2.0, "purview_blob"))
    assert "  * purview       under way\n" in seen(terminal)


def test_messages_of_servers_are_cleaned(terminal: Terminal) -> None:
    """A message cannot move the cursor."""
    block = Block(terminal, now=None)
    block(event("retrying", 0.0, "busy\x1b[5A\x07"))
    assert seen(terminal) == "create  0:00\n  busy [5A\n"


@pytest.mark.parametrize("drawn", [True, False])
def test_block_is_redrawn_without_events_until_the_end(terminal: Terminal, drawn: bool) -> None:
    """Once drawn, the block is redrawn without further events; no thread is left after the end."""
    ticked = threading.Event()
    looks = 0

    def now() -> float:
        nonlocal looks
        looks += 1
        if looks > 4:
            ticked.set()
        return 0.0

    block = Block(terminal, now=now, every=0.001)
    with block:
        if drawn:
            block(event("started"))
        assert ticked.wait(10 if drawn else 0.02) == drawn
    assert not any(thread.name == "purview-mpe-progress" for thread in threading.enumerate())


def test_many_threads_can_report_events_at_once(terminal: Terminal) -> None:
    """The block shows every step, even if steps end at the same time."""
    block = Block(terminal, now=None)
    threads = [threading.Thread(target=block, args=(step(f"n{number}", "created"),)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen(terminal).count("created") == 16


def test_the_terminal_decides_between_block_and_lines(terminal: Terminal, screen: Callable[..., Any]) -> None:
    """Redrawing needs a terminal that understands it."""
    assert isinstance(progress_on(terminal), Block)
    piped = Terminal(stdin=screen(), stdout=screen(tty=True), stderr=screen(), environ={})
    assert isinstance(progress_on(piped), Lines)
    dumb = Terminal(stdin=screen(), stdout=screen(), stderr=screen(tty=True), environ={"TERM": "dumb"})
    assert isinstance(progress_on(dumb), Lines)


def about(subject: Any, name: str, result: Any, group_id: str | None = None) -> Event:
    outcome = Outcome(subject=subject, name=name, group_id=group_id, resource_id=ACCOUNT, result=result)
    return event("step", outcome=outcome)


def test_identity_connection_and_role_have_a_line_each(terminal: Terminal) -> None:
    """All have the factory's name, so each line shows its subject; the lines keep the order of the setup."""
    block = Block(terminal, now=None)
    for one in (
        about("data-curator", "df1", "granted"),
        about("endpoint", "purview_blob", "created", "blob"),
        about("runtime", "managed-vnet", "created"),
        about("endpoint", "purview", "created", "account"),
        about("connection", "df1", "connected"),
        about("identity", "df1", "enabled"),
    ):
        block(one)
    assert [" ".join(line.split()) for line in seen(terminal).splitlines()[1:]] == [
        "+ df1 (identity) enabled",
        "+ df1 (connection) connected",
        "+ managed-vnet (runtime) created",
        "+ purview created",
        "+ purview_blob created",
        "+ df1 (role) granted",
    ]


def test_approval_stays_visible_during_provisioning(terminal: Terminal) -> None:
    """An endpoint approved before it is provisioned shows both states, and both results at the end."""
    block = Block(terminal, now=None)
    block(about("endpoint", "purview", "created", "account"))
    block(waiting(1.0, "purview"))
    block(about("endpoint", "purview", "approved", "account"))
    block(waiting(2.0, "purview"))
    assert "  * purview  approved, under way\n" in seen(terminal)
    block(about("endpoint", "purview", "created", "account"))
    assert "  + purview  created, approved\n" in seen(terminal)


def test_the_summary_counts_each_result_of_an_endpoint(lines: list[str], progress: Lines) -> None:
    """Created and approved are two results; a failure replaces the accepted request."""
    for one in (
        about("endpoint", "purview", "created", "account"),
        about("endpoint", "purview", "approved", "account"),
        about("endpoint", "purview_blob", "created", "blob"),
        about("endpoint", "purview_blob", "failed", "blob"),
        event("finished", 2.0, "create_all finished"),
    ):
        progress(one)
    assert lines[-1] == "create finished after 0:02: 1 created, 1 approved, 1 failed."
