"""How fleets print: short for any number of factories, with failures first."""

from __future__ import annotations

from purview_mpe import (
    Account,
    Check,
    ErrorDetail,
    FactoryCheck,
    FactoryPlan,
    FactoryStatus,
    Finding,
    FleetCheck,
    FleetPlan,
    FleetReport,
    FleetStatus,
    Outcome,
    Plan,
    Report,
    Spec,
    Status,
    Step,
)
from purview_mpe._model.results import EndpointStatus
from tests.support.nouns import ACCOUNT, FACTORY

ERROR = ErrorDetail(code="not-found", message="It is not there.", remedy="Look elsewhere.")


def spec(number: int) -> Spec:
    """A spec for one of many factories."""
    return Spec(factory=f"{FACTORY}{number}", account=ACCOUNT, name="pv")


def report(number: int, result: str = "created", error: ErrorDetail | None = None) -> Report:
    """A report of one outcome."""
    outcome = Outcome(name="pv", group_id="account", resource_id=ACCOUNT, result=result, error=error)
    return Report(verb="create_all", spec=spec(number), outcomes=(outcome,))


def test_failures_come_first_and_say_what_to_do():
    """The first lines show the factories that need action."""
    fleet = FleetReport(reports=(report(1), report(2, "handed-off"), report(3, "failed", ERROR)))
    lines = str(fleet).splitlines()
    assert lines[0] == "Fleet of 3 factories: 1 created, 1 handed-off, 1 failed"
    marks = [line.split()[0] for line in lines if "df1" in line and ":" not in line]
    assert marks == ["x", ">", "+"]
    assert "What to do: Look elsewhere." in str(fleet)


def test_a_large_fleet_prints_a_screenful():
    """A hundred failures print fewer than 80 lines."""
    errors = [ERROR.model_copy(update={"message": f"It is not at {number}."}) for number in range(100)]
    fleet = FleetReport(reports=tuple(report(number, "failed", error) for number, error in enumerate(errors)))
    text = str(fleet)
    assert "  x df10 and 99 more  1 failed" in text
    assert "... and 95 more failures" in text
    assert len(text.splitlines()) < 80


