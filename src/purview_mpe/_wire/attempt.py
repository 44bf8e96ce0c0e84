"""What was attempted, and what came back: the parts of every error about Azure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._wire.sign_in import Challenge


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was attempted, for the sentence in an error, and the right that it needs."""

    what: str
    """Continues "Could not …", for example "create the endpoint 'purview_blob'"."""
    scope: str
    """Id of the resource on which the right is needed."""
    role: str
    """The smallest built-in role that allows it."""
    approves: bool = False
    """True if it approves a connection, which comes from a subscription of Microsoft's."""
    on_data_plane: bool = False
    """True if Purview's own roles decide, not Azure's."""
    is_guarded: bool = False
    """True if Azure itself refuses the write after a conflicting change. That holds for a PUT with If-Match and for a
    new endpoint, because Azure never changes an existing one. Such a write may wait for Azure's limits without another
    read."""
    max_broken: int | None = None
    """The number of attempts after which a broken connection ends a read; None if only the client's `Retry` counts."""
    home: str | None = None
    """Id of what the resource is in, if it possibly does not exist: a role cannot be assigned at what does not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Azure answered, without the request."""

    status: int
    body: str = ""
    request_id: str | None = None
    """Azure's id of the request."""
    correlation_id: str | None = None
    """The id under which Azure logged the operation."""
    challenge: Challenge | None = None
    """The challenge of a 401."""
    no_other_token: str = ""
    """What the credential said when asked for another token after a 401."""
