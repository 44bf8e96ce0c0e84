"""Telling the factory where its lineage goes: reads the whole factory, changes one field, writes it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe._azure import loading
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.survey import read_factory_body
from purview_mpe._flows.steps.waiting import when_free
from purview_mpe._model.arm_id import same_id
from purview_mpe._model.events import Event
from purview_mpe._model.results import ErrorDetail, Outcome, Report, Result
from purview_mpe._rules import checking
from purview_mpe._wire import account as account_json
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import Attempt, is_busy
from purview_mpe.errors import AzureError, AzureUnavailable, InvalidSpec, PurviewMpeError

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.spec import Spec

#: How often somebody else may change the factory between our look and our write before that is an outcome.
_ROUNDS = 5


async def connect(io: Io, spec: Spec, *, replace: bool) -> Report:
    """Connect the factory to the account that the spec names.

    Raises:
        InvalidSpec: the spec names no account.
        NotFound, AccessDenied: before the write, if factory or account do not exist or the factory may not be read.
    """
    if (account_id := spec.account_id) is None:
        raise InvalidSpec("Spec", [("account", "is None, and connect needs the account to connect the factory to")])
    began = io.now()
    body, account = await reads.both(io, read_factory_body(io, spec.factory_id), reads.read_account(io, account_id))
    work = _Connecting(io, spec, str(account_id), replace=replace)
    result, error = await work.run(body)
    outcome = Outcome(
        subject="connection",
        name=spec.factory_id.name,
        resource_id=str(account_id),
        result=result,
        error=error,
        seconds=round(io.now() - began, 3),
    )
    io.tell(
        Event(
            kind="step",
            verb="connect",
            seconds=outcome.seconds,
            message=f"{outcome.name}: {outcome.result}",
            factory=spec.factory,
            outcome=outcome,
        )
    )
    identity = checking.identity_finding(has_system_identity=factory_json.has_system_identity(body))
    unreadable = [finding for finding in account.warnings if finding.code == "account-unreadable"]
    return Report(verb="connect", spec=spec, outcomes=(outcome,), warnings=(*unreadable, identity))


@dataclass(frozen=True, slots=True)
class _Connecting:
    io: Io
    spec: Spec
    account: str
    replace: bool

    async def run(self, body: dict[str, Any]) -> tuple[Result, ErrorDetail | None]:
        """Look, decide, write; and look again where the write met somebody else's."""
        error: PurviewMpeError = _contended(self.spec.factory_id)
        for written in range(_ROUNDS):
            _, connected = account_json.read_factory_connection(body)
            if same_id(connected, self.account):
                # After a write of ours that failed it may be ours or another's; what was asked for is so.
                return ("connected" if written else "already-connected"), None
            if connected is not None and not self.replace:
                return "conflict", self._other(connected)
            try:
                await self._write(body)
            except PurviewMpeError as failure:
                error = failure
                if not _may_have_happened(failure):
                    break
                try:
                    body = await read_factory_body(self.io, self.spec.factory_id)
                except PurviewMpeError:
                    break  # the failed write says more
                if failure.status != 412 and not self._is_ours(body):
                    break  # the pipeline has repeated it already
            else:
                return "connected", None
        if self._is_ours(body):
            return "connected", None
        return "failed", ErrorDetail.of(error if error.status != 412 else _contended(self.spec.factory_id))

    def _is_ours(self, body: dict[str, Any]) -> bool:
        return same_id(account_json.read_factory_connection(body)[1], self.account)

    async def _write(self, body: dict[str, Any]) -> None:
        factory = self.spec.factory_id
        attempt = Attempt(f"connect the factory {factory.name!r} to Purview", str(factory), "Contributor")
        if not (etag := factory_json.read_etag(body)):
            raise AzureUnavailable(
                f"Could not {attempt.what}: the factory shows no eTag, without which somebody else's change could be "
                "overwritten; nothing was written.",
                remedy="Repeat the call; if it happens again, connect the factory in Data Factory Studio.",
                status=200,
            )
        new_body = factory_json.connected_body(body, self.account)

        async def put() -> dict[str, Any]:
            return await self.io.read(
                attempt,
                lambda az: az.datafactory(factory).factories.create_or_update(
                    factory.resource_group,
                    factory.name,
                    new_body,
                    etag=etag,
                    match_condition=loading.load("azure.core").MatchConditions.IfNotModified,
                ),
            )

        if not self._is_ours(await when_free(self.io, put, is_busy=is_busy)):
            raise AzureError(
                f"Could not {attempt.what}: Azure accepted the write, and its answer shows no such connection.",
                remedy="Look at the factory in Data Factory Studio (Manage, Microsoft Purview), then repeat the call.",
                status=200,
            )

    def _other(self, connected: str) -> ErrorDetail:
        return ErrorDetail(
            code="connected-elsewhere",
            message=f"The factory {self.spec.factory_id.name!r} is connected to another Purview account: {connected}",
            remedy="Call connect(spec, replace=True) if the factory shall report its lineage to the new account only.",
        )


def _may_have_happened(failure: PurviewMpeError) -> bool:
    """Whether the factory has to be looked at: no answer, a broken one, or a 412.

    A 412 can follow a write of ours whose answer was lost, because the pipeline repeats such a request.
    """
    return failure.status is None or failure.status < 400 or failure.status in {408, 412} or failure.status >= 500


def _contended(factory: ArmId) -> AzureError:
    return AzureError(
        f"Could not connect the factory {factory.name!r} to Purview: it was changed by somebody else {_ROUNDS} times "
        "between our look and our write.",
        remedy="Repeat the call when the other automation on this factory has finished.",
        status=412,
    )
