"""HTML for notebooks: valid, small, safe against hostile text, readable on light and dark pages."""

from __future__ import annotations

import builtins
import importlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import html5lib
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import (
    Account,
    Client,
    ErrorDetail,
    FactoryStatus,
    Finding,
    FleetReport,
    FleetStatus,
    Outcome,
    Plan,
    Report,
    Status,
)
from purview_mpe._display.html import fragment
from purview_mpe._display.picture.svg import STYLE
from purview_mpe._model.checkup import Check, Diagnosis, OrphanConnection, OrphanEndpoint, Orphans, Right, RuntimeCheck
from purview_mpe._model.words import Role
from tests.support.colours import spec_for
from tests.support.nouns import ACCOUNT, FACTORY, HIDDEN, TARGETS, a_spec, an_account

if TYPE_CHECKING:
    from purview_mpe._model.spec import Noun

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


def parsed(markup: str) -> Any:
    """The elements of a fragment, parsed strictly by the HTML standard."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parseFragment(f"<!-- -->{markup}")


def shown(noun: Noun) -> str:
    markup = noun._repr_html_()
    assert markup is not None
    return markup


def tags(markup: str) -> set[str]:
    """The kinds of elements, except possible line breaks, which follow every slash."""
    return {each.tag.rpartition("}")[2] for each in parsed(markup).iter() if isinstance(each.tag, str)} - {"wbr"}


def words(markup: str) -> str:
    return " ".join("".join(element.itertext()) for element in parsed(markup) if isinstance(element.tag, str))


def everything(text: str = "x") -> list[Noun]:
    """One of each noun, with this text in every field that takes free text; ids and names follow rules."""
    finding = Finding(code="c", severity="warning", message=text, cause=text, evidence=(text,), remedy=text)
    bare = Finding(code="c", severity="info", message=text)
    account = an_account(warnings=(finding, bare), endpoints={text: text})
    endpoint = {"id": "", "name": "x", "group_id": "x", "resource_id": ACCOUNT, "provisioning_state": text}
    error = {"code": text, "message": text, "remedy": text}
    outcome = Outcome.model_validate(
        {"name": "x", "group_id": "x", "resource_id": ACCOUNT, "result": "failed", "error": error}
    )
    step = {"action": "conflict", "name": "x", "group_id": "x", "resource_id": ACCOUNT, "reason": text, "remedy": text}
    verdict = {
        "name": "x",
        "group_id": "x",
        "resource_id": ACCOUNT,
        "verdict": "stale",
        "reason": text,
        "connection_status": text,
    }
    right = Right(step="create", scope=ACCOUNT, allowed=None, missing_actions=(text, text), role=text)
    runtime = RuntimeCheck(name="x", kind="azure", supported=False, managed_groups=(text,), reason=text)
    orphan = {
        "target_id": ACCOUNT,
        "connection_id": ACCOUNT,
        "private_endpoint_id": f"{HIDDEN}/x",
        "factory": FACTORY,
        "endpoint": "x",
        "reason": text,
    }
    return [
        account,
        Plan.model_validate(
            {"spec": a_spec(), "account": account, "steps": [step], "obsolete": [endpoint], "warnings": [finding]}
        ),
        Report(verb="apply", spec=a_spec(), account=account, outcomes=(outcome,), hand_off=text, warnings=(finding,)),
        Status.model_validate(
            {
                "factory": FACTORY,
                "account": ACCOUNT,
                "ready": False,
                "endpoints": [verdict],
                "others": [endpoint],
                "findings": [finding],
            }
        ),
        Check(factory=FACTORY, account=ACCOUNT, ok=False, runtimes=(runtime,), rights=(right,), findings=(finding,)),
        Diagnosis(
            factory=FACTORY, account=ACCOUNT, ok=False, since=timedelta(1), lineage={text: 1}, findings=(finding,)
        ),
        FleetReport(
            reports=(Report(verb="apply", spec=a_spec(), outcomes=(outcome,)), Report(verb="apply", spec=a_spec())),
        ),
        FleetStatus(
            factories=(
                FactoryStatus(spec=a_spec(), error=ErrorDetail.model_validate(error)),
                FactoryStatus(
                    spec=a_spec(),
                    status=Status.model_validate(
                        {"factory": FACTORY, "account": ACCOUNT, "ready": False, "endpoints": [verdict]}
                    ),
                ),
            )
        ),
        Orphans(
            account=ACCOUNT,
            connections=(OrphanConnection.model_validate(orphan | {"certain": True}),),
            endpoints=(OrphanEndpoint.model_validate(orphan | {"certain": False, "group_id": "x"}),),
            findings=(finding,),
        ),
    ]


NOUNS = [type(noun).__name__ for noun in everything()]


@pytest.mark.parametrize("which", range(len(NOUNS)), ids=NOUNS)
def test_html_is_valid(which):
    """A strict parser of the HTML standard accepts each noun, with findings, details and tables in it."""
    markup = shown(everything()[which])
    (root,) = (element for element in parsed(markup) if isinstance(element.tag, str))
    assert (root.tag, root.get("class")) == ("div", "pmpe")
    # The standard does not allow a `style` element in the middle of a page outside an SVG.
    assert {p.tag.rpartition("}")[2] for p in root.iter() for c in p if str(c.tag).endswith("style")} == {"svg"}


@pytest.mark.parametrize("which", range(len(NOUNS)), ids=NOUNS)
def test_hostile_text_is_shown_as_text(which):
    """Markup in a server's name or message is shown as text, not interpreted."""
    markup = shown(everything(HOSTILE)[which])
    assert "script" not in tags(markup)
    assert "img" not in tags(markup)
    assert tags(markup) == tags(shown(everything()[which]))
    assert "<script>alert" in words(markup)


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=60), st.integers(0, len(NOUNS) - 1))
def test_any_text_adds_no_element(text, which):
    """No text adds an element or breaks the page for a strict parser."""
    assert tags(shown(everything(text)[which])) == tags(shown(everything()[which]))


