"""Pictures: states are visible without colour, everything stays inside its box, and the text is complete."""

from __future__ import annotations

import re
import runpy
import xml.etree.ElementTree as ET
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import (
    Account,
    Check,
    Diagnosis,
    ErrorDetail,
    Event,
    FactoryStatus,
    Finding,
    FleetReport,
    FleetStatus,
    Outcome,
    Plan,
    Report,
    RuntimeCheck,
    Spec,
    Status,
    Step,
)
from purview_mpe._display.markup import escape, shortened
from purview_mpe._display.picture.checkup import CHAIN
from purview_mpe._display.picture.mermaid import _LINKS, label, mermaid
from purview_mpe._display.picture.scene import kind_of, outcomes_scene
from purview_mpe._display.picture.scenes import scene
from purview_mpe._display.picture.svg import WIDTH, svg
from purview_mpe._model.results import Action, Result, Severity, Verdict
from purview_mpe._model.words import RESULTS, VERDICTS, Line
from purview_mpe._rules.findings.catalogue import CATALOGUE
from tests.support.nouns import ACCOUNT, FACTORY, NAMESPACE, STORAGE, TARGETS, a_spec, an_account

SVG = "{http://www.w3.org/2000/svg}"


def an_outcome(group_id: str | None, result: Result, name: str = "purview", target: str = ACCOUNT) -> Outcome:
    subject = "endpoint" if group_id else "managed-network"
    return Outcome(subject=subject, name=name, group_id=group_id, resource_id=target, result=result)


def a_status(*verdicts: Verdict, name: str = "purview") -> Status:
    endpoints = [
        {
            "name": f"{name}_{target.group_id}",
            "group_id": target.group_id,
            "resource_id": target.resource_id,
            "verdict": verdict,
        }
        for target, verdict in zip(TARGETS, verdicts, strict=False)
    ]
    ready = bool(verdicts) and set(verdicts) == {"ready"}
    return Status.model_validate({"factory": FACTORY, "account": ACCOUNT, "ready": ready, "endpoints": endpoints})


def a_plan(*actions: Action) -> Plan:
    steps = [
        Step(
            action=action,
            name=f"purview_{target.group_id}",
            group_id=target.group_id,
            resource_id=target.resource_id,
            reason="so",
        )
        for target, action in zip(TARGETS, actions, strict=False)
    ]
    return Plan(spec=a_spec(), account=an_account(), steps=tuple(steps))


def xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - the library's picture


def drawn(noun: Account | Plan | Report | Status) -> ET.Element:
    return xml(noun.to_svg())


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


# --- states


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_state_has_a_symbol_and_a_word(verdict):
    """The word is beside its symbol on the line to the target, and in the text alternative."""
    root = drawn(a_status(verdict))
    assert f"{VERDICTS[verdict].mark.symbol} {verdict}" in texts(root)
    assert f": {verdict}." in (root.findtext(f"{SVG}desc") or "")


def test_line_styles_differ():
    """Solid, dashed, dotted, cut and absent lines are drawn differently."""
    ways = {}
    for verdict in ("ready", "pending", "provisioning", "rejected", "missing"):
        root = drawn(a_status(verdict))
        ways[verdict] = tuple((path.get("d"), path.get("stroke-dasharray")) for path in root.iter(f"{SVG}path"))
    assert len(set(ways.values())) == len(ways)
    assert ways["missing"] == ()


# --- what is in it


def test_picture_shows_factory_network_endpoints_and_targets():
    """Group ids are shown as well; one storage account is one box."""
    root = drawn(a_status("ready", "ready", "pending", "missing"))
    shown = texts(root)
    for text in (
        "Data factory df1",
        "Managed virtual network",
        "purview_blob",
        "queue",
        "pv1",
        "Storage account",
        "atlas-1",
    ):
        assert any(text in line for line in shown), text
    assert sum(line == "scanwesteurope" for line in shown) == 1
    assert root.findtext(f"{SVG}title") == "Status from df1 to pv1: 2 of 4 endpoints ready"


def test_lines_to_one_target_are_neighbours():
    """Blob and queue are neighbours although the namespace was listed between them."""
    outcomes = [
        an_outcome("blob", "created", "b", STORAGE),
        an_outcome("namespace", "created", "n", NAMESPACE),
        an_outcome("queue", "created", "q", STORAGE.upper()),
    ]
    report = Report(verb="apply", spec=a_spec(), outcomes=tuple(outcomes))
    assert [way.name for way in scene(report).ways] == ["b", "q", "n"]


