"""The result types of check, diagnose and orphans: the fields that programs rely on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import Check, Diagnosis, OrphanConnection, OrphanEndpoint, Orphans, Right, RuntimeCheck
from tests.support.nouns import NOUNS

ROW = {"target_id", "connection_id", "private_endpoint_id", "factory", "endpoint", "certain"}
CONTRACT = {
    Check: {"ok", "runtimes", "rights", "findings"},
    RuntimeCheck: {"name", "kind", "supported", "managed_groups", "customer_groups", "reason"},
    Right: {"step", "scope", "allowed", "missing_actions"},
    Diagnosis: {"findings"},
    Orphans: {"connections", "endpoints"},
    OrphanConnection: ROW,
    OrphanEndpoint: ROW,
}


@pytest.mark.parametrize("noun", CONTRACT)
@settings(max_examples=10)
@given(st.data())
def test_json_has_the_documented_fields(noun, data):
    """The fields are always present, with null if they have no value."""
    written = data.draw(NOUNS[noun.__name__]).model_dump(mode="json")
    assert written.keys() >= CONTRACT[noun]
    assert json.loads(json.dumps(written)) == written
