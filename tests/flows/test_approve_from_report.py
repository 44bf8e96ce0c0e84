"""Approving from a requester's report: it supplies exact ids, but never decides which resources are used."""

from __future__ import annotations

import json

import pytest

from purview_mpe import Client, Report
from purview_mpe.emulator import Fault
from purview_mpe.errors import InvalidSpec, ReportFailed
from tests.support.colours import spec_for

APPROVER = ("approver",)


def edited(report, **account) -> Report:
    """The report read back from a file in which the account was changed."""
    data = report.model_dump(mode="json")
    data["account"] |= account
    return Report.model_validate_json(json.dumps(data))


def results(report) -> list[str]:
    return [outcome.result for outcome in report.outcomes]


def requested(colour, emulator, *, approve=False, **fields) -> Report:
    spec = spec_for(emulator).model_copy(update=fields)
    return colour.run(emulator, lambda client: client.create_all(spec, approve=approve), roles=("requester",))


def test_a_report_whose_approvals_were_handed_off_can_be_approved(colour, emulator):
    """The requester tried to approve and was refused: the exact ids of its creation are used all the same."""
    report = requested(colour, emulator, approve=True)
    assert results(report) == ["created"] * 4 + ["handed-off"] * 4
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert results(approval) == ["approved"] * 4
    assert {outcome.matched_by for outcome in approval.outcomes} == {"private-endpoint-id"}


def test_a_report_names_the_account_that_the_factory_is_connected_to(colour, emulator):
    """If the spec names no account, an approver who cannot read the factory takes the account from the report."""
    report = requested(colour, emulator, account=None)
    assert report.spec.account is None
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert results(approval) == ["approved"] * 4


STORAGE_OWNER = "Storage Account Contributor"
DOORS = {
    "approve": lambda client, report: client.approve(report),
    "reject": lambda client, report: client.reject(report),
    "approve_many": lambda client, report: client.approve_many([report]),
}
STRANGER = (
    "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/stranger/providers"
    "/Microsoft.Network/privateEndpoints"
)


@pytest.fixture(params=DOORS)
def decided(request, colour):
    """The result of a report through each verb that takes one: its outcomes, warnings and hand-off text."""

    def run(emulator, report, *roles):
        done = colour.run(emulator, lambda client: DOORS[request.param](client, report), roles=roles)
        return done.reports[0] if request.param == "approve_many" else done

    return run


def decisions(emulator) -> list[str]:
    return [request.path for request in emulator.writes if "managedprivateendpoints" not in request.path.casefold()]


def test_targets_of_an_unreadable_account_are_not_used(decided, colour, emulator):
    """The caller owns the storage named in the report, but only the report says that the account uses it."""
    report = requested(colour, emulator)
    storage = emulator.targets(emulator.account)["blob"]
    emulator.clear_requests()
    done = decided(emulator, report, (STORAGE_OWNER, storage))
    assert results(done) == ["handed-off"] * 4
    assert done.outcomes[1].error.message == (
        "The connection of 'purview_blob' was not looked for: the account 'pv1' cannot be read, so only the report says "
        "that it uses this target."
    )
    assert [warning.code for warning in done.warnings] == ["account-unreadable", "targets-unconfirmed"]
    assert done.warnings[1].evidence == (str(storage), str(emulator.targets(emulator.account)["namespace"]))
    assert done.hand_off.count("only the report says that it uses this target") == 3
    assert not done.complete
    assert decisions(emulator) == []
    assert not [request for request in emulator.requests if str(storage).casefold() in request.path.casefold()]


def test_targets_of_an_account_still_being_created_are_not_used(decided, colour, emulator):
    """The account is readable and shows no storage yet, so it cannot confirm the report."""
    report = requested(colour, emulator)

    def bare(answer):
        answer["properties"].pop("managedResources")
        return answer

    emulator.inject(Fault.rewrite("GET", bare, path="*/accounts/pv1", times=None))
    done = decided(emulator, report, *APPROVER)
    assert results(done)[1:] == ["handed-off"] * 3
    assert "the account 'pv1' does not show its storage" in done.outcomes[1].error.message
    assert done.outcomes[1].error.remedy.startswith("Wait until the account has been created and repeat the call")


