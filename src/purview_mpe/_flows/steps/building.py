"""Carrying out a plan for the customer's own network: zones concurrently, private endpoints one after the other.

A subnet takes one operation at a time (public code), so its private endpoints are created in turn, and so are their
zone groups. A zone that is linked and holds no record hides a public name, so a zone is linked once its private
endpoints exist, shortly before their zone groups. A failed step stops only the steps that depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps.narration import tell_step, tell_waiting
from purview_mpe._flows.steps.network_reads import read_endpoint
from purview_mpe._flows.steps.network_writes import (
    EndpointDeletion,
    EndpointWork,
    LinkWork,
    ZoneGroupWork,
    ZoneWork,
)
from purview_mpe._flows.steps.operations import Created, created, deleted, pause, settled
from purview_mpe._flows.steps.progress import Ended, InTheWay, Made, Progress, UnderWay
from purview_mpe._model import states
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import ErrorDetail
from purview_mpe._rules.own_network import endpoint_id_of, is_deleting_for, standing_for
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import ProvisioningFailed, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.operations import Work
    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Outcome, Result, Verb
    from purview_mpe._model.surroundings import PrivateEndpoint, Surroundings
    from purview_mpe._rules.own_network import OwnPlan, ZonePlan

_READY = frozenset({"created", "kept", "replaced"})


@dataclass
class Building:
    """One run over the steps of a plan for a network. `outcomes` returns the outcomes so far, at any moment."""

    io: Io
    network: Network
    own: OwnPlan
    around: Surroundings
    verb: Verb
    seen_at: float
    wait: bool = True
    began: float = field(init=False)
    steps: list[Progress] = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.steps = [Progress(step, self.began) for step in self.own.plan.steps]

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each step, in the plan's order."""
        return tuple(progress.outcome(self.io.now()) for progress in self.steps)

    def of(self, subject: str) -> list[Progress]:
        """The steps of one kind."""
        return [progress for progress in self.steps if progress.step.subject == subject]

    async def run(self) -> None:
        """Create the zones and the endpoints concurrently, then the links, then the zone groups, which need all."""
        await self.io.gather([self._zones(), self._endpoints()])
        await self.io.gather([self._link(name, zone) for name, zone in self.own.resolving.zones.items()])
        for progress in self.of("dns-zone-group"):
            await self._zone_group(progress)

    async def _zones(self) -> None:
        await self.io.gather([self._zone(zone) for zone in self.own.resolving.zones.values()])

    async def _zone(self, zone: ZonePlan) -> None:
        await self._do(self._progress(zone.steps[0].resource_id), ZoneWork(self.io, zone.id, self.network.subnet))

    async def _link(self, name: str, zone: ZonePlan) -> None:
        made, linked = (self._progress(step.resource_id) for step in zone.steps)
        hidden = [one for one in self.of("private-endpoint") if name in self._zones_of(one)]
        lacking = [one.step.name for one in hidden if one.result not in _READY]
        if made.result not in _READY:
            self._fail(linked, _depends(linked, f"the zone {zone.id.name!r} is not ready"))
        elif lacking and linked.step.action != "keep":
            why = f"the zone would hide names, because the private endpoint {lacking[0]!r} is not ready"
            self._fail(linked, _depends(linked, why))
        else:
            await self._do(linked, LinkWork(self.io, self.network, zone.id, zone.link))

    def _zones_of(self, endpoint: Progress) -> tuple[str, ...]:
        return self.own.resolving.wanted.get(endpoint.step.group_id or "", ())

    def _progress(self, resource_id: str) -> Progress:
        return next(progress for progress in self.steps if progress.step.resource_id == resource_id)

    async def _zone_group(self, progress: Progress) -> None:
        group_id = ArmId.parse(progress.step.resource_id)
        endpoint = next(one for one in self.of("private-endpoint") if self._id_of(one) == group_id.outer)
        zones = self.own.resolving.zones_of(endpoint.step.group_id)
        links = [self._progress(step.resource_id) for zone in zones for step in zone.steps]
        if endpoint.result not in _READY:
            self._fail(progress, _depends(progress, f"the private endpoint {endpoint.step.name!r} is not ready"))
        elif progress.step.action != "keep" and any(one.result not in _READY for one in links):
            self._fail(progress, _depends(progress, "a zone or its link is not ready"))
        else:
            work = ZoneGroupWork(self.io, group_id, tuple(str(zone.id) for zone in zones), self.network.subnet)
            existing = self.around.zone_groups.get(group_id.outer.key, ())
            if self.wait and any(one.state and not states.provisioning_is_over(one.state) for one in existing):
                await self._see_through(progress, work)
            else:
                await self._do(progress, work, wait=self.wait)

    async def _see_through(self, progress: Progress, work: ZoneGroupWork) -> None:
        """Wait for a zone group that another run, or an Azure Policy assignment, has begun to create or to delete."""
        progress.began = self.io.now()
        try:
            found = await settled(self.io, work, waiting=lambda: self._tell(progress), wait=True)
            if found is None:
                await self._make(progress, work, wait=True)
            elif found.has_failed:
                self._fail(progress, _not_finished(progress, found.state))
            else:
                self._enter(progress, Ended("kept"))
        except PurviewMpeError as error:
            self._fail(progress, error)

    def _id_of(self, progress: Progress) -> ArmId:
        return endpoint_id_of(self.network, progress.step, self.around)

    async def _do(self, progress: Progress, work: Work[Any], *, wait: bool = True) -> None:
        """Create or keep one zone, link or zone group."""
        progress.began = self.io.now()
        if progress.step.action == "keep":
            self._enter(progress, Ended("kept"))
            return
        try:
            await self._make(progress, work, wait=wait)
        except PurviewMpeError as error:
            self._fail(progress, error)

    async def _make(self, progress: Progress, work: Work[Any], *, wait: bool) -> None:
        progress.state = UnderWay()
        done = await created(self.io, work, waiting=lambda: self._tell(progress), wait=wait, seen_at=self.seen_at)
        self._enter(progress, Ended("created" if done.made_here else "kept"))

    async def _endpoints(self) -> None:
        turn = self.of("private-endpoint")
        has_groups = any(progress.step.action == "create" for progress in self.of("dns-zone-group"))
        for progress in turn:
            progress.began = self.io.now()
            if any(one.result == "timed-out" for one in turn):
                self._fail(progress, _out_of_time(progress))  # the operation before it still holds the subnet
                continue
            try:
                await self._endpoint(progress, wait=self.wait or has_groups or progress is not turn[-1])
            except PurviewMpeError as error:
                self._fail(progress, error)

    async def _endpoint(self, progress: Progress, *, wait: bool) -> None:
        match progress.step.action:
            case "keep":
                await self._keep(progress, wait=wait)
            case "replace":
                await self._replace(progress, wait=wait)
            case _:
                if leaving := is_deleting_for(self.network, progress.step, self.around):
                    await self._until_gone(progress, leaving)
                await self._create(progress, "created", wait=wait)

    async def _keep(self, progress: Progress, *, wait: bool) -> None:
        """Keep an existing private endpoint; wait for one that another run has begun, because the subnet is busy."""
        found = standing_for(self.network, progress.step, self.around)
        began, attempt = self.io.now(), Attempt(f"create the private endpoint {progress.step.name!r}", "", "")
        while wait and found is not None and not states.provisioning_is_over(found.endpoint.provisioning_state):
            await pause(self.io, began, attempt, waiting=lambda: self._tell(progress))
            found = await read_endpoint(self.io, found.id)
        if found is None or states.is_broken(found.endpoint.provisioning_state, ""):
            await self._create(progress, "created", wait=wait)  # it failed, or was deleted meanwhile
        else:
            self._enter(progress, Made("kept", found.endpoint))

    async def _create(self, progress: Progress, result: Result, *, wait: bool) -> None:
        step = progress.step
        account = self.own.plan.account.name
        targets = {target.identity: target for target in self.own.targets}
        work = EndpointWork(
            self.io,
            self.network,
            step,
            self.network.endpoint_id(step.name),
            self.network.location or self.around.network.location,
            f"Private endpoint {step.name} for the Purview account {account}",
            # The ingestion storage account is in a subscription of Microsoft's, where no caller has the right to
            # approve (public code).
            is_manual=self.network.approval == "manual" or targets[step.identity].connections == "ingestion",
        )
        progress.state = UnderWay()
        done: Created[PrivateEndpoint] = await created(
            self.io, work, waiting=lambda: self._tell(progress), wait=wait, seen_at=self.seen_at
        )
        self._enter(progress, Made(result if done.made_here else "kept", done.value.endpoint))

    async def _replace(self, progress: Progress, *, wait: bool) -> None:
        doomed = standing_for(self.network, progress.step, self.around)
        if doomed is not None:
            progress.state = UnderWay()
            deletion = EndpointDeletion(self.io, doomed.id, doomed, only_broken=True)
            await deleted(self.io, deletion, waiting=lambda: self._tell(progress), seen_at=self.seen_at)
            progress.state = InTheWay(doomed.endpoint.name, "replaced", was_deleted_here=True)
        await self._create(progress, "replaced", wait=wait)

    async def _until_gone(self, progress: Progress, leaving: PrivateEndpoint) -> None:
        progress.state = InTheWay(leaving.endpoint.name, "created", is_deleting=True)
        began, attempt = self.io.now(), Attempt(f"delete the private endpoint {leaving.endpoint.name!r}", "", "")
        while (now := await read_endpoint(self.io, leaving.id)) is not None:
            if not states.is_deleting(now.endpoint.provisioning_state):
                raise ProvisioningFailed(
                    f"Azure accepted the deletion of the private endpoint {leaving.endpoint.name!r} but did not carry "
                    "it out.",
                    remedy="Look for a resource lock on it or on its resource group, then repeat the call.",
                )
            await pause(self.io, began, attempt, waiting=lambda: self._tell(progress))

    def _fail(self, progress: Progress, error: PurviewMpeError) -> None:
        result: Result = "timed-out" if isinstance(error, WaitTimedOut) else "failed"
        self._enter(progress, Ended(result, ErrorDetail.of(error), progress.endpoint))

    def _enter(self, progress: Progress, state: Made | Ended) -> None:
        progress.changed = self.io.now()
        progress.state = state
        outcome = progress.outcome(self.io.now())
        tell_step(self.io, self.verb, outcome, self.own.plan.spec.factory)

    def _tell(self, progress: Progress) -> None:
        tell_waiting(
            self.io,
            self.verb,
            f"waiting for Azure to create {progress.step.name}",
            factory=self.own.plan.spec.factory,
            pending=(progress.step.name,),
        )


def _out_of_time(progress: Progress) -> WaitTimedOut:
    return WaitTimedOut(
        f"The private endpoint {progress.step.name!r} was not started: the time ran out before its turn.",
        remedy="Repeat the call, with a longer timeout if need be: what is done already is kept.",
    )


def _not_finished(progress: Progress, state: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"The zone group {progress.step.name!r}, which another run or a policy began, is {state}.",
        remedy="Repeat the call; if it fails again, have the owner of the zone group correct or delete it.",
    )


def _depends(progress: Progress, why: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        f"{progress.step.name!r} was not created: {why}.",
        remedy="Fix the error reported for that resource, then repeat the call: existing resources are kept.",
    )
