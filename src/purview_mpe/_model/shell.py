"""Translates messages and remedies from Python to the words of the command line.

Errors, findings and steps carry one text, in terms of Python. The command line shows the same text with its own words
for calls, fields and arguments. So a remedy is written once, and a report file from another machine shows in the right
words, too. A test translates every remedy of the library and accepts no Python in the result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The verbs that have another name on the command line.
_COMMANDS: Mapping[str, str] = {
    "apply": "create",
    "create_all": "create",
    "delete_all": "delete",
    "find_specs": "find",
    "find_id": "find",
    "plan_private_endpoints": "private-endpoints plan",
    "create_private_endpoints": "private-endpoints create",
    "delete_private_endpoints": "private-endpoints delete",
    "private_endpoints_status": "private-endpoints status",
}
#: The options for fields of a spec and for arguments, if the option is not the name with dashes.
_OPTIONS: Mapping[str, str] = {
    "names": "--name-of",
    "managed_virtual_network": "--managed-vnet",
    "resource_group": "--endpoint-resource-group",
    "connection_verify": "--ca",
    "report": "--report FILE",
    "plan": "--plan FILE",
}
_VERBS = (
    *("discover", "check", "plan", "apply", "create_all", "approve", "reject", "status", "watch", "delete_all"),
    *("connect", "disconnect", "diagnose", "orphans", "grant", "revoke", "onboard", "offboard", "prove"),
)
# Patterns are compiled when a text is first shown, so importing the errors costs nothing.
_CALL = (
    rf"(?:client\.)?\b(?P<verb>{'|'.join(_VERBS)})"
    r"\((?P<about>spec|account|report|plan)(?P<arguments>(?:, \w+=[^,()]+)*)\)(?: with Spec\((?P<field>\w+)=True\))?"
)
_OWN = (
    r"(?:client\.)?\b(?P<verb>(?:plan|create|delete)_private_endpoints|private_endpoints_status)"
    r"(?:\(spec, network(?:, purpose='(?P<purpose>[-\w{}]+)')?\))?"
)
_NAMED = r"\b(?P<verb>create_all|delete_all)\b(?: with Spec\((?P<field>\w+)=True\))?"
_GIVEN = (
    r"\b(?:(?P<set>[Ss]et (?:Spec|Network)\.)|(?P<pass>[Pp]ass ))(?P<field>\w+)(?: to |=)"
    r"(?P<value>True\b|'[^']*'|\((?:'[^']*',? ?)+\))"
)
_NAME_OF = r"\b(?P<set>[Ss]et )?Spec\.names\['(?P<group>\w+)'\]"
_SET = r"\b(?P<set>[Ss])et (?:Spec|Network)\.(?P<field>\w+)(?: to(?= (?:the|their)\b))?"
_FIELD = r"\b(?:Spec|Network)(?:\.(?P<field>\w+)|\((?P<true>\w+)=True\))"
_ARGUMENT = r"\b(?P<field>since|timeout|every)=(?P<value>\w*)"
_PHRASES: Mapping[str, str] = {
    "Correct the fields above": "Correct what is named above",
    "leave it at None": "leave it out",
    "connection_verify='ca.pem'": "--ca ca.pem",
    "pass a credential that works here, for example ManagedIdentityCredential()": (
        "set the variables of another sign-in, for example AZURE_CLIENT_ID"
    ),
    "to a file with it, or pass a credential with connection_verify='ca.pem'": "to a file with it",
    "AZURE_CLIENT_ID, or the client_id of ManagedIdentityCredential,": "AZURE_CLIENT_ID",
    "pass DefaultAzureCredential(process_timeout=60)": "sign in another way",
    "pass another credential": "sign in another way",
    "pass one that works here (az login makes one)": "sign in another way (az login)",
    "give the client a credential of the account's tenant": "sign in to the account's tenant",
    "report.model_dump_json()": "its JSON",
    "give the client": "give the command",
    "Give the client": "Give the command",
    "a longer timeout": "a longer --timeout",
    "run_id": "--run",
    "become_admin": "--become-admin",
    "the call": "the command",
    "this call": "this command",
    "the report's hand_off": "the hand-off in the report",
}
_PHRASE = rf"\b(?:{'|'.join(map(re.escape, sorted(_PHRASES, key=len, reverse=True)))})(?!\w)"


def command_of(verb: str) -> str:
    """The word for a verb on the command line."""
    return _COMMANDS.get(verb, verb.replace("_", "-"))


def in_shell(text: str) -> str:
    """The text as the command line says it."""
    text = re.sub(_OWN, _own, text)
    text = re.sub(_CALL, _called, text)
    text = re.sub(
        _NAMED, lambda found: " ".join(["purview-mpe", command_of(found["verb"]), *_flag(found["field"])]), text
    )
    text = re.sub(_GIVEN, _given, text)
    text = re.sub(_NAME_OF, lambda found: f"{_give(found['set'])}--name-of {found['group']}=NAME", text)
    text = re.sub(_SET, lambda found: f"{'G' if found['set'] == 'S' else 'g'}ive {option_of(found['field'])}", text)
    text = re.sub(_FIELD, lambda found: option_of(found["field"] or found["true"]), text)
    text = re.sub(_ARGUMENT, lambda found: f"{option_of(found['field'])} {found['value']}".rstrip(), text)
    text = re.sub(_PHRASE, lambda found: _PHRASES[found[0]], text)
    return re.sub(r"\b([Cc])all (?=purview-mpe )", lambda found: "Run " if found[1] == "C" else "run ", text)


def option_of(field: str) -> str:
    """The option for a field of a spec, or for an argument."""
    return _OPTIONS.get(field) or f"--{field.replace('_', '-')}"


def _own(found: re.Match[str]) -> str:
    purpose = f" --purpose {found['purpose']}" if found["purpose"] else ""
    return f"purview-mpe {command_of(found['verb'])}{purpose}"


def _called(found: re.Match[str]) -> str:
    given = dict(re.findall(r", (\w+)=([^,()]+)", found["arguments"]))
    words = ["purview-mpe", command_of(found["verb"])]
    if found["about"] in {"report", "plan"}:
        words.append(option_of(found["about"]))
    words += [option_of(name) if value == "True" else f"{option_of(name)} {value}" for name, value in given.items()]
    return " ".join([*words, *_flag(found["field"])])


def _flag(field: str | None) -> list[str]:
    return [option_of(field)] if field else []


def _given(found: re.Match[str]) -> str:
    value = "" if found["value"] == "True" else ",".join(re.findall(r"'([^']*)'", found["value"]))
    return f"{_give(found['set'] or found['pass'])}{option_of(found['field'])} {value}".rstrip()


def _give(word: str | None) -> str:
    return "" if not word else "Give " if word[0].isupper() else "give "
