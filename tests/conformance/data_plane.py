"""Judges the answers of accounts on their own hosts by the OpenAPI files of Purview's data plane.

    python -m tests.conformance.data_plane --specs DIR EXCHANGES

Microsoft's `oav` supports only resource providers, so this reads the files itself: paths, statuses, and the bodies of
answers and requests with every property in them. Exit code 1: something violates the files.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from .judging import UNLIKE, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The start of each file's paths on the account's host; the files describe it in three different ways.
_BASES = {
    "Azure.Analytics.Purview.MetadataPolicies": "/policystore",
    "Azure.Analytics.Purview.Account": "/account",
    "Azure.Analytics.Purview.DataMap": "/datamap/api",
}
_HOST = re.compile(r"[a-z0-9-]+\.purview\.azure\.\w+|(?:[0-9a-f-]{36}-)?api\.purview-service\.microsoft\.com")
_SERVED = re.compile(r"^/purview/[^/]+(?=/)")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
#: Places where Azure itself differs from the files, with the source.
LOOSE = {
    r"\.fromRule$": "in every recording of a policy, and in no file",
    r"attributeRules\[\]\.version$": "recorded 2021-11; in no file",
    r"properties\.decisionRules\[\]\.(id|name)$": "recorded; in no file",
    r"^\.relations\[\]\.relationshipId$": "in Atlas's own answers, the file has it under another name",
    r"^\.error$": "the account's gateway refuses in one shape whatever the path (inferred)",
    r"^\.lineageWidth$|^\.childrenCount$": "seen in public code",
}
#: Paths of the service that the files do not contain.
UNFILED = {
    r"/policystore/collections/[^/]+/metadataPolicy": "documented, and in no file",
    r"/catalog/api/.*": "the older path of the data map (public code)",
}


@dataclass(frozen=True)
class Operation:
    """One operation of one file."""

    name: str
    method: str
    path: re.Pattern[str]
    file: Path
    responses: dict[str, Any]
    body: Any
    """The schema of the request's body; None if it has none."""

    def response(self, status: str) -> Any:
        """The file's description of this status, or None."""
        return self.responses.get(status, self.responses.get("default"))


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _resolved(schema: Any, file: Path) -> tuple[Any, Path]:
    while isinstance(schema, dict) and "$ref" in schema:
        place, _, pointer = schema["$ref"].partition("#")
        file = (file.parent / place).resolve() if place else file
        schema = _read(file)
        for key in pointer.strip("/").split("/"):
            schema = schema[key.replace("~1", "/").replace("~0", "~")]
    return schema, file


def operations(specs: Path) -> list[Operation]:
    """Everything that the files of the data plane describe."""
    found: list[Operation] = []
    for file in sorted(specs.glob("specification/purview/data-plane/*/*/*/*.json")):
        base = _BASES[file.parts[-4]]
        for template, methods in _read(file)["paths"].items():
            for method, described in methods.items():
                if method not in {"get", "put", "post", "delete", "patch"}:
                    continue
                parts = [re.escape(part) for part in re.split(r"\{[^}]+\}", template)]
                parameters = [_resolved(one, file)[0] for one in described.get("parameters", ())]
                body = next((one["schema"] for one in parameters if one.get("in") == "body"), None)
                pattern = re.compile(re.escape(base) + "[^/]+".join(parts), re.IGNORECASE)
                name = described["operationId"]
                found.append(Operation(name, method.upper(), pattern, file, described["responses"], body))
    return found


def issues(schema: Any, value: Any, file: Path, at: str = "") -> Iterator[tuple[str, str]]:
    """The places of a value that its schema does not allow, with reasons."""
    schema, file = _resolved(schema, file)
    if value is None:
        return
    kind = schema.get("type") or ("object" if "properties" in schema or "allOf" in schema else None)
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield at, f"is not of type {kind}"
    elif isinstance(value, list):
        for item in value:
            yield from issues(schema.get("items", {}), item, file, f"{at}[]")
    elif isinstance(value, dict) and kind == "object":
        yield from _object_issues(schema, value, file, at)
    elif not schema.get("x-ms-enum", {}).get("modelAsString", True) and value not in schema["enum"]:
        yield at, f"is none of {', '.join(schema['enum'])}"


def _object_issues(schema: Any, value: dict[str, Any], file: Path, at: str) -> Iterator[tuple[str, str]]:
    known: dict[str, tuple[Any, Path]] = {}
    required: set[str] = set()
    more: Any = False
    pending = [(schema, file)]
    while pending:
        part, place = _resolved(*pending.pop())
        known |= {name: (inner, place) for name, inner in part.get("properties", {}).items()}
        required |= set(part.get("required", ()))
        more = part.get("additionalProperties", more)
        pending += [(base, place) for base in part.get("allOf", ())]
    # An object without declared properties can hold any property.
    is_free = more is not False or not known
    for name in sorted(required - value.keys()):
        yield f"{at}.{name}", "is missing"
    for name, inner in value.items():
        if name in known:
            yield from issues(*known[name][:1], inner, known[name][1], f"{at}.{name}")
        elif not is_free:
            yield f"{at}.{name}", "is not in the file"
        elif isinstance(more, dict):
            yield from issues(more, inner, file, f"{at}.{name}")


def judge(recorded: list[dict[str, Any]], specs: Path) -> Result:
    """Judge exchanges in the recorder's form; those of other hosts are left out."""
    known, result = operations(specs), Result()
    for exchange in recorded:
        request, response = exchange["liveRequest"], exchange["liveResponse"]
        url = urlsplit(request["url"])
        path = unquote(_SERVED.sub("", url.path))
        if not (_HOST.fullmatch(url.hostname or "") or _SERVED.match(url.path)):
            continue
        if exchange.get("faulty") or exchange.get("test", "").partition("::")[0] in UNLIKE:
            result.skipped["a fault of the emulator, or a test that asks for what no client does"] += 1
            continue
        if (why := next((why for place, why in UNFILED.items() if re.fullmatch(place, path)), None)) is not None:
            result.skipped[why] += 1
            continue
        version = parse_qs(url.query).get("api-version", [""])[0]
        fitting = [one for one in known if one.method == request["method"] and one.path.fullmatch(path)]
        operation = next((one for one in fitting if one.file.parent.name == version), next(iter(fitting), None))
        if operation is None:
            result.skipped["no file has this path"] += 1
            if int(response["statusCode"]) < 400:
                result.violations[f"{request['method']} {path}: is answered, and in no file"] += 1
            continue
        result.judged += 1
        result.operations[operation.name] += 1
        for at, why in _violations(operation, request, response):
            result.violations[f"{operation.name} -> {response['statusCode']}: {at} {why}"] += 1
    return result


def _violations(operation: Operation, request: Any, response: Any) -> Iterator[tuple[str, str]]:
    described = operation.response(response["statusCode"])
    if described is None:
        yield "", "no such status is in the file"
        return
    found = [*issues(described.get("schema", {}), response.get("body"), operation.file)]
    if operation.body is not None and int(response["statusCode"]) < 300:
        found += [(f" request{at}", why) for at, why in issues(operation.body, request.get("body"), operation.file)]
    yield from ((at, why) for at, why in found if not any(re.search(place, at) for place in LOOSE))


def main() -> int:
    """Judge a file of exchanges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=Path, required=True)
    parser.add_argument("exchanges", type=Path)
    given = parser.parse_args()
    recorded = [json.loads(line) for line in given.exchanges.read_text(encoding="utf-8").splitlines()]
    result = judge(recorded, given.specs)
    print("\n".join(result.lines()))  # noqa: T201  the output of this command
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
