"""Giving the factory's identity the role Data Curator on the root collection, and removing it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.narration import tell_step
from purview_mpe._flows.steps.permissions import read_permissions
from purview_mpe._flows.steps.root_policy import ROLE, Change, change_root_policy
from purview_mpe._flows.steps.waiting import poll_interval
from purview_mpe._model.arm_id import folded
from purview_mpe._model.results import INTERRUPTED, ErrorDetail, Finding, Outcome, Report
from purview_mpe._rules.findings.account import ACCOUNT_MISSING_IN_TAKEDOWN, ACCOUNT_UNREADABLE
from purview_mpe._rules.findings.factory import (
    BECAME_COLLECTION_ADMIN,
    NO_SYSTEM_IDENTITY,
    WOULD_BECOME_COLLECTION_ADMIN,
)
from purview_mpe._rules.reach import OutOfReach, account_unreadable, not_collection_admin, out_of_reach
from purview_mpe._rules.rights import BECOMES_ADMIN, allows
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.curator_hand_off import Asked, hand_off
from purview_mpe._wire.errors import Attempt
from purview_mpe._wire.policy import (
    admin_body,
    curators,
    is_stale_write,
    is_unknown_principal,
    with_curators,
    without_curators,
)
from purview_mpe.errors import AccessDenied, PurviewMpeError, UnsupportedSetup, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.root_policy import Ending
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Result, Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe._wire.policy import Policy

_GIVEN: Mapping[Ending, Result] = {"written": "granted", "unchanged": "already-granted", "would-write": "would-grant"}
#: In a dry run, stands for an identity that does not exist yet. The policy that contains it is never written.
_NOT_YET = "00000000-0000-0000-0000-000000000000"
_TAKEN: Mapping[Ending, Result] = {"written": "revoked", "unchanged": "absent", "would-write": "would-revoke"}


async def grant(io: Io, spec: Spec, *, become_admin: bool, dry_run: bool) -> Report:
    """Make the factory's system-assigned identity Data Curator on the account's root collection.

    Raises:
        NotFound, AccessDenied, UnsupportedSetup: before the first write, if factory or account cannot be read.
    """
    return await _one(io, spec, "grant", become_admin=become_admin, dry_run=dry_run)


async def revoke(io: Io, spec: Spec, *, dry_run: bool) -> Report:
    """Remove the role from the identity.

    Raises:
        NotFound, AccessDenied, UnsupportedSetup: as `grant`.
    """
    return await _one(io, spec, "revoke", become_admin=False, dry_run=dry_run)


async def _one(io: Io, spec: Spec, verb: Verb, *, become_admin: bool, dry_run: bool) -> Report:
    began = io.now()
    account_id = spec.account_id or await reads.connected_account(io, spec)
    body, account = await reads.both(
        io, reads.read_factory_body(io, spec.factory_id), reads.read_account(io, account_id)
    )
    principal = factory_json.principal_id(body)
    member = Member(spec.factory_id.name, principal, began, spec.factory)
    takes_away = verb == "revoke"
    work = Curating(
        io, account, account_id, verb, [member], become_admin=become_admin, dry_run=dry_run, takes_away=takes_away
    )
    io.so_far = lambda: work.report(spec)
    await work.run()
    return work.report(spec)


@dataclass(slots=True)
class Member:
    """One factory's identity, and the outcome for its role."""

    factory: str
    """Name of the factory."""
    principal: str | None
    """Object id of its system-assigned identity."""
    began: float
    factory_id: str | None = None
    """Id of the factory, for events."""
    is_to_come: bool = False
    """In a dry run, True if the real run would also create the identity; then `principal` is None."""
    result: Result | None = None
    error: ErrorDetail | None = None
    ended: float | None = None


