"""Discovery through the real SDK, and the checks of arguments: wrong ones are refused before any request."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import pytest

from purview_mpe import Account, Client, Retry, Spec, aio
from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AzureUnavailable, InvalidCredential, InvalidSpec, NotFound
from tests.support import published
from tests.support.colours import spec_for
from tests.support.nouns import ACCOUNT, FACTORY


def discover(colour, emulator, account=None, **options) -> Account:
    return colour.run(emulator, lambda client: client.discover(str(account or emulator.account)), **options)


# --- discovery


@pytest.mark.parametrize("shape", "ABCDEF")
@pytest.mark.parametrize(
    "firewall", ["enabled-from-all-networks", "disabled-for-ingestion-only", "disabled-from-all-networks"]
)
def test_shape_and_firewall(colour, shape, firewall):
    """Every shape behind every firewall setting is read correctly, with one request."""
    emulator = Emulator(shape=shape, firewall=firewall)
    account = discover(colour, emulator)
    assert (account.shape, account.firewall) == (shape, firewall)
    assert {t.group_id: ArmId.parse(t.resource_id) for t in account.targets} == emulator.targets(emulator.account) | {
        "account": emulator.account
    }
    assert [(r.method, r.path) for r in emulator.requests] == [("GET", str(emulator.account))]


def test_the_newest_api_version_is_requested(colour, emulator):
    """Older api-versions do not show the ingestion storage, so their answers prove nothing about it (spec)."""
    discover(colour, emulator)
    assert emulator.requests[0].query["api-version"] >= "2023-05-01-preview"


def test_an_account_without_reader_has_one_target(colour, emulator):
    """The caller gets the account's own endpoint and a warning with the role, as in the portal; no error."""
    account = discover(colour, emulator, roles=())
    assert (account.shape, account.firewall) == (None, None)
    assert [target.group_id for target in account.targets] == ["account"]
    [finding] = account.warnings
    assert finding.code == "account-unreadable"
    assert "AuthorizationFailed" in finding.evidence[0]


def test_a_missing_account_is_not_found(colour, emulator):
    """The error names the account, and the command that shows whether it exists."""
    with pytest.raises(NotFound) as caught:
        discover(colour, emulator, f"{emulator.account}2")
    assert caught.value.message.startswith("Could not read the Purview account 'pv12': Azure answered 404")
    assert caught.value.remedy.endswith(f"az resource show --ids {emulator.account}2")


@pytest.mark.parametrize("spelled", [str.upper, lambda text: text + "/"])
def test_an_account_id_in_another_spelling_is_accepted(colour, emulator, spelled):
    """Odd letter case and a trailing slash are accepted, since Azure and portals produce them."""
    assert discover(colour, emulator, spelled(str(emulator.account))).shape == "A"


def test_an_account_in_another_subscription(colour, emulator):
    """Each subscription gets its own management client."""
    far = emulator.add_account("far", subscription="00000000-0000-0000-0000-0000000000ff", shape="C")
    assert discover(colour, emulator, far).shape == "C"
    assert discover(colour, emulator).shape == "A"


@pytest.mark.parametrize("content", ["html", "truncated", "empty", b"[]", b'"x"', b"null", b"5", b"\xff\xfe"])
def test_an_answer_that_is_not_an_account_is_an_error(colour, emulator, content):
    """A proxy's page, half an answer or none gives one typed error that says what to look for."""
    emulator.inject(Fault.body("GET", content, path="*/accounts/pv1", times=None))
    with pytest.raises(AzureUnavailable, match="Could not read the Purview account 'pv1'"):
        discover(colour, emulator)


@pytest.mark.parametrize(
    "content",
    [b"{}", b'{"properties": []}', b'{"properties": {"endpoints": {"a": "\\ud800"}, "managedResources": "\\u001b"}}'],
)
def test_an_account_without_targets_has_an_unknown_shape(colour, emulator, content):
    """JSON without the expected fields does not raise an exception."""
    emulator.inject(Fault.body("GET", content, path="*/accounts/pv1"))
    account = discover(colour, emulator)
    assert (account.shape, account.warnings[0].code) == ("F", "shape-unknown")


