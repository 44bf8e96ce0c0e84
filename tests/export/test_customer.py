"""The customer's own private endpoints as code: which ones, where, and with which DNS zones."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from purview_mpe import Account, Client, Plan, export_customer_endpoints
from purview_mpe._model.network import ZONES
from purview_mpe.emulator import Emulator
from purview_mpe.errors import InvalidSpec, UnsupportedSetup
from tests.support.export_readers import bicep_text, bicep_value, hcl_value, read_hcl, run_az, tree

TERRAFORM = shutil.which("terraform")
FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")
NETWORK_GROUP = "/subscriptions/00000000-0000-0000-0000-00000000000f/resourceGroups/net"
VNET = f"{NETWORK_GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
SUBNET = f"{VNET}/subnets/endpoints"
SITE = {"subnet_id": SUBNET, "location": "westeurope"}


def account_of(shape: str = "A", firewall: str = "disabled-from-all-networks") -> Account:
    emulator = Emulator(shape=shape, firewall=firewall)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        return client.discover(str(emulator.account))


def resources(account: Account | Plan, **arguments: object) -> list[dict[str, object]]:
    template = json.loads(export_customer_endpoints(account, "arm", **(SITE | arguments)))
    done: set[str] = set()
    for resource in template["resources"]:
        assert set(resource.get("dependsOn", ())) <= done, "it can be read from top to bottom"
        arguments_ = ", ".join(f"'{part}'" for part in (resource["type"], *resource["name"].split("/")))
        done.add(f"[resourceId({arguments_})]")
    return template["resources"]


def of_type(found: list[dict[str, object]], kind: str) -> list[dict[str, object]]:
    return [resource for resource in found if resource["type"] == f"Microsoft.Network/{kind}"]


def groups_of(found: list[dict[str, object]]) -> list[str]:
    connections = [
        (
            resource["properties"].get("privateLinkServiceConnections")
            or resource["properties"]["manualPrivateLinkServiceConnections"]
        )
        for resource in of_type(found, "privateEndpoints")
    ]
    return [connection["properties"]["groupIds"][0] for (connection,) in connections]


# --- which endpoints


@pytest.mark.parametrize(
    ("shape", "firewall", "groups"),
    [
        ("A", "disabled-from-all-networks", ["account", "blob", "queue", "namespace"]),
        ("C", "disabled-from-all-networks", ["account", "blob", "queue"]),
        ("A", "disabled-for-ingestion-only", ["blob", "queue", "namespace"]),
        ("C", "disabled-for-ingestion-only", ["blob", "queue"]),
    ],
)
def test_the_support_matrix_decides_the_groups(shape, firewall, groups):
    """They are the ones that a self-hosted runtime needs for the account's firewall and shape."""
    account = account_of(shape, firewall)
    assert groups_of(resources(account)) == groups
    targets = {target.group_id: target.resource_id for target in account.targets}
    for endpoint in of_type(resources(account), "privateEndpoints"):
        (connection,) = endpoint["properties"]["privateLinkServiceConnections"]
        asked = connection["properties"]
        assert asked["privateLinkServiceId"] == targets[asked["groupIds"][0]]


def test_an_open_firewall_needs_no_endpoints():
    """Without `groups` nothing is exported for an account that accepts every network."""
    account = account_of("A", "enabled-from-all-networks")
    with pytest.raises(UnsupportedSetup, match="lets every network in") as refused:
        export_customer_endpoints(account, "arm", **SITE)
    assert "groups=" in refused.value.remedy
    assert groups_of(resources(account, groups=("blob",))) == ["blob"]


def test_an_unreadable_firewall_is_refused():
    """If the caller cannot read the account, its requirements are unknown."""
    emulator = Emulator()
    with Client(emulator.credential_for(), transport=emulator.transport()) as client:
        account = client.discover(str(emulator.account))
    assert account.firewall is None
    with pytest.raises(UnsupportedSetup, match="cannot be read"):
        export_customer_endpoints(account, "arm", **SITE)


def test_account_and_portal_are_exported_on_request():
    """They are for browsers that search in Studio; the portal's target is the account itself."""
    account = account_of()
    found = resources(account, groups=("account", "portal", "portal"))
    assert groups_of(found) == ["account", "portal"]
    (connection,) = of_type(found, "privateEndpoints")[1]["properties"]["privateLinkServiceConnections"]
    assert connection["properties"]["privateLinkServiceId"] == account.id


