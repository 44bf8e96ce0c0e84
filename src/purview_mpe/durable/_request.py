"""The input of the orchestration."""

from __future__ import annotations

from typing import Any, Literal, cast

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from purview_mpe._model.fleets import checked_fleet
from purview_mpe._model.public import public
from purview_mpe._model.spec import Noun, Spec
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.errors import InvalidSpec

Approval = Literal["none", "at-once", "when-told"]
FleetVerb = Literal["create", "onboard"]

#: The number of the orchestration's latest version (`_logic`).
LOGIC = 3
#: Bytes of a packed spec, and of a packed report: measured for fleets of 100 to 5,000 factories, and rounded up.
_PACKED_SPEC, _PACKED_REPORT, _PACKED_HAND_OFF = 100, 500, 300
#: Bytes in the turns of a large fleet besides its specs, for each factory and each lane; and in the turns of a lane
#: that is not divided, for each factory. Measured as well.
_KEPT, _KEPT_LANE, _LANE = 5, 1_500, 500
#: A request with more specs than this has them packed in its input.
_PLAIN_SPECS = 40


@public("purview_mpe.durable")
class FleetRequest(Noun):
    """A fleet to create or onboard, and how; pass its `to_input()` as the orchestration's input.

    Raises:
        InvalidSpec: a field is wrong, a spec is given twice, or two specs would create the same endpoint.
    """

    specs: tuple[Spec, ...]
    """What to create or onboard, at least one."""
    verb: FleetVerb = "create"
    """`create`: create the endpoints, as `create_many` does. `onboard`: do everything that a new factory needs for
    lineage, as `onboard_many` does; connections are approved as `approval` says."""
    grant: bool = True
    """Whether `onboard` gives each factory's identity the role Data Curator; `create` never does."""
    approval: Approval = "none"
    """`at-once`: the workers approve each connection as it appears, as `create_all(approve=True)` does. `when-told`:
    a person decides by sending an event, and nothing is approved before that. `none`: approval is left to the owners of
    the targets."""
    approval_hours: float = Field(default=72.0, gt=0, le=24 * 365, allow_inf_nan=False)
    """Hours that the person has for the decision."""
    wait: bool = True
    """Whether to wait until Azure has created the endpoints."""
    timeout: float = Field(default=1800.0, gt=0, allow_inf_nan=False)
    """Seconds to wait for the endpoints, from the moment the last factory of a subscription was submitted."""
    hand_off: bool = False
    """Whether each report carries the text for the owners of the targets. It makes up most of a report (4 of 7 kB),
    and engines limit the size of a message."""
    share: float = Field(default=1.0, gt=0, le=1)
    """The part of Azure's limits that all workers together may use."""
    batch: int = Field(default=6, ge=1, le=100)
    """How many factories one activity works on."""
    poll_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Seconds before the first look at what Azure has created; later pauses grow with the time already spent."""
    silence_seconds: float = Field(default=900.0, gt=0, allow_inf_nan=False)
    """Seconds that a wave waits for its activities. If one has not answered by then, for example because its worker
    died and the engine did not notice, its factories are worked on again: activities look first, and do only what is
    missing."""

    logic: int = Field(default=LOGIC, ge=1, le=LOGIC)
    """The number of the orchestration's version, whose constants the fleet keeps while it runs, even if the workers are
    upgraded meanwhile. Workers take this number and lower ones: upgrade them before what starts fleets."""

    def to_input(self) -> dict[str, Any]:
        """What to start the orchestration with: this request as JSON, with more than 40 specs packed.

        A packed spec takes about 20 bytes in place of 400.
        """
        given = self.model_dump(mode="json")
        if len(self.specs) <= _PLAIN_SPECS:
            return given
        specs = [spec.model_dump(mode="json", exclude_defaults=True) for spec in self.specs]
        return {**given, "specs": packed(specs)}

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


def read_request(given: object) -> FleetRequest:
    """The request in an orchestration's input, packed or not.

    Raises:
        InvalidSpec: it is not a request.
    """
    if isinstance(given, dict) and isinstance(specs := cast("dict[str, object]", given).get("specs"), str):
        try:
            given = {**cast("dict[str, object]", given), "specs": unpacked(specs)}
        except ValueError:
            problem = "is a text that `to_input` did not make"
            raise InvalidSpec("FleetRequest", [("specs", problem)]) from None
    return FleetRequest.model_validate(given)


def checked_size(request: FleetRequest, most: int | None, *, keeps: bool = False, divides: bool = False) -> None:
    """Refuse a fleet whose orchestration an engine with messages of at most `most` bytes could not carry to its end.

    The history of the fleet's orchestration is one message at each turn. It holds the request, what its lanes are
    given and what they answer; with a person's decision, twice. Where reports stay with the pages (`keeps`), it holds
    the specs twice, packed, and the ids of the pages; a lane that is not divided (`divides`) can have longer messages,
    with its pages' orders.

    Raises:
        InvalidSpec: the fleet is too large.
    """
    if most is None:
        return
    if keeps:
        whole = _bytes_of_large(request, divides=divides)
    else:
        passes = 3 if request.approval == "when-told" else 1
        each = _PACKED_SPEC + passes * (_PACKED_REPORT + (_PACKED_HAND_OFF if request.hand_off else 0))
        whole = len(request.model_dump_json()) + each * len(request.specs)
    if whole <= most:
        return
    fits = max(1, len(request.specs) * most // whole)
    rule = (
        f"has {len(request.specs)} factories, and an engine whose messages hold {most:,} bytes carries about {fits:,}: "
        "start several fleets"
    )
    raise InvalidSpec("FleetRequest", [("specs", rule)])


def _bytes_of_large(request: FleetRequest, *, divides: bool) -> int:
    """The longest message of a fleet whose reports stay with its pages."""
    lanes: dict[str, list[dict[str, Any]]] = {}
    for spec in request.specs:
        one = spec.model_dump(mode="json", exclude_defaults=True)
        lanes.setdefault(spec.factory_id.subscription.casefold(), []).append(one)
    specs = 2 * sum(len(packed(lane)) for lane in lanes.values())
    whole = specs + _KEPT * len(request.specs) + _KEPT_LANE * len(lanes)
    return whole if divides else max(whole, _LANE * max(map(len, lanes.values())))
