"""The policy store on an account's own host: who can read and write it, and how concurrent writes end."""

import json
import threading
from contextlib import closing

import pytest
from azure.core.exceptions import ServiceRequestError

from purview_mpe.emulator import Answers, Emulator
from tests.support.asking import SCOPE, Host, Wire

VERSION = "2021-07-01"
CURATOR = "purviewmetadatarole_builtin_data-curator"


def emulator_of(**answers):
    return Emulator(inside_network=True, answers=Answers(**answers), foreign_connections=0)


@pytest.fixture
def emulator():
    return emulator_of()


@pytest.fixture
def host(emulator):
    return Host(emulator)


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


# --- existing policies


def test_root_policy_of_a_new_account(emulator, host):
    """The root collection has the account's name in lower case, and its creator has all four roles."""
    account = emulator.add_account("Contoso-Data")
    policy = Host(emulator, host="Contoso-Data.purview.azure.com").policy("contoso-data")
    assert policy["name"] == "policy_Contoso-Data"
    assert policy["properties"]["collection"] == {"type": "CollectionReference", "referenceName": "contoso-data"}
    assert "parentCollectionName" not in policy["properties"]
    me = emulator.credential.caller.object_id
    for role in ("collection-admin", "data-curator", "data-reader", "data-source-admin"):
        assert emulator.catalog.members(role, account) == [me]
    [curator] = [rule for rule in policy["properties"]["attributeRules"] if rule["id"] == f"{CURATOR}:contoso-data"]
    assert curator["dnfCondition"] == [
        [
            {"attributeName": "principal.microsoft.id", "attributeValueIncludedIn": [me]},
            {"fromRule": CURATOR, "attributeName": "derived.purview.role", "attributeValueIncludes": CURATOR},
        ]
    ]


@pytest.mark.parametrize("version", ["2021-07-01", "2021-07-01-preview"])
@pytest.mark.parametrize(
    "path",
    [
        "/policystore/metadataPolicies?collectionName=pv1",
        "/policyStore/metadataPolicies?collectionName=PV1",
        "/policystore/metadataPolicies",
        "/policystore/collections/pv1/metadataPolicy",
    ],
)
def test_a_policy_is_found_in_each_way(emulator, host, path, version):
    """By collection, in the list of all, below its collection, and by its id: the same policy."""
    answer = host.send("GET", path, version=version)
    assert answer.status_code == 200
    assert answer.headers["api-supported-versions"] == "2021-07-01-preview, 2021-07-01"
    assert not {"etag"} & {name.lower() for name in answer.headers}
    shown = answer.json()["values"][0] if "values" in answer.json() else answer.json()
    assert shown == emulator.catalog.policy()
    assert host.send("GET", f"/policystore/metadataPolicies/{shown['id']}").json() == shown


def test_roles_have_a_link_after_the_last_page(host):
    """The list of roles has a link even after the last role, and that link leads to an empty page."""
    first = host.send("GET", "/policystore/metadataRoles").json()
    assert [role["name"] for role in first["values"]] == [
        "collection-administrator", "data-curator", "purview-reader", "data-source-administrator"]  # fmt: skip
    actions = first["values"][1]["properties"]["cnfCondition"][0][0]["attributeValueIncludedIn"]
    assert actions == [f"Microsoft.Purview/accounts/{one}" for one in ("data/read", "data/write", "collection/read")]
    second = host.send("GET", first["nextLink"]).json()
    assert second == {"values": []}


def test_lists_of_policies_are_paged():
    """`nextLink` leads through all policies, and keeps the filter."""
    emulator = Emulator(inside_network=True, page_size=2)
    host = Host(emulator)
    for name in ("one", "two", "three"):
        emulator.catalog.add_collection(name)
        emulator.catalog.grant("collection-admin", emulator.credential.caller.object_id, collection=name)
    names, link = [], "/policystore/metadataPolicies"
    while link:
        page = host.send("GET", link).json()
        names += [policy["name"] for policy in page["values"]]
        link = page.get("nextLink")
    assert names == ["policy_pv1", "policy_one", "policy_two", "policy_three"]


