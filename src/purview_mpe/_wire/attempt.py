"""What was attempted, and what came back: what every error of Azure's is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._wire.sign_in import Challenge


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was being done, for the sentence in an error; and what it takes."""

    what: str
    """Continues "Could not …", for example "create the endpoint 'purview_blob'"."""
    scope: str
    """Id of the resource on which the right is needed."""
    role: str
    """Smallest built-in role that allows it."""
    approves: bool = False
    """Whether it approves a connection, which comes from a subscription of Microsoft's."""
    on_data_plane: bool = False
    """Whether Purview's own roles decide, and not those of Azure."""
    is_guarded: bool = False
    """Whether Azure itself refuses a write that the state has moved against: a PUT with If-Match, or a new endpoint,
    which Azure never changes. Such a write may wait for its turn within Azure's limits without another look."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure answered, without the request that it answered."""

    status: int
    body: str = ""
    request_id: str | None = None
    """Azure's id of the request."""
    correlation_id: str | None = None
    """The id under which Azure logged the operation."""
    challenge: Challenge | None = None
    """What a 401 asks for."""
    no_other_token: str = ""
    """What the credential said when it was asked for another token after a 401."""
