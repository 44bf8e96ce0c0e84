"""From a method and a path to a handler: one table of routes, matched in any letter case."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from purview_mpe.emulator._values.exchange import ArmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._values.exchange import Response

Handler: TypeAlias = "Callable[[Call], Response]"

_WELL_FORMED_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-[a-z]+)?")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `versions` are the api-versions that it answers to; None: it needs none. `action` is the action that the caller
    must be allowed; None: no action. `{scope}` at the start of a template stands for any number of segments.
    """

    method: str
    template: str
    versions: tuple[str, ...] | None
    handler: Handler
    action: str | None = None
    also: str | None = None
    """A second action that the caller must be allowed, for example to approve a connection."""
    delete_passes_locks: bool = False
    """Whether a DELETE gets a success answer even if a lock makes the deletion fail later."""
    anonymous: bool = False
    is_data_plane: bool = False
    """Whether it belongs to an account's own host, and not to Azure Resource Manager."""


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    parameter: _Node | None = None
    routes: dict[str, int] = field(default_factory=dict[str, int])
    """The places of the routes in the table, by method."""


class Router:
    """The table of routes, arranged for matching."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._plain, self._scoped = _arranged(tuple((route.method, route.template) for route in self.routes))

    def match(self, method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
        """The route for a request, and the values of its parameters.

        Raises:
            ArmError: 501 for a path that the emulator does not have, 405 for a method that the path does not
                have.
        """
        folded = tuple(segment.casefold() for segment in segments)
        path, scope = "/" + "/".join(segments), ""
        found = _walk(self._plain, folded)
        if found is None:
            for start in range(len(segments)):
                if folded[start : start + 2] == ("providers", "microsoft.authorization"):
                    found = _walk(self._scoped, folded[start:])
                    scope, segments = "/" + "/".join(segments[:start]), segments[start:]
                    break
        if found is None:
            raise ArmError(
                501,
                "NotEmulated",
                f"The emulator has no route for {method} {path}. "
                "It covers what Data Factory, Purview and their private endpoints need, and nothing else.",
            )
        node, positions = found
        if (number := node.routes.get(method)) is None:
            raise ArmError(
                405,
                "HttpMethodNotAllowed",
                f"The requested resource does not support http method '{method}': {path}.",
                headers={"Allow": ", ".join(sorted(node.routes))},
            )
        route = self.routes[number]
        parameters = {
            name: segments[position] for name, position in zip(_names(route.template), positions, strict=True)
        }
        if scope:
            parameters["scope"] = scope
        return route, parameters


@lru_cache(maxsize=8)
def _arranged(routes: tuple[tuple[str, str], ...]) -> tuple[_Node, _Node]:
    """The tree of the plain and that of the scoped templates. Emulators share them, because no tree changes later."""
    plain, scoped = _Node(), _Node()
    for number, (method, template) in enumerate(routes):
        node = scoped if template.startswith("{scope}") else plain
        for segment in template.removeprefix("{scope}").strip("/").split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment.casefold(), _Node())
        node.routes[method] = number
    return plain, scoped


def _walk(node: _Node, segments: tuple[str, ...], at: int = 0) -> tuple[_Node, tuple[int, ...]] | None:
    """The node at the end of a path, and the positions of its parameters; literals match first."""
    if at == len(segments):
        return (node, ()) if node.routes else None
    literal = node.literal.get(segments[at])
    found = _walk(literal, segments, at + 1) if literal is not None else None
    if found is None and node.parameter is not None:
        rest = _walk(node.parameter, segments, at + 1)
        found = rest and (rest[0], (at, *rest[1]))
    return found


@cache
def _names(template: str) -> tuple[str, ...]:
    return tuple(re.findall(r"{(\w+)}", template.removeprefix("{scope}")))


def check_version(route: Route, asked: str | None) -> str:
    """The api-version of the answer.

    Raises:
        ArmError: 400 with the codes that Azure Resource Manager uses (seen in public bug reports).
    """
    if route.versions is None:
        return asked or ""
    asked = (asked or "").casefold()
    if not asked:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not route.versions:
        if _WELL_FORMED_VERSION.fullmatch(asked):
            return asked
    elif asked in route.versions:
        return asked
    elif _WELL_FORMED_VERSION.fullmatch(asked):
        resource_type = _type_in(route.template)
        raise ArmError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '' and API version '{asked}' for type "
            f"'{resource_type}'. The supported api-versions are '{', '.join(route.versions)}'. "
            "The supported locations are ''.",
        )
    raise ArmError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{asked}' is invalid. The supported versions are "
        f"'{', '.join(route.versions) or 'dates such as 2022-12-01'}'.",
    )


def _type_in(template: str) -> str:
    """The resource type in a template: `factories/managedVirtualNetworks`."""
    _, _, tail = template.rpartition("/providers/")
    return "/".join(segment for segment in tail.split("/")[1:] if not segment.startswith("{"))
