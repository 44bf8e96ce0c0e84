"""The text page: what fits, what is cut, and what never reaches a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._display.text.page import (
    Cell,
    Look,
    Page,
    clean,
    columns,
    duration,
    place,
    short_ids,
    shortened,
    wrapped,
)

ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
    "/providers/Microsoft.DataFactory/factories/df1"
)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("\x1bPdevice control\x1b\\after", "after"),
        ("\x9b2Jone byte", "one byte"),
        ("\x9dtitle\x9cafter", "after"),
        ("\x1b(Bcharset", "charset"),
        ("\x1b[unfinished", "nfinished"),
        ("\x1b]unfinished", ""),
        ("a\tb\r\nc", "a b  c"),
        ("a\u2028b", "a b"),
        ("bell\x07 back\x08space", "bell backspace"),
        ("ab\u202edc", "abdc"),
        ("zero\u200bwidth", "zerowidth"),
        ("half \ud800", "half ?"),
        ("Größe 東京", "Größe 東京"),
    ],
)
def test_control_characters_and_escape_sequences_are_removed(hostile: str, shown: str) -> None:
    """Escape sequences, controls and invisible marks are removed; visible text stays."""
    assert clean(hostile) == shown


@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    """Any text becomes one printable line that can be encoded."""
    shown = clean(text)
    assert all(character.isprintable() or character.isspace() for character in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@given(st.text(), st.integers(6, 100))
def test_shortened_text_fits(text: str, width: int) -> None:
    """Text is never wider than the given width, and is unchanged if it fits."""
    assert columns(shortened(text, width)) <= width
    assert columns(text) > width or shortened(text, width) == text


def test_both_ends_of_a_long_name_stay() -> None:
    """The middle is cut, because names differ at their ends."""
    assert shortened("purview_of_the_sales_department_blob", 20) == "purview_o...ent_blob"
    assert shortened("abcdefghij", 5) == "ab.ij"


def test_wide_characters_take_two_columns() -> None:
    """A name in Japanese lines up with one in English; a combining accent takes no room."""
    assert columns("東京") == 4
    assert columns("e\u0301") == 1
    assert shortened("東京東京東京", 8) == "東...京"


@given(st.text(st.characters(codec="ascii", exclude_characters="/")), st.integers(1, 100))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    """No line is wider than the given width, however long its words, and no character is lost."""
    lines = wrapped(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(clean(text).split())


def test_an_id_in_prose_stays_whole() -> None:
    """A word with slashes is not broken, so that it can be copied."""
    assert wrapped(f"see {ID} there", 40) == ["see", ID, "there"]


def test_wide_character_in_a_narrow_column_gets_its_own_line() -> None:
    """A character wider than the line does not cause an endless loop."""
    assert wrapped("東京", 1) == ["東", "京"]


def test_sentences_show_the_end_of_an_id() -> None:
    """Ids in sentences are shortened to type and name; punctuation and the id of a resource group stay."""
    assert short_ids(f"It is {ID}, I think.") == "It is .../factories/df1, I think."
    assert short_ids(f"It is {ID}.") == "It is .../factories/df1."
    assert short_ids("In /subscriptions/x/resourceGroups/rg.") == "In /subscriptions/x/resourceGroups/rg."


def test_place_shows_group_and_subscription() -> None:
    """An id becomes name, resource group and subscription; other text stays unchanged."""
    assert place(ID) == "df1 in rg1, subscription 00000000-0000-0000-0000-000000000001"
    assert place("df1") == "df1"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (0.9, "0:00"), (96.2, "1:36"), (3600, "1:00:00"), (-1, "0:00")]
)
def test_duration_is_shown_as_minutes_and_seconds(seconds: float, shown: str) -> None:
    """Hours are shown only if the duration has any."""
    assert duration(seconds) == shown


def test_table_columns_line_up() -> None:
    """Each column is as wide as its widest cell, without trailing spaces."""
    page = Page(Look())
    page.table([("+", "a", "long cell"), ("!", "longer", "")], head=("", "NAME", "WHAT"))
    assert str(page) == "    NAME    WHAT\n  + a       long cell\n  ! longer"


def test_a_table_fits_its_page() -> None:
    """The longest columns are shortened first; short ones stay whole."""
    page = Page(Look(width=40))
    page.table([("+", "n" * 30, "account", "t" * 50)])
    assert str(page) == "  + nnnnn...nnnn  account  ttttt...ttttt"
    assert columns(str(page)) == 40


def test_table_columns_keep_six_characters() -> None:
    """Columns keep six characters each, even if the page is narrower than that."""
    page = Page(Look(width=10))
    page.table([("abcdefghij", "abcdefghij")])
    assert str(page) == "  abc.ij  abc.ij"


def test_hostile_cells_are_cleaned_before_they_are_measured() -> None:
    """An escape sequence in a cell neither reaches the terminal nor moves the next column."""
    page = Page(Look())
    page.table([("\x1b[31mred", Cell("\x1b]0;x\x07next", "good")), ("blue", "next")])
    assert str(page) == "  red   next\n  blue  next"


def test_colour_does_not_count_in_the_width() -> None:
    """A coloured table has the same columns as a plain one."""
    look = Look(paint=lambda role, text: f"<{role}>{text}</>")
    page = Page(look)
    page.table([(Cell("+", "good"), "name", Cell("", "bad"), "x")], head=("", "A", "BB", "C"))
    page.prose("two words", bullet="- ", role="bad")
    page.prose("plain")
    assert str(page) == (
        "    <faint>A</>     <faint>BB</>  <faint>C</>\n  <good>+</> name      x\n  <bad>-</> <bad>two words</>\n  plain"
    )


def test_gaps_are_one_empty_line() -> None:
    """One empty line separates two parts, and none is at the top."""
    page = Page(Look())
    page.gap()
    page.title("one")
    page.gap()
    page.title("two")
    assert str(page) == "one\n\ntwo"


def test_fields_without_a_value_are_omitted() -> None:
    """Labels line up; without fields, no line is printed."""
    page = Page(Look())
    page.fields([("a", "1"), ("longer", None), ("bcd", "2")])
    page.fields([])
    assert str(page) == "  a    1\n  bcd  2"


def test_advice_puts_a_command_on_its_own_line() -> None:
    """A command at the end of a remedy stays whole; other remedies are prose."""
    page = Page(Look(width=40))
    page.advice(f"Ask an owner for the role Reader: az role assignment create --role Reader --scope {ID}")
    page.advice("Wait.")
    assert str(page) == (
        "  What to do: Ask an owner for the role\n"
        "  Reader:\n"
        f"    az role assignment create --role Reader --scope {ID}\n"
        "  What to do: Wait."
    )


def test_a_block_keeps_its_lines() -> None:
    """A block keeps its lines and indentation; only control sequences are removed."""
    page = Page(Look(width=20))
    page.block("Dear owner,\n\n    az network private-endpoint-connection approve \x1b[2J--id x")
    assert str(page) == "  Dear owner,\n\n      az network private-endpoint-connection approve --id x"
