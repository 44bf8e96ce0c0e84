"""Requests to Purview's catalog, and what is read from its answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire import lineage
from tests.support.nouns import FACTORY


def test_activity_of_an_unknown_kind_is_searched_by_name():
    """Its entity cannot be requested directly."""
    activity: Any = SimpleNamespace(kind="Wait", activity="w", pipeline="p")
    assert lineage.entity_request(ArmId.parse(FACTORY), activity) is None
    assert "filter" not in lineage.search_request(activity)[2]


@pytest.mark.parametrize(("answer", "is_one"), [({"value": []}, True), ({"value": None}, False), ({}, False)])
def test_search_answer_needs_a_list(answer, is_one):
    """Only a list, even an empty one, says what the catalog holds."""
    assert lineage.is_search_answer(answer) is is_one


@pytest.mark.parametrize(
    ("answer", "is_one"), [({"relations": []}, True), ({"guidEntityMap": {}}, True), ({"relations": "x"}, False)]
)
def test_lineage_answer_needs_relations_or_entities(answer, is_one):
    """Only such an answer can prove that an entity has no relations."""
    assert lineage.is_lineage_answer(answer) is is_one


GUID = "00000000-0000-0000-0000-0000000000aa"


@pytest.mark.parametrize("entity", [None, {}, {"guid": "no guid"}, {"guid": 7}])
def test_entity_without_a_guid_is_ignored(entity):
    """Without a guid, its lineage cannot be requested."""
    assert lineage.read_entity({"entity": entity}) is None


@pytest.mark.parametrize("shown", [None, "yesterday", True, -5, 10**30, 1.5])
def test_invalid_time_is_ignored(shown):
    """The entity is read without its time."""
    found = lineage.read_entity({"entity": {"guid": GUID, "attributes": {"lastRunTime": shown}}})
    assert found is not None
    assert found.last_run is None


def test_search_hit_needs_the_exact_name_and_a_guid():
    """The name is compared in any letter case."""
    hits = [
        {"id": GUID, "qualifiedName": "other"},
        {"id": "no guid", "qualifiedName": "name"},
        {"id": GUID, "qualifiedName": "NAME"},
    ]
    assert lineage.read_hit({"value": hits}, "name") == GUID
    assert lineage.read_hit({"value": hits[:2]}, "name") is None
