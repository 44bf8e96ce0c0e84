"""One factory's way through an orchestration: what several activities reported, merged into one report.

Each activity reads Azure first and does what is missing, so the second one reports `kept` for what the first reported
as `created`. The merged report says what the orchestration as a whole did.

A report of `onboard` also has the factory's identity, connection and role, which only a submission works on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._flows.steps.fleet_reports import failed
from purview_mpe._model.results import FAILURES, ErrorDetail, Identity, Outcome, Report, Result, Subject, Verb, identity
from purview_mpe._model.spec import Spec
from purview_mpe._rules.findings.factory import DATA_CURATOR_LEFT_OUT
from purview_mpe._wire.curator_hand_off import apart, joined
from purview_mpe.errors import NoAnswer, NotApproved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: What an outcome is about, and whether it reports the creation (0) or the approval of the connection (1).
Key: TypeAlias = tuple[Subject, Identity, int]

_WRITTEN: frozenset[Result] = frozenset({"created", "replaced", "approved", "enabled", "connected", "granted"})
_FOUND: frozenset[Result] = frozenset(
    {"kept", "replaced", "already-approved", "already-enabled", "already-connected", "already-granted"}
)
_APPROVED: frozenset[Result] = frozenset({"approved", "already-approved"})
#: What is settled once a factory is submitted: later looks are about what Azure creates in the factory.
SUBMITTED: frozenset[Subject] = frozenset({"identity", "connection", "data-curator"})
#: Codes of failures that may have passed by the next look.
_PASSING = frozenset({NoAnswer.code, "throttled", "azure-unavailable"})


@dataclass
class Course:
    """What is known about one factory."""

    spec: Spec
    approve: bool
    verb: Verb = "create_all"
    is_open: bool = True
    """Whether another look may change something."""
    is_submitted: bool = False
    """Whether everything that has to be written has been written; until then each call is one more submission, which
    reports what it wrote and what it found."""
    tries: int = 0
    """How often an activity was asked in vain since the last answer."""
    _written: dict[Key, Result] = field(default_factory=dict[Key, Result])
    _reported: Report | None = None
    _unread: Mapping[str, Any] | None = None
    """The JSON of what was reported, until something reads it: most turns do not."""

    @property
    def reported(self) -> Report | None:
        """What was reported so far."""
        if self._reported is None and self._unread is not None:
            self._reported = Report.model_validate({**self._unread, "spec": self.spec})
        return self._reported

    def to_json(self) -> dict[str, object]:
        """What the next turn has to know, as short as possible."""
        return {
            "spec": spec_of(self.spec),
            "report": report_of(self._reported) if self._reported else self._unread,
            "open": self.is_open,
            "submitted": self.is_submitted,
            "tries": self.tries,
            "written": [[subject, *about, kind, result] for (subject, about, kind), result in self._written.items()],
        }

    @classmethod
    def of_json(cls, state: Mapping[str, Any], *, approve: bool, verb: Verb) -> Course:
        """What `to_json` gave."""
        spec = Spec.model_validate(state["spec"])
        return cls(
            spec,
            approve,
            verb,
            is_open=state["open"],
            is_submitted=state["submitted"],
            tries=state["tries"],
            _written={
                (subject, (target, group), kind): result for subject, target, group, kind, result in state["written"]
            },
            _unread=state["report"],
        )

    def ask_again(self, why: str, tries: int) -> None:
        """Note that no activity answered; a later one finds what was done. After so many tries, the factory failed."""
        so_far = self.tries + 1
        if so_far >= tries or not self.is_submitted:
            self.take(unanswered(self.spec, why, approve=self.approve, verb=self.verb), waited=self.is_submitted)
        self.tries = so_far
        self.is_open = so_far < tries

    @property
    def made(self) -> list[list[str]]:
        """The identities of the endpoints that this orchestration created, as JSON."""
        return [list(about) for subject, about, kind in self._written if subject == "endpoint" and kind == 0]

    @property
    def report(self) -> Report:
        """What has been done so far, merged into one report."""
        return self.reported or unanswered(self.spec, "It was not begun.", approve=self.approve, verb=self.verb)

    @property
    def is_broken(self) -> bool:
        """Whether an endpoint that this orchestration created is now a conflict: Azure could not finish it."""
        if self._reported is None and not any(each["result"] == "conflict" for each in self._outcomes_unread):
            return False
        return any(
            outcome.group_id is not None and outcome.result == "conflict" and key in self._written
            for key, outcome in _keyed(self.reported.outcomes if self.reported else ())
        )

    @property
    def _outcomes_unread(self) -> Sequence[Mapping[str, Any]]:
        return [] if self._unread is None else self._unread.get("outcomes", [])

    def take(self, report: Report | None, *, waited: bool) -> None:
        """Merge an activity's report; `waited` says whether the activity looked at an earlier submission.

        None means that nothing is new: the factory still waits for Azure.
        """
        self.tries = 0
        if report is None:
            return
        was_broken = self.is_broken
        news = dict(_keyed(report.outcomes))
        for key, outcome in news.items():
            if outcome.result in _WRITTEN:
                self._written.setdefault(key, outcome.result)
            elif is_sent(outcome):
                self._written.setdefault(key, "approved")
        self.is_open = any(map(_may_pass, news.values())) or (
            not waited and any(one.group_id and one.result not in FAILURES for one in news.values())
        )
        self.is_submitted = any(one.group_id for one in news.values()) and not any(
            (one.result == "failed" or one.subject in SUBMITTED) and _may_pass(one) for one in news.values()
        )
        whole = any(_is_whole(outcome, self.spec) for outcome in news.values())
        earlier = dict(_keyed(self.reported.outcomes)) if self.reported else {}
        left = {
            key: outcome
            for key, outcome in earlier.items()
            if not _is_whole(outcome, self.spec)
            # Looks do not report the role.
            and (whole or key in news or outcome.subject == "data-curator" or outcome.result not in FAILURES)
        }
        outcomes = {key: self._continued(key, outcome) for key, outcome in (left | news).items()}
        in_order = sorted(outcomes, key=_place)
        has_role = any(outcome.subject == "data-curator" for outcome in outcomes.values())
        self._reported = report.model_copy(
            update={
                "spec": self.spec,
                "account": report.account or (self.reported.account if self.reported else None),
                "hand_off": self._hand_off(report),
                "outcomes": tuple(outcomes[key] for key in in_order),
                # A look leaves out the role, although an earlier submission may have given it.
                "warnings": tuple(
                    one for one in report.warnings if not (has_role and one.code == DATA_CURATOR_LEFT_OUT.code)
                ),
            }
        )
        # Look once more, and show the worker what this orchestration created: a conflict after that is a real one.
        self.is_open = self.is_open or (self.is_broken and not was_broken)

    def _hand_off(self, report: Report) -> str | None:
        """What is left for others: the latest text for the endpoints and the latest for the role."""
        owners, administrator = apart(self.reported.hand_off if self.reported else None)
        new_owners, new_administrator = apart(report.hand_off)
        has_endpoints = any(outcome.group_id for outcome in report.outcomes)
        has_role = any(outcome.subject == "data-curator" for outcome in report.outcomes)
        return joined(new_owners if has_endpoints else owners, new_administrator if has_role else administrator)

    def _continued(self, key: Key, outcome: Outcome) -> Outcome:
        written = self._written.get(key)
        if written is None or outcome.result not in _FOUND:
            return outcome
        return outcome.model_copy(update={"result": written})


@dataclass
class Decision:
    """What became of one factory's connections."""

    created: Report
    decided: Report | None = None
    """The latest answer; None until an activity has answered."""
    is_open: bool = True
    tries: int = 0
    is_found: bool = True
    """Whether `created` is known. Where reports stay with other pages, the endpoints have to be found first."""

    def to_json(self) -> dict[str, object]:
        """What the next turn has to know, as short as possible."""
        decided = self.decided
        return {
            "spec": spec_of(self.created.spec),
            "report": report_of(self.created) if self.is_found else None,
            "decided": None if decided is None else report_of(decided),
            "open": self.is_open,
            "tries": self.tries,
        }

    @classmethod
    def of_json(cls, state: Mapping[str, Any]) -> Decision:
        """What `to_json` gave, or the state of a `Course` that is over."""
        spec = Spec.model_validate(state["spec"])
        is_found = state["report"] is not None
        created = (
            Report.model_validate({**state["report"], "spec": spec})
            if is_found
            else unanswered(spec, "It was not begun.", approve=True, verb="approve")
        )
        if "decided" not in state:
            return cls(created, is_open=not is_found or asks_for_approval(created), is_found=is_found)
        decided = None if state["decided"] is None else Report.model_validate({**state["decided"], "spec": spec})
        return cls(created, decided, state["open"], state["tries"], is_found)

    @property
    def subject(self) -> Report:
        """What the approver is asked about: the endpoints that exist."""
        existing = tuple(outcome for outcome in self.created.outcomes if outcome.result != "absent")
        return self.created.model_copy(update={"outcomes": existing})

    @property
    def is_pending(self) -> bool:
        """Whether it has an endpoint whose connection is not approved, or may have one."""
        if not self.is_found:
            return True
        return asks_for_approval(self.created) and (self.decided is None or not is_approved(self.decided))

    @property
    def is_complete(self) -> bool:
        """Whether every endpoint that the spec wants was found, and its connection is approved."""
        if not self.is_found or self.decided is None:
            return False
        is_absent = any(outcome.result == "absent" for outcome in self.created.outcomes)
        return not is_absent and with_decisions(self.created, self.decided).complete

    def find(self, report: Report, tries: int) -> None:
        """Take what was found; if it may be readable by the next time, it is tried again, so many times in all."""
        self.tries += 1
        if self.tries < tries and any(map(_may_pass, report.outcomes)):
            return
        self.created, self.is_found, self.tries = report, True, 0
        self.is_open = asks_for_approval(report)
        if not report.succeeded:
            self.decided = report

    def take(self, report: Report, tries: int) -> None:
        """Take an activity's answer; what may have passed by the next time is tried again, so many times."""
        sent = {each.identity for each in (self.decided.outcomes if self.decided else ()) if is_sent(each)}
        outcomes = tuple(
            each.model_copy(update={"result": "approved"})
            if each.identity in sent and each.result == "already-approved"
            else each
            for each in report.outcomes
        )
        self.decided = report.model_copy(update={"spec": self.created.spec, "outcomes": outcomes})
        self.tries += 1
        self.is_open = self.tries < tries and any(map(_may_pass, outcomes))


