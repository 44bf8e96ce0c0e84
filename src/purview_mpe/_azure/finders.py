"""What the import finders behind `quick_start` have in common: they are installed, and removed again."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder


class OwnFinder(MetaPathFinder):
    """A finder that is asked before those of the process, for a few modules only."""

    def install(self) -> None:
        """From now on, it is asked first."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Later imports are as usual; what is imported stays as it is."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
