"""Findings about the Purview account: what it shows, and its firewall."""

from __future__ import annotations

from purview_mpe._rules.findings.kind import Kind

ACCOUNT_MISSING = Kind(
    link="Account",
    code="account-missing",
    severity="error",
    message="The Purview account does not exist: {account}.",
    cause="It was deleted, or its id is misspelt.",
    remedy="Check the id: az purview account show --ids {account}",
    meaning="The account that the spec names, or that the factory is connected to, does not exist.",
    why="It was deleted, or its id is misspelt.",
    fix="Check the id with `az purview account show --ids …`. `delete_all` can only delete the account's own endpoint "
    "then, because its other targets are unknown.",
)
ACCOUNT_MISSING_IN_TAKEDOWN = ACCOUNT_MISSING.said(
    "Only the account endpoint can be deleted: the account {name!r} does not exist, so its other targets are unknown.",
    cause="",
    remedy="Check the id; for an account that was deleted, client.orphans(account) lists what is left.",
    severity="warning",
)
ACCOUNT_UNREADABLE = Kind(
    link="Account",
    code="account-unreadable",
    severity="warning",
    message="Only the account endpoint can be planned: this caller is not allowed to read {name!r}.",
    cause="Without Reader on the Purview account, its managed resources cannot be read.",
    remedy="Ask an owner of the account for the role Reader: az role assignment create --role Reader --assignee YOU "
    "--scope {account}",
    meaning="Only the `account` endpoint can be planned.\n"
    "A spec whose `groups` do not include `account` is refused with `unsupported-setup`: nothing could be planned.",
    fix="Ask an owner for Reader; the finding holds the command.",
)
ACCOUNT_HIDDEN = ACCOUNT_UNREADABLE.said(
    "Only the account endpoint can be planned: this sign-in cannot see the subscription of {name!r}.",
    cause="The subscription belongs to another tenant or cloud, or its id is misspelt.",
    remedy="{remedy}",
)
SHAPE_UNKNOWN = Kind(
    link="Account",
    code="shape-unknown",
    severity="error",
    message="It is not known which ingestion endpoints the account needs.",
    cause="The account shows neither a managed storage account nor an ingestion storage.",
    remedy="Check the account with az purview account show; if you need the account endpoint alone, set Spec.groups "
    "to ('account',).",
    meaning="It is not known which ingestion endpoints the account needs.",
    why="The account is still being created, or shows neither a managed storage account nor an ingestion storage.",
    fix='Wait and repeat; if you need the `account` endpoint alone, set `Spec.groups` to `("account",)`.',
)
SHAPE_UNKNOWN_WHILE_CREATING = SHAPE_UNKNOWN.said(
    SHAPE_UNKNOWN.message,
    cause="The account is still being created.",
    remedy="Wait until the account is created, then try again.",
)
ACCOUNT_CHANGING = Kind(
    link="Account",
    code="account-changing",
    severity="warning",
    message="The account {name!r} is in the state {state}, so it might not show all of its resources yet.",
    cause="It is being created, changed or moved. Azure shows the resources of a new account one after the other.",
    remedy="Plan again once the account's state is Succeeded: az purview account show --ids {account}",
    meaning="The account is being created, changed or moved, so it might not show all of its resources yet.\n"
    "Endpoints to the resources that it shows are planned; an endpoint may be missing from the plan.",
    why="Azure shows the resources of a new account one after the other, the namespace last. A change of tags shows "
    "the same state for up to a minute.",
    fix="Plan again once the account's state is `Succeeded`; `create_all` creates what is missing and keeps the rest.",
)
ACCOUNT_LEAVING = Kind(
    link="Account",
    code="account-leaving",
    severity="error",
    message="The account {name!r} is in the state {state}: it is being deleted, or is deleted already.",
    cause="Its owner deleted it. Endpoints to it stop working, and new ones will not work.",
    remedy="Ask the account's owner. If the deletion is intended, connect the factory to another account; "
    "client.orphans(account) lists what is left.",
    meaning="The account is being deleted, or is deleted already and not removed yet.",
    why="Its owner deleted it.",
    fix="Ask the account's owner; if the deletion is intended, connect the factory to another account.",
)
ACCOUNT_FAILED = Kind(
    link="Account",
    code="account-failed",
    severity="warning",
    message="The account {name!r} is in the state {state}: Azure did not finish its creation or last change.",
    cause="Azure gave up, or the operation was canceled. Some of the account's resources may be missing.",
    remedy="Look at the account in the portal and repeat its last change: az purview account show --ids {account}",
    meaning="Azure did not finish the creation or the last change of the account, so some of its resources may be "
    "missing.",
    why="Azure gave up, or the operation was canceled; the evidence has Azure's reason if there is one.",
    fix="Look at the account in the portal, and repeat its last change.",
)
TWO_STORAGES = Kind(
    link="Account",
    code="two-storages",
    severity="warning",
    message="The account has a managed storage account and an ingestion storage; the endpoints go to the ingestion "
    "storage.",
    remedy="Do nothing if lineage arrives; otherwise set Spec.groups and create the endpoints to the managed storage "
    "account yourself.",
    meaning="The account has a managed storage account and an ingestion storage; endpoints go to the ingestion "
    "storage.",
    why="Azure documents no such account, so this library infers which of the two counts.",
    fix="Do nothing if lineage arrives; otherwise create endpoints to the managed storage account yourself.",
)
UNEXPECTED_ID = Kind(
    link="Account",
    code="unexpected-id",
    severity="warning",
    message="{field} is not the id of a {wanted}, so it is not a target.",
    remedy="Look at the account's properties with az purview account show; if the field should be a target, report it "
    "to Microsoft.",
    meaning="A property of the account that should hold the id of a storage account or namespace holds something else, "
    "so it is not a target.",
    why="Unknown; a sample in Azure's own specification shows a resource group there.",
    fix="Look at the account with `az purview account show`; if the property should be a target, report it to "
    "Microsoft.",
)
FLAGS_DISAGREE = Kind(
    link="Account",
    code="flags-disagree",
    severity="warning",
    message="Two flags of the account disagree about public ingestion; the stricter one counts.",
    remedy="Set both to the same value on the account's Networking page, under Firewall.",
    meaning="Two properties disagree about public ingestion; the stricter one counts.",
    why="The portal stores its one setting in several properties, and other tools can set them separately.",
)
FIREWALL_OPEN = Kind(
    link="Account",
    code="firewall-open",
    severity="info",
    message="The account {name!r} accepts all networks, so lineage needs no private endpoint.",
    remedy="Apply the plan if you mean to close the firewall; otherwise there is nothing to do.",
    meaning="The account accepts all networks, so lineage needs no private endpoint.",
    why="Its firewall setting.",
)
UNSUPPORTED_SETUP = Kind(
    link="Account",
    code="unsupported-setup",
    severity="error",
    message="{refusal}",
    remedy="{remedy}",
    meaning="The account does not allow what the spec asks for, for example a group id that it does not offer.",
    why="In most cases `Spec.groups`.",
    fix="Leave `Spec.groups` at None to follow the account.",
)