def is_sent(outcome: Outcome) -> bool:
    """Whether an approval was sent, and the time ran out before the target showed it."""
    return outcome.result == "timed-out" and outcome.matched_by is not None


def report_of(report: Report) -> dict[str, object]:
    """The JSON of a report without its spec, as short as possible."""
    return report.model_dump(mode="json", exclude_defaults=True, exclude={"spec"})


def spec_of(spec: Spec) -> dict[str, object]:
    """The JSON of a spec, as short as possible."""
    return spec.model_dump(mode="json", exclude_defaults=True)


def unanswered(spec: Spec, why: str, *, approve: bool, verb: Verb) -> Report:
    """The report for a factory about which no worker reported anything."""
    error = NoAnswer(
        f"No worker reported what became of the factory {spec.factory_id.name!r}. {why}",
        remedy="Start the fleet again: it reads Azure first and does only what is missing.",
    )
    return failed(spec, error, approve=approve, verb=verb)


def asks_for_approval(report: Report) -> bool:
    """Whether there is an endpoint whose connection can be approved."""
    return any(outcome.group_id and outcome.result in _WRITTEN | _FOUND for outcome in report.outcomes)


def is_approved(report: Report) -> bool:
    """Whether every connection in an approver's report is approved."""
    return all(outcome.result in _APPROVED for outcome in report.outcomes)


