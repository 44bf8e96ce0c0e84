"""The command line: `purview-mpe VERB`, or `python -m purview_mpe VERB`.

Nothing heavy is loaded before a verb needs it: `--help` works without pydantic and without an Azure SDK.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import traceback
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any, NoReturn, Self

from purview_mpe._cli import environment, files, querying, signals
from purview_mpe._cli.call import Call
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.options import Once
from purview_mpe._cli.terminal import CannotWrite, Terminal
from purview_mpe._cli.verbs import VERBS
from purview_mpe._model.shell import option_of
from purview_mpe._version import __version__
from purview_mpe.errors import InvalidSpec, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from purview_mpe._cli.call import Verb
    from purview_mpe._client.client import Client
    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Report

_DESCRIPTION = """\
Gets Azure Data Factory into a firewalled Microsoft Purview account: plans and
creates the managed private endpoints that lineage needs, and shows their
state."""

_EPILOG = """\
begin with:
  purview-mpe demo

  az login
  FACTORY=$(az resource show -g RG -n NAME --query id -o tsv \\
    --resource-type Microsoft.DataFactory/factories)
  ACCOUNT=$(az resource show -g RG -n NAME --query id -o tsv \\
    --resource-type Microsoft.Purview/accounts)
  purview-mpe plan --factory "$FACTORY" --account "$ACCOUNT" --name purview

signing in:
  whatever DefaultAzureCredential of azure-identity finds: az login, a managed
  identity, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, and others

exit codes:
    0  done
    1  failed
    2  wrong usage, or an invalid spec; no request was sent
    3  drift: something must be created (plan --fail-on-changes)
    4  waiting for approval, or for a person with more rights
    5  access denied, or not signed in; or the account cannot be read, so that
       not every endpoint is known
  130  interrupted; stdout has the report of what was done before
       (129 and 143: the same by SIGHUP and SIGTERM)

