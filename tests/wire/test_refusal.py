"""The facts in an error body, and the remedy that they give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from purview_mpe._wire.errors import Answer, Attempt, error_for, is_about_the_sign_in
from purview_mpe._wire.refusal import Policy, read_refusal
from purview_mpe._wire.sign_in import Challenge
from purview_mpe.errors import AccessDenied, AzureError, Locked, NotFound, PolicyDenied, PurviewMpeError
from tests.support.scripted import ACCOUNT, FACTORY, STORAGE

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1"
CREATING = Attempt("create the endpoint 'purview'", str(FACTORY), "Data Factory Contributor")
APPROVING = Attempt("approve the connection 'c' on 'st1'", str(STORAGE), "Storage Account Contributor", approves=True)
READING_DATA = Attempt("read the metadata policy", str(ACCOUNT), "Collection Admin", on_data_plane=True)


def made(attempt: Attempt, status: int, error: Any, **more: Any) -> PurviewMpeError:
    return error_for(attempt, Answer(status, json.dumps({"error": error}), **more))


def said(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


# --- multi-factor authentication

MFA = (
    "Resource 'df1' was disallowed by policy. Reasons: MFA is required. See error details for policy resource IDs. "
    "Users must authenticate with multi-factor authentication to create or update resources."
)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("attempt", [CREATING, APPROVING], ids=["creating", "approving"])
def test_missing_second_factor_asks_to_sign_in_again(attempt: Attempt, status: int) -> None:
    """Azure uses a policy's code for it, but the remedy is neither an exemption nor another person."""
    error = made(attempt, status, said("RequestDisallowedByPolicy", MFA))
    assert (type(error), error.code, is_about_the_sign_in(error)) == (AccessDenied, "access-denied", True)
    assert error.remedy.startswith("Sign in again with a second factor: az login --tenant <tenant> --claims-challenge ")
    assert "exemption" not in error.remedy


def test_claims_challenge_is_in_the_command() -> None:
    """The command has the answer's tenant and claims, as Azure CLI takes them."""
    challenge = Challenge("contoso.example", '{"access_token":{}}', "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==")
    error = made(CREATING, 401, said("RequestDisallowedByPolicy", MFA), challenge=challenge)
    command = 'az login --tenant contoso.example --claims-challenge "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    assert command in error.remedy


def test_policy_that_contains_mfa_in_a_word_stays_a_policy() -> None:
    """'MFA' and 'multifactor' count only as whole words."""
    error = made(CREATING, 403, said("RequestDisallowedByPolicy", "Reasons: 'Tag smfax is required'."))
    assert isinstance(error, PolicyDenied)
    assert not is_about_the_sign_in(error)


# --- policies

ASSIGNMENT = (
    "/providers/Microsoft.Management/managementGroups/corp/providers/Microsoft.Authorization/policyAssignments/deny-mpe"
)
IDENTIFIERS = [
    {
        "policyAssignment": {"name": "Guardrails " + "x" * 400, "id": ASSIGNMENT},
        "policyDefinition": {"name": "Deny endpoints", "id": "/providers/x"},
    }
]
LONG = f"Resource 'df1' was disallowed by policy. {'x' * 3000} Policy identifiers: '{json.dumps(IDENTIFIERS)}'."


@pytest.mark.parametrize(
    ("error", "name", "assignment"),
    [
        (said("RequestDisallowedByPolicy", LONG), "Guardrails", ASSIGNMENT),
        (
            {
                "code": "RequestDisallowedByPolicy",
                "additionalInfo": [
                    {
                        "type": "PolicyViolation",
                        "info": {"policyAssignmentName": "deny-mpe", "policyAssignmentId": ASSIGNMENT},
                    }
                ],
            },
            "deny-mpe",
            ASSIGNMENT,
        ),
        (
            {
                "code": "RequestDisallowedByPolicy",
                "details": [{"additionalInfo": [{"info": {"policyDefinitionDisplayName": "Only known targets"}}]}],
            },
            "Only known targets",
            "",
        ),
    ],
    ids=["end of the message", "additional info", "details"],
)
def test_policy_is_named_from_every_place(error: Any, name: str, assignment: str) -> None:
    """From `additionalInfo`, from that of a detail, or from the end of a message of any length."""
    remedy = made(CREATING, 403, error).remedy
    assert f"Ask the owner of the policy '{name}" in remedy
    if assignment:
        assert f"--policy-assignment {assignment} --scope {FACTORY}" in remedy


def test_microsofts_subscription_is_mentioned_only_for_approvals() -> None:
    """A creation is refused for other reasons."""
    error = said("RequestDisallowedByPolicy", "Reasons: 'Only approved targets.'.")
    assert "subscription of Microsoft's" not in made(CREATING, 403, error).remedy
    assert "subscription of Microsoft's" in made(APPROVING, 403, error).remedy


