"""The result types: frozen values with the documented fields, which survive JSON."""

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


def test_every_noun_has_a_strategy():
    """The tests below cover every noun, wherever it is defined."""
    for name in purview_mpe.__all__:
        getattr(purview_mpe, name)
    defined, new = set(), {Noun}
    while new:
        new = {noun for cls in new for noun in cls.__subclasses__()}
        # The command line has its own nouns, which other tests in this process may have loaded.
        mine = [noun for noun in new if noun.__module__.startswith("purview_mpe") and "._cli." not in noun.__module__]
        defined |= {noun.__name__ for noun in mine}
    assert defined == set(NOUNS)


@pytest.mark.untraced
@pytest.mark.parametrize("name", NOUNS)
@given(st.data())
def test_noun_survives_json(name, data):
    """A value that was written as JSON is read back equal, from text and from plain data."""
    noun = data.draw(NOUNS[name])
    assert type(noun).model_validate_json(noun.model_dump_json()) == noun
    assert type(noun).model_validate(noun.model_dump(mode="json")) == noun
    assert type(noun).model_validate(noun.model_dump()) == noun


@pytest.mark.untraced
@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_noun_can_be_copied_and_hashed(name, data):
    """Copies, pickles and values made from the fields are equal and have the same hash."""
    noun = data.draw(NOUNS[name])
    made = type(noun)(**noun.model_dump(mode="json"))
    others = [copy.copy(noun), copy.deepcopy(noun), pickle.loads(pickle.dumps(noun)), made]  # noqa: S301 - our own bytes
    assert others == [noun] * 4
    assert {noun, *others} == {noun}


@pytest.mark.untraced
@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_noun_is_frozen_and_prints(name, data):
    """Fields cannot be set, and str() is not empty."""
    noun = data.draw(NOUNS[name])
    with pytest.raises(ValidationError, match="frozen"):
        setattr(noun, next(iter(type(noun).model_fields)), None)
    assert str(noun)


@pytest.mark.untraced
@pytest.mark.parametrize("name", NOUNS)
@settings(max_examples=10)
@given(st.data())
def test_unknown_json_field_is_refused(name, data):
    """A misspelt field in a file is reported instead of being dropped."""
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
def test_json_has_the_documented_fields(noun, data):
    """Programs read these fields, so they are always present, with null if they have no value."""
    written = data.draw(NOUNS[noun.__name__]).model_dump(mode="json")
    assert written.keys() >= CONTRACT[noun]
    assert json.loads(json.dumps(written)) == written


def test_documented_words():
    """Results, verdicts, shapes, actions and severities have the documented spelling."""
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
def test_report_succeeded_unless_an_outcome_failed(report):
    """Only `failed`, `timed-out`, `conflict` and `ambiguous` count as failures."""
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
def test_report_is_complete(results, asked, complete):
    """Complete means succeeded, nothing handed off, and everything approved if approval was requested."""
    assert report(*results, asked=asked).complete is complete


def test_computed_fields_are_not_read():
    """A file that claims success is loaded, and its outcomes decide."""
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
def test_raise_for_failures_unless_everything_is_done(results, asked, hand_off_is_fine, said):
    """A hand-off or a missing approval is not done; a dry run has nothing to complete."""
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
def test_unknown_endpoints_make_a_report_incomplete(account, groups, known):
    """If the account is unreadable, its other endpoints are unknown, unless the spec wants only known ones."""
    done = Outcome(name="n", group_id="account", resource_id=ACCOUNT, result="approved")
    made = Report(verb="approve", spec=a_spec(groups=groups), account=account, outcomes=(done,), approval_asked=True)
    assert (made.succeeded, made.all_known, made.complete) == (True, known, known)
    if known:
        made.raise_for_failures()
    else:
        with pytest.raises(ReportFailed, match="Not every endpoint is known:\n  pv1: unknown: the account shows only"):
            made.raise_for_failures(hand_off_is_fine=True)


@given(st.lists(outcomes, max_size=4))
def test_raise_for_failures_lists_every_failure(found):
    """The error holds each failed outcome, in order."""
    made = Report(verb="apply", spec=a_spec(), outcomes=tuple(found))
    if made.failures:
        with pytest.raises(ReportFailed) as caught:
            made.raise_for_failures()
        assert caught.value.report.failures == made.failures


@given(statuses)
def test_status_is_settled(status):
    """A status is settled if every endpoint is known and waiting can change no verdict."""
    assert status.is_moving == bool({e.verdict for e in status.endpoints} & {"provisioning", "pending"})
    assert status.settled == (status.all_known and not status.is_moving)


# --- plans


def test_plan_lists_changes_and_conflicts():
    """Changes are written; conflicts prevent the plan from being applied."""
    made = [
        Step(action=action, name=action, group_id="blob", resource_id=STORAGE, reason="r")
        for action in ("create", "keep", "replace", "conflict")
    ]
    plan = Plan(spec=a_spec(), account=Account(id=ACCOUNT, name="pv1"), steps=tuple(made))
    assert [step.name for step in plan.changes] == ["create", "replace"]
    assert [step.name for step in plan.conflicts] == ["conflict"]


# --- identity and order


@given(recased(STORAGE), st.sampled_from(("", "/")), recased("blob"))
def test_identity_ignores_letter_case_and_trailing_slash(resource_id, slash, group_id):
    """The identity is target and group id in any spelling."""
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
def test_identity_is_the_same_in_every_type(value):
    """Target, endpoint, step, outcome and status of one endpoint share one identity, which is not in the JSON."""
    assert value.identity == identity(STORAGE, "blob")
    assert "identity" not in value.model_dump()


def test_identity_depends_on_the_group_id():
    """Another group id, or none, gives another identity."""
    assert len({identity(STORAGE, "blob"), identity(STORAGE, "queue"), identity(STORAGE, None)}) == 3


@given(st.lists(findings))
def test_findings_are_sorted_by_severity(found):
    """Errors, then warnings, then information, each in the given order and none lost."""
    ordered = by_severity(found)
    assert [f.severity for f in ordered] == sorted((f.severity for f in found), key=("error", "warning", "info").index)
    for severity in ("error", "warning", "info"):
        assert [f for f in ordered if f.severity == severity] == [f for f in found if f.severity == severity]


@pytest.mark.parametrize("resource_id", ["", "x", "/subscriptions/../x", "https://example.org/subscriptions/1"])
def test_target_of_a_file_must_be_a_resource_id(resource_id):
    """A report or plan file cannot direct a request to anything else."""
    with pytest.raises(InvalidSpec) as raised:
        Target.model_validate({"group_id": "blob", "resource_id": resource_id, "connections": "storage"})
    assert [field for field, _ in raised.value.problems] == ["resource_id"]


def test_report_counts_its_results():
    """The counts follow the order of the results, in JSON too, without results that did not occur."""
    made = [
        Outcome(name=name, group_id="account", resource_id=ACCOUNT, result=result)
        for name, result in (("a", "approved"), ("b", "created"), ("c", "approved"))
    ]
    report = Report(verb="create_all", spec=a_spec(), outcomes=tuple(made))
    assert list(report.counts.items()) == [("created", 1), ("approved", 2)]
    assert report.model_dump(mode="json")["counts"] == {"created": 1, "approved": 2}
    assert FleetReport(reports=(report, report)).counts == {"created": 2, "approved": 4}
    assert Report(verb="apply", spec=a_spec()).counts == {}
