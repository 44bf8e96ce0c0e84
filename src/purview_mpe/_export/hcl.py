"""Terraform's language: literals and blocks, formatted as by `terraform fmt`.

Escapes: HashiCorp's page "Strings and Templates".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is written unchanged, such as a reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block with its labels; its fields are values, and may be followed by inner blocks."""

    kind: str
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Hcl] = field(default_factory=dict[str, "Hcl"])
    blocks: tuple[Block, ...] = ()
    note: str = ""


Hcl: TypeAlias = "str | bool | int | Code | Mapping[str, Hcl] | Sequence[Hcl]"


def block_lines(block: Block, depth: int = 0) -> list[str]:
    """The block, indented to its depth."""
    outer = "  " * depth
    head = " ".join((block.kind, *(string(label) for label in block.labels)))
    lines = [f"{outer}# {block.note}"] if block.note else []
    if not block.fields:
        return [*lines, f"{outer}{head} {{}}"]
    lines += [f"{outer}{head} {{", *_field_lines(block.fields, depth + 1)]
    for inner in block.blocks:
        lines += ["", *block_lines(inner, depth + 1)]
    return [*lines, f"{outer}}}"]


def _field_lines(fields: Mapping[str, Hcl], depth: int) -> list[str]:
    """One field per line; adjacent single-line fields have aligned equals signs."""
    rendered = [(key, value_lines(value, depth)) for key, value in fields.items()]
    lines: list[str] = []
    for number, (key, value) in enumerate(rendered):
        width = max(len(name) for name in _run(rendered, number)) if len(value) == 1 else len(key)
        lines.append(f"{'  ' * depth}{key:<{width}} = {value[0]}")
        lines += value[1:]
    return lines


def _run(rendered: Sequence[tuple[str, list[str]]], number: int) -> list[str]:
    """The keys around this one, up to the next value that spans several lines."""
    start = end = number
    while start > 0 and len(rendered[start - 1][1]) == 1:
        start -= 1
    while end + 1 < len(rendered) and len(rendered[end + 1][1]) == 1:
        end += 1
    return [key for key, _ in rendered[start : end + 1]]


def value_lines(value: Hcl, depth: int) -> list[str]:
    """The lines of the value; the first follows the equals sign, the others are indented."""
    match value:
        case Code():
            return [value.text]
        case bool():
            return ["true" if value else "false"]
        case int():
            return [str(value)]
        case str():
            return [string(value)]
        case Mapping():
            if not value:
                return ["{}"]
            return ["{", *_field_lines(value, depth + 1), f"{'  ' * depth}}}"]
        case _ if all(isinstance(item, (str, Code)) for item in value):
            return ["[" + ", ".join(value_lines(item, depth)[0] for item in value) + "]"]
        case _:
            lines = ["["]
            for item in value:
                first, *rest = value_lines(item, depth + 1)
                lines += [f"{'  ' * (depth + 1)}{first}", *rest]
                lines[-1] += ","
            return [*lines, f"{'  ' * depth}]"]


def string(text: str) -> str:
    """A string literal for this text, whatever characters it holds."""
    escaped = "".join(_ESCAPES.get(c) or (c if c.isprintable() else _unicode(c)) for c in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def _unicode(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"
