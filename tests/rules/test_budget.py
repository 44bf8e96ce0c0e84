"""What the buckets promise: Azure's documented rates, first come first served, and heed of what Azure says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._rules import budget as budget_rules
from purview_mpe._rules.budget import Budget, Rate
from purview_mpe.errors import InvalidSpec

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
FACTORIES = f"https://management.azure.com{SUBSCRIPTION}/providers/Microsoft.DataFactory/factories"
STORAGE = f"https://management.azure.com{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/s"


def take(budget: Budget, count: int, method: str = "PUT", url: str = FACTORIES, now: float = 0.0) -> list[float]:
    """Take so many places at once; how long each has to wait."""
    waits = []
    for _ in range(count):
        ticket = budget.take(method, url, now)
        assert ticket is not None
        waits.append(budget.wait(ticket, now))
        if not waits[-1]:
            budget.answered(ticket, 200, {}, now)
    return waits


def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    """Nine tenths of Azure's 200 writes wait for nothing, and each one after them a tenth of a second longer."""
    waits = take(Budget(), 182)
    assert waits[:180] == [0.0] * 180
    assert waits[180:] == [pytest.approx(0.1), pytest.approx(0.2)]


def test_kinds_and_subscriptions_have_buckets_of_their_own():
    """Reads, deletes and another subscription are not held up by an empty bucket of writes."""
    budget = Budget()
    take(budget, 300)
    other = FACTORIES.replace("0001", "0002")
    assert take(budget, 1, "GET") == take(budget, 1, "DELETE") == take(budget, 1, url=other) == [0.0]


def test_letter_case_of_a_subscription_makes_no_second_bucket():
    """Azure compares subscriptions without regard to case, and so do the buckets."""
    budget = Budget()
    take(budget, 180)
    assert take(budget, 1, url=FACTORIES.replace("subscriptions", "SUBSCRIPTIONS")) != [0.0]


def test_buckets_refill():
    """A second later ten more writes go at once."""
    budget = Budget()
    take(budget, 180)
    assert take(budget, 11, now=1.0) == [0.0] * 10 + [pytest.approx(0.1)]


def test_a_share_leaves_room_for_others():
    """Half the share is half the burst and half the rate."""
    waits = take(Budget(share=0.5), 91)
    assert waits == [0.0] * 90 + [pytest.approx(0.2)]


def test_own_limits_may_be_given():
    """Other rates than the documented ones are taken as they are, since Azure changes its own."""
    assert take(Budget(writes=Rate(20, 1)), 19) == [0.0] * 18 + [pytest.approx(1.0)]


@pytest.mark.parametrize("share", [0, -1, 1.5, True, "0.5", float("nan")])
def test_an_impossible_share_is_refused(share):
    """A share is a part: above 0 and at most 1."""
    with pytest.raises(InvalidSpec, match="share"):
        Budget(share=share)


@pytest.mark.parametrize("rate", [None, Rate(0, 1), Rate(1, 0), Rate(float("inf"), 1), Rate(1, float("nan"))])
def test_an_impossible_rate_is_refused(rate):
    """A rate lets at least one request through, and some more each second."""
    with pytest.raises(InvalidSpec, match="deletes"):
        Budget(deletes=rate)


def test_requests_outside_subscriptions_are_not_counted():
    """What no subscription pays for has no bucket."""
    assert Budget().take("GET", "https://management.azure.com/tenants", 0.0) is None


def test_what_azure_says_is_left_counts():
    """Others use the same bucket: where Azure says 50 are left, 30 go at once (20 stay in reserve)."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": "50"}, 0.0)
    assert take(budget, 31) == [0.0] * 30 + [pytest.approx(0.1)]


def test_more_than_we_thought_is_not_believed():
    """A header that promises more than the documented bucket changes nothing."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": "11999"}, 0.0)
    assert take(budget, 180)[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "nan", "inf"])
def test_nonsense_in_headers_is_ignored(nonsense):
    """A header that is no number changes nothing."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": nonsense}, 0.0)
    assert take(budget, 179) == [0.0] * 179


def test_a_debt_is_not_made_larger_by_a_header():
    """Those who wait were told for how long; what is left by then is another answer's business."""
    budget = Budget()
    first = budget.take("PUT", FACTORIES, 0.0)
    take(budget, 180)
    budget.answered(first, 200, {"x-ms-ratelimit-remaining-subscription-writes": "0"}, 0.0)
    assert take(budget, 1) == [pytest.approx(0.2)]


