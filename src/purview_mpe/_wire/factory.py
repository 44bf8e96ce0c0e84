"""Data Factory's JSON apart from endpoints: the factory itself, its runtimes, and the lineage of its runs.

Sources as in `account`: *recorded*, *spec*, *docs*, *public code*, *inferred*.
"""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from purview_mpe import _model
from purview_mpe._model.arm_id import ArmId, InvalidArmId, is_segment
from purview_mpe._model.naming import is_guid
from purview_mpe._wire import account
from purview_mpe._wire.reading import Object, as_mapping, mapping, objects, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe._model.survey import ActivityRun, KnownFactory, Permission, PipelineRun, Runtime

#: Activities that report lineage (docs). Data Factory calls a data flow `ExecuteDataFlow` and SSIS
#: `ExecuteSSISPackage` (spec).
LINEAGE_ACTIVITIES = frozenset({"copy", "executedataflow", "executessispackage"})
#: The fields that the spec calls read-only. The identity's own read-only fields are sent back unchanged, as generic
#: tools do: dropping them could lose a field of a later api-version.
_READ_ONLY = frozenset({"id", "name", "type", "eTag"})
_READ_ONLY_PROPERTIES = frozenset({"provisioningState", "createTime", "version"})
#: One entity tag, in quotes (RFC 9110, 8.8.3) or bare.
_ENTITY_TAG = re.compile(r'(?:W/)?"[!#-~]*"|[!#-)+\--~]+')
#: Microsoft's pages use both spellings (docs); the first is the recorded one.
_LINEAGE_KEYS = ("reportlineagetopurview", "reportlineagetopurvew")


def read_known_factory(answer: Object) -> KnownFactory | None:
    """A listed factory, without its endpoints; None for an item that does not name its factory."""
    try:
        factory_id = ArmId.parse(answer.get("id"))
    except InvalidArmId:
        return None
    return _model.survey.KnownFactory(factory_id, account.read_factory_connection(answer)[1])


def read_runtime(answer: Object) -> Runtime | None:
    """One listed integration runtime; None if it runs no activities that report lineage."""
    if (kind := account.read_runtime_kind(answer)) is None:
        return None
    reference = mapping(mapping(answer, "properties"), "managedVirtualNetwork")
    network = text(reference, "referenceName") or None if kind == "azure-managed-vnet" else None
    return _model.survey.Runtime(name=account.read_name(answer), kind=kind, network=network)


def has_system_identity(answer: Object) -> bool:
    """True if the factory has the identity with which it signs in to Purview (docs: it must be system-assigned)."""
    return "systemassigned" in text(mapping(answer, "identity"), "type").casefold()


def principal_id(answer: Object) -> str | None:
    """Object id of the factory's system-assigned identity, which Purview's roles are given to; None without one.

    Never the application id (docs). `type` decides, because the fields of a former identity may remain.
    """
    identity = mapping(answer, "identity")
    found = text(identity, "principalId")
    return found if has_system_identity(answer) and is_guid(found) else None


