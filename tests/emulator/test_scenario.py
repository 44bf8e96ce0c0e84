"""Scenarios: an emulator as a document, which is validated when read and can be written."""

import builtins
import json
import tracemalloc

import pytest

from purview_mpe.emulator import Emulator, Fault, InvalidScenario, MissingExtra, Reads, Role

SCENARIO = {
    "emulator": {"seed": 7, "provisioning": {"account": 5, "*": [20, 30]}, "connection_delay": {"reads": 2}, "foreign_connections": 1},
    "subscriptions": [{"id": "00000000-0000-0000-0000-000000000002", "name": "Second", "unregistered": ["Microsoft.Storage"]}],
    "accounts": [
        {"name": "contoso", "shape": "C"},
        {"name": "fabrikam", "shape": "B", "without_namespace": "null", "firewall": "disabled-for-ingestion-only", "resource_group": "rg2", "location": "northeurope"},
    ],
    "factories": [
        {
            "name": "adf-sales",
            "purview_account": "contoso",
            "runtimes": [{"name": "shir", "kind": "self-hosted"}, {"name": "odd", "properties": {"type": "Managed"}}],
            "endpoints": [
                {"name": "purview", "target": "contoso", "group_id": "account"},
                {"name": "purview_blob", "target": "contoso", "group_id": "blob", "status": "Pending"},
                {"name": "young", "target": "fabrikam", "group_id": "account", "provisioning_state": "Provisioning", "connection": None},
                {"name": "leaving", "target": "fabrikam", "group_id": "queue", "provisioning_state": "Deleting"},
                {"name": "theirs", "target": "fabrikam", "group_id": "portal", "reserved": True},
            ],
            "runs": [{"pipeline": "pl", "ago": 3600, "activities": [{"lineage_status": "NotReported"}, {"name": "second"}]}],
        },
        {"name": "adf-bare", "managed_vnet": False},
    ],
    "connections": [{"target": "contoso", "name": "imitation", "description": "Requested by DataFactory:adf-sales, Name:x"}],
    "callers": [
        {"name": "alice", "client_id": "aaaa", "object_id": "bbbb", "roles": ["requester", {"role": "Owner", "scope": "contoso"}, {"role": "mine", "actions": ["*/read"], "scope": "adf-sales"}]},
    ],
    "locks": [{"scope": "contoso", "level": "ReadOnly"}],
    "denials": [{"kind": "policy", "scope": "fabrikam"}, {"kind": "deny-assignment", "scope": "/subscriptions/00000000-0000-0000-0000-000000000002", "actions": "*/write", "name": "d"}],
    "faults": [
        {"kind": "status", "method": "PUT", "status": 429, "times": 2, "retry_after": 1},
        {"kind": "reset", "method": "GET", "before": False, "path": "nowhere"},
        {"kind": "body", "method": "GET", "content": "html", "path": "nowhere"},
        {"kind": "delay", "method": "GET", "seconds": 5, "probability": 0.5, "path": "nowhere"},
        {"kind": "failed-provisioning"},
        {"kind": "rejected-connection", "times": None},
        {"kind": "lock", "method": "DELETE"},
        {"kind": "policy", "method": "DELETE"},
    ],
}  # fmt: skip


def state(emulator):
    """The visible state of an emulator, without times."""
    return {
        "endpoints": emulator.endpoints(),
        "connections": {(c.id, c.status, c.description, c.endpoint) for c in emulator.connections()},
        "faults": emulator.faults,
        "dump": emulator.dump(),
    }


