"""The network path to a host: proxies and certificate authorities from the environment, causes of failed connections.

Both clients read the same variables in the same way, although their HTTP libraries do not. Imports no SDK.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from purview_mpe._wire.text import safe_text
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Variables that name a file or a folder with certificate authorities; the first that is set counts. `requests`, and
#: with it azure-identity and Azure CLI, reads the first two, OpenSSL the third (their docs).
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def authorities() -> str | None:
    """The certificate authorities that the environment names; None for the libraries' defaults.

    Raises:
        InvalidSpec: the file does not exist.
    """
    for name in CA_VARIABLES:
        if path := os.environ.get(name):
            try:
                exists = Path(path).exists()
            except OSError:  # the name is longer than the system allows
                exists = False
            if not exists:
                raise InvalidSpec("The environment", [(name, f"{safe_text(path, 200)!r} is not a file or folder")])
            return path
    return None


def proxy_of(url: str) -> str | None:
    """The proxy that `HTTPS_PROXY` or `ALL_PROXY` names for an address, unless `NO_PROXY` excludes the address."""
    named = getproxies()
    if not (proxy := named.get(urlsplit(url).scheme) or named.get("all")):
        return None
    # Imported only if there is a proxy. It reads NO_PROXY as the synchronous client's HTTP library does.
    from requests.utils import should_bypass_proxies  # noqa: PLC0415

    return None if should_bypass_proxies(url, no_proxy=None) else proxy


def proxy_for(url: str, given: Mapping[str, str] | None) -> str | None:
    """The proxy on the way to an address, for a message: without user and password."""
    proxy = given.get(urlsplit(url).scheme) if given else proxy_of(url)
    if not proxy:
        return None
    scheme, found, rest = proxy.rpartition("://")
    return safe_text(f"{scheme}{found}{rest.rpartition('@')[2]}", 200)


def place_of(url: str) -> str:
    """Host and port of an address."""
    parts = urlsplit(url)
    return safe_text(parts.netloc.rpartition("@")[2] + ("" if parts.port else ":443"), 200)


def has_bad_certificate(error: BaseException) -> bool:
    """Whether a cause of the error is a refused certificate: the next attempt would fail in the same way."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes_of(error))


def causes_of(error: BaseException) -> list[BaseException]:
    """The exception, its causes and the exceptions that it holds: each library hides the cause in a different place."""
    causes: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in causes):
            causes.append(cause)
            todo += [cause.__cause__, cause.__context__, *cause.args]
            todo += [getattr(cause, name, None) for name in ("inner_exception", "reason")]
    return causes
