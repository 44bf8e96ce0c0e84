"""Every answer from Azure, or from a proxy in front of it, becomes a result or a typed error."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe._wire import errors
from purview_mpe._wire.errors import Answer, Attempt, error_for, is_busy
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    Locked,
    NotFound,
    PolicyDenied,
    PurviewMpeError,
    Throttled,
)
from tests.support.scripted import (
    ACCOUNT,
    FACTORY,
    NAMESPACE,
    READING,
    STORAGE,
    Runner,
    Script,
    answer,
    both,
    ok,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY: dict[str, Any] = {"properties": {}}
#: Every kind of SDK operation that this library uses, with the method of Io that runs it.
OPERATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "read account": ("read", lambda az: az.purview(ACCOUNT).accounts.get("rg1", "pv1")),
    "read factory": ("read", lambda az: az.datafactory(FACTORY).factories.get("rg1", "df1")),
    "list networks": (
        "collect",
        lambda az: az.datafactory(FACTORY).managed_virtual_networks.list_by_factory("rg1", "df1"),
    ),
    "put network": (
        "read",
        lambda az: az.datafactory(FACTORY).managed_virtual_networks.create_or_update("rg1", "df1", "default", BODY),
    ),
    "put endpoint": (
        "read",
        lambda az: az.datafactory(FACTORY).managed_private_endpoints.create_or_update(
            "rg1", "df1", "default", "x", BODY
        ),
    ),
    "delete endpoint": (
        "call",
        lambda az: az.datafactory(FACTORY).managed_private_endpoints.delete("rg1", "df1", "default", "x"),
    ),
    "list account connections": (
        "collect",
        lambda az: az.purview(ACCOUNT).private_endpoint_connections.list_by_account("rg1", "pv1"),
    ),
    "approve on account": (
        "call",
        lambda az: az.purview(ACCOUNT).private_endpoint_connections.begin_create_or_update(
            "rg1", "pv1", "c", BODY, polling=False
        ),
    ),
    "list ingestion": (
        "collect",
        lambda az: az.purview(ACCOUNT).ingestion_private_endpoint_connections.list("rg1", "pv1"),
    ),
    "approve ingestion": (
        "read",
        lambda az: az.purview(ACCOUNT).ingestion_private_endpoint_connections.update_status("rg1", "pv1", BODY),
    ),
    "list storage": ("collect", lambda az: az.storage(STORAGE).private_endpoint_connections.list("rg1", "st1")),
    "approve storage": (
        "read",
        lambda az: az.storage(STORAGE).private_endpoint_connections.put("rg1", "st1", "c", BODY),
    ),
    "list namespace": (
        "collect",
        lambda az: az.eventhub(NAMESPACE).private_endpoint_connections.list("rg1", "eventhub1"),
    ),
    "approve namespace": (
        "read",
        lambda az: az.eventhub(NAMESPACE).private_endpoint_connections.create_or_update("rg1", "eventhub1", "c", BODY),
    ),
}
#: Bodies of a 200 answer that are not the requested resource.
ODD_BODIES: dict[str, bytes] = {
    "html": b"<html>Sign in</html>",
    "empty": b"",
    "null": b"null",
    "array": b"[1]",
    "empty array": b"[]",
    "number": b"5",
    "string": b'"x"',
    "truncated": b'{"id": "/subs',
}
DEEP = b"[" * 100_000
#: JSON objects whose fields have the wrong types.
ODD_FIELDS: dict[str, Any] = {
    "properties are text": {"properties": "x"},
    "everything else": {"id": 5, "name": [], "properties": {"managedResources": 7, "groupId": 4, "fqdns": {}}},
    "nothing": {},
}


@pytest.fixture(autouse=True)
def _quiet_sdk() -> Iterator[None]:
    """Silence the SDKs, which log a traceback for each error body that is not JSON."""
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("azure").setLevel(logging.NOTSET)


def do(runner: Runner, name: str, reply: Any) -> Any:
    kind, operation = OPERATIONS[name]
    return runner.flow(runner.azure(Script([reply])), lambda io: getattr(io, kind)(READING, operation))


@both
@pytest.mark.parametrize("body", ODD_BODIES)
@pytest.mark.parametrize("name", [name for name, (kind, _) in OPERATIONS.items() if kind != "call"])
def test_200_without_a_resource_is_unreadable(runner: Runner, name: str, body: str) -> None:
    """HTML, an empty body, other JSON or truncated JSON raises AzureUnavailable with the status, not an SDK error."""
    with pytest.raises(AzureUnavailable, match="the answer 200 cannot be read") as caught:
        do(runner, name, answer(200, ODD_BODIES[body], x_ms_request_id="r-1"))
    assert (caught.value.status, caught.value.request_id) == (200, "r-1")


@both
@pytest.mark.parametrize("content_type", ["text/html", "text/xml", "application/octet-stream", "", "nonsense"])
@pytest.mark.parametrize("body", [*ODD_BODIES.values(), DEEP], ids=lambda body: body[:20].decode())
def test_content_type_does_not_matter(runner: Runner, body: bytes, content_type: str) -> None:
    """The error is the same for any Content-Type."""
    with pytest.raises(AzureUnavailable, match="the answer 200 cannot be read"):
        do(runner, "read account", answer(200, body, Content_Type=content_type))


@both
@pytest.mark.parametrize("fields", ODD_FIELDS)
@pytest.mark.parametrize("name", [name for name, (kind, _) in OPERATIONS.items() if kind == "read"])
def test_fields_of_the_wrong_type_are_passed_through(runner: Runner, name: str, fields: str) -> None:
    """Fields that the SDK's models cannot hold are neither lost nor changed, so that `_wire` can decide."""
    assert do(runner, name, ok(ODD_FIELDS[fields])) == ODD_FIELDS[fields]


