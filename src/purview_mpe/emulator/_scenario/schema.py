"""What a scenario may say: small checks put together; every problem is told, not just the first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe.emulator._http.call import GUID
from purview_mpe.emulator._http.exchange import list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Check: TypeAlias = Callable[[Any, str, list[str]], None]


class InvalidScenario(ValueError):
    """A scenario that cannot be; the message has one line per problem, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the scenario cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


def check(document: Any) -> dict[str, Any]:
    """The document, if it is a scenario.

    Raises:
        InvalidScenario: it is not.
    """
    problems: list[str] = []
    _SCENARIO(document, "", problems)
    if problems:
        raise InvalidScenario(problems)
    return object_of(document) or {}


def _text(value: Any, at: str, problems: list[str]) -> None:
    if not isinstance(value, str) or not value:
        problems.append(f"{at}: must be a text, not {value!r}")


def _anything(_value: Any, _at: str, _problems: list[str]) -> None:
    """Azure's own texts can be anything, nothing included."""


def _number(value: Any, at: str, problems: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        problems.append(f"{at}: must be a number from 0 on, not {value!r}")


def _whole(value: Any, at: str, problems: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        problems.append(f"{at}: must be a whole number from 0 on, not {value!r}")


def _count(value: Any, at: str, problems: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        problems.append(f"{at}: must be a whole number from 1 on, not {value!r}")


def _guid(value: Any, at: str, problems: list[str]) -> None:
    if not isinstance(value, str) or not GUID.fullmatch(value):
        problems.append(f"{at}: must be a GUID, not {value!r}")


def _moment(value: Any, at: str, problems: list[str]) -> None:
    try:
        moment_of(value)
    except ValueError:
        problems.append(f"{at}: must be a date and time in ISO 8601, not {value!r}")


def moment_of(value: Any) -> datetime:
    """A moment in a scenario, as text or as YAML reads one; without a zone it is UTC's.

    Raises:
        ValueError: it is none.
    """
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _flag(value: Any, at: str, problems: list[str]) -> None:
    if not isinstance(value, bool):
        problems.append(f"{at}: must be true or false, not {value!r}")


def _object(value: Any, at: str, problems: list[str]) -> None:
    if object_of(value) is None:
        problems.append(f"{at}: must be an object, not {value!r}")


def _body(value: Any, at: str, problems: list[str]) -> None:
    _object(value, at, problems)
    body = object_of(value) or {}
    if "id" in body:
        _id(body["id"], f"{at}.id", problems)


def _id(value: Any, at: str, problems: list[str]) -> None:
    try:
        ArmId.parse(value)
    except InvalidArmId as error:
        problems.append(f"{at}: {error}")


def _span(value: Any, at: str, problems: list[str]) -> None:
    pair, counted = list_of(value), object_of(value)
    if counted is not None:
        _record({"reads": _whole}, "reads")(value, at, problems)
    elif pair is not None:
        if len(pair) != 2:
            problems.append(f"{at}: a range is two numbers, not {value!r}")
        for index, bound in enumerate(pair):
            _number(bound, f"{at}[{index}]", problems)
    else:
        _number(value, at, problems)


def _spans(value: Any, at: str, problems: list[str]) -> None:
    groups = object_of(value)
    if groups is None or "reads" in groups:
        _span(value, at, problems)
        return
    for group, span in groups.items():
        _span(span, f"{at}.{group}", problems)


def _or_none(inner: Check) -> Check:
    def run(value: Any, at: str, problems: list[str]) -> None:
        if value is not None:
            inner(value, at, problems)

    return run


def _choice(*values: Any) -> Check:
    def run(value: Any, at: str, problems: list[str]) -> None:
        if value not in values:
            problems.append(f"{at}: must be one of {', '.join(map(str, values))}, not {value!r}")

    return run


def _each(inner: Check) -> Check:
    def run(value: Any, at: str, problems: list[str]) -> None:
        items = list_of(value)
        if items is None:
            problems.append(f"{at}: must be a list, not {value!r}")
        for index, item in enumerate(items or ()):
            inner(item, f"{at}[{index}]", problems)

    return run


def _record(fields: Mapping[str, Check], *required: str) -> Check:
    def run(value: Any, at: str, problems: list[str]) -> None:
        found = object_of(value)
        if found is None:
            problems.append(f"{at or 'it'}: must be an object, not {value!r}")
            return
        dot = f"{at}." if at else ""
        for key, item in found.items():
            if key in fields:
                fields[key](item, f"{dot}{key}", problems)
            else:
                problems.append(f"{dot}{key}: is not known here; known are {', '.join(fields)}")
        problems.extend(f"{dot}{key}: is missing" for key in required if key not in found)

    return run


def _role(value: Any, at: str, problems: list[str]) -> None:
    if object_of(value) is None:
        _text(value, at, problems)
    else:
        _record({"role": _text, "actions": _each(_text), "not_actions": _each(_text), "scope": _text}, "role")(
            value, at, problems
        )


def _body_or_name(fields: Mapping[str, Check]) -> Check:
    inner = _record({"name": _text, "body": _body, **fields})

    def run(value: Any, at: str, problems: list[str]) -> None:
        inner(value, at, problems)
        found = object_of(value)
        if found is not None and "name" not in found and "id" not in (object_of(found.get("body")) or {}):
            problems.append(f"{at}: needs a name, or a body with an id")

    return run


_PLACE: dict[str, Check] = {"subscription": _guid, "resource_group": _text, "location": _text}

_SHAPE_AND_FIREWALL: dict[str, Check] = {
    "shape": _choice("A", "B", "C", "D", "E", "F"),
    "firewall": _choice("enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"),
}

_OPTIONS = _record(
    {
        **_SHAPE_AND_FIREWALL,
        "seed": _whole,
        "epoch": _moment,
        "provisioning": _or_none(_spans),
        "connection_delay": _or_none(_spans),
        "deletion": _or_none(_spans),
        "refresh_delay": _span,
        "latency": _span,
        "page_size": _count,
        "absent_status": _choice(404, 400),
        "foreign_connections": _whole,
        "reveal_private_endpoint_ids": _choice("at-once", "when-provisioned", "never"),
        "ingestion_accepts": _choice("either", "private-endpoint", "connection"),
        "namespace_approval": _choice("200", "201", "202", "202-empty"),
        "storage_busy": _number,
        "deletion_lingers": _number,
        "entity_limit": _whole,
        "enforce_limits": _flag,
        "request_log": _or_none(_whole),
        "subscription": _guid,
        "tenant": _guid,
        "location": _text,
        "empty": _flag,
    }
)

_ACCOUNT = _body_or_name(
    {
        **_PLACE,
        **_SHAPE_AND_FIREWALL,
        "without_namespace": _choice("absent", "null", "empty", "disabled"),
    }
)

_CONNECTION_OF_ENDPOINT = _record(
    {"name": _text, "status": _text, "description": _or_none(_anything)}, "name", "status"
)

_ENDPOINT = _record(
    {
        "name": _text,
        "target": _text,
        "group_id": _text,
        "provisioning_state": _text,
        "status": _anything,
        "reserved": _flag,
        "private_endpoint_id": _text,
        "connection": _or_none(_CONNECTION_OF_ENDPOINT),
    },
    "name",
    "target",
    "group_id",
)

_ACTIVITY = _record(
    {
        "name": _text,
        "activity_type": _text,
        "status": _text,
        "lineage_status": _or_none(_text),
        "lineage_key": _text,
        "output": _object,
    }
)

_FACTORY = _body_or_name(
    {
        **_PLACE,
        "managed_vnet": _flag,
        "purview_account": _text,
        "runtimes": _each(
            _record(
                {
                    "name": _text,
                    "kind": _choice("azure", "azure-managed-vnet", "self-hosted", "ssis"),
                    "properties": _object,
                },
                "name",
            )
        ),
        "endpoints": _each(_ENDPOINT),
        "runs": _each(_record({"pipeline": _text, "status": _text, "ago": _number, "activities": _each(_ACTIVITY)})),
    }
)

_CONNECTION = _record(
    {
        "target": _text,
        "private_endpoint_id": _text,
        "name": _text,
        "description": _or_none(_anything),
        "status": _text,
        "group_id": _text,
    },
    "target",
)

_GROUP = _record(
    {"name": _text, "subscription": _guid, "location": _text, "managed_by": _or_none(_text), "tags": _object}, "name"
)

_SUBSCRIPTION = _record({"id": _guid, "name": _text, "of_microsoft": _flag, "unregistered": _each(_text)}, "id")

_SCENARIO = _record(
    {
        "emulator": _OPTIONS,
        "subscriptions": _each(_SUBSCRIPTION),
        "resource_groups": _each(_GROUP),
        "accounts": _each(_ACCOUNT),
        "factories": _each(_FACTORY),
        "connections": _each(_CONNECTION),
        "callers": _each(
            _record({"name": _text, "client_id": _text, "object_id": _text, "roles": _each(_role)}, "name")
        ),
        "locks": _each(
            _record(
                {
                    "scope": _text,
                    "level": _choice("CanNotDelete", "ReadOnly"),
                    "name": _text,
                    "deletion_ends": _text,
                },
                "scope",
            )
        ),
        "denials": _each(
            _record(
                {
                    "kind": _choice("policy", "deny-assignment"),
                    "scope": _text,
                    "actions": _text,
                    "name": _text,
                },
                "kind",
                "scope",
            )
        ),
        "faults": _each(_object),
    }
)
