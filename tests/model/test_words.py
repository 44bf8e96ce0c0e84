"""One vocabulary: every state of the values has its mark and its word, and no symbol has two meanings."""

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
def test_every_state_has_its_word(table):
    """A table has each state of its type once, in the order of the type, and no other."""
    known, states = STATES[table]
    assert tuple(known) == states
    assert all(isinstance(word, Word) and word.text and word.meaning for word in known.values())


@pytest.mark.parametrize("table", TEXTS)
def test_every_kind_has_its_text(table):
    """What has no mark has a text, in the order of its type."""
    known, kinds = TEXTS[table]
    assert tuple(known) == get_args(kinds)
    assert all(known.values())


def test_every_mark_uses_a_symbol_that_is_explained():
    """Symbols are single ASCII characters, each with one meaning; no explanation is left without a mark."""
    assert {mark.symbol for mark in MARKS.values()} == set(words.SYMBOLS)
    assert all(len(symbol) == 1 and symbol.isascii() and symbol.isprintable() for symbol in words.SYMBOLS)
    assert len(set(words.SYMBOLS.values())) == len(words.SYMBOLS)


def test_roles_and_lines_are_all_used():
    """No colour role and no kind of line stands for nothing."""
    assert {mark.role for mark in MARKS.values()} == set(get_args(Role))
    assert {mark.line for mark in MARKS.values()} == set(get_args(Line))


def test_marks_differ_without_colour():
    """Marks of different role never share both symbol and line, so a grey print tells them apart."""
    looks: dict[tuple[str, str], Mark] = {}
    for mark in MARKS.values():
        assert looks.setdefault((mark.symbol, mark.line), mark) == mark


def test_a_tilde_means_one_thing():
    """`~` is for what is deleted and made again, and for nothing else."""
    using = {state for known, _ in STATES.values() for state, word in known.items() if word.mark.symbol == "~"}
    assert using == {"replace", "replaced", "would-replace"}
    assert words.UNDER_WAY.mark.symbol != "~"


def test_a_result_is_shown_by_its_own_name():
    """What a table shows of a result, verdict or severity can be searched for in JSON and in the documentation."""
    for table in ("results", "verdicts", "severities"):
        known, _ = STATES[table]
        assert [word.text for word in known.values()] == list(known)


def test_advice_is_given_where_something_is_to_be_done():
    """Every verdict but ready has advice, and it starts with a verb."""
    assert [verdict for verdict, word in words.VERDICTS.items() if not word.advice] == ["ready"]


@pytest.mark.parametrize("result", get_args(Result))
def test_what_is_left_is_known_from_the_mark(result):
    """Handed off and would-… are still to be done; everything else is over."""
    assert words.RESULTS[result].is_left == (result == "handed-off" or result.startswith("would-"))
    assert Outcome(name="x", resource_id=ACCOUNT, result=result).result == result


def test_answers():
    """A field whose None means "cannot be seen" has three answers."""
    assert [words.answer(value) for value in (True, False, None)] == ["yes", "no", "unknown"]


def test_the_error_for_a_plan_uses_the_mark_of_a_conflict():
    """`PlanConflict` lists conflicts under the mark that the plan shows."""
    step = Step(action="conflict", name="p", group_id="account", resource_id=ACCOUNT, reason="Why.", remedy="Do.")
    error = PlanConflict(Plan(spec=a_spec(), account=an_account(), steps=(step,)))
    assert f"\n  {words.ACTIONS['conflict'].mark.symbol} p: Why." in error.message
