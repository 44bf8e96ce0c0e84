"""Reading and changing the metadata policy of an account's root collection.

The policy is read, changed and written back as a whole, and only a number in its body identifies its version. So each
write is read back, and repeated if another write has replaced it. A process makes only one change at a time to the
policy of an account: if the last writer wins, one of two concurrent changes would be lost.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from purview_mpe._flows.steps.io import NotYet, remaining
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
from purview_mpe._model.matrix import CLOSED
from purview_mpe._rules.reach import is_being_created
from purview_mpe._wire import policy as policy_json
from purview_mpe._wire.account import data_plane_address
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AzureError, PurviewMpeError, UnsupportedSetup, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account
    from purview_mpe._wire.policy import Policy

Ending = Literal["written", "unchanged", "would-write"]
ROLE = "Collection administrator"
#: Number of broken connections after which a closed account's data plane is taken to be out of reach.
_MAX_BROKEN = 2
#: Maximum number of writes if other callers keep replacing them and the time does not run out first.
_MAX_WRITES = 60
#: The longest pause in seconds before a policy is written again for an identity that Purview does not know yet.
_LONGEST_PAUSE = 30.0
#: Whose turn it is, by account. One process may have many clients, in threads and in event loops.
_turns: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """A change to a policy, and how to check that it is done."""

    make: Callable[[Policy], Policy | None]
    """The changed policy; None if there is nothing to change."""
    is_made: Callable[[Policy], bool]
    until: float = float("inf")
    """The moment after which nothing is repeated, if the verb's own deadline does not come first."""
    waits_for_principals: bool = True
    """Whether to repeat if Purview refuses a principal: it can take a while until a new one is known everywhere."""

    def left(self, io: Io) -> float:
        """Seconds that are left for the change."""
        return min(remaining(io), self.until - io.now())


async def read_root_policy(io: Io, account: Account, account_id: ArmId, *, is_reached: bool = False) -> Policy:
    """The metadata policy of the root collection; `is_reached` says that the data plane has answered before.

    Raises:
        UnsupportedSetup: the account shows no address of its data plane.
        NoRootPolicy: Purview shows this caller no policy of the root collection.
        AccessDenied: the caller is not a collection administrator, or is outside the account's network.
    """
    address = data_plane_address(account)
    if address is None:
        raise UnsupportedSetup(
            f"The Purview account {account.name!r} does not show the address of its data plane.",
            remedy="Repeat the call when the account has been created.",
        )
    attempt = _attempt("read", account)
    # From outside the network of a closed account, every connection breaks: repeating the request does not help.
    is_limited = account.firewall == CLOSED and not is_reached
    first = replace(attempt, max_broken=_MAX_BROKEN) if is_limited else attempt
    name = account.default_domain or account.name.casefold()

    async def listed(collection: str | None) -> tuple[Policy, ...]:
        path, query = policy_json.policies_path(collection)
        limited = attempt if collection is None else first
        answer = await io.read(limited, lambda az: az.purview_data(account_id, address).send("GET", path, params=query))
        return policy_json.read_policies(answer)

    for collection in (name, None):
        policies = await listed(collection)
        if (root := policy_json.root_of(policies, account.name, account.default_domain)) is not None:
            return root
    # Purview also answers with an empty list if the caller is not allowed to see any policy (inferred).
    raise NoRootPolicy(
        f"Could not {attempt.what}: Purview shows no such policy.",
        remedy=f"Ask a {ROLE} of the root collection to give you that role, or to give the factory's identity the role "
        "Data Curator.",
        status=200,
    )


class NoRootPolicy(AzureError):
    """Purview shows this caller no policy of the root collection."""

    code = "root-policy-hidden"


async def change_root_policy(io: Io, account: Account, account_id: ArmId, change: Change, *, dry_run: bool) -> Ending:
    """Make a change to the policy, and read it back; repeat the write if another one has replaced it.

    Raises:
        PurviewMpeError: the policy cannot be read; Purview refused the write; or Purview accepted it, but then the
            policy did not show the change or could not be read back.
    """
    async with _turn(io, str(account_id), change):
        return await _change(io, account, account_id, change, dry_run=dry_run)


async def _change(io: Io, account: Account, account_id: ArmId, change: Change, *, dry_run: bool) -> Ending:
    repetition = _Repetition(io, account, change)
    policy = await _first_read(io, account, account_id, change)
    while True:
        if change.is_made(policy):
            return "written" if repetition.writes else "unchanged"
        if (changed := change.make(policy)) is None:
            return "unchanged"
        if dry_run:
            return "would-write"
        error = await _write(io, account, account_id, changed, change)
        if error is None:
            if change.is_made(await read_root_policy(io, account, account_id, is_reached=True)):
                return "written"
            error = _replaced(account)
        if (pause := repetition.pause_after(error)) is None:
            if isinstance(error, PASSING) and await _shows(io, account, account_id, change):
                return "written"
            raise repetition.last(error)
        io.retrying(f"Trying again in {pause:.1f} s: {error.message}")
        await io.sleep(pause)
        policy = await read_root_policy(io, account, account_id, is_reached=True)


