"""Names instead of full ids: completed from --subscription and -g, or looked up in the subscription."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._model.arm_id import ArmId, InvalidArmId, is_subscription
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping

Kind: TypeAlias = Literal["factory", "account"]
Find: TypeAlias = "Callable[[str, str, Kind], str]"
"""Looks a name up: in which subscription, which name, of what kind."""

_TYPES: Mapping[str, tuple[str, str]] = {
    "factory": ("Microsoft.DataFactory", "factories"),
    "account": ("Microsoft.Purview", "accounts"),
}
#: A name, or a resource group and a name; ids begin with a slash or are addresses.
_NAME = re.compile(r"(?:(?P<group>[^/:\\\s]+)/)?(?P<name>[A-Za-z0-9][-A-Za-z0-9]{0,62})")


@dataclass(frozen=True)
class Place:
    """Where names are looked for."""

    subscription: str | None
    group: str | None

    @classmethod
    def of(cls, arguments: Namespace, others: Mapping[str, str]) -> Place:
        """The place that the options say; the subscription of another full id if they say none.

        Raises:
            InvalidSpec: the subscription is not a GUID.
        """
        subscription: str | None = arguments.subscription
        if subscription is not None and not is_subscription(subscription):
            hint = "is not the id of a subscription; az account show --query id -o tsv prints it"
            raise InvalidSpec("The command", [("--subscription", f"{subscription[:80]!r} {hint}")])
        if subscription is None:
            subscription = next((found for text in others.values() if (found := _subscription_of(text))), None)
        return cls(subscription, arguments.resource_group)

    def id_of(self, text: str, kind: Kind, shown: str, find: Find) -> str:
        """The full id of what the text names; a text that is not a name is returned as it is.

        Raises:
            InvalidSpec: there is no subscription to look in.
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
        group, name = named["group"] or self.group, named["name"]
        if group is None:
            return find(f"/subscriptions/{self.subscription}", name, kind)
        namespace, collection = _TYPES[kind]
        return f"/subscriptions/{self.subscription}/resourceGroups/{group}/providers/{namespace}/{collection}/{name}"


def scope_of(arguments: Namespace) -> str:
    """The subscription or resource group to search.

    Raises:
        InvalidSpec: no subscription is given, or it is not a GUID.
    """
    place = Place.of(arguments, {})
    if place.subscription is None:
        raise InvalidSpec("The command", [("--subscription", "is required; or PURVIEW_MPE_SUBSCRIPTION")])
    group = f"/resourceGroups/{place.group}" if place.group else ""
    return f"/subscriptions/{place.subscription}{group}"


def _subscription_of(text: str) -> str | None:
    try:
        return ArmId.parse(text).subscription
    except InvalidArmId:
        return None
