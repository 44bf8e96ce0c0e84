"""Names: the names of the four endpoints, and which names Azure accepts.

Three sources limit the name of a managed private endpoint, and a name must satisfy all of them:

- Azure's OpenAPI file (Data Factory 2018-06-01): 1 to 127 of letters, digits, `_` and `-`, no `-` at either end;
- Terraform's azurerm provider: 2 to 80 characters (read in its source);
- Microsoft.Network, where the hidden private endpoint is called `<factory>.<endpoint>`: 2 to 64 characters
  (Microsoft's naming rules). What Azure does with more than 64 is unknown, so this limit gives only a warning.

The SDKs check nothing: they percent-encode a bad name and send it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import last_segment

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The group ids that lineage from Data Factory can need, in the order in which the portal lists them.
LINEAGE_GROUPS = ("account", "blob", "queue", "namespace")

#: Group ids that a Purview account offers beyond lineage; created only if `Spec.groups` names them.
#: Some projects add `platform` for accounts of the new portal (seen in one public repository).
OPTIONAL_GROUPS = ("platform", "portal")

#: Microsoft's own cloud-scale analytics templates join base name and group id with an underscore (public code).
#: The portal's separator is not documented.
DEFAULT_SEPARATOR = "_"

_ENDPOINT = re.compile(r"[_A-Za-z0-9](?:[-_A-Za-z0-9]*[_A-Za-z0-9])?")
_SEPARATOR = re.compile(r"[-_A-Za-z0-9]*")
_DASHED = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_LONGEST_ENDPOINT_NAME = 127
_HIDDEN_NAME_LIMIT = 64
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def derived_name(base: str, separator: str, group_id: str) -> str:
    """The endpoint's name: the base itself for `account`, base + separator + group id for every other group id."""
    return base if group_id == "account" else f"{base}{separator}{group_id}"


def endpoint_name_problem(name: str) -> str | None:
    """The rule that the name of an endpoint breaks, with an example; None if it breaks none."""
    if not 2 <= len(name) <= 80:
        count = "1 character" if len(name) == 1 else f"{len(name)} characters"
        return f"{_shown(name)} has {count}; an endpoint's name has 2 to 80, for example 'purview_blob'"
    if not _ENDPOINT.fullmatch(name):
        return (
            f"{_shown(name)} may hold only letters A-Z a-z, digits, '_' and '-', and no '-' at either end, "
            "for example 'purview_blob'"
        )
    return None


def is_endpoint_name(name: str) -> bool:
    """True if Azure accepts the name; existing endpoints can have longer or shorter names than this library creates."""
    return len(name) <= _LONGEST_ENDPOINT_NAME and _ENDPOINT.fullmatch(name) is not None


def separator_problem(separator: str) -> str | None:
    """The rule that a separator breaks; None if it breaks none."""
    if _SEPARATOR.fullmatch(separator):
        return None
    return f"{_shown(separator)} may hold only letters A-Z a-z, digits, '_' and '-', for example '_'"


def network_name_problem(name: str) -> str | None:
    """The rule that the name of a managed virtual network breaks; None if it breaks none.

    Only Azure's OpenAPI file limits it; the other limits for endpoints do not apply.
    """
    if is_endpoint_name(name):  # the OpenAPI file has one rule for both
        return None
    return (
        f"{_shown(name)} must be 1 to 127 letters A-Z a-z, digits, '_' and '-', with no '-' at either end, "
        "for example 'default'"
    )


def dashed_name_problem(kind: str, name: str) -> str | None:
    """The rule that the name of a factory or Purview account breaks; None if it breaks none."""
    if 3 <= len(name) <= 63 and _DASHED.fullmatch(name):
        return None
    return (
        f"{kind} name {_shown(name)} must be 3 to 63 letters and digits with single hyphens between them, "
        "for example 'contoso-sales'"
    )


def resource_group_problem(name: str) -> str | None:
    """The rule that the name of a resource group breaks; None if it breaks none."""
    if len(name) <= 90 and not name.endswith("."):
        return None
    return f"resource group {_shown(name)} must be 1 to 90 characters and not end in '.', for example 'rg-data'"


def hidden_name(factory: str, endpoint: str) -> str:
    """The name of the private endpoint in Microsoft's subscription (recorded from the service)."""
    return f"{factory}.{endpoint}"


def bears_hidden_name(private_endpoint_id: str, factory: str, endpoint: str) -> bool:
    """True if a private endpoint has the name that Data Factory gives to that of an endpoint, in any letter case.

    Azure may cut off a name that is longer than documented; then its beginning is enough, if that has the documented
    length. Case folding would also turn other letters into those of the name (a Kelvin sign into k): they do not match.
    """
    name, called = hidden_name(factory, endpoint).casefold(), last_segment(private_endpoint_id)
    if not called.isascii():
        return False
    called = called.casefold()
    return called == name or (len(called) >= _HIDDEN_NAME_LIMIT and name.startswith(called))


def hidden_name_warning(factory: str, endpoint: str) -> str | None:
    """Why Azure might refuse the name because of its length, although the rules for endpoints allow it."""
    name = hidden_name(factory, endpoint)
    if len(name) <= _HIDDEN_NAME_LIMIT:
        return None
    return (
        f"The private endpoint behind {endpoint!r} will be called {name!r}, which has {len(name)} characters; "
        f"Azure documents at most {_HIDDEN_NAME_LIMIT} for such names."
    )


def collisions(names: Iterable[str]) -> list[str]:
    """The names that occur more than once; Azure ignores letter case."""
    seen: set[str] = set()
    twice: list[str] = []
    for name in names:
        if name.casefold() in seen and name not in twice:
            twice.append(name)
        seen.add(name.casefold())
    return twice


def _shown(name: str) -> str:
    return repr(name if len(name) <= 100 else name[:100] + "…")


def entity_name_problem(name: str) -> str | None:
    r"""The rule that the name of something in a factory breaks, for example a pipeline; None if it breaks none.

    Docs: "Azure Data Factory - naming rules": 1 to 260 characters, a letter, digit or `_` first, and none of
    ``. + ? / < > * % & : \``.
    """
    if 1 <= len(name) <= 260 and (name[0].isalnum() or name[0] == "_") and not set(name) & set(".+?/<>*%&:\\"):
        return None if name.isprintable() else f"{_shown(name)} holds characters that cannot be printed"
    return f"{_shown(name)} must be 1 to 260 characters without any of . + ? / < > * % & : \\"


def is_guid(text: str) -> bool:
    """Whether a text is a GUID as Azure writes it."""
    return _GUID.fullmatch(text) is not None
