"""Where the claims of an approval come from: the factory, or a requester's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from purview_mpe._flows.steps import reads, reasons
from purview_mpe._model.agreement import fits
from purview_mpe._model.naming import OPTIONAL_GROUPS
from purview_mpe._model.results import Target
from purview_mpe._rules.ownership import Claim, claim_for, claim_from_report
from purview_mpe._rules.planning import optional_target
from purview_mpe._wire.errors import is_about_the_sign_in
from purview_mpe._wire.hand_off import Pending
from purview_mpe.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, ConnectionList, Identity, Outcome, Report
    from purview_mpe._model.spec import Spec


#: The list that usually shows a connection, by group id. It is used for a target that is named only in a report.
_LISTS: Mapping[str, ConnectionList] = {"blob": "storage", "queue": "storage", "namespace": "namespace"}


class Source(Protocol):
    """The source of claims: read again in each round, until nothing new can appear."""

    blind: bool
    """True if only names identify the claims."""

    async def claims(self) -> Sequence[Claim]:
        """The endpoints whose connections are looked for."""
        ...

    @property
    def may_grow(self) -> bool:
        """True if endpoints that are missing now may still appear."""
        ...


@dataclass
class FromFactory:
    """Claims from what the factory shows; only names if the factory cannot be read."""

    io: Io
    spec: Spec
    targets: Sequence[Target]
    blind: bool = False
    may_grow: bool = False
    was_read: bool = False

    async def claims(self) -> Sequence[Claim]:
        if self.blind:
            return [Claim(target, self.spec.name_of(target.group_id)) for target in self.targets]
        try:
            endpoints = await reads.list_endpoints_alone(self.io, self.spec)
        except AccessDenied as denied:
            # Only if the factory was never readable, fall back to names; otherwise an earlier read showed more.
            if is_about_the_sign_in(denied) or self.was_read:
                raise
            self.blind = True
            return await self.claims()
        self.was_read = True
        return [
            claim_for(target, endpoint)
            for target in self.targets
            for endpoint in endpoints
            if endpoint.identity == target.identity and not endpoint.reserved
        ]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that a report names but the account does not confirm."""

    outcome: Outcome
    pending: Pending | None
    """What the owner of the target can decide; None if the account shows that it does not use the target."""


@dataclass
class FromReport:
    """Claims from a requester's report: its exact private endpoint ids, and nothing else.

    Azure decides which targets the account has. A report comes from a file: a target named only in that file may be
    another team's resource, on which this caller happens to have rights.
    """

    account: Account
    report: Report
    blind: bool = False
    may_grow: bool = False

    @property
    def targets(self) -> Sequence[Target]:
        """The account's targets that the report names."""
        reported = self._reported()
        return [target for key, target in self._known().items() if key in reported]

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What the report names but the account does not use, or does not show to this caller."""
        known = self._known()
        return [self._left_out(outcome) for key, outcome in self._reported().items() if key not in known]

    async def claims(self) -> Sequence[Claim]:
        reported, factory = self._reported(), self.report.spec.factory_id.name
        return [
            claim_from_report(factory, target, found, self.report.network)
            for target in self.targets
            if (found := reported.get(target.identity)) is not None
        ]

    def _left_out(self, outcome: Outcome) -> LeftOut:
        target = self._named_target(outcome) if self.account.shape in {None, "F"} else None
        if target is None:
            return LeftOut(reasons.not_of_the_account(outcome, self.account), None)
        claim = claim_from_report(self.report.spec.factory_id.name, target, outcome, self.report.network)
        return LeftOut(
            reasons.not_confirmed(claim, self.account),
            Pending(target, claim.name, claim.private_endpoint_id, reason=reasons.not_confirmed_because(self.account)),
        )

    def _named_target(self, outcome: Outcome) -> Target | None:
        """The target that the report names, for its owner to look at; None if no account can have it."""
        group_id = (outcome.group_id or "").casefold()
        if not fits(group_id, outcome.resource_id) or group_id not in _LISTS:
            return None
        named = self.report.account.targets if self.report.account is not None else ()
        lists: dict[Identity, ConnectionList] = {target.identity: target.connections for target in named}
        where = lists.get(outcome.identity, _LISTS[group_id])
        return Target(group_id=group_id, resource_id=outcome.resource_id, connections=where)

    def _known(self) -> dict[Identity, Target]:
        """The targets that the account shows, and those of the optional group ids, which lineage does not need.

        The target of an optional group is the account itself (source: see `optional_target`).
        """
        targets = (*self.account.targets, *(optional_target(self.account, group_id) for group_id in OPTIONAL_GROUPS))
        return {target.identity: target for target in targets}

    def _reported(self) -> dict[Identity, Outcome]:
        reported: dict[Identity, Outcome] = {}
        for outcome in self.report.outcomes:
            # A creation with approval has two outcomes for each endpoint, and not both have the id.
            key = outcome.identity
            if outcome.group_id is not None and (key not in reported or outcome.private_endpoint_id is not None):
                reported[key] = outcome
        return reported
