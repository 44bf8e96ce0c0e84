"""A taste of the long campaigns, so that they stay in working order."""

from __future__ import annotations

from tests.fuzz.__main__ import fuzz
from tests.support import chaos


def test_a_few_random_runs_end_well(capsys):
    """Forty draws end in the right state or in a typed reason, and converge on a clean run."""
    assert chaos.campaign(runs=40, seed=7) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("40 runs, seed 7, ")


def test_a_few_bent_inputs_end_well(capsys):
    """Two hundred bent inputs give what is right or a typed error."""
    assert fuzz(inputs=200, seed=3) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("200 inputs, seed 3, ")
