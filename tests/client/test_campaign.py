"""The fault campaign: every kind of fault at every request of the writing verbs, one at a time, in both clients.

A run with one transient fault ends in the right state by itself. It reports a permanent refusal, and the next run,
without the fault, ends in the right state.
"""

from __future__ import annotations

import pytest

from purview_mpe import errors
from purview_mpe.emulator import Emulator, Fault
from tests.support.colours import spec_for

#: Each kind of fault, as `Fault` constructor and arguments. All of them pass after one request.
FAULTS = {
    "429 with Retry-After": ("status", 429, {"retry_after": 2}),
    "429 with a huge Retry-After": ("status", 429, {"retry_after": 86_400}),
    "429 with nonsense": ("status", 429, {"retry_after": "soon"}),
    "408": ("status", 408, {}),
    "500": ("status", 500, {}),
    "500 although the work was done": ("status", 500, {"after": True}),
    "503 with Retry-After": ("status", 503, {"retry_after": 1}),
    "504 although the work was done": ("status", 504, {"after": True}),
    "reset before delivery": ("reset", None, {"before": True}),
    "reset after delivery": ("reset", None, {"before": False}),
    "slow": ("delay", 40, {}),
    "truncated body": ("body", "truncated", {}),
    "HTML body": ("body", "html", {}),
    "empty body": ("body", "empty", {}),
    "no list": ("body", b"{}", {}),
    "null": ("body", b"null", {}),
    "busy": ("status", 409, {"code": "StorageAccountOperationInProgress", "retry_after": 17}),
}
#: The request that fails: method and path pattern. Together these are all requests of the verbs.
PLACES = {
    "read the account": ("GET", "*/accounts/pv1"),
    "list the networks": ("GET", "*/managedVirtualNetworks"),
    "create the network": ("PUT", "*/managedVirtualNetworks/default"),
    "list the endpoints": ("GET", "*/managedPrivateEndpoints"),
    "create an endpoint": ("PUT", "*/managedPrivateEndpoints/purview_blob"),
    "delete an endpoint": ("DELETE", "*/managedPrivateEndpoints/purview_queue"),
    "list a target's connections": ("GET", "*/privateEndpointConnections"),
    "decide the account's connection": ("PUT", "*/accounts/pv1/privateEndpointConnections/*"),
    "decide a storage connection": ("PUT", "*/storageAccounts/*/privateEndpointConnections/*"),
    "decide the namespace's connection": ("PUT", "*/namespaces/*/privateEndpointConnections/*"),
    "list ingestion connections": ("GET", "*/ingestionPrivateEndpointConnections"),
    "decide an ingestion connection": ("POST", "*/ingestionPrivateEndpointConnectionStatus"),
}
#: Which places a verb visits, by shape of the account.
VISITED = {
    ("create_all", "A"): [name for name in PLACES if "ingestion" not in name and "delete" not in name],
    ("create_all", "C"): ["list ingestion connections", "decide an ingestion connection"],
    ("approve", "A"): [
        name for name in PLACES if name.startswith(("list the e", "list a", "decide")) and "inge" not in name
    ],
    ("approve", "C"): ["list ingestion connections", "decide an ingestion connection"],
    ("status", "A"): ["read the account", "list the endpoints", "list a target's connections"],
    ("delete_all", "A"): ["read the account", "list the endpoints", "delete an endpoint"],
}
#: One layer of retry allows this many requests for one fault: the pipeline's attempts.
ATTEMPTS = 4


def fault(kind, place):
    constructor, value, options = FAULTS[kind]
    method, path = PLACES[place]
    if (place, kind) == ("list a target's connections", "no list"):
        path = "*/accounts/pv1/privateEndpointConnections"  # other services omit the list if it is empty (spec)
    arguments = (method,) if value is None else (method, value)
    return getattr(Fault, constructor)(*arguments, path=path, **options)


def act(colour, emulator, verb, spec):
    def run(client):
        match verb:
            case "create_all":
                return client.create_all(spec, approve=True)
            case "approve":
                return client.approve(spec)
            case "status":
                return client.status(spec)
            case _:
                return client.delete_all(spec)

    return colour.run(emulator, run)


