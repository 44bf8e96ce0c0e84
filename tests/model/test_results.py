"""The nouns: frozen values with the fields of the contract, that survive a trip through JSON."""

from __future__ import annotations

import copy
import json
import pickle
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import purview_mpe
from purview_mpe import (
    Account,
    Check,
    Diagnosis,
    Endpoint,
    EndpointStatus,
    ErrorDetail,
    Finding,
    FleetReport,
    OrphanConnection,
    OrphanEndpoint,
    Orphans,
    Outcome,
    Plan,
    Report,
    Right,
    RuntimeCheck,
    Status,
    Step,
    Target,
)
from purview_mpe._model import results as model_results
from purview_mpe._model.results import FAILURES, Result, Verdict, by_severity, identity
from purview_mpe._model.spec import Noun
from purview_mpe.errors import InvalidSpec, ReportFailed
from tests.support.nouns import (
    ACCOUNT,
    NOUNS,
    STORAGE,
    TARGETS,
    a_spec,
    an_account,
    findings,
    outcomes,
    recased,
    reports,
    statuses,
)


def test_there_is_a_strategy_for_every_noun():
    """Every noun is tried below, wherever it is defined."""
    for name in purview_mpe.__all__:
        getattr(purview_mpe, name)
    defined, new = set(), {Noun}
    while new:
        new = {noun for cls in new for noun in cls.__subclasses__()}
        # The command line has nouns of its own, which other tests in this process may have loaded.
        mine = [noun for noun in new if noun.__module__.startswith("purview_mpe") and "._cli." not in noun.__module__]
        defined |= {noun.__name__ for noun in mine}
    assert defined == set(NOUNS)


@pytest.mark.parametrize("name", NOUNS)
@given(st.data())
def test_a_noun_survives_json(name, data):
    """What is written as JSON reads back as the same value, from text and from plain data."""
    noun = data.draw(NOUNS[name])
    assert type(noun).model_validate_json(noun.model_dump_json()) == noun
    assert type(noun).model_validate(noun.model_dump(mode="json")) == noun
    assert type(noun).model_validate(noun.model_dump()) == noun


@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_a_noun_can_be_copied_and_be_in_a_set(name, data):
    """Copies, pickles and what was made from its fields are the same value, with the same hash."""
    noun = data.draw(NOUNS[name])
    made = type(noun)(**noun.model_dump(mode="json"))
    others = [copy.copy(noun), copy.deepcopy(noun), pickle.loads(pickle.dumps(noun)), made]  # noqa: S301 - our own bytes
    assert others == [noun] * 4
    assert {noun, *others} == {noun}


@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_a_noun_is_frozen_and_prints(name, data):
    """No field can be set, and print() gives some text."""
    noun = data.draw(NOUNS[name])
    with pytest.raises(ValidationError, match="frozen"):
        setattr(noun, next(iter(type(noun).model_fields)), None)
    assert str(noun)


@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_json_with_an_unknown_field_is_refused(name, data):
    """A misspelt field of a file is told, not dropped."""
    noun = data.draw(NOUNS[name])
    with pytest.raises(InvalidSpec, match="misspelt: is not a known field"):
        type(noun).model_validate(noun.model_dump(mode="json") | {"misspelt": 1})


# --- the contract

CONTRACT = {
    Account: {"id", "name", "location", "shape", "firewall", "targets", "warnings"},
    Target: {"group_id", "resource_id"},
    Plan: {"spec", "account", "steps", "obsolete", "warnings"},
    Step: {"action", "name", "group_id", "resource_id", "reason", "remedy"},
    Report: {"spec", "outcomes", "hand_off", "succeeded", "complete"},
    Outcome: {
        "name",
        "group_id",
        "resource_id",
        "private_endpoint_id",
        "matched_by",
        "result",
        "error",
        "seconds",
    },
    ErrorDetail: {"code", "message", "remedy", "status", "azure_code", "request_id", "correlation_id"},
    Status: {"ready", "endpoints", "others"},
    EndpointStatus: {
        "name",
        "group_id",
        "resource_id",
        "provisioning_state",
        "connection_status",
        "target_status",
        "verdict",
    },
    Finding: {"code", "severity", "message", "cause", "evidence", "remedy"},
    Check: {"ok", "runtimes", "rights", "findings"},
    RuntimeCheck: {"name", "kind", "supported", "managed_groups", "customer_groups", "private_endpoints", "reason"},
    Right: {"step", "scope", "allowed", "missing_actions"},
    Diagnosis: {"findings"},
    Orphans: {"connections", "endpoints"},
    OrphanConnection: {"target_id", "connection_id", "private_endpoint_id", "factory", "endpoint", "certain"},
    OrphanEndpoint: {"target_id", "connection_id", "private_endpoint_id", "factory", "endpoint", "certain"},
    FleetReport: {"reports", "counts", "succeeded"},
}


@pytest.mark.parametrize("noun", CONTRACT)
@settings(max_examples=10)
@given(st.data())
def test_the_json_has_the_fields_of_the_contract(noun, data):
    """Programs read these fields, so they are always there, null where there is nothing to say."""
    written = data.draw(NOUNS[noun.__name__]).model_dump(mode="json")
    assert written.keys() >= CONTRACT[noun]
    assert json.loads(json.dumps(written)) == written


