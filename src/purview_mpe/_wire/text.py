"""Text from outside before anything else sees it: without secrets, bounded, and one line that can be printed.

Whatever answers in Azure's place decides how long a text is and what stands in it. So every function here takes time in
proportion to the text, however it is made.
"""

from __future__ import annotations

import re

from purview_mpe._model.shown import one_line

#: Letters of a text from outside that are looked at where only a sentence of it is shown.
LONGEST = 65_536
#: No error of Azure's is as long; a longer one is not taken apart.
LONGEST_ERROR = 2**20
#: Whole runs of letters, so that a search begins once in each and not at each of its letters.
_RUN = re.compile(r"(?<![-\w.])[-\w.]{16,}")
_BEARER = re.compile(r"(?i)\b(bearer)\s{1,80}[-\w.~+/]{16,}=*")
#: The user of an address: a proxy's, with its password.
_USER_INFO = re.compile(r"(?<=://)[^\s/@'\"]+@")
#: How a web token begins: `{"` in base64 (RFC 7519).
_WEB_TOKEN = "eyJ"  # noqa: S105 - what tokens have in common is no secret


def safe_text(text: str, limit: int = 600) -> str:
    """One line of text from outside, short enough and without what steers a terminal."""
    line = " ".join(one_line(text[:LONGEST]).split())
    return line if len(line) <= limit and len(text) <= LONGEST else line[:limit] + "…"


def blotted(text: str, *secrets: str) -> str:
    """The text without the secrets, and without anything that looks or is introduced like one."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _BEARER.sub(r"\1 ***", text)
    if _WEB_TOKEN in text:
        text = _RUN.sub(_without_web_token, text)
    return _USER_INFO.sub("***@", text)


def _without_web_token(run: re.Match[str]) -> str:
    parts = run[0].split(".")
    for number, part in enumerate(parts[:-1]):
        at = part.find(_WEB_TOKEN)
        if at >= 0 and len(part) - at > 10 and parts[number + 1]:
            return ".".join([*parts[:number], part[:at] + "***"])
    return run[0]
