"""What a flow needs from the outside world, as protocols. `_azure.io` implements them, sync and async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from purview_mpe.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from azure.mgmt.datafactory import DataFactoryManagementClient
    from azure.mgmt.eventhub import EventHubManagementClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.privatedns import PrivateDnsManagementClient
    from azure.mgmt.purview import PurviewManagementClient
    from azure.mgmt.storage import StorageManagementClient

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Report
    from purview_mpe._wire.errors import Attempt
    from purview_mpe._wire.operations import Operation, OperationState

T = TypeVar("T")

#: The maximum age, in seconds, of the read on which a write is based: the time of a request or two.
MOMENT = 1.0


class NotYet(Throttled):
    """Raised for a write that Azure's limits do not allow before `retry_after` seconds have passed; nothing was sent.

    The flow waits, checks whether the write is still needed, then sends it; its place in the queue is kept.
    """


class Clients(Protocol):
    """The management clients, imported and created on first use.

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

    def network(self, resource: ArmId) -> NetworkManagementClient:
        """The client for the subscription that the resource is in.

        Raises:
            UnsupportedSetup: the extra `network` is not installed.
        """
        ...

    def private_dns(self, resource: ArmId) -> PrivateDnsManagementClient:
        """The client for the subscription that the resource is in.

        Raises:
            UnsupportedSetup: the extra `network` is not installed.
        """
        ...

    def plain_list(self, resource: ArmId, url: str) -> Iterable[Any]:
        """A paged list, read without the service's own SDK package.

        `url` is relative to Azure Resource Manager's endpoint.
        """
        ...

    def purview_data(self, account: ArmId, endpoint: str) -> PurviewData:
        """The data plane at the address that the account's properties show (`https://contoso.purview.azure.com`).

        Raises:
            UnsupportedSetup: the address is not a Purview address.
        """
        ...


class PurviewData(Protocol):
    """The data plane of one Purview account: no SDK covers it."""

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """The answer's JSON; `path` begins with a slash, or is the whole address of a next page."""
        ...


class Team(Protocol):
    """Flows that run beside the one that started them; only that one starts further flows, and waits for them."""

    def start(self, flow: Coroutine[Any, Any, None]) -> None:
        """Run a flow beside this one. If the flow raises an error, the team ends: `wait` raises that error."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when a flow has ended since the last call, or the time has passed, or the deadline has come."""
        ...

    async def close(self) -> None:
        """Wait a moment for running flows to end, and stop the rest; nothing keeps running."""
        ...


class Io(Protocol):
    """Requests, lists, waiting, concurrency and time: sync or async."""

    so_far: Callable[[], Report] | None
    """Returns what was done so far, for an interruption of the verb; a flow sets it before it writes."""

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        """Do one operation; raises this library's errors, never the SDK's.

        This method sends a write only once. If it must be repeated, `waiting.carried_out` repeats it, after a look.
        """
        ...

    async def read(
        self, attempt: Attempt, operation: Callable[[Clients], Any], *, of_list: bool = False
    ) -> dict[str, Any]:
        """Do one operation and return its JSON as Azure wrote it: a resource or, with `of_list`, one page of a list."""
        ...

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        """All items of a paged list, as Azure's own JSON."""
        ...

    async def begin(self, attempt: Attempt, operation: Callable[[Clients], Any]) -> Operation | None:
        """Send a write once; return the long-running operation that it began, or None if it ended at once."""
        ...

    async def follow(self, attempt: Attempt, operation: Operation) -> OperationState:
        """How a long-running operation stands now."""
        ...

    async def caller_id(self) -> str | None:
        """Object id of the caller, as its token for Azure Resource Manager says; None where that cannot be read."""
        ...

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Run flows together; when all have finished, the failure of the first one in `flows` that failed is raised."""
        ...

    def team(self) -> Team:
        """A new team, whose flows run beside the flow that calls this."""
        ...

    def until_room(self, method: str, resource: ArmId, count: int) -> float:
        """Seconds until Azure's limits let this many requests about a resource be sent together without a wait."""
        ...

    def pause_after(self, attempt: int, asked_for: float) -> float | None:
        """Seconds to wait after an attempt that failed, as `Retry` says and with jitter; None after the last.

        `asked_for` is the number of seconds that Azure asked for; 0 if it asked for none.
        """
        ...

    @property
    def round_trip(self) -> float:
        """Seconds that the quickest answer of this verb took; infinite before the first."""
        ...

    @property
    def writes_sent(self) -> int:
        """Number of writes that this verb has sent, answered or not."""
        ...

    @property
    def at_once(self) -> int:
        """How many flows `gather` runs at the same time, however many it is given."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, but never past the deadline."""
        ...

    def interruption_behind(self, error: BaseException) -> BaseException | None:
        """The interruption that was being handled when `error` was raised; None without one."""
        ...

    async def checkpoint(self) -> None:
        """Raise a pending interruption here, not after the last line of the flow."""
        ...

    def now(self) -> float:
        """Seconds on a clock that only goes forward."""
        ...

    @property
    def elapsed(self) -> float:
        """Seconds since the verb began."""
        ...

    @property
    def deadline(self) -> float | None:
        """When the verb has to end, on the clock of `now`; None for no limit."""
        ...

    @property
    def portal(self) -> str:
        """Host of the cloud's portal, for links."""
        ...

    @property
    def cloud(self) -> str:
        """The cloud, for names that differ from cloud to cloud."""
        ...

    def verb(self, name: str) -> AbstractContextManager[None]:
        """All work of a verb happens inside this context."""
        ...

    def engaged(self) -> AbstractContextManager[None]:
        """Context around all rounds of a verb.

        Between two rounds the caller's code runs, and an emulator's clock stands still.
        """
        ...

    def retrying(self, message: str) -> None:
        """Report that a request is sent again."""
        ...

    def tell(self, event: Event) -> None:
        """Pass an event to the listener."""
        ...


def remaining(io: Io) -> float:
    """Seconds until the deadline; infinite without one."""
    return float("inf") if io.deadline is None else io.deadline - io.now()