def test_collections_and_domains(emulator, host):
    """The root is the collection without a parent; a tenant-level account has a domain."""
    emulator.catalog.add_collection("finance", friendly_name="Finance")
    listed = host.send("GET", "/account/collections", version="2019-11-01-preview").json()
    assert listed["count"] == 2
    assert [(one["name"], one.get("parentCollection", {}).get("referenceName")) for one in listed["value"]] == [
        ("pv1", None), ("finance", "pv1")]  # fmt: skip
    assert listed["value"][0]["description"] == "The root collection."
    one = host.send("GET", "/account/collections/Finance", version="2019-11-01-preview")
    assert one.json()["friendlyName"] == "Finance"
    assert host.send("GET", "/account/collections/none", version="2019-11-01-preview").status_code == 404
    assert host.send("GET", "/account/domains", version="2023-12-01-preview").json()["value"] == []


# --- writing


def test_put_raises_the_version_by_one(emulator, host):
    """A policy sent back as it was read is stored with the next version; unknown fields are kept."""
    policy = host.policy()
    policy["properties"]["somethingNew"] = {"kept": [1]}
    answer = host.put(policy)
    assert answer.status_code == 200
    assert answer.json() == {**policy, "version": policy["version"] + 1}
    assert host.policy() == answer.json() == emulator.catalog.policy()


@pytest.mark.parametrize(
    ("choice", "status"), [("1002", (400, "1002")), ("409", (409, "1002")), ("412", (412, "1002"))]
)
def test_stale_version_is_refused(choice, status):
    """The second of two writers with the same version is refused, with a code that names the conflict."""
    emulator = emulator_of(stale_policy=choice)
    host = Host(emulator)
    one, other = host.policy(), host.policy()
    assert host.put(one).status_code == 200
    refused = host.put(other)
    assert code(refused) == status
    assert "Etag did not match" in refused.json()["error"]["message"]
    assert refused.headers["x-ms-error-code"] == "1002"
    del other["version"]
    assert code(host.put(other)) == status


@pytest.mark.parametrize("version", [None, "4", 0])
def test_a_policy_without_a_usable_version_can_be_written(emulator, host, version):
    """It counts as version 0: sent back as it was read, it is stored as version 1, and then an old one is stale."""
    stored = emulator.catalog.policy()
    del stored["version"]
    if version is not None:
        stored["version"] = version
    emulator.catalog.set_policy(stored)
    assert host.policy() == stored
    answer = host.put(stored)
    assert (answer.status_code, answer.json()) == (200, {**stored, "version": 1})
    assert code(host.put(stored)) == (400, "1002")


def test_other_callers_give_a_policy_without_version_one(emulator):
    """Another administrator's change and `addRootCollectionAdmin` do so, too."""
    stored = emulator.catalog.policy()
    del stored["version"]
    emulator.catalog.set_policy(stored)
    emulator.catalog.grant("data-curator", "someone")
    assert emulator.catalog.policy()["version"] == 1
    emulator.catalog.set_policy(stored)
    assert add_admin(emulator, "00000000-0000-4000-8000-000000000001").status_code == 200
    assert emulator.catalog.policy()["version"] == 1
    emulator.catalog.set_policy(stored)
    emulator.credential_for("collection-admin")
    assert emulator.catalog.policy()["version"] == 1


def test_a_policy_id_is_found_in_any_letter_case(emulator, host):
    """A policy without an id cannot be stored."""
    stored = emulator.catalog.policy()
    stored["id"] = "D04A7FAD-0000-4000-8000-000000000000"
    emulator.catalog.set_policy(stored)
    assert host.put(stored).status_code == 200
    assert host.send("GET", "/policystore/metadataPolicies/d04a7fad-0000-4000-8000-000000000000").status_code == 200
    emulator.catalog.set_policy(stored)
    assert emulator.catalog.policy() == stored
    with pytest.raises(ValueError, match="needs an id"):
        emulator.catalog.set_policy({"properties": {}})


