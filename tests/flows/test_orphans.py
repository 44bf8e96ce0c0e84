"""orphans lists leftovers on both sides, and marks as certain only what is proven."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import Client, Orphans
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.survey import KnownFactory
from purview_mpe._rules.orphans import SeenConnection, concerns, orphan_connections, orphan_endpoints, suspects
from purview_mpe._wire import factory as factory_json
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, InvalidSpec
from tests.support.colours import spec_for
from tests.support.nouns import (
    ACCOUNT,
    FACTORY,
    HIDDEN,
    OTHER_STORAGE,
    OTHER_SUBSCRIPTION,
    STORAGE,
    a_connection,
    an_account,
    an_endpoint,
    json_values,
)

ACCOUNT_ID = ArmId.parse(ACCOUNT)
ELSEWHERE = ACCOUNT.replace("pv1", "pv2").replace("00000000-0000-0000-0000-000000000001", OTHER_SUBSCRIPTION)
STRANGER = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/x/providers/Microsoft.Network/privateEndpoints"


DESCRIBED = "Requested by DataFactory:DF1, Name:purview; Approved with purview-mpe"
OTHER_NETWORK = HIDDEN.replace("-55-", "-56-")


def seen(private_endpoint_id: str, **fields: Any) -> SeenConnection:
    return SeenConnection(ACCOUNT, a_connection(private_endpoint_id, **fields))


def known(*endpoints: Any, **fields: Any) -> KnownFactory:
    return KnownFactory(**({"id": ArmId.parse(FACTORY), "endpoints": endpoints} | fields))


def judged(connection: SeenConnection, *factories: KnownFactory) -> str:
    """How a connection is judged."""
    rows, unattributed = orphan_connections([connection], factories)
    if unattributed:
        assert rows == ()
        return "unattributed"
    return {True: "certain", False: "perhaps"}[rows[0].certain] if rows else "not listed"


#: An endpoint whose private endpoint shows the resource group of the factory's private endpoints.
NEIGHBOUR = an_endpoint("other", "blob", private_endpoint_id=f"{HIDDEN}/df1.other")


def test_rows_of_one_target_are_in_the_order_of_their_endpoints() -> None:
    """Azure lists connections in no documented order; targets stay in the order of the account."""
    last = SeenConnection(STORAGE, a_connection(f"{HIDDEN}/df1.a"))
    rows, _ = orphan_connections([*(seen(f"{HIDDEN}/df1.{name}") for name in "cb"), last], [known(NEIGHBOUR)])
    assert [(row.target_id, row.endpoint) for row in rows] == [(ACCOUNT, "b"), (ACCOUNT, "c"), (STORAGE, "a")]


# --- connections


@pytest.mark.parametrize("given", [f"{HIDDEN}/df1.purview", f"{HIDDEN}/df1.purview".upper().replace("/SUB", "/sub")])
@pytest.mark.parametrize("shown", [f"{HIDDEN}/df1.purview", None])
def test_a_connection_in_use_is_not_an_orphan(given, shown):
    """The factory has the endpoint, and shows either this private endpoint or none."""
    assert judged(seen(given), known(an_endpoint(private_endpoint_id=shown), NEIGHBOUR)) == "not listed"


@pytest.mark.parametrize(
    "endpoints",
    [(), (an_endpoint("purview2"),), (an_endpoint(resource_id=ELSEWHERE),)],
    ids=["none", "another name", "another target"],
)
def test_a_deleted_endpoint_is_a_certain_orphan_if_the_factory_was_read(endpoints):
    """The factory has no such endpoint, and its other private endpoints are in the same resource group."""
    assert judged(seen(f"{HIDDEN}/df1.purview", description=""), known(*endpoints, NEIGHBOUR)) == "certain"


@pytest.mark.parametrize(
    ("connection", "factories", "taken_for"),
    [
        # Only the description says that it is the factory's, and anyone can write that.
        (seen(f"{HIDDEN}/df1.purview", description=DESCRIBED), (), "perhaps"),
        (seen(f"{HIDDEN}/df1.purview", description=DESCRIBED), (known(endpoints=None),), "perhaps"),
        (seen(f"{HIDDEN}/df1.purview", description=DESCRIBED), (known(),), "perhaps"),
        (seen(f"{OTHER_NETWORK}/df1.purview", description=DESCRIBED), (known(NEIGHBOUR),), "perhaps"),
        (seen(f"{STRANGER}/df1.purview", description=DESCRIBED), (known(NEIGHBOUR),), "perhaps"),
        # Private endpoints of Synapse, Fabric and Purview's own scanning are in resource groups of the same form.
        (seen(f"{HIDDEN}/df1.purview", description=""), (), "unattributed"),
        (seen(f"{HIDDEN}/df1.purview", description=""), (known(endpoints=None),), "unattributed"),
        (seen(f"{HIDDEN}/df1.purview", description=""), (known(),), "unattributed"),
        (seen(f"{OTHER_NETWORK}/df1.purview", description=""), (known(NEIGHBOUR),), "unattributed"),
        (seen(f"{HIDDEN}/mysynapse-007.AzurePurview371", description=""), (known(NEIGHBOUR),), "unattributed"),
        (seen(f"{HIDDEN}/pv1.AzurePurview-1", description="Requested by Purview"), (known(NEIGHBOUR),), "unattributed"),
        # A customer's own private endpoint, whatever its name.
        (seen(f"{STRANGER}/df1.selfhosted-ir", status="Approved"), (known(NEIGHBOUR),), "not listed"),
        (seen(f"{STRANGER}/df1.purview"), (known(),), "not listed"),
        (seen(f"{STRANGER}/df1.purview", description="Requested by DataFactory:df2, Name:purview"), (), "not listed"),
        (seen(f"{STRANGER}/pe-purview", description=DESCRIBED), (), "not listed"),
        (seen(f"{STRANGER}/a.b.c"), (), "not listed"),
        (seen(f"{HIDDEN}/df1."), (), "not listed"),
        (seen(f"{HIDDEN}/.purview"), (), "not listed"),
    ],
)
def test_an_unproven_connection_is_not_certain(connection, factories, taken_for):
    """A name proves nothing: certain needs the resource group of the private endpoints of a factory that was read."""
    assert judged(connection, *factories) == taken_for


def test_a_second_private_endpoint_of_the_name_is_not_certain():
    """The endpoint's own private endpoint is in another resource group: either of them may be about to go."""
    ours = an_endpoint(private_endpoint_id=f"{OTHER_NETWORK}/df1.purview")
    assert judged(seen(f"{HIDDEN}/df1.purview", description=DESCRIBED), known(ours)) == "perhaps"
    assert judged(seen(f"{HIDDEN}/df1.purview", description=""), known(ours)) == "unattributed"


