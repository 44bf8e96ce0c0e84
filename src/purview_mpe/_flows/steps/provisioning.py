"""Writing on the factory's side: the managed virtual network, the endpoints, and the wait for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps import reads, reasons
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, when_free
from purview_mpe._model import states
from purview_mpe._model.events import Event
from purview_mpe._model.results import INTERRUPTED, ErrorDetail, Outcome, Plan, Result, Step
from purview_mpe._wire import account
from purview_mpe._wire.errors import Attempt, is_busy
from purview_mpe.errors import (
    ProvisioningFailed,
    PurviewMpeError,
    WaitTimedOut,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Endpoint, Factory, Verb

#: Answers that prove that nothing was written, so that there is nothing to look for. Not 429: an attempt before it may
#: have been delivered and its answer lost.
_REFUSED = frozenset({401, 403, 404})
_ROLE = "Data Factory Contributor"
_HEALINGS = 3
#: How long after the writes a look is sent that must not overtake them.
_BEHIND = 0.03


@dataclass
class Progress:
    """How far one step has come."""

    step: Step
    began: float
    ended: float | None = None
    endpoint: Endpoint | None = None
    result: Result | None = None
    error: ErrorDetail | None = None
    becoming: Result | None = None
    """What the result will be once the endpoint that is being deleted is gone and a new one is made."""
    leaving: str = ""
    """Name of that endpoint: the step's own, or another that somebody deletes and that stands in the way."""
    was_deleting: bool = False
    """Whether that endpoint was seen on its way out."""


