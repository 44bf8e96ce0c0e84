"""The kinds of text that nouns hold, each with its rule.

A noun may come from an edited file, and its texts end up in requests, commands, logs and terminals. So ids and names
that break Azure's rules are refused, and every other text is one printable line.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from purview_mpe._model.arm_id import ArmId, is_segment
from purview_mpe._model.shown import one_line

#: The type of every private endpoint, the hidden ones of a managed virtual network included (recorded).
PRIVATE_ENDPOINT_TYPE = "Microsoft.Network/privateEndpoints"
#: No Azure resource can have a longer name (docs: "Naming rules and restrictions for Azure resources").
_LONGEST_NAME = 260
#: Group ids as Azure's services spell theirs: `blob`, `sqlServer`, `appGwPrivateFrontendIpIPv4` (docs).
_GROUP = re.compile(r"[-\w. ]{1,80}", re.ASCII)


def is_private_endpoint(text: str) -> bool:
    """Whether the text is the id of a private endpoint."""
    try:
        return ArmId.parse(text).is_a(PRIVATE_ENDPOINT_TYPE)
    except ValueError:
        return False


def is_id(text: str) -> bool:
    """Whether the text is a resource id."""
    try:
        ArmId.parse(text)
    except ValueError:
        return False
    return True


def is_group(text: str) -> bool:
    """Whether the text is a group id."""
    return _GROUP.fullmatch(text) is not None


def _an_id(text: str) -> str:
    ArmId.parse(text)
    return text


def _an_id_or_nothing(text: str) -> str:
    return _an_id(text) if text else text


def _a_private_endpoint(text: str) -> str:
    arm_id = ArmId.parse(text)
    if not arm_id.is_a(PRIVATE_ENDPOINT_TYPE):
        raise ValueError(f"is the id of a {arm_id.type}, not of a {PRIVATE_ENDPOINT_TYPE}")
    return text


def _a_name(text: str) -> str:
    if len(text) > _LONGEST_NAME or not is_segment(text):
        raise ValueError(
            f"must be 1 to {_LONGEST_NAME} letters, digits and - _ . ( ), and not only dots, for example 'purview_blob'"
        )
    return text


def _a_name_or_nothing(text: str) -> str:
    return _a_name(text) if text else text


def _a_group(text: str) -> str:
    if not is_group(text):
        raise ValueError("must be 1 to 80 letters, digits, blanks and - _ . , for example 'blob'")
    return text


def _a_group_or_nothing(text: str) -> str:
    return _a_group(text) if text else text


def _printed(text: object) -> object:
    return one_line(text) if isinstance(text, str) else text


def _printed_lines(text: object) -> object:
    return "\n".join(one_line(line) for line in text.split("\n")) if isinstance(text, str) else text


#: The id of a resource.
IdText = Annotated[str, AfterValidator(_an_id)]
#: The id of a resource, or empty if Azure gives none.
MaybeIdText = Annotated[str, AfterValidator(_an_id_or_nothing)]
#: The id of a private endpoint.
PrivateEndpointId = Annotated[str, AfterValidator(_a_private_endpoint)]
#: The name of a resource: one segment of an id.
NameText = Annotated[str, AfterValidator(_a_name)]
#: The name of a resource, or empty if Azure gives none.
MaybeNameText = Annotated[str, AfterValidator(_a_name_or_nothing)]
#: A group id (a sub-resource of a target).
GroupText = Annotated[str, AfterValidator(_a_group)]
#: A group id, or empty if Azure gives none.
MaybeGroupText = Annotated[str, AfterValidator(_a_group_or_nothing)]
#: One printable line; a space replaces each character that cannot be printed.
Line = Annotated[str, BeforeValidator(_printed)]
#: Several such lines.
Lines = Annotated[str, BeforeValidator(_printed_lines)]
