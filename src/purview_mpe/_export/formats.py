"""The same endpoints as code, for teams that keep their infrastructure in a repository.

An export holds the wanted state, not the difference: every endpoint of the plan, also those that exist. It sends no
request to Azure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from purview_mpe._export import arm, az, bicep, customer, powershell, terraform
from purview_mpe._export.resources import managed_bundle
from purview_mpe._model.network import ZONES, Approval
from purview_mpe._model.public import public
from purview_mpe._model.results import Account, Plan
from purview_mpe.errors import InvalidSpec, PlanConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from purview_mpe._azure.clients import Cloud
    from purview_mpe._export.resources import Bundle

ExportFormat: TypeAlias = Literal["bicep", "terraform", "terraform-azapi", "arm", "az", "powershell"]

_WRITERS: dict[ExportFormat, Callable[[Bundle], str]] = {
    "bicep": bicep.write,
    "terraform": terraform.write_azurerm,
    "terraform-azapi": terraform.write_azapi,
    "arm": arm.write,
    "az": az.write,
    "powershell": powershell.write,
}


@public("purview_mpe")
def export(
    plan: Plan,
    format: ExportFormat,  # noqa: A002 - what users call it
    *,
    cloud: Cloud = "public",
    onboard: bool = False,
) -> str:
    """The managed private endpoints of a plan as code: all of them, and the managed virtual network if it is missing.

    The integration runtime is in the code, too, if `Spec.runtime` names one. Reads and writes nothing. The code does
    not approve connections: Azure makes up their names when it creates the endpoints. It creates endpoints on one
    storage account one after the other, because storage accepts one at a time.

    Args:
        plan: The plan from `Client.plan`.
        format: `bicep`, `terraform` (provider azurerm), `terraform-azapi`, `arm` (JSON), `az` (a bash script) or
            `powershell` (a script for the Az module).
        cloud: Where Terraform's providers and the scripts sign in; a template uses the sign-in of its deployment.
        onboard: Whether to also switch on the factory's managed identity and give it the role Data Curator. Only
            `az` does both; Terraform and `powershell` switch it on, and templates say what is left to do.

    Returns:
        The text of one file.

    Raises:
        PlanConflict: the plan holds conflicts, so the code could not be applied.
        InvalidSpec: the format or cloud does not exist, or a name in the plan is not a valid resource name.
    """
    write = _writer(format)
    if not isinstance(cast("object", cloud), str) or cloud not in ZONES:
        raise InvalidSpec("Export", [("cloud", f"{cloud!r} is not one of {', '.join(ZONES)}")])
    _check_subject(plan, Plan, "purview_mpe.Plan")
    if plan.network is not None:
        raise InvalidSpec("Export", [("plan", "is for private endpoints of your own; use export_customer_endpoints")])
    if not isinstance(cast("object", onboard), bool):
        raise InvalidSpec("Export", [("onboard", f"{onboard!r} is neither True nor False")])
    if plan.conflicts:
        raise PlanConflict(plan)
    return write(managed_bundle(plan, cloud, onboard=onboard))


@public("purview_mpe")
def export_customer_endpoints(
    subject: Account | Plan,
    format: ExportFormat,  # noqa: A002 - as above
    *,
    subnet_id: str,
    location: str,
    virtual_network_id: str | None = None,
    resource_group_id: str | None = None,
    groups: Sequence[str] | None = None,
    name: str | None = None,
    zone_ids: Mapping[str, str] | None = None,
    approval: Approval = "automatic",
    request_message: str = "Lineage of a data factory through a self-hosted integration runtime",
    cloud: Cloud = "public",
) -> str:
    """Private endpoints and DNS zones of your own as code, for self-hosted runtimes.

    Behind a closed firewall a self-hosted integration runtime reaches Purview through private endpoints in its own
    network; the factory's managed ones do not help it. Reads and writes nothing.

    Args:
        subject: The account, or a plan for it.
        format: As in `export`.
        subnet_id: Where the endpoints get their addresses.
        location: The region of that subnet's network, for example `westeurope`.
        virtual_network_id: The network that resolves their names; None means the subnet's.
        resource_group_id: The resource group of endpoints and zones; None means that of the virtual network.
        groups: Group ids of the endpoints; None means those that the support matrix demands for a self-hosted runtime
            behind the account's firewall. `("account", "portal")` is for browsers that search Purview from Studio.
        name: Prefix of the endpoints' names; `-` and the group id follow. None means `pe-<account>`.
        zone_ids: Existing private DNS zones by group id; the code uses them, and neither creates nor links them.
        approval: `automatic` needs the right to approve connections on every target; with `manual` each connection
            is Pending until the owner of its target approves it.
        request_message: The message to that owner, with `manual`; 140 characters at most.
        cloud: Decides the names of the zones, and where Terraform's providers and the scripts sign in.

    Returns:
        The text of one file.

    Raises:
        UnsupportedSetup: the firewall demands no endpoint, or cannot be read, and `groups` is None.
        InvalidSpec: listing every wrong argument.

    Source: "Access a secured Microsoft Purview account from Azure Data Factory" and "Azure Private Endpoint private
    DNS zone values", both Microsoft.
    """
    write = _writer(format)
    account = subject.account if isinstance(subject, Plan) else subject
    _check_subject(account, Account, "purview_mpe.Account or Plan")
    customer.check_kinds(
        texts={
            "subnet_id": subnet_id,
            "location": location,
            "approval": approval,
            "request_message": request_message,
            "cloud": cloud,
        },
        optional={"virtual_network_id": virtual_network_id, "resource_group_id": resource_group_id, "name": name},
        groups=groups,
        zone_ids=zone_ids,
    )
    targets = customer.chosen_targets(account, groups)
    site = customer.checked_site(
        account,
        targets,
        subnet_id=subnet_id,
        virtual_network_id=virtual_network_id,
        resource_group_id=resource_group_id,
        location=location,
        name=name,
        zone_ids=zone_ids or {},
        approval=approval,
        request_message=request_message,
        cloud=cloud,
    )
    return write(customer.customer_bundle(account, targets, site))


def _check_subject(subject: object, kind: type, wanted: str) -> None:
    if not isinstance(subject, kind):
        raise InvalidSpec("Export", [("plan", f"is a {type(subject).__name__}; pass a {wanted}")])


def _writer(name: object) -> Callable[[Bundle], str]:
    if not isinstance(name, str) or (writer := _WRITERS.get(cast("ExportFormat", name))) is None:
        known = ", ".join(get_args(ExportFormat))
        raise InvalidSpec("Export", [("format", f"{name!r} is not one of {known}")])
    return writer