def test_plan_shows_its_network_and_conflicts():
    """A missing network is in the picture, and the title counts conflicts."""
    network = Step(action="create", name="default", resource_id=FACTORY, reason="missing")
    plan = a_plan("create", "keep", "replace")
    assert scene(plan).title == "Plan from df1 to pv1: 2 changes"
    assert scene(plan.model_copy(update={"steps": (network, *plan.steps)})).inner == (
        "Managed virtual network",
        "default, create",
    )
    assert scene(a_plan("conflict")).title == "Plan from df1 to pv1: 1 conflict"
    assert scene(a_plan("keep")).title == "Plan from df1 to pv1: no changes"


def test_results_of_one_endpoint_are_joined():
    """Created and then approved is one line with both words and the symbol of the last."""
    outcomes = (
        an_outcome(None, "created", "default", FACTORY),
        an_outcome("account", "created"),
        an_outcome("ACCOUNT", "approved", target=ACCOUNT.upper()),
        an_outcome("blob", "kept", "b", STORAGE),
        an_outcome("blob", "already-approved", "b", STORAGE),
        an_outcome("blob", "kept", "b", STORAGE),
    )
    report = Report(verb="create_all", spec=a_spec(), account=an_account(), outcomes=outcomes)
    shown = scene(report)
    assert [way.word for way in shown.ways] == ["created, approved", "kept, already-approved"]
    assert shown.ways[0].mark is RESULTS["approved"].mark
    assert shown.inner == ("Managed virtual network", "default, created")


def test_report_title_shows_its_result():
    """The title says complete, not complete, or how many steps failed."""
    done = an_outcome("account", "created")
    report = Report(verb="apply", spec=a_spec(), outcomes=(done,))
    assert scene(report).title == "apply from df1 to pv1: complete"
    assert scene(report.model_copy(update={"approval_asked": True})).title.endswith("not complete")
    failed = report.model_copy(update={"outcomes": (done, an_outcome("blob", "failed", target=STORAGE))})
    assert scene(failed).title.endswith("1 of 2 failed")
    unnamed = report.model_copy(update={"spec": a_spec(account=None)})
    assert scene(unnamed).title == "apply from df1 to the account: complete"
    handed = scene(report.model_copy(update={"hand_off": "Please approve"}))
    assert (handed.title, handed.mark.role) == ("apply from df1 to pv1: complete, to be approved", "attention")


def test_pending_endpoints_are_shown():
    """While a verb runs, endpoints in progress are shown as under way."""
    shown = outcomes_scene(
        "t", "df1", "", [an_outcome("account", "created")], mark=RESULTS["created"].mark, pending=("purview",)
    )
    assert shown.ways[0].word == "created, under way"


def test_an_account_shows_what_it_needs():
    """The picture shows group ids and targets; an unknown firewall is shown as unknown."""
    shown = texts(drawn(an_account()))
    assert "= Purview account pv1: 4 endpoints needed (shape A, disabled from all networks)" in shown
    assert shown.count("= needed") == 4
    once = texts(drawn(an_account(firewall="disabled-for-ingestion-only")))
    assert once.count("= needed once closed") == 4
    unknown = an_account(shape=None, firewall=None, targets=())
    assert any("unknown firewall" in line for line in texts(drawn(unknown)))
    assert "no endpoints" in texts(drawn(unknown))


