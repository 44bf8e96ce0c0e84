"""The administrator of a subscription: locks, policies and deny assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._state.guards import Denial, Lock

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.guards import Guards, LockLevel
    from purview_mpe.emulator._state.world import World


class Administrator:
    """Adds locks and denials, which stop callers who have the right."""

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

        If the lock is on a managed endpoint or on its target, the endpoint's deletion is still answered with 200; the
        endpoint stays and ends as `deletion_ends`. Other deletions, and under `ReadOnly` all writes, are refused with
        409 `ScopeLocked`.
        """
        with self._world.lock:
            self._guards.locks.append(Lock(str(scope), level, name, deletion_ends))

    def remove_locks(self) -> None:
        """Remove all locks."""
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
        """Remove all policies and deny assignments."""
        with self._world.lock:
            self._guards.denials.clear()
