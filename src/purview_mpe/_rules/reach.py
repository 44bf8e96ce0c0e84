"""Decides why Purview's data plane refuses a caller: outside the network, without the role, or not reachable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from purview_mpe._model.matrix import CLOSED
from purview_mpe._rules.findings.account import ACCOUNT_CHANGING
from purview_mpe.errors import AccessDenied, AzureUnavailable, NoAnswer, Throttled

if TYPE_CHECKING:
    from purview_mpe._model.results import Account
    from purview_mpe.errors import PurviewMpeError

#: The answer to a caller without the role (public code), with 403 and perhaps with 401.
_NOT_ADMIN = "not authorized to access account"
#: What helps a caller outside the network of a closed account.
FROM_INSIDE = "Run this from inside the account's private network: its data plane does not answer anywhere else."
Kind = Literal["outside-the-network", "not-collection-admin", "unreachable", "account-hidden"]


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """Why this caller cannot read or change what is in Purview."""

    kind: Kind
    reason: str
    """A sentence for the person who has to do it instead."""

    def remedy(self, error: PurviewMpeError) -> str:
        """What to do next. A broken connection does not show by itself that the account is closed."""
        return FROM_INSIDE if self.kind == "outside-the-network" else error.remedy


def out_of_reach(account: Account, error: PurviewMpeError) -> OutOfReach | None:
    """The reason behind a refusal; None if it is another kind of failure.

    The account's own setting comes first. A closed account answers a caller outside its network with 403; the docs give
    the words of that answer but not its code. If private DNS is incomplete, no answer comes (docs).
    """
    kind = _kind(account, error)
    return OutOfReach(kind, _REASONS[kind]) if kind else None


def is_being_created(account: Account, error: PurviewMpeError) -> bool:
    """True if the data plane fails because Purview is still writing the root policy of a new account (public code).

    A read is refused with 409 for no other reason (inferred). 429 and 5xx count only while Azure Resource Manager shows
    that the account is changing.
    """
    if isinstance(error, (AzureUnavailable, Throttled)):
        return any(finding.code == ACCOUNT_CHANGING.code for finding in account.warnings)
    return error.status == 409


def account_unreadable() -> OutOfReach:
    """The reason if Azure Resource Manager does not show the account."""
    return OutOfReach("account-hidden", _REASONS["account-hidden"])


def not_collection_admin() -> OutOfReach:
    """The reason if Azure Resource Manager refuses to make the caller a collection administrator."""
    return OutOfReach("not-collection-admin", _REASONS["not-collection-admin"])


def _kind(account: Account, error: PurviewMpeError) -> Kind | None:
    is_closed, said = account.firewall == CLOSED, error.message.casefold()
    if isinstance(error, NoAnswer):
        return "outside-the-network" if is_closed else "unreachable"
    if error.code == "root-policy-hidden":
        return "not-collection-admin"
    if not isinstance(error, AccessDenied) or error.status is None:
        return None  # without a status there was no token, so nothing was sent
    if "private endpoint" in said or (is_closed and _NOT_ADMIN not in said):
        return "outside-the-network"
    return "not-collection-admin"


_REASONS: dict[Kind, str] = {
    "outside-the-network": "the account answers only inside its private network; run this from inside the network",
    "not-collection-admin": "this caller is not a collection administrator of the root collection",
    "unreachable": "the account's data plane did not answer",
    "account-hidden": "this caller is not allowed to read the account, so the address of its data plane is unknown",
}
