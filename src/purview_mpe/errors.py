"""Everything this library raises.

    PurviewMpeError
    ├── InvalidSpec          (ValueError)  an argument, spec or file breaks a rule; nothing was sent
    ├── InvalidCredential    (TypeError)   the credential cannot be used with this client; nothing was sent
    ├── PlanConflict                       the plan holds conflicts; nothing was written
    ├── UnsupportedSetup                   the account or factory does not allow what was asked; nothing was written
    ├── AzureError                         Azure answered with an error
    │   ├── AccessDenied                   not signed in, or a role is missing
    │   ├── NotFound                       the resource does not exist
    │   ├── Throttled                      too many requests, and waiting did not help
    │   ├── PolicyDenied                   an Azure Policy forbids it
    │   ├── Locked                         a resource lock forbids it
    │   └── AzureUnavailable               Azure is ill, or something between answered in its place
    ├── NoAnswer                           no answer came; what was asked may or may not have happened
    ├── ProvisioningFailed                 Azure accepted an endpoint and then could not make it
    ├── NotApproved                        a connection is not approved, or may not be approved by us
    ├── WaitTimedOut                       the time given ran out; Azure may still finish
    ├── InternalError                      a bug of this library; what was written stands in the report
    └── ReportFailed                       raised by `Report.raise_for_failures()`

Each has `code` (stable, kebab-case), `message` (what was attempted and what came back) and `remedy` (what to do
next, starting with a verb). Where Azure answered, `status`, `azure_code`, `request_id` and `correlation_id` say how.
No error holds a request, a response or a token, so each may be logged and pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Plan, Report

#: A fleet can have thousands of failures; its report holds them all.
_SHOWN_FAILURES = 50
#: Characters that a list in a message can have. Tables of jobs and queues of workers hold texts of at most 64 KiB in
#: UTF-16 (docs: "Understanding the Table service data model", "Azure Queue storage limits"), and a character can take
#: four bytes.
_LONGEST_LIST = 14_000
_LONGEST_ENTRY = 2_000

__all__ = [
    "AccessDenied",
    "AzureError",
    "AzureUnavailable",
    "InternalError",
    "InvalidCredential",
    "InvalidSpec",
    "Locked",
    "NoAnswer",
    "NotApproved",
    "NotFound",
    "PlanConflict",
    "PolicyDenied",
    "ProvisioningFailed",
    "PurviewMpeError",
    "ReportFailed",
    "Throttled",
    "UnsupportedSetup",
    "WaitTimedOut",
]


def listed(entries: Iterable[str], most: int = _SHOWN_FAILURES) -> str:
    """The entries on indented lines, as many as are short enough to be kept with the error, and how many are left."""
    lines: list[str] = []
    length = left = 0
    for entry in entries:
        line = f"\n  {entry if len(entry) <= _LONGEST_ENTRY else entry[:_LONGEST_ENTRY] + '…'}"
        if left or len(lines) == most or length + len(line) > _LONGEST_LIST:
            left += 1
        else:
            lines.append(line)
            length += len(line)
    return "".join(lines) + (f"\n  … and {left} more" if left else "")


class PurviewMpeError(Exception):
    """Something this library could not do; the base of all its errors.

    Attributes:
        message: What was attempted and what came back.
        remedy: What to do next; starts with a verb.
        status: The HTTP status, where Azure answered.
        azure_code: Azure's own error code, where it gave one.
        request_id: Azure's id of the request, for a support case.
        correlation_id: The id under which Azure logged the operation.
        retry_after: Seconds after which the same request may succeed: 0 where Azure named no time, None where waiting
            does not help.
    """

    code: ClassVar[str] = "error"
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        status: int | None = None,
        azure_code: str | None = None,
        request_id: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        message = _whole(message)
        super().__init__(message)
        self.message = message
        self.remedy = _whole(remedy)
        self.status = status
        self.azure_code = None if azure_code is None else _whole(azure_code)
        self.request_id = request_id
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        return f"{self.message}\n  What to do: {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle their positional arguments alone; ours have keywords.
        return _rebuild, (type(self), self.__dict__.copy())


def _whole(text: str) -> str:
    """The text without half characters: JSON's escapes and file names can hold them, and no file takes them."""
    return text.encode("utf-8", "replace").decode()


