"""The pytest plugin, which every pytest run loads if the package is installed."""

import subprocess
import sys

LOADED = """
import sys, purview_mpe.emulator.pytest_plugin
print([name for name in sys.modules if name.startswith("purview_mpe.emulator._")])
"""


def test_loading_the_plugin_does_not_load_the_emulator():
    """A run that uses none of its fixtures loads only the plugin's own file."""
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
