"""Which api-version to request if a cloud or a region does not have the one that the SDKs send.

The newest SDKs send the newest versions, and clouds get them at different times: China had no Storage 2025-08-01 in
May 2026 (public code). The refusal lists the available versions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?")
_IN_QUERY = re.compile(r"(?<=[?&]api-version=)[^&#]*")
#: The oldest stable versions that have the operations as this library uses them (OpenAPI files of each version). Newer
#: stable ones have them as well: Azure adds to a stable version and removes nothing.
_OLDEST = {
    "microsoft.storage/storageaccounts": "2019-06-01",
    "microsoft.storage/storageaccounts/privateendpointconnections": "2019-06-01",
    "microsoft.eventhub/namespaces": "2021-11-01",
    "microsoft.eventhub/namespaces/privateendpointconnections": "2021-11-01",
    "microsoft.authorization/permissions": "2015-07-01",
    "microsoft.network/privateendpoints": "2021-05-01",
    "microsoft.network/privateendpoints/privatednszonegroups": "2021-05-01",
    "microsoft.network/virtualnetworks": "2021-05-01",
    "microsoft.network/virtualnetworks/subnets": "2021-05-01",
    "microsoft.network/privatednszones": "2020-06-01",
    "microsoft.network/privatednszones/virtualnetworklinks": "2020-06-01",
}
#: Only these, because others hide what an account needs: only previews show `ingestionStorage` (OpenAPI files).
_KNOWN = {
    "microsoft.purview/accounts": ("2024-04-01-preview", "2023-05-01-preview"),
    "microsoft.purview/accounts/ingestionprivateendpointconnections": ("2024-04-01-preview", "2023-05-01-preview"),
    "microsoft.purview/accounts/ingestionprivateendpointconnectionstatus": ("2024-04-01-preview", "2023-05-01-preview"),
    "microsoft.purview/accounts/privateendpointconnections": (
        "2024-04-01-preview",
        "2023-05-01-preview",
        "2021-12-01",
        "2021-07-01",
    ),
}


def type_of(path: str) -> str:
    """The resource type in a path, in lower case; empty if it names none."""
    _, found, rest = path.lower().rpartition("/providers/")
    provider, *parts = rest.strip("/").split("/")
    return "/".join([provider, *parts[::2]]) if found else ""


def version_in(url: str) -> str:
    """The api-version in an address."""
    found = _IN_QUERY.search(url)
    return found[0] if found else ""


def with_version(url: str, version: str) -> str:
    """The same address with another api-version."""
    return _IN_QUERY.sub(version, url, count=1)


def another_version(resource_type: str, sent: str, offered: Iterable[str]) -> str | None:
    """The newest of the offered versions that is known to work for this type; None if there is none."""
    there_are = [version for version in offered if _VERSION.fullmatch(version) and version != sent]
    if (known := _KNOWN.get(resource_type)) is not None:
        return next((version for version in known if version in there_are), None)
    oldest = _OLDEST.get(resource_type)
    stable = [version for version in there_are if not version.endswith("-preview")]
    fitting = [version for version in stable if oldest is not None and oldest <= version < sent]
    return max(fitting, default=None)
