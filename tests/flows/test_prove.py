"""prove follows one run of a pipeline into the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, InvalidSpec, NotFound, PurviewMpeError
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


def test_lineage_in_the_catalog_is_proven(colour, emulator):
    """The run ends, the catalog shows the activity with its data sets, and every link is yes."""
    spec = ready_spec(colour, emulator)
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert proof.proven is True
    assert set(states(proof).values()) == {"yes"}
    assert list(states(proof)) == ["run", "runtime", "reported", "entity", "relations"]
    assert proof.pipeline == "pl_copy"
    # The run and its way into the catalog take time, and the proof waited for both.
    assert 180 + 60 <= proof.seconds <= 400
    assert len([one for one in emulator.writes if one.path.endswith("/createRun")]) == 1


@pytest.mark.parametrize(("parameters", "body"), [(None, None), ({}, None), ({"day": 3}, {"day": 3})])
def test_parameters_are_sent_as_json_or_not_at_all(colour, emulator, parameters, body):
    """The SDK would send an empty object as text/plain, which Azure Resource Manager refuses."""
    spec = ready_spec(colour, emulator)
    prove(colour, emulator, spec, pipeline="pl_copy", parameters=parameters)
    [started] = [one for one in emulator.writes if one.path.endswith("/createRun")]
    media_type = started.headers.get("content-type")
    assert (started.body, media_type) == (body, "application/json" if body else None)


def test_an_existing_run_is_followed(colour, emulator):
    """No run is started."""
    spec = ready_spec(colour, emulator)
    run_id = emulator.start_pipeline()
    proof = prove(colour, emulator, spec, run_id=run_id)
    assert (proof.proven, proof.run_id) == (True, run_id)
    assert not [one for one in emulator.writes if one.path.endswith("/createRun")]


def test_lineage_of_an_earlier_run_does_not_count(colour, emulator):
    """The catalog has the activity from a first run; the second run reports no lineage."""
    spec = ready_spec(colour, emulator)
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven
    emulator.add_pipeline(lineage_status="NotReported")
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is False


def test_letter_case_of_the_qualified_name_does_not_matter(colour):
    """The catalog spells the factory's id differently: the search finds the activity, which is read by its guid."""
    emulator = Emulator(latency=0.01)
    ready_spec(colour, emulator)
    shouting = spec_for(emulator, factory=str(emulator.factory).replace("rg1", "RG1").replace("df1", "DF1"))
    proof = prove(colour, emulator, shouting, pipeline="pl_copy")
    assert proof.proven is True
    assert any("/entity/guid/" in request.path for request in emulator.requests)


def test_a_404_of_the_catalog_is_followed_by_a_search(colour, emulator):
    """Whatever the code of the 404, the search finds the entity."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", 404, path="/entity/uniqueAttribute/", code="Oops", times=None))
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is True
    assert [request for request in emulator.requests if request.path.endswith("/search/query")]


def test_a_run_on_a_public_runtime_is_not_proven(colour, emulator):
    """A public runtime cannot reach a closed account: the runtime is no, and no lineage is reported."""
    spec = ready_spec(colour, emulator)
    emulator.add_runtime(emulator.factory, "public", "azure")
    emulator.add_pipeline("pl_public", runtime="public")
    proof = prove(colour, emulator, spec, pipeline="pl_public")
    assert proof.proven is False
    assert states(proof) | {"run": "yes"} == {
        "run": "yes", "runtime": "no", "reported": "no", "entity": "unknown", "relations": "unknown"}  # fmt: skip
    assert {"ran-outside-the-network", "lineage-not-reported"} <= codes(proof)


def test_a_run_without_the_role_is_not_proven(colour, emulator):
    """It ran on the right runtime, but without the role no lineage is reported."""
    spec = ready_spec(colour, emulator)
    emulator.catalog.revoke("data-curator", emulator.identity_of(emulator.factory))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert proof.proven is False
    assert (states(proof)["runtime"], states(proof)["reported"]) == ("yes", "no")
    assert "lineage-not-reported" in codes(proof)
    assert "ran-outside-the-network" not in codes(proof)


def test_lineage_without_data_sets_is_not_proven(colour, emulator):
    """The activity appears in the catalog, but without relations to data sets until the time runs out."""
    spec = ready_spec(colour, emulator)
    emulator.add_pipeline("pl_lonely", relations=False)
    proof = prove(colour, emulator, spec, pipeline="pl_lonely", timeout=900)
    assert proof.proven is False
    assert (states(proof)["reported"], states(proof)["entity"], states(proof)["relations"]) == ("yes", "yes", "no")
    assert "lineage-without-relations" in codes(proof)


@pytest.mark.parametrize("hides", ["network", "role"])
def test_an_unreadable_catalog_leaves_the_proof_open(colour, hides):
    """From outside the network, or without Data Reader, the proof ends with what the run reported, and the reason."""
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


def test_a_failed_run_is_not_proven(colour, emulator):
    """The link of the run is no."""
    spec = ready_spec(colour, emulator)
    emulator.add_pipeline("pl_broken", status="Failed")
    proof = prove(colour, emulator, spec, pipeline="pl_broken")
    assert (proof.proven, states(proof)["run"]) == (False, "no")


def test_a_missing_pipeline_is_not_found(colour, emulator):
    """No run is started, and the error is Azure's."""
    with pytest.raises(NotFound):
        prove(colour, emulator, spec_for(emulator), pipeline="pl_none")