def test_stale_version_can_be_accepted():
    """If the last writer wins, the first writer's change is lost."""
    emulator = emulator_of(stale_policy="accepted")
    host = Host(emulator)
    one, other = host.policy(), host.policy()
    one["properties"]["description"], other["properties"]["description"] = "one", "other"
    assert host.put(one).status_code == host.put(other).status_code == 200
    assert emulator.catalog.policy()["properties"]["description"] == "other"
    assert emulator.catalog.policy()["version"] == one["version"] + 2


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy["properties"].pop("attributeRules"),
        lambda policy: policy["properties"].update(decisionRules="none"),
        lambda policy: policy["properties"]["collection"].update(referenceName="other"),
        lambda policy: policy["properties"].update(parentCollectionName="other"),
        lambda policy: policy["properties"]["attributeRules"].append({"id": "x"}),
        lambda policy: policy["properties"]["attributeRules"].append({"id": "x", "dnfCondition": [5]}),
        lambda policy: policy["properties"].update(attributeRules=[]),
        lambda policy: policy.update(id="00000000-0000-0000-0000-000000000009"),
    ],
)
def test_malformed_policy_is_refused(emulator, host, change):
    """A body that changes anything but the rules is 400, and nothing is written."""
    policy = host.policy()
    path = f"/policystore/metadataPolicies/{policy['id']}"
    change(policy)
    assert code(host.send("PUT", path, policy)) == (400, "1001")
    assert emulator.catalog.policy()["version"] == 1


def test_unknown_policies_are_not_found(host):
    """A PUT or GET of an unknown id or collection is 404."""
    for method, path in (
        ("GET", "metadataPolicies/none"),
        ("PUT", "metadataPolicies/none"),
        ("GET", "collections/none/metadataPolicy"),
    ):
        assert host.send(method, f"/policystore/{path}", {}).status_code == 404
    assert host.send("GET", "/policystore/metadataPolicies?collectionName=none").json() == {"values": []}


@pytest.mark.parametrize(("choice", "status"), [("accepted", 200), ("refused", 400)])
def test_a_policy_with_an_unknown_principal(choice, status):
    """It is stored or refused, as the emulator is set; a factory's identity is always accepted."""
    emulator = emulator_of(unknown_principal=choice)
    host = Host(emulator)
    for principal, expected in (("99999999-0000-0000-0000-000000000000", status), (_identity(emulator), 200)):
        policy = host.policy()
        [rule] = [one for one in policy["properties"]["attributeRules"] if one["id"] == f"{CURATOR}:pv1"]
        rule["dnfCondition"][0][0]["attributeValueIncludedIn"].append(principal)
        assert host.put(policy).status_code == expected


def _identity(emulator):
    with_arm = Host(emulator, host="management.azure.com", scope="https://management.azure.com/.default")
    return with_arm.send("GET", str(emulator.factory), version="2018-06-01").json()["identity"]["principalId"]


# --- rights


@pytest.mark.parametrize(
    ("rule", "grants"),
    [
        ("as it is", True),
        ("without a reference in permission", False),
        ("without fromRule", False),
        ("conditions in another order", True),
        ("without a name", True),
        ("of another collection", False),
    ],
)
def test_a_role_needs_its_rule_and_a_reference(emulator, rule, grants):
    """A role counts only if its rule is complete and the collection's permission refers to it."""
    policy = emulator.catalog.policy()
    rules = {one["id"]: one for one in policy["properties"]["attributeRules"]}
    curator, permission = rules[f"{CURATOR}:pv1"], rules["permission:pv1"]
    if rule == "without a reference in permission":
        permission["dnfCondition"] = [one for one in permission["dnfCondition"] if CURATOR not in str(one)]
    elif rule == "without fromRule":
        del curator["dnfCondition"][0][1]["fromRule"]
    elif rule == "conditions in another order":
        curator["dnfCondition"][0].reverse()
    elif rule == "without a name":
        del curator["name"]
    elif rule == "of another collection":
        curator["id"] = f"{CURATOR}:other"
    emulator.catalog.set_policy(policy)
    assert (emulator.catalog.members("data-curator") != []) is grants


def test_roles_on_collections(emulator):
    """A caller has the roles given on the root, inherits them below, and has no others."""
    emulator.catalog.add_collection("finance")
    path = "/policystore/metadataPolicies?collectionName=finance"
    admin, reader = emulator.credential_for("collection-admin"), emulator.credential_for("data-reader")
    assert Host(emulator, admin).send("GET", path).status_code == 200
    assert code(Host(emulator, reader).send("GET", path)) == (403, "Unauthorized")
    assert Host(emulator, reader).send("GET", "/account/collections", version="2019-11-01-preview").status_code == 200
    nobody = emulator.credential_for("Owner")
    refused = Host(emulator, nobody).send("GET", "/account/collections", version="2019-11-01-preview")
    assert refused.json()["error"]["message"] == "Not authorized to access account"
    assert code(Host(emulator, nobody).send("GET", "/policystore/metadataRoles")) == (403, "Unauthorized")