def test_a_scenario_becomes_an_emulator(make_arm):
    """Accounts, factories, endpoints, callers, locks, denials and faults are as in the document."""
    emulator = Emulator.from_scenario(SCENARIO)
    assert (emulator.account.name, emulator.factory.name) == ("contoso", "adf-sales")
    endpoints = {e.name: (e.provisioning_state, e.status, e.reserved) for e in emulator.endpoints()}
    assert endpoints == {
        "purview": ("Succeeded", "Approved", False),
        "purview_blob": ("Succeeded", "Pending", False),
        "young": ("Provisioning", "", False),
        "leaving": ("Deleting", "Approved", False),
        "theirs": ("Succeeded", "Approved", True),
    }
    blob = emulator.targets(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Purview/accounts/contoso"
    )["blob"]
    assert [e.target for e in emulator.endpoints() if e.name == "purview_blob"] == [str(blob)]
    names = [c.name for c in emulator.connections(emulator.account)]
    assert len(names) == 3
    assert "imitation" in names
    arm = make_arm(emulator)
    runtimes = arm.get(f"{emulator.factory}/integrationRuntimes").json()["value"]
    assert [runtime["name"] for runtime in runtimes] == ["shir", "odd"]
    emulator.clear_faults()
    assert arm.send("PATCH", emulator.account, version="2021-12-01", body={}).json()["error"]["code"] == "ScopeLocked"
    emulator.clock.sleep(60)
    states = {e.name: e.provisioning_state for e in emulator.endpoints()}
    assert states["young"] == "Succeeded"
    assert "leaving" not in states


def test_a_file_in_json_or_yaml(tmp_path):
    """Both kinds of file mean the same; options given in code come first."""
    yaml = pytest.importorskip("yaml")
    plain, pretty = tmp_path / "s.json", tmp_path / "s.yaml"
    plain.write_text(json.dumps(SCENARIO), encoding="utf-8")
    pretty.write_text(yaml.safe_dump(SCENARIO), encoding="utf-8")
    one, other = Emulator.from_scenario(plain), Emulator.from_scenario(str(pretty))
    assert state(one)["dump"]["accounts"][0]["body"]["name"] == "contoso"
    assert [e.name for e in one.endpoints()] == [e.name for e in other.endpoints()]
    assert Emulator.from_scenario(plain, location="eastus").dump()["emulator"]["location"] == "eastus"


def test_a_dump_can_be_loaded_again():
    """An emulator loaded from a dump shows the same endpoints, connections, callers, locks and faults."""
    emulator = Emulator.from_scenario(SCENARIO)
    dumped = emulator.dump()
    again = Emulator.from_scenario(json.loads(json.dumps(dumped)))
    assert again.dump() == dumped
    assert [(e.name, e.provisioning_state, e.private_endpoint_id) for e in again.endpoints()] == [
        (e.name, e.provisioning_state, e.private_endpoint_id) for e in emulator.endpoints()
    ]
    assert state(again)["connections"] == state(emulator)["connections"]
    assert again.faults == emulator.faults


def test_the_default_emulator_can_be_dumped(make_arm):
    """A loaded emulator continues: approvals stay, and provisioning restarts."""
    emulator = Emulator(shape="C", deletion={"*": Reads(3)}, latency=(0.1, 0.2))
    make_arm(emulator).request_endpoint("young", emulator.account, "account")
    emulator.add_endpoint(emulator.factory, "old", emulator.targets(emulator.account)["blob"], "blob")
    emulator.disconnect("old")
    emulator.credential_for(Role("mine", ("*/read",)), scope=emulator.factory)
    emulator.add_activity_run()
    emulator.inject(Fault.body("GET", b"\x00"))
    dumped = emulator.dump()
    again = Emulator.from_scenario(dumped)
    assert again.dump() == dumped
    assert {e.name: (e.provisioning_state, e.status) for e in again.endpoints()} == {
        "young": ("Provisioning", ""),
        "old": ("Succeeded", "Approved"),
    }
    assert [c.status for c in again.connections() if c.endpoint] == ["Disconnected"]
    again.clear_faults()
    storage = again.targets(again.account)["blob"]
    assert make_arm(again).get(storage, version="2025-08-01").status_code == 403
    again.clock.sleep(100)
    assert {e.provisioning_state for e in again.endpoints()} == {"Succeeded"}