def test_a_plan_is_accepted_instead_of_an_account():
    """The account in the plan is used."""
    emulator = Emulator()
    account = account_of()
    spec = {"factory": str(emulator.factory), "account": account.id, "name": "purview"}
    plan = Plan(spec=spec, account=account, steps=())
    assert resources(plan) == resources(account)


# --- where they are


def test_zones_links_and_records():
    """Each group has its zone, linked to the network without registration, and a zone group that writes the records."""
    found = resources(account_of())
    zones = {zone["name"] for zone in of_type(found, "privateDnsZones")}
    assert zones == {zone for group, zone in ZONES["public"].items() if group not in {"portal", "platform"}}
    links = of_type(found, "privateDnsZones/virtualNetworkLinks")
    assert {link["name"] for link in links} == {f"{zone}/link-hub" for zone in zones}
    assert all(link["location"] == "global" for link in links)
    assert all(link["properties"] == {"registrationEnabled": False, "virtualNetwork": {"id": VNET}} for link in links)
    for group in of_type(found, "privateEndpoints/privateDnsZoneGroups"):
        (config,) = group["properties"]["privateDnsZoneConfigs"]
        zone = next(zone for zone in zones if config["name"] == zone.replace(".", "-"))
        assert (
            config["properties"]["privateDnsZoneId"] == f"[resourceId('Microsoft.Network/privateDnsZones', '{zone}')]"
        )
        assert group["name"].endswith("/default")


def test_existing_zones_are_used_and_not_created():
    """A zone given by id is neither created nor linked: a network can have one link per zone name."""
    zone = "/subscriptions/00000000-0000-0000-0000-00000000000e/resourceGroups/DNS/providers/microsoft.network/privatednszones/privatelink.blob.core.windows.net"
    found = resources(account_of(), zone_ids={"blob": zone})
    assert "privatelink.blob.core.windows.net" not in {zone["name"] for zone in of_type(found, "privateDnsZones")}
    group = next(r for r in of_type(found, "privateEndpoints/privateDnsZoneGroups") if "blob" in r["name"])
    (config,) = group["properties"]["privateDnsZoneConfigs"]
    assert config["properties"]["privateDnsZoneId"] == zone.replace(
        "microsoft.network/privatednszones", "Microsoft.Network/privateDnsZones"
    )


@pytest.mark.parametrize(
    ("cloud", "group", "zone"),
    [
        ("public", "account", "privatelink.purview.azure.com"),
        ("us-government", "account", "privatelink.purview.azure.us"),
        ("us-government", "portal", "privatelink.purviewstudio.azure.us"),
        ("public", "platform", "privatelink.purview-service.microsoft.com"),
        ("us-government", "blob", "privatelink.blob.core.usgovcloudapi.net"),
        ("us-government", "namespace", "privatelink.servicebus.usgovcloudapi.net"),
        ("china", "queue", "privatelink.queue.core.chinacloudapi.cn"),
    ],
)
def test_zone_names_depend_on_the_cloud(cloud, group, zone):
    """They are the names in Microsoft's list."""
    (made,) = of_type(resources(account_of(), cloud=cloud, groups=(group,)), "privateDnsZones")
    assert made["name"] == zone


def test_another_network_can_be_linked():
    """Endpoints in a hub's subnet can serve a spoke: the spoke is linked, and its resource group has the resources."""
    spoke = VNET.replace("/net/", "/spoke-rg/").replace("hub", "spoke")
    text = export_customer_endpoints(
        account_of(), "arm", **SITE, virtual_network_id=spoke.upper().replace("/SUBSCRIPTIONS", "/subscriptions")
    )
    assert json.loads(text)["metadata"]["scope"].endswith("/resourceGroups/SPOKE-RG")
    link = next(r for r in json.loads(text)["resources"] if r["type"].endswith("virtualNetworkLinks"))
    # Terraform requires this spelling of the types, whatever the caller typed.
    assert link["properties"]["virtualNetwork"]["id"].endswith("/providers/Microsoft.Network/virtualNetworks/SPOKE")


def test_the_resource_group_can_be_chosen():
    """`resource_group_id` is the resource group of endpoints and zones."""
    group = NETWORK_GROUP.replace("net", "other")
    text = export_customer_endpoints(account_of(), "arm", **SITE, resource_group_id=group)
    assert json.loads(text)["metadata"]["scope"] == group


