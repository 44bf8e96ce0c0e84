"""One vocabulary of marks and words for every state, in a terminal, a notebook, a picture and the documentation.

A state has a mark (a symbol, a colour role and a kind of line), a word for people, and a meaning. All faces take them
from here, so a state looks the same everywhere. Symbols are ASCII, so that every terminal can print them. Colour and
line only repeat what symbol and word say.

A new state is one more line in its table. A test compares each table with the type that lists its states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.matrix import RuntimeKind
    from purview_mpe._model.results import (
        Action,
        ConnectionList,
        Firewall,
        Result,
        Severity,
        Shape,
        Subject,
        Verdict,
    )

Role: TypeAlias = Literal["good", "new", "attention", "bad", "faint"]
"""What a colour means. `new` was created and may still need an approval; `good` needs nothing more."""
Line: TypeAlias = Literal["solid", "thin", "dashed", "dotted", "cut", "none"]
"""How a picture draws the line from an endpoint to its target."""
Answer: TypeAlias = Literal["yes", "no", "unknown"]

#: The meaning of each symbol; no symbol has two.
SYMBOLS: Mapping[str, str] = {
    "+": "as it should be, or will be after the run",
    "=": "as it was before",
    "~": "deleted and created again, or will be",
    "-": "removed, or will be",
    "!": "needs attention: something is in the way, or may go wrong",
    "x": "failed, refused, or no",
    ">": "waits for another person",
    "*": "under way: Azure is working on it",
    "?": "not known",
    "i": "worth knowing",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is shown."""

    symbol: str
    role: Role
    line: Line


@dataclass(frozen=True, slots=True)
class Word:
    """What a state is called, how it is shown, and what it means."""

    text: str
    """For people. If the state is also a value in JSON, this is usually that value, so that it can be searched for."""
    mark: Mark
    meaning: str
    """For the documentation; Markdown without a full stop."""
    advice: str = ""
    """What to do about it; empty if there is nothing to do."""

    @property
    def is_left(self) -> bool:
        """True if it still has to be done, by another person or by a run that writes."""
        return self.mark in {WAITING, TO_ADD, TO_TAKE, TO_REMAKE}


DONE = Mark("+", "good", "solid")
NEW = Mark("+", "new", "dashed")
TO_ADD = Mark("+", "attention", "dotted")
SAME = Mark("=", "faint", "thin")
SETTLED = Mark("=", "good", "solid")
NEVER_THERE = Mark("=", "faint", "none")
REMADE = Mark("~", "new", "dashed")
TO_REMAKE = Mark("~", "attention", "dotted")
REMOVED = Mark("-", "good", "none")
CLOSED = Mark("-", "attention", "cut")
TO_TAKE = Mark("-", "attention", "dotted")
MISSING = Mark("!", "bad", "none")
IN_THE_WAY = Mark("!", "bad", "cut")
WARNED = Mark("!", "attention", "dashed")
FAILED = Mark("x", "bad", "cut")
UNFINISHED = Mark("x", "bad", "dotted")
WAITING = Mark(">", "attention", "dashed")
WORKING = Mark("*", "attention", "dotted")
AMBIGUOUS = Mark("?", "bad", "cut")
UNKNOWN = Mark("?", "attention", "thin")
NOTED = Mark("i", "faint", "thin")

ACTIONS: Mapping[Action, Word] = {
    "create": Word("to create", NEW, "it is missing, and will be created"),
    "keep": Word("kept", SAME, "it exists and works, whatever its name"),
    "replace": Word("to replace", TO_REMAKE, "it is broken, and may be deleted and created again"),
    "conflict": Word("in conflict", IN_THE_WAY, "something is in the way, so the plan is not carried out"),
}

