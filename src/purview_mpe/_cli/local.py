"""The verbs that need no Azure: demo, emulator, completion."""

from __future__ import annotations

import json
import signal
import time
from argparse import ArgumentTypeError
from contextlib import contextmanager
from typing import TYPE_CHECKING

from purview_mpe._cli import files, given, options
from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec, PurviewMpeError

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Generator, Mapping

    from purview_mpe._cli.call import Call
    from purview_mpe.emulator import Emulator

_GLANCE = 0.2


def demo(call: Call) -> Exit:
    """Show the whole job on the embedded emulator."""
    from purview_mpe._cli import demo  # noqa: PLC0415 - loads the emulator

    return demo.show(call)


def emulator(call: Call) -> Exit:
    """Serve the emulator until it is stopped."""
    from purview_mpe.emulator import Emulator, InvalidScenario, MissingExtra  # noqa: PLC0415 - as above

    arguments = call.arguments
    try:
        azure = Emulator() if arguments.scenario is None else Emulator.from_scenario(arguments.scenario)
        _restrict(azure, arguments.roles, outside=arguments.outside_network)
        server = azure.serve(arguments.port)
    except InvalidScenario as error:
        given.refuse_as_scenario(str(arguments.scenario), call.terminal)
        raise InvalidSpec("The scenario", [(str(arguments.scenario), problem) for problem in error.problems]) from None
    except MissingExtra as error:
        raise PurviewMpeError(
            str(error).partition(";")[0], remedy="Install what serving needs: pip install cheroot trustme"
        ) from None
    except OSError as error:
        raise _unusable(error, arguments.scenario, arguments.port) from None
    with server, _until_stopped() as wait:
        announced = server.announcement()
        call.terminal.write(json.dumps(announced))
        call.terminal.say("Serving until Ctrl-C. In another shell, these variables lead every verb to it:")
        call.terminal.pass_on(_variables(announced))
        wait()
        if arguments.dump is not None:
            files.write_file(arguments.dump, json.dumps(azure.dump(), indent=2), "The scenario")
    return Exit.DONE


def _variables(announced: Mapping[str, str | None]) -> str:
    """The lines for a shell that stand for the options of a connection."""
    options = {"ENDPOINT": "endpoint", "PURVIEW_ENDPOINT": "purview_endpoint", "CA": "ca_file"}
    return "\n".join(f"  export PURVIEW_MPE_{name}='{announced[key]}'" for name, key in options.items())


def completion(call: Call) -> Exit:
    """Print the completion script for a shell."""
    from purview_mpe._cli.completion import script  # noqa: PLC0415 - no other verb needs it
    from purview_mpe._cli.main import make_parser  # noqa: PLC0415 - the parser is made of the table that names this

    call.terminal.write(script(call.arguments.shell, make_parser()))
    return Exit.DONE


def demo_options(parser: ArgumentParser) -> None:
    """The options of demo."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        choices=("table", "json"),
        default="table",
        help="table shows each step (default); json prints only the report of the create run",
    )


def emulator_options(parser: ArgumentParser) -> None:
    """The options of emulator."""
    group = parser.add_argument_group("emulator")
    group.add_argument(
        "--port", metavar="N", type=_port, default=0, help="on 127.0.0.1; 0 means any free one (default: 0)"
    )
    group.add_argument(
        "--scenario", metavar="FILE", help="its resources, as JSON or YAML (default: one factory, one account)"
    )
    group.add_argument(
        "--roles",
        metavar="ROLE,ROLE",
        type=options.listed,
        help="what callers are allowed: requester, approver, reader, none, a built-in role, or a role in Purview such "
        "as data-reader (default: everything)",
    )
    group.add_argument(
        "--outside-network", action="store_true", help="callers are outside the network of closed accounts"
    )
    group.add_argument("--dump", metavar="FILE", help="when stopped, write its resources to this file, as a scenario")


def shell_argument(parser: ArgumentParser) -> None:
    """Which shell."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _restrict(azure: Emulator, roles: tuple[str, ...] | None, *, outside: bool) -> None:
    """Give the callers the roles of the command line, if there are any."""
    if outside:
        azure.inside_network = False
    if roles is None:
        return
    try:
        azure.restrict(*roles)
    except ValueError as error:
        problem = str(error).partition(", or make one")[0]  # which takes Python
    else:
        return
    raise InvalidSpec("The command", [("--roles", problem)])


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port; for example 8443, or 0 for any free one")
    return int(text)


def _unusable(error: OSError, scenario: str | None, port: int) -> PurviewMpeError:
    if error.filename is not None:
        return InvalidSpec("The command", [(str(scenario), f"cannot be read: {error.strerror}")])
    return PurviewMpeError(
        f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.",
        remedy="Choose another with --port, or leave it out for any free one.",
    )


@contextmanager
def _until_stopped() -> Generator[Callable[[], None]]:
    """A function that waits for Ctrl-C or a service manager; from here on, neither ends the process at once."""
    stopped: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    # The handler runs between any two steps of this same thread, so it must not take a lock.
    before = [signal.signal(number, lambda number, _frame: stopped.append(number)) for number in signals]

    def wait() -> None:
        while not stopped:
            time.sleep(_GLANCE)

    try:
        yield wait
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