def test_a_check_shows_its_runtimes():
    """Each runtime leads to the account with the matrix's answer, and with what it needs."""
    runtimes = (
        RuntimeCheck(name="a", kind="azure", supported=False, reason="r"),
        RuntimeCheck(
            name="m", kind="azure-managed-vnet", supported=True, managed_groups=("account", "blob"), reason="r"
        ),
        RuntimeCheck(name="s", kind="self-hosted", supported=True, customer_groups=("blob",), reason="r"),
        RuntimeCheck(name="x", kind="ssis", supported=None, reason="r"),
    )
    shown = scene(Check(factory=FACTORY, account=ACCOUNT, ok=False, runtimes=runtimes))
    assert [(way.name, way.group_id, way.word, way.mark.symbol) for way in shown.ways] == [
        ("a", "azure", "not supported", "x"),
        ("m", "azure-managed-vnet: 2 managed endpoints", "supported", "+"),
        ("s", "self-hosted: 1 endpoints of yours (not seen)", "supported", "+"),
        ("x", "ssis", "unknown", "?"),
    ]
    assert shown.title == "Check from df1 to pv1: not ready"
    warned = Check(
        factory=FACTORY, account=ACCOUNT, ok=True, findings=(Finding(code="c", severity="warning", message="m"),)
    )
    assert (scene(warned).title, scene(warned).mark.symbol) == ("Check from df1 to pv1: 1 warning", "!")
    assert scene(Check(factory=FACTORY, account=ACCOUNT, ok=True)).title.endswith("nothing stands in the way")
    nowhere = Check(factory=FACTORY, account=None, ok=False, runtimes=runtimes[:1])
    assert scene(nowhere).text == "Data factory df1. a (azure) to no account: not supported."
    assert scene(nowhere.model_copy(update={"runtimes": ()})).text == "Data factory df1. No runtimes were found."


def test_a_diagnosis_shows_the_chain():
    """Each link shows its worst finding; a link without findings is good only if the whole diagnosis is."""

    def found(code: str, severity: Severity) -> Finding:
        return Finding(code=code, severity=severity, message="m")

    findings = (
        found("endpoint-missing", "error"),
        found("may-not-create", "warning"),
        found("no-recent-runs", "info"),
        found("runs-unreadable", "info"),
    )
    shown = scene(Diagnosis(factory=FACTORY, account=ACCOUNT, ok=False, since=timedelta(1), findings=findings))
    assert [(way.name, way.word) for way in shown.ways] == [
        ("Account", "nothing found"),
        ("Factory", "nothing found"),
        ("Endpoints", "error"),
        ("Network", "nothing found"),
        ("Approvals", "nothing found"),
        ("Rights", "warning"),
        ("Runs", "info"),
    ]
    assert shown.ways[0].mark.role == "faint"
    assert shown.ways[6].group_id == "no-recent-runs and 1 more"
    fine = scene(Diagnosis(factory=FACTORY, account=None, ok=True, since=timedelta(1)))
    assert {way.mark.role for way in fine.ways} == {"good"}


def test_every_finding_is_about_a_link_of_the_chain():
    """The picture has every link of the catalogue except fleets, because a diagnosis is about one factory."""
    assert [*CHAIN, "Fleets"] == list(dict.fromkeys(kind.link for kind in CATALOGUE.values()))
    code = next(code for code, kind in CATALOGUE.items() if kind.link == "Runs")
    finding = Finding(code=code, severity="error", message="m")
    other = Finding(code="of-another-version", severity="error", message="m")
    diagnosis = Diagnosis(factory=FACTORY, account=ACCOUNT, ok=False, since=timedelta(1), findings=(finding, other))
    assert {way.name: way.word for way in scene(diagnosis).ways if way.word != "nothing found"} == {"Runs": "error"}


def test_fleet_shows_failures_first():
    """Each factory has a line to its account, failures first; a large fleet shows only the worst."""

    def report(number: int, result: Result) -> Report:
        return Report(
            verb="create_all",
            spec=a_spec(factory=f"{FACTORY}{number}"),
            outcomes=(an_outcome("blob", result, target=STORAGE),),
        )

    some = [report(1, "created"), report(2, "handed-off"), report(3, "failed")]
    shown = scene(FleetReport(reports=tuple(some)))
    assert [(way.name, way.word) for way in shown.ways] == [
        ("df13", "1 of 1 failed"),
        ("df12", "not complete"),
        ("df11", "complete"),
    ]
    assert shown.mark.role == "bad"
    many = scene(FleetReport(reports=tuple(report(number, "created") for number in range(30))))
    assert (len(many.ways), many.inner) == (12, ("Data factories", "12 of 30 shown"))
    assert scene(FleetReport()).text == "Fleet 0 factories. No factories."


