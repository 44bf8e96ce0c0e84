"""Decides why Purview's data plane refuses a caller: outside the network, without the role, or not reachable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from purview_mpe._model.matrix import CLOSED
from purview_mpe.errors import AccessDenied, NoAnswer

if TYPE_CHECKING:
    from purview_mpe._model.results import Account
    from purview_mpe.errors import PurviewMpeError

#: The answer to a caller without the role (public code), with 403 and perhaps with 401.
_NOT_ADMIN = "not authorized to access account"
Kind = Literal["outside-the-network", "not-collection-admin", "unreachable", "account-hidden"]


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """Why this caller cannot read or change what is in Purview."""

    kind: Kind
    reason: str
    """A sentence for the person who has to do it instead."""


def out_of_reach(account: Account, error: PurviewMpeError) -> OutOfReach | None:
    """The reason behind a refusal; None if it is another kind of failure.

    The account's own setting comes first. A closed account answers a caller outside its network with 403; the docs give
    the words of that answer but not its code. If private DNS is incomplete, no answer comes (docs).
    """
    kind = _kind(account, error)
    return OutOfReach(kind, _REASONS[kind]) if kind else None


def account_unreadable() -> OutOfReach:
    """The reason if Azure Resource Manager does not show the account."""
    return OutOfReach("account-hidden", _REASONS["account-hidden"])


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
