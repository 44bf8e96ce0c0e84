"""What machines send each other: orders and answers as JSON, packed from logic number 4 on.

Machines of a deployment that is under way have different versions. So a field that this version does not know is
ignored in an answer, and the orchestration goes on as if it were not there. A spec is different: a field of it that a
worker does not know asks for something that the worker cannot do, so the worker leaves the factory to another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._model.results import Report
from purview_mpe.durable._packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe.durable._engine import Json


#: What an approver has to know of an endpoint.
_IDS = {"name", "group_id", "resource_id", "private_endpoint_id", "result"}


def sealed(message: Mapping[str, Any]) -> Json:
    """The order or answer, packed."""
    return {"packed": packed([message])}


def opened(message: Mapping[str, Any]) -> Json:
    """The order or answer, which may be packed.

    Raises:
        TypeError, ValueError: what is packed is something else.
    """
    if "packed" not in message:
        return dict(message)
    [whole] = unpacked(message["packed"])
    return dict(whole)


def subject_of(report: Report, accounts: list[Json]) -> Json:
    """A factory whose connections are to be decided: ids instead of a report, if every id is known.

    `accounts` collects the accounts that the factories of an order share.
    """
    endpoints = [outcome for outcome in report.outcomes if outcome.subject == "endpoint"]
    spec = report.spec.model_dump(mode="json", exclude_defaults=True)
    if not endpoints or not all(outcome.private_endpoint_id for outcome in endpoints):
        return {"spec": spec}
    account = None if report.account is None else report.account.model_dump(mode="json", exclude_defaults=True)
    if account is not None and account not in accounts:
        accounts.append(account)
    return {
        "spec": spec,
        "account": None if account is None else accounts.index(account),
        "endpoints": [outcome.model_dump(mode="json", include=_IDS) for outcome in endpoints],
    }


def report_about(subject: Json, accounts: Sequence[Json]) -> Report:
    """The report that a subject stands for: it has what an approver has to know."""
    index = subject["account"]
    return Report.model_validate(
        {
            "verb": "create_all",
            "spec": subject["spec"],
            "account": None if index is None else accounts[index],
            "outcomes": subject["endpoints"],
        }
    )
