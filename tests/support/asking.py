"""Plain clients of an emulator: in process to one host's paths, and over HTTPS."""

import json
import ssl
from http.client import HTTPSConnection

from azure.core.rest import HttpRequest

VERSION = "2021-07-01"
SCOPE = "https://purview.azure.net/.default"


class Host:
    """A client for an account's own host."""

    def __init__(self, emulator, credential=None, host="pv1.purview.azure.com", scope=SCOPE):
        self.emulator, self.host, self.scope = emulator, host, scope
        self.credential = credential or emulator.credential
        self.transport = emulator.transport()

    def send(self, method, path, body=None, version=VERSION, **headers):
        url = path if path.startswith("https://") else f"https://{self.host}{path}"
        if version is not None and "api-version" not in url:
            url += ("&" if "?" in url else "?") + f"api-version={version}"
        token = self.credential.get_token(self.scope).token
        sent = {"Authorization": f"Bearer {token}", **headers}
        content = None if body is None else json.dumps(body)
        return self.transport.send(HttpRequest(method, url, headers=sent, content=content))

    def policy(self, collection="pv1"):
        answer = self.send("GET", f"/policystore/metadataPolicies?collectionName={collection}")
        assert answer.status_code == 200
        [policy] = answer.json()["values"]
        return policy

    def put(self, policy):
        return self.send("PUT", f"/policystore/metadataPolicies/{policy['id']}", policy)


class Wire:
    """A plain HTTPS client that keeps its connection open."""

    def __init__(self, server):
        context = ssl.create_default_context(cafile=server.ca_file)
        self.connection = HTTPSConnection("127.0.0.1", server.port, context=context, timeout=10)

    def send(self, method, path, body=None, **headers):
        sent = {"Authorization": "Bearer mine"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, dict(answer.getheaders()), content

    def json(self, method, path, body=None, **headers):
        status, _, content = self.send(method, path, body, **headers)
        return status, json.loads(content)

    def close(self):
        self.connection.close()
