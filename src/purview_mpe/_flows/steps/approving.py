"""Deciding the connections of one factory: rounds of looking at both sides, until every search has ended.

A round reads the claims from their source (the factory, a report, a running creation), lists every target once, and
decides what is found. The connections of one resource are decided one after the other, because storage runs one private
endpoint operation at a time (public code); those of different resources are decided concurrently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reasons
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.search import Searches
from purview_mpe._flows.steps.waiting import FAILED_LOOKS, PASSING, poll_interval
from purview_mpe._model.arm_id import ArmId, folded
from purview_mpe._model.results import Report
from purview_mpe._rules.findings.approvals import MATCHED_BY_NAME
from purview_mpe._rules.ownership import ambiguous, match_blind, match_known
from purview_mpe._rules.settling import done, settled, turned_down, would
from purview_mpe._wire.errors import is_about_the_sign_in
from purview_mpe._wire.hand_off import Pending, hand_off
from purview_mpe.errors import AccessDenied, Locked, PolicyDenied, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.claims import LeftOut, Source
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._flows.steps.search import Search
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.results import Account, Identity, Outcome, Result, Target, Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.states import Decision
    from purview_mpe._rules.ownership import Claim, Listings, Match

_UNCONFIRMED = "the factory does not confirm the endpoint's connection yet"
_BY_NAME = MATCHED_BY_NAME.found()


@dataclass
class Approving:
    """One run over the targets. `outcomes` returns the outcomes so far, at any moment."""

    io: Io
    spec: Spec
    account: Account
    targets: Sequence[Target]
    source: Source
    decision: Decision
    dry_run: bool
    verb: Verb
    left_out: Sequence[LeftOut] = ()
    """What a report names but the account does not confirm."""
    own: tuple[Network, Purpose | None] | None = None
    """The network of the private endpoints, if they are not Data Factory's."""
    failed_looks: int = 0
    searches: Searches = field(init=False)

    def __post_init__(self) -> None:
        self.searches = Searches(
            self.io, self.spec, self.verb, self.targets, subject="private-endpoint" if self.own else "endpoint"
        )

    async def run(self, *, wait: bool) -> None:
        """Read until everything is decided or the time runs out."""
        await self.look()
        while wait and not self.is_over and (left := remaining(self.io)) > 0:
            self.searches.report_waiting()
            await self.io.sleep(min(poll_interval(self.io.now() - self.searches.began), left))
            await self.look()
        self.end_open(waited=wait)

    @property
    def is_over(self) -> bool:
        """Whether everything is decided."""
        return not self.searches.open

    def open_names(self) -> list[str]:
        """The endpoints whose connections are not decided yet."""
        return [search.name for search in self.searches.open]

    def reopen(self, key: Identity) -> None:
        """Look for this endpoint's connection again: the endpoint was replaced, and the earlier decision is gone."""
        if (search := self.searches.at(key)) is not None:
            search.reopen()

    def end_open(self, *, waited: bool) -> None:
        """End every search that is not decided; nothing more will be read."""
        for search in self.searches.open:
            name, target = search.name, search.target
            if search.state == "asked":
                error = reasons.never_shown(name, target)
                self.searches.end(search, "timed-out", match=search.match, error=error)
            elif waited:
                self.searches.end(search, "timed-out", error=reasons.never_recognised(name, target, search.unmet))
            else:
                self.searches.end(search, "absent", error=reasons.not_there(name, target))

    async def look(self) -> None:
        """Read the claims and every open target once, and decide what is found."""
        try:
            claims = await self.claims()
            listings = await connections.list_targets(
                self.io, ArmId.parse(self.account.id), [claim.target for claim in claims]
            )
            by_target: dict[str, list[Match]] = {}
            for match in self.undecided(claims, listings):
                by_target.setdefault(folded(match.claim.target.resource_id), []).append(match)
            await self.io.gather([self._decide_in_turn(matches, listings) for matches in by_target.values()])
        except PurviewMpeError as error:
            self.failed(error)

    def failed(self, error: PurviewMpeError) -> None:
        """A look failed: end everything, unless another look may help."""
        self.failed_looks += 1
        if isinstance(error, WaitTimedOut) and any(search.unmet for search in self.searches.open):
            self.end_open(waited=True)  # the results of earlier reads explain more than "no time for another read"
        elif not self._may_pass(error):
            for search in self.searches.open:
                self._end_failed(search, error)

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each connection, in the account's order."""
        return (*self.searches.outcomes(), *(one.outcome for one in self.left_out))

    def report(self) -> Report:
        """What was done, for a verb that does nothing else."""
        outcomes = self.outcomes()
        unconfirmed = [one.pending for one in self.left_out if one.pending is not None]
        went_by_name = self.source.blind and any(outcome.matched_by == "name" for outcome in outcomes)
        return Report(
            verb=self.verb,
            spec=self.spec,
            account=self.account,
            network=self.own[0] if self.own else None,
            purpose=self.own[1] if self.own else None,
            outcomes=outcomes,
            hand_off=self.hand_off(),
            approval_asked=self.decision == "Approved",
            warnings=(
                *self.account.warnings,
                *([reasons.unconfirmed_targets(self.account, unconfirmed)] if unconfirmed else []),
                *([_BY_NAME] if went_by_name else []),
            ),
        )

    def hand_off(self) -> str | None:
        """What is left for the owners of the targets."""
        left = (*(search.pending for search in self.searches.all), *(one.pending for one in self.left_out))
        return hand_off(
            self.spec.factory_id.name if self.own is None else None,
            self.account.id,
            [pending for pending in left if pending is not None],
            portal=self.io.portal,
            decision=self.decision,
        )

    async def claims(self) -> list[Claim]:
        """The claims to look for at the targets now; searches that need no list of a target end here."""
        # This is read before the claims, so that an endpoint that appears meanwhile is not reported as absent.
        may_grow = self.source.may_grow
        claims = [claim for claim in await self.source.claims() if self.searches.is_open(claim)]
        for claim in claims:
            search = self.searches.of(claim)
            search.name, search.exact_id = claim.name, claim.private_endpoint_id or search.exact_id
        if not may_grow:
            claimed = {claim.identity for claim in claims}
            for search in self.searches.open:
                if search.target.identity not in claimed:
                    self.searches.end(search, "absent", error=reasons.no_endpoint(search.name))
        return [claim for claim in claims if self._is_worth_a_look(claim)]

    def undecided(self, claims: Sequence[Claim], listings: Listings) -> list[Match]:
        """The endpoints' pending connections; everything else that the targets show is settled here."""
        return [match for match in self._match(claims, listings) if self._is_undecided(match)]

    def would_be_decided(self) -> list[Search]:
        """In a dry run: what would be decided, if this caller has the rights."""
        return [search for search in self.searches.all if search.result in {"would-approve", "would-reject"}]

    def lacks_rights(self, search: Search, missing: Sequence[str]) -> None:
        """In a dry run: hand off a decision that Azure would refuse to this caller, who lacks these actions."""
        role = connections.APPROVER_ROLES[search.target.connections]
        error = reasons.rights_missing(search, self.account, missing, role)
        search.pending = search.left(error.message)
        self.searches.end(search, "handed-off", match=search.match, error=error)

    def decided(self, match: Match) -> None:
        """Azure shows the decision."""
        self.searches.end(self.searches.of(match.claim), done(self.decision), match=match)

    def refused(self, match: Match, error: PurviewMpeError) -> None:
        """The decision did not go through."""
        self._end_refused(match.claim, error, match)

    def sent(self, match: Match) -> None:
        """The decision is about to be sent, or Azure has just accepted it; a later read shows if the target has it."""
        search = self.searches.of(match.claim)
        search.asked_at, search.match = self.io.now(), match

    def asked_at(self, match: Match) -> float | None:
        """When the decision on this connection was last sent or accepted, if the target does not show it yet."""
        return self.searches.of(match.claim).asked_at

    def _is_worth_a_look(self, claim: Claim) -> bool:
        """True if the target's list can decide the claim, that is, if the factory or a report vouches for the claim."""
        if self.source.blind or claim.is_vouched_for:
            return True
        search = self.searches.of(claim)
        if claim.has_failed:
            self.searches.end(search, "failed", error=reasons.never_made(claim.name))
        elif claim.is_turned_down:
            self._end_turned_down(claim)
        else:
            search.unmet = _UNCONFIRMED
        return False

    def _may_pass(self, error: PurviewMpeError) -> bool:
        """True if reading again may help, although the client's HTTP pipeline has already tried several times."""
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
                self._end_refused(claim, error)
        anchors = [one.outcome.private_endpoint_id for one in self.searches.all if one.outcome is not None]
        known = [anchor for anchor in anchors if anchor is not None]
        if not self.source.blind:
            matches = match_known(factory, claims, listings, anchors=known)
        elif self.account.shape is None and self.spec.groups is None:
            why = "neither factory nor account can be read, so not every target is known"
            matches = [ambiguous(claim, why) for claim in claims]
        else:
            matches = match_blind(factory, claims, listings, anchors=known)
        for match in matches:
            self.searches.of(match.claim).unmet = match.reason
        return [match for match in matches if self.searches.is_open(match.claim)]

    async def _decide_in_turn(self, matches: Sequence[Match], listings: Listings) -> None:
        account_id = ArmId.parse(self.account.id)
        for match in matches:
            if match.connection is None:
                continue
            target, seen_at = match.claim.target, listings[match.claim.identity].at
            self.sent(match)  # from here on, the outcome must not say that nothing was sent
            try:
                await connections.decide(self.io, account_id, target, match.connection, self.decision, seen_at=seen_at)
            except PurviewMpeError as error:
                self.refused(match, error)
            else:
                self.decided(match)

    def _is_undecided(self, match: Match) -> bool:
        claim, connection, search = match.claim, match.connection, self.searches.of(match.claim)
        if match.kind == "ambiguous":
            search.pending = Pending(claim.target, claim.name, claim.private_endpoint_id, reason=match.reason)
            self.searches.end(search, "ambiguous", error=reasons.ambiguous(claim, match.reason))
        if match.kind == "not-yet" and claim.has_failed:
            self.searches.end(search, "failed", error=reasons.never_made(claim.name))
        elif match.kind == "not-yet" and claim.is_turned_down:
            self._end_turned_down(claim)
        if match.kind != "recognised" or connection is None:
            return False
        result = settled(connection.status, self.decision, was_asked=search.state == "asked")
        if result is not None:
            error = reasons.unsettled(result, claim.name, connection.status)
            self.searches.end(search, result, match=match, error=error)
        elif self.dry_run:
            self.searches.end(search, would(self.decision), match=match)
        return search.state != "ended"

    def _end_turned_down(self, claim: Claim) -> None:
        """End a claim whose connection the factory itself calls Rejected or Disconnected: waiting changes nothing."""
        result = turned_down(claim.factory_says, self.decision)
        error = None if result == "rejected" else reasons.turned_down(claim.name, claim.factory_says, self.decision)
        self.searches.end(self.searches.of(claim), result, error=error)

    def _end_refused(self, claim: Claim, error: PurviewMpeError, match: Match | None = None) -> None:
        """End a claim whose target refused; what a person with more rights can do is handed off."""
        search = self.searches.of(claim)
        if isinstance(error, (AccessDenied, PolicyDenied, Locked)) and not is_about_the_sign_in(error):
            search.match = match
            search.pending = search.left(error.message)
            self.searches.end(search, "handed-off", match=match, error=error)
            return
        self._end_failed(search, error, match)

    def _end_failed(self, search: Search, error: PurviewMpeError, match: Match | None = None) -> None:
        result: Result = "timed-out" if isinstance(error, WaitTimedOut) else "failed"
        self.searches.end(search, result, match=match, error=error)
