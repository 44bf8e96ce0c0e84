"""The judge itself: it reports a deliberately broken emulator and accepts the correct one.

Needs oav and the OpenAPI files: `nox -s conformance -- --specs DIR` provides both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from purview_mpe.emulator import Emulator, Fault

from .judging import judge
from .recorder import live_pair
from .test_traffic import ask

SPECS, OAV = (os.environ.get(f"PURVIEW_MPE_CONFORMANCE_{name}") for name in ("SPECS", "OAV"))

pytestmark = pytest.mark.skipif(not (SPECS and OAV), reason="runs in: nox -s conformance -- --specs DIR")


def put_in(place: str, value: object) -> Any:
    """A change of an answer: a value at a place such as `properties.connectionState.status`."""

    def change(body: Any) -> Any:
        at = body
        *way, last = place.split(".")
        for key in way:
            at = at[key]
        at[last] = value
        return body

    return change


def without(place: str) -> Any:
    """A change of an answer: the value at a place is removed."""

    def change(body: Any) -> Any:
        *way, last = place.split(".")
        at = body
        for key in way:
            at = at[key]
        del at[last]
        return body

    return change


def violations_of(*faults: Fault) -> str:
    """The judge's violations when an endpoint is created, and it and the account are read, while faults occur."""
    emulator, seen = Emulator(), []
    for fault in faults:
        emulator.inject(fault)
    emulator.observe(lambda exchange: seen.append({"faulty": exchange.is_faulty, **live_pair(exchange)}))
    network = f"{emulator.factory}/managedVirtualNetworks/default"
    body = {"properties": {"privateLinkResourceId": str(emulator.account), "groupId": "account", "fqdns": []}}
    ask(emulator, "PUT", f"{network}/managedPrivateEndpoints/purview", "2018-06-01", body)
    emulator.clock.sleep(200)
    ask(emulator, "GET", f"{network}/managedPrivateEndpoints/purview", "2018-06-01")
    ask(emulator, "GET", str(emulator.account), "2024-04-01-preview")
    ask(emulator, "GET", f"{emulator.account}/privateEndpointConnections", "2024-04-01-preview")
    return "\n".join(judge(seen, Path(str(SPECS)), Path(str(OAV)), faulty_too=True).violations)


def test_correct_emulator_passes():
    """Without faults the judge reports nothing."""
    assert violations_of() == ""


ENDPOINT, ACCOUNT = "*/managedPrivateEndpoints/purview", "*/accounts/pv1"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.rewrite("GET", put_in("properties.groupId", 7), path=ENDPOINT), "INVALID_TYPE"),
        (Fault.rewrite("GET", put_in("properties.friendlyName", 7), path=ACCOUNT), "INVALID_TYPE"),
        (Fault.rewrite("GET", put_in("properties.novelty", {}), path=ACCOUNT), "OBJECT_ADDITIONAL_PROPERTIES"),
        (Fault.status("PUT", 202, path=ENDPOINT), "INVALID_RESPONSE_CODE"),
        (Fault.status("GET", 202, path=ACCOUNT), "INVALID_RESPONSE_CODE|INVALID_TYPE"),
        (Fault.rewrite("GET", put_in("id", "/somewhere/else"), path=ACCOUNT), "the id is not the path"),
        (Fault.rewrite("GET", put_in("name", "other"), path=ENDPOINT), "the name is not the last part of the id"),
        (Fault.rewrite("GET", without("type"), path=ENDPOINT), "the type is not that of the path"),
        (Fault.rewrite("GET", put_in("properties.provisioningState", "Bored"), path=ENDPOINT), "provisioning state"),
        (Fault.rewrite("GET", without("properties.connectionState"), path=ENDPOINT), "there is no connection state"),
        (
            Fault.rewrite("GET", put_in("properties.connectionState.status", "Maybe"), path=ENDPOINT),
            "an unknown connection state",
        ),
    ],
)
def test_broken_emulator_is_reported(fault, expected):
    """A wrong type, an unknown property, a wrong status, a wrong id, name, type or state: each is a violation."""
    violations = violations_of(fault)
    assert any(word in violations for word in expected.split("|"))


def test_an_exchange_that_matches_no_operation_is_a_violation():
    """A path that no file contains does not pass."""
    emulator, seen = Emulator(), []
    emulator.observe(lambda exchange: seen.append(live_pair(exchange)))
    ask(emulator, "GET", f"{emulator.account}/inventions", "2024-04-01-preview")
    assert "OPERATION_NOT_FOUND" in "\n".join(judge(seen, Path(str(SPECS)), Path(str(OAV))).violations)