def identity_body(answer: Object) -> account.Json:
    """The factory's identity with the system-assigned one switched on.

    All user-assigned identities have to be repeated, each with an empty object, or they are lost (spec, inferred).
    Without one, the factory may lose access to its customer-managed encryption key.
    """
    others = as_mapping(mapping(answer, "identity").get("userAssignedIdentities"))
    if not others:
        return {"type": "SystemAssigned"}
    kept: dict[str, account.Json] = {one: {} for one in others}
    return {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": kept}


def runtime_body(network: str) -> account.Json:
    """An Azure integration runtime in the managed virtual network, as Microsoft's own script makes it (docs).

    `type` is in the reference and at the top, both required (spec). No capacity is kept warm, because that is billed.
    """
    return {
        "properties": {
            "type": "Managed",
            "managedVirtualNetwork": {"type": "ManagedVirtualNetworkReference", "referenceName": network},
            "typeProperties": {
                "computeProperties": {
                    "location": "AutoResolve",
                    "dataFlowProperties": {
                        "computeType": "General",
                        "coreCount": 8,
                        "timeToLive": 0,
                        "cleanup": True,
                    },
                }
            },
        }
    }


def connected_account(answer: Object) -> str | None:
    """Id of the account that the factory shows as connected; None if there is none."""
    return account.read_factory_connection(answer)[1]


def read_etag(answer: Object) -> str:
    """The factory's entity tag, if it is exactly one. The field is `eTag` here, and `etag` within a factory (spec).

    With `*` or a list, `If-Match` would match more than the version that was read (RFC 9110, 13.1.1).
    """
    tag = text(answer, "eTag") or text(answer, "etag")
    return tag if _ENTITY_TAG.fullmatch(tag) else ""


def changed_body(
    answer: Object, *, account_id: str | None = None, disconnect: bool = False, identity: bool = False
) -> account.Json:
    """The factory as it was read, connected to `account_id` or disconnected, and with its `identity` switched on.

    Only a PUT of the whole factory sets the connection; PATCH ignores it (spec). So everything is sent back unchanged,
    including unknown fields, except the fields that the spec calls read-only. A PUT that omits a factory's identity is
    refused (docs).
    """
    body, properties = _written_back(answer)
    if account_id is not None:
        properties["purviewConfiguration"] = {
            **mapping(properties, "purviewConfiguration"),
            "purviewResourceId": account_id,
        }
    if disconnect:
        properties.pop("purviewConfiguration", None)
    body["properties"] = properties
    return {**body, "identity": identity_body(answer)} if identity else body


def _written_back(answer: Object) -> tuple[dict[str, Any], dict[str, Any]]:
    body = {key: value for key, value in copy.deepcopy(dict(answer)).items() if key not in _READ_ONLY}
    properties = {key: value for key, value in mapping(body, "properties").items() if key not in _READ_ONLY_PROPERTIES}
    return body, properties


def read_permission(answer: Object) -> Permission:
    """What one role allows a caller at a scope (docs: Permissions - List For Resource)."""
    return _model.survey.Permission(texts(answer, "actions"), texts(answer, "notActions"))


def runs_filter(begin: datetime, end: datetime, token: str | None) -> account.Json:
    """The body that requests pipeline or activity runs in a time span, the newest first."""
    asked: dict[str, Any] = {
        "lastUpdatedAfter": _stamp(begin),
        "lastUpdatedBefore": _stamp(end),
        "orderBy": [{"orderBy": "RunStart", "order": "DESC"}],
    }
    return asked | {"continuationToken": token} if token else asked


def activities_filter(begin: datetime, end: datetime, token: str | None) -> account.Json:
    """The body that requests the activities of one run, in any order."""
    asked: dict[str, Any] = runs_filter(begin, end, token)
    del asked["orderBy"]
    return asked


def read_started_run(answer: Object) -> str | None:
    """Id of the run that was started; None if the answer holds no id that can be part of a path."""
    run_id = text(answer, "runId")
    return run_id if is_guid(run_id) else None


def read_run(answer: Object) -> PipelineRun:
    """One pipeline run. Its `id` comes back in upper case and is not its path (recorded)."""
    return _model.survey.PipelineRun(
        pipeline=text(answer, "pipelineName"),
        status=text(answer, "status"),
        started=_moment(text(answer, "runStart")),
        message=text(answer, "message"),
    )


def read_run_page(answer: Object) -> tuple[tuple[str, ...], str | None]:
    """The ids of the runs on a page, and the token of the next page. Unlike Azure's lists, it has no link (spec)."""
    # Each id becomes part of a path.
    ids = tuple(run_id for run in objects(answer, "value") if is_segment(run_id := text(run, "runId")))
    return ids, text(answer, "continuationToken") or None


def read_activity_page(answer: Object) -> tuple[tuple[ActivityRun, ...], str | None]:
    """The activities of a page that can report lineage, and the token of the next page."""
    runs = tuple(
        _read_activity(run)
        for run in objects(answer, "value")
        if text(run, "activityType").casefold() in LINEAGE_ACTIVITIES
    )
    return runs, text(answer, "continuationToken") or None


def _read_activity(run: Object) -> ActivityRun:
    output = mapping(run, "output")
    return _model.survey.ActivityRun(
        pipeline=text(run, "pipelineName"),
        activity=text(run, "activityName"),
        kind=text(run, "activityType"),
        run_id=text(run, "pipelineRunId"),
        lineage=_read_lineage(output),
        runtime=text(output, "effectiveIntegrationRuntime") or None,
        status=text(run, "status"),
    )


def _read_lineage(output: Object) -> str | None:
    """How the lineage report ended; keys match in any letter case. The object is in no spec."""
    for reported in _values(output, _LINEAGE_KEYS):
        if isinstance(reported, str) and reported:
            return reported
        for status in _values(as_mapping(reported), ("status",)):
            if isinstance(status, str) and status:
                return status
    return None


def _values(holder: Object, keys: tuple[str, ...]) -> Iterator[object]:
    for key, value in holder.items():
        if key.casefold() in keys:
            yield cast("object", value)


def _moment(stamp: str) -> datetime | None:
    """A time as Azure writes it, with up to seven decimal places of a second (recorded)."""
    whole, _, rest = stamp.rstrip("Zz").partition(".")
    try:
        return datetime.fromisoformat(f"{whole}.{rest[:6]:0<6}" if rest else whole).replace(tzinfo=UTC)
    except ValueError:
        return None


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
