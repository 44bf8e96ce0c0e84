"""The groups that a target offers to private endpoints, with their public host names and their private DNS zones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe.emulator._http.hosts import DOMAINS
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Account
    from purview_mpe.emulator._state.settings import Cloud
    from purview_mpe.emulator._state.world import World

# The domains of storage accounts and of Event Hubs namespaces (documentation).
_STORAGE: dict[Cloud, str] = {
    "public": "core.windows.net",
    "us-government": "core.usgovcloudapi.net",
    "china": "core.chinacloudapi.cn",
}
_EVENT_HUBS: dict[Cloud, str] = {
    "public": "servicebus.windows.net",
    "us-government": "servicebus.usgovcloudapi.net",
    "china": "servicebus.chinacloudapi.cn",
}
# The domain of tenants' hosts, which the group `platform` covers (documentation; public cloud only).
_PLATFORM = "purview-service.microsoft.com"
_STORAGE_GROUPS = ("blob", "dfs", "file", "queue", "table", "web")
# Ingestion storage can have a host with a DNS zone of its own, such as `name.z12.blob.storage.azure.net` (spec).
_INGESTION_HOST = re.compile(r"https://(\w+(?:\.z\d+)?)\.blob\.([\w.]+)/?")


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A group's public host name, and its place in private DNS."""

    host: str
    zone: str
    """The private DNS zone for it."""
    record: str
    """The name of its address record in that zone."""


def groups_of(world: World, target: ArmId) -> tuple[str, ...]:
    """The groups that a target names itself."""
    if target.is_a(NAMESPACE_TYPE):
        return ("namespace",)
    if not target.is_a(ACCOUNT_TYPE):
        return _STORAGE_GROUPS
    answers = world.settings.answers
    account = world.accounts.get(target.key)
    if account is not None and account.is_tenant_level:
        return ("account", "portal", "platform") if answers.classic_host == "answers" else ("platform",)
    return ("account", "portal") if answers.platform_group == "tenant-level" else ("account", "portal", "platform")


def private_name(world: World, target: ArmId, group_id: str) -> PrivateName:
    """The names of a group of a target."""
    cloud, group, name = world.settings.cloud, group_id.casefold(), target.name.lower()
    if target.is_a(ACCOUNT_TYPE):
        domain = f"azure.{DOMAINS[cloud]}"
        if group == "platform":
            return _named(f"{world.tenant}-api", _PLATFORM)
        if group == "portal":
            # The portal's host has another domain than its zone (documentation).
            return PrivateName(f"web.purview.{domain}", f"privatelink.purviewstudio.{domain}", "web")
        return _named(name, f"purview.{domain}")
    if target.is_a(NAMESPACE_TYPE):
        return _named(name, _EVENT_HUBS[cloud])
    service, _, is_secondary = group.partition("_")
    record, domain = _ingestion_host(world, target) or (name, _STORAGE[cloud])
    return _named(f"{record}-secondary" if is_secondary else record, f"{service}.{domain}")


def _named(record: str, domain: str) -> PrivateName:
    return PrivateName(f"{record}.{domain}", f"privatelink.{domain}", record)


def account_of_ingestion(world: World, storage: ArmId) -> Account | None:
    """The account whose ingestion storage this is."""
    for account in world.accounts.values():
        ingestion = id_of((object_of(account.properties.get("ingestionStorage")) or {}).get("id"))
        if ingestion is not None and ingestion.key == storage.key:
            return account
    return None


def _ingestion_host(world: World, storage: ArmId) -> tuple[str, str] | None:
    """Record and domain of an account's ingestion storage, as the account shows its endpoint."""
    account = account_of_ingestion(world, storage)
    if account is None:
        return None
    found = _INGESTION_HOST.fullmatch(str(account.properties["ingestionStorage"].get("primaryEndpoint")))
    return None if found is None else (found[1].lower(), found[2].lower())
