"""Faults as JSON, for scenarios and the admin path: `{"kind": "delay", "method": "PUT", "seconds": 5}`."""

from __future__ import annotations

import base64
import inspect
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KINDS: dict[str, Callable[..., Fault]] = {
    "status": Fault.status,
    "reset": Fault.reset,
    "body": Fault.body,
    "delay": Fault.delay,
    "failed-provisioning": Fault.failed_provisioning,
    "rejected-connection": Fault.rejected_connection,
    "lock": Fault.lock,
    "policy": Fault.policy,
}


def fault_from(words: Mapping[str, Any]) -> Fault:
    """The fault that a JSON object describes: its kind, and the arguments of that constructor.

    Raises:
        ValueError: the kind or an argument is unknown, or one is missing.
    """
    rest = dict(words)
    kind = rest.pop("kind", None)
    make = _KINDS.get(str(kind))
    if make is None:
        raise ValueError(f"kind: must be one of {', '.join(_KINDS)}, not {kind!r}")
    known = inspect.signature(make).parameters
    for key, value in rest.items():
        if key not in known:
            raise ValueError(f"{key}: is not known for a fault of kind {kind}; known are {', '.join(known)}")
        _check(key, value)
    missing = [name for name, one in known.items() if one.default is inspect.Parameter.empty and name not in rest]
    if missing:
        raise ValueError(f"{missing[0]}: is missing for a fault of kind {kind}")
    return make(**rest)


def _check(key: str, value: Any) -> None:
    wants: tuple[type, ...]
    match key:
        case "method" | "content" | "code" | "message" | "path":
            wants = (str,)
        case "status":
            wants = (int,)
        case "times":
            wants = (int, type(None))
        case "probability" | "seconds":
            wants = (int, float)
        case "retry_after":
            wants = (int, float, str, type(None))
        case _:
            wants = (bool,)
    if not isinstance(value, wants) or (isinstance(value, bool) and bool not in wants):
        raise ValueError(f"{key}: {value!r} is not possible")


def words_of(fault: Fault, times: int | None) -> dict[str, Any]:
    """The JSON object that describes a fault which will happen `times` more times."""
    words: dict[str, Any] = {"kind": fault.kind, "times": times, "probability": fault.probability}
    if fault.path is not None:
        words["path"] = fault.path
    if fault.kind not in {"failed-provisioning", "rejected-connection"}:
        words["method"] = fault.method
    match fault.kind:
        case "status" if fault.answer is not None:
            error = fault.answer.body["error"]
            words |= {
                "status": fault.answer.status,
                "code": error["code"],
                "message": error["message"],
                "after": fault.after,
                "retry_after": fault.answer.headers.get("Retry-After"),
            }
        case "reset":
            words["before"] = not fault.after
        case "body":
            # JSON cannot hold bytes, so they are shown in base64, for reading only.
            spoilt = fault.mangled
            words["content"] = base64.b64encode(spoilt).decode() if isinstance(spoilt, bytes) else spoilt
        case "delay":
            words["seconds"] = fault.seconds
        case "failed-provisioning" if "error" in fault.planned:
            words["code"], words["message"] = fault.planned["error"]
        case _:
            pass
    return words
