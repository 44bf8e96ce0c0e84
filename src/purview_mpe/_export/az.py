"""An export as a shell script for the Azure CLI.

It sends the requests that the library sends. `az datafactory` needs an extension and is in preview (docs), and
`az network private-endpoint` has its own name for each property; `az rest` is part of the CLI itself.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from purview_mpe._export.identity import AZ_IDENTITY, az_grant
from purview_mpe._export.resources import WAITED_FOR, as_json, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._export.resources import Bundle, Resource

# `az resource wait` exits with success after its timeout (its source), so the script polls by itself.
_PRELUDE = """\
set -euo pipefail

# put ID API_VERSION BODY: create the resource, or leave it unchanged if it already has these properties.
put() {
  echo "put ${1##*/}" >&2
  az rest --method put --url "$1?api-version=$2" --body "$3" --output none
}

# over ID API_VERSION: wait until Azure has provisioned it, half an hour at most.
over() {
  local state=unknown
  for _ in $(seq 180); do
    state=$(az rest --method get --url "$1?api-version=$2" --query properties.provisioningState --output tsv)
    case $state in
      Succeeded) return ;;
      Failed | Canceled) break ;;
    esac
    sleep 10
  done
  echo "${1##*/} is $state" >&2
  return 1
}
"""

#: Microsoft's names for the clouds (docs: "Manage multiple clouds with the Azure CLI").
_SIGN_IN: Mapping[Cloud, str] = {
    "public": "az login",
    "us-government": "az cloud set --name AzureUSGovernment && az login",
    "china": "az cloud set --name AzureChinaCloud && az login",
}


def write(bundle: Bundle) -> str:
    """The bundle as a script."""
    lines = [
        "#!/usr/bin/env bash",
        f"# {one_line(bundle.title)}",
        *(f"# {one_line(note)}" for note in bundle.notes),
        f"# Safe to repeat. Sign in first: {_SIGN_IN[bundle.cloud]}",
        _PRELUDE.rstrip("\n"),
    ]
    for resource in bundle.declared:
        lines += ["", *_resource(resource)]
    if bundle.onboards is not None and bundle.account is not None:
        target = shlex.quote(path(bundle.onboards))
        lines += [*AZ_IDENTITY.rstrip("\n").splitlines(), "", f"identity {target} {bundle.onboards.api_version}"]
        lines += ["", *az_grant(bundle.account, target, bundle.onboards.api_version)]
    return "\n".join(lines) + "\n"


def _resource(resource: Resource) -> list[str]:
    target = shlex.quote(path(resource))
    lines = [f"# {one_line(resource.note)}"] if resource.note else []
    lines.append(f"put {target} {resource.api_version} {shlex.quote(body(resource))}")
    if resource.type in WAITED_FOR:
        lines.append(f"over {target} {resource.api_version}")
    return lines


def path(resource: Resource) -> str:
    """The resource's id as the path of a URL."""
    return quote(resource.id, safe="/-_.~()")


def body(resource: Resource) -> str:
    """The body of the request that creates the resource: JSON in ASCII, on one line."""
    request: dict[str, Any] = {} if resource.location is None else {"location": resource.location}
    request["properties"] = as_json(resource.properties, lambda other: other.id, str)
    return json.dumps(request)
