"""Some factories in another process: a function for any executor, which takes only JSON and a way to connect."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from purview_mpe._model.public import public
from purview_mpe.durable._once import Once
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
def create_some(
    specs: Sequence[Mapping[str, Any]],
    connect: Callable[..., Client] = connect,
    settings: Mapping[str, Any] | None = None,
    *,
    approve: bool = False,
    wait: bool = True,
    timeout: float = 1800,
) -> Json:
    """What `create_many` does for some factories, JSON in and JSON out, for executors that run it somewhere else.

    Reads, writes and needs what `create_many` does. What Azure refuses comes back in the reports. This function
    can be pickled. `connect` has to be picklable as well: a function at the top level of a module. Each process creates
    one client for the same `connect` and `settings`, and keeps it. `timeout` is in seconds. Safe to repeat.

    The factories are worked on together, so a few factories take as long as one: give a task a chunk and not a single
    factory. `spread` does so.

    Args:
        specs: The JSON of each `Spec`.
        connect: Returns a client; called with the settings as keyword arguments.
        settings: JSON that `connect` takes.
        approve: Whether to approve each connection as it appears.
        wait: Whether to wait until Azure has created the endpoints.
        timeout: Seconds to wait for each factory.

    Returns:
        The JSON of a `FleetReport`.

    Raises:
        InvalidSpec: a spec or a setting is wrong, or two specs conflict over an endpoint; nothing was sent.
    """
    from purview_mpe._model.spec import Spec  # noqa: PLC0415 - it loads pydantic

    checked = [Spec.model_validate(spec) for spec in specs]
    given, text = checked_settings(settings, "create_some")
    with _lock:
        client = _clients.setdefault((connect, text), Once(lambda: connect(**given)))
    report = client().create_many(checked, approve=approve, wait=wait, timeout=timeout)
    return report.model_dump(mode="json")


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
    """An alias: `create_some` with one factory, which returns its `Report` alone.

    Use `create_some` with a chunk, or `spread`: a task with one factory occupies its slot for all the minutes that
    Azure takes. Reads, writes and needs what `create_some` does, with the same arguments. Safe to repeat.

    Returns:
        The JSON of a `Report`.

    Raises:
        InvalidSpec: the spec or a setting is wrong; nothing was sent.
    """
    made = create_some([spec], connect, settings, approve=approve, wait=wait, timeout=timeout)
    [report] = cast("list[Json]", made["reports"])
    return report


def checked_settings(settings: object, function: str) -> tuple[dict[str, Any], str]:
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
    raise InvalidSpec(function, [("settings", problem)])