def test_a_row_names_factory_endpoint_status_and_target():
    """The factory is an id if it was read, and a name otherwise."""
    (row,), _ = orphan_connections([seen(f"{HIDDEN}/DF1.purview", status="Approved")], [known(NEIGHBOUR)])
    assert (row.factory, row.endpoint, row.status, row.target_id) == (FACTORY, "purview", "Approved", ACCOUNT)
    assert row.reason == "The factory has no endpoint of this name."
    described = "Requested by DataFactory:df9, Name:purview"
    (row,), _ = orphan_connections([seen(f"{HIDDEN}/df9.purview", description=described)], [known()])
    assert row.factory == "df9"
    assert row.reason == (
        "This caller cannot see a factory 'df9': it is gone, or hidden from this caller. Only the description says that "
        "the connection is the factory's, and anyone can write that."
    )


# --- endpoints


def test_an_endpoint_to_a_missing_target_is_a_certain_orphan():
    """With an existing or unreadable target it is not listed; if it is also Disconnected, it is not certain."""
    factory = known(an_endpoint(), an_endpoint("old", "blob", resource_id=OTHER_STORAGE))
    target = ArmId.parse(OTHER_STORAGE)
    assert suspects(an_account(), ACCOUNT_ID, [factory]) == (target,)
    (row,) = orphan_endpoints(an_account(), ACCOUNT_ID, [factory], {target: False})
    assert (row.endpoint, row.target_id, row.certain, row.factory) == ("old", OTHER_STORAGE, True, FACTORY)
    assert orphan_endpoints(an_account(), ACCOUNT_ID, [factory], {target: True}) == ()
    assert orphan_endpoints(an_account(), ACCOUNT_ID, [factory], {target: None}) == ()
    disconnected = known(
        an_endpoint(), an_endpoint("old", "blob", resource_id=OTHER_STORAGE, connection_status="Disconnected")
    )
    (row,) = orphan_endpoints(an_account(), ACCOUNT_ID, [disconnected], {target: None})
    assert not row.certain


