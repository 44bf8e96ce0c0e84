"""Azure Resource Manager ids: parse, compare, derive.

Ids are compared without regard to letter case, as Azure compares them; it may also echo them in another case
(Data Factory answers with `…/managedvirtualnetworks/default/managedprivateendpoints/x`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import category
from urllib.parse import quote

from purview_mpe._model.public import public

# The characters of an id. A real id never holds percent signs, backslashes, queries or control characters; an id with
# them could lead to another URL than it shows.
_SEGMENT = re.compile(r"[-\w.()]+", re.ASCII)
#: Kinds of characters that a resource group's name can hold besides `-.()`: letters and digits of any script. The page
#: "Naming rules and restrictions for Azure resources" gives `^[-\w\._\(\)]+$`, whose `\w` is .NET's: letters, marks,
#: decimal digits, connectors. Another page says `Char.IsLetterOrDigit`, which is less; Azure decides.
_OF_GROUPS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Pc"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EXAMPLE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
    "/providers/Microsoft.DataFactory/factories/df1"
)


class InvalidArmId(ValueError):
    """The text is not a resource id; the message names the rule and shows an example."""


@public("purview_mpe")
@dataclass(frozen=True, slots=True, eq=False)
class ArmId:
    """The id of one Azure resource (or of a resource group), as Azure Resource Manager spells it.

    Two ids are equal if they differ only in letter case. `str()` gives the spelling that was parsed.
    """

    subscription: str
    resource_group: str
    provider: str = ""
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", folded(str(self)))

    @classmethod
    def parse(cls, text: object) -> ArmId:
        """Read an id; a trailing slash is dropped, because portals and shells add one.

        Raises:
            InvalidArmId: the text is not the id of a resource or resource group.
        """
        if not isinstance(text, str):
            raise InvalidArmId(f"a resource id is text, not {type(text).__name__}; for example {_EXAMPLE}")
        return _kept(text) if len(text) <= _LONGEST_KEPT else _parsed(text)

    @property
    def name(self) -> str:
        """The last name: the resource's own."""
        return self.names[-1] if self.names else self.resource_group

    @property
    def type(self) -> str:
        """The full type, for example `Microsoft.Purview/accounts`."""
        if not self.types:
            return "Microsoft.Resources/resourceGroups"
        return "/".join((self.provider, *self.types))

    def is_a(self, resource_type: str) -> bool:
        """Whether the resource is of this full type, in any letter case."""
        return folded(self.type) == folded(resource_type)

    def child(self, child_type: str, name: str) -> ArmId:
        """The id of a resource inside this one."""
        return ArmId(
            self.subscription,
            self.resource_group,
            self.provider,
            (*self.types, child_type),
            (*self.names, name),
        )

    @property
    def group(self) -> ArmId:
        """The id of the resource group."""
        return ArmId(self.subscription, self.resource_group)

    @property
    def outer(self) -> ArmId:
        """The id of the resource that this one is inside; the resource group of a top-level resource."""
        if len(self.types) < 2:
            return self.group
        return ArmId(self.subscription, self.resource_group, self.provider, self.types[:-1], self.names[:-1])

    def in_group(self, provider: str, resource_type: str, name: str) -> ArmId:
        """The id of a top-level resource in the same resource group."""
        return ArmId(self.subscription, self.resource_group, provider, (resource_type,), (name,))

    @property
    def path(self) -> str:
        """The id as the path of a URL: percent-encoded UTF-8 where a resource group holds letters beyond ASCII."""
        return quote(str(self), safe="/()")

    def __str__(self) -> str:
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        if not self.types:
            return group
        tail = "/".join(f"{kind}/{name}" for kind, name in zip(self.types, self.names, strict=True))
        return f"{group}/providers/{self.provider}/{tail}"

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, ArmId) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)


def _parsed(text: str) -> ArmId:
    parts = text.removesuffix("/").split("/")
    # lower(), not casefold(): casefold() turns a long s into an s, and no later check would catch that.
    match [part.lower() if index % 2 else part for index, part in enumerate(parts)]:
        case ["", "subscriptions", subscription, "resourcegroups", resource_group]:
            provider, rest = "", []
        case [
            "",
            "subscriptions",
            subscription,
            "resourcegroups",
            resource_group,
            "providers",
            provider,
            *_,
        ]:
            rest = parts[7:]
        case _:
            raise InvalidArmId(f"{_shown(text)} is not a resource id; for example {_EXAMPLE}")
    if not _GUID.fullmatch(subscription):
        raise InvalidArmId(
            f"the subscription in {_shown(text)} is not a GUID such as 00000000-0000-0000-0000-000000000001"
        )
    if len(rest) % 2 or (provider and not rest):
        raise InvalidArmId(f"{_shown(text)} does not end in a type and a name; for example {_EXAMPLE}")
    if not is_group_name(resource_group):
        raise InvalidArmId(
            f"{_shown(text)} has the resource group {_shown(resource_group)}; its name can hold letters and digits "
            "of any script and - _ . ( ), unescaped"
        )
    for segment in parts[5:]:
        if not is_segment(segment):
            raise InvalidArmId(
                f"{_shown(text)} has the segment {_shown(segment)}; only letters A-Z a-z, digits and - _ . ( ) "
                "can be in this part of a resource id, unescaped"
            )
    return ArmId(subscription, resource_group, provider, tuple(rest[0::2]), tuple(rest[1::2]))


#: A wait reads the same ids dozens of times. Only ids of a usual length are kept, so that the memory is limited.
_kept = lru_cache(maxsize=2048)(_parsed)
_LONGEST_KEPT = 1024


def is_segment(text: str) -> bool:
    """True if the text can be a segment of an id and cannot change its meaning.

    `..` is refused: a client or proxy that normalizes paths would address the parent instead.
    """
    return _SEGMENT.fullmatch(text) is not None and text.strip(".") != ""


def is_group_name(text: str) -> bool:
    """The same for the name of a resource group, which can hold letters of any script."""
    if text.isascii():
        return is_segment(text)
    return all(character in "-.()" or category(character) in _OF_GROUPS for character in text)


def folded(text: str) -> str:
    """An id or a name in one letter case, to compare it as Azure does: character by character.

    Not `str.casefold`, which turns `ß` into `ss`, the Kelvin sign into `k` and a long `s` into `s`. To Azure Resource
    Manager (.NET's `OrdinalIgnoreCase`) these are different names, so they can be two resource groups.
    """
    return text.lower() if text.isascii() else "".join(map(_folded, text))


def _folded(character: str) -> str:
    if character.isascii():
        return character.lower()
    upper = character.upper()
    return character if len(upper) != 1 or upper.isascii() else upper


def is_subscription(text: str) -> bool:
    """Whether the text is the GUID of a subscription."""
    return _GUID.fullmatch(text) is not None


def same_id(one: str | ArmId | None, other: str | ArmId | None) -> bool:
    """True if two spellings mean one resource; a missing id equals nothing, not even another missing id."""
    if not one or not other:
        return False
    return folded(str(one).strip("/")) == folded(str(other).strip("/"))


def last_segment(text: str) -> str:
    """The part of an id after its last slash; the rest is not checked."""
    return text.rstrip("/").rpartition("/")[2]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:200] + "…")
