"""The command as a process of its own: `purview-mpe` and `python -m purview_mpe` start here.

Only this module changes the process: it sets up the garbage collector and calls `quick_start`. `_cli.main.main` leaves
the process alone, so any program can call it.
"""

from __future__ import annotations

import gc
import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._client.client import Client

#: The exit code of Ctrl-C, as `_cli.exit_codes` has it; that module is one of those that are still being imported.
_INTERRUPTED = 130
#: A command imports pydantic and the Azure SDKs: about 130,000 objects that live until it ends, and hardly any garbage.
#: With CPython's default threshold the collector scans the youngest objects some 250 times during these imports.
_YOUNG_OBJECTS = 100_000


def main() -> int:
    """Run the command of this process, and return its exit code.

    Garbage collection takes a tenth of a short command's time during the imports, and a fifth at its end, when nothing
    needs to be freed (measured). In a long command the collector still runs.
    """
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    try:
        # Imported here, so that Ctrl-C during the imports ends the command in the same words as later.
        run_command: Callable[..., int] = importlib.import_module("purview_mpe._cli.main").main
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Nothing was written.\n")
        return _INTERRUPTED
    try:
        return run_command(connect=_connect)
    finally:
        gc.freeze()


def _connect(**options: Any) -> Client:
    """The client of a command that needs Azure; help, completion and mistakes load nothing."""
    from purview_mpe import Client, quick_start  # noqa: PLC0415 - loads pydantic, which --help does without

    quick_start()
    return Client(**options)
