"""Approving from a requester's report: what it tells is used, what it does not tell is not guessed."""

from __future__ import annotations

import json

import pytest

from purview_mpe import Report
from purview_mpe.errors import InvalidSpec
from tests.conftest import spec_for

APPROVER = ("approver",)


def edited(report, **account) -> Report:
    """The report as a file in which the account was changed."""
    data = report.model_dump(mode="json")
    data["account"] |= account
    return Report.model_validate_json(json.dumps(data))


def results(report) -> list[str]:
    return [outcome.result for outcome in report.outcomes]


def requested(colour, emulator, *, approve=False, **fields) -> Report:
    spec = spec_for(emulator).model_copy(update=fields)
    return colour.run(emulator, lambda client: client.create_all(spec, approve=approve), roles=("requester",))


def test_a_report_of_a_creation_that_could_not_approve(colour, emulator):
    """The requester tried to approve and was refused: the exact ids of the creation are used all the same."""
    report = requested(colour, emulator, approve=True)
    assert results(report) == ["created"] * 4 + ["handed-off"] * 4
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert results(approval) == ["approved"] * 4
    assert {outcome.matched_by for outcome in approval.outcomes} == {"private-endpoint-id"}


def test_a_report_names_the_account_that_the_factory_is_connected_to(colour, emulator):
    """Where the spec leaves the account to the factory, an approver who may not read that takes the report's."""
    report = requested(colour, emulator, account=None)
    assert report.spec.account is None
    approval = colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert results(approval) == ["approved"] * 4


def test_an_approver_who_may_not_read_the_account_takes_it_from_the_report(colour, emulator):
    """The storage owner approves blob and queue; the account they cannot read is as the report knows it."""
    report = requested(colour, emulator)
    storage = emulator.targets(emulator.account)["blob"]
    approval = colour.run(
        emulator, lambda client: client.approve(report), roles=(("Storage Account Contributor", storage),)
    )
    assert results(approval) == ["handed-off", "approved", "approved", "handed-off"]


def test_a_report_about_another_account_is_not_believed(colour, emulator):
    """The targets of another account's report are not those of the account in the spec, and it is said so."""
    other = emulator.add_account("other")
    report = edited(requested(colour, emulator), id=str(other))
    storage = emulator.targets(emulator.account)["blob"]
    approval = colour.run(
        emulator, lambda client: client.approve(report), roles=(("Storage Account Contributor", storage),)
    )
    assert results(approval) == ["handed-off", "conflict", "conflict", "conflict"]
    assert approval.outcomes[1].error.message == (
        "The connection of 'purview_blob' was not looked for: the account 'pv1' cannot be read, so whether it uses the "
        "target in the report is not known."
    )
    assert {c.status for c in emulator.connections(storage)} == {"Pending"}
    assert [w.code for w in approval.warnings] == ["account-unreadable"]


def test_a_report_about_no_account_is_refused(colour, emulator):
    """An id that is no Purview account's is told, and nothing is sent."""
    report = edited(requested(colour, emulator, account=None), id=str(emulator.factory))
    before = len(emulator.requests)
    with pytest.raises(InvalidSpec, match=r"is the id of a Microsoft\.DataFactory") as caught:
        colour.run(emulator, lambda client: client.approve(report), roles=APPROVER)
    assert [field for field, _ in caught.value.problems] == ["account"]
    assert len(emulator.requests) == before


def test_a_report_file_with_a_target_that_is_none_is_refused(colour, emulator):
    """Reports come from files: a target that is no resource id is told with its place."""
    report = requested(colour, emulator)
    targets = [target.model_dump(mode="json") for target in report.account.targets]
    targets[1]["resource_id"] = "https://evil.example/x"
    with pytest.raises(InvalidSpec) as caught:
        edited(report, targets=targets)
    [(field, rule)] = caught.value.problems
    assert field == "account.targets.1.resource_id"
    assert "is not a resource id" in rule
