"""Text that must not appear on the command line."""

from __future__ import annotations

import re

#: Python expressions that are not words of a shell.
PYTHON = re.compile(
    r"\bclient\.\w|\(spec\b|\bSpec[.(]|=True\b|=False\b|\b\w+_(?:all|many)\b|connection_verify|Credential\(|model_dump"
    r"|\brun_id\b|\bbecome_admin\b"
)
