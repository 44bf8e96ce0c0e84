"""What an installed wheel must do without the checkout: `python -I smoke.py WHEEL`."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path


def command(*words: str) -> str:
    """The output of `purview-mpe`."""
    program = Path(sys.executable).with_name("purview-mpe")
    return subprocess.run([program, *words], check=True, capture_output=True, text=True, timeout=120).stdout


def main(wheel: str) -> None:
    """Use every entry point of the package once."""
    import purview_mpe

    assert "site-packages" in str(purview_mpe.__file__), purview_mpe.__file__
    assert Path(wheel).name == f"purview_mpe-{version('purview-mpe')}-py3-none-any.whl"
    assert command("--version") == f"purview-mpe {version('purview-mpe')}\n"
    assert "What to do:" in command("explain", "access-denied")
    assert "managed-runtime-missing" in command("explain")
    assert json.loads(command("demo", "-o", "json"))["complete"] is True
    assert command("completion", "bash")
    assert (Path(purview_mpe.__file__).parent / "py.typed").is_file()
    assert not [line for line in requires("purview-mpe") or () if "git+" in line or "file:" in line]
    used_by_a_program()


def used_by_a_program() -> None:
    """The first steps of the README."""
    from purview_mpe import Client, Spec
    from purview_mpe.emulator import Emulator

    azure = Emulator()
    spec = Spec(factory=azure.factory, account=azure.account, name="purview")
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(spec, approve=True).raise_for_failures()
        assert client.status(spec).ready


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.write("the wheel works\n")
