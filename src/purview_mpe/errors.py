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
    │   └── AzureUnavailable               Azure failed, or something in between answered in its place
    ├── NoAnswer                           no answer came; Azure may or may not have done it
    ├── ProvisioningFailed                 Azure accepted an endpoint and then could not make it
    ├── NotApproved                        a connection is not approved, or this caller is not allowed to approve it
    ├── WaitTimedOut                       timed out; Azure may still finish
    ├── InternalError                      a bug in this library; the report holds what was written
    └── ReportFailed                       raised by `Report.raise_for_failures()`

Each has `code` (stable, kebab-case), `message` (what was attempted and what came back) and `remedy` (what to do
next, starting with a verb). If Azure answered, `status`, `azure_code`, `request_id` and `correlation_id` identify its
answer. No error holds a request, a response or a token, so you can log and pickle each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from purview_mpe._model.shell import in_shell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purview_mpe._model.fleets import FleetReport
    from purview_mpe._model.results import Plan, Report

#: A fleet can have thousands of failures; its report holds them all.
_SHOWN_FAILURES = 50
#: The most characters of a list in a message. Job tables and worker queues in Azure hold texts of at most 64 KiB in
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


#: Codes that occur only in the error of an outcome, never in an exception, with their pages.
OUTCOME_CODES: Mapping[str, str] = {
    "conflict": """\
Something is in the way of this step, so the step was skipped; the other steps went on.

Azure has changed since the plan was made, a name is taken, or an endpoint belongs to the service.

What to do: Follow the remedy, then plan again.""",
    "interrupted": """\
The run was interrupted before this step was known to be done.

Ctrl-C, a cancellation or a signal ended the run. The message says whether anything was sent for this step.

What to do: Repeat the call: it reads Azure first and does only what is missing.""",
}


def listed(entries: Iterable[str], most: int = _SHOWN_FAILURES) -> str:
    """As many entries as fit into an error, each on an indented line, then the number of those left out."""
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
    """The base of all errors of this library: something that it could not do.

    Attributes:
        message: What was attempted and what came back.
        remedy: What to do next; starts with a verb.
        status: The HTTP status, if Azure answered.
        azure_code: Azure's own error code, if it gave one.
        request_id: Azure's id of the request, for a support case.
        correlation_id: The id under which Azure logged the operation.
        retry_after: Seconds after which the same request may succeed: 0 if Azure named no time, None if waiting does
            not help.
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

    @property
    def shell_remedy(self) -> str:
        """What to do next, in the words of the command line."""
        return in_shell(self.remedy)

    def __str__(self) -> str:
        return f"{self.message}\n  What to do: {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle only their positional arguments; these have keyword arguments, too.
        return _rebuild, (type(self), self.__dict__.copy())


def _whole(text: str) -> str:
    """The text without lone surrogates: JSON escapes and file names can hold them, but no file can store them."""
    return text.encode("utf-8", "replace").decode()


def _rebuild(cls: type[PurviewMpeError], state: dict[str, Any]) -> PurviewMpeError:
    error = cls.__new__(cls, state["message"])
    error.__dict__.update(state)
    return error


class InvalidSpec(PurviewMpeError, ValueError):
    """An argument, a spec or a file breaks a rule; nothing was written, and in most cases nothing was sent.

    The message lists every wrong field with the rule that it breaks and an example.

    What to do: Correct the fields that the message names, and repeat the call.

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
    """The credential cannot be used with this client; nothing was sent.

    It has no `get_token`, or it belongs to the other client: `azure.identity` is for `Client`, `azure.identity.aio` for
    `aio.Client`. This error also rejects a credential of your own that does not return a token: a text that cannot be
    sent, or times that are not seconds since 1970.

    What to do: Pass the credential that the message names, or no credential for `DefaultAzureCredential`.
    """

    code = "invalid-credential"


