"""The asynchronous client: `purview_mpe.aio.Client` has the verbs of `purview_mpe.Client`, awaited.

What each verb reads, writes, needs and raises is told at the synchronous one in the source, and by `help()` here as
well; it is the same, because both run the same flows. Needs the extra `aio` (aiohttp) unless a transport is given.
"""

from __future__ import annotations

import inspect
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
from purview_mpe._client.client import Client as _Synchronous
from purview_mpe._client.fleet_verbs_aio import FleetVerbs
from purview_mpe._flows.steps.narration import narrated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from types import TracebackType

    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.checkup import Check, Diagnosis, Orphans
    from purview_mpe._model.events import Event
    from purview_mpe._model.results import Account, Plan, Report, Status, Verb
    from purview_mpe._model.retry import Retry
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.states import Decision
    from purview_mpe._rules.budget import Budget

__all__ = ["Client"]

T = TypeVar("T")


class Client(FleetVerbs):
    """As `purview_mpe.Client`, awaited; takes the credentials of `azure.identity.aio`.

    Belongs to the event loop in which it sent its first request: make one in each coroutine that `asyncio.run` gets.
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
        self._colour = loading.load("purview_mpe._azure.io")
        self._azure = loading.load("purview_mpe._azure.clients").Azure(
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

    async def discover(self, account: str) -> Account:
        """As `purview_mpe.Client.discover`."""
        return await self._run("discover", lambda io: _flows.discover.discover(io, account))

    async def plan(self, spec: Spec) -> Plan:
        """As `purview_mpe.Client.plan`."""
        checked_spec(spec)
        return await self._run("plan", lambda io: _flows.plan.plan(io, spec))

    async def apply(self, plan_or_spec: Plan | Spec, *, wait: bool = True, timeout: float = 1800) -> Report:  # noqa: ASYNC109 - the verb's own deadline, kept on the injected clock
        """As `purview_mpe.Client.apply`."""
        checked_plan_or_spec(plan_or_spec)
        checked_flags(wait=wait)
        return await self._run(
            "apply", lambda io: _flows.create_all.apply(io, plan_or_spec, wait=wait), timeout=checked_timeout(timeout)
        )

    async def create_all(
        self,
        spec: Spec,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,  # noqa: ASYNC109 - as above
    ) -> Report:
        """As `purview_mpe.Client.create_all`."""
        checked_spec(spec)
        checked_flags(approve=approve, wait=wait)
        return await self._run(
            "create_all",
            lambda io: _flows.create_all.create_all(io, spec, approve=approve, wait=wait),
            timeout=checked_timeout(timeout),
        )

    async def approve(
        self,
        spec_or_report: Spec | Report,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,  # noqa: ASYNC109 - as above
    ) -> Report:
        """As `purview_mpe.Client.approve`."""
        return await self._decide("approve", "Approved", spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout)

    async def reject(
        self,
        spec_or_report: Spec | Report,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,  # noqa: ASYNC109 - as above
    ) -> Report:
        """As `purview_mpe.Client.reject`."""
        return await self._decide("reject", "Rejected", spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout)

    async def status(self, spec: Spec) -> Status:
        """As `purview_mpe.Client.status`."""
        checked_spec(spec)
        return await self._run("status", lambda io: _flows.status.status(io, spec))

    async def check(self, spec: Spec) -> Check:
        """As `purview_mpe.Client.check`."""
        checked_spec(spec)
        return await self._run("check", lambda io: _flows.check.check(io, spec))

    async def connect(self, spec: Spec, *, replace: bool = False) -> Report:
        """As `purview_mpe.Client.connect`."""
        checked_spec(spec)
        checked_flags(replace=replace)
        return await self._run("connect", lambda io: _flows.connect.connect(io, spec, replace=replace))

    async def diagnose(self, spec: Spec, *, since: timedelta = timedelta(hours=24)) -> Diagnosis:
        """As `purview_mpe.Client.diagnose`."""
        checked_spec(spec)
        stretch = checked_since(since)
        return await self._run(
            "diagnose", lambda io: _flows.diagnose.diagnose(io, spec, since=stretch, now=datetime.now(UTC))
        )

    async def delete_all(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:  # noqa: ASYNC109 - as above
        """As `purview_mpe.Client.delete_all`."""
        checked_spec(spec)
        checked_flags(dry_run=dry_run)
        return await self._run(
            "delete_all",
            lambda io: _flows.delete_all.delete_all(io, spec, dry_run=dry_run),
            timeout=checked_timeout(timeout),
        )

    async def orphans(self, account: str) -> Orphans:
        """As `purview_mpe.Client.orphans`."""
        return await self._run("orphans", lambda io: _flows.orphans.orphans(io, account))

    def watch(self, spec: Spec, *, every: float = 15, timeout: float | None = None) -> AsyncIterator[Status]:
        """As `purview_mpe.Client.watch`; iterate with `async for`."""
        checked_spec(spec)
        seconds = checked_timeout(every, "every")
        limit = None if timeout is None else checked_timeout(timeout)
        return self._watch(spec, seconds, limit)

    async def _watch(self, spec: Spec, every: float, timeout: float | None) -> AsyncIterator[Status]:  # noqa: ASYNC109 - as above
        io = self._colour.AsyncIo(self._azure, timeout=timeout, listener=self._on_event)
        last: Status | None = None
        while (last := await _flows.status.next_change(io, spec, last, every=every)) is not None:
            yield last

    async def _decide(
        self,
        verb: Verb,
        decision: Decision,
        subject: Spec | Report,
        *,
        dry_run: bool,
        wait: bool,
        timeout: float,  # noqa: ASYNC109 - as above
    ) -> Report:
        checked_spec_or_report(subject)
        checked_flags(dry_run=dry_run, wait=wait)
        return await self._run(
            verb,
            lambda io: _flows.approve.approve(io, subject, decision=decision, dry_run=dry_run, wait=wait, verb=verb),
            timeout=checked_timeout(timeout),
        )

    async def close(self) -> None:
        """As `purview_mpe.Client.close`."""
        await self._azure.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(
        self,
        verb: str,
        flow: Callable[[Io], Coroutine[Any, Any, T]],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> T:
        io = self._colour.AsyncIo(self._azure, timeout=timeout, listener=self._on_event)
        return await narrated(io, verb, flow)


def _tell_in_full() -> None:
    """Whoever asks for help on a verb here gets all of it, not a reference to somewhere else."""
    for name in (name for name in dir(Client) if not name.startswith("_")):
        verb, twin = getattr(Client, name), getattr(_Synchronous, name)
        if verb.__doc__ and twin.__doc__:  # `python -OO` leaves them out
            verb.__doc__ = f"{inspect.cleandoc(verb.__doc__)}\n\n{inspect.cleandoc(twin.__doc__)}"


_tell_in_full()
