"""The app of the team that owns the Purview account: approves what is provably the factory's, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from provisioning.answers import answered, bad_request, reported
from provisioning.requester import HTTP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.settings import Settings
    from purview_mpe import Client, Report, Spec


class Refused(Exception):
    """A request that this app does not serve."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


def blueprint(settings: Settings, client: Callable[[], Client]) -> func.Blueprint:
    """The functions of the approver."""
    functions = func.Blueprint()  # type: ignore[no-untyped-call]  # azure-functions leaves its constructor untyped

    @functions.function_name("approve")
    @functions.route("approve", trigger_arg_name="request", methods=["POST"])
    def approve(request: func.HttpRequest) -> func.HttpResponse:
        """Approve; `?dry_run=true` only tells what would be approved."""
        dry_run = request.params.get("dry_run", "false")
        if dry_run not in {"true", "false"}:
            return bad_request(f"dry_run is {dry_run!r} and must be true or false")

        def work() -> func.HttpResponse:
            subject = subject_of(settings, request.get_body())
            return reported(client().approve(subject, dry_run=dry_run == "true", timeout=HTTP_SECONDS))

        try:
            return answered(work)
        except Refused as refusal:
            return bad_request(str(refusal), status=refusal.status)

    return functions


def subject_of(settings: Settings, body: bytes) -> Spec | Report:
    """What to approve: the app's own spec, or the requester's report about it.

    Without a body the factory itself tells which private endpoints are its own, for which this app's identity needs
    Reader on the factory. A report is the requester's word for that: a caller that sends one can name any
    private endpoint. It is therefore taken only if the settings say so, and only for this very factory and
    account.

    Raises:
        Refused: the report is not taken.
    """
    from purview_mpe import Report, errors  # noqa: PLC0415 - cold starts pay for what is imported

    own = settings.spec
    if not body:
        return own
    if not settings.accepts_reports:
        raise Refused(
            "This app takes no reports; call it without a body, or set PURVIEW_MPE_ACCEPTS_REPORTS to true.", status=403
        )
    try:
        report = Report.model_validate_json(body)
    except errors.InvalidSpec as error:
        raise Refused(error.message, status=400) from None
    named = {report.spec.account, report.account.id if report.account else None} - {None}
    if not _same(report.spec.factory, own.factory) or not named or not all(_same(one, own.account) for one in named):
        raise Refused("The report is about another factory or another account than this app.", status=403)
    # The library goes by the spec, so it gets the app's own: of the report only the private endpoints are believed.
    return report.model_copy(update={"spec": own})


def _same(one: str | None, other: str | None) -> bool:
    """Azure does not tell letter case apart in ids."""
    return one is not None and other is not None and one.casefold() == other.casefold()
