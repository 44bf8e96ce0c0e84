"""The verbs of the command line: one entry each in `VERBS`, one function each above it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from purview_mpe import _cli_options as options
from purview_mpe._cli_exit import Exit
from purview_mpe._cli_log import logging_to
from purview_mpe._cli_progress import progress_on
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Generator

    from purview_mpe._cli_progress import Progress
    from purview_mpe._cli_terminal import Terminal
    from purview_mpe._client import Client
    from purview_mpe._events import Event
    from purview_mpe._model import Plan, Report
    from purview_mpe._spec import Noun, Spec

T = TypeVar("T")


@dataclass
class Call:
    """One run of one verb: what was asked, where to show it, and how to reach Azure."""

    arguments: Namespace
    terminal: Terminal
    connect: Callable[..., Client] | None = None
    """What makes the client; `Client` itself by default."""
    done: dict[str, str] = field(default_factory=dict[str, str])
    """The result of each step that was taken, by name; also where the verb did not finish."""
    _progress: Progress | None = None

    @cached_property
    def spec(self) -> Spec:
        """What to work on."""
        return options.spec_of(self.arguments, self.terminal)

    @contextmanager
    def client(self) -> Generator[Client]:
        """A client that tells its progress to this call."""
        from purview_mpe import Client  # noqa: PLC0415 - loads pydantic, which --help does without

        given = options.client_options(self.arguments)
        with logging_to(self.terminal, self.arguments.verbose) as hook:
            if hook is not None:
                given["raw_response_hook"] = hook
            with (self.connect or Client)(on_event=self._tell, **given) as client:
                yield client

    def watched(self, action: Callable[[], T]) -> T:
        """The result of an action, with its progress on stderr."""
        progress = progress_on(self.terminal, plain=self.arguments.verbose > 0)
        self._progress = progress
        try:
            with progress:
                return action()
        finally:
            self.done.update(progress.done)

    def show(self, noun: Noun) -> None:
        """The answer."""
        self.terminal.show(noun, self.arguments.output, verbose=self.arguments.verbose > 0)

    def _tell(self, event: Event) -> None:
        if self._progress is not None:
            self._progress(event)


@dataclass(frozen=True)
class Verb:
    """One verb: how it is called, what it does, and what its help teaches."""

    name: str
    summary: str
    description: str
    run: Callable[[Call], Exit]
    options: tuple[Callable[[ArgumentParser], None], ...] = ()
    examples: tuple[str, ...] = ()


def discover(call: Call) -> Exit:
    """What the account needs."""
    account = options.account_of(call.arguments, call.terminal)
    with call.client() as client:
        found = call.watched(lambda: client.discover(account))
    call.show(found)
    return Exit.DONE


def plan(call: Call) -> Exit:
    """What is missing."""
    spec = call.spec
    with call.client() as client:
        made = call.watched(lambda: client.plan(spec))
    if call.arguments.out is not None:
        options.write_file(call.arguments.out, made.model_dump_json(indent=2))
        call.terminal.say(f"Carry it out with: purview-mpe create --plan {call.arguments.out}")
    call.show(made)
    return Exit.of_plan(made, detailed=call.arguments.detailed_exitcode)


def create(call: Call) -> Exit:
    """Make what is missing."""
    arguments = call.arguments
    if arguments.plan is not None and options.names_a_spec(arguments):
        raise InvalidSpec(
            "The command", [("--plan", "holds a spec already; leave out --spec and the options of a spec")]
        )
    planned = call.spec if arguments.plan is None else options.plan_in(arguments.plan, call.terminal)
    with call.client() as client:
        if arguments.dry_run:
            call.show(call.watched(lambda: client.plan(call.spec)))
            return Exit.DONE
        report = _create(call, client, planned)
    if report is None:
        call.terminal.say("Nothing was written.")
        return Exit.FAILED
    call.show(report)
    if any(outcome.result in {"created", "replaced"} and outcome.group_id for outcome in report.outcomes):
        call.terminal.say("New connections wait for approval by the owners of their targets.")
        call.terminal.say("Look how they stand with: purview-mpe status")
    return Exit.of_report(report)


def _create(call: Call, client: Client, planned: Plan | Spec) -> Report | None:
    """The report; None if the person does not want endpoints to be deleted."""
    from purview_mpe import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    arguments = call.arguments
    if isinstance(planned, Spec):
        spec = planned
        if not spec.replace_broken:
            return call.watched(lambda: client.create_all(spec, wait=not arguments.no_wait, timeout=arguments.timeout))
        # Only a plan tells whether anything has to be deleted.
        planned = call.watched(lambda: client.plan(spec))
    chosen = planned
    doomed = [step.name for step in chosen.steps if step.action == "replace"]
    if doomed and not arguments.yes:
        question = f"Delete {', '.join(doomed)} and make {'it' if len(doomed) == 1 else 'them'} anew?"
        if not call.terminal.confirm(question):
            return None
    return call.watched(lambda: client.apply(chosen, wait=not arguments.no_wait, timeout=arguments.timeout))


def status(call: Call) -> Exit:
    """How things stand."""
    spec = call.spec
    with call.client() as client:
        found = call.watched(lambda: client.status(spec))
    call.show(found)
    return Exit.of_status(found)


def demo(call: Call) -> Exit:
    """The whole job on the embedded emulator."""
    from purview_mpe import _demo  # noqa: PLC0415 - loads the emulator

    return _demo.tell(call)


def completion(call: Call) -> Exit:
    """The script that a shell needs."""
    from purview_mpe import _cli, _cli_completion  # noqa: PLC0415 - the parser is made of this table

    call.terminal.write(_cli_completion.script(call.arguments.shell, _cli.make_parser()))
    return Exit.DONE


def _plan_options(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("plan")
    group.add_argument("--out", metavar="FILE", help="also write the plan to a file, for create --plan")
    group.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 3 if anything has to be made, and 1 if a conflict prevents it",
    )


def _create_options(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("create")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--plan", metavar="FILE", help="carry out a plan that plan --out has written; - for stdin")
    what.add_argument("--dry-run", action="store_true", help="write nothing; show the plan")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask before broken endpoints are deleted")
    group.add_argument("--no-wait", action="store_true", help="return when Azure has taken the requests")
    group.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=1800.0, help="how long to wait at most (default: 1800)"
    )


def _demo_options(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        choices=("table", "json"),
        default="table",
        help="table tells the story (default); json prints the report of the create run and nothing else",
    )


def _shell(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


_REACH = (options.connection_options, options.output_options)
_ENDS = '--factory "$FACTORY" --account "$ACCOUNT" --name purview'

#: Every verb, in the order in which the help lists them. A new one is one more entry.
VERBS: tuple[Verb, ...] = (
    Verb(
        "demo",
        "watch the whole job on an embedded emulator: no account, no network",
        """\
