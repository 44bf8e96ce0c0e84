"""The activities, which workers run: JSON in, JSON out. What Azure refuses is in the report that comes back.

Each activity reads Azure first and does only what is missing, so an engine may run it twice. An order that comes packed
is answered packed. This module is imported when the first activity runs, because it loads pydantic.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe._flows.steps.fleet_reports import failed
from purview_mpe._model.arm_id import folded
from purview_mpe._model.results import Outcome, Report
from purview_mpe._model.spec import Spec
from purview_mpe._model.states import is_final, is_provisioned
from purview_mpe.durable._messages import opened, report_about, sealed
from purview_mpe.durable._packing import packed
from purview_mpe.durable._progress import SUBMITTED, is_sent, unanswered
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from purview_mpe._client.client import Client
    from purview_mpe._model.fleets import FactoryStatus
    from purview_mpe._model.results import Account, Identity, Verb
    from purview_mpe.durable._engine import Json

    Activity: TypeAlias = Callable[[Callable[[], Client], Mapping[str, Any]], Json]

#: Seconds that a look waits for endpoints that are nearly done; longer waits happen in the orchestration, where they
#: occupy no worker.
_LOOK = 3.0
#: Seconds after which an activity returns what it has: well below the five minutes for which a function may run.
_AT_MOST = 200.0
#: Replaces a hand-off text that was not requested. A report needs some text, because `onboard` is not complete while
#: something is left for others.
_LEFT = "Something is left for others: start the fleet with hand_off=True, and this says what and for whom.\n"
#: The most letters of an error's message; the next number applies if the packed answer still has more bytes for each
#: factory than the last number says, because a page's message holds several copies of every answer.
_LONGEST_ERRORS, _LONGEST_ANSWER = (1_000, 500, 200), 2_200
_CUT = "… (cut here)"
#: Seconds to wait for connections to appear; their endpoints were requested minutes ago.
_APPEAR = 60.0


def _packing(activity: Activity) -> Activity:
    @wraps(activity)
    def carried(client: Callable[[], Client], order: Mapping[str, Any]) -> Json:
        answer = activity(client, opened(order))
        return sealed(answer) if "packed" in order else answer

    return carried


@_packing
def create(client: Callable[[], Client], order: Mapping[str, Any]) -> Json:
    """Create the endpoints of some factories: submit without waiting, or look at what Azure has done since."""
    approve, wait = bool(order["approve"]), bool(order["wait"])

    def work(specs: Sequence[Spec], seconds: float) -> Sequence[Report]:
        return _created(client(), specs, approve=approve, wait=wait, seconds=seconds)

    reports = _made(client, order, work, "create_all")
    return _shown(reports, order, with_account=not wait, waiting_is_news=not order["brief"])


@_packing
def onboard(client: Callable[[], Client], order: Mapping[str, Any]) -> Json:
    """Onboard some factories: submit without waiting, or look at what Azure has done since.

    A single write to an account's policy gives the role to the identities of all factories in the order.
    """
    approve, grant, wait = bool(order["approve"]), bool(order["grant"]), bool(order["wait"])

    def work(specs: Sequence[Spec], seconds: float) -> Sequence[Report]:
        timeout = min(_LOOK, seconds) if wait else seconds
        fleet = client().onboard_many(
            specs, approve=approve, grant=grant, wait=wait, timeout=timeout, stop_after=seconds
        )
        return fleet.reports

    reports = _made(client, order, work, "onboard")
    if not order["hand_off"]:
        reports = [report.model_copy(update={"hand_off": _LEFT if report.hand_off else None}) for report in reports]
    return _shown(
        reports, {**order, "hand_off": True}, with_account=bool(order["account"]), waiting_is_news=not order["brief"]
    )


def _made(
    client: Callable[[], Client],
    order: Mapping[str, Any],
    work: Callable[[Sequence[Spec], float], Sequence[Report]],
    verb: Verb,
) -> Sequence[Report]:
    """What `work` did for the factories of an order; failed endpoints that this orchestration created are replaced."""
    approve = bool(order["approve"])
    specs = [Spec.model_validate(factory["spec"]) for factory in order["factories"]]
    made = [{(str(target), str(group)) for target, group in factory.get("made", ())} for factory in order["factories"]]

    def healed(seconds: float) -> Sequence[Report]:
        reports = work(specs, seconds)
        return [_healed(client(), *each, approve=approve) for each in zip(reports, made, strict=True)]

    return _told(healed, order, specs, verb, approve=approve)


@_packing
def approve(client: Callable[[], Client], order: Mapping[str, Any]) -> Json:
    """Approve the connections of these factories, or in a dry run report what would be approved."""
    accounts = order["accounts"]
    subjects = [
        report_about(factory, accounts) if "endpoints" in factory else Spec.model_validate(factory["spec"])
        for factory in order["factories"]
    ]
    decided = _told(
        lambda seconds: (
            client().approve_many(subjects, dry_run=bool(order["dry_run"]), timeout=min(_APPEAR, seconds)).reports
        ),
        order,
        [subject.spec if isinstance(subject, Report) else subject for subject in subjects],
        "approve",
        approve=True,
    )
    return _shown(decided, order, with_account=False, waiting_is_news=True)


@_packing
def find(client: Callable[[], Client], order: Mapping[str, Any]) -> Json:
    """The existing endpoints of some factories, as reports in which each is `kept` or `absent`; writes nothing."""
    specs = [Spec.model_validate(factory["spec"]) for factory in order["factories"]]
    found = _told(lambda _seconds: _found(client(), specs), order, specs, "approve", approve=True)
    return _shown(found, {**order, "hand_off": False}, with_account=True, waiting_is_news=True)


def _found(client: Client, specs: Sequence[Spec]) -> Sequence[Report]:
    statuses = client.status_many(specs).factories
    ids = {folded(each.status.account): each.status.account for each in statuses if each.status}
    accounts = {key: _account(client, account) for key, account in ids.items()}
    return [_as_found(each, accounts) for each in statuses]


def _account(client: Client, account: str) -> Account | None:
    """The account, for an approver that is not allowed to read it; None if this client is not allowed to either."""
    try:
        return client.discover(account)
    except PurviewMpeError:
        return None


def _as_found(member: FactoryStatus, accounts: Mapping[str, Account | None]) -> Report:
    spec, status = member.spec, member.status
    if status is None:
        outcome = Outcome(name=spec.name, resource_id=spec.factory, result="failed", error=member.error)
        return Report(verb="approve", spec=spec, outcomes=(outcome,), approval_asked=True)
    return Report(
        verb="create_all",
        spec=spec,
        account=accounts[folded(status.account)],
        outcomes=tuple(
            Outcome(
                name=endpoint.name,
                group_id=endpoint.group_id,
                resource_id=endpoint.resource_id,
                private_endpoint_id=endpoint.private_endpoint_id,
                result="kept" if is_provisioned(endpoint.provisioning_state or "") else "absent",
            )
            for endpoint in status.endpoints
        ),
    )


def _created(client: Client, specs: Sequence[Spec], *, approve: bool, wait: bool, seconds: float) -> Sequence[Report]:
    timeout = min(_LOOK, seconds) if wait else seconds
    return client.create_many(specs, approve=approve, wait=wait, timeout=timeout, stop_after=seconds).reports


def _healed(client: Client, report: Report, made: set[Identity], *, approve: bool) -> Report:
    """Create an endpoint again if an earlier activity created it and Azure could not finish it; one at a time.

    Storage runs one private endpoint operation at a time (public code), so an operation on another endpoint can make
    this one fail. The plan reports a conflict, as for a broken endpoint of another caller. This endpoint cannot have
    been used yet, so replacing it is safe. An endpoint whose target is full is not replaced, because it would fail
    again, nor is one whose connection was rejected or disconnected: that was a person's decision.
    """
    broken = {outcome.identity for outcome in report.outcomes if outcome.result == "conflict"}
    if not broken & made:
        return report
    try:
        status = client.status(report.spec)
    except PurviewMpeError:
        return report
    failures = [
        endpoint.group_id
        for endpoint in status.endpoints
        if endpoint.verdict == "failed" and endpoint.identity in broken & made and not is_final(endpoint.reason)
    ]
    if not failures:
        return report
    again = report.spec.model_copy(update={"groups": tuple(failures[:1]), "replace_broken": True})
    [healed] = _created(client, [again], approve=approve, wait=True, seconds=_LOOK)
    about = {outcome.identity for outcome in healed.outcomes}
    others = [one for one in report.outcomes if one.identity not in about]
    return report.model_copy(update={"outcomes": (*others, *healed.outcomes), "account": healed.account})


def _told(
    work: Callable[[float], Sequence[Report]],
    order: Mapping[str, Any],
    specs: Sequence[Spec],
    verb: Verb,
    *,
    approve: bool,
) -> Sequence[Report]:
    """What `work` did in the time that is left until the order's deadline."""
    left = (datetime.fromisoformat(order["until"]) - datetime.now(UTC)).total_seconds()
    if left <= 0:
        # The orchestration may have asked another worker by now.
        return [unanswered(spec, "A worker came to it too late.", approve=approve, verb=verb) for spec in specs]
    try:
        return work(min(_AT_MOST, left))
    except PurviewMpeError as error:
        # For example, no sign-in: the same error for every factory.
        return [failed(spec, error, approve=approve, verb=verb) for spec in specs]