@pytest.mark.parametrize("approval", ["automatic", "manual"])
def test_approval_is_automatic_or_manual(approval):
    """Manual connections have a message to the owner of the target; automatic ones have none."""
    found = resources(account_of(), approval=approval, request_message="Ticket 7")
    manual = approval == "manual"
    for endpoint in of_type(found, "privateEndpoints"):
        assert ("manualPrivateLinkServiceConnections" in endpoint["properties"]) == manual
        assert ("privateLinkServiceConnections" in endpoint["properties"]) != manual
        assert ('"requestMessage": "Ticket 7"' in json.dumps(endpoint)) == manual
    comment = export_customer_endpoints(account_of(), "bicep", **SITE, approval=approval)
    assert ("until the owner of its target approves" in comment) == manual
    assert ("right to approve connections" in comment) != manual


# --- refusals


def test_wrong_arguments_are_reported_together():
    """Six mistakes are one error with six problems."""
    wrong = {
        "subnet_id": VNET,
        "location": "west/europe",
        "resource_group_id": "rg",
        "name": "-pe",
        "approval": "maybe",
        "request_message": "x" * 141,
    }
    with pytest.raises(InvalidSpec) as refused:
        export_customer_endpoints(account_of(), "arm", **wrong)
    assert {field for field, _ in refused.value.problems} == set(wrong)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("cloud", {"cloud": "moon"}),
        ("groups", {"groups": ("dfs",)}),
        ("zone_ids", {"groups": ("platform",), "cloud": "us-government"}),
        ("zone_ids", {"groups": ("portal",), "cloud": "china"}),
        ("zone_ids.blob", {"zone_ids": {"blob": SUBNET}}),
        ("zone_ids.blob", {"zone_ids": {"blob": ""}}),
        ("subnet_id", {"subnet_id": ""}),
        ("virtual_network_id", {"virtual_network_id": SUBNET}),
        ("name", {"name": "p" * 60}),
        ("request_message", {"request_message": " "}),
        ("format", {"format": "pulumi"}),
    ],
)
def test_each_wrong_argument_is_reported_with_its_field(field, arguments):
    """The error names no other field."""
    with pytest.raises(InvalidSpec) as refused:
        export_customer_endpoints(account_of(), **({"format": "arm"} | SITE | arguments))
    assert {name for name, _ in refused.value.problems} == {field}


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("subnet_id", "is a list; pass text"),
        ("virtual_network_id", "is a list; pass text"),
        ("location", "is a list; pass text"),
        ("approval", "is a list; pass text"),
        ("cloud", "is a list; pass text"),
        ("groups", "must be a list of group ids, for example ('account', 'blob')"),
        ("zone_ids", "must be a mapping of group ids to the ids of private DNS zones"),
    ],
)
def test_arguments_of_the_wrong_type(field, rule):
    """A value that is not a text has an error with its field, as a wrong text has."""
    with pytest.raises(InvalidSpec) as refused:
        export_customer_endpoints(account_of(), "arm", **SITE | {field: [["x"]]})
    assert refused.value.problems == [(field, rule)]


@pytest.mark.parametrize("zones", ["blob", {"blob": 1}, {1: "blob"}])
def test_zone_ids_must_map_groups_to_texts(zones):
    """Neither a text nor another mapping is accepted."""
    with pytest.raises(InvalidSpec, match="must be a mapping of group ids"):
        export_customer_endpoints(account_of(), "arm", **SITE | {"zone_ids": zones})


@pytest.mark.parametrize("groups", ["blob", {"blob"}, 5, (None,)])
def test_groups_must_be_a_list(groups):
    """A single text would be read letter by letter, so it is refused like any other value that is not a list."""
    with pytest.raises(InvalidSpec, match="must be a list of group ids"):
        export_customer_endpoints(account_of(), "arm", **SITE | {"groups": groups})


# --- in every language


def declared(text: str, language: str, folder) -> set[tuple[str, str]]:
    """The last part of the type, and the last part of the name, of every resource in the code."""
    match language:
        case "arm":
            found = [(r["type"], r["name"].rpartition("/")[2]) for r in json.loads(text)["resources"]]
        case "bicep":
            nodes = [n for n in tree(__import__("tree_sitter_bicep").language(), text).children if n.type != "comment"]
            found = [
                (bicep_text(n.children[2].text.decode()).partition("@")[0], bicep_value(n.children[-1])["name"])
                for n in nodes
            ]
        case "terraform-azapi":
            found = [(r["type"].partition("@")[0], r["name"]) for r in read_hcl(text)[0].values()]
        case _:
            done, calls = run_az(text, folder)
            assert done.returncode == 0, done.stderr
            paths = [call["--url"].partition("?")[0].split("/") for call in calls if call["--method"] == "put"]
            found = [("/".join((path[6], *path[7::2])), path[-1]) for path in paths]
    return {(kind, name) for kind, name in found}