Data goes to stdout, messages and progress to stderr: as a table on a terminal,
as JSON when piped. NO_COLOR=1 switches colours off.
`purview-mpe VERB --help` explains a verb, with examples."""


def main(
    argv: Sequence[str] | None = None,
    *,
    connect: Callable[..., Client] | None = None,
    terminal: Terminal | None = None,
) -> int:
    """Run one command and give its exit code.

    Args:
        argv: The arguments; those of the process by default.
        connect: The function that makes the client, called with `Client`'s keyword arguments; `Client` by default.
        terminal: The streams; those of the process by default.
    """
    terminal = terminal or Terminal()
    with signals.raised():
        try:
            return _run(argv, connect, terminal)
        except BrokenPipeError:
            # The reader has closed the pipe (`| head`). Without this, Python would report the error again at its exit.
            _silence(terminal)
            return int(Exit.PIPE_CLOSED)


def _run(argv: Sequence[str] | None, connect: Callable[..., Client] | None, terminal: Terminal) -> int:
    try:
        arguments, unknown = make_parser().parse_known_args(argv)
        if unknown:
            arguments.parser.refuse(unknown)
    except SystemExit as end:
        terminal.stdout.flush()
        return int(end.code or 0)
    call = Call(arguments, terminal, connect)
    run: Callable[[Call], Exit] = arguments.run
    try:
        return _ended(call, run)
    except CannotWrite as error:
        _silence(terminal)  # otherwise Python would try to flush the rest again when it exits
        terminal.complain(error, verbose=call.verbose)
        if call.report is not None:
            terminal.say("The report is shown here instead:")
            terminal.show_on_stderr(call.report, verbose=call.verbose)
        return Exit.FAILED


def _ended(call: Call, run: Callable[[Call], Exit]) -> int:
    """Run a verb, show the error that stopped it, if any, and give its exit code."""
    terminal = call.terminal
    try:
        environment.fill_in(call.arguments, terminal.environ)
        querying.check(call.arguments)
        files.check_files(call.arguments)
        return run(call)
    except CannotWrite:
        raise
    except PurviewMpeError as error:
        terminal.complain(_in_options(error), verbose=call.verbose)
        so_far: Report | FleetReport | None = getattr(error, "report", None)
        # A fleet that ended before its first factory has nothing to show, and no result that a program could take.
        if so_far is not None and getattr(so_far, "reports", True):
            call.show(so_far)
        return Exit.of_error(error)
    except KeyboardInterrupt as interrupt:
        with signals.held_back():
            _report_interruption(call, interrupt)
        return Exit.of_signal(interrupt)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, and the traceback with -v
        terminal.say(f"error: {type(error).__name__}: {error}", "bad")
        terminal.say("This is a bug in purview-mpe. Repeat the command with -v for the traceback.")
        if call.verbose:
            traceback.print_exception(error, file=terminal.stderr)
        return Exit.FAILED


#: Arguments of the library that a command sets by an option alone.
_ARGUMENTS = {
    **{name: option_of(name) for name in ("account", "journal", "pipeline", "resume", "parameters")},
    "run_id": "--run",
}


def _in_options(error: PurviewMpeError) -> PurviewMpeError:
    """The error; one about arguments of the library names the options that set them."""
    if not isinstance(error, InvalidSpec) or not all(field in _ARGUMENTS for field, _ in error.problems):
        return error
    problems = [(_ARGUMENTS[field], rule) for field, rule in error.problems]
    return InvalidSpec("The command", problems, remedy=error.remedy)


def make_parser() -> ArgumentParser:
    """The parser for all verbs."""
    parser = _Parser(
        prog="purview-mpe",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"purview-mpe {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        examples = "\n".join(("examples:", *(f"  {example}" for example in verb.examples)))
        child = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=verb.description,
            epilog=examples if verb.examples else None,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        child.having(verb).set_defaults(run=verb.run, parser=child)
    return parser


#: Verbs and options that other tools have for what has another name here.
_ELSEWHERE = {
    **dict.fromkeys(("apply", "deploy", "provision", "make", "add"), "create"),
    **dict.fromkeys(("destroy", "remove", "rm"), "delete"),
    **dict.fromkeys(("show", "list", "ls"), "status"),
    **dict.fromkeys(("doctor", "debug"), "diagnose"),
    **dict.fromkeys(("lint",), "validate"),
    **dict.fromkeys(("version", "-V"), "--version"),
    "help": "--help",
    "--detailed-exitcode": "--fail-on-changes",
    **dict.fromkeys(("--auto-approve", "--force", "-f", "--no-confirm", "--no-prompt"), "--yes"),
    **dict.fromkeys(("--what-if", "--whatif", "--check"), "--dry-run"),
    "--format": "--output",
    "--base-name": "--name",
}
_IN_OTHER_WORDS = {
    "the following arguments are required: VERB": "a verb is missing; begin with purview-mpe demo",
    "one of the arguments --pipeline --run is required": (
        "say which run: --pipeline NAME starts one, and --run ID follows one that exists"
    ),
    "the verb 'purview-mpe' does not exist": "purview-mpe stands there twice; the verb comes right behind the first",
}
#: The number of verbs that a message lists.
_FEW = 5
#: What options of other tools would do.
_DEFAULTS = {
    "--wait": "waiting is the default; --no-wait ends without it",
    "--all": "all endpoints are the default; --groups chooses some of them",
}


def _near(word: str, known: Sequence[str]) -> str | None:
    """The verb or option that was probably meant."""
    if (meant := _ELSEWHERE.get(word)) is not None:
        return meant if meant in known or meant in {"--help", "--version"} else None
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)


class _Parser(ArgumentParser):
    """argparse, with a hint for a misspelt word, and without the full usage text above the error."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register("action", None, Once)  # what add_argument uses if it names no action

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Exit with 2 because of an unknown word; the verb's own parser finds similar ones."""
        known = [flag for action in self._actions for flag in action.option_strings]
        flag = unknown[0].partition("=")[0]
        if not flag.startswith("-"):
            self.error(f"{flag!r} stands alone; every value goes behind its option, for example --factory ID")
        if flag in _DEFAULTS:
            self.error(f"the option {flag!r} does not exist: {_DEFAULTS[flag]}")
        near = _near(flag, known)
        hint = f"; did you mean {near!r}?" if near else ""
        others = [verb.name for verb in VERBS if _Parser(add_help=False).having(verb).knows(flag)]
        if others:
            where = f", only for {', '.join(others)}" if len(others) <= _FEW else ""
            hint = f" for {self.prog.rpartition(' ')[2]}{where}"
        self.error(f"the option {unknown[0]!r} does not exist{hint}")

    def having(self, verb: Verb) -> Self:
        """This parser, with the options of a verb."""
        for add_options in verb.options:
            add_options(self)
        return self

    def knows(self, flag: str) -> bool:
        """Whether it has an option."""
        return flag in self._option_string_actions

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and one sentence."""
        if wrong := re.search(r"(argument .*: )?invalid choice: '([^']*)' \(choose from (.*)\)", message):
            near = _near(wrong[2], re.findall(r"[\w-]+", wrong[3]))
            hint = f"; did you mean {near!r}?" if near else ""
            if wrong[1] == "argument VERB: ":
                message = f"the verb {wrong[2]!r} does not exist{hint}"
            elif hint:
                message = f"{message.partition(' (choose')[0]}{hint}"
        message = _IN_OTHER_WORDS.get(message, message).replace("expected one argument", "a value is missing")
        message = re.sub(r"ignored explicit argument '(.*)'", r"takes no value; leave out '=\1'", message)
        for action in self._actions:
            if action.choices and not action.option_strings and "are required: " in message:
                choices = ", ".join(map(str, action.choices))
                message = message.replace(f" {action.dest},", f" {action.metavar or action.dest} ({choices}),")
                message = re.sub(rf" {action.dest}$", f" {action.metavar or action.dest} ({choices})", message)
        self.exit(int(Exit.USAGE), f"error: {message}\n  See: {self.prog} --help\n")


def _report_interruption(call: Call, interrupt: KeyboardInterrupt) -> None:
    # The exception that stops a verb holds its report so far; a finished verb has left its report in the call.
    so_far: Report | FleetReport | None = getattr(interrupt, "report", None) or call.report
    if so_far is None:
        call.terminal.say("Interrupted. Nothing was written.", "attention")
        return
    if not getattr(so_far, "reports", True):
        call.terminal.say("Interrupted before a factory was finished.", "attention")
        call.terminal.say("Azure finishes what it has begun; repeat the command to find it.")
        return
    call.show(so_far)
    if call.fleet is not None:
        call.terminal.say("Interrupted. The report has the factories that were finished by then.", "attention")
        call.terminal.say("Azure finishes what it has begun for others; repeat the command to find it.")
        return
    call.terminal.say("Interrupted. The report shows what was done; Azure finishes what it has begun.", "attention")
    call.terminal.say("Repeat the command: it reads the state first, and only does what is missing.")


def _silence(terminal: Terminal) -> None:
    if terminal.stdout is sys.stdout:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
