"""Both sides of every endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows import observe
from purview_mpe._planning import needed_targets
from purview_mpe._verdict import judge

if TYPE_CHECKING:
    from purview_mpe._flows.io import Io
    from purview_mpe._model import Status
    from purview_mpe._spec import Spec


async def status(io: Io, spec: Spec) -> Status:
    """What the factory shows of every endpoint that the spec wants."""
    account, factory = await observe.observe(io, spec)
    targets = needed_targets(spec, account)
    return judge(spec, account, targets, factory.endpoints, target_status={}, findings=account.warnings)