def test_the_words_of_the_contract():
    """Results, verdicts, shapes, actions and severities are spelled as the contract spells them."""
    assert set(get_args(Verdict)) == {
        "ready",
        "pending",
        "provisioning",
        "rejected",
        "stale",
        "wrong-target",
        "missing",
        "failed",
    }
    assert {
        "created",
        "kept",
        "replaced",
        "approved",
        "already-approved",
        "rejected",
        "deleted",
        "absent",
        "handed-off",
        "ambiguous",
        "conflict",
        "failed",
        "timed-out",
    } <= set(get_args(Result))
    assert get_args(model_results.Shape) == ("A", "B", "C", "D", "E", "F")
    assert get_args(model_results.Action) == ("create", "keep", "replace", "conflict")
    assert get_args(model_results.Severity) == ("error", "warning", "info")
    assert get_args(model_results.Firewall) == (
        "enabled-from-all-networks",
        "disabled-for-ingestion-only",
        "disabled-from-all-networks",
    )


# --- reports


@given(reports)
def test_a_report_succeeded_unless_something_failed(report):
    """`failed`, `timed-out`, `conflict` and `ambiguous` keep a report from having succeeded; nothing else does."""
    failed = [o for o in report.outcomes if o.result in {"failed", "timed-out", "conflict", "ambiguous"}]
    assert {"failed", "timed-out", "conflict", "ambiguous"} == FAILURES
    assert report.succeeded == (not failed)
    assert list(report.failures) == failed
    assert report.succeeded or not report.complete
    if failed:
        with pytest.raises(ReportFailed):
            report.raise_for_failures(hand_off_is_fine=True)
    if report.complete:
        report.raise_for_failures()


def report(*results: tuple[str, str | None], asked: bool = True) -> Report:
    made = [Outcome(name="n", group_id=group, resource_id=STORAGE, result=result) for result, group in results]
    return Report(verb="create_all", spec=a_spec(), outcomes=tuple(made), approval_asked=asked)


@pytest.mark.parametrize(
    ("results", "asked", "complete"),
    [
        ([("created", "blob")], False, True),
        ([("created", "blob"), ("handed-off", "queue")], False, False),
        ([("created", "blob")], True, False),
        ([("created", "blob"), ("approved", "blob")], True, True),
        ([("kept", "blob"), ("already-approved", "blob")], True, True),
        ([("approved", "blob"), ("handed-off", "queue")], True, False),
        ([("approved", "blob"), ("absent", "queue")], True, False),
        ([("would-approve", "blob")], True, False),
        ([("would-delete", "blob"), ("absent", "queue")], False, False),
        ([("created", None), ("approved", "blob")], True, True),
        ([("approved", "blob"), ("failed", "queue")], True, False),
        ([], True, True),
    ],
)
def test_complete(results, asked, complete):
    """Complete is succeeded, nothing handed off, and where approval was asked nothing unapproved."""
    assert report(*results, asked=asked).complete is complete


def test_what_is_computed_is_not_believed():
    """A file that claims success is read, and judged by its outcomes."""
    claimed = report(("failed", "blob")).model_dump(mode="json") | {"succeeded": True, "complete": True}
    again = Report.model_validate(claimed)
    assert (again.succeeded, again.complete) == (False, False)


@pytest.mark.parametrize(
    ("results", "asked", "hand_off_is_fine", "said"),
    [
        ([("created", "blob")], False, False, None),
        ([("created", "blob")], True, False, "n: created"),
        ([("created", "blob"), ("approved", "blob")], True, False, None),
        ([("created", "blob"), ("handed-off", "blob")], True, False, "1 of 2 steps did not succeed:\n  n: handed-off"),
        ([("created", "blob"), ("handed-off", "blob")], True, True, None),
        ([("handed-off", "blob"), ("failed", "queue")], True, True, "n: failed"),
        ([("absent", "blob")], True, True, "n: absent"),
        ([("granted", None), ("handed-off", None)], False, False, "n: handed-off"),
        ([("would-approve", "blob")], True, False, None),
        ([("would-approve", "blob"), ("handed-off", "queue")], True, False, "n: handed-off"),
    ],
)
def test_raising_unless_everything_that_was_asked_for_is_done(results, asked, hand_off_is_fine, said):
    """A hand-off is not done, nor is a connection that was to be approved; a dry run has nothing to have done."""
    made = report(*results, asked=asked)
    if said is None:
        made.raise_for_failures(hand_off_is_fine=hand_off_is_fine)
    else:
        with pytest.raises(ReportFailed) as caught:
            made.raise_for_failures(hand_off_is_fine=hand_off_is_fine)
        assert said in caught.value.message


UNREADABLE = Account(id=ACCOUNT, name="pv1", targets=TARGETS[:1])


