"""The administrator of a subscription: locks, policies and deny assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._state.guards import Denial, Lock

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.guards import Guards, LockLevel
    from purview_mpe.emulator._state.world import World


class Administrator:
    """Puts locks and denials in the way of callers who have the right."""

    def __init__(self, world: World, guards: Guards) -> None:
        self._world = world
        self._guards = guards

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
