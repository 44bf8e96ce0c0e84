"""How one HTTP exchange is retried: after which answers, how often, and after which wait."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from purview_mpe import Retry, Spec
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    AzureUnavailable,
    InvalidSpec,
    NoAnswer,
    NotFound,
    Throttled,
    WaitTimedOut,
)
from tests.support.scripted import (
    ACCOUNT,
    FACTORY,
    STORAGE,
    Runner,
    Script,
    answer,
    both,
    delete_endpoint,
    list_endpoints,
    list_storage_connections,
    ok,
    post_ingestion,
    put_endpoint,
    read_account,
    refusal,
)

WRITES = {"PUT": put_endpoint, "DELETE": delete_endpoint, "POST": post_ingestion}
PASSING = [408, 429, 500, 502, 503, 504, 507]


async def ask_for_runs(io: Any) -> Any:
    """A POST that only reads."""
    return await io.read(
        Attempt("list the recent pipeline runs of the factory 'df1'", str(FACTORY), "Reader"),
        lambda az: az.datafactory(FACTORY).pipeline_runs.query_by_factory("rg1", "df1", {}),
    )


@both
@pytest.mark.parametrize(("read", "method"), [(read_account, "GET"), (ask_for_runs, "POST")])
@pytest.mark.parametrize("status", PASSING)
def test_read_is_retried_after_a_transient_answer(runner: Runner, read: Any, method: str, status: int) -> None:
    """A transient answer costs one more request; a POST that only reads counts as a read."""
    script = Script([refusal(status), ok({"id": "x"})])
    runner.flow(runner.azure(script), read)
    assert [sent.method for sent in script.sent] == [method, method]


@both
@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("fault", [*(refusal(status) for status in PASSING), ServiceResponseError("reset")])
def test_a_write_is_sent_once(runner: Runner, method: str, fault: Any) -> None:
    """The flow decides whether to repeat a write; the error says that waiting can help."""
    script = Script([fault])
    with pytest.raises((AzureUnavailable, Throttled, NoAnswer)) as caught:
        runner.flow(runner.azure(script), WRITES[method])
    assert [sent.method for sent in script.sent] == [method]
    assert (caught.value.retry_after, script.sleeps) == (0, [])


@both
@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("3600", 60), ("soon", 0), ("-1", 0)])
def test_failed_write_reports_azures_retry_after(runner: Runner, header: str, seconds: float) -> None:
    """The flow gets Azure's time to wait, limited to a minute; an invalid value counts as missing."""
    with pytest.raises(AzureUnavailable) as caught:
        runner.flow(runner.azure(Script([refusal(503, Retry_After=header)])), put_endpoint)
    assert caught.value.retry_after == seconds


@both
@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 501])
def test_final_refusal_has_no_retry_after(runner: Runner, status: int) -> None:
    """The error has no time to wait if waiting does not help, even if the answer names one."""
    with pytest.raises(AzureError) as caught:
        runner.flow(runner.azure(Script([refusal(status, Retry_After="5")])), put_endpoint)
    assert caught.value.retry_after is None


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501, 505])
def test_final_refusals_are_not_retried_even_with_retry_after(runner: Runner, status: int) -> None:
    """A request is sent once if repeating it cannot help, even if the answer names a time."""
    script = Script([refusal(status, Retry_After="1")])
    with pytest.raises(AzureError) as caught:
        runner.get(script)
    assert (len(script.sent), script.sleeps, caught.value.status) == (1, [], status)


