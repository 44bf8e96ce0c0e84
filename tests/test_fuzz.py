"""Any input of a public entry gives a correct result or a typed error; `nox -s fuzz` tests many more inputs."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from purview_mpe.errors import InvalidSpec

from .fuzz.__main__ import ENTRIES, fuzz
from .fuzz.subject import TYPED, Subject

if TYPE_CHECKING:
    from random import Random


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Subject:
    return Subject.made_in(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("entry", ENTRIES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms())
def test_nothing_untyped_comes_out(entry, random, subject):
    """Mutated and useless input of each kind is processed or raises a typed error."""
    with contextlib.chdir(subject.folder), contextlib.suppress(*TYPED):
        ENTRIES[entry][0](subject, random)


def test_campaign_counts_and_prints_failures(capsys):
    """The campaign prints the inputs, refusals and failures of each entry, and the seed of each failure."""

    def entry(_subject: Subject, random: Random) -> None:
        number = random.randrange(3)
        if number == 0:
            raise InvalidSpec("it", [("x", "y")])
        if number == 1:
            raise KeyError("untyped")

    hook = sys.unraisablehook
    wrong = fuzz(40, 7, {"odd": (entry, 1)})
    assert sys.unraisablehook is hook
    printed = capsys.readouterr()
    assert 0 < wrong < 40
    assert printed.err.count("KeyError: 'untyped'") == min(wrong, 20)
    drawn = [int(number) for number in re.findall(r"input (\d+), odd", printed.err)]
    assert len(drawn) == min(wrong, 20)
    assert set(drawn) <= set(range(7_000_021, 7_000_061))
    assert re.match(rf"40 inputs, seed 7, \d+ s, {wrong} wrong\n", printed.out)
    name, fed, refused, also_wrong, _ = printed.out.splitlines()[-1].split()
    assert (name, int(fed), int(also_wrong)) == ("odd", 40, wrong)
    assert 0 < int(refused) < 40 - wrong


def test_error_in_a_destructor_counts_as_a_failure(capsys):
    """The error counts although no caller can catch it."""

    class Careless:
        def __del__(self) -> None:
            raise ValueError("too late")

    assert fuzz(1, 1, {"careless": (lambda _subject, _random: Careless() and None, 1)}) == 1
    assert "too late" in capsys.readouterr().err
