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
from purview_mpe.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, ConnectionList, Identity, Outcome, Report
    from purview_mpe._model.spec import Spec


#: Where a connection is usually listed, for a target of which only a report speaks.
_LISTS: Mapping[str, ConnectionList] = {"blob": "storage", "queue": "storage", "namespace": "namespace"}


class Source(Protocol):
    """Where claims come from: looked at anew in each round, until there is nothing more to learn."""

    blind: bool
    """Whether nobody vouches for the claims."""

    async def claims(self) -> Sequence[Claim]:
        """The endpoints whose connections are looked for."""
        ...

    @property
    def may_grow(self) -> bool:
        """Whether endpoints that are missing now may still come."""
        ...


@dataclass
class FromFactory:
    """Claims from what the factory shows; names alone where it may not be read."""

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
            endpoints = await reads.list_endpoints_in(self.io, self.spec.factory_id, self.spec.managed_virtual_network)
        except NotFound:
            await reads.list_networks(self.io, self.spec.factory_id)  # raises if it is the factory that is gone
            endpoints = []
        except AccessDenied as denied:
            # Only who could never read the factory has to go by names: what it said before was more.
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
    """Something that a report asks for and the account does not confirm."""

    outcome: Outcome
    pending: Pending | None
    """What the owner of the target can decide; None where the account shows that it does not use the target."""


@dataclass
class FromReport:
    """Claims from a requester's report: its exact private endpoint ids, and nothing else.

    Which targets the account has is what Azure shows. A report comes from a file: a target that only the file names
    may be a resource of another team, on which this caller happens to have rights.
    """

    account: Account
    report: Report
    blind: bool = False
    may_grow: bool = False

    @property
    def targets(self) -> Sequence[Target]:
        """Those of the account's targets that the report names."""
        told = self._told()
        return [target for key, target in self._known().items() if key in told]

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What the report names and the account does not use, or does not show to this caller."""
        known = self._known()
        return [self._left_out(outcome) for key, outcome in self._told().items() if key not in known]

    async def claims(self) -> Sequence[Claim]:
        told, factory = self._told(), self.report.spec.factory_id.name
        return [
            claim_from_report(factory, target, found)
            for target in self.targets
            if (found := told.get(target.identity)) is not None
        ]

    def _left_out(self, told: Outcome) -> LeftOut:
        target = self._named_target(told) if self.account.shape in {None, "F"} else None
        if target is None:
            return LeftOut(reasons.not_of_the_account(told, self.account), None)
        claim = claim_from_report(self.report.spec.factory_id.name, target, told)
        return LeftOut(
            reasons.not_confirmed(claim, self.account),
            Pending(target, claim.name, claim.private_endpoint_id, reason=reasons.not_confirmed_because(self.account)),
        )

    def _named_target(self, told: Outcome) -> Target | None:
        """The target that the report names, for its owner to look at; None if no account can have it."""
        group_id = (told.group_id or "").casefold()
        if not fits(group_id, told.resource_id) or group_id not in _LISTS:
            return None
        named = self.report.account.targets if self.report.account is not None else ()
        lists: dict[Identity, ConnectionList] = {target.identity: target.connections for target in named}
        where = lists.get(told.identity, _LISTS[group_id])
        return Target(group_id=group_id, resource_id=told.resource_id, connections=where)

    def _known(self) -> dict[Identity, Target]:
        """The targets that the account shows; group ids beyond lineage lead to the account itself (spec)."""
        targets = (*self.account.targets, *(optional_target(self.account, group_id) for group_id in OPTIONAL_GROUPS))
        return {target.identity: target for target in targets}

    def _told(self) -> dict[Identity, Outcome]:
        told: dict[Identity, Outcome] = {}
        for outcome in self.report.outcomes:
            # A creation that approved on the way has two outcomes for each endpoint, and not each tells the id.
            key = outcome.identity
            if outcome.group_id is not None and (key not in told or outcome.private_endpoint_id is not None):
                told[key] = outcome
        return told
