"""The verb for private endpoints in a network of the caller's own: plan, create, delete, status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._cli import options
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.fleets import nothing_was_written
from purview_mpe._cli.writing import hand_off_option, show
from purview_mpe._model.shell import option_of
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping
    from typing import Any

    from purview_mpe._cli.call import Call
    from purview_mpe._client.client import Client
    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec

_FIELDS = ("subnet", "location", "dns", "zone_resource_group", "approval")
_ACTIONS = ("plan", "create", "delete", "status")
#: The options that only some actions take.
_FOR: Mapping[str, tuple[str, ...]] = {
    "replace_broken": ("plan", "create"),
    "approve": ("create",),
    "no_wait": ("create",),
    "dry_run": ("create", "delete"),
    "yes": ("create", "delete"),
    "timeout": ("create", "delete"),
    "hand_off": ("create",),
}
_CREATING, _DELETING = 1800.0, 600.0


def private_endpoints(call: Call) -> Exit:
    """Plan, create, delete or show the private endpoints of a network."""
    _refuse_without_effect(call.arguments)
    spec, arguments, network = call.spec, call.arguments, _network_of(call)
    purpose: Any = arguments.purpose
    with call.client() as client:
        if arguments.action == "status":
            status = call.watched(lambda: client.private_endpoints_status(spec, network, purpose=purpose))
            call.show(status)
            return Exit.of_status(status)
        if arguments.action == "plan" or (arguments.action == "create" and arguments.dry_run):
            plan = call.watched(lambda: client.plan_private_endpoints(spec, network, purpose=purpose))
            call.show(plan)
            return Exit.of_plan(plan, detailed=False)
        act = _create if arguments.action == "create" else _delete
        report = act(call, client, spec, network)
    return nothing_was_written(call) if report is None else show(call, report, with_hand_off=arguments.approve)


def _refuse_without_effect(arguments: Namespace) -> None:
    """Refuse the options of an action beside another one.

    Raises:
        InvalidSpec: listing them.
    """
    problems = [
        (option_of(option), f"is for {' and '.join(actions)}; leave it out with {arguments.action}")
        for option, actions in _FOR.items()
        if getattr(arguments, option) not in {None, False} and arguments.action not in actions
    ]
    if arguments.zone_resource_group is not None and arguments.dns == "none":
        problems.append(("--zone-resource-group", "is for private DNS zones; leave it out with --dns none"))
    if problems:
        raise InvalidSpec("The command", problems)


def _create(call: Call, client: Client, spec: Spec, network: Network) -> Report | None:
    """The report; None if the person does not agree to delete private endpoints."""
    arguments = call.arguments
    purpose: Any = arguments.purpose
    if spec.replace_broken and not arguments.yes:
        plan = call.watched(lambda: client.plan_private_endpoints(spec, network, purpose=purpose))
        doomed = [step.name for step in plan.steps if step.action == "replace"]
        if doomed and not call.agrees(f"Delete {', '.join(doomed)} and create them again?"):
            return None
    return call.watched(
        lambda: client.create_private_endpoints(
            spec,
            network,
            purpose=purpose,
            approve=arguments.approve,
            wait=not arguments.no_wait,
            timeout=_CREATING if arguments.timeout is None else arguments.timeout,
        )
    )


def _delete(call: Call, client: Client, spec: Spec, network: Network) -> Report | None:
    """The report; None if the person does not agree."""
    arguments = call.arguments
    purpose: Any = arguments.purpose
    timeout = _DELETING if arguments.timeout is None else arguments.timeout
    asked = arguments.dry_run or not arguments.yes

    def delete(*, dry_run: bool) -> Report:
        return client.delete_private_endpoints(spec, network, purpose=purpose, dry_run=dry_run, timeout=timeout)

    report = call.watched(lambda: delete(dry_run=asked))
    doomed = [outcome.name for outcome in report.outcomes if outcome.result == "would-delete"]
    if not asked or arguments.dry_run or not doomed:
        return report
    known = report.account.warnings if report.account is not None else ()
    warned = [finding.message for finding in report.warnings if finding not in known]
    if not call.agrees(" ".join([*warned, f"Delete {', '.join(doomed)} from the subnet {network.subnet_id.name!r}?"])):
        return None
    return call.watched(lambda: delete(dry_run=False))


def _network_of(call: Call) -> Network:
    """The network that the options give together.

    Raises:
        InvalidSpec: listing every wrong option.
    """
    from purview_mpe._model.network import Network  # noqa: PLC0415 - loads pydantic, which --help does without

    arguments = call.arguments
    given = {field: getattr(arguments, field) for field in _FIELDS} | {
        "resource_group": arguments.endpoint_resource_group
    }
    try:
        return Network.model_validate({field: value for field, value in given.items() if value is not None})
    except InvalidSpec as error:
        problems = [(option_of(field), rule) for field, rule in error.problems]
    raise InvalidSpec("The network", problems)


def private_endpoints_options(parser: ArgumentParser) -> None:
    """What to do, and the options of the network."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    group = parser.add_argument_group("your own network")
    group.add_argument("--subnet", metavar="ID", required=True, help="id of the subnet for the private endpoints")
    group.add_argument(
        "--purpose",
        choices=("self-hosted-runtime", "studio"),
        required=True,
        help="lineage from self-hosted runtimes, or searching from Studio",
    )
    group.add_argument(
        "--dns",
        choices=("existing", "create", "none"),
        help="use linked zones, create zones and links where none is linked, or leave DNS alone (default: existing)",
    )
    group.add_argument(
        "--endpoint-resource-group",
        metavar="NAME",
        help="name or id of that of the private endpoints (default: the network's)",
    )
    group.add_argument("--location", metavar="REGION", help="for the private endpoints (default: the network's)")
    group.add_argument(
        "--zone-resource-group",
        metavar="NAME",
        help="name, or id in another subscription: where zones are created, and where those of a hub are searched "
        "(default: that of the endpoints)",
    )
    group.add_argument(
        "--approval",
        choices=("automatic", "manual"),
        help="let Azure approve at once where you may, or wait for the owners (default: automatic)",
    )
    acting = parser.add_argument_group("create and delete")
    options.replace_option(acting)
    acting.add_argument("--approve", action="store_true", help="also approve what Azure did not approve by itself")
    acting.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    acting.add_argument("-y", "--yes", action="store_true", help="do not ask")
    acting.add_argument("--no-wait", action="store_true", help="do not wait until Azure has finished")
    acting.add_argument(
        "--timeout",
        metavar="TIME",
        type=options.duration,
        help=f"how long to wait at most: {options.TIMES} (default: 30m to create, 10m to delete)",
    )
    hand_off_option(acting)
