"""The pace of a fleet, and its maximum size."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from string import ascii_letters, digits

import pytest

from purview_mpe import Spec, durable
from purview_mpe.durable._limits import (
    Pace,
    cost_of_approving,
    cost_of_finding,
    cost_of_looking,
    cost_of_making,
    in_common,
    seconds_after,
    seconds_to_approve,
    seconds_until,
    shares,
    used_by,
    waves,
)
from purview_mpe.durable._logic import LOGICS, logic_of
from purview_mpe.durable._packing import packed
from purview_mpe.durable._request import LOGIC, checked_input, checked_size, read_request
from purview_mpe.errors import InvalidSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FACTORY = "/subscriptions/00000000-0000-0000-0000-00000000000{0}/resourceGroups/rg1/providers/Microsoft.DataFactory/factories/df{1}"
ACCOUNT = (
    "/subscriptions/00000000-0000-0000-0000-00000000000A/resourceGroups/rg1/providers/Microsoft.Purview/accounts/pv1"
)


def spec(number: int = 1, account: str | None = ACCOUNT) -> Spec:
    return Spec(factory=FACTORY.format(1, number), account=account, name="purview")


def writes(count: int) -> list[tuple[str, str, str]]:
    return [("s", "writes", "microsoft.datafactory")] * count


def test_burst_goes_at_once_and_the_rest_waits():
    """180 writes go at once (90 % of Azure's 200), and then ten each second."""
    pace = Pace(logic_of(1), 1.0, NOON)
    assert pace.pause_for(writes(180), NOON) == 0
    assert pace.pause_for(writes(20), NOON) == 2
    assert pace.pause_for(writes(10), NOON + timedelta(seconds=3)) == 0


def test_service_has_its_own_limit():
    """Storage accepts 1,200 writes in an hour."""
    pace = Pace(logic_of(1), 0.5, NOON)
    pace.pause_for([("s", "writes", "microsoft.storage")] * 540, NOON)
    later = NOON + timedelta(minutes=2)
    assert pace.pause_for([("s", "writes", "microsoft.storage")] * 26, later) == pytest.approx(36)


def test_pace_continues_from_its_levels():
    """A lane that continues knows what is used; full buckets are not in the levels."""
    pace = Pace(logic_of(1), 1.0, NOON)
    pace.pause_for([*writes(180), ("s", "reads", "microsoft.datafactory")], NOON)
    later = NOON + timedelta(seconds=1)
    levels = pace.levels(later)
    assert levels == [("s", "writes", "", 10)]
    continued = Pace(logic_of(1), 1.0, later, levels)
    assert continued.pause_for(writes(20), later) == 1
    assert continued.levels(NOON + timedelta(hours=1)) == []


def test_costs_name_subscription_and_service():
    """Approvals count for the account's subscription, or for the factory's if the spec names no account."""
    logic = logic_of(1)
    made = list(cost_of_making([spec()], "create", logic, approve=True))
    mine, accounts = spec().factory_id.subscription, "00000000-0000-0000-0000-00000000000a"
    assert made.count((mine, "writes", "microsoft.datafactory")) == 5
    assert made.count((accounts, "writes", "microsoft.storage")) == 2
    looked = list(cost_of_looking([spec()], "onboard", logic))
    assert looked.count((mine, "reads", "microsoft.datafactory")) == 6
    assert {subscription for subscription, _, _ in cost_of_approving([spec(account=None)])} == {mine}


def test_every_logic_number_has_its_constants():
    """Each number up to the latest one can be replayed."""
    assert sorted(LOGICS) == list(range(1, LOGIC + 1))


@pytest.mark.parametrize(("approval", "hand_off"), [("none", False), ("when-told", False), ("when-told", True)])
def test_fleet_that_is_too_large_is_refused(approval, hand_off):
    """The message says how many factories fit, and a fleet of that size is accepted."""
    specs = [spec(number) for number in range(60)]
    request = durable.FleetRequest(specs=specs, approval=approval, hand_off=hand_off)
    checked_size(request, None)
    checked_size(request, 10**6)
    with pytest.raises(InvalidSpec, match="has 60 factories, and messages of 40,000 bytes carry about") as refused:
        checked_size(request, 40_000)
    [(_, rule)] = refused.value.problems
    fits = int(rule.partition("carry about ")[2].partition(" ")[0])
    checked_size(request.model_copy(update={"specs": tuple(specs[:fits])}), 40_000)


def test_later_logic_number_is_refused():
    """A fleet that a later version started needs workers of that version."""
    with pytest.raises(InvalidSpec, match="logic"):
        durable.FleetRequest(specs=[spec()], logic=LOGIC + 1)


def test_pages_start_in_turn_and_use_the_whole_share():
    """Three pages of 100 writes: 180 go at once, and the third page waits until enough have refilled."""
    logic = logic_of(1)
    levels = shares([writes(100)] * 3, logic, 1.0)
    paces = [Pace(logic, 1 / 3, NOON, each) for each in levels]
    waits = [pace.pause_for(writes(100), NOON) for pace in paces]
    assert waits == pytest.approx([0, 2, 12])
    # Afterwards, each page has its part: a third of ten writes in a second.
    later = NOON + timedelta(seconds=12)
    assert paces[2].pause_for(writes(10), later) == pytest.approx(3)


def test_waves_have_a_maximum_size():
    """Half of what Azure accepts at once, and at least one factory."""
    assert [len(wave) for wave in waves(range(45), 1.0, logic_of(1))] == [20, 20, 5]
    assert [len(wave) for wave in waves(range(2), 0.01, logic_of(1))] == [1, 1]


def test_costs_without_approval_exclude_the_targets():
    """Creating writes only to the factory; several factories read the account once."""
    made = list(cost_of_making([spec(1), spec(2)], "create", logic_of(1), approve=False))
    assert {service for _, kind, service in made if kind == "writes"} == {"microsoft.datafactory"}
    assert sum(service == "microsoft.purview" for _, _, service in made) == 1


@pytest.mark.parametrize("count", [1, 40, 41, 300])
def test_input_holds_the_whole_request(count):
    """More than 40 specs are packed; the orchestration reads packed specs and plain JSON."""
    request = durable.FleetRequest(specs=[spec(number) for number in range(count)], approval="at-once", timeout=60)
    given = request.to_input()
    assert isinstance(given["specs"], str) is (count > 40)
    assert len(json.dumps(given)) < 17_000
    assert read_request(json.loads(json.dumps(given))) == request
    assert read_request(request.model_dump(mode="json")) == request


@pytest.mark.parametrize(
    "specs", ["", "no", "bm8=", "!", "eJyLrgUAARUApA==", packed([{"factory": "x"}]), "\ud800", "é"]
)
def test_invalid_packed_specs_are_refused(specs):
    """The message names the field."""
    with pytest.raises(InvalidSpec, match="specs"):
        read_request({"specs": specs})
    with pytest.raises(InvalidSpec, match="FleetRequest"):
        read_request(None)


def test_large_fleet_needs_smaller_messages():
    """Reports that stay with the pages do not count; the factories of one subscription did in earlier versions."""
    specs = [spec(number) for number in range(60)]
    request = durable.FleetRequest(specs=specs)
    with pytest.raises(InvalidSpec):
        checked_size(request, 40_000)
    checked_size(request, 20_000, keeps=True)
    with pytest.raises(InvalidSpec, match="start several fleets"):
        checked_size(request, 2_000, keeps=True)
    earlier = request.model_copy(update={"logic": 2})
    checked_size(earlier, None, keeps=True)
    checked_size(earlier, 40_000, keeps=True)
    with pytest.raises(InvalidSpec, match="start several fleets"):
        checked_size(earlier, 20_000, keeps=True)


def named(random: Random, number: int, subscriptions: int) -> Spec:
    """A spec whose names have the greatest length, and nothing in common with others."""
    group, name = ("".join(random.choices(ascii_letters + digits, k=length)) for length in (90, 61))
    factory = FACTORY.format(1 + number % subscriptions, name).replace("/rg1/", f"/{group}/")
    return Spec(factory=factory, account=ACCOUNT, name="purview")


@pytest.mark.parametrize("subscriptions", [1, 9])
@pytest.mark.parametrize("approval", ["none", "when-told"])
def test_a_fleet_whose_messages_would_be_too_long_does_not_start(subscriptions, approval):
    """The input is not made, whatever the engine carries; parts as large as the error says are accepted."""
    random = Random(subscriptions)
    specs = [named(random, number, subscriptions) for number in range(1_000)]
    request = durable.FleetRequest(specs=specs, approval=approval)
    with pytest.raises(InvalidSpec, match="has 1,000 factories, and messages of 200,000 bytes carry about") as refused:
        request.to_input()
    fits = int(refused.value.problems[0][1].partition("carry about ")[2].partition(" ")[0])
    assert 300 < fits < 700
    for begin in range(0, 1_000, fits):
        part = request.model_copy(update={"specs": tuple(specs[begin : begin + fits])})
        assert len(json.dumps(part.to_input())) < 120_000


@pytest.mark.parametrize("long_first", [True, False])
def test_parts_of_the_number_in_the_error_are_all_accepted(long_first):
    """Long names side by side do not follow the average of the fleet."""
    random = Random(7)
    long, short = [named(random, number, 1) for number in range(600)], [spec(number) for number in range(1_000)]
    specs = long + short if long_first else short + long
    request = durable.FleetRequest(specs=specs)
    with pytest.raises(InvalidSpec, match="has 1,600 factories") as refused:
        request.to_input()
    fits = int(refused.value.problems[0][1].partition("carry about ")[2].partition(" ")[0].replace(",", ""))
    assert 400 < fits < (600 if long_first else 1_600)
    for begin in range(0, len(specs), fits):
        request.model_copy(update={"specs": tuple(specs[begin : begin + fits])}).to_input()


def test_an_error_names_one_factory_at_least():
    """A message that holds no factory at all does not lead to fleets without factories."""
    request = durable.FleetRequest(specs=[spec(1), spec(2)])
    with pytest.raises(InvalidSpec, match="carry about 1 with such names"):
        checked_size(request, 10)


def test_too_many_subscriptions_are_too_long_as_well():
    """Each lane takes its part of a message, so that fewer factories do not help as much as fewer subscriptions."""
    place = "00000000-0000-0000-0000-{:012}"
    specs = [
        spec(number).model_copy(
            update={"factory": FACTORY.format(1, number).replace(place.format(1), place.format(number))}
        )
        for number in range(500)
    ]
    with pytest.raises(InvalidSpec, match="if possible with different subscriptions") as refused:
        durable.FleetRequest(specs=specs).to_input()
    fits = int(refused.value.problems[0][1].partition("carry about ")[2].partition(" ")[0])
    assert fits > 100
    durable.FleetRequest(specs=specs[:fits]).to_input()


def test_plain_json_is_accepted_as_far_as_a_message_goes():
    """A longer one is refused with the way out: `to_input` packs the specs."""
    request = durable.FleetRequest(specs=[spec(number) for number in range(1_000)])
    given = request.model_dump(mode="json")
    with pytest.raises(
        InvalidSpec, match=r"takes [0-9,]+ bytes of JSON, and a message holds 200,000: pass what `to_input`"
    ):
        checked_input(given, request)
    checked_input(request.to_input(), request)
    checked_input({**given, "specs": given["specs"][:300]}, request)
    checked_input(given, request.model_copy(update={"logic": 2}))


def test_lanes_divide_the_limits_of_their_common_subscriptions():
    """By what they send: together they send what Azure accepts, and one begins after the other."""
    logic = logic_of(LOGIC)
    lanes = [list(cost_of_approving([spec(number) for number in range(size)])) for size in (30, 10)]
    account = ACCOUNT.split("/")[2].casefold()
    first, second = in_common(lanes, logic)
    kinds = list(logic.rates)
    assert [first[account][kinds.index(("writes", service))] for service in ("", "microsoft.storage")] == [
        (0, 0.75),
        (0, 0.75),
    ]
    assert second[account][kinds.index(("writes", ""))] == (120, 0.25)
    assert second[account][kinds.index(("writes", "microsoft.storage"))] == (60, 0.25)
    assert in_common([lanes[0], [("s", "reads", "x")]], logic) == [{}, {}]
    # 160 writes are below the burst of 180: neither waits. Half of the burst: the second waits for its whole turn.
    for share, wait in ((1.0, 0.0), (0.5, (160 - 90) / 5)):
        [level] = shares([lanes[1]], logic, share, common=second)
        pace = Pace(logic, share, NOON, level, second)
        assert pace.pause_for(lanes[1], NOON) == pytest.approx(wait)


def test_bucket_that_a_lane_does_not_use_is_not_divided():
    """Lanes with a common subscription need not send the same kinds of requests there."""
    logic = logic_of(LOGIC)
    [first, _] = in_common([[("s", "writes", "x")], [*writes(1), ("s", "reads", "x")]], logic)
    assert first["s"][list(logic.rates).index(("reads", ""))] == (0, 1.0)


def test_the_time_to_approve_follows_from_the_limits_of_storage():
    """Four writes for each factory, two of them to Storage; a lane with a tenth of a limit takes ten times as long."""
    logic = logic_of(LOGIC)
    assert seconds_to_approve(40, {}, logic, 1.0) == 0
    assert seconds_to_approve(100, {}, logic, 1.0) == pytest.approx((400 - 180) / 10)
    assert seconds_to_approve(1200, {}, logic, 1.0) == pytest.approx((2400 - 1080) * 3)
    buckets = [(0, 1.0)] * 3 + [(0, 0.1)]
    assert seconds_to_approve(120, {"s": buckets}, logic, 1.0) == pytest.approx((2400 - 1080) * 3)


def test_a_page_knows_how_long_the_limits_let_it_wait():
    """By the levels that its buckets begin with; a divided lane, by what is used before it."""
    logic = logic_of(LOGIC)
    *_, last = shares([writes(100)] * 3, logic, 1.0)
    assert seconds_until(last, logic, 1 / 3, {}) == 0
    *_, last = shares([writes(100), writes(100), writes(1)], logic, 0.1)
    wait = (201 - 18) / 1
    assert seconds_until(last, logic, 0.1 / 3, {}) == pytest.approx(wait - 1 / (0.1 * 10 / 3))
    assert seconds_until([], logic, 1.0, {}) == 0
    assert seconds_after([("s", "writes", "", 300), ("s", "reads", "", 25)], logic, 0.5) == pytest.approx(60)


def test_endpoints_are_found_with_reads_of_their_accounts():
    """Factories of one account read it once; earlier versions did not count that."""
    several = [spec(number) for number in range(5)]
    looked = list(cost_of_looking(several, "create", logic_of(LOGIC)))
    found = list(cost_of_finding(several, logic_of(LOGIC)))
    assert len(found) == len(looked) + 4
    assert list(cost_of_finding(several, logic_of(3))) == looked


def test_the_pages_of_a_part_begin_as_they_would_in_the_whole():
    """A lane that is divided: each part counts with what the pages before it use."""
    logic = logic_of(3)
    costs = [
        list(cost_of_making([spec(n) for n in range(size)], "create", logic, approve=True)) for size in (20, 20, 7)
    ]
    whole = shares(costs, logic, 0.5)
    parts = [
        shares([costs[n]], logic, 0.5, before=used_by(costs[:n], logic), pages=len(costs)) for n in range(len(costs))
    ]
    assert [level for [level] in parts] == whole
    assert used_by([], logic) == []
