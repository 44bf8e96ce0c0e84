"""What Azure's words for a state mean: which are final, and which need a new endpoint.

Beliefs about Azure that decisions and flows share; each is here once, with its source. The states are open strings
(spec). An unknown state is neither final nor broken: the library waits for it and never deletes its endpoint.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

#: The decisions that the owner of a target can make on a pending connection.
Decision: TypeAlias = Literal["Approved", "Rejected"]


def provisioning_is_over(state: str) -> bool:
    """True if waiting for the endpoint can end: only states that were seen to be final end it.

    `Succeeded` is recorded; `Failed` is recorded in the sibling service (Synapse).
    """
    return state.casefold() in {"succeeded", "failed", "canceled"}


def is_provisioned(state: str) -> bool:
    """True if Azure has created the endpoint, so that its target must show a connection (recorded)."""
    return state.casefold() == "succeeded"


def is_deleting(state: str) -> bool:
    """True if the endpoint is being deleted (inferred: no recording shows the literal)."""
    return state.casefold() in {"deleting", "deleted"}


def is_broken(provisioning_state: str, connection_status: str) -> bool:
    """True if the endpoint has to be deleted and created again before it can work.

    A Rejected or Disconnected connection never becomes Approved; deleting and creating is the only way (docs).
    """
    return provisioning_state.casefold() in {"failed", "canceled"} or connection_status.casefold() in {
        "rejected",
        "disconnected",
    }
