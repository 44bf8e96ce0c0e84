"""Live progress in a cell, through IPython's own display functions, and a clean run of the tutorial."""

from __future__ import annotations

import asyncio
import re
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from purview_mpe import Client, ErrorDetail, Event, Outcome, aio
from purview_mpe.errors import PlanConflict
from purview_mpe.notebook import Progress, live, progress
from tests.support.colours import spec_for
from tests.support.networks import SHIR, a_place
from tests.support.nouns import ACCOUNT, FACTORY, STORAGE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notebooks.md"
TUTORIAL = PAGE.with_name("tutorial_notebook.ipynb")
SCRIPT = PAGE.with_name("notebook.py")


class Cell:
    """The content of a cell: IPython's messages, combined as a notebook combines them."""

    def __init__(self, publisher: CapturingDisplayPublisher) -> None:
        self.publisher = publisher

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.publisher.outputs)

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        """The latest content of each output, by its id."""
        shown: dict[str, dict[str, str]] = {}
        for message in self.messages:
            name = message["transient"]["display_id"]
            assert bool(message.get("update")) == (name in shown), "updates follow what they update"
            shown[name] = message["data"]
        return shown

    @property
    def only(self) -> dict[str, str]:
        (shown,) = self.outputs.values()
        return shown


@pytest.fixture
def cell(tmp_path, monkeypatch):
    """A running IPython whose display messages are kept."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.display_pub = CapturingDisplayPublisher(parent=shell)
    yield Cell(shell.display_pub)
    shell.configurables.clear()
    InteractiveShell.clear_instance()


def events(*kinds: str) -> list[Event]:
    """The events of a verb, as a client sends them."""

    def step(group_id: str, target: str, seconds: float) -> Event:
        name = f"purview_{group_id}"
        outcome = Outcome(name=name, group_id=group_id, resource_id=target, result="created")
        return Event(
            kind="step", verb="apply", seconds=seconds, message=f"{name}: created", factory=FACTORY, outcome=outcome
        )

    sent = {
        "started": Event(kind="started", verb="apply", seconds=0, message="apply started"),
        "blob": step("blob", STORAGE, 1),
        "account": step("account", ACCOUNT, 2),
        "waiting": Event(
            kind="waiting",
            verb="apply",
            seconds=3,
            message="Waiting for purview_blob",
            factory=FACTORY,
            pending=("purview_blob",),
        ),
        "retrying": Event(kind="retrying", verb="apply", seconds=4, message="<b>again</b>", factory=FACTORY),
        "finished": Event(kind="finished", verb="apply", seconds=90, message="apply finished"),
        "ended": Event(kind="finished", verb="apply", seconds=5, message="apply ended with AccessDenied"),
    }
    return [sent[kind] for kind in kinds]


def send(listener: Progress, *kinds: str) -> None:
    for event in events(*kinds):
        listener(event)


# --- progress


def test_create_all_has_one_output(cell, emulator):
    """A verb has one output, which is redrawn as it runs and ends as the picture of the result."""
    spec = spec_for(emulator)
    with Client(emulator.credential, transport=emulator.transport(), on_event=progress()) as client:
        client.create_all(spec, approve=True)
    assert len(cell.messages) > 4
    assert "create_all" in cell.only["text/plain"]
    markup = cell.only["text/html"]
    for word in (
        "create_all finished after 1:36: 4 created, 4 approved",
        "df1",
        "purview_namespace",
        "created, approved",
    ):
        assert word in markup
    assert markup.count("<svg") == 1
    assert any("under way" in message["data"]["text/html"] for message in cell.messages[:-1])
    assert ", under way<" not in markup


def test_reading_verbs_show_nothing(cell, emulator):
    """A verb that only reads, or fails before it writes, shows no progress."""
    spec = spec_for(emulator)
    emulator.add_endpoint(emulator.factory, "purview", str(emulator.add_account("other")), "account")
    with Client(emulator.credential, transport=emulator.transport(), on_event=progress()) as client:
        client.plan(spec)
        client.status(spec)
        with pytest.raises(PlanConflict):
            client.create_all(spec)
    assert cell.messages == []


def test_each_run_has_its_own_output(cell):
    """The second run of a verb does not overwrite the output of the first."""
    listener = progress()
    send(listener, "started", "account", "finished", "started", "blob", "finished")
    first, second = cell.outputs.values()
    assert "purview_account" in first["text/html"]
    assert "purview_account" not in second["text/html"]


def test_event_after_the_end_starts_a_new_output(cell):
    """Such an event can come from another client with the same listener."""
    listener = progress()
    send(listener, "account", "finished", "blob")
    assert len(cell.outputs) == 2


def test_pending_endpoints_are_shown_by_name(cell):
    """The picture shows the endpoints in progress, and its title shows the elapsed time."""
    listener = progress()
    send(listener, "started", "blob", "account", "waiting")
    markup = cell.only["text/html"]
    assert "* created, under way" in markup
    assert "apply, 0:03: Waiting for purview_blob" in markup
    assert markup.index(">purview_account<") < markup.index(">purview_blob<"), "the portal's order, not that of events"
    send(listener, "blob")
    assert "created, under way" not in cell.only["text/html"]


def test_waiting_before_the_first_step_names_the_endpoint(cell):
    """A verb that begins with a wait names the pending endpoint."""
    send(progress(), "started", "waiting")
    assert "Waiting for purview_blob" in cell.only["text/html"]
    assert "<rect" not in cell.only["text/html"]


def test_messages_are_shown_as_text(cell):
    """The browser does not interpret markup in a server's message."""
    send(progress(), "started", "retrying")
    assert "&lt;b&gt;again&lt;/b&gt;" in cell.only["text/html"]
    assert "<b>again</b>" in cell.only["text/plain"]


