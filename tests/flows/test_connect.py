"""connect: the factory learns where its lineage goes, and nothing else of it changes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Client
from purview_mpe._wire import account as account_json
from purview_mpe._wire import factory as factory_json
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, InvalidSpec, NotFound
from tests.support.colours import spec_for
from tests.support.nouns import ACCOUNT, json_values

USER = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1"
#: A factory with everything that a factory can have, and things that no api-version of today knows.
RICH: dict[str, Any] = {
    "location": "West Europe",
    "tags": {"owner": "sales", "catalogUri": "pv1.purview.azure.com/catalog"},
    "zones": ["1"],
    "extendedLocation": {"name": "x", "future": [None, {"a": 1.10}]},
    "identity": {
        "type": "SystemAssigned,UserAssigned",
        "principalId": "00000000-0000-0000-0000-0000000000aa",
        "userAssignedIdentities": {USER: {"clientId": "1", "principalId": "2"}},
    },
    "properties": {
        "publicNetworkAccess": "Disabled",
        "repoConfiguration": {"type": "FactoryVSTSConfiguration", "accountName": "ADF", "lastCommitId": "", "new": {}},
        "globalParameters": {"when": {"type": "String", "value": "2018-06-19T05:41:50Z"}, "n": {"type": "Int", "value": 3}},
        "encryption": {"keyName": "k", "vaultBaseUrl": "https://v", "identity": {"userAssignedIdentity": "/x"}},
        "purviewConfiguration": {"note": "kept"},
        "somethingOfTomorrow": {"deep": [1, {"er": None}]},
    },
}  # fmt: skip


def rich(emulator: Emulator, **properties: Any) -> str:
    """A factory with every field, in the emulator."""
    body = copy.deepcopy(RICH)
    body["properties"] |= properties
    body["id"] = str(emulator.factory).replace("df1", "df-rich")
    return str(emulator.add_factory(body=body))


def send(emulator: Emulator, method: str, factory: str, body: Any = None) -> dict[str, Any]:
    """A plain request about a factory, past the library."""
    from azure.core.rest import HttpRequest

    headers = {"Authorization": f"Bearer {emulator.credential.get_token().token}"}
    url = f"https://management.azure.com{factory}?api-version=2018-06-01"
    return json.loads(emulator.transport().send(HttpRequest(method, url, headers=headers, json=body)).text())


def shown(emulator: Emulator, factory: str) -> dict[str, Any]:
    """The factory as a GET shows it."""
    return send(emulator, "GET", factory)


def writes(emulator: Emulator) -> list[str]:
    return [request.method for request in emulator.writes]


def result(report: Any) -> str:
    (outcome,) = report.outcomes
    return outcome.result


def test_only_the_connection_changes(colour, emulator):
    """Every other field of the factory is what it was, those of tomorrow included."""
    factory = rich(emulator)
    before = shown(emulator, factory)
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "connected"
    assert report.complete
    after = shown(emulator, factory)
    assert after["properties"].pop("purviewConfiguration") == {
        "note": "kept",
        "purviewResourceId": str(emulator.account),
    }
    assert before["properties"].pop("purviewConfiguration") == {"note": "kept"}
    assert after.pop("eTag") != before.pop("eTag")
    assert after == before
    assert writes(emulator) == ["PUT"]


def test_a_second_call_writes_nothing(colour, emulator):
    """What is connected is left alone, in whatever letter case the id is spelt."""
    spec = spec_for(emulator, str(emulator.account).replace("pv1", "PV1"))
    assert result(colour.run(emulator, lambda client: client.connect(spec))) == "already-connected"
    assert not emulator.writes


def test_another_account_is_not_replaced_unasked(colour, emulator):
    """A conflict that says how to replace it; and replacing it when asked to."""
    other = emulator.add_account("pv2")
    spec = spec_for(emulator, other)
    report = colour.run(emulator, lambda client: client.connect(spec))
    assert result(report) == "conflict"
    assert "replace=True" in report.outcomes[0].error.remedy
    assert not emulator.writes
    report = colour.run(emulator, lambda client: client.connect(spec, replace=True))
    assert result(report) == "connected"
    assert shown(emulator, str(emulator.factory))["properties"]["purviewConfiguration"]["purviewResourceId"] == str(
        other
    )


def test_it_takes_an_account(colour, emulator):
    """Without one in the spec nothing is sent."""
    spec = spec_for(emulator).model_copy(update={"account": None})
    with pytest.raises(InvalidSpec, match="account"):
        colour.run(emulator, lambda client: client.connect(spec))
    assert not emulator.requests


def test_what_does_not_exist_is_not_connected(colour, emulator):
    """Neither a missing factory nor to a missing account; nothing is written."""
    missing_account = spec_for(emulator, str(emulator.account).replace("pv1", "pv9"))
    missing_factory = spec_for(emulator, factory=str(emulator.factory).replace("df1", "df9"))
    for spec in (missing_account, missing_factory):
        with pytest.raises(NotFound):
            colour.run(emulator, lambda client, spec=spec: client.connect(spec, replace=True))
    assert not emulator.writes


def meanwhile(act: Any, times: int = 1) -> Any:
    """A hook that does something the first few times when a PUT is about to leave."""
    left = iter(range(times))

    def hook(request: Any) -> None:
        if request.http_request.method == "PUT" and next(left, None) is not None:
            act()

    return hook


def test_somebody_else_changes_the_factory_meanwhile(colour, emulator):
    """Their change is kept, because ours is made anew on top of it."""
    factory = rich(emulator)

    def change() -> None:
        send(emulator, "PATCH", factory, {"tags": {"theirs": "kept"}})

    report = colour.run(
        emulator,
        lambda client: client.connect(spec_for(emulator, factory=factory)),
        raw_request_hook=meanwhile(change, times=2),
    )
    assert result(report) == "connected"
    assert writes(emulator) == ["PATCH", "PUT", "PATCH", "PUT", "PUT"]
    after = shown(emulator, factory)
    assert after["tags"] == {"theirs": "kept"}
    assert after["properties"]["purviewConfiguration"]["purviewResourceId"] == str(emulator.account)


def test_somebody_else_connects_it_meanwhile(colour, emulator):
    """To the same account: done. To another: a conflict, and theirs stands."""
    other = emulator.add_account("pv2")
    for account, expected in ((emulator.account, "connected"), (other, "conflict")):
        factory = str(emulator.add_factory(f"df-{expected}"))

        def connect(factory=factory, account=account) -> None:
            with Client(emulator.credential, transport=emulator.transport()) as client:
                client.connect(spec_for(emulator, account, factory=factory)).raise_for_failures()

        report = colour.run(
            emulator,
            lambda client, factory=factory: client.connect(spec_for(emulator, factory=factory)),
            raw_request_hook=meanwhile(connect),
        )
        assert result(report) == expected
        assert shown(emulator, factory)["properties"]["purviewConfiguration"]["purviewResourceId"] == str(account)


def test_an_eager_competitor_ends_it(colour, emulator):
    """After five rounds the report names the other caller, and the factory is as it was."""
    factory = rich(emulator)
    emulator.inject(Fault.status("PUT", 412, times=None))
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "failed"
    assert report.outcomes[0].error.status == 412
    assert "changed by another caller 5 times" in report.outcomes[0].error.message
    assert writes(emulator) == ["PUT"] * 5


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset("PUT", before=False),
        Fault.status("PUT", 500, after=True),
        Fault.body("PUT", "html"),
        Fault.body("PUT", "empty"),
        Fault.status("PUT", 412, after=True),
    ],
    ids=["reset", "500", "html", "empty", "412"],
)
def test_a_write_whose_answer_is_lost(colour, emulator, fault):
    """What was written is found by looking; it is not taken for somebody else's change."""
    factory = rich(emulator)
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "connected"
    assert "purviewResourceId" in shown(emulator, factory)["properties"]["purviewConfiguration"]


