"""The factory's part of an export: its managed identity, and the identity's role in Purview.

A template writes the whole factory, and would empty every field that it does not repeat. So it can only say what is
left to do. A PATCH of the identity changes nothing else, as long as it repeats the user-assigned identities (spec).
Azure Resource Manager does not manage the role: only a script can give it, through Purview's own policy store.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._wire.account import data_plane_address
from purview_mpe._wire.curator_hand_off import Asked, root_of, script

if TYPE_CHECKING:
    from purview_mpe._export.resources import Bundle
    from purview_mpe._model.results import Account

#: The placeholder for the object id in the script, which reads the id when it runs.
_PRINCIPAL = '"$principal"'
#: Valid names of collections; the shell would interpret anything else.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

BY_PATCH = (
    "This template does not include the factory's managed identity, because a template writes the whole factory. The "
    "exported script for the Azure CLI switches it on."
)
BY_SCRIPT = (
    "Azure Resource Manager does not manage the role Data Curator. The exported script for the Azure CLI gives it."
)

#: `type` is one string for both kinds, and the values of user-assigned identities are sent empty (spec).
AZ_IDENTITY = """
# identity ID API_VERSION: switch on the factory's managed identity, and keep the user-assigned ones.
identity() {
  local kinds users
  kinds=$(az rest --method get --url "$1?api-version=$2" --query identity.type --output tsv)
  case $kinds in
    *SystemAssigned*) return ;;
  esac
  echo "identity of ${1##*/}" >&2
  users=$(az rest --method get --url "$1?api-version=$2" --output json |
    jq -c '.identity.userAssignedIdentities // {} | map_values({})')
  kinds=SystemAssigned
  [ "$users" = '{}' ] || kinds=SystemAssigned,UserAssigned
  az rest --method patch --url "$1?api-version=$2" --output none --body "$(
    jq -nc --arg kinds "$kinds" --argjson users "$users" \\
      '{identity: ({type: $kinds} + if $users == {} then {} else {userAssignedIdentities: $users} end)}'
  )"
}
"""

POWERSHELL_IDENTITY = """
function Enable-Identity {
    # Switches on the factory's managed identity, and keeps the user-assigned ones.
    param([string] $Path)
    $answer = Invoke-AzRestMethod -Method GET -Path $Path
    if ($answer.StatusCode -ne 200) { throw "GET $Path answered $($answer.StatusCode): $($answer.Content)" }
    $before = ($answer.Content | ConvertFrom-Json).identity
    if ("$($before.type)" -like '*SystemAssigned*') { return }
    $identity = @{ type = 'SystemAssigned' }
    if ($before.userAssignedIdentities) {
        $users = @{}
        $before.userAssignedIdentities.PSObject.Properties | ForEach-Object { $users[$_.Name] = @{} }
        $identity = @{ type = 'SystemAssigned,UserAssigned'; userAssignedIdentities = $users }
    }
    $body = @{ identity = $identity } | ConvertTo-Json -Depth 5
    $answer = Invoke-AzRestMethod -Method PATCH -Path $Path -Payload $body
    if ($answer.StatusCode -ne 200) { throw "PATCH $Path answered $($answer.StatusCode): $($answer.Content)" }
}
"""


def left_to_scripts(bundle: Bundle) -> tuple[str, ...]:
    """A template's notes about the identity and its role."""
    return () if bundle.onboards is None else (BY_PATCH, BY_SCRIPT)


def az_grant(account: Account, factory_url: str, api_version: str) -> list[str]:
    """Lines of bash that give the identity the role, or that say why the script does not."""
    address = data_plane_address(account)
    if address is None or not _PLAIN.fullmatch(root_of(account)):
        return ["# The account does not show where its policies are, so you have to give the role yourself."]
    lines = script(account, [Asked("", _PRINCIPAL)], address).splitlines()
    return [
        "# The role Data Curator for the identity. This part needs jq, a collection administrator of the root",
        "# collection and, if the account is closed, a machine inside its network.",
        f"principal=$(az rest --method get --url {factory_url}?api-version={api_version} \\",
        "  --query identity.principalId --output tsv)",
        *(line for line in lines if not line.startswith("set -")),
    ]
