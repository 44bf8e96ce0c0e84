"""Ids as people copy them: from a browser, a JSON file or a terminal on Windows.

This module removes what was added on the way, so that the parser of ids can stay strict: ids from Azure or from a file
go directly to the parser.
"""

from __future__ import annotations

import re
from unicodedata import category, name
from urllib.parse import unquote

from purview_mpe._model.arm_id import ArmId, InvalidArmId

_BEGINNING = "/subscriptions/"
#: Quotation marks of JSON, shells and word processors, brackets around addresses, and what follows a value in a list.
_AROUND = "\"'`\u201c\u201d\u2018\u2019\u201e\u201a\u00ab\u00bb<>[],;"
#: An address: a scheme, or a host that has a dot.
_ADDRESS = re.compile(
    r"[a-z][-+.a-z0-9]*://.*|[-a-z0-9]+(?:\.[-a-z0-9]+)+(?::[0-9]+)?(?:/.*)?", re.IGNORECASE | re.DOTALL
)
#: Percent-encoded slashes, for an id inside a part of an address; and whole addresses.
_ENCODED = re.compile(r"subscriptions%2f|^[^/]*://|^[-a-z0-9]+(?:\.[-a-z0-9]+)+(?::[0-9]+)?/", re.IGNORECASE)
#: What Git Bash puts in front of an argument that begins with a slash: its own root as a Windows path.
_GIT_BASH = re.compile(r"(?:[a-z]:|/[a-z])(?:[\\/][^:*?\"<>|]*)?", re.IGNORECASE)
#: Invisible characters: byte order marks, zero-width spaces, marks for the direction of writing.
_UNSEEN = frozenset({"Cf", "Cc", "Zl", "Zp"})


def parsed(value: object) -> ArmId:
    """The id of a resource group or of a resource in one, as a person gave it.

    Raises:
        InvalidArmId: the text is not an id; the message says what to change.
    """
    if not isinstance(value, str):
        return ArmId.parse(value)
    text, is_address = without_wrapping(value)
    return ArmId.parse(_resource_in(text) if is_address else text)


def without_wrapping(text: str) -> tuple[str, bool]:
    """The id in a copied text, and whether it is part of an address, with a page's name after it.

    Raises:
        InvalidArmId: the text around the id is not known, or the id holds an invisible character; the message names it.
    """
    bare = _stripped(text)
    if _ENCODED.search(bare):
        bare = unquote(bare)
    if "\\subscriptions\\" in f"\\{bare.lower()}":
        bare = bare.replace("\\", "/")  # Git Bash can make it a path with backslashes
    at = bare.lower().find(_BEGINNING)
    if at < 0 and bare.lower().startswith(_BEGINNING[1:]):
        bare, at = f"/{bare}", 0
    if at < 0:
        return bare, False  # the parser says what an id looks like
    before, rest = bare[:at], bare[at:]
    is_address = _ADDRESS.fullmatch(before) is not None
    if is_address:
        rest = re.split(r"[?#&]", rest, maxsplit=1)[0].rstrip("/")
    elif before.strip("/") and not _GIT_BASH.fullmatch(before):  # two slashes keep Git Bash from rewriting it
        raise InvalidArmId(
            f"{_shown(text)} has {_shown(before)} in front of the id; take the text from /subscriptions/ on"
        )
    _refuse_unseen(text, rest)
    return rest, is_address


def _stripped(text: str) -> str:
    """The text without quotes, spaces and invisible characters at either end."""
    start, end = 0, len(text)
    while start < end and _is_around(text[start]):
        start += 1
    while end > start and _is_around(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_around(character: str) -> bool:
    return character.isspace() or character in _AROUND or category(character) in _UNSEEN


def _resource_in(path: str) -> str:
    """The resource or resource group of an address: names of pages and operations follow it."""
    parts = path.split("/")
    return "/".join(parts[:9] if len(parts) > 5 and parts[5].lower() == "providers" else parts[:5])


def _refuse_unseen(text: str, arm_id: str) -> None:
    """Refuse an id with a character that a person cannot see, and name the character."""
    if arm_id.isascii() and arm_id.isprintable() and " " not in arm_id:
        return  # true of almost all ids, and faster than looking at each character
    for place, character in enumerate(arm_id):
        if character in "\r\n":
            raise InvalidArmId(f"{_shown(text)} has a line break inside; pass one id, on one line")
        if character.isspace():
            raise InvalidArmId(f"{_shown(text)} has a space inside, after {_shown(arm_id[:place][-30:])}; remove it")
        if category(character) in _UNSEEN:
            called = name(character, f"U+{ord(character):04X}")
            raise InvalidArmId(
                f"{_shown(text)} has an invisible character ({called}) after {_shown(arm_id[:place][-30:])}; remove it"
            )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:200] + "…")