@pytest.mark.parametrize(
    ("kinds", "mark"),
    [
        (("account",), "*"),
        (("account", "finished"), "&gt;"),
        (("account", "ended"), "x"),
    ],
)
def test_end_of_a_verb_is_marked(cell, kinds, mark):
    """Running, finished and interrupted differ by symbol."""
    send(progress(), "started", *kinds)
    assert f">{mark} apply" in cell.only["text/html"]


@pytest.mark.parametrize("client", [Client, aio.Client])
def test_created_and_unapproved_endpoints_are_not_shown_as_done(cell, emulator, client):
    """A creation ends green only if every connection is approved; the state of existing ones is unknown."""
    spec = spec_for(emulator)

    async def later(**options: Any) -> None:
        async with aio.Client(
            emulator.async_credential, transport=emulator.async_transport(), on_event=progress()
        ) as one:
            await one.create_all(spec, **options)

    def create(**options: Any) -> str:
        if client is aio.Client:
            asyncio.run(later(**options))
        else:
            with Client(emulator.credential, transport=emulator.transport(), on_event=progress()) as one:
                one.create_all(spec, **options)
        *_, last = cell.outputs.values()
        return re.search(r">(\S+ create_all finished after [^<]*)<", last["text/html"])[1]

    assert create() == "&gt; create_all finished after 1:36: 4 created, to be approved"
    assert create() == "= create_all finished after 0:00: 4 kept"
    assert create(approve=True) == "+ create_all finished after 0:00: 4 kept, 4 approved"


@pytest.mark.parametrize("client", [Client, aio.Client])
def test_private_endpoints_are_shown_in_the_callers_network(cell, client):
    """The live picture names no managed virtual network, and its counts equal the report's."""
    place = a_place("A")

    async def later() -> Any:
        options = {"transport": place.azure.async_transport(), "on_event": progress()}
        async with aio.Client(place.azure.async_credential, **options) as one:
            return await one.create_private_endpoints(place.spec, place.network, purpose=SHIR)

    if client is aio.Client:
        report = asyncio.run(later())
    else:
        options = {"transport": place.azure.transport(), "on_event": progress()}
        with Client(place.azure.credential, **options) as one:
            report = one.create_private_endpoints(place.spec, place.network, purpose=SHIR)
    markup = cell.only["text/html"]
    assert "Your virtual network" in markup
    assert "Managed virtual network" not in markup
    assert f": {report.counts['created']} created<" in markup


def test_dry_run_is_not_shown_as_done(cell):
    """A dry run and a missing connection are not green; after a deletion, a missing resource is."""
    for verb, result, mark in (
        ("approve", "would-approve", "&gt;"),
        ("approve", "absent", "&gt;"),
        ("delete_all", "absent", "+"),
        ("delete_all", "deleted", "+"),
        ("delete_private_endpoints", "absent", "+"),
        ("revoke", "absent", "+"),
    ):
        listener = progress()
        error = (
            ErrorDetail(code="not-found", message="m", remedy="r") if (verb, result) == ("approve", "absent") else None
        )
        outcome = Outcome(name="purview", group_id="account", resource_id=ACCOUNT, result=result, error=error)
        listener(Event(kind="step", verb=verb, seconds=1, message="m", factory=FACTORY, outcome=outcome))
        listener(Event(kind="finished", verb=verb, seconds=2, message=f"{verb} finished"))
        *_, last = cell.outputs.values()
        assert f">{mark} {verb} finished after 0:02: 1 {result}<" in last["text/html"]


@pytest.mark.parametrize(("result", "mark"), [("failed", "x"), ("handed-off", "&gt;"), ("approved", "+")])
def test_end_is_marked_by_its_results(cell, result, mark):
    """A failed step marks the end as failed, and a hand-off marks it as waiting."""
    listener = progress()
    outcome = Outcome(name="purview", group_id="account", resource_id=ACCOUNT, result=result)
    listener(Event(kind="step", verb="approve", seconds=1, message="m", factory=FACTORY, outcome=outcome))
    listener(Event(kind="finished", verb="approve", seconds=2, message="approve finished"))
    assert f">{mark} approve finished after 0:02: 1 {result}<" in cell.only["text/html"]


