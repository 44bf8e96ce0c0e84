"""The service that a host belongs to, and the audience of its tokens.

An account's own host becomes a prefix of the path, `/purview/{account}`, so that one table of routes holds every
operation. Over HTTPS all services share one host, and the client puts the prefix into its addresses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe.emulator._values.exchange import ConnectionReset

if TYPE_CHECKING:
    from purview_mpe.emulator._state.answers import SovereignAudience
    from purview_mpe.emulator._state.settings import Cloud
    from purview_mpe.emulator._state.world import World


#: The domain of accounts' own hosts in each cloud (documentation).
DOMAINS: dict[Cloud, str] = {"public": "com", "us-government": "us", "china": "cn"}

MANAGEMENT_AUDIENCES = frozenset(
    f"https://management.{core}{domain}"
    for domain in ("usgovcloudapi.net", "chinacloudapi.cn")
    for core in ("", "core.")
) | {"https://management.azure.com", "https://management.core.windows.net"}

#: The first segment of paths that belong to an account's own host.
PURVIEW = "purview"
_ACCOUNT_HOST = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)\.purview\.azure\.(com|us|cn)")
_TENANT_HOST = re.compile(r"(?:[0-9a-f-]{36}-)?api\.purview-service\.microsoft\.com")


def prefix_of(world: World, host: str) -> tuple[str, ...]:
    """The prefix of the paths on this host.

    Raises:
        ConnectionReset: the host belongs to an account that does not exist, so its name does not resolve.
    """
    host = host.casefold()
    if (found := _ACCOUNT_HOST.fullmatch(host)) is not None:
        account = world.account_called(found.group(1))
        classic = world.settings.answers.classic_host == "answers"
        if account is not None and (classic or not account.is_tenant_level):
            return PURVIEW, account.id.name
    elif _TENANT_HOST.fullmatch(host):
        # One account in a tenant can be the tenant-level account (seen in public bug reports).
        for account in world.accounts.values():
            if account.is_tenant_level:
                return PURVIEW, account.id.name
    else:
        return ()
    raise ConnectionReset(delivered=False, why=f"Failed to resolve '{host}' ([Errno -2] Name or service not known)")


def purview_audiences(host: str, sovereign: SovereignAudience) -> frozenset[str]:
    """The audience of tokens for an account's own host.

    One audience for all clouds, or one for each: public code does either.
    """
    found = _ACCOUNT_HOST.fullmatch(host.casefold())
    domain = found.group(2) if found else "com"
    if domain == "com" or sovereign == "public":
        return frozenset({"https://purview.azure.net"})
    return frozenset({f"https://purview.azure.{domain}"})