RESULTS: Mapping[Result, Word] = {
    "created": Word("created", NEW, "created by this run"),
    "kept": Word("kept", SAME, "it already existed"),
    "replaced": Word("replaced", REMADE, "deleted and created again"),
    "approved": Word("approved", DONE, "the connection was approved by this run"),
    "already-approved": Word("already-approved", SETTLED, "it was already approved"),
    "rejected": Word("rejected", CLOSED, "the connection was rejected by this run"),
    "deleted": Word("deleted", REMOVED, "Azure no longer lists it"),
    "absent": Word("absent", NEVER_THERE, "it did not exist"),
    "connected": Word("connected", DONE, "the factory was connected to the account"),
    "already-connected": Word("already-connected", SETTLED, "it was already connected"),
    "disconnected": Word("disconnected", REMOVED, "the factory's connection to the account was removed"),
    "enabled": Word("enabled", DONE, "the factory's system-assigned managed identity was switched on"),
    "already-enabled": Word("already-enabled", SETTLED, "it was already switched on"),
    "granted": Word(
        "granted",
        DONE,
        "the factory's identity was made Data Curator on the root collection, and reading the policy confirmed it",
    ),
    "already-granted": Word("already-granted", SETTLED, "it was already Data Curator"),
    "revoked": Word("revoked", REMOVED, "the factory's identity is not Data Curator any more"),
    "handed-off": Word(
        "handed-off", WAITING, "this caller is not allowed to decide it; the report's `hand_off` says who can, and how"
    ),
    "ambiguous": Word("ambiguous", AMBIGUOUS, "several connections match the endpoint, so none was changed"),
    "conflict": Word("conflict", IN_THE_WAY, "something is in the way, so the step was skipped"),
    "failed": Word("failed", FAILED, "Azure refused, or could not do it; `error` says why"),
    "timed-out": Word("timed-out", UNFINISHED, "timed out; Azure may still finish"),
    "would-approve": Word("would-approve", TO_ADD, "a dry run: it would be approved"),
    "would-reject": Word("would-reject", TO_TAKE, "a dry run: it would be rejected"),
    "would-delete": Word("would-delete", TO_TAKE, "a dry run: it would be deleted"),
    "would-create": Word("would-create", TO_ADD, "a dry run: it would be created"),
    "would-replace": Word("would-replace", TO_REMAKE, "a dry run: it would be deleted and created again"),
    "would-connect": Word("would-connect", TO_ADD, "a dry run: the factory would be connected"),
    "would-disconnect": Word("would-disconnect", TO_TAKE, "a dry run: the connection would be removed"),
    "would-enable": Word("would-enable", TO_ADD, "a dry run: the identity would be switched on"),
    "would-grant": Word("would-grant", TO_ADD, "a dry run: the role would be given"),
    "would-revoke": Word("would-revoke", TO_TAKE, "a dry run: the role would be removed"),
}

VERDICTS: Mapping[Verdict, Word] = {
    "ready": Word("ready", DONE, "approved, as far as can be seen"),
    "pending": Word(
        "pending",
        WAITING,
        "the owner of the target has not decided",
        "Have the owner of each target approve its connection.",
    ),
    "provisioning": Word(
        "provisioning",
        WORKING,
        "Azure is still creating it",
        "Wait: this takes some minutes, and Azure continues without you.",
    ),
    "rejected": Word(
        "rejected",
        FAILED,
        "the target's owner rejected or removed the connection",
        "Ask the owner of the target why, then call create_all with Spec(replace_broken=True).",
    ),
    "stale": Word(
        "stale",
        IN_THE_WAY,
        "the factory says Approved, but the target does not",
        "Ask the owner of the target to approve it; if that is not possible, call delete_all and then create_all.",
    ),
    "wrong-target": Word(
        "wrong-target",
        IN_THE_WAY,
        "an endpoint to another target has the name",
        "Choose another base name, or delete the endpoint that has the name.",
    ),
    "missing": Word("missing", MISSING, "the endpoint does not exist", "Create it with create_all."),
    "failed": Word(
        "failed",
        FAILED,
        "Azure could not create it",
        "Call create_all with Spec(replace_broken=True), which deletes the endpoint and creates it again.",
    ),
}

