"""Reading and changing the metadata policy of an account's root collection.

The policy is read, changed and written back as a whole, and only a number in its body identifies its version. So each
write is read back, and repeated if another write has replaced it. This process makes one change at a time to the policy
of an account: if the last writer wins, one of two concurrent changes would be lost.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import PASSING, poll_interval
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


async def read_root_policy(io: Io, account: Account, account_id: ArmId) -> Policy:
    """The metadata policy of the root collection.

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
    name = account.default_domain or account.name.casefold()

    async def listed(collection: str | None) -> tuple[Policy, ...]:
        path, query = policy_json.policies_path(collection)
        answer = await io.read(attempt, lambda az: az.purview_data(account_id, address).send("GET", path, params=query))
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
        PurviewMpeError: the policy cannot be read or written. Every write is read back, so the error means that the
            policy did not show the change.
    """
    async with _turn(io, str(account_id), change):
        return await _change(io, account, account_id, change, dry_run=dry_run)


async def _change(io: Io, account: Account, account_id: ArmId, change: Change, *, dry_run: bool) -> Ending:
    writes = 0
    while True:
        policy = await read_root_policy(io, account, account_id)
        if change.is_made(policy):
            return "written" if writes else "unchanged"
        if (changed := change.make(policy)) is None:
            return "unchanged"
        if dry_run:
            return "would-write"
        writes += 1
        if (error := await _write(io, account, account_id, changed, change)) is None:
            if change.is_made(await read_root_policy(io, account, account_id)):
                return "written"
            error = _replaced(account)
        await _pause(io, writes, error, change)


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
        is_unknown = policy_json.is_unknown_principal(error.status, error.message) and change.waits_for_principals
        if is_stale or is_unknown or isinstance(error, PASSING):
            return error
        raise
    return None


async def _pause(io: Io, writes: int, error: PurviewMpeError, change: Change) -> None:
    """Wait before the next read: longer each time if the identity is unknown, otherwise a random time.

    The random time keeps several refused writers from colliding again.

    Raises:
        WaitTimedOut: the time ran out, and Purview still does not know the identity.
        PurviewMpeError: the error, if the time or the number of writes is used up.
    """
    asked_for = error.retry_after or 0.0
    if is_unknown := policy_json.is_unknown_principal(error.status, error.message):
        seconds = max(asked_for, min(_LONGEST_PAUSE, 2.0**writes))
    else:
        seconds = max(asked_for, (io.pause_after(0, asked_for) or poll_interval(0)) * min(8, writes))
    if seconds >= change.left(io) or writes >= _MAX_WRITES:
        raise _still_unknown(error) if is_unknown else error
    io.retrying(f"Trying again in {seconds:.1f} s: {error.message}")
    await io.sleep(seconds)


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


def _still_unknown(error: PurviewMpeError) -> WaitTimedOut:
    return WaitTimedOut(
        f"Purview did not know the identity before the time ran out. {error.message}",
        remedy="Repeat the call in a few minutes: it takes a while until a new identity is known to Purview.",
    )


def _replaced(account: Account) -> AzureError:
    return AzureError(
        f"Could not change the policy of the root collection of {account.name!r}: another write replaced this one.",
        remedy="Repeat the call when the other automation on this account has finished.",
        status=200,
    )


def _attempt(does: str, account: Account) -> Attempt:
    what = f"{does} the policy of the root collection of {account.name!r}"
    return Attempt(what, account.id, ROLE, on_data_plane=True)