async def _first_read(io: Io, account: Account, account_id: ArmId, change: Change) -> Policy:
    """The policy, as soon as the account has been created: until then, Purview itself writes the policy (public code).

    Raises:
        WaitTimedOut: the time ran out while the account was being created.
        PurviewMpeError: as `read_root_policy`.
    """
    began = io.now()
    while True:
        try:
            return await read_root_policy(io, account, account_id)
        except PurviewMpeError as error:
            if not is_being_created(account, error):
                raise
            pause = max(error.retry_after or 0.0, poll_interval(io.now() - began))
            if pause >= change.left(io):
                raise WaitTimedOut(
                    f"The account was still being created when the time ran out. {error.message}",
                    remedy="Repeat the call when the account has been created.",
                ) from None
            io.retrying(f"Trying again in {pause:.1f} s: {error.message}")
        await io.sleep(pause)


async def _shows(io: Io, account: Account, account_id: ArmId, change: Change) -> bool:
    """Whether the policy shows the change; False if it cannot be read."""
    try:
        return change.is_made(await read_root_policy(io, account, account_id, is_reached=True))
    except PurviewMpeError:
        return False


async def _write(io: Io, account: Account, account_id: ArmId, policy: Policy, change: Change) -> PurviewMpeError | None:
    """Write the policy once; return the error if reading and writing again may help.

    Raises:
        PurviewMpeError: Purview refused the policy for another reason.
    """
    attempt = _attempt("change", account)
    path, query = policy_json.policy_path(policy)
    address = data_plane_address(account) or ""
    try:
        await io.call(
            attempt, lambda az: az.purview_data(account_id, address).send("PUT", path, params=query, body=policy.body)
        )
    except PurviewMpeError as error:
        is_stale = policy_json.is_stale_write(error.status, error.azure_code, error.message)
        is_unknown = _is_unknown(error) and change.waits_for_principals
        if is_stale or is_unknown or isinstance(error, PASSING):
            return error
        raise
    return None


@dataclass(slots=True)
class _Repetition:
    """The number of writes of the policy so far, and whether it is written again."""

    io: Io
    account: Account
    change: Change
    writes: int = 0
    failures: int = 0
    """How often Azure failed or no answer came; the client's `Retry` limits that."""

    def pause_after(self, error: PurviewMpeError) -> float | None:
        """Seconds until the next read and write; None if there is none.

        The pause grows with each write if the identity is unknown. Otherwise it is a random time, which keeps several
        refused writers from colliding again.
        """
        if isinstance(error, NotYet):
            pause = error.retry_after
        elif isinstance(error, PASSING):
            self.writes += 1
            self.failures += 1
            pause = self.io.pause_after(self.failures, error.retry_after or 0.0)
        else:
            self.writes += 1
            pause = self._pause() if not _is_unknown(error) else min(_LONGEST_PAUSE, 2.0**self.writes)
        if pause is None or pause >= self.change.left(self.io) or self.writes >= _MAX_WRITES:
            return None
        return pause

    def _pause(self) -> float:
        return (self.io.pause_after(0, 0.0) or poll_interval(0)) * min(8, self.writes)

    def last(self, error: PurviewMpeError) -> PurviewMpeError:
        """The error to raise when the policy is not written again."""
        if isinstance(error, PASSING):
            return error
        if _is_unknown(error):
            return WaitTimedOut(
                f"Purview did not know the identity before the time ran out. {error.message}",
                remedy="Repeat the call in a few minutes: it takes a while until a new identity is known to Purview.",
            )
        if self.writes < _MAX_WRITES:
            return WaitTimedOut(
                f"Other callers kept writing the policy until the time ran out. {error.message}", remedy=_OTHERS_WRITE
            )
        return AzureError(
            error.message,
            remedy=_OTHERS_WRITE,
            status=error.status,
            azure_code=error.azure_code,
            request_id=error.request_id,
            correlation_id=error.correlation_id,
        )


_OTHERS_WRITE = (
    "Find out who else keeps writing the policy of this root collection, and repeat the call when that has finished."
)


def _is_unknown(error: PurviewMpeError) -> bool:
    return policy_json.is_unknown_principal(error.status, error.message)


@asynccontextmanager
async def _turn(io: Io, account: str, change: Change) -> AsyncGenerator[None]:
    """One change at a time for each account.

    Raises:
        WaitTimedOut: the time ran out before the change that is under way ended.
    """
    key, token = account.casefold(), object()
    # `setdefault` is atomic, so only one of several threads gets the turn.
    while _turns.setdefault(key, token) is not token:
        if change.left(io) <= 0:
            raise WaitTimedOut(
                "Another change to the policy of the root collection was under way until the time ran out.",
                remedy="Repeat the call.",
            )
        await io.sleep(min(1.0, change.left(io)))
    try:
        yield
    finally:
        del _turns[key]


def _replaced(account: Account) -> AzureError:
    return AzureError(
        f"Could not change the policy of the root collection of {account.name!r}: another write replaced this one.",
        remedy=_OTHERS_WRITE,
        status=200,
    )


def _attempt(does: str, account: Account) -> Attempt:
    what = f"{does} the policy of the root collection of {account.name!r}"
    return Attempt(what, account.id, ROLE, on_data_plane=True)
