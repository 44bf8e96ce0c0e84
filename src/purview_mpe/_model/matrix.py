"""The support matrix: which firewall setting and which integration runtime need which endpoints.

Source: Microsoft's page "Access a secured Microsoft Purview account from Azure Data Factory" (2024-10-03), tables
"Lineage from pipelines" and "Search from Data Factory Studio".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from purview_mpe._model.naming import LINEAGE_GROUPS
from purview_mpe._model.public import public
from purview_mpe._model.results import Firewall
from purview_mpe._model.shown import shown
from purview_mpe._model.spec import Noun
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

RuntimeKind = Literal["azure", "azure-managed-vnet", "self-hosted", "ssis"]
Scenario = Literal["lineage-azure-ir", "lineage-self-hosted-ir", "discovery-in-studio"]

OPEN: Firewall = "enabled-from-all-networks"
INGESTION: Firewall = "disabled-for-ingestion-only"
CLOSED: Firewall = "disabled-from-all-networks"
FIREWALLS: tuple[Firewall, ...] = (OPEN, INGESTION, CLOSED)
KINDS: tuple[RuntimeKind, ...] = ("azure", "azure-managed-vnet", "self-hosted")
_INGESTION_GROUPS = LINEAGE_GROUPS[1:]


@public("purview_mpe")
class Requirement(Noun):
    """What one use of Purview needs with one firewall setting."""

    firewall: Firewall
    """The account's firewall setting."""
    runtime: RuntimeKind | None
    """None if no integration runtime is involved: the browser talks to Purview directly."""
    supported: bool | None
    """None means the source says nothing about it."""
    managed_groups: tuple[str, ...] = ()
    """Group ids of managed private endpoints, in the factory's managed virtual network."""
    customer_groups: tuple[str, ...] = ()
    """Group ids of private endpoints in the customer's own virtual network."""
    reason: str
    """Why, in a sentence."""


def _cell(
    firewall: Firewall,
    runtime: RuntimeKind | None,
    reason: str,
    *,
    supported: bool | None = True,
    managed: tuple[str, ...] = (),
    customer: tuple[str, ...] = (),
) -> Requirement:
    return Requirement(
        firewall=firewall,
        runtime=runtime,
        supported=supported,
        managed_groups=managed,
        customer_groups=customer,
        reason=reason,
    )


_OPEN_REASON = "The firewall lets every network in, so no private endpoint is needed."

#: Lineage of pipelines: the nine cells of the source's table.
MATRIX: tuple[Requirement, ...] = (
    *(_cell(OPEN, kind, _OPEN_REASON) for kind in KINDS),
    _cell(
        INGESTION,
        "azure",
        "Public ingestion is closed, but Purview still accepts lineage from an Azure integration runtime.",
    ),
    _cell(
        INGESTION,
        "azure-managed-vnet",
        "Public ingestion is closed, but Purview still accepts lineage from a managed virtual network.",
    ),
    _cell(
        INGESTION,
        "self-hosted",
        "Public ingestion is closed: the self-hosted runtime's network needs its own ingestion endpoints.",
        customer=_INGESTION_GROUPS,
    ),
    _cell(
        CLOSED,
        "azure",
        "All public access is closed, and an Azure integration runtime outside a managed virtual network has no other.",
        supported=False,
    ),
    _cell(
        CLOSED,
        "azure-managed-vnet",
        "All public access is closed: the managed virtual network needs account and ingestion endpoints.",
        managed=LINEAGE_GROUPS,
    ),
    _cell(
        CLOSED,
        "self-hosted",
        "All public access is closed: the self-hosted runtime's network needs its own account and ingestion endpoints.",
        customer=LINEAGE_GROUPS,
    ),
)

#: Searching Purview from Data Factory Studio: the browser needs access, so managed endpoints do not help.
STUDIO: tuple[Requirement, ...] = (
    _cell(OPEN, None, _OPEN_REASON),
    _cell(INGESTION, None, "Only ingestion is closed, and searching does not ingest."),
    _cell(
        CLOSED,
        None,
        "The browser talks to Purview directly: its network needs the customer's own account and portal endpoints; "
        "managed private endpoints do not help.",
        customer=("account", "portal"),
    ),
)

#: The scenarios of the source document, and the runtimes that each concerns.
SCENARIOS: dict[Scenario, tuple[RuntimeKind | None, ...]] = {
    "lineage-azure-ir": ("azure", "azure-managed-vnet"),
    "lineage-self-hosted-ir": ("self-hosted",),
    "discovery-in-studio": (None,),
}


@public("purview_mpe")
def requirement(
    firewall: Firewall, runtime: RuntimeKind | None, *, available: Sequence[str] = LINEAGE_GROUPS
) -> Requirement:
    """Whether lineage arrives through this kind of runtime with this firewall setting, and which endpoints it needs.

    If `runtime` is None, the answer is about searching Purview from Data Factory Studio. `available` holds the group
    ids that the account offers: an account without managed Event Hubs has no `namespace`.

    Raises:
        InvalidSpec: the firewall setting or kind of runtime does not exist.
    """
    if firewall not in FIREWALLS:
        raise InvalidSpec("Firewall", [("firewall", f"{shown(firewall)} is none of {', '.join(FIREWALLS)}")])
    if runtime == "ssis":
        return _cell(
            firewall,
            "ssis",
            "Lineage of SSIS runtimes is outside the support matrix; Microsoft documents nothing about it.",
            supported=None,
        )
    for cell in (*MATRIX, *STUDIO):
        if (cell.firewall, cell.runtime) == (firewall, runtime):
            offered = {*available, "portal"}
            return cell.model_copy(
                update={
                    "managed_groups": tuple(group for group in cell.managed_groups if group in offered),
                    "customer_groups": tuple(group for group in cell.customer_groups if group in offered),
                }
            )
    raise InvalidSpec("Runtime", [("runtime", f"{shown(runtime)} is none of {', '.join(KINDS)}, ssis, None (Studio)")])


@public("purview_mpe")
def scenario(
    firewall: Firewall, which: Scenario, *, available: Sequence[str] = LINEAGE_GROUPS
) -> tuple[Requirement, ...]:
    """What one scenario of the source document needs: one answer for each kind of runtime that it can run on.

    Raises:
        InvalidSpec: the firewall setting or scenario does not exist.
    """
    if which not in tuple(SCENARIOS):  # a tuple, because a dict raises for a value without a hash
        raise InvalidSpec("Scenario", [("scenario", f"{shown(which)} is none of {', '.join(SCENARIOS)}")])
    return tuple(requirement(firewall, runtime, available=available) for runtime in SCENARIOS[which])
