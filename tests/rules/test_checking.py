"""check: is everything in place, before anything is written?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Check
from purview_mpe._model.matrix import CLOSED, INGESTION, OPEN
from purview_mpe._model.results import ErrorDetail
from purview_mpe._model.survey import CuratorSeen, Gap, Permission, Runtime
from purview_mpe._rules import checking
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, NotFound
from tests.support.colours import spec_for
from tests.support.nouns import ACCOUNT, STORAGE, TARGETS, a_spec, an_account, an_endpoint
from tests.support.situations import ALL_ENDPOINTS, INSIDE, MANAGED, a_situation, codes

AZURE = Runtime("ir-azure", "azure")
SELF_HOSTED = Runtime("ir-self", "self-hosted")
SSIS = Runtime("ir-ssis", "ssis")
OTHER_ACCOUNT = ACCOUNT.replace("pv1", "pv2")


def held(*actions: str) -> dict[str, tuple[Permission, ...]]:
    """The same permissions at every scope."""
    return {scope: (Permission(actions),) for scope in a_situation().permissions}


def test_nothing_in_the_way():
    """Only what cannot be seen from here is told."""
    check = checking.check(a_situation())
    assert check.ok
    assert codes(check) == {}
    assert [(one.name, one.supported, one.managed_groups) for one in check.runtimes] == [
        (MANAGED.name, True, ("account", "blob", "queue", "namespace"))
    ]
    assert {right.allowed for right in check.rights} == {True}


#: What is said where the runtime that every factory has is in no list.
IMPLICIT = {"implicit-runtime-public": "warning"}


@pytest.mark.parametrize(
    ("firewall", "runtimes", "expected"),
    [
        (CLOSED, (AZURE,), {"managed-runtime-missing": "error", "runtime-unsupported": "error", **IMPLICIT}),
        (CLOSED, (INSIDE,), IMPLICIT),
        (CLOSED, (MANAGED, AZURE), {"runtime-unsupported": "warning"}),
        (CLOSED, (SELF_HOSTED,), {"managed-runtime-missing": "error", "own-endpoints-unreadable": "info", **IMPLICIT}),
        (CLOSED, (MANAGED, SELF_HOSTED), {"own-endpoints-unreadable": "info"}),
        (CLOSED, (MANAGED, SSIS), {"ssis-outside-the-matrix": "info"}),
        (CLOSED, (), {"managed-runtime-missing": "error", **IMPLICIT}),
        (INGESTION, (AZURE,), {}),
        (INGESTION, (SELF_HOSTED,), {"own-endpoints-unreadable": "info"}),
        (OPEN, (AZURE, SELF_HOSTED), {"firewall-open": "info"}),
    ],
)
def test_the_matrix_over_the_runtimes(firewall, runtimes, expected):
    """Every runtime gets its cell, and together they decide how bad it is."""
    check = checking.check(a_situation(account=an_account(firewall=firewall), runtimes=runtimes))
    assert codes(check) == expected
    assert [one.name for one in check.runtimes] == [one.name for one in runtimes]
    assert check.ok == ("error" not in expected.values())


def test_an_unknown_firewall_decides_nothing():
    """Without Reader on the account no runtime is called supported or not."""
    check = checking.check(a_situation(account=an_account(firewall=None, shape=None, targets=TARGETS[:1])))
    assert [one.supported for one in check.runtimes] == [None]
    assert check.ok


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"connected_to": None}, "not-connected"),
        ({"has_system_identity": False}, "no-system-identity"),
        ({"curator": CuratorSeen(holds_role=False)}, "data-curator-missing"),
        ({"connected_to": OTHER_ACCOUNT}, "connected-elsewhere"),
        ({"account": None}, "account-missing"),
        ({"endpoints": (an_endpoint(resource_id=OTHER_ACCOUNT),)}, "plan-conflict"),
        ({"networks": ("vnet-2",)}, "plan-conflict"),
        ({"permissions": held("*/read")}, "may-not-create"),
        ({"spec": a_spec(groups=("namespace",)), "account": an_account(shape="B", targets=TARGETS[:3])}, "unsupported-setup"),
        ({"spec": a_spec(account=None), "account": None, "connected_to": None}, "not-connected"),
    ],
)  # fmt: skip
def test_what_is_an_error(fields, code):
    """Each of these keeps the job from being done, and says what to do."""
    check = checking.check(a_situation(**fields))
    assert not check.ok
    assert codes(check)[code] == "error"
    assert all(finding.remedy for finding in check.findings)


def test_letter_case_of_the_connection_does_not_count():
    """Azure compares ids without it."""
    assert checking.check(a_situation(connected_to=ACCOUNT.upper())).ok


@pytest.mark.parametrize(
    ("fields", "code", "severity"),
    [
        ({"networks": ()}, "managed-network-missing", "warning"),
        ({"spec": a_spec(name="p" * 70)}, "name-may-be-too-long", "warning"),
        ({"permissions": held("*/read", "*/managedVirtualNetworks/*")}, "may-not-approve-storage", "info"),
        ({"endpoints": tuple(an_endpoint(f"e{n}", resource_id=f"{STORAGE}{n}") for n in range(4600))}, "entity-limit", "warning"),
    ],
)  # fmt: skip
def test_what_does_not_stop_the_job(fields, code, severity):
    """Told, and the check is still fine."""
    check = checking.check(a_situation(**fields))
    assert check.ok
    assert codes(check)[code] == severity


def test_a_full_factory_has_no_room():
    """The endpoints that are to be made count, too."""
    full = tuple(an_endpoint(f"e{n}", resource_id=f"{STORAGE}{n}") for n in range(4998))
    check = checking.check(a_situation(endpoints=full))
    assert codes(check)["entity-limit"] == "error"


def test_a_shape_that_cannot_be_told_is_said_once():
    """The account's own finding says it; the plan that cannot be made adds nothing."""
    emulator = Emulator(shape="F")
    from purview_mpe import Client

    with Client(emulator.credential, transport=emulator.transport()) as client:
        check = client.check(spec_for(emulator))
    assert [finding.code for finding in check.findings if finding.severity == "error"] == ["shape-unknown"]


