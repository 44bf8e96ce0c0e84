"""The inputs: rubbish, and valid documents and texts with a few changes."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

RUBBISH = (
    *(None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 2**63, 10**400),
    *("", " ", "x", "é", "\ud800", "\0", "\x1b[2J", "a" * 5000, "..", "%2e", "'; DROP", "<script>", "${x}"),
    *("/subscriptions/", "https://example.org/", "https://[", "//", "nan", "٣"),
    *([], {}, [[]], {"a": 1}, [None], {"": None}, {"\ud800": "\ud800"}),
    "/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/evil",
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Purview/accounts/pv2",
)
#: Valid or nearly valid JSON that is hard to read.
ODD_JSON = (
    "[" * 100_000,
    '{"a":' * 100_000,
    "[" * 500 + "]" * 500,
    "9" * 5000,
    '{"specs": ' + "9" * 5000 + "}",
    "1e999",
    "NaN",
    '{"verb": 1}\n',
    '{"verb"\n',
    '{"a": 1, "a": 2}',
    '"\\ud800"',
    "\ufeff{}",
)
_LETTERS = "aZ0/.-_ \t\r\n\0\"'\\{}[]:,;%$\u00e9\u0130\u200b\u2028\ud800\x1b\x7f"


def rubbish(random: Random) -> Any:
    """A useless value; a copy, because the document that receives it may be changed too."""
    return deepcopy(random.choice(RUBBISH))


def odd_text(random: Random) -> str:
    """A useless text."""
    return random.choice([one for one in RUBBISH if isinstance(one, str)])


def bent(random: Random, document: Any) -> Any:
    """The document with one to four places changed, removed, doubled or swapped."""
    document = deepcopy(document)
    for _ in range(random.randrange(1, 5)):
        places = list(_places(document))
        if not places:
            return rubbish(random)
        holder, key = random.choice(places)
        other, other_key = random.choice(places)
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1:
                holder[key] = deepcopy(other[other_key])
            case 2 if isinstance(holder, dict):
                holder[random.choice(("extra", "id", "name", "nextLink", "value", "\x00"))] = rubbish(random)
            case 3 if isinstance(holder[key], list):
                holder[key] *= 2
            case 4 if isinstance(holder[key], str):
                holder[key] = bent_text(random, holder[key])
            case _:
                holder[key] = rubbish(random)
    return document


def bent_text(random: Random, text: str) -> str:
    """The text with one to three letters changed, removed or inserted, or without its end."""
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(text) + 1)
        match random.randrange(5):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1:
                text = text[:at] + random.choice(_LETTERS) + text[at + 1 :]
            case 2:
                text = text[:at] + random.choice(_LETTERS) + text[at:]
            case 3:
                text = text[:at] + text[at:].swapcase()
            case _:
                text = text[:at] + text[at : at + random.randrange(1, 40)] * 2 + text[at:]
    return text[: random.randrange(len(text) + 1)] if random.random() < 0.1 else text


def bent_json(random: Random, document: Any) -> str:
    """JSON of the document, changed as a document or as a text; lone surrogates are written as JSON escapes."""
    if random.random() < 0.03:
        return random.choice(ODD_JSON)
    if random.random() < 0.8:
        return json.dumps(bent(random, document))
    return bent_text(random, json.dumps(document))


def written(random: Random, text: str) -> bytes:
    """The bytes of a file, sometimes in another encoding, or with invalid bytes."""
    if random.random() < 0.05:
        return text.encode(random.choice(("utf-16", "latin-1", "utf-8-sig")), "replace")
    content = text.encode("utf-8", "surrogatepass")
    if random.random() < 0.05:
        at = random.randrange(len(content) + 1)
        content = content[:at] + random.randbytes(3) + content[at:]
    return content


def _places(document: Any) -> Any:
    if isinstance(document, dict):
        for key, value in document.items():
            yield document, key
            yield from _places(value)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield document, index
            yield from _places(value)
