"""What happens while a verb runs, for progress displays and logs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from purview_mpe._model.fields import IdText, Line
from purview_mpe._model.public import public
from purview_mpe._model.results import Outcome
from purview_mpe._model.spec import Fixed, Noun


@public("purview_mpe")
class Event(Noun):
    """One thing that happened; the client calls `on_event` with each event as it happens.

    `started` and `finished` frame a verb, `step` carries the outcome of one step as soon as it is known, `waiting`
    is one round of polling, `retrying` says that a request is sent again. `warning` reports a problem that does not end
    the verb but needs the caller's attention, for example a journal that cannot be written.
    """

    kind: Literal["started", "finished", "step", "waiting", "retrying", "warning"]
    """What happened; see above."""
    verb: Line
    """The verb that is running, as the client calls it."""
    seconds: float
    """Seconds since the verb began."""
    message: Line
    """One line for people."""
    factory: IdText | None = None
    """Id of the factory that the event is about; None if it is about all factories, or about none."""
    pending: tuple[Line, ...] = ()
    """Names of what the verb still waits for."""
    outcome: Outcome | None = None
    """The outcome of the step; None unless `kind` is `step`."""
    counts: Fixed[Line, int] = Field(default_factory=dict, validate_default=True)
    """The number of outcomes with each result, when one factory of a fleet has finished; empty otherwise."""