def test_network_without_endpoints_has_no_picture(cell):
    """After the managed virtual network alone, only the outcome is shown."""
    listener = progress()
    outcome = Outcome(name="default", resource_id=FACTORY, result="created")
    listener(Event(kind="step", verb="apply", seconds=1, message="default: created", factory=FACTORY, outcome=outcome))
    assert "default: created" in cell.only["text/html"]


def test_many_factories_are_a_table(cell):
    """A fleet has a row per factory with its results and pending endpoints."""
    listener = progress()
    for number in range(3):
        for event in events("account", "waiting"):
            listener(event.model_copy(update={"factory": f"{FACTORY}-{number}"}))
    markup = cell.only["text/html"]
    assert "Factories (3)" in markup
    assert markup.count("<td>+ purview_account: created</td>") == 3
    assert markup.count("<td>purview_blob</td>") == 3


def test_events_of_many_threads(cell):
    """Events can come from any thread; none is lost, and all share one output."""
    listener = progress()
    (step,) = events("account")

    def outcome(number: int) -> Event:
        assert step.outcome is not None
        target = f"{ACCOUNT}{number}"
        named = step.outcome.model_copy(update={"name": f"endpoint{number}", "resource_id": target})
        return step.model_copy(update={"outcome": named})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(listener, [outcome(number) for number in range(40)]))
    assert all(f"endpoint{number}<" in cell.only["text/html"] for number in range(40))


# --- live


def test_live_draws_each_status_in_place(cell, emulator):
    """The statuses pass through, and the one output ends with the last of them."""
    spec = spec_for(emulator)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.create_all(spec)
        seen = []
        for status in live(client.watch(spec)):
            seen.append(status)
            if not status.settled:
                client.approve(spec)
    assert [status.ready for status in seen] == [False, True]
    assert len(cell.messages) == 2
    assert cell.only["text/html"] == seen[-1]._repr_html_()
    assert cell.only["text/plain"] == str(seen[-1])


def test_live_with_the_asynchronous_client(cell, emulator):
    """`async for status in live(client.watch(spec))` does the same."""
    spec = spec_for(emulator)

    async def watched() -> list[bool]:
        async with aio.Client(emulator.async_credential, transport=emulator.async_transport()) as client:
            await client.create_all(spec, approve=True)
            return [status.ready async for status in live(client.watch(spec))]

    assert asyncio.run(watched()) == [True]
    assert "4 of 4 endpoints ready" in cell.only["text/html"]


def test_the_page_about_notebooks_runs(cell, tmp_path, monkeypatch):
    """Every Python block of the page runs in IPython, those that need a notebook included."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python( notebook)?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert sum(bool(notebook) for notebook, _ in blocks) == 2
    for _, code in blocks:
        InteractiveShell.instance().run_cell(code).raise_error()
    assert (tmp_path / "status.svg").exists()
    assert len(cell.outputs) == 3


# --- elsewhere


def test_without_ipython_the_error_says_what_to_install(monkeypatch):
    """Without IPython, both raise the error before anything runs."""
    monkeypatch.setitem(sys.modules, "IPython", None)
    for use in (progress, lambda: live([])):
        with pytest.raises(ModuleNotFoundError, match="pip install ipython") as missing:
            use()
        assert missing.value.name == "IPython"


def test_in_a_script_the_error_says_what_to_do():
    """A script has no cell to show anything in."""
    with pytest.raises(RuntimeError, match="on_event"):
        progress()


# --- the tutorial


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """The tutorial after a clean run: every cell in order, in a new kernel."""
    run = runpy.run_path(str(SCRIPT))["executed"]
    return run(str(tmp_path_factory.mktemp("tutorial")))


def outputs(notebook: Any) -> list[Any]:
    return [output for each in notebook.cells for output in each.get("outputs", ())]


def test_the_tutorial_runs_from_clean(tutorial):
    """Every picture is shown, and stderr is empty."""
    markup = [output["data"]["text/html"] for output in outputs(tutorial) if "text/html" in output.get("data", {})]
    assert sum("<svg xmlns" in each for each in markup) >= 9
    assert all(len(each) < 30_000 for each in markup)
    said = "".join(output.get("text", "") for output in outputs(tutorial))
    assert "What to do: Follow the remedy beside each conflict" in said
    assert not [output for output in outputs(tutorial) if output.get("name") == "stderr"]


def test_stored_outputs_of_the_tutorial_are_current(tutorial):
    """`python docs/notebook.py` updates them."""
    kept = nbformat.read(TUTORIAL, as_version=4)
    nbformat.validate(kept)
    assert [comparable(output) for output in outputs(kept)] == [comparable(output) for output in outputs(tutorial)]
    assert [each["id"] for each in kept["cells"]] == [f"cell-{number}" for number in range(len(kept["cells"]))]


def comparable(output: Any) -> tuple[str, list[str]]:
    """Everything that an output shows, with sorted lines, because parallel steps end in any order."""
    shown = output.get("data", {}) | {"text": output.get("text", "")}
    return output["output_type"], sorted(line for text in shown.values() for line in text.splitlines())
