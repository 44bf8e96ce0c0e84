"""Errors: one tree, each with code, message and remedy; safe to print, log and pickle."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from purview_mpe import ErrorDetail, FleetReport, Report, Step, errors
from purview_mpe._model.fleets import refuse
from purview_mpe.errors import (
    AccessDenied,
    AzureError,
    InvalidCredential,
    InvalidSpec,
    PlanConflict,
    PurviewMpeError,
    ReportFailed,
)
from tests.support.every_error import LEAVES, a_conflict, a_plan, an_outcome, made
from tests.support.nouns import ACCOUNT, a_spec


def test_every_error_is_public():
    """The module exports everything that it defines, and every error descends from one class."""
    defined = {n for n, v in vars(errors).items() if inspect.isclass(v) and v.__module__ == errors.__name__}
    assert set(errors.__all__) == defined
    assert all(issubclass(cls, PurviewMpeError) for cls in LEAVES)


def test_tree_in_the_docstring_matches_the_classes():
    """The module's docstring shows each class under its parent."""
    drawn: dict[str, str] = {}
    parents = {0: "PurviewMpeError"}
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([ │]*)(?:├──|└──) (\w+)", line):
            depth = len(found[1]) // 4 - 1
            drawn[found[2]] = parents[depth]
            parents[depth + 1] = found[2]
    real = {cls.__name__: cls.__bases__[0].__name__ for cls in LEAVES}
    assert drawn == real
    azure = {name for name, parent in real.items() if parent == "AzureError"}
    assert azure == {"AccessDenied", "NotFound", "Throttled", "PolicyDenied", "Locked", "AzureUnavailable"}
    assert issubclass(InvalidSpec, ValueError)
    assert issubclass(InvalidCredential, TypeError)


@pytest.mark.parametrize("cls", LEAVES)
def test_codes_are_the_names_in_kebab_case(cls):
    """`code` is stable, and follows from the class."""
    assert cls.code == re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


@pytest.mark.parametrize("cls", LEAVES)
def test_every_error_survives_pickling(cls):
    """The unpickled error equals the original, details included."""
    error = made(cls)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - the test's own bytes
    assert type(again) is cls
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.args == error.args


@pytest.mark.parametrize("cls", LEAVES)
def test_text_of_every_error_ends_with_the_remedy(cls):
    """The remedy starts with a verb."""
    error = made(cls)
    assert str(error) == f"{error.message}\n  What to do: {error.remedy}"
    assert re.match(r"[A-Z][a-z]+ ", error.remedy)


@pytest.mark.parametrize("cls", LEAVES)
def test_every_error_becomes_a_value(cls):
    """In a report, an error is an ErrorDetail with the same content."""
    error = made(cls)
    detail = ErrorDetail.of(error)
    assert (detail.code, detail.message, detail.remedy) == (cls.code, error.message, error.remedy)
    assert (detail.status, detail.azure_code) == (error.status, error.azure_code)
    assert (detail.request_id, detail.correlation_id) == (error.request_id, error.correlation_id)


def test_error_keeps_azures_answer():
    """The error has the status, Azure's code and the ids for a support case."""
    error = made(AccessDenied)
    assert isinstance(error, AzureError)
    assert (error.status, error.azure_code, error.request_id, error.correlation_id) == (403, "X", "r", "c")


def test_error_without_an_answer_has_no_azure_fields():
    """An error that does not come from Azure has no status, code or ids."""
    error = InvalidSpec("x", [])
    assert (error.status, error.azure_code, error.request_id, error.correlation_id) == (None, None, None, None)


def test_a_plan_with_one_conflict():
    """The message names the conflict with its reason and remedy, and says that nothing was written."""
    kept = Step(action="keep", name="purview", group_id="account", resource_id=ACCOUNT, reason="The endpoint exists.")
    error = PlanConflict(a_plan(kept, a_conflict("purview_blob", "The name is taken.", "Choose another base name.")))
    assert str(error) == (
        "The plan has 1 conflict, so nothing was written:\n"
        "  ! purview_blob: The name is taken.\n"
        "    Choose another base name.\n"
        "  What to do: Follow the remedy beside each conflict, then plan again."
    )
    assert len(error.plan.steps) == 2


def test_a_plan_with_two_conflicts():
    """Conflicts are counted and listed under one another."""
    error = PlanConflict(a_plan(a_conflict("a1"), a_conflict("b1")))
    assert error.message == (
        "The plan has 2 conflicts, so nothing was written:\n  ! a1: Why.\n    Do this.\n  ! b1: Why.\n    Do this."
    )


def test_a_report_with_failures():
    """Every failure is listed with its remedy; successes are counted and are in the report."""
    denied = ErrorDetail.of(made(AccessDenied))
    report = Report(
        verb="apply",
        spec=a_spec(),
        outcomes=(
            an_outcome("purview", "created"),
            an_outcome("purview_blob", "failed", denied),
            an_outcome("purview_queue", "ambiguous"),
        ),
    )
    with pytest.raises(ReportFailed) as caught:
        report.raise_for_failures()
    assert str(caught.value) == (
        "2 of 3 steps did not succeed:\n"
        "  purview_blob: failed: Could not do it.\n"
        "    Do that.\n"
        "  purview_queue: ambiguous\n"
        "  What to do: Follow the remedy beside each, and repeat the call: what is done already is kept."
    )
    assert caught.value.report is report


@pytest.mark.parametrize("said", ["x" * 500, "\U0001f4a5" * 500, "x" * 100_000])
def test_text_of_many_failures_fits_into_64_kib(said):
    """Thirty failures with long messages fit into 64 KiB of UTF-16, and the text counts the omitted ones."""
    detail = ErrorDetail(code="access-denied", message=said, remedy="Ask an owner for the role.")
    reports = tuple(
        Report(
            verb="create_all",
            spec=a_spec(),
            outcomes=(an_outcome("purview", "failed").model_copy(update={"error": detail}),),
        )
        for _ in range(30)
    )
    text = str(ReportFailed(FleetReport(reports=reports)))
    assert len(text.encode("utf-16-le")) < 60_000
    shown = text.count("purview: failed")
    assert 1 <= shown <= 30
    assert (f"… and {30 - shown} more" in text) is (shown < 30)
    assert text.startswith("30 of 30 steps did not succeed:")


def test_text_of_a_wrong_fleet_file_fits_into_64_kib():
    """The same holds for a file with a thousand problems."""
    with pytest.raises(InvalidSpec) as refused:
        refuse("fleet.csv", [(f"line {number}, factory", "\U0001f4a5" * 900) for number in range(1000)])
    assert len(str(refused.value).encode("utf-16-le")) < 60_000
    assert refused.value.problems[-1] == ("…", "and 987 more")