def test_a_status_of_a_fleet():
    """The picture shows how many endpoints of each factory are ready, or that it cannot be read."""
    error = ErrorDetail(code="not-found", message="m", remedy="r")
    fleet = FleetStatus(
        factories=(
            FactoryStatus(spec=a_spec(), status=a_status("ready")),
            FactoryStatus(spec=a_spec(), status=a_status("ready", "pending")),
            FactoryStatus(spec=a_spec(), status=a_status("stale")),
            FactoryStatus(spec=a_spec(account=None), error=error),
        )
    )
    shown = {way.word: way.mark.role for way in scene(fleet).ways}
    assert shown == {
        "0 of 1 ready": "bad",
        "cannot be read": "bad",
        "1 of 2 ready": "attention",
        "1 of 1 ready": "good",
    }
    assert any(way.target == "the connected account" for way in scene(fleet).ways)


def test_long_names_stay_inside_their_boxes():
    """The names of factory and network are shortened to the width of their box."""
    long = a_spec(factory=FACTORY.replace("df1", "adf-" + "w" * 59))
    plan = a_plan("create").model_copy(update={"spec": long})
    for line in texts(drawn(plan)):
        if line.startswith("Data factory "):
            assert len("Data factory") * 6.7 + len(line.removeprefix("Data factory ")) * 8.3 < 330


def test_status_without_endpoints_has_a_picture():
    """The picture says that it has no endpoints."""
    assert scene(a_status()).text == "Data factory df1. No endpoints."
    assert "no endpoints" in texts(drawn(a_status()))


def test_noun_without_a_picture_names_those_with_one():
    """The error is a TypeError, for both SVG and Mermaid."""
    finding = Finding(code="x", severity="info", message="m")
    for draw in (finding.to_svg, finding.to_mermaid, Event(kind="started", verb="v", seconds=0, message="").to_svg):
        with pytest.raises(
            TypeError,
            match="Account, Check, Diagnosis, FleetCheck, FleetPlan, FleetReport, FleetStatus, Plan, Report, Status",
        ):
            draw()


@pytest.mark.parametrize(
    ("resource_id", "kind"),
    [
        (ACCOUNT.upper(), "Purview account"),
        (STORAGE, "Storage account"),
        (NAMESPACE, "Event Hubs namespace"),
        ("/x", "Resource"),
    ],
)
def test_kind_of_a_target(resource_id, kind):
    """The kind of a target is a word, in any letter case of its id."""
    assert kind_of(resource_id) == kind


# --- hostile and long text


@given(st.text())
def test_escaped_text_is_one_text_node(text):
    """Any escaped text parses as one XML text node without invisible characters."""
    element = xml(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert len(element) == 0
    shown = element.text or ""
    assert len(shown) == len(text)
    assert not set(shown) & set("\u202e\u200b\u2028\x00\x1b")
    assert all(now in (before, "\ufffd") for now, before in zip(shown, text, strict=True))


@given(st.text(max_size=200), st.integers(5, 60))
def test_shortened_text_fits(text, columns):
    """Text is never wider than its box and is unchanged if it fits; both ends of a name stay."""
    short = shortened(text, columns)
    wide = re.compile("[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]")
    assert len(short) + len(wide.findall(short)) <= columns or short == text
    if short != text:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=90), st.sampled_from(get_args(Verdict)))
def test_any_name_makes_a_well_formed_picture(name, verdict):
    """Names from Azure are text in the picture and in Mermaid, never markup, and long ones stay inside."""
    status = a_status(verdict)
    renamed = status.endpoints[0].model_copy(update={"name": name})
    status = status.model_copy(update={"endpoints": (renamed, *status.endpoints[1:])})
    root = xml(status.to_svg())
    allowed = {"svg", "title", "desc", "style", "rect", "text", "tspan", "g", "path"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    for element in root.iter():
        assert not any(attribute.startswith("on") or attribute == "href" for attribute in element.keys())  # noqa: SIM118 - of an Element
    assert all(len(text) <= 110 for text in texts(root))
    assert float(root.get("width", 0)) == WIDTH
    lines = status.to_mermaid().splitlines()
    assert lines[0] == "flowchart LR"
    assert all(re.fullmatch(r'[ \w#;:.,<>/\[\]"|=x-]*', line) for line in lines)


@given(st.text())
def test_mermaid_labels_are_inert(text):
    """A label holds only plain characters and numeric codes, so no quote, bracket or directive can end it."""
    assert re.fullmatch(r"[A-Za-z0-9 .,:_\-#;]*", label(text))


def test_mermaid_shows_the_same_states():
    """Boxes, targets and one link per endpoint; each kind of line has its own link if Mermaid has one."""
    text = a_status("ready", "rejected", "missing", "pending").to_mermaid()
    assert 'e0 ==>|"#43; ready"| t0' in text
    assert 'e1 --x|"x rejected"| t1' in text
    assert 'e2 -.-x|"#33; missing"| t1' in text
    assert 'e3 -.->|"#62; pending"| t2' in text
    assert 'subgraph factory["Data factory df1"]' in text
    assert set(get_args(Line)) == set(_LINKS)


def test_pictures_load_nothing_external():
    """A picture contains no script, link, font, identifier or address except its XML namespace."""
    text = a_status("ready").to_svg()
    assert not re.search(r"<script|href|url\(|@import|@font-face|\bid=", text)
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]


