"""Cleans text from outside before anything else uses it: no secrets, bounded, one printable line.

A server that answers in Azure's place decides how long a text is and what it holds. So the time of every function
here grows only in proportion to the text's length.
"""

from __future__ import annotations

import re

from purview_mpe._model.shown import one_line

#: The most characters of an outside text that are read in order to show a sentence from it.
LONGEST = 65_536
#: Longer than any error of Azure's; a longer text is not parsed.
LONGEST_ERROR = 2**20
#: Whole runs of letters, so that a search starts once in each run and not at each letter.
_RUN = re.compile(r"(?<![-\w.])[-\w.]{16,}")
_BEARER = re.compile(r"(?i)\b(bearer)\s{1,80}[-\w.~+/]{16,}=*")
#: The user and password in an address, for example a proxy's.
_USER_INFO = re.compile(r"(?<=://)[^\s/@'\"]+@")
#: The query of an address. Addresses of long-running operations are signed (recorded 2024-10), and messages name them.
#: In JSON, an ampersand can be escaped.
_QUERY = re.compile(r"(?<=\?)(?:[^\s\"'<>?\\]|\\u0026)+")
_SIGNATURE = re.compile(r"(?:^|&|\\u0026)(?:t|c|s|h|sig|signature)=", re.IGNORECASE)
#: The start of a web token: `{"` in base64 (RFC 7519).
_WEB_TOKEN = "eyJ"  # noqa: S105 - what all tokens share is not a secret


def safe_text(text: str, limit: int = 600) -> str:
    """One line of text from outside, short and without terminal control characters."""
    line = " ".join(one_line(text[:LONGEST]).split())
    return line if len(line) <= limit and len(text) <= LONGEST else line[:limit] + "…"


def blotted(text: str, *secrets: str) -> str:
    """The text without the secrets, and without anything that looks like one or follows a secret's label."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _BEARER.sub(r"\1 ***", text)
    if "?" in text:
        text = _QUERY.sub(_unsigned, text)
    if _WEB_TOKEN in text:
        text = _RUN.sub(_without_web_token, text)
    return _USER_INFO.sub("***@", text)


def _unsigned(query: re.Match[str]) -> str:
    return "***" if _SIGNATURE.search(query[0]) else query[0]


def _without_web_token(run: re.Match[str]) -> str:
    parts = run[0].split(".")
    for number, part in enumerate(parts[:-1]):
        at = part.find(_WEB_TOKEN)
        if at >= 0 and len(part) - at > 10 and parts[number + 1]:
            return ".".join([*parts[:number], part[:at] + "***"])
    return run[0]
