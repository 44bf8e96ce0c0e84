"""The thread that cuts off a request at its time limit: it never outlives the request."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from purview_mpe._azure import loading

if TYPE_CHECKING:
    from types import FrameType

transport = loading.load("purview_mpe._azure.transport")
#: Longer than a test takes.
HOUR = 3600.0


class Interrupting:
    """Raises KeyboardInterrupt at one step of the limit.

    A step is where CPython checks for signals: on entry to a Python function and after a C function returns.
    """

    def __init__(self, at: int) -> None:
        self.left = at
        self.was_raised = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event not in {"call", "c_return"} or self.was_raised:
            return
        names = {one.f_code.co_name for one in (frame, frame.f_back) if one is not None}
        if frame.f_code.co_filename != transport.__file__ or "__del__" in names:
            return
        self.left -= 1
        if self.left < 0:
            self.was_raised = True
            raise KeyboardInterrupt


def limited(at: int) -> bool:
    """Interrupt an empty request at that step; False if it has fewer steps."""
    interrupting = Interrupting(at)
    before = sys.getprofile()
    sys.setprofile(interrupting)
    try:
        with transport._Limit(transport._Line(), HOUR):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        sys.setprofile(before)
    return interrupting.was_raised


def are_waiting() -> bool:
    """True while the thread of any limit is running."""
    return any(frame.f_code is transport._cut_after.__code__ for frame in sys._current_frames().values())


def test_interrupted_limit_leaves_no_thread() -> None:
    """Ctrl-C at any step ends the thread at once, not when the limit expires."""
    steps = 0
    while limited(steps):
        steps += 1
        end = time.monotonic() + 30
        while are_waiting() and time.monotonic() < end:
            pass
        assert not are_waiting(), f"after an interruption at step {steps}"
    assert steps > 5


def test_thread_ends_with_its_limit() -> None:
    """A request that finishes in time also ends its thread."""
    with transport._Limit(transport._Line(), HOUR):
        pass
    assert not are_waiting()


def test_expired_limit_cuts_the_line() -> None:
    """An expired limit cuts its line while the context is still open."""
    line = transport._Line()
    end = time.monotonic() + 30
    with transport._Limit(line, 0.0):
        while not line.is_cut and time.monotonic() < end:
            pass
        assert line.is_cut
