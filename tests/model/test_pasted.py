"""Ids as people copy them: what is removed, and the message for the rest."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purview_mpe import Spec
from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe._model.pasted import parsed
from purview_mpe.errors import InvalidSpec
from tests.support.nouns import ACCOUNT, FACTORY, GROUP, SUBSCRIPTION

PORTAL = "https://portal.azure.com/#@contoso.onmicrosoft.com/resource"


@pytest.mark.parametrize(
    "copied",
    [
        f"{PORTAL}{FACTORY}/overview",
        f"{PORTAL}{FACTORY}",
        f"{PORTAL}{FACTORY}/providers/Microsoft.Insights/metrics/x",
        f"https://portal.azure.com/?feature.x=true#@contoso/resource{FACTORY}/networking",
        f"https://portal.azure.us/#resource{FACTORY}/overview?x=1",
        f"portal.azure.com/#@contoso.onmicrosoft.com/resource{FACTORY}/overview",
        f"https://portal.azure.com/#view/Microsoft_Azure_X/Page/~/overview/id/{quote(FACTORY, safe='')}/menu/a",
        f"https://adf.azure.com/en/home?factory={quote(FACTORY, safe='')}&reload=1",
        f"https://management.azure.com{FACTORY}?api-version=2018-06-01",
        f"https://management.azure.com:443{FACTORY}/managedVirtualNetworks?api-version=2018-06-01",
        f"management.azure.com{FACTORY}/",
        f"{FACTORY}\r",
        f"{FACTORY}\r\n",
        f"\t {FACTORY} \n",
        f"\u00a0{FACTORY}",
        f"\ufeff{FACTORY}",
        f"\u200b{FACTORY}\u200e",
        f'"{FACTORY}"',
        f"'{FACTORY}'",
        f"\u201c{FACTORY}\u201d",
        f"\u201e{FACTORY}\u201c",
        f"<{FACTORY}>",
        f'"{FACTORY}",',
        f"  '{FACTORY}/' ;",
        FACTORY.removeprefix("/"),
        f"/{FACTORY}",
        f"C:/Program Files/Git{FACTORY}",
        f"C:\\Program Files\\Git{FACTORY}".replace("/", "\\"),
        f"D:/tools/msys64{FACTORY}",
        f"/c/Program Files/Git{FACTORY}",
        f"C:{FACTORY}",
        FACTORY.replace("/", "\\"),
        quote(FACTORY, safe=""),
    ],
)
def test_copied_id_is_cleaned(copied):
    """Additions from a browser, a JSON file or a terminal are removed; id and spec are the same."""
    assert str(parsed(copied)) == FACTORY
    assert Spec(factory=copied, account=ACCOUNT, name="pv") == Spec(factory=FACTORY, account=ACCOUNT, name="pv")


def test_encoded_group_is_decoded_once():
    """Azure Resource Manager's URLs percent-encode a group's letters; a group cannot contain a percent sign."""
    factory = FACTORY.replace("rg1", "rg-dätä")
    assert str(parsed(f"https://management.azure.com{quote(factory)}?api-version=1")) == factory
    assert str(parsed(quote(factory, safe=""))) == factory
    for bare in (quote(factory), quote(quote(factory, safe=""), safe="")):
        with pytest.raises(InvalidArmId, match=r"unescaped|is not a resource id"):
            parsed(bare)


@pytest.mark.parametrize(
    ("copied", "clause"),
    [
        (f"Resource ID: {FACTORY}", "has 'Resource ID: ' in front of the id; take the text from /subscriptions/ on"),
        (f"id={FACTORY}", "has 'id=' in front of the id"),
        (f"{FACTORY} {FACTORY}", "has a space inside, after"),
        (f"{FACTORY}\n{FACTORY}", "has a line break inside; pass one id, on one line"),
        (FACTORY.replace("rg1", "rg 1"), "has a space inside, after '000000000001/resourceGroups/rg'"),
        (FACTORY.replace("df1", "df\u200b1"), "has an invisible character (ZERO WIDTH SPACE) after"),
        (FACTORY.replace("df1", "df\x071"), "has an invisible character (U+0007) after"),
        (
            f"https://management.azure.com{FACTORY.replace('df1', 'd%00f1')}",
            "has an invisible character (U+0000) after",
        ),
        (f"{PORTAL}/subscriptions/{SUBSCRIPTION}/overview", "is not a resource id"),
        ("https://web.purview.azure.com/resource/contoso", "is not a resource id"),
        (f"{FACTORY}%2F..", "has the segment 'df1%2F..'"),
        (FACTORY.replace("df1", "%2e%2e"), "has the segment '%2e%2e'"),
        (f"https://management.azure.com{FACTORY.replace('df1', '%2e%2e')}", "has the segment '..'"),
    ],
)
def test_message_says_what_to_change(copied, clause):
    """The message has the one clause that helps, and says nothing about removed additions."""
    with pytest.raises(InvalidArmId) as refused:
        parsed(copied)
    assert clause in str(refused.value)
    with pytest.raises(InvalidSpec) as in_spec:
        Spec(factory=copied, name="pv")
    assert clause in in_spec.value.problems[0][1]
    assert "for example /subscriptions/" in in_spec.value.problems[0][1]


def test_id_of_a_child_is_not_its_parents_id():
    """Only in a URL is text after the name ignored; the id of a child is the id of a child."""
    child = f"{FACTORY}/managedVirtualNetworks/default"
    with pytest.raises(InvalidSpec, match=r"is the id of a Microsoft\.DataFactory/factories/managedVirtualNetworks"):
        Spec(factory=child, name="pv")


def test_portal_page_of_a_resource_group():
    """The URL of a resource group's page gives that group."""
    assert parsed(f"{PORTAL}{GROUP}/overview") == ArmId.parse(GROUP)


@given(st.text() | st.text().map(lambda text: text + FACTORY + text) | st.none() | st.integers() | st.binary())
def test_any_text_is_an_id_or_refused(text):
    """The result is an id that parses strictly, or InvalidArmId."""
    try:
        found = parsed(text)
    except InvalidArmId:
        return
    assert ArmId.parse(str(found)) == found
