"""What a collection administrator still has to do: a text that needs neither this library nor the caller's rights."""

from __future__ import annotations

import shlex
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
    if address := data_plane_address(account):
        commands = script(account, asked, address, takes_away=takes_away).splitlines()
        lines += ["", "Or, in bash with the Azure CLI and jq:", "", *commands]
    return "\n".join(line if line.isprintable() else "" for line in lines) + "\n"


def joined(owners: str | None, administrator: str | None) -> str | None:
    """What an onboarding leaves to others: the text for the targets' owners, then the one for the administrator."""
    return "\n".join(text for text in (owners, administrator) if text) or None


def apart(text: str | None) -> tuple[str | None, str | None]:
    """The two texts that `joined` combined."""
    before, begins, after = f"\n{text or ''}".partition(f"\nPlease {_GIVE}")
    owners = before.strip("\n")
    return f"{owners}\n" if owners else None, (begins + after).lstrip("\n") or None


def script(account: Account, asked: Sequence[Asked], address: str, *, takes_away: bool = False) -> str:
    """A bash script that adds the identities to the policy, or removes them; it changes nothing else.

    It decides as `policy` does, ends with an error where that raises one, and reads back what it wrote. The ids and the
    address are inserted without quoting: each was checked to hold no character that a shell interprets.
    """
    inserted = {
        "ADDRESS": address,
        "API_VERSION": API_VERSION,
        "RESOURCE": _RESOURCE,
        "ROLE": DATA_CURATOR,
        "ROOT": shlex.quote(root_of(account)),
        "ACCOUNT": shlex.quote(account.name),
        "PRINCIPALS": " ".join(one.principal for one in asked),
        "CHANGE": "take" if takes_away else "give",
        "SHOWS": "taken" if takes_away else "given",
        "RULES": RULES.strip(),
    }
    text = _SCRIPT
    for word, value in inserted.items():
        text = text.replace(f"@{word}@", value)
    return text


