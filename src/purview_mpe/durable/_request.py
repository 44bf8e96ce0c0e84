"""What the orchestration is started with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from purview_mpe._model.fleets import checked_fleet
from purview_mpe._model.public import public
from purview_mpe._model.spec import Noun, Spec
from purview_mpe.errors import InvalidSpec

Approval = Literal["none", "at-once", "when-told"]
FleetVerb = Literal["create", "onboard"]


@public("purview_mpe.durable")
class FleetRequest(Noun):
    """A fleet to create or onboard, and how; pass its `model_dump(mode="json")` as the orchestration's input.

    Raises:
        InvalidSpec: a field is wrong, a spec is there twice, or two would make the same endpoint.
    """

    specs: tuple[Spec, ...]
    """What to create or onboard, at least one."""
    verb: FleetVerb = "create"
    """`create`: the endpoints, as `create_many` makes them. `onboard`: everything from a bare factory to lineage that
    can flow, as `onboard_many` does it; approvals are given as `approval` says."""
    grant: bool = True
    """Whether `onboard` gives each factory's identity the role Data Curator; `create` never does."""
    approval: Approval = "none"
    """`at-once`: the workers approve each connection as it appears, as `create_all(approve=True)` does. `when-told`:
    a person decides by an event, and nothing is approved before that. `none`: the owners of the targets see to it."""
    approval_hours: float = Field(default=72.0, gt=0, le=24 * 365, allow_inf_nan=False)
    """How long the person has."""
    wait: bool = True
    """Whether to wait until Azure has made the endpoints."""
    timeout: float = Field(default=1800.0, gt=0, allow_inf_nan=False)
    """Seconds to wait for them, from the moment the last one of a subscription was submitted."""
    hand_off: bool = False
    """Whether each report carries the text for the owners of the targets. It is most of a report's size (4 of 7 kB),
    and engines bound how large a message may be."""
    share: float = Field(default=1.0, gt=0, le=1)
    """The part of Azure's limits that all workers together may use."""
    batch: int = Field(default=6, ge=1, le=100)
    """How many factories one activity works on."""
    poll_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Seconds before the first look at what Azure makes; later ones grow with the time already spent."""
    silence_seconds: float = Field(default=900.0, gt=0, allow_inf_nan=False)
    """How long a wave waits for its activities. What has not answered by then, because its worker died, say, and
    the engine did not notice, is taken up again: activities look first, and do only what is missing."""

    @field_validator("specs")
    @classmethod
    def _are_one_fleet(cls, specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
        if not specs:
            raise PydanticCustomError("rule", "must hold at least one spec")
        try:
            return checked_fleet(specs)
        except InvalidSpec as fights:
            problems = fights.problems
        raise PydanticCustomError("rules", "the specs are no fleet", {"problems": problems})