@pytest.mark.parametrize("tail", ["", "[", "[{]'.", "[1, null]'.", "[" + "[" * 5000 + "]'."])
def test_invalid_policy_identifiers_are_ignored(tail: str) -> None:
    """Text that is not JSON names no policy."""
    assert read_refusal(json.dumps(said("x", f"Policy identifiers: '{tail}"))).policies == ()


def test_repeated_policy_is_named_once() -> None:
    """Several details may contain the same policy."""
    info = {"info": {"policyAssignmentName": "p", "policyAssignmentId": "/p"}}
    refusal = read_refusal(json.dumps({"code": "x", "additionalInfo": [info, info, {"info": 5}, 7]}))
    assert refusal.policies == (Policy("p", "/p"),)


# --- linked scopes


def linked(action: str, scope: str) -> dict[str, str]:
    return said(
        "LinkedAuthorizationFailed",
        "The client 'app' with object id '11111111-2222-3333-4444-555555555555' has permission to perform action "
        f"'Microsoft.DataFactory/factories/write' on scope '{FACTORY}'; however, it does not have permission to perform "
        f"action(s) '{action}' on the linked scope(s) '{scope}' (respectively) or the linked scope(s) are invalid.",
    )


IDENTITY = f"{GROUP}-{'x' * 80}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-adf"


@pytest.mark.parametrize(
    ("action", "scope", "role"),
    [
        ("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", IDENTITY, "'Managed Identity Operator'"),
        ("Microsoft.Network/virtualNetworks/subnets/join/action", f"{GROUP}/x", "'Network Contributor'"),
        ("Microsoft.Other/things/join/action", f"{GROUP}/x", "<role>"),
    ],
)
def test_missing_right_on_a_linked_scope_is_requested_there(action: str, scope: str, role: str) -> None:
    """The remedy has the linked scope in full, the action and its role, not the role of the first scope."""
    error = made(CREATING, 403, linked(action, scope))
    assert isinstance(error, AccessDenied)
    assert (
        f"az role assignment create --role {role.replace(chr(39), chr(34))} --assignee YOU --scope {scope}"
        in error.remedy
    )
    assert action in error.remedy
    assert "Data Factory Contributor" not in error.remedy


def test_every_linked_scope_is_named() -> None:
    """Each linked scope has its own command."""
    remedy = made(CREATING, 403, linked("a/b/action", f"{GROUP}/a, {GROUP}/b")).remedy
    assert remedy.count("az role assignment create") == 2
    assert f"Ask an owner of {GROUP}/a and {GROUP}/b" in remedy


def test_invalid_linked_scope_is_not_in_a_command() -> None:
    """People paste commands, and shells interpret quotes, semicolons and dollar signs."""
    remedy = made(CREATING, 403, linked("a/b/action", "/x;rm -rf $HOME`id`")).remedy
    assert "--scope <as named above>" in remedy
    assert "--scope /x" not in remedy


# --- locks


@pytest.mark.parametrize(
    ("scope", "options"),
    [
        (GROUP, f"--resource-group rg1 --subscription {SUBSCRIPTION}"),
        (f"/subscriptions/{SUBSCRIPTION}", f"--subscription {SUBSCRIPTION}"),
        (str(STORAGE), f"--resource {STORAGE}"),
        (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg (données)",
            '--resource-group "rg (données)" --subscription',
        ),
        ("/x;rm", "--resource <the scope named above>"),
    ],
)
def test_lock_is_listed_at_its_scope(scope: str, options: str) -> None:
    """The command uses the locked scope, which is often not the requested resource."""
    message = f"The scope '{FACTORY}' cannot perform write operation because following scope(s) are locked: '{scope}'."
    error = made(CREATING, 409, said("ScopeLocked", message))
    assert isinstance(error, Locked)
    assert f"az lock list {options}" in error.remedy


def test_lock_without_a_scope_is_listed_at_the_resource() -> None:
    """The wording of Azure's message may change."""
    assert made(CREATING, 409, said("ScopeLocked", "Locked.")).remedy.endswith(f"az lock list --resource {FACTORY}")


# --- forms of the body


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        ({"code": 35001, "message": "Only one account."}, "35001", "Only one account."),
        ({"code": True, "message": "x"}, "", "x"),
        ({"code": 10**400, "message": "x"}, "", "x"),
        ({"code": "A", "details": [{"code": "B", "message": "The useful sentence."}]}, "A", "The useful sentence."),
        ({"details": [{"code": "B", "message": "Only here."}]}, "B", "Only here."),
        ({"code": "A", "message": "One.", "details": [{"message": "One."}, {"message": "Two."}]}, "A", "One. Two."),
        ({"code": "A", "message": None, "details": None, "additionalInfo": None}, "A", ""),
        ("text", "", "text"),
    ],
)
def test_code_and_message_are_found_in_any_form(error: Any, code: str, text: str) -> None:
    """Numeric codes, missing messages, and details with the only useful sentence."""
    refusal = read_refusal(json.dumps({"error": error}))
    assert (refusal.code, refusal.said) == (code, text)


