"""Generated requests against the served emulator: it answers any request as Azure Resource Manager would.

    python -m tests.conformance.generated --specs DIR [--requests 2000] [--seed 1]

schemathesis makes requests from Azure's OpenAPI files, valid and invalid ones, for the operations that the emulator
has. Each must be answered, with no 5xx, and every error in Azure Resource Manager's shape.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import requests
import schemathesis

from purview_mpe.emulator import Emulator


def main() -> int:
    """Generate requests, send them and check the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    operations = list(emulated_operations(given.specs, Emulator()))
    each = -(-given.requests // len(operations))
    draw = random.Random(given.seed)  # noqa: S311  the same requests for the same seed
    statuses: Counter[int] = Counter()
    wrong: Counter[str] = Counter()
    for number, operation in enumerate(operations):
        # A new emulator for each operation, because some operations delete what others read.
        emulator = furnished(given.seed)
        existing = existing_names(emulator, operation.path)
        token = emulator.credential.get_token("https://management.azure.com/.default").token
        with emulator.serve() as server, requests.Session() as session:
            session.trust_env = False
            session.verify = server.ca_file
            session.headers["Authorization"] = f"Bearer {token}"
            for case in cases_of(operation, each, given.seed + number):
                aim(case, existing, draw)
                status, complaint = ask(session, server.url, case)
                statuses[status] += 1
                if complaint:
                    wrong[f"{operation.method.upper()} {operation.path}: {complaint}"] += 1
    counted = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(f"{statuses.total()} generated requests to {len(operations)} operations: {counted}")  # noqa: T201  a report
    for complaint, count in wrong.most_common():
        print(f"{count:6} x {complaint}")  # noqa: T201  a report
    return 1 if wrong or statuses.total() < given.requests else 0


def emulated_operations(specs: Path, emulator: Emulator) -> Any:
    """The operations of the files that the emulator has a route for."""
    here = {(route.method, _blank(route.template)) for route in emulator.routes}
    for file in sorted(specs.glob("specification/*/resource-manager/Microsoft.*/*/*/*.json")):
        raw = json.loads(file.read_text(encoding="utf-8"))
        wanted = {
            path: {method: operation for method, operation in methods.items() if (method.upper(), _blank(path)) in here}
            for path, methods in raw.get("paths", {}).items()
        }
        if not any(wanted.values()):
            continue
        whole = _inlined({**raw, "paths": {path: methods for path, methods in wanted.items() if methods}}, file)
        for found in schemathesis.openapi.from_dict(whole).get_all_operations():
            yield found.ok()


def cases_of(operation: Any, count: int, seed: int) -> list[Any]:
    """Valid and invalid requests for an operation, half of each."""
    cases: list[Any] = []
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    for mode, share in zip(modes, (-(-count // 2), count // 2), strict=True):
        try:
            cases += _drawn(operation.as_strategy(generation_mode=mode), max(share, 1), seed)
        except hypothesis.errors.Unsatisfiable:
            continue  # nothing about this operation can be invalid
    draw = random.Random(seed)  # noqa: S311  the same requests for the same seed
    while cases and len(cases) < count:
        cases.append(draw.choice(cases))
    return cases


def _drawn(strategy: Any, count: int, seed: int) -> list[Any]:
    made: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made[:count]


def ask(session: requests.Session, url: str, case: Any) -> tuple[int, str]:
    """The status of an answer, and what is wrong with it."""
    try:
        answer = case.call(base_url=url, session=session, timeout=30, verify=session.verify)
    except requests.exceptions.InvalidHeader:
        return 0, ""  # what no HTTP client can send
    except requests.exceptions.RequestException as error:
        return 0, f"no answer: {type(error).__name__} {str(error)[-200:]}"
    status = answer.status_code
    if status >= 500 and status != 501:  # 501: the emulator does not support the request
        return status, f"{status} {answer.text}"[:300]
    if status >= 400:
        try:
            error = answer.json()["error"]
            well_formed = isinstance(error["code"], str) and isinstance(error["message"], str)
        except (ValueError, KeyError, TypeError):
            well_formed = False
        if not well_formed:
            return status, f"{status} is not in Azure Resource Manager's shape: {answer.text}"[:300]
    return status, ""


def furnished(seed: int) -> Emulator:
    """An emulator with the default account and factory, and with a network of the customer."""
    emulator = Emulator(seed=seed)
    networks = emulator.networks
    network = networks.add_virtual_network("vnet", resource_group="rg1", subnets=["snet"])
    zone = networks.add_private_dns_zone("privatelink.purview.azure.com", resource_group="rg1", linked_to=[network])
    endpoint = networks.add_private_endpoint("pe", network.child("subnets", "snet"), emulator.account, "account")
    networks.add_zone_group(endpoint, zone)
    return emulator


def existing_names(emulator: Emulator, path: str) -> dict[str, str]:
    """The names of existing resources for the parameters of a path."""
    targets = emulator.targets(emulator.account)
    names = {"subscriptionId": emulator.subscription, "factoryName": "df1", "managedVirtualNetworkName": "default"}
    names |= {"virtualNetworkName": "vnet", "subnetName": "snet", "privateEndpointName": "pe"}
    names |= {"privateZoneName": "privatelink.purview.azure.com", "virtualNetworkLinkName": "vnet"}
    names |= {"privateDnsZoneGroupName": "default", "recordType": "A", "relativeRecordSetName": "pv1"}
    target = emulator.account
    if "Microsoft.Storage" in path:
        target = targets["blob"]
    elif "Microsoft.EventHub" in path:
        target = targets["namespace"]
    name = target.names[-1]
    return {**names, "resourceGroupName": target.resource_group, "accountName": name, "namespaceName": name}


def aim(case: Any, existing: dict[str, str], draw: random.Random) -> None:
    """Direct most requests to existing resources, because random names would all end at the first 404.

    About one in four keeps its generated names.
    """
    if draw.random() < 0.25:
        return
    case.query = {**(case.query or {}), "api-version": case.operation.schema.raw_schema["info"]["version"]}
    for name in case.path_parameters or {}:
        if name in existing:
            case.path_parameters[name] = existing[name]


def _blank(template: str) -> str:
    return re.sub(r"{[^}]*}", "{}", template).casefold()


@cache
def _document(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _inlined(raw: dict[str, Any], file: Path) -> dict[str, Any]:
    """The document with its references resolved; a recursive reference becomes any object."""

    def walk(node: Any, file: Path, within: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [walk(item, file, within) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            name, _, pointer = reference.partition("#")
            other = (file.parent / name).resolve() if name else file
            key = f"{other}#{pointer}"
            if key in within:
                return {"type": "object"}
            found = _document(other)
            for part in pointer.strip("/").split("/"):
                found = found[part.replace("~1", "/")]
            return walk(found, other, (*within, key))
        return {name: walk(value, file, within) for name, value in node.items() if name != "x-ms-examples"}

    kept = ("swagger", "info", "host", "schemes", "consumes", "produces")
    file = file.resolve()
    return {**{name: raw[name] for name in kept if name in raw}, "paths": walk(raw["paths"], file, ())}


if __name__ == "__main__":
    sys.exit(main())