def test_the_last_of_five_writes_may_be_the_one(colour, emulator):
    """What is found after it counts."""
    factory = rich(emulator)
    emulator.inject(Fault.status("PUT", 412, times=4))
    emulator.inject(Fault.status("PUT", 412, after=True))
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "connected"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.status("PUT", 403, times=None), "access-denied"),
        (Fault.status("PUT", 403, code="RequestDisallowedByPolicy", times=None), "policy-denied"),
        (Fault.status("PUT", 409, code="ScopeLocked", times=None), "locked"),
        (Fault.status("PUT", 400, times=None), "azure-error"),
        (Fault.status("PUT", 503, times=None), "azure-unavailable"),
        (Fault.reset("PUT", times=None), "no-answer"),
        (Fault.body("GET", b"{}", path="factories/df-rich", times=None), "azure-unavailable"),
    ],
    ids=["403", "policy", "lock", "400", "503", "reset", "no etag"],
)
def test_a_write_that_fails_is_an_outcome(colour, emulator, fault, code):
    """With the cause and what to do about it; the factory is as it was."""
    factory = rich(emulator)
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "failed"
    assert report.outcomes[0].error.code == code
    assert report.outcomes[0].error.remedy
    emulator.clear_faults()
    assert shown(emulator, factory)["properties"]["purviewConfiguration"] == {"note": "kept"}


