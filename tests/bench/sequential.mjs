// The second baseline: the same as sequential.py, with the JavaScript SDKs and a credential that has its token.
// Run as a script: node sequential.mjs NODE_MODULES FACTORY ACCOUNT NAME
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const [, , modules, factory, account, name] = process.argv;
const packages = createRequire(`${modules}/`);
const { DataFactoryManagementClient } = packages("@azure/arm-datafactory");
const { PurviewManagementClient } = packages("@azure/arm-purview");

const [, , subscription, , group, , , , factoryName] = factory.split("/");
const [, , accountSubscription, , accountGroup, , , , accountName] = account.split("/");
const options = {
  endpoint: process.env.AZURE_ENDPOINT,
  credentialScopes: ["https://management.azure.com/.default"],
};
const credential = { getToken: async () => ({ token: "emulator", expiresOnTimestamp: Date.now() + 3600e3 }) };
const purview = new PurviewManagementClient(credential, accountSubscription, options);
const endpoints = new DataFactoryManagementClient(credential, subscription, options).managedPrivateEndpoints;

const { managedResources } = await purview.accounts.get(accountGroup, accountName);
const wanted = {
  [name]: [account, "account"],
  [`${name}_blob`]: [managedResources.storageAccount, "blob"],
  [`${name}_queue`]: [managedResources.storageAccount, "queue"],
  [`${name}_namespace`]: [managedResources.eventHubNamespace, "namespace"],
};
for (const [endpoint, [privateLinkResourceId, groupId]] of Object.entries(wanted)) {
  const body = { properties: { privateLinkResourceId, groupId, fqdns: [] } };
  await endpoints.createOrUpdate(group, factoryName, "default", endpoint, body);
}
for (const endpoint of Object.keys(wanted)) {
  for (;;) {
    const found = await endpoints.get(group, factoryName, "default", endpoint);
    if (found.properties.provisioningState === "Succeeded") break;
    await sleep(1000);
  }
}