class PlanConflict(PurviewMpeError):
    """The plan holds conflicts; nothing was written.

    A step with a conflict cannot be carried out: a name is taken, a broken endpoint must not be replaced without your
    permission, an endpoint belongs to the service, or a target has no room.

    What to do: Follow the remedy of each step with a conflict, then plan again.

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
            remedy="Follow the remedy beside each conflict, then plan again.",
        )


class UnsupportedSetup(PurviewMpeError):
    """The account or the factory does not allow what was asked; nothing was written.

    The account does not show which endpoints it needs (it is still being created, or hides its storage), it lacks a
    group id that `Spec.groups` asks for, or the spec names no account and the factory is not connected to one.

    What to do: Follow the remedy; for a new account, wait until it is created.
    """

    code = "unsupported-setup"


class AzureError(PurviewMpeError):
    """Azure answered with an error that has no class of its own.

    Azure's code is in `azure_code`. `MissingSubscriptionRegistration` means that the resource provider is not
    registered in the subscription. The library never registers a provider by itself; the remedy holds the command.

    What to do: Correct what Azure's message names, and repeat the call.
    """

    code = "azure-error"


class AccessDenied(AzureError):
    """The caller is not signed in, or lacks a role.

    If the status is 401, or missing because the credential gave no token, the caller is not signed in. If it is 403, a
    role is missing, and the remedy names the role and the scope. A deny assignment on resources that Purview manages
    also raises this error: no role overrides it.

    What to do: Sign in with `az login`, or ask an owner of the scope for the role that the remedy names. A new role
    takes up to ten minutes to work everywhere.
    """

    code = "access-denied"


class NotFound(AzureError):
    """The resource does not exist, or this sign-in is not allowed to know that it does.

    What to do: Check the id and the signed-in tenant: `az resource show --ids …`.
    """

    code = "not-found"


class Throttled(AzureError):
    """Azure asked for fewer requests (429), and the waits that `Retry` allows were not enough.

    Azure counts requests per subscription and sign-in, including the requests of other programs.

    What to do: Wait a few minutes, then repeat the call: what is done already is kept.
    """

    code = "throttled"


class PolicyDenied(AzureError):
    """An Azure Policy assignment forbids the operation.

    Policies that allow private endpoints only from the organisation's own subscriptions always apply here: the
    endpoints of Data Factory come from a subscription of Microsoft's.

    What to do: Ask the owners of the policy for an exemption; the message gives Azure's name for the policy.
    """

    code = "policy-denied"


class Locked(AzureError):
    """A resource lock forbids the operation.

    What to do: Find the lock with `az lock list --resource …`, remove it or have its owner remove it, and repeat the
    call.
    """

    code = "locked"


class AzureUnavailable(AzureError):
    """Azure failed on its own side (5xx), or something in between answered in its place.

    Signs of such an answer are an HTML page, an object in place of a list, a list that never ends, or a link to
    another host.

    What to do: Repeat the call in a few minutes; if the answer is not Azure's, look for a proxy or a sign-in page.
    """

    code = "azure-unavailable"


class NoAnswer(PurviewMpeError):
    """No answer came; Azure may or may not have done what was requested.

    The host was not found, refused the connection, broke it, or took too long. A repeated call looks before it writes.

    What to do: Check the network, the proxy and the firewall for the host that the message names, then repeat the call.
    """

    code = "no-answer"


class ProvisioningFailed(PurviewMpeError):
    """Azure accepted an endpoint and then could not make it.

    Often the cause is that two endpoints on one storage account were created at the same moment. Sometimes the target
    is gone, or a lock or policy stops the private endpoint.

    What to do: Read the reason in the message, then call create_all with Spec(replace_broken=True).
    """

    code = "provisioning-failed"


class NotApproved(PurviewMpeError):
    """A connection is not approved, or this caller is not allowed to approve it.

    The connection does not provably belong to the endpoint, another person made a different decision, or Azure shows
    a state other than the one that was written.

    What to do: Follow the remedy, or give the report's hand-off to the owners of the targets.
    """

    code = "not-approved"


class WaitTimedOut(PurviewMpeError):
    """Timed out; Azure may still finish what was requested.

    What to do: Look again later with status(spec), or repeat the call with a longer timeout.
    """

    code = "wait-timed-out"


class InternalError(PurviewMpeError):
    """The library broke one of its own rules; this is a bug, not a wrong argument.

    The report holds what was written before the error.

    What to do: Report the bug with the text of the error, and repeat the call.
    """

    code = "internal-error"


class ReportFailed(PurviewMpeError):
    """Not everything that you asked for is done; raised by `Report.raise_for_failures()`.

    A step failed, a connection is not approved although you asked for it, a step was handed off (unless you pass
    `hand_off_is_fine=True`), or the account cannot be read or is still being created, so that not every endpoint is
    known.
    The message lists all of these, each with its remedy.

    What to do: Follow each remedy, and repeat the call: what is done already is kept.

    Attributes:
        report: The whole report, including what was done.
    """

    code = "report-failed"

    def __init__(self, report: Report | FleetReport, *, hand_off_is_fine: bool = False) -> None:
        self.report = report
        unfinished = tuple(report.unfinished(hand_off_is_fine=hand_off_is_fine))
        steps = sum(each.state != "unknown" for each in unfinished)
        what = f"{steps} of {len(report.outcomes)} steps did not succeed" if steps else "Not every endpoint is known"
        super().__init__(
            f"{what}:{listed(map(str, unfinished))}",
            remedy="Follow the remedy beside each, and repeat the call: what is done already is kept.",
        )
