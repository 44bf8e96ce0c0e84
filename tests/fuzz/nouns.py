"""JSON that is read back: specs, plans, reports, and everything else that a user can have saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import purview_mpe
from purview_mpe import Plan, Report, Spec, errors, export, export_customer_endpoints
from purview_mpe.durable import FleetRequest
from purview_mpe.emulator import Emulator

from .bending import bent_json
from .subject import called

if TYPE_CHECKING:
    from random import Random

    from .subject import Subject

_FORMATS = ("bicep", "terraform", "terraform-azapi", "arm", "az", "powershell")
_SUBNET = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1/providers/Microsoft.Network"
    "/virtualNetworks/v1/subnets/s1"
)


def spec(subject: Subject, random: Random) -> None:
    """A spec file; a valid one is equal after writing and reading it."""
    read = Spec.model_validate_json(bent_json(random, subject.documents["Spec"]))
    assert Spec.model_validate_json(read.model_dump_json()) == read


def plan(subject: Subject, random: Random) -> None:
    """An edited plan file: read, printed, and applied if it is valid.

    Whatever it contains, endpoints are created only to the targets of the emulator's account.
    """
    read = Plan.model_validate_json(bent_json(random, subject.documents["Plan"]))
    str(read)
    azure = Emulator(provisioning=1)
    allowed = {str(target).casefold() for target in azure.targets(azure.account).values()}
    try:
        called(random, azure, lambda client: client.apply(read, timeout=120))
    finally:
        assert {endpoint.target.casefold() for endpoint in azure.endpoints()} <= allowed


def exports(subject: Subject, random: Random) -> None:
    """An edited plan file, exported as code in every language."""
    read = Plan.model_validate_json(bent_json(random, subject.documents["Plan"]))
    for language in _FORMATS:
        for write in (
            lambda language=language: export(read, language),
            lambda language=language: export_customer_endpoints(
                read, language, subnet_id=_SUBNET, location="westeurope", groups=read.spec.groups
            ),
        ):
            try:
                assert write().isprintable() is False
            except errors.PurviewMpeError as refused:
                str(refused)


def report(subject: Subject, random: Random) -> None:
    """An edited report file: approving from it approves only connections whose ids it contains."""
    read = Report.model_validate_json(bent_json(random, subject.documents["Report"]))
    str(read)
    azure = Emulator(provisioning=1, connection_delay=0.5)
    called(random, azure, lambda client: client.create_all(subject.spec, timeout=60))
    named = {str(outcome.private_endpoint_id).casefold() for outcome in read.outcomes}
    verb = random.choice(("approve", "approve_many"))
    given: Any = read if verb == "approve" else [read]
    try:
        called(random, azure, lambda client: getattr(client, verb)(given, timeout=5))
    finally:
        approved = [c for c in azure.connections() if c.status == "Approved"]
        assert all(c.private_endpoint_id.casefold() in named for c in approved), approved


def others(subject: Subject, random: Random) -> None:
    """Any other noun: refused, or read and shown as text and as HTML."""
    name = random.choice(tuple(subject.nouns))
    kind = FleetRequest if name == "FleetRequest" else getattr(purview_mpe, name)
    read = kind.model_validate_json(bent_json(random, subject.documents[name]))
    str(read)
    repr(read)
    read._repr_html_()
    assert kind.model_validate_json(read.model_dump_json()) == read
