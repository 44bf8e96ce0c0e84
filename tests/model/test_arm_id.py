"""Resource ids: what is taken, what is refused and in which words, and when two mean the same resource."""

from __future__ import annotations

import pickle
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe._model.arm_id import ArmId, InvalidArmId, is_subscription, last_segment, same_id
from purview_mpe._model.results import identity
from tests.support.nouns import ACCOUNT, FACTORY, GROUP, STORAGE, SUBSCRIPTION, guids, recased, segments

EXAMPLE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
    "/providers/Microsoft.DataFactory/factories/df1"
)


def refusal(text: object) -> str:
    with pytest.raises(InvalidArmId) as caught:
        ArmId.parse(text)
    return str(caught.value)


def test_a_resource_id_is_taken_apart():
    """Subscription, resource group, provider, type and name are read from an id."""
    arm_id = ArmId.parse(FACTORY)
    assert (arm_id.subscription, arm_id.resource_group, arm_id.name) == (SUBSCRIPTION, "rg1", "df1")
    assert arm_id.type == "Microsoft.DataFactory/factories"


def test_a_nested_resource_has_types_and_names_in_turn():
    """A child's type is the chain of types, its name the last one."""
    arm_id = ArmId.parse(f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/p")
    assert arm_id.type == "Microsoft.DataFactory/factories/managedVirtualNetworks/managedPrivateEndpoints"
    assert (arm_id.names, arm_id.name) == (("df1", "default", "p"), "p")


def test_a_resource_group_is_an_id_too():
    """Azure's own sample gives a resource group where a storage account belongs, so it must parse."""
    arm_id = ArmId.parse(GROUP)
    assert (arm_id.type, arm_id.name, str(arm_id)) == ("Microsoft.Resources/resourceGroups", "rg1", GROUP)


def test_a_trailing_slash_is_dropped():
    """Portals and shells leave one slash at the end."""
    assert str(ArmId.parse(FACTORY + "/")) == FACTORY


def test_fixed_words_are_taken_in_any_letter_case():
    """`/SUBSCRIPTIONS/…/resourcegroups/…/Providers/…` is the same id, spelled as Azure documents it."""
    odd = FACTORY.replace("subscriptions", "SUBSCRIPTIONS").replace("Groups", "groups").replace("prov", "Prov")
    assert str(ArmId.parse(odd)) == FACTORY


@given(recased(FACTORY))
def test_letter_case_makes_no_other_id(odd):
    """Ids that differ in letter case alone are equal, hash alike and have the same key."""
    one, other = ArmId.parse(odd), ArmId.parse(FACTORY)
    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert one.is_a("microsoft.datafactory/FACTORIES")


def test_different_resources_are_different():
    """Another name is another id, and no id equals a text."""
    assert ArmId.parse(FACTORY) != ArmId.parse(FACTORY + "2")
    assert ArmId.parse(FACTORY) != FACTORY


@given(guids, st.lists(segments, min_size=1, max_size=7))
def test_printing_and_parsing_are_inverse(subscription, rest):
    """str() of a parsed id is the text, and parses to the same id."""
    group, *tail = rest
    text = f"/subscriptions/{subscription}/resourceGroups/{group}"
    if len(tail) >= 3:
        tail = tail[: len(tail) - (len(tail) + 1) % 2]
        text += "/providers/" + "/".join(tail)
    assert str(ArmId.parse(text)) == text
    assert ArmId.parse(str(ArmId.parse(text))) == ArmId.parse(text)


@given(st.text() | st.integers() | st.none() | st.binary() | st.lists(st.text()))
def test_nonsense_is_refused_and_nothing_else_happens(nonsense):
    """Whatever is not an id gives InvalidArmId, never another exception."""
    with pytest.raises(InvalidArmId):
        ArmId.parse(nonsense)


@given(st.text(max_size=8).filter(lambda s: s not in {"", "/"}), st.integers(0, len(FACTORY)))
def test_an_id_with_something_inserted_is_another_id_or_none(extra, at):
    """Nothing can be slipped into an id without changing what it means, except letters of another case."""
    try:
        changed = ArmId.parse(FACTORY[:at] + extra + FACTORY[at:])
    except InvalidArmId:
        return
    assert changed != ArmId.parse(FACTORY)


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        ".",
        "...",
        "a%2Fb",
        "a b",
        "a\\b",
        "a?b",
        "a#b",
        "a\x00b",
        "a\nb",
        "é",
        "\uff41",
        "",
        "a;b",
        "{a}",
        "\ud800",
    ],
)
def test_segments_that_could_lead_elsewhere_are_refused(segment):
    """Dots alone, percent-encoding, blanks, control characters and the like never occur in a real id."""
    with pytest.raises(InvalidArmId):
        ArmId.parse(f"{GROUP}/providers/Microsoft.Purview/accounts/{segment}")
    if segment not in {"é", "\uff41"}:  # a resource group can be called so
        with pytest.raises(InvalidArmId):
            ArmId.parse(FACTORY.replace("rg1", segment))


