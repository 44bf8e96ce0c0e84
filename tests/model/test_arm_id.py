"""Resource ids: which texts are accepted, which are refused with which message, and when two ids are equal."""

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


def test_resource_id_is_parsed():
    """Subscription, resource group, provider, type and name are read from an id."""
    arm_id = ArmId.parse(FACTORY)
    assert (arm_id.subscription, arm_id.resource_group, arm_id.name) == (SUBSCRIPTION, "rg1", "df1")
    assert arm_id.type == "Microsoft.DataFactory/factories"


def test_nested_id_has_a_chain_of_types_and_names():
    """A child's type is the chain of types; its name is the last name."""
    arm_id = ArmId.parse(f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/p")
    assert arm_id.type == "Microsoft.DataFactory/factories/managedVirtualNetworks/managedPrivateEndpoints"
    assert (arm_id.names, arm_id.name) == (("df1", "default", "p"), "p")


def test_resource_group_id_is_parsed():
    """Azure's own sample has a resource group in place of a storage account, so it must parse."""
    arm_id = ArmId.parse(GROUP)
    assert (arm_id.type, arm_id.name, str(arm_id)) == ("Microsoft.Resources/resourceGroups", "rg1", GROUP)


def test_trailing_slash_is_dropped():
    """Portals and shells leave one slash at the end."""
    assert str(ArmId.parse(FACTORY + "/")) == FACTORY


def test_fixed_words_are_accepted_in_any_letter_case():
    """`/SUBSCRIPTIONS/…/resourcegroups/…/Providers/…` becomes the spelling that Azure documents."""
    odd = FACTORY.replace("subscriptions", "SUBSCRIPTIONS").replace("Groups", "groups").replace("prov", "Prov")
    assert str(ArmId.parse(odd)) == FACTORY


@given(recased(FACTORY))
def test_ids_are_equal_in_any_letter_case(odd):
    """Ids that differ only in letter case are equal, have the same hash and the same key."""
    one, other = ArmId.parse(odd), ArmId.parse(FACTORY)
    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert one.is_a("microsoft.datafactory/FACTORIES")


def test_different_names_give_different_ids():
    """Ids with different names differ, and an id never equals a text."""
    assert ArmId.parse(FACTORY) != ArmId.parse(FACTORY + "2")
    assert ArmId.parse(FACTORY) != FACTORY


@given(guids, st.lists(segments, min_size=1, max_size=7))
def test_printing_and_parsing_are_inverse(subscription, rest):
    """str() of a parsed id is the original text, and parses to the same id."""
    group, *tail = rest
    text = f"/subscriptions/{subscription}/resourceGroups/{group}"
    if len(tail) >= 3:
        tail = tail[: len(tail) - (len(tail) + 1) % 2]
        text += "/providers/" + "/".join(tail)
    assert str(ArmId.parse(text)) == text
    assert ArmId.parse(str(ArmId.parse(text))) == ArmId.parse(text)


@given(st.text() | st.integers() | st.none() | st.binary() | st.lists(st.text()))
def test_invalid_input_raises_only_invalid_arm_id(nonsense):
    """Any value that is not an id raises InvalidArmId, never another exception."""
    with pytest.raises(InvalidArmId):
        ArmId.parse(nonsense)


@given(st.text(max_size=8).filter(lambda s: s not in {"", "/"}), st.integers(0, len(FACTORY)))
def test_inserted_text_changes_the_id_or_invalidates_it(extra, at):
    """A text inserted anywhere in an id makes another id, or none."""
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
def test_unsafe_segments_are_refused(segment):
    """Dots alone, percent-encoding, spaces, control characters and the like never occur in a real id."""
    with pytest.raises(InvalidArmId):
        ArmId.parse(f"{GROUP}/providers/Microsoft.Purview/accounts/{segment}")
    if segment not in {"é", "\uff41"}:  # valid as the name of a resource group
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
def test_resource_group_names_can_use_any_script(group):
    """Letters, marks and digits of every script are accepted, and percent-encoded in a URL."""
    arm_id = ArmId.parse(FACTORY.replace("rg1", group))
    assert (arm_id.resource_group, str(arm_id)) == (group, FACTORY.replace("rg1", group))
    assert arm_id.path.isascii()
    assert unquote(arm_id.path) == str(arm_id)


@pytest.mark.parametrize("group", ["rg💥", "rg\u200b", "rg\u202e", "a½", "a²", "a\u3000b", "a€", "a—b"])
def test_symbols_in_a_resource_group_name_are_refused(group):
    """Symbols, spaces and invisible characters are not valid in a name."""
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
def test_resource_groups_are_compared_letter_by_letter(one, other, same):
    """Letter case does not matter in any script; a similar letter makes another group."""
    ids = [FACTORY.replace("rg1", group) for group in (one, other)]
    assert same_id(*ids) is same
    assert (ArmId.parse(ids[0]) == ArmId.parse(ids[1])) is same
    assert (identity(ids[0], "blob") == identity(ids[1], "blob")) is same


def test_message_for_an_invalid_id_has_an_example():
    """The message shows the given text and a valid id."""
    assert refusal("adf-sales") == f"'adf-sales' is not a resource id; for example {EXAMPLE}"


def test_message_for_a_wrong_type_names_it():
    """A number is not an id; the message names its type."""
    assert refusal(5) == f"a resource id is text, not int; for example {EXAMPLE}"


def test_message_for_a_subscription_that_is_not_a_guid():
    """The usual mistake is the subscription's name instead of its id."""
    text = FACTORY.replace(SUBSCRIPTION, "production")
    assert refusal(text) == (f"the subscription in {text!r} is not a GUID such as 00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize("text", [f"{GROUP}/providers/Microsoft.Purview", f"{ACCOUNT}/privateEndpointConnections"])
def test_message_for_an_incomplete_id(text):
    """An id must end in a type and a name."""
    assert refusal(text) == f"{text!r} does not end in a type and a name; for example {EXAMPLE}"


def test_message_names_the_invalid_segment():
    """The message shows the segment and the rule."""
    text = f"{GROUP}/providers/Microsoft.Purview/accounts/pv%2F1"
    assert refusal(text) == (
        f"{text!r} has the segment 'pv%2F1'; only letters A-Z a-z, digits and - _ . ( ) can be in this part of a resource id, unescaped"
    )


def test_message_for_a_long_text_is_cut():
    """An input of one megabyte gives a message of less than 500 characters."""
    assert len(refusal("x" * 1_000_000)) < 500


def test_look_alike_letters_do_not_match_the_fixed_words():
    """A letter that only casefolds to a fixed word, such as a long s, is refused."""
    assert "is not a resource id" in refusal(FACTORY.replace("/subscriptions", "/\u017fubscriptions"))


def test_ids_of_children_and_neighbours_are_derived():
    """An id gives the ids of its children and of other resources in its group."""
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
def test_same_id_ignores_letter_case_and_slashes(one, other, same):
    """A missing id equals nothing, not even another missing id."""
    assert same_id(one, other) is same


@pytest.mark.parametrize(("text", "last"), [("/a/b", "b"), ("/a/b/", "b"), ("b", "b"), ("", ""), ("/", "")])
def test_last_segment_needs_no_valid_id(text, last):
    """The last segment is read from any text."""
    assert last_segment(text) == last


@pytest.mark.parametrize(
    ("text", "is_one"), [(SUBSCRIPTION, True), (SUBSCRIPTION.upper(), True), ("prod", False), ("", False)]
)
def test_subscription_is_a_guid(text, is_one):
    """Only a GUID counts as a subscription id."""
    assert is_subscription(text) is is_one


def test_ids_can_be_pickled():
    """An id must survive a queue or another process."""
    assert pickle.loads(pickle.dumps(ArmId.parse(FACTORY))) == ArmId.parse(FACTORY)  # noqa: S301 - our own bytes


def test_each_spelling_keeps_its_own_letters():
    """An id that was read before in another letter case does not change what a later one shows."""
    spellings = [FACTORY, FACTORY.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/")]
    assert [ArmId.parse(text).name for text in spellings * 2] == [text.rpartition("/")[2] for text in spellings * 2]


def test_only_ids_of_a_usual_length_are_kept():
    """Very long ids are read as all others, and use no memory afterwards."""
    long, usual = (f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{'a' * length}" for length in (2000, 200))
    before = ArmId.parse(long)
    assert before == ArmId.parse(long)
    assert before is not ArmId.parse(long)
    assert ArmId.parse(usual) is ArmId.parse(usual)
