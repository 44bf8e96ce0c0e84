"""What the library relies on in Azure: checked on the emulator always, and on a real subscription by `nox -s live`.

On Azure the test touches only one endpoint, whose name is made for the run, and always deletes it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.rest import HttpRequest

from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED = os.environ.get("PURVIEW_MPE_LIVE") == "create-and-delete" and all(
    os.environ.get(f"PURVIEW_MPE_LIVE_{what}") for what in ("FACTORY", "ACCOUNT")
)
MANAGEMENT = "https://management.azure.com"
PURVIEW = "2024-04-01-preview"


@dataclass(frozen=True)
class Arm:
    """Azure Resource Manager, or the emulator in its place."""

    transport: Any
    token: Any
    sleep: Any
    factory: str
    account: str
    name: str

    @property
    def endpoints(self) -> str:
        return f"{self.factory}/managedVirtualNetworks/default/managedPrivateEndpoints"

    @property
    def endpoint(self) -> str:
        return f"{self.endpoints}/{self.name}"

    def ask(self, method: str, path: str, body: Any = None, version: str = "2018-06-01") -> tuple[int, Any]:
        url = path if path.startswith("https://") else f"{MANAGEMENT}{path}?api-version={version}"
        headers = {"Authorization": f"Bearer {self.token()}"}
        request = HttpRequest(method, url, headers=headers, **({} if body is None else {"json": body}))
        answer = self.transport.send(request)
        return answer.status_code, json.loads(answer.content or b"null")

    def all_of(self, path: str, version: str = "2018-06-01") -> list[Any]:
        found: list[Any] = []
        link: str | None = path
        while link:
            status, page = self.ask("GET", link, version=version)
            assert status == 200, page
            found += page["value"]
            link = page.get("nextLink")
        return found

    def put(self, group: str = "account") -> tuple[int, Any]:
        properties = {"privateLinkResourceId": self.account, "groupId": group, "fqdns": []}
        return self.ask("PUT", self.endpoint, {"properties": properties})

    def until(self, look: Any, seconds: int = 1800) -> Any:
        """The first result of `look` that is not empty; it is called every ten seconds."""
        for _ in range(0, seconds, 10):
            if found := look():
                return found
            self.sleep(10)
        raise AssertionError("that took too long")


@pytest.fixture(params=["emulator", "azure"])
def arm(request: pytest.FixtureRequest) -> Iterator[Arm]:
    """First the emulator, then Azure if the environment allows it."""
    if request.param == "emulator":
        emulator = Emulator()
        scope = f"{MANAGEMENT}/.default"
        yield Arm(
            transport=emulator.transport(),
            token=lambda: emulator.credential.get_token(scope).token,
            sleep=emulator.clock.sleep,
            factory=str(emulator.factory),
            account=str(emulator.account),
            name="mpe-contract-0",
        )
        return
    if not ALLOWED:
        pytest.skip(
            "runs in: nox -s live, with PURVIEW_MPE_LIVE=create-and-delete and the ids of a factory and an account"
        )
    yield from azure()


def azure() -> Iterator[Arm]:
    """A real subscription; what the test made there is deleted afterwards."""
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import DefaultAzureCredential

    with DefaultAzureCredential() as credential, RequestsTransport() as transport:
        real = Arm(
            transport=transport,
            token=lambda: credential.get_token(f"{MANAGEMENT}/.default").token,
            sleep=time.sleep,
            factory=os.environ["PURVIEW_MPE_LIVE_FACTORY"],
            account=os.environ["PURVIEW_MPE_LIVE_ACCOUNT"],
            name=f"mpe-contract-{secrets.token_hex(4)}",
        )
        try:
            yield real
        finally:
            real.ask("DELETE", real.endpoint)


def test_the_life_of_an_endpoint(arm):
    """It is created at once, cannot be changed, appears at its target, and disappears after a DELETE."""
    assert arm.ask("GET", arm.endpoint)[0] in {400, 404}

    status, made = arm.put()
    assert status == 200
    assert made["id"].casefold() == arm.endpoint.casefold()
    assert made["name"].casefold() == arm.name
    assert made["properties"]["provisioningState"] == "Provisioning"
    assert set(made["properties"]["connectionState"].values()) == {""}
    assert made["properties"]["groupId"] == "account"

    assert arm.put()[0] == 200
    assert arm.put(group="portal")[0] == 400
    assert arm.name in [one["name"].casefold() for one in arm.all_of(arm.endpoints)]

    hidden = f"/{arm.factory.rpartition('/')[2]}.{arm.name}".casefold()

    def connections() -> list[Any]:
        listed = arm.all_of(f"{arm.account}/privateEndpointConnections", version=PURVIEW)
        return [one for one in listed if one["properties"]["privateEndpoint"]["id"].casefold().endswith(hidden)]

    (connection,) = arm.until(connections)
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Pending"

    def settled() -> Any:
        properties = arm.ask("GET", arm.endpoint)[1]["properties"]
        return properties if properties["provisioningState"] != "Provisioning" else None

    properties = arm.until(settled)
    assert properties["provisioningState"] == "Succeeded"
    assert properties["connectionState"]["status"] == "Pending"

    assert arm.ask("DELETE", arm.endpoint)[0] in {200, 204}
    arm.until(lambda: arm.name not in [one["name"].casefold() for one in arm.all_of(arm.endpoints)])
    assert arm.ask("DELETE", arm.endpoint)[0] in {200, 204}
