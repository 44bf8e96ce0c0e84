"""The command as a process of its own: `purview-mpe` and `python -m purview_mpe` start here.

Only this module sets up the garbage collector. `_cli.main.main` leaves it alone, so any program can call it.
"""

from __future__ import annotations

import gc

from purview_mpe._cli.main import main as run_command

#: A command imports pydantic and the Azure SDKs: about 130,000 objects that stay until it ends, and hardly any garbage.
#: With CPython's own threshold the collector looks through the youngest objects some 250 times meanwhile.
_YOUNG_OBJECTS = 100_000


def main() -> int:
    """Run the command of this process, and return its exit code.

    Looking for garbage takes a tenth of the time of a short command during its imports, and a fifth when it ends, where
    nothing has to be freed any more (measured). A command that runs for long is still collected.
    """
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    try:
        return run_command()
    finally:
        gc.freeze()