def test_a_report_cannot_name_the_resources_of_another_account(decided, emulator):
    """The spec names an account that the caller cannot read; the targets are resources where the caller has rights."""
    victim = emulator.add_account("victim")
    targets = emulator.targets(victim)
    for group_id, called in (("account", "evil.purview"), ("blob", "evil.purview_blob")):
        emulator.add_connection(targets[group_id], private_endpoint_id=f"{STRANGER}/{called}", group_id=group_id)
    factory = str(emulator.factory).replace("df1", "evil")
    outcome = {
        "name": "purview_blob",
        "group_id": "blob",
        "resource_id": str(targets["blob"]),
        "result": "created",
        "private_endpoint_id": f"{STRANGER}/evil.purview_blob",
    }
    document = {
        "verb": "create_all",
        "spec": {"factory": factory, "account": str(emulator.account), "name": "purview"},
        "account": {
            "id": str(emulator.account),
            "name": "pv1",
            "shape": "A",
            "targets": [{"group_id": "blob", "resource_id": str(targets["blob"]), "connections": "storage"}],
        },
        "outcomes": [outcome],
    }
    roles = (("Contributor", victim), (STORAGE_OWNER, targets["blob"]))
    done = decided(emulator, Report.model_validate(document), *roles)
    assert results(done) == ["handed-off"]
    assert emulator.writes == []
    document["outcomes"] = [outcome | {"name": "purview", "group_id": "account", "resource_id": str(victim)}]
    with pytest.raises(InvalidSpec, match=r"outcomes\.0\.resource_id: is .*/victim, and the account is .*/pv1"):
        Report.model_validate(document)


def test_a_readable_account_overrules_the_targets_of_a_report(decided, colour, emulator):
    """A storage account of another Purview account is a conflict, whatever rights the caller has on it."""
    other = emulator.targets(emulator.add_account("other"))["blob"]
    report = requested(colour, emulator)
    data = report.model_dump(mode="json")
    ours = data["outcomes"][1]["resource_id"]
    changed = Report.model_validate_json(json.dumps(data).replace(ours, str(other)))
    emulator.clear_requests()
    done = decided(emulator, changed, *APPROVER)
    assert [one.result for one in done.outcomes if one.resource_id == str(other)] == ["conflict"] * 2
    assert done.failures[-1].error.message.endswith(f"does not use {other} for queue, or no longer uses it.")
    assert not [request for request in emulator.requests if str(other).casefold() in request.path.casefold()]


def test_a_platform_endpoint_is_approved_on_the_account(colour, emulator):
    """`platform` leads to the account itself, so that the account need not confirm another target."""
    report = requested(colour, emulator, groups=("account", "platform"))
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert {outcome.group_id: outcome.result for outcome in approval.outcomes} == {
        "account": "approved",
        "platform": "approved",
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda data, other: data["account"].update(id=str(other), name="other", targets=[]),
            "account.id: is {other}, and spec.account is {own}",
        ),
        (
            lambda data, other: data["spec"].update(account=str(other)),
            "account.id: is {own}, and spec.account is {other}",
        ),
        (
            lambda data, other: data["account"]["targets"][0].update(resource_id=str(other)),
            "account.targets.0.resource_id: is {other}, and the account is {own}",
        ),
        (
            lambda data, other: data["account"]["targets"][1].update(resource_id=str(other)),
            "account.targets.1.resource_id: is the id of a Microsoft.Purview/accounts, and blob leads to a ",
        ),
        (
            lambda data, _: data["account"]["targets"][1].update(connections="account"),
            "account.targets.1.connections: is 'account', but blob needs storage or ingestion",
        ),
        (
            lambda data, _: data["account"]["targets"][3].update(group_id="vault"),
            "account.targets.3.group_id: 'vault' must be one of account, platform, portal, blob, queue, namespace",
        ),
        (
            lambda data, other: data["outcomes"][0].update(resource_id=str(other)),
            "outcomes.0.resource_id: is {other}, and the account is {own}",
        ),
        (
            lambda data, _: data["outcomes"][1].update(resource_id=data["outcomes"][3]["resource_id"]),
            "outcomes.1.resource_id: is the id of a Microsoft.EventHub/namespaces, and blob leads to a ",
        ),
        (lambda data, _: data["account"].update(name="other"), "account.name: is 'other', and the id names 'pv1'"),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(emulator, change, problem):
    """One fact stands in several places, and each of them is checked."""
    with Client(emulator.credential, transport=emulator.transport()) as client:
        data = client.create_all(spec_for(emulator), wait=False).model_dump(mode="json")
    other = emulator.add_account("other")
    change(data, other)
    with pytest.raises(InvalidSpec) as refused:
        Report.model_validate_json(json.dumps(data))
    assert problem.format(other=other, own=emulator.account) in str(refused.value)


def test_a_report_about_something_other_than_an_account_is_refused(emulator):
    """An id that is not a Purview account's is named with its place."""
    with Client(emulator.credential, transport=emulator.transport()) as client:
        report = client.create_all(spec_for(emulator).model_copy(update={"account": None}), wait=False)
    with pytest.raises(InvalidSpec, match=r"account\.id: is the id of a Microsoft\.DataFactory/factories"):
        edited(report, id=str(emulator.factory), name="df1", targets=[])


