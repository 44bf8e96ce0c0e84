"""Azure's error answers to our errors: which class, in which words, with which remedy.

Beside `_wire` because it, too, is about what Azure says; apart from it because it is read on its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    Locked,
    NoAnswer,
    NotFound,
    PolicyDenied,
    PurviewMpeError,
    Throttled,
)

if TYPE_CHECKING:
    from purview_mpe._wire.sign_in import Challenge

#: What storage and Data Factory say while another operation holds the resource: asking again later helps.
#: `StorageAccountOperationInProgress` is seen in public code; the others are generic codes of Azure Resource Manager.
BUSY_CODES = frozenset(
    {
        "storageaccountoperationinprogress",
        "anotheroperationinprogress",
        "conflictingconcurrentwritenotallowed",
        "inuseresourceupdate",
        "resourceoperationinprogress",
    }
)
#: Role assignments and new resources take a while to be known everywhere (docs: up to ten minutes for roles).
_DENY_CODES = frozenset({"denyassignmentauthorizationfailed"})
_POLICY_CODES = frozenset({"requestdisallowedbypolicy", "requestdisallowedbyazure"})
_LOCK_CODES = frozenset({"scopelocked"})
_BEARER = re.compile(r"(?i)\b(bearer)\s+[-\w.~+/]{16,}=*")
#: The form of Azure's own tokens, and the user of an address (a proxy's, with its password).
_WEB_TOKEN = re.compile(r"eyJ[-\w]{8,}\.[-\w]+(?:\.[-\w]*)?")
_USER_INFO = re.compile(r"(?<=://)[^\s/@'\"]+@")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was being done, for the sentence in an error; and what it takes."""

    what: str
    """Continues "Could not …", for example "create the endpoint 'purview_blob'"."""
    scope: str
    """Id of the resource on which the right is needed."""
    role: str
    """Smallest built-in role that allows it."""
    is_guarded: bool = False
    """Whether Azure itself refuses a write that the state has moved against: a PUT with If-Match, or a new endpoint,
    which Azure never changes. Such a write may wait for its turn within Azure's limits without another look."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure answered, without the request that it answered."""

    status: int
    body: str = ""
    request_id: str | None = None
    """Azure's id of the request."""
    correlation_id: str | None = None
    """The id under which Azure logged the operation."""
    challenge: Challenge | None = None
    """What a 401 asks for."""
    no_other_token: str = ""
    """What the credential said when it was asked for another token after a 401."""


