"""What a handler gets: the world, the request with its parameters, and helpers for its answer."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from purview_mpe.emulator._values.exchange import ArmError, Request, Response
from purview_mpe.emulator._values.json_values import parsed, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.access import Access, Caller
    from purview_mpe.emulator._state.guards import Guards
    from purview_mpe.emulator._state.networking import NetworkResource
    from purview_mpe.emulator._state.nouns import Account, Factory, Resource, Subscription
    from purview_mpe.emulator._state.world import World

Thing = TypeVar("Thing")
Located = TypeVar("Located", bound="Factory | Account | Resource | NetworkResource")

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(slots=True)
class Call:
    """One request inside the emulator."""

    world: World
    access: Access
    guards: Guards
    caller: Caller
    request: Request
    method: str
    origin: str
    path: str
    query: dict[str, str]
    segments: tuple[str, ...]
    parameters: dict[str, str]
    api_version: str
    now: float
    planned: dict[str, Any]
    """What faults do to the endpoint that this request creates."""
    arrived: int = 0
    """The number of this request, in order of arrival."""

    def __getitem__(self, name: str) -> str:
        return self.parameters[name]

    @property
    def json(self) -> dict[str, Any]:
        """The body, a JSON object."""
        return read_object(self.request)

    # --- where we are

    @property
    def scope(self) -> str:
        """The scope for the check of the caller's rights: the path without a trailing collection or verb."""
        if "scope" in self.parameters:
            return self["scope"]
        parts = list(self.segments)
        if "providers" in (folded := [part.casefold() for part in parts]):
            below = len(parts) - folded.index("providers") - 2
            if below % 2:
                parts.pop()
            if below == 1:
                parts = parts[: folded.index("providers")]
        return "/" + "/".join(parts)

    def subscription(self) -> Subscription:
        """The subscription in the path.

        Raises:
            ArmError: 400 or 404, as Azure Resource Manager answers.
        """
        given = self["subscription"]
        if not GUID.fullmatch(given):
            raise ArmError(
                400,
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{given}' is malformed or invalid.",
            )
        found = self.world.subscriptions.get(given.casefold())
        if found is None:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{given}' could not be found.")
        return found

    def group(self) -> str:
        """The case-folded resource group in the path.

        Raises:
            ArmError: 404 if the group does not exist.
        """
        subscription = self.subscription()
        if self["group"].casefold() not in subscription.groups:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{self['group']}' could not be found.")
        return self["group"].casefold()

    def id(self, provider: str, resource_type: str, name: str) -> ArmId:
        """The id of the top-level resource in the path.

        Raises:
            ArmError: 404 or 400 if subscription, group or name is not possible.
        """
        self.group()
        text = (
            f"/subscriptions/{self['subscription']}/resourceGroups/{self['group']}"
            f"/providers/{provider}/{resource_type}/{name}"
        )
        found = parsed(text)
        if found is None:
            raise ArmError(400, "InvalidResourceName", f"The resource name '{name}' is invalid.")
        return found

    def located(self, resources: Iterable[Located]) -> list[Located]:
        """The resources in the path's subscription, and in its group if the path has one."""
        subscription = self.subscription().id.casefold()
        group = self.group() if "group" in self.parameters else None
        return [
            resource
            for resource in resources
            if resource.id.subscription.casefold() == subscription
            and (group is None or resource.id.resource_group.casefold() == group)
        ]

    # --- how to answer

    def page(self, items: Iterable[Thing], serial: Callable[[Thing], int], render: Callable[[Thing], Any]) -> Response:
        """One page of a list, with a link to the next."""
        token = self.query.get("$skipToken") or self.query.get("$skiptoken")
        after = read_token(token) if token else 0
        size = self.world.settings.page_size
        # Items are in order of creation, which is the order of their serial numbers.
        rest = list(islice((item for item in items if serial(item) > after), size + 1))
        body: dict[str, Any] = {"value": [render(item) for item in rest[:size]]}
        if len(rest) > size:
            query = {key: value for key, value in self.query.items() if key.casefold() != "$skiptoken"}
            query["$skipToken"] = write_token(serial(rest[size - 1]))
            body["nextLink"] = f"{self.origin}{self.path}?{urlencode(query, safe='$')}"
        return Response(200, body)


def not_found(resource: ArmId) -> ArmError:
    """Azure Resource Manager's answer for a resource that does not exist."""
    kind = "/".join((resource.provider, *(f"{t}/{n}" for t, n in zip(resource.types, resource.names, strict=True))))
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}' under resource group '{resource.resource_group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def parent_not_found(parent: ArmId, verb: str, child_type: str) -> ArmError:
    """Azure Resource Manager's answer for a child of a resource that does not exist."""
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type '{'/'.join(parent.types)}/{child_type}', "
        f"because the parent resource '{parent}' could not be found.",
    )


def bad_request(message: str, code: str = "BadRequest") -> ArmError:
    """A 400 in the shape of Azure Resource Manager."""
    return ArmError(400, code, message)


def write_token(serial: int) -> str:
    """An opaque continuation token."""
    return base64.urlsafe_b64encode(f"after:{serial}".encode()).decode().rstrip("=")


def read_token(token: str) -> int:
    """The position at which a continuation token continues.

    Raises:
        ArmError: 400, the emulator did not make this token.
    """
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        word, _, number = text.partition(":")
        if word == "after":
            return int(number)
    except ValueError:
        pass
    raise ArmError(400, "InvalidSkipToken", f"The skip token '{token}' is invalid.")