def test_missing_account_is_shown():
    """A check or diagnosis of a factory without an account says so."""
    assert "to no account" in words(shown(Check(factory=FACTORY, account=None, ok=True)))
    assert "to no account" in words(shown(Diagnosis(factory=FACTORY, account=None, ok=True, since=timedelta(1))))


def test_orphans_are_counted():
    """The title shows none or the number; uncertain orphans have their own symbol."""
    assert "Orphans around pv1: none" in words(shown(Orphans(account=ACCOUNT)))
    orphans = everything()[-1]
    assert isinstance(orphans, Orphans)
    guess = orphans.model_copy(update={"connections": ()})
    assert "! Orphans around pv1: 2" in words(shown(orphans))
    assert "? Orphans around pv1: 1" in words(shown(guess))


def test_one_account_stays_small(emulator):
    """Each noun of a whole job for one account is under 30 kB."""
    spec = spec_for(emulator)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        nouns = [client.discover(str(spec.account)), client.plan(spec), client.create_all(spec), client.status(spec)]
        nouns += [client.check(spec), client.approve(spec), client.status(spec), client.diagnose(spec)]
    for noun in nouns:
        assert len(shown(noun).encode()) < 30_000, type(noun).__name__
        tags(shown(noun))


def test_details_are_folded_and_complete():
    """Folded sections hold every id, reason and error, and the text for the owners of the targets."""
    report = next(noun for noun in everything("needle") if isinstance(noun, Report))
    markup = shown(report)
    assert markup.count("<details") == markup.count("</details>") >= 2
    headings = re.findall(r"<summary>(.*?)</summary>", markup)
    assert {"Outcomes (1)", "For the owners of the targets"} <= set(headings)
    assert '<th scope="col">error</th>' in markup


