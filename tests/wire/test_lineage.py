"""What is read from Purview's catalog, and how it is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._wire import lineage
from tests.support.nouns import FACTORY


def test_an_activity_of_an_unknown_kind_has_no_entity_of_its_own():
    """It is searched for by its name alone."""
    activity: Any = SimpleNamespace(kind="Wait", activity="w", pipeline="p")
    assert lineage.entity_request(ArmId.parse(FACTORY), activity) is None
    assert "filter" not in lineage.search_request(activity)[2]


@pytest.mark.parametrize(("answer", "is_one"), [({"value": []}, True), ({"value": None}, False), ({}, False)])
def test_an_answer_without_a_list_is_not_one_of_the_search(answer, is_one):
    """Only a list, even an empty one, says what the catalog holds."""
    assert lineage.is_search_answer(answer) is is_one


@pytest.mark.parametrize(
    ("answer", "is_one"), [({"relations": []}, True), ({"guidEntityMap": {}}, True), ({"relations": "x"}, False)]
)
def test_an_answer_without_relations_or_entities_is_not_one_about_lineage(answer, is_one):
    """Only such an answer says that nothing is related."""
    assert lineage.is_lineage_answer(answer) is is_one


GUID = "00000000-0000-0000-0000-0000000000aa"


@pytest.mark.parametrize("entity", [None, {}, {"guid": "no guid"}, {"guid": 7}])
def test_an_answer_without_an_id_holds_no_entity(entity):
    """Nothing can be asked about it."""
    assert lineage.read_entity({"entity": entity}) is None


@pytest.mark.parametrize("shown", [None, "yesterday", True, -5, 10**30, 1.5])
def test_a_time_that_cannot_be_read_is_not_a_time(shown):
    """The entity is there all the same."""
    found = lineage.read_entity({"entity": {"guid": GUID, "attributes": {"lastRunTime": shown}}})
    assert found is not None
    assert found.last_run is None


def test_a_hit_is_the_one_with_the_name():
    """In any letter case, and only with a guid."""
    hits = [
        {"id": GUID, "qualifiedName": "other"},
        {"id": "no guid", "qualifiedName": "name"},
        {"id": GUID, "qualifiedName": "NAME"},
    ]
    assert lineage.read_hit({"value": hits}, "name") == GUID
    assert lineage.read_hit({"value": hits[:2]}, "name") is None
