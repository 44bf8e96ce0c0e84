"""How far one step of a creation has come: one named state at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

from purview_mpe._flows.steps import reasons
from purview_mpe._model import states
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, ErrorDetail, Outcome

if TYPE_CHECKING:
    from purview_mpe._model.results import Endpoint, Result, Step


@dataclass(frozen=True, slots=True)
class Planned:
    """Nothing was sent for the step."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request was sent, or is about to be; its result is not known yet."""


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Another endpoint to the same target must be gone before the step's endpoint can be created."""

    name: str
    """Name of that endpoint."""
    becoming: Result
    """The step's result once the new endpoint is created."""
    is_deleting: bool = False
    """True if Azure showed that endpoint as being deleted."""
    was_deleted_here: bool = False
    """True if this run sent the deletion."""


@dataclass(frozen=True, slots=True)
class Made:
    """The endpoint exists; Azure may still be provisioning it."""

    result: Result
    endpoint: Endpoint

    @property
    def has_failed(self) -> bool:
        """True if Azure could not provision it."""
        return states.is_broken(self.endpoint.provisioning_state, "")

    @property
    def can_be_mended(self) -> bool:
        """True if Azure could not provision it, and another try may succeed."""
        return self.has_failed and not states.is_final(self.endpoint.error)


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more happens for the step."""

    result: Result
    error: ErrorDetail | None = None
    endpoint: Endpoint | None = None


State: TypeAlias = Planned | UnderWay | InTheWay | Made | Ended


@dataclass
class Progress:
    """One step, its state, when it began, and when it reached its result."""

    step: Step
    began: float
    state: State = field(default_factory=Planned)
    changed: float | None = None
    """When the step reached a result; None before."""

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint that exists for the step, as it was last seen."""
        return self.state.endpoint if isinstance(self.state, (Made, Ended)) else None

    @property
    def result(self) -> Result | None:
        """The step's result; None while it has none."""
        return self.state.result if isinstance(self.state, (Made, Ended)) else None

    @property
    def is_waited_for(self) -> bool:
        """True if the step still waits for an answer, a deletion, or the endpoint's provisioning."""
        match self.state:
            case Planned() | Ended():
                return False
            case UnderWay() | InTheWay():
                return True
            case Made(endpoint=endpoint):
                return not states.provisioning_is_over(endpoint.provisioning_state)
            case _:
                assert_never(self.state)

    def outcome(self, now: float) -> Outcome:
        """The step's outcome, even while it is under way."""
        step, endpoint = self.step, self.endpoint
        result, error = self._result_and_error()
        return Outcome(
            subject=step.subject,
            name=(endpoint.name if endpoint else "") or step.name,
            group_id=step.group_id,
            resource_id=step.resource_id,
            private_endpoint_id=endpoint.private_endpoint_id if endpoint else None,
            result=result,
            error=error,
            seconds=max(0.0, round((now if self.changed is None else self.changed) - self.began, 3)),
        )

    def _result_and_error(self) -> tuple[Result, ErrorDetail | None]:
        match self.state:
            case Planned():
                return "failed", NOT_BEGUN
            case UnderWay():
                return "failed", INTERRUPTED
            case InTheWay(name=name, was_deleted_here=True):
                return "failed", reasons.interrupted_between(name)
            case InTheWay():
                return "failed", NOT_BEGUN
            case Made(endpoint=endpoint) if self.state.has_failed:
                return "failed", ErrorDetail.of(reasons.could_not_be_made(endpoint))
            case Made(result=result):
                return result, None
            case Ended(result=result, error=error):
                return result, error
            case _:
                assert_never(self.state)
