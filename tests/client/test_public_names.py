"""Public names belong to the modules that users import them from, not to the files that define them."""

from __future__ import annotations

import importlib
import inspect
import io
import pickle
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import purview_mpe
from purview_mpe import Budget, Client, Rate, Retry, aio, durable, emulator, errors, notebook
from purview_mpe._model.spec import Noun
from purview_mpe.emulator import Emulator, Fault, InvalidScenario, MissingExtra, Reads, Role
from tests.support.colours import spec_for
from tests.support.every_error import CLASSES, made
from tests.support.nouns import NOUNS, a_spec

MODULES = (purview_mpe, aio, durable, emulator, errors, notebook)
PUBLIC = [
    (module.__name__, name)
    for module in MODULES
    for name in module.__all__
    if inspect.isclass(getattr(module, name)) or inspect.isroutine(getattr(module, name))
]
#: Nouns that are values of the public API; `Connection` and `Factory` never leave the library.
VALUES = sorted(name for name in NOUNS if hasattr(purview_mpe, name) or name == "FleetRequest")


class Reader(pickle.Unpickler):
    """Reads a pickle and records the modules of this project that it names."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.modules: set[str] = set()

    def find_class(self, module_name: str, global_name: str) -> object:
        if module_name.startswith("purview_mpe"):
            self.modules.add(module_name)
        return super().find_class(module_name, global_name)


def modules_in(value: object) -> set[str]:
    """The modules of this project that the pickle of a value names; the value is the same afterwards."""
    reader = Reader(pickle.dumps(value))
    again = reader.load()
    assert type(again) is type(value)
    if not isinstance(value, BaseException):
        assert again == value
    return reader.modules


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_name_shows_its_public_module(module, name):
    """`__module__` of every public class and function is the public module, so a moved file keeps its reprs."""
    thing = getattr(importlib.import_module(module), name)
    assert (thing.__module__, thing.__qualname__) == (module, name)


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_name_is_pickled_by_reference_to_its_public_module(module, name):
    """The pickle of a class or function holds only its public module and name."""
    assert modules_in(getattr(importlib.import_module(module), name)) == {module}


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=5)
@given(st.data())
def test_pickled_noun_names_only_public_modules(name, data):
    """A value read back from a pickle is equal, and the pickle names no private module."""
    assert modules_in(data.draw(NOUNS[name])) <= {"purview_mpe", "purview_mpe.durable"}


def test_pickled_mappings_of_a_spec_name_only_public_modules():
    """The frozen mapping inside a spec is pickled under the package's name as well, and stays frozen."""
    spec = a_spec(names={"blob": "purview-b"})
    assert modules_in(spec) == {"purview_mpe"}
    with pytest.raises(TypeError, match="frozen"):
        Reader(pickle.dumps(spec)).load().names["queue"] = "q"


@pytest.mark.parametrize("value", [Retry(), Rate(10, 1)], ids=lambda value: type(value).__name__)
def test_pickled_settings_name_only_public_modules(value):
    """Retry and Rate can be sent to another process."""
    assert modules_in(value) == {"purview_mpe"}


@pytest.mark.parametrize("cls", CLASSES.values(), ids=lambda cls: cls.__name__)
def test_pickled_errors_name_only_public_modules(cls):
    """An error, with the report or plan that it holds, can be sent to another process."""
    assert modules_in(made(cls)) <= {"purview_mpe", "purview_mpe.errors"}


def test_pickled_values_of_the_emulator_name_only_public_modules():
    """Views, requests, exchanges, faults and roles of the emulator can be sent to another process."""
    azure, exchanges = Emulator(), []
    azure.observe(exchanges.append)
    with Client(azure.credential, transport=azure.transport()) as client:
        client.create_all(spec_for(azure))
    values = [
        azure.factory,
        *azure.endpoints()[:1],
        *azure.connections()[:1],
        azure.requests[0],
        exchanges[0],
        Fault.status("PUT", 429),
        Reads(2),
        Role("Reader", ("*/read",)),
        InvalidScenario([("a", "b")]),
        MissingExtra("x"),
    ]
    assert {module for value in values for module in modules_in(value)} <= {
        "purview_mpe",
        "purview_mpe.emulator",
    }


def resolved_hints(thing: type) -> dict[str, object]:
    return {name: hint for name, hint in typing.get_type_hints(thing).items() if not name.startswith("_")}


@pytest.mark.parametrize("name", VALUES)
def test_type_hints_of_a_noun_resolve(name):
    """Tools that look up type hints in the module that a class names find types, not text."""
    noun = getattr(purview_mpe, name, durable.FleetRequest)
    assert set(resolved_hints(noun)) >= set(noun.model_fields)


@pytest.mark.parametrize("thing", [Retry, Rate, emulator.RecordedRequest, emulator.Exchange, emulator.Role])
def test_type_hints_of_a_dataclass_resolve(thing):
    """The same holds for dataclasses."""
    assert set(resolved_hints(thing)) >= {name for name in thing.__dataclass_fields__ if not name.startswith("_")}


@pytest.mark.parametrize("name", VALUES)
def test_a_noun_can_be_subclassed(name):
    """A user's subclass has all fields of the noun and its own, and refuses the same inputs."""
    noun = getattr(purview_mpe, name, durable.FleetRequest)
    mine = type("Mine", (noun,), {"__annotations__": {"ticket": str}, "ticket": "", "__module__": __name__})
    assert issubclass(mine, Noun)
    assert set(mine.model_fields) == {*noun.model_fields, "ticket"}
    with pytest.raises(errors.InvalidSpec):
        mine(unknown=1)


def test_budget_shows_its_public_module():
    """Budget's default repr names the public module."""
    assert repr(Budget()).startswith("<purview_mpe.Budget object at")
