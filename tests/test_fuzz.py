"""Whatever comes in by any public entry, what comes out is right or a typed error; `nox -s fuzz` feeds far more."""

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
    """Bent and useless input of each kind ends in a typed error, or does no more than it may."""
    with contextlib.chdir(subject.folder), contextlib.suppress(*TYPED):
        ENTRIES[entry][0](subject, random)


def test_what_is_wrong_is_counted_and_told(capsys):
    """The campaign tells each entry's inputs, those refused, and the draw of whatever is wrong; a seed is a draw."""

    def entry(_subject: Subject, random: Random) -> None:
        number = random.randrange(3)
        if number == 0:
            raise InvalidSpec("it", [("x", "y")])
        if number == 1:
            raise KeyError("untyped")

    hook = sys.unraisablehook
    wrong = fuzz(40, 7, {"odd": (entry, 1)})
    assert sys.unraisablehook is hook
    told = capsys.readouterr()
    assert 0 < wrong < 40
    assert told.err.count("KeyError: 'untyped'") == min(wrong, 20)
    drawn = [int(number) for number in re.findall(r"input (\d+), odd", told.err)]
    assert len(drawn) == min(wrong, 20)
    assert set(drawn) <= set(range(7_000_021, 7_000_061))
    assert re.match(rf"40 inputs, seed 7, \d+ s, {wrong} wrong\n", told.out)
    name, fed, refused, also_wrong, _ = told.out.splitlines()[-1].split()
    assert (name, int(fed), int(also_wrong)) == ("odd", 40, wrong)
    assert 0 < int(refused) < 40 - wrong


def test_what_nobody_can_catch_is_wrong_too(capsys):
    """An error in a destructor counts, although it is raised to nobody."""

    class Careless:
        def __del__(self) -> None:
            raise ValueError("too late")

    assert fuzz(1, 1, {"careless": (lambda _subject, _random: Careless() and None, 1)}) == 1
    assert "too late" in capsys.readouterr().err
