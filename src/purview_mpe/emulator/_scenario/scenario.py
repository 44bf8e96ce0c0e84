"""Scenarios: an emulator as a document, to start from.

`docs/emulator.md` describes the format. Accounts and factories that the document does not have are not
there; a document without either gets the default ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.exchange import id_of
from purview_mpe.emulator._http.server import MissingExtra
from purview_mpe.emulator._inventory import Inventory
from purview_mpe.emulator._owners import Ownership
from purview_mpe.emulator._scenario.fault_words import fault_from
from purview_mpe.emulator._scenario.schema import InvalidScenario, check, moment_of
from purview_mpe.emulator._services import purview, runtimes
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.access import Role
from purview_mpe.emulator._state.nouns import ResourceGroup
from purview_mpe.emulator._state.roles import roles_called
from purview_mpe.emulator._state.settings import Reads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.faults import Faults
    from purview_mpe.emulator._state.nouns import Endpoint, Factory


#: What PyYAML raises beside its own: for days that no calendar has (`2026-02-30`), numbers of too many digits, tags
#: that do not fit what they stand before (`!!timestamp x`), and lists in lists without end.
_OF_YAML = (ValueError, LookupError, AttributeError, TypeError, RecursionError)


def read(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The document of a scenario: a mapping, or a file in JSON or (by its name) in YAML.

    Raises:
        InvalidScenario: it is none, with every problem and its place.
        MissingExtra: reading YAML needs the extra `emulator`.
    """
    if not isinstance(source, str | Path):
        return check(source)
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidScenario([f"{path.name}: is no text in UTF-8: {error}"]) from None
    except ValueError:  # a zero byte, or half a character
        raise InvalidScenario([f"{str(path)!r} is no path"]) from None
    if path.suffix.lower() in {".yaml", ".yml"}:
        return check(_read_yaml(text))
    try:
        return check(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidScenario([f"{path.name}: is no JSON: {error}"]) from None


def _read_yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415  only who has YAML needs it
    except ImportError as error:
        raise MissingExtra(
            "reading a scenario in YAML needs PyYAML; install it with: pip install 'purview-mpe[emulator]'",
            name=error.name,
        ) from error
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, *_OF_YAML) as error:
        raise InvalidScenario([f"it is no YAML: {error}"]) from None


