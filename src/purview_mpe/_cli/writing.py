"""The verbs that write: create, approve, reject, delete, connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._cli import files, fleets, given, options
from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from purview_mpe._cli.call import Call
    from purview_mpe._client.client import Client
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec


def create(call: Call) -> Exit:
    """Create what is missing."""
    from purview_mpe import FleetPlan  # noqa: PLC0415 - loads pydantic, which --help does without

    arguments = call.arguments
    given.refuse_beside_a_spec("--plan", arguments.plan, arguments)
    if arguments.plan is not None and arguments.approve:
        raise InvalidSpec("The command", [("--approve", "goes with a spec; after --plan, run purview-mpe approve")])
    read = None if arguments.plan is None else given.plan_in(arguments.plan, call.terminal)
    if isinstance(read, FleetPlan):
        return fleets.create(call, [plan.spec for plan in read.agreed()], read)
    if (fleet := call.fleet) is not None:
        return fleets.create(call, fleet)
    planned = read or call.spec
    with call.client() as client:
        if arguments.dry_run:
            return _rehearse(call, client, planned)
        report = _create(call, client, planned)
    if report is None:
        return fleets.nothing_was_written(call)
    return show(call, report, with_hand_off=arguments.approve)


def _rehearse(call: Call, client: Client, planned: Plan | Spec) -> Exit:
    """Show the plan; or, of a plan that exists or with approvals, what every step would come to."""
    from purview_mpe import FactoryPlan, FleetPlan, Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    approve = call.arguments.approve
    if isinstance(planned, Spec) and not approve:
        call.show(call.watched(lambda: client.plan(planned)))
        fleets.say_not_written(call)
        return Exit.DONE
    subject = (
        [planned] if isinstance(planned, Spec) else FleetPlan(factories=(FactoryPlan(spec=planned.spec, plan=planned),))
    )
    report = call.watched(lambda: client.create_many(subject, approve=approve, dry_run=True)).reports[0]
    return show(call, report, with_hand_off=approve)


def _create(call: Call, client: Client, planned: Plan | Spec) -> Report | None:
    """The report; None if the person does not agree to delete endpoints."""
    from purview_mpe import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    arguments = call.arguments
    wait, timeout = not arguments.no_wait, arguments.timeout
    spec = planned if isinstance(planned, Spec) else planned.spec

    def create_all() -> Report:
        return client.create_all(spec, approve=arguments.approve, wait=wait, timeout=timeout)

    if isinstance(planned, Spec):
        if not spec.replace_broken:
            return call.watched(create_all)
        # Only a plan shows whether anything must be deleted.
        planned = call.watched(lambda: client.plan(spec))
    agreed = planned
    doomed = [step.name for step in agreed.steps if step.action == "replace"]
    question = f"Delete {', '.join(doomed)} and create {'it' if len(doomed) == 1 else 'them'} again?"
    if doomed and not call.agrees(question):
        return None
    if arguments.approve:
        return call.watched(create_all)
    # Applies the confirmed plan, so that an endpoint that breaks in the meantime is not deleted as well.
    return call.watched(lambda: client.apply(agreed, wait=wait, timeout=timeout))


def approve(call: Call) -> Exit:
    """Approve the caller's own connections."""
    if (several := _several(call)) is not None:
        return fleets.approve(call, *several)
    subject = _subject(call)
    arguments = call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.approve(
                subject, dry_run=arguments.dry_run, wait=not arguments.no_wait, timeout=arguments.timeout
            )
        )
    return show(call, report)


def reject(call: Call) -> Exit:
    """Reject the caller's own pending connections."""
    subject = _subject(call)
    arguments = call.arguments
    wait, timeout = not arguments.no_wait, arguments.timeout
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        report = call.watched(lambda: client.reject(subject, dry_run=asked, wait=wait, timeout=timeout))
        doomed = [outcome.name for outcome in report.outcomes if outcome.result == "would-reject"]
        if asked and doomed and not arguments.dry_run:
            if not call.agrees(f"Reject {', '.join(doomed)}? A rejected endpoint must be created again."):
                return fleets.nothing_was_written(call)
            report = call.watched(lambda: client.reject(subject, wait=wait, timeout=timeout))
    return show(call, report)


