"""The input of the orchestration."""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from purview_mpe._model.fleets import checked_fleet
from purview_mpe._model.public import public
from purview_mpe._model.spec import Noun, Spec
from purview_mpe.durable._limits import batches, pages_of, subscription_of_account
from purview_mpe.durable._logic import logic_of
from purview_mpe.durable._packing import packed, unpacked
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe.durable._logic import Logic

Approval = Literal["none", "at-once", "when-told"]
FleetVerb = Literal["create", "onboard"]

#: The number of the orchestration's latest version (`_logic`).
LOGIC = 4
#: Bytes of a packed spec, and of a packed report: measured for fleets of 100 to 5,000 factories, and rounded up.
_PACKED_SPEC, _PACKED_REPORT, _PACKED_HAND_OFF = 100, 500, 300
#: Bytes in the longest turn of a large fleet besides its specs, for each lane, for each lane of a lane, and for each
#: page; all but the last contain an instance id twice, and the last one once. In the turns of a lane that is not
#: divided, for each factory. In the order of a page besides its specs. All measured, and rounded up.
_KEPT_LANE, _KEPT_PART, _KEPT_PAGE, _LANE, _PAGE_ORDER = 1_000, 1_500, 32, 500, 1_900
#: Bytes of a subscription whose limits several lanes divide, in the order of a lane or of a page.
_COMMON = 130
#: The part of a message that the orders of the pages of a divided lane fill at least.
_FILLED = 0.35
#: Bytes of an instance id that is not known yet: those that engines make have 32, and a UUID has 36.
_INSTANCE = 36
#: The part of the factories that fit by calculation with which the search for a number that fits goes on: fewer
#: factories have less in common.
_SPARE = 0.95
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

        Raises:
            InvalidSpec: the fleet's messages would be longer than 200 kB; the error says how many factories fit.
        """
        given = self.model_dump(mode="json")
        if len(self.specs) <= _PLAIN_SPECS:
            return given
        checked_size(self, None, keeps=True)
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


def checked_input(given: object, request: FleetRequest) -> None:
    """Refuse the plain JSON of a large fleet that is longer than a message may be.

    Raises:
        InvalidSpec: it is too long.
    """
    most = logic_of(request.logic).message
    if most is None or (size := len(json.dumps(given))) <= most:
        return
    rule = f"takes {size:,} bytes of JSON, and a message holds {most:,}: pass what `to_input` returns, which packs them"
    raise InvalidSpec("FleetRequest", [("specs", rule)])


def checked_size(request: FleetRequest, most: int | None, *, keeps: bool = False, instance: int = _INSTANCE) -> None:
    """Refuse a fleet whose messages would be longer than an engine carries, or than the request's logic allows.

    The history of the fleet's orchestration is one message at each turn. It holds the request, what its lanes are
    given and what they answer; with a person's decision, twice. Where reports stay with the pages (`keeps`), it holds
    the specs twice, packed, and the ids of the pages.

    Args:
        request: The fleet.
        most: The bytes that a message of the engine holds; None without a limit.
        keeps: Whether reports stay with the pages.
        instance: The length of the fleet's instance id, which is part of the ids of its pages.

    Raises:
        InvalidSpec: the fleet is too large.
    """
    limits = (most, logic_of(request.logic).message if keeps else None)
    if (limit := min((each for each in limits if each is not None), default=None)) is None:
        return
    if _fitting(request, limit, keeps=keeps, instance=instance) is None:
        return
    fits = _fitting_everywhere(request, limit, keeps=keeps, instance=instance)
    rule = (
        f"has {len(request.specs):,} factories, and messages of {limit:,} bytes carry about {fits:,} with such names: "
        "start several fleets, if possible with different subscriptions"
    )
    raise InvalidSpec("FleetRequest", [("specs", rule)])


def _fitting(request: FleetRequest, limit: int, *, keeps: bool, instance: int) -> int | None:
    """About how many of the factories messages of so many bytes carry; None if they carry all."""
    count = len(request.specs)
    if keeps:
        fixed, whole = _bytes_of_large(request, instance)
    else:
        passes = 3 if request.approval == "when-told" else 1
        each = _PACKED_SPEC + passes * (_PACKED_REPORT + (_PACKED_HAND_OFF if request.hand_off else 0))
        fixed, whole = 0, len(request.model_dump_json()) + each * count
    if whole <= limit:
        return None
    # What every fleet with these subscriptions takes is not shared among several fleets.
    fixed = fixed if 2 * fixed < limit else 0
    return max(1, int(_SPARE * count * (limit - fixed) / (whole - fixed)))


def _fitting_everywhere(request: FleetRequest, limit: int, *, keeps: bool, instance: int) -> int:
    """How long parts of the fleet may be, cut from its beginning, so that each fits.

    The average does not answer that, because long names can stand side by side.
    """
    fits = len(request.specs)
    while fits > 1:
        parts = [request.model_copy(update={"specs": specs}) for specs in batches(request.specs, fits)]
        each = [_fitting(part, limit, keeps=keeps, instance=instance) for part in parts]
        if (least := min((count for count in each if count is not None), default=None)) is None:
            break
        fits = least
    return fits


def _bytes_of_large(request: FleetRequest, instance: int) -> tuple[int, int]:
    """Bytes of the longest message of a fleet whose reports stay with its pages: those for its lanes, and all."""
    logic, lanes = logic_of(request.logic), dict[str, list[int]]()
    in_common = _places_in_common(request) if logic.divides else Counter[str]()
    for place, spec in enumerate(request.specs):
        lanes.setdefault(spec.factory_id.subscription.casefold(), []).append(place)
    passes = 2 if request.approval == "when-told" else 1
    fixed, pages, specs, longest = (_KEPT_LANE + 2 * instance) * len(lanes), 0, 0, 0
    for places in lanes.values():
        lane = [request.specs[place] for place in places]
        own = _packed_bytes(lane)
        own_pages = sum(1 for _ in pages_of(lane, logic, hand_off=request.hand_off))
        specs, pages = specs + own, pages + own_pages
        shared = _COMMON * sum(in_common[place] > 1 for place in _places_of(lane, request))
        fixed += 2 * shared
        longest = max(longest, _bytes_of_lane(lane, own, own_pages, instance, logic=logic, shared=shared))
    in_order = len(packed([{"places": list(chain(*lanes.values()))}]))
    return fixed, max(longest, 2 * specs + fixed + in_order + passes * pages * (_KEPT_PAGE + instance))


def _places_in_common(request: FleetRequest) -> Counter[str]:
    """In how many lanes there are approvals for accounts in a subscription."""
    if request.approval == "none":
        return Counter()
    lanes: dict[str, set[str]] = {}
    for spec in request.specs:
        own = spec.factory_id.subscription.casefold()
        lanes.setdefault(own, set()).update(_places_of([spec], request))
    return Counter(chain.from_iterable(lanes.values()))


def _places_of(lane: Sequence[Spec], request: FleetRequest) -> set[str]:
    """The subscriptions in which a lane is at work while it decides."""
    places = {subscription_of_account(spec) for spec in lane}
    if request.approval == "at-once":
        places.update(spec.factory_id.subscription.casefold() for spec in lane[:1])
    return places


def _bytes_of_lane(lane: Sequence[Spec], specs: int, pages: int, instance: int, *, logic: Logic, shared: int) -> int:
    """Bytes of the longest message of a lane with so many bytes of packed specs."""
    if logic.message is None:
        return _LANE * len(lane)
    parts = ceil((specs + (_PAGE_ORDER + shared) * pages) / (_FILLED * logic.message))
    # What the specs of a lane have in common is packed again in each of its parts.
    again = _packed_bytes([max(lane, key=lambda spec: len(spec.factory) + len(spec.account or ""))])
    each_part = _KEPT_PART + 2 * (instance + shared)
    return 2 * (specs + parts * again) + parts * each_part + pages * (_KEPT_PAGE + instance)


def _packed_bytes(specs: Sequence[Spec]) -> int:
    return len(packed([spec.model_dump(mode="json", exclude_defaults=True) for spec in specs]))