def test_endpoints_to_a_deleted_account_are_looked_at():
    """The factory belongs to it by its connection, or by its account endpoint."""
    for factory in (known(an_endpoint()), known(an_endpoint("b", "blob"), purview_account=ACCOUNT)):
        assert len(suspects(None, ACCOUNT_ID, [factory])) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        an_endpoint("lake", "dfs", resource_id=OTHER_STORAGE),
        an_endpoint("old", "blob", resource_id=OTHER_STORAGE, reserved=True),
        an_endpoint("odd", "blob", resource_id=""),
        an_endpoint("sql", "blob", resource_id=OTHER_STORAGE.replace("Microsoft.Storage", "Microsoft.Sql")),
        an_endpoint("ours", "blob", resource_id=STORAGE.upper()),
    ],
)
def test_endpoints_for_other_purposes_are_left_out(endpoint):
    """Other groups, reserved ones, other types, and targets that the account uses now."""
    assert suspects(an_account(), ACCOUNT_ID, [known(an_endpoint(), endpoint)]) == ()


def test_a_factory_of_another_account_is_left_out():
    """Its endpoints belong to the other account."""
    other = known(an_endpoint("old", "blob", resource_id=OTHER_STORAGE), purview_account=ELSEWHERE)
    assert suspects(an_account(), ACCOUNT_ID, [other]) == ()


def test_which_factories_are_read():
    """Those in the account's subscription, those connected to it, and those that a connection names."""
    far = ArmId.parse(FACTORY.replace("00000000-0000-0000-0000-000000000001", OTHER_SUBSCRIPTION))
    assert concerns(known(), ACCOUNT_ID, [])
    assert not concerns(known(id=far), ACCOUNT_ID, [])
    assert concerns(known(id=far, purview_account=ACCOUNT.upper()), ACCOUNT_ID, [])
    assert concerns(known(id=far), ACCOUNT_ID, [seen(f"{HIDDEN}/DF1.purview")])
    assert not concerns(known(id=far), ACCOUNT_ID, [seen(f"{HIDDEN}/df1-b.purview"), seen(f"{STRANGER}/x")])


@given(item=st.dictionaries(st.sampled_from(("id", "properties", "name")), json_values))
def test_any_listed_factory_is_accepted(item):
    """A factory without an id is left out."""
    factory = factory_json.read_known_factory(item)
    assert factory is None or str(factory.id) == item["id"].removesuffix("/")


# --- the verb


def look(colour: Any, emulator: Emulator, **options: Any) -> Orphans:
    account = str(emulator.account)
    return colour.run(emulator, lambda client: client.orphans(account), **options)


@pytest.mark.parametrize("shape", "ABCDE")
def test_a_healthy_setup_has_no_orphans(colour, shape):
    """Foreign connections are not listed, and nothing is written."""
    emulator = Emulator(shape=shape, foreign_connections=20)
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), approve=True)).raise_for_failures()
    before = len(emulator.writes)
    found = look(colour, emulator)
    assert found.connections == found.endpoints == ()
    assert len(emulator.writes) == before


@pytest.mark.parametrize("shape", "AC")
def test_connections_of_a_deleted_factory_are_not_certain(colour, shape):
    """They stay approved, but the factory may exist where the caller cannot see it."""
    emulator = Emulator(shape=shape)
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), approve=True)).raise_for_failures()
    emulator.remove(emulator.factory)
    rows = look(colour, emulator).connections
    assert {(row.factory, row.endpoint, row.status, row.certain) for row in rows} == {
        ("df1", spec_for(emulator).name_of(group), "Approved", False) for group in emulator.targets(emulator.account)
    }
    assert {row.target_id for row in rows} == {str(target) for target in emulator.targets(emulator.account).values()}


