"""Draws the pictures of the documentation: `python docs/images/pictures.py` writes them beside this file.

Each is what the library shows of a factory or a fleet on the emulator, once for light pages and once for dark ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from purview_mpe import Client, Spec
from purview_mpe._display.picture.scenes import scene
from purview_mpe._display.picture.svg import draw, only
from purview_mpe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.spec import Noun

FOLDER = Path(__file__).resolve().parent / "gallery"
THEMES = ("light", "dark")


@dataclass
class Stage:
    """An emulated Azure with one account and one factory, and a client that works on it."""

    azure: Emulator
    client: Client
    factory: ArmId
    account: ArmId

    @property
    def spec(self) -> Spec:
        """What the pictures of one factory are about."""
        return Spec(factory=str(self.factory), account=str(self.account), name="purview")

    def decided(self) -> Spec:
        """The spec, after two owners have said yes, one no, and one has not answered."""
        self.client.create_all(self.spec)
        self.azure.approve("purview")
        self.azure.approve("purview_blob")
        self.azure.reject("purview_queue")
        return self.spec

    def fleet(self) -> list[Spec]:
        """Specs of three factories: one is ready, one has lost a connection, one has no endpoints yet."""
        names = ("adf-sales-eu", "adf-sales-us", "adf-stock")
        made = [self.azure.add_factory(name, purview_account=self.account) for name in names]
        specs = [self.spec.model_copy(update={"factory": str(factory)}) for factory in made]
        self.client.create_many(specs[:2], approve=True)
        self.azure.disconnect("purview_blob", factory=made[1])
        return specs


def stage(*, bare: bool = False) -> Stage:
    """The emulated Azure; a bare factory has neither identity nor network."""
    azure = Emulator(empty=True)
    account = azure.add_account("contoso")
    factory = azure.add_factory(
        "adf-sales", purview_account=None if bare else account, managed_vnet=not bare, identity=not bare
    )
    client = Client(azure.credential, transport=azure.transport())
    return Stage(azure, client, factory, account)


@dataclass(frozen=True)
class Picture:
    """One picture: the value that it is of, the call that gives it, and how it comes about."""

    name: str
    title: str
    call: str
    text: str
    of: Callable[[], Noun]


def _account() -> Noun:
    one = stage()
    return one.client.discover(str(one.account))


def _plan() -> Noun:
    one = stage()
    return one.client.plan(one.spec)


def _conflict() -> Noun:
    one = stage()
    logs = one.account.in_group("Microsoft.Storage", "storageAccounts", "webshoplogs")
    one.azure.add_endpoint(one.factory, "purview_blob", logs, "blob")
    return one.client.plan(one.spec)


def _report() -> Noun:
    one = stage()
    return one.client.create_all(one.spec, approve=True)


def _onboarding() -> Noun:
    one = stage(bare=True)
    return one.client.onboard(one.spec, approve=True)


def _status() -> Noun:
    one = stage()
    return one.client.status(one.decided())


def _check() -> Noun:
    one = stage()
    return one.client.check(one.spec)


def _diagnosis() -> Noun:
    one = stage()
    return one.client.diagnose(one.decided())


def _fleet_plan() -> Noun:
    one = stage()
    return one.client.plan_many(one.fleet())


def _fleet_report() -> Noun:
    one = stage()
    return one.client.create_many(one.fleet(), approve=True)


def _fleet_status() -> Noun:
    one = stage()
    return one.client.status_many(one.fleet())


def _fleet_check() -> Noun:
    one = stage()
    return one.client.check_many(one.fleet())


PICTURES = [
    Picture("account", "An account", "client.discover(account)", "Four endpoints to three resources.", _account),
    Picture("plan", "A plan", "client.plan(spec)", "All four endpoints are missing.", _plan),
    Picture(
        "conflict",
        "A plan with a conflict",
        "client.plan(spec)",
        "The name of one endpoint is taken by another one, which leads elsewhere.",
        _conflict,
    ),
    Picture("report", "A report", "client.create_all(spec, approve=True)", "One run creates and approves.", _report),
    Picture(
        "onboarding",
        "A report of `onboard`",
        "client.onboard(spec, approve=True)",
        "Identity and connection stand above the network, the role below it.",
        _onboarding,
    ),
    Picture(
        "status",
        "A status",
        "client.status(spec)",
        "Two endpoints are ready, one was rejected, one waits for the owner of its target.",
        _status,
    ),
    Picture(
        "check", "A check", "client.check(spec)", "Which runtimes can report lineage, and what else is missing.", _check
    ),
    Picture("diagnosis", "A diagnosis", "client.diagnose(spec)", "What lineage depends on, link by link.", _diagnosis),
    Picture(
        "fleet-plan",
        "The plan of a fleet",
        "client.plan_many(specs)",
        "A line per factory, those that need something first.",
        _fleet_plan,
    ),
    Picture(
        "fleet-report",
        "The report of a fleet",
        "client.create_many(specs, approve=True)",
        "A factory has lost a connection, another one is new.",
        _fleet_report,
    ),
    Picture(
        "fleet-status",
        "The status of a fleet",
        "client.status_many(specs)",
        "The same fleet: one connection is stale, one factory has no endpoints yet.",
        _fleet_status,
    ),
    Picture(
        "fleet-check",
        "The check of a fleet",
        "client.check_many(specs)",
        "The same fleet: the role Data Curator is missing everywhere.",
        _fleet_check,
    ),
]


def drawings() -> dict[Path, str]:
    """Every picture of the gallery, light and dark."""
    scenes = {picture.name: scene(picture.of()) for picture in PICTURES}
    return {
        FOLDER / f"{name}-{theme}.svg": draw(shown, only(theme)) for name, shown in scenes.items() for theme in THEMES
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, drawing in drawings().items():
        path.write_text(drawing, encoding="utf-8")