def test_empty_columns_are_left_out():
    """A column without any value is not shown; a cell without a value is a dash."""
    steps = [
        {"action": "keep", "name": "a", "group_id": "account", "resource_id": ACCOUNT, "reason": "r"},
        {"action": "create", "name": "default", "resource_id": FACTORY, "reason": "r"},
    ]
    markup = shown(Plan.model_validate({"spec": a_spec(), "account": an_account(), "steps": steps}))
    assert ">remedy<" not in markup
    assert "<td>\N{EN DASH}</td>" in markup


def test_empty_list_is_shown_as_none():
    """A report without outcomes says so."""
    markup = shown(Report(verb="apply", spec=a_spec()))
    assert "<summary>Outcomes (0)</summary>\n<pre>none</pre>" in markup


def test_ids_have_their_own_table(emulator):
    """Long ids are in a second table beside the names, so the states stay visible."""
    spec = spec_for(emulator)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.create_all(spec)
        first, second, _ = re.findall(r"<thead>(.*?)</thead>", shown(client.status(spec)), re.DOTALL)
    assert "resource id" not in first
    assert re.findall(r"<th[^>]*>(.*?)</th>", second) == ["name", "resource id", "private endpoint id"]


def test_other_nouns_are_shown_as_text():
    """A noun without its own HTML returns None, so a notebook uses its text."""
    assert TARGETS[0]._repr_html_() is None
    assert fragment(TARGETS[0]) is None


def test_terminals_show_the_table():
    """IPython in a terminal prints what print() prints."""
    from IPython.lib.pretty import pretty

    account = an_account()
    assert pretty(account) == str(account)
    assert pretty([account]) == f"[{account}]"


# --- light and dark


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
        channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


THEMES = [dict(re.findall(r"--(\w+):(#\w+)", block)) for block in re.findall(r"\{((?:--\w+:#\w+;?)+)", STYLE)]


def test_text_is_readable_on_every_theme():
    """Every text colour has the contrast that WCAG requires (4.5), on paper and in boxes, light and dark."""
    assert len(THEMES) == 4
    for theme in THEMES:
        for ink in ("ink", *get_args(Role)):
            for ground in ("paper", "fill"):
                assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground, theme)
        assert contrast(theme["rim"], theme["paper"]) >= 3


def test_theme_of_the_page_overrides_the_system():
    """A dark system shows light pictures on a light JupyterLab page, and the other way round."""
    assert STYLE.index("prefers-color-scheme:dark") < STYLE.index("[data-jp-theme-light=true] .pmpe")
    light, dark = THEMES[0], THEMES[1]
    assert THEMES[2:] == [light, dark]
    for page in (".vscode-dark", "body[data-theme=dark]", "[data-jp-theme-light=false]"):
        assert f"{page} .pmpe" in STYLE


def test_problems_are_shown_unfolded():
    """Conflicts, failures and rejections are open with their remedy; the rest is folded."""
    for noun in everything("needle")[1:4]:
        unfolded = re.findall(r"<details open>(.*?)</details>", shown(noun), re.DOTALL)
        assert any(": needle" in each and "What to do:" in each for each in unfolded), type(noun).__name__
    assert "<details open>" not in shown(an_account())


def test_notes_name_the_explain_command():
    """Errors and findings name the command that explains them."""
    denied = ErrorDetail(code="access-denied", message="m", remedy="r")
    outcome = Outcome(name="n", group_id="account", resource_id=ACCOUNT, result="failed", error=denied)
    finding = Finding(code="firewall-open", severity="info", message="m")
    report = words(shown(Report(verb="apply", spec=a_spec(), outcomes=(outcome,), warnings=(finding,))))
    assert "More: purview-mpe explain access-denied" in report
    assert "More: purview-mpe explain firewall-open" in report
    assert "More:" not in words(shown(everything("needle")[2])), "a code of another version has no page"