def test_the_connection_of_a_deleted_endpoint_is_certain(colour, emulator, ready):
    """The factory exists and was read."""
    ours = next(endpoint for endpoint in emulator.endpoints() if endpoint.name == "purview_blob")
    emulator.add_connection(ours.target, private_endpoint_id=ours.private_endpoint_id.replace("_blob", "_old"))
    (row,) = look(colour, emulator).connections
    assert (row.endpoint, row.certain, row.factory) == ("purview_old", True, str(emulator.factory))


def test_a_factory_in_another_subscription_is_found(colour, emulator):
    """Accounts serve factories of other subscriptions, and visible subscriptions are searched."""
    far = emulator.add_factory("far", subscription=OTHER_SUBSCRIPTION)
    spec = spec_for(emulator, factory=str(far))
    colour.run(emulator, lambda client: client.create_all(spec, approve=True)).raise_for_failures()
    assert look(colour, emulator).connections == ()


def test_what_is_listed_twice_is_read_once(colour, emulator, ready):
    """If overlapping pages list a subscription, a factory or a network twice, no request is added."""
    once = look(colour, emulator)
    asked = len(emulator.requests)
    emulator.clear_requests()
    for path in ("*/subscriptions", "*/factories", "*/managedVirtualNetworks"):
        emulator.inject(Fault.rewrite("GET", lambda body: {**body, "value": body["value"] * 50}, path=path, times=None))
    assert look(colour, emulator) == once
    assert len(emulator.requests) <= asked


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("GET", 403, path="/subscription?", times=None),
        Fault.body("GET", path="/subscription?", times=None),
    ],
    ids=["403", "truncated"],
)
def test_without_the_list_of_subscriptions_the_accounts_own_is_searched(colour, emulator, ready, fault):
    """A factory of another subscription does not count as deleted."""
    far = emulator.add_factory("far", subscription=OTHER_SUBSCRIPTION)
    emulator.add_endpoint(far, "theirs", emulator.account, "account")
    assert look(colour, emulator).connections == ()
    emulator.inject(fault)
    found = look(colour, emulator)
    assert [(row.factory, row.certain) for row in found.connections] == [("far", False)]
    assert [finding.code for finding in found.findings] == ["subscriptions-unreadable"]


@pytest.mark.parametrize("reveal", ["at-once", "never"])
def test_a_customers_own_private_endpoint_is_not_listed(colour, reveal):
    """It is in use, approved, and named like an endpoint of the factory: deleting it would cut off its owner."""
    emulator = Emulator(reveal_private_endpoint_ids=reveal)
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), approve=True))
    emulator.add_connection(
        emulator.account,
        private_endpoint_id=f"{STRANGER}/df1.selfhosted-ir",
        status="Approved",
        description="for the IR",
    )
    found = look(colour, emulator)
    assert found.connections == found.findings == ()


def test_connections_of_other_services_are_counted(colour, emulator, ready):
    """Synapse's are in resource groups of the same form: they are not listed as orphans; the finding counts them."""
    theirs = [f"{HIDDEN}/mysynapse-007.AzurePurview{number}" for number in range(25)]
    for private_endpoint_id in theirs:
        emulator.add_connection(
            emulator.account, private_endpoint_id=private_endpoint_id, status="Approved", description=""
        )
    found = look(colour, emulator)
    assert found.connections == ()
    [finding] = found.findings
    assert (finding.code, finding.severity) == ("connections-unattributed", "info")
    assert finding.message.startswith("25 connections come from managed virtual networks of Microsoft's services")
    assert len(finding.evidence) == 21
    assert set(finding.evidence[:20]) <= set(theirs)
    assert finding.evidence[20] == "and 5 more"


def test_without_exact_ids_no_connection_is_certain(colour):
    """If the factory does not show its private endpoints, their resource group is unknown."""
    emulator = Emulator(reveal_private_endpoint_ids="never")
    colour.run(emulator, lambda client: client.create_all(spec_for(emulator), approve=True))
    ours = next(endpoint for endpoint in emulator.endpoints() if endpoint.name == "purview_blob")
    emulator.add_connection(
        ours.target,
        private_endpoint_id=ours.private_endpoint_id.replace("_blob", "_old"),
        description="Requested by DataFactory:df1, Name:purview_old",
    )
    (row,) = look(colour, emulator).connections
    assert (row.endpoint, row.certain) == ("purview_old", False)


