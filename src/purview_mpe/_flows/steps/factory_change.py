"""Changing the factory itself: read it, change a field or two, and write it back if its version is unchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from purview_mpe._azure import loading
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.narration import tell_step
from purview_mpe._flows.steps.waiting import carried_out
from purview_mpe._model.arm_id import same_id
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, ErrorDetail, Outcome
from purview_mpe._wire import factory as factory_json
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AzureError, AzureUnavailable, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Result, Subject, Verb
    from purview_mpe._model.spec import Spec

#: By verb: the call that also replaces a connection to another account.
_REPLACING = {"connect": "Call connect(spec, replace=True)", "onboard": "Call onboard(spec, replace=True)"}
#: How often other callers may change the factory between our read and our write before we give up.
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """Nothing was written."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A write was sent, or is about to be; its result is not known yet."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The result for a part, with the error if the factory does not show the change."""

    result: Result
    error: ErrorDetail | None = None


State: TypeAlias = Planned | UnderWay | Ended


@dataclass(slots=True)
class Identity:
    """Switching on the factory's system-assigned identity."""

    spec: Spec
    state: State = field(default_factory=Planned)
    subject: Subject = "identity"
    done: Result = "enabled"
    already: Result = "already-enabled"
    would: Result = "would-enable"

    @property
    def resource_id(self) -> str:
        """What the outcome is about."""
        return self.spec.factory

    def is_made(self, body: dict[str, Any]) -> bool:
        """True if the factory shows the identity."""
        return factory_json.has_system_identity(body)

    def obstacle(self, _body: dict[str, Any]) -> ErrorDetail | None:
        """Nothing blocks switching on an identity."""
        return None


@dataclass(slots=True)
class Connection:
    """Connecting the factory to an account."""

    spec: Spec
    account: str
    """Id of the account."""
    replace: bool = False
    verb: Literal["connect", "onboard"] = "connect"
    """The verb that the remedy names."""
    state: State = field(default_factory=Planned)
    subject: Subject = "connection"
    done: Result = "connected"
    already: Result = "already-connected"
    would: Result = "would-connect"

    @property
    def resource_id(self) -> str:
        """What the outcome is about."""
        return self.account

    def is_made(self, body: dict[str, Any]) -> bool:
        """True if the factory shows the connection."""
        return same_id(_connected(body), self.account)

    def obstacle(self, body: dict[str, Any]) -> ErrorDetail | None:
        """Another connection, which is replaced only if the caller allows it."""
        connected = _connected(body)
        if connected is None or self.replace:
            return None
        return _elsewhere(
            self.spec,
            connected,
            f"{_REPLACING[self.verb]} if the factory should report its lineage only to the new account.",
        )


@dataclass(slots=True)
class Disconnection:
    """Removing the factory's connection to an account."""

    spec: Spec
    account: str
    """Id of the account; a connection to another one stays."""
    state: State = field(default_factory=Planned)
    subject: Subject = "connection"
    done: Result = "disconnected"
    already: Result = "absent"
    would: Result = "would-disconnect"

    @property
    def resource_id(self) -> str:
        """What the outcome is about."""
        return self.account

    def is_made(self, body: dict[str, Any]) -> bool:
        """True if the factory is not connected to an account."""
        return _connected(body) is None

    def obstacle(self, body: dict[str, Any]) -> ErrorDetail | None:
        """A connection to an account other than the spec's."""
        connected = _connected(body)
        if connected is None or same_id(connected, self.account):
            return None
        return _elsewhere(self.spec, connected, "Name that account in Spec.account to remove the connection to it.")


Part: TypeAlias = Identity | Connection | Disconnection


