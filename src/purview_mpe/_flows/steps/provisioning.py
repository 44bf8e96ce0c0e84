"""Writing on the factory's side: the managed virtual network, the endpoints, and the wait for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import factory_writes as writes
from purview_mpe._flows.steps import reads, reasons
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.narration import tell_step
from purview_mpe._flows.steps.progress import Ended, InTheWay, Made, Progress, UnderWay
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, carried_out
from purview_mpe._model import states
from purview_mpe._model.arm_id import folded
from purview_mpe._model.results import ErrorDetail, Plan
from purview_mpe._rules.foretelling import conflict_of, without_network
from purview_mpe.errors import PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Endpoint, Factory, Outcome, Result, Step, Verb

_MAX_HEALINGS = 3
#: Seconds between two checks of whether the early read would overtake a write.
_EARLY_READ_DELAY = 0.03


@dataclass(frozen=True, slots=True)
class Seen:
    """The factory's endpoints from a list, and when it was read."""

    endpoints: Sequence[Endpoint]
    at: float


@dataclass
class Provisioning:
    """One run over the steps of a plan that was just made. `outcomes` returns the outcomes so far, at any moment.

    Conflicts among the steps become outcomes.
    """

    io: Io
    plan: Plan
    factory: Factory
    verb: Verb
    seen_at: float | None = None
    """When the factory was read; by default now."""
    began: float = field(init=False)
    steps: list[Progress] = field(init=False)
    seen: Seen = field(init=False)
    healed: Counter[str] = field(init=False, default_factory=Counter[str])
    failed_looks: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.steps = [Progress(step, self.began) for step in self.plan.steps]
        self.seen = Seen(self.factory.endpoints, self.began if self.seen_at is None else self.seen_at)

    @property
    def endpoint_steps(self) -> list[Progress]:
        return [progress for progress in self.steps if progress.step.subject == "endpoint"]

    @property
    def steps_inside(self) -> list[Progress]:
        """The steps for everything in the managed virtual network."""
        return [progress for progress in self.steps if progress.step.subject != "managed-network"]

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each step, in the plan's order."""
        now = self.io.now()
        return tuple(progress.outcome(now) for progress in self.steps)

    async def write(self, *, read_early: bool = False) -> None:
        """Write everything that has to be written, without waiting until Azure has finished.

        `read_early` sends the first read right after the writes: if Azure finishes immediately, that saves the time
        of a request.
        """
        if (missing := await self.make_network()) is None:
            await self.write_endpoints(read_early=read_early)
        else:
            await self.skip_endpoints(missing)

    @property
    def waiting(self) -> list[Progress]:
        """The steps whose endpoint Azure is still provisioning, or still deleting so that it can be created again."""
        return [progress for progress in self.endpoint_steps if progress.is_waited_for]

    @property
    def is_replacing(self) -> bool:
        """True if an endpoint must be created but cannot be yet."""
        return any(isinstance(progress.state, InTheWay) for progress in self.endpoint_steps)

    @property
    def is_over(self) -> bool:
        """True if nothing will change any more."""
        return not self.waiting and not self._healable()

    async def make_network(self) -> Step | None:
        """Create the managed virtual network if planned; return its step if nothing can be created in it."""
        for progress in self.steps:
            if progress.step.subject == "managed-network":
                await self.do(progress)
                return None if progress.result in {"created", "kept"} else progress.step
        return None

    async def skip_endpoints(self, network: Step) -> None:
        """End every step inside the network; those that create something fail, because the network is missing."""
        for progress in self.steps_inside:
            if progress.step.action in {"create", "replace"}:
                self._fail(progress, without_network(progress.step, network))
            else:
                await self.do(progress)

    async def write_endpoints(self, *, read_early: bool) -> None:
        """Write all endpoints that have to be written, and the runtime, concurrently."""
        writing: list[Progress] = []
        for progress in self.steps_inside:
            if progress.step.action in {"create", "replace"}:
                writing.append(progress)
            else:
                await self.do(progress)
        listed: list[Endpoint] = []
        flows = [self.do(progress) for progress in writing]
        if writing and read_early:
            flows.append(self._list_early(writing, self.io.writes_sent, listed))
        await self.io.gather(flows)
        for progress in self.waiting:
            endpoint = _found(progress.step, listed)
            # Only an endpoint that this list shows as finished counts: the read may have overtaken the write.
            if endpoint is not None and states.provisioning_is_over(endpoint.provisioning_state):
                self._take_over(progress, listed)

    async def _list_early(self, writing: Sequence[Progress], sent_before: int, listed: list[Endpoint]) -> None:
        """Read as soon as every write is on its way. A read that overtakes a write costs the time of a request."""
        await self.io.sleep(_EARLY_READ_DELAY)
        while self.io.writes_sent - sent_before < len(writing):
            is_answered = all(isinstance(progress.state, (InTheWay, Made, Ended)) for progress in writing)
            if is_answered or remaining(self.io) <= 0:
                return  # the next read comes at once
            await self.io.sleep(_EARLY_READ_DELAY)
        try:
            listed.extend(await reads.list_endpoints(self.io, self.plan.spec))
        except PurviewMpeError:
            return  # nothing depends on it: the next read shows the problem

    async def do(self, progress: Progress) -> None:
        """Carry out one step; an error is stored in its state."""
        step = progress.step
        progress.began = self.io.now()
        try:
            match step.action:
                case "conflict":
                    self._enter(progress, Ended("conflict", conflict_of(step)))
                case "keep":
                    kept = _found(step, self.factory.endpoints)
                    self._enter(progress, Made("kept", kept) if kept else Ended("kept"))
                case "create" if step.subject == "managed-network":
                    progress.state = UnderWay()
                    self._enter(progress, Ended(await writes.create_network(self.io, self.plan.spec, step)))
                case "create" if step.subject == "runtime":
                    progress.state = UnderWay()
                    self._enter(
                        progress, await writes.create_runtime(self.io, self.plan.spec, step, seen_at=self.seen.at)
                    )
                case "create" if leaving := _leaving(step, self.factory.endpoints):
                    # Until that endpoint is gone, Azure refuses another endpoint to the same target, whatever its name.
                    progress.state = InTheWay(leaving.name, "created", is_deleting=True)
                case "create":
                    await self._create(progress, "created")
                case "replace":
                    await self._replace(progress, "replaced")
        except PurviewMpeError as error:
            self._fail(progress, error)

    async def look(self) -> None:
        """Read the factory once: a single list for all endpoints together."""
        waiting = self.waiting
        try:
            listed = await self._see()
        except WaitTimedOut:
            self.time_out()
        except PurviewMpeError as error:
            self.failed_looks += 1
            # Azure goes on creating the endpoints even if it does not answer, so a temporary failure ends nothing.
            if not isinstance(error, PASSING) or self.failed_looks >= FAILED_LOOKS:
                self.give_up(error)
        else:
            self.failed_looks = 0
            for progress in waiting:
                if isinstance(progress.state, Made):
                    self._take_over(progress, listed)
            await self.io.gather(
                [self._make_again(progress) for progress in waiting if self._is_gone(progress, listed)]
            )

    async def heal(self) -> Step | None:
        """Replace one failed endpoint whose target has several endpoints, and return its step.

        Storage runs one private endpoint operation at a time (public code), so one endpoint can make another one fail,
        and endpoints are replaced one after the other. Approving the blocking endpoint's connection is also such an
        operation, so a replacement can fail again. Only endpoints that this run created are replaced, because nothing
        can use them yet; if the spec allows it, also those that another call was already creating.
        """
        if not (healable := self._healable()):
            return None
        progress = healable[0]
        self.healed[progress.step.name] += 1
        try:
            await self._replace(progress, "replaced" if progress.result == "kept" else progress.result or "created")
        except PurviewMpeError as error:
            self._fail(progress, error)
        return progress.step

    def _healable(self) -> list[Progress]:
        targets = [folded(progress.step.resource_id) for progress in self.endpoint_steps]
        touchable = {"created", "replaced", "kept"} if self.plan.spec.replace_broken else {"created", "replaced"}
        return [
            progress
            for progress in self.endpoint_steps
            if isinstance(progress.state, Made)
            and progress.state.has_failed
            and progress.state.result in touchable
            and self.healed[progress.step.name] < _MAX_HEALINGS
            and targets.count(folded(progress.step.resource_id)) > 1
        ]

    async def _see(self) -> Sequence[Endpoint]:
        listed = await reads.list_endpoints(self.io, self.plan.spec)
        self.seen = Seen(listed, self.io.now())
        return listed

    async def _create(self, progress: Progress, result: Result) -> None:
        step = progress.step

        async def put() -> Made:
            return Made(result, await writes.put_endpoint(self.io, self.plan.spec, step))

        async def look(may_be_done: bool) -> Made | None:
            # The SDK raises for 201 and 202 too, and a broken connection proves nothing: the list decides.
            if (found := _found(step, await self._see())) is None:
                return None
            is_from_here = may_be_done and found.name.casefold() == step.name.casefold()
            return Made(result if is_from_here else "kept", found)

        progress.state = UnderWay()
        self._enter(progress, await carried_out(self.io, put, look=look))

    async def _replace(self, progress: Progress, result: Result) -> None:
        """Delete the broken endpoint of this step, whatever its name; a healthy one in its place is kept."""
        step = progress.step
        name = step.name if (doomed := _found(step, self.seen.endpoints)) is None else doomed.name

        async def delete() -> InTheWay | Made | Ended:
            await writes.delete_endpoint(self.io, self.plan.spec, name)
            return InTheWay(name, result, was_deleted_here=True)

        async def look(may_be_done: bool) -> InTheWay | Made | Ended | None:
            nonlocal name
            if (now := _found(step, await self._see())) is None:
                return InTheWay(name, result, was_deleted_here=may_be_done)
            if not states.is_broken(now.provisioning_state, now.connection_status):
                return Made("kept", now)
            if now.reserved:
                return Ended("conflict", ErrorDetail.of(reasons.reserved(now.name)), now)
            name = now.name
            return None

        seen_at = self.seen.at if doomed is not None else float("-inf")
        progress.state = UnderWay()
        state = await carried_out(self.io, delete, look=look, seen_at=seen_at)
        if isinstance(state, InTheWay):
            progress.state = state
        else:
            self._enter(progress, state)

    async def _make_again(self, progress: Progress) -> None:
        if not isinstance(progress.state, InTheWay):
            return
        try:
            await self._create(progress, progress.state.becoming)
        except PurviewMpeError as error:
            self._fail(progress, error)

    def _is_gone(self, progress: Progress, listed: Sequence[Endpoint]) -> bool:
        """True if the endpoint deleted for this step is gone; while it is being deleted, it blocks the new one."""
        if not isinstance(state := progress.state, InTheWay):
            return False
        left = [endpoint for endpoint in listed if endpoint.identity == progress.step.identity]
        is_deleting = any(states.is_deleting(endpoint.provisioning_state) for endpoint in left)
        if left and state.is_deleting and not is_deleting:
            self._fail(progress, reasons.kept_alive(state.name))
            return False
        progress.state = replace(state, is_deleting=is_deleting)
        return not left

    def _take_over(self, progress: Progress, listed: Sequence[Endpoint]) -> None:
        """Update the state of a created endpoint from a list."""
        if not isinstance(state := progress.state, Made):
            return
        if (endpoint := _found(progress.step, listed)) is None:
            self._fail(progress, reasons.vanished(progress.step.name))
            return
        progress.state = Made(state.result, endpoint)
        if states.provisioning_is_over(endpoint.provisioning_state):
            self._enter(progress, progress.state)

    def give_up(self, error: PurviewMpeError) -> None:
        """End every step that is still waited for, because nothing more can be read."""
        for progress in self.waiting:
            self._fail(progress, error)

    def time_out(self, *, waited: bool = True) -> None:
        """End every step that is still waited for; if the caller did not wait, only steps that are not written yet."""
        for progress in self.waiting:
            match progress.state:
                case InTheWay(name=name):
                    self._fail(progress, reasons.still_listed(name))
                case Made(endpoint=endpoint) if waited:
                    self._fail(progress, reasons.still_in_the_making(progress.step.name, endpoint.provisioning_state))
                case _:
                    pass  # written, and the caller did not ask to wait

    def _fail(self, progress: Progress, error: PurviewMpeError) -> None:
        result: Result = "timed-out" if isinstance(error, WaitTimedOut) else "failed"
        self._enter(progress, Ended(result, ErrorDetail.of(error), progress.endpoint))

    def _enter(self, progress: Progress, state: Made | Ended) -> None:
        """Enter a state in which the step has a result, and report it as an event."""
        progress.changed = self.io.now()
        # The time is set before the state: another thread that reads the state must find its time, too.
        progress.state = state
        outcome = progress.outcome(self.io.now())
        endpoint = state.endpoint
        shown = f" ({endpoint.provisioning_state or 'state unknown'})" if endpoint else ""
        tell_step(self.io, self.verb, outcome, self.plan.spec.factory, shown=shown)


def _found(step: Step, endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The endpoint that the step is about, by identity; one that is being deleted does not count."""
    same = (endpoint for endpoint in endpoints if endpoint.identity == step.identity)
    return next((endpoint for endpoint in same if not states.is_deleting(endpoint.provisioning_state)), None)


def _leaving(step: Step, endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The endpoint with the step's identity, if that endpoint is being deleted."""
    same = (endpoint for endpoint in endpoints if endpoint.identity == step.identity)
    return next((endpoint for endpoint in same if states.is_deleting(endpoint.provisioning_state)), None)
