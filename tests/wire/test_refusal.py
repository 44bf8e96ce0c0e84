"""The facts that an error body hides, and the remedy that is made of them."""

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
def test_a_missing_second_factor_is_a_sign_in_to_repeat(attempt: Attempt, status: int) -> None:
    """Under a policy's code: never an exemption, and nothing that another person can do."""
    error = made(attempt, status, said("RequestDisallowedByPolicy", MFA))
    assert (type(error), error.code, is_about_the_sign_in(error)) == (AccessDenied, "access-denied", True)
    assert error.remedy.startswith("Sign in again with a second factor: az login --tenant <tenant> --claims-challenge ")
    assert "exemption" not in error.remedy


def test_a_claims_challenge_stands_in_the_command() -> None:
    """Tenant and claims of the answer, as Azure CLI takes them."""
    challenge = Challenge("contoso.example", '{"access_token":{}}', "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==")
    error = made(CREATING, 401, said("RequestDisallowedByPolicy", MFA), challenge=challenge)
    command = 'az login --tenant contoso.example --claims-challenge "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    assert command in error.remedy


def test_a_policy_that_only_mentions_other_factors_stays_a_policy() -> None:
    """'MFA' and 'multifactor' count as words of their own."""
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
def test_the_policy_is_named_wherever_azure_names_it(error: Any, name: str, assignment: str) -> None:
    """In `additionalInfo`, in that of a detail, or at the end of a message of any length."""
    remedy = made(CREATING, 403, error).remedy
    assert f"Ask the owner of the policy '{name}" in remedy
    if assignment:
        assert f"--policy-assignment {assignment} --scope {FACTORY}" in remedy


def test_only_an_approval_speaks_of_microsofts_subscription() -> None:
    """A creation is refused for other reasons."""
    error = said("RequestDisallowedByPolicy", "Reasons: 'Only approved targets.'.")
    assert "subscription of Microsoft's" not in made(CREATING, 403, error).remedy
    assert "subscription of Microsoft's" in made(APPROVING, 403, error).remedy


@pytest.mark.parametrize("tail", ["", "[", "[{]'.", "[1, null]'.", "[" + "[" * 5000 + "]'."])
def test_broken_policy_identifiers_name_nothing(tail: str) -> None:
    """What is not JSON is not taken apart."""
    assert read_refusal(json.dumps(said("x", f"Policy identifiers: '{tail}"))).policies == ()


def test_the_same_policy_is_named_once() -> None:
    """Several details may repeat it."""
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
def test_a_right_that_is_missing_elsewhere_is_asked_for_there(action: str, scope: str, role: str) -> None:
    """The linked scope in full, the action, and the role that has it; not the role of the first scope."""
    error = made(CREATING, 403, linked(action, scope))
    assert isinstance(error, AccessDenied)
    assert (
        f"az role assignment create --role {role.replace(chr(39), chr(34))} --assignee YOU --scope {scope}"
        in error.remedy
    )
    assert action in error.remedy
    assert "Data Factory Contributor" not in error.remedy


def test_several_linked_scopes_are_all_named() -> None:
    """Each with its command."""
    remedy = made(CREATING, 403, linked("a/b/action", f"{GROUP}/a, {GROUP}/b")).remedy
    assert remedy.count("az role assignment create") == 2
    assert f"Ask an owner of {GROUP}/a and {GROUP}/b" in remedy


def test_a_linked_scope_that_no_id_can_be_is_in_no_command() -> None:
    """What an answer says is pasted by people: shells read quotes, semicolons and dollars."""
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
def test_the_lock_is_listed_where_it_is(scope: str, options: str) -> None:
    """The command shows the locked scope, which is often not the resource that was asked about."""
    message = f"The scope '{FACTORY}' cannot perform write operation because following scope(s) are locked: '{scope}'."
    error = made(CREATING, 409, said("ScopeLocked", message))
    assert isinstance(error, Locked)
    assert f"az lock list {options}" in error.remedy


def test_a_lock_without_a_scope_is_looked_for_at_the_resource() -> None:
    """The message is Azure's and may change."""
    assert made(CREATING, 409, said("ScopeLocked", "Locked.")).remedy.endswith(f"az lock list --resource {FACTORY}")


# --- what the body looks like


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
def test_code_and_sentences_are_found_wherever_they_stand(error: Any, code: str, text: str) -> None:
    """Numbers as codes, missing messages, and details that hold the only useful sentence."""
    refusal = read_refusal(json.dumps({"error": error}))
    assert (refusal.code, refusal.said) == (code, text)


def test_what_a_detail_says_is_in_the_message() -> None:
    """And the code of the first level is Azure's code."""
    error = made(
        CREATING, 400, {"code": "BadRequest", "message": "Failed.", "details": [{"message": "fqdns is wrong."}]}
    )
    assert error.message.endswith("Azure answered 400 (BadRequest): Failed. fqdns is wrong.")


def test_a_token_spelt_in_escapes_is_blotted() -> None:
    """JSON can hide it from a search in the raw body."""
    body = '{"error": {"message": "You sent \\u0065yJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0.sig"}}'
    assert read_refusal(body).said == "You sent ***"


def test_an_endless_body_is_not_taken_apart() -> None:
    """The status alone counts."""
    assert read_refusal(json.dumps({"error": {"code": "A", "message": "x" * 2**20}})).code == ""


# --- api-versions


def test_an_api_version_that_the_cloud_lacks_is_explained() -> None:
    """What it has, and the way without this library."""
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


def test_the_tenant_of_the_subscription_is_named() -> None:
    """Azure says which one it is."""
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
def test_purviews_data_plane_knows_no_azure_roles(status: int, message: str, kind: Any, remedy: str) -> None:
    """Its own roles and its network decide, so no remedy assigns an Azure role."""
    error = made(READING_DATA, status, said("Unauthorized", message))
    assert isinstance(error, kind)
    assert error.remedy.startswith(remedy)
    assert "az role assignment" not in error.remedy


@pytest.mark.parametrize(("code", "kind"), [("ATLAS-404-00-009", NotFound), ("ATLAS-400-00-029", AzureError)])
def test_a_404_of_the_catalog_means_gone_only_with_the_catalogs_code(code: str, kind: type[AzureError]) -> None:
    """Its answers name Atlas's own codes."""
    answer = {"requestId": "1", "errorCode": code, "errorMessage": "Instance is invalid/not found"}
    error = error_for(READING_DATA, Answer(404, json.dumps(answer)))
    assert (type(error), error.azure_code) == (kind, code)


# --- deny assignments


def test_a_deny_assignment_against_an_approval_names_the_other_way() -> None:
    """Purview protects its managed resources with one."""
    error = made(APPROVING, 403, said("DenyAssignmentAuthorizationFailed", "Denied."))
    assert error.remedy.startswith("Approve on the Purview account's Networking page in the portal")


def test_the_catalog_answers_in_a_shape_of_its_own() -> None:
    """Code and sentence are in `errorCode` and `errorMessage`."""
    body = {"requestId": "1", "errorCode": "ATLAS-404-00-009", "errorMessage": "It does not exist"}
    refusal = read_refusal(json.dumps(body))
    assert (refusal.code, refusal.said) == ("ATLAS-404-00-009", "It does not exist")
    assert isinstance(error_for(READING_DATA, Answer(404, json.dumps(body))), NotFound)
