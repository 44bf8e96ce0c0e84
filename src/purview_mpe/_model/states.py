"""What Azure's words for a state mean: which are final, and which need a new endpoint.

Beliefs about Azure that decisions and flows share; each is here once, with its source. The states are open strings
(spec). An unknown state is neither final nor broken: the library waits for it and never deletes its endpoint.
"""

from __future__ import annotations

import re
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


def is_final(said: str) -> bool:
    """True if creating the endpoint again would fail in the same way: Azure says that a limit or a quota is used up.

    Azure Resource Manager's codes for that end in `LimitExceeded` or `QuotaExceeded` ("Resolve errors for resource
    quotas" on Microsoft Learn); what a full target answers to a private endpoint is not recorded. Limits of requests
    are different: they pass.
    """
    text = said[:1000]
    return bool(_USED_UP.search(text)) and not _THROTTLED.search(text)


#: A limit or a quota that is used up, as a code or in a sentence.
_USED_UP = re.compile(
    r"(?:limit|quota)(?:exceeded|reached)"
    r"|\b(?:reached|exceed(?:s|ed|ing)?)\b[^.]{0,60}\b(?:limit|quota|maximum)\b"
    r"|\b(?:limit|quota|maximum)\b[^.]{0,60}\b(?:reached|exceeded)\b",
    re.IGNORECASE,
)
#: Too many requests in a short time.
_THROTTLED = re.compile(r"too\s*many\s*requests|rate\s*limit|throttl|retry\s+after", re.IGNORECASE)
