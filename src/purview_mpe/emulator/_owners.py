"""The other people here: owners of targets, administrators, callers with fewer rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._http.credential import AsyncCredential, Credential
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.guards import Denial, Lock
from purview_mpe.emulator._state.roles import roles_called

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.access import Access, Role
    from purview_mpe.emulator._state.guards import Guards, LockLevel
    from purview_mpe.emulator._state.nouns import Connection
    from purview_mpe.emulator._state.world import World


class Ownership:
    """The part of `Emulator` that acts for other people."""

    def __init__(self, world: World, access: Access, guards: Guards) -> None:
        self._world = world
        self._access = access
        self._guards = guards

    # --- the owner of a target

    def approve(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Approve a connection as the owner of its target.

        `name` is the name of the managed endpoint (with `factory` if several factories have one of that
        name), or the name or id of the connection.

        Raises:
            LookupError: there is no such connection, or none yet; or there are several.
        """
        self._decide(name, "Approved", factory, description)

    def reject(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Reject a connection as the owner of its target; see `approve`."""
        self._decide(name, "Rejected", factory, description)

    def disconnect(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Let a connection be Disconnected on its target; see `approve`.

        A factory that said Approved goes on saying so. `remove` with the id of the connection takes it away.
        """
        self._decide(name, "Disconnected", factory, description)

    def _decide(self, name: str, decision: str, factory: ArmId | str | None, description: str | None) -> None:
        with self._world.lock:
            self._world.settle()
            life.decide(self._world, self._find_connection(name, factory), decision, description)

    def _find_connection(self, name: str, factory: ArmId | str | None) -> Connection:
        wanted = name.strip("/").casefold()
        found = [
            connection
            for connections in self._world.connections.values()
            for connection in connections.values()
            if _is_called(connection, wanted)
            and (
                factory is None or (connection.endpoint and connection.endpoint.factory.key == str(factory).casefold())
            )
        ]
        if len(found) != 1:
            many = "several connections" if found else "no connection"
            raise LookupError(
                f"the targets have {many} of {name!r}; a connection appears some time after its endpoint was requested"
            )
        return found[0]

    # --- the administrator

    def add_lock(
        self,
        scope: ArmId | str,
        level: LockLevel = "CanNotDelete",
        *,
        name: str = "lock",
        deletion_ends: str = "Failed",
    ) -> None:
        """Lock a scope and everything in it.

        The deletion of a managed endpoint is answered with 200 all the same, if the lock is on it or on its
        target; the endpoint stays and ends as `deletion_ends`. Other deletions, and under `ReadOnly` all
        writes, are refused with 409 `ScopeLocked`.
        """
        with self._world.lock:
            self._guards.locks.append(Lock(str(scope), level, name, deletion_ends))

    def remove_locks(self) -> None:
        """Take all locks away."""
        with self._world.lock:
            self._guards.locks.clear()

    def deny_by_policy(self, scope: ArmId | str, actions: str = "*", *, name: str = "deny-private-endpoints") -> None:
        """Refuse writing actions at a scope with 403 `RequestDisallowedByPolicy`; `*` is a wildcard."""
        with self._world.lock:
            self._guards.denials.append(Denial("policy", str(scope), actions, name))

    def add_deny_assignment(self, scope: ArmId | str, actions: str = "*", *, name: str = "system-deny") -> None:
        """Refuse writing actions at a scope with 403 `DenyAssignmentAuthorizationFailed`."""
        with self._world.lock:
            self._guards.denials.append(Denial("deny-assignment", str(scope), actions, name))

    def remove_denials(self) -> None:
        """Take all policies and deny assignments away."""
        with self._world.lock:
            self._guards.denials.clear()

    # --- callers

    @property
    def credential(self) -> Credential:
        """A credential of the default caller, who is Owner of everything but Microsoft's own."""
        return Credential(self._world, self._access, self._access.default)

    @property
    def async_credential(self) -> AsyncCredential:
        """The same for async clients."""
        return AsyncCredential(self.credential)

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

    @property
    def token_requests(self) -> int:
        """How many tokens the credentials of this emulator were asked for."""
        return self._access.token_requests


def _is_called(connection: Connection, wanted: str) -> bool:
    if connection.endpoint is not None and connection.endpoint.name.casefold() == wanted:
        return True
    own = str(connection.target.child("privateEndpointConnections", connection.name)).strip("/").casefold()
    return wanted in {connection.name.casefold(), own}
