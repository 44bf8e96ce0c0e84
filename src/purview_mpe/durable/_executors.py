"""One factory in another process: a function for any executor, which takes only JSON and a way to connect."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.public import public
from purview_mpe.durable._once import Once
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._client.client import Client
    from purview_mpe.durable._engine import Json

_clients: dict[tuple[Callable[..., Client], str], Once] = {}
_lock = threading.Lock()


@public("purview_mpe.durable")
def connect(*, share: float = 1.0, **settings: Any) -> Client:
    """A client that signs in with `DefaultAzureCredential`, from settings that JSON can hold.

    Args:
        share: The part of Azure's limits that this process may use; processes do not know about each other, so give
            each its share.
        settings: What `Client` takes: `cloud`, `endpoint`, `connection_verify`, `user_agent`, …

    Raises:
        InvalidSpec: a setting is unknown or wrong.
    """
    from purview_mpe._client.client import Client  # noqa: PLC0415 - it loads pydantic
    from purview_mpe._rules.budget import Budget  # noqa: PLC0415 - a process that imports this might never connect

    return Client(budget=Budget(share), **settings)


@public("purview_mpe.durable")
def create_one(
    spec: Mapping[str, Any],
    connect: Callable[..., Client] = connect,
    settings: Mapping[str, Any] | None = None,
    *,
    approve: bool = False,
    wait: bool = True,
    timeout: float = 1800,
) -> Json:
    """What `create_all` does for one factory, JSON in and JSON out, for executors that run it somewhere else.

    Reads, writes and needs what `create_all` does. What Azure refuses comes back in the report. This function
    can be pickled. `connect` has to be picklable as well: a function at the top level of a module. Each process creates
    one client for the same `connect` and `settings`, and keeps it. `timeout` is in seconds. Safe to repeat.

    Args:
        spec: The JSON of a `Spec`.
        connect: Returns a client; called with the settings as keyword arguments.
        settings: JSON that `connect` takes.
        approve: Whether to approve each connection as it appears.
        wait: Whether to wait until Azure has created the endpoints.
        timeout: Seconds to wait.

    Returns:
        The JSON of a `Report`.

    Raises:
        InvalidSpec: the spec or a setting is wrong; nothing was sent.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - it loads pydantic

    checked = Spec.model_validate(spec)
    given, text = _checked_settings(settings)
    with _lock:
        client = _clients.setdefault((connect, text), Once(lambda: connect(**given)))
    [report] = client().create_many([checked], approve=approve, wait=wait, timeout=timeout).reports
    return report.model_dump(mode="json")


def _checked_settings(settings: object) -> tuple[dict[str, Any], str]:
    """The settings, and a text that is equal for equal settings.

    Raises:
        InvalidSpec: the value is not a mapping of names to values that JSON can hold.
    """
    if settings is None:
        return {}, ""
    problem = f"is a {type(settings).__name__}; pass a mapping that JSON can hold"
    if isinstance(settings, Mapping):
        given = dict(cast("Mapping[object, object]", settings))
        try:
            if all(isinstance(name, str) for name in given):
                return cast("dict[str, Any]", given), json.dumps(given, sort_keys=True)
            problem = "has a name that is not text"
        except (TypeError, ValueError, RecursionError) as error:
            problem = f"is nothing that JSON can hold: {error}"
    raise InvalidSpec("create_one", [("settings", problem)])
