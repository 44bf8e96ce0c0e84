"""Credentials for the emulator, in the form that the SDKs expect, without importing an SDK."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from purview_mpe.emulator._state.access import LIFETIME, MANAGEMENT

if TYPE_CHECKING:
    from types import TracebackType

    from purview_mpe.emulator._state.access import Access, Caller
    from purview_mpe.emulator._state.world import World


if TYPE_CHECKING:
    # For the type checkers of users' tests; at run time the SDKs only use the attributes.
    from azure.core.credentials import AccessToken, AccessTokenInfo
else:

    class AccessToken(NamedTuple):
        """A token with its expiry, in seconds since 1970."""

        token: str
        expires_on: int

    class AccessTokenInfo:
        """The same, in the newer form that also has type and refresh time."""

        def __init__(self, token: str, expires_on: int) -> None:
            self.token = token
            self.expires_on = expires_on
            self.token_type = "Bearer"  # noqa: S105  a type, not a token
            self.refresh_on: int | None = None


class Credential:
    """A sync credential of one caller."""

    def __init__(self, world: World, access: Access, caller: Caller) -> None:
        self._world = world
        self._access = access
        self.caller = caller

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A fresh token for the audience of the first scope; every call is counted."""
        resource = scopes[0].removesuffix("/.default") if scopes and scopes[0].startswith("https://") else MANAGEMENT
        with self._world.lock:
            token = self._access.token(self.caller, resource)
        # Real time: azure-core compares it with the time of day, whatever clock the emulator uses.
        return AccessToken(token, int(time.time()) + LIFETIME)

    def get_token_info(self, *scopes: str, **_options: Any) -> AccessTokenInfo:
        """A fresh token for the audience of the first scope; every call is counted."""
        return AccessTokenInfo(*self.get_token(*scopes))

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


class AsyncCredential:
    """An async credential of one caller."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self.caller = credential.caller

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A fresh token; every call is counted."""
        return self._credential.get_token(*scopes, **options)

    async def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """A fresh token; every call is counted."""
        return self._credential.get_token_info(*scopes, **options)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
