"""Names instead of full ids: completed from --subscription and -g, or looked up in the subscription."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._cli.options import given_in
from purview_mpe._model import pasted
from purview_mpe._model.arm_id import InvalidArmId, is_subscription
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Mapping

    from purview_mpe._model.arm_id import ArmId

Kind: TypeAlias = Literal["factory", "account"]
Find: TypeAlias = "Callable[[str, str, Kind], str]"
"""Looks a name up: in which subscription, which name, of what kind."""

#: What is wrong with an option whose value is empty.
EMPTY = "is empty; perhaps a variable of your shell is not set"
_TYPES: Mapping[str, tuple[str, str]] = {
    "factory": ("Microsoft.DataFactory", "factories"),
    "account": ("Microsoft.Purview", "accounts"),
}
#: A name, or a resource group and a name; ids begin with a slash or are addresses.
_NAME = re.compile(r"(?:(?P<group>[^/:\\\s]+)/)?(?P<name>[A-Za-z0-9][-A-Za-z0-9]{0,62})")
#: The options that say a place.
PLACES: Mapping[str, str] = {"subscription": "--subscription", "resource_group": "--resource-group"}


@dataclass
class Place:
    """Where names are looked for, and which of its options were of use for that."""

    subscription: str | None
    group: str | None
    given: Mapping[str, str]
    """The place that the command itself says; variables only say where to look if something has to be looked for."""
    shown: str = "--subscription"
    """The option or variable that says the subscription."""
    used: set[str] = field(default_factory=set[str])

    @classmethod
    def of(cls, arguments: Namespace, others: Mapping[str, str]) -> Place:
        """The place that the options say; the subscription of another full id if they say none.

        Raises:
            InvalidSpec: the subscription is not a GUID.
        """
        given = {option: text for option in PLACES if (text := given_in(arguments).get(option)) is not None}
        if empty := [option for option, text in given.items() if not text]:
            raise InvalidSpec("The command", [(PLACES[option], EMPTY) for option in empty])
        subscription: str | None = arguments.subscription
        if subscription is None:
            subscription = next((found.subscription for text in others.values() if (found := _parsed(text))), None)
        shown = arguments.variables.get("subscription", "--subscription")
        if getattr(arguments, "searches_place", False):
            place = cls(subscription, None, given, shown, used={*PLACES})
        else:
            place = cls(subscription, arguments.resource_group, given, shown)
        if "subscription" in given:
            place.searched()
        return place

    def id_of(self, text: str, kind: Kind, shown: str, find: Find) -> str:
        """The full id of what the text names; a text that is not a name is returned as it is.

        Raises:
            InvalidSpec: the subscription to look in is missing.
        """
        named = _NAME.fullmatch(text.strip())
        if named is None:
            return text
        if self.subscription is None:
            problem = (
                f"{text!r} is a name, so --subscription ID is required as well "
                "(or PURVIEW_MPE_SUBSCRIPTION); or give the full id, which begins with /subscriptions/"
            )
            raise InvalidSpec("The command", [(shown, problem)])
        subscription = self.searched()
        group, name = named["group"] or self.group, named["name"]
        self.used |= {"subscription"} if named["group"] else {*PLACES}
        if group is None:
            return find(f"/subscriptions/{subscription}", name, kind)
        namespace, collection = _TYPES[kind]
        return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{collection}/{name}"

    def refuse_contradictions(self, ids: Mapping[str, Iterable[str]]) -> None:
        """Refuse an option that was of no use, because everything is given by its id, and says what no id says.

        Args:
            ids: The ids that were given, by the words for where they stand.

        Raises:
            InvalidSpec: listing every such option.
        """
        problems: list[tuple[str, str]] = []
        for option, text in self.given.items():
            said = {shown: _parts(option, each) for shown, each in ids.items()}
            others = [(shown, parts) for shown, parts in said.items() if parts]
            if option in self.used or not others or any(parts == {text.casefold()} for _, parts in others):
                continue
            shown, parts = others[0]
            says = f"says {min(parts)!r}" if len(parts) == 1 else f"holds {len(parts)} others"
            problem = f"{text!r} contradicts {shown}, which {says}; leave it out: it completes names, and these are ids"
            problems.append((PLACES[option], problem))
        if problems:
            raise InvalidSpec("The command", problems)

    def searched(self) -> str | None:
        """The subscription in which something has to be looked for.

        Raises:
            InvalidSpec: it is not a GUID.
        """
        if self.subscription is not None and not is_subscription(self.subscription):
            hint = "is not the id of a subscription; az account show --query id -o tsv prints it"
            raise InvalidSpec("The command", [(self.shown, f"{self.subscription[:80]!r} {hint}")])
        return self.subscription


def scope_of(arguments: Namespace) -> str:
    """The subscription or resource group to search.

    Raises:
        InvalidSpec: no subscription is given, or it is not a GUID.
    """
    place = Place.of(arguments, {})
    subscription = place.searched()
    if subscription is None:
        raise InvalidSpec("The command", [("--subscription", "is required; or PURVIEW_MPE_SUBSCRIPTION")])
    group = f"/resourceGroups/{arguments.resource_group}" if arguments.resource_group else ""
    return f"/subscriptions/{subscription}{group}"


def _parsed(text: str) -> ArmId | None:
    try:
        return pasted.parsed(text)
    except InvalidArmId:
        return None


def _parts(option: str, ids: Iterable[str]) -> set[str]:
    """The subscriptions or resource groups in ids."""
    found = [parsed for text in ids if (parsed := _parsed(text)) is not None]
    return {(one.subscription if option == "subscription" else one.resource_group).casefold() for one in found}
