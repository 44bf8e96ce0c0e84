"""Judges recorded exchanges: Microsoft's `oav` compares them with the OpenAPI files, then this project's rules apply.

    python -m tests.conformance.judging --specs DIR --oav NODE_MODULES EXCHANGES

`DIR` has the layout of Azure's public specification repository. Exit code 1: something violates them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from .rules import broken_rules

#: Fewer exchanges than this prove little.
ENOUGH = 100

#: The providers that the files describe. The rest of the traffic (sign-in, subscriptions, permissions, locks) belongs
#: to services whose files are not needed.
_PROVIDERS = re.compile(
    r".*/providers/(Microsoft\.(?:DataFactory|Purview|Storage|EventHub|Network))/(?!.*/providers/)", re.IGNORECASE
)
_PRIVATE_DNS, _ZONE_GROUPS = "private dns", "/privatednszonegroups"
#: Addresses of operations of Microsoft.Network and private DNS. They come from headers, and no file has them.
_FOLLOWED = re.compile(
    r".*/providers/Microsoft\.Network/(?:locations/[^/]+/operation(?:s|Results)|privateDnsOperation\w+)/[^/]+",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?<=api-version=)[\w-]+")


@dataclass(frozen=True)
class Looseness:
    """A place where Azure itself differs from the files, or a deliberate difference, with the source."""

    operation: str
    code: str
    place: str
    reason: str
    message: str = ""


LOOSENESS = (
    Looseness(
        r"ManagedPrivateEndpoints_\w+",
        "INVALID_TYPE",
        r"properties\['resourceId'\]$",
        "the file says that unknown properties are objects; public code that runs against Azure reads this one",
    ),
    Looseness(
        r"ManagedVirtualNetworks_\w+",
        "INVALID_TYPE",
        r"properties\['preventDataExfiltration'\]$",
        "the file says that unknown properties are objects; this one was recorded as a boolean",
    ),
    Looseness(
        r"IntegrationRuntimes_\w+",
        "INVALID_TYPE",
        r"properties\['state'\]$",
        "the file has it for managed runtimes; oav judges an item of the list by the base type",
    ),
    Looseness(
        r"Factories_CreateOrUpdate",
        "READONLY_PROPERTY_NOT_ALLOWED_IN_REQUEST",
        r"^\$\.",
        "a change of a factory sends all that was read, because PUT replaces the whole; Azure ignores read-only fields",
    ),
    Looseness(
        r"PrivateEndpointConnections_List",
        "OBJECT_ADDITIONAL_PROPERTIES",
        r"^\$\.nextLink$",
        "versions of storage that are newer than the file have pages (SDK source)",
    ),
    Looseness(
        r"PrivateEndpointConnections_\w+",
        "OBJECT_ADDITIONAL_PROPERTIES",
        r"^\$\.error\.(target|additionalInfo)$",
        "refusals by policy come from Azure Resource Manager, not from the provider (common types of the specs)",
    ),
    Looseness(
        r"\w+",
        "OBJECT_ADDITIONAL_PROPERTIES|OBJECT_MISSING_REQUIRED_PROPERTY",
        r"^\$\.error\.details\[\d+\]\.(code|target|message|error)$",
        "Azure Resource Manager reports an unregistered provider in its own shape, before any provider answers",
    ),
    Looseness(
        r"PrivateEndpointConnections_CreateOrUpdate",
        r"INVALID_CONTENT_TYPE|INVALID_RESPONSE_BODY",
        r"^(\.body)?$",
        "the emulator's option namespace_approval='202-empty': clients have met an empty 202",
    ),
    Looseness(
        r"(PrivateEndpointConnections|Namespaces)_\w+",
        "OBJECT_ADDITIONAL_PROPERTIES",
        r"\.properties\.groupIds$",
        "connections of Event Hubs were recorded with it",
    ),
    Looseness(
        r"PrivateEndpoints_\w+",
        "OBJECT_ADDITIONAL_PROPERTIES",
        r"^\$\.error$",
        "the file has the error without the envelope that Azure Resource Manager gives every error",
    ),
    Looseness(
        r"(StorageAccounts|PrivateEndpointConnections|PrivateLinkResources)_\w+",
        "INVALID_RESPONSE_CODE",
        r"^$",
        "the files of storage name no errors for many operations, and Azure Resource Manager refuses all alike",
        r"'(401|403|404|409|429)'",
    ),
)

#: Tests whose resources deliberately differ from the files.
UNLIKE = {
    "tests/azure/test_recording.py": "a factory with half a repository configuration, to see that none is recorded",
    "tests/client/test_crash.py": "requests of a process that is killed while it sends them",
    "tests/flows/test_connect.py": "a factory with properties that no file knows, to see that they are preserved",
}


@dataclass
class Result:
    """What was judged, and what is wrong with it."""

    judged: int = 0
    enough: int = ENOUGH
    skipped: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """True if enough exchanges were judged without a violation."""
        return not self.violations and self.judged >= self.enough

    def lines(self) -> list[str]:
        """The result as lines of text."""
        return [
            *(f"{count:6} x {violation}" for violation, count in self.violations.most_common()),
            *(f"{count:6} not judged: {why}" for why, count in self.skipped.items()),
            (
                f"{self.judged} different exchanges judged, {len(self.operations)} operations, "
                f"{self.violations.total()} violations ({len(self.violations)} different ones)"
            ),
            *([] if self.judged >= self.enough else [f"At least {self.enough} exchanges are needed."]),
        ]


def judge(recorded: list[dict[str, Any]], specs: Path, oav: Path, *, faulty_too: bool = False) -> Result:
    """Judge exchanges in the recorder's form.

    Args:
        recorded: the exchanges.
        specs: the folder with `specification` in it.
        oav: the `node_modules` with oav in it.
        faulty_too: whether answers that a fault made are judged as well.
    """
    result = Result()
    versions = _versions(specs)
    chosen: list[dict[str, Any]] = []
    for exchange in recorded:
        provider = _PROVIDERS.match(urlsplit(exchange["liveRequest"]["url"]).path)
        unlike = UNLIKE.get(exchange.get("test", "").partition("::")[0])
        if exchange.get("faulty") and not faulty_too:
            result.skipped["a fault of the emulator made the answer"] += 1
        elif unlike is not None:
            result.skipped[unlike] += 1
        elif _FOLLOWED.fullmatch(urlsplit(exchange["liveRequest"]["url"]).path):
            result.skipped["the address of an operation comes from a header, and no file describes it"] += 1
        elif provider is None or (known := versions.get(_service(exchange, provider[1]))) is None:
            result.skipped["the provider has no files"] += 1
        else:
            chosen.append(_in_known_version(exchange, known))
    verdicts = _ask_oav(chosen, specs, oav)
    result.judged = len(chosen)
    for exchange, verdict in zip(chosen, verdicts, strict=True):
        operation = verdict["operation"]
        result.operations[operation] += 1
        where = f"{operation} {exchange['liveRequest']['method']} -> {exchange['liveResponse']['statusCode']}"
        for issue in verdict["issues"]:
            if not _is_loose(operation, issue):
                place = re.sub(r"\[\d+\]", "[]", issue["at"].split(" ")[0])
                result.violations[f"{where}: {issue['from']} {issue['code']} {place} {issue['message']}"] += 1
        for broken in broken_rules(exchange["liveRequest"], exchange["liveResponse"]):
            result.violations[f"{where}: {broken}"] += 1
    return result


def _is_loose(operation: str, issue: dict[str, str]) -> bool:
    """True if the files are known to be loose at every place of an issue."""
    return all(
        any(
            re.fullmatch(loose.operation, operation)
            and re.fullmatch(loose.code, issue["code"])
            and re.search(loose.place, at)
            and re.search(loose.message, issue["message"])
            for loose in LOOSENESS
        )
        for at in issue["at"].split(" ")
    )


def _service(exchange: dict[str, Any], provider: str) -> str:
    """The provider of an exchange; private DNS is a part of Microsoft.Network with its own files and versions."""
    path = urlsplit(exchange["liveRequest"]["url"]).path
    return _PRIVATE_DNS if "/privatedns" in path.casefold().replace(_ZONE_GROUPS, "") else provider.casefold()


def _versions(specs: Path) -> dict[str, list[str]]:
    """The api-versions that have files, oldest first."""
    found: dict[str, list[str]] = {}
    for folder in specs.glob("specification/*/resource-manager/Microsoft.*/*/*"):
        if re.fullmatch(r"\d{4}-\d\d-\d\d(-\w+)?", folder.name):
            is_dns = "privatedns" in folder.parts
            found.setdefault(_PRIVATE_DNS if is_dns else folder.parts[-3].casefold(), []).append(folder.name)
    return {provider: sorted(names) for provider, names in found.items()}


def _in_known_version(exchange: dict[str, Any], known: list[str]) -> dict[str, Any]:
    """The exchange, moved to an api-version that has a file.

    Clients use newer versions than the published files; the parts used here did not change (SDK sources).
    """
    request = exchange["liveRequest"]
    asked = found[0].casefold() if (found := _VERSION.search(request["url"])) else ""
    if not asked or asked in known:
        return exchange
    alike = [version for version in known if version.endswith("preview") == asked.endswith("preview")] or known
    older = [version for version in alike if version <= asked]
    url = _VERSION.sub(older[-1] if older else alike[0], request["url"], count=1)
    return {**exchange, "liveRequest": {**request, "url": url}}


def _unambiguous(specs: Path, folder: Path) -> Path:
    """The files, with `A` as the only type of record sets in private DNS.

    With all types as a parameter of the path, oav takes links for record sets, and judges neither.
    """
    if not any(specs.glob("specification/privatedns")):
        return specs
    for file in specs.glob("specification/**/*.json"):
        text = file.read_text(encoding="utf-8")
        if file.name == "privatedns.json":
            text = _with_addresses_only(text)
        copied = folder / file.relative_to(specs)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(text, encoding="utf-8")
    return folder


def _with_addresses_only(text: str) -> str:
    described = json.loads(text.replace("/{recordType}", "/A"))
    for methods in described["paths"].values():
        for operation in methods.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [one for one in parameters if one.get("name") != "recordType"]
    return json.dumps(described)


def _ask_oav(exchanges: list[dict[str, Any]], specs: Path, oav: Path) -> list[dict[str, Any]]:
    lines = "".join(
        json.dumps({part: one[part] for part in ("liveRequest", "liveResponse")}) + "\n" for one in exchanges
    )
    with TemporaryDirectory() as folder:
        answer = subprocess.run(
            ["node", str(Path(__file__).with_name("judge.cjs")), str(_unambiguous(specs, Path(folder)))],  # noqa: S607  node is found as usual
            input=lines,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "NODE_PATH": str(oav)},
        )
    if answer.returncode:
        raise SystemExit(f"oav does not work: {answer.stderr}")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def main() -> int:
    """Judge a file of exchanges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=Path, required=True)
    parser.add_argument("--oav", type=Path, required=True)
    parser.add_argument("--enough", type=int, default=ENOUGH, help="how many exchanges there must be")
    parser.add_argument("exchanges", type=Path)
    given = parser.parse_args()
    recorded = [json.loads(line) for line in given.exchanges.read_text(encoding="utf-8").splitlines()]
    result = judge(recorded, given.specs, given.oav)
    result.enough = given.enough
    print("\n".join(result.lines()))  # noqa: T201  the output of this command
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
