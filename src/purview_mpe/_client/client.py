"""The synchronous client. `aio.Client` has the same verbs; both run what `verbs` returns and decide nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from purview_mpe import _client
from purview_mpe._azure import loading
from purview_mpe._azure.options import checked_listener
from purview_mpe._model.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    from purview_mpe._azure.clients import Azure, Cloud
    from purview_mpe._azure.io import SyncIo
    from purview_mpe._client.calls import Call, FleetLook, FleetRun, Series
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.checkup import Check, Diagnosis, Orphans
    from purview_mpe._model.events import Event
    from purview_mpe._model.fleet_looks import FleetCheck, FleetPlan
    from purview_mpe._model.fleets import FleetReport, FleetStatus, FoundSpecs
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.proof import Proof
    from purview_mpe._model.results import Account, Plan, Report, Status
    from purview_mpe._model.retry import Retry
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.budget import Budget

T = TypeVar("T")


@public("purview_mpe")
class Client:
    """Private endpoints from a data factory to a Purview account: discover, plan, apply and watch.

    You can use a client from several threads at once, and inside a running event loop. Close it when you no longer
    need it, or use it as a context manager.

    Args:
        credential: A synchronous credential of azure-identity; None means `DefaultAzureCredential()`.
        cloud: The Azure cloud: where requests go, and for which audience tokens are requested.
        endpoint: Another https address of Azure Resource Manager (emulator, Azure Stack); tokens are still requested as
            `cloud` says.
        purview_endpoint: Address of an emulator's Purview data plane on this machine, with `{account}` where the
            account's name belongs; by default the address that the account itself shows, if it is a Purview address.
        retry: How often and for how long one request is repeated.
        budget: How many requests to send to Azure; None means the budget that all clients of this process share, which
            stays below Azure's documented limits.
        on_event: Called with each `Event` as it happens, in the thread in which it happens.
        client_options: Passed on to every management client: `transport`, `connection_verify`, `user_agent`,
            `proxies`, `headers`, and others of azure-core. An unknown option is refused. An `HTTPPolicy` in
            `per_call_policies` or `per_retry_policies` is copied (`copy.copy`): a policy belongs to one pipeline.

    Raises:
        InvalidSpec: an option is unknown or wrong.
        InvalidCredential: the value is not a credential, or is an asynchronous one.
    """

    def __init__(
        self,
        credential: TokenCredential | SupportsTokenInfo | None = None,
        *,
        cloud: Cloud = "public",
        endpoint: str | None = None,
        purview_endpoint: str | None = None,
        retry: Retry | None = None,
        budget: Budget | None = None,
        on_event: Callable[[Event], None] | None = None,
        **client_options: Any,
    ) -> None:
        checked_listener(on_event)
        self._io_type: type[SyncIo] = loading.load("purview_mpe._azure.io").SyncIo
        self._azure: Azure = loading.load("purview_mpe._azure.clients").Azure(
            "sync",
            credential,
            cloud=cloud,
            endpoint=endpoint,
            purview_endpoint=purview_endpoint,
            retry=retry,
            budget=budget,
            options=client_options,
        )
        self._on_event = on_event

    def discover(self, account: str | ArmId) -> Account:
        """What a Purview account needs: its shape, firewall setting and targets.

        Reads the account. Needs Reader on it; without Reader, the answer is only the `account` endpoint, with a
        warning, as in the portal. Safe to repeat.

        Raises:
            InvalidSpec: `account` is not the id of a Purview account.
            NotFound: the account does not exist.
        """
        return self._run(_client.verbs.discover(account))

    def plan(self, spec: Spec) -> Plan:
        """What the factory needs to reach the account: what to create, and what exists already.

        Reads the account and the factory's managed virtual network. For endpoints to create, it also reads the
        connections of their targets, to see whether there is room. Needs Reader on account and factory; a target that
        cannot be read is not counted. Safe to repeat.

        Raises:
            UnsupportedSetup: the account does not show what it needs, or `Spec.account` is None and the factory is not
                connected to an account.
            NotFound: the factory or the account does not exist.
            AccessDenied: the caller is not allowed to read the factory.
        """
        return self._run(_client.verbs.plan(spec))

    def apply(self, plan_or_spec: Plan | Spec, *, wait: bool = True, timeout: float = 1800) -> Report:
        """Create what the plan says is missing, and wait until Azure has provisioned it.

        Reads again what `plan` reads; writes managed private endpoints and, if it is missing, the managed virtual
        network. Needs Data Factory Contributor on the factory, and no role on the targets. Safe to repeat: existing
        endpoints are kept. New endpoints are Pending and wait for approval. `timeout` is in seconds.

        Returns:
            One outcome per step, including the steps that failed.

        Raises:
            PlanConflict: before the first write, if the plan holds conflicts.
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as for `plan`.
        """
        return self._run(_client.verbs.apply(plan_or_spec, wait=wait, timeout=timeout))

    def create_all(self, spec: Spec, *, approve: bool = False, wait: bool = True, timeout: float = 1800) -> Report:
        """Plan and apply in one call, as "Create all" does in the portal; with `approve`, also approve.

        Reads, writes, needs and raises what `plan` and `apply` do, and with `approve` what `approve` does: each
        connection is approved as soon as it appears and provably belongs to the factory. Safe to repeat: a second call
        writes nothing. `timeout` is in seconds.
        """
        return self._run(_client.verbs.create_all(spec, approve=approve, wait=wait, timeout=timeout))

    def approve(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """Approve the pending connections that provably belong to the factory, and no others.

        Reads the account, the connections of every target and, if the caller is allowed to, the factory; writes the
        state of the factory's pending connections. Needs Contributor on the Purview account, Storage Account
        Contributor on managed storage and Contributor on a managed Event Hubs namespace; no role on the factory. What
        this caller is not allowed to approve comes back in `Report.hand_off`. Given a requester's `Report`, only its
        exact private endpoint ids are accepted. `dry_run` writes nothing. Waits up to `timeout` seconds for connections
        to appear. Safe to repeat: approved connections stay as they are.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as for `plan`.
        """
        return self._run(_client.verbs.approve(spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout))

    def reject(
        self, spec_or_report: Spec | Report, *, dry_run: bool = False, wait: bool = True, timeout: float = 300
    ) -> Report:
        """Reject the pending connections that provably belong to the factory; approved ones stay approved.

        Reads, writes, needs and raises what `approve` does; `timeout` is in seconds. Safe to repeat. A rejected
        endpoint never works again: delete or replace it.
        """
        return self._run(_client.verbs.reject(spec_or_report, dry_run=dry_run, wait=wait, timeout=timeout))

    def status(self, spec: Spec) -> Status:
        """Every endpoint that the account needs, as the factory and the target see it, with a verdict.

        Reads the account, the factory's endpoints and the connections of the targets. Needs Reader on the factory;
        without Reader on the targets, only the factory's side is shown, and a finding says so: Data Factory stops
        refreshing its side once a connection is approved. Safe to repeat.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: as for `plan`.
        """
        return self._run(_client.verbs.status(spec))

    def watch(self, spec: Spec, *, every: float = 15, timeout: float | None = None) -> Iterator[Status]:
        """The status now, then each status that differs, until nothing is pending or provisioning any more.

        Reads what `status` reads, every `every` seconds, for at most `timeout` seconds. Then the iteration ends; a read
        that is still under way gives no status. Writes nothing. Needs and raises what `status` does. Safe to repeat.
        """
        return self._iterate(_client.verbs.watch(spec, every=every, timeout=timeout))

    def check(self, spec: Spec) -> Check:
        """Whether everything is in place, before anything is written.

        Reads the account, the factory with its runtimes, networks and endpoints, and what this caller may do at the
        factory, the account and each target. What the caller is not allowed to read becomes a finding, and the rest is
        checked all the same. Needs no particular role; Reader on the factory and the account shows most. Writes
        nothing. Safe to repeat.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            NotFound: the factory does not exist. A missing account is a finding.
        """
        return self._run(_client.verbs.check(spec))

    def connect(self, spec: Spec, *, replace: bool = False, identity: bool = False) -> Report:
        """Connect the factory to the account, so that its activities report lineage there.

        Reads the account and the factory; writes the whole factory back with `purviewConfiguration` set and every
        other field unchanged, and only if the factory has not changed in between. With `identity` the same write
        switches on the factory's system-assigned managed identity and keeps all user-assigned ones. Needs Data
        Factory Contributor on the factory, and no role on the account. A factory that is connected to another account
        is a `conflict` unless `replace` is true. Safe to repeat: a second call writes nothing.

        Source: "Connect Data Factory to Microsoft Purview", Microsoft.

        Returns:
            One outcome for the connection: `connected`, `already-connected`, `conflict` or `failed`. With `identity`
            also one for the identity: `enabled`, `already-enabled` or `failed`.

        Raises:
            InvalidSpec: the spec names no account.
            NotFound: the factory or the account does not exist; nothing was written.
            AccessDenied: the caller is not allowed to read the factory; nothing was written.
        """
        return self._run(_client.verbs.connect(spec, replace=replace, identity=identity))

    def disconnect(self, spec: Spec) -> Report:
        """Remove the factory's connection to the account; its activities no longer report lineage.

        Reads the factory; writes the whole factory back without `purviewConfiguration`, and only if it has not changed
        in between. Needs Data Factory Contributor on the factory, and no role on the account. A factory that is
        connected to an account other than the spec's is a `conflict`. Safe to repeat: a second call writes nothing.

        Returns:
            One outcome: `disconnected`, `absent` (it was not connected to an account), `conflict` or `failed`.

        Raises:
            NotFound: the factory does not exist; nothing was written.
            AccessDenied: the caller is not allowed to read the factory; nothing was written.
        """
        return self._run(_client.verbs.disconnect(spec))

    def grant(self, spec: Spec, *, become_admin: bool = False, dry_run: bool = False, timeout: float = 300) -> Report:
        """Make the factory's identity Data Curator on the account's root collection, so that it may push lineage.

        Reads the factory and the account, then the metadata policy of the root collection on the account's data
        plane; writes that policy back with one identity added and everything else unchanged, and reads it again. If
        another write has replaced the change, it repeats the change, for at most `timeout` seconds. Needs Collection
        administrator on the root collection and, if the account's firewall is closed, a place inside the account's
        network; otherwise the outcome is `handed-off`, and `Report.hand_off` is a text with a script for a person who
        has both. With `become_admin` a caller without that role is first made a collection administrator, which needs
        Owner on the account; a warning says so and how to undo it. Safe to repeat: a second call writes nothing.

        Source: "Tutorial: Use REST APIs to manage metadata policies", Microsoft.

        Returns:
            One outcome: `granted`, `already-granted`, `would-grant` (in a dry run), `handed-off`, `failed` or
            `timed-out`.

        Raises:
            UnsupportedSetup: the spec names no account and the factory is not connected to one.
            NotFound: the factory or the account does not exist; nothing was written.
            AccessDenied: the caller is not allowed to read the factory; nothing was written.
        """
        return self._run(_client.verbs.grant(spec, become_admin=become_admin, dry_run=dry_run, timeout=timeout))

    def revoke(self, spec: Spec, *, dry_run: bool = False, timeout: float = 300) -> Report:
        """Remove the role Data Curator on the root collection from the factory's identity.

        Reads, writes, needs and raises what `grant` does; `timeout` is in seconds. Safe to repeat.

        Returns:
            One outcome: `revoked`, `absent`, `would-revoke` (in a dry run), `handed-off`, `failed` or `timed-out`.
        """
        return self._run(_client.verbs.revoke(spec, dry_run=dry_run, timeout=timeout))

    def prove(
        self,
        spec: Spec,
        *,
        pipeline: str | None = None,
        run_id: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        timeout: float = 1800,
    ) -> Proof:
        """Whether lineage arrives: follows one run of your pipeline into Purview's catalog.

        Starts `pipeline` once, with `parameters`, or takes the run `run_id`. Waits for its end, reads what its
        activities report, and looks their entities up in Purview until Purview shows them with their relations, for at
        most `timeout` seconds. The run does what the pipeline does, and costs as much; choose a pipeline that may run
        at any time. Needs Data Factory Contributor on the factory. To see the catalog, it also needs Data Reader on the
        root collection and, if the account's firewall is closed, a place inside the account's network; without these
        the proof ends with what the activities report. With `run_id` it is safe to repeat; with `pipeline` each call
        starts another run, unless the factory is not connected to the account: then no run is started.

        Source: "How to connect Azure Data Factory and Microsoft Purview", Microsoft.

        Raises:
            InvalidSpec: neither or both of `pipeline` and `run_id` are given, one of them is wrong, or `parameters`
                cannot be sent as JSON.
            UnsupportedSetup: the spec names no account and the factory is not connected to one.
            NotFound: the factory, the account or the pipeline does not exist.
            AccessDenied: the caller is not allowed to read the factory or to start the pipeline.
            NoAnswer: Azure may or may not have started the run; it is not started again.
        """
        return self._run(
            _client.verbs.prove(spec, pipeline=pipeline, run_id=run_id, parameters=parameters, timeout=timeout)
        )

    def onboard(
        self,
        spec: Spec,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 1800,
    ) -> Report:
        """Everything that a new factory needs for lineage, in one call.

        Reads the factory, the account, its targets' connections and the root collection's metadata policy. Switches
        on the factory's identity and connects the factory (as `connect` with `identity`), creates the managed
        virtual network, an Azure integration runtime in it and the endpoints (as `create_all`), approves the
        connections if `approve` is true (as `approve`), and gives the identity the role Data Curator unless
        `grant` is false (as `grant`; `become_admin` as there). A failed step stops only the steps that depend on it.
        `replace` allows replacing a connection to another account. `dry_run` writes nothing and says what would be
        done. `timeout` is in seconds. Needs Data Factory Contributor on the factory, Reader on the account, and what
        `approve` and `grant` need; what this caller is not allowed to do comes back in `Report.hand_off`. Safe to
        repeat: a second call writes nothing.

        An existing runtime in the network is used; otherwise one is created with the name `Spec.runtime`, or
        `managed-vnet`. Linked services and data flows use it once they name it.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Returns:
            Outcomes with the subjects `identity`, `connection`, `managed-network` (if it was created), `runtime`,
            `endpoint` and `data-curator`. `Report.complete` is true only if all of this is in place, so never if
            `grant` is false: that report does not say whether the identity has the role.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan`.
        """
        options = (approve, grant, become_admin, replace)
        return self._run(_client.verbs.onboard(spec, options, dry_run=dry_run, wait=wait, timeout=timeout))

    def offboard(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:
        """Offboard the factory: revoke the role, disconnect it, and delete the endpoints, in this order.

        Reads, writes, needs and raises what `revoke`, `disconnect` and `delete_all` do. The integration runtime, the
        managed virtual network and the factory's identity stay. `dry_run` writes nothing; `timeout` is in seconds.
        Safe to repeat.

        Returns:
            Outcomes with the subjects `data-curator`, `connection` and `endpoint`.
        """
        return self._run(_client.verbs.offboard(spec, dry_run=dry_run, timeout=timeout))

    def plan_private_endpoints(self, spec: Spec, network: Network, *, purpose: Purpose) -> Plan:
        """What a network of your own needs to reach the account: private endpoints, zones, links and zone groups.

        Reads the account and what it offers, the virtual network, the private endpoints of its resource group, and the
        private DNS zones of the subscription with their links. Needs Reader on the account and on the resource groups
        of the network. `purpose` is `self-hosted-runtime` for lineage from self-hosted integration runtimes, or
        `studio` for people who search Purview from Data Factory Studio. `Spec.groups` and `Spec.names` are about
        managed endpoints and do not count here; names are the base name, `-` and the group id. Writes nothing. Safe to
        repeat.

        Raises:
            InvalidSpec: the base name gives a name that Azure does not accept, or `purpose` is unknown.
            UnsupportedSetup: the account does not show what it needs, the virtual network has no such subnet, or the
                extra `network` is not installed.
            NotFound: the account, the virtual network or the resource group does not exist.
            AccessDenied: the caller is not allowed to read the network.
        """
        return self._run(_client.verbs.plan_private_endpoints(spec, network, purpose=purpose))

    def create_private_endpoints(
        self,
        spec: Spec,
        network: Network,
        *,
        purpose: Purpose,
        approve: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 1800,
    ) -> Report:
        """Create what a network of your own needs to reach the account, and wait until it works.

        Reads what `plan_private_endpoints` reads; writes private endpoints, one after the other, and, as
        `Network.dns` says, private DNS zones, links and zone groups. Nothing outside the network's resource groups is
        written, an existing zone or link is used, and an existing zone group is not touched. Needs Network Contributor
        on the network's resource group and Private DNS Zone Contributor on that of the zones. Azure approves a
        connection at once if the caller is allowed to approve it on the target; every other connection stays Pending,
        and `approve` then approves it by the exact id of its private endpoint, as the verb `approve` does. `dry_run`
        writes nothing; `timeout` is in seconds. Safe to repeat: a second call writes nothing.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Returns:
            One outcome per step, with the subjects `dns-zone`, `dns-link`, `private-endpoint` and `dns-zone-group`.
            `Report.hand_off` says what the owners of the targets still have to approve.

        Raises:
            PlanConflict: before the first write, if the plan holds conflicts: a zone is missing, or a name is taken.
            InvalidSpec, UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan_private_endpoints`.
        """
        return self._run(
            _client.verbs.create_private_endpoints(
                spec, network, purpose=purpose, approve=approve, dry_run=dry_run, wait=wait, timeout=timeout
            )
        )

    def delete_private_endpoints(
        self, spec: Spec, network: Network, *, purpose: Purpose, dry_run: bool = False, timeout: float = 600
    ) -> Report:
        """Delete the private endpoints of a purpose from a network of your own, whatever their names.

        Reads the account, the virtual network and the private endpoints of its resource group; deletes those in the
        subnet with the purpose's targets and group ids, one after the other, and reads until they are gone, for at most
        `timeout` seconds. Zone groups and records go with their endpoint; zones and links stay, because others may use
        them. One in another resource group than the network's is a `conflict`. Needs Network Contributor on the
        network's resource group; with `dry_run`, which deletes nothing, Reader. Safe to repeat: an endpoint that is
        gone is `absent`.

        Returns:
            One outcome per target: `deleted` (in a dry run `would-delete`), `absent`, `conflict`, `failed` or
            `timed-out`.

        Raises:
            InvalidSpec, UnsupportedSetup, NotFound, AccessDenied: before the first write, as `plan_private_endpoints`.
        """
        return self._run(
            _client.verbs.delete_private_endpoints(spec, network, purpose=purpose, dry_run=dry_run, timeout=timeout)
        )

    def private_endpoints_status(self, spec: Spec, network: Network, *, purpose: Purpose) -> Status:
        """Every private endpoint that a network of your own needs, as it and its target see it, with a verdict.

        Reads what `plan_private_endpoints` reads, and the connections of the targets. Needs Reader on the network's
        resource groups; without Reader on the targets, only the private endpoint's side is shown, and a finding says
        so. `Status.ready` is true only if the names resolve, too, unless `Network.dns` is `none`. Writes nothing. Safe
        to repeat.

        Raises:
            InvalidSpec, UnsupportedSetup, NotFound, AccessDenied: as `plan_private_endpoints`.
        """
        return self._run(_client.verbs.private_endpoints_status(spec, network, purpose=purpose))

    def diagnose(self, spec: Spec, *, since: timedelta = timedelta(hours=24)) -> Diagnosis:
        """Why lineage does not arrive: the whole chain, from the support matrix to the recent runs.

        Reads what `check` and `status` read, and the lineage status of the activities in the newest 50 pipeline runs
        of the time `since` (at most 45 days). What the caller is not allowed to read becomes a finding, and the rest is
        checked all the same. Needs Reader on the factory, the account and the targets; some factories show their runs
        only to a Data Factory Contributor. Writes nothing. Safe to repeat.

        Source: "Access a secured Microsoft Purview account from Azure Data Factory", Microsoft, 2024-10-03.

        Raises:
            InvalidSpec: `since` is not a timedelta of at most 45 days.
            NotFound: the factory does not exist. A missing account is a finding.
        """
        return self._run(_client.verbs.diagnose(spec, since=since))

    def delete_all(self, spec: Spec, *, dry_run: bool = False, timeout: float = 600) -> Report:
        """Delete the endpoints that serve this spec, whatever their names, and nothing else.

        Reads the account and the factory's endpoints; deletes those with the spec's targets and group ids, all at
        once, and lists again until Azure no longer shows them, for at most `timeout` seconds. It does not touch an
        endpoint that only has the spec's name, or one that is reserved for the service (`conflict`). Needs Data Factory
        Contributor on the factory and Reader on the account; with `dry_run`, which deletes nothing, Reader on both.
        Safe to repeat: an endpoint that is gone is `absent`.

        Returns:
            One outcome per target: `deleted` (in a dry run `would-delete`), `absent`, `conflict`, `failed` or
            `timed-out`. Azure accepts a deletion even if a lock makes it fail; the outcome says so, and how to find the
            lock.

        Raises:
            UnsupportedSetup, NotFound, AccessDenied: before the first write, as for `plan`. If the account was deleted,
                its own endpoint is deleted, with a warning about the others.
        """
        return self._run(_client.verbs.delete_all(spec, dry_run=dry_run, timeout=timeout))

    def orphans(self, account: str | ArmId) -> Orphans:
        """The orphans of one account: connections without an endpoint, endpoints without a target.

        Reads the account, the connections of its targets, the factories of every subscription that this caller can
        see, and the endpoints of those that concern the account. Needs Reader on all of these. A row is `certain`
        only if the factory or the target could be read; a connection of a factory that this caller cannot see is listed
        as not certain. Writes nothing. Safe to repeat.

        Raises:
            InvalidSpec: `account` is not the id of a Purview account.
            AccessDenied: the caller is not signed in. What the caller is not allowed to read becomes a finding. A
                deleted account is not an error.
        """
        return self._run(_client.verbs.orphans(account))

    def find_specs(self, scope: str, *, name: str = "purview", account: str | ArmId | None = None) -> FoundSpecs:
        """A spec for every factory of a subscription or resource group that is connected to a Purview account.

        Reads the list of factories. Needs Reader on the scope; Azure leaves out the factories that the caller is not
        allowed to see. `scope` is `/subscriptions/…` or the id of a resource group, `name` the base name for all of
        them; with `account` only the factories that are connected to that account. Safe to repeat.

        Returns:
            The specs as a tuple. Its attribute `findings` has an entry for each connected factory that was left out
            because no spec can name it; a `warning` event reports it, too.

        Raises:
            InvalidSpec: `scope` is neither of these, `account` is not the id of an account, or the name breaks a rule.
            AccessDenied, NotFound: the scope cannot be read.
        """
        return self._run(_client.verbs.find_specs(scope, name=name, account=account))

    def find_id(self, scope: str, name: str, *, kind: Literal["factory", "account"] = "factory") -> str:
        """The full id of a factory or a Purview account, by its name.

        Reads one list of factories or accounts. Needs Reader on the scope; Azure leaves out what the caller is not
        allowed to see. `scope` is `/subscriptions/…` or the id of a resource group. Writes nothing. Safe to repeat.

        Raises:
            InvalidSpec: the scope, the name or the kind is wrong.
            NotFound: the caller sees no such resource.
            AccessDenied: the scope cannot be read.
        """
        return self._run(_client.verbs.find_id(scope, name, kind=kind))

    def create_many(
        self,
        specs: Iterable[Spec] | FleetPlan | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> FleetReport:
        """What `create_all` does, for many factories at once, as fast as Azure's limits allow.

        Reads, writes and needs what `create_all` does, but reads each account only once. One factory's failure never
        stops the others: it is in that factory's report. Safe to repeat.

        Args:
            specs: The specs, or the path of a JSON or CSV file (see `read_specs`); or what `plan_many` returned, and
                then nothing is done that these plans do not hold, as with `apply`.
            approve: Whether to approve each connection as it appears.
            wait: Whether to wait until Azure has created the endpoints.
            timeout: Seconds for each factory, from the moment its endpoints are submitted.
            stop_after: Seconds for the whole fleet; what is not done by then is reported `timed-out`.
            resume: An earlier report, or the path of a report file or journal; its complete reports are kept, and their
                factories are not read again. If you pass the path of `journal`, the file need not exist yet, so the
                first run and every later run can be the same call.
            journal: A file to which each report is appended as soon as it is complete, one line each; read it back
                with `FleetReport.load`. Only one run at a time can write a file. If the disk is full, the run goes on,
                a warning event says so, and the returned report holds everything.
            dry_run: Whether to write nothing, neither to Azure nor to the journal, and report what would be done.

        Returns:
            One report per spec, in their order.

        Raises:
            InvalidSpec: before anything is sent; a spec or row is wrong, is given twice, or conflicts with another one.
        """
        return self._all(
            _client.verbs.create_many(
                specs,
                approve=approve,
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def iter_create_many(
        self,
        specs: Iterable[Spec] | FleetPlan | str | Path,
        *,
        approve: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> Iterator[Report]:
        """As `create_many`, but yields each factory's report as soon as it is complete.

        Reads, writes, needs and raises what `create_many` does; times are in seconds. Safe to repeat.
        Reports that `resume` holds already are not yielded. If you stop iterating, no further factory starts and
        nothing is waited for; Azure goes on with what is submitted, and a later call finds it.
        """
        return self._iterate(
            _client.verbs.create_many(
                specs,
                approve=approve,
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def onboard_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> FleetReport:
        """What `onboard` does, for many factories at once, as fast as Azure's limits allow.

        Reads, writes and needs what `onboard` does, but reads each account only once. The identities of all factories
        of one account are added to its policy together, in a few writes however many factories there are. One
        factory's failure never stops the others: it is in that factory's report. `timeout` is in seconds for each
        factory, from the moment its endpoints are submitted. Safe to repeat.

        Args:
            specs: The specs, or the path of a JSON or CSV file (see `read_specs`).
            approve: Whether to approve each connection as it appears.
            grant: Whether to give each factory's identity the role Data Curator.
            become_admin: Whether the caller may be made a collection administrator, as in `grant`.
            replace: Whether connections to other accounts are replaced.
            wait: Whether to wait until Azure has created the endpoints.
            timeout: Seconds for each factory.
            stop_after: Seconds for the whole fleet; what is not done by then is reported `timed-out`.
            resume: As in `create_many`; a report of `create_many` does not count as onboarding.
            journal: As in `create_many`.
            dry_run: As in `create_many`.

        Returns:
            One report per spec, in their order.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._all(
            _client.verbs.onboard_many(
                specs,
                (approve, grant, become_admin, replace),
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def iter_onboard_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        approve: bool = False,
        grant: bool = True,
        become_admin: bool = False,
        replace: bool = False,
        wait: bool = True,
        timeout: float = 1800,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
        dry_run: bool = False,
    ) -> Iterator[Report]:
        """As `onboard_many`, but yields each factory's report as soon as it is complete.

        Reads, writes, needs and raises what `onboard_many` does; times are in seconds. Safe to repeat.
        Reports that `resume` holds already are not yielded. You can stop iterating safely, as with `iter_create_many`.
        """
        return self._iterate(
            _client.verbs.onboard_many(
                specs,
                (approve, grant, become_admin, replace),
                wait=wait,
                timeout=timeout,
                stop_after=stop_after,
                resume=resume,
                journal=journal,
                dry_run=dry_run,
            )
        )

    def approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> FleetReport:
        """What `approve` does, for many factories at once: each target is listed once per round for all of them.

        Reads, writes and needs what `approve` does. Takes specs, requesters' reports, the `FleetReport` of
        `create_many`, or the path of a file with specs. `timeout` is in seconds, for all of them together. Safe to
        repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._all(_client.verbs.approve_many(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout))

    def iter_approve_many(
        self,
        specs_or_reports: Iterable[Spec | Report] | FleetReport | str | Path,
        *,
        dry_run: bool = False,
        wait: bool = True,
        timeout: float = 300,
    ) -> Iterator[Report]:
        """As `approve_many`, but yields each factory's report as soon as it is complete.

        Reads, writes, needs and raises what `approve_many` does; `timeout` is in seconds. Safe to repeat.
        """
        return self._iterate(_client.verbs.approve_many(specs_or_reports, dry_run=dry_run, wait=wait, timeout=timeout))

    def status_many(self, specs: Iterable[Spec] | str | Path) -> FleetStatus:
        """What `status` shows, for many factories at once: each account and each target is read once.

        Reads and needs what `status` does. A factory that cannot be read has an error instead of a status. Safe to
        repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._run(_client.verbs.status_many(specs))

    def plan_many(self, specs: Iterable[Spec] | str | Path) -> FleetPlan:
        """What `plan` shows, for many factories at once: each account and each target is read once.

        Reads and needs what `plan` does. The room at a target is shared by all factories of the fleet. A factory that
        cannot be read has an error instead of a plan. Writes nothing. Safe to repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._looked(_client.verbs.plan_many(specs))

    def check_many(self, specs: Iterable[Spec] | str | Path) -> FleetCheck:
        """What `check` shows, for many factories at once: each account, its policy and each target is read once.

        Reads and needs what `check` does. A factory that cannot be read has an error instead of a check. Writes
        nothing. Safe to repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._run(_client.verbs.check_many(specs))

    def delete_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        dry_run: bool = False,
        timeout: float = 600,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> FleetReport:
        """What `delete_all` does, for many factories at once, as fast as Azure's limits allow.

        Reads, writes and needs what `delete_all` does, but reads each account only once. One factory's failure never
        stops the others: it is in that factory's report. `timeout` is in seconds for each factory, from the moment its
        deletions were asked for; `stop_after` is for the whole fleet. `dry_run` deletes nothing. `resume` and `journal`
        are as in `create_many`; a report of a creation does not count as a deletion. Safe to repeat.

        Raises:
            InvalidSpec: before anything is sent; as `create_many`.
        """
        return self._all(
            _client.verbs.delete_many(
                specs, dry_run=dry_run, timeout=timeout, stop_after=stop_after, resume=resume, journal=journal
            )
        )

    def iter_delete_many(
        self,
        specs: Iterable[Spec] | str | Path,
        *,
        dry_run: bool = False,
        timeout: float = 600,
        stop_after: float | None = None,
        resume: FleetReport | str | Path | None = None,
        journal: str | Path | None = None,
    ) -> Iterator[Report]:
        """As `delete_many`, but yields each factory's report as soon as it is complete.

        Reads, writes, needs and raises what `delete_many` does; times are in seconds. Safe to repeat.
        """
        return self._iterate(
            _client.verbs.delete_many(
                specs, dry_run=dry_run, timeout=timeout, stop_after=stop_after, resume=resume, journal=journal
            )
        )

    def close(self) -> None:
        """Close the connections that this client opened; a transport or credential that you passed stays open."""
        self._azure.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _io(self, timeout: float | None) -> SyncIo:
        return self._io_type(self._azure, timeout=timeout, listener=self._on_event)

    def _run(self, call: Call[T]) -> T:
        io = self._io(call.timeout)
        return io.run(call.narrated(io))

    def _iterate(self, series: Series[T]) -> Iterator[T]:
        io = self._io(series.timeout)
        with series.begin(io) as work:
            try:
                while not work.is_over:
                    yield from io.run(work.round())
            finally:
                io.run(work.close())

    def _all(self, fleet: FleetRun) -> FleetReport:
        with fleet.kept():
            for _ in self._iterate(fleet):
                pass
        return fleet.report()

    def _looked(self, look: FleetLook[T]) -> T:
        for _ in self._iterate(look):
            pass
        return look.results[0]
