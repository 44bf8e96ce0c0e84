"""The request budget: Azure's documented rates, first come first served, corrected by Azure's answers."""

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
    """Take `count` places at once; returns how long each request has to wait."""
    waits = []
    for _ in range(count):
        ticket = budget.take(method, url, now)
        assert ticket is not None
        waits.append(budget.wait(ticket, now))
        if not waits[-1]:
            budget.answered(ticket, 200, {}, now)
    return waits


def test_burst_goes_at_once_and_the_rest_at_the_rate():
    """90 % of Azure's 200 writes go at once; each later write waits a tenth of a second longer."""
    waits = take(Budget(), 182)
    assert waits[:180] == [0.0] * 180
    assert waits[180:] == [pytest.approx(0.1), pytest.approx(0.2)]


def test_each_method_kind_and_subscription_has_its_own_bucket():
    """An empty bucket of writes does not delay reads, deletes or another subscription."""
    budget = Budget()
    take(budget, 300)
    other = FACTORIES.replace("0001", "0002")
    assert take(budget, 1, "GET") == take(budget, 1, "DELETE") == take(budget, 1, url=other) == [0.0]


def test_subscription_in_other_letter_case_uses_the_same_bucket():
    """Azure compares subscriptions without regard to letter case, and so does the budget."""
    budget = Budget()
    take(budget, 180)
    assert take(budget, 1, url=FACTORIES.replace("subscriptions", "SUBSCRIPTIONS")) != [0.0]


def test_buckets_refill():
    """One second later, ten more writes go at once."""
    budget = Budget()
    take(budget, 180)
    assert take(budget, 11, now=1.0) == [0.0] * 10 + [pytest.approx(0.1)]


def test_share_scales_burst_and_rate():
    """A share of 0.5 allows half the burst and half the rate."""
    waits = take(Budget(share=0.5), 91)
    assert waits == [0.0] * 90 + [pytest.approx(0.2)]


def test_custom_rates_are_used():
    """Rates that differ from the documented ones are used as given, because Azure changes its limits."""
    assert take(Budget(writes=Rate(20, 1)), 19) == [0.0] * 18 + [pytest.approx(1.0)]


@pytest.mark.parametrize("share", [0, -1, 1.5, True, "0.5", float("nan")])
def test_invalid_share_is_refused(share):
    """A share must be above 0 and at most 1."""
    with pytest.raises(InvalidSpec, match="share"):
        Budget(share=share)


@pytest.mark.parametrize("rate", [None, Rate(0, 1), Rate(1, 0), Rate(float("inf"), 1), Rate(1, float("nan"))])
def test_invalid_rate_is_refused(rate):
    """A rate must allow at least one request and refill over time."""
    with pytest.raises(InvalidSpec, match="deletes"):
        Budget(deletes=rate)


def test_requests_outside_subscriptions_are_not_counted():
    """A request without a subscription has no bucket."""
    assert Budget().take("GET", "https://management.azure.com/tenants", 0.0) is None


def test_remaining_count_in_the_answer_is_used():
    """Other clients use the same bucket: if Azure reports 50 left, 30 go at once (20 stay in reserve)."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": "50"}, 0.0)
    assert take(budget, 31) == [0.0] * 30 + [pytest.approx(0.1)]


def test_remaining_count_above_the_bucket_is_ignored():
    """A header that reports more than the documented bucket changes nothing."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": "11999"}, 0.0)
    assert take(budget, 180)[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "nan", "inf"])
def test_invalid_remaining_count_is_ignored(nonsense):
    """A header that is not a number changes nothing."""
    budget = Budget()
    ticket = budget.take("PUT", FACTORIES, 0.0)
    budget.answered(ticket, 200, {"x-ms-ratelimit-remaining-subscription-writes": nonsense}, 0.0)
    assert take(budget, 179) == [0.0] * 179


def test_remaining_count_does_not_increase_a_debt():
    """Waiting requests keep the times that they have; a remaining count of 0 does not add to them."""
    budget = Budget()
    first = budget.take("PUT", FACTORIES, 0.0)
    take(budget, 180)
    budget.answered(first, 200, {"x-ms-ratelimit-remaining-subscription-writes": "0"}, 0.0)
    assert take(budget, 1) == [pytest.approx(0.2)]


def test_429_closes_the_bucket_and_requests_resume_at_the_rate():
    """Requests that already wait wait longer, and then go at the rate instead of all at once."""
    budget = Budget()
    tickets = [budget.take("PUT", FACTORIES, 0.0) for _ in range(182)]
    budget.answered(tickets[0], 429, {"Retry-After": "5"}, 0.0)
    waits = [budget.wait(ticket, 0.2) for ticket in tickets[180:]]
    assert waits == [pytest.approx(4.9), pytest.approx(5.0)]
    assert take(budget, 1, now=0.2) == [pytest.approx(5.1)]


def test_429_closes_a_bucket_for_at_most_a_minute():
    """A Retry-After is honoured up to one minute, even if Azure or a proxy asks for more."""
    budget = Budget()
    budget.answered(budget.take("PUT", FACTORIES, 0.0), 429, {"Retry-After": "86400"}, 0.0)
    assert take(budget, 1) == [pytest.approx(60.1)]


def test_429_of_a_service_closes_only_that_service():
    """If Azure Resource Manager reports enough requests left, the service behind it refused."""
    budget = Budget()
    ticket = budget.take("PUT", STORAGE, 0.0)
    budget.answered(ticket, 429, {"Retry-After": "5", "x-ms-ratelimit-remaining-subscription-writes": "199"}, 0.0)
    assert take(budget, 1, url=STORAGE) == [pytest.approx(8.0)]
    assert take(budget, 1) == [0.0]


def test_429_of_a_service_without_documented_limit_is_honoured():
    """The service gets no request for as long as its Retry-After says."""
    budget = Budget()
    headers = {"Retry-After": "5", "x-ms-ratelimit-remaining-subscription-writes": "199"}
    budget.answered(budget.take("PUT", FACTORIES, 0.0), 429, headers, 0.0)
    assert take(budget, 1) == [5.0]


def test_storage_has_its_own_limit():
    """1,200 writes an hour: each write above 90 % of them waits three seconds longer."""
    budget = Budget(writes=Rate(10_000, 1000))
    assert take(budget, 1081, url=STORAGE)[1079:] == [0.0, pytest.approx(3.0)]


def test_returned_place_is_free():
    """A request that was cancelled while it waited does not delay another request."""
    budget = Budget()
    take(budget, 179)
    budget.give_back(budget.take("PUT", FACTORIES, 0.0))
    assert take(budget, 2) == [0.0, pytest.approx(0.1)]


def test_region_in_an_answer_adds_no_bucket():
    """Azure counts per region; whatever regions the answers name, this process stays within the limit of one region."""
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
    """Each HTTP method draws on one of three buckets."""
    assert budget_rules.kind_of(method) == kind


@given(st.lists(st.floats(0, 3), min_size=1, max_size=400), st.floats(0.1, 1))
def test_azures_limit_is_never_exceeded(pauses, share):
    """However requests are spread over time, requests that keep their waits never empty Azure's bucket."""
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
