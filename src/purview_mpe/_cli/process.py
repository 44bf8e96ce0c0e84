"""The command as a process of its own: `purview-mpe` and `python -m purview_mpe` start here.

Only this module sets up the garbage collector. `_cli.main.main` leaves it alone, so any program can call it.
"""

from __future__ import annotations

import gc

from purview_mpe._cli.main import main as run_command

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
        return run_command()
    finally:
        gc.freeze()
