"""One vocabulary: every state has its mark and its word, and every symbol has one meaning."""

from __future__ import annotations

from typing import get_args

import pytest

from purview_mpe import Outcome, Plan, Step
from purview_mpe._model import words
from purview_mpe._model.matrix import RuntimeKind
from purview_mpe._model.results import Action, ConnectionList, Firewall, Result, Severity, Shape, Subject, Verdict
from purview_mpe._model.words import Answer, Line, Mark, Role, Word
from purview_mpe.errors import PlanConflict
from tests.support.nouns import ACCOUNT, a_spec, an_account

STATES = {
    "actions": (words.ACTIONS, get_args(Action)),
    "results": (words.RESULTS, get_args(Result)),
    "verdicts": (words.VERDICTS, get_args(Verdict)),
    "severities": (words.SEVERITIES, get_args(Severity)),
    "answers": (words.ANSWERS, get_args(Answer)),
    "support": (words.SUPPORT, get_args(Answer)),
    "orphaned": (words.ORPHANED, (True, False)),
}
TEXTS = {
    "subjects": (words.SUBJECTS, Subject),
    "shapes": (words.SHAPES, Shape),
    "firewalls": (words.FIREWALLS, Firewall),
    "connection lists": (words.CONNECTION_LISTS, ConnectionList),
    "runtime kinds": (words.RUNTIME_KINDS, RuntimeKind),
}
MARKS = {name: value for name, value in vars(words).items() if isinstance(value, Mark)}


@pytest.mark.parametrize("table", STATES)
def test_every_state_has_a_word(table):
    """Each table has every state of its type once, in the order of the type, and no other."""
    known, states = STATES[table]
    assert tuple(known) == states
    assert all(isinstance(word, Word) and word.text and word.meaning for word in known.values())


@pytest.mark.parametrize("table", TEXTS)
def test_every_kind_has_a_text(table):
    """Types without marks have a text for each value, in the order of the type."""
    known, kinds = TEXTS[table]
    assert tuple(known) == get_args(kinds)
    assert all(known.values())


def test_every_symbol_is_explained():
    """Symbols are single ASCII characters with one meaning each, and every explanation has a mark."""
    assert {mark.symbol for mark in MARKS.values()} == set(words.SYMBOLS)
    assert all(len(symbol) == 1 and symbol.isascii() and symbol.isprintable() for symbol in words.SYMBOLS)
    assert len(set(words.SYMBOLS.values())) == len(words.SYMBOLS)


def test_roles_and_lines_are_all_used():
    """Every colour role and every kind of line is used by a mark."""
    assert {mark.role for mark in MARKS.values()} == set(get_args(Role))
    assert {mark.line for mark in MARKS.values()} == set(get_args(Line))


def test_marks_differ_without_colour():
    """Marks with different roles never share both symbol and line, so they differ in a grey print."""
    looks: dict[tuple[str, str], Mark] = {}
    for mark in MARKS.values():
        assert looks.setdefault((mark.symbol, mark.line), mark) == mark


def test_tilde_means_replace():
    """`~` is used only for endpoints that are deleted and created again."""
    using = {state for known, _ in STATES.values() for state, word in known.items() if word.mark.symbol == "~"}
    assert using == {"replace", "replaced", "would-replace"}
    assert words.UNDER_WAY.mark.symbol != "~"


def test_results_are_shown_by_their_own_names():
    """The text of a result, verdict or severity can be searched in JSON and in the documentation."""
    for table in ("results", "verdicts", "severities"):
        known, _ = STATES[table]
        assert [word.text for word in known.values()] == list(known)


def test_every_verdict_but_ready_has_advice():
    """A verdict that needs an action has advice."""
    assert [verdict for verdict, word in words.VERDICTS.items() if not word.advice] == ["ready"]


@pytest.mark.parametrize("result", get_args(Result))
def test_mark_says_what_is_left(result):
    """handed-off and would-… are left to do; every other result is final."""
    assert words.RESULTS[result].is_left == (result == "handed-off" or result.startswith("would-"))
    assert Outcome(name="x", resource_id=ACCOUNT, result=result).result == result


def test_answers():
    """A field whose None means "cannot be seen" has three answers."""
    assert [words.answer(value) for value in (True, False, None)] == ["yes", "no", "unknown"]


def test_plan_conflict_uses_the_mark_of_a_conflict():
    """`PlanConflict` lists conflicts with the mark that the plan shows."""
    step = Step(action="conflict", name="p", group_id="account", resource_id=ACCOUNT, reason="Why.", remedy="Do.")
    error = PlanConflict(Plan(spec=a_spec(), account=an_account(), steps=(step,)))
    assert f"\n  {words.ACTIONS['conflict'].mark.symbol} p: Why." in error.message
