"""The verb that reads spec and fleet files and asks Azure nothing: validate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._cli.exit_codes import Exit
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from purview_mpe._cli.call import Call


def validate(call: Call) -> Exit:
    """Say of every file how many specs it holds, or what is wrong."""
    wrong = False
    for path in call.arguments.files:
        try:
            count = _specs_in(path, call)
        except InvalidSpec as error:
            wrong = True
            call.terminal.complain(InvalidSpec(path, error.problems), verbose=False)
        else:
            call.terminal.write(f"{path}: {'1 spec' if count == 1 else f'{count} specs'}")
    return Exit.USAGE if wrong else Exit.DONE


def files_argument(parser: ArgumentParser) -> None:
    """Which files."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a spec as JSON, or a fleet as CSV or JSON; - for stdin"
    )


def _specs_in(path: str, call: Call) -> int:
    from purview_mpe import Spec, read_specs  # noqa: PLC0415 - loads pydantic, which --help does without
    from purview_mpe._client.files import specs_in_text  # noqa: PLC0415 - as above

    try:
        text = call.terminal.stdin.read() if path == "-" else None
        is_json = text is not None or path.casefold().endswith(".json")
        if is_json and (fields := _single(Path(path).read_bytes() if text is None else text)) is not None:
            Spec.model_validate(fields)
            return 1
        return len(read_specs(path) if text is None else specs_in_text(text, "stdin"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise InvalidSpec(path, [("file", problem)])


def _single(content: str | bytes) -> dict[str, Any] | None:
    """The fields of a file that holds one spec; None for a fleet, or if it is not JSON."""
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None  # the reader of fleets says what is wrong, with the line
    if not isinstance(found, dict):
        return None
    fields = cast("dict[str, Any]", found)
    return None if fields.keys() & {"specs", "defaults"} else fields
