"""The verbs for many factories, whose specs a file holds: `--fleet FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._cli import files, options
from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from typing import Any

    from purview_mpe._cli.call import Call
    from purview_mpe._client.client import Client
    from purview_mpe._model.fleet_looks import FleetPlan
    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Report
    from purview_mpe._model.spec import Spec

#: Options that mean something for a fleet alone.
_RUN = ("journal", "resume", "stop_after")


def check(call: Call, fleet: Sequence[Spec]) -> Exit:
    """Show whether everything is in place."""
    with call.client() as client:
        found = call.watched(lambda: client.check_many(fleet), fleet)
    call.show(found)
    return Exit.of_fleet_check(found)


def plan(call: Call, fleet: Sequence[Spec]) -> Exit:
    """Show what is missing."""
    with call.client() as client:
        made = call.watched(lambda: client.plan_many(fleet), fleet)
    call.show(made)
    if call.arguments.out is not None:
        files.write_file(call.arguments.out, made.model_dump_json(indent=2), "The plan")
        call.terminal.say(f"Carry it out with: purview-mpe create --plan {call.arguments.out}")
    return Exit.of_fleet_plan(made, detailed=call.arguments.fail_on_changes)


def status(call: Call, fleet: Sequence[Spec]) -> Exit:
    """Show the status."""
    with call.client() as client:
        found = call.watched(lambda: client.status_many(fleet), fleet)
    call.show(found)
    return Exit.of_fleet_status(found)


def create(call: Call, fleet: Sequence[Spec], planned: FleetPlan | None = None) -> Exit:
    """Create what is missing, or what a plan holds."""
    arguments = call.arguments
    with call.client() as client:
        if not (arguments.dry_run or _agrees_to_replace(call, client, fleet, planned)):
            return nothing_was_written(call)
        report = call.watched(
            lambda: client.create_many(
                planned or fleet,
                approve=arguments.approve,
                wait=not arguments.no_wait,
                timeout=arguments.timeout,
                dry_run=arguments.dry_run,
                **_run(call),
            ),
            fleet,
        )
    return show(call, report)


def onboard(call: Call, fleet: Sequence[Spec]) -> Exit:
    """Run every step of onboarding."""
    arguments = call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.onboard_many(
                fleet,
                approve=arguments.approve,
                grant=not arguments.no_grant,
                become_admin=arguments.become_admin,
                replace=arguments.replace,
                wait=not arguments.no_wait,
                timeout=arguments.timeout,
                dry_run=arguments.dry_run,
                **_run(call),
            ),
            fleet,
        )
    return show(call, report)


def approve(call: Call, subjects: Sequence[Spec] | Sequence[Report], specs: Sequence[Spec]) -> Exit:
    """Approve the caller's own connections, of a fleet or of its reports."""
    arguments = call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.approve_many(
                subjects, dry_run=arguments.dry_run, wait=not arguments.no_wait, timeout=arguments.timeout
            ),
            specs,
        )
    return show(call, report)


def delete(call: Call, fleet: Sequence[Spec]) -> Exit:
    """Delete the endpoints of the fleet."""
    arguments = call.arguments
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        run = _run(call)
        report = call.watched(lambda: client.delete_many(fleet, dry_run=asked, timeout=arguments.timeout, **run), fleet)
        doomed = report.counts.get("would-delete", 0)
        if asked and doomed and not arguments.dry_run:
            if not call.agrees(f"Delete {doomed} endpoints of {_factories(fleet)}?"):
                return nothing_was_written(call)
            report = call.watched(lambda: client.delete_many(fleet, timeout=arguments.timeout, **run), fleet)
    return show(call, report)


def show(call: Call, report: FleetReport) -> Exit:
    """Show the report; the texts for others go to the requested file."""
    call.show(report)
    file: str | None = getattr(call.arguments, "hand_off", None)
    texts = [f"{one.spec.factory}\n\n{one.hand_off.rstrip()}" for one in report.reports if one.hand_off is not None]
    if file is not None and texts:
        files.write_hand_off(call, file, "\n\n\n".join(texts))
    elif file is not None:
        say_not_written(call)
    elif texts:
        call.terminal.say(f"{len(texts)} of {_factories(report.reports)} wait until others act.")
        call.terminal.say("The JSON has the steps for them; --hand-off FILE writes them as text.")
    return Exit.of_fleet(report)


def say_not_written(call: Call) -> None:
    """Say why the file for others was not written, if there was to be one."""
    if (file := getattr(call.arguments, "hand_off", None)) is not None:
        why = "This was a dry run" if getattr(call.arguments, "dry_run", False) else "Nothing is left for others"
        call.terminal.say(f"{why}, so {file} was not written.")


def nothing_was_written(call: Call) -> Exit:
    """The end of a run to which the person did not agree."""
    call.terminal.say("Nothing was written.")
    return Exit.FAILED


def fleet_option(parser: ArgumentParser) -> None:
    """The option for a file with many factories, for verbs that read and for approve and delete."""
    _fleet(parser.add_argument_group("many factories"))


def fleet_options(parser: ArgumentParser) -> None:
    """The options for a run over many factories that can be stopped and taken up again."""
    group = parser.add_argument_group("many factories")
    _fleet(group)
    group.add_argument(
        "--journal",
        metavar="FILE",
        help="append each factory's report to this file as soon as it is complete",
    )
    group.add_argument(
        "--resume",
        metavar="FILE",
        help="skip the factories whose report in this file is complete: a journal, or the JSON of an earlier run",
    )
    group.add_argument(
        "--stop-after",
        metavar="TIME",
        type=options.duration,
        help=f"end the whole run after this time ({options.TIMES})",
    )


def refuse_alone(call: Call) -> None:
    """Refuse the options of a fleet if there is none.

    Raises:
        InvalidSpec: one of them was given.
    """
    if given := [option for option in _RUN if getattr(call.arguments, option, None) is not None]:
        option = f"--{given[0].replace('_', '-')}"
        raise InvalidSpec("The command", [(option, "goes with --fleet FILE; leave it out for one factory")])


def _fleet(group: options.Arguments) -> None:
    group.add_argument(
        "--fleet",
        metavar="FILE",
        help="a CSV or JSON file with a spec for each factory; - for stdin. "
        "The options of a spec are for the factories that do not say otherwise",
    )


def _run(call: Call) -> dict[str, Any]:
    """The arguments for a run that can be taken up again; the report to resume from is read here.

    Raises:
        InvalidSpec: it cannot be read.
    """
    arguments = call.arguments
    resume: object = None
    if arguments.resume is not None:
        is_new = arguments.resume == arguments.journal and not files.exists(arguments.resume)
        resume = None if is_new else files.fleet_report(arguments.resume, "--resume")
    return {"journal": arguments.journal, "resume": resume, "stop_after": arguments.stop_after}


def _agrees_to_replace(call: Call, client: Client, fleet: Sequence[Spec], planned: FleetPlan | None) -> bool:
    """Ask before broken endpoints are deleted; only plans show whether there are any."""
    risky = [spec for spec in fleet if spec.replace_broken]
    if not risky or call.arguments.yes:
        return True
    plans = (planned or call.watched(lambda: client.plan_many(risky), risky)).plans
    doomed = sum(step.action == "replace" for found in plans for step in found.steps)
    return not doomed or call.agrees(f"Delete {doomed} broken endpoints of {_factories(fleet)} and create them again?")


def _factories(fleet: Sequence[object]) -> str:
    return "1 factory" if len(fleet) == 1 else f"{len(fleet)} factories"
