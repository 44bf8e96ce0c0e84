"""connect sets the factory's Purview connection and changes nothing else in the factory."""

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
#: A factory with every documented field, and fields that no current api-version knows.
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
    """A plain request about a factory, without the library."""
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


def test_connect_changes_only_the_connection(colour, emulator):
    """Every other field of the factory stays, including fields unknown today."""
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
    """A connected factory is left alone, in whatever letter case the id is spelt."""
    spec = spec_for(emulator, str(emulator.account).replace("pv1", "PV1"))
    assert result(colour.run(emulator, lambda client: client.connect(spec))) == "already-connected"
    assert not emulator.writes


def test_another_account_is_replaced_only_with_replace(colour, emulator):
    """Without `replace` it is a conflict whose remedy names `replace=True`; with it the account is replaced."""
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


def test_connect_requires_an_account(colour, emulator):
    """Without an account in the spec no request is sent."""
    spec = spec_for(emulator).model_copy(update={"account": None})
    with pytest.raises(InvalidSpec, match="account"):
        colour.run(emulator, lambda client: client.connect(spec))
    assert not emulator.requests


def test_a_missing_factory_or_account_is_not_found(colour, emulator):
    """Nothing is written."""
    missing_account = spec_for(emulator, str(emulator.account).replace("pv1", "pv9"))
    missing_factory = spec_for(emulator, factory=str(emulator.factory).replace("df1", "df9"))
    for spec in (missing_account, missing_factory):
        with pytest.raises(NotFound):
            colour.run(emulator, lambda client, spec=spec: client.connect(spec, replace=True))
    assert not emulator.writes


def meanwhile(act: Any, times: int = 1) -> Any:
    """A hook that acts just before the first PUTs are sent."""
    left = iter(range(times))

    def hook(request: Any) -> None:
        if request.http_request.method == "PUT" and next(left, None) is not None:
            act()

    return hook


def test_a_concurrent_change_of_the_factory_is_kept(colour, emulator):
    """The PUT is refused as stale, so the factory is read again and the connection is added to the changed factory."""
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


def test_a_concurrent_connection_stands(colour, emulator):
    """A connection to the same account counts as done; one to another account is a conflict."""
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


def test_stale_writes_end_after_five_attempts(colour, emulator):
    """The error says that another caller keeps changing the factory, and the factory is unchanged."""
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
def test_a_write_whose_answer_is_lost_is_read_back(colour, emulator, fault):
    """The connection that is found counts as the run's own, not as another caller's change."""
    factory = rich(emulator)
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "connected"
    assert "purviewResourceId" in shown(emulator, factory)["properties"]["purviewConfiguration"]


def test_a_lost_answer_to_the_fifth_write_is_read_back(colour, emulator):
    """The last attempt may have worked."""
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
    """It has the cause and a remedy, and the factory is unchanged."""
    factory = rich(emulator)
    emulator.inject(fault)
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "failed"
    assert report.outcomes[0].error.code == code
    assert report.outcomes[0].error.remedy
    emulator.clear_faults()
    assert shown(emulator, factory)["properties"]["purviewConfiguration"] == {"note": "kept"}


def test_a_refused_read_after_a_failed_write_reports_the_write(colour, emulator):
    """The write's error explains more than the read's."""
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


def test_a_200_without_the_connection_is_a_failure(colour, emulator):
    """Azure accepts the write and ignores it."""
    factory = rich(emulator)
    emulator.inject(Fault.status("PUT", 200, times=None))
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=factory)))
    assert result(report) == "failed"


def test_a_factory_without_identity_is_a_warning(colour, emulator):
    """Lineage needs the factory's identity, which gets a role inside Purview."""
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator)))
    assert [finding.code for finding in report.warnings] == []
    bare = emulator.add_factory(body={"id": str(emulator.factory).replace("df1", "bare"), "properties": {}})
    report = colour.run(emulator, lambda client: client.connect(spec_for(emulator, factory=str(bare))))
    assert [finding.code for finding in report.warnings] == ["no-system-identity"]


def test_contributor_on_the_factory_suffices(colour, emulator):
    """The account need not be readable; a warning says that it was not read."""
    factory = str(emulator.add_factory("df2"))
    spec = spec_for(emulator, factory=factory)
    report = colour.run(emulator, lambda client: client.connect(spec), roles=(("Contributor", factory),))
    assert result(report) == "connected"
    assert "account-unreadable" in {finding.code for finding in report.warnings}


def test_connect_without_rights_on_the_factory_is_denied(colour, emulator):
    """The error is raised before anything is written."""
    with pytest.raises(AccessDenied):
        colour.run(emulator, lambda client: client.connect(spec_for(emulator)), roles=("none",))
    assert not emulator.writes


@given(
    extra=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    inner=st.dictionaries(st.text(max_size=8), json_values, max_size=4),
)
def test_every_field_of_a_factory_is_sent_back(extra, inner):
    """Any JSON is kept, apart from the seven fields that Azure marks read-only; the answer itself is not changed."""
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
def test_fields_of_the_wrong_type_are_read_as_absent(answer):
    """Any JSON in an answer is accepted."""
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