def test_message_of_a_detail_is_included() -> None:
    """The error's code is that of the first level."""
    error = made(
        CREATING, 400, {"code": "BadRequest", "message": "Failed.", "details": [{"message": "fqdns is wrong."}]}
    )
    assert error.message.endswith("Azure answered 400 (BadRequest): Failed. fqdns is wrong.")


def test_token_in_json_escapes_is_removed() -> None:
    """A search in the raw body would not find it."""
    body = '{"error": {"message": "You sent \\u0065yJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0.sig"}}'
    assert read_refusal(body).said == "You sent ***"


def test_huge_body_is_not_parsed() -> None:
    """Only the status counts."""
    assert read_refusal(json.dumps({"error": {"code": "A", "message": "x" * 2**20}})).code == ""


# --- api-versions


def test_unsupported_api_version_is_explained() -> None:
    """The remedy lists the supported versions, and a way without this library."""
    message = (
        "No registered resource provider found for location 'chinanorth3' and API version '2026-09-01' for type "
        "'storageAccounts/privateEndpointConnections'. The supported api-versions are '2025-06-01, 2024-01-01'."
    )
    error = made(APPROVING, 400, said("NoRegisteredProviderFound", message))
    assert type(error) is AzureError
    assert error.remedy == (
        "Install an older azure-mgmt-storage, whose api-version this cloud and region support (it has 2025-06-01, "
        "2024-01-01), or approve on the target's Networking page in the portal."
    )


# --- tenants and the data plane


def test_tenant_of_the_subscription_is_named() -> None:
    """Azure's message contains the expected tenant."""
    message = (
        "The access token is from the wrong issuer 'https://sts.windows.net/aaaa/'. It must match the tenant "
        "'https://sts.windows.net/bbbb-cccc/' associated with this subscription."
    )
    error = made(CREATING, 401, said("InvalidAuthenticationTokenTenant", message))
    assert "az login --tenant bbbb-cccc" in error.remedy


@pytest.mark.parametrize(
    ("status", "message", "kind", "remedy"),
    [
        (401, "Unauthorized", AccessDenied, "Sign in to the tenant of the Purview account"),
        (403, "Not authorized to access account", AccessDenied, "Ask a collection admin for the role Collection Admin"),
        (
            403,
            (
                "Not authorized to access this account. This account is behind a private endpoint. Please access it from "
                "a client in the same virtual network."
            ),
            AccessDenied,
            "Run this from inside the account's private network",
        ),
        (404, "Not there.", AzureError, "Check the resource in the portal"),
    ],
)
def test_data_plane_remedies_assign_no_azure_role(status: int, message: str, kind: Any, remedy: str) -> None:
    """On Purview's data plane, its own roles and its network decide."""
    error = made(READING_DATA, status, said("Unauthorized", message))
    assert isinstance(error, kind)
    assert error.remedy.startswith(remedy)
    assert "az role assignment" not in error.remedy


@pytest.mark.parametrize(("code", "kind"), [("ATLAS-404-00-009", NotFound), ("ATLAS-400-00-029", AzureError)])
def test_catalog_404_needs_the_catalogs_code_to_mean_gone(code: str, kind: type[AzureError]) -> None:
    """The catalog answers with Atlas's own codes."""
    answer = {"requestId": "1", "errorCode": code, "errorMessage": "Instance is invalid/not found"}
    error = error_for(READING_DATA, Answer(404, json.dumps(answer)))
    assert (type(error), error.azure_code) == (kind, code)


# --- deny assignments


def test_deny_assignment_against_an_approval_names_the_portal() -> None:
    """Purview protects its managed resources with a deny assignment."""
    error = made(APPROVING, 403, said("DenyAssignmentAuthorizationFailed", "Denied."))
    assert error.remedy.startswith("Approve on the Purview account's Networking page in the portal")


def test_catalogs_error_form_is_read() -> None:
    """Code and message are in `errorCode` and `errorMessage`."""
    body = {"requestId": "1", "errorCode": "ATLAS-404-00-009", "errorMessage": "It does not exist"}
    refusal = read_refusal(json.dumps(body))
    assert (refusal.code, refusal.said) == ("ATLAS-404-00-009", "It does not exist")
    assert isinstance(error_for(READING_DATA, Answer(404, json.dumps(body))), NotFound)