@pytest.mark.parametrize("language", ["bicep", "terraform-azapi", "az"])
def test_all_languages_declare_the_same_resources(language, tmp_path):
    """They are those of the ARM template."""
    account = account_of()
    text = export_customer_endpoints(account, language, **SITE)
    assert declared(text, language, tmp_path) == declared(
        export_customer_endpoints(account, "arm", **SITE), "arm", tmp_path
    )


#: From the documentation and source of azurerm 4: required and optional arguments.
AZURERM = {
    "azurerm_private_endpoint": (
        {"name", "resource_group_name", "location", "subnet_id", "private_service_connection"},
        {"private_dns_zone_group", "depends_on"},
    ),
    "azurerm_private_dns_zone": ({"name", "resource_group_name"}, set()),
    "azurerm_private_dns_zone_virtual_network_link": (
        {"name", "resource_group_name", "private_dns_zone_name", "virtual_network_id"},
        {"registration_enabled"},
    ),
}
CONNECTION = (
    {"name", "private_connection_resource_id", "subresource_names", "is_manual_connection"},
    {"request_message"},
)


@pytest.mark.parametrize("approval", ["automatic", "manual"])
@pytest.mark.parametrize("zone_ids", [{}, {"blob": f"{NETWORK_GROUP}/providers/Microsoft.Network/privateDnsZones/z"}])
def test_azurerm_arguments(approval, zone_ids):
    """Every argument belongs to the provider, none that it requires is missing, and every reference is valid."""
    account = account_of()
    text = export_customer_endpoints(account, "terraform", **SITE, approval=approval, zone_ids=zone_ids)
    found, _ = read_hcl(text)
    for address, fields in found.items():
        required, optional = AZURERM[address.partition(".")[0]]
        assert required <= fields.keys() <= required | optional
        if not address.startswith("azurerm_private_endpoint."):
            continue
        (connection,) = (hcl_value(block) for block in fields["private_service_connection"])
        required, optional = CONNECTION
        assert required <= connection.keys() <= required | optional
        assert connection["is_manual_connection"] == (approval == "manual") == ("request_message" in connection)
        (group,) = fields["private_dns_zone_group"]
        (zone,) = group["private_dns_zone_ids"]
        assert zone in zone_ids.values() or zone[2:-1].removesuffix(".id") in found
    assert {a.rpartition(".")[2] for a in found if a.startswith("azurerm_private_endpoint.")} == {
        f"{target.group_id}_endpoint" for target in account.targets
    }


@pytest.mark.parametrize("language", ["terraform", "terraform-azapi"])
@pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")
def test_terraform_fmt_changes_nothing(language):
    """`terraform fmt -check` accepts the code."""
    text = export_customer_endpoints(account_of(), language, **SITE, approval="manual")
    check = subprocess.run(
        [TERRAFORM, "fmt", "-check", "-diff", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout) == (0, ""), check.stderr


@pytest.mark.parametrize("language", FORMATS)
def test_the_queue_endpoint_waits_for_the_blob_endpoint(language, tmp_path):
    """Both are on one storage account."""
    text = export_customer_endpoints(account_of("C"), language, **SITE)
    match language:
        case "arm":
            queue = next(r for r in json.loads(text)["resources"] if r["name"] == "pe-pv1-queue")
            assert queue["dependsOn"] == ["[resourceId('Microsoft.Network/privateEndpoints', 'pe-pv1-blob')]"]
        case "bicep":
            assert "dependsOn: [\n    blobEndpoint\n  ]" in text
        case "az" | "powershell":
            assert text.index("pe-pv1-blob/privateDnsZoneGroups") < text.index("pe-pv1-queue")
        case _:
            (queue,) = (fields for fields in read_hcl(text)[0].values() if fields["name"] == "pe-pv1-queue")
            assert [address.rpartition(".")[2] for address in queue["depends_on"]] == ["blob_endpoint}"]