def error_for(attempt: Attempt, answer: Answer) -> PurviewMpeError:
    """The error that an answer means."""
    code, said = _read_body(answer.body)
    known = code.casefold()
    came_back = f"Azure answered {answer.status}" + (f" ({code})" if code else "") + (f": {said}" if said else ".")
    if answer.no_other_token:
        came_back += f" Another token could not be had: {answer.no_other_token}"
    kind, remedy = _kind_and_remedy(attempt, answer.status, known, said)
    return kind(
        f"Could not {attempt.what}: {came_back}",
        remedy=remedy,
        status=answer.status,
        azure_code=code or None,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def _kind_and_remedy(attempt: Attempt, status: int, code: str, said: str) -> tuple[type[AzureError], str]:
    if code in _POLICY_CODES:
        return PolicyDenied, (
            "Ask whoever governs the subscription for an exemption from the policy named above; endpoints of Data "
            "Factory always come from a subscription of Microsoft's, which such policies tend to forbid."
        )
    if code in _LOCK_CODES:
        return (
            Locked,
            f"Remove the lock named above, or have its owner do it: az lock list --resource {attempt.scope}",
        )
    if code in _DENY_CODES:
        return AccessDenied, (
            "Use another way: a deny assignment protects resources that Purview manages, and no role overrides it; "
            "approve from the Purview account's Networking page, or ask Microsoft."
        )
    if code == "missingsubscriptionregistration":
        named = re.search(r"'([A-Za-z]+\.[A-Za-z]+)'", said)
        provider = named[1] if named else _provider(attempt.scope)
        return AzureError, (
            "Register the resource provider, which this library never does unasked: az provider register "
            f"--namespace {provider} --subscription {_subscription(attempt.scope)}"
        )
    if status == 401:
        return (
            AccessDenied,
            "Sign in again (az login), or give the client a credential of the account's tenant.",
        )
    if status == 403:
        return AccessDenied, (
            f"Ask an owner for the role {attempt.role}: az role assignment create --role {attempt.role!r} "
            f"--assignee <you> --scope {attempt.scope}"
        )
    if status == 404:
        return (
            NotFound,
            f"Check that the resource exists and that this sign-in may see it: az resource show --ids {attempt.scope}",
        )
    if status == 429:
        return Throttled, "Wait some minutes, then repeat the call: what is done already is kept."
    if status >= 500 or status == 408:
        return AzureUnavailable, "Repeat the call in a few minutes: what is done already is kept."
    if code in BUSY_CODES:
        return AzureError, "Repeat the call when the other operation on the resource is over."
    return AzureError, "Read Azure's message above, correct what it names, and repeat the call."


def unreadable_answer(attempt: Attempt, answer: Answer, why: str) -> AzureUnavailable:
    """The error for an answer that is not what Azure Resource Manager says: HTML from a proxy, say.

    Its status is below 400: what was asked may have happened.
    """
    return AzureUnavailable(
        f"Could not {attempt.what}: the answer {answer.status} cannot be read ({safe_text(why, 200)}), so it probably "
        "did not come from Azure.",
        remedy="Check for a proxy or a sign-in page between here and Azure, then repeat the call.",
        status=answer.status,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def unexpected_answer(attempt: Attempt, answer: Answer) -> AzureError:
    """The error for a success or redirect that the SDK does not expect, a 202 in place of a 200 say (SDK source).

    Its status is below 400: what was asked may have happened, so whoever gets it looks.
    """
    if 300 <= answer.status < 400:
        return AzureUnavailable(
            f"Could not {attempt.what}: the answer was a redirect ({answer.status}), which is never followed.",
            remedy="Check for a proxy or a sign-in page between here and Azure: Azure Resource Manager never "
            "redirects this.",
            status=answer.status,
            request_id=answer.request_id,
            correlation_id=answer.correlation_id,
        )
    return AzureError(
        f"Could not see that this was done: {attempt.what}. Azure answered {answer.status}, which says that it may "
        "still be under way.",
        remedy="Repeat the call: it looks first at what exists, and does only what is missing.",
        status=answer.status,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def too_long(attempt: Attempt, status: int) -> AzureUnavailable:
    """The error for an answer that is longer than any of Azure's; what is there of it was not kept."""
    return AzureUnavailable(
        f"Could not {attempt.what}: the answer {status} is longer than any of Azure's, so it was not read to its end.",
        remedy="Check for a proxy or a sign-in page between here and Azure, then repeat the call.",
        status=status,
    )


def no_answer(attempt: Attempt, said: str, *, bad_certificate: bool = False) -> NoAnswer:
    """The error for a connection that broke; whether Azure did the work is not known from it (SDK source)."""
    return NoAnswer(
        f"Could not {attempt.what}: no answer came ({safe_text(said)}).",
        remedy="Give the client the certificate of whoever answers there: connection_verify='ca.pem'."
        if bad_certificate
        else "Check the network, then repeat the call: it looks first at what exists, and does only what is missing.",
    )


def not_signed_in(attempt: Attempt, said: str) -> AccessDenied:
    """The error for a credential that gave no token."""
    return AccessDenied(
        f"Could not {attempt.what}: not signed in, for the credential gave no token ({safe_text(_in_short(said))}).",
        remedy="Sign in (az login), or pass a credential that works here, for example ManagedIdentityCredential().",
    )


def is_without_token(error: PurviewMpeError) -> bool:
    """Whether the credential gave no token: then nothing can be asked anywhere.

    A 401 that Azure answers is about one resource or tenant (the token is of another tenant, say), and others may
    answer well.
    """
    return isinstance(error, AccessDenied) and error.status is None


def _in_short(said: str) -> str:
    """What a chain of credentials said, without the pages that it tells of those that are not set up (SDK source)."""
    found = re.findall(r"^\s*(\w+Credential): (.*)$", said, re.MULTILINE)
    if not found:
        return said
    # A credential that is set up and refused says so in these words; the others only say that they are not.
    refused = [f"{name}: {text}" for name, text in found if "AADSTS" in text or "Authentication failed" in text]
    return "; ".join([*refused, f"tried {', '.join(name for name, _ in found)}"])


def token_repeated(attempt: Attempt, answer: Answer) -> AzureUnavailable:
    """The error for an answer that says the token that it was asked with; nothing of it is told on."""
    return AzureUnavailable(
        f"Could not {attempt.what}: the answer {answer.status} repeats the token that was sent, which Azure never "
        "does, so it was not read.",
        remedy="Find out who answers in Azure's place (a proxy, a debugging tool), then repeat the call.",
        status=answer.status,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def blotted(text: str, *secrets: str) -> str:
    """The text without the secrets, and without anything that looks or is introduced like one."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _WEB_TOKEN.sub("***", _BEARER.sub(r"\1 ***", text))
    return _USER_INFO.sub("***@", text)


def is_about_the_sign_in(error: PurviewMpeError) -> bool:
    """Whether the caller has to sign in again or otherwise: no role and no other person's right mends that.

    Enforced multi-factor authentication speaks with the code of a policy (public code).
    """
    code = (error.azure_code or "").casefold()
    return isinstance(error, AccessDenied) and (error.status == 401 or code in _POLICY_CODES)


def is_busy(error: PurviewMpeError) -> bool:
    """Whether the same request may succeed once somebody else's operation is over.

    Re-creating an endpoint before its deletion has finished fails too (public code); Azure's code for that is not
    recorded, so its message is looked at.
    """
    if error.status not in {400, 409}:
        return False
    code = (error.azure_code or "").casefold()
    return (
        code in BUSY_CODES
        or (error.status == 409 and "deleting" in error.message.casefold())
        or ("being deleted" in error.message.casefold())
    )


def _read_body(body: str) -> tuple[str, str]:
    """Code and message. Data Factory nests them under `error` or not (spec has both)."""
    try:
        parsed: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    outer = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    inner = outer.get("error", outer)
    if not isinstance(inner, dict):
        return "", ""
    fields = cast("dict[str, Any]", inner)
    code, message = fields.get("code"), fields.get("message")
    return (
        safe_text(code, 100) if isinstance(code, str) else "",
        safe_text(message) if isinstance(message, str) else "",
    )


def safe_text(text: str, limit: int = 600) -> str:
    """One line of text from outside, short enough and without what steers a terminal."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    return line if len(line) <= limit else line[:limit] + "…"


def _provider(scope: str) -> str:
    parts = scope.split("/")
    return parts[6] if len(parts) > 6 else "<namespace>"


def _subscription(scope: str) -> str:
    parts = scope.split("/")
    return parts[2] if len(parts) > 2 else "<subscription>"