def test_a_timeout_leaves_the_proof_open(colour, emulator):
    """The run continues, and the proof has its id, so that a later call can prove it."""
    spec = ready_spec(colour, emulator)
    proof = prove(colour, emulator, spec, pipeline="pl_copy", timeout=60)
    assert (proof.proven, states(proof)["run"]) == (None, "unknown")
    assert prove(colour, emulator, spec, run_id=proof.run_id).proven is True


@pytest.mark.parametrize(
    "fault", [Fault.reset("POST", before=False, path="createRun"), Fault.status("POST", 500, path="createRun")]
)
def test_a_lost_answer_does_not_start_a_second_run(colour, emulator, fault):
    """Only one run exists, although its id may be unknown, and the remedy says how to find it."""
    spec = ready_spec(colour, emulator)
    emulator.inject(fault)
    with pytest.raises(PurviewMpeError, match="start the pipeline") as lost:
        prove(colour, emulator, spec, pipeline="pl_copy")
    assert (
        "look for it under Monitor in Data Factory Studio, then call prove again with its run_id" in lost.value.remedy
    )
    assert "repeat the call" not in lost.value.remedy
    assert len([one for one in emulator.writes if one.path.endswith("/createRun")]) == 1


def test_the_remedy_names_the_missing_pipeline(colour, emulator):
    """It looks for the pipeline, not for the factory; a missing role is to be assigned on the factory."""
    spec = ready_spec(colour, emulator)
    with pytest.raises(NotFound) as missing:
        prove(colour, emulator, spec, pipeline="pl copy")
    assert missing.value.remedy.endswith(f'az resource show --ids "{spec.factory}/pipelines/pl copy"')
    with pytest.raises(AccessDenied) as denied:
        colour.run(emulator, lambda client: client.prove(spec, pipeline="pl_copy"), roles=("Reader",))
    assert denied.value.remedy.endswith(f"--scope {spec.factory}")


def test_a_throttled_start_is_repeated(colour, emulator):
    """A 429 means that no run was started, so the request is sent again after the pause."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("POST", 429, path="createRun", retry_after=2))
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is True
    assert len(emulator.catalog.entities()) == 6


ENTITY, SEARCH, LINEAGE = "/entity/uniqueAttribute/", "/search/query", "/lineage/"
HTML = "<html><body>Sign in</body></html>"
UNREADABLE = {
    "500": lambda method, path: Fault.status(method, 500, path=path, times=None),
    "503": lambda method, path: Fault.status(method, 503, path=path, times=None),
    "429": lambda method, path: Fault.status(method, 429, path=path, times=None),
    "html": lambda method, path: Fault.body(method, HTML, path=path, times=None),
    "empty": lambda method, path: Fault.body(method, "", path=path, times=None),
    "no fields": lambda method, path: Fault.body(method, "{}", path=path, times=None),
    "redirect": lambda method, path: Fault.status(method, 302, path=path, times=None),
    "reset": lambda method, path: Fault.reset(method, path=path, times=None),
}


@pytest.mark.untraced
@pytest.mark.parametrize("failure", UNREADABLE)
@pytest.mark.parametrize(("method", "path"), [("GET", ENTITY), ("POST", SEARCH), ("GET", LINEAGE)])
def test_a_catalog_without_valid_answers_leaves_the_proof_open(colour, emulator, failure, method, path):
    """A failed read does not mean that lineage is missing: the finding has the reason, and reading ends early."""
    spec = ready_spec(colour, emulator)
    emulator.inject(UNREADABLE[failure](method, path))
    if path == SEARCH:
        emulator.inject(Fault.status("GET", 404, path=ENTITY, times=None))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert proof.proven is None
    assert states(proof)["relations"] == "unknown"
    assert states(proof)["entity"] == ("yes" if path == LINEAGE else "unknown")
    assert [one.code for one in proof.findings] == ["catalog-unreadable"]
    assert proof.findings[0].cause
    assert proof.seconds < 1200


def test_a_short_outage_of_the_catalog_is_retried(colour, emulator):
    """The later answer counts."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.body("GET", HTML, path=ENTITY, times=3))
    assert prove(colour, emulator, spec, pipeline="pl_copy").proven is True


