"""The verbs that only read: discover, check, plan, status, watch, diagnose, orphans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from purview_mpe._cli import files, fleets, options
from purview_mpe._cli.exit_codes import Exit

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from purview_mpe._cli.call import Call


def discover(call: Call) -> Exit:
    """Show what the account needs."""
    account = call.account()
    with call.client() as client:
        found = call.watched(lambda: client.discover(account))
    call.show(found)
    return Exit.DONE


def check(call: Call) -> Exit:
    """Show whether everything is in place."""
    if (fleet := call.fleet) is not None:
        return fleets.check(call, fleet)
    spec = call.spec
    with call.client() as client:
        found = call.watched(lambda: client.check(spec))
    call.show(found)
    return Exit.DONE if found.ok else Exit.FAILED


def prove(call: Call) -> Exit:
    """Show whether lineage arrives."""
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        proof = call.watched(
            lambda: client.prove(spec, pipeline=arguments.pipeline, run_id=arguments.run_id, timeout=arguments.timeout)
        )
    call.show(proof)
    return Exit.of_proof(proof)


def prove_options(parser: ArgumentParser) -> None:
    """The options of prove."""
    group = parser.add_argument_group("prove")
    what = group.add_mutually_exclusive_group(required=True)
    what.add_argument("--pipeline", metavar="NAME", help="start this pipeline once, and follow the run")
    what.add_argument("--run", dest="run_id", metavar="ID", help="follow an existing run")
    group.add_argument(
        "--timeout",
        metavar="TIME",
        type=options.duration,
        default=1800.0,
        help=f"how long to wait at most: {options.TIMES} (default: 30m)",
    )


def plan(call: Call) -> Exit:
    """Show what is missing."""
    if (fleet := call.fleet) is not None:
        return fleets.plan(call, fleet)
    spec = call.spec
    with call.client() as client:
        made = call.watched(lambda: client.plan(spec))
    call.show(made)
    if call.arguments.out is not None:
        files.write_file(call.arguments.out, made.model_dump_json(indent=2), "The plan")
        call.terminal.say(f"Carry it out with: purview-mpe create --plan {call.arguments.out}")
    return Exit.of_plan(made, detailed=call.arguments.fail_on_changes)


def status(call: Call) -> Exit:
    """Show the status."""
    if (fleet := call.fleet) is not None:
        return fleets.status(call, fleet)
    spec = call.spec
    with call.client() as client:
        found = call.watched(lambda: client.status(spec))
    call.show(found)
    return Exit.of_status(found)


def watch(call: Call) -> Exit:
    """Show the status, and again each time that it changes."""
    ending: Exit | None = None
    with call.client() as client:
        for number, found in enumerate(
            client.watch(call.spec, every=call.arguments.every, timeout=call.arguments.timeout)
        ):
            if number and call.shows_page:
                call.terminal.write("")
            call.show(found, one_line=True)
            ending = Exit.of_status(found)
    if ending is None:
        call.terminal.say("The timeout passed before the first status was complete, so there is none to show.", "bad")
        call.terminal.say("Repeat the command with a longer --timeout.")
        return Exit.FAILED
    return ending


def diagnose(call: Call) -> Exit:
    """Show why lineage does not arrive."""
    spec = call.spec
    with call.client() as client:
        found = call.watched(lambda: client.diagnose(spec, since=timedelta(seconds=call.arguments.since)))
    call.show(found)
    return Exit.of_diagnosis(found)


def orphans(call: Call) -> Exit:
    """Show what is left over."""
    account = call.account()
    with call.client() as client:
        found = call.watched(lambda: client.orphans(account))
    call.show(found)
    return Exit.DONE


def plan_options(parser: ArgumentParser) -> None:
    """The options of plan."""
    group = parser.add_argument_group("plan")
    group.add_argument("--out", metavar="FILE", help="also write the plan to a file, for create --plan")
    group.add_argument(
        "--fail-on-changes",
        action="store_true",
        help="exit 3 if anything must be created, and 1 if a conflict prevents it",
    )


def watch_options(parser: ArgumentParser) -> None:
    """The options of watch."""
    group = parser.add_argument_group("watch")
    group.add_argument(
        "--every",
        metavar="TIME",
        type=options.duration,
        default=15.0,
        help=f"how often to look: {options.TIMES} (default: 15s)",
    )
    group.add_argument(
        "--timeout",
        metavar="TIME",
        type=options.duration,
        help="when to stop (default: when nothing changes any more)",
    )


def diagnose_options(parser: ArgumentParser) -> None:
    """The options of diagnose."""
    group = parser.add_argument_group("diagnose")
    group.add_argument(
        "--since",
        metavar="TIME",
        type=options.duration,
        default=24 * 3600.0,
        help=f"how far back to look at pipeline runs: {options.TIMES} (default: 24h)",
    )
