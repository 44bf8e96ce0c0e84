"""The factory's connection to the account: made and removed by a conditional PUT of the whole factory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.factory_change import Connection, Disconnection, FactoryChange, Identity
from purview_mpe._model.results import Report
from purview_mpe._rules.findings.account import ACCOUNT_FAILED, ACCOUNT_LEAVING, ACCOUNT_UNREADABLE
from purview_mpe._rules.findings.factory import NO_SYSTEM_IDENTITY
from purview_mpe._wire import factory as factory_json
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from purview_mpe._flows.steps.factory_change import Part
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.spec import Spec

#: Codes of the account's findings that a report of `connect` shows.
_ABOUT_THE_ACCOUNT = frozenset({ACCOUNT_UNREADABLE.code, ACCOUNT_LEAVING.code, ACCOUNT_FAILED.code})


async def connect(io: Io, spec: Spec, *, replace: bool, identity: bool) -> Report:
    """Connect the factory to the account that the spec names; with `identity`, also switch on its identity.

    Raises:
        InvalidSpec: the spec names no account.
        NotFound, AccessDenied: before the write: the factory or the account does not exist, or the factory cannot be
            read.
    """
    if (account_id := spec.account_id) is None:
        raise InvalidSpec("Spec", [("account", "is None, but connect needs the id of the account")])
    began = io.now()
    body, account = await reads.both(
        io, reads.read_factory_body(io, spec.factory_id), reads.read_account(io, account_id)
    )
    parts: list[Part] = [Identity(spec)] if identity else []
    work = FactoryChange(io, spec, [*parts, Connection(spec, account.id, replace)], body, began, "connect")

    def report() -> Report:
        findings = [finding for finding in account.warnings if finding.code in _ABOUT_THE_ACCOUNT]
        if not factory_json.has_system_identity(work.body):
            findings.append(NO_SYSTEM_IDENTITY.found())
        return Report(verb="connect", spec=spec, outcomes=work.outcomes(), warnings=tuple(findings))

    io.so_far = report
    await work.run()
    return report()


async def disconnect(io: Io, spec: Spec) -> Report:
    """Remove the connection to the spec's account or, if the spec names none, the connection to any account.

    Raises:
        NotFound, AccessDenied: before the write, if the factory does not exist or cannot be read.
    """
    began = io.now()
    body = await reads.read_factory_body(io, spec.factory_id)
    # Without any account, nothing is removed, and the outcome is about the factory.
    account = spec.account or factory_json.connected_account(body) or spec.factory
    work = FactoryChange(io, spec, [Disconnection(spec, account)], body, began, "disconnect")
    io.so_far = lambda: Report(verb="disconnect", spec=spec, outcomes=work.outcomes())
    await work.run()
    return Report(verb="disconnect", spec=spec, outcomes=work.outcomes())