@dataclass(slots=True)
class Curating:
    """The role of one or more identities on one account, changed in one write."""

    io: Io
    account: Account
    account_id: ArmId
    verb: Verb
    members: Sequence[Member]
    become_admin: bool = field(kw_only=True)
    dry_run: bool = field(kw_only=True)
    takes_away: bool = field(kw_only=True)
    unreached: OutOfReach | None = None
    """Why the policy is out of this caller's reach; None if it is within reach."""
    admin: str | None = None
    """Object id of the caller, if this run made it a collection administrator or, in a dry run, would make it one."""
    before: frozenset[str] = frozenset()
    """The identities that had the role when the policy was first read."""
    until: float = float("inf")
    """The moment after which nothing is repeated, if the verb's own deadline does not come first."""
    refusal: PurviewMpeError | None = None
    """The last error that kept the policy from being changed."""
    arm_refusal: PurviewMpeError | None = None
    """Why Azure Resource Manager did not make the caller a collection administrator."""

    async def run(self) -> None:
        """Change the policy once for all members; errors are stored in the members."""
        if self.takes_away and any(one.code == ACCOUNT_MISSING_IN_TAKEDOWN.code for one in self.account.warnings):
            # The policy went with the account.
            for member in self.members:
                self._end(member, "absent", None)
            return
        known = [member for member in self.members if member.principal or member.is_to_come]
        for member in self.members:
            if member not in known:
                self._end(member, *self._without_identity())
        if known:
            await self._change_for(known)

    async def _change_for(self, members: Sequence[Member]) -> None:
        words = _TAKEN if self.takes_away else _GIVEN
        try:
            ending = await self._changed([member.principal or _NOT_YET for member in members])
        except PurviewMpeError as error:
            parts = _apart(members, error)
            if len(parts) == 1:
                self.refuse(members, error)
            for part in parts if len(parts) > 1 else ():
                await self._change_for(part)
            return
        for member in members:
            # One write serves several identities, and some of them may have needed no write.
            is_done = ((member.principal or _NOT_YET).casefold() in self.before) is not self.takes_away
            self._end(member, words["unchanged" if is_done else ending], None)

    async def _changed(self, principals: Sequence[str]) -> Ending:
        # One identity that Purview does not know yet must not delay the others.
        change = replace(
            _taking(principals) if self.takes_away else _giving(principals),
            until=self.until,
            waits_for_principals=len(principals) == 1,
        )
        if self.account.shape is None:
            raise _account_hidden(self.account)
        change = self._noting_the_first_look(change)
        try:
            return await self._change(change)
        except PurviewMpeError as error:
            reason = out_of_reach(self.account, error)
            if reason is None or reason.kind != "not-collection-admin" or not self.become_admin:
                raise
            if self.dry_run:
                if not await self._may_become_admin():
                    raise
                self.admin = await self._caller()
                return "would-write"
        await self._become_admin()
        return await self._change_once_admin(change)

    def _noting_the_first_look(self, change: Change) -> Change:
        """The same change, which also stores in `before` who had the role when the policy was first read."""
        looks = 0

        def is_made(policy: Policy) -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                self.before = curators(policy)
            return change.is_made(policy)

        return replace(change, is_made=is_made)

    async def _change(self, change: Change) -> Ending:
        return await change_root_policy(self.io, self.account, self.account_id, change, dry_run=self.dry_run)

    async def _change_once_admin(self, change: Change) -> Ending:
        """The change, repeated until the new role is known to Purview."""
        began = self.io.now()
        while True:
            try:
                return await self._change(change)
            except PurviewMpeError as error:
                wait = poll_interval(self.io.now() - began)
                reason = out_of_reach(self.account, error)
                if reason is None or reason.kind != "not-collection-admin" or wait >= change.left(self.io):
                    raise
                self.io.retrying(f"Trying again in {wait:.1f} s: {error.message}")
                await self.io.sleep(wait)

    async def _may_become_admin(self) -> bool:
        """Whether the caller's permissions on the account allow the caller to add a collection administrator."""
        found = await read_permissions(self.io, [str(self.account_id)])
        return allows(found[folded(str(self.account_id))] or (), BECOMES_ADMIN)

    async def _caller(self) -> str:
        """Object id of the caller.

        Raises:
            UnsupportedSetup: the caller's token does not show it.
        """
        if (caller := await self.io.caller_id()) is not None:
            return caller
        raise UnsupportedSetup(
            "The object id of the caller cannot be read from its token, so the caller cannot be made a collection "
            "administrator.",
            remedy=f"Ask a {ROLE} of the root collection to add you in the Purview portal, then repeat the call.",
        )

    async def _become_admin(self) -> None:
        """Make the caller a collection administrator of the root, through Azure Resource Manager."""
        caller = await self._caller()
        attempt = Attempt(
            f"make the caller a collection administrator of {self.account.name!r}", str(self.account_id), "Owner"
        )
        began = self.io.now()
        while True:
            try:
                await self.io.call(
                    attempt,
                    lambda az: az.purview(self.account_id).accounts.add_root_collection_admin(
                        self.account_id.resource_group, self.account_id.name, admin_body(caller)
                    ),
                )
            except PurviewMpeError as error:
                # Every role change writes the same policy, so another change can make this call fail (public code).
                wait = poll_interval(self.io.now() - began)
                left = min(remaining(self.io), self.until - self.io.now())
                if not is_stale_write(error.status, error.azure_code, error.message) or wait >= left:
                    self.arm_refusal = error
                    raise
                await self.io.sleep(wait)
            else:
                self.admin = caller
                return

    def _without_identity(self) -> tuple[Result, ErrorDetail | None]:
        if self.takes_away:
            return "absent", None
        return "failed", ErrorDetail(
            code=NO_SYSTEM_IDENTITY.code,
            message="The factory has no system-assigned managed identity to give the role to.",
            remedy="Fix the error reported for the identity, then repeat the call."
            if self.verb == "onboard"
            else "Switch it on: client.connect(spec, identity=True), or client.onboard(spec) for everything at once.",
        )

    def refuse(self, members: Sequence[Member], error: PurviewMpeError) -> None:
        """End these members with an error."""
        self.refusal = error
        if error is self.arm_refusal:  # it says nothing about the data plane
            self.unreached = not_collection_admin() if isinstance(error, AccessDenied) else None
        else:
            self.unreached = account_unreadable() if self.account.shape is None else out_of_reach(self.account, error)
        detail = ErrorDetail.of(error)
        if self.unreached is not None:
            detail = detail.model_copy(update={"remedy": self.unreached.remedy(error)})
        for member in members:
            if self.unreached is not None:
                self._end(member, "handed-off", detail)
            else:
                result: Result = "timed-out" if isinstance(error, WaitTimedOut) else "failed"
                self._end(member, result, detail)

    def _end(self, member: Member, result: Result, error: ErrorDetail | None) -> None:
        member.result, member.error, member.ended = result, error, self.io.now()
        outcome = self._outcome(member)
        tell_step(self.io, self.verb, outcome, member.factory_id)

    def _outcome(self, member: Member) -> Outcome:
        return Outcome(
            subject="data-curator",
            name=member.factory,
            resource_id=self.account.id,
            result=member.result or "failed",
            error=member.error if member.result else INTERRUPTED,
            seconds=max(0.0, round((member.ended or self.io.now()) - member.began, 3)),
        )

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each identity so far."""
        return tuple(self._outcome(member) for member in self.members)

    def hand_off(self) -> str | None:
        """The hand-off for a collection administrator; None if nothing is left."""
        asked = [
            Asked(member.factory, member.principal)
            for member in self.members
            if member.result == "handed-off" and member.principal
        ]
        if not asked or self.unreached is None:
            return None
        return hand_off(self.account, asked, self.unreached.reason, takes_away=self.takes_away)

    def warnings(self) -> tuple[Finding, ...]:
        """What this run changed, or would change, in addition to the role."""
        if self.admin is None:
            return ()
        kind = WOULD_BECOME_COLLECTION_ADMIN if self.dry_run else BECAME_COLLECTION_ADMIN
        return (kind.found(caller=self.admin),)

    def report(self, spec: Spec) -> Report:
        """What was done so far."""
        return Report(
            verb=self.verb,
            spec=spec,
            account=self.account,
            outcomes=self.outcomes(),
            hand_off=self.hand_off(),
            warnings=(*self.account.warnings, *self.warnings()),
        )


def _apart(members: Sequence[Member], error: PurviewMpeError) -> list[Sequence[Member]]:
    """Split the members into parts to try separately, because Purview refused several and does not know one of them.

    If the error names some of the identities, those are tried apart from the others; otherwise each half is tried.
    """
    if len(members) == 1 or not is_unknown_principal(error.status, error.message):
        return [members]
    said = error.message.casefold()
    named = [member for member in members if (member.principal or "").casefold() in said]
    others = [member for member in members if member not in named]
    if named and others:
        return [others, named]
    middle = len(members) // 2
    return [members[:middle], members[middle:]]


def _giving(principals: Sequence[str]) -> Change:
    wanted = {principal.casefold() for principal in principals}
    return Change(lambda policy: with_curators(policy, principals), lambda policy: wanted <= curators(policy))


def _taking(principals: Sequence[str]) -> Change:
    unwanted = {principal.casefold() for principal in principals}
    return Change(lambda policy: without_curators(policy, principals), lambda policy: not unwanted & curators(policy))


def _account_hidden(account: Account) -> AccessDenied:
    denied = next((finding for finding in account.warnings if finding.code == ACCOUNT_UNREADABLE.code), None)
    return AccessDenied(
        denied.message if denied else f"The Purview account {account.name!r} cannot be read.",
        remedy=denied.remedy if denied else "Ask for the role Reader on the account.",
        status=403,
    )
