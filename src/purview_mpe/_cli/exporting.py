"""The verb that writes code instead of endpoints: export."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from purview_mpe._cli import files, given
from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from purview_mpe._cli.call import Call
    from purview_mpe._model.results import Plan

FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")


def export(call: Call) -> Exit:
    """Write a plan as code."""
    arguments = call.arguments
    given.refuse_beside_a_spec("--plan", arguments.plan, arguments)
    if (arguments.own_subnet is None) != (arguments.own_location is None):
        raise InvalidSpec("The command", [("--own-subnet", "and --own-location go together")])
    if problems := list(_without_effect(arguments)):
        raise InvalidSpec("The command", problems)
    code = _code(call, _plan(call))
    if arguments.out is None:
        call.terminal.write(code.rstrip("\n"))
    else:
        files.write_file(arguments.out, code.rstrip("\n"), "The code")
    return Exit.DONE


def _without_effect(arguments: Namespace) -> Iterator[tuple[str, str]]:
    """Options that mean nothing beside the others."""
    if arguments.own_subnet is None and arguments.own_approval is not None:
        yield "--own-approval", "goes with --own-subnet and --own-location; leave it out"
    if arguments.own_subnet is not None and arguments.onboard:
        yield "--onboard", "is for managed private endpoints; leave it out with --own-subnet"
    if arguments.plan is not None:
        for option in ("endpoint", "ca", "record"):
            if getattr(arguments, option) is not None and option not in arguments.variables:
                yield f"--{option}", "is for requests, and with --plan none is sent; leave it out"


def _plan(call: Call) -> Plan:
    if (path := call.arguments.plan) is not None:
        return cast("Plan", given.plan_in(path, call.terminal, of_one=True))
    spec = call.spec
    with call.client() as client:
        return call.watched(lambda: client.plan(spec))


def _code(call: Call, plan: Plan) -> str:
    from purview_mpe import export, export_customer_endpoints  # noqa: PLC0415 - loads pydantic, which --help does not

    arguments = call.arguments
    if arguments.own_subnet is None:
        return export(plan, arguments.format, cloud=arguments.cloud, onboard=arguments.onboard)
    return export_customer_endpoints(
        plan,
        arguments.format,
        subnet_id=arguments.own_subnet,
        location=arguments.own_location,
        groups=plan.spec.groups,
        approval=arguments.own_approval or "automatic",
        cloud=arguments.cloud,
    )


def export_options(parser: ArgumentParser) -> None:
    """The options of export."""
    group = parser.add_argument_group("export")
    group.add_argument("--format", choices=FORMATS, required=True, help="which code; terraform is the provider azurerm")
    group.add_argument("--onboard", action="store_true", help="switch on the factory's identity and, with az, grant it")
    group.add_argument("--plan", metavar="FILE", help="export a plan that plan --out wrote; - for stdin")
    group.add_argument("--out", metavar="FILE", help="write the code to a file instead of stdout")
    own = parser.add_argument_group("private endpoints of your own, for self-hosted runtimes")
    own.add_argument("--own-subnet", metavar="ID", help="id of the subnet for them")
    own.add_argument("--own-location", metavar="REGION", help="region of that subnet's network, such as westeurope")
    own.add_argument(
        "--own-approval",
        choices=("automatic", "manual"),
        help="manual leaves the approval to the owners of the targets (default: automatic)",
    )
