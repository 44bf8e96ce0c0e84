"""Loads a scenario into an emulator, with the emulator's own methods."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from purview_mpe.emulator._http.fault_words import fault_from
from purview_mpe.emulator._scenario.data_planes import load_data_plane
from purview_mpe.emulator._scenario.networks import NetworkLoader
from purview_mpe.emulator._services.data_factory import runs, runtimes
from purview_mpe.emulator._services.purview.lifecycle import change_account, delete_account, ensure_target
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.access import Role
from purview_mpe.emulator._state.nouns import ResourceGroup
from purview_mpe.emulator._values.json_values import id_of
from purview_mpe.emulator._values.problems import InvalidScenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._control.parts import Parts
    from purview_mpe.emulator._scenario.schema import (
        AccountPart,
        CallerPart,
        ConnectionPart,
        DenialPart,
        EndpointPart,
        FactoryPart,
        GroupPart,
        LockPart,
        Scenario,
        SubscriptionPart,
    )
    from purview_mpe.emulator._state.nouns import Endpoint, Factory


class Loader:
    """Adds a scenario to an emulator."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._world = parts.world
        self._inventory = parts.inventory
        self._networks = NetworkLoader(parts, self._named)

    def load(self, scenario: Scenario) -> None:
        """Add everything that the scenario describes.

        Raises:
            InvalidScenario: its parts are not consistent; lists every problem with its place.
        """
        problems: list[str] = []
        for kind, load in (
            ("subscriptions", self._load_subscription),
            ("resource_groups", self._load_group),
            ("accounts", self._load_account),
            ("factories", self._load_factory),
            ("connections", self._load_connection),
            ("networks.virtual_networks", self._networks.load_network),
            ("networks.private_dns_zones", self._networks.load_zone),
            ("networks.private_endpoints", self._networks.load_endpoint),
            ("networks.zone_policies", self._networks.load_policy),
            ("callers", self._load_caller),
            ("locks", self._load_lock),
            ("denials", self._load_denial),
            ("faults", self._load_fault),
        ):
            for index, part in enumerate(attrgetter(kind)(scenario)):
                try:
                    load(part)
                except (ValueError, LookupError) as error:
                    problems.append(f"{kind}[{index}]: {error.args[0] if error.args else error}")
        if problems:
            raise InvalidScenario(problems)

    def _load_subscription(self, part: SubscriptionPart) -> None:
        found = self._world.ensure_subscription(part.id)
        found.name = part.name or found.name
        found.of_microsoft = part.of_microsoft
        found.unregistered.update(name.casefold() for name in part.unregistered)

    def _load_group(self, part: GroupPart) -> None:
        subscription = self._world.ensure_subscription(part.subscription or self._inventory.subscription)
        subscription.groups[part.name.casefold()] = ResourceGroup(
            part.name, part.location or self._inventory.location, part.managed_by, dict(part.tags)
        )

    def _load_account(self, part: AccountPart) -> None:
        before = len(self._world.accounts)
        account = self._inventory.add_account(
            part.name,
            shape=part.shape,
            firewall=part.firewall,
            without_namespace=part.without_namespace,
            subscription=part.subscription,
            resource_group=part.resource_group,
            location=part.location,
            body=part.body,
            creating=part.life == "creating",
            tenant_level=part.tenant_level,
        )
        _want_one_more(before, self._world.accounts, f"account {account.name}")
        if part.life == "changing":
            change_account(self._world, self._world.accounts[account.key])
        elif part.life == "deleting":
            delete_account(self._world, self._world.accounts[account.key])
        self._inventory.default_account = self._inventory.default_account or account
        found = self._world.accounts[account.key]
        found.creator = part.creator or found.creator
        if part.data_plane is not None:
            load_data_plane(self._parts, found, part.data_plane)

    def _load_factory(self, part: FactoryPart) -> None:
        before = len(self._world.factories)
        factory_id = self._inventory.add_factory(
            part.name,
            managed_vnet=part.managed_vnet,
            network=part.network,
            purview_account=None if part.purview_account is None else self._named(part.purview_account),
            subscription=part.subscription,
            resource_group=part.resource_group,
            location=part.location,
            body=part.body,
        )
        _want_one_more(before, self._world.factories, f"factory {factory_id.name}")
        self._inventory.default_factory = self._inventory.default_factory or factory_id
        factory = self._inventory.find_factory(factory_id)
        self._load_runtimes(factory, part)
        for endpoint in part.endpoints:
            self._load_endpoint(factory, endpoint)
        for pipeline in part.pipelines:
            before = len(factory.pipelines)
            given = pipeline.given()
            self._parts.run_history.add_pipeline(given.pop("name"), factory_id, **given)
            _want_one_more(before, factory.pipelines, f"pipeline {pipeline.name}")
        for run in part.runs:
            if run.status in runs.UNDER_WAY and run.pipeline.casefold() in factory.pipelines:
                self._parts.run_history.start_pipeline(run.pipeline, factory_id)
                continue
            run_id = self._parts.run_history.add_pipeline_run(
                factory_id, pipeline=run.pipeline, status=run.status, ago=run.ago
            )
            for activity in run.activities:
                self._parts.run_history.add_activity_run(factory_id, run_id=run_id, **activity.given())

    def _load_runtimes(self, factory: Factory, part: FactoryPart) -> None:
        if part.runtimes is None:
            return
        factory.runtimes.clear()
        for runtime in part.runtimes:
            properties = runtime.properties or runtimes.runtime_properties(
                runtime.kind, self._inventory.location, part.network
            )
            before = len(factory.runtimes)
            runtimes.new_runtime(self._world, factory, runtime.name, properties)
            _want_one_more(before, factory.runtimes, f"runtime {runtime.name}")

    def _load_endpoint(self, factory: Factory, part: EndpointPart) -> None:
        target = str(self._named(part.target, part.group_id))
        if any(one.name.casefold() == part.name.casefold() for one in self._world.endpoints(factory)):
            raise ValueError(f"there is another endpoint {part.name}")
        self._parts.connections.add_endpoint(
            factory.id,
            part.name,
            target,
            part.group_id,
            provisioning_state=part.provisioning_state,
            status=part.status,
            reserved=part.reserved,
        )
        [endpoint] = [one for one in self._world.endpoints(factory) if one.name == part.name]
        endpoint.private_endpoint_id = part.private_endpoint_id or endpoint.private_endpoint_id
        self._load_own_connection(endpoint, part)
        if endpoint.provisioning_state == "Provisioning":
            life.request(self._world, endpoint)
        elif endpoint.provisioning_state == "Deleting":
            endpoint.provisioning_state = "Succeeded"
            life.delete(self._world, endpoint)

    def _load_own_connection(self, endpoint: Endpoint, part: EndpointPart) -> None:
        connection = endpoint.connection
        if connection is None:
            return
        siblings = self._world.connections_of(connection.target)
        if "connection" in part.model_fields_set:
            del siblings[connection.name.casefold()]
            if part.connection is None:
                endpoint.connection = None
                return
            connection.name, connection.status = part.connection.name, part.connection.status
            connection.description = part.connection.description
            siblings[connection.name.casefold()] = connection
        connection.private_endpoint_id = endpoint.private_endpoint_id

    def _load_connection(self, part: ConnectionPart) -> None:
        target = self._named(part.target, part.group_id)
        ensure_target(self._world, str(target), self._inventory.location)
        self._parts.connections.add_connection(
            target,
            private_endpoint_id=part.private_endpoint_id,
            name=part.name,
            description=part.description,
            status=part.status,
            group_id=part.group_id,
        )

    def _load_caller(self, part: CallerPart) -> None:
        access = self._parts.access
        caller = access.default if part.name == access.default.name else access.add(part.name)
        access.rename(caller, part.client_id, part.object_id)
        caller.is_inside = part.inside_network
        for given in part.roles:
            role: Role | str = given.role
            if given.actions is not None:
                role = Role(given.role, tuple(given.actions), tuple(given.not_actions))
            self._parts.callers.assign(caller, role, self._scope(given.scope))

    def _load_lock(self, part: LockPart) -> None:
        self._parts.administrator.add_lock(
            self._scope(part.scope), part.level, name=part.name, deletion_ends=part.deletion_ends
        )

    def _load_denial(self, part: DenialPart) -> None:
        administrator = self._parts.administrator
        deny = administrator.deny_by_policy if part.kind == "policy" else administrator.add_deny_assignment
        named = {} if part.name is None else {"name": part.name}
        deny(self._scope(part.scope), part.actions, **named)

    def _load_fault(self, words: Mapping[str, object]) -> None:
        self._parts.faults.inject(fault_from(words))

    def _named(self, text: str, group_id: str | None = None) -> ArmId:
        """The id for a text: an id, or the name of an account whose resource the group id selects."""
        given = id_of(text)
        if given is not None:
            return given
        for account in self._world.accounts.values():
            if account.id.name.casefold() == text.casefold():
                targets = self._inventory.targets(account.id)
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


def _want_one_more(before: int, found: Mapping[str, object], what: str) -> None:
    if len(found) == before:
        raise ValueError(f"there is another {what}")
