"""Long-running operations of Microsoft.Network: where one is followed, how it stands, and why it failed.

The address of an operation is signed and some 3,200 characters long (recorded 2024-10). Anyone who has it can follow
the operation, so it is kept in one object that never shows it, and every text from outside loses its signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from purview_mpe._wire.reading import as_mapping, mapping, text
from purview_mpe._wire.text import blotted, safe_text
from purview_mpe.errors import ProvisioningFailed

if TYPE_CHECKING:
    from purview_mpe._wire.attempt import Attempt

State = Literal["under-way", "succeeded", "failed"]
#: The headers that name an operation, the better one first: it shows states and errors, the other only the end.
ADDRESSES = ("Azure-AsyncOperation", "Location")
#: Failures inside an operation after which the same PUT may succeed (public code: azurerm repeats it).
_PASSING = frozenset(
    {
        "storageaccountoperationinprogress",
        "retryableerror",
        "anotheroperationinprogress",
        "internalservererror",
        "operationtimedout",
    }
)
#: The target of a private endpoint is not known everywhere yet (public code).
_NOT_THERE_YET = "invalid private link service id"
#: What to do about failures inside an operation, by Azure's code (public code and docs).
_REMEDIES = {
    "privateendpointcannotbecreatedinsubnetthathasnetworkpoliciesenabled": (
        "Switch off the network policies of the subnet, then repeat the call: az network vnet subnet update --ids "
        "{subnet} --private-endpoint-network-policies Disabled"
    ),
    "remoteprivatelinkservicesubscriptionnotregistered": (
        "Register the resource provider Microsoft.Network in the target's subscription, then repeat the call: az "
        "provider register --namespace Microsoft.Network --subscription <subscription>"
    ),
}
#: A virtual network can be linked to one zone of a name (seen in public reports, as the answer to a second link).
_SECOND_LINK = "overlapping namespaces"
_SECOND_LINK_REMEDY = (
    "Find the other zone, which the virtual network is linked to already: it can be in a subscription that was not "
    "searched. Set Network.zone_resource_group to the id of its resource group and repeat the call, then delete the "
    "zone that was created here."
)
_REMEDY = "Read Azure's message above, correct what it names, and repeat the call: it looks first at what exists."


class Operation:
    """A long-running operation that Azure has begun."""

    __slots__ = ("_address",)

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def shown(self) -> str:
        """The address without its signature, which cannot be used to follow the operation."""
        return self._address.partition("?")[0]

    @property
    def signature(self) -> str:
        """What no text may repeat."""
        return self._address.partition("?")[2]

    def signed(self) -> str:
        """The whole address, for the request that follows the operation and for nothing else."""
        return self._address

    def __repr__(self) -> str:
        return f"Operation({self.shown!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an operation holds a signed address, so it is not copied and not written down")


@dataclass(frozen=True, slots=True)
class OperationState:
    """How an operation stands."""

    state: State
    code: str = ""
    """Azure's code for its failure; empty if there is none."""
    message: str = ""
    """Azure's words about its failure."""

    @property
    def may_pass(self) -> bool:
        """True if the same write may succeed when it is sent again."""
        is_passing = self.code.casefold() in _PASSING or _NOT_THERE_YET in self.message.casefold()
        return self.state == "failed" and is_passing


def read_operation(status: int, body: object) -> OperationState:
    """How an operation stands, by the answer of its address.

    `Azure-AsyncOperation` answers 200, and for private DNS zones 202, with a state until the operation is over
    (recorded); `Location` answers 202 until then, and 200 or 204 with or without a body afterwards (spec).
    """
    answer = as_mapping(body)
    match text(answer, "status").casefold():
        case "succeeded":
            return OperationState("succeeded")
        case "failed" | "canceled" | "cancelled":
            error = mapping(answer, "error")
            return OperationState(
                "failed",
                safe_text(text(error, "code"), 100),
                safe_text(blotted(text(error, "message"))),
            )
        case "":
            return OperationState("under-way" if status == 202 else "succeeded")
        case _:
            return OperationState("under-way")


def remedy_by_message(message: str) -> str | None:
    """What to do about a failure that only its message identifies; None if it does not."""
    return _SECOND_LINK_REMEDY if _SECOND_LINK in message.casefold() else None


def operation_failed(attempt: Attempt, state: OperationState, *, subnet: str) -> ProvisioningFailed:
    """The error for an operation that Azure accepted and then could not carry out."""
    said = f" ({state.code})" if state.code else ""
    said += f": {state.message}" if state.message else "."
    remedy = _REMEDIES.get(state.code.casefold()) or remedy_by_message(state.message) or _REMEDY
    return ProvisioningFailed(
        f"Could not {attempt.what}: Azure accepted it, and its operation failed{said}",
        remedy=remedy.format(subnet=subnet),
        azure_code=state.code or None,
    )
