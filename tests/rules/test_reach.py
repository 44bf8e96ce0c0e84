"""Why Purview's data plane does not serve a caller."""

from __future__ import annotations

import pytest

from purview_mpe._model.matrix import CLOSED, OPEN
from purview_mpe._rules.findings.account import ACCOUNT_CHANGING
from purview_mpe._rules.reach import (
    FROM_INSIDE,
    account_unreadable,
    is_being_created,
    not_collection_admin,
    out_of_reach,
)
from purview_mpe.errors import AccessDenied, AzureError, AzureUnavailable, NoAnswer, Throttled
from tests.support.nouns import an_account

BEHIND = "Not authorized to access this account. This account is behind a private endpoint."
NO_ROLE = "Azure answered 403 (Unauthorized): Not authorized to access account"


def denied(message: str, status: int | None = 403) -> AccessDenied:
    return AccessDenied(message, remedy="Ask.", status=status)


@pytest.mark.parametrize(
    ("firewall", "error", "kind"),
    [
        (CLOSED, denied(BEHIND), "outside-the-network"),
        (OPEN, denied(BEHIND), "outside-the-network"),
        (CLOSED, denied("Forbidden"), "outside-the-network"),
        (CLOSED, denied(NO_ROLE), "not-collection-admin"),
        (OPEN, denied(NO_ROLE), "not-collection-admin"),
        (OPEN, denied("Forbidden", 401), "not-collection-admin"),
        (OPEN, denied("No token.", None), None),
        (CLOSED, NoAnswer("reset", remedy="Wait."), "outside-the-network"),
        (OPEN, NoAnswer("reset", remedy="Wait."), "unreachable"),
        (OPEN, Throttled("429", remedy="Wait.", status=429), None),
        (CLOSED, AzureError("400", remedy="Wait.", status=400), None),
    ],
)
def test_why_a_caller_is_not_served(firewall, error, kind):
    """A closed account refuses in several ways; an error that is not about reach stays a failure."""
    found = out_of_reach(an_account(firewall=firewall), error)
    assert (found.kind if found else None) == kind
    assert found is None or found.reason


def test_unreadable_account_is_account_hidden():
    """The address of the data plane is in the account's properties."""
    assert account_unreadable().kind == "account-hidden"


def test_refusal_by_azure_resource_manager_is_about_the_role():
    """The data plane's network does not matter for it."""
    refused = denied("Azure answered 403 (AuthorizationFailed)")
    assert not_collection_admin().kind == "not-collection-admin"
    assert not_collection_admin().remedy(refused) == refused.remedy


def test_hidden_root_policy_is_about_the_role():
    """A caller who is not a collection administrator gets an empty list."""
    hidden = AzureError("x", remedy="", status=200)
    hidden.code = "root-policy-hidden"
    reach = out_of_reach(an_account(), hidden)
    assert reach is not None
    assert reach.kind == "not-collection-admin"


@pytest.mark.parametrize(("firewall", "remedy"), [(CLOSED, FROM_INSIDE), (OPEN, "Check the proxy.")])
def test_remedy_for_a_broken_connection_depends_on_the_firewall(firewall, remedy):
    """If the account is closed, a proxy setting does not help."""
    broken = NoAnswer("reset", remedy="Check the proxy.")
    reach = out_of_reach(an_account(firewall=firewall), broken)
    assert reach is not None
    assert reach.remedy(broken) == remedy


CHANGING = ACCOUNT_CHANGING.found(name="pv1", account="/a", state="Creating")


@pytest.mark.parametrize(
    ("error", "as_settled", "as_changing"),
    [
        (AzureError("409", remedy="Wait.", status=409), True, True),
        (AzureUnavailable("503", remedy="Wait.", status=503), False, True),
        (Throttled("429", remedy="Wait.", status=429), False, True),
        (AzureError("400", remedy="Wait.", status=400), False, False),
        (denied(NO_ROLE), False, False),
        (NoAnswer("reset", remedy="Wait."), False, False),
    ],
)
def test_failures_that_pass_once_the_account_is_created(error, as_settled, as_changing):
    """A conflict always passes; another failure of Azure only while the account shows that it is changing."""
    assert is_being_created(an_account(), error) == as_settled
    assert is_being_created(an_account(warnings=(CHANGING,)), error) == as_changing