@both
@pytest.mark.parametrize(
    "broken",
    [
        ServiceRequestError("reset"),
        ServiceResponseError("reset"),
        ServiceResponseTimeoutError("late"),
        IncompleteReadError("short"),
        HttpResponseError("broken chunk"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_broken_connection_is_retried(runner: Runner, broken: Exception) -> None:
    """Each error of azure-core's transports for a broken connection costs one more request."""
    script = runner.get(Script([broken, ok({"name": "pv1"})]))
    assert (len(script.sent), script.result) == (2, {"name": "pv1"})


@both
@pytest.mark.parametrize("attempts", [1, 2, 4, 7])
@pytest.mark.parametrize("fault", [refusal(503), refusal(429), ServiceRequestError("x"), ServiceResponseError("x")])
def test_attempts_counts_all_requests(runner: Runner, attempts: int, fault: Any) -> None:
    """A permanent fault is met exactly `Retry.attempts` times."""
    script = Script([fault])
    with pytest.raises((AzureUnavailable, Throttled, NoAnswer)):
        runner.get(script, retry=Retry(attempts=attempts))
    assert len(script.sent) == attempts


@both
@pytest.mark.parametrize("fault", [refusal(503), refusal(429), refusal(500), ServiceResponseError("reset")])
def test_no_verb_multiplies_the_attempts(runner: Runner, fault: Any) -> None:
    """With a permanent fault, create-all sends each PUT only `Retry.attempts` times."""
    account = ok({"properties": {"managedResources": {"storageAccount": str(STORAGE)}}})
    network = ok({"value": [{"name": "default"}]})

    def azure(sent: Any) -> Any:
        if sent.method == "PUT":
            return fault
        if "/accounts/pv1?" in sent.url:
            return account
        return network if "/managedVirtualNetworks?" in sent.url else ok({"value": []})

    script = Script(azure)
    spec = Spec(factory=str(FACTORY), account=str(ACCOUNT), name="purview")
    report = runner.client(script, lambda client: client.create_all(spec), retry=Retry(attempts=3))
    puts = [sent.url for sent in script.sent if sent.method == "PUT"]
    assert {puts.count(url) for url in puts} == {3}
    assert [outcome.result for outcome in report.outcomes] == ["failed"] * 3


@both
@pytest.mark.parametrize("body", [b"<html>", b"", b'{"name": '])
@pytest.mark.parametrize(("flow", "requests"), [(read_account, 3), (put_endpoint, 1), (post_ingestion, 1)])
def test_only_a_read_is_retried_after_a_garbled_answer(runner: Runner, flow: Any, requests: int, body: bytes) -> None:
    """A read with a garbled answer is repeated; a write is not, because it may have succeeded."""
    script = Script([answer(200, body)])
    with pytest.raises(AzureUnavailable, match="cannot be read"):
        runner.flow(runner.azure(script, retry=Retry(3)), flow)
    assert len(script.sent) == requests


@both
@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, {"error": {"code": "Oops"}}])
def test_answer_without_a_list_is_retried(runner: Runner, body: object) -> None:
    """The SDKs would return it as an empty list."""
    script = Script([ok(body), ok({"value": [{"name": "default"}]})])
    assert runner.flow(runner.azure(script), list_endpoints) == [{"name": "default"}]
    assert len(script.sent) == 2
    with pytest.raises(AzureUnavailable, match="cannot be read"):
        runner.flow(runner.azure(Script([ok(body)])), list_endpoints)


@both
def test_empty_object_is_an_empty_list_where_the_list_is_optional(runner: Runner) -> None:
    """The OpenAPI files of Storage and Event Hubs do not require the list; those of Data Factory and Purview do."""
    script = Script([ok({})])
    assert runner.flow(runner.azure(script), list_storage_connections) == []
    assert len(script.sent) == 1


@both
def test_waits_double_and_vary(runner: Runner) -> None:
    """Without Retry-After the waits are `backoff`, doubled each time and reduced by up to a half."""
    script = Script([refusal(503)])
    with pytest.raises(AzureUnavailable):
        runner.get(script, retry=Retry(attempts=6, backoff=2, ceiling=10))
    for wait, most in zip(script.sleeps, [2, 4, 8, 10, 10], strict=True):
        assert most / 2 <= wait <= most


@both
def test_waits_are_random(runner: Runner) -> None:
    """Clients that fail at the same time do not retry at the same time."""
    waits = set()
    for _ in range(5):
        script = runner.get(Script([refusal(503), ok()]))
        waits.add(script.sleeps[0])
    assert len(waits) == 5


@both
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("3", 3, 3.3),
        ("0.5", 0.5, 0.55),
        ("60", 60, 60),
        ("3600", 60, 60),
        ("1e308", 60, 60),
        ("inf", 60, 60),
        ("soon", 0.25, 0.5),
        ("", 0.25, 0.5),
        ("-5", 0.25, 0.5),
        ("0", 0.25, 0.5),
        ("nan", 0.25, 0.5),
        ("99999999999999999999999999", 60, 60),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30, 33),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.25, 0.5),
        ("Wed, 21 Oct 9999999 07:27:00 GMT", 0.25, 0.5),
    ],
)
def test_retry_after_is_followed_up_to_a_minute(runner: Runner, header: str, least: float, most: float) -> None:
    """A valid time is waited for, up to a minute; any other value counts as missing."""
    # Not 429: after it, the budget lets requests through one at a time.
    script = runner.get(Script([refusal(503, Retry_After=header, Date="Wed, 21 Oct 2026 07:28:00 GMT"), ok()]))
    assert len(script.sleeps) == 1
    assert least <= script.sleeps[0] <= most


@both
def test_retry_after_date_without_a_date_header_is_ignored(runner: Runner) -> None:
    """The local clock may differ from Azure's, so a date alone says nothing."""
    script = runner.get(Script([refusal(503, Retry_After="Wed, 21 Oct 2026 07:28:30 GMT"), ok()]))
    assert script.sleeps[0] <= 0.5


