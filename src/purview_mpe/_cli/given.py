"""What one command works on: the specs, plans and reports that its options and files give together."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._cli import environment, places
from purview_mpe._cli.files import read_json
from purview_mpe._cli.options import SPEC_FIELDS, given_in
from purview_mpe._model.shell import option_of
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from purview_mpe._cli.places import Find
    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.fleet_looks import FleetPlan
    from purview_mpe._model.results import Plan, Report
    from purview_mpe._model.spec import Spec

_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
#: A spec needs a base name, also where a verb makes no use of it.
_UNUSED_NAME = "purview"


def spec_of(arguments: Namespace, terminal: Terminal, find: Find) -> Spec:
    """The spec that file, options and environment give together.

    Raises:
        InvalidSpec: listing every wrong field, in the file, in an option or in a variable.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - loads pydantic, which --help does without

    in_file = _in_spec_file(arguments, terminal)
    by_option = _from_options(arguments)
    by_variable = environment.of_spec(terminal.environ)
    sources = {
        **dict.fromkeys(by_variable, "variable"),
        **dict.fromkeys(in_file, "file"),
        **dict.fromkeys(by_option, "option"),
    }
    fields = {**by_variable, **in_file, **by_option}
    if not hasattr(arguments, "separator"):
        fields.setdefault("name", _UNUSED_NAME)  # the verb makes no names
    names: list[places.Kind] = ["factory", "account"]
    texts: dict[str, str] = {name: fields[name] for name in names if isinstance(fields.get(name), str)}
    place = places.Place.of(arguments, texts)
    for name in names:
        if name in texts and sources[name] != "file":
            fields[name] = place.id_of(texts[name], name, _place_of(name, sources, arguments), find)
    place.refuse_contradictions({_place_of(name, sources, arguments): [fields[name]] for name in texts})
    try:
        return Spec.model_validate(fields)
    except InvalidSpec as error:
        problems = [
            _as_given(field, _rule(field, rule, fields), sources, arguments.spec) for field, rule in error.problems
        ]
    raise InvalidSpec("The spec", problems)


def _place_of(field: str, sources: Mapping[str, str], arguments: Namespace) -> str:
    """Where the id of a field stands, in the words of the command line."""
    match sources[field]:
        case "option":
            return option_of(field)
        case "variable":
            return environment.SPEC_VARIABLES[field]
        case _:
            return f"the {field} in {arguments.spec}"


def _rule(field: str, rule: str, fields: Mapping[str, Any]) -> str:
    """The rule, or the likely reason why it is broken."""
    if fields.get(field) == "":
        return places.EMPTY
    if field == "factory" and rule.startswith("is the id of a Microsoft.Purview/accounts"):
        return f"{rule.partition(';')[0]}; did you swap --factory and --account?"
    return rule


def fleet_in(arguments: Namespace, terminal: Terminal, find: Find) -> tuple[Spec, ...]:
    """The specs of `--fleet`; options and environment set what the file leaves out.

    Raises:
        InvalidSpec: listing every wrong line and option.
    """
    from purview_mpe._client.files import specs_in, specs_in_text  # noqa: PLC0415 - as in spec_of

    beside = [option_of(field) for field in ("spec", "factory") if getattr(arguments, field, None) is not None]
    if beside:
        raise InvalidSpec("The command", [(beside[0], "is for one factory; leave it out with --fleet")])
    path: str = arguments.fleet
    _refuse_other_fleet(path, terminal)
    by_option = _from_options(arguments)
    defaults = {**environment.of_spec(terminal.environ), **by_option}
    defaults.pop("factory", None)
    place = places.Place.of(arguments, {})
    if (account := defaults.get("account")) is not None:
        shown = "--account" if "account" in by_option else environment.SPEC_VARIABLES["account"]
        defaults["account"] = place.id_of(account, "account", shown, find)
    try:
        specs = specs_in_text(terminal.stdin.read(), "stdin", defaults) if path == "-" else specs_in(path, defaults)
    except InvalidSpec as error:
        is_option = {field for field, _ in error.problems if field.partition(".")[0] in defaults}
        if [field for field, _ in error.problems] == ["path"]:
            how = '; save it as "CSV UTF-8"' if path.casefold().endswith(_SPREADSHEETS) else ""
            raise InvalidSpec("The command", [("--fleet", f"{_short(path)!r} {error.problems[0][1]}{how}")]) from None
        problems = [
            (option_of(field), rule) if field in is_option else (field, _in_fleet(rule))
            for field, rule in error.problems
        ]
    except OSError as error:
        problems = [(_short(path), f"cannot be read: {error.strerror}")]
    else:
        file = "stdin" if path == "-" else _short(path)
        _refuse_without_effect({field: defaults[field] for field in by_option}, specs, file)
        accounts = {"--account": [defaults["account"]]} if "account" in by_option else {}
        place.refuse_contradictions({f"the ids in {file}": [spec.factory for spec in specs]} | accounts)
        return specs
    raise InvalidSpec("The fleet file", problems)