def test_a_catalog_that_fails_after_a_404_leaves_the_proof_open(colour, emulator):
    """The 404 before the failures is not the last word, because lineage may have arrived since."""
    spec = ready_spec(colour, emulator)
    run_id = emulator.start_pipeline()
    emulator.inject(Fault.status("GET", 404, path=ENTITY, times=2))
    emulator.inject(Fault.body("GET", HTML, path=ENTITY, times=None))
    proof = prove(colour, emulator, spec, run_id=run_id)
    assert (proof.proven, states(proof)["entity"]) == (None, "unknown")


def test_a_catalog_without_the_activity_is_not_proven(colour, emulator):
    """Every read was answered, and the lineage does not exist."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", 404, path=ENTITY, times=None))
    emulator.inject(Fault.body("POST", '{"value": []}', path=SEARCH, times=None))
    proof = prove(colour, emulator, spec, pipeline="pl_copy", timeout=900)
    assert (proof.proven, states(proof)["entity"]) == (False, "no")
    assert codes(proof) == {"lineage-not-in-catalog"}


def test_a_search_result_that_no_longer_exists_is_not_proven(colour, emulator):
    """The search index is behind the catalog."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", 404, path="/entity/", times=None))
    assert prove(colour, emulator, spec, pipeline="pl_copy", timeout=900).proven is False