def _rebuild(cls: type[PurviewMpeError], state: dict[str, Any]) -> PurviewMpeError:
    error = cls.__new__(cls, state["message"])
    error.__dict__.update(state)
    return error


class InvalidSpec(PurviewMpeError, ValueError):
    """An argument, a spec or a file breaks a rule; nothing was sent, or at least nothing was written.

    Attributes:
        problems: One `(field, rule and example)` pair per wrong field.
    """

    code = "invalid-spec"

    def __init__(
        self,
        what: str,
        problems: list[tuple[str, str]],
        *,
        remedy: str = "Correct the fields above; nothing was sent to Azure.",
    ) -> None:
        self.problems = problems
        lines = listed((f"{field}: {rule}" for field, rule in problems), most=len(problems))
        super().__init__(f"{what} is not valid:{lines}", remedy=remedy)


class InvalidCredential(PurviewMpeError, TypeError):
    """The credential cannot be used with this client; nothing was sent."""

    code = "invalid-credential"


class PlanConflict(PurviewMpeError):
    """The plan holds conflicts; nothing was written.

    Attributes:
        plan: The plan, whose `conflict` steps each carry a reason and a remedy.
    """

    code = "plan-conflict"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        conflicts = plan.conflicts
        lines = "".join(f"\n  ! {step.name}: {step.reason}\n    {step.remedy}" for step in conflicts)
        count = "1 conflict" if len(conflicts) == 1 else f"{len(conflicts)} conflicts"
        super().__init__(
            f"The plan has {count}, so nothing was written:{lines}",
            remedy="Resolve each conflict as said beside it, then plan again.",
        )


class UnsupportedSetup(PurviewMpeError):
    """The account or the factory does not allow what was asked; nothing was written."""

    code = "unsupported-setup"


class AzureError(PurviewMpeError):
    """Azure answered with an error that has no class of its own."""

    code = "azure-error"


class AccessDenied(AzureError):
    """The caller is not signed in, or lacks a role."""

    code = "access-denied"


class NotFound(AzureError):
    """The resource does not exist."""

    code = "not-found"


class Throttled(AzureError):
    """Azure asked for fewer requests, and the waits that were allowed did not suffice."""

    code = "throttled"


class PolicyDenied(AzureError):
    """An Azure Policy assignment forbids the operation."""

    code = "policy-denied"


class Locked(AzureError):
    """A resource lock forbids the operation."""

    code = "locked"


class AzureUnavailable(AzureError):
    """Azure failed on its own side, or something in between answered in its place."""

    code = "azure-unavailable"


class NoAnswer(PurviewMpeError):
    """No answer came; what was asked may or may not have happened."""

    code = "no-answer"


class ProvisioningFailed(PurviewMpeError):
    """Azure accepted an endpoint and then could not make it."""

    code = "provisioning-failed"


class NotApproved(PurviewMpeError):
    """A connection is not approved, or this caller may not approve it."""

    code = "not-approved"


class WaitTimedOut(PurviewMpeError):
    """The time given ran out; Azure may still finish what was asked."""

    code = "wait-timed-out"


class InternalError(PurviewMpeError):
    """The library broke one of its own rules: a bug; what was written before stands in the report."""

    code = "internal-error"


class ReportFailed(PurviewMpeError):
    """A report holds failures; raised by `Report.raise_for_failures()`.

    Attributes:
        report: The whole report: what was done stands in it, too.
    """

    code = "report-failed"

    def __init__(self, report: Report | FleetReport) -> None:
        self.report = report
        failures = report.named_failures
        lines = listed(
            f"{name}: {outcome.result}"
            + (f": {outcome.error.message}\n    {outcome.error.remedy}" if outcome.error else "")
            for name, outcome in failures
        )
        super().__init__(
            f"{len(failures)} of {len(report.outcomes)} steps did not succeed:{lines}",
            remedy="Remove each cause as said beside it and repeat the call: what is done already is kept.",
        )
