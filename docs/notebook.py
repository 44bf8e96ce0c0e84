"""Runs the tutorial notebook, and keeps its outputs in it: `python docs/notebook.py`.

A test compares the outputs with those of a run.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parent / "tutorial_notebook.ipynb"


def executed(folder: str) -> Any:
    """The notebook after a run in a kernel of its own, which works in this folder."""
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": folder}}
    NotebookClient(notebook, kernel_name="python3", timeout=120, record_timing=False, resources=resources).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("metadata", {}).clear()
    # What the kernel says about itself depends on the machine.
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as elsewhere:
        NOTEBOOK.write_text(nbformat.writes(executed(elsewhere)) + "\n", encoding="utf-8")
