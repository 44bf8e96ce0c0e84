"""Findings about the connections on the targets: decisions, recognition, and room for more."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

APPROVAL_PENDING = Kind(
    link="Approvals",
    code="approval-pending",
    severity="error",
    message="The connection to {names} is not approved yet.",
    cause="{cause}",
    remedy="Approve it: client.approve(spec); without the right to approve, its report holds a text for the owner.",
    meaning="A connection is not approved yet.",
    why="Its owner has to decide.",
    fix="[`approve`](verbs/approve.md); without the right to approve, its report holds a text for the owner.",
)
APPROVAL_REJECTED = Kind(
    link="Approvals",
    code="approval-rejected",
    severity="error",
    message="The connection to {names} was rejected or removed at the target.",
    cause="{cause}",
    remedy="Ask the target's owner why; then client.create_all(spec) with Spec(replace_broken=True), and a new "
    "approval.",
    meaning="A connection was rejected or removed at its target.",
    why="The owner's decision.",
)
APPROVAL_STALE = Kind(
    link="Approvals",
    code="approval-stale",
    severity="error",
    message="The factory shows the connection to {names} as approved, but the target does not.",
    cause="{cause}",
    remedy="Delete the endpoint, call client.create_all(spec), and have it approved: Data Factory does not refresh "
    "the state.",
    meaning="The factory shows a connection as approved, but the target does not.",
    why="The owner changed their mind, and Data Factory does not refresh what it shows after Approved.",
)
MATCHED_BY_NAME = Kind(
    link="Approvals",
    code="matched-by-name",
    severity="warning",
    message="Connections were recognised by name, because the factory cannot be read by this caller.",
    cause="Anyone can give a private endpoint this name. Every target shows exactly one match, all from one resource "
    "group, so a stranger's connection is unlikely but not impossible.",
    remedy="Have the requester run client.status(spec) afterwards, or approve from the requester's report, which has "
    "the exact ids.",
    meaning="Connections were recognised by name, because the factory could not be read.",
    why="Anyone can give a private endpoint this name. Every target shows exactly one match, all from one resource "
    "group, so a stranger's connection is unlikely but not impossible.",
)
TARGETS_UNCONFIRMED = Kind(
    link="Approvals",
    code="targets-unconfirmed",
    severity="warning",
    message="The report names targets that the account {name!r} could not confirm, so they were not touched.",
    cause="Only the account says which storage and namespace it uses: a report is a file that anyone can edit.",
    remedy="Ask for Reader on the account and repeat the call: az role assignment create --role Reader --assignee "
    "YOU --scope {account}",
    meaning="A requester's report names storage or a namespace, and the account could not confirm that it uses them.\n"
    "Their connections are `handed-off`, and nothing was sent to those resources.",
    why="The account cannot be read by this caller, or it is still being created; a report is a file that anyone can "
    "edit.",
    fix="Ask for Reader on the account and repeat the call, or give the hand-off to the owners of the resources in the "
    "evidence.",
)
CONNECTION_AMBIGUOUS = Kind(
    link="Approvals",
    code="connection-ambiguous",
    severity="warning",
    message="It is not clear which connection on the target belongs to {name!r}: {reason}.",
    remedy="Compare the private endpoint ids on the target, and reject connections that were not asked for.",
    meaning="Several connections of a target match an endpoint, so the target's side is known only if all of them are "
    "in one state.",
    why="Private endpoints of the same name; one of them may be a stranger's.",
)
CONNECTIONS_UNATTRIBUTED = Kind(
    link="Approvals",
    code="connections-unattributed",
    severity="info",
    message="{count} connections come from managed virtual networks of Microsoft's services, but do not show which "
    "service; they are not listed.",
    cause="Data Factory, Synapse, Fabric and Purview's own scanning create private endpoints of the same form, and "
    "approving overwrites the description that names the service.",
    remedy="Ask the owners before you remove any of them: each name in the evidence begins with a factory, a Synapse "
    "or Fabric workspace, or a Purview account.",
    meaning="Connections come from managed virtual networks of Microsoft's services, but do not show which "
    "service.\nThey are not reported as orphans of a factory.",
    fix="Ask the owners before you remove any of them: each name begins with a factory, a Synapse or Fabric workspace, "
    "or a Purview account.",
)
TARGET_GONE = Kind(
    link="Approvals",
    code="target-gone",
    severity="error",
    message="The target {target} does not exist.",
    remedy="Plan again: the account may use another resource by now.",
    meaning="A target does not exist.",
    why="It was deleted with its account, or replaced; or it was deleted separately, and the account still names it.",
    fix="Plan again: the account may use another resource by now. If it still names the deleted one, ask Microsoft.",
)
TARGET_GONE_IN_SEARCH = TARGET_GONE.said(
    "The account names {target}, which does not exist.",
    remedy="Ask Microsoft support to check the account: the resource that it ingests through was deleted.",
    severity="warning",
)
TARGET_UNREADABLE = Kind(
    link="Approvals",
    code="target-unreadable",
    severity="info",
    message="The target {target} could not be read, so only the factory's side is shown.",
    remedy="{remedy}",
    meaning="A target could not be read, so only the factory's side is known.",
    why="A role is missing on the target.",
    fix="Ask for Reader there, or rely on the factory, which does not notice changes after Approved.",
)
TARGET_UNREADABLE_IN_SEARCH = TARGET_UNREADABLE.said(
    "The connections of {target} cannot be read, so orphans there are not known.", severity="warning"
)
TARGET_NEARLY_FULL = Kind(
    link="Approvals",
    code="target-nearly-full",
    severity="warning",
    message="{target!r} is nearly full: it has {used} of {limit} private endpoints.",
    cause="Azure allows {limit} private endpoints here, and every factory needs one for each group id.",
    remedy="Remove connections that are no longer used (client.orphans(account) lists them), or connect further "
    "factories to another Purview account.",
    meaning="A storage account or Event Hubs namespace of the Purview account has used at least 80 % of its private "
    "endpoints.",
    why="Azure allows 200 private endpoints per storage account and 120 per Event Hubs namespace; `blob` and `queue` "
    "share one storage account.",
    fix="Remove connections that are no longer used ([`orphans`](verbs/orphans.md) lists them), or connect further "
    "factories to another account.",
)
TARGET_FULL = Kind(
    link="Approvals",
    code="target-full",
    severity="error",
    message="{target!r} has no room for {wanted}: it has {used} of {limit}.",
    cause=TARGET_NEARLY_FULL.cause,
    remedy=TARGET_NEARLY_FULL.remedy,
    meaning="A storage account or Event Hubs namespace has no room for the endpoints to create.\n"
    "Nothing is created until there is room.",
    why=TARGET_NEARLY_FULL.why,
    fix=TARGET_NEARLY_FULL.fix,
)
