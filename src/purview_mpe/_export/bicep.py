"""An export as Bicep.

Escapes: Microsoft's page "Data types in Bicep", section "Strings".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from purview_mpe._export.identity import left_to_scripts
from purview_mpe._export.resources import Resource, one_line
from purview_mpe._model.arm_id import ArmId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe._export.resources import Bundle, Value

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(bundle: Bundle) -> str:
    """The bundle as a Bicep file for one resource group."""
    scope = bundle.scope
    lines = [
        f"// {one_line(bundle.title)}",
        *(f"// {one_line(note)}" for note in (*bundle.notes, *left_to_scripts(bundle))),
        f"// Deploy to the resource group {one_line(scope.resource_group)} of subscription {scope.subscription}.",
    ]
    for resource in bundle.resources:
        lines += ["", *_resource(resource)]
    return "\n".join(lines) + "\n"


def _resource(resource: Resource) -> Iterator[str]:
    if resource.note:
        yield f"// {one_line(resource.note)}"
    existing = "existing " if resource.existing else ""
    yield f"resource {symbol(resource)} '{resource.type}@{resource.api_version}' {existing}= {{"
    if not isinstance(resource.parent, ArmId):
        yield f"  parent: {symbol(resource.parent)}"
    yield f"  name: {string(resource.name)}"
    if resource.location is not None:
        yield f"  location: {string(resource.location)}"
    if not resource.existing and (resource.properties or resource.location is None):
        yield f"  properties: {_value(resource.properties, 1)}"
    if resource.after:
        yield "  dependsOn: ["
        yield from (f"    {symbol(other)}" for other in resource.after)
        yield "  ]"
    yield "}"


def _value(value: Value, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    match value:
        case Resource():
            return f"{symbol(value)}.id"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return string(value)
        case Mapping():
            # Every key is a property name from this package, never user data.
            fields = [f"{inner}{key}: {_value(item, depth + 1)}\n" for key, item in value.items()]
            return "{\n" + "".join(fields) + outer + "}" if fields else "{}"
        case _:
            return "[\n" + "".join(f"{inner}{_value(item, depth + 1)}\n" for item in value) + outer + "]"


def symbol(resource: Resource) -> str:
    """The resource's symbolic name."""
    first, *rest = resource.words
    return first + "".join(word.capitalize() for word in rest)


def string(text: str) -> str:
    """A string literal for this text, whatever characters it holds."""
    escaped = "".join(_ESCAPES.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text)
    return "'" + escaped.replace("${", "\\${") + "'"
