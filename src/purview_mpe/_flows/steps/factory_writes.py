"""The writes inside a factory, each with the read that shows whether it is still needed or has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads, reasons
from purview_mpe._flows.steps.progress import Ended
from purview_mpe._flows.steps.waiting import carried_out
from purview_mpe._model.results import ErrorDetail
from purview_mpe._rules.runtimes import runtime_step
from purview_mpe._wire import account
from purview_mpe._wire.errors import Answer, Attempt, unreadable_answer
from purview_mpe._wire.factory import runtime_body

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Endpoint, Result, Step
    from purview_mpe._model.spec import Spec

_ROLE = "Data Factory Contributor"


async def create_network(io: Io, spec: Spec, step: Step) -> Result:
    """Create the managed virtual network; `kept` if it already exists."""
    factory = spec.factory_id
    attempt = Attempt(f"create the managed virtual network {step.name!r}", spec.factory, _ROLE)

    async def put() -> Result:
        await io.call(
            attempt,
            lambda az: az.datafactory(factory).managed_virtual_networks.create_or_update(
                factory.resource_group, factory.name, step.name, account.network_body()
            ),
        )
        return "created"

    async def look(may_be_done: bool) -> Result | None:
        networks = await reads.list_networks(io, factory)
        if step.name.casefold() not in {network.casefold() for network in networks}:
            return None
        return "created" if may_be_done else "kept"

    return await carried_out(io, put, look=look)


async def create_runtime(io: Io, spec: Spec, step: Step, *, seen_at: float) -> Ended:
    """Create the runtime and read it back: a runtime that Azure put outside the network would be public."""
    factory, network = spec.factory_id, spec.managed_virtual_network
    attempt = Attempt(f"create the integration runtime {step.name!r}", spec.factory, _ROLE)

    async def put() -> Ended:
        await io.call(
            attempt,
            lambda az: az.datafactory(factory).integration_runtimes.create_or_update(
                factory.resource_group, factory.name, step.name, runtime_body(network)
            ),
        )
        if (shown := await look(may_be_done=True)) is None:
            raise reasons.runtime_not_shown(step.name)
        return shown

    async def look(may_be_done: bool) -> Ended | None:
        runtimes = await reads.list_runtimes(io, factory)
        now = next((one for one in runtimes if one.name.casefold() == step.name.casefold()), None)
        if now is None:
            return None
        if now.kind == "azure-managed-vnet":
            return Ended("created" if may_be_done else "kept")
        if may_be_done:
            return Ended("failed", ErrorDetail.of(reasons.runtime_outside(now.name)))
        conflict = runtime_step(spec, runtimes)
        return Ended("conflict", ErrorDetail(code="conflict", message=conflict.reason, remedy=conflict.remedy or ""))

    return await carried_out(io, put, look=look, seen_at=seen_at)


async def put_endpoint(io: Io, spec: Spec, step: Step) -> Endpoint:
    """Send the request to create an endpoint, once.

    Azure never changes an endpoint. It refuses an existing name with a different target, and an existing target with a
    different name (public code).
    """
    factory = spec.factory_id
    attempt = Attempt(f"create the endpoint {step.name!r}", spec.factory, _ROLE, is_guarded=True)
    answer = await io.read(
        attempt,
        lambda az: az.datafactory(factory).managed_private_endpoints.create_or_update(
            factory.resource_group,
            factory.name,
            spec.managed_virtual_network,
            step.name,
            account.endpoint_body(step.resource_id, step.group_id or ""),
        ),
    )
    if (made := account.read_endpoint(answer, factory.name)) is None:
        raise unreadable_answer(attempt, Answer(200), "the endpoint in it has no name")
    return made


async def delete_endpoint(io: Io, spec: Spec, name: str) -> None:
    """Send the request to delete an endpoint, once."""
    factory = spec.factory_id
    await io.call(
        Attempt(f"delete the endpoint {name!r}", spec.factory, _ROLE),
        lambda az: az.datafactory(factory).managed_private_endpoints.delete(
            factory.resource_group, factory.name, spec.managed_virtual_network, name
        ),
    )
