"""A shell that runs commands against an emulator, and a screen that shows what a person would see."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client
from purview_mpe._cli.main import main
from purview_mpe._cli.terminal import Terminal
from tests.support.screen import Screen
from tests.support.shell_words import PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe import Spec
    from purview_mpe.emulator import Emulator


@dataclass(frozen=True)
class Ended:
    """The result of a run."""

    code: int
    stdout: Screen
    stderr: Screen

    @property
    def out(self) -> str:
        """All that was written to stdout."""
        return self.stdout.getvalue()

    @property
    def err(self) -> str:
        """All that was written to stderr."""
        return self.stderr.getvalue()

    @property
    def said(self) -> str:
        """All of stderr on one line, for texts that are wrapped."""
        return " ".join(self.err.split())

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands in this process, as from a pipe or as from a terminal."""

    emulator: Emulator
    spec: Spec
    made_by: Callable[..., Client] | None = None

    def run(self, *argv: str, tty: bool = False, stdin: str = "", **environ: str) -> Ended:
        """A run with these arguments."""
        out, err = Screen(tty=tty), Screen(tty=tty)
        terminal = Terminal(stdin=Screen(stdin, tty=tty), stdout=out, stderr=err, environ=environ)
        ended = Ended(main(argv, connect=self.made_by or self.connect, terminal=terminal), out, err)
        # Code and JSON keep their own words; every message to a person uses the words of a shell.
        # The log of -v comes from the library.
        is_code = argv[:1] in {("export",), ("demo",)} or "json" in argv or not tty
        said = ended.err if is_code else f"{ended.err}{ended.out}"
        assert {"-v", "-vv", "--verbose"} & set(argv) or PYTHON.findall(said) == []
        return ended

    def ends(self, verb: str, *more: str, **options: Any) -> Ended:
        """A run for the spec of this shell."""
        ends = ("--factory", self.spec.factory, "--account", str(self.spec.account), "--name", self.spec.name)
        return self.run(verb, *ends, *more, **options)

    def connect(self, **options: Any) -> Client:
        """A client of the emulator."""
        emulator = {"credential": self.emulator.credential, "transport": self.emulator.transport()}
        return Client(**(emulator | options))

    def connecting(self, connect: Callable[..., Client]) -> Shell:
        """The same shell with clients that are made in another way."""
        return replace(self, made_by=connect)

    def of(self, *roles: str) -> Shell:
        """The same shell for a caller with these roles."""
        return self.connecting(
            lambda **options: self.connect(credential=self.emulator.credential_for(*roles), **options)
        )

    def on(self, emulator: Emulator) -> Shell:
        """The same shell with another emulator."""
        return replace(self, emulator=emulator)

    def target(self, group_id: str) -> str:
        """The id of the target of this group's endpoint."""
        with self.connect() as client:
            targets = client.discover(str(self.spec.account)).targets
        return next(target.resource_id for target in targets if target.group_id == group_id)


@pytest.fixture
def shell(emulator: Emulator, spec: Spec) -> Shell:
    return Shell(emulator, spec)


@pytest.fixture
def screen() -> Callable[..., Screen]:
    """Makes streams."""
    return Screen
