"""A taste of the long campaign, so that it stays in working order."""

from __future__ import annotations

from . import chaos


def test_a_few_random_runs_end_well(capsys):
    """Forty draws end in the right state or in a typed reason, and converge on a clean run."""
    assert chaos.campaign(runs=40, seed=7) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("40 runs, seed 7, ")
