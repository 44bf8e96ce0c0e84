"""The verb that explains a code, offline: the page of an error or finding, or the meaning of a word of a table."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from purview_mpe._cli.exit_codes import Exit
from purview_mpe._display.text.page import Page
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from purview_mpe._cli.call import Call

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def explain(call: Call) -> Exit:
    """Print the pages for a code or word, or all codes."""
    from purview_mpe._display import pages  # noqa: PLC0415 - loads pydantic, which --help does without

    page = Page(call.terminal.look(call.terminal.stdout))
    code: str | None = call.arguments.code
    if code is None:
        for heading, codes in pages.codes().items():
            page.title(heading)
            page.prose(", ".join(codes))
        page.gap()
        page.prose(
            "For one of them: purview-mpe explain CODE. Words such as handed-off or stale are explained, too.", indent=0
        )
    else:
        found = list(pages.explained(code.strip().casefold()))
        if not found:
            raise InvalidSpec(
                "The command", [("CODE", _unknown(code, pages.codes()))], remedy="List them all: purview-mpe explain"
            )
        for heading, text in found:
            _show(page, heading, text)
    call.terminal.write(str(page))
    return Exit.DONE


def code_argument(parser: ArgumentParser) -> None:
    """Which code."""
    parser.add_argument(
        "code",
        metavar="CODE",
        nargs="?",
        help="a code of an error or finding, or a word of a table; all codes if left out",
    )


def _show(page: Page, heading: str, text: str) -> None:
    page.title(heading)
    for line in text.strip().splitlines():
        if line:
            page.prose(re.sub(r"\*\*|`", "", _LINK.sub(r"\1", line)).replace("Remedy:", "What to do:"))
        else:
            page.gap()


def _unknown(code: str, known: Mapping[str, Any]) -> str:
    every = [each for codes in known.values() for each in codes]
    if re.fullmatch(r"[A-Z]\w+|\d{3}", code):
        return f"{code[:80]!r} is Azure's; a message that quotes it ends with the code that is explained here"
    near = difflib.get_close_matches(code, every, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{code[:80]!r} is not a code{hint}"
