"""Azure's undocumented answers: one setting for each open question."""

from __future__ import annotations

import typing
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal, TypeAlias

from purview_mpe.emulator._values.public import public

FullTarget: TypeAlias = Literal["failed", "refused"]
EndpointError: TypeAlias = Literal["object", "text"]
IdentityPatch: TypeAlias = Literal["replaces", "merges"]
MissingNetwork: TypeAlias = Literal["refused", "created", "public"]
RuntimeMove: TypeAlias = Literal["refused", "ignored", "accepted"]
ImplicitRuntime: TypeAlias = Literal["hidden", "listed"]
RuntimeState: TypeAlias = Literal["absent", "shown"]
BusySubnet: TypeAlias = Literal["429", "409"]
NetworkDeletion: TypeAlias = Literal["both", "location", "operation"]
IngestionEndpoint: TypeAlias = Literal["manual", "automatic"]
IngestionHost: TypeAlias = Literal["zone", "core"]
PlatformGroup: TypeAlias = Literal["tenant-level", "every-account"]
StalePolicy: TypeAlias = Literal["1002", "409", "412", "accepted"]
ForbiddenPolicy: TypeAlias = Literal["403", "401", "empty"]
ClosedAccount: TypeAlias = Literal["403", "reset"]
UnknownPrincipal: TypeAlias = Literal["accepted", "refused"]
RootAdminBy: TypeAlias = Literal["action", "owner"]
SovereignAudience: TypeAlias = Literal["public", "own"]
ClassicHost: TypeAlias = Literal["answers", "gone"]


@public
@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The emulator's answers where Azure's answer is not documented.

    Each default is the best supported answer. The others are possible too, so a client has to handle them.

    Raises:
        ValueError: a value is not one of those that its field lists.
    """

    full_target: FullTarget = "failed"
    """A private endpoint to a target that is at its limit of connections.

    `failed`: the PUT is accepted and the endpoint ends as Failed, with the reason in `properties.error`.
    `refused`: the PUT is refused with 400.
    """
    stale_policy: StalePolicy = "1002"
    """A PUT of a metadata policy with an outdated version.

    `1002`: 400 with the code 1002, as reported for another writer of policies. `409`, `412`: these statuses.
    `accepted`: the last writer wins.
    """
    forbidden_policy: ForbiddenPolicy = "403"
    """A read of metadata policies by a caller who is not a collection admin: `403`, `401`, or an `empty` list."""
    closed_account: ClosedAccount = "403"
    """A request to the host of a closed account from outside its network: `403`, or a `reset` of the connection."""
    unknown_principal: UnknownPrincipal = "accepted"
    """A metadata policy that names a principal which does not exist: `accepted`, or `refused` with 400."""
    root_admin_by: RootAdminBy = "action"
    """Who is allowed to make a root collection admin: every caller with the `action`, or only an `owner`."""
    sovereign_audience: SovereignAudience = "public"
    """The audience of tokens for Purview in sovereign clouds: the `public` one, or the cloud's `own`."""
    classic_host: ClassicHost = "answers"
    """A tenant-level account's own host: it `answers` beside the tenant's host, or is `gone`."""
    identity_patch: IdentityPatch = "replaces"
    """A PATCH of a factory's identity that does not repeat all user-assigned ones: `replaces` or `merges` them."""
    missing_network: MissingNetwork = "refused"
    """A PUT of an integration runtime that names a managed virtual network which does not exist.

    `refused`: 400. `created`: the network is created. `public`: the runtime is accepted outside any network.
    """
    runtime_move: RuntimeMove = "refused"
    """A PUT that moves an integration runtime into or out of the managed virtual network.

    `refused`: 400. `ignored`: 200, and the runtime is not moved. `accepted`: the runtime is moved.
    """
    implicit_runtime: ImplicitRuntime = "hidden"
    """`AutoResolveIntegrationRuntime` before it was PUT: `hidden` (recorded), or `listed` and found."""
    runtime_state: RuntimeState = "absent"
    """`properties.state` of an Azure integration runtime: `absent` or `shown`."""
    busy_subnet: BusySubnet = "429"
    """The status of an operation on a private endpoint while another one is under way in its subnet: `429` or `409`."""
    network_deletion: NetworkDeletion = "both"
    """The addresses in the answer to the DELETE of a private endpoint.

    `location`: `Location`, as in the SDK. `operation`: `Azure-AsyncOperation`, as in the examples of the spec. `both`.
    """
    ingestion_endpoint: IngestionEndpoint = "manual"
    """A private endpoint to the ingestion storage of a newer account that asks for automatic approval.

    `manual`: refused with 403, because the storage belongs to Microsoft. `automatic`: approved if the caller can
    approve connections of the account.
    """
    ingestion_host: IngestionHost = "zone"
    """The host of ingestion storage: in a `zone` of `storage.azure.net` (spec), or in the `core` domain of storage."""
    platform_group: PlatformGroup = "tenant-level"
    """The accounts that list the group `platform` among their private link resources."""
    endpoint_error: EndpointError = "object"
    """`properties.error` of a failed managed private endpoint: an `object` with code and message, or a `text`."""

    def __post_init__(self) -> None:
        """Refuse unknown values."""
        for field in fields(self):
            value, choices = getattr(self, field.name), _choices()[field.name]
            if not any(value == choice and type(value) is type(choice) for choice in choices):
                raise ValueError(f"{field.name}: must be one of {', '.join(map(str, choices))}, not {value!r}")


@cache
def _choices() -> dict[str, tuple[Any, ...]]:
    """The possible values of each field."""
    hints = typing.get_type_hints(Answers, globals())
    return {name: typing.get_args(hint) or (True, False) for name, hint in hints.items()}