def test_an_endpoint_to_a_deleted_target_is_certain(colour, emulator, ready):
    """The account no longer uses the storage, and it does not exist."""
    other = emulator.add_account("pv2")
    storage = emulator.targets(other)["blob"]
    emulator.add_endpoint(emulator.factory, "former", storage, "blob")
    assert look(colour, emulator).endpoints == ()
    emulator.remove(storage)
    (row,) = look(colour, emulator).endpoints
    assert (row.endpoint, row.target_id, row.certain) == ("former", str(storage), True)


def test_an_endpoint_to_a_deleted_target_that_the_account_names_is_certain(colour, emulator, ready):
    """The account's JSON does not prove that the target exists; a finding says that it does not."""
    namespace = emulator.targets(emulator.account)["namespace"]
    emulator.remove(namespace)
    found = look(colour, emulator)
    assert [(row.endpoint, row.target_id, row.certain) for row in found.endpoints] == [
        ("purview_namespace", str(namespace), True)
    ]
    [finding] = [finding for finding in found.findings if finding.code == "target-gone"]
    assert finding.message == f"The account names {namespace}, which does not exist."


def test_a_deleted_account_is_not_an_error(colour, emulator, ready):
    """Its own endpoint is an orphan; its storage and namespace still exist."""
    emulator.remove(emulator.account)
    found = look(colour, emulator)
    assert found.connections == ()
    assert [(row.endpoint, row.certain) for row in found.endpoints] == [("purview", True)]


def test_targets_of_every_type_are_read(colour, emulator, ready):
    """Everything behind an account may be deleted with it."""
    for target in reversed(dict.fromkeys(emulator.targets(emulator.account).values())):
        emulator.remove(target)
    rows = look(colour, emulator).endpoints
    assert {(row.endpoint, row.certain) for row in rows} == {
        (name, True) for name in ("purview", "purview_blob", "purview_queue", "purview_namespace")
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("GET", 403, path="storageAccounts", times=None),
        Fault.status("GET", 500, path="storageAccounts", times=None),
        Fault.status("GET", 404, code="SubscriptionNotFound", path="storageAccounts", times=None),
    ],
    ids=["403", "500", "another tenant"],
)
def test_an_unreadable_target_is_not_a_certain_orphan(colour, emulator, ready, fault):
    """The endpoint is listed only if it is Disconnected."""
    storage = emulator.targets(emulator.add_account("pv2"))["blob"]
    emulator.add_endpoint(emulator.factory, "former", storage, "blob")
    emulator.add_endpoint(emulator.factory, "cut", storage, "queue", status="Disconnected")
    emulator.inject(fault)
    found = look(colour, emulator)
    assert [(row.endpoint, row.certain) for row in found.endpoints] == [("cut", False)]
    assert "target-unreadable" in {finding.code for finding in found.findings}


@pytest.mark.parametrize(
    ("path", "code"),
    [("*/providers/Microsoft.DataFactory/factories", "factories-unreadable"), ("*/managedVirtualNetworks", "factory-unreadable")],
)  # fmt: skip
def test_unreadable_factories_are_findings(colour, emulator, ready, path, code):
    """Their connections are not certain."""
    emulator.inject(Fault.status("GET", 403, path=path, times=None))
    found = look(colour, emulator)
    assert code in {finding.code for finding in found.findings}
    assert [row.certain for row in found.connections] == [False] * 4


def test_a_factory_deleted_during_the_search_is_not_certain(colour, emulator, ready):
    """Without its endpoints there is not enough proof that the connections were its own."""
    emulator.inject(Fault.status("GET", 404, path="managedVirtualNetworks", times=None))
    assert [row.certain for row in look(colour, emulator).connections] == [False] * 4


