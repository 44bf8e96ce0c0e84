"""What one command works on: the specs, plans and reports that its options and files give together."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._cli.files import read_json
from purview_mpe._cli.options import SPEC_FIELDS
from purview_mpe._model.shell import option_of
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace

    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec


def spec_of(arguments: Namespace, terminal: Terminal) -> Spec:
    """The spec that file and options give together.

    Raises:
        InvalidSpec: listing every wrong field, in the file or in an option.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    in_file: Any = {} if arguments.spec is None else read_json(arguments.spec, "The spec file", terminal)
    if not isinstance(in_file, dict):
        raise InvalidSpec("The spec file", [(str(arguments.spec), "does not hold a JSON object")])
    given = {field: getattr(arguments, field, None) for field in SPEC_FIELDS}
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


def fleet_in(arguments: Namespace, terminal: Terminal) -> tuple[Spec, ...]:
    """The specs of `--fleet`; the options of a spec are defaults.

    Raises:
        InvalidSpec: listing every wrong line and option.
    """
    from purview_mpe._client.files import specs_in, specs_in_text  # noqa: PLC0415 - as in spec_of

    beside = [option_of(field) for field in ("spec", "factory") if getattr(arguments, field, None) is not None]
    if beside:
        raise InvalidSpec("The command", [(beside[0], "is for one factory; leave it out with --fleet")])
    path: str = arguments.fleet
    defaults = _from_options(arguments)
    try:
        if path == "-":
            return specs_in_text(terminal.stdin.read(), "stdin", defaults)
        return specs_in(path, defaults)
    except InvalidSpec as error:
        is_option = {field for field, _ in error.problems if field.partition(".")[0] in defaults}
        problems = [(option_of(field) if field in is_option else field, rule) for field, rule in error.problems]
    except OSError as error:
        problems = [(_short(path), f"cannot be read: {error.strerror}")]
    raise InvalidSpec("The fleet", problems)


def _short(path: str) -> str:
    return path if len(path) <= 400 else f"{path[:200]}…{path[-200:]}"


def _from_options(arguments: Namespace) -> dict[str, Any]:
    """The fields of a spec that options set."""
    fields = {field: getattr(arguments, field, None) for field in SPEC_FIELDS}
    fields["names"] = dict(fields["names"]) if fields["names"] else None
    return {field: value for field, value in fields.items() if value is not None}


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

    return Plan.model_validate_json(json.dumps(read_json(path, "The plan file", terminal)))


def report_in(path: str, terminal: Terminal) -> Report:
    """The report that `create -o json` printed.

    Raises:
        InvalidSpec: the file is not a report.
    """
    from purview_mpe._model.results import Report  # noqa: PLC0415 - as in spec_of

    return Report.model_validate_json(json.dumps(read_json(path, "The report file", terminal)))


def refuse_beside_a_spec(option: str, given: str | None, arguments: Namespace) -> None:
    """Refuse a file that holds a spec together with options that define another.

    Raises:
        InvalidSpec: both were given.
    """
    if given is not None and any(getattr(arguments, field) is not None for field in ("spec", *SPEC_FIELDS)):
        raise InvalidSpec("The command", [(option, "already holds a spec; leave out --spec and the options of a spec")])