@pytest.mark.parametrize(("status", "path"), [(401, ENTITY), (403, LINEAGE)])
def test_a_refusal_inside_the_network_is_about_the_role(colour, emulator, status, path):
    """The catalog was reached, so the network is not the cause."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", status, path=path, times=None))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    [finding] = [one for one in proof.findings if one.code == "catalog-unreadable"]
    assert proof.proven is None
    assert "Data Reader" in finding.cause
    assert "network" not in finding.cause + finding.remedy


def test_without_reader_on_the_account_the_finding_names_the_role(colour, emulator):
    """The address of the catalog is unknown, because Reader is missing."""
    spec = ready_spec(colour, emulator)
    emulator.inject(Fault.status("GET", 403, path="*/accounts/*", times=None))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    [finding] = [one for one in proof.findings if one.code == "catalog-unreadable"]
    assert "not allowed to read the account" in finding.cause
    assert "Reader on the Purview account" in finding.remedy


def test_every_activity_has_to_arrive(colour, emulator):
    """A proven activity does not count for one that reported no lineage, or is not in the catalog."""
    spec = ready_spec(colour, emulator)
    for other, lineage in (("Other", "NotReported"), ("Ghost", "Succeeded")):
        run_id = emulator.start_pipeline()
        assert prove(colour, emulator, spec, run_id=run_id).proven is True
        emulator.add_activity_run(run_id=run_id, name=other, lineage_status=lineage)
        proof = prove(colour, emulator, spec, run_id=run_id, timeout=100)
        assert proof.proven is False
        assert "lineage-proven" not in codes(proof)


def test_an_undocumented_status_is_decided_by_the_catalog(colour, emulator):
    """The lineage exists there, with data sets."""
    spec = ready_spec(colour, emulator)
    run_id = emulator.start_pipeline()
    assert prove(colour, emulator, spec, run_id=run_id).proven is True

    def reworded(answer):
        for one in answer.get("value", ()):
            one["output"]["reportLineageToPurview"] = {"status": "Delivered"}
        return answer

    emulator.inject(Fault.rewrite("POST", reworded, path="queryActivityruns", times=None))
    proof = prove(colour, emulator, spec, run_id=run_id)
    assert (proof.proven, states(proof)["reported"]) == (True, "yes")
    assert codes(proof) == {"lineage-status-unknown", "lineage-proven"}


@pytest.mark.parametrize("shown", [None, "yesterday"])
def test_an_entity_without_a_time_leaves_the_proof_open(colour, emulator, shown):
    """It may be from this run or from an earlier one."""
    spec = ready_spec(colour, emulator)

    def timeless(answer):
        answer["entity"]["attributes"]["lastRunTime"] = shown
        return answer

    emulator.inject(Fault.rewrite("GET", timeless, path=ENTITY, times=None))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert (proof.proven, states(proof)["entity"]) == (None, "unknown")
    assert not any("earlier run only" in line for link in proof.links for line in link.evidence)


def test_no_run_is_started_if_the_factory_is_not_connected(colour, emulator):
    """It could not prove anything; the finding has the remedy. An existing run is followed all the same."""
    spec = spec_for(emulator)
    colour.run(emulator, lambda client: client.disconnect(spec))
    proof = prove(colour, emulator, spec, pipeline="pl_copy")
    assert (proof.proven, proof.run_id) == (False, None)
    assert codes(proof) == {"not-connected"}
    assert "connect" in proof.findings[0].remedy
    assert not [one for one in emulator.writes if one.path.endswith("/createRun")]
    followed = prove(colour, emulator, spec, run_id=emulator.start_pipeline())
    assert states(followed)["run"] == "yes"
    assert "not-connected" in codes(followed)


def test_no_run_is_started_if_the_factory_is_connected_elsewhere(colour, emulator):
    """An existing run is looked up once, because no more lineage can arrive."""
    ready_spec(colour, emulator)
    other = spec_for(emulator, account=emulator.add_account("other1"))
    proof = prove(colour, emulator, other, pipeline="pl_copy")
    assert (proof.proven, codes(proof), proof.run_id) == (False, {"connected-elsewhere"}, None)
    run_id = emulator.start_pipeline()
    followed = prove(colour, emulator, other, run_id=run_id)
    assert "connected-elsewhere" in codes(followed)
    assert followed.seconds < 400


@pytest.mark.parametrize(("path", "link"), [("queryActivityruns", "yes"), ("/pipelineruns/", "unknown")])
@pytest.mark.parametrize("status", [403, 500])
def test_an_unreadable_run_is_a_finding(colour, emulator, path, link, status):
    """The finding names a missing right or a failure, not a pipeline without lineage."""
    spec = ready_spec(colour, emulator)
    run_id = emulator.start_pipeline()
    assert prove(colour, emulator, spec, run_id=run_id).proven is True
    emulator.inject(Fault.status("*", status, path=path, times=None))
    proof = prove(colour, emulator, spec, run_id=run_id)
    assert (proof.proven, states(proof)["run"], codes(proof)) == (None, link, {"run-unreadable"})
    [finding] = proof.findings
    assert str(status) in finding.cause
    assert ("Data Factory Contributor" if status == 403 else "Repeat the proof") in finding.remedy


@pytest.mark.parametrize(
    "parameters", [{"a": object()}, {"a": float("nan")}, {"a": [float("inf")]}, {"a": {1, 2}}, {1: "x"}]
)
def test_parameters_that_are_not_json_are_refused(colour, emulator, parameters):
    """No request is sent."""
    before = emulator.request_count
    with pytest.raises(InvalidSpec, match="parameters"):
        prove(colour, emulator, spec_for(emulator), pipeline="pl_copy", parameters=parameters)
    assert emulator.request_count == before


def test_parameters_are_sent(colour, emulator):
    """Any JSON value is accepted."""
    spec = ready_spec(colour, emulator)
    given = {"a": [1, 2.5, None, True], "b": {"c": "d"}}
    assert prove(colour, emulator, spec, pipeline="pl_copy", parameters=given).proven is True