@pytest.mark.parametrize(
    "group",
    [
        "rg-dätä",
        "Instruktører",
        "数据-prod",
        "\u0433\u0440\u0443\u043f\u043f\u0430\u0031",
        "กลุ่ม",
        "हिन्दी",
        "٣rg",
        "straße",
        "a_(b).c",
        "é",
        "\uff41",
    ],
)
def test_resource_groups_can_be_called_in_any_script(group):
    """Letters, their marks and digits of every script are taken, and percent-encoded where a URL is made."""
    arm_id = ArmId.parse(FACTORY.replace("rg1", group))
    assert (arm_id.resource_group, str(arm_id)) == (group, FACTORY.replace("rg1", group))
    assert arm_id.path.isascii()
    assert unquote(arm_id.path) == str(arm_id)


@pytest.mark.parametrize("group", ["rg💥", "rg\u200b", "rg\u202e", "a½", "a²", "a\u3000b", "a€", "a—b"])
def test_other_characters_are_refused_in_a_resource_group(group):
    """Symbols, spaces and what cannot be seen are no part of a name."""
    assert "its name can hold letters and digits of any script" in refusal(FACTORY.replace("rg1", group))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("DÄTÄ", "dätä", True),
        ("\u0413\u0420", "\u0433\u0440", True),
        ("straße", "strasse", False),
        ("straße", "STRASSE", False),
        ("\u212aelvin", "kelvin", False),
        ("\u017f", "s", False),
        ("\u0131", "i", False),
        ("İ", "i", False),
        ("a\u0308", "ä", False),
    ],
)
def test_groups_are_compared_letter_by_letter(one, other, same):
    """Letter case does not matter in any script; a letter that only resembles another one is another group."""
    ids = [FACTORY.replace("rg1", group) for group in (one, other)]
    assert same_id(*ids) is same
    assert (ArmId.parse(ids[0]) == ArmId.parse(ids[1])) is same
    assert (identity(ids[0], "blob") == identity(ids[1], "blob")) is same


def test_text_that_is_no_id_is_told_with_an_example():
    """The message shows what was given and what an id looks like."""
    assert refusal("adf-sales") == f"'adf-sales' is not a resource id; for example {EXAMPLE}"


def test_another_type_is_told():
    """A number is no id; its type is named."""
    assert refusal(5) == f"a resource id is text, not int; for example {EXAMPLE}"


def test_a_wrong_subscription_is_told():
    """A subscription's name instead of its id is recognised."""
    text = FACTORY.replace(SUBSCRIPTION, "production")
    assert refusal(text) == (f"the subscription in {text!r} is not a GUID such as 00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize("text", [f"{GROUP}/providers/Microsoft.Purview", f"{ACCOUNT}/privateEndpointConnections"])
def test_an_id_that_stops_early_is_told(text):
    """An id ends in a type and a name."""
    assert refusal(text) == f"{text!r} does not end in a type and a name; for example {EXAMPLE}"


def test_a_wrong_segment_is_told():
    """The offending segment is named, and the rule."""
    text = f"{GROUP}/providers/Microsoft.Purview/accounts/pv%2F1"
    assert refusal(text) == (
        f"{text!r} has the segment 'pv%2F1'; only letters A-Z a-z, digits and - _ . ( ) can be in this part of a resource id, unescaped"
    )


def test_a_very_long_text_is_cut():
    """A megabyte of nonsense does not become a megabyte of message."""
    assert len(refusal("x" * 1_000_000)) < 500


def test_look_alike_letters_are_no_fixed_words():
    """Letters that only fold to the fixed words (a long s) do not pass for them."""
    assert "is not a resource id" in refusal(FACTORY.replace("/subscriptions", "/\u017fubscriptions"))


def test_children_and_neighbours_are_derived():
    """Ids of children and of resources in the same group are made, not glued."""
    factory = ArmId.parse(FACTORY)
    assert str(factory.child("managedVirtualNetworks", "default")) == f"{FACTORY}/managedVirtualNetworks/default"
    assert str(factory.in_group("Microsoft.Purview", "accounts", "pv1")) == ACCOUNT


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (STORAGE, STORAGE.upper() + "/", True),
        (STORAGE, ArmId.parse(STORAGE), True),
        (STORAGE, STORAGE + "x", False),
        (None, None, False),
        ("", "", False),
        (STORAGE, None, False),
    ],
)
def test_two_spellings_mean_one_resource(one, other, same):
    """Letter case and slashes do not matter; nothing is the same as nothing."""
    assert same_id(one, other) is same


@pytest.mark.parametrize(("text", "last"), [("/a/b", "b"), ("/a/b/", "b"), ("b", "b"), ("", ""), ("/", "")])
def test_the_last_segment_is_found_in_anything(text, last):
    """The last segment needs no well-formed id."""
    assert last_segment(text) == last


@pytest.mark.parametrize(
    ("text", "is_one"), [(SUBSCRIPTION, True), (SUBSCRIPTION.upper(), True), ("prod", False), ("", False)]
)
def test_a_subscription_is_known_by_its_form(text, is_one):
    """Subscriptions are GUIDs."""
    assert is_subscription(text) is is_one


def test_ids_can_be_pickled():
    """An id survives pickling, as everything does that a queue or another process may carry."""
    assert pickle.loads(pickle.dumps(ArmId.parse(FACTORY))) == ArmId.parse(FACTORY)  # noqa: S301 - our own bytes
