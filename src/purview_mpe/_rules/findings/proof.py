"""Findings about one pipeline run and its lineage in Purview's catalog."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind
from purview_mpe._rules.findings.runs import (
    ACTIVITIES_NOT_SUCCEEDED,
    LINEAGE_FAILED,
    LINEAGE_NOT_REPORTED,
    LINEAGE_SILENT,
    LINEAGE_STATUS_UNKNOWN,
    NO_LINEAGE_ACTIVITIES,
    RAN_OUTSIDE_THE_NETWORK,
)

RUN_NOT_SUCCEEDED = Kind(
    link="Runs",
    code="run-not-succeeded",
    severity="error",
    message="The run ended with {status}, so it proves nothing about lineage.",
    cause="Only an activity that succeeds reports lineage.",
    remedy="Look at the run in Data Factory Studio, Monitor; repeat the proof when the pipeline works.",
    meaning="The run that should prove lineage did not succeed.",
)
RUN_NOT_ENDED = Kind(
    link="Runs",
    code="run-not-ended",
    severity="warning",
    message="The run had not ended when the time ran out.",
    remedy="Repeat the proof for this run (run_id) when it has ended.",
    meaning="The run that should prove lineage had not ended when the time ran out.",
    why="A cold runtime in the managed virtual network takes minutes to start.",
)
RUN_UNREADABLE = Kind(
    link="Runs",
    code="run-unreadable",
    severity="warning",
    message="The run cannot be read.",
    cause="{reason}.",
    remedy="{remedy}",
    meaning="The run that should prove lineage, or the list of its activities, cannot be read.",
    why="A role is missing, the run does not exist, or Azure did not answer; the finding says which.",
    fix="Ask for the role Data Factory Contributor on the factory, check the id of the run, or repeat the proof for "
    "this run (`run_id`).",
)
ACTIVITIES_UNREADABLE = RUN_UNREADABLE.said("The activities of the run cannot be read.")
RUNTIME_UNKNOWN = Kind(
    link="Runs",
    code="runtime-unknown",
    severity="warning",
    message="It is not known whether the activities ran on a runtime that can report lineage.",
    cause="The factory does not list the runtime, its runtimes or the account's firewall setting cannot be read, or it "
    "is an SSIS runtime.",
    remedy="Ask for the role Reader on the factory and on the account, then repeat the proof for this run (run_id).",
    meaning="It is not known whether the activities ran on a runtime that can report lineage.",
)
CATALOG_UNREADABLE = Kind(
    link="Runs",
    code="catalog-unreadable",
    severity="info",
    message="This caller cannot see whether the lineage is in Purview.",
    cause="{reason}.",
    remedy="{remedy}",
    meaning="This caller cannot see whether the lineage is in Purview's catalog.",
    why="The caller is outside the account's network, or does not hold Data Reader; or the last answers of the catalog "
    "could not be read. The finding says which.",
    fix="Run this inside the account's network, with the role Data Reader on the root collection; if the catalog did "
    "not answer, repeat the proof for this run (`run_id`).",
)
LINEAGE_NOT_IN_CATALOG = Kind(
    link="Runs",
    code="lineage-not-in-catalog",
    severity="error",
    message="Purview's catalog does not hold the lineage of an activity.",
    cause="It takes minutes, sometimes tens of minutes, until lineage is in the catalog.",
    remedy="Repeat the proof for this run (run_id) later; if that does not help, look for the factory in Purview.",
    meaning="An activity reported lineage, but Purview's catalog does not hold it.",
)
LINEAGE_WITHOUT_RELATIONS = Kind(
    link="Runs",
    code="lineage-without-relations",
    severity="error",
    message="The activity is in Purview's catalog, but nothing ties it to a data set.",
    cause="Data Factory reported an activity without source and sink, or they are stores that Purview does not know.",
    remedy="Compare source and sink with Microsoft's list of supported stores, and check whether both were scanned.",
    meaning="An activity is in Purview's catalog, but nothing ties it to a data set.",
)
LINEAGE_PROVEN = Kind(
    link="Runs",
    code="lineage-proven",
    severity="info",
    message="The lineage of this run is in Purview, tied to data sets.",
    remedy="Do nothing: lineage arrives.",
    meaning="The lineage of a run is in Purview, tied to data sets.",
    why="Everything works.",
)
PROOF_WITHOUT_LINEAGE_ACTIVITIES = NO_LINEAGE_ACTIVITIES.said(
    "No activity of the run reports lineage.",
    remedy="Choose a pipeline with such an activity.",
    severity="warning",
)
PROOF_RAN_OUTSIDE = RAN_OUTSIDE_THE_NETWORK.said(
    "An activity ran on an integration runtime that the account's firewall does not let in.",
    cause="Its linked service names a runtime outside the managed virtual network, or no runtime.",
    remedy="Let the linked services and data flows name a runtime in the managed virtual network (connectVia).",
)
PROOF_NOT_REPORTED = LINEAGE_NOT_REPORTED.said(
    "An activity had no lineage to report.",
    cause="Lineage is dropped for stores that are not supported, and for Copy activities with compression, partition "
    "options, a row limit per file, additional columns, PolyBase or COPY.",
    remedy="Choose a pipeline that copies between supported stores without these options.",
)
PROOF_FAILED = LINEAGE_FAILED.said(
    "An activity could not report its lineage.",
    cause="The runtime could not reach Purview, or Purview refused the factory's identity.",
    remedy="Find the cause: client.diagnose(spec). It can take 15 minutes until a new role or approval works "
    "everywhere.",
)
PROOF_SILENT = LINEAGE_SILENT.said("An activity says nothing about lineage.", severity="error")
PROOF_STATUS_UNKNOWN = LINEAGE_STATUS_UNKNOWN.said(
    "An activity ended with a lineage status that is not documented; only the catalog shows whether lineage arrived."
)
PROOF_NOT_ALL_SUCCEEDED = ACTIVITIES_NOT_SUCCEEDED.said(
    "An activity did not succeed, or has not ended.",
    cause="Only an activity that succeeds reports lineage, so this one shows nothing about it.",
)
