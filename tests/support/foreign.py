"""Feeds megabytes of worst-case text to the functions that take foreign text: `python -m tests.support.foreign 60`.

A search that backtracks takes hours for a megabyte; one that does not takes a second. The process therefore has a
limit on its processor time that only a backtracking search reaches, and prints what it is running.
"""

from __future__ import annotations

import contextlib
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from purview_mpe import FleetReport, Plan, Report, Spec, read_specs
from purview_mpe._azure.options import host_of, leads_elsewhere
from purview_mpe._display import html, markup
from purview_mpe._display.text import page
from purview_mpe._display.text.text import text as display
from purview_mpe._model import arm_id, fields, journal, naming, pasted, shell, shown
from purview_mpe._model.results import ErrorDetail, Finding
from purview_mpe._model.survey import Permission
from purview_mpe._rules import budget, rights
from purview_mpe._wire import (
    account,
    api_versions,
    connections,
    errors,
    factory,
    lineage,
    policy,
    reading,
    refusal,
    sign_in,
    text,
    transcript,
)
from purview_mpe._wire import (
    shell as quoting,
)
from purview_mpe.errors import PurviewMpeError
from tests.support.nouns import ACCOUNT, FACTORY, HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 2**20

#: The texts that are repeated up to a megabyte. Each one was, or could be, the worst case of a search.
PIECES = (
    *("a", "0", "-", ".", "/", "*", "(", "[", "{", "'", '"', "\\", "\n", " ", "\r\n", "\x00", "\x1b", "\u2028"),
    *("\ud800", "\u00e9", "\u0130", "\U0001f600", "a.", "a-", "a@", "a@b.", "a/", "a=", "a:", "a, ", "A b", "%2f"),
    *("eyJ", "eyJ.", "bearer ", "Bearer a", "://", "://a@", "https://a.b/", "//", "..", "*a", "a*", "aaaaaaaa-"),
    *("/subscriptions/", "/subscriptions/x", "/subscriptions/a/resourceGroups/b/", "/providers/", "subscriptions%2f"),
    *("/providers/a/b/c", "providers/providers/", "?skiptoken=", "&api-version=", "?api-version=2020-01-01"),
    *('a="', 'a="b",', "AADSTS1", "AADSTS", "aCredential: ", "aCredential\n", "host='a", "host='a', port=1", "connect to host "),
    *("on the linked scope(s) '", "action(s) 'a", "action(s) 'a' on the linked scope(s) 'b", "are locked: '", "are locked:'a'"),
    *("must match 'https://a/", "must match '", "supported api-versions are '", "MFA", "multi", "2020-01-01,", "'a.b"),
    *("client.plan(spec", "plan(spec, a=b", "Set Spec.a", "Set Spec.a to ('b',", "Spec.names['a", "Pass a", "since=", "Spec("),
    *("\x1b[", "\x1b]a", "\x9b0", "\x1b[0;", "az a: az ", ": az a", "vnet-00000000-", '{"a":', "[[", '"\\ud800', "1e9", "NaN,"),
    *('{"verb":', "C:\\", "c:/a", 'W/"', '"a"', "a`", "**", ". A", "x y: az z", "policyAssignment", '[{"policyAssignment":{'),
)  # fmt: skip

FEW = ("a", "-", "a/", "/subscriptions/x", "eyJ.", "a@", "\x1b[", "\u0130", "'", '{"a":')


