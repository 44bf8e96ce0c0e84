"""The verb `check`: whether everything is in place before anything is written."""

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


def test_check_without_problems_has_no_findings():
    """With everything in place, the check is ok and every right is allowed."""
    check = checking.check(a_situation())
    assert check.ok
    assert codes(check) == {}
    assert [(one.name, one.supported, one.managed_groups) for one in check.runtimes] == [
        (MANAGED.name, True, ("account", "blob", "queue", "namespace"))
    ]
    assert {right.allowed for right in check.rights} == {True}


#: The finding for AutoResolveIntegrationRuntime, which every factory has even if the list does not show it.
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
def test_findings_follow_the_support_matrix(firewall, runtimes, expected):
    """Each runtime has its cell of the matrix, and together the cells decide the severity."""
    check = checking.check(a_situation(account=an_account(firewall=firewall), runtimes=runtimes))
    assert codes(check) == expected
    assert [one.name for one in check.runtimes] == [one.name for one in runtimes]
    assert check.ok == ("error" not in expected.values())


def test_unknown_firewall_leaves_support_unknown():
    """Without Reader on the account, a runtime is called neither supported nor unsupported."""
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
def test_blocking_problems_are_errors(fields, code):
    """Each of these problems blocks the setup, and its finding says what to do."""
    check = checking.check(a_situation(**fields))
    assert not check.ok
    assert codes(check)[code] == "error"
    assert all(finding.remedy for finding in check.findings)


def test_letter_case_of_the_connected_account_does_not_matter():
    """Azure compares ids without regard to letter case."""
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
def test_other_problems_leave_the_check_ok(fields, code, severity):
    """The finding is a warning or information, and the check is still ok."""
    check = checking.check(a_situation(**fields))
    assert check.ok
    assert codes(check)[code] == severity


def test_planned_endpoints_count_toward_the_entity_limit():
    """A factory that is nearly full has no room for the endpoints of the plan."""
    full = tuple(an_endpoint(f"e{n}", resource_id=f"{STORAGE}{n}") for n in range(4998))
    check = checking.check(a_situation(endpoints=full))
    assert codes(check)["entity-limit"] == "error"


def test_unknown_shape_is_reported_once():
    """The account's own finding reports it; the missing plan adds no finding."""
    emulator = Emulator(shape="F")
    from purview_mpe import Client

    with Client(emulator.credential, transport=emulator.transport()) as client:
        check = client.check(spec_for(emulator))
    assert [finding.code for finding in check.findings if finding.severity == "error"] == ["shape-unknown"]


def test_finished_setup_needs_no_rights():
    """With every endpoint created and approved, the check of a Reader is ok."""
    check = checking.check(a_situation(endpoints=ALL_ENDPOINTS, permissions=held("*/read")))
    assert check.ok
    assert codes(check) == {}


def test_missing_right_to_connect_is_reported_only_if_not_connected():
    """A requester without the right gets the finding only for a factory without a connection."""
    few = held("*/read", "Microsoft.DataFactory/factories/managedVirtualNetworks/*")
    assert "may-not-connect" not in codes(checking.check(a_situation(permissions=few)))
    assert codes(checking.check(a_situation(permissions=few, connected_to=None)))["may-not-connect"] == "warning"


def test_unreadable_parts_give_one_finding():
    """Parts that the caller cannot read are named in one finding and are not judged."""
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
    """No exception, errors first, ok exactly if there are no errors, and the result survives JSON."""
    actions, account = found.pop("actions"), an_account(firewall=found.pop("firewall"))
    permissions = {} if actions is None else held(*actions)
    check = checking.check(a_situation(account=account, permissions=permissions, **found))
    severities = [("error", "warning", "info").index(finding.severity) for finding in check.findings]
    assert severities == sorted(severities)
    assert check.ok == (0 not in severities)
    assert Check.model_validate_json(check.model_dump_json()) == check


# --- the verb


@pytest.mark.parametrize("shape", "ABCDE")
def test_fresh_setup_is_ok_in_every_shape(colour, shape):
    """The check only reads, and lists every right that the approval of this shape needs."""
    emulator = Emulator(shape=shape)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert check.ok
    assert check.account == str(emulator.account)
    steps = {right.step for right in check.rights}
    assert ("approve-ingestion" in steps) == (shape in "CDE")
    assert ("approve-storage" in steps) == (shape in "AB")
    assert ("approve-namespace" in steps) == (shape in "AD")
    assert not emulator.writes


def test_kinds_of_runtimes_are_recognised(colour, emulator):
    """The properties of a runtime decide its kind."""
    for kind in ("azure", "self-hosted", "ssis"):
        emulator.add_runtime(emulator.factory, f"ir-{kind}", kind)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {one.name: (one.kind, one.supported) for one in check.runtimes} == {
        "AutoResolveIntegrationRuntime": ("azure-managed-vnet", True),
        "ir-azure": ("azure", False),
        "ir-self-hosted": ("self-hosted", True),
        "ir-ssis": ("ssis", None),
    }


def test_spec_without_account_uses_the_connected_account(colour, emulator):
    """`check` uses the connected account, as every verb does."""
    spec = spec_for(emulator).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert check.account == str(emulator.account)
    assert check.ok


def test_spec_without_any_account_still_checks_the_factory(colour, emulator):
    """A factory without a connection gives a finding, not an exception."""
    lonely = emulator.add_factory("lonely")
    spec = spec_for(emulator, factory=str(lonely)).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert check.account is None
    assert not check.ok
    assert "not-connected" in codes(check)
    assert {right.step for right in check.rights} == {"read-factory", "create", "delete", "connect", "read-runs"}


def test_missing_account_is_a_finding(colour, emulator):
    """The factory is checked all the same."""
    emulator.remove(emulator.account)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert codes(check)["account-missing"] == "error"
    assert check.runtimes


def test_401_raises_access_denied(colour, emulator):
    """A 401 means that the sign-in failed, not that a role is missing, so it is not reported as a gap."""
    emulator.inject(Fault.status("GET", 401, path="integrationRuntimes", times=None))
    with pytest.raises(AccessDenied) as raised:
        colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert raised.value.status == 401


def test_missing_factory_raises_not_found(colour, emulator):
    """Without the factory, `check` has nothing to judge."""
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
def test_unreadable_permissions_leave_rights_unknown(colour, emulator, fault):
    """The rights are neither allowed nor denied, and the rest of the check runs."""
    emulator.inject(fault)
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights} == {None}
    assert check.ok


def test_permissions_are_read_page_by_page(colour, emulator):
    """Pages are followed; a list that leads back to itself is given up."""
    path = f"{emulator.account}/providers/Microsoft.Authorization/permissions"
    link = f"https://management.azure.com{path}?api-version=2022-04-01"
    first = ('{"value": [{"actions": []}, 7], "nextLink": "%s"}' % link).encode()  # noqa: UP031 - braces
    emulator.inject(Fault.body("GET", first, path=path, times=1))
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights} == {True}
    emulator.inject(Fault.body("GET", first, path=path, times=None))
    check = colour.run(emulator, lambda client: client.check(spec_for(emulator)))
    assert {right.allowed for right in check.rights if right.scope == str(emulator.account)} == {None}


def test_connection_to_another_kind_of_resource_is_account_missing(colour, emulator):
    """A factory that is connected to something other than an account gets the finding account-missing."""
    odd = emulator.add_factory("odd", purview_account="/subscriptions/x")
    spec = spec_for(emulator, factory=str(odd)).model_copy(update={"account": None})
    check = colour.run(emulator, lambda client: client.check(spec))
    assert codes(check)["account-missing"] == "error"
