"""The result of a decision on a connection, by the state of the connection."""

from __future__ import annotations

import pytest

from purview_mpe._rules.settling import done, settled, turned_down, would


@pytest.mark.parametrize(
    ("status", "decision", "was_asked", "result"),
    [
        ("Pending", "Approved", False, None),
        ("approved", "Approved", True, "approved"),
        ("Approved", "Approved", False, "already-approved"),
        ("Rejected", "Rejected", False, "rejected"),
        ("Approved", "Rejected", False, "conflict"),
        ("Disconnected", "Approved", True, "failed"),
    ],
)
def test_connection_state_settles_a_decision(status, decision, was_asked, result):
    """Pending leaves the decision open; a rejected connection never becomes approved."""
    assert settled(status, decision, was_asked=was_asked) == result


@pytest.mark.parametrize(
    ("factory_says", "decision", "result"),
    [
        ("Rejected", "Approved", "failed"),
        ("Rejected", "Rejected", "rejected"),
        ("Disconnected", "Rejected", "absent"),
    ],
)
def test_connection_that_only_the_factory_shows(factory_says, decision, result):
    """Rejected and Disconnected are final."""
    assert turned_down(factory_says, decision) == result


def test_results_of_decisions():
    """The results of decisions that were sent, and of a dry run."""
    assert (done("Approved"), done("Rejected")) == ("approved", "rejected")
    assert (would("Approved"), would("Rejected")) == ("would-approve", "would-reject")
