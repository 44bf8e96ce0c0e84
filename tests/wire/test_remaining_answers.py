"""Answers and requests that are rare: each reads as what it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules.reach import out_of_reach
from purview_mpe._wire import errors, lineage
from purview_mpe._wire.errors import Answer, Attempt
from purview_mpe._wire.sign_in import NoToken, read_no_token, remedy_for
from purview_mpe.errors import AccessDenied, AzureError
from tests.support.nouns import FACTORY, an_account

READ = Attempt("read it", FACTORY, "Reader")


def test_an_answer_that_is_too_long_is_not_read():
    """The message says so."""
    assert "longer than any of Azure's" in errors.too_long(READ, 200).message


def test_an_answer_that_repeats_the_token_is_not_read():
    """Nothing of it is repeated."""
    assert "repeats the token" in errors.token_repeated(READ, Answer(200)).message


@pytest.mark.parametrize(
    ("bad", "proxy", "host", "says"),
    [
        (True, None, "h", "certificate authority"),
        (False, "http://p", "h", "the proxy http://p runs"),
        (False, None, "h", "h can be reached"),
        (False, None, "", "Check the network"),
    ],
)
def test_what_to_do_about_the_way_to_a_host(bad, proxy, host, says):
    """The remedy names what stands between."""
    remedy = errors.no_answer(READ, "it broke", host=host, proxy=proxy, bad_certificate=bad).remedy
    assert says in remedy


def test_an_activity_of_an_unknown_kind_has_no_entity_of_its_own():
    """It is searched for by its name alone."""
    activity: Any = SimpleNamespace(kind="Wait", activity="w", pipeline="p")
    assert lineage.entity_request(ArmId.parse(FACTORY), activity) is None
    assert "filter" not in lineage.search_request(activity)[2]


def test_a_policy_that_is_not_shown_is_about_the_role():
    """A caller who is not a collection administrator gets an empty list."""
    hidden = AzureError("x", remedy="", status=200)
    hidden.code = "root-policy-hidden"
    reach = out_of_reach(an_account(), hidden)
    assert reach is not None
    assert reach.kind == "not-collection-admin"


def test_a_link_for_help_is_not_the_host_that_failed():
    """Short links stand in the libraries' messages."""
    said = read_no_token("Failed to resolve 'aka.ms' HTTPSConnectionPool(host='aka.ms', port=443): Max retries")
    assert said.host == ""


def test_a_sign_in_without_a_token_is_about_the_sign_in():
    """A 401 from Azure is about one resource."""
    assert errors.is_without_token(AccessDenied("x", remedy=""))
    assert not errors.is_without_token(AccessDenied("x", remedy="", status=401))


def test_a_credential_that_failed_for_another_reason_is_to_be_corrected():
    """What it said is all that is known."""
    error = errors.no_token(READ, "the moon is full", proxy_for=lambda _host: None)
    assert error.remedy.startswith("Correct what the credential says above")


def test_an_unreachable_sign_in_host_is_a_matter_of_the_network():
    """Not of the credential."""
    assert remedy_for(NoToken("unreachable", "x")) == "Check the network to the sign-in host, then repeat the call."
