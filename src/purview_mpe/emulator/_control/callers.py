"""Callers with their credentials and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._http.credential import AsyncCredential, Credential
from purview_mpe.emulator._state.access import Role, within
from purview_mpe.emulator._state.policies import grant, raised
from purview_mpe.emulator._state.roles import collection_role_called, roles_called

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.access import Access, Caller
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
        self,
        *roles: Role | str | tuple[Role | str, ArmId | str],
        scope: ArmId | str = "",
        inside_network: bool | None = None,
    ) -> Credential:
        """A credential of a new caller who has these roles and no others.

        A role is a built-in one by name (`Reader`, `Data Factory Contributor`, …), a `Role` of your own, or one of the
        people of this job: `none`, `reader` (reads everything), `requester` (can request endpoints and read the
        account), `approver` (can approve on the targets, and cannot read the factory). Roles on the root collection of
        Purview accounts are `collection-admin`, `data-curator`, `data-reader` and `data-source-admin`. A role applies
        at `scope`, or at its own scope if it is given as a pair of role and scope.

        `inside_network` says whether the caller is inside the network of closed accounts; None: as the emulator is set.

        Raises:
            ValueError: a role of that name does not exist.
        """
        with self._world.lock:
            caller = self._access.add(", ".join(str(role) for role in roles) or "none")
            caller.is_inside = inside_network
            for given in roles:
                role, at = given if isinstance(given, tuple) else (given, scope)
                self.assign(caller, role, str(at))
            return Credential(self._world, self._access, caller)

    def restrict(self, *roles: Role | str, inside_network: bool | None = None) -> None:
        """From now on, tokens that the emulator did not make belong to a caller with these roles alone.

        Such tokens come from the command line and from other clients of a served emulator. Roles are named as in
        `credential_for`.

        Raises:
            ValueError: a role of that name does not exist.
        """
        with self._world.lock:
            self._access.stranger = self.credential_for(*roles, inside_network=inside_network).caller

    def async_credential_for(
        self,
        *roles: Role | str | tuple[Role | str, ArmId | str],
        scope: ArmId | str = "",
        inside_network: bool | None = None,
    ) -> AsyncCredential:
        """The same for async clients."""
        return AsyncCredential(self.credential_for(*roles, scope=scope, inside_network=inside_network))

    def assign(self, caller: Caller, role: Role | str, scope: str) -> None:
        """Give a caller a role at a scope.

        Raises:
            ValueError: a role of that name does not exist.
        """
        if isinstance(role, Role):
            caller.assignments.append((scope, role))
        elif (collection_role := collection_role_called(role)) is not None:
            caller.collection_roles.append((scope, collection_role))
            for key, account in self._world.accounts.items():
                if key in self._world.catalogs and within(str(account.id), scope):
                    catalog = self._world.catalogs[key]
                    policy = catalog.policy_of(catalog.root)
                    if policy is not None and grant(policy, collection_role, caller.object_id):
                        policy["version"] = raised(policy)
        else:
            caller.assignments.extend((scope, one) for one in roles_called(role))
