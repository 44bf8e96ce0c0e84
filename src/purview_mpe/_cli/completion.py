"""Completion scripts, which shtab writes from the parser: a script holds only words, and runs no command."""

from __future__ import annotations

from argparse import PARSER
from typing import TYPE_CHECKING, Any, cast

import shtab

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser

#: How to complete each placeholder of the help: only files can be completed.
_FILES = "FILE"


def script(shell: str, parser: ArgumentParser) -> str:
    """The script for one shell."""
    for action in _actions(parser):
        if action.metavar == _FILES:
            cast("Any", action).complete = shtab.FILE
    return shtab.complete(parser, shell)


def _actions(parser: ArgumentParser) -> list[Action]:
    """All options of a parser and of its verbs."""
    # argparse has no public way to list a parser's options; shtab reads this attribute as well.
    own = cast("list[Action]", cast("Any", parser)._actions)  # noqa: SLF001
    verbs = [cast("dict[str, ArgumentParser]", action.choices) for action in own if action.nargs == PARSER]
    return [*own, *(action for children in verbs for child in children.values() for action in _actions(child))]
