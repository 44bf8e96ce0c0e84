"""Whether the lineage of one run arrived, link by link."""

from __future__ import annotations

from typing import Literal

from purview_mpe._model.public import public
from purview_mpe._model.results import Finding
from purview_mpe._model.spec import Noun

LinkName = Literal["run", "runtime", "reported", "entity", "relations"]
LinkState = Literal["yes", "no", "unknown"]


@public("purview_mpe")
class Link(Noun):
    """One link of the chain from a pipeline run to its lineage in Purview."""

    name: LinkName
    """`run`: the run succeeded; `runtime`: it ran where lineage can be sent from; `reported`: its activities reported
    lineage; `entity`: Purview holds their entities of this run; `relations`: the entities are tied to data sets."""
    state: LinkState
    """`unknown`: it could not be read, or the verb timed out first."""
    evidence: tuple[str, ...] = ()
    """What was seen, one line each."""


@public("purview_mpe")
class Proof(Noun):
    """Whether lineage of one pipeline run arrived in Purview."""

    factory: str
    """Id of the factory."""
    account: str | None
    """Id of the Purview account; None if the factory is connected to none and the spec names none."""
    pipeline: str | None = None
    """Name of the pipeline that ran; None if the run could not be read."""
    run_id: str | None = None
    """Id of the run; None if no run was started."""
    proven: bool | None
    """True: every link is `yes`. False: a link is `no`. None: this caller cannot see it."""
    links: tuple[Link, ...] = ()
    """From the run to the relations, in this order."""
    findings: tuple[Finding, ...] = ()
    """Errors first, then in the order of the links."""
    seconds: float = 0.0
    """How long the proof took."""
