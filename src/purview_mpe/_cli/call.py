"""One run of one verb: what was asked, where to show it, and how to reach Azure."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe._azure import recording as record
from purview_mpe._cli import connecting, fleets, given
from purview_mpe._cli.log import logging_to
from purview_mpe._cli.progress import progress_on
from purview_mpe._model.shell import option_of
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator, Sequence

    from purview_mpe._cli import places
    from purview_mpe._cli.exit_codes import Exit
    from purview_mpe._cli.progress import Progress
    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._client.client import Client
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Noun, Spec

T = TypeVar("T")


@dataclass
class Call:
    """The context that a verb's function gets."""

    arguments: Namespace
    terminal: Terminal
    connect: Callable[..., Client] | None = None
    """The function that makes the client; `Client` itself by default."""
    report: Report | FleetReport | None = None
    """The report of the last verb that can write, kept so that a later error does not lose it."""
    _progress: Progress | None = None

    @cached_property
    def spec(self) -> Spec:
        """The spec that file and options give."""
        return given.spec_of(self.arguments, self.terminal, self._find)

    @cached_property
    def fleet(self) -> tuple[Spec, ...] | None:
        """The specs of a fleet; None if the command is about one factory."""
        if getattr(self.arguments, "fleet", None) is None:
            fleets.refuse_alone(self)
            return None
        return given.fleet_in(self.arguments, self.terminal, self._find)

    @property
    def verbose(self) -> bool:
        """Whether to show ids for a support case."""
        return bool(getattr(self.arguments, "verbose", 0))

    @property
    def shows_page(self) -> bool:
        """Whether the answer is for a person to read, and not data."""
        is_data = self.terminal.wants_json(self.arguments.output) or self.arguments.output == "tsv"
        return not is_data and getattr(self.arguments, "query", None) is None

    @contextmanager
    def client(self) -> Generator[Client]:
        """A client that reports its progress to this call."""
        settings = connecting.client_options(self.arguments)
        with logging_to(self.terminal, self.arguments.verbose) as hook, ExitStack() as stack:
            if hook is not None:
                settings["raw_response_hook"] = hook
            if (path := getattr(self.arguments, "record", None)) is not None:
                security = {key: settings[key] for key in ("connection_verify",) if key in settings}
                settings["transport"] = stack.enter_context(record.recording_to(path, security))
            with self._connected(settings) as client:
                yield client

    def _connected(self, settings: dict[str, Any]) -> Client:
        from purview_mpe import Client  # noqa: PLC0415 - loads pydantic, which --help does without

        try:
            return (self.connect or Client)(on_event=self._on_event, **settings)
        except InvalidSpec as error:
            problems = [(option_of(field), rule) for field, rule in error.problems]
        raise InvalidSpec("The command", problems)

    def watched(self, action: Callable[[], T], fleet: Sequence[Spec] | None = None) -> T:
        """The result of an action, with its progress on stderr; with `-v` the log replaces the progress."""
        if self.verbose:
            return self._kept(action())
        self._progress = progress_on(self.terminal, fleet)
        try:
            with self._progress:
                return self._kept(action())
        finally:
            self._progress = None

    def _kept(self, result: T) -> T:
        from purview_mpe import FleetReport, Report  # noqa: PLC0415 - as above; every action has loaded it

        if isinstance(result, (Report, FleetReport)) and any(
            not done.result.startswith("would-") for done in result.outcomes
        ):
            self.report = result
        return result

    def show(self, noun: Noun, *, one_line: bool = False) -> None:
        """Show the answer, or one of several."""
        query: str | None = getattr(self.arguments, "query", None)
        self.terminal.show(noun, self.arguments.output, query=query, verbose=self.verbose, one_line=one_line)

    def account(self) -> str:
        """The id of the account, for verbs that need nothing else."""
        return given.account_of(self.arguments, self.terminal, self._find)

    def account_if_any(self) -> str | None:
        """The id of the account, for verbs that do without."""
        return given.account_if_any(self.arguments, self.terminal, self._find)

    def _find(self, scope: str, name: str, kind: places.Kind) -> str:
        with self.client() as client:
            return client.find_id(scope, name, kind=kind)

    def agrees(self, question: str) -> bool:
        """Whether the person agrees to something that cannot be undone."""
        return self.arguments.yes or self.terminal.confirm(question)

    def _on_event(self, event: Event) -> None:
        if self._progress is not None:
            self._progress(event)


@dataclass(frozen=True)
class Verb:
    """One verb: its name and options, its function, and its help."""

    name: str
    summary: str
    description: str
    run: Callable[[Call], Exit]
    options: tuple[Callable[[ArgumentParser], object], ...] = ()
    examples: tuple[str, ...] = ()
