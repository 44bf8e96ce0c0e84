"""What Azure's words for a state mean: which are final, which are past mending.

Beliefs about Azure that decisions and flows share; each stands here once, with its source. The states are open strings
(spec): one that nobody knows is none of these, so it is waited for and never deleted.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

#: What the owner of a target can make of a pending connection.
Decision: TypeAlias = Literal["Approved", "Rejected"]


def provisioning_is_over(state: str) -> bool:
    """Whether waiting for the endpoint may end: only states that were seen to be final end it.

    `Succeeded` is recorded; `Failed` is recorded in the sibling service (Synapse).
    """
    return state.casefold() in {"succeeded", "failed", "canceled"}


def is_provisioned(state: str) -> bool:
    """Whether Azure has made the endpoint, so that its target must show a connection (recorded)."""
    return state.casefold() == "succeeded"


def is_deleting(state: str) -> bool:
    """Whether the endpoint is on its way out (inferred: no recording shows the literal)."""
    return state.casefold() in {"deleting", "deleted"}


def is_broken(provisioning_state: str, connection_status: str) -> bool:
    """Whether the endpoint has to be made anew before it can work again.

    A Rejected or Disconnected connection never becomes Approved; deleting and creating is the only way (docs).
    """
    return provisioning_state.casefold() in {"failed", "canceled"} or connection_status.casefold() in {
        "rejected",
        "disconnected",
    }
