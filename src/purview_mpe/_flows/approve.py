"""Approving (or rejecting) the connections that provably belong to a spec's or a requester's endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.approving import Approving
from purview_mpe._flows.steps.claims import FromFactory, FromReport
from purview_mpe._flows.steps.foreseen import read_rights_and_hand_off
from purview_mpe._model.results import Report
from purview_mpe._model.spec import ACCOUNT_TYPE, Spec, typed_id
from purview_mpe._rules.planning import needed_targets

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Verb
    from purview_mpe._model.states import Decision


async def approve(
    io: Io, subject: Spec | Report, *, decision: Decision, dry_run: bool, wait: bool, verb: Verb
) -> Report:
    """Approve or reject the endpoints' pending connections."""
    account = await read_account_of(io, subject)
    work = prepared(io, subject, account, decision=decision, dry_run=dry_run, verb=verb)
    io.so_far = work.report
    await work.run(wait=wait and not dry_run)
    if dry_run:
        await read_rights_and_hand_off(io, [work])
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
    """The run over the targets of one factory, not started yet."""
    spec = subject if isinstance(subject, Spec) else subject.spec
    if isinstance(subject, Report):
        claims = FromReport(account, subject)
        return Approving(
            io,
            spec,
            account,
            claims.targets,
            claims,
            decision=decision,
            dry_run=dry_run,
            verb=verb,
            left_out=claims.left_out,
            own=None if subject.network is None else (subject.network, subject.purpose),
        )
    targets = needed_targets(spec, account)
    source = FromFactory(io, spec, targets)
    return Approving(io, spec, account, targets, source, decision=decision, dry_run=dry_run, verb=verb)
