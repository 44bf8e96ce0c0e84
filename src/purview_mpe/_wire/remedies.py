"""The meaning of Azure's error answers, and what to do about them: a table of statuses and codes.

A status alone is not enough: a 403 may be a policy, a lock or a missing second factor, and a 404 may mean that the
caller uses the wrong cloud. Codes are compared in lower case, because Azure spells them in more than one way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._rules.reach import FROM_INSIDE
from purview_mpe._wire.operations import remedy_by_message
from purview_mpe._wire.shell import quoted
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    Locked,
    NotFound,
    PolicyDenied,
    Throttled,
)

if TYPE_CHECKING:
    from purview_mpe._wire.attempt import Answer, Attempt
    from purview_mpe._wire.refusal import Policy, Refusal

#: Codes of storage and Data Factory while another operation holds the resource: repeating the request later helps.
#: `StorageAccountOperationInProgress` is in public code; the others are generic codes of Azure Resource Manager.
BUSY_CODES = frozenset(
    {
        "storageaccountoperationinprogress",
        "anotheroperationinprogress",
        "conflictingconcurrentwritenotallowed",
        "inuseresourceupdate",
        "resourceoperationinprogress",
    }
)
POLICY_CODES = frozenset({"requestdisallowedbypolicy"})
#: The 404s that mean that a resource does not exist (docs: "Resolve errors for resource not found"). Data Factory
#: answers `NotFound` for its child resources (recorded 2023-11).
GONE_CODES = frozenset({"resourcenotfound", "resourcegroupnotfound", "parentresourcenotfound", "notfound"})
#: The prefix of the codes with which Purview's catalog says the same (Apache Atlas: `AtlasErrorCode`).
_GONE_FROM_CATALOG = "atlas-404-"
#: An api-version or a type that this cloud, or this region of it, does not have (public code, China in 2026-05).
VERSION_CODES = frozenset(
    {"noregisteredproviderfound", "invalidresourcetype", "invalidapiversionparameter", "unsupportedapiversion"}
)
#: Smallest built-in roles for actions that are needed on a second resource (docs: "Azure built-in roles").
_LINKED_ROLES = (
    ("microsoft.managedidentity/userassignedidentities/assign/action", "Managed Identity Operator"),
    ("microsoft.network/virtualnetworks/subnets/join/action", "Network Contributor"),
    ("microsoft.network/privatednszones/join/action", "Private DNS Zone Contributor"),
    ("microsoft.storage/storageaccounts/privateendpointconnectionsapproval/action", "Storage Account Contributor"),
    ("microsoft.purview/accounts/privateendpointconnectionsapproval/action", "Contributor"),
    ("microsoft.eventhub/namespaces/privateendpointconnectionsapproval/action", "Contributor"),
)
_PROVIDER = re.compile(r"'([A-Za-z]{1,50}\.[A-Za-z.]{1,50})'")
#: Texts from an answer that may be part of a command: ids and names in any script.
_WORD = re.compile(r"[-\w/.()@ ]{1,500}")
#: Purview's data plane to a caller outside the account's network (docs: "Not authorized to access this … account").
_PRIVATE = "private endpoint"
_AGAIN = "repeat the call: what is done already is kept."


def kind_and_remedy(attempt: Attempt, answer: Answer, refusal: Refusal) -> tuple[type[AzureError], str]:
    """The class of the error and its remedy."""
    code = refusal.code.casefold()
    if answer.status == 401 or (code in POLICY_CODES and refusal.wants_mfa):
        return AccessDenied, _sign_in(attempt, answer, refusal)
    if code in POLICY_CODES:
        return PolicyDenied, _policy(attempt, refusal)
    if code == "requestdisallowedbyazure":
        return (
            PolicyDenied,
            "Read Azure's message above: Azure itself refuses this here, and only a support request can change that.",
        )
    if code == "scopelocked":
        return Locked, _lock(attempt, refusal)
    if code == "denyassignmentauthorizationfailed":
        return AccessDenied, _deny_assignment(attempt)
    if code == "linkedauthorizationfailed" and refusal.linked_scopes:
        return AccessDenied, _linked(refusal)
    if code == "missingsubscriptionregistration":
        return AzureError, _registration(attempt, refusal)
    if code in VERSION_CODES:
        return AzureError, _version(attempt, refusal)
    return _by_status(attempt, answer.status, code, refusal)


def _by_status(attempt: Attempt, status: int, code: str, refusal: Refusal) -> tuple[type[AzureError], str]:
    if status == 403:
        return AccessDenied, _role(attempt, refusal)
    if code == "subscriptionnotfound":
        return AccessDenied, (
            "Check that this sign-in sees the subscription: az account list --all --query "
            f"\"[?id=='{_subscription(attempt.scope)}']\"; if it does not, sign in to its tenant (az login --tenant "
            "<tenant>) or choose its cloud with cloud= (--cloud)."
        )
    if status == 404 and (code in GONE_CODES or code.startswith(_GONE_FROM_CATALOG)):
        return NotFound, (
            "Check that the resource exists and that this sign-in is allowed to see it: az resource show --ids "
            f"{_word(attempt.scope)}"
        )
    if status == 404:
        return AzureError, (
            "Check the resource in the portal: this answer does not say that it is gone (az resource show --ids "
            f"{_word(attempt.scope)})."
        )
    if status == 429:
        return Throttled, f"Wait some minutes, then {_AGAIN}"
    if status >= 500 or status == 408:
        return AzureUnavailable, "Repeat the call in a few minutes: what is done already is kept."
    if code in BUSY_CODES:
        return AzureError, "Repeat the call when the other operation on the resource is over."
    if (remedy := remedy_by_message(refusal.said)) is not None:
        return AzureError, remedy
    return AzureError, "Read Azure's message above, correct what it names, and repeat the call."


def _sign_in(attempt: Attempt, answer: Answer, refusal: Refusal) -> str:
    challenge = answer.challenge
    tenant = refusal.tenant or (challenge and challenge.tenant) or "<tenant>"
    claims = challenge and challenge.encoded_claims
    if refusal.wants_mfa or claims:
        # Base64 holds no character that a shell interprets between double quotes.
        shown = f'"{claims}"' if claims else "<claims> (Azure CLI shows both when it is refused in the same way)"
        return (
            f"Sign in again with a second factor: az login --tenant {tenant} --claims-challenge {shown}; automation "
            "signs in as a service principal or managed identity, which needs none."
        )
    if attempt.on_data_plane:
        return (
            f"Sign in to the tenant of the Purview account (az login --tenant {tenant}), as a user who holds the role "
            f"{attempt.role} on its root collection."
        )
    return (
        f"Sign in again (az login --tenant {tenant}), or give the client a credential of the tenant that the "
        "subscription belongs to."
    )


def _policy(attempt: Attempt, refusal: Refusal) -> str:
    names = " and ".join(map(_called, refusal.policies)) or "named above"
    remedy = f"Ask the owner of the policy {names} for an exemption"
    if attempt.approves:
        remedy += (
            " (private endpoints of Data Factory come from a subscription of Microsoft's, which such policies often "
            "forbid)"
        )
    if (assignment := next((policy.assignment for policy in refusal.policies if policy.assignment), "")) == "":
        return f"{remedy}."
    return (
        f"{remedy}: az policy exemption create --name purview-mpe --exemption-category Waiver --policy-assignment "
        f"{_word(assignment)} --scope {_word(attempt.home or attempt.scope)}"
    )


def _called(policy: Policy) -> str:
    last = policy.assignment.rpartition("/")[2]
    return f"{policy.name!r}" + (f" ({last})" if last and last != policy.name else "")


def _lock(attempt: Attempt, refusal: Refusal) -> str:
    scopes = refusal.locked_scopes or (attempt.scope,)
    commands = "; ".join(f"az lock list {_lock_options(scope)}" for scope in scopes[:3])
    return f"Remove the lock, or have its owner do it: {commands}"


def _lock_options(scope: str) -> str:
    """The options of `az lock list` for a subscription, a resource group or a resource."""
    parts = scope.strip("/").split("/")
    lowered = [part.casefold() for part in parts]
    if lowered[:1] != ["subscriptions"] or len(parts) < 2 or _WORD.fullmatch(scope) is None:
        return "--resource <the scope named above>"
    if len(parts) == 2:
        return f"--subscription {quoted(parts[1])}"
    if len(parts) == 4 and lowered[2] == "resourcegroups":
        return f"--resource-group {quoted(parts[3])} --subscription {quoted(parts[1])}"
    return f"--resource {quoted(scope)}"


def _deny_assignment(attempt: Attempt) -> str:
    if attempt.approves:
        return (
            "Approve on the Purview account's Networking page in the portal, or ask Microsoft: a deny assignment "
            "protects resources that Purview manages, and no role overrides it."
        )
    return (
        "Ask the owner of the deny assignment named above: it protects resources that another service or a deployment "
        "stack manages, and no role overrides it."
    )


def _linked(refusal: Refusal) -> str:
    action = refusal.linked_action
    role = next((role for known, role in _LINKED_ROLES if known in action.casefold()), None)
    shown = f"the role {role}" if role else f"a role that allows {action}"
    commands = "; ".join(
        f"az role assignment create --role {quoted(role) if role else '<role>'} --assignee YOU --scope {_word(scope)}"
        for scope in refusal.linked_scopes
    )
    return f"Ask an owner of {' and '.join(refusal.linked_scopes)} for {shown} ({action}): {commands}"


def _registration(attempt: Attempt, refusal: Refusal) -> str:
    named = _PROVIDER.search(refusal.said)
    provider = named[1] if named else _provider(attempt.scope)
    return (
        "Register the resource provider, which this library never does by itself: az provider register "
        f"--namespace {provider} --subscription {_subscription(attempt.scope)}"
    )


def _version(attempt: Attempt, refusal: Refusal) -> str:
    has = f" (it has {', '.join(refusal.versions[:10])})" if refusal.versions else ""
    portal = "approve on the target's Networking page in the portal" if attempt.approves else "use the portal for this"
    service = _provider(attempt.scope).rpartition(".")[2].casefold()
    return f"Install an older azure-mgmt-{service}, whose api-version this cloud and region support{has}, or {portal}."


def _role(attempt: Attempt, refusal: Refusal) -> str:
    if attempt.on_data_plane:
        if _PRIVATE in refusal.said.casefold():
            return FROM_INSIDE
        return (
            f"Ask a collection admin for the role {attempt.role} on the root collection, in the Microsoft Purview "
            "portal under Data Map, Domains and collections, Role assignments."
        )
    return (
        f"Ask an owner for the role {attempt.role}: az role assignment create --role {attempt.role!r} "
        f"--assignee YOU --scope {attempt.home or attempt.scope}"
    )


def _word(text: str) -> str:
    """A word of a command; a text that cannot be an id or name is replaced."""
    return quoted(text) if _WORD.fullmatch(text) else "<as named above>"


def _provider(scope: str) -> str:
    parts = scope.split("/")
    return parts[6] if len(parts) > 6 else "<namespace>"


def _subscription(scope: str) -> str:
    parts = scope.split("/")
    return parts[2] if len(parts) > 2 else "<subscription>"