@both
@pytest.mark.parametrize("value", [None, 5, "x", {"a": 1}, [1], [None], ["x"], [[]]])
@pytest.mark.parametrize("name", [name for name, (kind, _) in OPERATIONS.items() if kind == "collect"])
def test_list_of_other_items_is_unreadable(runner: Runner, name: str, value: Any) -> None:
    """A page whose `value` is not a list of objects is an error, not a shorter list."""
    with pytest.raises(AzureUnavailable, match="cannot be read"):
        do(runner, name, ok({"value": value}))


@both
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("put endpoint", {200}),
        ("put network", {200}),
        ("delete endpoint", {200, 204}),
        ("approve on account", {200, 201}),
        ("approve ingestion", {200}),
        ("approve storage", {200}),
        ("approve namespace", {200, 201, 202}),
        ("read account", {200}),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_unexpected_success_status_is_an_azure_error(
    runner: Runner, name: str, expected: set[int], status: int
) -> None:
    """A 202 instead of a 200 raises AzureError with that status, so the caller can read back."""
    if status in expected:
        do(runner, name, answer(status, {}))
        return
    with pytest.raises(AzureError, match=f"Azure answered {status}") as caught:
        do(runner, name, answer(status, {}, x_ms_correlation_request_id="c-1"))
    assert (type(caught.value), caught.value.status, caught.value.correlation_id) == (AzureError, status, "c-1")


@both
def test_empty_202_of_event_hubs_keeps_its_status(runner: Runner) -> None:
    """Event Hubs' SDK cannot read an empty 202, which is a success, so the status matters."""
    with pytest.raises(AzureUnavailable) as caught:
        do(runner, "approve namespace", answer(202, b""))
    assert caught.value.status == 202


@both
@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        b"",
        b"[]",
        b"5",
        b'{"error": []}',
        b'{"error": {"details": 5}}',
        b'{"error": {"code": 5, "message": {}, "additionalInfo": 7}}',
        b'{"error": "text"}',
        b'{"code": "Oops", "message": 7}',
        b"\xff\xfe",
        DEEP,
    ],
    ids=lambda body: body[:20].decode("latin-1"),
)
@pytest.mark.parametrize("name", ["read account", "delete endpoint", "list storage", "approve namespace"])
def test_error_with_any_body_keeps_its_status(runner: Runner, name: str, body: bytes) -> None:
    """A 404 without Azure's own code does not prove that the resource is gone."""
    with pytest.raises(AzureError) as caught:
        do(runner, name, answer(404, body))
    assert (type(caught.value), caught.value.status) == (AzureError, 404)
    with pytest.raises(AccessDenied):
        do(runner, name, answer(403, body))


A = Attempt("create the endpoint 'purview_blob'", str(FACTORY), "Data Factory Contributor")


def error(status: int, code: str = "", message: str = "Said so.") -> PurviewMpeError:
    return error_for(A, Answer(status, f'{{"error": {{"code": "{code}", "message": "{message}"}}}}', "r-1", "c-1"))


