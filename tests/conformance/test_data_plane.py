"""The judge of the data plane: the emulator conforms to the files, and differences are found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator

from .data_plane import judge
from .recorder import live_pair

SPECS = os.environ.get("PURVIEW_MPE_DATA_PLANE_SPECS")
pytestmark = pytest.mark.skipif(SPECS is None, reason="nox -s conformance sets PURVIEW_MPE_DATA_PLANE_SPECS")
STORE = "2021-07-01-preview"


def recorded() -> list[dict[str, Any]]:
    """Every operation of the data plane, called once, after a run whose lineage has arrived."""
    emulator = Emulator()
    exchanges: list[dict[str, Any]] = []
    emulator.add_pipeline("pl_forced", lineage_status="Succeeded")
    emulator.start_pipeline("pl_forced")
    emulator.clock.sleep(600)
    emulator.observe(lambda exchange: exchanges.append(live_pair(exchange)))
    entity = next(one for one in emulator.catalog.entities() if one.kind == "adf_copy_activity")
    policy = emulator.catalog.policy()
    kind = f"/uniqueAttribute/type/{entity.kind}?attr:qualifiedName={entity.qualified_name.replace(' ', '%20')}"
    search = {"keywords": "Copy", "limit": 5, "filter": {"and": [{"entityType": entity.kind}]}}
    for method, path, version, body in (
        ("GET", "/policystore/metadataRoles", STORE, None),
        ("GET", "/policystore/metadataPolicies", STORE, None),
        ("GET", f"/policystore/metadataPolicies/{policy['id']}", STORE, None),
        ("PUT", f"/policystore/metadataPolicies/{policy['id']}", STORE, policy),
        ("PUT", f"/policystore/metadataPolicies/{policy['id']}", STORE, policy),
        ("GET", "/account/collections", "2019-11-01-preview", None),
        ("GET", "/account/collections/pv1", "2019-11-01-preview", None),
        ("GET", "/account/collections/absent", "2019-11-01-preview", None),
        ("GET", "/account/domains", "2023-10-01-preview", None),
        ("GET", f"/datamap/api/atlas/v2/entity/guid/{entity.guid}", None, None),
        ("GET", "/datamap/api/atlas/v2/entity/guid/00000000-0000-4000-8000-000000000000", None, None),
        ("GET", f"/datamap/api/atlas/v2/entity{kind}", None, None),
        ("GET", f"/datamap/api/atlas/v2/lineage{kind}&direction=BOTH", None, None),
        ("GET", f"/datamap/api/atlas/v2/lineage/{entity.guid}?direction=BOTH&depth=3", None, None),
        ("POST", "/datamap/api/search/query", "2023-09-01", search),
    ):
        url = f"https://pv1.purview.azure.com{path}"
        if version is not None:
            url += f"?api-version={version}"
        token = emulator.credential.get_token("https://purview.azure.net/.default").token
        request = HttpRequest(method, url, headers={"Authorization": f"Bearer {token}"}, json=body)
        emulator.transport().send(request)
    return exchanges


def judged(exchanges: list[dict[str, Any]]) -> Any:
    assert SPECS is not None
    return judge(exchanges, Path(SPECS))


def test_data_plane_conforms_to_the_files():
    """No operation answers with anything that its file does not contain."""
    result = judged(recorded())
    assert not result.violations
    assert result.judged == 15
    assert len(result.operations) == 12


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body["values"][0].update(version="one"),
        lambda body: body["values"][0].update(unheard_of=1),
        lambda body: body["values"][0]["properties"]["attributeRules"][0].update(dnfCondition={}),
    ],
)
def test_wrong_types_and_unknown_properties_are_found(spoil):
    """They are violations at any depth."""
    exchanges = recorded()
    spoil(exchanges[1]["liveResponse"]["body"])
    assert len(judged(exchanges).violations) == 1


def test_path_without_a_file_is_found():
    """An answer that no file describes is also a violation."""
    exchanges = recorded()
    exchanges[0]["liveRequest"]["url"] = "https://pv1.purview.azure.com/policystore/unknown"
    assert len(judged(exchanges).violations) == 1
