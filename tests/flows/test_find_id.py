"""The id of a name, in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe.errors import InvalidSpec, NotFound

if TYPE_CHECKING:
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


@pytest.mark.parametrize("group", ["", "/resourceGroups/rg1"])
def test_a_name_has_an_id(colour: Colour, emulator: Emulator, group: str):
    """Factories and accounts, in any letter case, of a subscription or a resource group."""
    scope = f"/subscriptions/{emulator.factory.subscription}{group}"
    found = colour.run(emulator, lambda client: client.find_id(scope, "DF1"))
    assert found == str(emulator.factory)
    found = colour.run(emulator, lambda client: client.find_id(scope, "pv1", kind="account"))
    assert found == str(emulator.account)


def test_a_name_that_is_not_there(colour: Colour, emulator: Emulator):
    """NotFound says what was looked for, and where."""
    scope = f"/subscriptions/{emulator.factory.subscription}"
    with pytest.raises(NotFound, match=r"The subscription .* has no Purview account 'absent'"):
        colour.run(emulator, lambda client: client.find_id(scope, "absent", kind="account"))
    with pytest.raises(NotFound, match="The resource group 'rg1' of the subscription 0000"):
        colour.run(emulator, lambda client: client.find_id(f"{scope}/resourceGroups/rg1", "absent"))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [(("nonsense", "df1"), {}), (("SCOPE", "a/b"), {}), (("SCOPE", "df1"), {"kind": "vault"})],
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(colour, emulator, arguments, options):
    """Scope, name and kind are checked."""
    given = [f"/subscriptions/{emulator.factory.subscription}" if text == "SCOPE" else text for text in arguments]
    with pytest.raises(InvalidSpec):
        colour.run(emulator, lambda client: client.find_id(*given, **options))
    assert list(emulator.requests) == []
