"""The synchronous client. `aio.Client` has the same verbs; both are doors to the flows and decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from purview_mpe import _imports
from purview_mpe._arguments import checked_plan_or_spec, checked_spec, checked_timeout
from purview_mpe._flows import observe, provision, status
from purview_mpe._flows.narrated import narrated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    from purview_mpe._azure import Cloud
    from purview_mpe._events import Event
    from purview_mpe._flows.io import Io
    from purview_mpe._model import Account, Plan, Report, Status
    from purview_mpe._retry import Retry
    from purview_mpe._spec import Spec

T = TypeVar("T")


class Client:
    """The way from a data factory to a Purview account: discover, plan, apply and watch.

    May be used from several threads at once, and inside a running event loop. Close it, or use it as a context
    manager, when it is no longer needed.

    Args:
        credential: Of azure-identity, synchronous; None means `DefaultAzureCredential()`.
        cloud: The Azure cloud: where requests go, and for whom tokens are asked.
        endpoint: Another https address of Azure Resource Manager (emulator, Azure Stack); tokens stay the cloud's.
        retry: How patient to be with one request.
        on_event: Called with each `Event` as it happens, from whichever thread it happens in.
        client_options: Passed on to every management client: `transport`, `connection_verify`, `user_agent`,
            `proxies`, `headers`, and others of azure-core. An unknown one is refused.

    Raises:
        InvalidSpec: an option is unknown or wrong.
        InvalidCredential: the credential is none, or an asynchronous one.
    """

    def __init__(
        self,
        credential: TokenCredential | SupportsTokenInfo | None = None,
        *,
        cloud: Cloud = "public",
        endpoint: str | None = None,
        retry: Retry | None = None,
        on_event: Callable[[Event], None] | None = None,
        **client_options: Any,
    ) -> None:
        self._colour = _imports.load("purview_mpe._io")
        self._azure = _imports.load("purview_mpe._azure").Azure(
            "sync", credential, cloud=cloud, endpoint=endpoint, retry=retry, options=client_options
        )
        self._on_event = on_event

    def discover(self, account: str) -> Account:
        """What a Purview account needs: its shape, firewall setting and targets.

        Reads the account. Needs Reader on it; without that the answer is the `account` endpoint alone, with a
        warning, as in the portal. Safe to repeat.

        Raises:
            InvalidSpec: `account` is not the id of a Purview account.
            NotFound: there is no such account.
        """
        return self._run("discover", lambda io: observe.discover(io, account))

    def plan(self, spec: Spec) -> Plan:
        """What has to be made for the factory to reach the account, and what is there already.

        Reads the account and the factory's managed virtual network. Needs Reader on both. Safe to repeat.

        Raises:
            UnsupportedSetup: the account does not show what it needs, or `Spec.account` is None and the factory is
                connected to none.
            NotFound: the factory or the account does not exist.
            AccessDenied: the caller may not read the factory.
        """
        checked_spec(spec)
        return self._run("plan", lambda io: observe.plan(io, spec))

    def apply(self, plan_or_spec: Plan | Spec, *, wait: bool = True, timeout: float = 1800) -> Report:
        """Make what the plan says is missing, and wait until Azure has provisioned it.

        Reads what `plan` reads, again; writes managed private endpoints and, where it is missing, the managed
        virtual network. Needs Data Factory Contributor on the factory, and nothing on the targets. Safe to repeat:
        what exists is kept. Endpoints end Pending and wait for approval. `timeout` is in seconds.

        Returns:
            One outcome per step, also for the steps that failed.

        Raises:
            PlanConflict: before the first write, if the plan holds conflicts.
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan`.
        """
        checked_plan_or_spec(plan_or_spec)
        return self._run(
            "apply", lambda io: provision.apply(io, plan_or_spec, wait=wait), timeout=checked_timeout(timeout)
        )

    def create_all(self, spec: Spec, *, wait: bool = True, timeout: float = 1800) -> Report:
        """Plan and apply in one call: what "Create all" does in the portal.

        Reads, writes, needs and raises what `plan` and `apply` do. Safe to repeat: a second call writes nothing.
        """
        checked_spec(spec)
        return self._run(
            "create_all",
            lambda io: provision.apply(io, spec, wait=wait, verb="create_all"),
            timeout=checked_timeout(timeout),
        )

    def status(self, spec: Spec) -> Status:
        """Every endpoint that the account needs, as the factory sees it, with a verdict.

        Reads what `plan` reads. Needs Reader on the factory and the account. Safe to repeat.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: as `plan`.
        """
        checked_spec(spec)
        return self._run("status", lambda io: status.status(io, spec))

    def close(self) -> None:
        """Close the connections that this client opened; a transport or credential that was given stays open."""
        self._azure.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, verb: str, flow: Callable[[Io], Coroutine[Any, Any, T]], *, timeout: float | None = None) -> T:
        io = self._colour.SyncIo(self._azure, timeout=timeout, listener=self._on_event)
        result: T = self._colour.run(narrated(io, verb, flow))
        return result
