"""A transcript without anything that identifies its owner: known fields stay, all others are blanked.

An answer can hold anything that its owner put into it: global parameters, tags, the output of a pipeline. So this
module lists what stays, not what goes. GUIDs, names and e-mail addresses in the rest are replaced, each by the same
word everywhere, so that a transcript can still be read and replayed. The time grows in proportion to the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from purview_mpe._wire.text import LONGEST, blotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REMOVED = "(removed)"
#: Fields that the readers of this library use, or that show how Azure answered. In lower case.
_KEPT = frozenset(
    (
        # The transcript's own fields.
        *(
            "request",
            "answer",
            "at",
            "method",
            "url",
            "body",
            "if_match",
            "headers",
            "content-type",
            "retry-after",
            "azure-asyncoperation",
            "location",
            "etag",
        ),
        # Every resource, list and error.
        *(
            "id",
            "name",
            "type",
            "kind",
            "properties",
            "value",
            "values",
            "nextlink",
            "error",
            "code",
            "message",
            "details",
            "target",
            "innererror",
            "additionalinfo",
            "info",
            "policyassignment",
            "policyassignmentid",
            "policyassignmentname",
            "policydefinitionname",
            "status",
            "state",
        ),
        # Accounts, their targets, and connections.
        *(
            "provisioningstate",
            "accountstatus",
            "accountprovisioningstate",
            "errordetails",
            "publicnetworkaccess",
            "managedeventhubstate",
            "managedresourcespublicnetworkaccess",
            "managedresources",
            "resourcegroup",
            "storageaccount",
            "eventhubnamespace",
            "ingestionstorage",
            "endpoints",
            "catalog",
            "scan",
            "guardian",
            "defaultdomain",
            "privateendpoint",
            "privateendpointid",
            "groupid",
            "groupids",
            "privatelinkserviceconnectionstate",
            "actionrequired",
            "actionsrequired",
        ),
        # Factories, their networks, endpoints and runtimes.
        *(
            "purviewconfiguration",
            "purviewresourceid",
            "identity",
            "principalid",
            "preventdataexfiltration",
            "vnetid",
            "privatelinkresourceid",
            "resourceid",
            "connectionstate",
            "fqdns",
            "isreserved",
            "managedvirtualnetwork",
            "referencename",
            "typeproperties",
            "ssisproperties",
            "subscriptionid",
        ),
        # Rights, and Data Curators.
        *(
            "actions",
            "notactions",
            "version",
            "collection",
            "parentcollectionname",
            "decisionrules",
            "attributerules",
            "fromrule",
            "effect",
            "dnfcondition",
            "attributename",
            "attributevalueincludes",
            "attributevalueincludedin",
        ),
        # Runs and their lineage.
        *(
            "runid",
            "runstart",
            "runend",
            "lastupdatedafter",
            "lastupdatedbefore",
            "orderby",
            "order",
            "continuationtoken",
            "pipelinename",
            "pipelinerunid",
            "activityname",
            "activitytype",
            "activityrunid",
            "output",
            "effectiveintegrationruntime",
            "reportlineagetopurview",
            "reportlineagetopurvew",
            "entity",
            "entitytype",
            "guid",
            "attributes",
            "qualifiedname",
            "lastruntime",
            "guidentitymap",
            "relations",
            "parentrelations",
            "parententityid",
            "childentityid",
            "fromentityid",
            "toentityid",
        ),
    )
)
#: Fields inside which only these fields stay: the rest is the user's data.
_WITHIN: Mapping[str, frozenset[str]] = {
    "output": frozenset({"effectiveintegrationruntime", "reportlineagetopurview", "reportlineagetopurvew", "status"}),
    "typeproperties": frozenset({"ssisproperties"}),
    "attributes": frozenset({"qualifiedname", "lastruntime"}),
}
#: Parameters of an address that stay. Links to an operation carry its signature.
_KEPT_QUERY = frozenset({"api-version", "collectionname", "direction", "depth", "attr:qualifiedname"})
_PAGES = frozenset({"$skiptoken", "skiptoken"})
_ORIGIN = ("https", "management.azure.com")
#: Kinds of resources, by type; the names of all others become "resource".
_KINDS = {
    "resourcegroups": "group",
    "factories": "factory",
    "accounts": "account",
    "storageaccounts": "storage",
    "namespaces": "namespace",
    "integrationruntimes": "runtime",
    "workspaces": "workspace",
    "pipelines": "pipeline",
    "managedvirtualnetworks": "network",
}
#: The names of managed endpoints stay: the names of one set contain each other, and without them the parts of a
#: transcript would not fit together. A connection's name is made of a factory's or account's name and an endpoint's.
_KEPT_NAMES = frozenset(
    {"managedprivateendpoints", "privateendpointconnections", "ingestionprivateendpointconnections"}
)
#: Fields that hold a name that is in no id.
_NAMES = {"pipelinename": "pipeline", "activityname": "activity", "parentcollectionname": "collection"}
#: Names that are also Azure's own words: replacing them would change the meaning, and they identify no owner.
_COMMON = frozenset(["default", "account", "blob", "queue", "namespace", "platform", "portal", "purview"])
#: No Azure resource can have a longer name (docs: "Naming rules and restrictions for Azure resources").
_LONGEST_NAME = 260
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: A match starts only at the start of a word, so a long word is read once.
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[^\W_]+")
_SUBSCRIPTION = re.compile(r"/subscriptions/", re.IGNORECASE)
_END = re.compile(r"[?\"'\s,;)]")


def sanitised(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The exchanges with only the known fields, and with ids and names replaced."""
    clean = [_known(_without_arguments(exchange)) for exchange in exchanges]
    words = _Words(_texts(clean))
    return [words.replaced(exchange) for exchange in clean]


