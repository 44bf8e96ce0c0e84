"""Long-running operations of Microsoft.Network: a write, the operation that it begins, and the resource that results.

The operation reports why it failed; reading the resource shows what exists. Both are used, the operation first, because
the resource describes its failure in a single word only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, carried_out, poll_interval
from purview_mpe._model import states
from purview_mpe._wire.operations import OperationState, operation_failed
from purview_mpe.errors import AzureError, ProvisioningFailed, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._wire.errors import Attempt
    from purview_mpe._wire.operations import Operation

T = TypeVar("T")

#: How often a write is sent again after its operation has failed for a reason that may pass.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A resource as it is now."""

    value: T
    state: str
    """Its provisioning state, as Azure spells it; empty if it has none."""

    @property
    def is_over(self) -> bool:
        """True if there is nothing more to wait for."""
        return not self.state or states.provisioning_is_over(self.state)

    @property
    def has_failed(self) -> bool:
        """True if Azure could not provision it."""
        return states.is_broken(self.state, "")


class Work(Protocol[T]):
    """One resource to create."""

    attempt: Attempt
    subnet: str
    """Id of the subnet, for remedies."""

    async def send(self) -> Operation | None:
        """Send the creation once."""
        ...

    async def read(self) -> Found[T] | None:
        """The resource; None if it does not exist.

        Raises:
            PurviewMpeError: something else is in its place.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Begun(Generic[T]):
    operation: Operation | None = None
    found: Found[T] | None = None
    made_here: bool = True


@dataclass(frozen=True, slots=True)
class Created(Generic[T]):
    """A resource that exists, and whether this run created it."""

    value: T
    made_here: bool


async def created(
    io: Io, work: Work[T], *, waiting: Callable[[], None], wait: bool = True, seen_at: float | None = None
) -> Created[T]:
    """Create a resource, follow its operation, and read the result; `waiting` reports each round.

    Raises:
        ProvisioningFailed: Azure accepted the creation but could not carry it out.
        PurviewMpeError: the error of a write or a read, or the time ran out.
    """
    made_here, began = False, io.now()
    failed: OperationState | None = None
    found: Found[T] | None = None
    for number in range(1, _ROUNDS + 1):
        begun = await _begin(io, work, seen_at=seen_at)
        made_here |= begun.made_here
        state = await followed(io, work.attempt, begun.operation, waiting=waiting) if begun.operation and wait else None
        found = await settled(io, work, waiting=waiting, wait=wait)
        if found is not None and not found.has_failed:
            return Created(found.value, made_here)
        failed = state if state is not None and state.state == "failed" else None
        if number == _ROUNDS or (failed is not None and not failed.may_pass):
            break
        seen_at = float("-inf")
        await io.sleep(poll_interval(io.now() - began))
    raise _failure(work, failed, found)


def _failure(work: Work[T], failed: OperationState | None, found: Found[T] | None) -> ProvisioningFailed:
    if failed is not None:
        return operation_failed(work.attempt, failed, subnet=work.subnet)
    shown = f"its state is {found.state}" if found is not None else "Azure does not show it"
    return ProvisioningFailed(
        f"Could not {work.attempt.what}: Azure accepted it, but {shown}.",
        remedy="Repeat the call; if it happens again, look for another automation that works on this network.",
    )


async def _begin(io: Io, work: Work[T], *, seen_at: float | None) -> _Begun[T]:
    async def write() -> _Begun[T]:
        return _Begun(await work.send())

    async def look(may_be_done: bool) -> _Begun[T] | None:
        found = await work.read()
        return None if found is None or found.has_failed else _Begun(found=found, made_here=may_be_done)

    return await carried_out(io, write, look=look, seen_at=seen_at)


async def settled(io: Io, work: Work[T], *, waiting: Callable[[], None], wait: bool) -> Found[T] | None:
    """The resource, once its provisioning has ended (without `wait`: once Azure shows it); None if it never appears."""
    began, missing = io.now(), 0
    while True:
        found = await work.read()
        missing = missing + 1 if found is None else 0
        if (found is not None and (found.is_over or not wait)) or missing >= FAILED_LOOKS:
            return found
        await pause(io, began, work.attempt, waiting=waiting)


async def followed(
    io: Io, attempt: Attempt, operation: Operation, *, waiting: Callable[[], None]
) -> OperationState | None:
    """How an operation ended; None if its URL no longer answers, so that only the resource shows the result.

    Raises:
        WaitTimedOut: the time ran out first.
    """
    began, failures = io.now(), 0
    while True:
        await pause(io, began, attempt, waiting=waiting)
        try:
            state = await io.follow(attempt, operation)
        except PASSING:
            failures += 1
            if failures >= FAILED_LOOKS:
                return None
            continue
        except AzureError:
            return None
        failures = 0
        if state.state != "under-way":
            return state


async def pause(io: Io, began: float, attempt: Attempt, *, waiting: Callable[[], None]) -> None:
    """Wait until the next look.

    Raises:
        WaitTimedOut: the time ran out first.
    """
    waiting()
    if (wait := poll_interval(io.now() - began)) >= remaining(io):
        raise WaitTimedOut(
            f"Could not {attempt.what} in the time given: Azure has accepted it and is still working on it.",
            remedy="Repeat the call, with a longer timeout if need be: the call reads the existing resources first.",
        )
    await io.sleep(wait)


class Doomed(Protocol):
    """One resource to delete."""

    attempt: Attempt
    subnet: str

    async def send(self) -> Operation | None:
        """Send the deletion once."""
        ...

    async def state(self) -> str | None:
        """Its state, as Azure spells it; None if it is gone. Raises an error of this library if it must be kept."""
        ...


async def deleted(io: Io, work: Doomed, *, waiting: Callable[[], None], seen_at: float | None = None) -> bool:
    """Delete a resource, and read until it is gone; return False if it was gone before anything was sent.

    Raises:
        ProvisioningFailed: Azure accepted the deletion but could not carry it out.
        PurviewMpeError: the error of a write or a read, or the time ran out.
    """
    began, sent_here = io.now(), False
    failed = OperationState("failed")
    for number in range(1, _ROUNDS + 1):
        begun = await _begin_deletion(io, work, seen_at=seen_at)
        sent_here |= begun.made_here
        state = await followed(io, work.attempt, begun.operation, waiting=waiting) if begun.operation else None
        shown = await _gone(io, work, state, waiting=waiting)
        if shown is None:
            return sent_here
        failed = (
            state if state is not None and state.state == "failed" else OperationState("failed", message=f"{shown}.")
        )
        if number == _ROUNDS or not failed.may_pass:
            break
        seen_at = float("-inf")
        await io.sleep(poll_interval(io.now() - began))
    raise operation_failed(work.attempt, failed, subnet=work.subnet)


async def _begin_deletion(io: Io, work: Doomed, *, seen_at: float | None) -> _Begun[str]:
    async def write() -> _Begun[str]:
        return _Begun(await work.send())

    async def look(may_be_done: bool) -> _Begun[str] | None:
        shown = await work.state()
        is_going = shown is None or states.is_deleting(shown)
        return _Begun(made_here=may_be_done) if is_going else None

    return await carried_out(io, write, look=look, seen_at=seen_at)


async def _gone(io: Io, work: Doomed, state: OperationState | None, *, waiting: Callable[[], None]) -> str | None:
    """The state of a resource whose deletion failed; None once it is gone."""
    began = io.now()
    while True:
        shown = await work.state()
        if shown is None or (state is not None and state.state == "failed" and not states.is_deleting(shown)):
            return shown
        await pause(io, began, work.attempt, waiting=waiting)
