"""An export as an ARM template: JSON, deployed to one resource group.

Source: Microsoft's pages "Template syntax" and "Template expressions".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from purview_mpe._export.identity import left_to_scripts
from purview_mpe._export.resources import as_json
from purview_mpe._model.arm_id import ArmId

if TYPE_CHECKING:
    from purview_mpe._export.resources import Bundle, Resource

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def write(bundle: Bundle) -> str:
    """The bundle as a template."""
    template = {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {
            "description": " ".join((f"{bundle.title}.", *bundle.notes, *left_to_scripts(bundle))),
            "scope": str(bundle.scope),
        },
        "resources": [_resource(resource) for resource in bundle.declared],
    }
    return json.dumps(template, indent=2) + "\n"


def _resource(resource: Resource) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "type": resource.type,
        "apiVersion": resource.api_version,
        "name": literal("/".join(resource.names)),
    }
    if resource.note:
        declared["comments"] = resource.note
    if resource.location is not None:
        declared["location"] = resource.location
    declared["properties"] = as_json(resource.properties, _reference, literal)
    parent = () if isinstance(resource.parent, ArmId) or resource.parent.existing else (resource.parent,)
    if needed := dict.fromkeys((*parent, *resource.references, *resource.after)):
        declared["dependsOn"] = [_reference(other) for other in needed]
    return declared


def _reference(resource: Resource) -> str:
    arguments = ", ".join("'" + part.replace("'", "''") + "'" for part in (resource.type, *resource.names))
    return f"[resourceId({arguments})]"


def literal(text: str) -> str:
    """Text that Azure does not read as an expression: expressions start with a bracket, and doubling it escapes it."""
    return f"[{text}" if text.startswith("[") and text.endswith("]") else text
