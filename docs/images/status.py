"""Draws the status in the README: `python docs/images/status.py` writes it beside this file.

It is what the library shows of a factory on the emulator, where one owner has said no and another has not answered.
"""

from __future__ import annotations

from pathlib import Path

from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator

PICTURE = Path(__file__).with_suffix(".svg")


def draw() -> str:
    """The picture."""
    azure = Emulator(empty=True)
    account = azure.add_account("contoso")
    factory = azure.add_factory("adf-sales", purview_account=account)
    spec = Spec(factory=str(factory), account=str(account), name="purview")
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(spec)
        azure.approve("purview")
        azure.approve("purview_blob")
        azure.reject("purview_queue")
        return client.status(spec).to_svg()


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
