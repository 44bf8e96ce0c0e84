"""Findings about recent pipeline runs: where they ran, and what they reported."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

RUNS_UNREADABLE = Kind(
    link="Runs",
    code="runs-unreadable",
    severity="info",
    message="The recent pipeline runs were not checked.",
    cause="The request for them failed, so it is not known whether any pipeline ran.",
    remedy="{remedy}",
    meaning="The recent pipeline runs were not checked.",
    why="Microsoft's page on roles says that a Reader can monitor a factory, but some factories required more, see "
    "[Permissions](permissions.md). Or the request failed, or its answer held no list.",
    fix="Ask for the actions that the finding names, or do without the runs; after a failed request, repeat the call.",
)
RUNS_FORBIDDEN = RUNS_UNREADABLE.said(
    RUNS_UNREADABLE.message,
    cause="Microsoft's page on roles says that a Reader can monitor a factory, but some factories required two more "
    "actions (docs of this library, permissions).",
)
RUNS_PARTLY_UNREADABLE = Kind(
    link="Runs",
    code="runs-partly-unreadable",
    severity="info",
    message="The activities of some pipeline runs could not be read.",
    remedy="Repeat the call; if it happens again, look at those runs in Data Factory Studio, Monitor.",
    meaning="The activities of some runs could not be read.",
    why="In most cases a temporary failure.",
)
NO_RECENT_RUNS = Kind(
    link="Runs",
    code="no-recent-runs",
    severity="info",
    message="No pipeline ran in the time that was checked.",
    remedy="Run a pipeline with a Copy or Data Flow activity, or look further back with since=.",
    meaning="No pipeline ran in the time that was checked.",
    why="No run was started, or only Debug runs, which Azure does not list.",
)
NO_LINEAGE_ACTIVITIES = Kind(
    link="Runs",
    code="no-lineage-activities",
    severity="info",
    message="None of the {runs} pipeline runs has an activity that reports lineage.",
    cause="Only Copy, Data Flow and Execute SSIS Package activities do.",
    remedy="Run a pipeline with such an activity, or look further back with since=.",
    meaning="None of the runs has an activity that reports lineage.",
)
RAN_OUTSIDE_THE_NETWORK = Kind(
    link="Runs",
    code="ran-outside-the-network",
    severity="error",
    message="{activities} in {scope} ran on an integration runtime outside the managed virtual network.",
    cause="The account's firewall is closed, so a runtime outside the network cannot reach it; the linked services of "
    "these activities name such a runtime, or no runtime.",
    remedy="Let the linked services and data flows of these activities name a runtime in the managed virtual network "
    "(connectVia){inside}, then run the pipeline again.",
    meaning="Activities ran on an integration runtime outside the managed virtual network, and their lineage did not "
    "arrive.",
    fix="Let their linked services name a runtime in the managed virtual network (`connectVia`), then run the pipeline "
    "again.",
)
ACTIVITIES_NOT_SUCCEEDED = Kind(
    link="Runs",
    code="activities-not-succeeded",
    severity="info",
    message="{activities} in {scope} did not succeed, or has not ended.",
    cause="Only an activity that succeeds reports lineage, so these show nothing about it.",
    remedy="Look at the activities in Data Factory Studio, Monitor, and run the pipeline again once they work.",
    meaning="Activities failed, were cancelled or are still running.",
)
LINEAGE_ARRIVES = Kind(
    link="Runs",
    code="lineage-arrives",
    severity="info",
    message="{activities} in {scope} reported lineage.",
    remedy="Do nothing; if you do not see it in Purview, look under the root collection.",
    meaning="Activities reported lineage.",
    why="Everything works.",
)
LINEAGE_FAILED = Kind(
    link="Runs",
    code="lineage-failed",
    severity="error",
    message="{activities} in {scope} could not report lineage.",
    cause="The runtime could not reach Purview, or Purview refused the factory's identity; such an activity still "
    "succeeds, but takes up to two minutes longer.",
    remedy="Fix the findings above first; if there are none, check that the factory's managed identity is Data Curator "
    "on the account's root collection.",
    meaning="Activities could not report lineage.",
)
LINEAGE_NOT_REPORTED = Kind(
    link="Runs",
    code="lineage-not-reported",
    severity="warning",
    message="{activities} in {scope} had no lineage to report.",
    cause="Source, sink or transformation is not supported for lineage, or the activity failed earlier.",
    remedy="Compare source and sink with Microsoft's list of supported stores (How to connect Azure Data Factory and "
    "Microsoft Purview).",
    meaning="Activities had no lineage to report.",
)
LINEAGE_SILENT = Kind(
    link="Runs",
    code="lineage-silent",
    severity="warning",
    message="{activities} in {scope} says nothing about lineage.",
    cause="The factory was not connected to a Purview account when it ran.",
    remedy="Connect the factory, then run the pipeline again.",
    meaning="Activities say nothing about lineage.",
)
LINEAGE_STATUS_UNKNOWN = Kind(
    link="Runs",
    code="lineage-status-unknown",
    severity="warning",
    message="{activities} in {scope} ended with a lineage status that is not documented.",
    remedy="Look at the activities in Data Factory Studio, Monitor, under Lineage status.",
    meaning="Activities ended with a lineage status that is not documented.",
    why="Azure uses a status that this library does not know.",
)
