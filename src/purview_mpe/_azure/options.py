"""The options of a client besides the credential, and what each value must be. Imports no SDK.

The client refuses unknown and unusable options when it is made, all in one error. An option that is silently ignored,
or fails only at the first request, is hard to track down.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import unquote, urlsplit

from purview_mpe._model.retry import Retry
from purview_mpe._model.shown import shown
from purview_mpe._rules.budget import Budget
from purview_mpe.errors import InvalidSpec

Cloud = Literal["public", "us-government", "china"]
Colour = Literal["sync", "async"]

CLOUDS: tuple[str, ...] = ("public", "us-government", "china")
#: Seconds to establish a connection, and to wait for the next piece of an answer. Their sum limits one request.
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0

#: Maximum bytes of one answer, unpacked. Azure's pages have some hundred thousand. A server that sends this much is not
#: Azure, and reading on would fill the memory.
LONGEST_ANSWER = 32 * 2**20
#: Maximum bytes of all pages of one list. Azure's longest lists have some ten million.
LONGEST_LIST = 4 * LONGEST_ANSWER

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})

_Check: TypeAlias = Callable[[object], bool]


#: A day. A longer wait is a mistake, and sockets and timers do not accept arbitrarily large numbers.
_LONGEST_SECONDS = 86_400.0


def _is_seconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _LONGEST_SECONDS


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def _is_text_by_text(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(item, str) for pair in cast("Mapping[object, object]", value).items() for item in pair)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_path_or_bool(value: object) -> bool:
    return _is_bool(value) or _is_text(value)


def _is_certificate(value: object) -> bool:
    paths = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return 1 <= len(paths) <= 2 and all(map(_is_text, paths))


def _anything(_: object) -> bool:
    return True  # checked after the SDK is loaded, because the check needs azure-core's classes


#: Every option, with the check of its value and the rule as a message states it.
OPTIONS: dict[str, tuple[_Check, str]] = {
    "connection_cert": (_is_certificate, "must be a path, or a tuple of the paths of certificate and key"),
    "connection_timeout": (_is_seconds, "must be a positive number of seconds up to a day, for example 10"),
    "connection_verify": (_is_path_or_bool, "must be True, False or the path of a file with CA certificates"),
    "enable_cae": (_is_bool, "must be True or False"),
    "headers": (_is_text_by_text, "must map names to texts, for example {'x-team': 'data'}"),
    "logging_enable": (_is_bool, "must be True or False"),
    "per_call_policies": (_anything, ""),
    "per_retry_policies": (_anything, ""),
    "proxies": (_is_text_by_text, "must map schemes to addresses, for example {'https': 'http://proxy:3128'}"),
    "raw_request_hook": (callable, "must be callable"),
    "raw_response_hook": (callable, "must be callable"),
    "read_timeout": (_is_seconds, "must be a positive number of seconds up to a day, for example 60"),
    "tracing_attributes": (lambda value: isinstance(value, Mapping), "must be a mapping"),
    "transport": (_anything, ""),
    "user_agent": (_is_text, "must be a text of one line, for example 'contoso-provisioning/1.0'"),
}


def with_plain_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with certificate paths as text, because not every transport accepts pathlib's paths."""
    return {
        name: _plain(value) if name in {"connection_verify", "connection_cert"} else value
        for name, value in options.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", value))
    return tuple(map(_plain, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else value


def checked(
    colour: Colour,
    *,
    cloud: object,
    endpoint: object,
    purview_endpoint: object,
    retry: object,
    budget: object,
    options: Mapping[str, Any],
) -> None:
    """Refuse all unusable settings in one error.

    Raises:
        InvalidSpec: a setting is unknown, of the wrong type, or for the other kind of client.
    """
    problems: list[tuple[str, str]] = []
    if cloud not in CLOUDS:
        problems.append(("cloud", f"{shown(cloud)} is not one of {', '.join(CLOUDS)}"))
    if endpoint is not None and host_of(endpoint) is None:
        # Tokens travel with every request; azure-core refuses plain http for the same reason.
        rule = f"{shown(endpoint)} is not an https address, for example 'https://127.0.0.1:8443'"
        problems.append(("endpoint", rule))
    if purview_endpoint is not None and not _is_on_this_machine(purview_endpoint):
        example = "'https://127.0.0.1:8443/purview/{account}'"
        rule = (
            f"{shown(purview_endpoint)} is not an https address of an emulator on this machine, for example {example}"
        )
        problems.append(("purview_endpoint", rule))
    if retry is not None and not isinstance(retry, Retry):
        problems.append(("retry", f"is a {type(retry).__name__}; pass a purview_mpe.Retry, for example Retry(2)"))
    if budget is not None and not isinstance(budget, Budget):
        problems.append(("budget", f"is a {type(budget).__name__}; pass a purview_mpe.Budget, for example Budget(0.5)"))
    for name, value in options.items():
        if name not in OPTIONS:
            problems.append((name, f"is not an option of the client; the options are {', '.join(OPTIONS)}"))
            continue
        fits, rule = OPTIONS[name]
        if not fits(value):
            problems.append((name, rule))
    problems.extend(_transport_problems(colour, options.get("transport")))
    if problems:
        raise InvalidSpec("Client", problems)


def checked_listener(value: object) -> None:
    """Refuse what cannot be called with an event, and coroutine functions: nothing would await them."""
    if value is None:
        return
    if not callable(value):
        raise InvalidSpec("Client", [("on_event", f"is a {type(value).__name__}; pass a function, for example print")])
    if inspect.iscoroutinefunction(value):
        raise InvalidSpec("Client", [("on_event", "is asynchronous; pass a plain function, which may start tasks")])


def leads_elsewhere(url: str) -> bool:
    """Whether a path holds `.` or `..`, which transports and proxies resolve to another path."""
    path = unquote(url.partition("?")[0].partition("#")[0]).replace("\\", "/")
    return any(segment in {".", ".."} for segment in path.split("/"))


def host_of(url: object) -> str | None:
    """Host and port of an https address that can be the base of requests; None for anything else."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        return None
    # Not `hostname`, because the part before the colon may be an IPv6 address in brackets.
    host = parts.netloc.casefold()
    return host.removesuffix(":443") if port == 443 else host.removesuffix(":")


def _is_on_this_machine(url: object) -> bool:
    """Whether it is an address of this machine: tokens for Purview go only there and to Purview's own hosts."""
    return isinstance(url, str) and host_of(url) is not None and urlsplit(url).hostname in _THIS_MACHINE


def _transport_problems(colour: Colour, transport: Any) -> list[tuple[str, str]]:
    if transport is None:
        return []
    send = getattr(transport, "send", None)
    if send is None or not hasattr(transport, "sleep"):
        return [("transport", f"is a {type(transport).__name__}, which has no send and sleep; pass azure-core's")]
    if (colour == "async") != inspect.iscoroutinefunction(send):
        wanted, client = (
            ("asynchronous", "purview_mpe.Client") if colour == "async" else ("synchronous", "purview_mpe.aio.Client")
        )
        return [("transport", f"{type(transport).__name__} is not {wanted}; pass one that is, or use {client}")]
    return []
