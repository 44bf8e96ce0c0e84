"""What a decision on a connection gives, by the state of the connection."""

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
def test_a_state_settles_a_decision(status, decision, was_asked, result):
    """Pending leaves it open; a rejected connection never becomes approved."""
    assert settled(status, decision, was_asked=was_asked) == result


@pytest.mark.parametrize(
    ("factory_says", "decision", "result"),
    [
        ("Rejected", "Approved", "failed"),
        ("Rejected", "Rejected", "rejected"),
        ("Disconnected", "Rejected", "absent"),
    ],
)
def test_a_connection_that_only_the_factory_shows(factory_says, decision, result):
    """Both states are final."""
    assert turned_down(factory_says, decision) == result


def test_results_of_decisions():
    """Carried out, and in a dry run."""
    assert (done("Approved"), done("Rejected")) == ("approved", "rejected")
    assert (would("Approved"), would("Rejected")) == ("would-approve", "would-reject")