def _shown(reports: Sequence[Report], order: Mapping[str, Any], *, with_account: bool, waiting_is_news: bool) -> Json:
    """The reports as JSON, as short as possible."""
    left_out = {
        name for name, is_wanted in (("hand_off", order["hand_off"]), ("account", with_account)) if not is_wanted
    }
    answer: Json = {
        "reports": [
            report.model_dump(mode="json", exclude_defaults=True, exclude=left_out)
            if waiting_is_news or not _is_waiting(report)
            else None
            for report in reports
        ]
    }
    _shorten_errors(answer)
    return answer


def _shorten_errors(answer: Json) -> None:
    """Cut long error messages, the more the longer the answer is."""
    outcomes = (each for report in filter(None, answer["reports"]) for each in report.get("outcomes", ()))
    errors = [each["error"] for each in outcomes if each.get("error")]
    for most in _LONGEST_ERRORS if errors else ():
        for error in errors:
            if len(message := error["message"]) > most + len(_CUT):
                error["message"] = message[:most] + _CUT
        if len(packed([answer])) <= _LONGEST_ANSWER * len(answer["reports"]):
            break


def _is_waiting(report: Report) -> bool:
    """Whether Azure is still creating the endpoints, and there is nothing else to report."""
    results = {outcome.result for outcome in report.outcomes if outcome.subject not in SUBMITTED}
    if any(map(is_sent, report.outcomes)):
        return False
    return "timed-out" in results and results <= {"timed-out", "kept", "absent", "already-approved"}
