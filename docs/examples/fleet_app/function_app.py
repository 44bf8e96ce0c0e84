"""The entry point that the Functions host looks for: an app made from the settings of its environment."""

from __future__ import annotations

import os

from fleets.doors import build
from purview_mpe import quick_start

# The worker's process runs this app alone.
quick_start()
app = build(os.environ)
