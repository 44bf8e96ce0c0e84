"""What callers get: JSON, with a status that a script can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe import Account, Plan, Report, Status
    from purview_mpe.errors import PurviewMpeError

#: Which status an error becomes; it is the app that could not do it, so nothing of Azure's is passed on as 401 or 403.
_STATUS = {
    "invalid-spec": 500,
    "invalid-credential": 500,
    "plan-conflict": 409,
    "unsupported-setup": 409,
    "throttled": 503,
    "azure-unavailable": 503,
    "no-answer": 503,
}


def answered(work: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """The answer that the work gives, or what kept it from giving one."""
    from purview_mpe.errors import PurviewMpeError  # noqa: PLC0415 - cold starts pay for what is imported

    try:
        return work()
    except PurviewMpeError as error:
        return refused(error)


def shown(noun: Account | Plan | Status) -> func.HttpResponse:
    """What was read."""
    return _json(noun.model_dump_json())


def reported(report: Report) -> func.HttpResponse:
    """What was done.

    200 done, or a dry run of it · 202 not finished in the time an HTTP request has (repeat it) · 403 a person with more
    rights has to do the rest · 409 nothing could be done, or it is not known what has to be · 502 something failed
    """
    status = _status_of(report)
    return _json(report.model_dump_json(), status=status, headers={"Retry-After": "30"} if status == 202 else None)


def _status_of(report: Report) -> int:
    failed = {outcome.result for outcome in report.failures}
    if failed == {"timed-out"}:
        return 202
    if failed - {"timed-out", "ambiguous"}:
        return 502
    results = {outcome.result for outcome in report.outcomes}
    if "handed-off" in results:
        return 403
    is_foretold = any(result.startswith("would-") for result in results)
    return 200 if report.complete or (is_foretold and not failed and report.all_known) else 409


def refused(error: PurviewMpeError) -> func.HttpResponse:
    """Why nothing was done."""
    from purview_mpe import ErrorDetail  # noqa: PLC0415 - cold starts pay for what is imported

    return _json(ErrorDetail.of(error).model_dump_json(), status=_STATUS.get(error.code, 502))


def bad_request(message: str, *, status: int = 400) -> func.HttpResponse:
    """What is wrong with the request."""
    return func.HttpResponse(message, status_code=status, mimetype="text/plain")


def _json(body: str, *, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype="application/json")