Runs the real library against an emulated Azure inside this process: an
account is found, a plan is made, four endpoints are created; a second run
keeps all four, and a conflict is explained. Takes some seconds.""",
        demo,
        (_demo_options,),
        ("purview-mpe demo", "purview-mpe demo -o json"),
    ),
    Verb(
        "discover",
        "what a Purview account needs: its firewall, its shape, its targets",
        """\
Reads the account; writes nothing. Needs Reader on it: without that, only the
account endpoint is known.""",
        discover,
        (options.account_option, *_REACH),
        ('purview-mpe discover --account "$ACCOUNT"', "purview-mpe discover --spec sales.json -o json"),
    ),
    Verb(
        "plan",
        "what has to be made, and what is there already; writes nothing",
        """\
Reads the account and the factory; writes nothing. Needs Reader on both.
Steps are marked + create, = keep, ~ replace, ! conflict.""",
        plan,
        (options.spec_options, _plan_options, *_REACH),
        (
            f"purview-mpe plan {_ENDS}",
            "purview-mpe plan --spec sales.json --out plan.json",
            "purview-mpe plan --spec sales.json --detailed-exitcode  # for a pipeline",
        ),
    ),
    Verb(
        "create",
        "make the endpoints that are missing, and wait until they are there",
        """\
Reads what plan reads; writes managed private endpoints and, where it is
missing, the managed virtual network. Needs Data Factory Contributor on the
factory, and nothing on the targets. Safe to repeat: what exists is kept.
Endpoints end Pending: the owners of the targets have to approve them.""",
        create,
        (options.spec_options, _create_options, *_REACH),
        (
            f"purview-mpe create {_ENDS}",
            "purview-mpe create --spec sales.json --dry-run",
            "purview-mpe create --plan plan.json -o json > report.json",
        ),
    ),
    Verb(
        "status",
        "one verdict per endpoint, and whether all of them are ready",
        """\
Reads the account and the factory; writes nothing. Needs Reader on both.
Exits 0 if all endpoints are ready, 4 while approval or provisioning is all
that is missing, and 1 otherwise.""",
        status,
        (options.spec_options, *_REACH),
        (f"purview-mpe status {_ENDS}", "purview-mpe status --spec sales.json -o json | jq .ready"),
    ),
    Verb(
        "completion",
        "the script that completes this command in your shell",
        "Prints a script for bash, zsh or fish.",
        completion,
        (_shell,),
        (
            'eval "$(purview-mpe completion bash)"  # in ~/.bashrc',
            'purview-mpe completion zsh > "${fpath[1]}/_purview-mpe"',
            "purview-mpe completion fish > ~/.config/fish/completions/purview-mpe.fish",
        ),
    ),
)