@pytest.mark.parametrize(
    ("status", "code", "kind", "remedy"),
    [
        (401, "InvalidAuthenticationToken", AccessDenied, "Sign in again (az login --tenant <tenant>)"),
        (403, "AuthorizationFailed", AccessDenied, "Ask an owner for the role Data Factory Contributor"),
        (403, "LinkedAuthorizationFailed", AccessDenied, "Ask an owner for the role"),
        (403, "DenyAssignmentAuthorizationFailed", AccessDenied, "Ask the owner of the deny assignment named above"),
        (403, "RequestDisallowedByPolicy", PolicyDenied, "Ask the owner of the policy named above for an exemption."),
        (403, "RequestDisallowedByAzure", PolicyDenied, "Read Azure's message above: Azure itself refuses this"),
        (409, "ScopeLocked", Locked, "Remove the lock"),
        (404, "ResourceNotFound", NotFound, "Check that the resource exists"),
        (404, "ResourceGroupNotFound", NotFound, "Check that the resource exists"),
        (404, "ParentResourceNotFound", NotFound, "Check that the resource exists"),
        (404, "NotFound", NotFound, "Check that the resource exists"),
        (404, "SubscriptionNotFound", AccessDenied, "Check that this sign-in sees the subscription"),
        (404, "InvalidResourceType", AzureError, "Install an older azure-mgmt-datafactory"),
        (404, "NoRegisteredProviderFound", AzureError, "Install an older azure-mgmt-datafactory"),
        (400, "NoRegisteredProviderFound", AzureError, "Install an older azure-mgmt-datafactory"),
        (404, "SomethingElse", AzureError, "Check the resource in the portal: this answer does not say"),
        (429, "TooManyRequests", Throttled, "Wait some minutes"),
        (408, "", AzureUnavailable, "Repeat the call in a few minutes"),
        (500, "InternalServerError", AzureUnavailable, "Repeat the call in a few minutes"),
        (599, "", AzureUnavailable, "Repeat the call in a few minutes"),
        (409, "StorageAccountOperationInProgress", AzureError, "Repeat the call when the other operation"),
        (409, "MissingSubscriptionRegistration", AzureError, "Register the resource provider"),
        (400, "InvalidResourceRequest", AzureError, "Read Azure's message"),
    ],
)
def test_status_and_code_decide_class_and_remedy(status: int, code: str, kind: Any, remedy: str) -> None:
    """Each refusal has a class, a remedy that starts with a verb, and Azure's message, code and ids."""
    made = error(status, code)
    assert (type(made), made.status, made.azure_code) == (kind, status, code or None)
    assert (made.request_id, made.correlation_id) == ("r-1", "c-1")
    assert made.remedy.startswith(remedy)
    assert made.message.startswith(f"Could not create the endpoint 'purview_blob': Azure answered {status}")
    assert made.message.endswith("Said so.")
    assert pickle.loads(pickle.dumps(made)).remedy == made.remedy  # noqa: S301 - our own bytes


@pytest.mark.parametrize(("on_data_plane", "service"), [(False, "Azure Resource Manager"), (True, "Purview")])
def test_redirect_names_the_service(on_data_plane: bool, service: str) -> None:
    """The remedy distinguishes Purview's data plane from Azure Resource Manager, and says what to do next."""
    attempt = Attempt("read the policy", FACTORY, "Reader", on_data_plane=on_data_plane)
    error = errors.unexpected_answer(attempt, Answer(302))
    assert error.remedy == (
        f"Check for a proxy or a sign-in page between here and Azure, because {service} does not redirect this "
        "request. Then repeat the call."
    )


def test_whole_message_of_an_error() -> None:
    """The complete text of a typical error."""
    assert str(error(403, "AuthorizationFailed", "The client does not have authorization.")) == (
        "Could not create the endpoint 'purview_blob': Azure answered 403 (AuthorizationFailed): The client does not "
        "have authorization.\n"
        "  What to do: Ask an owner for the role Data Factory Contributor: az role assignment create "
        "--role 'Data Factory Contributor' --assignee YOU --scope /subscriptions/"
        "00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/df1"
    )


def test_codes_are_compared_in_any_letter_case() -> None:
    """Azure spells its codes in more than one way."""
    assert isinstance(error(403, "requestDisallowedByPolicy"), PolicyDenied)


