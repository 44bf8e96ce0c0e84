"""prove: one run of a pipeline, followed into the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import NotFound, PurviewMpeError
from tests.support.colours import spec_for

if TYPE_CHECKING:
    from purview_mpe import Spec


def states(proof) -> dict[str, str]:
    return {link.name: link.state for link in proof.links}


def codes(proof) -> set[str]:
    return {finding.code for finding in proof.findings}


def prove(colour, emulator: Emulator, spec: Spec, **options):
    return colour.run(emulator, lambda client: client.prove(spec, **options))


def ready_spec(colour, emulator: Emulator) -> Spec:
    """A spec for which everything is in place."""
    spec = spec_for(emulator)
    assert colour.run(emulator, lambda client: client.onboard(spec, approve=True)).complete
    return spec


def test_lineage_that_arrives_is_proven(colour, emulator):
    """The run ends, the catalog shows the activity with its data sets, and every link is yes."""
    spec = ready_spec(colour, emulator)
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert proof.proven is True
    assert set(states(proof).values()) == {"yes"}
    assert list(states(proof)) == ["run", "runtime", "reported", "entity", "relations"]
    assert proof.pipeline == "pl_copy"
    # The run and the way to the catalog take time, and the proof waited for both.
    assert 180 + 60 <= proof.seconds <= 400
    assert len([one for one in emulator.writes if one.path.endswith("/createRun")]) == 1


def test_a_run_that_exists_is_proven_without_another_one(colour, emulator):
    """Nothing is started."""
    spec = ready_spec(colour, emulator)
    run_id = emulator.start_pipeline()
    proof = prove(colour, emulator, spec, run_id=run_id)
    assert (proof.proven, proof.run_id) == (True, run_id)
    assert not [one for one in emulator.writes if one.path.endswith("/createRun")]


def test_lineage_of_an_earlier_run_is_not_that_of_this_one(colour, emulator):
    """The catalog has the activity from a first run; the second run's lineage is on its way for ever."""
    spec = ready_spec(colour, emulator)
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven
    emulator.add_pipeline(lineage_status="NotReported")
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is False


def test_letter_case_of_the_qualified_name_does_not_matter(colour):
    """The catalog spells the factory's id in its own way: the search finds the activity, and its guid leads there."""
    emulator = Emulator(latency=0.01)
    ready_spec(colour, emulator)
    shouting = spec_for(emulator, factory=str(emulator.factory).replace("rg1", "RG1").replace("df1", "DF1"))
    proof = prove(colour, emulator, shouting, pipeline="pl_copy")
    assert proof.proven is True
    assert any("/entity/guid/" in request.path for request in emulator.requests)


def test_a_404_of_the_catalog_with_any_code_is_answered_by_the_search(colour, emulator):
    """The entity is found there."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", 404, path="/entity/uniqueAttribute/", code="Oops", times=None))
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is True
    assert [request for request in emulator.requests if request.path.endswith("/search/query")]


def test_a_run_outside_the_network_is_named_as_the_reason(colour, emulator):
    """A public runtime reaches no account that is closed: the runtime is no, and nothing is reported."""
    spec = ready_spec(colour, emulator)
    emulator.add_runtime(emulator.factory, "public", "azure")
    emulator.add_pipeline("pl_public", runtime="public")
    proof = prove(colour, emulator, spec, pipeline="pl_public")
    assert proof.proven is False
    assert states(proof) | {"run": "yes"} == {
        "run": "yes", "runtime": "no", "reported": "no", "entity": "unknown", "relations": "unknown"}  # fmt: skip
    assert {"ran-outside-the-network", "lineage-not-reported"} <= codes(proof)


def test_lineage_that_is_not_reported(colour, emulator):
    """It ran where it should, but without the role: the chain breaks at the report."""
    spec = ready_spec(colour, emulator)
    emulator.catalog.revoke("data-curator", emulator.identity_of(emulator.factory))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert proof.proven is False
    assert (states(proof)["runtime"], states(proof)["reported"]) == ("yes", "no")
    assert "lineage-not-reported" in codes(proof)
    assert "ran-outside-the-network" not in codes(proof)


def test_lineage_without_data_sets_is_not_proven(colour, emulator):
    """The activity arrives, and nothing is tied to it until the time runs out."""
    spec = ready_spec(colour, emulator)
    emulator.add_pipeline("pl_lonely", relations=False)
    proof = prove(colour, emulator, spec, pipeline="pl_lonely", timeout=900)
    assert proof.proven is False
    assert (states(proof)["reported"], states(proof)["entity"], states(proof)["relations"]) == ("yes", "yes", "no")
    assert "lineage-without-relations" in codes(proof)


@pytest.mark.parametrize("hides", ["network", "role"])
def test_a_catalog_that_cannot_be_read_leaves_it_open(colour, hides):
    """From outside, or without Data Reader, the proof ends with what the run reported, and says why."""
    emulator = Emulator()
    spec = ready_spec(colour, emulator)
    roles = None
    if hides == "network":
        emulator.inside_network = False
    else:
        roles = ("Owner",)
    proof = colour.run(emulator, lambda client: client.prove(spec, pipeline="pl_copy"), roles=roles)
    assert proof.proven is None
    assert (states(proof)["reported"], states(proof)["entity"]) == ("yes", "unknown")
    assert "catalog-unreadable" in codes(proof)


def test_a_run_that_fails_proves_nothing(colour, emulator):
    """Its status is the reason."""
    spec = ready_spec(colour, emulator)
    emulator.add_pipeline("pl_broken", status="Failed")
    proof = prove(colour, emulator, spec, pipeline="pl_broken")
    assert (proof.proven, states(proof)["run"]) == (False, "no")


def test_a_pipeline_that_does_not_exist(colour, emulator):
    """Nothing is started, and the error is Azure's."""
    with pytest.raises(NotFound):
        prove(colour, emulator, spec_for(emulator), pipeline="pl_none")


def test_time_that_runs_out_leaves_it_open(colour, emulator):
    """The run still goes on: the proof names it, so that it can be proven later."""
    spec = ready_spec(colour, emulator)
    proof = prove(colour, emulator, spec, pipeline="pl_copy", timeout=60)
    assert (proof.proven, states(proof)["run"]) == (None, "unknown")
    assert prove(colour, emulator, spec, run_id=proof.run_id).proven is True


def test_a_lost_answer_does_not_start_a_second_run(colour, emulator):
    """Only one run is there, whether or not its id came back."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.reset("POST", before=False, path="createRun"))
    with pytest.raises(PurviewMpeError, match="start the pipeline"):
        prove(colour, emulator, spec, pipeline="pl_copy")
    assert len([one for one in emulator.writes if one.path.endswith("/createRun")]) == 1


def test_a_refused_start_is_repeated(colour, emulator):
    """Throttled, nothing was started: it is tried again after the pause."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("POST", 429, path="createRun", retry_after=2))
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is True
    assert len(emulator.catalog.entities()) == 6
