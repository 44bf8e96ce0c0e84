"""The synchronous client. `aio.Client` has the same verbs; both are doors to the flows and decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from purview_mpe import _imports
from purview_mpe._arguments import checked_plan_or_spec, checked_spec, checked_spec_or_report, checked_timeout
from purview_mpe._flows import approve, create_all, observe, status
from purview_mpe._flows.narrated import narrated

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import TracebackType

    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    from purview_mpe._azure import Cloud
    from purview_mpe._events import Event
    from purview_mpe._flows.io import Io
    from purview_mpe._model import Account, Plan, Report, Status, Verb
    from purview_mpe._retry import Retry
    from purview_mpe._spec import Spec
    from purview_mpe._wire_connections import Decision

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
            "apply", lambda io: create_all.apply(io, plan_or_spec, wait=wait), timeout=checked_timeout(timeout)
        )

    def create_all(self, spec: Spec, *, approve: bool = False, wait: bool = True, timeout: float = 1800) -> Report:
        """Plan and apply in one call, as "Create all" does in the portal; with `approve`, approve on the way.

        Reads, writes, needs and raises what `plan` and `apply` do, and with `approve` what `approve` does: each
        connection is approved as soon as it appears and is provably ours. Safe to repeat: a second call writes
        nothing. `timeout` is in seconds.
        """
        checked_spec(spec)
        return self._run(
            "create_all",
            lambda io: create_all.create_all(io, spec, approve=approve, wait=wait),
            timeout=checked_timeout(timeout),
        )

    def approve(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """Approve the pending connections that are provably ours, and no others.

        Reads the account, the factory where that is allowed, and the connections of every target; writes the
        state of our own pending connections. Needs Contributor on the Purview account, Storage Account Contributor
        on managed storage and Contributor on a managed Event Hubs namespace; nothing on the factory. What this
        caller may not approve comes back in `Report.hand_off`. Given a requester's `Report`, only its exact private
        endpoint ids are accepted. `dry_run` writes nothing. Waits up to `timeout` seconds for connections to appear.
        Safe to repeat: what is approved is left alone.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan`.
        """
        return self._decide("approve", "Approved", spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout)

    def reject(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """Reject the pending connections that are provably ours; approved ones are left alone.

        Reads, writes, needs and raises what `approve` does. Safe to repeat. A rejected endpoint never works again:
        it has to be deleted or replaced.
        """
        return self._decide("reject", "Rejected", spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout)

    def status(self, spec: Spec) -> Status:
        """Every endpoint that the account needs, as the factory and the target see it, with a verdict.

        Reads the account, the factory's endpoints and the connections of the targets. Needs Reader on the factory;
        without Reader on the targets only the factory's side is shown, which Data Factory stops refreshing once a
        connection is approved, and a finding says so. Safe to repeat.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: as `plan`.
        """
        checked_spec(spec)
        return self._run("status", lambda io: status.status(io, spec))

    def watch(self, spec: Spec, *, every: float = 15, timeout: float | None = None) -> Iterator[Status]:
        """The status now, and each one that differs, until nothing is pending or provisioning any more.

        Reads what `status` reads, every `every` seconds, for at most `timeout` seconds. Needs and raises what
        `status` does.
        """
        checked_spec(spec)
        seconds = checked_timeout(every, "every")
        limit = None if timeout is None else checked_timeout(timeout)
        return self._watch(spec, seconds, limit)

    def _watch(self, spec: Spec, every: float, timeout: float | None) -> Iterator[Status]:
        io = self._colour.SyncIo(self._azure, timeout=timeout, listener=self._on_event)
        last: Status | None = None
        while (last := self._colour.run(status.next_change(io, spec, last, every=every))) is not None:
            yield last

    def _decide(
        self, verb: Verb, decision: Decision, subject: Spec | Report, *, dry_run: bool, wait: bool, timeout: float
    ) -> Report:
        checked_spec_or_report(subject)
        return self._run(
            verb,
            lambda io: approve.approve(io, subject, decision=decision, dry_run=dry_run, wait=wait, verb=verb),
            timeout=checked_timeout(timeout),
        )

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
