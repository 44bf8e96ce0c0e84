"""The app's settings, read from its environment when it starts: a wrong one shows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe import Spec

Person = Literal["requester", "approver"]
Cloud = Literal["public", "us-government", "china"]

_PREFIX = "PURVIEW_MPE_"
_REQUIRED = ("FACTORY", "ACCOUNT", "NAME")
_CHOICES = {
    "PERSON": ("requester", "approver"),
    "CLOUD": ("public", "us-government", "china"),
    "ACCEPTS_REPORTS": ("false", "true"),
}


class WrongSettings(ValueError):
    """Settings that are missing or wrong; each is named."""


@dataclass(frozen=True)
class Settings:
    """The settings of one app."""

    factory: str
    account: str
    name: str
    person: Person = "requester"
    """Whose work this app does. Two apps with two identities keep asking and approving apart."""
    accepts_reports: bool = False
    """Whether the approver takes the requester's word for which private endpoints are meant."""
    cloud: Cloud = "public"
    endpoint: str | None = None
    """Another address of Azure Resource Manager: an emulator's, for development."""
    ca_file: str | None = None
    """Certificates to trust at that address."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that an environment holds.

        Raises:
            WrongSettings: with every setting that is missing or wrong.
        """
        given = {key.removeprefix(_PREFIX): text for key, text in environment.items() if key.startswith(_PREFIX)}
        problems = [f"{_PREFIX}{name} is missing" for name in _REQUIRED if not given.get(name)]
        problems += [
            f"{_PREFIX}{name} is {given[name]!r} and must be one of {', '.join(choices)}"
            for name, choices in _CHOICES.items()
            if name in given and given[name] not in choices
        ]
        if problems:
            raise WrongSettings("; ".join(problems))
        return cls(
            factory=given["FACTORY"],
            account=given["ACCOUNT"],
            name=given["NAME"],
            person=cast("Person", given.get("PERSON", "requester")),
            accepts_reports=given.get("ACCEPTS_REPORTS") == "true",
            cloud=cast("Cloud", given.get("CLOUD", "public")),
            endpoint=given.get("ENDPOINT") or None,
            ca_file=given.get("CA_FILE") or None,
        )

    @property
    def spec(self) -> Spec:
        """What the app is about. Made when it is first asked for, because it loads pydantic."""
        from purview_mpe import Spec  # noqa: PLC0415 - cold starts pay for what is imported

        return Spec(factory=self.factory, account=self.account, name=self.name)