def with_decisions(created: Report, decided: Report) -> Report:
    """A factory's whole report: what was made, and what became of the connections."""
    outcomes = dict(_keyed((*created.outcomes, *decided.outcomes)))
    _, administrator = apart(created.hand_off)
    return created.model_copy(
        update={
            "outcomes": tuple(outcomes[key] for key in sorted(outcomes, key=_place)),
            "hand_off": joined(decided.hand_off, administrator),
            "approval_asked": True,
            "account": created.account or decided.account,
        }
    )


def settled(created: Report, decided: Report | None, why: str) -> Report:
    """A factory's whole report at the end of a fleet; `why` says why nothing was approved, and is empty otherwise."""
    if decided is None:
        # What asked for approval then is not there any more, or the fleet was stopped before it was looked at.
        return created.model_copy(update={"approval_asked": True}) if asks_for_approval(created) else created
    return undecided(created, decided, why) if why else with_decisions(created, decided)


def approved(created: Report) -> Report:
    """A factory's whole report if each connection that can be approved were."""
    outcomes = tuple(
        outcome.model_copy(update={"result": "approved"})
        for outcome in created.outcomes
        if outcome.group_id and outcome.result in _WRITTEN | _FOUND
    )
    return with_decisions(created, Report(verb="approve", spec=created.spec, outcomes=outcomes))


def undecided(created: Report, looked: Report, why: str) -> Report:
    """A factory's whole report without an approval: what is pending is left to the owners of the targets."""
    error = ErrorDetail.of(
        NotApproved(why, remedy="Approve with approve_many(report), or follow the report's hand_off.")
    )
    outcomes = tuple(
        outcome.model_copy(update={"result": "handed-off", "error": error})
        if outcome.result == "would-approve"
        else outcome
        for outcome in looked.outcomes
    )
    left = with_decisions(created, looked.model_copy(update={"outcomes": outcomes}))
    if all(outcome.result in _APPROVED for outcome in outcomes):
        return left
    owners, administrator = apart(created.hand_off)
    return left.model_copy(update={"hand_off": joined(owners or looked.hand_off, administrator)})


def _keyed(outcomes: Sequence[Outcome]) -> Iterator[tuple[Key, Outcome]]:
    """Outcomes with their keys: the outcomes of one endpoint come in the order of the work."""
    seen: Counter[tuple[Subject, Identity]] = Counter()
    for outcome in outcomes:
        about = outcome.subject, outcome.identity
        yield (*about, seen[about]), outcome
        seen[about] += 1


def _place(key: Key) -> int:
    """The part of a report that an outcome belongs to: what is made, the approvals, the role."""
    subject, _, kind = key
    return 2 if subject == "data-curator" else kind


def _is_whole(outcome: Outcome, spec: Spec) -> bool:
    """Whether the outcome is about the factory as a whole, because nothing was begun there."""
    return outcome.subject == "endpoint" and outcome.identity == identity(spec.factory, None)


def _may_pass(outcome: Outcome) -> bool:
    if outcome.result == "handed-off":
        return False  # another person has to do it, whatever kept this caller from it
    return outcome.result == "timed-out" or (outcome.error is not None and outcome.error.code in _PASSING)