def test_roles_apply_at_their_scope_and_on_later_accounts(emulator):
    """A role with an account as scope applies to it alone; a role without scope applies to later accounts, too."""
    other = emulator.add_account("other")
    here = emulator.credential_for(("collection-admin", emulator.account)).caller.object_id
    everywhere = emulator.credential_for("collection-admin").caller.object_id
    later = emulator.add_account("later")
    members = [emulator.catalog.members("collection-admin", one) for one in (emulator.account, other, later)]
    assert [here in one for one in members] == [True, False, False]
    assert [everywhere in one for one in members] == [True, True, True]


@pytest.mark.parametrize(
    ("choice", "listed", "read"),
    [("403", (403, "Unauthorized"), 403), ("401", (401, "Unauthorized"), 401), ("empty", None, 403)],
)
def test_answers_to_a_caller_without_admin_role(choice, listed, read):
    """Three answers are possible if the caller cannot see the policy."""
    emulator = emulator_of(forbidden_policy=choice)
    host = Host(emulator, emulator.credential_for("data-curator", "Owner"))
    answer = host.send("GET", "/policystore/metadataPolicies?collectionName=pv1")
    if listed is None:
        assert (answer.status_code, answer.json()) == (200, {"values": []})
    else:
        assert code(answer) == listed
    policy = emulator.catalog.policy()
    assert host.send("GET", f"/policystore/metadataPolicies/{policy['id']}").status_code == read
    assert host.put(policy).status_code == read
    assert emulator.catalog.policy() == policy


def test_a_token_must_be_for_the_requested_host(emulator):
    """A token for Azure Resource Manager is 401 on an account's host, and the other way round."""
    wrong = Host(emulator, scope="https://management.azure.com/.default")
    assert code(wrong.send("GET", "/policystore/metadataRoles")) == (401, "InvalidAuthenticationTokenAudience")
    also = Host(emulator, host="management.azure.com")
    answer = also.send("GET", str(emulator.factory), version="2018-06-01")
    assert code(answer) == (401, "InvalidAuthenticationTokenAudience")
    assert "https://purview.azure.net" in answer.json()["error"]["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("choice", "right", "wrong"),
    [("public", "https://purview.azure.net", "https://purview.azure.us"), ("own", "https://purview.azure.us", "https://purview.azure.net")],
)  # fmt: skip
def test_audience_in_a_sovereign_cloud(choice, right, wrong):
    """The audience is the same in all clouds or differs per cloud; both can be set."""
    emulator = Emulator(cloud="us-government", inside_network=True, answers=Answers(sovereign_audience=choice))
    arm = Host(
        emulator, host="management.usgovcloudapi.net", scope="https://management.core.usgovcloudapi.net//.default"
    )
    endpoints = arm.send("GET", str(emulator.account), version="2021-12-01").json()["properties"]["endpoints"]
    assert endpoints["catalog"] == "https://pv1.purview.azure.us/catalog"
    for audience, status in ((right, 200), (wrong, 401)):
        host = Host(emulator, host="pv1.purview.azure.us", scope=f"{audience}/.default")
        assert host.send("GET", "/policystore/metadataRoles").status_code == status


# --- networks


def test_a_closed_account_answers_403_from_outside():
    """The message is the documented one; inside the network, and if the account is open, it answers."""
    emulator = Emulator(inside_network=False)
    outside, inside = Host(emulator), Host(emulator, emulator.credential_for("collection-admin", inside_network=True))
    refused = outside.send("GET", "/policystore/metadataRoles")
    assert refused.status_code == 403
    assert "behind a private endpoint" in refused.json()["error"]["message"]
    assert inside.send("GET", "/policystore/metadataRoles").status_code == 200
    emulator.inside_network = True
    assert outside.send("GET", "/policystore/metadataRoles").status_code == 200
    emulator.inside_network = False
    emulator.add_account("open", firewall="disabled-for-ingestion-only")
    open_host = Host(emulator, host="open.purview.azure.com")
    assert open_host.send("GET", "/policystore/metadataRoles").status_code == 200


