"""Azure's published examples, read from a folder outside the project."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("PURVIEW_MPE_SPECS") or Path(__file__).resolve().parents[3] / "shared" / "specs")
HINT = "set PURVIEW_MPE_SPECS to a copy of the folder that holds Azure's `specification`"


def examples(provider: str, pattern: str) -> list[Any]:
    """The bodies of all successful answers in the matching examples; empty if the folder is missing."""
    found: list[Any] = []
    for path in sorted((ROOT / "specification" / provider).glob(f"**/examples/{pattern}")):
        responses = json.loads(path.read_text(encoding="utf-8"))["responses"]
        found += [answer["body"] for answer in responses.values() if isinstance(answer.get("body"), dict)]
    return found


def items(bodies: list[Any]) -> list[dict[str, Any]]:
    """The resources in these bodies: the body itself, or the items of a list."""
    return [item for body in bodies for item in body.get("value", [body])]