@pytest.mark.parametrize(
    ("message", "scope", "namespace"),
    [
        (
            "The subscription is not registered to use namespace 'Microsoft.EventHub'.",
            str(FACTORY),
            "Microsoft.EventHub",
        ),
        ("Not registered.", str(FACTORY), "Microsoft.DataFactory"),
        ("Not registered.", "/subscriptions/x", "<namespace>"),
    ],
)
def test_missing_provider_is_named(message: str, scope: str, namespace: str) -> None:
    """Azure's message names the resource provider; otherwise the resource id does."""
    body = f'{{"error": {{"code": "MissingSubscriptionRegistration", "message": "{message}"}}}}'
    made = error_for(Attempt("x", scope, "Reader"), Answer(409, body))
    assert f"--namespace {namespace} " in made.remedy


def test_invalid_scope_still_gives_a_remedy() -> None:
    """The remedy does not need a valid scope."""
    made = error_for(Attempt("x", "odd", "Reader"), Answer(409, '{"code": "MissingSubscriptionRegistration"}'))
    assert made.remedy.endswith("--namespace <namespace> --subscription <subscription>")


def test_azures_text_becomes_one_short_line() -> None:
    """Escape sequences, line breaks and very long messages do not reach a terminal or a log."""
    made = error(400, "x" * 500, "a\\u001b[31m b\\r\\nc\\u0085d" + "y" * 5000)
    assert len(made.message) < 900
    assert made.message.isprintable()


@pytest.mark.parametrize(
    ("status", "code", "message", "busy"),
    [
        (409, "StorageAccountOperationInProgress", "", True),
        (409, "AnotherOperationInProgress", "", True),
        (409, "Conflict", "The endpoint is in state Deleting.", True),
        (400, "BadRequest", "The resource is being deleted.", True),
        (409, "Conflict", "It exists.", False),
        (400, "InvalidResourceRequest", "A managed private endpoint to the data source already exist.", False),
        (429, "TooManyRequests", "is being deleted", False),
        (500, "StorageAccountOperationInProgress", "", False),
    ],
)
def test_busy_refusals_are_recognised(status: int, code: str, message: str, busy: bool) -> None:
    """Only refusals count; statuses that the pipeline retries itself do not, so the two retries stay separate."""
    assert is_busy(error(status, code, message)) is busy


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("eyJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl", "***"),
        ("token=eyJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0, and more", "token=***, and more"),
        ("b'\\neyJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0.x'", "b'\\n***'"),
        ("login.eyJhbGciOiJIUzI1NiJ9.eyJvaWQiOiIxIn0.x.y.z ok", "login.*** ok"),
        ("eyJ.short.enough and eyJlonger-but-without-a-dot", "eyJ.short.enough and eyJlonger-but-without-a-dot"),
        ("http://me:hunter2@proxy:3128/x", "http://***@proxy:3128/x"),
    ],
)
def test_tokens_and_passwords_are_removed(text: str, left: str) -> None:
    """Web tokens anywhere in a text, and the user part of a URL; nothing else changes."""
    assert errors.blotted(text) == left


def test_known_secret_is_removed() -> None:
    """The given secret and every bearer token are replaced."""
    assert errors.blotted("a s3cret b", "s3cret") == "a *** b"
    assert errors.blotted("Bearer eyJ0eXAiOiJKV1QiLCJhbGci.x-_y==, the bearer of news", "") == (
        "Bearer ***, the bearer of news"
    )


def test_answer_that_is_too_long_is_refused():
    """The message gives the reason."""
    assert "longer than any of Azure's" in errors.too_long(READING, 200).message


def test_answer_that_repeats_the_token_is_refused():
    """The message gives the reason and contains no part of the answer."""
    assert "repeats the token" in errors.token_repeated(READING, Answer(200)).message


@pytest.mark.parametrize(
    ("bad", "proxy", "host", "says"),
    [
        (True, None, "h", "certificate authority"),
        (False, "http://p", "h", "the proxy http://p runs"),
        (False, None, "h", "h can be reached"),
        (False, None, "", "Check the network"),
    ],
)
def test_remedy_for_a_failed_connection(bad, proxy, host, says):
    """The remedy names the certificate authority, the proxy or the host."""
    remedy = errors.no_answer(READING, "it broke", host=host, proxy=proxy, bad_certificate=bad).remedy
    assert says in remedy


def test_missing_token_differs_from_a_401():
    """A 401 from Azure is about one resource, not about the sign-in as a whole."""
    assert errors.is_without_token(AccessDenied("x", remedy=""))
    assert not errors.is_without_token(AccessDenied("x", remedy="", status=401))
