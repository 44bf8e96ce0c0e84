"""An api-version that a cloud does not have is replaced by one that it has."""

from __future__ import annotations

from typing import Any

import pytest

from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import AzureError
from tests.support.scripted import (
    STORAGE,
    Runner,
    Script,
    both,
    list_storage_connections,
    ok,
    put_endpoint,
    refusal,
)

MESSAGE = (
    "No registered resource provider found for location 'chinanorth3' and API version '{}' for type "
    "'storageAccounts/privateEndpointConnections'. The supported api-versions are '2025-06-01, 2024-01-01'."
)
APPROVING = Attempt("approve the connection 'c' on 'st1'", str(STORAGE), "Storage Account Contributor", approves=True)


def has(
    *versions: str, status: int = 400, code: str = "NoRegisteredProviderFound", text: str = MESSAGE, **headers: str
) -> Script:
    """An Azure that has these versions."""

    def azure(sent: Any) -> Any:
        asked = sent.url.rpartition("api-version=")[2]
        return ok({"value": []}) if asked in versions else refusal(status, code, text.format(asked), **headers)

    return Script(azure)


def asked_of(script: Script) -> list[str]:
    return [sent.url.rpartition("api-version=")[2] for sent in script.sent]


@both
@pytest.mark.parametrize(("status", "code"), [(400, "NoRegisteredProviderFound"), (404, "InvalidResourceType")])
def test_newest_version_in_the_message_is_used(runner: Runner, status: int, code: str) -> None:
    """The request is repeated at once, and later requests to this type use that version directly."""
    script = has("2025-06-01", "2024-01-01", status=status, code=code)

    async def twice(io: Any) -> Any:
        return [await list_storage_connections(io) for _ in range(2)]

    assert runner.flow(runner.azure(script), twice) == [[], []]
    assert asked_of(script)[1:] == ["2025-06-01", "2025-06-01"]


@both
def test_versions_can_come_from_a_header(runner: Runner) -> None:
    """Purview names its versions in a header."""
    script = has("2024-01-01", text="Not here.", api_supported_versions="2024-01-01, 2023-05-01")
    assert runner.flow(runner.azure(script), list_storage_connections) == []
    assert asked_of(script)[1:] == ["2024-01-01"]


@both
def test_second_refused_version_is_an_error(runner: Runner) -> None:
    """After two requests, the remedy names the versions that the cloud has."""
    script = has()
    with pytest.raises(AzureError, match="NoRegisteredProviderFound") as caught:
        runner.flow(runner.azure(script), list_storage_connections)
    assert len(script.sent) == 2
    assert "it has 2025-06-01, 2024-01-01" in caught.value.remedy


@both
def test_write_is_repeated_with_the_other_version(runner: Runner) -> None:
    """The first write was refused, so it changed nothing."""
    script = has("2025-06-01")

    async def approve(io: Any) -> Any:
        return await io.call(
            APPROVING, lambda az: az.storage(STORAGE).private_endpoint_connections.put("rg1", "st1", "c", {})
        )

    runner.flow(runner.azure(script), approve)
    assert [sent.method for sent in script.sent] == ["PUT", "PUT"]


@both
@pytest.mark.parametrize(
    "reply", [refusal(400, "BadRequest", "The supported api-versions are '2017-01-01'."), refusal(404)]
)
def test_other_refusals_are_not_repeated(runner: Runner, reply: Any) -> None:
    """The text of another refusal does not matter."""
    script = Script([reply])
    with pytest.raises(AzureError):
        runner.flow(runner.azure(script), put_endpoint)
    assert len(script.sent) == 1
