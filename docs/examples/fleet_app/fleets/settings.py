"""The app's settings, read from its environment when it starts: a wrong one shows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

Cloud = Literal["public", "us-government", "china"]
Approval = Literal["none", "at-once", "when-told"]

_PREFIX = "PURVIEW_MPE_"
_CLOUDS = ("public", "us-government", "china")
_APPROVALS = ("none", "at-once", "when-told")


class WrongSettings(ValueError):
    """Settings that are wrong; each is named."""


@dataclass(frozen=True)
class Settings:
    """The settings of the app."""

    cloud: Cloud = "public"
    share: float = 1.0
    """The part of Azure's limits that one instance of the app may use: one divided by how many there can be."""
    approval: Approval = "when-told"
    """Who approves connections: not this app, the app at once, or the app after a person agrees. The caller that starts
    a fleet cannot choose."""
    approver: str | None = None
    """Client id of the managed identity that approves, where it is not the one that creates."""
    endpoint: str | None = None
    """Another address of Azure Resource Manager: an emulator's, for development."""
    ca_file: str | None = None
    """Certificates to trust at that address."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that an environment holds.

        Raises:
            WrongSettings: with every setting that is wrong.
        """
        cloud = environment.get(f"{_PREFIX}CLOUD") or "public"
        share = environment.get(f"{_PREFIX}SHARE") or "1"
        approval = environment.get(f"{_PREFIX}APPROVAL") or "when-told"
        problems: list[str] = []
        if cloud not in _CLOUDS:
            problems.append(f"{_PREFIX}CLOUD is {cloud!r} and must be one of {', '.join(_CLOUDS)}")
        if approval not in _APPROVALS:
            problems.append(f"{_PREFIX}APPROVAL is {approval!r} and must be one of {', '.join(_APPROVALS)}")
        if not _is_share(share):
            problems.append(f"{_PREFIX}SHARE is {share!r} and must be above 0 and at most 1")
        if problems:
            raise WrongSettings("; ".join(problems))
        return cls(
            cast("Cloud", cloud),
            float(share),
            cast("Approval", approval),
            environment.get(f"{_PREFIX}APPROVER") or None,
            environment.get(f"{_PREFIX}ENDPOINT") or None,
            environment.get(f"{_PREFIX}CA_FILE") or None,
        )


def _is_share(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False
