"""The verbs that write: create, approve, reject, delete, connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._cli import options
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.terminal import CannotWrite
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from purview_mpe._cli.call import Call
    from purview_mpe._client.client import Client
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec


def create(call: Call) -> Exit:
    """Make what is missing."""
    arguments = call.arguments
    options.refuse_beside_a_spec("--plan", arguments.plan, arguments)
    if arguments.plan is not None and arguments.approve:
        raise InvalidSpec("The command", [("--approve", "goes with a spec; after --plan, run purview-mpe approve")])
    planned = call.spec if arguments.plan is None else options.plan_in(arguments.plan, call.terminal)
    with call.client() as client:
        if arguments.dry_run:
            call.show(call.watched(lambda: client.plan(call.spec)))
            return Exit.DONE
        report = _create(call, client, planned)
    if report is None:
        return _nothing_was_written(call)
    return _show(call, report, with_hand_off=arguments.approve)


def _create(call: Call, client: Client, planned: Plan | Spec) -> Report | None:
    """The report; None if the person does not want endpoints to be deleted."""
    from purview_mpe import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    arguments = call.arguments
    wait, timeout = not arguments.no_wait, arguments.timeout
    spec = planned if isinstance(planned, Spec) else planned.spec

    def create_all() -> Report:
        return client.create_all(spec, approve=arguments.approve, wait=wait, timeout=timeout)

    if isinstance(planned, Spec):
        if not spec.replace_broken:
            return call.watched(create_all)
        # Only a plan tells whether anything has to be deleted.
        planned = call.watched(lambda: client.plan(spec))
    agreed = planned
    doomed = [step.name for step in agreed.steps if step.action == "replace"]
    question = f"Delete {', '.join(doomed)} and make {'it' if len(doomed) == 1 else 'them'} anew?"
    if doomed and not _agrees(call, question):
        return None
    if arguments.approve:
        return call.watched(create_all)
    # The plan that was agreed to, so that nothing else is deleted if something has broken in the meantime.
    return call.watched(lambda: client.apply(agreed, wait=wait, timeout=timeout))


def approve(call: Call) -> Exit:
    """Let our own connections in."""
    subject = _subject(call)
    arguments = call.arguments
    with call.client() as client:
        report = call.watched(
            lambda: client.approve(
                subject, dry_run=arguments.dry_run, wait=not arguments.no_wait, timeout=arguments.timeout
            )
        )
    return _show(call, report)


def reject(call: Call) -> Exit:
    """Turn our own pending connections away."""
    subject = _subject(call)
    arguments = call.arguments
    wait, timeout = not arguments.no_wait, arguments.timeout
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        report = call.watched(lambda: client.reject(subject, dry_run=asked, wait=wait, timeout=timeout))
        doomed = [outcome.name for outcome in report.outcomes if outcome.result == "would-reject"]
        if asked and doomed and not arguments.dry_run:
            if not _agrees(call, f"Reject {', '.join(doomed)}? A rejected endpoint has to be made anew."):
                return _nothing_was_written(call)
            report = call.watched(lambda: client.reject(subject, wait=wait, timeout=timeout))
    return _show(call, report)


def delete(call: Call) -> Exit:
    """Take our endpoints away."""
    spec, arguments = call.spec, call.arguments
    with call.client() as client:
        asked = arguments.dry_run or not arguments.yes
        report = call.watched(lambda: client.delete_all(spec, dry_run=asked, timeout=arguments.timeout))
        doomed = [outcome.name for outcome in report.outcomes if outcome.result == "would-delete"]
        if asked and doomed and not arguments.dry_run:
            if not _agrees(call, f"Delete {', '.join(doomed)} of the factory {spec.factory_id.name!r}?"):
                return _nothing_was_written(call)
            report = call.watched(lambda: client.delete_all(spec, timeout=arguments.timeout))
    return _show(call, report)


def connect(call: Call) -> Exit:
    """Connect the factory to the account."""
    spec = call.spec
    with call.client() as client:
        report = call.watched(lambda: client.connect(spec, replace=call.arguments.replace))
    return _show(call, report)


def create_options(parser: ArgumentParser) -> None:
    """What goes with a creation."""
    group = parser.add_argument_group("create")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--plan", metavar="FILE", help="carry out a plan that plan --out has written; - for stdin")
    what.add_argument("--dry-run", action="store_true", help="write nothing; show the plan")
    group.add_argument(
        "--approve", action="store_true", help="also approve each connection, as soon as it is provably ours"
    )
    group.add_argument("-y", "--yes", action="store_true", help="do not ask before broken endpoints are deleted")
    _waiting(group, 1800)
    _hand_off(group)


def approve_options(parser: ArgumentParser) -> None:
    """What goes with an approval."""
    _decision_options(parser.add_argument_group("approve"))


def reject_options(parser: ArgumentParser) -> None:
    """What goes with a rejection."""
    group = parser.add_argument_group("reject")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask")
    _decision_options(group)


def delete_options(parser: ArgumentParser) -> None:
    """What goes with a deletion."""
    group = parser.add_argument_group("delete")
    group.add_argument("-y", "--yes", action="store_true", help="do not ask")
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be deleted")
    _timeout(group, 600)


def connect_options(parser: ArgumentParser) -> None:
    """What goes with a connection of the factory."""
    group = parser.add_argument_group("connect")
    group.add_argument("--replace", action="store_true", help="also where it is connected to another account")


def _decision_options(group: options.Arguments) -> None:
    group.add_argument(
        "--report",
        metavar="FILE",
        help="the report that create -o json has printed: only its exact private endpoints count; - for stdin",
    )
    group.add_argument("--dry-run", action="store_true", help="write nothing; show what would be done")
    _waiting(group, 300)
    _hand_off(group)


def _waiting(group: options.Arguments, seconds: float) -> None:
    group.add_argument("--no-wait", action="store_true", help="do not wait for what Azure has yet to do")
    _timeout(group, seconds)


def _timeout(group: options.Arguments, seconds: float) -> None:
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=options.seconds,
        default=float(seconds),
        help=f"how long to wait at most (default: {seconds})",
    )


def _hand_off(group: options.Arguments) -> None:
    group.add_argument(
        "--hand-off", metavar="FILE", help="write there what is left for the owners of the targets, if anything is"
    )


def _subject(call: Call) -> Spec | Report:
    path = call.arguments.report
    options.refuse_beside_a_spec("--report", path, call.arguments)
    return call.spec if path is None else options.report_in(path, call.terminal)


def _write_hand_off(call: Call, file: str, text: str) -> None:
    """Put the text into its file; where that fails by now, it goes to stderr.

    Raises:
        CannotWrite: the file cannot be written.
    """
    try:
        options.write_file(file, text, "What is left for the owners of the targets")
    except CannotWrite:
        call.report = None  # stdout has it
        call.terminal.pass_on(text)
        raise
    call.terminal.say(f"What is left for the owners of the targets stands in {file}.")


def _agrees(call: Call, question: str) -> bool:
    return call.arguments.yes or call.terminal.confirm(question)


def _nothing_was_written(call: Call) -> Exit:
    call.terminal.say("Nothing was written.")
    return Exit.FAILED


def _show(call: Call, report: Report, *, with_hand_off: bool = True) -> Exit:
    """The report; what is left for others in a file where that was asked, and in the table where it is the point."""
    file: str | None = getattr(call.arguments, "hand_off", None)
    in_table = with_hand_off and file is None
    is_table = not call.terminal.wants_json(call.arguments.output)
    call.show(report if in_table or not is_table else report.model_copy(update={"hand_off": None}))
    if file is not None and report.hand_off is not None:
        _write_hand_off(call, file, report.hand_off.rstrip())
    elif file is not None:
        call.terminal.say(f"Nothing is left for others, so {file} was not written.")
    elif report.hand_off is not None and not in_table:
        call.terminal.say("The connections wait for approval by the owners of their targets.")
        call.terminal.say("Approve them with purview-mpe approve, or have it written down for them: --hand-off FILE.")
    return Exit.of_report(report)
