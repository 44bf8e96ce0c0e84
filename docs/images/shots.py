"""The terminal screenshots of the documentation; `screens.py` makes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """One screenshot: the scene on the emulator, the words of the command, and the terminal."""

    name: str
    title: str
    text: str
    scene: str
    command: tuple[str, ...]
    columns: int = 80
    moment: str = ""
    """The screenshot is of the progress, as soon as this pattern is on the screen; if empty, it is of the end."""
    is_repeatable: bool = True
    """Whether the same moment comes in every run; how often a fleet's progress is drawn depends on the machine."""


_ONE = ("--spec", "sales.json")
_FLEET = ("--fleet", "fleet.csv")
_CREATE_FLEET = ("create", *_FLEET, "--approve")
SHOTS = [
    Shot(
        "create-running",
        "`create`, while Azure works",
        "A line per endpoint, redrawn in place; it goes away when the verb ends.",
        "new",
        ("create", *_ONE),
        moment="waiting for Azure to create purview_blob, purview_queue$",
    ),
    Shot("create", "`create`", "The report, and what is left to do.", "new", ("create", *_ONE)),
    Shot(
        "onboard-running",
        "`onboard`, while Azure works",
        "Every step of the chain has its line.",
        "bare",
        ("onboard", *_ONE, "--approve"),
        moment="waiting for Azure to create purview_blob, purview_queue$",
    ),
    Shot(
        "onboard",
        "`onboard`, on a terminal of 120 columns",
        "The report of every step from a bare factory to one that can push lineage.",
        "bare",
        ("onboard", *_ONE, "--approve"),
        columns=120,
    ),
    Shot(
        "status",
        "`status`",
        "Two endpoints are ready, one was rejected, one waits for the owner of its target.",
        "decided",
        ("status", *_ONE),
    ),
    Shot("diagnose", "`diagnose`", "Why lineage does not arrive, each with a remedy.", "decided", ("diagnose", *_ONE)),
    Shot(
        "fleet-dry-run",
        "`create --fleet --dry-run`",
        "What a run would do; the factory with a conflict comes first, and says what is in the way.",
        "team",
        ("create", *_FLEET, "--dry-run"),
    ),
    Shot(
        "fleet-running",
        "`create --fleet`, while Azure works",
        "A line per subscription, not per factory.",
        "fleet",
        _CREATE_FLEET,
        moment=r"[5-9]\d of 300",
        is_repeatable=False,
    ),
    Shot(
        "mistake",
        "A mistake",
        "Wrong fields are reported before a request is sent, all at once.",
        "new",
        ("create", *_ONE, "--name", "my endpoint", "--groups", "blob,tabel"),
    ),
]