@pytest.mark.parametrize(
    ("account", "groups", "known"),
    [
        (None, None, True),
        (an_account(), None, True),
        (an_account(), ("blob",), True),
        (UNREADABLE, None, False),
        (UNREADABLE, ("account",), True),
        (UNREADABLE, ("account", "portal", "platform"), True),
        (UNREADABLE, ("account", "blob"), False),
        (UNREADABLE.model_copy(update={"shape": "F"}), None, False),
    ],
)
def test_what_is_not_known_is_not_done(account, groups, known):
    """Where the account cannot be read its other endpoints are unknown, unless the spec wants only what is known."""
    done = Outcome(name="n", group_id="account", resource_id=ACCOUNT, result="approved")
    made = Report(verb="approve", spec=a_spec(groups=groups), account=account, outcomes=(done,), approval_asked=True)
    assert (made.succeeded, made.all_known, made.complete) == (True, known, known)
    if known:
        made.raise_for_failures()
    else:
        with pytest.raises(ReportFailed, match="Not every endpoint is known:\n  pv1: unknown: the account shows only"):
            made.raise_for_failures(hand_off_is_fine=True)


@given(st.lists(outcomes, max_size=4))
def test_raising_lists_every_failure(found):
    """The error names each failed outcome, in order."""
    made = Report(verb="apply", spec=a_spec(), outcomes=tuple(found))
    if made.failures:
        with pytest.raises(ReportFailed) as caught:
            made.raise_for_failures()
        assert caught.value.report.failures == made.failures


@given(statuses)
def test_settled(status):
    """A status is settled if every endpoint is known and no verdict can change by waiting."""
    assert status.is_moving == bool({e.verdict for e in status.endpoints} & {"provisioning", "pending"})
    assert status.settled == (status.all_known and not status.is_moving)


# --- plans


def test_a_plan_knows_its_changes_and_conflicts():
    """Changes would write, conflicts keep the plan from being applied."""
    made = [
        Step(action=action, name=action, group_id="blob", resource_id=STORAGE, reason="r")
        for action in ("create", "keep", "replace", "conflict")
    ]
    plan = Plan(spec=a_spec(), account=Account(id=ACCOUNT, name="pv1"), steps=tuple(made))
    assert [step.name for step in plan.changes] == ["create", "replace"]
    assert [step.name for step in plan.conflicts] == ["conflict"]


# --- identity and order


@given(recased(STORAGE), st.sampled_from(("", "/")), recased("blob"))
def test_identity_ignores_letter_case_and_a_trailing_slash(resource_id, slash, group_id):
    """Target and group id, whatever their spelling."""
    assert identity(resource_id + slash, group_id) == identity(STORAGE, "blob")


@pytest.mark.parametrize(
    "value",
    [
        Target(group_id="Blob", resource_id=STORAGE.upper(), connections="storage"),
        Endpoint(id=STORAGE, name="x", group_id="Blob", resource_id=STORAGE.upper()),
        Step(action="keep", name="x", group_id="Blob", resource_id=STORAGE.upper(), reason="r"),
        Outcome(name="x", group_id="Blob", resource_id=STORAGE.upper(), result="kept"),
        EndpointStatus(name="x", group_id="Blob", resource_id=STORAGE.upper(), verdict="ready"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_value_with_a_target_has_the_same_identity(value):
    """Target, endpoint, step, outcome and status of one endpoint have one identity, which is not part of the JSON."""
    assert value.identity == identity(STORAGE, "blob")
    assert "identity" not in value.model_dump()


def test_identity_tells_groups_and_networks_apart():
    """Another group is another identity, and so is none."""
    assert len({identity(STORAGE, "blob"), identity(STORAGE, "queue"), identity(STORAGE, None)}) == 3


@given(st.lists(findings))
def test_findings_are_sorted_by_severity(found):
    """Errors, then warnings, then information; each in the order given, none lost."""
    ordered = by_severity(found)
    assert [f.severity for f in ordered] == sorted((f.severity for f in found), key=("error", "warning", "info").index)
    for severity in ("error", "warning", "info"):
        assert [f for f in ordered if f.severity == severity] == [f for f in found if f.severity == severity]


@pytest.mark.parametrize("resource_id", ["", "x", "/subscriptions/../x", "https://example.org/subscriptions/1"])
def test_target_of_a_file_is_a_resource_id(resource_id):
    """A report or plan file cannot make a request to anything that is no resource id."""
    with pytest.raises(InvalidSpec) as raised:
        Target.model_validate({"group_id": "blob", "resource_id": resource_id, "connections": "storage"})
    assert [field for field, _ in raised.value.problems] == ["resource_id"]


def test_a_report_counts_its_results():
    """By result, in the order of the results, in JSON as well; what did not occur is left out."""
    made = [
        Outcome(name=name, group_id="account", resource_id=ACCOUNT, result=result)
        for name, result in (("a", "approved"), ("b", "created"), ("c", "approved"))
    ]
    report = Report(verb="create_all", spec=a_spec(), outcomes=tuple(made))
    assert list(report.counts.items()) == [("created", 1), ("approved", 2)]
    assert report.model_dump(mode="json")["counts"] == {"created": 1, "approved": 2}
    assert FleetReport(reports=(report, report)).counts == {"created": 2, "approved": 4}
    assert Report(verb="apply", spec=a_spec()).counts == {}
