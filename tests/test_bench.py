"""The benchmarks run, at small sizes; their figures are not checked."""

from __future__ import annotations

import json

import pytest

from .bench import cold
from .bench.__main__ import main
from .bench.figures import figure, paired

pytestmark = pytest.mark.untraced

TINY = ["--pairs", "1", "--sizes", "2", "--colours", "async", "--requests", "100"]


def test_the_benches_run_and_write_json(tmp_path, capsys):
    """Each bench gives figures with a baseline of the same run, in a table and as JSON."""
    file = tmp_path / "figures.json"
    main(["warm", "waiting", "asked", "fleets", "imports", "throughput", *TINY, "--json", str(file)])
    document = json.loads(file.read_text())
    figures = document["figures"]
    assert {each["bench"] for each in figures} == {"warm", "waiting", "asked", "fleets", "imports", "throughput"}
    assert all(each["baseline"] > 0 and each["against"] for each in figures)
    printed = capsys.readouterr().out
    assert all(each["what"] in printed for each in figures)


def test_cold_bench_measures_library_and_scripts():
    """Every process of the cold bench does its whole job against the served emulator."""
    figures = [each for each in cold.measure(1, [0.0]) if each.against != "JavaScript SDK script"]
    assert [each.against for each in figures] == ["sequential script"] * 3 + ["importing the SDKs alone"] * 3


def test_a_ratio_of_pairs_is_the_median_of_their_ratios():
    """A slow moment that affects both does not change the ratio."""
    measured = paired("cold", "x", [(1.0, 2.0), (10.0, 20.0), (9.0, 10.0)], "s", against="y")
    assert (measured.value, measured.baseline, measured.ratio) == (9.0, 10.0, 0.5)
    assert figure("warm", "x", 3.0, "s", baseline=2.0, against="y").ratio == 1.5


@pytest.mark.parametrize("wrong", [["nonsense"], ["--sizes", "0"], ["--pairs", "many"]])
def test_invalid_bench_or_size_is_refused(wrong, capsys):
    """An unknown bench or an invalid size is refused before anything runs."""
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert capsys.readouterr().out == ""