def _in_fleet(rule: str) -> str:
    """The rule of a line; one about ids says that a name is not enough here."""
    asked, is_id, example = rule.partition(" is not a resource id")
    if not is_id or "/" in asked:
        return rule
    return f"{asked} is a name, and a file takes full ids (purview-mpe find --out FILE writes one){example}"


def _refuse_without_effect(by_option: Mapping[str, Any], specs: Sequence[Spec], file: str) -> None:
    """Refuse an option that means nothing, because every line of the file says something else.

    Raises:
        InvalidSpec: listing every such option.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - as in spec_of

    def means_nothing(field: str, value: object) -> bool:
        fields = {"factory": specs[0].factory, "name": _UNUSED_NAME, field: value}
        said = value if field == "names" else getattr(Spec.model_validate(fields), field)
        return all(getattr(spec, field) != said for spec in specs)

    if wrong := [field for field, value in by_option.items() if means_nothing(field, value)]:
        problem = f"has no effect, because every line of {file} says otherwise; leave it out, or change the file"
        raise InvalidSpec("The command", [(option_of(field), problem) for field in wrong])


def account_of(arguments: Namespace, terminal: Terminal, find: Find) -> str:
    """The id of the account to look at.

    Raises:
        InvalidSpec: neither an option nor a spec file nor a variable names one.
    """
    if (account := account_if_any(arguments, terminal, find)) is not None:
        return account
    problem = "is required; or PURVIEW_MPE_ACCOUNT, or a spec file that names the account"
    raise InvalidSpec("The command", [("--account", problem)])


def account_if_any(arguments: Namespace, terminal: Terminal, find: Find) -> str | None:
    """The id of the account that an option, a spec file or a variable names.

    Raises:
        InvalidSpec: the account cannot be used.
    """
    text, shown = arguments.account, "--account"
    if arguments.spec is not None:
        return spec_of(arguments, terminal, find).account
    if text is None:
        text, shown = environment.of_spec(terminal.environ).get("account"), environment.SPEC_VARIABLES["account"]
    if text == "":
        raise InvalidSpec("The command", [("--account", places.EMPTY)])
    if text is None:
        return None
    place = places.Place.of(arguments, {})
    account = place.id_of(text, "account", shown, find)
    place.refuse_contradictions({shown: [account]})
    return account


def _in_spec_file(arguments: Namespace, terminal: Terminal) -> dict[str, Any]:
    if str(arguments.spec).casefold().endswith(".csv"):
        raise InvalidSpec("The command", [("--spec", f"{_short(arguments.spec)!r} is a CSV file; use --fleet FILE")])
    found: Any = {} if arguments.spec is None else read_json(arguments.spec, "The spec file", terminal)
    if not isinstance(found, dict):
        problem = "does not hold a JSON object; a list of specs goes behind --fleet"
        raise InvalidSpec("The spec file", [(str(arguments.spec), problem)])
    fields = cast("dict[str, Any]", found)
    _refuse_other_kind(fields, "spec", str(arguments.spec))
    return fields


#: A field that only this kind of file has, and the option that takes the file.
_KINDS = {
    "steps": ("plan", "create --plan FILE"),
    "outcomes": ("report", "approve --report FILE"),
    "reports": ("report of a fleet", "approve --report FILE"),
    "specs": ("fleet", "--fleet FILE"),
    "factory": ("spec", "--spec FILE"),
}


#: The command that makes a file of each kind.
_MADE = {
    "plan": "purview-mpe plan --out FILE writes one",
    "report": "purview-mpe create -o json prints one",
    "spec": "it has the fields factory, account and name",
    "fleet": "purview-mpe find --out FILE writes one",
}


def _refuse_other_kind(found: object, wanted: str, path: str) -> None:
    """Refuse a file of another kind by its name, and not by its fields.

    Raises:
        InvalidSpec: the file is recognized as another kind.
    """
    if not isinstance(found, dict):
        return
    kind, option = next((known for field, known in _KINDS.items() if field in found), (wanted, ""))
    if kind != wanted and not ("endpoints" in found or "findings" in found):
        raise InvalidSpec("The command", [(path, f"holds a {kind}, not a {wanted}; use {option}")])
    if kind != wanted:
        raise InvalidSpec("The command", [(path, f"holds the answer of another verb, not a {wanted}; {_MADE[wanted]}")])


def _refuse_other_fleet(path: str, terminal: Terminal) -> None:
    """Refuse a JSON file that is not a fleet by its kind.

    Raises:
        InvalidSpec: the file is recognized as another kind.
    """
    if not path.casefold().endswith(".json"):
        return
    try:
        found: object = read_json(path, "The fleet file", terminal)
    except InvalidSpec:
        return  # its reader says what is wrong, with the line
    _refuse_other_kind(found, "fleet", path)


def refuse_as_scenario(path: str, terminal: Terminal) -> None:
    """Refuse a file that is not a scenario, but something else, by its kind.

    Raises:
        InvalidSpec: the file is recognized as another kind.
    """
    try:
        found = read_json(path, "The scenario", terminal)
    except InvalidSpec:
        return
    fields: set[str] = set(cast("dict[str, Any]", found)) if isinstance(found, dict) else set()
    if kinds := [kind for field, (kind, _) in _KINDS.items() if field in fields]:
        problem = f"holds a {kinds[0]}, not a scenario; purview-mpe emulator --dump FILE writes one"
        raise InvalidSpec("The command", [(path, problem)])


def _from_options(arguments: Namespace) -> dict[str, Any]:
    """The fields of a spec that options set."""
    fields = {field: getattr(arguments, field, None) for field in SPEC_FIELDS}
    fields["names"] = _names_of(fields["names"]) if fields["names"] else None
    return {field: value for field, value in fields.items() if value is not None}


def _names_of(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The names that the options give to group ids.

    Raises:
        InvalidSpec: two of them contradict each other.
    """
    if twice := [(group, name) for group, name in pairs if dict(pairs)[group] != name]:
        group, name = twice[0]
        problem = f"names {group} twice, {name!r} and {dict(pairs)[group]!r}; leave out one of them"
        raise InvalidSpec("The command", [("--name-of", problem)])
    return dict(pairs)


