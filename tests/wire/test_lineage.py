"""What is read from Purview's catalog, and how it is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire import lineage
from tests.support.nouns import FACTORY


def test_an_activity_of_an_unknown_kind_has_no_entity_of_its_own():
    """It is searched for by its name alone."""
    activity: Any = SimpleNamespace(kind="Wait", activity="w", pipeline="p")
    assert lineage.entity_request(ArmId.parse(FACTORY), activity) is None
    assert "filter" not in lineage.search_request(activity)[2]
