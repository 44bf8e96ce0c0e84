"""The result for a connection that is not pending any more: pure functions of its state and the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._model.results import Result
    from purview_mpe._model.states import Decision


def settled(status: str, decision: Decision, *, was_asked: bool) -> Result | None:
    """The result for a connection in this state; None while it is pending, because it is still to be decided.

    `was_asked` is True if this run already requested the decision. A Rejected or Disconnected connection never becomes
    Approved (docs), and an Approved one is not rejected, because its endpoint is in use.
    """
    state = status.casefold()
    if state == "pending":
        return None
    if state == decision.casefold():
        return done(decision) if was_asked or decision == "Rejected" else "already-approved"
    return "conflict" if state == "approved" else "failed"


def turned_down(factory_says: str, decision: Decision) -> Result:
    """The result for a connection that only the factory shows, as Rejected or Disconnected: both are final.

    A connection that is gone cannot be rejected, and gives no access.
    """
    if decision == "Approved":
        return "failed"
    return "rejected" if factory_says.casefold() == "rejected" else "absent"


def done(decision: Decision) -> Result:
    """The result of a decision."""
    return "approved" if decision == "Approved" else "rejected"


def would(decision: Decision) -> Result:
    """The result of a decision in a dry run."""
    return "would-approve" if decision == "Approved" else "would-reject"