def test_what_is_done_needs_no_right():
    """With every endpoint made and approved a Reader's check is fine."""
    check = checking.check(a_situation(endpoints=ALL_ENDPOINTS, permissions=held("*/read")))
    assert check.ok
    assert codes(check) == {}


def test_the_right_to_connect_matters_only_before_the_connection():
    """A requester without it is told when the factory is not connected."""
    few = held("*/read", "Microsoft.DataFactory/factories/managedVirtualNetworks/*")
    assert "may-not-connect" not in codes(checking.check(a_situation(permissions=few)))
    assert codes(checking.check(a_situation(permissions=few, connected_to=None)))["may-not-connect"] == "warning"


def test_unreadable_parts_are_one_finding():
    """What may not be read is named, and judged neither way."""
    refused = ErrorDetail(code="access-denied", message="403", remedy="Ask.")
    everything = tuple(Gap(part, refused) for part in ("factory", "networks", "endpoints", "runtimes"))
    check = checking.check(
        a_situation(connected_to=None, networks=None, endpoints=None, runtimes=None, permissions={}, gaps=everything)
    )
    assert codes(check) == {"factory-unreadable": "error"}
    assert check.runtimes == ()
    runtimes_only = checking.check(a_situation(runtimes=None, gaps=everything[-1:]))
    assert codes(runtimes_only)["factory-unreadable"] == "warning"
    assert runtimes_only.ok


@given(
    runtimes=st.none() | st.lists(st.sampled_from((MANAGED, AZURE, SELF_HOSTED, SSIS)), max_size=4).map(tuple),
    firewall=st.none() | st.sampled_from((OPEN, INGESTION, CLOSED)),
    endpoints=st.none() | st.lists(st.sampled_from(ALL_ENDPOINTS), unique=True).map(tuple),
    networks=st.none() | st.sampled_from(((), ("default",), ("other",))),
    connected_to=st.none() | st.sampled_from((ACCOUNT, OTHER_ACCOUNT)),
    actions=st.none() | st.sampled_from(((), ("*",), ("*/read",))),
)
def test_any_situation_is_judged(**found):
    """Never an exception; errors first; fine exactly if there is no error; and it survives a trip through JSON."""
    actions, account = found.pop("actions"), an_account(firewall=found.pop("firewall"))
    permissions = {} if actions is None else held(*actions)
    check = checking.check(a_situation(account=account, permissions=permissions, **found))
    severities = [("error", "warning", "info").index(finding.severity) for finding in check.findings]
    assert severities == sorted(severities)
    assert check.ok == (0 not in severities)
    assert Check.model_validate_json(check.model_dump_json()) == check


