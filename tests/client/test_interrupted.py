"""A few interruptions at random instants in real time; `nox -s interruptions` runs hundreds of them."""

from __future__ import annotations

import signal

import pytest

from tests.support.interrupting import CLIENTS, VERBS, session


# Python closes a socket that was interrupted between its creation and its first use, and warns about it.
@pytest.mark.untraced
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timer")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("verb", VERBS)
def test_an_interrupted_run_reports_what_was_done(verb: str, client: str) -> None:
    """An interrupted verb raises the interruption, and its report agrees with the server's record."""
    tally = session(verb, client, runs=3, seed=7)
    assert tally.wrong == []
    assert tally.interrupted == 3
