"""Discovering what a Purview account needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._model.spec import ACCOUNT_TYPE, given_id

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account


async def discover(io: Io, account: str | ArmId) -> Account:
    """What the account needs. Without the right to read it: the account endpoint alone, with a warning."""
    return await reads.read_account(io, given_id(account, ACCOUNT_TYPE, "account"))