# --- the verb


@pytest.mark.parametrize("shape", "ABCDE")
def test_a_fresh_setup_is_fine_in_every_shape(colour, shape):
    """Reads only, and names every right that this shape's approval takes."""
    emulator = Emulator(shape=shape)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert check.ok
    assert check.account == str(emulator.account)
    steps = {right.step for right in check.rights}
    assert ("approve-ingestion" in steps) == (shape in "CDE")
    assert ("approve-storage" in steps) == (shape in "AB")
    assert ("approve-namespace" in steps) == (shape in "AD")
    assert not emulator.writes


def test_the_runtimes_of_a_factory(colour, emulator):
    """Each kind is told from the others by its properties."""
    for kind in ("azure", "self-hosted", "ssis"):
        emulator.add_runtime(emulator.factory, f"ir-{kind}", kind)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {one.name: (one.kind, one.supported) for one in check.runtimes} == {
        "AutoResolveIntegrationRuntime": ("azure-managed-vnet", True),
        "ir-azure": ("azure", False),
        "ir-self-hosted": ("self-hosted", True),
        "ir-ssis": ("ssis", None),
    }


def test_the_connected_account_is_checked_where_the_spec_names_none(colour, emulator):
    """As every verb does."""
    spec = spec_for(emulator).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert check.account == str(emulator.account)
    assert check.ok


def test_without_any_account_the_factory_is_checked(colour, emulator):
    """Not being connected is the finding, not an exception."""
    lonely = emulator.add_factory("lonely")
    spec = spec_for(emulator, factory=str(lonely)).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert check.account is None
    assert not check.ok
    assert "not-connected" in codes(check)
    assert {right.step for right in check.rights} == {"read-factory", "create", "delete", "connect", "read-runs"}


def test_a_missing_account_is_a_finding(colour, emulator):
    """And the factory is checked all the same."""
    emulator.remove(emulator.account)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert codes(check)["account-missing"] == "error"
    assert check.runtimes


def test_a_sign_in_that_ends_ends_it(colour, emulator):
    """401 is nobody's missing role, so that it is no gap."""
    emulator.inject(Fault.status("GET", 401, path="integrationRuntimes", times=None))
    with pytest.raises(AccessDenied) as raised:
        colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert raised.value.status == 401


def test_a_missing_factory_is_an_error(colour, emulator):
    """There is nothing to check."""
    spec = spec_for(emulator)
    emulator.remove(emulator.factory)
    with pytest.raises(NotFound):
        colour.run(emulator, lambda client: client.check(spec))


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status("GET", 403, path="Microsoft.Authorization/permissions", times=None),
        Fault.status("GET", 404, path="Microsoft.Authorization/permissions", times=None),
        Fault.body("GET", "html", path="Microsoft.Authorization/permissions", times=None),
        Fault.body("GET", b'{"value": 3}', path="Microsoft.Authorization/permissions", times=None),
        Fault.body(
            "GET",
            b'{"value": [], "nextLink": "https://example.com/x"}',
            path="Microsoft.Authorization/permissions",
            times=None,
        ),
    ],
    ids=["403", "404", "html", "no list", "leads elsewhere"],
)
def test_permissions_that_cannot_be_read_say_nothing(colour, emulator, fault):
    """Neither allowed nor forbidden; the rest of the check is done."""
    emulator.inject(fault)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights} == {None}
    assert check.ok


def test_permissions_come_in_pages(colour, emulator):
    """A list that goes on is followed; one that leads back to itself is given up."""
    path = f"{emulator.account}/providers/Microsoft.Authorization/permissions"
    link = f"https://management.azure.com{path}?api-version=2022-04-01"
    first = ('{"value": [{"actions": []}, 7], "nextLink": "%s"}' % link).encode()  # noqa: UP031 - braces
    emulator.inject(Fault.body("GET", first, path=path, times=1))
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights} == {True}
    emulator.inject(Fault.body("GET", first, path=path, times=None))
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights if right.scope == str(emulator.account)} == {None}


def test_something_that_is_no_account_is_connected(colour, emulator):
    """A connection to something else is shown as what it is: no account of that id."""
    odd = emulator.add_factory("odd", purview_account="/subscriptions/x")
    spec = spec_for(emulator, factory=str(odd)).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert codes(check)["account-missing"] == "error"
