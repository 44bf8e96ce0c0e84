"""Planning: what is missing between a factory and an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps.planned import planned

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Plan
    from purview_mpe._model.spec import Spec


async def plan(io: Io, spec: Spec) -> Plan:
    """What is missing."""
    return (await planned(io, spec)).plan
