"""The options that verbs share, and the Spec, Plan or client arguments that they become."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action, ArgumentError, ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping


CLOUDS = ("public", "us-government", "china")
FORMATS = ("table", "json", "tsv", "markdown")
GROUPS = ("account", "blob", "queue", "namespace", "platform", "portal")
#: How lengths of time are written.
TIMES = "90s, 30m, 24h or 7d"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: The field of a Spec that each option sets.
SPEC_FIELDS = (
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


class Once(Action):
    """Stores the value of an option, and that it was given; a second value is refused, and does not win silently."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        """Store the value.

        Raises:
            ArgumentError: the option has another value already.
        """
        del parser, option_string
        before = given_in(namespace)
        if self.option_strings and before.get(self.dest, values) != values:
            how = ", with commas between its values" if self.type is listed else ""
            raise ArgumentError(self, f"is given twice with different values; give it once{how}")
        namespace.given = {**before, self.dest: values}
        setattr(namespace, self.dest, values)


def given_in(arguments: Namespace) -> Mapping[str, Any]:
    """The options with a value that the command itself holds; the others are from variables, or have their defaults."""
    return getattr(arguments, "given", {})


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
        choices=FORMATS,
        help="format of stdout (default: a table on a terminal, JSON when piped)",
    )
    group.add_argument(
        "--query",
        metavar="JMESPATH",
        help="part of the JSON to print, as in az: --query endpoints[].name -o tsv",
    )
    _verbose(group)


def connection_options(parser: ArgumentParser) -> Arguments:
    """The options for reaching Azure."""
    group = parser.add_argument_group("connection")
    group.add_argument("--cloud", choices=CLOUDS, help="the Azure cloud (default: public)")
    group.add_argument(
        "--endpoint",
        metavar="URL",
        help="another https address of Azure Resource Manager; with an emulator on this machine "
        "(127.0.0.1, localhost) no sign-in is needed",
    )
    group.add_argument("--ca", metavar="FILE", help="certificates to trust, in PEM form: an emulator's, or a proxy's")
    group.add_argument(
        "--record",
        metavar="FILE",
        type=Path,
        help="write the requests and Azure's answers to a file, without tokens and with ids and names replaced",
    )
    return group


def catalog_options(parser: ArgumentParser) -> None:
    """The options for reaching Azure, for verbs that also reach Purview's data plane."""
    group = connection_options(parser)
    group.add_argument(
        "--purview-endpoint",
        metavar="URL",
        help="address of an emulator's Purview data plane on this machine, with {account} for the account's name",
    )


def account_option(parser: ArgumentParser) -> None:
    """The options for the Purview account, for verbs that need nothing else."""
    group = parser.add_argument_group("what to look at")
    group.add_argument("-n", "--account", metavar="ID", help="id of the Purview account, or its name")
    group.add_argument("--spec", metavar="FILE", help="a spec as JSON, which names the account; - for stdin")
    place_options(group)


def ends_options(parser: ArgumentParser) -> None:
    """The options for the factory and the account, for verbs to which the names of endpoints mean nothing."""
    group = _ends(parser)
    # Not in the help: it does nothing here, and is taken so that one set of options serves every verb.
    group.add_argument("--name", help=SUPPRESS)


def endpoint_options(parser: ArgumentParser) -> None:
    """The options for verbs that work on endpoints which exist."""
    _names(_ends(parser))


def spec_options(parser: ArgumentParser) -> None:
    """The options for verbs that plan: a file, single fields, or a file of which options replace single fields."""
    group = _ends(parser)
    _names(group)
    group.add_argument(
        "--runtime",
        metavar="NAME",
        help="Azure integration runtime in the managed virtual network (default: any that exists there)",
    )
    replace_option(group)


def replace_option(group: Arguments) -> None:
    """The option to replace what is broken, for verbs that create endpoints."""
    group.add_argument(
        "--replace-broken",
        action="store_true",
        default=None,
        help="delete endpoints that are Failed, Rejected or Disconnected, and create them again",
    )


def _ends(parser: ArgumentParser) -> Arguments:
    group = parser.add_argument_group("what to work on (options win over the file)")
    group.add_argument("--spec", metavar="FILE", help="a spec as JSON; - for stdin")
    group.add_argument("-n", "--factory", metavar="ID", help="id of the data factory, or its name")
    group.add_argument(
        "--account",
        metavar="ID",
        help="id of the Purview account, or its name; by default the one the factory is connected to",
    )
    place_options(group)
    return group


def _names(group: Arguments) -> None:
    group.add_argument("--name", metavar="BASE", help="name of the account endpoint, and prefix of the others' names")
    group.add_argument("--separator", metavar="TEXT", help="between base name and group id (default: _)")
    group.add_argument(
        "--groups",
        metavar="ID,ID",
        type=listed,
        help=f"group ids, out of {', '.join(GROUPS)} (default: all that lineage needs)",
    )
    group.add_argument(
        "--name-of",
        metavar="GROUP=NAME",
        dest="names",
        action="append",
        type=_pair,
        help="the name for one group id, instead of base and separator; repeatable",
    )
    group.add_argument(
        "--managed-vnet",
        metavar="NAME",
        dest="managed_virtual_network",
        help="name of the factory's managed virtual network (default: default)",
    )


def place_options(group: Arguments) -> None:
    """The options that complete a name to an id."""
    group.add_argument(
        "-g",
        "--resource-group",
        metavar="NAME",
        help="resource group of what is given by its name; GROUP/NAME says it for one of them",
    )
    group.add_argument(
        "--subscription",
        metavar="ID",
        help="subscription of what is given by its name (default: AZURE_SUBSCRIPTION_ID)",
    )


def _verbose(group: Arguments) -> None:
    group.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="log each request and its id on stderr, for a support case; twice: also Azure's own log",
    )


def duration(text: str) -> float:
    """A length of time in seconds, for argparse: a number with its unit."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)([smhd]?)", text.strip())
    if found is not None and float(found[1]) > 0 and found[2]:
        return float(found[1]) * _SECONDS[found[2]]
    problem = "is not a length of time" if found is None or found[2] else "needs a unit (s, m, h or d)"
    raise ArgumentTypeError(f"{text[:80]!r} {problem}; for example {TIMES}")


def spelled(seconds: float) -> str:
    """A length of time as the options take it."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds / _SECONDS[unit]:g}{unit}"


def listed(text: str) -> tuple[str, ...]:
    """Words between commas, for argparse."""
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def _pair(text: str) -> tuple[str, str]:
    group_id, equals, name = text.partition("=")
    if not equals:
        raise ArgumentTypeError(f"{text!r} is not a pair; for example blob=purview-blob")
    return group_id, name
