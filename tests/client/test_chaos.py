"""Short versions of the long campaigns, so that the campaigns keep working."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import fuzz
from tests.support import chaos


@pytest.mark.untraced
def test_a_few_random_runs_end_well(capsys):
    """Forty random runs end in the right state or with a typed error, and a clean run repairs the rest."""
    assert chaos.campaign(runs=40, seed=7) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("40 runs, seed 7, ")


def test_a_few_mutated_inputs_end_well(capsys):
    """Two hundred mutated inputs give the right result or a typed error."""
    assert fuzz(inputs=200, seed=3) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.startswith("200 inputs, seed 3, ")