def test_pictures_are_the_same_each_time():
    """The same noun gives the same bytes, so a picture in a repository changes only with its content."""
    assert a_status("ready").to_svg() == a_status("ready").to_svg()
    assert Spec(factory=FACTORY, account=ACCOUNT, name="purview") == a_spec()


def test_the_picture_in_the_readme_is_current():
    """`python docs/images/status.py` updates `docs/images/status.svg`."""
    script = Path(__file__).resolve().parents[2] / "docs" / "images" / "status.py"
    made = runpy.run_path(str(script))
    assert made["PICTURE"].read_text(encoding="utf-8") == made["draw"]()


# --- the whole chain


def an_onboarding(*results: tuple[str, str]) -> Report:
    outcomes = [
        Outcome(subject=subject, name="df1", resource_id=FACTORY if subject == "identity" else ACCOUNT, result=result)
        for subject, result in results
    ]
    made = [an_outcome("account", "created"), an_outcome("account", "approved"), an_outcome(None, "created", "default")]
    return Report(verb="onboard", spec=a_spec(), account=an_account(), outcomes=(*outcomes, *made))


WHOLE = (("identity", "enabled"), ("connection", "connected"), ("runtime", "created"), ("data-curator", "granted"))


def test_the_whole_chain_is_drawn_in_its_order():
    """Identity and connection above the network, the runtime in it before the endpoints, the role below."""
    shown = scene(an_onboarding(*WHOLE))
    assert [way.name for way in shown.before] == ["Managed identity", "Connection to Purview"]
    assert [way.name for way in shown.ways] == ["df1", "purview"]
    assert [way.name for way in shown.after] == ["Role Data Curator"]
    assert [way.word for way in shown.rows] == ["enabled", "connected", "created", "created, approved", "granted"]


@pytest.mark.parametrize("count", range(5))
def test_rows_of_the_chain_do_not_overlap(count):
    """Boxes keep their distance for any part of the chain, and all of them are within the picture."""
    root = xml(svg(an_onboarding(*WHOLE[:count])))
    boxes = [box for box in root.iter(f"{SVG}rect") if box.get("class") == "box" and box.get("x") == "38"]
    tops = sorted(int(box.get("y", "")) for box in boxes)
    assert len(tops) == count + 1
    assert all(lower - upper >= 48 for upper, lower in pairwise(tops))
    assert tops[-1] + 48 < int(root.get("height", ""))
    (_, inner) = [box for box in root.iter(f"{SVG}rect") if box.get("class") == "room"]
    top, bottom = int(inner.get("y", "")), int(inner.get("y", "")) + int(inner.get("height", ""))
    outside = [y for y in tops if not top < y < bottom]
    assert len(outside) == sum(subject != "runtime" for subject, _ in WHOLE[:count])


def test_mermaid_has_the_whole_chain():
    """Each link of the chain has exactly one node."""
    text = mermaid(an_onboarding(*WHOLE))
    for name in ("Managed identity", "Connection to Purview", "Role Data Curator", "granted"):
        assert text.count(name) == 1


@pytest.mark.parametrize(("curator", "word"), [(True, "already-granted"), (False, "missing"), (None, None)])
def test_a_check_shows_the_role(curator, word):
    """The role is shown if the caller can see it."""
    check = Check(factory=FACTORY, account=ACCOUNT, ok=curator is not False, curator=curator)
    shown = RESULTS["already-granted"].text if word == "already-granted" else word
    assert [way.word for way in scene(check).after] == ([shown] if word else [])
