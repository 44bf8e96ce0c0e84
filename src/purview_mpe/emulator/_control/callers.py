"""Callers with a credential each, and the roles that each has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._http.credential import AsyncCredential, Credential
from purview_mpe.emulator._state.roles import roles_called

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.access import Access, Role
    from purview_mpe.emulator._state.world import World


class Callers:
    """Gives credentials."""

    def __init__(self, world: World, access: Access) -> None:
        self._world = world
        self._access = access

    def default(self) -> Credential:
        """A credential of the default caller."""
        return Credential(self._world, self._access, self._access.default)

    def async_default(self) -> AsyncCredential:
        """The same for async clients."""
        return AsyncCredential(self.default())

    def credential_for(
        self, *roles: Role | str | tuple[Role | str, ArmId | str], scope: ArmId | str = ""
    ) -> Credential:
        """A credential of a new caller who has these roles and no others.

        A role is a built-in one by name (`Reader`, `Data Factory Contributor`, …), a `Role` of your own, or
        one of the people of this job: `none`, `reader` (reads everything), `requester` (may request
        endpoints and read the account), `approver` (may approve on the targets and not even read the
        factory). It holds at `scope`, or at its own if it is given as a pair of role and scope.
        """
        with self._world.lock:
            caller = self._access.add(", ".join(str(role) for role in roles) or "none")
            for given in roles:
                role, at = given if isinstance(given, tuple) else (given, scope)
                for one in roles_called(role) if isinstance(role, str) else (role,):
                    caller.assignments.append((str(at), one))
            return Credential(self._world, self._access, caller)

    def async_credential_for(
        self, *roles: Role | str | tuple[Role | str, ArmId | str], scope: ArmId | str = ""
    ) -> AsyncCredential:
        """The same for async clients."""
        return AsyncCredential(self.credential_for(*roles, scope=scope))
