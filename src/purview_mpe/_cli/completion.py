"""Completion scripts for bash, zsh and fish, made from the parser: a script holds words and calls nothing."""

from __future__ import annotations

import shlex
from argparse import PARSER, SUPPRESS, Action, ArgumentParser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: What a placeholder in the help stands for: only files can be completed.
_FILES = "FILE"


@dataclass(frozen=True, slots=True)
class _Option:
    """One option or argument of a verb, as far as a shell has to know it."""

    flags: tuple[str, ...]
    """Empty for an argument without a flag."""
    help: str
    takes_value: bool
    choices: tuple[str, ...]
    is_file: bool


def script(shell: str, parser: ArgumentParser) -> str:
    """The script for one shell."""
    made: Mapping[str, Callable[[ArgumentParser], Iterator[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return "\n".join(made[shell](parser))


def _bash(parser: ArgumentParser) -> Iterator[str]:
    verbs = _verbs(parser)
    yield "# bash completion for purview-mpe"
    yield "_purview_mpe() {"
    yield "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words= files="
    yield "    COMPREPLY=()"
    yield "    if ((COMP_CWORD == 1)); then"
    yield f"        words={shlex.quote(' '.join((*verbs, *_flags(_options(parser)))))}"
    yield "    else"
    yield "        case ${COMP_WORDS[1]}:$previous in"
    for verb, (child, _) in verbs.items():
        options = _options(child)
        values: dict[str, list[str]] = {}
        for option in options:
            if option.takes_value:
                reply = "files=yes" if option.is_file else f"words={shlex.quote(' '.join(option.choices))}"
                values.setdefault(reply, []).extend(f"{verb}:{flag}" for flag in option.flags)
        for reply, patterns in values.items():
            if patterns:
                yield f"            {'|'.join(patterns)}) {reply} ;;"
        arguments = [choice for option in options if not option.flags for choice in option.choices]
        yield f"            {verb}:*) words={shlex.quote(' '.join((*arguments, *_flags(options))))} ;;"
    yield "        esac"
    yield "    fi"
    # No mapfile: the bash of macOS is 3.2.
    yield "    if [[ -n $files ]]; then"
    yield "        local IFS=$'\\n'"
    yield '        COMPREPLY=($(compgen -f -- "$current"))'
    yield "    else"
    yield '        COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield "    fi"
    yield "}"
    # filenames: paths with blanks get quoted, and folders their slash.
    yield "complete -o filenames -F _purview_mpe purview-mpe"


def _zsh(parser: ArgumentParser) -> Iterator[str]:
    verbs = _verbs(parser)
    yield "#compdef purview-mpe"
    yield "_purview_mpe() {"
    yield "    local -a verbs=("
    for verb, (_, summary) in verbs.items():
        yield f"        {shlex.quote(f'{verb}:{summary}')}"
    yield "    )"
    yield "    if ((CURRENT == 2)); then"
    yield "        _describe verb verbs"
    yield f"        compadd -- {' '.join(_flags(_options(parser)))}"
    yield "        return"
    yield "    fi"
    yield "    local verb=$words[2]"
    yield "    shift words"
    yield "    ((CURRENT--))"
    yield "    case $verb in"
    for verb, (child, _) in verbs.items():
        yield f"        {verb})"
        specs = [spec for option in _options(child) for spec in _zsh_specs(option)]
        yield "            _arguments \\"
        yield " \\\n".join(f"                {spec}" for spec in specs)
        yield "            ;;"
    yield "    esac"
    yield "}"
    # Both as an autoloaded function and as a script that was sourced.
    yield 'if [[ $funcstack[1] == _purview-mpe ]]; then _purview_mpe "$@"; else compdef _purview_mpe purview-mpe; fi'


def _zsh_specs(option: _Option) -> Iterator[str]:
    action = "_files" if option.is_file else f"({' '.join(option.choices)})" if option.choices else " "
    if not option.flags:
        yield shlex.quote(f"1:value:{action}")
    for flag in option.flags:
        text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
        yield shlex.quote(f"*{flag}[{text}]" + (f":value:{action}" if option.takes_value else ""))


def _fish(parser: ArgumentParser) -> Iterator[str]:
    verbs = _verbs(parser)
    yield "# fish completion for purview-mpe"
    yield "complete -c purview-mpe -f"
    for option in _options(parser):
        yield f"complete -c purview-mpe -n __fish_use_subcommand {_fish_option(option)}"
    for verb, (child, summary) in verbs.items():
        yield f"complete -c purview-mpe -n __fish_use_subcommand -a {verb} -d {_quoted_for_fish(summary)}"
        for option in _options(child):
            yield f"complete -c purview-mpe -n '__fish_seen_subcommand_from {verb}' {_fish_option(option)}"


def _fish_option(option: _Option) -> str:
    words = [("-l " + flag[2:]) if flag.startswith("--") else ("-s " + flag[1:]) for flag in option.flags]
    if option.is_file:
        words.append("-r -F")
    elif option.choices:
        words.append(("-x " if option.flags else "") + f"-a {_quoted_for_fish(' '.join(option.choices))}")
    elif option.takes_value:
        words.append("-x")
    if option.flags:
        words.append(f"-d {_quoted_for_fish(option.help)}")
    return " ".join(words)


def _quoted_for_fish(text: str) -> str:
    # In single quotes fish knows two escapes: \\ and \'.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _verbs(parser: ArgumentParser) -> dict[str, tuple[ArgumentParser, str]]:
    for action in _actions(parser):
        if action.nargs == PARSER:
            children = cast("dict[str, ArgumentParser]", action.choices)
            summaries = {choice.dest: choice.help or "" for choice in cast("Any", action)._choices_actions}  # noqa: SLF001 - see _actions
            return {name: (child, summaries[name]) for name, child in children.items()}
    raise LookupError("the parser has no verbs")


def _options(parser: ArgumentParser) -> list[_Option]:
    return [
        _Option(
            flags=tuple(action.option_strings),
            help=action.help or "",
            takes_value=action.nargs != 0,
            choices=tuple(map(str, action.choices or ())),
            is_file=action.metavar == _FILES,
        )
        for action in _actions(parser)
        if action.nargs != PARSER and action.help != SUPPRESS
    ]


def _flags(options: list[_Option]) -> list[str]:
    return [flag for option in options for flag in option.flags]


def _actions(parser: ArgumentParser) -> list[Action]:
    # argparse has no public way to ask a parser what it takes; every completion tool reads this attribute.
    return cast("Any", parser)._actions  # type: ignore[no-any-return]  # noqa: SLF001