def test_a_closed_account_can_reset_connections():
    """This is the other possible answer from outside."""
    emulator = Emulator(inside_network=False, answers=Answers(closed_account="reset"))
    with pytest.raises(ServiceRequestError, match="reset"):
        Host(emulator).send("GET", "/policystore/metadataRoles")


def test_the_host_of_a_missing_account_does_not_resolve(emulator):
    """The client's error is that of an unknown name."""
    for host in ("nobody.purview.azure.com", f"{emulator.tenant}-api.purview-service.microsoft.com"):
        with pytest.raises(ServiceRequestError, match="Name or service not known"):
            Host(emulator, host=host).send("GET", "/policystore/metadataRoles")


@pytest.mark.parametrize("classic", ["answers", "gone"])
def test_tenant_level_account(classic):
    """A tenant-level account is reached on the tenant's host, and, as set, on its own too."""
    emulator = emulator_of(classic_host=classic)
    account = emulator.add_account("corp", tenant_level=True)
    arm = Host(emulator, host="management.azure.com", scope="https://management.azure.com/.default")
    shown = arm.send("GET", str(account), version="2024-04-01-preview").json()["properties"]
    tenant_host = f"{emulator.tenant}-api.purview-service.microsoft.com"
    assert shown["endpoints"]["catalog"] == f"https://{tenant_host}/catalog"
    assert (shown["tenantEndpointState"], shown["defaultDomain"]) == ("Enabled", "corp")
    for host in (tenant_host, "api.purview-service.microsoft.com"):
        assert Host(emulator, host=host).policy("corp")["name"] == "policy_corp"
    domains = Host(emulator, host=tenant_host).send("GET", "/account/domains", version="2023-12-01-preview")
    assert [one["name"] for one in domains.json()["value"]] == ["corp"]
    own = Host(emulator, host="corp.purview.azure.com")
    if classic == "answers":
        assert own.policy("corp")["name"] == "policy_corp"
    else:
        with pytest.raises(ServiceRequestError):
            own.policy("corp")
    body = {"location": "westeurope", "properties": {"tenantEndpointState": "Enabled"}}
    second = arm.send("PUT", str(account).replace("corp", "second"), body, version="2024-04-01-preview")
    assert code(second) == (409, "35001")


def test_an_account_being_created_answers_409(emulator):
    """Its root policy does not exist yet."""
    emulator.add_account("young", creating=True)
    host = Host(emulator, host="young.purview.azure.com")
    assert host.send("GET", "/policystore/metadataRoles").status_code == 409
    emulator.clock.sleep(150)
    assert host.send("GET", "/policystore/metadataRoles").status_code == 200


def test_the_creator_of_an_account_is_its_admin(emulator):
    """The caller of the PUT has every role on the root collection of the account."""
    maker = emulator.credential_for("Contributor")
    arm = Host(emulator, maker, "management.azure.com", "https://management.azure.com/.default")
    path = str(emulator.account).replace("pv1", "made")
    assert arm.send("PUT", path, {"location": "westeurope"}, version="2021-12-01").status_code == 201
    emulator.clock.sleep(150)
    assert emulator.catalog.members("collection-admin", path) == [maker.caller.object_id]


# --- addRootCollectionAdmin


def add_admin(emulator, principal, credential=None, version="2021-07-01"):
    arm = Host(emulator, credential, "management.azure.com", "https://management.azure.com/.default")
    return arm.send("POST", f"{emulator.account}/addRootCollectionAdmin", {"objectId": principal}, version=version)


def test_a_root_collection_admin_is_added_from_outside():
    """POST answers 200 without a body although the account is closed; a second call changes nothing."""
    emulator = Emulator()
    principal = emulator.credential_for("none").caller.object_id
    for _ in range(2):
        answer = add_admin(emulator, principal)
        assert (answer.status_code, answer.content) == (200, b"")
        assert principal in emulator.catalog.members("collection-admin")
        assert emulator.catalog.policy()["version"] == 2
    assert code(add_admin(emulator, "nobody")) == (400, "InvalidRequestContent")


@pytest.mark.parametrize(("choice", "contributor"), [("action", 200), ("owner", 403)])
def test_who_may_add_a_root_collection_admin(choice, contributor):
    """An Owner can, a Reader cannot; for a Contributor the emulator can be set."""
    emulator = Emulator(answers=Answers(root_admin_by=choice))
    principal = emulator.credential_for("none").caller.object_id
    for role, status in (("Reader", 403), ("Contributor", contributor), ("Owner", 200)):
        assert add_admin(emulator, principal, emulator.credential_for(role)).status_code == status


