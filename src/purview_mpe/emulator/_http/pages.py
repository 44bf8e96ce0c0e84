"""Refuses requests from web pages: a browser lets every page send requests to 127.0.0.1.

Two attacks are known. A form or script of another origin can send a body as text, which needs no permission from the
server ("simple requests" of the Fetch standard). And a page's own host name can be made to resolve to 127.0.0.1 (DNS
rebinding), so that the browser takes the emulator for the page's server. The `Host` header then still has that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from purview_mpe.emulator._values.exchange import ArmError

if TYPE_CHECKING:
    from purview_mpe.emulator._values.exchange import Request

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
#: Paths that pages must not use: settings and records of the emulator, and the sign-in of its clients.
_GUARDED = ("/_emulator", "/metadata/")


def refuse_pages(request: Request) -> None:
    """Let a guarded request through only if a page in a browser cannot have sent it.

    Raises:
        ArmError: 403 for another host or origin, 415 for a body that is not declared as JSON.
    """
    path = urlsplit(request.url).path
    if not any(f"{path}/".startswith(f"{guarded.rstrip('/')}/") for guarded in _GUARDED):
        return
    for name, address in (("Host", request.url), ("Origin", request.headers.get("origin", ""))):
        if address and not _is_here(address):
            raise ArmError(403, "Forbidden", f"The header {name} names another machine; use 127.0.0.1.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if request.content and kind != "application/json":
        raise ArmError(415, "UnsupportedMediaType", "Send the header 'Content-Type: application/json'.")


def _is_here(address: str) -> bool:
    try:
        return (urlsplit(address).hostname or "") in _THIS_MACHINE
    except ValueError:
        return False