def options_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Emulator` in a document."""
    options = dict(document.get("emulator", {}))
    for key in ("provisioning", "connection_delay", "deletion", "refresh_delay", "latency"):
        if key in options:
            options[key] = _spans(options[key])
    if "epoch" in options:
        options["epoch"] = moment_of(options["epoch"])
    # An empty list says that there are none; only who says nothing of them gets the default ones.
    options.setdefault("empty", "accounts" in document or "factories" in document)
    return options


def _spans(words: Any) -> Any:
    match words:
        case {"reads": count}:
            return Reads(count)
        case dict():
            return {group: _spans(span) for group, span in words.items()}  # pyright: ignore[reportUnknownVariableType]  JSON
        case [low, high]:
            return (low, high)
        case _:
            return words


class Loader(Inventory, Ownership):
    """The part of `Emulator` that is loaded from a document."""

    _faults: Faults

    def _load(self, document: Mapping[str, Any]) -> None:
        problems: list[str] = []
        for kind, load in (
            ("subscriptions", self._load_subscription),
            ("resource_groups", self._load_group),
            ("accounts", self._load_account),
            ("factories", self._load_factory),
            ("connections", self._load_connection),
            ("callers", self._load_caller),
            ("locks", self._load_lock),
            ("denials", self._load_denial),
            ("faults", self._load_fault),
        ):
            for index, words in enumerate(document.get(kind, ())):
                try:
                    load(words)
                except (ValueError, LookupError) as error:
                    problems.append(f"{kind}[{index}]: {_said(error)}")
        if problems:
            raise InvalidScenario(problems)

    def _load_subscription(self, words: Mapping[str, Any]) -> None:
        found = self._world.ensure_subscription(words["id"])
        found.name = words.get("name", found.name)
        found.of_microsoft = words.get("of_microsoft", False)
        found.unregistered.update(name.casefold() for name in words.get("unregistered", ()))

    def _load_group(self, words: Mapping[str, Any]) -> None:
        subscription = self._world.ensure_subscription(words.get("subscription", self._subscription))
        subscription.groups[words["name"].casefold()] = ResourceGroup(
            words["name"], words.get("location", self._location), words.get("managed_by"), dict(words.get("tags", {}))
        )

    def _load_account(self, words: Mapping[str, Any]) -> None:
        before = len(self._world.accounts)
        account = self.add_account(**words)
        _want_one_more(before, self._world.accounts, f"account {account.name}")
        self.default_account = self.default_account or account

    def _load_factory(self, words: Mapping[str, Any]) -> None:
        simple = {key: value for key, value in words.items() if key not in {"runtimes", "endpoints", "runs"}}
        if "purview_account" in simple:
            simple["purview_account"] = str(self._named(simple["purview_account"]))
        before = len(self._world.factories)
        factory_id = self.add_factory(**simple)
        _want_one_more(before, self._world.factories, f"factory {factory_id.name}")
        self.default_factory = self.default_factory or factory_id
        factory = self._find_factory(factory_id)
        if "runtimes" in words:
            factory.runtimes.clear()
        for runtime in words.get("runtimes", ()):
            properties = runtime.get("properties") or runtimes.runtime_properties(
                runtime.get("kind", "azure"), self._location
            )
            before = len(factory.runtimes)
            runtimes.new_runtime(self._world, factory, runtime["name"], properties)
            _want_one_more(before, factory.runtimes, f"runtime {runtime['name']}")
        for endpoint in words.get("endpoints", ()):
            self._load_endpoint(factory, endpoint)
        for run in words.get("runs", ()):
            told = {key: value for key, value in run.items() if key != "activities"}
            run_id = self.add_pipeline_run(factory_id, **told)
            for activity in run.get("activities", ()):
                self.add_activity_run(factory_id, run_id=run_id, **activity)

    def _load_endpoint(self, factory: Factory, words: Mapping[str, Any]) -> None:
        target = str(self._named(words["target"], words["group_id"]))
        if any(one.name.casefold() == words["name"].casefold() for one in self._world.endpoints(factory)):
            raise ValueError(f"there is another endpoint {words['name']}")
        self.add_endpoint(
            factory.id,
            words["name"],
            target,
            words["group_id"],
            provisioning_state=words.get("provisioning_state", "Succeeded"),
            status=words.get("status", "Approved"),
            reserved=words.get("reserved", False),
        )
        [endpoint] = [one for one in self._world.endpoints(factory) if one.name == words["name"]]
        endpoint.private_endpoint_id = words.get("private_endpoint_id", endpoint.private_endpoint_id)
        if "connection" in words or endpoint.connection is not None:
            self._load_own_connection(endpoint, words)
        if endpoint.provisioning_state == "Provisioning":
            life.request(self._world, endpoint)
        elif endpoint.provisioning_state == "Deleting":
            endpoint.provisioning_state = "Succeeded"
            life.delete(self._world, endpoint)

    def _load_own_connection(self, endpoint: Endpoint, words: Mapping[str, Any]) -> None:
        connection = endpoint.connection
        if connection is None:
            return
        siblings = self._world.connections_of(connection.target)
        if "connection" in words:
            del siblings[connection.name.casefold()]
            given = words["connection"]
            if given is None:
                endpoint.connection = None
                return
            connection.name, connection.status = given["name"], given["status"]
            connection.description = given.get("description")
            siblings[connection.name.casefold()] = connection
        connection.private_endpoint_id = endpoint.private_endpoint_id

    def _load_connection(self, words: Mapping[str, Any]) -> None:
        rest = {key: value for key, value in words.items() if key != "target"}
        target = self._named(words["target"], words.get("group_id"))
        purview.ensure_target(self._world, str(target), self._location)
        self.add_connection(target, **rest)

    def _load_caller(self, words: Mapping[str, Any]) -> None:
        caller = self._access.add(words["name"])
        self._access.rename(caller, words.get("client_id"), words.get("object_id"))
        for given in words.get("roles", ()):
            entry: dict[str, Any] = {"role": given} if isinstance(given, str) else given
            roles: tuple[Role, ...]
            if "actions" in entry:
                roles = (Role(entry["role"], tuple(entry["actions"]), tuple(entry.get("not_actions", ()))),)
            else:
                roles = roles_called(entry["role"])
            scope = entry.get("scope", "")
            caller.assignments.extend((self._scope(scope), role) for role in roles)

    def _load_lock(self, words: Mapping[str, Any]) -> None:
        rest = {key: value for key, value in words.items() if key != "scope"}
        self.add_lock(self._scope(words["scope"]), **rest)

    def _load_denial(self, words: Mapping[str, Any]) -> None:
        deny = self.deny_by_policy if words["kind"] == "policy" else self.add_deny_assignment
        rest = {key: value for key, value in words.items() if key not in {"kind", "scope"}}
        deny(self._scope(words["scope"]), **rest)

    def _load_fault(self, words: Mapping[str, Any]) -> None:
        self._faults.inject(fault_from(words))

    def _named(self, text: str, group_id: str | None = None) -> ArmId:
        """What a document means: an id, or the name of an account, of which a group id tells the part."""
        given = id_of(text)
        if given is not None:
            return given
        for account in self._world.accounts.values():
            if account.id.name.casefold() == text.casefold():
                targets = self.targets(account.id)
                if group_id is None or group_id in {"portal", "platform"}:
                    return account.id
                if group_id not in targets:
                    raise LookupError(f"the account {text} has nothing for the group {group_id}")
                return targets[group_id]
        raise LookupError(f"{text!r} is neither an id nor the name of an account in this scenario")

    def _scope(self, text: str) -> str:
        if not text or text.startswith("/subscriptions/"):
            return text
        for factory in self._world.factories.values():
            if factory.id.name.casefold() == text.casefold():
                return str(factory.id)
        return str(self._named(text))


def _want_one_more(before: int, found: Mapping[str, Any], what: str) -> None:
    if len(found) == before:
        raise ValueError(f"there is another {what}")


def _said(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)
