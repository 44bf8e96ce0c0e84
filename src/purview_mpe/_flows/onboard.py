"""Everything that a new factory needs for lineage, in one verb: connect, create, approve and grant.

One conditional PUT sets the factory's identity and its connection. Then two sequences run concurrently, because neither
needs the other. One gives the new identity its role in Purview. The other creates the managed virtual network, then the
runtime and the endpoints together, and then approves the connections. A failed step stops only the steps that depend on
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe._flows.create_all import Creation, wait_for
from purview_mpe._flows.grant import Curating, Member
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.factory_change import Connection, FactoryChange, Identity
from purview_mpe._flows.steps.foreseen import read_rights_and_hand_off
from purview_mpe._flows.steps.narration import tell_step
from purview_mpe._flows.steps.provisioning import Provisioning
from purview_mpe._flows.steps.rehearsing import rehearsed_approvals
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import Outcome, Report
from purview_mpe._rules.findings.factory import DATA_CURATOR_LEFT_OUT
from purview_mpe._rules.foretelling import foretold
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.curator_hand_off import joined

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from purview_mpe._flows.steps.approving import Approving
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Finding, Plan
    from purview_mpe._model.spec import Spec


@dataclass(frozen=True, slots=True)
class OnboardOptions:
    """Which parts of onboarding to do."""

    approve: bool = False
    """Whether to approve the connections."""
    grant: bool = True
    """Whether to give the identity the role Data Curator."""
    become_admin: bool = False
    """Whether a caller who is not a collection administrator is made one first."""
    replace: bool = False
    """Whether a connection to another account is replaced."""


async def onboard(io: Io, spec: Spec, options: OnboardOptions, *, dry_run: bool, wait: bool) -> Report:
    """Do everything that a factory needs for lineage in Purview; in a dry run, report what would be done.

    Raises:
        UnsupportedSetup, NotFound, AccessDenied: before the first write, if the factory or the account cannot be read,
            or endpoints for this account cannot be planned.
    """
    work = await prepared(io, spec, options, dry_run=dry_run)
    io.so_far = work.report
    await work.change.run()
    if dry_run:
        await work.rehearse()
    else:
        await io.gather([work.curate(), work.provision(wait=wait)])
    return work.report()


async def prepared(io: Io, spec: Spec, options: OnboardOptions, *, dry_run: bool) -> Onboarding:
    """Read what onboarding needs; nothing is written yet."""
    began = io.now()
    account_id = spec.account_id or await reads.connected_account(io, spec)
    account, body, (factory, runtimes) = await reads.three(
        io,
        reads.read_account(io, account_id),
        reads.read_factory_body(io, spec.factory_id),
        reads.read_factory_side(io, spec, with_runtimes=True),
    )
    plan = reads.Observed(account, factory, runtimes).plan(spec)
    change = FactoryChange(
        io,
        spec,
        [Identity(spec), Connection(spec, account.id, options.replace, "onboard")],
        body,
        began,
        "onboard",
        dry_run=dry_run,
    )
    creation = Creation(io, plan, Provisioning(io, plan, factory, "onboard", began), options.approve, "onboard")
    return Onboarding(io, spec, plan, change, creation, options, dry_run)


def role_of(io: Io, account: Account, members: list[Member], options: OnboardOptions, *, dry_run: bool) -> Curating:
    """The role of identities on one account, changed in one write."""
    return Curating(
        io,
        account,
        ArmId.parse(account.id),
        "onboard",
        members,
        become_admin=options.become_admin,
        dry_run=dry_run,
        takes_away=False,
    )


@dataclass
class Onboarding:
    """One factory's onboarding. `report` returns the outcomes so far, even while the work is under way."""

    io: Io
    spec: Spec
    plan: Plan
    change: FactoryChange
    creation: Creation
    options: OnboardOptions
    dry_run: bool
    curating: Curating | None = None
    foretold: tuple[Outcome, ...] | None = None
    """The dry run's outcomes for the steps of the plan."""
    approving: Approving | None = None
    """The dry run over the connections that exist."""

    async def curate(self) -> None:
        """Give the factory's identity the role, if requested; the identity may be new."""
        if self.options.grant:
            self.curating = role_of(self.io, self.plan.account, [self.member()], self.options, dry_run=self.dry_run)
            await self.curating.run()

    def member(self) -> Member:
        """The factory's identity, as the factory shows it now."""
        principal = factory_json.principal_id(self.change.body)
        is_to_come = self.dry_run and principal is None
        return Member(self.spec.factory_id.name, principal, self.io.now(), self.spec.factory, is_to_come)

    async def provision(self, *, wait: bool) -> None:
        """Create the network, then the runtime and the endpoints together, then approve the connections."""
        await self.creation.begin()
        await wait_for(self.io, self.creation, wait=wait)

    async def rehearse(self) -> None:
        """What would be done, as far as a dry run can know it."""
        for outcome in self.foretell_steps():
            tell_step(self.io, "onboard", outcome, self.spec.factory)
        looks: list[Coroutine[Any, Any, None]] = [self.curate()]
        self.approving = rehearsed_approvals(self.io, self.plan, "onboard") if self.options.approve else None
        if self.approving is not None:
            looks.append(self._rehearse_approvals(self.approving))
        await self.io.gather(looks)

    def foretell_steps(self) -> tuple[Outcome, ...]:
        """In a dry run, what would be done for the steps of the plan."""
        self.foretold = foretold(self.plan)
        return self.foretold

    async def _rehearse_approvals(self, approving: Approving) -> None:
        await approving.run(wait=False)
        await read_rights_and_hand_off(self.io, [approving])

    def report(self) -> Report:
        """What was done so far."""
        made = self.creation.report()
        approvals = self.approving.outcomes() if self.approving else ()
        inside = made.outcomes if self.foretold is None else (*self.foretold, *approvals)
        approvals_left = self.approving.hand_off() if self.approving else made.hand_off
        role = self.curating.outcomes() if self.curating else ()
        return Report(
            verb="onboard",
            spec=self.spec,
            account=self.plan.account,
            outcomes=(*self.change.outcomes(), *self._kept_network(), *inside, *role),
            hand_off=joined(approvals_left, self.curating.hand_off() if self.curating else None),
            approval_asked=self.options.approve,
            warnings=self._warnings(),
        )

    def _kept_network(self) -> tuple[Outcome, ...]:
        """The outcome of a managed virtual network that existed before; a plan has a step only for a missing one."""
        if any(step.subject == "managed-network" for step in self.plan.steps):
            return ()
        network = self.spec.factory_id.child("managedVirtualNetworks", self.spec.managed_virtual_network)
        kept = Outcome(subject="managed-network", name=network.name, resource_id=str(network), result="kept")
        return (kept,)

    def _warnings(self) -> tuple[Finding, ...]:
        left_out = () if self.options.grant else (DATA_CURATOR_LEFT_OUT.found(),)
        return (*self.plan.warnings, *(self.curating.warnings() if self.curating else ()), *left_out)
