"""The common rules of everything inside a data factory: names, entity tags, the entity limit, property types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request
from purview_mpe.emulator._values.exchange import ArmError
from purview_mpe.emulator._values.json_values import object_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Factory

# The spec's pattern for managed private endpoints and managed virtual networks, 1 to 127 characters.
_ENTITY_NAME = re.compile(r"[_A-Za-z0-9]|[_A-Za-z0-9][-_A-Za-z0-9]{0,125}[_A-Za-z0-9]")


def invalid_request(kind: str, name: str, why: str) -> ArmError:
    """Data Factory's 400 for an invalid entity."""
    # The wording of the real service (seen in public bug reports).
    return bad_request(
        f"Invalid resource request. Resource type: '{kind}', Resource name: '{name}' 'Error: {why}'.",
        "InvalidResourceRequest",
    )


def child_not_found(child: ArmId) -> ArmError:
    """Data Factory's 404 for something in a factory (recorded 2022-07 and 2023-11 for a connection and a runtime)."""
    kinds = [kind if level == 0 else kind.lower() for level, kind in enumerate(child.types)]
    tail = "/".join(f"{kind}/{name}" for kind, name in zip(kinds, child.names, strict=True))
    group = f"/subscriptions/{child.subscription}/resourceGroups/{child.resource_group}"
    return ArmError(
        404,
        "NotFound",
        "The document could not be retrieved because it does not exist.",
        target=f"{group}/providers/{child.provider}/{tail}",
        details=None,
    )


def check_name(kind: str, name: str) -> None:
    """Refuse a name that breaks the spec's pattern."""
    if not _ENTITY_NAME.fullmatch(name):
        raise invalid_request(kind, name, "Invalid resource name")


def check_limit(call: Call, factory: Factory) -> None:
    """Refuse an entity above the limit."""
    entities = len(factory.runtimes) + sum(1 + len(network.endpoints) for network in factory.networks.values())
    if entities >= call.world.settings.entity_limit:
        # The limit is documented; its code is inferred.
        raise bad_request(
            f"The factory '{factory.id.name}' has reached its limit of {call.world.settings.entity_limit} entities.",
            "EntityLimitExceeded",
        )


def check_if_match(call: Call, etag: str | None) -> None:
    """Refuse a write whose If-Match names another entity tag."""
    wanted = call.request.headers.get("if-match")
    if wanted is None or wanted == "*" or names_tag(wanted, etag):
        return
    raise ArmError(
        412,
        "PreconditionFailed",
        f"The condition specified using HTTP conditional header(s) is not met: If-Match {wanted}.",
    )


def names_tag(header: str | None, etag: str | None) -> bool:
    """Whether a conditional header names this entity tag."""
    return header is not None and etag is not None and header.strip().strip('"') == etag


def want(body: Mapping[str, Any], key: str, kind: type) -> None:
    """Refuse a property of the wrong type."""
    value = body.get(key)
    if value is not None and not isinstance(value, kind):
        raise bad_request(f"The property '{key}' has an invalid value.", "InvalidPropertyValue")


def want_tags(body: Mapping[str, Any]) -> None:
    """Refuse tags that are not texts."""
    want(body, "tags", dict)
    for value in (object_of(body.get("tags")) or {}).values():
        if not isinstance(value, str):
            raise bad_request("The property 'tags' has an invalid value.", "InvalidPropertyValue")


def want_identity(body: Mapping[str, Any]) -> None:
    """Refuse an identity whose type is not a text."""
    want(body, "identity", dict)
    identity = object_of(body.get("identity")) or {}
    want(identity, "type", str)
    want(identity, "userAssignedIdentities", dict)