@pytest.mark.parametrize(("state", "code"), [("Creating", "account-changing"), ("SoftDeleted", "account-leaving")])
def test_the_state_of_the_account_is_a_finding_of_every_verb(colour, state, code):
    """Every verb that decides from an account warns if it is being created or deleted."""

    def moving(body):
        return body | {"properties": body["properties"] | {"provisioningState": state}}

    emulator = Emulator(shape="B")
    spec = spec_for(emulator)
    emulator.inject(Fault.rewrite("GET", moving, path="*/accounts/pv1", times=None))
    for verb, attribute in {
        "plan": "warnings",
        "create_all": "warnings",
        "approve": "warnings",
        "status": "findings",
        "check": "findings",
        "diagnose": "findings",
    }.items():
        result = colour.run(emulator, lambda client, verb=verb: getattr(client, verb)(spec))
        assert code in {finding.code for finding in getattr(result, attribute)}, verb


def test_azures_published_accounts_through_the_sdk(colour):
    """Each published account of the newest versions is read through the real SDK as shape A."""
    bodies = published.items(published.examples("purview", "Accounts_Get.json"))
    if not bodies:
        pytest.skip(published.HINT)
    for body in bodies:
        emulator = Emulator(empty=True)
        account = discover(colour, emulator, emulator.add_account(body=body))
        assert account.shape == "A"
        assert [f.code for f in account.warnings] == ["unexpected-id"] * ("ingestionStorage" in body["properties"])


# --- wrong arguments: refused before the first request


def refused(colour, emulator, action) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        colour.run(emulator, action)
    assert emulator.requests == []
    assert emulator.token_requests == 0
    return caught.value


@pytest.mark.parametrize(
    "account",
    ["pv1", "", FACTORY, 5, None, f"{ACCOUNT}/x", ACCOUNT.replace("pv1", "p%76"), ACCOUNT.replace("pv1", "..")],
)
def test_a_wrong_account_id_is_refused(colour, emulator, account):
    """The error has an example, and no request is sent."""
    error = refused(colour, emulator, lambda client: client.discover(account))
    [(field, rule)] = error.problems
    assert field == "account"
    assert rule


@pytest.mark.parametrize(
    "verb", ["plan", "status", "create_all", "apply", "approve", "reject", "watch", "check", "delete_all"]
)
@pytest.mark.parametrize("nothing", [None, {}, "spec.json", FACTORY])
def test_something_other_than_a_spec_is_refused(colour, emulator, verb, nothing):
    """A verb that takes a spec says so."""
    error = refused(colour, emulator, lambda client: getattr(client, verb)(nothing))
    assert error.problems[0][1].startswith(f"is a {type(nothing).__name__}; pass a purview_mpe.")


@pytest.mark.parametrize("timeout", [0, -1, math.inf, math.nan, "60", None, True])
@pytest.mark.parametrize("verb", ["apply", "create_all", "approve", "reject", "delete_all"])
def test_a_wrong_timeout_is_refused(colour, emulator, verb, timeout):
    """A timeout is a positive, finite number of seconds."""
    spec = spec_for(emulator)
    error = refused(colour, emulator, lambda client: getattr(client, verb)(spec, timeout=timeout))
    assert error.problems == [("timeout", f"{timeout!r} is not a positive number of seconds, for example 1800")]


