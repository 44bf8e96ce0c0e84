"""Follows long-running operations of Azure Resource Manager, over the pipeline of the management clients.

The SDKs' own pollers wait 30 seconds where Azure names no time (measured), keep the signed address of the operation in
their requests, and lose the error inside an operation's state. So the flows wait by their own rhythm, and one request
here reads one state.

Imported through `loading.load` alone, because it imports azure.core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from purview_mpe._azure.exchange import current
from purview_mpe._wire.operations import read_operation

if TYPE_CHECKING:
    from purview_mpe._azure.options import Colour
    from purview_mpe._wire.operations import Operation, OperationState


class Operations:
    """For synchronous clients."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def follow(self, operation: Operation) -> Any:
        """How an operation stands.

        Raises:
            HttpResponseError: Azure answered with an error status.
        """
        return _state(self._client.send_request(_request(operation)))


class AsyncOperations(Operations):
    """For asynchronous clients."""

    async def follow(self, operation: Operation) -> Any:
        """As `Operations.follow`, awaited."""
        return _state(await self._client.send_request(_request(operation)))


def connect(colour: Colour, base: str, pipeline: Any) -> Operations:
    """The operations at an address of Azure Resource Manager."""
    if colour == "sync":
        return Operations(PipelineClient(base, pipeline=pipeline))
    return AsyncOperations(AsyncPipelineClient(base, pipeline=pipeline))


def _request(operation: Operation) -> HttpRequest:
    """A request that shows the address without its signature; the last policy puts the whole address in."""
    current().followed = operation
    return HttpRequest("GET", operation.shown)


def _state(response: Any) -> OperationState:
    if response.status_code >= 400:
        raise HttpResponseError(response=response)
    try:
        body = response.json()
    except ValueError:
        body = None  # no body at all, which is an answer of its own
    return read_operation(response.status_code, body)
