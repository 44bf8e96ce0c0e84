// The whole job with Azure's JavaScript SDKs: create, list, approve, delete. Prints what it saw as one JSON object.
// The packages are resolved from the folder in argv[2], the emulator is described by the JSON in argv[3].
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const packages = createRequire(`${process.argv[2]}/`);
const { endpoint, subscription, tenant, factory, account, targets } = JSON.parse(process.argv[3]);
const { ClientSecretCredential } = packages("@azure/identity");
const { DataFactoryManagementClient } = packages("@azure/arm-datafactory");
const { PurviewManagementClient } = packages("@azure/arm-purview");
const { StorageManagementClient } = packages("@azure/arm-storage");
const { EventHubManagementClient } = packages("@azure/arm-eventhub");

const credential = new ClientSecretCredential(tenant, "somebody", "anything", {
  authorityHost: endpoint,
  disableInstanceDiscovery: true, // the authority is nobody that the public cloud knows
});
const options = { endpoint, credentialScopes: ["https://management.azure.com/.default"] };
const named = (id) => ({ group: id.split("/")[4], name: id.split("/").pop() });
const all = async (pages) => {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
};

const { group, name } = named(factory);
const endpoints = new DataFactoryManagementClient(credential, subscription, options).managedPrivateEndpoints;
const accounts = new PurviewManagementClient(credential, subscription, options).privateEndpointConnections;
const storages = new StorageManagementClient(credential, subscription, options).privateEndpointConnections;
const namespaces = new EventHubManagementClient(credential, subscription, options).privateEndpointConnections;

const state = { status: "Approved", description: "by the JavaScript SDK" };
const body = { privateLinkServiceConnectionState: state };
// How each service is asked for its connections, and told to approve one.
const services = {
  "Microsoft.Purview": {
    list: (target) => all(accounts.listByAccount(target.group, target.name)),
    approve: (target, connection) =>
      (accounts.beginCreateOrUpdateAndWait ?? accounts.createOrUpdate).call(
        accounts, target.group, target.name, connection, body),
  },
  "Microsoft.Storage": {
    list: (target) => all(storages.list(target.group, target.name)),
    approve: (target, connection) => storages.put(target.group, target.name, connection, body),
  },
  "Microsoft.EventHub": {
    list: (target) => all(namespaces.list(target.group, target.name)),
    approve: (target, connection) => namespaces.createOrUpdate(target.group, target.name, connection, body),
  },
};

const seen = { created: [], approved: [], left: null };
for (const [groupId, target] of Object.entries(targets)) {
  const properties = { privateLinkResourceId: target, groupId, fqdns: [] };
  const made = await endpoints.createOrUpdate(group, name, "default", `purview_${groupId}`, { properties });
  seen.created.push(made.properties.groupId);
}
for (const [groupId, target] of Object.entries(targets)) {
  const service = services[target.split("/providers/")[1].split("/")[0]];
  let connection;
  for (let round = 0; connection === undefined && round < 100; round += 1) {
    const found = await service.list(named(target));
    connection = found.find((one) => one.privateEndpoint.id.endsWith(`/${name}.purview_${groupId}`));
    if (connection === undefined) await sleep(100);
  }
  const answer = await service.approve(named(target), connection.name);
  seen.approved.push(answer?.privateLinkServiceConnectionState?.status ?? null);
}
for (const one of await all(endpoints.listByFactory(group, name, "default"))) {
  await endpoints.delete(group, name, "default", one.name);
}
for (let round = 0; seen.left !== 0 && round < 100; round += 1) {
  seen.left = (await all(endpoints.listByFactory(group, name, "default"))).length;
  if (seen.left) await sleep(100);
}
process.stdout.write(JSON.stringify(seen));