def test_states_in_tables_have_their_symbol():
    """A table uses the picture's symbols and distinguishes "no" from "unknown"."""
    check = Check(
        factory=FACTORY,
        account=ACCOUNT,
        ok=False,
        rights=tuple(Right(step="create", scope=FACTORY, allowed=answer, role="r") for answer in (True, False, None)),
    )
    for role, cell in (("good", "+ yes"), ("bad", "x no"), ("attention", "? unknown")):
        assert f'<td class="{role}">{cell}</td>' in shown(check)
    assert '<td class="bad">x failed</td>' in shown(next(noun for noun in everything() if isinstance(noun, Report)))


def test_a_narrow_cell_scrolls_the_picture():
    """The picture has a minimum width, so its text stays readable."""
    assert '<div class="wide"><svg' in shown(an_account())
    assert ".pmpe .wide>svg{min-width:" in shown(an_account())
    assert "min-width" not in an_account().to_svg()


def test_full_ids_can_be_copied():
    """The picture shortens long names; a table below it has the ids in full."""
    text = words(shown(everything()[1])).replace("\u200b", "")
    assert FACTORY in text
    assert ACCOUNT in text


def test_large_fleets_stay_small():
    """The page of a thousand factories has a limited size and shows the total."""
    outcome = Outcome(name="p", group_id="account", resource_id=ACCOUNT, result="created")
    report = Report(verb="create_all", spec=a_spec(), outcomes=(outcome,))
    markup = shown(FleetReport(reports=(report,) * 1000))
    assert len(markup.encode()) < 60_000
    assert "12 of 1000 shown" in words(markup)
    assert "The first of 1000 outcomes (100)" in words(markup)


def test_styles_apply_only_to_the_librarys_elements():
    """Every CSS selector contains the library's class."""
    whole = shown(an_account())
    style = re.search(r"<style>(.*?)</style>", whole, re.DOTALL)
    assert style
    selectors = re.sub(r"@media\([^)]*\)\{(.*?\})\}", r"\1", style[1])
    for group in re.findall(r"([^{}]+)\{[^{}]*\}", selectors):
        assert all(".pmpe" in selector for selector in group.split(",")), group


# --- pandas


@pytest.mark.parametrize("which", range(len(NOUNS)), ids=NOUNS)
def test_pandas(which):
    """Each list becomes a data frame with a row per item."""
    frame = everything()[which].to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) >= 1


def test_pandas_keeps_the_columns_of_an_empty_list():
    """A report without outcomes is an empty frame with the same columns, so code that uses it does not break."""
    full = next(noun for noun in everything() if isinstance(noun, Report)).to_pandas()
    empty = Report(verb="apply", spec=a_spec()).to_pandas()
    assert list(empty.columns) == list(full.columns)
    assert len(empty) == 0
    assert full.loc[0, "error"] == "x"


def test_pandas_of_a_real_job(emulator):
    """Steps, outcomes and endpoints can be filtered."""
    spec = spec_for(emulator)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        plan, report = client.plan(spec), client.create_all(spec)
        status = client.status(spec)
    assert list(plan.to_pandas()["group_id"]) == ["account", "blob", "queue", "namespace"]
    assert set(report.to_pandas()["result"]) == {"created"}
    assert set(status.to_pandas().query("verdict == 'pending'")["name"]) == {step.name for step in plan.steps}


def test_noun_without_rows_names_those_with_rows():
    """The error is a TypeError."""
    with pytest.raises(
        TypeError,
        match="Account, Check, Diagnosis, FleetCheck, FleetPlan, FleetReport, FleetStatus, Orphans, Plan, Proof, Report, Status",
    ):
        TARGETS[0].to_pandas()


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    """The error names pandas and the command that installs it."""

    def import_module(name: str, package: str | None = None) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(ModuleNotFoundError, match="pip install pandas") as missing:
        Account(id=ACCOUNT, name="pv1").to_pandas()
    assert missing.value.name == "pandas"
    assert builtins.__import__ is not import_module
