"""Draws the pictures of the documentation: `python docs/images/pictures.py` writes them beside this file.

Each is what the library shows of a factory or a fleet on the emulator, once for light pages and once for dark ones.
"""

# ruff: noqa: INP001 - a script that lies beside its pictures

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
    Picture("account", "client.discover(account)", "What an account needs: four endpoints to three resources.", _account),
    Picture("plan", "client.plan(spec)", "A plan: all four endpoints are missing.", _plan),
    Picture(
        "conflict",
        "client.plan(spec)",
        "A plan with a conflict: the name of one endpoint is taken by another one, which leads elsewhere.",
        _conflict,
    ),
    Picture("report", "client.create_all(spec, approve=True)", "The report of a run that creates and approves.", _report),
    Picture(
        "onboarding",
        "client.onboard(spec, approve=True)",
        "The report of `onboard` for a bare factory: identity and connection above the network, the role below it.",
        _onboarding,
    ),
    Picture(
        "status",
        "client.status(spec)",
        "A status: two endpoints are ready, one was rejected, one waits for the owner of its target.",
        _status,
    ),
    Picture("check", "client.check(spec)", "A check: which runtimes can report lineage.", _check),
    Picture("diagnosis", "client.diagnose(spec)", "A diagnosis: what lineage depends on, link by link.", _diagnosis),
    Picture("fleet-plan", "client.plan_many(specs)", "The plan of a fleet.", _fleet_plan),
    Picture("fleet-report", "client.create_many(specs, approve=True)", "The report of a fleet.", _fleet_report),
    Picture("fleet-status", "client.status_many(specs)", "The status of a fleet.", _fleet_status),
    Picture("fleet-check", "client.check_many(specs)", "The check of a fleet.", _fleet_check),
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