@dataclass(slots=True)
class FactoryChange:
    """One write of the factory, for all parts that need it. `outcomes` returns the outcomes so far, at any moment."""

    io: Io
    spec: Spec
    parts: Sequence[Part]
    body: dict[str, Any]
    """The factory as it was last read."""
    began: float
    """A moment just before the factory was read."""
    verb: Verb
    dry_run: bool = False
    ended: float | None = None

    async def run(self) -> None:
        """Read, decide, write; read again after each write that did not go through."""
        try:
            if not self._decide(may_be_done=False):
                if self.dry_run:
                    for part in self._open:
                        part.state = Ended(part.would)
                else:
                    await carried_out(self.io, self._write, look=self._look, seen_at=self.began)
        except PurviewMpeError as failure:
            result: Result = "timed-out" if isinstance(failure, WaitTimedOut) else "failed"
            for part in self._open:
                part.state = Ended(result, ErrorDetail.of(failure))
        self.ended = self.io.now()
        for outcome in self.outcomes():
            tell_step(self.io, self.verb, outcome, self.spec.factory)

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each part, even while the change is under way."""
        return tuple(self._outcome(part) for part in self.parts)

    def _outcome(self, part: Part) -> Outcome:
        match part.state:
            case Planned():
                ended = Ended("failed", NOT_BEGUN)
            case UnderWay():
                ended = Ended("failed", INTERRUPTED)
            case Ended() as ended:
                pass
            case _:
                assert_never(part.state)
        return Outcome(
            subject=part.subject,
            name=self.spec.factory_id.name,
            resource_id=part.resource_id,
            result=ended.result,
            error=ended.error,
            seconds=max(0.0, round((self.io.now() if self.ended is None else self.ended) - self.began, 3)),
        )

    @property
    def _open(self) -> list[Part]:
        return [part for part in self.parts if not isinstance(part.state, Ended)]

    async def _look(self, may_be_done: bool) -> bool | None:
        self.body = await reads.read_factory_body(self.io, self.spec.factory_id)
        return self._decide(may_be_done=may_be_done) or None

    def _decide(self, *, may_be_done: bool) -> bool:
        """End each part whose change the factory shows, or that something blocks; return whether all have ended."""
        for part in self._open:
            if part.is_made(self.body):
                was_sent = may_be_done and isinstance(part.state, UnderWay)
                part.state = Ended(part.done if was_sent else part.already)
            elif (error := part.obstacle(self.body)) is not None:
                part.state = Ended("conflict", error)
        return not self._open

    async def _write(self) -> bool:
        """Write the factory back; if another change came in between, read again and write again."""
        failure: PurviewMpeError = _contended(self.spec.factory_id, self._what)
        for _ in range(_ROUNDS):
            if not (etag := factory_json.read_etag(self.body)):
                failure = self._no_etag()
            else:
                failure = _contended(self.spec.factory_id, self._what)
                for part in self._open:
                    part.state = UnderWay()
                try:
                    await self._put(etag)
                except PurviewMpeError as refusal:
                    if refusal.status != 412:
                        raise
                else:
                    return True
            # A 412 can mean that our own write succeeded: if the answer was lost, a transport may have repeated it.
            if await self._look(may_be_done=True):
                return True
        raise failure

    async def _put(self, etag: str) -> None:
        factory, parts = self.spec.factory_id, self._open
        attempt = Attempt(self._what, str(factory), "Data Factory Contributor", is_guarded=True)
        body = factory_json.changed_body(
            self.body,
            account_id=next((part.account for part in parts if isinstance(part, Connection)), None),
            disconnect=any(isinstance(part, Disconnection) for part in parts),
            identity=any(isinstance(part, Identity) for part in parts),
        )
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
        self.body = answer
        for part in parts:
            if not part.is_made(answer):
                part.state = Ended("failed", ErrorDetail.of(self._not_shown(part)))
            else:
                part.state = Ended(part.done)

    def _not_shown(self, part: Part) -> AzureError:
        shown = "still shows" if isinstance(part, Disconnection) else "does not show"
        return AzureError(
            f"Could not {self._what}: Azure accepted the write, but its answer {shown} the {part.subject}.",
            remedy="Look at the factory in Data Factory Studio (Manage), then repeat the call.",
            status=200,
        )

    @property
    def _what(self) -> str:
        name = repr(self.spec.factory_id.name)
        kinds = {type(part) for part in self.parts}
        if Disconnection in kinds:
            return f"disconnect the factory {name} from Purview"
        if Connection in kinds:
            return f"connect the factory {name} to Purview"
        return f"switch on the identity of the factory {name}"

    def _no_etag(self) -> AzureUnavailable:
        return AzureUnavailable(
            f"Could not {self._what}: the factory shows no usable eTag, so a write could overwrite another "
            "change; nothing was written.",
            remedy="Repeat the call; if it happens again, make the change in Data Factory Studio.",
            status=200,
        )


def _connected(body: dict[str, Any]) -> str | None:
    return factory_json.connected_account(body)


def _elsewhere(spec: Spec, connected: str, remedy: str) -> ErrorDetail:
    return ErrorDetail(
        code="connected-elsewhere",
        message=f"The factory {spec.factory_id.name!r} is connected to another Purview account: {connected}",
        remedy=remedy,
    )


def _contended(factory: ArmId, what: str) -> AzureError:
    return AzureError(
        f"Could not {what}: the factory {factory.name!r} was changed by another caller {_ROUNDS} times between a read "
        "and the following write.",
        remedy="Repeat the call when the other automation on this factory has finished.",
        status=412,
    )