def _without_arguments(exchange: dict[str, Any]) -> dict[str, Any]:
    """The exchange; if it starts a pipeline, without its body, because the arguments and their names are the user's."""
    asked = exchange["request"]
    if not asked["url"].partition("?")[0].casefold().endswith("/createrun"):
        return exchange
    return {**exchange, "request": {**asked, "body": REMOVED}}


def _known(node: Any, kept: frozenset[str] = _KEPT) -> Any:
    if _is_object(node):
        return {key: _field(key, value, kept) for key, value in node.items()}
    if _is_list(node):
        return [_known(value, kept) for value in node]
    return _address(node) if isinstance(node, str) else node


def _field(key: str, value: Any, kept: frozenset[str]) -> Any:
    folded = key.casefold()
    if value is None or folded in kept or _GUID.fullmatch(key):
        return _known(value, _WITHIN.get(folded, kept))
    return REMOVED


def _address(text: str) -> str:
    """A text, bounded; an address without unknown parameters, and with Azure's own origin."""
    if len(text) > LONGEST:
        return REMOVED
    if not text.startswith(("https://", "http://")):
        return blotted(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        return REMOVED
    query = urlencode(
        [
            (name, value if name.casefold() in _KEPT_QUERY | _PAGES else REMOVED)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="()/:$",
    )
    path = unquote(parts.path)
    # Links into Azure Resource Manager get its public address, wherever the requests went.
    origin = _ORIGIN if path.startswith("/subscriptions/") else (parts.scheme, parts.netloc.rpartition("@")[2])
    return urlunsplit((*origin, path, query, ""))


def _texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text, with its field."""
    if _is_object(node):
        for name, value in node.items():
            yield from _texts(value, name.casefold())
    elif _is_list(node):
        for value in node:
            yield from _texts(value, key)
    elif isinstance(node, str):
        yield key, node


class _Words:
    """The replacements, found in the whole transcript before anything is replaced."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._names: dict[str, str] = {}
        self._sizes: dict[str, list[int]] = {}
        """For the first word of each name: the lengths of the names that begin with it, the longest first."""
        kept: set[str] = set()
        perhaps: list[str] = []
        for key, text in texts:
            if kind := _NAMES.get(key):
                self._learn(kind, text)
            for kind, name in _names_in(text):
                if kind == "privateendpoints":
                    # The private endpoint of a managed endpoint is called `<factory>.<endpoint>`.
                    factory, _, endpoint = name.partition(".")
                    self._learn("factory", factory)
                    perhaps.append(endpoint)
                elif kind in _KEPT_NAMES:
                    kept.add(name.casefold())
                else:
                    self._learn(_KINDS.get(kind, "resource"), name)
        for endpoint in perhaps:
            if endpoint.casefold() not in kept:
                self._learn("endpoint", endpoint)

    def _learn(self, kind: str, name: str) -> None:
        key = _folded(name)
        word = _WORD.search(key)
        if word is None or key in _COMMON or _GUID.fullmatch(key):
            return
        key = key[word.start() :]
        if key not in self._names:
            self._names[key] = self._word(kind, key)
            sizes = self._sizes.setdefault(word[0], [])
            if len(key) not in sizes:
                sizes.append(len(key))
                sizes.sort(reverse=True)

    def _word(self, kind: str, value: str) -> str:
        return f"{kind}{self._number(kind, value)}"

    def _number(self, kind: str, value: str) -> int:
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(value, len(numbers) + 1)

    def replaced(self, node: Any, key: str = "") -> Any:
        """The value with everything replaced that identifies its owner; keys are Azure's and stay, except GUIDs."""
        if _is_object(node):
            return {self._without_guids(name): self.replaced(value, name.casefold()) for name, value in node.items()}
        if _is_list(node):
            return [self.replaced(value, key) for value in node]
        if not isinstance(node, str):
            return node
        if key in _PAGES or key == "continuationtoken":
            return self._word("page", node)
        if any(len(segment) > _LONGEST_NAME for segment in node.split("/")) and "/subscriptions/" in node:
            return REMOVED
        text = _MAIL.sub(lambda found: f"{self._word('person', found[0].casefold())}@example.com", node)
        return self._without_guids(self._without_names(self._without_pages(text)))

    def _without_pages(self, text: str) -> str:
        before, mark, page = text.partition("skiptoken=")
        token, rest, more = page.partition("&")
        return f"{before}{mark}{self._word('page', token)}{rest}{more}" if mark else text

    def _without_guids(self, text: str) -> str:
        return _GUID.sub(lambda found: f"00000000-0000-0000-0000-{self._number('', found[0].casefold()):012}", text)

    def _without_names(self, text: str) -> str:
        """The text with a word for each separate name in it. The longest match counts: names can contain others."""
        done: list[str] = []
        at = 0
        folded = _folded(text)
        for word in _WORD.finditer(folded):
            start = word.start()
            if start < at:
                continue  # inside a name
            for size in self._sizes.get(word[0], ()):
                end = start + size
                if folded[start:end] in self._names and not folded[end : end + 1].isalnum():
                    done += text[at:start], self._names[folded[start:end]]
                    at = end
                    break
        return "".join([*done, text[at:]])


def _folded(text: str) -> str:
    """The text without letter case, character by character, so that positions in both agree."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(one if len(one := character.casefold()) == 1 else character for character in text)


def _names_in(text: str) -> Iterator[tuple[str, str]]:
    """The kinds and names in the ids of a text. Types and names alternate after each provider."""
    for arm_id in _SUBSCRIPTION.split(text)[1:]:
        segments = iter(_END.split(arm_id, maxsplit=1)[0].split("/")[1:])
        for kind in segments:
            name = next(segments, "")
            if kind.casefold() != "providers":  # a provider follows, whose name is Azure's
                yield kind.casefold(), name


def _is_object(node: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list)
