"""Approving (or rejecting) the connections that are provably ours; `_approval` decides which those are.

Rounds of: look at the factory (for exact ids, unless a report or a running creation tells them), look at every target
at once, decide what is found, wait. The connections of one storage account are decided one after the other, because
storage runs one private endpoint operation at a time (public code); different targets go together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads, reasons
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.claims import FromFactory, FromReport
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, poll_interval
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._model.events import Event
from purview_mpe._model.results import (
    INTERRUPTED,
    Account,
    ErrorDetail,
    Identity,
    Outcome,
    Report,
    Result,
    Target,
)
from purview_mpe._model.spec import ACCOUNT_TYPE, Spec, typed_id
from purview_mpe._rules.findings.approvals import MATCHED_BY_NAME
from purview_mpe._rules.ownership import Claim, Listings, Match, ambiguous, match_blind, match_known
from purview_mpe._rules.planning import needed_targets
from purview_mpe._wire.hand_off import Pending, hand_off
from purview_mpe.errors import (
    AccessDenied,
    Locked,
    PolicyDenied,
    PurviewMpeError,
    WaitTimedOut,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.claims import Source
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Connection, Verb
    from purview_mpe._wire.connections import Decision

_NO_WORD = "the factory does not vouch for the endpoint yet"
_BY_NAME = MATCHED_BY_NAME.found()


async def approve(
    io: Io, subject: Spec | Report, *, decision: Decision, dry_run: bool, wait: bool, verb: Verb
) -> Report:
    """Approve or reject what is ours and pending."""
    account = await read_account_of(io, subject)
    work = prepared(io, subject, account, decision=decision, dry_run=dry_run, verb=verb)
    io.so_far = work.report
    await work.run(wait=wait and not dry_run)
    return work.report()


async def read_account_of(io: Io, subject: Spec | Report) -> Account:
    """The account that a spec or report is about, as Azure shows it to this caller."""
    return await reads.read_account(io, await account_id_of(io, subject))


async def account_id_of(io: Io, subject: Spec | Report) -> ArmId:
    """The id of the account: as the spec, the report or the factory names it."""
    spec = subject if isinstance(subject, Spec) else subject.spec
    if (account_id := spec.account_id) is not None:
        return account_id
    if isinstance(subject, Report) and subject.account is not None:
        return account_in(subject.account)
    return await reads.connected_account(io, spec)


def account_in(account: Account) -> ArmId:
    """The id of the account that a report is about."""
    return typed_id(account.id, ACCOUNT_TYPE, "account")


def prepared(
    io: Io, subject: Spec | Report, account: Account, *, decision: Decision, dry_run: bool, verb: Verb
) -> Approving:
    """The run over the targets of one factory, not begun yet."""
    spec = subject if isinstance(subject, Spec) else subject.spec
    if isinstance(subject, Report):
        told = FromReport(account, subject)
        left_out = told.left_out
        return Approving(
            io,
            spec,
            account,
            told.targets,
            told,
            decision=decision,
            dry_run=dry_run,
            verb=verb,
            left_out=[one.outcome for one in left_out],
            unconfirmed=[one.pending for one in left_out if one.pending is not None],
        )
    targets = needed_targets(spec, account)
    source = FromFactory(io, spec, targets)
    return Approving(io, spec, account, targets, source, decision=decision, dry_run=dry_run, verb=verb)


@dataclass
class Approving:
    """One run over the targets; knows at any moment what was done."""

    io: Io
    spec: Spec
    account: Account
    targets: Sequence[Target]
    source: Source
    decision: Decision
    dry_run: bool
    verb: Verb
    left_out: Sequence[Outcome] = ()
    """What the report asks for and the account does not confirm."""
    unconfirmed: Sequence[Pending] = ()
    """Those of `left_out` that the owners of the targets can decide."""
    done: dict[Identity, Outcome] = field(default_factory=dict[Identity, Outcome])
    left: dict[Identity, Pending] = field(default_factory=dict[Identity, Pending])
    names: dict[Identity, str] = field(default_factory=dict[Identity, str])
    told: dict[Identity, str] = field(default_factory=dict[Identity, str])
    """Exact ids of private endpoints, as the source of the claims tells them."""
    unmet: dict[Identity, str] = field(default_factory=dict[Identity, str])
    """Why the last look at a target decided nothing."""
    asked: dict[Identity, float] = field(default_factory=dict[Identity, float])
    """When Azure took a decision of this run that it did not show yet."""
    began: float = field(init=False)
    failed_looks: int = 0

    def __post_init__(self) -> None:
        self.began = self.io.now()

    async def run(self, *, wait: bool) -> None:
        """Looks until everything is decided, or the time is over."""
        await self.look()
        while wait and not self.is_over and (left := remaining(self.io)) > 0:
            self._tell_waiting()
            await self.io.sleep(min(poll_interval(self.io.now() - self.began), left))
            await self.look()
        self.end_open(waited=wait)

    @property
    def is_over(self) -> bool:
        """Whether everything is decided."""
        return not self._open()

    def open_names(self) -> list[str]:
        """The endpoints whose connections are not decided yet."""
        return [self._name(target) for target in self._open()]

    def reopen(self, key: Identity) -> None:
        """Look for this endpoint's connection again: the endpoint was made anew, and what was decided is gone."""
        self.done.pop(key, None)
        self.left.pop(key, None)
        self.asked.pop(key, None)

    def end_open(self, *, waited: bool) -> None:
        """End what is not decided: nothing more will be looked at."""
        for target in self._open():
            key, name = target.identity, self._name(target)
            if key in self.asked:
                self._end(target, "timed-out", error=reasons.never_shown(name, target))
            elif waited:
                self._end(target, "timed-out", error=reasons.never_recognised(name, target, self.unmet.get(key)))
            else:
                self._end(target, "absent", error=reasons.not_there(name, target))

    async def look(self) -> None:
        """One look at the claims and at every open target; decides what is found."""
        try:
            await self._look()
        except PurviewMpeError as error:
            self.failed(error)

    def failed(self, error: PurviewMpeError) -> None:
        """A look failed: end everything, unless another look may help."""
        self.failed_looks += 1
        if isinstance(error, WaitTimedOut) and self.unmet:
            self.end_open(waited=True)  # what earlier looks have shown says more than that there is no time for another
        elif not self._may_pass(error):
            for target in self._open():
                self._end_target(target, error)

    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each connection, in the account's order."""
        decided = [self.done.get(target.identity) or self._interrupted(target) for target in self.targets]
        return (*decided, *self.left_out)

    def report(self) -> Report:
        """What was done, for a verb that does nothing else."""
        outcomes = self.outcomes()
        went_by_name = self.source.blind and any(outcome.matched_by == "name" for outcome in outcomes)
        return Report(
            verb=self.verb,
            spec=self.spec,
            account=self.account,
            outcomes=outcomes,
            hand_off=self.hand_off(),
            approval_asked=self.decision == "Approved",
            warnings=(
                *self.account.warnings,
                *([reasons.unconfirmed_targets(self.account, self.unconfirmed)] if self.unconfirmed else []),
                *([_BY_NAME] if went_by_name else []),
            ),
        )

    def hand_off(self) -> str | None:
        """What is left for the owners of the targets."""
        keys = [target.identity for target in self.targets]
        return hand_off(
            self.spec.factory_id.name,
            self.account.id,
            [*(self.left[key] for key in keys if key in self.left), *self.unconfirmed],
            portal=self.io.portal,
            decision=self.decision,
        )

    async def _look(self) -> None:
        claims = await self.claims()
        listings = await connections.list_targets(
            self.io, ArmId.parse(self.account.id), [claim.target for claim in claims]
        )
        by_target: dict[str, list[Match]] = {}
        for match in self.undecided(claims, listings):
            by_target.setdefault(folded(match.claim.target.resource_id), []).append(match)
        await self.io.gather([self._decide_in_turn(matches, listings) for matches in by_target.values()])

    async def claims(self) -> list[Claim]:
        """What is to be looked for at the targets now."""
        # Asked before, because what comes while the claims are made must not count as not coming any more.
        may_grow = self.source.may_grow
        claims = [claim for claim in await self.source.claims() if claim.identity not in self.done]
        self.names.update((claim.identity, claim.name) for claim in claims)
        self.told.update((claim.identity, claim.private_endpoint_id) for claim in claims if claim.private_endpoint_id)
        if not may_grow:
            claimed = {claim.identity for claim in claims}
            for target in self._open():
                if target.identity not in claimed:
                    self._end(target, "absent", error=reasons.no_endpoint(self._name(target)))
        # Until somebody vouches for an endpoint, whatever its target shows decides nothing.
        vouched = [claim for claim in claims if self.source.blind or claim.is_vouched_for]
        for claim in claims:
            if claim in vouched:
                continue
            if claim.has_failed:
                self._end(claim.target, "failed", error=reasons.never_made(claim.name))
            else:
                self.unmet[claim.identity] = _NO_WORD
        return vouched

    def undecided(self, claims: Sequence[Claim], listings: Listings) -> list[Match]:
        """The connections that are ours and pending; everything else that the targets show is settled here."""
        return [match for match in self._match(claims, listings) if self._is_undecided(match)]

    def _may_pass(self, error: PurviewMpeError) -> bool:
        """Whether looking again may help; the pipeline has tried several times before this is asked."""
        return isinstance(error, PASSING) and self.failed_looks < FAILED_LOOKS

    def _match(self, claims: Sequence[Claim], listings: Listings) -> list[Match]:
        factory = self.spec.factory_id.name
        errors = [listing.error for listing in listings.values() if listing.error is not None]
        self.failed_looks = self.failed_looks + 1 if errors else 0
        passing = [error for error in errors if self._may_pass(error)]
        if passing and self.source.blind:
            return []
        claims = [claim for claim in claims if listings[claim.identity].error not in passing]
        for claim in claims:
            if (error := listings[claim.identity].error) is not None:
                self._end_with(claim, error)
        known = [outcome.private_endpoint_id for outcome in self.done.values() if outcome.private_endpoint_id]
        if not self.source.blind:
            matches = match_known(factory, claims, listings, anchors=known)
        elif self.account.shape is None and self.spec.groups is None:
            matches = [
                ambiguous(claim, "neither factory nor account can be read, so not every target is known")
                for claim in claims
            ]
        else:
            matches = match_blind(factory, claims, listings, anchors=known)
        self.unmet.update((match.claim.identity, match.reason) for match in matches)
        return [match for match in matches if match.claim.identity not in self.done]

    async def _decide_in_turn(self, matches: Sequence[Match], listings: Listings) -> None:
        for match in matches:
            await self._decide(match, listings[match.claim.identity].at)

    async def _decide(self, match: Match, seen_at: float | None) -> None:
        account_id, target = ArmId.parse(self.account.id), match.claim.target
        try:
            if match.connection is not None:
                await connections.decide(self.io, account_id, target, match.connection, self.decision, seen_at=seen_at)
        except PurviewMpeError as error:
            self.refused(match, error)
        else:
            self.decided(match)

    def _is_undecided(self, match: Match) -> bool:
        claim, connection = match.claim, match.connection
        if match.kind == "ambiguous":
            self.left[claim.identity] = Pending(
                claim.target, claim.name, claim.private_endpoint_id, reason=match.reason
            )
            self._end(claim.target, "ambiguous", error=reasons.ambiguous(claim, match.reason))
        if match.kind == "not-yet" and claim.has_failed:
            self._end(claim.target, "failed", error=reasons.never_made(claim.name))
        if match.kind != "ours" or connection is None:
            return False
        if connection.status.casefold() != "pending":
            self._end_settled(match, connection)
            return False
        if self.dry_run:
            self._end(claim.target, "would-approve" if self.decision == "Approved" else "would-reject", match=match)
        return not self.dry_run

    def decided(self, match: Match) -> None:
        """Azure shows the decision."""
        self._end(match.claim.target, "approved" if self.decision == "Approved" else "rejected", match=match)

    def refused(self, match: Match, error: PurviewMpeError) -> None:
        """Azure did not take the decision."""
        self._end_with(match.claim, error, match)

    def _end_settled(self, match: Match, connection: Connection) -> None:
        status, target = connection.status.casefold(), match.claim.target
        if status == "approved" and self.decision == "Approved":
            self._end(target, "approved" if match.claim.identity in self.asked else "already-approved", match=match)
        elif status == "rejected" and self.decision == "Rejected":
            self._end(target, "rejected", match=match)
        elif status == "approved":
            self._end(target, "conflict", match=match, error=reasons.approved_already(match.claim.name))
        else:
            self._end(target, "failed", match=match, error=reasons.not_pending(match.claim.name, connection.status))

    def _end_with(self, claim: Claim, error: PurviewMpeError, match: Match | None = None) -> None:
        """End a claim whose target refused; what somebody with more rights can do is handed off."""
        if isinstance(error, (AccessDenied, PolicyDenied, Locked)) and error.status != 401:
            connection = match.connection if match else None
            self.left[claim.identity] = Pending(
                claim.target,
                claim.name,
                claim.private_endpoint_id or (connection.private_endpoint_id if connection else None),
                connection.id if connection else None,
                error.message,
            )
            self._end(claim.target, "handed-off", match=match, error=error)
            return
        self._end_target(claim.target, error, match)

    def _end_target(self, target: Target, error: PurviewMpeError, match: Match | None = None) -> None:
        self._end(target, "timed-out" if isinstance(error, WaitTimedOut) else "failed", match=match, error=error)

    def _end(
        self, target: Target, result: Result, *, match: Match | None = None, error: PurviewMpeError | None = None
    ) -> None:
        connection = match.connection if match else None
        outcome = Outcome(
            name=self._name(target),
            group_id=target.group_id,
            resource_id=target.resource_id,
            private_endpoint_id=connection.private_endpoint_id if connection else self.told.get(target.identity),
            matched_by=match.matched_by if match else None,
            result=result,
            error=None if error is None else ErrorDetail.of(error),
            seconds=round(self.io.now() - self.began, 3),
        )
        self.done[target.identity] = outcome
        self.io.tell(
            Event(
                kind="step",
                verb=self.verb,
                seconds=outcome.seconds,
                message=f"{outcome.name}: {outcome.result}",
                factory=self.spec.factory,
                outcome=outcome,
            )
        )

    def _interrupted(self, target: Target) -> Outcome:
        return Outcome(
            name=self._name(target),
            group_id=target.group_id,
            resource_id=target.resource_id,
            result="failed",
            error=INTERRUPTED,
            seconds=round(self.io.now() - self.began, 3),
        )

    def _open(self) -> list[Target]:
        return [target for target in self.targets if target.identity not in self.done]

    def _name(self, target: Target) -> str:
        return self.names.get(target.identity, self.spec.name_of(target.group_id))

    def _tell_waiting(self) -> None:
        names = tuple(self._name(target) for target in self._open())
        self.io.tell(
            Event(
                kind="waiting",
                verb=self.verb,
                seconds=self.io.now() - self.began,
                message=f"Waiting for the connections of {', '.join(names)}",
                factory=self.spec.factory,
                pending=names,
            )
        )
