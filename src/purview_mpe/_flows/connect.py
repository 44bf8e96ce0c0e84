"""Connecting the factory to the account: reads the whole factory, changes one field, writes it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from purview_mpe._azure import loading
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.survey import read_factory_body
from purview_mpe._flows.steps.waiting import carried_out
from purview_mpe._model.arm_id import same_id
from purview_mpe._model.events import Event
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, ErrorDetail, Outcome, Report
from purview_mpe._rules import checking
from purview_mpe._rules.findings.account import ACCOUNT_UNREADABLE
from purview_mpe._wire import account as account_json
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AzureError, AzureUnavailable, InvalidSpec, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Result
    from purview_mpe._model.spec import Spec

#: How often the factory may change between a look and the write that follows before that is an outcome.
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
    work = Connecting(io, spec, account, body, began, replace=replace)
    io.so_far = work.report
    await work.run()
    io.tell(
        Event(
            kind="step",
            verb="connect",
            seconds=io.now() - began,
            message=f"{work.outcome.name}: {work.outcome.result}",
            factory=spec.factory,
            outcome=work.outcome,
        )
    )
    return work.report()


@dataclass(frozen=True, slots=True)
class Planned:
    """Nothing was written."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A write was sent, or is about to be; what came of it is not known yet."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the factory shows, or why it does not."""

    result: Result
    error: ErrorDetail | None = None


_State: TypeAlias = Planned | UnderWay | Ended


@dataclass(slots=True)
class Connecting:
    """One run; knows at any moment what was done."""

    io: Io
    spec: Spec
    account: Account
    body: dict[str, Any]
    """The factory as it was last read."""
    began: float
    """Before the factory was read."""
    replace: bool = field(kw_only=True)
    state: _State = field(default_factory=Planned)

    async def run(self) -> None:
        """Look, decide, write; and look again after each write that did not go through."""
        try:
            if (decided := self._decided(may_be_done=False)) is None:
                decided = await carried_out(self.io, self._write, look=self._look, seen_at=self.began)
            self.state = decided
        except PurviewMpeError as failure:
            result: Result = "timed-out" if isinstance(failure, WaitTimedOut) else "failed"
            self.state = Ended(result, ErrorDetail.of(failure))

    @property
    def outcome(self) -> Outcome:
        """What became of the connection; also in the middle of it."""
        match self.state:
            case Planned():
                ended = Ended("failed", NOT_BEGUN)
            case UnderWay():
                ended = Ended("failed", INTERRUPTED)
            case Ended() as ended:
                pass
            case state:
                assert_never(state)
        return Outcome(
            subject="connection",
            name=self.spec.factory_id.name,
            resource_id=self.account.id,
            result=ended.result,
            error=ended.error,
            seconds=max(0.0, round(self.io.now() - self.began, 3)),
        )

    def report(self) -> Report:
        """The outcome, and what lineage needs beside the connection."""
        identity = checking.identity_finding(has_system_identity=factory_json.has_system_identity(self.body))
        unreadable = [finding for finding in self.account.warnings if finding.code == ACCOUNT_UNREADABLE.code]
        return Report(verb="connect", spec=self.spec, outcomes=(self.outcome,), warnings=(*unreadable, identity))

    async def _look(self, may_be_done: bool) -> Ended | None:
        self.body = await read_factory_body(self.io, self.spec.factory_id)
        return self._decided(may_be_done=may_be_done)

    def _decided(self, *, may_be_done: bool) -> Ended | None:
        """What the factory shows, if that leaves nothing to write."""
        _, connected = account_json.read_factory_connection(self.body)
        if same_id(connected, self.account.id):
            return Ended("connected" if may_be_done else "already-connected")
        if connected is not None and not self.replace:
            return Ended("conflict", self._other(connected))
        return None

    async def _write(self) -> Ended:
        """Write the factory back; where another change came in between, read it again and write that."""
        failure: PurviewMpeError = _contended(self.spec.factory_id)
        for _ in range(_ROUNDS):
            if not (etag := factory_json.read_etag(self.body)):
                failure = self._no_etag()
            else:
                failure = _contended(self.spec.factory_id)
                self.state = UnderWay()
                try:
                    await self._put(etag)
                except PurviewMpeError as refusal:
                    if refusal.status != 412:
                        raise
                else:
                    return Ended("connected")
            # A 412 can follow a write whose answer was lost: a transport may send a request twice.
            if (decided := await self._look(may_be_done=True)) is not None:
                return decided
        raise failure

    async def _put(self, etag: str) -> None:
        factory = self.spec.factory_id
        attempt = Attempt(self._what, str(factory), "Contributor", is_guarded=True)
        body = factory_json.connected_body(self.body, self.account.id)
        answer = await self.io.read(
            attempt,
            lambda az: az.datafactory(factory).factories.create_or_update(
                factory.resource_group,
                factory.name,
                body,
                etag=etag,
                match_condition=loading.load("azure.core").MatchConditions.IfNotModified,
            ),
        )
        if not same_id(account_json.read_factory_connection(answer)[1], self.account.id):
            raise AzureError(
                f"Could not {self._what}: Azure accepted the write, and its answer shows no such connection.",
                remedy="Look at the factory in Data Factory Studio (Manage, Microsoft Purview), then repeat the call.",
                status=200,
            )

    @property
    def _what(self) -> str:
        return f"connect the factory {self.spec.factory_id.name!r} to Purview"

    def _no_etag(self) -> AzureUnavailable:
        return AzureUnavailable(
            f"Could not {self._what}: the factory shows no usable eTag, without which another change could be "
            "overwritten; nothing was written.",
            remedy="Repeat the call; if it happens again, connect the factory in Data Factory Studio.",
            status=200,
        )

    def _other(self, connected: str) -> ErrorDetail:
        return ErrorDetail(
            code="connected-elsewhere",
            message=f"The factory {self.spec.factory_id.name!r} is connected to another Purview account: {connected}",
            remedy="Call connect(spec, replace=True) if the factory shall report its lineage to the new account only.",
        )


def _contended(factory: ArmId) -> AzureError:
    return AzureError(
        f"Could not connect the factory {factory.name!r} to Purview: it was changed by another caller {_ROUNDS} times "
        "between a look and the write that followed.",
        remedy="Repeat the call when the other automation on this factory has finished.",
        status=412,
    )
