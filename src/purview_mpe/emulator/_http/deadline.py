"""Limits how long one request can take to arrive.

A socket's own timeout starts again with each byte. A client that sends one byte a second would hold a worker thread for
as long as it likes, and as many such clients as there are threads would lock out all others.
"""

from __future__ import annotations

import socket
import time
from importlib import import_module
from typing import Any


class BoundedSocket(socket.SocketIO):
    """The bytes of a socket, until a deadline."""

    def __init__(self, peer: socket.socket) -> None:
        super().__init__(peer, "r")
        self._peer = peer
        self.until = float("inf")
        """On the monotonic clock, in seconds."""

    def readinto(self, b: Any) -> int | None:
        """Read what is there.

        Raises:
            TimeoutError: the deadline has passed, or passes while nothing arrives.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")  # these words are how cheroot recognizes it
        usual = self._peer.gettimeout()
        self._peer.settimeout(left if usual is None else min(left, usual))
        try:
            return super().readinto(b)
        finally:
            self._peer.settimeout(usual)


def reader_class() -> type:
    """Cheroot's reader of a connection, on a `BoundedSocket`."""
    stream_reader: Any = import_module("cheroot.makefile").StreamReader

    class BoundedReader(stream_reader):  # type: ignore[misc]  # cheroot is imported late
        """Counts the bytes that it reads, as cheroot's own reader does."""

        def __init__(self, peer: Any, size: int) -> None:
            super(stream_reader, self).__init__(BoundedSocket(peer), size)
            self.bytes_read = 0

    return BoundedReader
