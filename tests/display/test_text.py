"""How the nouns print, compared verbatim, because people read the text and paste commands from it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import (
    Account,
    Endpoint,
    EndpointStatus,
    ErrorDetail,
    Event,
    Finding,
    Outcome,
    Plan,
    Report,
    Spec,
    Status,
    Step,
    Target,
)
from purview_mpe._display.text.page import Look, columns
from purview_mpe._display.text.render import render
from purview_mpe._display.text.text import text
from purview_mpe._model import results
from purview_mpe._model.spec import Noun

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
FACTORY = f"{GROUP}/providers/Microsoft.DataFactory/factories/adf-sales"
NETWORK = f"{FACTORY}/managedVirtualNetworks/default"
ACCOUNT = f"{GROUP}/providers/Microsoft.Purview/accounts/contoso"
MANAGED = GROUP.replace("rg1", "managed-rg-contoso")
STORAGE = f"{MANAGED}/providers/Microsoft.Storage/storageAccounts/scanwesteurope123456"
NAMESPACE = f"{MANAGED}/providers/Microsoft.EventHub/namespaces/atlas-cca5a5a1-9e4d-4e3c-9846-d424c17c6279"
SPEC = Spec(factory=FACTORY, account=ACCOUNT, name="purview")
TARGETS = (
    Target(group_id="account", resource_id=ACCOUNT, connections="account"),
    Target(group_id="blob", resource_id=STORAGE, connections="storage"),
    Target(group_id="queue", resource_id=STORAGE, connections="storage"),
    Target(group_id="namespace", resource_id=NAMESPACE, connections="namespace"),
)
PURVIEW = Account(
    id=ACCOUNT,
    name="contoso",
    location="westeurope",
    provisioning_state="Succeeded",
    shape="A",
    firewall="disabled-from-all-networks",
    targets=TARGETS,
    endpoints={"catalog": "https://contoso.purview.azure.com/catalog"},
)
OTHER = Endpoint(
    id=f"{FACTORY}/managedVirtualNetworks/default/managedPrivateEndpoints/sql",
    name="sql",
    group_id="sqlServer",
    resource_id=f"{GROUP}/providers/Microsoft.Sql/servers/prod",
    provisioning_state="Succeeded",
)
DENIED = ErrorDetail(
    code="access-denied",
    message="Could not create the endpoint 'purview_queue': Azure answered 403 (AuthorizationFailed): No.",
    remedy="Ask an owner for the role Data Factory Contributor: az role assignment create --role x --assignee YOU",
    status=403,
    azure_code="AuthorizationFailed",
    request_id="11111111",
    correlation_id="22222222",
)


def step(action: Any, name: str, at: int, reason: str = "No endpoint points there.", remedy: str | None = None) -> Step:
    target = TARGETS[at]
    return Step(
        action=action,
        name=name,
        group_id=target.group_id,
        resource_id=target.resource_id,
        reason=reason,
        remedy=remedy,
    )


def outcome(result: Any, at: int, **fields: Any) -> Outcome:
    target = TARGETS[at]
    name = SPEC.name_of(target.group_id)
    return Outcome(name=name, group_id=target.group_id, resource_id=target.resource_id, result=result, **fields)


def endpoint_status(verdict: Any, at: int, **fields: Any) -> EndpointStatus:
    target = TARGETS[at]
    name = SPEC.name_of(target.group_id)
    return EndpointStatus(
        name=name, group_id=target.group_id, resource_id=target.resource_id, verdict=verdict, **fields
    )


def test_an_account_shows_what_lineage_needs() -> None:
    """Place, shape and firewall in words; one line per target."""
    assert str(PURVIEW) == inspect.cleandoc("""
        Purview account contoso
          account   contoso in rg1, subscription 00000000-0000-0000-0000-000000000001
          location  westeurope
          state     Succeeded
          firewall  disabled from all networks
          shape     A: managed storage and managed Event Hubs
          catalog   https://contoso.purview.azure.com/catalog

        Endpoints that lineage needs
          GROUP      TARGET                                      RESOURCE GROUP
          account    contoso                                     rg1
          blob       scanwesteurope123456                        managed-rg-contoso
          queue      scanwesteurope123456                        managed-rg-contoso
          namespace  atlas-cca5a5a1-9e4d-4e3c-9846-d424c17c6279  managed-rg-contoso
    """)


def test_an_account_that_cannot_be_read_says_so() -> None:
    """Without shape and firewall the table says unknown, and each finding is listed with its remedy."""
    finding = Finding(
        code="account-unreadable",
        severity="warning",
        message="Only the account endpoint can be planned.",
        cause="Without Reader its managed resources cannot be learned.",
        evidence=(f"GET {ACCOUNT}: 403",),
        remedy="Ask an owner of the account for the role Reader: az role assignment create --role Reader",
    )
    account = Account(id=ACCOUNT, name="contoso", warnings=(finding,), retired=(STORAGE,))
    assert str(account) == inspect.cleandoc("""
        Purview account contoso
          account   contoso in rg1, subscription 00000000-0000-0000-0000-000000000001
          firewall  unknown
          shape     unknown: this caller cannot read the account

        No target is known

        Not used for ingestion (any more)
          .../storageAccounts/scanwesteurope123456

        ! warning: Only the account endpoint can be planned.
          Without Reader its managed resources cannot be learned.
          - GET .../accounts/contoso: 403
          What to do: Ask an owner of the account for the role Reader:
            az role assignment create --role Reader
    """)


def test_a_plan_shows_steps_reasons_and_remedies() -> None:
    """Each step has a symbol and a reason; a conflict has its remedy and its effect on the rest."""
    plan = Plan(
        spec=SPEC,
        account=PURVIEW,
        steps=(
            Step(action="create", name="default", resource_id=NETWORK, reason="There is no network."),
            step("create", "purview", 0),
            step("keep", "lineage-blob", 1, "An endpoint exists under the name 'lineage-blob'."),
            step("replace", "purview_queue", 2, "The endpoint 'purview_queue' is Rejected."),
            step("conflict", "purview_namespace", 3, f"The name is taken by {STORAGE} (blob).", "Choose another name."),
        ),
        obsolete=(OTHER,),
        warnings=(Finding(code="firewall-open", severity="info", message="The account accepts all networks."),),
    )
    assert str(plan) == inspect.cleandoc("""
        Plan: 2 to create, 1 kept, 1 to replace, 1 in conflict
          factory   adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
          account   contoso in rg1, subscription 00000000-0000-0000-0000-000000000001
          shape     A: managed storage and managed Event Hubs
          firewall  disabled from all networks

            ENDPOINT           GROUP      TARGET
          + default            (network)  default
          + purview            account    contoso
          = lineage-blob       blob       scanwesteurope123456
          ~ purview_queue      queue      scanwesteurope123456
          ! purview_namespace  namespace  atlas-cca5a5a1-9e4d-4e3c-9846-d424c17c6279

          + default: There is no network.
          + purview: No endpoint points there.
          = An endpoint exists under the name 'lineage-blob'.
          ~ The endpoint 'purview_queue' is Rejected.
          ! purview_namespace: The name is taken by
            .../storageAccounts/scanwesteurope123456 (blob).
            What to do: Choose another name.

          Nothing is written while there is a conflict.

        Obsolete: the account does not use what these lead to; they are left alone
          ENDPOINT  GROUP      STATE      FACTORY SAYS  TARGET
          sql       sqlServer  Succeeded  -             prod

        i info: The account accepts all networks.
    """)


def test_a_plan_without_work_says_so() -> None:
    """A plan has nothing to do if everything is kept, or if it has no step."""
    assert str(Plan(spec=SPEC, account=PURVIEW, steps=(step("keep", "purview", 0),))).startswith(
        "Plan: nothing to do, 1 kept\n"
    )
    assert str(Plan(spec=SPEC, account=PURVIEW, steps=())).startswith("Plan: nothing to do\n")


def test_a_report_shows_outcomes_errors_and_hand_off() -> None:
    """A failure is shown with message and remedy; the hand-off keeps its lines."""
    report = Report(
        verb="create_all",
        spec=SPEC,
        outcomes=(
            outcome("created", 0, seconds=96.2),
            outcome("kept", 1),
            outcome("failed", 2, error=DENIED),
            outcome("timed-out", 3, error=DENIED.model_copy(update={"message": "Too late.", "remedy": "Wait."})),
        ),
        hand_off="Please approve:\n\n  az network private-endpoint-connection approve --id <id>",
        warnings=(Finding(code="x", severity="error", message="Two storages.", remedy="Nothing."),),
    )
    assert str(report) == inspect.cleandoc("""
        create_all: 1 created, 1 kept, 1 failed, 1 timed-out
          factory  adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
          account  contoso in rg1, subscription 00000000-0000-0000-0000-000000000001

            ENDPOINT           GROUP      RESULT     TIME  TARGET
          + purview            account    created    1:36  contoso
          = purview_blob       blob       kept       0:00  scanwesteurope123456
          x purview_queue      queue      failed     0:00  scanwesteurope123456
          x purview_namespace  namespace  timed-out  0:00  atlas-cca5a5a...-d424c17c6279

          x purview_queue: Could not create the endpoint 'purview_queue': Azure answered
            403 (AuthorizationFailed): No.
            What to do: Ask an owner for the role Data Factory Contributor:
              az role assignment create --role x --assignee YOU

          x purview_namespace: Too late.
            What to do: Wait.

        x error: Two storages.
          What to do: Nothing.

        For the owners of the targets
          Please approve:

            az network private-endpoint-connection approve --id <id>
    """)


def test_failures_with_one_remedy_share_it() -> None:
    """Four failures that one role would fix have four messages and one remedy."""
    report = Report(verb="apply", spec=SPEC, outcomes=tuple(outcome("failed", at, error=DENIED) for at in range(4)))
    assert str(report).count("Could not create") == 4
    assert str(report).count("What to do") == 1


def test_a_verbose_report_has_the_ids_for_a_support_case() -> None:
    """Request ids are shown only in the verbose form."""
    report = Report(
        verb="apply",
        spec=SPEC.model_copy(update={"account": None}),
        outcomes=(outcome("failed", 0, error=DENIED),),
        warnings=(Finding(code="a-code", severity="info", message="m"),),
    )
    shown = text(report, Look(verbose=True))
    assert "request id 11111111" not in str(report)
    assert (
        "    code access-denied, status 403, Azure's code AuthorizationFailed, request id\n"
        "    11111111, correlation id 22222222\n"
    ) in shown
    assert "  code: a-code" in shown
    assert "account  contoso" not in shown


def test_an_empty_report_says_that_there_was_nothing_to_do() -> None:
    """A report without outcomes has no table."""
    assert str(Report(verb="apply", spec=SPEC)).splitlines()[0] == "apply: nothing to do"


def test_a_status_gives_a_verdict_in_words_and_symbols() -> None:
    """Endpoints that are not ready are explained below, each reason once, with its remedy."""
    status = Status(
        factory=FACTORY,
        account=ACCOUNT,
        ready=False,
        endpoints=(
            endpoint_status(
                "ready", 0, provisioning_state="Succeeded", connection_status="Approved", target_status="Approved"
            ),
            endpoint_status("pending", 1, provisioning_state="Succeeded", connection_status="Pending", reason="Wait."),
            endpoint_status("pending", 2, provisioning_state="Succeeded", connection_status="Pending", reason="Wait."),
            endpoint_status("missing", 3, reason="There is none."),
        ),
        others=(OTHER,),
        findings=(Finding(code="x", severity="warning", message="Careful."),),
    )
    assert str(status) == inspect.cleandoc("""
        Status: not ready (1 ready, 2 pending, 1 missing)
          factory  adf-sales in rg1, subscription 00000000-0000-0000-0000-000000000001
          account  contoso in rg1, subscription 00000000-0000-0000-0000-000000000001

            ENDPOINT           GROUP      VERDICT  STATE      FACTORY SAYS  TARGET SAYS
          + purview            account    ready    Succeeded  Approved      Approved
          > purview_blob       blob       pending  Succeeded  Pending       -
          > purview_queue      queue      pending  Succeeded  Pending       -
          ! purview_namespace  namespace  missing  -          -             -

          > purview_blob, purview_queue: Wait.
            What to do: Have the owner of each target approve its connection.

          ! purview_namespace: There is none.
            What to do: Create it with create_all.

        Other managed private endpoints of this factory
          ENDPOINT  GROUP      STATE      FACTORY SAYS  TARGET
          sql       sqlServer  Succeeded  -             prod

        ! warning: Careful.
    """)


def test_a_ready_status_is_short() -> None:
    """A ready status has no explanation; a status without endpoints has no table."""
    ready = Status(factory=FACTORY, account=ACCOUNT, ready=True, endpoints=(endpoint_status("ready", 0),))
    assert str(ready).splitlines()[0] == "Status: ready (1 ready)"
    assert "What to do" not in str(ready)
    empty = Status(factory=FACTORY, account=ACCOUNT, ready=False, endpoints=())
    assert str(empty).splitlines()[0] == "Status: not ready (no endpoint is wanted)"


def test_an_event_is_one_line() -> None:
    """The line shows time and message."""
    assert str(Event(kind="waiting", verb="apply", seconds=75.0, message="Waiting for a")) == "[1:15] Waiting for a"


def test_every_other_noun_prints_its_fields() -> None:
    """A noun without a table shows its fields: nested ones indented, full ids, and no absent values."""
    spec = SPEC.model_copy(update={"names": {"blob": "b1"}, "groups": ("account", "blob"), "replace_broken": True})
    assert str(spec) == inspect.cleandoc(f"""
        Spec
          factory                  {FACTORY}
          account                  {ACCOUNT}
          name                     purview
          separator                _
          names                    blob: b1
          groups                   account, blob
          managed_virtual_network  default
          replace_broken           yes
    """)
    assert str(outcome("failed", 0, error=DENIED.model_copy(update={"remedy": "Wait.", "message": "No."}))) == (
        inspect.cleandoc(f"""
        Outcome
          subject      endpoint
          name         purview
          group_id     account
          resource_id  {ACCOUNT}
          result       failed
          seconds      0.0
          error
            code            access-denied
            message         No.
            remedy          Wait.
            status          403
            azure_code      AuthorizationFailed
            request_id      11111111
            correlation_id  22222222
    """)
    )
    factory = results.Factory(id=FACTORY, networks=(), endpoints=(OTHER,))
    assert "  endpoints\n    id" in str(factory)


@pytest.mark.parametrize("result", results.Result.__args__)
def test_every_result_has_a_symbol(result: Any) -> None:
    """Every result of the model can be shown."""
    report = Report(verb="apply", spec=SPEC, outcomes=(outcome(result, 0),))
    assert f" {result} " in str(report)


@pytest.mark.parametrize("verdict", results.Verdict.__args__)
def test_every_verdict_has_a_symbol_and_advice(verdict: Any) -> None:
    """Every verdict of the model can be shown; all except ready say what to do."""
    shown = str(Status(factory=FACTORY, account=ACCOUNT, ready=False, endpoints=(endpoint_status(verdict, 0),)))
    assert f"  {verdict}" in shown
    assert ("What to do: " in shown) == (verdict != "ready")


def hostile_nouns() -> list[Callable[[str], Noun]]:
    finding = lambda text: Finding(code="x", severity="error", message=text, cause=text, evidence=(text,), remedy=text)  # noqa: E731
    error = lambda text: DENIED.model_copy(update={"message": text, "remedy": text, "request_id": text})  # noqa: E731
    return [
        finding,
        lambda text: PURVIEW.model_copy(
            update={"name": text, "id": text, "location": text, "endpoints": {text: text}, "warnings": (finding(text),)}
        ),
        lambda text: Plan(
            spec=SPEC,
            account=PURVIEW,
            steps=(step("conflict", "x", 0, text, text).model_copy(update={"name": text}),),
            warnings=(finding(text),),
        ),
        lambda text: Report(
            verb="apply",
            spec=SPEC,
            outcomes=(
                outcome("failed", 0).model_copy(
                    update={"name": text, "group_id": text, "resource_id": text, "error": error(text)}
                ),
            ),
            hand_off=text,
        ),
        lambda text: Status(
            factory=FACTORY,
            account=ACCOUNT,
            ready=False,
            endpoints=(endpoint_status("stale", 0, reason=text, connection_status=text, target_status=text),),
            others=(OTHER.model_copy(update={"name": text, "resource_id": text}),),
        ),
        lambda text: OTHER.model_copy(update={"name": text}),
        lambda text: Event(kind="waiting", verb="x", seconds=0, message=text),
    ]


@pytest.mark.parametrize("noun", hostile_nouns())
def test_no_noun_lets_a_server_write_to_the_terminal(noun: Callable[[str], Noun]) -> None:
    """Escape sequences in any name or message are removed from every table, and none of them adds a line."""
    shown = text(noun("\x1b[2J\x9b1Aevil\x07\u202e"), Look(verbose=True))
    assert "evil" in shown
    assert not set(shown) & {"\x1b", "\x9b", "\x07", "\u202e"}
    assert shown.count("\n") == text(noun("evil"), Look(verbose=True)).count("\n")


def test_tables_fit_80_columns_whatever_the_names() -> None:
    """Names as long as Azure allows do not make a table wider than the page."""
    spec = Spec(factory=FACTORY, account=ACCOUNT, name="n" * 70)
    steps = tuple(step("create", spec.name_of(target.group_id), at) for at, target in enumerate(TARGETS))
    nouns = [
        Plan(spec=spec, account=PURVIEW, steps=steps),
        Report(
            verb="apply",
            spec=spec,
            outcomes=tuple(
                outcome("would-approve", at).model_copy(update={"name": one.name}) for at, one in enumerate(steps)
            ),
        ),
        Status(
            factory=FACTORY,
            account=ACCOUNT,
            ready=False,
            endpoints=tuple(
                endpoint_status(
                    "wrong-target",
                    at,
                    provisioning_state="Provisioning",
                    connection_status="Disconnected",
                    target_status="Disconnected",
                ).model_copy(update={"name": one.name})
                for at, one in enumerate(steps)
            ),
        ),
    ]
    for noun in nouns:
        assert max(columns(line) for line in str(noun).splitlines()) <= 80


def test_a_new_noun_needs_one_function() -> None:
    """A table for a new type is registered beside the others and needs no change anywhere else."""

    class Check(Noun):
        ok: bool

    assert str(Check(ok=True)) == "Check\n  ok  yes"
    render.register(Check)(lambda check, page: page.title(f"Check: {check.ok}"))
    assert str(Check(ok=False)) == "Check: False"
