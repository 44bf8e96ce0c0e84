"""`purview-mpe demo`: its output is correct and it runs quickly."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from purview_mpe import Report
from purview_mpe._cli import demo
from purview_mpe._cli.call import Call
from purview_mpe._cli.main import main
from purview_mpe._cli.terminal import Terminal
from purview_mpe.emulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_json_of_the_demo_is_one_report(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout holds only the Report of the create run, and stderr is empty."""
    assert main(["demo", "-o", "json"]) == 0
    printed = capsys.readouterr()
    report = Report.model_validate_json(printed.out)
    assert [(outcome.name, outcome.result) for outcome in report.outcomes] == [
        ("purview", "created"),
        ("purview_blob", "created"),
        ("purview_queue", "created"),
        ("purview_namespace", "created"),
    ]
    assert printed.err == ""


def test_demo_prints_all_chapters_to_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """All chapters in order on stdout, progress in lines on stderr, no colour, within 80 columns."""
    assert main(["demo"]) == 0
    printed = capsys.readouterr()
    at = -1
    for passage in (
        "1. What does the account need?",
        "shape     A: managed storage and managed Event Hubs",
        "2. What has to be made?",
        "Plan: 4 to create",
        "3. Make it.",
        "create: 4 created",
        "4. Who has to let them in?",
        "Please approve 4 private endpoint connections of the data factory 'adf-sales'",
        "   target:            .../accounts/contoso",
        "... and 24 more lines",
        "5. If you are one of them: approve.",
        "approve: 4 approved",
        "6 connections of strangers were pending on the same targets, and 6 still are",
        "6. Is it ready?",
        "Status: ready (4 ready)",
        "7. And once more?",
        "create: 4 kept",
        "What exists is kept: 3 requests, 0 of them writes.",
        "8. What if something is in the way?",
        "Plan: 3 to create, 1 in conflict",
        "! purview_blob: The name 'purview_blob' is taken by an endpoint to",
        "requests, 0 of them writes",
        "9. And a factory without anything?",
        "onboard: 1 enabled, 1 connected, 6 created, 4 approved, 1 granted",
        "10. Does lineage arrive?",
        "Proof: lineage arrived",
        "That was 7:20 of emulated time",
    ):
        found = printed.out.find(passage, at + 1)
        assert found > at, passage
        at = found
    assert "\x1b" not in printed.out + printed.err
    assert max(map(len, printed.out.splitlines())) <= 80
    assert "[1:36] purview_namespace: created (Succeeded)\n" in printed.err


def test_demo_on_a_terminal_pauses_for_less_than_eight_seconds(screen: Callable[..., Any]) -> None:
    """The demo pauses between chapters and during waits, for 3 to 8 seconds in total."""
    pauses: list[float] = []
    terminal = Terminal(stdin=screen(), stdout=screen(tty=True), stderr=screen(tty=True), environ={})
    call = Call(Namespace(output="table"), terminal)
    assert demo.show(call, pause=pauses.append, now=lambda: 1000.0) == 0
    assert len(pauses) > 20
    assert 3 < sum(pauses) < 8
    stdout: Any = terminal.stdout
    stderr: Any = terminal.stderr
    assert "\ncreate: 4 created\n" in stdout.seen
    assert "create  0:38" in stderr.getvalue()
    assert stderr.seen == ""


def test_demo_on_a_slow_machine_does_not_pause(screen: Callable[..., Any]) -> None:
    """After a minute, the demo does not pause between chapters."""
    pauses: list[float] = []
    terminal = Terminal(stdin=screen(), stdout=screen(tty=True), stderr=screen(tty=True), environ={})
    story = demo.Story(terminal, pauses.append)
    story.began -= 60
    with story.client:
        assert [chapter(story) for chapter in demo.CHAPTERS] == [0] * 10
    assert pauses == []


def test_demo_chapters_fail_if_azure_refuses_writes(screen: Callable[..., Any]) -> None:
    """The demo uses the real library, so chapters that need a refused write end with an error code."""
    terminal = Terminal(stdin=screen(), stdout=screen(), stderr=screen(), environ={})
    story = demo.Story(terminal, lambda _seconds: None)
    story.emulator.inject(Fault.status("PUT", 403, times=None))
    with story.client:
        assert [chapter(story) for chapter in demo.CHAPTERS] == [0, 0, 5, 1, 4, 1, 5, 0, 1, 1]
