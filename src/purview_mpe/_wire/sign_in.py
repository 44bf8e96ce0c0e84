"""What Azure says about signing in again."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Longer than any challenge that has been recorded; what is longer is not read.
_LONGEST = 16_384
#: `name="value"` of a `WWW-Authenticate` header (RFC 9110, section 11.6.1).
_PARAMETER = re.compile(r'(?<![\w])(\w{1,40})="([^"]*)"')
_BASE64 = re.compile(r"[-\w+/]+={0,2}")
_TENANT = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 asks for: `WWW-Authenticate: Bearer authorization_uri="…", claims="…"`.

    Source: docs, "Claims challenges, claims requests and client capabilities".
    """

    tenant: str | None = None
    """The tenant whose token is wanted."""
    claims: str | None = None
    """What the token must hold, as the credential expects it."""
    encoded_claims: str | None = None
    """The same as Azure sent it and as `az login --claims-challenge` expects it."""


def read_challenge(header: str | None) -> Challenge | None:
    """The challenge in a `WWW-Authenticate` header; None if there is none for bearer tokens."""
    if not header or len(header) > _LONGEST or "bearer" not in header.casefold():
        return None
    parameters = {name.casefold(): value for name, value in _PARAMETER.findall(header)}
    encoded, claims = parameters.get("claims", ""), None
    if _BASE64.fullmatch(encoded):
        claims = _decoded(encoded)
    return Challenge(
        _tenant_of(parameters.get("authorization_uri", parameters.get("authorization", ""))),
        claims,
        encoded if claims else None,
    )


def _decoded(encoded: str) -> str | None:
    given = encoded.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        text = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
    except ValueError:
        return None
    return text if text.startswith("{") and text.isprintable() else None


def _tenant_of(address: str) -> str | None:
    """The tenant in `https://login.microsoftonline.com/<tenant>`."""
    try:
        tenant = urlsplit(address).path.strip("/").partition("/")[0]
    except ValueError:
        return None
    return tenant if _TENANT.fullmatch(tenant) else None
