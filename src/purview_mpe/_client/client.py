"""The synchronous client. `aio.Client` has the same verbs; both are doors to the flows and decide nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from purview_mpe import _flows
from purview_mpe._azure import loading
from purview_mpe._client.arguments import (
    checked_flags,
    checked_listener,
    checked_plan_or_spec,
    checked_since,
    checked_spec,
    checked_spec_or_report,
    checked_timeout,
)
from purview_mpe._client.fleet_verbs import FleetVerbs
from purview_mpe._flows.steps.narration import narrated
from purview_mpe._model.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import TracebackType

    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Check, Diagnosis, Orphans
    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Account, Plan, Report, Status, Verb
    from purview_mpe._model.retry import Retry
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.states import Decision
    from purview_mpe._rules.budget import Budget

T = TypeVar("T")


@public("purview_mpe")
class Client(FleetVerbs):
    """The way from a data factory to a Purview account: discover, plan, apply and watch.

    May be used from several threads at once, and inside a running event loop. Close it, or use it as a context
    manager, when it is no longer needed.

    Args:
        credential: Of azure-identity, synchronous; None means `DefaultAzureCredential()`.
        cloud: The Azure cloud: where requests go, and for whom tokens are asked.
        endpoint: Another https address of Azure Resource Manager (emulator, Azure Stack); tokens stay the cloud's.
        purview_endpoint: Address of an emulator's Purview data plane on this machine, with `{account}` where the
            account's name belongs; by default the address that the account itself shows, if it is one of Purview's.
        retry: How patient to be with one request.
        budget: How much may be asked of Azure; None means the one that all clients of this process share, which keeps
            below Azure's documented limits.
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
        purview_endpoint: str | None = None,
        retry: Retry | None = None,
        budget: Budget | None = None,
        on_event: Callable[[Event], None] | None = None,
        **client_options: Any,
    ) -> None:
        checked_listener(on_event)
        self._colour = loading.load("purview_mpe._azure.io")
        self._azure = loading.load("purview_mpe._azure.clients").Azure(
            "sync",
            credential,
            cloud=cloud,
            endpoint=endpoint,
            purview_endpoint=purview_endpoint,
            retry=retry,
            budget=budget,
            options=client_options,
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
        return self._run("discover", lambda io: _flows.discover.discover(io, account))

    def plan(self, spec: Spec) -> Plan:
        """What has to be made for the factory to reach the account, and what is there already.

        Reads the account and the factory's managed virtual network, and where endpoints are to be created the
        connections of their targets, to see whether there is room. Needs Reader on account and factory; a target that
        cannot be read is not counted. Safe to repeat.

        Raises:
            UnsupportedSetup: the account does not show what it needs, or `Spec.account` is None and the factory is
                connected to none.
            NotFound: the factory or the account does not exist.
            AccessDenied: the caller may not read the factory.
        """
        checked_spec(spec)
        return self._run("plan", lambda io: _flows.plan.plan(io, spec))

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
        checked_flags(wait=wait)
        return self._run(
            "apply", lambda io: _flows.create_all.apply(io, plan_or_spec, wait=wait), timeout=checked_timeout(timeout)
        )

    def create_all(self, spec: Spec, *, approve: bool = False, wait: bool = True, timeout: float = 1800) -> Report:
        """Plan and apply in one call, as "Create all" does in the portal; with `approve`, approve on the way.

        Reads, writes, needs and raises what `plan` and `apply` do, and with `approve` what `approve` does: each
        connection is approved as soon as it appears and is provably ours. Safe to repeat: a second call writes
        nothing. `timeout` is in seconds.
        """
        checked_spec(spec)
        checked_flags(approve=approve, wait=wait)
        return self._run(
            "create_all",
            lambda io: _flows.create_all.create_all(io, spec, approve=approve, wait=wait),
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

        Reads, writes, needs and raises what `approve` does; `timeout` is in seconds. Safe to repeat. A rejected
        endpoint never works again: it has to be deleted or replaced.
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
        return self._run("status", lambda io: _flows.status.status(io, spec))

    def watch(self, spec: Spec, *, every: float = 15, timeout: float | None = None) -> Iterator[Status]:
        """The status now, and each one that differs, until nothing is pending or provisioning any more.

        Reads what `status` reads, every `every` seconds, for at most `timeout` seconds. Writes nothing. Needs
        and raises what `status` does. Safe to repeat.
        """
        checked_spec(spec)
        seconds = checked_timeout(every, "every")
        limit = None if timeout is None else checked_timeout(timeout)
        return self._watch(spec, seconds, limit)

    def check(self, spec: Spec) -> Check:
        """Whether everything is in place, before anything is written.

        Reads the account, the factory with its runtimes, networks and endpoints, and what this caller may do at the
        factory, the account and each target. What may not be read is a finding, and the rest is judged all the same:
        needs no role in particular, and Reader on factory and account shows most. Writes nothing. Safe to repeat.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            NotFound: the factory does not exist. A missing account is a finding.
        """
        checked_spec(spec)
        return self._run("check", lambda io: _flows.check.check(io, spec))

    def connect(self, spec: Spec, *, replace: bool = False) -> Report:
        """Connect the factory to the account, so that its activities report lineage there.

        Reads the account and the factory; writes the factory back whole with `purviewConfiguration` set and every
        other field as it was, and only if nobody has changed it in between. Needs Contributor on the factory, and
        nothing on the account. A factory that is connected to another account is a `conflict` unless `replace` is
        true. Safe to repeat: a second call writes nothing.

        Source: "Connect Data Factory to Microsoft Purview", Microsoft.

        Returns:
            One outcome: `connected`, `already-connected`, `conflict` or `failed`.

        Raises:
            InvalidSpec: the spec names no account.
            NotFound: the factory or the account does not exist; nothing was written.
            AccessDenied: the caller may not read the factory; nothing was written.
        """
        checked_spec(spec)
        checked_flags(replace=replace)
        return self._run("connect", lambda io: _flows.connect.connect(io, spec, replace=replace))

    def diagnose(self, spec: Spec, *, since: timedelta = timedelta(hours=24)) -> Diagnosis:
        """Why lineage does not arrive: the whole chain, from the support matrix to the recent runs.

        Reads what `check` and `status` read, and the lineage status of the activities in the newest 50 pipeline runs
        of the time `since` (at most 45 days). What may not be read is a finding, and the rest is judged all the same.
        Needs Reader on the factory, the account and the targets; some factories show their runs only to a Data
        Factory Contributor. Writes nothing. Safe to repeat.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            InvalidSpec: `since` is no timedelta up to 45 days.
            NotFound: the factory does not exist. A missing account is a finding.
        """
        checked_spec(spec)
        stretch = checked_since(since)
        return self._run(
            "diagnose", lambda io: _flows.diagnose.diagnose(io, spec, since=stretch, now=datetime.now(UTC))
        )

    def delete_all(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:
        """Delete the endpoints that serve this spec, under whatever name, and nothing else.

        Reads the account and the factory's endpoints; deletes those with the spec's targets and group ids, all at
        once, and lists until Azure shows them no more, for at most `timeout` seconds. An endpoint that only bears
        our name is left alone, and so is one that is reserved for the service (`conflict`). Needs Data Factory
        Contributor on the factory and Reader on the account; with `dry_run`, which deletes nothing, Reader on both.
        Safe to repeat: what is gone is `absent`.

        Returns:
            One outcome per target: `deleted` (in a dry run `would-delete`), `absent`, `conflict`, `failed` or
            `timed-out`. Azure accepts a deletion even where a lock makes it fail; that is told, with the way to find
            the lock.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan`; an account that was deleted
                leaves its own endpoint, which is deleted, with a warning about the others.
        """
        checked_spec(spec)
        checked_flags(dry_run=dry_run)
        return self._run(
            "delete_all",
            lambda io: _flows.delete_all.delete_all(io, spec, dry_run=dry_run),
            timeout=checked_timeout(timeout),
        )

    def orphans(self, account: str) -> Orphans:
        """What is left over around one account: connections without an endpoint, endpoints without a target.

        Reads the account, the connections of its targets, the factories of every subscription that this caller can
        see, and the endpoints of those that concern the account. Needs Reader on all of these. A row is `certain`
        only if the factory or the target could be read; a connection of a factory that cannot be seen is listed and
        not certain. Writes nothing. Safe to repeat.

        Raises:
            InvalidSpec: `account` is not the id of a Purview account.
            NotFound: the account's subscription cannot be seen. A deleted account is no error.
        """
        return self._run("orphans", lambda io: _flows.orphans.orphans(io, account))

    def _watch(self, spec: Spec, every: float, timeout: float | None) -> Iterator[Status]:
        io = self._colour.SyncIo(self._azure, timeout=timeout, listener=self._on_event)
        last: Status | None = None
        while (last := self._colour.run(_flows.status.next_change(io, spec, last, every=every))) is not None:
            yield last

    def _decide(
        self, verb: Verb, decision: Decision, subject: Spec | Report, *, dry_run: bool, wait: bool, timeout: float
    ) -> Report:
        checked_spec_or_report(subject)
        checked_flags(dry_run=dry_run, wait=wait)
        return self._run(
            verb,
            lambda io: _flows.approve.approve(io, subject, decision=decision, dry_run=dry_run, wait=wait, verb=verb),
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
