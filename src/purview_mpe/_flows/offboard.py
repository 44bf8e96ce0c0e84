"""Removing a factory from an account: the role, the connection, the endpoints, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows import delete_all
from purview_mpe._flows.grant import Curating, Member
from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps.factory_change import Disconnection, FactoryChange
from purview_mpe._model.results import Report
from purview_mpe._rules.planning import needed_targets
from purview_mpe._wire import factory as factory_json

if TYPE_CHECKING:
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.spec import Spec


async def offboard(io: Io, spec: Spec, *, dry_run: bool) -> Report:
    """Revoke, disconnect and delete; the runtime, the managed virtual network and the identity stay.

    Raises:
        UnsupportedSetup, NotFound, AccessDenied: before the first write, if the factory or the account cannot be read.
    """
    began = io.now()
    account_id = spec.account_id or await reads.connected_account(io, spec)
    # The endpoints are listed before the first write, so that an unreadable list does not leave the factory half
    # removed. Each deletion looks again, because the list is old by then.
    body, account, (endpoints, seen_at) = await reads.three(
        io,
        reads.read_factory_body(io, spec.factory_id),
        delete_all.read_account(io, account_id),
        delete_all.list_endpoints(io, spec),
    )
    member = Member(spec.factory_id.name, factory_json.principal_id(body), began, spec.factory)
    curating = Curating(
        io, account, account_id, "offboard", [member], become_admin=False, dry_run=dry_run, takes_away=True
    )
    change = FactoryChange(io, spec, [Disconnection(spec, str(account_id))], body, began, "offboard", dry_run=dry_run)
    targets = needed_targets(spec, account)
    takedown = delete_all.Takedown(io, spec, account, targets, endpoints, seen_at, "offboard")

    def report() -> Report:
        taken = takedown.report()
        return Report(
            verb="offboard",
            spec=spec,
            account=account,
            outcomes=(*curating.outcomes(), *change.outcomes(), *taken.outcomes),
            hand_off=curating.hand_off(),
            warnings=(*taken.warnings, *curating.warnings()),
        )

    io.so_far = report
    await curating.run()
    await change.run()
    await takedown.run(dry_run=dry_run)
    return report()
