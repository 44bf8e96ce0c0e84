"""Finding the id for a name, in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe.errors import InvalidSpec, NotFound

if TYPE_CHECKING:
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


@pytest.mark.parametrize("group", ["", "/resourceGroups/rg1"])
def test_a_name_is_found_in_any_letter_case(colour: Colour, emulator: Emulator, group: str):
    """Factories and accounts, in a subscription or a resource group."""
    scope = f"/subscriptions/{emulator.factory.subscription}{group}"
    found = colour.run(emulator, lambda client: client.find_id(scope, "DF1"))
    assert found == str(emulator.factory)
    found = colour.run(emulator, lambda client: client.find_id(scope, "pv1", kind="account"))
    assert found == str(emulator.account)


def test_an_unknown_name_is_not_found(colour: Colour, emulator: Emulator):
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
def test_wrong_arguments_are_refused(colour, emulator, arguments, options):
    """Scope, name and kind are checked before the first request."""
    given = [f"/subscriptions/{emulator.factory.subscription}" if text == "SCOPE" else text for text in arguments]
    with pytest.raises(InvalidSpec):
        colour.run(emulator, lambda client: client.find_id(*given, **options))
    assert list(emulator.requests) == []