def test_one_of_parallel_calls_succeeds():
    """The others are 400 with the code 1002."""
    emulator = Emulator(latency=1)
    principals = [emulator.credential_for("none").caller.object_id for _ in range(3)]
    answers, barrier = [], threading.Barrier(3)
    begin = emulator._service.begin

    def begin_together(request):
        ticket = begin(request)
        barrier.wait(30)
        return ticket

    emulator._service.begin = begin_together
    threads = [threading.Thread(target=lambda one=one: answers.append(add_admin(emulator, one))) for one in principals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 400} == {"1002"}
    assert len(set(principals) & set(emulator.catalog.members("collection-admin"))) == 1


# --- test methods


def test_set_policy_grant_and_revoke(emulator):
    """A test stores any policy, and acts as another administrator, whose writes raise the version."""
    policy = emulator.catalog.policy()
    policy["properties"]["attributeRules"] = [
        one for one in policy["properties"]["attributeRules"] if CURATOR not in one["id"]
    ]
    for rule in policy["properties"]["attributeRules"]:
        rule["dnfCondition"] = [one for one in rule["dnfCondition"] if f"{CURATOR}:" not in str(one)]
    emulator.catalog.set_policy(policy)
    assert emulator.catalog.policy() == policy
    emulator.catalog.grant("data-curator", "someone")
    assert emulator.catalog.members("data-curator") == ["someone"]
    emulator.catalog.grant("data-curator", "SOMEONE")
    assert emulator.catalog.policy()["version"] == policy["version"] + 1
    emulator.catalog.revoke("data-curator", "Someone")
    assert emulator.catalog.members("data-curator") == []
    with pytest.raises(LookupError, match="no collection 'none'"):
        emulator.catalog.policy(collection="none")
    with pytest.raises(LookupError, match="no account"):
        emulator.catalog.policy(f"{emulator.account}x")


def test_data_plane_survives_a_dump(emulator):
    """Collections, policies, entities and callers are the same in an emulator loaded from a dump."""
    emulator.catalog.add_collection("finance")
    caller = emulator.credential_for("data-reader", inside_network=False).caller
    emulator.catalog.grant("data-curator", caller.object_id)
    one = emulator.catalog.add_entity("adf_pipeline", "/p", status="Completed")
    other = emulator.catalog.add_entity("adf_copy_activity", "/p/activities/a")
    emulator.catalog.add_relation(one, other, contains=True)
    dumped = emulator.dump()
    again = Emulator.from_scenario(json.loads(json.dumps(dumped)))
    assert again.dump() == dumped
    assert again.inside_network
    assert again.catalog.policy() == emulator.catalog.policy()
    assert again.catalog.entities() == emulator.catalog.entities()
    assert Host(again).policy()["name"] == "policy_pv1"


def test_served_under_a_prefix(emulator):
    """Over HTTPS an account's own host is `/purview/{account}`, and links in answers stay below it."""
    pytest.importorskip("cheroot")
    token = emulator.credential.get_token(SCOPE).token
    with emulator.serve() as server, closing(Wire(server)) as wire:
        path = f"/purview/pv1/policystore/metadataRoles?api-version={VERSION}"
        status, body = wire.json("GET", path, Authorization=f"Bearer {token}")
        assert status == 200
        assert body["nextLink"].startswith(f"{server.url}/purview/pv1/policystore/metadataRoles?")
        policy = emulator.catalog.policy()
        path = f"/purview/PV1/policystore/metadataPolicies/{policy['id']}?api-version={VERSION}"
        assert wire.json("PUT", path, json.dumps(policy), Authorization=f"Bearer {token}")[1]["version"] == 2
        path = f"/purview/nobody/policystore/metadataRoles?api-version={VERSION}"
        assert wire.json("GET", path, Authorization=f"Bearer {token}")[0] == 404
        management = emulator.credential.get_token("https://management.azure.com/.default").token
        path = f"/purview/pv1/policystore/metadataRoles?api-version={VERSION}"
        assert wire.json("GET", path, Authorization=f"Bearer {management}")[0] == 401
