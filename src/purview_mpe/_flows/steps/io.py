"""What a flow needs of the outside world, as two protocols. `_io` fulfils them in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from purview_mpe.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from azure.mgmt.datafactory import DataFactoryManagementClient
    from azure.mgmt.eventhub import EventHubManagementClient
    from azure.mgmt.purview import PurviewManagementClient
    from azure.mgmt.storage import StorageManagementClient

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Report
    from purview_mpe._wire.errors import Attempt

T = TypeVar("T")

#: How old a look may be, in seconds, when a write is sent because of it: the time of a request or two.
MOMENT = 1.0


class NotYet(Throttled):
    """A write whose turn within Azure's limits comes in `retry_after` seconds; nothing was sent.

    The flow waits, looks whether the write is still wanted, and sends it again: its place in the queue is kept.
    """


class Clients(Protocol):
    """The management clients, made and imported when first asked for.

    Typed with the synchronous clients: the asynchronous ones have the same operations with the same signatures, so
    checking a call once checks it for both.
    """

    def datafactory(self, resource: ArmId) -> DataFactoryManagementClient:
        """The client for the subscription that the resource is in."""
        ...

    def purview(self, resource: ArmId) -> PurviewManagementClient:
        """The client for the subscription that the resource is in."""
        ...

    def storage(self, resource: ArmId) -> StorageManagementClient:
        """The client for the subscription that the resource is in."""
        ...

    def eventhub(self, resource: ArmId) -> EventHubManagementClient:
        """The client for the subscription that the resource is in."""
        ...

    def purview_data(self, account: ArmId, endpoint: str) -> PurviewData:
        """The data plane at the address that the account's properties show (`https://contoso.purview.azure.com`).

        Raises:
            UnsupportedSetup: that is not an address of Purview's.
        """
        ...


class PurviewData(Protocol):
    """The data plane of one Purview account: no SDK covers it."""

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """The JSON that is answered; `path` begins with a slash, or is the whole address of a next page."""
        ...


class Team(Protocol):
    """Flows that run beside the one that started them, which alone starts further ones and waits."""

    def start(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run a flow beside this one. One that raises ends the team: `wait` raises the same."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when a flow has ended since the last call, or the time has passed, or the deadline has come."""
        ...

    async def close(self) -> None:
        """Let what is under way end if that takes a moment, and stop the rest; nothing runs on."""
        ...


class Io(Protocol):
    """Requests, lists, waiting, concurrency, time: in one colour."""

    so_far: Callable[[], Report] | None
    """What was done so far, for whoever interrupts the verb; a flow that writes sets it before it does."""

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        """Do one operation; raises our errors, never the SDK's.

        A request that changes something is sent once: `waiting.carried_out` repeats it, after a look.
        """
        ...

    async def read(
        self, attempt: Attempt, operation: Callable[[Clients], Any], *, of_list: bool = False
    ) -> dict[str, Any]:
        """Do one operation that answers with a resource, or with one page `of_list`; its JSON as Azure wrote it."""
        ...

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        """All items of a paged list, as Azure's own JSON."""
        ...

    async def caller_id(self) -> str | None:
        """Object id of the caller, as its token for Azure Resource Manager says; None where that cannot be read."""
        ...

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Run flows together; all finish, then the first failure in their order is raised."""
        ...

    def team(self) -> Team:
        """Flows that run beside the one that asks for them."""
        ...

    def until_room(self, method: str, resource: ArmId, count: int) -> float:
        """Seconds until so many requests about a resource, sent together, would not have to wait for Azure's limits."""
        ...

    def pause_after(self, attempt: int, asked_for: float) -> float | None:
        """Seconds to wait after an attempt that failed, as `Retry` says and with jitter; None after the last one.

        `asked_for` is what Azure asked for, 0 where it asked for nothing in particular.
        """
        ...

    @property
    def round_trip(self) -> float:
        """Seconds that the quickest answer of this verb took; infinite before the first."""
        ...

    @property
    def at_once(self) -> int:
        """How many flows `gather` really runs together."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, but never past the deadline."""
        ...

    def interruption_behind(self, error: BaseException) -> BaseException | None:
        """The interruption that an error hides, because it happened while the interruption passed through."""
        ...

    async def checkpoint(self) -> None:
        """Let an interruption that has arrived come out here, rather than after the last line of the flow."""
        ...

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    @property
    def deadline(self) -> float | None:
        """When the verb has to end, on that clock; None for no limit."""
        ...

    @property
    def portal(self) -> str:
        """Host of the cloud's portal, for links."""
        ...

    def verb(self, name: str) -> AbstractContextManager[None]:
        """All that is done for a verb happens inside."""
        ...

    def engaged(self) -> AbstractContextManager[None]:
        """For a verb that goes on in rounds: while its caller has its turn, a clock that is held in the hand stands."""
        ...

    def retrying(self, message: str) -> None:
        """Tell that something is tried again."""
        ...

    def tell(self, event: Event) -> None:
        """Pass an event to whoever listens."""
        ...


def remaining(io: Io) -> float:
    """Seconds until the deadline; infinite without one."""
    return float("inf") if io.deadline is None else io.deadline - io.now()
