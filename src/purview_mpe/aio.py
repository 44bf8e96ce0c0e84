"""The asynchronous client: `purview_mpe.aio.Client` has the verbs of `purview_mpe.Client`, awaited.

The synchronous verbs document what each reads, writes, needs and raises, and `help()` shows these texts here as well.
They hold for both clients, which run the same flows. Needs the extra `aio` (aiohttp) unless you pass a transport.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from purview_mpe import _client
from purview_mpe._azure import loading
from purview_mpe._azure.options import checked_listener
from purview_mpe._client.client import Client as _Synchronous

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

    from purview_mpe._azure.clients import Azure, Cloud
    from purview_mpe._azure.io import AsyncIo
    from purview_mpe._client.calls import Call, FleetLook, FleetRun, Series
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.checkup import Check, Diagnosis, Orphans
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
    from purview_mpe._model.fleets import FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.proof import Proof
    from purview_mpe._model.results import Account, Plan, Report, Status
    from purview_mpe._model.retry import Retry
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.budget import Budget

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """As `purview_mpe.Client`, awaited; takes the credentials of `azure.identity.aio`.

    A client belongs to the event loop in which it sent its first request: make one in each coroutine that you pass to
    `asyncio.run`.
    """

    def __init__(
        self,
        credential: AsyncTokenCredential | AsyncSupportsTokenInfo | None = None,
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
        self._io_type: type[AsyncIo] = loading.load("purview_mpe._azure.io").AsyncIo
        self._azure: Azure = loading.load("purview_mpe._azure.clients").Azure(
            "async",
            credential,
            cloud=cloud,
            endpoint=endpoint,
            purview_endpoint=purview_endpoint,
            retry=retry,
            budget=budget,
            options=client_options,
        )
        self._on_event = on_event

    async def discover(self, account: str | ArmId) -> Account:
        """As `purview_mpe.Client.discover`.

        What a Purview account needs: its shape, firewall setting and targets.
        """
        return await self._run(_client.verbs.discover(account))

    async def plan(self, spec: Spec) -> Plan:
        """As `purview_mpe.Client.plan`.

        What the factory needs to reach the account: what to create, and what exists already.
        """
        return await self._run(_client.verbs.plan(spec))

    async def apply(self, plan_or_spec: Plan | Spec, *, wait: bool = True, timeout: float = 1800) -> Report:
        """As `purview_mpe.Client.apply`.

        Create what the plan says is missing, and wait until Azure has provisioned it.
        """
        return await self._run(_client.verbs.apply(plan_or_spec, wait=wait, timeout=timeout))

    async def create_all(
        self, spec: Spec, *, approve: bool = False, wait: bool = True, timeout: float = 1800
    ) -> Report:
        """As `purview_mpe.Client.create_all`.

        Plan and apply in one call, as "Create all" does in the portal; with `approve`, also approve.
        """
        return await self._run(_client.verbs.create_all(spec, approve=approve, wait=wait, timeout=timeout))

    async def approve(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """As `purview_mpe.Client.approve`.

        Approve the pending connections that provably belong to the factory, and no others.
        """
        return await self._run(_client.verbs.approve(spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout))

    async def reject(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """As `purview_mpe.Client.reject`.

        Reject the pending connections that provably belong to the factory; approved ones stay approved.
        """
        return await self._run(_client.verbs.reject(spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout))

    async def status(self, spec: Spec) -> Status:
        """As `purview_mpe.Client.status`.

        Every endpoint that the account needs, as the factory and the target see it, with a verdict.
        """
        return await self._run(_client.verbs.status(spec))

    def watch(self, spec: Spec, *, every: float = 15, timeout: float | None = None) -> AsyncIterator[Status]:
        """As `purview_mpe.Client.watch`; iterate with `async for`.

        The status now, then each status that differs, until nothing is pending or provisioning any more.
        """
        return self._iterate(_client.verbs.watch(spec, every=every, timeout=timeout))

    async def check(self, spec: Spec) -> Check:
        """As `purview_mpe.Client.check`.

        Whether everything is in place, before anything is written.
        """
        return await self._run(_client.verbs.check(spec))

    async def connect(self, spec: Spec, *, replace: bool = False, identity: bool = False) -> Report:
        """As `purview_mpe.Client.connect`.

        Connect the factory to the account, so that its activities report lineage there.
        """
        return await self._run(_client.verbs.connect(spec, replace=replace, identity=identity))

    async def disconnect(self, spec: Spec) -> Report:
        """As `purview_mpe.Client.disconnect`.

        Remove the factory's connection to the account; its activities no longer report lineage.
        """
        return await self._run(_client.verbs.disconnect(spec))

    async def grant(
        self, spec: Spec, *, become_admin: bool = False, dry_run: bool = False, timeout: float = 300
    ) -> Report:
        """As `purview_mpe.Client.grant`.

        Make the factory's identity Data Curator on the account's root collection, so that it may push lineage.
        """
        return await self._run(_client.verbs.grant(spec, become_admin=become_admin, dry_run=dry_run, timeout=timeout))

    async def revoke(self, spec: Spec, *, dry_run: bool = False, timeout: float = 300) -> Report:
        """As `purview_mpe.Client.revoke`.

        Remove the role Data Curator on the root collection from the factory's identity.
        """
        return await self._run(_client.verbs.revoke(spec, dry_run=dry_run, timeout=timeout))

    async def prove(
        self,
        spec: Spec,
        *,
        pipeline: str | None = None,
        run_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        timeout: float = 1800,
    ) -> Proof:
        """As `purview_mpe.Client.prove`.

        Whether lineage arrives: follows one run of your pipeline into Purview's catalog.
        """
        return await self._run(
            _client.verbs.prove(spec, pipeline=pipeline, run_id=run_id, parameters=parameters, timeout=timeout)
        )

    async def onboard(
        self,
        spec: Spec,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 1800,
    ) -> Report:
        """As `purview_mpe.Client.onboard`.

        Everything that a new factory needs for lineage, in one call.
        """
        options = (approve, grant, become_admin, replace)
        return await self._run(_client.verbs.onboard(spec, options, dry_run=dry_run, wait=wait, timeout=timeout))

    async def offboard(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:
        """As `purview_mpe.Client.offboard`.

        Offboard the factory: revoke the role, disconnect it, and delete the endpoints, in this order.
        """
        return await self._run(_client.verbs.offboard(spec, dry_run=dry_run, timeout=timeout))

    async def plan_private_endpoints(self, spec: Spec, network: Network, *, purpose: Purpose) -> Plan:
        """As `purview_mpe.Client.plan_private_endpoints`.

        What a network of your own needs to reach the account: private endpoints, zones, links and zone groups.
        """
        return await self._run(_client.verbs.plan_private_endpoints(spec, network, purpose=purpose))

    async def create_private_endpoints(
        self,
        spec: Spec,
        network: Network,
        *,
        purpose: Purpose,
        approve: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 1800,
    ) -> Report:
        """As `purview_mpe.Client.create_private_endpoints`.

        Create what a network of your own needs to reach the account, and wait until it works.
        """
        return await self._run(
            _client.verbs.create_private_endpoints(
                spec, network, purpose=purpose, approve=approve, dry_run=dry_run, wait=wait, timeout=timeout
            )
        )

    async def delete_private_endpoints(
        self, spec: Spec, network: Network, *, purpose: Purpose, dry_run: bool = False, timeout: float = 600
    ) -> Report:
        """As `purview_mpe.Client.delete_private_endpoints`.

        Delete the private endpoints of a purpose from a network of your own, whatever their names.
        """
        return await self._run(
            _client.verbs.delete_private_endpoints(spec, network, purpose=purpose, dry_run=dry_run, timeout=timeout)
        )

    async def private_endpoints_status(self, spec: Spec, network: Network, *, purpose: Purpose) -> Status:
        """As `purview_mpe.Client.private_endpoints_status`.

        Every private endpoint that a network of your own needs, as it and its target see it, with a verdict.
        """
        return await self._run(_client.verbs.private_endpoints_status(spec, network, purpose=purpose))

    async def diagnose(self, spec: Spec, *, since: timedelta = timedelta(hours=24)) -> Diagnosis:
        """As `purview_mpe.Client.diagnose`.

        Why lineage does not arrive: the whole chain, from the support matrix to the recent runs.
        """
        return await self._run(_client.verbs.diagnose(spec, since=since))

    async def delete_all(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:
        """As `purview_mpe.Client.delete_all`.

        Delete the endpoints that serve this spec, whatever their names, and nothing else.
        """
        return await self._run(_client.verbs.delete_all(spec, dry_run=dry_run, timeout=timeout))

    async def orphans(self, account: str | ArmId) -> Orphans:
        """As `purview_mpe.Client.orphans`.

        The orphans of one account: connections without an endpoint, endpoints without a target.
        """
        return await self._run(_client.verbs.orphans(account))

    async def find_specs(self, scope: str, *, name: str = "purview", account: str | ArmId | None = None) -> FoundSpecs:
        """As `purview_mpe.Client.find_specs`.

        A spec for every factory of a subscription or resource group that is connected to a Purview account.
        """
        return await self._run(_client.verbs.find_specs(scope, name=name, account=account))

    async def find_id(self, scope: str, name: str, *, kind: Literal["factory", "account"] = "factory") -> str:
        """As `purview_mpe.Client.find_id`.

        The full id of a factory or a Purview account, by its name.
        """
        return await self._run(_client.verbs.find_id(scope, name, kind=kind))

    async def create_many(
        self,
        specs: Iterable[Spec] | FleetPlan | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> FleetReport:
        """As `purview_mpe.Client.create_many`.

        What `create_all` does, for many factories at once, as fast as Azure's limits allow.
        """
        return await self._all(
            _client.verbs.create_many(
                specs,
                approve=approve,
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def iter_create_many(
        self,
        specs: Iterable[Spec] | FleetPlan | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_create_many`; iterate with `async for`.

        As `create_many`, but yields each factory's report as soon as it is complete.
        """
        return self._iterate(
            _client.verbs.create_many(
                specs,
                approve=approve,
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    async def onboard_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> FleetReport:
        """As `purview_mpe.Client.onboard_many`.

        What `onboard` does, for many factories at once, as fast as Azure's limits allow.
        """
        return await self._all(
            _client.verbs.onboard_many(
                specs,
                (approve, grant, become_admin, replace),
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def iter_onboard_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_onboard_many`; iterate with `async for`.

        As `onboard_many`, but yields each factory's report as soon as it is complete.
        """
        return self._iterate(
            _client.verbs.onboard_many(
                specs,
                (approve, grant, become_admin, replace),
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    async def approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> FleetReport:
        """As `purview_mpe.Client.approve_many`.

        What `approve` does, for many factories at once: each target is listed once per round for all of them.
        """
        return await self._all(
            _client.verbs.approve_many(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout)
        )

    def iter_approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_approve_many`; iterate with `async for`.

        As `approve_many`, but yields each factory's report as soon as it is complete.
        """
        return self._iterate(_client.verbs.approve_many(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout))

    async def status_many(self, specs: Iterable[Spec] | str | Path) -> FleetStatus:
        """As `purview_mpe.Client.status_many`.

        What `status` shows, for many factories at once: each account and each target is read once.
        """
        return await self._run(_client.verbs.status_many(specs))

    async def plan_many(self, specs: Iterable[Spec] | str | Path) -> FleetPlan:
        """As `purview_mpe.Client.plan_many`.

        What `plan` shows, for many factories at once: each account and each target is read once.
        """
        return await self._looked(_client.verbs.plan_many(specs))

    async def check_many(self, specs: Iterable[Spec] | str | Path) -> FleetCheck:
        """As `purview_mpe.Client.check_many`.

        What `check` shows, for many factories at once: each account, its policy and each target is read once.
        """
        return await self._run(_client.verbs.check_many(specs))

    async def delete_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        dry_run: bool = False,
        timeout: float = 600,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> FleetReport:
        """As `purview_mpe.Client.delete_many`.

        What `delete_all` does, for many factories at once, as fast as Azure's limits allow.
        """
        return await self._all(
            _client.verbs.delete_many(
                specs, dry_run=dry_run, timeout=timeout, stop_after=stop_after, resume=resume, journal=journal
            )
        )

    def iter_delete_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        dry_run: bool = False,
        timeout: float = 600,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> AsyncIterator[Report]:
        """As `purview_mpe.Client.iter_delete_many`; iterate with `async for`.

        As `delete_many`, but yields each factory's report as soon as it is complete.
        """
        return self._iterate(
            _client.verbs.delete_many(
                specs, dry_run=dry_run, timeout=timeout, stop_after=stop_after, resume=resume, journal=journal
            )
        )

    async def close(self) -> None:
        """As `purview_mpe.Client.close`.

        Close the connections that this client opened; a transport or credential that you passed stays open.
        """
        await self._azure.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _io(self, timeout: float | None) -> AsyncIo:
        return self._io_type(self._azure, timeout=timeout, listener=self._on_event)

    async def _run(self, call: Call[T]) -> T:
        io = self._io(call.timeout)
        return await call.narrated(io)

    async def _iterate(self, series: Series[T]) -> AsyncGenerator[T]:
        io = self._io(series.timeout)
        with series.begin(io) as work:
            try:
                while not work.is_over:
                    for answer in await work.round():
                        yield answer
            finally:
                await work.close()

    async def _all(self, fleet: FleetRun) -> FleetReport:
        with fleet.kept():
            async for _ in self._iterate(fleet):
                pass
        return fleet.report()

    async def _looked(self, look: FleetLook[T]) -> T:
        async for _ in self._iterate(look):
            pass
        return look.results[0]


def _document_in_full() -> None:
    """Make `help()` on a verb show the whole text of the synchronous verb, below the line that refers to it."""
    for name in (name for name in vars(Client) if not name.startswith("_")):
        verb, twin = getattr(Client, name), getattr(_Synchronous, name)
        if verb.__doc__ and twin.__doc__:  # `python -OO` removes docstrings
            reference = inspect.cleandoc(verb.__doc__).partition("\n")[0]
            verb.__doc__ = f"{reference}\n\n{inspect.cleandoc(twin.__doc__)}"


_document_in_full()
