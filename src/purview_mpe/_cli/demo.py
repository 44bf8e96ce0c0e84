"""`purview-mpe demo`: the whole job, shown on an emulated Azure inside this process.

The library and the SDK clients are the real ones. Only their transport is the emulator's, whose clock skips every wait.
On a terminal the demo pauses now and then, so that a person can follow; into a pipe it does not.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe import Client, Spec
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.progress import Block, Lines
from purview_mpe._display.text.page import Page, clean, duration, short_ids, shortened
from purview_mpe._display.text.text import text
from purview_mpe.emulator import Emulator
from purview_mpe.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._cli.call import Call
    from purview_mpe._cli.progress import Progress
    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.events import Event
    from purview_mpe._model.spec import Noun

T = TypeVar("T")

_BETWEEN_CHAPTERS = 0.4
_PER_ROUND_OF_WAITING = 0.03
#: If a slow machine has already used this much time, the demo does not pause.
_PATIENCE = 4.0
_LINES_OF_THE_HAND_OFF = 12
_LABEL = re.compile(r" +[a-z ]+: {2,}")


@dataclass
class Story:
    """One run of the demo: the emulated Azure, the client that works on it, and the terminal that shows it."""

    terminal: Terminal
    pause: Callable[[float], None]
    """Waits, so that a person can follow."""
    now: Callable[[], float] = time.monotonic
    """The real time in seconds."""
    emulator: Emulator = field(default_factory=lambda: Emulator(empty=True))
    progress: Progress | None = None
    chapter: int = 0
    began: float = field(init=False)
    hand_off: str = ""
    """The text for the owners of the targets, once there is one."""

    def __post_init__(self) -> None:
        self.began = self.now()
        self.emulated_from = self.emulator.clock.now()
        self.account: ArmId = self.emulator.add_account("contoso")
        self.factory: ArmId = self.emulator.add_factory("adf-sales", purview_account=self.account)
        self.spec = Spec(factory=str(self.factory), account=str(self.account), name="purview")
        bare = self.emulator.add_factory("adf-orders", managed_vnet=False, identity=False)
        self.emulator.add_pipeline("copy-orders", bare)
        self.bare_spec = self.spec.model_copy(update={"factory": str(bare)})
        credential: Any = self.emulator.credential
        self.client = Client(credential, transport=self.emulator.transport(), on_event=self._on_event)

    def title(self, question: str, call: str) -> None:
        """Begin a chapter with its question, and the call that answers it."""
        self.chapter += 1
        if self._is_watched:
            self._linger(_BETWEEN_CHAPTERS)
        page = Page(self.terminal.look(self.terminal.stdout))
        page.line("")
        page.line(f"{self.chapter}. {question}", "strong")
        page.line(f"   {call}", "faint")
        page.line("")
        self.terminal.write(str(page))

    def show(self, noun: Noun) -> None:
        """A table."""
        self.terminal.write(text(noun, self.terminal.look(self.terminal.stdout)))

    def say(self, text: str) -> None:
        """A comment on what was shown."""
        page = Page(self.terminal.look(self.terminal.stdout))
        page.line("")
        page.prose(text, indent=0)
        self.terminal.write(str(page))

    def watched(self, action: Callable[[], T]) -> T:
        """The result of an action, with its progress shown as the other verbs show theirs."""
        # The shown time is the emulator's, so it does not move between two events.
        live = self.terminal.is_live(self.terminal.stderr)
        self.progress = Block(self.terminal, now=None) if live else Lines(self.terminal.say)
        try:
            with self.progress:
                return action()
        finally:
            self.progress = None

    def requests(self, action: Callable[[], T]) -> tuple[T, int, int]:
        """The result of an action, the number of its requests, and how many of them were writes."""
        before, written = len(self.emulator.requests), len(self.emulator.writes)
        result = action()
        return result, len(self.emulator.requests) - before, len(self.emulator.writes) - written

    def strangers(self) -> list[str]:
        """The states of the connections on the targets that no endpoint of this Azure has asked for."""
        return [connection.status for connection in self.emulator.connections() if connection.endpoint is None]

    @property
    def _is_watched(self) -> bool:
        return self.terminal.is_live(self.terminal.stdout)

    def _linger(self, seconds: float) -> None:
        if self.now() - self.began < _PATIENCE:
            self.pause(seconds)

    def _on_event(self, event: Event) -> None:
        if self.progress is None:
            return
        self.progress(event)
        if event.kind == "waiting" and self._is_watched:
            self._linger(_PER_ROUND_OF_WAITING)


def show(call: Call, *, pause: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.monotonic) -> Exit:
    """Run the demo; as JSON, only print the report of the create run."""
    story = Story(call.terminal, pause, now)
    with story.client:
        if call.arguments.output == "json":
            report = story.client.create_all(story.spec)
            call.terminal.show(report, "json")
            return Exit.of_report(report)
        story.say(
            "An emulated Azure, inside this process: nothing leaves this machine. It has a data factory, adf-sales, "
            "and a Purview account, contoso, whose firewall lets no network in. Lineage from the factory needs "
            "private endpoints, which do not exist yet."
        )
        endings = [chapter(story) for chapter in CHAPTERS]
        story.say(
            f"That was {duration(story.emulator.clock.now() - story.emulated_from)} of emulated time and "
            f"{story.now() - story.began:.1f} s of yours. With real Azure: az login, then purview-mpe "
            "--help."
        )
    return max(endings)


def _account(story: Story) -> Exit:
    story.title("What does the account need?", "purview-mpe discover, or client.discover(account)")
    story.show(story.client.discover(str(story.account)))
    story.say("Four endpoints, to three resources. The account's own properties say which; its age does not matter.")
    return Exit.DONE


def _plan(story: Story) -> Exit:
    story.title("What has to be made?", "purview-mpe plan, or client.plan(spec)")
    story.show(story.client.plan(story.spec))
    return Exit.DONE


def _create(story: Story) -> Exit:
    story.title("Make it.", "purview-mpe create, or client.create_all(spec)")
    report = story.watched(lambda: story.client.create_all(story.spec))
    # The text for the owners has its own chapter.
    story.show(report.model_copy(update={"hand_off": None}))
    story.say("All four were requested at once, and one list per round watched them all.")
    story.hand_off = report.hand_off or ""
    return Exit.of_report(report)


def _hand_over(story: Story) -> Exit:
    story.title("Who has to let them in?", "purview-mpe create --hand-off FILE, or report.hand_off")
    lines = story.hand_off.splitlines()
    page = Page(story.terminal.look(story.terminal.stdout))
    for line in lines[:_LINES_OF_THE_HAND_OFF]:
        _copy(line, page)
    page.line("")
    page.line(f"... and {len(lines) - _LINES_OF_THE_HAND_OFF} more lines, in which all ids are complete", "faint")
    story.terminal.write(str(page))
    story.say("The owners of the targets. They can follow this text without this library.")
    return Exit.DONE if story.hand_off else Exit.FAILED


def _copy(line: str, page: Page) -> None:
    """A line of the text for the owners, with short ids; continuation lines are indented to match the first."""
    text = short_ids(clean(line))
    label = _LABEL.match(text)
    head = label[0] if label else ""
    if any(len(head) + len(word) > page.look.width for word in text.removeprefix(head).split()):
        page.line(shortened(text, page.look.width))
    else:
        page.prose(text.removeprefix(head), indent=len(head) - len(head.lstrip()), bullet=head.lstrip())


def _approve(story: Story) -> Exit:
    story.title("If you are one of them: approve.", "purview-mpe approve, or client.approve(spec)")
    strangers = story.strangers()
    report = story.watched(lambda: story.client.approve(story.spec))
    story.show(report)
    untouched = story.strangers().count("Pending")
    story.say(
        f"{len(strangers)} connections of strangers were pending on the same targets, and {untouched} still are: only "
        "the connections that are provably this factory's were approved."
    )
    return max(Exit.of_report(report), Exit.DONE if untouched == len(strangers) else Exit.FAILED)


def _status(story: Story) -> Exit:
    story.title("Is it ready?", "purview-mpe status, or client.status(spec)")
    status = story.client.status(story.spec)
    story.show(status)
    return Exit.of_status(status)


def _again(story: Story) -> Exit:
    story.title("And once more?", "purview-mpe create, or client.create_all(spec)")
    report, requests, writes = story.requests(lambda: story.client.create_all(story.spec))
    story.show(report)
    story.say(
        f"What exists is kept: {requests} requests, {writes} of them writes. Repeat a failed run in the same way."
    )
    return max(Exit.of_report(report), Exit.FAILED if writes else Exit.DONE)


def _conflict(story: Story) -> Exit:
    story.title("What if something is in the way?", "purview-mpe create, for another factory")
    other = story.emulator.add_factory("adf-web", purview_account=story.account)
    in_the_way = story.account.in_group("Microsoft.Storage", "storageAccounts", "webshoplogs")
    story.emulator.add_endpoint(other, "purview_blob", in_the_way, "blob")
    spec = story.spec.model_copy(update={"factory": str(other)})

    def attempt() -> None:
        try:
            story.client.create_all(spec)
        except PlanConflict as refused:
            story.show(refused.plan)

    _, requests, writes = story.requests(attempt)
    story.say(f"Seen in {requests} requests, {writes} of them writes: half a job would be worse than none.")
    return Exit.FAILED if writes else Exit.DONE


def _onboard(story: Story) -> Exit:
    story.title(
        "And a factory without anything?", "purview-mpe onboard --approve, or client.onboard(spec, approve=True)"
    )
    report = story.watched(lambda: story.client.onboard(story.bare_spec, approve=True))
    story.show(report)
    story.say(
        "Identity, connection, managed virtual network, integration runtime, endpoints, approvals, and the role Data "
        "Curator in Purview: one call."
    )
    return Exit.of_report(report)


def _prove(story: Story) -> Exit:
    story.title("Does lineage arrive?", "purview-mpe prove --pipeline copy-orders, or client.prove(spec, pipeline=...)")
    proof = story.watched(lambda: story.client.prove(story.bare_spec, pipeline="copy-orders"))
    story.show(proof)
    return Exit.of_proof(proof)


#: The chapters in order. The demo's exit code is the worst of theirs.
CHAPTERS: tuple[Callable[[Story], Exit], ...] = (
    _account,
    _plan,
    _create,
    _hand_over,
    _approve,
    _status,
    _again,
    _conflict,
    _onboard,
    _prove,
)
