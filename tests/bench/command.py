"""A plan by the command line in a new process: `command.py FACTORY ACCOUNT NAME`."""

from __future__ import annotations

import os
import sys

from purview_mpe._cli.process import main

if __name__ == "__main__":
    factory, account, name = sys.argv[1:]
    sys.argv[1:] = ["plan", "--factory", factory, "--account", account, "--name", name, "-o", "json"]
    sys.argv += ["--endpoint", os.environ["AZURE_ENDPOINT"], "--ca", os.environ["REQUESTS_CA_BUNDLE"]]
    sys.exit(main())
