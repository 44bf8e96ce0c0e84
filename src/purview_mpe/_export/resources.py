"""What an export declares, independent of the language: resources, their references, and their order.

Sources: the schema of managed virtual networks and managed private endpoints is Azure's OpenAPI file (Data Factory
2018-06-01). Private endpoints, DNS zones, links and zone groups follow Microsoft's template reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.spec import FACTORY_TYPE
from purview_mpe._wire.factory import runtime_body
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._model.results import Account, Plan, Step

NETWORK_TYPE = f"{FACTORY_TYPE}/managedVirtualNetworks"
RUNTIME_TYPE = f"{FACTORY_TYPE}/integrationRuntimes"
ENDPOINT_TYPE = f"{NETWORK_TYPE}/managedPrivateEndpoints"
PRIVATE_ENDPOINT_TYPE = "Microsoft.Network/privateEndpoints"
ZONE_GROUP_TYPE = f"{PRIVATE_ENDPOINT_TYPE}/privateDnsZoneGroups"
ZONE_TYPE = "Microsoft.Network/privateDnsZones"
ZONE_LINK_TYPE = f"{ZONE_TYPE}/virtualNetworkLinks"

#: Template reference: versions that exist in every cloud and have every property used here.
API_VERSIONS = {
    FACTORY_TYPE: "2018-06-01",
    NETWORK_TYPE: "2018-06-01",
    RUNTIME_TYPE: "2018-06-01",
    ENDPOINT_TYPE: "2018-06-01",
    PRIVATE_ENDPOINT_TYPE: "2023-11-01",
    ZONE_GROUP_TYPE: "2023-11-01",
    ZONE_TYPE: "2020-06-01",
    ZONE_LINK_TYPE: "2020-06-01",
}
#: Types that Azure provisions after it accepts the request; a managed virtual network has no such state (spec).
WAITED_FOR = frozenset({ENDPOINT_TYPE, PRIVATE_ENDPOINT_TYPE, ZONE_GROUP_TYPE, ZONE_TYPE, ZONE_LINK_TYPE})


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One resource of an export. `properties` may hold other resources, which become references to their ids."""

    words: tuple[str, ...]
    """The words of its name inside the code; each language joins them in its own way."""
    type: str
    parent: Resource | ArmId
    """Its parent resource, or its resource group."""
    name: str
    properties: Mapping[str, Value] = field(default_factory=dict[str, "Value"])
    location: str | None = None
    after: tuple[Resource, ...] = ()
    """The resources that must exist first, besides its parent and those that its properties refer to."""
    existing: bool = False
    """Whether the code only refers to it, and does not declare it."""
    adopted: bool = False
    """Whether it already exists in Azure, and the code imports it."""
    note: str = ""

    @property
    def api_version(self) -> str:
        """The api-version for writing it."""
        return API_VERSIONS[self.type]

    @property
    def group(self) -> ArmId:
        """Its resource group."""
        return self.parent if isinstance(self.parent, ArmId) else self.parent.group

    @property
    def names(self) -> tuple[str, ...]:
        """The names from the outermost resource to this one."""
        return (self.name,) if isinstance(self.parent, ArmId) else (*self.parent.names, self.name)

    @property
    def id(self) -> str:
        """Its id in the canonical spelling: Terraform's comparison is case-sensitive."""
        if isinstance(self.parent, ArmId):
            return f"{self.parent}/providers/{self.type}/{self.name}"
        return f"{self.parent.id}/{self.type.rpartition('/')[2]}/{self.name}"

    @property
    def references(self) -> tuple[Resource, ...]:
        """The resources that its properties refer to."""
        return tuple(_resources_in(self.properties))


Value: TypeAlias = "str | bool | int | Resource | Mapping[str, Value] | Sequence[Value]"


