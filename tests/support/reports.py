"""The effects of a verb in short form: outcomes of its report, requests and endpoints of its emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.colours import spec_for

if TYPE_CHECKING:
    from purview_mpe import Report, Spec
    from purview_mpe.emulator import Emulator
    from tests.support.colours import Colour


def results(report: Report) -> dict[str, str]:
    """The results by the names of the endpoints."""
    return {outcome.name: outcome.result for outcome in report.outcomes}


def results_by_group(report: Report) -> dict[str | None, str]:
    """The results by group id."""
    return {outcome.group_id: outcome.result for outcome in report.outcomes}


def create(
    colour: Colour,
    emulator: Emulator,
    spec: Spec | None = None,
    *,
    wait: bool = True,
    timeout: float = 1800,
    approve: bool = False,
    client_options: dict[str, Any] | None = None,
    **fields: Any,
) -> Report:
    """The report of `create_all`, by default for the emulator's factory; `fields` are those of the spec."""
    wanted = spec or spec_for(emulator, **fields)
    return colour.run(
        emulator,
        lambda client: client.create_all(wanted, wait=wait, timeout=timeout, approve=approve),
        **client_options or {},
    )


def requests(emulator: Emulator, method: str, ending: str) -> list[int | None]:
    """The answers to requests with this end of path."""
    return [r.status for r in emulator.requests if r.method == method and r.path.endswith(ending)]


def states(emulator: Emulator) -> dict[str, str]:
    """The provisioning state of each endpoint by its name."""
    return {endpoint.name: endpoint.provisioning_state for endpoint in emulator.endpoints()}
