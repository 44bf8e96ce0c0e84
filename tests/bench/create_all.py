"""The same as `sequential`, with this library: `create_all.py [quick] FACTORY ACCOUNT NAME`."""

from __future__ import annotations

import os
import sys

from purview_mpe import quick_start


def main(*arguments: str) -> None:
    """Create all, and wait until Azure has made them."""
    *quick, factory, account, name = arguments
    if quick:
        quick_start()
    from purview_mpe import Client, Spec

    with Client(endpoint=os.environ["AZURE_ENDPOINT"]) as client:
        client.create_all(Spec(factory=factory, account=account, name=name)).raise_for_failures()


if __name__ == "__main__":
    main(*sys.argv[1:])