def test_a_429_closes_the_bucket_for_all_and_lets_them_in_one_by_one():
    """Whoever waits already waits on, and afterwards they go at the rate, not all at once."""
    budget = Budget()
    tickets = [budget.take("PUT", FACTORIES, 0.0) for _ in range(182)]
    budget.answered(tickets[0], 429, {"Retry-After": "5"}, 0.0)
    waits = [budget.wait(ticket, 0.2) for ticket in tickets[180:]]
    assert waits == [pytest.approx(4.9), pytest.approx(5.0)]
    assert take(budget, 1, now=0.2) == [pytest.approx(5.1)]


def test_no_429_closes_a_bucket_for_longer_than_a_minute():
    """What Azure (or something in its place) asks for is honoured up to a minute."""
    budget = Budget()
    budget.answered(budget.take("PUT", FACTORIES, 0.0), 429, {"Retry-After": "86400"}, 0.0)
    assert take(budget, 1) == [pytest.approx(60.1)]


def test_a_429_of_a_service_closes_that_service_alone():
    """Where Azure Resource Manager says that enough is left, it was the service behind it that refused."""
    budget = Budget()
    ticket = budget.take("PUT", STORAGE, 0.0)
    budget.answered(ticket, 429, {"Retry-After": "5", "x-ms-ratelimit-remaining-subscription-writes": "199"}, 0.0)
    assert take(budget, 1, url=STORAGE) == [pytest.approx(8.0)]
    assert take(budget, 1) == [0.0]


def test_an_unknown_limit_of_a_service_is_waited_for_as_well():
    """A service without a documented limit that refuses is left alone for as long as it asks."""
    budget = Budget()
    headers = {"Retry-After": "5", "x-ms-ratelimit-remaining-subscription-writes": "199"}
    budget.answered(budget.take("PUT", FACTORIES, 0.0), 429, headers, 0.0)
    assert take(budget, 1) == [5.0]


def test_storage_has_a_limit_of_its_own():
    """1,200 writes an hour: what is beyond nine tenths of them waits for three seconds each."""
    budget = Budget(writes=Rate(10_000, 1000))
    assert take(budget, 1081, url=STORAGE)[1079:] == [0.0, pytest.approx(3.0)]


def test_a_place_that_is_given_back_is_free():
    """A request that was cancelled while it waited costs nobody anything."""
    budget = Budget()
    take(budget, 179)
    budget.give_back(budget.take("PUT", FACTORIES, 0.0))
    assert take(budget, 2) == [0.0, pytest.approx(0.1)]


def test_region_in_an_answer_gives_no_fresh_bucket():
    """Azure counts per region; whatever regions the answers name, this process asks for no more than one allows."""
    budget = Budget()
    for number in range(179):
        ticket = budget.take("PUT", FACTORIES, 0.0)
        budget.answered(ticket, 200, {"x-ms-routing-request-id": f"REGION{number}:20240314T100000Z:x"}, 0.0)
    assert take(budget, 3) == [0.0, pytest.approx(0.1), pytest.approx(0.2)]
    assert len(budget._buckets) == 2


@pytest.mark.parametrize(
    ("method", "kind"), [("get", "reads"), ("HEAD", "reads"), ("DELETE", "deletes"), ("POST", "writes")]
)
def test_kind_of_a_method(method, kind):
    """Each method draws on one of three buckets."""
    assert budget_rules.kind_of(method) == kind


@given(st.lists(st.floats(0, 3), min_size=1, max_size=400), st.floats(0.1, 1))
def test_never_more_than_azure_allows(pauses, share):
    """However requests are spread over time, Azure's own bucket is never emptied by those that kept their wait."""
    budget = Budget(share=share, writes=Rate(40, 5))
    now, sent = 0.0, []
    for pause in pauses:
        now += pause / 10
        ticket = budget.take("PUT", FACTORIES, now)
        sent.append(now + budget.wait(ticket, now))
    level, at = 40.0, 0.0
    for moment in sorted(sent):
        level = min(40.0, level + (moment - at) * 5)
        at = moment
        assert level >= 1
        level -= 1