@dataclass
class Provisioning:
    """One run over the steps of a plan that was made just now; knows at any moment what was done.

    Conflicts among the steps become outcomes.
    """

    io: Io
    plan: Plan
    factory: Factory
    verb: Verb
    began: float = field(init=False)
    steps: list[Progress] = field(init=False)
    healed: Counter[str] = field(init=False, default_factory=Counter[str])
    failed_looks: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.began = self.io.now()
        self.steps = [Progress(step, self.began) for step in self.plan.steps]

    @property
    def endpoint_steps(self) -> list[Progress]:
        return [progress for progress in self.steps if progress.step.subject == "endpoint"]

    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each step, in the plan's order."""
        return tuple(self._outcome(progress) for progress in self.steps)

    async def write(self, *, look_behind: bool = False) -> None:
        """Everything that has to be written, without waiting for what Azure makes of it.

        To `look_behind` sends the first look right behind the writes: where Azure is done at once, that saves the
        time of a request.
        """
        if await self.make_network():
            await self.write_endpoints(look_behind=look_behind)
        else:
            self.skip_endpoints()

    @property
    def waiting(self) -> list[Progress]:
        """The steps whose endpoint Azure is still making, or still deleting so that it can be made anew."""
        return [progress for progress in self.endpoint_steps if progress.becoming or _is_unsettled(progress)]

    @property
    def is_replacing(self) -> bool:
        """Whether something has to be written that cannot be yet."""
        return any(progress.becoming for progress in self.endpoint_steps)

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return not self.waiting and not self._healable()

    async def make_network(self) -> bool:
        """Create the managed virtual network where the plan says so; whether endpoints can be made afterwards."""
        for progress in self.steps:
            if progress.step.subject == "managed-network":
                await self.do(progress)
                return progress.result in {"created", "kept"}
        return True

    def skip_endpoints(self) -> None:
        """End every endpoint's step, since there is no network to put an endpoint into."""
        for progress in self.endpoint_steps:
            self._fail(
                progress,
                ProvisioningFailed(
                    f"The endpoint {progress.step.name!r} was not made: there is no managed virtual network for it.",
                    remedy="Remove the cause given for the managed virtual network, then repeat the call.",
                ),
            )

    async def write_endpoints(self, *, look_behind: bool) -> None:
        """All endpoints that have to be written, at once."""
        writing: list[Coroutine[Any, Any, None]] = []
        for progress in self.endpoint_steps:
            if progress.step.action in {"create", "replace"}:
                writing.append(self.do(progress))
            else:
                await self.do(progress)
        listed: list[Endpoint] = []
        if writing and look_behind:
            writing.append(self._list_behind(listed))
        await self.io.gather(writing)
        for progress in self.waiting:
            endpoint = _found(progress.step, listed)
            # Nothing else that it shows counts: it may have overtaken the write.
            if endpoint is not None and states.provisioning_is_over(endpoint.provisioning_state):
                self._take_over([progress], listed)

    async def _list_behind(self, listed: list[Endpoint]) -> None:
        await self.io.sleep(_BEHIND)
        try:
            listed.extend(await reads.list_endpoints(self.io, self.plan.spec))
        except PurviewMpeError:
            return  # nothing hangs on it: the next look tells what is wrong

    async def do(self, progress: Progress) -> None:
        """One step; what fails is kept in its progress."""
        step = progress.step
        progress.began = self.io.now()
        try:
            match step.action:
                case "conflict":
                    progress.error = ErrorDetail(
                        code="conflict", message=step.reason, remedy=step.remedy or "Plan again."
                    )
                    self._end(progress, "conflict")
                case "keep":
                    progress.endpoint = _found(step, self.factory.endpoints)
                    self._end(progress, "kept")
                case "create" if step.subject == "managed-network":
                    await self._create_network(step)
                    self._end(progress, "created")
                case "create" if leaving := _leaving(step, self.factory.endpoints):
                    # Until it is gone Azure refuses another one to the same target, under whatever name.
                    progress.becoming, progress.leaving, progress.was_deleting = "created", leaving.name, True
                case "create":
                    await self._create(progress, "created")
                case "replace":
                    await self._replace(progress, "replaced")
        except PurviewMpeError as error:
            self._fail(progress, error)

    async def look(self) -> None:
        """One look at the factory: a single list for all endpoints together."""
        waiting = self.waiting
        try:
            listed = await reads.list_endpoints(self.io, self.plan.spec)
        except WaitTimedOut:
            self.time_out()
        except PurviewMpeError as error:
            self.failed_looks += 1
            # Azure goes on making the endpoints while it cannot be asked, so a failure that may pass ends nothing.
            if not isinstance(error, PASSING) or self.failed_looks >= FAILED_LOOKS:
                for progress in waiting:
                    self._fail(progress, error)
        else:
            self.failed_looks = 0
            self._take_over([progress for progress in waiting if not progress.becoming], listed)
            await self.io.gather([self._make_anew(progress) for progress in waiting if self._is_gone(progress, listed)])

    async def heal(self) -> Step | None:
        """Make one endpoint anew that failed because its neighbour held the storage account; which one.

        Storage runs one private endpoint operation at a time (public code), hence one after the other; approving the
        neighbour is such an operation as well, hence more than once. Only endpoints that this very run has made are
        touched, which nobody can have used yet, and where the spec allows it those that it found being made.
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
        targets = [progress.step.resource_id.casefold() for progress in self.endpoint_steps]
        touchable = {"created", "replaced", "kept"} if self.plan.spec.replace_broken else {"created", "replaced"}
        return [
            progress
            for progress in self.endpoint_steps
            if progress.result in touchable
            and self.healed[progress.step.name] < _HEALINGS
            and targets.count(progress.step.resource_id.casefold()) > 1
            and _has_failed(progress)
        ]

    async def _create_network(self, step: Step) -> None:
        factory = self.plan.spec.factory_id
        attempt = Attempt(f"create the managed virtual network {step.name!r}", self.plan.spec.factory, _ROLE)

        async def put() -> None:
            try:
                await self.io.call(
                    attempt,
                    lambda az: az.datafactory(factory).managed_virtual_networks.create_or_update(
                        factory.resource_group, factory.name, step.name, account.network_body()
                    ),
                )
            except PurviewMpeError as failure:
                if failure.status in _REFUSED:
                    raise
                networks = await reads.list_networks(self.io, factory)
                if step.name.casefold() not in {network.casefold() for network in networks}:
                    raise

        await when_free(self.io, put, is_busy=is_busy)

    async def _replace(self, progress: Progress, result: Result) -> None:
        await self._delete(progress.step)
        progress.result, progress.becoming = None, result
        progress.leaving, progress.was_deleting = progress.step.name, False

    async def _make_anew(self, progress: Progress) -> None:
        try:
            await self._create(progress, progress.becoming or "created")
        except PurviewMpeError as error:
            self._fail(progress, error)

    async def _create(self, progress: Progress, result: Result) -> None:
        step, spec = progress.step, self.plan.spec
        factory = spec.factory_id
        attempt = Attempt(f"create the endpoint {step.name!r}", spec.factory, _ROLE)
        outcome = result

        async def put() -> Endpoint:
            nonlocal outcome
            try:
                answer = await self.io.read(
                    attempt,
                    lambda az: az.datafactory(factory).managed_private_endpoints.create_or_update(
                        factory.resource_group,
                        factory.name,
                        spec.managed_virtual_network,
                        step.name,
                        account.endpoint_body(step.resource_id, step.group_id or ""),
                    ),
                )
            except PurviewMpeError as failure:
                if failure.status in _REFUSED:
                    raise
                # The SDK raises for 201 and 202 too, and a broken connection tells nothing: look what is there.
                if (found := await self._look_for(step)) is None:
                    raise
                if failure.status == 400:
                    outcome = "kept"  # somebody else was faster, perhaps under another name
                return found
            return account.read_endpoint(answer)

        progress.endpoint = await when_free(self.io, put, is_busy=is_busy)
        self._end(progress, outcome)

    async def _look_for(self, step: Step) -> Endpoint | None:
        try:
            return _found(step, await reads.list_endpoints(self.io, self.plan.spec))
        except PurviewMpeError:
            return None  # the failure that made us look says more

    async def _delete(self, step: Step) -> None:
        spec = self.plan.spec
        factory = spec.factory_id
        attempt = Attempt(f"delete the endpoint {step.name!r}", spec.factory, _ROLE)

        async def delete() -> None:
            try:
                await self.io.call(
                    attempt,
                    lambda az: az.datafactory(factory).managed_private_endpoints.delete(
                        factory.resource_group, factory.name, spec.managed_virtual_network, step.name
                    ),
                )
            except PurviewMpeError as failure:
                # A lost answer, or 404 because somebody else was faster: look whether it is on its way out.
                if failure.status in {401, 403} or not await self._is_leaving(step):
                    raise

        await when_free(self.io, delete, is_busy=is_busy)

    async def _is_leaving(self, step: Step) -> bool:
        try:
            listed = await reads.list_endpoints(self.io, self.plan.spec)
        except PurviewMpeError:
            return False  # the failure that made us look says more
        return _found(step, listed) is None

    def _is_gone(self, progress: Progress, listed: Sequence[Endpoint]) -> bool:
        """Whether the endpoint that was deleted for this step is: one that is being deleted is still in the way."""
        step = progress.step
        if progress.becoming is None:
            return False
        left = [endpoint for endpoint in listed if endpoint.identity == step.identity]
        is_deleting = any(states.is_deleting(endpoint.provisioning_state) for endpoint in left)
        if left and progress.was_deleting and not is_deleting:
            self._fail(progress, reasons.kept_alive(progress.leaving))
            return False
        progress.was_deleting = is_deleting
        return not left

    def _take_over(self, waiting: Sequence[Progress], listed: Sequence[Endpoint]) -> None:
        for progress in waiting:
            endpoint = _found(progress.step, listed)
            if endpoint is None:
                self._fail(progress, reasons.vanished(progress.step.name))
                continue
            progress.endpoint = endpoint
            if states.provisioning_is_over(endpoint.provisioning_state):
                self._end(progress, progress.result or "created")

    def time_out(self, *, waited: bool = True) -> None:
        """End every step that is still waited for: the time is over. If nobody `waited`, only what is not written."""
        for progress in self.waiting:
            if progress.becoming:
                self._fail(progress, reasons.still_listed(progress.leaving))
            elif waited:
                self._fail(
                    progress,
                    reasons.still_in_the_making(
                        progress.step.name, progress.endpoint.provisioning_state if progress.endpoint else ""
                    ),
                )

    def _fail(self, progress: Progress, error: PurviewMpeError) -> None:
        progress.error = ErrorDetail.of(error)
        self._end(progress, "timed-out" if isinstance(error, WaitTimedOut) else "failed")

    def _end(self, progress: Progress, result: Result) -> None:
        # Only now: until there is a result, whoever looks from the side must see that something is still to come.
        progress.result, progress.becoming, progress.ended = result, None, self.io.now()
        outcome = self._outcome(progress)
        self.io.tell(
            Event(
                kind="step",
                verb=self.verb,
                seconds=self.io.now() - self.began,
                message=f"{outcome.name}: {outcome.result}{_state_of(progress)}",
                factory=self.plan.spec.factory,
                outcome=outcome,
            )
        )

    def _outcome(self, progress: Progress) -> Outcome:
        step, error, result = progress.step, progress.error, progress.result or "failed"
        if progress.result is None:
            error = INTERRUPTED
        elif error is None and _has_failed(progress):
            result, error = "failed", ErrorDetail.of(reasons.could_not_be_made(step.name))
        return Outcome(
            subject=step.subject,
            name=(progress.endpoint.name if progress.endpoint else "") or step.name,
            group_id=step.group_id,
            resource_id=step.resource_id,
            private_endpoint_id=progress.endpoint.private_endpoint_id if progress.endpoint else None,
            result=result,
            error=error,
            seconds=round((self.io.now() if progress.ended is None else progress.ended) - progress.began, 3),
        )


def _found(step: Step, endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The endpoint that the step is about, by identity; one that is being deleted is there no more."""
    same = (endpoint for endpoint in endpoints if endpoint.identity == step.identity)
    return next((endpoint for endpoint in same if not states.is_deleting(endpoint.provisioning_state)), None)


def _leaving(step: Step, endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The endpoint of the step's identity that is being deleted."""
    same = (endpoint for endpoint in endpoints if endpoint.identity == step.identity)
    return next((endpoint for endpoint in same if states.is_deleting(endpoint.provisioning_state)), None)


def _state_of(progress: Progress) -> str:
    return f" ({progress.endpoint.provisioning_state or 'state unknown'})" if progress.endpoint else ""


def _is_unsettled(progress: Progress) -> bool:
    return (
        progress.result in {"created", "replaced", "kept"}
        and progress.endpoint is not None
        and not states.provisioning_is_over(progress.endpoint.provisioning_state)
    )


def _has_failed(progress: Progress) -> bool:
    return progress.endpoint is not None and states.is_broken(progress.endpoint.provisioning_state, "")
