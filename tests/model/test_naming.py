"""Names: the rules of Azure's OpenAPI file, Terraform and Microsoft.Network all apply; a refusal states the rule."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._model import naming
from tests.support.nouns import dashed, endpoint_names

#: Azure's OpenAPI file for Data Factory, 2018-06-01: pattern, and 1 to 127 characters.
OPENAPI = re.compile(r"^([_A-Za-z0-9]|([_A-Za-z0-9][-_A-Za-z0-9]{0,125}[_A-Za-z0-9]))\Z")


@given(st.text(st.sampled_from("ab9_-. é\n"), max_size=130) | st.text(max_size=130))
def test_allowed_name_satisfies_azure_and_terraform(name):
    """A name is allowed exactly if it matches Azure's pattern and has 2 to 80 characters, as Terraform requires."""
    allowed = bool(OPENAPI.match(name)) and 2 <= len(name) <= 80
    assert (naming.endpoint_name_problem(name) is None) == allowed


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (0, "'' has 0 characters; an endpoint's name has 2 to 80, for example 'purview_blob'"),
        (1, "'a' has 1 character; an endpoint's name has 2 to 80, for example 'purview_blob'"),
        (2, None),
        (70, None),
        (80, None),
        (81, f"'{'a' * 81}' has 81 characters; an endpoint's name has 2 to 80, for example 'purview_blob'"),
        (128, f"'{'a' * 100}…' has 128 characters; an endpoint's name has 2 to 80, for example 'purview_blob'"),
    ],
)
def test_length_limits(length, says):
    """2 and 80 characters are allowed, 1 and 81 are not, and the message has the count."""
    assert naming.endpoint_name_problem("a" * length) == says


@pytest.mark.parametrize(
    "name", ["my name", "-ab", "ab-", "ä_b", "a.b", "a\nb", "ab\n", "a/b", "a%20b", "\uff41\uff42"]
)
def test_invalid_characters_are_refused(name):
    """Spaces, non-ASCII letters, dots and hyphens at either end are refused with the rule and an example."""
    assert naming.endpoint_name_problem(name) == (
        f"{name!r} may hold only letters A-Z a-z, digits, '_' and '-', and no '-' at either end, "
        "for example 'purview_blob'"
    )


def test_account_endpoint_has_the_base_name():
    """The base name alone is for `account`; the others add separator and group id, as in the portal."""
    derived = [naming.derived_name("purview", "_", group_id) for group_id in naming.LINEAGE_GROUPS]
    assert derived == ["purview", "purview_blob", "purview_queue", "purview_namespace"]


@given(st.text(max_size=5))
def test_allowed_separators_give_allowed_names(separator):
    """A separator is allowed exactly if the derived names are."""
    derived = naming.endpoint_name_problem(naming.derived_name("purview", separator, "blob"))
    assert (naming.separator_problem(separator) is None) == (derived is None)


def test_message_for_an_invalid_separator():
    """The message shows the separator and the rule."""
    assert naming.separator_problem(" / ") == (
        "' / ' may hold only letters A-Z a-z, digits, '_' and '-', for example '_'"
    )


@pytest.mark.parametrize("name", ["default", "v", "v" * 127, "_", "my-vnet_2"])
def test_network_names_follow_the_openapi_file(name):
    """A managed virtual network's name has 1 to 127 characters; only Azure's own rule applies."""
    assert naming.network_name_problem(name) is None


@pytest.mark.parametrize("name", ["", "v" * 128, "-v", "v-", "a b", "ä"])
def test_invalid_network_names_are_refused(name):
    """The message shows the name and the rule."""
    assert naming.network_name_problem(name) == (
        f"{naming._shown(name)} must be 1 to 127 letters A-Z a-z, digits, '_' and '-', with no '-' at either end, "
        "for example 'default'"
    )


@given(dashed.filter(lambda name: 3 <= len(name) <= 63))
def test_names_of_factories_and_accounts(name):
    """3 to 63 letters and digits with single hyphens between them are allowed."""
    assert naming.dashed_name_problem("factory", name) is None


@pytest.mark.parametrize("name", ["ab", "a" * 64, "a--b", "-ab", "ab-", "a_b", "", "abc\n"])
def test_invalid_names_of_factories_and_accounts_are_refused(name):
    """The message says what the name belongs to, and the rule."""
    assert naming.dashed_name_problem("factory", name) == (
        f"factory name {name!r} must be 3 to 63 letters and digits with single hyphens between them, "
        "for example 'contoso-sales'"
    )


@pytest.mark.parametrize(("name", "allowed"), [("r" * 90, True), ("r" * 91, False), ("rg.", False), ("r.g", True)])
def test_names_of_resource_groups(name, allowed):
    """At most 90 characters, without a dot at the end."""
    assert (naming.resource_group_problem(name) is None) is allowed


def test_message_for_an_invalid_resource_group():
    """The message shows the name and the rule."""
    assert naming.resource_group_problem("rg.") == (
        "resource group 'rg.' must be 1 to 90 characters and not end in '.', for example 'rg-data'"
    )


def test_hidden_name_above_64_characters_gives_a_warning():
    """Azure documents 64 characters for `<factory>.<endpoint>`, and does not say what happens to longer names."""
    assert naming.hidden_name_warning("f" * 31, "e" * 32) is None
    assert naming.hidden_name_warning("f" * 32, "e" * 32) == (
        f"The private endpoint behind '{'e' * 32}' will be called '{'f' * 32}.{'e' * 32}', which has 65 characters; "
        "Azure documents at most 64 for such names."
    )


@given(st.lists(endpoint_names, unique_by=str.casefold))
def test_different_names_do_not_collide(names):
    """Names that differ in more than letter case do not collide."""
    assert naming.collisions(names) == []


def test_names_collide_in_any_letter_case():
    """Azure ignores letter case in names; each colliding name is listed once."""
    assert naming.collisions(["ab", "AB", "cd", "aB", "AB"]) == ["AB", "aB"]


@pytest.mark.parametrize(
    ("called", "endpoint", "bears"),
    [
        ("df1.link", "link", True),
        ("DF1.Link", "link", True),
        ("df1.lin\u212a", "link", False),
        ("df1.lin", "link", False),
        ("df1.links", "link", False),
        ("link", "link", False),
        (f"df1.{'p' * 60}", "p" * 80, True),
        (f"df1.{'p' * 59}", "p" * 80, False),
    ],
)
def test_hidden_names_are_compared_in_full(called, endpoint, bears):
    """Letter case does not matter; above 64 characters, the first 64 are enough."""
    assert naming.bears_hidden_name(f"/x/privateEndpoints/{called}", "df1", endpoint) is bears


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("pl copy_1", None),
        ("", "must be 1 to 260 characters"),
        ("a/b", "must be 1 to 260 characters"),
        ("a" * 261, "must be 1 to 260 characters"),
        ("a\u200bb", "holds characters that cannot be printed"),
    ],
)
def test_names_in_a_factory_obey_azures_rule(name, rule):
    """A pipeline's name is checked before it becomes part of a path."""
    problem = naming.entity_name_problem(name)
    assert problem is None if rule is None else rule in (problem or "")