EVIL = "purview\x1b[2J\r\nINFO:purview_mpe.verbs:purview: approved\u2028"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", EVIL),
        ("name", ".."),
        ("name", "a/b"),
        ("name", ""),
        ("group_id", EVIL),
        ("resource_id", f"/x&calc.exe&/{EVIL}"),
        ("resource_id", ""),
        ("private_endpoint_id", f"{STRANGER}/df1.purview\u2019; Start-Process calc; \u2019"),
        ("private_endpoint_id", "/x&calc.exe&y/df1.purview"),
        ("private_endpoint_id", f"{STRANGER}/../df1.purview"),
        ("private_endpoint_id", STRANGER.replace("privateEndpoints", "privateLinkServices") + "/df1.purview"),
    ],
)
def test_ids_and_names_in_a_report_obey_azures_rules(emulator, field, text):
    """They become paths, commands, log lines and prompts: anything else is refused with its place."""
    with Client(emulator.credential, transport=emulator.transport()) as client:
        data = client.create_all(spec_for(emulator), wait=False).model_dump(mode="json")
    data["outcomes"][0][field] = text
    with pytest.raises(InvalidSpec) as refused:
        Report.model_validate_json(json.dumps(data))
    assert [place for place, _ in refused.value.problems] == [f"outcomes.0.{field}"]
    assert str(refused.value).replace("\n", "").isprintable()


def test_texts_in_a_report_are_made_printable(emulator):
    """Messages from Azure or a file are shown without characters that control a terminal or start a new log line."""
    with Client(emulator.credential, transport=emulator.transport()) as client:
        data = client.create_all(spec_for(emulator), wait=False).model_dump(mode="json")
    error = {"code": EVIL, "message": EVIL, "remedy": EVIL, "azure_code": EVIL, "request_id": EVIL}
    data["outcomes"][0] |= {"result": "failed", "error": error}
    data["warnings"] = [{"code": EVIL, "severity": "error", "message": EVIL, "evidence": [EVIL], "remedy": EVIL}]
    data["hand_off"] = EVIL
    report = Report.model_validate_json(json.dumps(data))
    assert report.model_dump_json().isprintable()
    with pytest.raises(ReportFailed) as failed:
        report.raise_for_failures()
    assert str(failed.value).replace("\n", "").isprintable()


def test_the_name_in_a_report_does_not_waive_the_check_of_its_id(colour, emulator):
    """An id counts only if it ends in `<factory>.<endpoint>`, however long the endpoint's name in the report is."""
    storage = emulator.targets(emulator.account)["blob"]
    theirs = f"{STRANGER}/somebody-elses-exfiltration"
    emulator.add_connection(storage, private_endpoint_id=theirs, group_id="blob")
    data = requested(colour, emulator, groups=("blob",)).model_dump(mode="json")
    data["outcomes"][0] |= {"name": "purview_blob" + "_" * 60, "private_endpoint_id": theirs}
    emulator.clear_requests()
    done = colour.run(emulator, lambda client: client.approve(Report.model_validate(data)), roles=APPROVER)
    assert results(done) == ["ambiguous"]
    assert emulator.writes == []


def test_an_exact_id_from_the_factory_must_have_the_endpoints_name(colour, emulator):
    """`resourceId` is undocumented: an id with another name is ignored, and the connection is found by name."""
    spec = spec_for(emulator, groups=("blob",))
    colour.run(emulator, lambda client: client.create_all(spec))
    storage = emulator.targets(emulator.account)["blob"]
    theirs = f"{STRANGER}/somebody-elses-exfiltration"
    emulator.add_connection(storage, private_endpoint_id=theirs, group_id="blob")

    def another(answer):
        for item in answer["value"]:
            item["properties"]["resourceId"] = theirs
        return answer

    emulator.inject(Fault.rewrite("GET", another, path="managedPrivateEndpoints", times=None))
    done = colour.run(emulator, lambda client: client.approve(spec))
    assert [(one.result, one.matched_by) for one in done.outcomes] == [("approved", "name")]
    assert [c.status for c in emulator.connections(storage) if c.private_endpoint_id == theirs] == ["Pending"]


def test_a_report_file_with_an_invalid_target_id_is_refused(colour, emulator):
    """A target that is not a resource id is named with its place."""
    report = requested(colour, emulator)
    targets = [target.model_dump(mode="json") for target in report.account.targets]
    targets[1]["resource_id"] = "https://evil.example/x"
    with pytest.raises(InvalidSpec) as caught:
        edited(report, targets=targets)
    [(field, rule)] = caught.value.problems
    assert field == "account.targets.1.resource_id"
    assert "is not a resource id" in rule