#: The functions of `policy` in jq, with its decisions: `root` is `root_of`, `give` is `with_curators`, and `take` is
#: `without_curators`; both give nothing where nothing is to be changed. The shell holds this text in single quotes.
RULES = """
def held: [(.attributeValueIncludes | strings | select(. != "")),
           (.attributeValueIncludedIn | arrays | .[] | strings)];
def lists: .dnfCondition | arrays | .[] | arrays;
def names_people: type == "object" and .attributeName == "principal.microsoft.id";
# An alternative that gives the role to identities without any further condition.
def is_plain: type == "array" and length == 2 and all(.[]; type == "object")
  and (map(.attributeName) | sort == ["derived.purview.role", "principal.microsoft.id"])
  and any(.[]; .attributeName == "derived.purview.role" and (held | index($role)) != null);
def people: if is_plain then [.[] | select(names_people) | held[] | ascii_downcase] else [] end;
def refers($id): any(lists; length == 1 and (.[0] | type == "object"
  and .attributeName == "derived.purview.permission" and (held | index($id)) != null));
def reference($id):
  [{fromRule: $id, attributeName: "derived.purview.permission", attributeValueIncludes: $id}];

def collection: .properties.collection.referenceName;
def rule_id: $role + ":" + collection;
def permission_id: "permission:" + collection;
def position($id): .properties.attributeRules
  | if type == "array" then map(type == "object" and .id == $id) | index(true) else null end;
def unknown($why): error("The policy of the root collection does not have the expected form: \\($why). "
  + "Nothing was written.");
def checked: if position(permission_id) == null then unknown("it has no rule \\(permission_id)") else . end;
def conditions($id): if type == "array" then . else unknown("its rule \\($id) holds no conditions") end;
def wanted: reduce $ARGS.positional[] as $one ([];
  if $one | test("^[0-9A-Fa-f-]{36}$") | not then error("No identity has the id \\($one).")
  elif any(.[]; ascii_downcase == ($one | ascii_downcase)) then . else . + [$one] end);
def unless_in($ids): select(ascii_downcase as $one | $ids | index($one) == null);
def curators: rule_id as $rule | position($rule) as $at | position(permission_id) as $permission
  | if $at == null or $permission == null then []
    elif .properties.attributeRules[$permission] | refers($rule) then
      [.properties.attributeRules[$at] | lists | people[]]
    else [] end;

def root: [.values | arrays | .[] | objects
    | select((.id | type == "string" and test("^[0-9A-Za-z-]{1,100}$")))
    | select(collection | type == "string" and . != "")
    | select([.properties.parentCollectionName | strings] | . == [] or . == [""])] as $roots
  | if $roots | length <= 1 then $roots[]
    else first(($domain, $account) as $name | $roots[]
      | select((collection | ascii_downcase) == ($name | ascii_downcase))) end;

def give: checked | rule_id as $rule | curators as $curators | [wanted[] | unless_in($curators)] as $missing
  | if $missing == [] then empty else
      (position($rule) != null) as $is_old | if $is_old | not then .properties.attributeRules +=
        [{kind: "attributerule", id: $rule, name: $rule, dnfCondition: []}] else . end
      | position($rule) as $at | position(permission_id) as $permission | permission_id as $permits
      | .properties.attributeRules[$at].dnfCondition |= (conditions($rule)
          | (. == []) as $is_empty | [.[] | people[]] as $named | [$missing[] | unless_in($named)] as $new
          | (map(is_plain and any(.[]; names_people
              and (.attributeValueIncludedIn | type == "array" and length > 0))) | index(true)) as $first
          | if $new == [] then .
            elif $first == null then . + [
              [{attributeName: "principal.microsoft.id", attributeValueIncludedIn: $new},
               {fromRule: $role, attributeName: "derived.purview.role", attributeValueIncludes: $role}]
              | if $is_old and $is_empty then reverse else . end]
            else .[$first] |= map(if names_people then .attributeValueIncludedIn += $new else . end) end)
      | if .properties.attributeRules[$permission] | refers($rule) then .
        else .properties.attributeRules[$permission].dnfCondition |=
          (conditions($permits) | . + [reference($rule)]) end
    end;

def is_known: (keys - ["attributeName", "attributeValueIncludes", "attributeValueIncludedIn", "fromRule"]) == [];
def without($ids): map(if names_people | not then . else
    .attributeValueIncludedIn = [.attributeValueIncludedIn | arrays | .[]
      | select(type != "string" or ([unless_in($ids)] != []))]
    | if [.attributeValueIncludes | strings | unless_in($ids)] == [] then del(.attributeValueIncludes) else . end
  end);
def is_emptied($ids): people != [] and all(people[]; . as $one | $ids | index($one) != null)
  and all(without($ids)[]; is_known);
def take: checked | rule_id as $rule | [wanted[] | ascii_downcase] as $ids | position($rule) as $at
  | if $at == null then empty
    elif all(curators[]; . as $one | $ids | index($one) == null) then empty else
      (.properties.attributeRules[$at].dnfCondition | map(select(is_emptied($ids)))) as $emptied
      | .properties.attributeRules[$at].dnfCondition |= [.[] | if is_emptied($ids) then empty
          elif all(people[]; . as $one | $ids | index($one) == null) then . else without($ids) end]
      | if all($emptied[]; .[0].attributeName != "derived.purview.role") and (.properties.attributeRules[$at]
          | .dnfCondition == [] and (keys - ["kind", "id", "name", "dnfCondition"]) == [])
        then del(.properties.attributeRules[$at])
          | position(permission_id) as $permission
          | .properties.attributeRules[$permission].dnfCondition |= map(select(. != reference($rule)))
        else . end
    end;

def shown(is_done): if is_done then empty else
  error("The policy does not show the change: another write has replaced it. Run the script again.") end;
def given: curators as $curators | shown([wanted[] | unless_in($curators)] == []);
def taken: [wanted[] | ascii_downcase] as $ids | shown(all(curators[]; . as $one | $ids | index($one) == null));
"""

_SCRIPT = """\
set -euo pipefail
purview='@ADDRESS@/policystore/metadataPolicies'
version='api-version=@API_VERSION@'
root=@ROOT@
rest() { az rest --resource @RESOURCE@ "$@"; }
decide() {
  jq -ac --arg role '@ROLE@' --arg domain "$root" --arg account @ACCOUNT@ '
@RULES@
'"$1" --args @PRINCIPALS@
}
policy=''
for query in "collectionName=$root&" ''; do
  [ -n "$policy" ] || policy=$(rest --method get --url "$purview?$query$version" | decide root)
done
[ -n "$policy" ] || { echo 'Purview shows you no policy of the root collection. Nothing was written.' >&2; exit 1; }
changed=$(decide @CHANGE@ <<< "$policy")
if [ -n "$changed" ]; then
  url="$purview/$(jq -r .id <<< "$policy")?$version"
  # A large policy does not fit into an argument, so the body comes from stdin, in ASCII for every console.
  rest --method put --url "$url" --output none --body @- <<< "$changed"
  rest --method get --url "$url" | decide @SHOWS@
fi
"""


def root_of(account: Account) -> str:
    """Name of the account's root collection."""
    return account.default_domain or account.name.casefold()


def _count(number: int) -> str:
    return "a data factory" if number == 1 else f"{number} data factories"
