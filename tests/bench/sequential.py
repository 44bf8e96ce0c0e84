"""The baseline: create all endpoints of one factory, one request after the other, as code without this library does.

Run as a script: `sequential.py FACTORY ACCOUNT NAME`.
"""

from __future__ import annotations

import os
import sys
import time

from azure.identity import DefaultAzureCredential
from azure.mgmt.datafactory import DataFactoryManagementClient
from azure.mgmt.purview import PurviewManagementClient


def main(factory: str, account: str, name: str) -> None:
    """Read the account, put four endpoints, poll each until it is Succeeded."""
    _, _, subscription, _, group, *_, factory_name = factory.split("/")
    _, _, account_subscription, _, account_group, *_, account_name = account.split("/")
    options = {
        "base_url": os.environ["AZURE_ENDPOINT"],
        "credential_scopes": ["https://management.azure.com/.default"],
    }
    credential = DefaultAzureCredential()
    purview = PurviewManagementClient(credential, account_subscription, **options)
    endpoints = DataFactoryManagementClient(credential, subscription, **options).managed_private_endpoints
    properties = purview.accounts.get(account_group, account_name).as_dict()["properties"]
    managed = properties["managedResources"]
    wanted = {
        name: (account, "account"),
        f"{name}_blob": (managed["storageAccount"], "blob"),
        f"{name}_queue": (managed["storageAccount"], "queue"),
        f"{name}_namespace": (managed["eventHubNamespace"], "namespace"),
    }
    for endpoint, (target, group_id) in wanted.items():
        body = {"properties": {"privateLinkResourceId": target, "groupId": group_id}}
        endpoints.create_or_update(group, factory_name, "default", endpoint, body)
    for endpoint in wanted:
        while True:
            found = endpoints.get(group, factory_name, "default", endpoint).as_dict()
            if found["properties"]["provisioningState"] == "Succeeded":
                break
            time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
