"""Where the claims of an approval come from: the factory, or a requester's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from purview_mpe._flows.steps import reads
from purview_mpe._rules.ownership import Claim, claim_for, claim_from_report
from purview_mpe.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Identity, Outcome, Report, Target
    from purview_mpe._model.spec import Spec


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
            if denied.status != 403 or self.was_read:
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


@dataclass
class FromReport:
    """Claims from a requester's report: its exact private endpoint ids, and nothing else."""

    account: Account
    report: Report
    blind: bool = False
    may_grow: bool = False

    @property
    def targets(self) -> Sequence[Target]:
        """Those of the account's targets that the report speaks of."""
        told = {outcome.identity for outcome in self.report.outcomes}
        return [target for target in self.account.targets if target.identity in told]

    @property
    def unknown(self) -> Sequence[Outcome]:
        """What the report speaks of and the account does not use, or does not show to this caller."""
        known = {target.identity for target in self.account.targets}
        return [outcome for key, outcome in self._told().items() if key not in known]

    async def claims(self) -> Sequence[Claim]:
        told, factory = self._told(), self.report.spec.factory_id.name
        return [
            claim_from_report(factory, target, found)
            for target in self.targets
            if (found := told.get(target.identity)) is not None
        ]

    def _told(self) -> dict[Identity, Outcome]:
        told: dict[Identity, Outcome] = {}
        for outcome in self.report.outcomes:
            # A creation that approved on the way has two outcomes for each endpoint, and not each tells the id.
            key = outcome.identity
            if outcome.group_id is not None and (key not in told or outcome.private_endpoint_id is not None):
                told[key] = outcome
        return told