def test_a_subscription_without_data_factory_has_no_orphans(colour, emulator, ready):
    """If the resource provider is not registered, no finding is needed."""
    emulator.unregister("Microsoft.DataFactory", OTHER_SUBSCRIPTION)
    found = look(colour, emulator)
    assert found.connections == found.findings == ()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("GET", 401, code="InvalidAuthenticationTokenTenant", path="*/factories/odd/*", times=None),
        Fault.status("GET", 400, code="BadRequest", path="*/factories/odd/*", times=None),
        Fault.status("GET", 500, path="*/factories/odd/*", times=None),
        Fault.reset("GET", path="*/factories/odd/*", times=None),
        Fault.body("GET", "html", path="*/factories/odd/*", times=None),
    ],
    ids=["401", "400", "500", "reset", "html"],
)
def test_one_unreadable_factory_does_not_stop_the_search(colour, emulator, ready, fault):
    """The other factories are read, and this factory's connections are not certain."""
    odd = emulator.add_factory("odd")
    emulator.add_endpoint(odd, "theirs", emulator.account, "account")
    emulator.inject(fault)
    found = look(colour, emulator)
    assert "factory-unreadable" in {finding.code for finding in found.findings}
    assert [(row.factory, row.certain) for row in found.connections if row.factory == str(odd)] == [(str(odd), False)]


def test_one_unreadable_subscription_does_not_stop_the_search(colour, emulator, ready):
    """A subscription of another tenant answers 401 to its list; the other subscriptions are searched."""
    emulator.add_factory("far", subscription=OTHER_SUBSCRIPTION)
    emulator.inject(Fault.status("GET", 401, path=f"*{OTHER_SUBSCRIPTION}*", times=None))
    found = look(colour, emulator)
    assert [finding.code for finding in found.findings] == ["factories-unreadable"]
    assert found.connections == ()


def test_a_refused_sign_in_ends_the_search(colour, emulator, ready):
    """If Azure refuses the token for the account itself, the call raises."""
    emulator.inject(Fault.status("GET", 401, times=None))
    with pytest.raises(AccessDenied) as raised:
        look(colour, emulator)
    assert raised.value.status == 401


def test_a_factory_of_a_hidden_subscription_is_not_certain(colour, emulator, ready):
    """A 404 of the subscription does not mean that the factory was deleted."""
    emulator.inject(Fault.status("GET", 404, code="SubscriptionNotFound", path="managedVirtualNetworks", times=None))
    assert [row.certain for row in look(colour, emulator).connections] == [False] * 4


def test_an_invalid_account_id_is_refused(colour, emulator):
    """The error is raised before the first request."""
    with pytest.raises(InvalidSpec):
        colour.run(emulator, lambda client: client.orphans("pv1"))
    assert not emulator.requests


def test_a_hidden_subscription_is_a_finding(colour, emulator):
    """A 404 of the subscription says what this sign-in can see, not what exists."""
    nowhere = str(emulator.account).replace("000000000001", "000000000009")
    found = colour.run(emulator, lambda client: client.orphans(nowhere))
    assert found.connections == found.endpoints == ()
    by_code = {finding.code: finding for finding in found.findings}
    assert list(by_code) == ["account-unreadable", "target-unreadable", "factories-unreadable"]
    assert by_code["account-unreadable"].remedy.startswith("Check that this sign-in sees the subscription: az account")


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_connections_in_use_are_never_listed(data):
    """Over random factories: an endpoint's own connection is never an orphan, and none is certain."""
    emulator = Emulator(
        shape=data.draw(st.sampled_from("ABCDE")),
        reveal_private_endpoint_ids=data.draw(st.sampled_from(("at-once", "never"))),
    )
    names = ("purview", "purview_blob", "p", "other")
    factories = [
        emulator.factory,
        emulator.add_factory("df-2"),
        emulator.add_factory("far", subscription=OTHER_SUBSCRIPTION),
    ]
    targets = list(emulator.targets(emulator.account).items())
    for factory in factories:
        chosen = data.draw(st.lists(st.sampled_from(targets), unique=True, max_size=4))
        for name, (group, target) in zip(names, chosen, strict=False):
            emulator.add_endpoint(factory, name, target, group)
    gone = data.draw(st.sampled_from((None, *factories)))
    if gone is not None:
        emulator.remove(gone)
    used = {endpoint.private_endpoint_id for endpoint in emulator.endpoints()}
    with Client(emulator.credential, transport=emulator.transport()) as client:
        found = client.orphans(str(emulator.account))
    assert not {row.private_endpoint_id for row in found.connections} & used
    assert not any(row.certain for row in found.connections)
    assert found.endpoints == ()
    assert Orphans.model_validate_json(found.model_dump_json()) == found