def test_large_fleet_with_many_results_omits_some():
    """The list of factories has a limit, and its last line points to the JSON."""
    ends = ("created", "kept", "replaced", "approved", "handed-off", "timed-out")
    fleet = FleetReport(reports=tuple(report(number, ends[number // 10]) for number in range(60)))
    assert "... and 20 more factories; the JSON holds them all." in str(fleet)


def test_same_cause_with_other_names_is_explained_once():
    """Names of factory and step do not count: the first factory's message stands for all."""
    errors = [
        ErrorDetail(
            code="access-denied", message=f"'df1{number}' did not let 'pv' in.", remedy=f"See {FACTORY}{number}."
        )
        for number in range(4)
    ]
    text = str(FleetReport(reports=tuple(report(number, "failed", error) for number, error in enumerate(errors))))
    assert "df10: pv, df11: pv, df12: pv, and 1 more: 'df10' did not let 'pv' in." in text
    assert text.count("What to do") == 1
    unreadable = tuple(FactoryPlan(spec=spec(number), error=error) for number, error in enumerate(errors))
    assert "df10, df11, df12, and 1 more: 'df10' did not" in str(FleetPlan(factories=unreadable))


def test_factories_with_the_same_result_share_a_line():
    """A rare result keeps a line for each factory."""
    results = ["created"] * 300 + ["kept"] * 2 + ["handed-off"] * 50
    reports = [report(number, result) for number, result in enumerate(results)]
    failed = [report(number, "failed", ERROR) for number in range(400, 402)]
    lines = str(FleetReport(reports=(*reports, *failed))).splitlines()
    rows = [" ".join(line.split()) for line in lines[2 : lines.index("")]]
    assert rows == [
        *(f"x df1{number} 1 failed" for number in range(400, 402)),
        "> df1302 and 49 more 1 handed-off",
        "+ df10 and 299 more 1 created",
        "+ df1300 1 kept",
        "+ df1301 1 kept",
    ]


def test_one_cause_of_many_failures_is_explained_once():
    """A right that is missing for a hundred factories is one paragraph that names three of them."""
    text = str(FleetReport(reports=tuple(report(number, "failed", ERROR) for number in range(100))))
    assert text.count(ERROR.message) == text.count("What to do") == 1
    assert "  df10: pv, df11: pv, df12: pv, and 97 more: It is not there." in text


def test_a_conflict_is_not_repeated_for_the_other_steps():
    """The steps that were not written because of a conflict add nothing; without one, they are shown."""
    conflict = ErrorDetail(code="conflict", message="The name is taken.", remedy="Take another.")
    stopped = ErrorDetail(code="plan-conflict", message="The plan has 1 conflict.", remedy="Read it.")
    outcomes = [
        Outcome(name=name, group_id="account", resource_id=ACCOUNT, result=result, error=error)
        for name, result, error in (("pv", "failed", stopped), ("pv_blob", "conflict", conflict))
    ]
    text = str(FleetReport(reports=(Report(verb="create_all", spec=spec(1), outcomes=tuple(outcomes)),)))
    assert "df11: pv_blob: The name is taken." in text
    assert "The plan has 1 conflict" not in text
    alone = str(FleetReport(reports=(Report(verb="create_all", spec=spec(1), outcomes=(outcomes[0],)),)))
    assert "df11: pv: The plan has 1 conflict." in alone


def test_empty_fleet_says_so():
    """The title reports an empty fleet."""
    assert str(FleetReport()) == "Fleet of 0 factories: nothing to do"
    assert str(FleetStatus()) == "Status of 0 factories: ready (nothing is wanted)"


def test_status_of_a_fleet():
    """A line for each factory, with its verdicts or why it could not be read."""
    endpoint = EndpointStatus(name="pv", group_id="account", resource_id=ACCOUNT, verdict="ready")
    ready = Status(factory=FACTORY, account=ACCOUNT, ready=True, endpoints=(endpoint,))
    empty = Status(factory=FACTORY, account=ACCOUNT, ready=False, endpoints=())
    fleet = FleetStatus(
        factories=(
            FactoryStatus(spec=spec(1), status=ready),
            FactoryStatus(spec=spec(2), error=ERROR),
            FactoryStatus(spec=spec(3), status=empty),
        )
    )
    text = str(fleet)
    assert text.startswith("Status of 3 factories: not ready (1 ready, 1 unreadable)")
    assert "not-found" in text
    assert "df13: It is not there." not in text
    assert "df12: It is not there." in text


def plan(number: int, action: str) -> FactoryPlan:
    """A plan of one step."""
    reason, remedy = ("It is in the way.", "Move it.") if action == "conflict" else ("It is so.", None)
    step = Step(action=action, name="pv", group_id="account", resource_id=ACCOUNT, reason=reason, remedy=remedy)
    return FactoryPlan(spec=spec(number), plan=Plan(spec=spec(number), account=account(), steps=(step,)))


def account() -> Account:
    """An account of shape A."""
    return Account(id=ACCOUNT, name="pv1", shape="A", targets=())


def test_plan_of_a_fleet():
    """Unreadable factories come first, then conflicts with remedies, then changes, then unchanged factories."""
    factories = (plan(1, "keep"), plan(2, "create"), plan(3, "conflict"), FactoryPlan(spec=spec(4), error=ERROR))
    text = str(FleetPlan(factories=factories))
    assert text.startswith("Plan of 4 factories: 1 to create, 1 kept, 1 in conflict, 1 unreadable")
    marks = [
        line.split()[:2] for line in text.splitlines() if line.startswith("  ") and "df1" in line and ":" not in line
    ]
    assert marks == [["x", "df14"], ["!", "df13"], ["+", "df12"], ["=", "df11"]]
    assert "df13: pv: It is in the way." in text
    assert "What to do: Move it." in text
    assert "df14: It is not there." in text
    assert FleetPlan(factories=factories).to_svg().startswith("<svg")
    assert len(FleetPlan(factories=factories).to_pandas()) == 4


def test_check_of_a_fleet():
    """Each error is explained once, and the table shows the factories that have it."""
    finding = Finding(code="no-managed-network", severity="error", message="There is none.", remedy="Make one.")
    bad = Check(factory=FACTORY, account=ACCOUNT, ok=False, findings=(finding,))
    good = Check(factory=FACTORY, account=ACCOUNT, ok=True)
    factories = (
        FactoryCheck(spec=spec(1), check=good),
        FactoryCheck(spec=spec(2), check=bad),
        FactoryCheck(spec=spec(3), check=bad),
        FactoryCheck(spec=spec(4), error=ERROR),
    )
    text = str(FleetCheck(factories=factories))
    assert text.startswith("Check of 4 factories: not ok (1 ok, 2 not ok, 1 unreadable)")
    assert text.count("What to do: Make one.") == 1
    assert "df14: It is not there." in text
    assert FleetCheck(factories=factories).to_svg().startswith("<svg")
    assert len(FleetCheck(factories=factories).to_pandas()) == 3


def test_an_empty_fleet_of_plans_and_checks():
    """The title says that nothing is wanted."""
    assert str(FleetPlan()) == "Plan of 0 factories: nothing is wanted"
    assert str(FleetCheck()) == "Check of 0 factories: ok (nothing is wanted)"
