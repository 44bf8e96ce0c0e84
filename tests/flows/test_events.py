"""Events that are the same for every verb."""

from __future__ import annotations

import pytest

from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for


def seen_by_a_listener(colour, emulator: Emulator, verb) -> list[tuple[float, float]]:
    """For each event its `seconds`, and how long the verb has run by the emulator's clock."""
    began = emulator.clock.now()
    seen: list[tuple[float, float]] = []
    colour.run(
        emulator, verb, on_event=lambda event: seen.append((event.seconds, round(emulator.clock.now() - began, 3)))
    )
    return seen


VERBS = {
    "onboard": lambda client, spec: client.onboard(spec, approve=True),
    "grant": lambda client, spec: client.grant(spec),
    "connect": lambda client, spec: client.connect(spec),
    "create_all": lambda client, spec: client.create_all(spec, approve=True),
    "prove": lambda client, spec: client.prove(spec, pipeline="pl_copy"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_seconds_count_from_the_start_of_the_verb(colour, verb):
    """They count neither from the start of the step nor from that of an inner part."""
    emulator = Emulator(latency=1.0)
    spec = spec_for(emulator)
    if verb == "prove":
        assert colour.run(emulator, lambda client: client.onboard(spec, approve=True)).complete
    seen = seen_by_a_listener(colour, emulator, lambda client: VERBS[verb](client, spec))
    assert len(seen) > 2
    assert [round(seconds, 3) for seconds, _ in seen] == [elapsed for _, elapsed in seen]