def delete(call: Call) -> Exit:
    """Delete the spec's endpoints."""
    if (fleet := call.fleet) is not None:
        return fleets.delete(call, fleet)
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        report = call.watched(lambda: client.delete_all(spec, dry_run=asked, timeout=arguments.timeout))
        doomed = [outcome.name for outcome in report.outcomes if outcome.result == "would-delete"]
        if asked and doomed and not arguments.dry_run:
            if not call.agrees(f"Delete {', '.join(doomed)} of the factory {spec.factory_id.name!r}?"):
                return fleets.nothing_was_written(call)
            report = call.watched(lambda: client.delete_all(spec, timeout=arguments.timeout))
    return show(call, report)


def connect(call: Call) -> Exit:
    """Connect the factory to the account."""
    spec = call.spec
    with call.client() as client:
        arguments = call.arguments
        report = call.watched(lambda: client.connect(spec, replace=arguments.replace, identity=arguments.identity))
    return show(call, report)


def disconnect(call: Call) -> Exit:
    """Remove the factory's connection."""
    spec = call.spec
    with call.client() as client:
        report = call.watched(lambda: client.disconnect(spec))
    return show(call, report)


def onboard(call: Call) -> Exit:
    """Run every step of onboarding."""
    if call.arguments.become_admin and call.arguments.no_grant:
        raise InvalidSpec("The command", [("--become-admin", "is for giving the role; leave it out with --no-grant")])
    if (fleet := call.fleet) is not None:
        return fleets.onboard(call, fleet)
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.onboard(
                spec,
                approve=arguments.approve,
                grant=not arguments.no_grant,
                become_admin=arguments.become_admin,
                replace=arguments.replace,
                dry_run=arguments.dry_run,
                wait=not arguments.no_wait,
                timeout=arguments.timeout,
            )
        )
    return show(call, report)


def offboard(call: Call) -> Exit:
    """Revoke the role, disconnect, and delete the endpoints."""
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        report = call.watched(lambda: client.offboard(spec, dry_run=asked, timeout=arguments.timeout))
        doomed = [outcome.name for outcome in report.outcomes if outcome.result.startswith("would-")]
        if asked and doomed and not arguments.dry_run:
            if not call.agrees(f"Revoke, disconnect and delete ({', '.join(dict.fromkeys(doomed))})?"):
                return fleets.nothing_was_written(call)
            report = call.watched(lambda: client.offboard(spec, timeout=arguments.timeout))
    return show(call, report)


def grant(call: Call) -> Exit:
    """Grant the role Data Curator."""
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.grant(
                spec, become_admin=arguments.become_admin, dry_run=arguments.dry_run, timeout=arguments.timeout
            )
        )
    return show(call, report)


def revoke(call: Call) -> Exit:
    """Revoke the role Data Curator."""
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        report = call.watched(lambda: client.revoke(spec, dry_run=arguments.dry_run, timeout=arguments.timeout))
    return show(call, report)


def create_options(parser: ArgumentParser) -> None:
    """The options of create."""
    group = parser.add_argument_group("create")
    group.add_argument("--plan", metavar="FILE", help="carry out a plan that plan --out wrote; - for stdin")
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing; show the plan, or with --plan or --approve what each step would come to",
    )
    group.add_argument(
        "--approve", action="store_true", help="also approve each connection, as soon as it is provably yours"
    )
    group.add_argument("-y", "--yes", action="store_true", help="do not ask before broken endpoints are deleted")
    _waiting(group, 1800)
    hand_off_option(group)


def onboard_options(parser: ArgumentParser) -> None:
    """The options of onboard."""
    group = parser.add_argument_group("onboard")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    group.add_argument(
        "--approve", action="store_true", help="also approve each connection, as soon as it is provably yours"
    )
    group.add_argument("--no-grant", action="store_true", help="leave the role Data Curator as it is")
    _become_admin(group)
    group.add_argument("--replace", action="store_true", help="replace a connection to another account")
    _waiting(group, 1800)
    hand_off_option(group)


