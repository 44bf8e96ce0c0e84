"""The agenda of a fleet: due work, limits, and fairness between lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._rules.agenda import Agenda, Entry

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1000.0


def agenda(*jobs: str, looks: int = 4, in_one_lane: int = 8) -> Agenda[str]:
    """An agenda with work that is due; the first letter of a job is its lane."""
    made: Agenda[str] = Agenda({"looks": looks, "writes": 2}, in_one_lane=in_one_lane)
    for job in jobs:
        made.put(entry(job))
    return made


def entry(job: str, queue: str = "looks") -> Entry[str]:
    return Entry(queue, job[0], job)


def started(found: Agenda[str], now: float = NOW, wait_for: Callable[[Entry[str]], float] = lambda _: 0.0) -> list[str]:
    """The jobs that start."""
    return [begun.job for begun in found.start(now, wait_for)]


def test_lanes_take_turns():
    """A lane with much work does not come before a lane with little."""
    assert started(agenda("a1", "a2", "a3", "b1")) == ["a1", "b1", "a2"]


def test_each_queue_has_its_own_limit():
    """Looks in progress do not keep a write from starting."""
    found = agenda(*(f"{letter}1" for letter in "abcdef"))
    found.put(entry("g1", "writes"))
    assert started(found) == ["a1", "b1", "c1", "d1", "g1"]
    assert started(found) == []
    found.ended(entry("a1"))
    assert started(found) == ["e1"]


def test_stuck_lane_leaves_places_for_other_lanes():
    """When several lanes have work, no lane gets more than its share, in any order of arrival."""
    found = agenda(*(f"a{number}" for number in range(9)), "b1", "b2", "b3")
    assert sorted(started(found)) == ["a0", "a1", "b1", "b2"]
    found.ended(entry("b1"))
    assert started(found) == ["b3"]


def test_single_lane_has_a_limit():
    """The limit per lane holds even if no other lane has work."""
    found = agenda(*(f"a{number}" for number in range(9)), looks=9, in_one_lane=3)
    assert started(found) == ["a0", "a1", "a2"]


def test_job_with_a_due_time_starts_at_that_time():
    """The job starts at its due time and not before; the agenda reports the next due time."""
    found = agenda()
    found.put(entry("a1"), NOW + 5)
    found.put(entry("b1"), NOW + 2)
    assert (started(found), found.next_moment(NOW)) == ([], NOW + 2)
    assert (started(found, NOW + 2), found.next_moment(NOW + 2)) == (["b1"], NOW + 5)
    assert (started(found, NOW + 9), found.next_moment(NOW + 9)) == (["a1"], float("inf"))


def test_throttled_lane_keeps_its_order():
    """No job overtakes in the throttled lane, other lanes continue, and the lane opens again at its time."""
    found = agenda("a1", "a2", "b1")
    assert started(found, wait_for=lambda begun: 3.0 if begun.lane == "a" else 0.0) == ["b1"]
    assert started(found, NOW + 1) == []
    assert found.next_moment(NOW + 1) == NOW + 3
    assert started(found, NOW + 3) == ["a1", "a2"]


def test_only_job_of_a_throttled_lane_starts_once_the_lane_opens():
    """A lane that was empty without the job gets its turn again."""
    found = agenda("a1")
    assert started(found, wait_for=lambda _: 5.0) == []
    assert started(found, NOW + 4) == []
    assert started(found, NOW + 5) == ["a1"]


def test_clear_returns_the_jobs_that_did_not_start():
    """Jobs in progress are not returned."""
    found = agenda("a1", "a2", looks=1)
    found.put(entry("b1"), NOW + 5)
    assert started(found) == ["a1"]
    assert sorted(found.clear()) == ["a2", "b1"]
    assert (started(found, NOW + 9), found.next_moment(NOW)) == ([], float("inf"))


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 6), st.integers(1, 6))
def test_every_job_starts_once_and_limits_hold(lanes, looks, in_one_lane):
    """In any order of completion, each job starts exactly once and the limits are never exceeded."""
    jobs = [f"{lane}{number}" for number, lane in enumerate(lanes)]
    found, running, begun = agenda(*jobs, looks=looks, in_one_lane=in_one_lane), [], []
    while True:
        running += (now := started(found))
        begun += now
        assert len(running) <= looks
        assert all(sum(job[0] == lane for job in running) <= in_one_lane for lane in "abc")
        if not running:
            break
        found.ended(entry(running.pop()))
    assert sorted(begun) == sorted(jobs)
    assert all([job for job in begun if job[0] == lane] == [job for job in jobs if job[0] == lane] for lane in "abc")


@pytest.mark.parametrize("looks", [1, 2])
def test_each_lane_has_one_place_if_lanes_outnumber_places(looks):
    """Each lane has at most one place, so that every lane gets its turn."""
    found = agenda("a1", "a2", "b1", "c1", looks=looks)
    assert started(found) == ["a1", "b1"][:looks]
