"""Follows the page about Azure Functions step by step, up to the host: `python -I following.py CHECKOUT WHEEL`.

Runs in an empty environment. The host itself (`func start`) is not a Python package, so this script loads and calls
what the host would load and call.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
SHELL = shutil.which("bash") or "/bin/sh"
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
#: What the host does with each app: it loads the app, finds its functions, and calls some.
HOSTED = {
    "function_app": """
import azure.functions as func
import function_app
functions = {one.get_function_name(): one.get_user_function() for one in function_app.app.get_functions()}
for name, method, status in (("plan", "GET", 200), ("create", "POST", 200), ("status", "GET", 200)):
    answer = functions[name](func.HttpRequest(method=method, url=f"/api/{name}", body=b""))
    assert answer.status_code == status, (name, answer.status_code, answer.get_body())
""",
    "fleet_app": """
import os
import function_app
from fleets.clients import make_client
from fleets.settings import Settings
assert {"start", "decide", "look"} <= {one.get_function_name() for one in function_app.app.get_functions()}
account = os.environ["ACCOUNT"]
with make_client(Settings.of(os.environ)) as client:
    assert client.discover(account).name in account
""",
}


def main(checkout: Path, wheel: Path) -> None:
    """Follow the page for both apps."""
    page = (checkout / "docs" / "howto" / "azure-functions.md").read_text(encoding="utf-8")
    section = page.partition("\n## Develop against the emulator\n")[2].partition("\n## ")[0]
    [setup, copied, _start] = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    install, emulator = setup.splitlines()
    with tempfile.TemporaryDirectory() as folder:
        for name, code in HOSTED.items():
            app = Path(shutil.copytree(checkout / "docs" / "examples" / name, Path(folder) / name))
            shutil.copy(wheel, app)
            run(install, app)
            run(copied, app)
            hosted(app, emulator, code)
            sys.stdout.write(f"{name}: its page can be followed\n")


def run(command: str, app: Path) -> None:
    """Run a command of the page in the app's folder."""
    subprocess.run([SHELL, "-c", command], check=True, cwd=app, env=ENVIRONMENT, timeout=600)


def hosted(app: Path, emulator: str, code: str) -> None:
    """Start the emulator as the page says, but on a free port, and do what the host does."""
    command = emulator.replace("8443", "0").split()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=app, env=ENVIRONMENT, text=True) as served:
        try:
            assert served.stdout is not None
            printed = json.loads(served.stdout.readline())
            settings = json.loads((app / "local.settings.json").read_text(encoding="utf-8"))["Values"]
            given = {"PURVIEW_MPE_ENDPOINT": printed["endpoint"], "PURVIEW_MPE_CA_FILE": printed["ca_file"]}
            environment = {**ENVIRONMENT, **settings, **given, "ACCOUNT": printed["account"]}
            subprocess.run([BIN / "python", "-c", code], check=True, cwd=app, env=environment, timeout=600)
        finally:
            served.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
