"""The environment variables that stand for options: an option counts more, and so does a file that sets the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._cli.options import CLOUDS, FORMATS
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

_PREFIX = "PURVIEW_MPE_"
#: Fields of a spec that a variable can set.
SPEC_VARIABLES: Mapping[str, str] = {
    field: f"{_PREFIX}{field.upper()}" for field in ("factory", "account", "name", "runtime")
}
#: Options of a place or a connection that a variable can set.
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "subscription": (f"{_PREFIX}SUBSCRIPTION", "AZURE_SUBSCRIPTION_ID"),
    **{
        option: (f"{_PREFIX}{option.upper()}",)
        for option in ("resource_group", "cloud", "endpoint", "purview_endpoint", "output")
    },
    # The second one is the setting of the example app for Azure Functions.
    "ca": (f"{_PREFIX}CA", f"{_PREFIX}CA_FILE"),
}
_CHOICES = {"cloud": CLOUDS, "output": FORMATS}
_DEFAULTS = {"cloud": "public"}


def fill_in(arguments: Namespace, environ: Mapping[str, str]) -> None:
    """Set the options that were not given, where the verb has them; `variables` says which variable set which.

    Raises:
        InvalidSpec: a variable holds something that its option does not take.
    """
    used: dict[str, str] = {}
    arguments.variables = used
    for option, variables in _OPTIONS.items():
        if getattr(arguments, option, "not there") is not None:
            continue
        variable = next((name for name in variables if environ.get(name)), None)
        value = _DEFAULTS.get(option) if variable is None else environ[variable]
        choices = _CHOICES.get(option)
        if variable is not None and choices and value not in choices:
            raise InvalidSpec("The command", [(variable, f"{value!r} is none of {', '.join(choices)}")])
        setattr(arguments, option, value)
        if variable is not None:
            used[option] = variable


def of_spec(environ: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a spec that variables set."""
    return {field: environ[name] for field, name in SPEC_VARIABLES.items() if environ.get(name)}
