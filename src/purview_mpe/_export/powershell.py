"""An export as a PowerShell script for the Az module; it sends the requests that the library sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._export.az import body, path
from purview_mpe._export.identity import BY_SCRIPT, POWERSHELL_IDENTITY
from purview_mpe._export.resources import WAITED_FOR, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._export.resources import Bundle, Resource

# Docs: Invoke-AzRestMethod does not throw on an HTTP error; its answer has StatusCode and Content.
_PRELUDE = """\
#Requires -Modules Az.Accounts
$ErrorActionPreference = 'Stop'

function Set-Resource {
    # Creates the resource, or leaves it unchanged if it already has these properties.
    # With -Wait it returns when Azure has provisioned it; after half an hour it gives up.
    param([string] $Path, [string] $Payload, [switch] $Wait)
    $answer = Invoke-AzRestMethod -Method PUT -Path $Path -Payload $Payload
    if ($answer.StatusCode -notin 200, 201, 202) {
        throw "PUT $Path answered $($answer.StatusCode): $($answer.Content)"
    }
    if (-not $Wait) { return }
    foreach ($round in 1..180) {
        $answer = Invoke-AzRestMethod -Method GET -Path $Path
        $state = ($answer.Content | ConvertFrom-Json).properties.provisioningState
        if ($state -eq 'Succeeded') { return }
        if ($state -in 'Failed', 'Canceled') { break }
        Start-Sleep -Seconds 10
    }
    throw "$Path is $state"
}
"""
# PowerShell treats typographic quotes as plain ones (language specification, 2.3.5.2).
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"

#: Microsoft's names for the clouds (docs: Connect-AzAccount).
_ENVIRONMENTS: Mapping[Cloud, str] = {
    "public": "",
    "us-government": " -Environment AzureUSGovernment",
    "china": " -Environment AzureChinaCloud",
}


def write(bundle: Bundle) -> str:
    """The bundle as a script."""
    lines = [
        f"# {one_line(bundle.title)}",
        *(f"# {one_line(note)}" for note in bundle.notes),
        f"# Safe to repeat. Sign in first: Connect-AzAccount{_ENVIRONMENTS[bundle.cloud]}",
        _PRELUDE.rstrip("\n"),
    ]
    for resource in bundle.declared:
        lines += ["", *_resource(resource)]
    if (factory := bundle.onboards) is not None:
        target = string(f"{path(factory)}?api-version={factory.api_version}")
        lines += [*POWERSHELL_IDENTITY.rstrip("\n").splitlines(), "", f"Enable-Identity -Path {target}"]
        lines.append(f"# {BY_SCRIPT}")
    return "\n".join(lines) + "\n"


def _resource(resource: Resource) -> list[str]:
    target = string(f"{path(resource)}?api-version={resource.api_version}")
    wait = " -Wait" if resource.type in WAITED_FOR else ""
    lines = [f"# {one_line(resource.note)}"] if resource.note else []
    return [*lines, f"Set-Resource -Path {target} -Payload {string(body(resource))}{wait}"]


def string(text: str) -> str:
    """A string literal for this text, whatever characters it holds."""
    return "'" + "".join(c * 2 if c in _SINGLE_QUOTES else c for c in text) + "'"
