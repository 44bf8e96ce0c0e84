"""Which api-version replaces one that a cloud does not have."""

from __future__ import annotations

import pytest

from purview_mpe._wire.api_versions import another_version, type_of, version_in, with_version

STORAGE = "microsoft.storage/storageaccounts/privateendpointconnections"


@pytest.mark.parametrize(
    ("resource_type", "sent", "offered", "chosen"),
    [
        (STORAGE, "2026-09-01", ["2025-06-01", "2024-01-01"], "2025-06-01"),
        (STORAGE, "2026-09-01", ["2024-01-01", "2025-06-01", "2026-09-01"], "2025-06-01"),
        (STORAGE, "2026-09-01", ["2027-01-01", "2018-02-01"], None),
        (STORAGE, "2026-09-01", ["2020-08-01-preview"], None),
        (STORAGE, "2026-09-01", ["x", "", "2024-13", "2024-01-01; rm"], None),
        ("microsoft.purview/accounts", "2024-04-01-preview", ["2021-12-01", "2021-07-01"], None),
        (
            "microsoft.purview/accounts",
            "2024-04-01-preview",
            ["2021-12-01", "2023-05-01-preview"],
            "2023-05-01-preview",
        ),
        ("microsoft.purview/accounts/privateendpointconnections", "2024-04-01-preview", ["2021-07-01"], "2021-07-01"),
        ("microsoft.datafactory/factories", "2018-06-01", ["2017-09-01-preview"], None),
        ("", "2018-06-01", ["2016-01-01"], None),
    ],
)
def test_newest_known_version_is_chosen(resource_type: str, sent: str, offered: list[str], chosen: str | None) -> None:
    """A preview is never guessed, nor a version that would hide what an account needs."""
    assert another_version(resource_type, sent, offered) == chosen


@pytest.mark.parametrize(
    ("path", "resource_type"),
    [
        (
            "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/s/privateEndpointConnections/c",
            STORAGE,
        ),
        (
            "/subscriptions/1/providers/A.B/c/d/providers/Microsoft.Authorization/permissions",
            "microsoft.authorization/permissions",
        ),
        ("/subscriptions/1/resourceGroups/rg", ""),
        ("", ""),
    ],
)
def test_type_is_read_from_the_path(path: str, resource_type: str) -> None:
    """The last provider counts, without names."""
    assert type_of(path) == resource_type


def test_only_the_api_version_of_a_url_is_replaced() -> None:
    """It can be anywhere in the query."""
    url = "https://x/y?a=1&api-version=2026-09-01&skipToken=api-version"
    assert version_in(url) == "2026-09-01"
    assert with_version(url, "2025-06-01") == "https://x/y?a=1&api-version=2025-06-01&skipToken=api-version"
    assert (version_in("https://x"), with_version("https://x", "1")) == ("", "https://x")