SEVERITIES: Mapping[Severity, Word] = {
    "error": Word("error", FAILED, "lineage does not arrive, or the plan cannot be carried out"),
    "warning": Word("warning", WARNED, "something may go wrong, or goes wrong in part"),
    "info": Word("info", NOTED, "worth knowing"),
}

SUBJECTS: Mapping[Subject, str] = {
    "endpoint": "a managed private endpoint, or its connection on the target",
    "managed-network": "the factory's managed virtual network",
    "runtime": "an integration runtime of the factory",
    "identity": "the factory's system-assigned managed identity",
    "connection": "the factory's connection to the Purview account",
    "data-curator": "the identity's role Data Curator on the root collection",
    "private-endpoint": "a private endpoint of your own, or its connection on the target",
    "dns-zone": "a private DNS zone",
    "dns-link": "the link of your virtual network to a private DNS zone",
    "dns-zone-group": "what writes the addresses of a private endpoint of your own into its DNS zones",
}

#: The short form of a subject, for rows about several of one name; an endpoint has its group id instead.
KINDS: Mapping[Subject, str] = {
    "managed-network": "(network)",
    "runtime": "(runtime)",
    "identity": "(identity)",
    "connection": "(connection)",
    "data-curator": "(role)",
    "dns-zone": "(zone)",
    "dns-link": "(link)",
    "dns-zone-group": "(records)",
}

#: Whether something is so.
ANSWERS: Mapping[Answer, Word] = {
    "yes": Word("yes", DONE, "it does"),
    "no": Word("no", FAILED, "it does not"),
    "unknown": Word("unknown", UNKNOWN, "this caller cannot see it"),
}
#: Whether the private endpoints that a self-hosted integration runtime needs exist.
OWN: Mapping[Answer, str] = {"yes": "there", "no": "missing", "unknown": "not seen"}
#: Whether lineage arrives through an integration runtime.
SUPPORT: Mapping[Answer, Word] = {
    "yes": Word("supported", DONE, "the support matrix says so"),
    "no": Word("not supported", FAILED, "the support matrix says so"),
    "unknown": Word("unknown", UNKNOWN, "nothing is documented, or the account's firewall setting cannot be read"),
}
#: Whether a connection or an endpoint is an orphan.
ORPHANED: Mapping[bool, Word] = {
    True: Word("yes", WARNED, "the other side is gone"),
    False: Word("perhaps", UNKNOWN, "the other side cannot be read"),
}

SHAPES: Mapping[Shape, str] = {
    "A": "A: managed storage and managed Event Hubs",
    "B": "B: managed storage, no managed Event Hubs",
    "C": "C: ingestion storage, no managed Event Hubs",
    "D": "D: ingestion storage and managed Event Hubs",
    "E": "E: two storages, of which the ingestion storage counts",
    "F": "F: its ingestion resources cannot be seen",
}
FIREWALLS: Mapping[Firewall, tuple[str, str]] = {
    "enabled-from-all-networks": ("enabled from all networks", "every network may reach the account"),
    "disabled-for-ingestion-only": (
        "disabled for ingestion only",
        "ingestion takes private endpoints, the rest is open",
    ),
    "disabled-from-all-networks": ("disabled from all networks", "everything takes private endpoints"),
}
CONNECTION_LISTS: Mapping[ConnectionList, str] = {
    "account": "the Purview account",
    "storage": "the managed storage account",
    "namespace": "the managed Event Hubs namespace",
    "ingestion": "the Purview account, on behalf of its ingestion storage",
}
RUNTIME_KINDS: Mapping[RuntimeKind, str] = {
    "azure": "an Azure integration runtime outside the managed virtual network",
    "azure-managed-vnet": "an Azure integration runtime inside it",
    "self-hosted": "a machine of your own",
    "ssis": "for SSIS packages; the matrix has nothing about it",
}

#: While a verb runs: a step that has not ended.
UNDER_WAY = Word("under way", WORKING, "it has not ended")


def answer(value: bool | None) -> Answer:
    """The answer for a field whose None means "cannot be seen"."""
    return "unknown" if value is None else "yes" if value else "no"
