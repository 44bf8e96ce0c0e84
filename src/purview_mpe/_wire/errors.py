"""Azure's error answers as errors of this library: the class, the words and the remedy.

`refusal` reads the body of an answer, `remedies` decides what it means, and this module writes the sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._wire.attempt import Answer, Attempt
from purview_mpe._wire.refusal import read_refusal
from purview_mpe._wire.remedies import BUSY_CODES, POLICY_CODES, kind_and_remedy
from purview_mpe._wire.sign_in import read_no_token, remedy_for
from purview_mpe._wire.text import blotted, safe_text
from purview_mpe.errors import AccessDenied, AzureError, AzureUnavailable, NoAnswer, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Answer",
    "Attempt",
    "blotted",
    "error_for",
    "is_about_the_sign_in",
    "is_busy",
    "is_without_token",
    "no_answer",
    "no_token",
    "safe_text",
    "token_repeated",
    "too_long",
    "unexpected_answer",
    "unreadable_answer",
]


def error_for(attempt: Attempt, answer: Answer) -> PurviewMpeError:
    """The error for an answer."""
    refusal = read_refusal(answer.body)
    came_back = f"Azure answered {answer.status}" + (f" ({refusal.code})" if refusal.code else "")
    came_back += f": {refusal.said}" if refusal.said else "."
    if answer.no_other_token:
        came_back += f" The credential gave no other token ({answer.no_other_token})."
    kind, remedy = kind_and_remedy(attempt, answer, refusal)
    return kind(
        f"Could not {attempt.what}: {came_back}",
        remedy=remedy,
        status=answer.status,
        azure_code=refusal.code or None,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def unreadable_answer(attempt: Attempt, answer: Answer, why: str) -> AzureUnavailable:
    """The error for an answer that cannot come from Azure Resource Manager, for example HTML from a proxy.

    Its status is below 400: Azure may have done what was requested.
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
    """The error for a success or redirect that the SDK does not expect, for example 202 for 200 (SDK source).

    Its status is below 400: Azure may have done what was requested, so the caller has to look.
    """
    if 300 <= answer.status < 400:
        service = "Purview" if attempt.on_data_plane else "Azure Resource Manager"
        return AzureUnavailable(
            f"Could not {attempt.what}: the answer was a redirect ({answer.status}), which is never followed.",
            remedy=f"Check for a proxy or a sign-in page between here and Azure, because {service} does not redirect "
            "this request. Then repeat the call.",
            status=answer.status,
            request_id=answer.request_id,
            correlation_id=answer.correlation_id,
        )
    return AzureError(
        f"Could not confirm that this was done: {attempt.what}. Azure answered {answer.status}, which says that it may "
        "still be under way.",
        remedy="Repeat the call: it reads Azure first and does only what is missing.",
        status=answer.status,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def too_long(attempt: Attempt, status: int) -> AzureUnavailable:
    """The error for an answer that is longer than any of Azure's; the received part was not kept."""
    return AzureUnavailable(
        f"Could not {attempt.what}: the answer {status} is longer than any of Azure's, so it was not read to its end.",
        remedy="Check for a proxy or a sign-in page between here and Azure, then repeat the call.",
        status=status,
    )


def no_answer(
    attempt: Attempt, said: str, *, host: str = "", proxy: str | None = None, bad_certificate: bool = False
) -> NoAnswer:
    """The error for a broken connection; it does not show whether Azure did the work (SDK source).

    `host` is the host of the request, with its port, and `proxy` the address of the proxy on the way there.
    """
    way = (f" from {host}" if host else "") + (f" through the proxy {proxy}" if proxy else "")
    return NoAnswer(
        f"Could not {attempt.what}: no answer came{way} ({safe_text(said)}).",
        remedy=_way_remedy(host, proxy, bad_certificate=bad_certificate),
    )


def _way_remedy(host: str, proxy: str | None, *, bad_certificate: bool) -> str:
    if bad_certificate:
        return (
            "Give the client the certificate authority of the server that answers there, for example a proxy: "
            "connection_verify='ca.pem', or the variable REQUESTS_CA_BUNDLE or SSL_CERT_FILE."
        )
    looks = "then repeat the call: it reads Azure first and does only what is missing."
    if proxy:
        return f"Check that the proxy {proxy} runs and lets requests to {host} through, {looks}"
    if host:
        return f"Check that {host} can be reached from here (behind a proxy, set HTTPS_PROXY), {looks}"
    return f"Check the network, {looks}"


def no_token(attempt: Attempt, said: str, *, proxy_for: Callable[[str], str | None]) -> AccessDenied | NoAnswer:
    """The error for a credential that gave no token, based on its message.

    `proxy_for` names the proxy on the way to a host.
    """
    trouble = read_no_token(said)
    if trouble.cause == "unreachable":
        host = trouble.host or "the sign-in host"
        return no_answer(attempt, trouble.said, host=host, proxy=proxy_for(trouble.host.partition(":")[0]))
    return AccessDenied(
        f"Could not {attempt.what}: not signed in, for the credential gave no token ({safe_text(trouble.said, 900)}).",
        remedy=remedy_for(trouble),
    )


def is_about_the_sign_in(error: PurviewMpeError) -> bool:
    """True if the caller has to sign in again or in another way: neither a role nor another person's right helps.

    Enforced multi-factor authentication uses a policy's error code (public code).
    """
    return isinstance(error, AccessDenied) and (
        error.status in {None, 401} or (error.azure_code or "").casefold() in POLICY_CODES
    )


def is_without_token(error: PurviewMpeError) -> bool:
    """True if the credential gave no token: then no request at all is possible.

    A 401 from Azure concerns one resource or tenant, for example because the token belongs to another tenant; other
    resources may still answer.
    """
    return isinstance(error, AccessDenied) and error.status is None


def token_repeated(attempt: Attempt, answer: Answer) -> AzureUnavailable:
    """The error for an answer that repeats the request's token; the error quotes nothing from the answer."""
    return AzureUnavailable(
        f"Could not {attempt.what}: the answer {answer.status} repeats the token that was sent, which Azure never "
        "does, so it was not read.",
        remedy="Find out who answers in Azure's place (a proxy, a debugging tool), then repeat the call.",
        status=answer.status,
        request_id=answer.request_id,
        correlation_id=answer.correlation_id,
    )


def is_busy(error: PurviewMpeError) -> bool:
    """True if the same request may succeed once another caller's operation has ended.

    Creating an endpoint again before its deletion has finished fails, too (public code). Azure's code for that is not
    recorded, so the message decides.
    """
    code = (error.azure_code or "").casefold()
    if error.status == 429:
        return code in BUSY_CODES  # a subnet that has an operation under way (public code)
    if error.status not in {400, 409}:
        return False
    return (
        code in BUSY_CODES
        or (error.status == 409 and "deleting" in error.message.casefold())
        or ("being deleted" in error.message.casefold())
    )
