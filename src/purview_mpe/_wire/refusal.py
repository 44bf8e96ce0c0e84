"""The body of an error answer: its code, its message, and the facts in them.

Azure Resource Manager's shape is `{"error": {"code", "message", "target", "details", "additionalInfo"}}` (its "Common
error response" in the OpenAPI files). Services differ from it: Data Factory has the fields without `error` as well,
codes are sometimes numbers, messages are missing, and the only useful sentence is in `details` or at the end of a
long message (docs, public code). Purview's catalog answers `{"requestId", "errorCode", "errorMessage"}` (spec).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._wire.reading import as_mapping, mapping, objects, text
from purview_mpe._wire.text import LONGEST, LONGEST_ERROR, blotted, safe_text

if TYPE_CHECKING:
    from purview_mpe._wire.reading import Object

_MOST = 5
#: "…does not have permission to perform action(s) 'A' on the linked scope(s) 'S' (respectively)…" (public code).
_LINKED = re.compile(r"action\(s\) '([^']{1,300})' on the linked scope\(s\) '([^']{1,1500})'", re.IGNORECASE)
#: "…because following scope(s) are locked: '/subscriptions/…'. Please remove the lock and try again." (docs)
_LOCKED = re.compile(r"are locked: ?'([^']{1,1500})'", re.IGNORECASE)
#: "Policy identifiers: '[{"policyAssignment":{"name":…,"id":…},"policyDefinition":{…}}]'." (docs)
_POLICIES = ("Policy identifiers: '[", "]'")
#: "…must match one of the tenants 'https://sts.windows.net/<tenant>/' associated with this subscription." (public code)
_TENANT = re.compile(r"must match [^']{0,60}'https://[\w.-]{1,100}/([\w.-]{1,100})/?'", re.IGNORECASE)
#: "The supported api-versions are '2025-06-01, 2024-01-01'." (docs)
_VERSIONS = re.compile(r"supported api-versions are '([^']{1,2000})'", re.IGNORECASE)
#: "Reasons: MFA is required" under a policy's code (public code): an exemption would not help.
_MFA = re.compile(r"\bMFA\b|\bmulti-?factor\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that refused a request."""

    name: str
    """The name as people know it; the last part of the id if it has no name."""
    assignment: str = ""
    """Id of the assignment; empty if Azure gave none."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The content of an error answer; every text is bounded and printable."""

    code: str = ""
    said: str = ""
    """Azure's sentences, including those of `details`."""
    policies: tuple[Policy, ...] = ()
    wants_mfa: bool = False
    """True if the answer is about multi-factor authentication, that is, how the caller signed in."""
    linked_action: str = ""
    """The action that the caller lacks on a resource other than the requested one."""
    linked_scopes: tuple[str, ...] = ()
    locked_scopes: tuple[str, ...] = ()
    tenant: str = ""
    """The tenant whose token Azure wants."""
    versions: tuple[str, ...] = ()
    """The available api-versions, if the requested one is not among them."""


def read_refusal(body: str) -> Refusal:
    """The content of an error answer's body."""
    error = _error_of(body)
    details = objects(error, "details")[:_MOST]
    message, more = _text(error, "message"), [_text(detail, "message") for detail in details]
    everything = " ".join([message, *more])
    holders: list[Object] = [error, *details]
    infos = [mapping(info, "info") for holder in holders for info in objects(holder, "additionalInfo")[:_MOST]]
    linked, tenant = _LINKED.search(everything), _TENANT.search(everything)
    return Refusal(
        code=next((code for holder in holders if (code := _code_of(holder))), ""),
        said=_sentences(message, more),
        policies=_policies(infos) or _policies_at_the_end_of(everything),
        wants_mfa=_MFA.search(everything) is not None,
        linked_action=safe_text(linked[1], 200) if linked else "",
        linked_scopes=_listed(linked[2]) if linked else (),
        locked_scopes=tuple(scope for found in _LOCKED.findall(everything)[:_MOST] for scope in _listed(found)),
        tenant=tenant[1] if tenant else "",
        versions=_listed(versions[1]) if (versions := _VERSIONS.search(everything)) else (),
    )


def _error_of(body: str) -> Object:
    if len(body) > LONGEST_ERROR:
        return {}
    try:
        outer = as_mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}
    inner = outer.get("error", outer)
    found: Object = {"message": inner} if isinstance(inner, str) else as_mapping(inner)
    if "errorCode" in found and "code" not in found:
        return {**found, "code": found["errorCode"], "message": found.get("errorMessage")}
    return found


def _code_of(error: Object) -> str:
    """Azure's code: a text, or with some services a number."""
    code = error.get("code")
    if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 10**12:
        return str(code)
    return safe_text(code, 100) if isinstance(code, str) else ""


def _text(holder: Object, key: str) -> str:
    """A text of the answer; checked here again, because JSON escapes may have hidden a token in it."""
    return blotted(text(holder, key)[:LONGEST])


def _sentences(message: str, details: list[str]) -> str:
    """The message, and the additional sentences of the details."""
    more = [detail for detail in dict.fromkeys(details) if detail not in message]
    return safe_text(" ".join([message, *more]))


def _listed(quoted: str) -> tuple[str, ...]:
    """The parts of a comma-separated list."""
    parts = (safe_text(part, 500).rstrip("/") for part in quoted.split(",")[: 10 * _MOST])
    return tuple(dict.fromkeys(filter(None, parts)))


def _policies(infos: list[Object]) -> tuple[Policy, ...]:
    """The policies of `additionalInfo` (its type "PolicyViolation" in the docs)."""
    keys = [f"policy{kind}{form}" for kind in ("Assignment", "Definition") for form in ("DisplayName", "Name")]
    found = [
        _policy(next((name for key in keys if (name := text(info, key))), ""), text(info, "policyAssignmentId"))
        for info in infos
    ]
    return tuple(dict.fromkeys(filter(None, found)))


def _policies_at_the_end_of(said: str) -> tuple[Policy, ...]:
    """The policies that a message names, as JSON between quotes."""
    begin = said.find(_POLICIES[0])
    end = said.find(_POLICIES[1], begin)
    if begin < 0 or end < 0:
        return ()
    try:
        listed: Any = json.loads(said[begin + len(_POLICIES[0]) - 1 : end + 1])
    except (ValueError, RecursionError):
        return ()
    assignments = [mapping(as_mapping(item), "policyAssignment") for item in cast("list[object]", listed)[:_MOST]]
    found = [_policy(text(assignment, "name"), text(assignment, "id")) for assignment in assignments]
    return tuple(dict.fromkeys(filter(None, found)))


def _policy(name: str, assignment: str) -> Policy | None:
    shown = safe_text(name or assignment.rpartition("/")[2], 120)
    return Policy(shown, safe_text(assignment, 300)) if shown else None
