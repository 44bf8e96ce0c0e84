"""What becomes of a connection that is not pending any more: pure functions of its state and the decision wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._model.results import Result
    from purview_mpe._model.states import Decision


def settled(status: str, decision: Decision, *, was_asked: bool) -> Result | None:
    """The result for a connection in this state; None while it is pending, so that the decision is still to be made.

    `was_asked` says whether this run made the decision earlier. A Rejected or Disconnected connection never becomes
    Approved (docs), and an Approved one is not rejected: its endpoint is in use.
    """
    state = status.casefold()
    if state == "pending":
        return None
    if state == decision.casefold():
        return done(decision) if was_asked or decision == "Rejected" else "already-approved"
    return "conflict" if state == "approved" else "failed"


def turned_down(factory_says: str, decision: Decision) -> Result:
    """The result for a connection that only the factory shows, as Rejected or Disconnected: neither is taken back.

    A connection that is gone cannot be rejected, and lets no one in.
    """
    if decision == "Approved":
        return "failed"
    return "rejected" if factory_says.casefold() == "rejected" else "absent"


def done(decision: Decision) -> Result:
    """The result of a decision that was made."""
    return "approved" if decision == "Approved" else "rejected"


def would(decision: Decision) -> Result:
    """The result of a decision that a dry run leaves."""
    return "would-approve" if decision == "Approved" else "would-reject"
