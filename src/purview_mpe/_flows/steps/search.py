"""The search for one connection, and its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._flows.steps.narration import tell_step, tell_waiting
from purview_mpe._model.results import INTERRUPTED, NOT_BEGUN, ErrorDetail, Outcome
from purview_mpe._wire.hand_off import Pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Identity, Result, Subject, Target, Verb
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.ownership import Claim, Match
    from purview_mpe.errors import PurviewMpeError

#: `looking`: no decision was sent. `asked`: the decision was sent, or is about to be; the target does not show it yet.
#: `ended`: nothing more is done.
State: TypeAlias = Literal["looking", "asked", "ended"]


@dataclass
class Search:
    """The search for one endpoint's connection on its target."""

    target: Target
    name: str
    """The endpoint's name: as the spec derives it, until the factory or a report gives another."""
    subject: Subject = "endpoint"
    exact_id: str | None = None
    """Id of the private endpoint, where the factory or a report gives it."""
    unmet: str = ""
    """Why the last read decided nothing."""
    asked_at: float | None = None
    """When the decision was about to be sent or, once Azure has accepted it, when it was accepted."""
    match: Match | None = None
    """The connection that the outcome is about."""
    outcome: Outcome | None = None
    pending: Pending | None = None
    """What is left for the owner of the target."""

    @property
    def state(self) -> State:
        """The state of the search."""
        if self.outcome is not None:
            return "ended"
        return "looking" if self.asked_at is None else "asked"

    @property
    def result(self) -> Result | None:
        """How it ended; None if it has not."""
        return self.outcome.result if self.outcome is not None else None

    def end(self, result: Result, *, match: Match | None, error: PurviewMpeError | None, seconds: float) -> Outcome:
        """End the search."""
        connection = match.connection if match else None
        self.match = match
        self.outcome = Outcome(
            subject=self.subject,
            name=self.name,
            group_id=self.target.group_id,
            resource_id=self.target.resource_id,
            private_endpoint_id=connection.private_endpoint_id if connection else self.exact_id,
            matched_by=match.matched_by if match else None,
            result=result,
            error=None if error is None else ErrorDetail.of(error),
            seconds=seconds,
        )
        return self.outcome

    def unfinished(self, seconds: float) -> Outcome:
        """The outcome of a search that has not ended."""
        return Outcome(
            subject=self.subject,
            name=self.name,
            group_id=self.target.group_id,
            resource_id=self.target.resource_id,
            private_endpoint_id=self.exact_id,
            result="failed",
            error=NOT_BEGUN if self.state == "looking" else INTERRUPTED,
            seconds=seconds,
        )

    def left(self, reason: str) -> Pending:
        """What the owner of the target can still do, as far as that is known."""
        connection = self.match.connection if self.match else None
        return Pending(
            self.target,
            self.name,
            self.exact_id or (connection.private_endpoint_id if connection else None),
            (connection.id or None) if connection else None,
            reason,
        )

    def reopen(self) -> None:
        """Search again: the endpoint was replaced and now has a different private endpoint."""
        self.outcome = self.pending = self.asked_at = self.match = None
        self.exact_id, self.unmet = None, ""


class Searches:
    """The searches of one run, in the order of the targets; reports each end as an event."""

    def __init__(
        self, io: Io, spec: Spec, verb: Verb, targets: Sequence[Target], *, subject: Subject = "endpoint"
    ) -> None:
        self.began = io.now()
        self._io, self._spec, self._verb = io, spec, verb
        self._by_identity = {
            target.identity: Search(target, spec.name_of(target.group_id), subject) for target in targets
        }

    @property
    def all(self) -> tuple[Search, ...]:
        """Every search."""
        return tuple(self._by_identity.values())

    @property
    def open(self) -> tuple[Search, ...]:
        """The searches that have not ended."""
        return tuple(search for search in self.all if search.state != "ended")

    def of(self, claim: Claim) -> Search:
        """The search for a claim's connection."""
        return self._by_identity[claim.identity]

    def at(self, key: Identity) -> Search | None:
        """The search for the connection of this identity."""
        return self._by_identity.get(key)

    def is_open(self, claim: Claim) -> bool:
        """Whether a claim's connection is looked for, and not decided yet."""
        search = self.at(claim.identity)
        return search is not None and search.state != "ended"

    def end(
        self, search: Search, result: Result, *, match: Match | None = None, error: PurviewMpeError | None = None
    ) -> None:
        """End this search."""
        outcome = search.end(result, match=match, error=error, seconds=self._elapsed())
        tell_step(self._io, self._verb, outcome, self._spec.factory)

    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each search so far."""
        seconds = self._elapsed()
        return tuple(search.outcome or search.unfinished(seconds) for search in self.all)

    def report_waiting(self) -> None:
        """Report the connections that are still being looked for."""
        names = tuple(search.name for search in self.open)
        tell_waiting(
            self._io,
            self._verb,
            f"Waiting for the connections of {', '.join(names)}",
            factory=self._spec.factory,
            pending=names,
        )

    def _elapsed(self) -> float:
        return round(self._io.now() - self.began, 3)
