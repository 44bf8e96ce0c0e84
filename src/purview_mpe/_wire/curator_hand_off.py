"""What a collection administrator still has to do: a text that needs neither this library nor the caller's rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._wire.account import data_plane_address
from purview_mpe._wire.policy import API_VERSION, DATA_CURATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._model.results import Account

#: How the text begins if the role is to be given. `apart` finds this part in a longer text by it.
_GIVE = "give the role Data Curator to"
#: The audience of a token for Purview (constant in Purview's SDKs).
_RESOURCE = "https://purview.azure.net"


@dataclass(frozen=True, slots=True)
class Asked:
    """One factory whose identity should get or lose the role."""

    factory: str
    """Name of the factory."""
    principal: str
    """Object id of its system-assigned managed identity."""


def hand_off(account: Account, asked: Sequence[Asked], reason: str, *, takes_away: bool) -> str:
    """The text for a collection administrator: which identities, where to click, and a script."""
    what = "remove the role Data Curator from" if takes_away else _GIVE
    click = "remove" if takes_away else "add"
    lines = [
        f"Please {what} the managed identity of {_count(len(asked))} on the root collection of the Purview account",
        account.id,
        "",
        f"Not done because:  {reason}.",
        "Who can do it:     a collection administrator of the root collection"
        + (", from inside the account's private network." if account.firewall == "disabled-from-all-networks" else "."),
        f"Where:             the Purview portal, Data Map, Collections (or Domains), {root_of(account)},",
        f"                   Role assignments, Data curators: {click}",
        *(f"                   {one.factory} (object id {one.principal})" for one in asked),
    ]
    if not takes_away and (address := data_plane_address(account)):
        lines += ["", "Or, in bash with the Azure CLI and jq:", "", *script(account, asked, address).splitlines()]
    return "\n".join(line if line.isprintable() else "" for line in lines) + "\n"


def joined(owners: str | None, administrator: str | None) -> str | None:
    """What an onboarding leaves to others: the text for the targets' owners, then the one for the administrator."""
    return "\n".join(text for text in (owners, administrator) if text) or None


def apart(text: str | None) -> tuple[str | None, str | None]:
    """The two texts that `joined` combined."""
    before, begins, after = f"\n{text or ''}".partition(f"\nPlease {_GIVE}")
    owners = before.strip("\n")
    return f"{owners}\n" if owners else None, (begins + after).lstrip("\n") or None


def script(account: Account, asked: Sequence[Asked], address: str) -> str:
    """A bash script that reads the policy, adds the identities and writes it back; it changes nothing else.

    Ids and the address are inserted without quoting: each was checked to hold no character that a shell interprets.
    """
    principals = " ".join(one.principal for one in asked)
    return _SCRIPT.format(
        address=address,
        root=root_of(account),
        version=API_VERSION,
        resource=_RESOURCE,
        role=DATA_CURATOR,
        principals=principals,
    )


_SCRIPT = """\
set -euo pipefail
purview='{address}/policystore/metadataPolicies'
root='{root}'
rest() {{ az rest --resource {resource} "$@"; }}
policy=$(rest --method get --url "$purview?collectionName=$root&api-version={version}" | jq '.values[0]')
changed=$(jq --arg role '{role}' --arg root "$root" '
  ($role + ":" + $root) as $rule
  | ("permission:" + $root) as $permission
  | reduce $ARGS.positional[] as $id (.;
      if any(.properties.attributeRules[]; .id == $rule) then .
      else .properties.attributeRules += [{{kind: "attributerule", id: $rule, name: $rule, dnfCondition: []}}]
        | (.properties.attributeRules[] | select(.id == $permission).dnfCondition) +=
            [[{{fromRule: $rule, attributeName: "derived.purview.permission", attributeValueIncludes: $rule}}]]
      end
      | (.properties.attributeRules[] | select(.id == $rule).dnfCondition) |=
          if any(.[]; any(.[]; (.attributeValueIncludedIn // []) | index($id))) then .
          else . + [[{{attributeName: "principal.microsoft.id", attributeValueIncludedIn: [$id]}},
                     {{fromRule: $role, attributeName: "derived.purview.role", attributeValueIncludes: $role}}]]
          end)' --args {principals} <<< "$policy")
rest --method put --url "$purview/$(jq -r .id <<< "$policy")?api-version={version}" --body "$changed"
"""


def root_of(account: Account) -> str:
    """Name of the account's root collection."""
    return account.default_domain or account.name.casefold()


def _count(number: int) -> str:
    return "a data factory" if number == 1 else f"{number} data factories"
