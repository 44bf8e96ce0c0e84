"""The documentation's page for each code, as Markdown: the site is made from it, and `explain` prints it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._rules.findings.kind import Kind


def finding_page(kind: Kind) -> str:
    """What a finding means, why it comes, and what to do about it."""
    why, fix = kind.why or kind.cause, kind.fix or _with_code(kind.remedy)
    return f"{kind.meaning}\n\n**Cause:** {why}\n**Remedy:** {fix}\n"


def _with_code(remedy: str) -> str:
    """A remedy with its Python marked as code."""
    return re.sub(r"(?:client|report|Spec)\.\w+(?:\([^)]*\))?|Spec\([^)]*\)", r"`\g<0>`", remedy)
