"""Whether the private endpoints that a self-hosted runtime needs exist."""

from __future__ import annotations

import pytest

from purview_mpe._model.matrix import INGESTION, OPEN
from purview_mpe._model.survey import OwnConnections, Runtime
from purview_mpe._rules import checking
from purview_mpe._rules.own_endpoints import own_connections, own_targets_of, seen_own
from purview_mpe._rules.ownership import Listing
from purview_mpe.errors import AccessDenied
from tests.support.nouns import GROUP, HIDDEN, TARGETS, a_connection, an_account, an_endpoint
from tests.support.situations import MANAGED, a_situation

HOSTED = Runtime("shir", "self-hosted")
OWN = f"{GROUP}/providers/Microsoft.Network/privateEndpoints"
DENIED = AccessDenied("Could not list.", remedy="Ask for Reader.", status=403)


def situation(**fields):
    """A closed account, and a factory with a self-hosted runtime."""
    return a_situation(**({"runtimes": (MANAGED, HOSTED)} | fields))


def listing(*names: str, status: str = "Approved", where: str = OWN, **fields) -> Listing:
    """The list of a target with these connections."""
    return Listing(tuple(a_connection(f"{where}/{name}", status, **fields) for name in names))


def judged(listings: dict[str, Listing], **fields) -> OwnConnections:
    """The judgement of these lists; a target that is not named has an empty list."""
    shown = {target.identity: listings.get(target.group_id, Listing()) for target in TARGETS}
    return own_connections(TARGETS, shown, situation(**fields))


ALL = {"account": listing("a"), "blob": listing("b", "c"), "queue": listing("b", "c"), "namespace": listing("d")}


def test_one_connection_per_group_id_is_enough():
    """Blob and queue share one list and need two connections in it."""
    assert judged(ALL) == OwnConnections(are_there=True)


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ({"account": Listing()}, "account"),
        ({"account": listing("a", status="Pending")}, "account"),
        ({"account": listing("df1.purview", where=HIDDEN)}, "account"),
        ({"account": listing("a", description="Requested by DataFactory:df1, Name:purview")}, "account"),
        ({"blob": listing("b"), "queue": listing("b")}, "blob, queue"),
        ({"blob": listing("b", "B"), "queue": listing("b", "B")}, "blob, queue"),
        ({"account": Listing(), "namespace": Listing(error=DENIED)}, "account"),
        ({"account": listing("studio-portal", "purview-PLATFORM")}, "account"),
        ({"blob": listing("x-blob", "y-blob"), "queue": listing("x-blob", "y-blob")}, "queue"),
        ({"blob": listing("x-queue"), "queue": listing("x-queue")}, "blob"),
        ({"blob": listing("x-table"), "queue": listing("x-table")}, "blob, queue"),
    ],
)
def test_missing_connections_are_named_by_group_id(changed, lacking):
    """Pending connections, Data Factory's own, and one of two do not count; absence is certain."""
    assert judged(ALL | changed) == OwnConnections(are_there=False, reason=lacking)


@pytest.mark.parametrize("names", [("x-blob", "x-queue"), ("x-queue", "b"), ("x-account", "x-portal"), ("b", "c", "d")])
def test_suffix_of_a_name_decides_the_group_id(names):
    """A connection whose name does not end in a group id of its target can serve any group id of the list."""
    assert judged(ALL | {"blob": listing(*names), "queue": listing(*names)}).are_there


def test_managed_endpoints_do_not_count():
    """The factory shows the exact ids of managed endpoints."""
    managed = an_endpoint(private_endpoint_id=f"{OWN}/a")
    assert judged(ALL, endpoints=(managed,)).are_there is False


def test_unreadable_target_leaves_the_answer_unknown():
    """The result is None, with Azure's message as the reason."""
    assert judged(ALL | {"namespace": Listing(error=DENIED)}) == OwnConnections(
        are_there=None, reason="Could not list."
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["account", "blob", "queue", "namespace"]),
        ({"runtimes": (MANAGED,)}, []),
        ({"runtimes": None}, []),
        ({"account": None}, []),
        ({"account": an_account(firewall=None)}, []),
        ({"account": an_account(firewall=OPEN)}, []),
        ({"account": an_account(firewall=INGESTION)}, ["blob", "queue", "namespace"]),
    ],
)
def test_only_targets_of_self_hosted_runtimes_are_read(fields, expected):
    """No target is read unless a self-hosted runtime needs it."""
    assert [target.group_id for target in own_targets_of(situation(**fields))] == expected


def test_no_targets_leave_the_situation_unchanged():
    """Without targets, the situation is returned as it is."""
    before = situation()
    assert seen_own(before, (), {}) is before


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"own": OwnConnections(are_there=True)}, True, None),
        ({"own": OwnConnections(are_there=False, reason="blob")}, False, "own-endpoints-needed"),
        ({"own": OwnConnections(are_there=None, reason="no")}, None, "own-endpoints-unreadable"),
        ({}, None, "own-endpoints-unreadable"),
        ({"account": an_account(firewall=OPEN)}, True, None),
        ({"account": an_account(firewall=None)}, None, None),
    ],
)
def test_private_endpoints_field_matches_the_finding(fields, expected, code):
    """Only self-hosted runtimes have the field; the finding says what is missing, or why the answer is unknown."""
    check = checking.check(situation(**fields))
    assert [one.private_endpoints for one in check.runtimes] == [None, expected]
    found = [one for one in check.findings if one.code.startswith("own-")]
    assert [one.code for one in found] == ([code] if code else [])
    assert all(one.cause and one.remedy for one in found)


def test_managed_runtimes_give_no_finding():
    """A factory without a self-hosted runtime needs no private endpoints of the customer."""
    assert not [one for one in checking.check(a_situation()).findings if one.code.startswith("own-")]
