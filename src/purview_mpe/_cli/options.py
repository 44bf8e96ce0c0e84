"""The options that verbs share, and the Spec, Plan or client arguments that they become."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from purview_mpe._azure import loading
from purview_mpe._cli.terminal import CannotWrite
from purview_mpe._model.shell import option_of
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec

CLOUDS = ("public", "us-government", "china")
GROUPS = ("account", "blob", "queue", "namespace", "platform", "portal")
#: The field of a Spec that each option sets.
_SPEC_FIELDS = (
    "factory",
    "account",
    "name",
    "separator",
    "groups",
    "names",
    "managed_virtual_network",
    "runtime",
    "replace_broken",
)


class Arguments(Protocol):
    """The common interface of a parser and a group of its arguments."""

    def add_argument(self, *flags: str, **settings: Any) -> Any: ...


def verbose_option(parser: ArgumentParser) -> None:
    """The option for more output on stderr."""
    _verbose(parser.add_argument_group("output"))


def output_options(parser: ArgumentParser) -> None:
    """The options for the form of the answer, and for more output on stderr."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        choices=("table", "json"),
        help="format of stdout (default: a table on a terminal, JSON when piped)",
    )
    _verbose(group)


def connection_options(parser: ArgumentParser) -> None:
    """The options for reaching Azure."""
    group = parser.add_argument_group("connection")
    group.add_argument("--cloud", choices=CLOUDS, default="public", help="the Azure cloud (default: public)")
    group.add_argument(
        "--endpoint",
        metavar="URL",
        help="another https address of Azure Resource Manager; with an emulator on this machine "
        "(127.0.0.1, localhost) no sign-in is needed",
    )
    group.add_argument(
        "--purview-endpoint",
        metavar="URL",
        help="address of an emulator's Purview data plane on this machine, with {account} for the account's name",
    )
    group.add_argument("--ca", metavar="FILE", help="certificates to trust, in PEM form: an emulator's, or a proxy's")
    group.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help="write the requests and Azure's answers to a file, without tokens and with ids and names replaced",
    )


def account_option(parser: ArgumentParser) -> None:
    """The options for the Purview account, for verbs that need nothing else."""
    group = parser.add_argument_group("what to look at")
    group.add_argument("--account", metavar="ID", help="id of the Purview account")
    group.add_argument("--spec", metavar="FILE", help="a spec as JSON, which names the account; - for stdin")


def spec_options(parser: ArgumentParser) -> None:
    """The options for the spec: a file, single fields, or a file of which options replace single fields."""
    group = parser.add_argument_group("what to work on (a Spec; options win over the file)")
    group.add_argument("--spec", metavar="FILE", help="a spec as JSON; - for stdin")
    group.add_argument("--factory", metavar="ID", help="id of the data factory")
    group.add_argument(
        "--account", metavar="ID", help="id of the Purview account; by default the one the factory is connected to"
    )
    group.add_argument("--name", metavar="BASE", help="name of the account endpoint, and prefix of the others' names")
    group.add_argument("--separator", metavar="TEXT", help="between base name and group id (default: _)")
    group.add_argument(
        "--groups",
        metavar="ID,ID",
        type=_listed,
        help=f"group ids, out of {', '.join(GROUPS)} (default: all that lineage needs)",
    )
    group.add_argument(
        "--name-of",
        metavar="GROUP=NAME",
        dest="names",
        action="append",
        type=_pair,
        help="the name for one group id, instead of base and separator (Spec.names); repeatable",
    )
    group.add_argument(
        "--managed-vnet",
        metavar="NAME",
        dest="managed_virtual_network",
        help="name of the factory's managed virtual network (default: default)",
    )
    group.add_argument(
        "--runtime",
        metavar="NAME",
        help="Azure integration runtime in the managed virtual network (default: any that exists there)",
    )
    group.add_argument(
        "--replace-broken",
        action="store_true",
        default=None,
        help="delete endpoints that are Failed, Rejected or Disconnected, and create them again",
    )


