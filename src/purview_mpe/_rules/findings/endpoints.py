"""Findings about managed private endpoints: names, existence, and what they point to."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

PLAN_CONFLICT = Kind(
    link="Endpoints",
    code="plan-conflict",
    severity="error",
    message="{name}: {reason}",
    remedy="{remedy}",
    meaning="A step of the plan cannot be carried out at present.",
    why="A name that is taken, a broken endpoint that must not be replaced without your permission, an endpoint that "
    "belongs to the service, or a target without room.",
    fix="Do what the finding says; the step's `remedy` says the same.",
)
NAME_MAY_BE_TOO_LONG = Kind(
    link="Endpoints",
    code="name-may-be-too-long",
    severity="warning",
    message="{warning}",
    remedy="Choose a shorter base name if Azure refuses it.",
    meaning="The private endpoint behind an endpoint will be called `<factory>.<endpoint>`, in more than 64 "
    "characters.",
    why="Azure documents 64 characters for such names; what it does with longer ones is unknown.",
)
PORTAL_NEEDS_THE_BROWSER = Kind(
    link="Endpoints",
    code="portal-needs-the-browser",
    severity="warning",
    message="A managed private endpoint for 'portal' does not help people who search from the browser.",
    remedy="Create private endpoints for account and portal in the network of the browser instead.",
    meaning="The plan holds a managed endpoint for `portal`, which has no use.",
    why="Searching from Data Factory Studio is traffic of the browser, so the browser's network needs the endpoints.",
)
ENDPOINT_MISSING = Kind(
    link="Endpoints",
    code="endpoint-missing",
    severity="error",
    message="The factory has no endpoint to {names}.",
    cause="{cause}",
    remedy="Create it: client.create_all(spec), then have it approved: client.approve(spec).",
    meaning="The factory has no endpoint to some target.",
    why="It was never created, or was deleted.",
    fix="[`create_all`](verbs/create_all.md), then [`approve`](verbs/approve.md).",
)
EVENT_HUBS_ENABLED_LATER = Kind(
    link="Endpoints",
    code="event-hubs-enabled-later",
    severity="error",
    message="The account has managed Event Hubs, but the factory has no endpoint to it, although it has the others.",
    cause="{cause}",
    remedy="Create the missing one: client.create_all(spec) keeps the others as they are; then client.approve(spec).",
    meaning="The account has managed Event Hubs, and the factory has all endpoints except that one.",
    why="Managed Event Hubs was enabled after the endpoints were created.",
)
ENDPOINT_WRONG_TARGET = Kind(
    link="Endpoints",
    code="endpoint-wrong-target",
    severity="error",
    message="An endpoint to another target has the name of the endpoint to {names}.",
    cause="{cause}",
    remedy="Choose another base name, or set Spec.names for that group id, and call client.create_all(spec) again.",
    meaning="An endpoint to another target has the name of an endpoint.",
    why="An earlier attempt, or another account with the same base name.",
)
ENDPOINT_PROVISIONING = Kind(
    link="Endpoints",
    code="endpoint-provisioning",
    severity="warning",
    message="Azure is still creating the endpoint to {names}.",
    cause="{cause}",
    remedy="Wait some minutes: client.watch(spec) shows when it is done.",
    meaning="Azure is still creating an endpoint.",
    why="Time.",
    fix="Wait some minutes; [`watch`](verbs/watch.md) shows when it is done.",
)
ENDPOINT_FAILED = Kind(
    link="Endpoints",
    code="endpoint-failed",
    severity="error",
    message="Azure could not create the endpoint to {names}.",
    cause="{cause}",
    remedy="Replace it: client.create_all(spec) with Spec(replace_broken=True), then client.approve(spec).",
    meaning="Azure could not create an endpoint.",
    why="Often two endpoints on one storage account were created at the same moment; sometimes the target is gone.",
)
TARGETS_CHANGED = Kind(
    link="Endpoints",
    code="targets-changed",
    severity="warning",
    message="Some endpoints of the factory point to resources that the account no longer uses.",
    cause="Its managed Event Hubs was switched off, or its ingestion storage was changed.",
    remedy="Create the endpoints that the account needs now (client.create_all(spec)), and delete those above in Data "
    "Factory Studio when nothing else uses them.",
    meaning="Some endpoints of the factory point to resources that the account no longer uses; or some endpoints carry "
    "names of the spec but point to resources that the account does not use.",
    why="Its managed Event Hubs was switched off, or its ingestion storage was changed; or an endpoint of that name "
    "was created for another purpose.",
    fix="[When the account changes](howto/account-changes.md). If only the name is the spec's, find out first what "
    "uses the endpoint, and choose another name if the endpoint has another purpose.",
)
TARGETS_CHANGED_BY_NAME = TARGETS_CHANGED.said(
    "Some endpoints of the factory carry names of this spec but point to resources that the account does not use.",
    cause="The account was changed and no longer uses these resources, or the endpoints were created for another "
    "purpose: a name does not show which.",
    remedy="Find out in Data Factory Studio what uses them, and delete only unused ones; if a name blocks "
    "client.create_all(spec), choose another base name, or set Spec.names for that group id.",
)