@pytest.mark.parametrize("value", ["false", "", 0, 1, None])
@pytest.mark.parametrize(
    ("verb", "flag"),
    [
        ("apply", "wait"),
        ("create_all", "wait"),
        ("create_all", "approve"),
        ("approve", "dry_run"),
        ("approve", "wait"),
        ("reject", "dry_run"),
        ("connect", "replace"),
        ("create_many", "approve"),
        ("approve_many", "dry_run"),
    ],
)
def test_a_flag_is_true_or_false(colour, emulator, verb, flag, value):
    """The text "false", as it comes from an environment variable, would count as true."""
    spec = spec_for(emulator)
    subject = [spec] if verb.endswith("_many") else spec
    error = refused(colour, emulator, lambda client: getattr(client, verb)(subject, **{flag: value}))
    assert error.problems == [(flag, f"{value!r} is a {type(value).__name__}; pass True or False")]


async def listen(_event):
    """An async listener, which the client would never await."""


@pytest.mark.parametrize(
    ("listener", "rule"),
    [
        (5, "is a int; pass a function, for example print"),
        (listen, "is asynchronous; pass a plain function, which may start tasks"),
    ],
)
def test_a_listener_that_is_not_callable_is_refused(colour, emulator, listener, rule):
    """The error is raised before the first request, not at the first event."""
    with pytest.raises(InvalidSpec) as caught:
        colour.run(emulator, lambda client: client.plan(spec_for(emulator)), on_event=listener)
    assert caught.value.problems == [("on_event", rule)]
    assert not emulator.requests


@pytest.mark.parametrize(("field", "value"), [("every", 0), ("every", "15"), ("timeout", -1)])
def test_a_wrong_interval_of_watch_is_refused(colour, emulator, field, value):
    """The numbers are checked before the first read."""
    spec = spec_for(emulator)
    error = refused(colour, emulator, lambda client: client.watch(spec, **{field: value}))
    assert error.problems[0][0] == field


@pytest.mark.parametrize("since", [timedelta(0), timedelta(days=46), timedelta(days=-1), 24, "1d", None])
def test_a_wrong_since_is_refused(colour, emulator, since):
    """Data Factory keeps runs for 45 days, so that more is refused."""
    spec = spec_for(emulator)
    error = refused(colour, emulator, lambda client: client.diagnose(spec, since=since))
    assert error.problems[0][0] == "since"


def test_a_credential_of_the_other_colour_is_refused(emulator):
    """A synchronous credential in the asynchronous client, or the other way round, is a TypeError with the remedy."""
    with pytest.raises(InvalidCredential, match=r"synchronous, and purview_mpe\.aio\.Client is not") as caught:
        aio.Client(emulator.credential, transport=emulator.async_transport())
    assert isinstance(caught.value, TypeError)
    assert "azure.identity.aio" in caught.value.remedy
    with pytest.raises(InvalidCredential, match=r"asynchronous, and purview_mpe\.Client is not"):
        Client(emulator.async_credential, transport=emulator.transport())
    assert emulator.token_requests == 0


def test_wrong_retry_options_are_refused(emulator):
    """The client checks its options when it is created."""
    with pytest.raises(InvalidSpec, match="attempts: must be a whole number from 1 to 20, for example 4"):
        Client(emulator.credential, transport=emulator.transport(), retry=Retry(attempts=0))


@pytest.mark.parametrize("options", [{"colour": "blue"}, {"cloud": "moon"}, {"endpoint": "http://127.0.0.1"}])
def test_a_wrong_client_option_is_refused(emulator, options):
    """An unknown option, an unknown cloud, an address without TLS."""
    [name] = options

    async def make():
        aio.Client(emulator.async_credential, transport=emulator.async_transport(), **options)

    with pytest.raises(InvalidSpec) as caught:
        Client(emulator.credential, transport=emulator.transport(), **options)
    assert [field for field, _ in caught.value.problems] == [name]
    with pytest.raises(InvalidSpec):
        asyncio.run(make())


def test_an_invalid_spec_cannot_be_created():
    """A spec that breaks a rule raises, so that no verb gets one."""
    with pytest.raises(InvalidSpec):
        Spec(factory=FACTORY, account=ACCOUNT, name="-purview")
