"""Values for tests: fixed ones for examples, and Hypothesis strategies for arbitrary ones."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from purview_mpe import (
    Account,
    Check,
    Diagnosis,
    Endpoint,
    EndpointStatus,
    ErrorDetail,
    Event,
    FactoryCheck,
    FactoryPlan,
    FactoryStatus,
    Finding,
    FleetCheck,
    FleetPlan,
    FleetReport,
    FleetStatus,
    Link,
    Network,
    OrphanConnection,
    OrphanEndpoint,
    Orphans,
    Outcome,
    Plan,
    Proof,
    Report,
    Requirement,
    Right,
    RuntimeCheck,
    Spec,
    Status,
    Step,
    Target,
)
from purview_mpe._model.checkup import RightStep
from purview_mpe._model.fleets import place_of
from purview_mpe._model.matrix import RuntimeKind
from purview_mpe._model.naming import LINEAGE_GROUPS, OPTIONAL_GROUPS, collisions, endpoint_name_problem
from purview_mpe._model.network import PURPOSES
from purview_mpe._model.proof import LinkName, LinkState
from purview_mpe._model.results import (
    Action,
    Connection,
    Factory,
    Firewall,
    Result,
    Severity,
    Shape,
    Subject,
    Verb,
    Verdict,
)
from purview_mpe._model.surroundings import PrivateEndpoint
from purview_mpe.durable import FleetRequest

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
OTHER_SUBSCRIPTION = "00000000-0000-0000-0000-000000000002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1"
FACTORY = f"{GROUP}/providers/Microsoft.DataFactory/factories/df1"
ACCOUNT = f"{GROUP}/providers/Microsoft.Purview/accounts/pv1"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/scanwesteurope"
OTHER_STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/ingestion"
NAMESPACE = f"{GROUP}/providers/Microsoft.EventHub/namespaces/atlas-1"
#: The group in which Data Factory keeps the hidden private endpoints of one managed virtual network.
HIDDEN = (
    "/subscriptions/99999999-0000-0000-0000-000000000001/resourceGroups/vnet-92b2afd7-northeurope-55-rg"
    "/providers/Microsoft.Network/privateEndpoints"
)
TARGETS = (
    Target(group_id="account", resource_id=ACCOUNT, connections="account"),
    Target(group_id="blob", resource_id=STORAGE, connections="storage"),
    Target(group_id="queue", resource_id=STORAGE, connections="storage"),
    Target(group_id="namespace", resource_id=NAMESPACE, connections="namespace"),
)
ALL_NAMES = ("purview", "purview_blob", "purview_queue", "purview_namespace")


def a_spec(**fields: Any) -> Spec:
    """A spec for the fixed factory and account."""
    return Spec(**({"factory": FACTORY, "account": ACCOUNT, "name": "purview"} | fields))


def an_account(**fields: Any) -> Account:
    """An account of shape A that is closed to all public networks."""
    given: dict[str, Any] = {
        "id": ACCOUNT,
        "name": "pv1",
        "shape": "A",
        "firewall": "disabled-from-all-networks",
        "targets": TARGETS,
    }
    return Account(**(given | fields))


def a_factory(*endpoints: Endpoint, networks: tuple[str, ...] = ("default",)) -> Factory:
    """The fixed factory with these endpoints."""
    return Factory(id=FACTORY, networks=networks, endpoints=endpoints)


def an_endpoint(name: str = "purview", group_id: str = "account", **fields: Any) -> Endpoint:
    """An endpoint to the target that the fixed account has for this group id; approved by default."""
    given: dict[str, Any] = {
        "id": f"{FACTORY}/managedvirtualnetworks/default/managedprivateendpoints/{name}",
        "name": name,
        "group_id": group_id,
        "resource_id": next((t.resource_id for t in TARGETS if t.group_id == group_id), ACCOUNT),
        "provisioning_state": "Succeeded",
        "connection_status": "Approved",
    }
    return Endpoint(**(given | fields))


SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-pe"


def a_network(**fields: Any) -> Network:
    """The fixed virtual network of the customer."""
    return Network(**({"subnet": SUBNET, "dns": "create"} | fields))


def an_own_endpoint(name: str = "purview-account", group_id: str = "account", **fields: Any) -> PrivateEndpoint:
    """A private endpoint in the fixed network, to the target that the fixed account has for this group id."""
    group, subnet = fields.pop("group", GROUP), fields.pop("subnet", SUBNET)
    found = f"{group}/providers/Microsoft.Network/privateEndpoints/{name}"
    given = {"id": found, "private_endpoint_id": found}
    return PrivateEndpoint(an_endpoint(name, group_id, **(given | fields)), subnet)


def a_connection(private_endpoint_id: str, status: str = "Pending", **fields: Any) -> Connection:
    """A connection as a target shows it."""
    given: dict[str, Any] = {
        "id": f"{ACCOUNT}/privateEndpointConnections/1",
        "name": "1",
        "private_endpoint_id": private_endpoint_id,
        "status": status,
    }
    return Connection(**(given | fields))


# --- strategies

texts = st.text(max_size=20)
segments = st.from_regex(r"[A-Za-z0-9][-A-Za-z0-9_().]{0,20}[A-Za-z0-9]", fullmatch=True)
guids = st.uuids().map(str)
dashed = st.from_regex(r"[A-Za-z0-9]{3,8}(-[A-Za-z0-9]{1,5}){0,3}", fullmatch=True)
group_ids = st.sampled_from((*LINEAGE_GROUPS, *OPTIONAL_GROUPS))


names = st.from_regex(r"[A-Za-z0-9][-A-Za-z0-9_.()]{0,15}", fullmatch=True)
groups = st.sampled_from((*LINEAGE_GROUPS, *OPTIONAL_GROUPS, "dfs", "sqlServer"))


def recased(text: str) -> st.SearchStrategy[str]:
    """The text in any letter case; the bits of one number select the upper-case letters."""
    return st.integers(0, 2 ** len(text) - 1).map(
        lambda bits: "".join(c.upper() if bits >> place & 1 else c.lower() for place, c in enumerate(text))
    )


@st.composite
def resource_ids(draw: st.DrawFn, resource_type: str, names: st.SearchStrategy[str] = dashed) -> str:
    """The id of a resource of one type."""
    group = f"/subscriptions/{draw(guids)}/resourceGroups/{draw(segments)}"
    return f"{group}/providers/{resource_type}/{draw(names)}"


factory_ids = resource_ids("Microsoft.DataFactory/factories")
account_ids = resource_ids("Microsoft.Purview/accounts")
endpoint_names = st.from_regex(r"[_A-Za-z0-9][-_A-Za-z0-9]{0,60}[_A-Za-z0-9]", fullmatch=True)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """Any valid spec."""
    base = draw(endpoint_names)
    groups = draw(st.none() | st.lists(group_ids, min_size=1, unique=True).map(tuple))
    names = draw(st.dictionaries(group_ids, endpoint_names))
    separator = draw(st.sampled_from(("_", "-", "", "__", "_x_")))
    wanted = groups or LINEAGE_GROUPS
    called = [names.get(g) or (base if g == "account" else f"{base}{separator}{g}") for g in wanted]
    if collisions(called) or any(endpoint_name_problem(name) for name in called):
        names, separator, base = {}, "_", base[:40].rstrip("-") + "0"
    return Spec(
        factory=draw(factory_ids),
        account=draw(st.none() | account_ids),
        name=base,
        separator=separator,
        names=names,
        groups=groups,
        managed_virtual_network=draw(st.sampled_from(("default", "vnet-2"))),
        runtime=draw(st.sampled_from((None, "ir-vnet"))),
        replace_broken=draw(st.booleans()),
    )


def _one_of(literal: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(get_args(literal))


def _many(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


findings = st.builds(
    Finding,
    code=texts,
    severity=_one_of(Severity),
    message=texts,
    cause=texts,
    evidence=_many(texts),
    remedy=texts,
)
ids = st.sampled_from((ACCOUNT, STORAGE, OTHER_STORAGE, NAMESPACE, STORAGE.upper().replace("/SUB", "/sub")))
private_endpoint_ids = names.map(lambda name: f"{HIDDEN}/{name}")
targets = st.sampled_from(
    (
        *TARGETS,
        Target(group_id="portal", resource_id=ACCOUNT.upper().replace("/SUB", "/sub"), connections="account"),
        Target(group_id="blob", resource_id=OTHER_STORAGE, connections="ingestion"),
    )
)
accounts = st.builds(
    Account,
    id=st.just(ACCOUNT),
    name=st.just("pv1"),
    location=st.none() | texts,
    provisioning_state=st.none() | texts,
    shape=st.none() | _one_of(Shape),
    firewall=st.none() | _one_of(Firewall),
    targets=_many(targets),
    managed_group=st.none() | st.just(GROUP),
    retired=_many(ids),
    endpoints=st.dictionaries(texts, texts, max_size=3),
    warnings=_many(findings),
)
endpoints = st.builds(
    Endpoint,
    id=st.just("") | ids,
    name=names,
    group_id=st.just("") | groups,
    resource_id=st.just("") | ids,
    provisioning_state=texts,
    connection_status=texts,
    private_endpoint_id=st.none() | private_endpoint_ids,
    reserved=st.booleans(),
    error=texts,
)
connections = st.builds(
    Connection,
    id=st.just("") | ids,
    name=st.just("") | names,
    private_endpoint_id=private_endpoint_ids,
    status=texts,
    description=texts,
)
factories = st.builds(
    Factory,
    id=ids,
    location=st.none() | texts,
    purview_account=st.none() | ids,
    networks=_many(names),
    endpoints=_many(endpoints),
)
steps = st.builds(
    Step,
    action=_one_of(Action),
    subject=_one_of(Subject),
    name=names,
    group_id=st.none() | groups,
    resource_id=ids,
    reason=texts,
    remedy=st.none() | texts,
)
group_names = st.sampled_from((None, "rg-net", GROUP))
networks = st.builds(
    Network,
    subnet=resource_ids("Microsoft.Network/virtualNetworks").map(lambda network: f"{network}/subnets/snet-pe"),
    resource_group=group_names,
    location=st.sampled_from((None, "westeurope")),
    dns=st.sampled_from(("existing", "create", "none")),
    zone_resource_group=group_names,
    approval=st.sampled_from(("automatic", "manual")),
)
purposes = st.none() | st.sampled_from(PURPOSES)
plans = st.builds(
    Plan,
    spec=specs(),
    account=accounts,
    network=st.none() | networks,
    purpose=purposes,
    steps=_many(steps),
    obsolete=_many(endpoints),
    warnings=_many(findings),
)
error_details = st.builds(
    ErrorDetail,
    code=texts,
    message=texts,
    remedy=texts,
    status=st.none() | st.integers(100, 599),
    azure_code=st.none() | texts,
    request_id=st.none() | texts,
    correlation_id=st.none() | texts,
)
#: Group and resource of an outcome that fit together.
_places = st.sampled_from(
    ((None, FACTORY), ("dfs", OTHER_STORAGE), *((target.group_id, target.resource_id) for target in TARGETS))
)
outcomes = st.builds(
    lambda place, **fields: Outcome(group_id=place[0], resource_id=place[1], **fields),
    place=_places,
    subject=_one_of(Subject),
    name=names,
    private_endpoint_id=st.none() | private_endpoint_ids,
    matched_by=st.sampled_from((None, "private-endpoint-id", "name")),
    result=_one_of(Result),
    error=st.none() | error_details,
    seconds=st.floats(0, 1e6),
)
reports = st.builds(
    Report,
    verb=_one_of(Verb),
    spec=specs().map(lambda spec: spec.model_copy(update={"account": spec.account and ACCOUNT})),
    account=st.none() | accounts,
    network=st.none() | networks,
    purpose=purposes,
    outcomes=_many(outcomes),
    hand_off=st.none() | texts,
    approval_asked=st.booleans(),
    warnings=_many(findings),
)
endpoint_statuses = st.builds(
    EndpointStatus,
    name=names,
    group_id=groups,
    resource_id=ids,
    private_endpoint_id=st.none() | private_endpoint_ids,
    provisioning_state=st.none() | texts,
    connection_status=st.none() | texts,
    target_status=st.none() | texts,
    verdict=_one_of(Verdict),
    reason=texts,
)
statuses = st.builds(
    Status,
    factory=ids,
    account=ids,
    ready=st.booleans(),
    endpoints=_many(endpoint_statuses),
    others=_many(endpoints),
    findings=_many(findings),
)
requirements = st.builds(
    Requirement,
    firewall=_one_of(Firewall),
    runtime=st.none() | _one_of(RuntimeKind),
    supported=st.none() | st.booleans(),
    managed_groups=_many(group_ids),
    customer_groups=_many(group_ids),
    reason=texts,
)
events = st.builds(
    Event,
    kind=st.sampled_from(("started", "finished", "step", "waiting", "retrying", "warning")),
    verb=texts,
    seconds=st.floats(0, 1e6),
    message=texts,
    factory=st.none() | ids,
    pending=_many(texts),
    outcome=st.none() | outcomes,
)
runtime_checks = st.builds(
    RuntimeCheck,
    name=names,
    kind=_one_of(RuntimeKind),
    supported=st.none() | st.booleans(),
    managed_groups=_many(group_ids),
    customer_groups=_many(group_ids),
    private_endpoints=st.none() | st.booleans(),
    reason=texts,
)
rights = st.builds(
    Right,
    step=_one_of(RightStep),
    scope=ids,
    allowed=st.none() | st.booleans(),
    missing_actions=_many(texts),
    role=texts,
)
checks = st.builds(
    Check,
    factory=ids,
    account=st.none() | ids,
    ok=st.booleans(),
    runtimes=_many(runtime_checks),
    rights=_many(rights),
    curator=st.none() | st.booleans(),
    findings=_many(findings),
)
diagnoses = st.builds(
    Diagnosis,
    factory=ids,
    account=st.none() | ids,
    ok=st.booleans(),
    since=st.timedeltas(),
    runs=st.none() | st.integers(0, 50),
    lineage=st.dictionaries(texts, st.integers(0, 50), max_size=3),
    findings=_many(findings),
)
links = st.builds(Link, name=_one_of(LinkName), state=_one_of(LinkState), evidence=_many(texts))
proofs = st.builds(
    Proof,
    factory=ids,
    account=st.none() | ids,
    pipeline=st.none() | texts,
    run_id=st.none() | texts,
    proven=st.none() | st.booleans(),
    links=_many(links),
    findings=_many(findings),
    seconds=st.floats(0, 1e6),
)
orphan_connections = st.builds(
    OrphanConnection,
    target_id=ids,
    connection_id=st.just("") | ids,
    private_endpoint_id=private_endpoint_ids,
    factory=ids | names,
    endpoint=names,
    status=texts,
    certain=st.booleans(),
    reason=texts,
)
orphan_endpoints = st.builds(
    OrphanEndpoint,
    target_id=ids,
    connection_id=st.none() | ids,
    private_endpoint_id=st.none() | private_endpoint_ids,
    factory=ids,
    endpoint=names,
    group_id=groups,
    certain=st.booleans(),
    reason=texts,
)
orphans = st.builds(
    Orphans,
    account=ids,
    connections=_many(orphan_connections),
    endpoints=_many(orphan_endpoints),
    findings=_many(findings),
)

fleet_reports = st.builds(FleetReport, reports=st.lists(reports, max_size=2).map(tuple))
factory_statuses = st.builds(FactoryStatus, spec=specs(), status=st.none() | statuses, error=st.none() | error_details)
fleet_statuses = st.builds(FleetStatus, factories=st.lists(factory_statuses, max_size=2).map(tuple))
factory_plans = st.builds(FactoryPlan, spec=specs(), plan=st.none() | plans, error=st.none() | error_details)
fleet_plans = st.builds(FleetPlan, factories=st.lists(factory_plans, max_size=2).map(tuple), warnings=_many(findings))
factory_checks = st.builds(FactoryCheck, spec=specs(), check=st.none() | checks, error=st.none() | error_details)
fleet_checks = st.builds(FleetCheck, factories=st.lists(factory_checks, max_size=2).map(tuple))
fleet_requests = st.builds(
    FleetRequest,
    specs=st.lists(specs(), min_size=1, max_size=3, unique_by=place_of).map(tuple),
    approval=st.sampled_from(("none", "at-once", "when-told")),
    wait=st.booleans(),
    timeout=st.floats(1, 1e6),
    share=st.floats(0.01, 1),
    batch=st.integers(1, 100),
)

#: A strategy for every noun that a user can meet.
NOUNS: dict[str, st.SearchStrategy[Any]] = {
    "Account": accounts,
    "Check": checks,
    "Connection": connections,
    "Diagnosis": diagnoses,
    "Endpoint": endpoints,
    "EndpointStatus": endpoint_statuses,
    "ErrorDetail": error_details,
    "Event": events,
    "Factory": factories,
    "FactoryCheck": factory_checks,
    "FactoryPlan": factory_plans,
    "FactoryStatus": factory_statuses,
    "Finding": findings,
    "FleetCheck": fleet_checks,
    "FleetPlan": fleet_plans,
    "FleetReport": fleet_reports,
    "FleetRequest": fleet_requests,
    "FleetStatus": fleet_statuses,
    "Link": links,
    "Network": networks,
    "OrphanConnection": orphan_connections,
    "OrphanEndpoint": orphan_endpoints,
    "Orphans": orphans,
    "Outcome": outcomes,
    "Plan": plans,
    "Proof": proofs,
    "Report": reports,
    "Requirement": requirements,
    "Right": rights,
    "RuntimeCheck": runtime_checks,
    "Spec": specs(),
    "Status": statuses,
    "Step": steps,
    "Target": targets,
}

#: Any JSON value, including texts with lone surrogates, which JSON's escapes allow.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | texts
    | st.sampled_from(("\ud800", "\x1b[2J", "Disabled", "Succeeded", STORAGE, NAMESPACE, "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
