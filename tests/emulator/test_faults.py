"""Injected faults, seen through the real SDK pipeline and over HTTPS."""

import asyncio

import pytest
from azure.core.exceptions import (
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.datafactory.aio import DataFactoryManagementClient as AioDataFactoryManagementClient

from purview_mpe.emulator import Emulator, Fault


@pytest.fixture
def once(emulator):
    """A client that does not retry."""
    return DataFactoryManagementClient(
        emulator.credential, emulator.factory.subscription, transport=emulator.transport(), retry_total=0
    )


def test_retry_after_is_respected(datafactory, emulator):
    """The unmodified client waits as long as Retry-After says, on the emulator's clock, and succeeds."""
    emulator.inject(Fault.status("GET", 429, times=2, retry_after=30))
    datafactory.factories.get("rg1", "df1")
    assert [request.status for request in emulator.requests] == [429, 429, 200]
    assert emulator.clock.elapsed == 60


def test_a_status_fault_has_azures_shape(arm, emulator):
    """The answer is an ARM error with a suitable code, or with the given code, message and header."""
    emulator.inject(Fault.status("GET", 503))
    answer = arm.get(emulator.factory)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ServiceUnavailable"
    assert "Retry-After" not in answer.headers
    emulator.inject(Fault.status("*", 409, code="Busy", message="not now", retry_after="soon"))
    answer = arm.get(emulator.factory)
    assert answer.json() == {"error": {"code": "Busy", "message": "not now"}}
    assert answer.headers["retry-after"] == "soon"
    for status, code in ((418, "BadRequest"), (599, "InternalServerError")):
        emulator.inject(Fault.status("GET", status))
        assert arm.get(emulator.factory).json()["error"]["code"] == code


def test_a_fault_applies_before_or_after_the_work(arm, emulator):
    """With `after=True` the endpoint is created although the answer is an error."""
    emulator.inject(Fault.status("PUT", 500, after=True))
    assert arm.request_endpoint("a", emulator.account, "account").status_code == 500
    emulator.inject(Fault.status("PUT", 500))
    assert arm.request_endpoint("b", emulator.account, "portal").status_code == 500
    assert [endpoint.name for endpoint in emulator.endpoints()] == ["a"]


@pytest.mark.parametrize(
    ("before", "error", "made"), [(True, ServiceRequestError, 0), (False, ServiceResponseError, 1)]
)
def test_a_reset_breaks_the_connection(once, emulator, before, error, made):
    """Before or after the work, as azure-core's own transports report it; the log has no status for it."""
    emulator.inject(Fault.reset("PUT", before=before))
    body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account"}}
    with pytest.raises(error, match="Connection reset by peer"):
        once.managed_private_endpoints.create_or_update("rg1", "df1", "default", "p", body)
    assert len(emulator.endpoints()) == made
    assert [request.status for request in emulator.requests] == [None]


def test_a_reset_breaks_async_connections(emulator):
    """The async transport raises the same errors."""

    async def get():
        async with AioDataFactoryManagementClient(
            emulator.async_credential,
            emulator.factory.subscription,
            transport=emulator.async_transport(),
            retry_total=0,
        ) as client:
            await client.factories.get("rg1", "df1")

    emulator.inject(Fault.reset("GET", before=False))
    with pytest.raises(ServiceResponseError):
        asyncio.run(get())
    emulator.inject(Fault.delay("GET", 400))
    with pytest.raises(ServiceResponseTimeoutError):
        asyncio.run(get())
    emulator.inject(Fault.delay("GET", 20))
    asyncio.run(get())
    assert emulator.clock.elapsed == 320


@pytest.mark.parametrize("content", ["truncated", "html", "empty", "not json", b"\xff\xfe"])
def test_a_damaged_body(once, emulator, content):
    """The status is right and the work is done, but the body cannot be read."""
    emulator.inject(Fault.body("GET", content))
    with pytest.raises((DecodeError, HttpResponseError, ValueError)):
        once.factories.get("rg1", "df1")
    assert emulator.requests[0].status == 200
    once.factories.get("rg1", "df1")


def test_a_damaged_body_over_https(arm, emulator):
    """Each kind of damage is what its name says."""
    right = arm.get(emulator.factory).content
    seen = {}
    for content in ("truncated", "html", "empty", b"exactly this"):
        emulator.inject(Fault.body("GET", content))
        seen[content] = arm.get(emulator.factory)
    assert seen["truncated"].content == right[: len(right) // 2]
    assert seen["html"].content.startswith(b"<html>")
    assert seen["html"].content_type == "text/html"
    assert seen["empty"].content == b""
    assert seen[b"exactly this"].content == b"exactly this"


def test_a_rewritten_answer(arm, emulator):
    """A test can change a correct answer; such a fault is left out of a dump."""
    emulator.inject(Fault.rewrite("GET", lambda body: {**body, "nextLink": "https://elsewhere.example/"}))
    assert emulator.dump()["faults"] == []
    assert arm.get(f"{emulator.factory}/integrationRuntimes").json()["nextLink"] == "https://elsewhere.example/"
    emulator.inject(Fault.rewrite("DELETE", lambda body: body))
    assert arm.send("DELETE", arm.endpoint("nobody")).json() is None


def test_a_delay_exceeds_the_read_timeout(once, emulator):
    """The client waits until its read timeout; the work is done all the same."""
    emulator.inject(Fault.delay("PUT", 1200))
    body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account"}}
    with pytest.raises(ServiceResponseTimeoutError):
        once.managed_private_endpoints.create_or_update("rg1", "df1", "default", "p", body, read_timeout=60)
    assert emulator.clock.elapsed == 60
    assert len(emulator.endpoints()) == 1
    emulator.inject(Fault.delay("GET", 10))
    once.factories.get("rg1", "df1")
    assert emulator.clock.elapsed == 70


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        (None, True),
        ("factories/DF1", True),
        ("factories/df2", False),
        ("*/factories/*", True),
        ("*/factories/df?", True),
        ("*/accounts/*", False),
        ("factories/*", False),
    ],
)
def test_paths_select_requests(arm, emulator, path, fits):
    """A path is a part of the request's path, or a pattern for all of it, in any letter case."""
    emulator.inject(Fault.status("GET", 503, path=path))
    assert (arm.get(emulator.factory).status_code == 503) is fits


