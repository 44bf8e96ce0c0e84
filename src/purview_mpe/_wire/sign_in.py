"""Why a token is missing: the messages of credentials, and Azure's challenge when it refuses a token.

azure-identity's chains report every credential that they tried. Most of them were never set up. The message and the
remedy are about the one that was set up and failed.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Literal, assert_never
from urllib.parse import urlsplit

from purview_mpe._wire.text import LONGEST, safe_text

#: Longer than any known challenge; a longer header is not read.
_LONGEST_CHALLENGE = 16_384
#: `name="value"` of a `WWW-Authenticate` header (RFC 9110, section 11.6.1).
_PARAMETER = re.compile(r'(?<![\w])(\w{1,40})="([^"]*)"')
_BASE64 = re.compile(r"[-\w+/]+={0,2}")
_TENANT = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """The challenge of a 401: `WWW-Authenticate: Bearer authorization_uri="…", claims="…"`.

    Source: docs, "Claims challenges, claims requests and client capabilities".
    """

    tenant: str | None = None
    """The tenant whose token Azure wants."""
    claims: str | None = None
    """The claims that the token must hold, as the credential expects them."""
    encoded_claims: str | None = None
    """The same claims, encoded as Azure sent them and as `az login --claims-challenge` expects them."""


def read_challenge(header: str | None) -> Challenge | None:
    """The challenge in a `WWW-Authenticate` header; None if there is none for bearer tokens."""
    if not header or len(header) > _LONGEST_CHALLENGE or "bearer" not in header.casefold():
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


Cause = Literal[
    "nothing-set-up",
    "not-signed-in",
    "unreachable",
    "certificate",
    "managed-identity",
    "tool-failed",
    "secret",
    "second-factor",
    "sign-in-ended",
    "entra",
    "other",
]
"""Why a credential gave no token; `unreachable` is about the network, everything else about the sign-in."""


@dataclass(frozen=True, slots=True)
class NoToken:
    """The message of a credential that gave no token."""

    cause: Cause
    said: str
    """The credential that was set up and failed, with its message; then the names of all that were tried."""
    credential: str = ""
    """The class of that credential, if a chain names it."""
    host: str = ""
    """The sign-in host that was not reached, with its port."""
    code: str = ""
    """Entra ID's code (`AADSTS7000215`)."""


#: One credential of a chain: its class and its message (SDK source: `_get_error_message`).
_ENTRY = re.compile(r"[ \t]{0,20}(\w{1,80}Credential)(?:: ?(.*))?")
_AFTER_CHAIN = "To mitigate this issue"
#: Messages of credentials that are not set up (SDK source), in lower case; the rest explains the setup.
_NOT_SET_UP = (
    "not fully configured",
    "not configured",
    "not installed",
    "to be installed",
    "package is required",
    "not found on path",
    "could not be found. please visit",
    "not supported on this platform",
    "no managed identity endpoint found",
    "found in the cache",
    "missing value for the",
    # The local address that gives tokens to managed identities; it answers only inside Azure.
    "169.254.169.254",
)
#: Sentences that also say this, but that may be followed by the actual cause.
_UNAVAILABLE = ("unavailable", "configuration not found in environment", "troubleshoot")
#: Messages of credentials that are set up but not signed in (SDK source).
_SIGN_IN = ("az login", "azd auth login", "connect-azaccount", "re-authenticate")
_CERTIFICATE = ("certificate_verify_failed", "certificate verify failed", "sslcertverificationerror")
#: Messages of operating systems, urllib3, aiohttp and the Azure CLI when they cannot reach a host.
_NETWORK = (
    "failed to establish a new connection",
    "failed to resolve",
    "nameresolutionerror",
    "getaddrinfo failed",
    "name or service not known",
    "temporary failure in name resolution",
    "nodename nor servname",
    "no address associated with hostname",
    "cannot connect to host",
    "cannot connect to proxy",
    "unable to connect to proxy",
    "max retries exceeded",
    "connection refused",
    "connection reset",
    "connection aborted",
    "network is unreachable",
    "no route to host",
    "connect timeout",
    "connecttimeouterror",
    "connection timeout to host",
    "read timed out",
    "please ensure you have network connection",
)
_HOST = re.compile(
    r"host='([\w.-]{1,253})', port=(\d{1,5})|connect to host ([\w.-]{1,253}):(\d{1,5})|https://([\w.-]{1,253})"
)
_ENTRA = re.compile(r"AADSTS(\d{3,9})")
#: Entra ID's codes (docs: "Microsoft Entra authentication and authorization error codes"), grouped by what helps.
_ENTRA_CAUSES: dict[str, Cause] = {
    **dict.fromkeys(("7000215", "7000222", "7000218", "700027", "50012"), "secret"),
    **dict.fromkeys(("50076", "50079", "50072", "50074", "50078", "50158", "53003", "530003"), "second-factor"),
    **dict.fromkeys(("50173", "700082", "70043", "700084", "50132", "50133", "65001", "50058"), "sign-in-ended"),
}
_MANAGED = (
    "no user assigned or delegated managed identity found",
    "identity not found",
    "no identity has been assigned",
    "identity has not been assigned",
)
#: azure-identity's prefixes for the failure of a credential that is set up (SDK source: `wrap_exceptions`).
_TRIED = ("authentication failed", "token request error")
_TOOLS = ("failed to invoke", "failed to execute", "execution policy")
#: The first match counts.
_CAUSES: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("certificate", _CERTIFICATE),
    ("unreachable", _NETWORK),
    ("managed-identity", (*_MANAGED, "imds", "managedidentity")),
    ("tool-failed", _TOOLS),
    ("not-signed-in", _SIGN_IN),
    ("other", _TRIED),
    ("nothing-set-up", (*_NOT_SET_UP, *_UNAVAILABLE)),
)
#: At most this many failed credentials of a chain are shown with their messages.
_MOST_SHOWN = 3


