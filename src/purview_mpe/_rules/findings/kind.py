"""The type of the catalogue's entries, and how a finding is made from one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from purview_mpe._model.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.results import Severity

Link: TypeAlias = Literal["Account", "Factory", "Endpoints", "Network", "Approvals", "Rights", "Runs", "Fleets"]
"""A section of the page on findings. All except the last are links of the chain that a diagnosis follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of finding.

    `message`, `cause` and `remedy` are templates for `str.format`. Remedies use Python calls; `_model.shell` translates
    them for the command line.
    """

    link: Link
    code: str
    severity: Severity
    message: str
    remedy: str
    cause: str = ""
    meaning: str
    """The meaning, for the documentation: sentences in Markdown, one per line."""
    why: str = ""
    """The cause, for the documentation, if `cause` is a template or says less."""
    fix: str = ""
    """The remedy, for the documentation, if `remedy` is a template or says less."""

    def found(self, *, severity: Severity | None = None, evidence: Iterable[str] = (), **values: object) -> Finding:
        """A finding of this kind, with its templates filled in."""
        return Finding(
            code=self.code,
            severity=severity or self.severity,
            message=self.message.format_map(values),
            cause=self.cause.format_map(values),
            evidence=tuple(evidence),
            remedy=self.remedy.format_map(values),
        )

    def said(
        self, message: str, *, cause: str | None = None, remedy: str | None = None, severity: Severity | None = None
    ) -> Kind:
        """The same kind in the words of another verb."""
        return replace(
            self,
            message=message,
            cause=self.cause if cause is None else cause,
            remedy=self.remedy if remedy is None else remedy,
            severity=severity or self.severity,
        )
