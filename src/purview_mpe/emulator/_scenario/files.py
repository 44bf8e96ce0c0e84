"""Scenario files in JSON and YAML, with limits on their aliases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._scenario.schema import Scenario, check
from purview_mpe.emulator._values.json_values import list_of, object_of
from purview_mpe.emulator._values.problems import InvalidScenario, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping

# The errors that PyYAML raises besides its own: for impossible dates (`2026-02-30`), numbers with too many digits,
# tags that do not match their value (`!!timestamp x`), and lists that are nested too deep.
_OF_YAML = (ValueError, LookupError, AttributeError, TypeError, RecursionError)
# Maximum number of values that the aliases of a file can expand to. Eight lines of aliases can expand to millions.
_ALIASED = 100_000
_DEPTH = 64
_TOO_MANY = f"its aliases stand for more than {_ALIASED:,} values; write out what differs, or use fewer aliases"


def read(source: str | Path | Mapping[str, Any]) -> Scenario:
    """A scenario: a mapping, or a file in JSON or (by its name) in YAML.

    Raises:
        InvalidScenario: it cannot be used; lists every problem with its place.
        MissingExtra: reading YAML needs the extra `emulator`.
        OSError: the file cannot be read.
    """
    if not isinstance(source, str | Path):
        return check(source)
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidScenario([f"{path.name}: is not text in UTF-8: {error}"]) from None
    except ValueError:  # a zero byte, or half a character
        raise InvalidScenario([f"{str(path)!r} is not a path"]) from None
    if path.suffix.lower() in {".yaml", ".yml"}:
        return check(_read_yaml(path.name, text))
    try:
        return check(json.loads(text))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidScenario):
            raise
        raise InvalidScenario([f"{path.name}: is not JSON: {error}"]) from None


def _read_yaml(name: str, text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415  only needed for YAML
    except ImportError as error:
        raise MissingExtra(
            "reading a scenario in YAML needs PyYAML; install it with: pip install pyyaml",
            name=error.name,
        ) from error

    class BoundedLoader(yaml.SafeLoader):
        """Refuses merge keys (`<<`) that multiply their content, and brackets that are nested too deep."""

        merged = 0

        def check_event(self, *choices: Any) -> bool:
            # PyYAML's time grows with the square of this depth. The parser calls this, and is at most one step ahead.
            if self.flow_level > _DEPTH:
                raise ValueError(f"it is nested deeper than {_DEPTH} levels")
            return bool(super().check_event(*choices))

        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            super().flatten_mapping(node)
            self.merged += len(node.value)
            if self.merged > _ALIASED + len(text):
                raise ValueError(_TOO_MANY)

    try:
        # A safe loader: it only makes plain values.
        document = yaml.load(text, Loader=BoundedLoader)  # noqa: S506
        _check_aliases(document)
    except (yaml.YAMLError, *_OF_YAML) as error:
        raise InvalidScenario([f"{name}: is not YAML that can be used: {error}"]) from None
    return document


def _check_aliases(document: Any) -> None:
    """Refuse a document whose aliases multiply it, or that contains itself.

    Raises:
        ValueError: it is such a document.
    """
    sizes: dict[int, int] = {}
    written = 0

    def size(value: Any) -> int:
        """The number of values after all aliases are expanded."""
        nonlocal written
        fields = object_of(value)
        items = list(fields.values()) if fields is not None else list_of(value)
        if items is None:
            written += 1
            return 1
        known = sizes.get(id(value))
        if known == 0:
            raise ValueError("an alias in it stands for something that contains the alias")
        if known is None:
            written += 1
            sizes[id(value)] = 0
            known = sizes[id(value)] = 1 + sum(size(item) for item in items)
        if known > written + _ALIASED:
            raise ValueError(_TOO_MANY)
        return known

    size(document)