def foreign(piece: str) -> str:
    """A megabyte of one piece, with an end that makes a match of the whole fail."""
    return piece * (SIZE // len(piece)) + "!\x07"


ATTEMPT = errors.Attempt(what="x", scope=FACTORY, role="Reader")
ID = arm_id.ArmId.parse(ACCOUNT)
SPEC = Spec(factory=FACTORY, account=ACCOUNT, name="purview")


def _errors_of(said: str) -> None:
    """Every error that is made from an answer, in the form in which it is shown."""
    answers = [
        said,
        json.dumps({"error": {"code": said, "message": said, "details": [{"message": said}] * 2}}),
        json.dumps({"error": {"message": "m", "additionalInfo": [{"info": {"policyAssignmentDisplayName": said}}]}}),
    ]
    for status in (400, 401, 403, 404, 409, 429):
        for body in answers:
            error = errors.error_for(ATTEMPT, errors.Answer(status, body, no_other_token=said[:1000]))
            assert errors.is_busy(error) in {True, False}
            assert policy.is_stale_write(error.status, error.azure_code, error.message) in {True, False}
            assert error.shell_remedy
            assert str(error)


def _account(said: str) -> None:
    properties = {
        "provisioningState": said,
        "managedResources": {"storageAccount": said, "eventHubNamespace": said},
        "ingestionStorage": {"id": said, "publicNetworkAccess": said},
        "endpoints": {said: said, "catalog": said},
        "accountStatus": {"errorDetails": {"message": said}},
        "defaultDomain": said,
    }
    read = account.read_account({"location": said, "properties": properties}, ID)
    account.data_plane_address(read)
    account.unreadable_account(ID, errors.error_for(ATTEMPT, errors.Answer(403, said)))


def _displayed(said: str) -> None:
    """A sixteenth is enough for code that reads every character."""
    few = said[: SIZE // 16]
    properties = {"provisioningState": few, "endpoints": {few: few, "a": few}, "ingestionStorage": {"id": few}}
    read = account.read_account({"location": few, "properties": properties}, ID)
    display(read)
    html.html(read)


def _child(said: str) -> None:
    """Resources below a factory or a target."""
    properties = {"groupId": said, "resourceId": said, "privateLinkResourceId": said, "type": said, "error": said}
    answer = {"id": said, "name": said, "properties": properties, "eTag": said}
    account.read_name(answer)
    account.read_endpoint(answer, "df1")
    account.read_endpoint({**answer, "name": "a1", "properties": {"resourceId": f"{HIDDEN}/{said}"}}, "df1")
    account.read_runtime_kind(answer)
    account.read_factory_connection({"properties": {"purviewConfiguration": {"purviewResourceId": said}}})
    connections.read_connection({"id": said, "properties": {"privateEndpoint": {"id": said}}})
    connections.extended_description(said, "Approved")
    factory.read_known_factory(answer)
    factory.read_runtime(answer)
    factory.read_etag(answer)
    factory.principal_id({"identity": {"type": said, "principalId": said}})
    factory.identity_body({"identity": {"userAssignedIdentities": {said: {}}}})
    factory.read_permission({"actions": [said], "notActions": [said]})


def _runs(said: str) -> None:
    run = {"runId": said, "pipelineName": said, "status": said, "runStart": said, "activityType": "Copy"}
    factory.read_started_run(run)
    factory.read_run(run)
    factory.read_run_page({"value": [run], "continuationToken": said})
    factory.read_activity_page({"value": [{**run, "output": {said: said, "reportLineageToPurview": said}}]})
    entity = lineage.read_entity({"entity": {"guid": said, "attributes": {"qualifiedName": said}}})
    lineage.read_hit({"value": [{"id": said, "qualifiedName": said}]}, said)
    known = entity or lineage.Entity("g", said, None)
    graph = {"relations": [{"fromEntityId": said, "toEntityId": said}], "guidEntityMap": {said: {}}}
    lineage.operations(graph, known)
    lineage.relations(graph, known)


def _policies(said: str) -> None:
    rule = {"id": said, "dnfCondition": [[{"attributeName": said, "attributeValueIncludes": said}]]}
    body = {"id": "a1", "properties": {"collection": {"referenceName": said}, "attributeRules": [rule]}}
    for read in policy.read_policies({"values": [body, {**body, "id": said}]}):
        policy.curators(read)
        policy.admins(read)
        policy.root_of([read], said, said)


def _credentials(said: str) -> None:
    sign_in.read_challenge(f"Bearer {said}"[:16_384])
    sign_in.read_challenge(f"Bearer {said}")
    for words in (said, f"DefaultAzureCredential failed\n\tAzureCliCredential: {said}"):
        sign_in.remedy_for(sign_in.read_no_token(words))
        errors.no_token(ATTEMPT, words, proxy_for=lambda _: None)
    errors.no_answer(ATTEMPT, said, host=said[:300], proxy=said[:300])
    errors.unreadable_answer(ATTEMPT, errors.Answer(200, said), said)


def _addresses(said: str) -> None:
    url = f"https://management.azure.com{ACCOUNT}/{said}"
    api_versions.type_of(said)
    api_versions.version_in(url)
    api_versions.with_version(url, "2020-01-01")
    api_versions.another_version("microsoft.storage/storageaccounts", "2025-08-01", said.split(","))
    leads_elsewhere(url)
    host_of(said)
    host_of(f"https://{said}")
    kept = budget.Budget()
    if (ticket := kept.take("GET", url, 0.0)) is not None:
        limits = {"x-ms-routing-request-id": said, "x-ms-ratelimit-remaining-subscription-reads": said}
        kept.answered(ticket, 429, {**limits, "Retry-After": said}, 0.0)


def _ids(said: str) -> None:
    begin = "/subscriptions/00000000-0000-0000-0000-000000000001"
    for given in (said, f"{begin}/resourceGroups/rg1/{said}"):
        for parse in (arm_id.ArmId.parse, pasted.parsed):
            with contextlib.suppress(ValueError):
                parse(given)
        arm_id.folded(given)
        arm_id.same_id(given, ACCOUNT)
        arm_id.last_segment(given)
        fields.is_id(given)
        fields.is_private_endpoint(given)
        page.short_ids(given)
        page.name_in(given)
        page.place(given)


def _names(said: str) -> None:
    for check in (arm_id.is_segment, arm_id.is_group_name, arm_id.is_subscription, fields.is_group, naming.is_guid):
        check(said)
    for problem in (
        naming.endpoint_name_problem,
        naming.separator_problem,
        naming.network_name_problem,
        naming.resource_group_problem,
        naming.entity_name_problem,
        partial(naming.dashed_name_problem, "factory"),
    ):
        problem(said)
    naming.is_endpoint_name(said)
    naming.bears_hidden_name(f"{HIDDEN}/{said}", "df1", "a1")
    naming.hidden_name_warning("df1", said)
    naming.collisions([said, said])


def _files(said: str) -> None:
    """Everything that a file can contain, as a whole and in one field of a valid file."""
    row = {"name": said, "group_id": "blob", "resource_id": said, "result": "created"}
    finding = {"code": said, "severity": "error", "message": said, "remedy": said}
    documents: list[Any] = [
        said,
        json.dumps({"verb": "apply", "spec": {"factory": said, "account": said, "name": said}, "outcomes": []}),
        json.dumps({"verb": "apply", "spec": SPEC.model_dump(mode="json"), "outcomes": [row], "warnings": [finding]}),
        json.dumps({"reports": [], "warnings": [finding]}),
        json.dumps({"defaults": {"name": said}, "specs": [{"factory": said}]}),
    ]
    for document in documents:
        for noun in (Report, Plan, Spec, FleetReport):
            with contextlib.suppress(PurviewMpeError, ValueError):
                noun.model_validate_json(document.encode("utf-8", "replace"))
        with contextlib.suppress(PurviewMpeError, ValueError):
            read_specs(json.loads(document)) if document is not said else read_specs(said)
    content = said.encode("utf-8", "replace")
    journal.is_journal(content)
    journal.is_whole(content)
    journal.last_line(content)
    for _ in journal.numbered_lines(content):
        pass


def _shown(said: str) -> None:
    page.clean(said)
    page.columns(said)
    page.shortened(said, 80)
    page.wrapped(said[: 2**16], 80)
    markup.escape(said)
    markup.harmless(said)
    markup.shortened(said, 80)
    shown.shown(said)
    shown.one_line(said)
    shell.in_shell(said)
    quoting.quoted(said)
    quoting.printable(said)
    finding = Finding(code="x-y", severity="error", message=said, cause=said, remedy=said, evidence=(said,))
    assert finding.shell_remedy
    ErrorDetail(code="x", message=said, remedy=said)


def _recorded(said: str) -> None:
    ids = [{"id": f"{ACCOUNT}-{number}"} for number in range(1000)]
    answer = {"status": 200, "headers": {"location": said}, "body": {"value": ids, "message": said, said: said}}
    exchange = {"request": {"method": "GET", "url": said, "body": {"id": said}}, "answer": answer}
    transcript.sanitised([exchange, {**exchange, "request": {**exchange["request"], "url": f"https://x{FACTORY}"}}])


def _granted(said: str) -> None:
    for star in (said, said.replace("a", "*"), f"*{said}", f"Microsoft.DataFactory/*{said}"):
        rights.allows([Permission((star,), ()), Permission(("*",), (star,))], "Microsoft.DataFactory/factories/write")


def _texts(said: str) -> None:
    text.blotted(said)
    text.blotted(said, said[:100], "secret")
    text.safe_text(said)
    reading.whole(said)
    refusal.read_refusal(said)


#: Functions that search in a text get every piece; functions that read every character get a few.
FEEDERS: tuple[tuple[Callable[[str], None], tuple[str, ...]], ...] = (
    *((feeder, PIECES) for feeder in (_texts, _errors_of, _credentials, _addresses, _granted, _runs, _policies)),
    *((feeder, FEW) for feeder in (_account, _child, _ids, _names, _files, _shown, _displayed, _recorded)),
)


def main(limit: int, *chosen: str) -> None:
    """Feed all of them, or those with these names, within this many seconds of processor time."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    for feeder, pieces in FEEDERS:
        for piece in pieces if not chosen or feeder.__name__ in chosen else ():
            sys.stdout.write(f"{feeder.__name__} {piece!a}\n")
            sys.stdout.flush()  # the last line names the function that did not end
            feeder(foreign(piece))
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
