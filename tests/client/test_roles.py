"""Every verb for four kinds of callers: it works, does part of the work, or explains the missing right."""

from __future__ import annotations

import pytest

from purview_mpe import errors
from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for


def results(report):
    return sorted({outcome.result for outcome in report.outcomes})


def elsewhere(spec):
    """The spec with the emulator's second account."""
    return spec.model_copy(update={"account": spec.account.replace("pv1", "pv2")})


#: The call of each verb, and the part of its answer that is compared.
VERBS = {
    "discover": (lambda client, spec: client.discover(spec.account), lambda account: account.shape),
    "check": (lambda client, spec: client.check(spec), lambda check: check.ok),
    "plan": (lambda client, spec: client.plan(spec), lambda plan: [step.action for step in plan.steps]),
    "apply": (lambda client, spec: client.apply(spec), results),
    "create_all": (lambda client, spec: client.create_all(spec, approve=True), results),
    "approve": (lambda client, spec: client.approve(spec, timeout=60), results),
    "reject": (lambda client, spec: client.reject(spec, timeout=60), results),
    "status": (lambda client, spec: client.status(spec), lambda status: status.ready),
    "delete_all": (lambda client, spec: client.delete_all(spec), results),
    "connect": (lambda client, spec: client.connect(spec, replace=True), results),
    "reconnect": (lambda client, spec: client.connect(elsewhere(spec), replace=True), results),
    "watch": (lambda client, spec: client.watch(spec, timeout=20), lambda seen: [status.ready for status in seen]),
    "create_many": (lambda client, spec: client.create_many([spec], approve=True), lambda fleet: fleet.counts),
    "diagnose": (lambda client, spec: client.diagnose(spec), lambda diagnosis: bool(diagnosis.findings)),
    "orphans": (
        lambda client, spec: client.orphans(spec.account),
        lambda orphans: [row.certain for row in orphans.connections],
    ),
}

#: Expected answers with four pending endpoints. A class of error means that the verb raises it.
DENIED = errors.AccessDenied
EXPECTED = {
    "none": {
        "discover": None,
        "check": False,
        "plan": DENIED,
        "apply": DENIED,
        "create_all": DENIED,
        # The caller could decide only the account's own connections, and cannot read them.
        "approve": ["handed-off"],
        "reject": ["handed-off"],
        "status": DENIED,
        "delete_all": DENIED,
        "connect": DENIED,
        "reconnect": DENIED,
        "watch": DENIED,
        "create_many": {"failed": 1},
        "diagnose": True,
        "orphans": [],
    },
    "reader": {
        "discover": "A",
        "check": True,
        "plan": ["keep"] * 4,
        "apply": ["kept"],
        "create_all": ["handed-off", "kept"],
        "approve": ["handed-off"],
        "reject": ["handed-off"],
        "status": False,
        "delete_all": ["failed"],
        "connect": ["already-connected"],
        "reconnect": ["failed"],
        "watch": [False],
        "create_many": {"kept": 4, "handed-off": 4},
        "diagnose": True,
        "orphans": [],
    },
    "requester": {
        "discover": "A",
        "check": True,
        "plan": ["keep"] * 4,
        "apply": ["kept"],
        "create_all": ["handed-off", "kept"],
        "approve": ["handed-off"],
        "reject": ["handed-off"],
        "status": False,
        "delete_all": ["deleted"],
        "connect": ["already-connected"],
        "reconnect": ["connected"],
        "watch": [False],
        "create_many": {"kept": 4, "handed-off": 4},
        "diagnose": True,
        "orphans": [],
    },
    "approver": {
        "discover": "A",
        "check": False,
        "plan": DENIED,
        "apply": DENIED,
        "create_all": DENIED,
        "approve": ["approved"],
        "reject": ["rejected"],
        "status": DENIED,
        "delete_all": DENIED,
        "connect": DENIED,
        "reconnect": DENIED,
        "watch": DENIED,
        "create_many": {"failed": 1},
        "diagnose": True,
        # The caller cannot read the factory, so its connections are not certain to be left over.
        "orphans": [False] * 4,
    },
}


@pytest.mark.untraced
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("person", EXPECTED)
def test_each_verb_respects_the_callers_roles(colour, person, verb):
    """The verb does what the caller is allowed to do and reports the rest as access-denied."""
    emulator = Emulator()
    emulator.add_account("pv2")
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.create_all(spec))
    writes = len(emulator.writes)
    act, look = VERBS[verb]
    expected = EXPECTED[person][verb]
    if expected is DENIED:
        with pytest.raises(DENIED) as raised:
            colour.run(emulator, lambda client: act(client, spec), roles=(person,))
        assert raised.value.status == 403
        assert "az role assignment create" in raised.value.remedy
    else:
        answer = colour.run(emulator, lambda client: act(client, spec), roles=(person,))
        assert look(answer) == expected
        reports = getattr(answer, "reports", (answer,))
        for outcome in (outcome for report in reports for outcome in getattr(report, "outcomes", ())):
            if outcome.result in {"failed", "handed-off"}:
                assert outcome.error.code == "access-denied"
                assert outcome.error.remedy
    if person in {"none", "reader"}:
        assert not [
            request for request in emulator.writes[writes:] if request.status < 400 and request.method != "POST"
        ]


# A fleet does not raise: the report holds each factory's error.
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "create_many"])
def test_no_verb_registers_a_resource_provider(colour, emulator, verb):
    """Even if a read fails because the provider is not registered, the library only names the command."""
    spec = spec_for(emulator)
    for namespace in ("Microsoft.Purview", "Microsoft.DataFactory"):
        emulator.unregister(namespace)
    act, _ = VERBS[verb]
    with pytest.raises(errors.AzureError) as raised:
        colour.run(emulator, lambda client: act(client, spec))
    assert raised.value.azure_code == "MissingSubscriptionRegistration"
    assert "az provider register --namespace Microsoft." in raised.value.remedy
    assert not [request.path for request in emulator.requests if "register" in request.path]
