"""The admin path, by which a running emulator is controlled from outside."""

import pytest
from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator, Fault, VirtualClock


@pytest.fixture
def admin(emulator):
    """Sends requests without a token."""
    import json

    transport = emulator.transport()

    def send(method, path, body=None):
        content = None if body is None else json.dumps(body)
        answer = transport.send(HttpRequest(method, f"https://management.azure.com/_emulator{path}", content=content))
        return answer.status_code, (answer.json() if answer.content else None)

    return send


def test_it_shows_ids_time_and_count(admin, emulator):
    """No token is needed; an empty emulator has no default ids."""
    status, shown = admin("GET", "")
    assert status == 200
    assert shown == {
        "subscription": emulator.subscription,
        "tenant": emulator.tenant,
        "factory": str(emulator.factory),
        "account": str(emulator.account),
        "now": 0,
        "requests": 0,
    }
    empty = Emulator(empty=True)
    answer = empty.transport().send(HttpRequest("GET", "https://management.azure.com/_emulator"))
    assert (answer.json()["factory"], answer.json()["account"]) == (None, None)


def test_admin_requests_are_not_in_the_log(admin, arm, emulator):
    """They are neither logged nor counted, and faults do not apply to them; the log can be read and cleared."""
    emulator.inject(Fault.status("*", 500, times=None))
    arm.get(emulator.factory)
    status, shown = admin("GET", "/requests")
    assert status == 200
    [logged] = shown["value"]
    assert (logged["method"], logged["path"], logged["status"]) == ("GET", str(emulator.factory), 500)
    assert emulator.request_count == 1
    for path in ("/_EMULATOR", "//_emulator/"):
        assert arm.get(path, version=None).status_code == 200
    assert len(emulator.requests) == 1
    assert admin("DELETE", "/requests") == (204, None)
    assert emulator.requests == []
    assert emulator.request_count == 0
    assert not any("_emulator" in route.template for route in emulator.routes)


def test_faults_can_be_injected(admin, arm, emulator):
    """A fault in JSON applies, is listed while it is active, and can be cleared."""
    assert admin("POST", "/faults", {"kind": "status", "method": "GET", "status": 503, "times": 2})[0] == 201
    assert arm.get(emulator.factory).status_code == 503
    [listed] = admin("GET", "/faults")[1]["value"]
    assert (listed["kind"], listed["status"], listed["times"]) == ("status", 503, 1)
    assert admin("DELETE", "/faults") == (204, None)
    assert arm.get(emulator.factory).status_code == 200
    status, shown = admin("POST", "/faults", {"kind": "meteor"})
    assert status == 400
    assert "must be one of" in shown["error"]["message"]


def test_the_owner_can_decide(admin, arm, emulator):
    """approve, reject and disconnect work by name; unknown names and decisions are refused."""
    arm.request_endpoint("p", emulator.account, "account")
    assert admin("POST", "/decisions", {"name": "p", "decision": "approve"})[0] == 404
    assert admin("POST", "/clock", {"advance": 100}) == (200, {"now": 100})
    assert admin("POST", "/decisions", {"name": "p", "decision": "approve", "factory": str(emulator.factory), "description": "ok"}) == (204, None)  # fmt: skip
    assert [e.status for e in emulator.endpoints()] == ["Approved"]
    for body in (
        {"name": "p", "decision": "maybe"},
        {"name": "p"},
        {"name": 5, "decision": "approve"},
        {"colour": "red"},
    ):
        assert admin("POST", "/decisions", body)[0] == 400


def test_foreign_connections_can_be_added(admin, emulator):
    """A foreign connection appears on a target, under the given name."""
    status, shown = admin(
        "POST", "/connections", {"target": str(emulator.account), "name": "theirs", "description": None}
    )
    assert (status, shown["name"], shown["endpoint"]) == (201, "theirs", None)
    assert shown in admin("GET", "/connections")[1]["value"]
    assert admin("POST", "/connections", {"target": f"{emulator.account}x"})[0] == 404
    assert admin("POST", "/connections", {})[0] == 400


def test_the_state_is_a_scenario(admin, emulator):
    """The document can be loaded."""
    status, shown = admin("GET", "/state")
    assert status == 200
    assert [e.name for e in Emulator.from_scenario(shown).endpoints()] == [e.name for e in emulator.endpoints()]


@pytest.mark.parametrize("body", [{}, {"advance": -1}, {"advance": "soon"}, {"advance": True}, {"advance": 1e300}])
def test_the_clock_moves_by_seconds_only(admin, body):
    """Anything but a number of seconds is a 400."""
    assert admin("POST", "/clock", body)[0] == 400


def test_a_custom_clock_is_moved_by_sleeping():
    """If the clock is not the emulator's own, moving it means sleeping on it."""

    class Mine:
        def __init__(self):
            self.inner = VirtualClock()

        def now(self):
            return self.inner.now()

        def sleep(self, seconds):
            self.inner.sleep(seconds)

    emulator = Emulator(clock=Mine())
    request = HttpRequest("POST", "https://management.azure.com/_emulator/clock", content='{"advance": 5}')
    assert emulator.transport().send(request).json() == {"now": 5}


def test_planned_faults_apply_to_the_endpoint(make_arm):
    """failed_provisioning ends as Failed, rejected_connection as Rejected; other requests are not affected."""
    emulator = Emulator()
    arm = make_arm(emulator)
    emulator.inject(Fault.failed_provisioning(path="/broken"))
    emulator.inject(Fault.rejected_connection(path="/unwanted"))
    arm.put(f"{emulator.factory}new", {"location": "x"})
    arm.request_endpoint("broken", emulator.account, "account")
    arm.request_endpoint("unwanted", emulator.account, "portal")
    emulator.clock.sleep(100)
    assert {e.name: (e.provisioning_state, e.status) for e in emulator.endpoints()} == {
        "broken": ("Failed", ""),
        "unwanted": ("Succeeded", "Rejected"),
    }
    assert emulator.faults == []


@pytest.mark.parametrize(("fault", "status", "code"), [(Fault.lock, 409, "ScopeLocked"), (Fault.policy, 403, "RequestDisallowedByPolicy")])  # fmt: skip
def test_lock_and_policy_as_faults(make_arm, fault, status, code):
    """One request meets a lock or a policy, and the next one does not."""
    emulator = Emulator()
    arm = make_arm(emulator)
    emulator.inject(fault("PUT"))
    refused = arm.request_endpoint("p", emulator.account, "account")
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert arm.request_endpoint("p", emulator.account, "account").status_code == 200
