"""The numbers that decide what an orchestration does next, as each version of the orchestration has them.

An engine replays a recorded history with the code that is installed now. If a number in it has changed, the replay
decides otherwise and the engine ends the orchestration. So a number never changes: a change is a new logic number here,
new fleets are started with it (`FleetRequest.logic`), and fleets under way keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.durable._request import FleetVerb


@dataclass(frozen=True)
class Logic:
    """The numbers of one version."""

    rates: Mapping[tuple[str, str], tuple[float, float]]
    """Requests at once, and then per second, of each kind and service; the service "" is the caller's whole limit. As
    `_rules.budget` had them, with their sources, when this version was made."""
    reads: Mapping[FleetVerb, int]
    """The most reads that one factory takes: its networks, its endpoints and a look afterwards; onboarding also reads
    the factory itself and its integration runtimes."""
    writes: Mapping[FleetVerb, int]
    """The most writes that one factory takes: the network and four endpoints; onboarding also writes the factory itself
    and an integration runtime."""
    reserve: float = 0.1
    """The part of each limit that stays unused."""
    page: int = 20
    """Factories whose state is packed and worked on together."""
    pause: float = 0.08
    """A pause is this fraction of the time already spent, so that no pause ends long after Azure is done."""
    working_time: float = 0.9
    """The fraction of `silence_seconds` for which a worker may work; the rest allows for clocks that differ."""
    tries: int = 5
    """How often a factory is asked about in vain, because no activity answers, before it counts as failed."""
    first_look: float = 3600.0
    """Seconds until the first look at what was approved by other means, while waiting for a person."""
    last_look: float = 24 * 3600.0
    """The longest time between two such looks. Some storage backends hold no timer of more than six days."""
    queue_pause: float = 60.0
    """Seconds until the next try to begin a subscription in which another fleet is at work."""
    queue_longest_pause: float = 600.0
    queue_hours: float = 24.0
    """Hours for which a fleet waits for another one in the same subscription."""
    failures: int = 3
    """How often the orchestration of a subscription is begun again after it failed."""
    carried: int | None = None
    """The most factories whose reports the fleet's own orchestration carries; the reports of a larger fleet stay with
    its pages. None: all."""
    output: int | None = None
    """Bytes above which the fleet's output is packed, whatever the engine carries."""
    asks_pages: bool = False
    """Whether a large fleet of which a person decides leaves its reports with its pages as well."""
    message: int | None = None
    """Bytes that a message should not exceed: a page has as many factories as fit, at most `page`, and a lane with more
    pages than fit divides them among lanes of its own. None: sizes go by numbers alone."""
    packs: bool = False
    """Whether the orders and the answers of activities are packed: they make up most of the longest messages."""
    takes_turns: bool = False
    """Whether an orchestration of its own waits until another fleet has left a subscription, so that no message holds
    the factories of more than one try."""
    refusal_seconds: float = 10.0
    """Seconds in which an engine refuses a call whose id is taken, if it refuses such calls."""
    stops_soon: bool = False
    """Whether the event to stop also ends a pause that the limits ask for while endpoints are made."""
    divides: bool = False
    """Whether lanes whose accounts are in one subscription divide the limits of that subscription."""


_FIRST = Logic(
    rates={
        ("reads", ""): (250, 25),
        ("writes", ""): (200, 10),
        ("reads", "microsoft.storage"): (800, 800 / 300),
        ("writes", "microsoft.storage"): (1200, 1200 / 3600),
    },
    reads={"create": 4, "onboard": 6},
    writes={"create": 5, "onboard": 7},
)

_SECOND = replace(_FIRST, carried=40, output=200_000)

_THIRD = replace(_SECOND, output=190_000, asks_pages=True, message=200_000)

LOGICS: Mapping[int, Logic] = {
    1: _FIRST,
    2: _SECOND,
    3: _THIRD,
    4: replace(_THIRD, packs=True, takes_turns=True, divides=True, stops_soon=True),
}


def logic_of(number: int) -> Logic:
    """The numbers of a version."""
    return LOGICS[number]
