"""The same as `sequential`, with this library: `create_all.py [quick] [token] FACTORY ACCOUNT NAME`.

`quick` calls `quick_start`. With `token`, the credential has its token already, as in `sequential.mjs`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from purview_mpe import quick_start


class TokenAtHand:
    """A credential that has its token already."""

    def get_token_info(self, *_: str, options: Any = None) -> Any:
        del options
        from azure.core.credentials import AccessTokenInfo

        return AccessTokenInfo("emulator", int(time.time()) + 3600)


def main(*arguments: str) -> None:
    """Create all endpoints, and wait until Azure has created them."""
    *words, factory, account, name = arguments
    if "quick" in words:
        quick_start()
    from purview_mpe import Client, Spec

    credential = TokenAtHand() if "token" in words else None
    with Client(credential, endpoint=os.environ["AZURE_ENDPOINT"]) as client:
        client.create_all(Spec(factory=factory, account=account, name=name)).raise_for_failures()


if __name__ == "__main__":
    main(*sys.argv[1:])