def _resources_in(value: Value) -> Iterator[Resource]:
    match value:
        case Resource():
            yield value
        case Mapping():
            for item in value.values():
                yield from _resources_in(item)
        case str() | bool() | int():
            return
        case _:
            for item in value:
                yield from _resources_in(item)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that one export declares, in the order in which it can be created."""

    title: str
    notes: tuple[str, ...]
    """Notes for a reader of the code, of a line or two each."""
    scope: ArmId
    """The resource group that a template is deployed to."""
    resources: tuple[Resource, ...]
    cloud: Cloud = "public"
    """The cloud in which providers and scripts sign in."""
    onboards: Resource | None = None
    """The factory whose identity is switched on and gets the role Data Curator; None without onboarding."""
    account: Account | None = None
    """The account that the role is for."""

    @property
    def declared(self) -> tuple[Resource, ...]:
        """The resources that the code creates or imports."""
        return tuple(resource for resource in self.resources if not resource.existing)


def managed_bundle(plan: Plan, cloud: Cloud = "public", *, onboard: bool = False) -> Bundle:
    """The managed virtual network and the runtime, if they are in the plan, and every endpoint of the plan.

    Raises:
        InvalidSpec: a step's name is a path.
    """
    if elsewhere := [step.name for step in plan.steps if "/" in step.name or not step.name.strip(".")]:
        # A plan file may have been edited, and a path in a name would address another resource.
        raise InvalidSpec("Plan", [("steps", f"{name[:100]!r} is not a resource name") for name in elsewhere])
    factory_id = plan.spec.factory_id
    group = ArmId(factory_id.subscription, factory_id.resource_group)
    factory = Resource(("factory",), FACTORY_TYPE, group, factory_id.name, existing=True)
    network_step = next((step for step in plan.steps if step.subject == "managed-network"), None)
    network = Resource(
        ("managed", "virtual", "network"),
        NETWORK_TYPE,
        factory,
        network_step.name if network_step else plan.spec.managed_virtual_network,
        existing=network_step is None,
        adopted=network_step is not None and network_step.action == "keep",
    )
    runtimes = [_runtime(network, factory, step) for step in plan.steps if step.subject == "runtime"]
    endpoints = _endpoints(network, [step for step in plan.steps if step.subject == "endpoint"])
    notes = [
        f"Managed private endpoints of the data factory {factory_id.name} for the Purview account {plan.account.name}.",
        "Every new endpoint is Pending until the owner of its target approves it; this code does not do that.",
    ]
    if any(endpoint.adopted for endpoint in endpoints):
        notes.append("Some endpoints exist already. Never replace one that works: a new one needs a new approval.")
    return Bundle(
        "Managed private endpoints for Microsoft Purview",
        tuple(notes),
        group,
        (factory, network, *runtimes, *endpoints),
        cloud,
        onboards=factory if onboard else None,
        account=plan.account if onboard else None,
    )


def _runtime(network: Resource, factory: Resource, step: Step) -> Resource:
    """An Azure integration runtime in the network, with the properties that the library sends."""
    properties: Any = runtime_body(network.name)["properties"]
    return Resource(
        ("managed", "runtime"),
        RUNTIME_TYPE,
        factory,
        step.name,
        properties,
        after=() if network.existing else (network,),
        adopted=step.action == "keep",
        note="Linked services and data flows use it only if they name it.",
    )


def _endpoints(network: Resource, steps: Sequence[Step]) -> list[Resource]:
    made: list[Resource] = []
    taken: set[str] = set()
    latest: dict[str, Resource] = {}
    for step in steps:
        group_id = step.group_id or ""
        endpoint = Resource(
            unique_words(("purview", group_id), taken),
            ENDPOINT_TYPE,
            network,
            step.name,
            # Without `fqdns`: Azure fills it in later, and an endpoint cannot be changed, so a second deployment of the
            # code must not request another value (public code).
            {"privateLinkResourceId": step.resource_id, "groupId": group_id},
            after=in_turn(latest, step.resource_id),
            adopted=step.action in {"keep", "replace"},
            note=f"Currently broken, and must be deleted first: {step.reason}" if step.action == "replace" else "",
        )
        latest[step.resource_id.casefold()] = endpoint
        made.append(endpoint)
    return made


def in_turn(latest: Mapping[str, Resource], target: str) -> tuple[Resource, ...]:
    """The endpoint to the same target that must be provisioned first.

    Storage runs one private endpoint operation at a time and answers 409 to the next (public code), so blob and queue
    of one storage account follow each other.
    """
    previous = latest.get(target.casefold())
    return () if previous is None else (previous,)


def unique_words(words: tuple[str, ...], taken: set[str]) -> tuple[str, ...]:
    """Unique words of ASCII letters and digits only: they become identifiers in the code."""
    plain = tuple(cleaned for word in words if (cleaned := "".join(filter(_is_plain, word)).lower()))
    key, number = "".join(plain), 2
    while key in taken:
        key, number = "".join((*plain, str(number))), number + 1
    taken.add(key)
    return plain if key == "".join(plain) else (*plain, str(number - 1))


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()


def as_json(value: Value, reference: Callable[[Resource], str], text: Callable[[str], str]) -> Any:
    """The value as JSON; `reference` converts a resource, `text` a string."""
    match value:
        case Resource():
            return reference(value)
        case bool() | int():
            return value
        case str():
            return text(value)
        case Mapping():
            return {key: as_json(item, reference, text) for key, item in value.items()}
        case _:
            return [as_json(item, reference, text) for item in value]


def one_line(text: str) -> str:
    """Text that is safe in a comment: it does not end the line, and does not hide what follows."""
    return "".join(character if character.isprintable() else " " for character in text)
