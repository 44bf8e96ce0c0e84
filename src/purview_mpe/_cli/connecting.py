"""How one command reaches Azure: the arguments of the client, and the sign-in of an emulator on this machine."""

from __future__ import annotations

import ipaddress
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from purview_mpe._azure import loading
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace


def client_options(arguments: Namespace) -> dict[str, Any]:
    """The keyword arguments for the client.

    Raises:
        InvalidSpec: the certificate file does not exist.
    """
    options: dict[str, Any] = {"cloud": arguments.cloud}
    if arguments.endpoint is not None:
        options["endpoint"] = arguments.endpoint
        if _is_this_machine(arguments.endpoint):
            options["credential"] = EmulatorCredential()
    if (purview_endpoint := getattr(arguments, "purview_endpoint", None)) is not None:
        options["purview_endpoint"] = purview_endpoint
    if arguments.ca is not None:
        if not _is_file(arguments.ca):
            raise InvalidSpec("The command", [("--ca", f"{_short(arguments.ca)!r} is not a file")])
        options["connection_verify"] = arguments.ca
    return options


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a name longer than any file's
        return False


def _short(path: str) -> str:
    """A path for a message, with the middle cut out if it is longer than any real path."""
    return path if len(path) <= 400 else f"{path[:200]}…{path[-200:]}"


class EmulatorCredential:
    """A bearer token that Azure does not accept, for an emulator on this machine.

    Never used for any other host, so that a mistyped address leads to a sign-in and not to a refused token.
    """

    # Not a word that occurs in answers, because a token is masked wherever it occurs.
    _TOKEN = "opens-nothing-of-azures"  # noqa: S105 - not a secret
    _LIFETIME = 3600

    def get_token_info(self, *_scopes: str, options: object = None) -> Any:
        """The token, in azure-core's newer form, which it asks for first."""
        del options
        token = loading.load("azure.core.credentials").AccessTokenInfo
        return token(self._TOKEN, int(time.time()) + self._LIFETIME)

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """The token, in the older form."""
        token = loading.load("azure.core.credentials").AccessToken
        return token(self._TOKEN, int(time.time()) + self._LIFETIME)


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