def prepared(colour, verb, shape):
    """An emulator in the state where the verb has all of its work to do."""
    emulator = Emulator(shape=shape, empty=False)
    if verb == "create_all":
        emulator.remove(emulator.factory)
        emulator.add_factory("df1", managed_vnet=False, purview_account=emulator.account)
    spec = spec_for(emulator)
    if verb in {"approve", "status", "delete_all"}:
        colour.run(emulator, lambda client: client.create_all(spec, approve=verb == "status"))
    return emulator, spec


def assert_right(emulator, verb, shape):
    """Assert the verb's result: each endpoint exists exactly once, and no foreign connection is approved."""
    endpoints = [(e.target.casefold(), e.group_id) for e in emulator.endpoints() if not e.reserved]
    assert len(endpoints) == len(set(endpoints)) == (0 if verb == "delete_all" else 4 if shape == "A" else 3)
    assert {c.status for c in emulator.connections() if c.factory is None} <= {"Pending"}
    if verb in {"create_all", "approve"}:
        assert {c.status for c in emulator.connections() if c.factory is not None} == {"Approved"}


def _may_happen(kind: str, place: str) -> bool:
    """True if Azure can answer this request so: only a write can be busy, and only a list can be missing."""
    if kind == "busy":
        return PLACES[place][0] != "GET"
    return kind != "no list" or place.startswith("list")


CASES = [
    pytest.param(verb, shape, place, kind, id=f"{verb}-{shape}-{place}-{kind}".replace(" ", "_"))
    for (verb, shape), places in VISITED.items()
    for place in places
    for kind in FAULTS
    if _may_happen(kind, place)
]


@pytest.mark.untraced
@pytest.mark.parametrize(("verb", "shape", "place", "kind"), CASES)
def test_single_fault_is_overcome(colour, verb, shape, place, kind):
    """A single transient fault does not change the result and costs at most one layer's attempts."""
    emulator, spec = prepared(colour, verb, shape)
    method, _ = PLACES[place]
    strike = fault(kind, place)
    emulator.inject(strike)
    before = len(emulator.requests)
    answer = act(colour, emulator, verb, spec)
    assert emulator._parts.faults.armed == [], "the fault never struck"
    if verb == "status":
        assert answer.ready
    else:
        answer.raise_for_failures()
    assert_right(emulator, verb, shape)
    writes = [r for r in emulator.requests[before:] if r.method == method and strike.fits(r.method, r.path)]
    if method != "GET":
        assert len({r.path for r in writes}) <= len(writes) <= len({r.path for r in writes}) + ATTEMPTS - 1


@pytest.mark.parametrize(
    "place", [place for place, (method, _) in PLACES.items() if method != "GET" and "delete" not in place]
)
def test_permanent_fault_is_reported_and_repaired_by_the_next_run(colour, place):
    """A permanent fault becomes an outcome after a bounded number of requests; a clean run finishes the job."""
    shape = "C" if "ingestion" in place else "A"
    emulator, spec = prepared(colour, "create_all", shape)
    method, path = PLACES[place]
    emulator.inject(Fault.status(method, 500, path=path, times=None))
    report = act(colour, emulator, "create_all", spec)
    assert not report.complete
    assert not report.succeeded
    struck = [(r.path, str(r.body)) for r in emulator.requests if r.method == method and r.status == 500]
    assert max(struck.count(one) for one in struck) <= ATTEMPTS
    emulator.clear_faults()
    report = act(colour, emulator, "create_all", spec)
    assert report.complete
    assert_right(emulator, "create_all", shape)


@pytest.mark.parametrize("place", ["read the account", "list the networks"])
def test_account_or_factory_that_cannot_be_read_ends_before_any_write(colour, place):
    """A read that never works is a typed error, and nothing is written."""
    emulator, spec = prepared(colour, "create_all", "A")
    method, path = PLACES[place]
    emulator.inject(Fault.status(method, 503, path=path, times=None))
    with pytest.raises(errors.AzureUnavailable):
        act(colour, emulator, "create_all", spec)
    assert not emulator.writes
