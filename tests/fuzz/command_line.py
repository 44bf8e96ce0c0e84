"""Command lines: every command ends with one of the documented exit codes, and without a traceback."""

from __future__ import annotations

import contextlib
import io
from functools import cache
from typing import TYPE_CHECKING, Any

from purview_mpe import Client
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.main import main, make_parser
from purview_mpe._cli.terminal import Terminal
from purview_mpe._cli.verbs import VERBS
from purview_mpe.emulator import Emulator

from .bending import bent_json, bent_text, odd_text, written

if TYPE_CHECKING:
    from argparse import Action
    from random import Random

    from .subject import Subject

_SECONDS = ("0", "1", "60", "-1", "nan", "inf", "-inf", "1e400", "x", "", "٣", "1_0")
_SPANS = ("7d", "24h", "0h", "-1d", "x", "", "99999999999d", "1e9h", "٣d", "\0")
#: Without the demo, which takes seconds and has its own tests.
_TYPED = tuple(verb.name for verb in VERBS if verb.name != "demo")
_CODES = {int(code) for code in Exit} - {Exit.INTERRUPTED, Exit.PIPE_CLOSED}


def typed(subject: Subject, random: Random) -> None:
    """A command with its own or another command's options, with values that may be invalid."""
    verb = random.choice(_TYPED)
    words = _command(subject, random, verb)
    for _ in range(random.randrange(4)):
        words += _option(subject, random, random.choice((verb, verb, verb, random.choice(_TYPED))))
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        at = random.randrange(len(words))
        words[at] = bent_text(random, words[at])
    if random.random() < 0.1:
        random.shuffle(words)
    if "watch" in words:
        words += ["--timeout", "60s"]  # otherwise, a status that never settles would be watched forever
    if "emulator" in words:
        words += ["--scenario", "none.json"]  # otherwise, it would serve until it is stopped
    _run(subject, random, words)


def _run(subject: Subject, random: Random, words: list[str]) -> None:
    azure, tty = Emulator(provisioning=1, connection_delay=0.5, deletion=1), random.random() < 0.3
    stdin = random.choice(("", "y\n", "n\n", bent_json(random, subject.documents[random.choice(("Spec", "Plan"))])))
    out, err = _Stream(tty=tty), _Stream(tty=tty)
    terminal = Terminal(stdin=_Stream(stdin, tty=tty), stdout=out, stderr=err, environ={"TERM": "xterm"})

    def connect(**given: Any) -> Client:
        # Whatever the options say, no request leaves this process.
        return Client(**given | {"credential": azure.credential, "transport": azure.transport()})

    # argparse writes to the streams of the process.
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        code = main(words, connect=connect, terminal=terminal)
    said = err.getvalue()
    assert code in _CODES, code
    assert "Traceback" not in said, (words, said)
    assert "This is a bug" not in said, (words, said)


class _Stream(io.StringIO):
    """A stream that may or may not be a terminal."""

    def __init__(self, text: str = "", *, tty: bool) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def _command(subject: Subject, random: Random, verb: str) -> list[str]:
    """The verb, with its required options."""
    spec = subject.spec
    if verb == "completion":
        return [verb, "bash"]
    if verb == "emulator":
        return [verb]
    ends = ["--account", str(spec.account)]
    if verb not in {"discover", "orphans"}:
        ends += ["--factory", spec.factory, "--name", "purview"]
    if random.random() < 0.3:
        ends = ["--spec", _file(subject, random, "Spec")]
    return [verb, *ends, *(["--format", "az"] if verb == "export" else [])]


def _option(subject: Subject, random: Random, verb: str) -> list[str]:
    """An option of a verb, with a value if it takes one."""
    actions = _actions()[verb]
    if not actions:
        return []
    action = random.choice(actions)
    flag = random.choice(action.option_strings)
    return [flag] if action.nargs == 0 else [flag, _value(subject, random, action)]


def _value(subject: Subject, random: Random, action: Action) -> str:
    if action.choices is not None and random.random() < 0.8:
        return str(random.choice(list(action.choices)))
    match action.dest:
        case "timeout" | "every":
            return random.choice(_SECONDS)
        case "since":
            return random.choice(_SPANS)
        case "plan" | "report" | "spec":
            noun = random.choice((action.dest.capitalize(), "Plan", "Report", "Spec"))
            return random.choice((_file(subject, random, noun), "-", odd_text(random)))
        case "out" | "hand_off" | "record" | "dump" | "ca":
            return random.choice((str(subject.folder / "written"), str(subject.folder), "none/x", odd_text(random)))
        case "names":
            return random.choice(("blob=lake", "blob=", "=", "blob", odd_text(random)))
        case "factory" | "account":
            return bent_text(random, str(getattr(subject.spec, action.dest)))
        case "own_subnet":
            network = str(subject.spec.account).partition("/providers/")[0] + "/providers/Microsoft.Network"
            return random.choice((f"{network}/virtualNetworks/v1/subnets/s1", odd_text(random)))
        case _:
            return random.choice(("account", "westeurope", "https://127.0.0.1:1/", odd_text(random)))


def _file(subject: Subject, random: Random, noun: str) -> str:
    """A file with a noun in it, which is changed more often than not."""
    document = subject.documents[noun]
    text = bent_json(random, document) if random.random() < 0.7 else subject.nouns[noun].model_dump_json()
    path = subject.folder / f"{noun}.json"
    path.write_bytes(written(random, text))
    return str(path)


@cache
def _actions() -> dict[str, tuple[Action, ...]]:
    """The options of each verb."""
    [verbs] = [action for action in make_parser()._actions if action.dest not in {"help", "version"}]
    parsers: Any = verbs.choices
    return {name: tuple(one for one in parsers[name]._actions if one.option_strings) for name in _TYPED}
