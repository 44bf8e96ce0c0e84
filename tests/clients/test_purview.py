"""Microsoft's own clients of Purview's data plane against the served emulator: policies, entities, lineage, search."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

if TYPE_CHECKING:
    from .conftest import Served

pytest.importorskip("azure.purview.administration", reason="nox -s clients installs azure-purview-administration")
pytest.importorskip("azure.purview.datamap", reason="nox -s clients installs azure-purview-datamap")

from azure.purview.administration.metadatapolicies import PurviewMetadataPoliciesClient
from azure.purview.datamap import DataMapClient

ROLE = "purviewmetadatarole_builtin_data-curator"
PRINCIPAL = "22222222-2222-4222-8222-222222222222"


class Credential:
    """Gives a token that a served emulator accepts as its default caller's."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("mine", 4_000_000_000)


def place(served: Served) -> str:
    return f"{served.server.url}/purview/{served.emulator.account.name}"


@pytest.fixture
def policies(served):
    with PurviewMetadataPoliciesClient(place(served), Credential(), connection_verify=served.server.ca_file) as client:
        yield client


@pytest.fixture
def datamap(served):
    with DataMapClient(place(served), Credential(), connection_verify=served.server.ca_file) as client:
        yield client


def root_policy(client: Any) -> Any:
    [policy] = client.metadata_policy.list_all(collection_name="pv1")
    return policy


def test_a_policy_is_read_and_updated(served, policies):
    """A round trip of the policy adds one curator, increases the version and changes nothing else."""
    policy = root_policy(policies)
    before = deepcopy(policy)
    [rule] = [one for one in policy["properties"]["attributeRules"] if one["id"] == f"{ROLE}:pv1"]
    rule["dnfCondition"][0][0]["attributeValueIncludedIn"].append(PRINCIPAL)
    written = policies.metadata_policy.update(policy["id"], policy)
    assert written["version"] == before["version"] + 1
    assert PRINCIPAL in served.emulator.catalog.members("data-curator")
    read = policies.metadata_policy.get(policy["id"])
    [rule] = [one for one in read["properties"]["attributeRules"] if one["id"] == f"{ROLE}:pv1"]
    rule["dnfCondition"][0][0]["attributeValueIncludedIn"].remove(PRINCIPAL)
    assert read == {**before, "version": before["version"] + 1}


def test_a_stale_policy_is_refused(policies):
    """If two callers read the same version, the second update is refused."""
    policy = root_policy(policies)
    policies.metadata_policy.update(policy["id"], policy)
    with pytest.raises(HttpResponseError) as refused:
        policies.metadata_policy.update(policy["id"], policy)
    assert refused.value.status_code == 400
    assert "1002" in str(refused.value)


def test_the_roles_are_listed(policies):
    """The client follows the link after the last role, and the list ends."""
    assert ROLE in [role["id"] for role in policies.metadata_roles.list()]


def test_lineage_of_a_run_is_found(served, datamap):
    """The entity is found by name and by guid, with its lineage, and by search."""
    emulator = served.emulator
    emulator.add_pipeline(lineage_status="Succeeded")
    emulator.start_pipeline()
    end = time.monotonic() + 30
    while not emulator.catalog.entities() and time.monotonic() < end:
        time.sleep(0.05)
    name = f"{emulator.factory}/pipelines/pl_copy/activities/Copy orders"
    found = datamap.entity.get_by_unique_attribute("adf_copy_activity", attribute=name)
    assert found.entity.attributes["qualifiedName"] == name
    assert datamap.entity.get(found.entity.guid).entity.guid == found.entity.guid
    lineage = datamap.lineage.get(found.entity.guid, direction="BOTH", depth=3)
    assert len(lineage.relations) == 2
    same = datamap.lineage.get_by_unique_attribute("adf_copy_activity", direction="BOTH", attribute=name)
    assert same.base_entity_guid == found.entity.guid
    hits = datamap.discovery.query({"keywords": "Copy orders", "limit": 10}).value
    assert name in [hit.qualified_name for hit in hits]


def test_unknown_entity_is_not_found(datamap):
    """The client raises its own error."""
    with pytest.raises(ResourceNotFoundError):
        datamap.entity.get_by_unique_attribute("adf_copy_activity", attribute="/nothing")
