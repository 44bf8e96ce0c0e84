"""Refusals in spite of a role: locks, policies, deny assignments, missing registration."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from purview_mpe.emulator._state.access import within
from purview_mpe.emulator._values.exchange import ArmError

if TYPE_CHECKING:
    from purview_mpe.emulator._state.access import Caller
    from purview_mpe.emulator._state.world import World

LockLevel = Literal["CanNotDelete", "ReadOnly"]


@dataclass(frozen=True, slots=True)
class Lock:
    """A management lock; `deletion_ends` is the final state of an endpoint whose deletion it blocks."""

    scope: str
    level: LockLevel
    name: str
    deletion_ends: str = "Failed"


@dataclass(frozen=True, slots=True)
class Denial:
    """A policy or deny assignment against actions at a scope."""

    kind: Literal["policy", "deny-assignment"]
    scope: str
    actions: str
    name: str


class Guards:
    """Everything that refuses an action although a role allows it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.locks: list[Lock] = []
        self.denials: list[Denial] = []

    def check(self, caller: Caller, action: str, scope: str, *, delete_passes_locks: bool) -> None:
        """Refuse denied actions and locked scopes; reads are never refused.

        Raises:
            ArmError: 403 or 409, with the codes of Azure.
        """
        if action.casefold().endswith("/read") or not (self.denials or self.locks):
            return
        for denial in self.denials:
            if within(scope, denial.scope) and fnmatchcase(action.casefold(), denial.actions.casefold()):
                raise _denied(denial, caller, action, scope)
        if action.casefold().endswith("/delete") and delete_passes_locks:
            return
        lock = self.lock_against(action, scope)
        if lock is not None:
            verb = "delete" if action.casefold().endswith("/delete") else "write"
            raise ArmError(
                409,
                "ScopeLocked",
                f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are "
                f"locked: '{lock.scope}'. Please remove the lock and try again.",
            )

    def lock_against(self, action: str, *scopes: str) -> Lock | None:
        """The lock that blocks an action at any of these scopes."""
        deletes = action.casefold().endswith("/delete")
        for lock in self.locks:
            if any(within(scope, lock.scope) for scope in scopes) and (deletes or lock.level == "ReadOnly"):
                return lock
        return None

    def check_registration(self, subscription: str, namespace: str) -> None:
        """Refuse a resource provider that is not registered in the subscription.

        Raises:
            ArmError: 409 `MissingSubscriptionRegistration`.
        """
        found = self._world.subscriptions.get(subscription.casefold())
        if found is None or not found.unregistered or namespace.casefold() not in found.unregistered:
            return
        message = (
            f"The subscription is not registered to use namespace '{namespace}'. "
            "See https://aka.ms/rps-not-found for how to register subscriptions."
        )
        details: list[dict[str, Any]] = [
            {"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}
        ]
        raise ArmError(409, "MissingSubscriptionRegistration", message, details=details)


def _denied(denial: Denial, caller: Caller, action: str, scope: str) -> ArmError:
    if denial.kind == "policy":
        name = scope.rpartition("/")[2]
        return ArmError(
            403,
            "RequestDisallowedByPolicy",
            f"Resource '{name}' was disallowed by policy. Policy identifiers: "
            f'\'[{{"policyAssignment":{{"name":"{denial.name}","id":"{denial.scope}"}}}}]\'.',
            target=name,
            additionalInfo=[
                {"type": "PolicyViolation", "info": {"policyAssignmentDisplayName": denial.name}},
            ],
        )
    return ArmError(
        403,
        "DenyAssignmentAuthorizationFailed",
        f"The client '{caller.client_id}' with object id '{caller.object_id}' has permission to perform "
        f"action '{action}' on scope '{scope}'; however, the access is denied because of the deny assignment "
        f"with name '{denial.name}' at scope '{denial.scope}'.",
    )