def test_a_scenario_of_faults_only_has_the_default_resources():
    """The document has neither accounts nor factories."""
    emulator = Emulator.from_scenario({"faults": [{"kind": "status", "method": "GET", "status": 503}]})
    assert emulator.account.name == "pv1"
    assert len(emulator.faults) == 1


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ([], ["it: must be an object, not []"]),
        ({"acounts": []}, ["acounts: is not known here; known are emulator, subscriptions, resource_groups, accounts, "]),
        ({"accounts": {}}, ["accounts: must be a list, not {}"]),
        ({"accounts": [{"shape": "G"}]}, ["accounts[0].shape: must be one of A, B, C, D, E, F, not 'G'", "accounts[0]: needs a name, or a body with an id"]),
        ({"accounts": [{"body": {"id": "nonsense"}}]}, ["accounts[0].body.id: 'nonsense' is not a resource id"]),
        ({"accounts": ["contoso"]}, ["accounts[0]: must be an object, not 'contoso'"]),
        ({"emulator": {"provisioning": -1, "latency": [1], "page_size": 1.5, "enforce_limits": "yes", "seed": True, "absent_status": 410}}, [
            "emulator.provisioning: must be a number from 0 on, not -1", "emulator.latency: a range is two numbers such as [20, 120], not [1]",
            "emulator.page_size: must be a whole number", "emulator.enforce_limits: must be true or false", "emulator.seed: must be a whole number", "emulator.absent_status: must be one of 404, 400"]),
        ({"emulator": {"deletion": {"reads": "two"}}}, ["emulator.deletion.reads: must be a whole number"]),
        ({"emulator": {"deletion": {"blob": [1, "x"]}}}, ["emulator.deletion.blob[1]: must be a number"]),
        ({"factories": [{"name": "f", "endpoints": [{"name": ""}]}]}, ["factories[0].endpoints[0].name: must be a text", "factories[0].endpoints[0].target: is missing; for example 'contoso'", "factories[0].endpoints[0].group_id: is missing"]),
        ({"factories": [{"name": "f", "runtimes": [{"name": "x", "properties": 5}]}]}, ["factories[0].runtimes[0].properties: must be an object"]),
        ({"callers": [{"name": "a", "roles": [5]}]}, ["callers[0].roles[0]: must be a text or an object, not 5"]),
        ({"callers": [{"name": "a", "roles": ["Onwer"]}]}, ["callers[0]: the role 'Onwer' does not exist"]),
        ({"factories": [{"name": "f", "purview_account": "nobody"}]}, ["factories[0]: 'nobody' is neither an id nor the name of an account"]),
        ({"accounts": [{"name": "c", "shape": "C"}], "factories": [{"name": "f", "endpoints": [{"name": "x", "target": "c", "group_id": "namespace"}]}]}, ["factories[0]: the account c has nothing for the group namespace"]),
        ({"connections": [{"target": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/x"}]}, ["connections[0]: the emulator has nothing called"]),
        ({"faults": [{"kind": "meteor"}]}, ["faults[0]: kind: must be one of status, reset"]),
        ({"faults": [{"kind": "status", "method": "GET"}]}, ["faults[0]: status: is missing for a fault of kind status"]),
        ({"faults": [{"kind": "delay", "method": "GET", "seconds": "long"}]}, ["faults[0]: seconds: 'long' is not possible"]),
        ({"faults": [{"kind": "reset", "method": "GET", "colour": "red"}]}, ["faults[0]: colour: is not known for a fault of kind reset"]),
        ({"faults": [{"kind": "reset", "method": "GET", "before": 1}]}, ["faults[0]: before: 1 is not possible"]),
        ({"faults": [{"kind": "status", "method": "GET", "status": True}]}, ["faults[0]: status: True is not possible"]),
        ({"accounts": [{"name": "a b"}]}, ["accounts[0]: "]),
        ({"emulator": {"page_size": 0, "epoch": "soon", "subscription": "mine", "tenant": 5}}, [
            "emulator.page_size: must be a whole number from 1 on, not 0", "emulator.epoch: must be a date and time in ISO 8601 such as 2031-02-03T04:05:06Z, not 'soon'",
            "emulator.subscription: must be a GUID such as", "emulator.tenant: must be a GUID such as"]),
        ({"subscriptions": [{"id": "x"}]}, ["subscriptions[0].id: must be a GUID such as 00000000-0000-0000-0000-000000000001, not 'x'"]),
        ({"resource_groups": [{"tags": 5}]}, ["resource_groups[0].tags: must be an object", "resource_groups[0].name: is missing"]),
        ({"accounts": [{"name": "pv2"}, {"name": "PV2"}], "factories": [{"name": "df2"}, {"name": "df2"}]}, ["accounts[1]: there is another account PV2", "factories[1]: there is another factory df2"]),
        ({"factories": [{"name": "f", "runtimes": [{"name": "x"}, {"name": "X"}]}]}, ["factories[0]: there is another runtime X"]),
        ({"accounts": [{"name": "c"}], "factories": [{"name": "f", "endpoints": [{"name": "x", "target": "c", "group_id": "blob"}, {"name": "x", "target": "c", "group_id": "queue"}]}]}, ["factories[0]: there is another endpoint x"]),
        ({"faults": [{"kind": "status", "method": "GET", "status": 99}]}, ["faults[0]: status: must be from 200 to 599, not 99"]),
        ({"faults": [{"kind": "reset", "method": "GET", "times": 0}]}, ["faults[0]: times: must be at least 1, or None for ever, not 0"]),
        ({"faults": [{"kind": "reset", "method": "GET", "probability": 2}]}, ["faults[0]: probability: must be from 0 to 1, not 2"]),
        ({"faults": [{"kind": "delay", "method": "GET", "seconds": -1}]}, ["faults[0]: seconds: must be a number from 0 on, not -1"]),
        ({"faults": [{"kind": "status", "method": "GET", "status": 429, "retry_after": "1\r\nX: y"}]}, ["faults[0]: retry_after: must be one line"]),
    ],
)  # fmt: skip
def test_every_problem_is_reported_with_its_place(document, problems):
    """An invalid scenario reports all errors at once."""
    with pytest.raises(InvalidScenario) as refused:
        Emulator.from_scenario({"faults": []} | document if isinstance(document, dict) else document)
    found = {problem: [one for one in refused.value.problems if one.startswith(problem)] for problem in problems}
    assert {problem: len(shown) for problem, shown in found.items()} == dict.fromkeys(problems, 1)
    assert len(refused.value.problems) == len(problems)
    assert all(one in str(refused.value) for one in refused.value.problems)


def test_an_empty_list_means_no_resources():
    """An emulator without resources stays empty when it is dumped and loaded."""
    emulator = Emulator()
    emulator.remove(emulator.factory)
    emulator.remove(emulator.account)
    again = Emulator.from_scenario(emulator.dump())
    assert again.default_factory is None
    assert again.default_account is None
    assert Emulator.from_scenario({"emulator": {"empty": True}}).default_account is None


def test_options_of_the_default_account_and_the_date():
    """A scenario without accounts can set the default account's shape and firewall, and the date."""
    chosen = {"shape": "C", "firewall": "enabled-from-all-networks", "epoch": "2031-02-03T04:05:06"}
    emulator = Emulator.from_scenario({"emulator": chosen})
    [account] = emulator.dump()["accounts"]
    assert "ingestionStorage" in account["body"]["properties"]
    assert account["body"]["properties"]["publicNetworkAccess"] == "Enabled"
    assert account["body"]["systemData"]["createdAt"].startswith("2031-02-03T04:05:06")


def test_resource_groups_survive_a_dump(make_arm):
    """Empty ones, and tags and locations, are included."""
    group = {"name": "rg-Empty", "location": "northeurope", "tags": {"team": "x"}}
    emulator = Emulator.from_scenario({"resource_groups": [group]})
    emulator = Emulator.from_scenario(emulator.dump())
    path = f"/subscriptions/{emulator.subscription}/resourceGroups/rg-empty"
    shown = make_arm(emulator).get(path, version="2022-09-01").json()
    assert {key: shown[key] for key in group} == group
    assert emulator.account.name == "pv1"


def test_an_invalid_file_is_refused(tmp_path):
    """Broken JSON and broken YAML have their own errors."""
    pytest.importorskip("yaml")
    odd = ("!!timestamp x", "2026-02-30", "[" * 5000, "!!bool x", "? [a]: b\n: c", "!!int x", "9" * 5000)
    for name, text in (("s.json", "{"), ("s.json", "9" * 5000), *(("s.yml", text) for text in ("a: [", *odd))):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidScenario, match=r"is not (JSON|YAML)"):
            Emulator.from_scenario(path)
    path.with_suffix(".json").write_bytes(b"\xff")
    with pytest.raises(InvalidScenario, match="is not text in UTF-8"):
        Emulator.from_scenario(path.with_suffix(".json"))


LAUGHS = [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
MULTIPLYING = {
    "lists": ["a: &a [x]", *LAUGHS, "factories: *i"],
    "roles": ["callers:", "- name: q", "  roles: &a [Reader, Reader]", *[f"- {{name: q, roles: &{new} [{', '.join([f'*{old}'] * 9)}]}}" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]],
    "merges": ["a: &a {x: 1}", *[f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}" for old, new in zip("abcdefgh", "bcdefghi", strict=True)], "emulator: *i"],
    "itself": ["emulator: &a {answers: *a}"],
}  # fmt: skip


@pytest.mark.parametrize("kind", MULTIPLYING)
def test_aliases_are_bounded(tmp_path, kind):
    """Aliases that expand to millions of values, or contain themselves, are refused without being expanded."""
    pytest.importorskip("yaml")
    path = tmp_path / "s.yaml"
    path.write_text("\n".join(MULTIPLYING[kind]), encoding="utf-8")
    tracemalloc.start()
    try:
        # Newer versions of PyYAML merge each key once, so that nothing is multiplied.
        with pytest.raises(InvalidScenario, match="is not known here|alias" if kind == "merges" else "alias"):
            Emulator.from_scenario(path)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


def test_a_few_aliases_are_accepted(tmp_path):
    """They are YAML's way to repeat a value."""
    pytest.importorskip("yaml")
    path = tmp_path / "s.yaml"
    path.write_text("callers:\n- {name: a, roles: &r [Reader]}\n- {name: b, roles: *r}\n", encoding="utf-8")
    callers = {caller["name"]: caller["roles"] for caller in Emulator.from_scenario(path).dump()["callers"]}
    assert callers["a"] == callers["b"]
    assert [role["role"] for role in callers["a"]] == ["Reader"]


def test_a_long_list_of_problems_is_cut():
    """The first problems are listed, and the others are counted."""
    with pytest.raises(InvalidScenario) as refused:
        Emulator.from_scenario({"accounts": [5] * 150})
    assert len(refused.value.problems) == 26
    assert refused.value.problems[-1] == "and 125 more"


def test_a_huge_value_is_shortened():
    """An error shows the place and the beginning of the value, however large the value is."""
    with pytest.raises(InvalidScenario) as refused:
        Emulator.from_scenario({"emulator": {"seed": [["x" * 10_000] * 50] * 50}})
    [problem] = refused.value.problems
    assert len(problem) < 1000


@pytest.mark.parametrize("path", ["\0.json", "\ud800.yaml"])
def test_an_invalid_path_is_refused(path):
    """The error shows a path that no file system accepts."""
    with pytest.raises(InvalidScenario, match="is not a path"):
        Emulator.from_scenario(path)


def test_yaml_needs_the_extra(tmp_path, monkeypatch):
    """Without PyYAML the error names the package to install."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "yaml":
            raise ModuleNotFoundError(name, name=name)
        return real(name, *args, **kwargs)

    path = tmp_path / "s.yaml"
    path.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match="pip install pyyaml"):
        Emulator.from_scenario(path)
