"""The verb that finds factories: find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._cli import environment, files, places
from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from purview_mpe._cli.call import Call

_NAME = "purview"


def find(call: Call) -> Exit:
    """Find the factories that are connected to an account."""
    from purview_mpe._cli.found import FoundFactories, as_csv  # noqa: PLC0415 - loads pydantic, which --help does not

    arguments = call.arguments
    scope = places.scope_of(arguments)
    account, name = _wanted(call)
    out: str | None = arguments.out
    if out is not None and not out.casefold().endswith((".csv", ".json")):
        raise InvalidSpec("The command", [("--out", f"{out!r} must end in .csv or .json")])
    with call.client() as client:
        found = call.watched(lambda: client.find_specs(scope, name=name, account=account))
    shown = FoundFactories(specs=tuple(found))
    call.show(shown)
    if out is not None:
        text = shown.model_dump_json(indent=2) if out.casefold().endswith(".json") else as_csv(shown)
        files.write_file(out, text.rstrip("\n"), "The fleet file")
        call.terminal.say(f"See what they need with: purview-mpe plan --fleet {out}")
    return Exit.DONE


def _wanted(call: Call) -> tuple[str | None, str]:
    """The account that the factories have to be connected to, if any, and the base name of their endpoints."""
    arguments = call.arguments
    if arguments.spec is not None:
        return call.spec.account, call.spec.name
    return call.account_if_any(), arguments.name or environment.of_spec(call.terminal.environ).get("name") or _NAME


def find_options(parser: ArgumentParser) -> None:
    """The options of find."""
    group = parser.add_argument_group("what to look at")
    group.add_argument("--account", metavar="ID", help="only factories that are connected to this account")
    group.add_argument("--spec", metavar="FILE", help="a spec as JSON, which names the account; - for stdin")
    group.add_argument("--name", metavar="BASE", help=f"base name of the endpoints of all of them (default: {_NAME})")
    # The place is where factories are searched; an account that is given by its name is often in another group.
    parser.set_defaults(searches_place=True)
    group.add_argument("-g", "--resource-group", metavar="NAME", help="search only this resource group")
    group.add_argument(
        "--subscription", metavar="ID", help="the subscription to search (default: AZURE_SUBSCRIPTION_ID)"
    )
    group.add_argument(
        "--out", metavar="FILE", help="also write them to a file for --fleet, which ends in .csv or .json"
    )
