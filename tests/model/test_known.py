"""Values that another version of the library wrote."""

from __future__ import annotations

import pytest

from purview_mpe import Outcome, Report, Spec
from purview_mpe._model.known import NotKnown, known
from tests.support.nouns import a_spec


def a_report() -> dict:
    spec = a_spec()
    outcome = Outcome(name="purview", resource_id=spec.factory, result="kept")
    return Report(verb="create_all", spec=spec, outcomes=(outcome,)).model_dump(mode="json")


def test_unknown_fields_are_ignored_at_every_depth():
    """The value equals one without the unknown fields, and the message itself is not changed."""
    message = a_report()
    plain = Report.model_validate(message)
    message["took"] = 1
    message["spec"]["took"] = 1
    message["outcomes"][0]["took"] = {"seconds": [1]}
    before = repr(message)
    assert known(Report, message) == plain
    assert repr(message) == before


@pytest.mark.parametrize(("change", "place"), [({"verb": "dance"}, "verb"), ({"outcomes": [{}]}, "outcomes.0.name")])
def test_unreadable_value_names_the_field(change, place):
    """An unknown word of a later version or a missing field makes the value unreadable."""
    with pytest.raises(NotKnown, match=place):
        known(Report, a_report() | change | {"took": 1})


def test_message_that_is_not_a_mapping_is_refused():
    """A list is not a value."""
    with pytest.raises(NotKnown):
        known(Spec, ["?"])
