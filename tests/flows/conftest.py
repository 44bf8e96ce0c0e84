"""Fixtures that several verbs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.colours import spec_for
from tests.support.reports import create

if TYPE_CHECKING:
    from purview_mpe import Spec
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


@pytest.fixture
def ready(colour: Colour, emulator: Emulator) -> Spec:
    """A spec whose endpoints are all created and approved."""
    spec = spec_for(emulator)
    create(colour, emulator, spec, approve=True).raise_for_failures()
    return spec
