"""What a flow needs of the outside world, as two protocols. `_io` fulfils them in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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


class Io(Protocol):
    """Requests, lists, waiting, concurrency, time: in one colour."""

    so_far: Callable[[], Report] | None
    """What was done so far, for whoever interrupts the verb; a flow that writes sets it before it does."""

    async def call(self, attempt: Attempt, operation: Callable[[Clients], T]) -> T:
        """Do one operation; raises our errors, never the SDK's."""
        ...

    async def read(
        self, attempt: Attempt, operation: Callable[[Clients], Any], *, of_list: bool = False
    ) -> dict[str, Any]:
        """Do one operation that answers with a resource, or with one page `of_list`; its JSON as Azure wrote it."""
        ...

    async def collect(self, attempt: Attempt, operation: Callable[[Clients], Iterable[Any]]) -> list[dict[str, Any]]:
        """All items of a paged list, as Azure's own JSON."""
        ...

    async def gather(self, flows: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Run flows together; all finish, then the first failure in their order is raised."""
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

    def retrying(self, message: str) -> None:
        """Tell that something is tried again."""
        ...

    def tell(self, event: Event) -> None:
        """Pass an event to whoever listens."""
        ...


def remaining(io: Io) -> float:
    """Seconds until the deadline; infinite without one."""
    return float("inf") if io.deadline is None else io.deadline - io.now()