def test_looking_again_may_fail_too(colour, emulator):
    """Then the failed write is what is told."""
    factory = rich(emulator)
    emulator.inject(Fault.status("PUT", 500, times=None))

    def forbid() -> None:
        emulator.inject(Fault.status("GET", 403, path="df-rich", times=None))

    report = colour.run(
        emulator,
        lambda client: client.connect(spec_for(emulator, factory=factory)),
        raw_request_hook=meanwhile(forbid),
    )
    assert result(report) == "failed"
    assert report.outcomes[0].error.status == 500


def test_azure_accepts_and_ignores(colour, emulator):
    """A 200 that shows no connection is not believed."""
    factory = rich(emulator)
    emulator.inject(Fault.status("PUT", 200, times=None))
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "failed"


def test_what_the_connection_alone_does_not_do_is_told(colour, emulator):
    """The factory's identity needs a role inside Purview; without an identity there is more to do."""
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator)))
    assert [finding.code for finding in report.warnings] == []
    bare = emulator.add_factory(body={"id": str(emulator.factory).replace("df1", "bare"), "properties": {}})
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=str(bare))))
    assert [finding.code for finding in report.warnings] == ["no-system-identity"]


def test_contributor_on_the_factory_suffices(colour, emulator):
    """The account need not be readable; that it was not looked at is a warning."""
    factory = str(emulator.add_factory("df2"))
    spec = spec_for(emulator, factory=factory)
    report = colour.run(emulator, lambda client: client.connect(spec), roles=(("Contributor", factory),))
    assert result(report) == "connected"
    assert "account-unreadable" in {finding.code for finding in report.warnings}


def test_no_right_on_the_factory(colour, emulator):
    """Is told before anything is written."""
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.connect(spec_for(emulator)), roles=("none",))
    assert not emulator.writes


@given(
    extra=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    inner=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
)
def test_whatever_a_factory_holds_goes_back(extra, inner):
    """Any JSON at all, less the seven fields that Azure calls read-only; the answer itself is not changed."""
    answer = {**extra, "id": "i", "name": "n", "type": "t", "eTag": "e", "properties": {**inner, "version": "v"}}
    given = copy.deepcopy(answer)
    body = factory_json.changed_body(answer, account_id=ACCOUNT)
    assert answer == given
    read_only = {"provisioningState", "createTime", "version", "purviewConfiguration"}
    assert {key: value for key, value in body["properties"].items() if key != "purviewConfiguration"} == {
        key: value for key, value in inner.items() if key not in read_only
    }
    assert {key: value for key, value in body.items() if key != "properties"} == {
        key: value for key, value in extra.items() if key not in {"id", "name", "type", "eTag", "properties"}
    }
    assert account_json.read_factory_connection(body)[1] == ACCOUNT


@given(answer=st.dictionaries(st.sampled_from(("properties", "identity", "eTag", "etag", "tags")), json_values))
def test_no_answer_breaks_it(answer):
    """Fields of any type are read as absent."""
    body = factory_json.changed_body(answer, account_id=ACCOUNT)
    assert body["properties"]["purviewConfiguration"]["purviewResourceId"] == ACCOUNT
    assert isinstance(factory_json.read_etag(answer), str)
    assert factory_json.has_system_identity(answer) in {True, False}


def test_a_disconnection_that_the_answer_does_not_show_is_a_failure(colour, emulator):
    """Azure accepts the write, and its answer still shows the connection."""
    spec = spec_for(emulator)
    connected = {"purviewResourceId": str(emulator.account)}

    def still(body):
        return {**body, "properties": {**body["properties"], "purviewConfiguration": connected}}

    emulator.inject(Fault.rewrite("PUT", still, path="*/factories/df1"))
    report = colour.run(emulator, lambda client: client.disconnect(spec))
    [failure] = report.failures
    assert "but its answer still shows the connection." in failure.error.message
