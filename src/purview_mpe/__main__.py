"""`python -m purview_mpe` is `purview-mpe`."""

from __future__ import annotations

import sys

from purview_mpe._cli.process import main

if __name__ == "__main__":
    sys.exit(main())