def offboard_options(parser: ArgumentParser) -> None:
    """The options of offboard."""
    group = parser.add_argument_group("offboard")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be removed")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask")
    _timeout(group, 600)
    hand_off_option(group)


def grant_options(parser: ArgumentParser) -> None:
    """The options of grant."""
    group = parser.add_argument_group("grant")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    _become_admin(group)
    _timeout(group, 300)
    hand_off_option(group)


def revoke_options(parser: ArgumentParser) -> None:
    """The options of revoke."""
    group = parser.add_argument_group("revoke")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    _timeout(group, 300)
    hand_off_option(group)


def _become_admin(group: options.Arguments) -> None:
    group.add_argument(
        "--become-admin",
        action="store_true",
        help="make yourself a collection administrator first, if you are not one",
    )


def approve_options(parser: ArgumentParser) -> None:
    """The options of approve."""
    _decision_options(parser.add_argument_group("approve"))


def reject_options(parser: ArgumentParser) -> None:
    """The options of reject."""
    group = parser.add_argument_group("reject")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask")
    _decision_options(group)


def delete_options(parser: ArgumentParser) -> None:
    """The options of delete."""
    group = parser.add_argument_group("delete")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be deleted")
    _timeout(group, 600)


def connect_options(parser: ArgumentParser) -> None:
    """The options of connect."""
    group = parser.add_argument_group("connect")
    group.add_argument("--replace", action="store_true", help="also if it is connected to another account")
    group.add_argument("--identity", action="store_true", help="also switch on the factory's managed identity")


def _decision_options(group: options.Arguments) -> None:
    group.add_argument(
        "--report",
        metavar="FILE",
        help="the report that create -o json printed: only its exact private endpoints count; - for stdin",
    )
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    _waiting(group, 300)
    hand_off_option(group)


def _waiting(group: options.Arguments, seconds: float) -> None:
    group.add_argument("--no-wait", action="store_true", help="do not wait until Azure has finished")
    _timeout(group, seconds)


def _timeout(group: options.Arguments, seconds: float) -> None:
    group.add_argument(
        "--timeout",
        metavar="TIME",
        type=options.duration,
        default=float(seconds),
        help=f"how long to wait at most: {options.TIMES} (default: {options.spelled(seconds)})",
    )


def hand_off_option(group: options.Arguments) -> None:
    """The option for the text that is left for others."""
    group.add_argument(
        "--hand-off", metavar="FILE", help="write the steps that are left for the targets' owners to this file, if any"
    )


def _subject(call: Call) -> Spec | Report:
    path = call.arguments.report
    given.refuse_beside_a_spec("--report", path, call.arguments)
    return call.spec if path is None else given.report_in(path, call.terminal)


def _several(call: Call) -> tuple[Sequence[Spec] | Sequence[Report], Sequence[Spec]] | None:
    """The fleet, or the reports of one, with the specs; None for a single factory."""
    path: str | None = call.arguments.report
    if (fleet := call.fleet) is not None:
        if path is not None:
            raise InvalidSpec("The command", [("--report", "says what to approve; leave out --fleet")])
        return fleet, fleet
    if path is None or path == "-" or not files.is_of_fleet(path):
        return None
    reports = files.fleet_report(path, "--report").reports
    return reports, [report.spec for report in reports]


def show(call: Call, report: Report, *, with_hand_off: bool = True) -> Exit:
    """Show the report. The text for others goes to the requested file, and into the table if it is the main result."""
    file: str | None = getattr(call.arguments, "hand_off", None)
    in_table = with_hand_off and file is None
    call.show(report if in_table or not call.shows_page else report.model_copy(update={"hand_off": None}))
    if file is not None and report.hand_off is not None:
        files.write_hand_off(call, file, report.hand_off.rstrip())
    elif file is not None:
        fleets.say_not_written(call)
    elif report.hand_off is not None and not in_table:
        call.terminal.say("The connections wait until the owners of their targets approve them.")
        how = "purview-mpe approve" if report.network is None else "--approve"
        call.terminal.say(f"Approve them with {how}, or write the steps for the owners: --hand-off FILE.")
    return Exit.of_report(report)