def test_methods_and_times_select_requests(arm, emulator):
    """A fault applies to its method, as often as given; the first injected one comes first."""
    emulator.inject(Fault.status("PUT", 500))
    emulator.inject(Fault.status("GET", 502, times=2))
    emulator.inject(Fault.status("GET", 503, times=None))
    assert [arm.get(emulator.factory).status_code for _ in range(4)] == [502, 502, 503, 503]
    emulator.clear_faults()
    assert arm.get(emulator.factory).status_code == 200


def test_methods_match_in_any_letter_case(arm, emulator):
    """A fault for `put` applies to PUT."""
    emulator.inject(Fault.status("get", 503))
    assert arm.get(emulator.factory).status_code == 503


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": 0}, "times: must be at least 1, or None for ever, not 0"),
        ({"probability": -0.1}, "probability: must be from 0 to 1, not -0.1"),
        ({"retry_after": "1\r\nX-Other: 2"}, r"retry_after: must be one line, not '1\\r\\nX-Other: 2'"),
    ],
)
def test_an_invalid_fault_is_refused(options, message):
    """The error names the wrong argument."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        Fault.status("GET", 503, **options)


def test_probability_comes_from_the_seed(make_arm):
    """A fault with a probability applies to some requests, the same ones with the same seed."""

    def struck(seed):
        emulator = Emulator(seed=seed)
        emulator.inject(Fault.status("GET", 503, times=None, probability=0.3))
        return [make_arm(emulator).get(emulator.factory).status_code for _ in range(200)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 30 <= struck(1).count(503) <= 90


def test_latency(make_arm):
    """Each request takes its time, fixed or random."""
    emulator = Emulator(latency=0.1)
    make_arm(emulator).get(emulator.factory)
    assert emulator.clock.elapsed == pytest.approx(0.1)
    drawn = Emulator(latency=(1, 2))
    make_arm(drawn).get(drawn.factory)
    assert 1 <= drawn.clock.elapsed <= 2
