"""How long a request may take to arrive at the served emulator."""

from __future__ import annotations

import socket
import time

import pytest

from purview_mpe.emulator._http.deadline import BoundedSocket


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    here.settimeout(30)
    with here, there:
        yield here, there


def test_bytes_are_read_before_the_deadline(pair):
    """The socket keeps its timeout."""
    here, there = pair
    bounded = BoundedSocket(here)
    bounded.until = time.monotonic() + 30
    there.sendall(b"GET /")
    assert bounded.read(5) == b"GET /"
    assert here.gettimeout() == 30


def test_bytes_after_the_deadline_are_not_read(pair):
    """A client that sends single bytes does not move the deadline."""
    here, there = pair
    bounded = BoundedSocket(here)
    there.sendall(b"GET /")
    bounded.until = time.monotonic()
    with pytest.raises(TimeoutError, match="timed out"):
        bounded.read(5)


def test_silence_ends_at_the_deadline(pair):
    """Reading ends long before the timeout of the socket itself."""
    here, _ = pair
    bounded = BoundedSocket(here)
    bounded.until = time.monotonic() + 0.01
    with pytest.raises(TimeoutError):
        bounded.read(5)
    assert here.gettimeout() == 30