def _as_given(field: str, rule: str, sources: Mapping[str, str], file: str | None) -> tuple[str, str]:
    """A problem that names the source of the field: an option, a variable or the file."""
    name = field.partition(".")[0]
    source = sources.get(name, "option" if file is None else "file")
    if source == "file":
        return f"{field} in {file}", rule
    if source == "variable":
        return environment.SPEC_VARIABLES[name], rule
    if name not in sources and name in {"factory", "name"}:
        return option_of(field), f"is required; or {environment.SPEC_VARIABLES[name]}, or a file for --spec"
    example = re.sub(r"\{'(\w+)': '([^']*)'\}", r"\1=\2", rule)
    return option_of(field), re.sub(
        r"\(('[^()]*')\)", lambda found: found[1].replace("'", "").replace(" ", ""), example
    )


def _short(path: str) -> str:
    return path if len(path) <= 400 else f"{path[:200]}…{path[-200:]}"


def plan_in(path: str, terminal: Terminal, *, of_one: bool = False) -> Plan | FleetPlan:
    """The plan that `plan --out` wrote, of one factory or of a fleet.

    Raises:
        InvalidSpec: the file is not a plan; or it is that of a fleet, and should be `of_one` factory.
    """
    from purview_mpe import FleetPlan, Plan  # noqa: PLC0415 - as in spec_of

    found: object = read_json(path, "The plan file", terminal)
    _refuse_other_kind(found, "plan", path)
    is_of_fleet = isinstance(found, dict) and "factories" in found
    if is_of_fleet and of_one:
        raise InvalidSpec("The command", [(path, "holds the plan of a fleet; this verb takes that of one factory")])
    try:
        return (FleetPlan if is_of_fleet else Plan).model_validate_json(json.dumps(found))
    except InvalidSpec as error:
        problems = error.problems
    raise InvalidSpec(path, problems)


def report_in(path: str, terminal: Terminal) -> Report:
    """The report that `create -o json` printed.

    Raises:
        InvalidSpec: the file is not a report.
    """
    from purview_mpe._model.results import Report  # noqa: PLC0415 - as in spec_of

    found = read_json(path, "The report file", terminal)
    _refuse_other_kind(found, "report", path)
    try:
        return Report.model_validate_json(json.dumps(found))
    except InvalidSpec as error:
        problems = error.problems
    raise InvalidSpec(path, problems)


def refuse_beside_a_spec(option: str, given: str | None, arguments: Namespace) -> None:
    """Refuse a file that holds a spec together with options that define another.

    Raises:
        InvalidSpec: both were given.
    """
    if given is not None and getattr(arguments, "fleet", None) is not None:
        raise InvalidSpec("The command", [(option, "already says for which factories; leave out --fleet")])
    if given is not None and any(getattr(arguments, field, None) is not None for field in ("spec", *SPEC_FIELDS)):
        raise InvalidSpec("The command", [(option, "already holds a spec; leave out --spec and the options of a spec")])
    if given is not None and (beside := [flag for name, flag in places.PLACES.items() if name in given_in(arguments)]):
        raise InvalidSpec("The command", [(beside[0], f"completes names, and {option} holds full ids; leave it out")])
