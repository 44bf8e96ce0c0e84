"""Both example apps under Microsoft's runtime for Functions: `python -m tests.functions_host`.

Both persons use the app for one factory. A fleet is started, approved and read over HTTP three times: once without a
failure, once with a worker killed while it writes, and once with the host and all its workers killed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purview_mpe import Client, FleetReport, Spec
from purview_mpe.emulator import Emulator
from tests.functions_host.host import Host
from tests.support.durable_fleet import factories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPS = Path(__file__).resolve().parents[2] / "docs" / "examples"
#: Seconds after which a hanging trial ends.
NEVER = 600.0


def main() -> None:
    """Run all trials, and print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--factories", type=int, default=8)
    parser.add_argument("--large", type=int, default=44, help="factories of the fleet whose pages keep the reports")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    for person, use in (("requester", _requester), ("approver", _approver)):
        _one_factory(person, use)
    for kill in ("nothing", "worker", "host"):
        _fleet(given.factories, kill, approval="when-told")
    _fleet(given.large, "worker", approval="at-once")


def asked(method: str, url: str, body: bytes | None = None) -> tuple[int, Any]:
    """Status and body of an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
    finally:
        connection.close()
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode()


def say(text: str) -> None:
    """Print one line of the results."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- the app for one factory


def _one_factory(person: str, use: Callable[[Host], None]) -> None:
    azure = Emulator(provisioning=1)
    if person == "approver":
        spec = Spec(factory=str(azure.factory), account=str(azure.account), name="purview")
        Client(azure.credential, transport=azure.transport()).create_all(spec)
    with azure.serve() as server, _app("function_app") as (app, folder):
        settings = {
            "PURVIEW_MPE_PERSON": person,
            "PURVIEW_MPE_FACTORY": str(azure.factory),
            "PURVIEW_MPE_ACCOUNT": str(azure.account),
            "PURVIEW_MPE_NAME": "purview",
            "PURVIEW_MPE_SCHEDULE": "0 0 * * * *",
            "PURVIEW_MPE_ENDPOINT": server.url,
            "PURVIEW_MPE_CA_FILE": str(server.ca_file),
        }
        with Host(app, settings, folder) as host:
            use(host)
            say(f"function_app as {person}: {sorted(host.workers.functions())}")


def _requester(host: Host) -> None:
    assert asked("GET", f"{host.url}/api/plan")[0] == 401
    for method, name in (("GET", "plan"), ("POST", "create"), ("POST", "create"), ("GET", "status")):
        status, body = asked(method, f"{host.url}/api/{name}?code=key", b"" if method == "POST" else None)
        assert status == 200, (name, status, body)
    host.fire("drift")


def _approver(host: Host) -> None:
    status, body = asked("POST", f"{host.url}/api/approve?code=key", b"")
    assert status == 200, (status, body)
    assert asked("POST", f"{host.url}/api/approve?code=key&dry_run=maybe", b"")[0] == 400


# --- fleets


def _fleet(count: int, kill: str, *, approval: str) -> None:
    azure = Emulator(provisioning=3, request_log=10)
    writes, by, half = Counter[str](), Counter[str](), threading.Event()

    def wrote(exchange: Any) -> None:
        if exchange.method == "PUT" and exchange.status == 200 and "managedPrivateEndpoints" in exchange.url:
            writes[exchange.url.partition("?")[0].casefold()] += 1
            by[exchange.headers["user-agent"].partition(" ")[0]] += 1
            if writes.total() >= 2 * count and not half.is_set():
                half.set()
                if kill == "worker":
                    # The activity is still waiting for this answer, so it cannot have ended.
                    hosts[-1].workers.kill(exchange.headers["user-agent"].partition(" ")[0])

    azure.observe(wrote)
    specs = factories(azure, count, 2)
    hosts: list[Host] = []
    with azure.serve() as server, _app("fleet_app") as (app, folder), contextlib.ExitStack() as open_hosts:
        (app / "function_app.py").write_text(_CONNECTED, encoding="utf-8")
        settings = {
            "PURVIEW_MPE_ENDPOINT": server.url,
            "PURVIEW_MPE_CA_FILE": str(server.ca_file),
            "PURVIEW_MPE_APPROVAL": approval,
            "PURVIEW_MPE_SHARE": "0.5",
        }
        hosts.append(open_hosts.enter_context(Host(app, settings, folder, 2)))
        body = {"specs": [spec.model_dump(mode="json") for spec in specs], "poll_seconds": 1, "silence_seconds": 60}
        began = time.monotonic()
        url = f"{hosts[-1].url}/api/fleets?code=key&id=trial"
        status, answer = asked("POST", url, json.dumps(body).encode())
        assert (status, answer) == (202, {"id": "trial"}), (status, answer)
        assert asked("POST", url, json.dumps(body).encode())[0] == 409
        if kill == "host":
            assert half.wait(NEVER)
            hosts[-1].close()
            hosts.append(open_hosts.enter_context(Host(app, settings, folder, 2)))
        report = _followed(hosts[-1], began + NEVER, approval)
        assert report.complete, report
        assert [each.spec for each in report.reports] == specs
        assert len(writes) == len(azure.endpoints()) == 4 * count
        assert set(writes.values()) == {1}
        say(
            f"fleet_app, {count} factories, {approval}, killed: {kill}: {time.monotonic() - began:.0f} s, "
            f"{dict(report.counts)}, written by {dict(by)}, largest contexts {hosts[-1].durable.largest}"
        )


def _followed(host: Host, until: float, approval: str) -> FleetReport:
    """The report of the fleet, which is approved when it asks."""
    one, decided = f"{host.url}/api/fleets/trial", approval != "when-told"
    while time.monotonic() < until:
        status, look = asked("GET", f"{one}?code=key&whole=true")
        assert status == 200, look
        if look["state"] == "Completed":
            return FleetReport.model_validate(look["report"])
        assert look["state"] in {"Pending", "Running"}, look
        if not decided and (look["status"] or {}).get("phase") == "waiting-for-approval":
            assert asked("POST", f"{one}/approval?code=key", b"perhaps")[0] == 400
            assert asked("POST", f"{one}/approval?code=key", b"true")[0] == 202
            decided = True
        time.sleep(0.2)
    raise AssertionError("the fleet did not end")


@contextlib.contextmanager
def _app(name: str) -> Iterator[tuple[Path, Path]]:
    """A copy of an example app, and a folder for its host."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(APPS / name, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            yield folder / "app", folder
        except BaseException:
            if (log := folder / "workers.log").exists():
                sys.stderr.write(log.read_text(encoding="utf-8")[-4000:])
            raise


#: The app's entry point, with the worker's name in each request, so that the trial knows which one to kill.
_CONNECTED = """
import os
from fleets.doors import build
from purview_mpe import Budget, Client
from purview_mpe.emulator import Emulator

def connect(settings, identity):
    return Client(
        Emulator(empty=True).credential,
        endpoint=settings.endpoint,
        connection_verify=settings.ca_file,
        budget=Budget(settings.share),
        user_agent=os.environ["WEBSITE_INSTANCE_ID"],
    )

app = build(os.environ, connect)
"""

if __name__ == "__main__":
    main()
