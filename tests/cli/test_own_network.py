"""private-endpoints: plan, create, status and delete from a shell."""

from __future__ import annotations

import pytest

from tests.support.networks import SHIR, ZONES


@pytest.fixture
def words(shell) -> tuple[str, ...]:
    """The options for a virtual network of the emulator."""
    network = shell.emulator.networks.add_virtual_network()
    return ("--subnet", str(network.child("subnets", "snet-pe")), "--purpose", SHIR)


def test_plan_create_status_and_delete_succeed(shell, words):
    """Each command ends with 0."""
    planned = shell.ends("private-endpoints", "plan", *words, "--dns", "create", tty=True)
    assert planned.code == 0
    assert "vnet-hub, subnet snet-pe" in planned.out
    assert not shell.emulator.writes
    created = shell.ends("private-endpoints", "create", *words, "--dns", "create", "--approve")
    assert (created.code, created.json["complete"]) == (0, True)
    assert created.said.endswith(f": {created.json['counts']['created']} created.")
    shown = shell.ends("private-endpoints", "status", *words, "--dns", "create")
    assert (shown.code, shown.json["ready"]) == (0, True)
    deleted = shell.ends("private-endpoints", "delete", *words, "--yes")
    assert (deleted.code, deleted.json["counts"]) == (0, {"deleted": 4})
    assert shell.emulator.networks.private_endpoints() == []


def test_a_dry_run_writes_nothing(shell, words):
    """Neither `create --dry-run` nor `delete --dry-run` writes."""
    assert shell.ends("private-endpoints", "create", *words, "--dns", "none", "--dry-run").code == 0
    assert not shell.emulator.writes
    shell.ends("private-endpoints", "create", *words, "--dns", "none")
    writes = len(shell.emulator.writes)
    named = shell.ends("private-endpoints", "delete", *words, "--dry-run")
    assert named.json["counts"] == {"would-delete": 4}
    assert len(shell.emulator.writes) == writes


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 4)])
def test_deleting_asks_first(shell, words, answer, code, left):
    """Without --yes, the answer decides."""
    shell.ends("private-endpoints", "create", *words, "--dns", "none")
    ended = shell.ends("private-endpoints", "delete", *words, tty=True, stdin=answer)
    assert ended.code == code
    assert len(shell.emulator.networks.private_endpoints()) == left


def test_delete_names_the_other_purpose_that_needs_an_endpoint(shell, words):
    """The two purposes share the account's private endpoint, and the question says so."""
    studio = (*words[:2], "--purpose", "studio")
    shell.ends("private-endpoints", "create", *words, "--dns", "none")
    shell.ends("private-endpoints", "create", *studio, "--dns", "none")
    ended = shell.ends("private-endpoints", "delete", *studio, tty=True, stdin="n\n")
    assert "The purpose 'self-hosted-runtime' needs purview-account as well" in ended.said
    assert "Delete purview-account, purview-portal from the subnet" in ended.said
    assert len(shell.emulator.networks.private_endpoints()) == 5


@pytest.mark.parametrize(("answer", "code", "status"), [("y\n", 0, "Approved"), ("n\n", 1, "Rejected")])
def test_replacing_asks_first(shell, words, answer, code, status):
    """A rejected endpoint is deleted and created again only if a person agrees."""
    account = shell.emulator.account
    shell.emulator.networks.add_private_endpoint("purview-account", words[1], account, "account", status="Rejected")
    more = (*words, "--dns", "none", "--replace-broken")
    ended = shell.ends("private-endpoints", "create", *more, tty=True, stdin=answer)
    assert ended.code == code
    [first, *_] = [one for one in shell.emulator.networks.private_endpoints() if one.group_id == "account"]
    assert first.status == status


def test_hand_off_goes_to_a_file(shell, words, tmp_path):
    """The file holds exact ids; without the option the next steps are printed."""
    file = tmp_path / "please.txt"
    more = (*words, "--dns", "none", "--approval", "manual")
    ended = shell.ends("private-endpoints", "create", *more, "--hand-off", str(file), tty=True)
    assert "privateEndpoints/purview-blob" in file.read_text("utf-8")
    assert ended.code == 0
    again = shell.ends("private-endpoints", "create", *more, tty=True)
    assert "Approve them with --approve" in again.said


def test_a_missing_zone_is_refused(shell, words):
    """`existing` is the default, and the remedy names the option."""
    ended = shell.ends("private-endpoints", "create", *words, tty=True)
    assert ended.code == 1
    assert "give --dns create" in ended.said
    assert not shell.emulator.writes


def test_wrong_options_are_named(shell, words):
    """The error names each wrong option."""
    ended = shell.ends(
        "private-endpoints", "plan", *words, "--endpoint-resource-group", "a/b", "--location", "?", tty=True
    )
    assert ended.code == 2
    assert "--endpoint-resource-group" in ended.said
    assert "--location" in ended.said
    with_wrong = shell.ends("private-endpoints", "plan", "--subnet", "x", "--purpose", SHIR, tty=True)
    assert (with_wrong.code, "--subnet" in with_wrong.said) == (2, True)


def test_zones_of_a_hub_in_another_subscription(shell):
    """The id of their resource group leads to them; without it they are not found, and the remedy names the option."""
    hub = "00000000-0000-0000-0000-00000000d115"
    networks = shell.emulator.networks
    network = networks.add_virtual_network()
    for zone in ZONES:
        networks.add_private_dns_zone(zone, linked_to=[network], resource_group="rg-dns", subscription=hub)
    words = ("--subnet", str(network.child("subnets", "snet-pe")), "--purpose", SHIR)
    refused = shell.ends("private-endpoints", "create", *words, tty=True)
    assert (refused.code, "give --zone-resource-group the id" in " ".join(refused.said.split())) == (1, True)
    more = (*words, "--zone-resource-group", f"/subscriptions/{hub}/resourceGroups/rg-dns")
    created = shell.ends("private-endpoints", "create", *more, "--approve")
    assert (created.code, created.json["complete"]) == (0, True)
    shown = shell.ends("private-endpoints", "status", *more)
    assert (shown.code, shown.json["ready"]) == (0, True)
    assert len(networks.private_dns_zones()) == len(ZONES)