def read_no_token(said: str) -> NoToken:
    """The meaning of a credential's error; for a chain, that of the credential that was set up and failed."""
    entries = _entries(said[:LONGEST])
    if not entries:
        words = " ".join(said[:LONGEST].split())
        return _judged("", _without_noise(words) or words, [safe_text(words)])
    tried = f"tried {', '.join(name for name, _ in entries)}"
    failed = [(name, cause) for name, words in entries if (cause := _without_noise(words))]
    if not failed:
        return NoToken("nothing-set-up", f"no credential is set up; {tried}")
    # A tool that is installed but not signed in matters less than a credential that tried and failed.
    failed = [(name, words) for name, words in failed if not _asks_for_sign_in(words)] or failed
    shown = [f"{name}: {safe_text(words, 400)}" for name, words in failed[:_MOST_SHOWN]]
    return _judged(*failed[0], [*shown, tried])


def _judged(name: str, words: str, shown: list[str]) -> NoToken:
    entra = _ENTRA.search(words)
    cause = _cause_of(f"{name} {words}".casefold(), entra[1] if entra else "")
    return NoToken(cause, "; ".join(shown), name, _host_in(words), entra[0] if entra else "")


def _cause_of(lowered: str, entra: str) -> Cause:
    if entra:
        return _ENTRA_CAUSES.get(entra, "entra")
    for cause, marks in _CAUSES:
        if _has(lowered, marks):
            return cause
    return "other"


def _entries(text: str) -> list[tuple[str, str]]:
    """The credentials of a chain, each with all lines of its message."""
    entries: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if line.startswith(_AFTER_CHAIN):
            break
        if entry := _ENTRY.fullmatch(line.rstrip()):
            entries.append((entry[1], [entry[2] or ""]))
        elif entries:
            entries[-1][1].append(line)
    return [(name, " ".join(" ".join(lines).split())) for name, lines in entries]


def _without_noise(words: str) -> str:
    """The message without the sentences that only say that a credential is not set up."""
    is_set_up = not _has(words, _NOT_SET_UP)
    return ". ".join(
        sentence
        for sentence in words.split(". ")
        if _is_specific(sentence) or (is_set_up and sentence.strip(" .") and not _has(sentence, _UNAVAILABLE))
    )


def _is_specific(sentence: str) -> bool:
    """True if only a credential that is set up reports this sentence."""
    return _has(sentence, (*_CERTIFICATE, *_MANAGED, *_TRIED)) or _ENTRA.search(sentence) is not None


def _has(words: str, marks: tuple[str, ...]) -> bool:
    lowered = words.casefold()
    return any(mark in lowered for mark in marks)


def _asks_for_sign_in(words: str) -> bool:
    return _cause_of(words.casefold(), "") == "not-signed-in" and _ENTRA.search(words) is None


def _host_in(words: str) -> str:
    """The host that was not reached, with its port, from the libraries' messages."""
    for found in _HOST.finditer(words):
        host, port = found[1] or found[3] or found[5], found[2] or found[4] or "443"
        if not host.endswith("aka.ms"):
            return f"{host}:{port}"
    return ""


def remedy_for(trouble: NoToken) -> str:
    """What to do about a credential that gave no token."""
    match trouble.cause:
        case "nothing-set-up" | "not-signed-in":
            return "Sign in (az login), or pass a credential that works here, for example ManagedIdentityCredential()."
        case "certificate":
            return (
                "Make the sign-in trust the certificate authority of the proxy: set REQUESTS_CA_BUNDLE (and for Azure "
                "CLI the same) to a file with it, or pass a credential with connection_verify='ca.pem'."
            )
        case "managed-identity":
            return (
                "Check the managed identity: that one is assigned to this machine or app, and that AZURE_CLIENT_ID, or "
                "the client_id of ManagedIdentityCredential, is the client id of a user-assigned one (not its object "
                "id) and empty for the system-assigned one."
            )
        case "tool-failed":
            return (
                "Run the tool by hand (az account get-access-token or Get-AzAccessToken) to see its error; if it takes "
                "longer than 10 seconds, pass DefaultAzureCredential(process_timeout=60)."
            )
        case "secret":
            return (
                f"Renew the secret or certificate of the application, which Entra ID refuses ({trouble.code}), and set "
                "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH to the new one."
            )
        case "second-factor":
            return (
                f"Sign in again as Entra ID asks for ({trouble.code}): az login --tenant <tenant>; automation signs in "
                "as a service principal or managed identity, which needs no second factor."
            )
        case "sign-in-ended":
            return f"Sign in again, because the last sign-in has ended ({trouble.code}): az login --tenant <tenant>"
        case "entra":
            number = trouble.code.removeprefix("AADSTS")
            return (
                f"Correct what Entra ID refuses ({trouble.code}, explained at "
                f"https://login.microsoftonline.com/error?code={number}), or pass another credential."
            )
        case "unreachable":
            return "Check the network to the sign-in host, then repeat the call."
        case "other":
            return "Correct what the credential says above, or pass one that works here (az login makes one)."
        case _:
            assert_never(trouble.cause)