@both
def test_no_wait_goes_beyond_the_deadline(runner: Runner) -> None:
    """If Retry-After exceeds the remaining time, the answer is final at once."""
    script = Script([refusal(429, Retry_After="30")])
    with pytest.raises(Throttled) as caught:
        runner.get(script, timeout=20)
    assert (len(script.sent), script.sleeps) == (1, [])
    assert caught.value.remedy.startswith("Wait")


@both
def test_attempts_end_with_the_deadline(runner: Runner) -> None:
    """Each answer takes 8 of 20 seconds: the third attempt is the last, with the remaining time as its limit."""
    script = Script([ServiceResponseError("reset")], takes=8)
    with pytest.raises(WaitTimedOut) as caught:
        runner.get(script, timeout=20, retry=Retry(attempts=20, backoff=1))
    assert len(script.sent) == 3
    assert script.sent[0].options["read_timeout"] == 20
    assert script.sent[2].options["read_timeout"] < 4
    assert "read the Purview account 'pv1'" in caught.value.message


@both
def test_nothing_is_sent_after_the_deadline(runner: Runner) -> None:
    """A verb whose time is up sends no further request."""
    script = Script([ok()], takes=30)

    async def two(io: Any) -> None:
        await read_account(io)
        await read_account(io)

    with pytest.raises(WaitTimedOut):
        runner.flow(runner.azure(script), two, timeout=20)
    assert len(script.sent) == 1


@both
def test_untrusted_certificate_is_not_retried(runner: Runner) -> None:
    """A retry cannot make a certificate trusted; the remedy names the option."""
    refused = ServiceRequestError("SSL", error=None)
    refused.__cause__ = OSError(ValueError(ssl.SSLCertVerificationError("CERTIFICATE_VERIFY_FAILED")))
    script = Script([refused])
    with pytest.raises(NoAnswer, match="connection_verify"):
        runner.get(script)
    assert len(script.sent) == 1


@both
def test_each_retry_is_reported(runner: Runner) -> None:
    """An event names the request, the reason and the attempt."""
    events: list[Any] = []
    runner.get(Script([refusal(503), ServiceRequestError("x"), ok()]), listener=events.append)
    assert [event.kind for event in events] == ["retrying", "retrying"]
    assert "read the Purview account 'pv1': it answered 503 (attempt 1 of 4)" in events[0].message
    assert "ServiceRequestError (attempt 2 of 4)" in events[1].message


@both
def test_provider_registration_is_left_to_the_user(runner: Runner) -> None:
    """A subscription without the resource provider is an error with the command, and nothing is registered."""
    said = "The subscription is not registered to use namespace 'Microsoft.Purview'. See https://aka.ms/rps-not-found"
    script = Script([refusal(409, "MissingSubscriptionRegistration", said)])
    with pytest.raises(AzureError) as caught:
        runner.get(script)
    assert [sent.method for sent in script.sent] == ["GET"]
    assert "az provider register --namespace Microsoft.Purview --subscription 00000000" in caught.value.remedy


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": 21}, "attempts"),
        ({"attempts": 2.0}, "attempts"),
        ({"attempts": True}, "attempts"),
        ({"backoff": -1}, "backoff"),
        ({"backoff": float("nan")}, "backoff"),
        ({"backoff": "1"}, "backoff"),
        ({"ceiling": 601}, "ceiling"),
        ({"ceiling": float("inf")}, "ceiling"),
    ],
)
def test_invalid_retry_is_refused(fields: dict[str, Any], field: str) -> None:
    """The error names each wrong value, with an example."""
    with pytest.raises(InvalidSpec, match="for example") as caught:
        Retry(**fields)
    assert [problem[0] for problem in caught.value.problems] == [field]


@both
def test_not_found_and_denied_keep_azures_ids(runner: Runner) -> None:
    """An error carries status, code and both ids, whatever the letter case of the headers."""
    ids = {"X_MS_Request_Id": "r-1", "x_ms_correlation_request_id": "c-1"}
    with pytest.raises(NotFound) as missing:
        runner.get(Script([refusal(404, "ResourceNotFound", **ids)]))
    with pytest.raises(AccessDenied) as denied:
        runner.get(Script([refusal(403, "AuthorizationFailed", **ids)]))
    for error in (missing.value, denied.value):
        assert (error.request_id, error.correlation_id) == ("r-1", "c-1")
    assert (missing.value.azure_code, denied.value.azure_code) == ("ResourceNotFound", "AuthorizationFailed")