def spec_of(arguments: Namespace, terminal: Terminal) -> Spec:
    """The spec that file and options give together.

    Raises:
        InvalidSpec: listing every wrong field, in the file or in an option.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    in_file: Any = {} if arguments.spec is None else _read_json(arguments.spec, "The spec file", terminal)
    if not isinstance(in_file, dict):
        raise InvalidSpec("The spec file", [(str(arguments.spec), "does not hold a JSON object")])
    given = {field: getattr(arguments, field, None) for field in _SPEC_FIELDS}
    given["names"] = dict(given["names"]) if given["names"] else None
    fields = cast("dict[str, Any]", in_file) | {field: value for field, value in given.items() if value is not None}
    try:
        return Spec.model_validate(fields)
    except InvalidSpec as error:
        by_option = {field for field, value in given.items() if value is not None}
        problems = [
            _as_given(field, rule, in_file=None if field.partition(".")[0] in by_option else arguments.spec)
            for field, rule in error.problems
        ]
    raise InvalidSpec("The spec", problems)


def _as_given(field: str, rule: str, *, in_file: str | None) -> tuple[str, str]:
    """A problem that names the source of the field: an option or the file."""
    if in_file is not None:
        return f"{field} in {in_file}", rule
    example = re.sub(r"\{'(\w+)': '([^']*)'\}", r"\1=\2", rule)
    return option_of(field), re.sub(
        r"\(('[^()]*')\)", lambda found: found[1].replace("'", "").replace(" ", ""), example
    )


def account_of(arguments: Namespace, terminal: Terminal) -> str:
    """The id of the account to look at.

    Raises:
        InvalidSpec: neither an option nor a spec file names one.
    """
    account = arguments.account or (spec_of(arguments, terminal).account if arguments.spec else None)
    if not account:
        raise InvalidSpec("The command", [("--account", "is required, or a spec file that names the account")])
    return str(account)


def plan_in(path: str, terminal: Terminal) -> Plan:
    """The plan that `plan --out` wrote.

    Raises:
        InvalidSpec: the file is not a plan.
    """
    from purview_mpe._model.results import Plan  # noqa: PLC0415 - as in spec_of

    return Plan.model_validate_json(json.dumps(_read_json(path, "The plan file", terminal)))


def report_in(path: str, terminal: Terminal) -> Report:
    """The report that `create -o json` printed.

    Raises:
        InvalidSpec: the file is not a report.
    """
    from purview_mpe._model.results import Report  # noqa: PLC0415 - as in spec_of

    return Report.model_validate_json(json.dumps(_read_json(path, "The report file", terminal)))


def refuse_beside_a_spec(option: str, given: str | None, arguments: Namespace) -> None:
    """Refuse a file that holds a spec together with options that define another.

    Raises:
        InvalidSpec: both were given.
    """
    if given is not None and any(getattr(arguments, field) is not None for field in ("spec", *_SPEC_FIELDS)):
        raise InvalidSpec("The command", [(option, "already holds a spec; leave out --spec and the options of a spec")])


def check_files(arguments: Namespace) -> None:
    """Check before the first request that the files for the end of the run can be written.

    Raises:
        InvalidSpec: one of them cannot.
    """
    for option in ("hand_off", "out", "dump"):
        if (path := getattr(arguments, option, None)) is None:
            continue
        try:
            problem = _write_problem(Path(path))
        except OSError as error:
            problem = f"{str(path)!r} cannot be written: {error.strerror}"
        except ValueError:  # a zero byte, or half a character
            problem = f"{str(path)!r} is not a path"
        if problem:
            raise InvalidSpec("The command", [(f"--{option.replace('_', '-')}", problem)])


def _write_problem(path: Path) -> str | None:
    exists = path.exists()
    if exists and not path.is_file():
        # A device or a pipe: opening one can block until there is a reader.
        writable = not path.is_dir() and os.access(path, os.W_OK)
        return None if writable else f"{str(path)!r} cannot be written"
    with path.open("ab"):
        pass
    if not exists:
        path.unlink()
    return None


def write_file(path: str, text: str, what: str) -> None:
    """Write a text to a file, and replace its content.

    Raises:
        CannotWrite: the file cannot be written, although `check_files` found no problem.
    """
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror
    else:
        return
    raise CannotWrite(
        f"{what} could not be written to {path!r}: {reason}.",
        remedy="Free some space or name another file, and repeat the command. That is safe: existing work is kept.",
    )


def client_options(arguments: Namespace) -> dict[str, Any]:
    """The keyword arguments for the client.

    Raises:
        InvalidSpec: the certificate file does not exist.
    """
    options: dict[str, Any] = {"cloud": arguments.cloud}
    if arguments.endpoint is not None:
        options["endpoint"] = arguments.endpoint
        if _is_this_machine(arguments.endpoint):
            options["credential"] = EmulatorCredential()
    if arguments.purview_endpoint is not None:
        options["purview_endpoint"] = arguments.purview_endpoint
    if arguments.ca is not None:
        if not _is_file(arguments.ca):
            raise InvalidSpec("The command", [("--ca", f"{_short(arguments.ca)!r} is not a file")])
        options["connection_verify"] = arguments.ca
    return options


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a name longer than any file's
        return False


def _short(path: str) -> str:
    """A path for a message, with the middle cut out if it is longer than any real path."""
    return path if len(path) <= 400 else f"{path[:200]}…{path[-200:]}"


def _verbose(group: Arguments) -> None:
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="log each request and its id on stderr, for a support case; twice: also Azure's own log",
    )


class EmulatorCredential:
    """A bearer token that Azure does not accept, for an emulator on this machine.

    Never used for any other host, so that a mistyped address leads to a sign-in and not to a refused token.
    """

    # Not a word that occurs in answers, because a token is masked wherever it occurs.
    _TOKEN = "opens-nothing-of-azures"  # noqa: S105 - not a secret
    _LIFETIME = 3600

    def get_token_info(self, *_scopes: str, options: object = None) -> Any:
        """The token, in azure-core's newer form, which it asks for first."""
        del options
        token = loading.load("azure.core.credentials").AccessTokenInfo
        return token(self._TOKEN, int(time.time()) + self._LIFETIME)

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """The token, in the older form."""
        token = loading.load("azure.core.credentials").AccessToken
        return token(self._TOKEN, int(time.time()) + self._LIFETIME)


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_json(path: str, what: str, terminal: Terminal) -> Any:
    try:
        content = terminal.stdin.read().encode(errors="replace") if path == "-" else Path(path).read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except ValueError:  # a zero byte, or half a character
        problem = "is not a path"
    else:
        try:
            # `json.loads` also detects the encoding: PowerShell's `>` writes UTF-16.
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            problem = f"is not JSON: {error}"
    raise InvalidSpec(what, [(path, problem)])


def seconds(text: str) -> float:
    """A number of seconds, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds; for example 600") from None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def _pair(text: str) -> tuple[str, str]:
    group_id, equals, name = text.partition("=")
    if not equals:
        raise ArgumentTypeError(f"{text!r} is not a pair; for example blob=purview-blob")
    return group_id, name
