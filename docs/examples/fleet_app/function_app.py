"""The entry point that the Functions host looks for: an app made from the settings of its environment."""

from __future__ import annotations

import os

from fleets.doors import build

app = build(os.environ)
