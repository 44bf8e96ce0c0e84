"""Makes the methods of an emulator's parts available on `Emulator`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

Whole = TypeVar("Whole")
Part = TypeVar("Part")
P = ParamSpec("P")
R = TypeVar("R")


class Delegated(Generic[Whole, Part, P, R]):
    """A method that belongs to a part of an object: `approve = Delegated(OWNERS, Owners.approve)`.

    On the class it is the part's function, with its signature and documentation. On an object it is bound to that
    object's part.
    """

    def __init__(self, part: Callable[[Whole], Part], method: Callable[Concatenate[Part, P], R]) -> None:
        self._part = part
        self._method: Any = method
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, whole: None, owner: type) -> Callable[Concatenate[Part, P], R]: ...

    @overload
    def __get__(self, whole: Whole, owner: type) -> Callable[P, R]: ...

    def __get__(self, whole: Whole | None, owner: type) -> Callable[..., R]:
        """The part's function, or its method."""
        found: Callable[..., R] = self._method if whole is None else self._method.__get__(self._part(whole))
        return found
