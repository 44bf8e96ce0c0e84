"""The same as `sequential`, with this library: `create_all.py FACTORY ACCOUNT NAME`."""

from __future__ import annotations

import os
import sys

from purview_mpe import Client, Spec


def main(factory: str, account: str, name: str) -> None:
    """Create all, and wait until Azure has made them."""
    with Client(endpoint=os.environ["AZURE_ENDPOINT"]) as client:
        client.create_all(Spec(factory=factory, account=account, name=name)).raise_for_failures()


if __name__ == "__main__":
    main(*sys.argv[1:])
