"""What you ask for: one factory, one Purview account, one base name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, Self, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from purview_mpe._model import naming, pasted
from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe._model.authorship import wrong_value
from purview_mpe._model.documented import texts_of
from purview_mpe._model.public import public
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema, ErrorDetails

K = TypeVar("K")
V = TypeVar("V")

FACTORY_TYPE = "Microsoft.DataFactory/factories"
ACCOUNT_TYPE = "Microsoft.Purview/accounts"
STORAGE_TYPE = "Microsoft.Storage/storageAccounts"
NAMESPACE_TYPE = "Microsoft.EventHub/namespaces"
_EXAMPLES = {
    "factory": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
    "/providers/Microsoft.DataFactory/factories/df1",
    "account": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg1"
    "/providers/Microsoft.Purview/accounts/pv1",
    "name": "'purview'",
    "separator": "'_'",
    "groups": "('account', 'blob', 'queue')",
    "names": "{'blob': 'purview-blob'}",
    "managed_virtual_network": "'default'",
    "runtime": "'managed-vnet'",
    "replace_broken": "True",
}


@public("purview_mpe")
class _Fixed(dict[K, V]):
    """An immutable mapping, so that a noun that holds one is immutable and hashable, too."""

    # Any, because a function that never returns fits every signature.
    def _refuse(self: Any, *_given: Any, **_named: Any) -> Any:
        raise TypeError("nouns are frozen; make another one with model_copy(update=...)")

    __setitem__: Any = _refuse
    __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = __setitem__

    def __hash__(self) -> int:  # type: ignore[override]  # a dict's is None
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # copy and pickle fill a dict item by item, which this class refuses.
        return type(self), (dict(self),)


def _fixed(value: dict[K, V]) -> dict[K, V]:
    return _Fixed(value)


#: A field of a noun that is a mapping.
Fixed = Annotated[dict[K, V], AfterValidator(_fixed)]


class _Faces(Protocol):
    """The functions of the module `faces`, for mypy."""

    def text(self, noun: Noun) -> str: ...
    def html(self, noun: Noun) -> str | None: ...
    def svg(self, noun: Noun) -> str: ...
    def mermaid(self, noun: Noun) -> str: ...
    def pandas(self, noun: Noun) -> Any: ...


def _faces() -> _Faces:
    from purview_mpe._display import faces  # noqa: PLC0415 - faces depend on nouns, and are loaded on first use

    return faces


class Noun(BaseModel):
    """A frozen value that prints as a table, is hashable, and round-trips through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    _home: ClassVar[str]
    """The module that defines the class; `__module__` of a public class is the module that users import it from."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._home = cls.__module__

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema with a description for every field."""
        schema = handler(core_schema)
        texts = texts_of(cls._home, cls.__name__)
        for name, of_field in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if name in texts:
                of_field["description"] = texts[name]
        return schema

    if not TYPE_CHECKING:  # pragma: no branch - type checkers need pydantic's synthesised signature

        def __init__(self, /, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                problems = _problems(type(self), error)
            else:
                return
            # A spec always counts as the caller's: the library only builds one from arguments and from Azure's lists.
            is_spec = isinstance(self, Spec)
            raise InvalidSpec("Spec", problems) if is_spec else wrong_value(type(self).__name__, problems)

        # Without this, pydantic calls __init__ for a spec inside a plan file, and its errors lose the field's place.
        __init__.__pydantic_base_init__ = True

    def __str__(self) -> str:
        return _faces().text(self)

    def to_svg(self) -> str:
        """The picture as an SVG file. Only the results of verbs have one; other nouns raise a TypeError."""
        return _faces().svg(self)

    def to_mermaid(self) -> str:
        """The picture as a Mermaid flowchart, for the same nouns as `to_svg`."""
        return _faces().mermaid(self)

    def to_pandas(self) -> Any:
        """The rows (targets, steps, outcomes, endpoints, …) as a `pandas.DataFrame`, if pandas is installed."""
        return _faces().pandas(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_html_(self) -> str | None:
        return _faces().html(self)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read it from a mapping; raises an `InvalidSpec` that lists every wrong field."""
        return cls._checked(lambda: super(Noun, cls).model_validate(obj, **options))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read it from JSON; raises an `InvalidSpec` that lists every wrong field."""
        return cls._checked(lambda: super(Noun, cls).model_validate_json(json_data, **options))

    @classmethod
    def model_validate_strings(cls, obj: Any, **options: Any) -> Self:
        """Read it from a mapping of texts; raises an `InvalidSpec` that lists every wrong field."""
        return cls._checked(lambda: super(Noun, cls).model_validate_strings(obj, **options))

    @classmethod
    def _checked(cls, read: Callable[[], Self]) -> Self:
        try:
            return read()
        except ValidationError as error:
            problems = _problems(cls, error)
        # Outside the handler, so that the exception does not carry the user's input as its cause.
        raise InvalidSpec(cls.__name__, problems)

    @model_validator(mode="before")
    @classmethod
    def _drop_computed(cls, given: object) -> object:
        # The JSON holds computed fields for readers only; here they are computed again, never trusted.
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, Any]", given)
        return {key: value for key, value in fields.items() if key not in cls.model_computed_fields}


@public("purview_mpe")
class Spec(Noun):
    """What to build: private endpoints from one factory to one Purview account.

    Constructing it checks everything that can be checked without asking Azure, and lists every wrong field at once.

    Args:
        factory: Id of the data factory; a trailing slash and any letter case are accepted.
        account: Id of the Purview account, in any subscription; None means the one that the factory is connected to.
        name: Base name: the name of the account endpoint, and what the others' names begin with.
        separator: The text between base name and group id.
        names: Names of individual endpoints by group id, used in place of the derived ones.
        groups: Group ids to create endpoints for; None means all that the account needs for lineage.
        managed_virtual_network: Name of the factory's managed virtual network.
        runtime: Name of the Azure integration runtime in the managed virtual network; None means any existing runtime
            in it.
        replace_broken: Whether endpoints that are Failed, Rejected or Disconnected may be deleted and created again.

    Raises:
        InvalidSpec: a field is wrong; every way of constructing a spec raises it.
    """

    # strict: "yes" for a boolean in a spec file is a mistake to report, not to guess at
    model_config = ConfigDict(strict=True)

    factory: str
    """Id of the data factory; a trailing slash and any letter case are accepted."""
    account: str | None = None
    """Id of the Purview account, in any subscription; None means the one that the factory is connected to."""
    name: str
    """Base name: the name of the account endpoint, and what the others' names begin with."""
    separator: str = naming.DEFAULT_SEPARATOR
    """The text between base name and group id."""
    names: Fixed[str, str] = Field(default_factory=dict, validate_default=True)
    """Names of individual endpoints by group id, used in place of the derived ones."""
    groups: Annotated[tuple[str, ...] | None, Field(strict=False, validate_default=True)] = None
    """Group ids to create endpoints for; None means all that the account needs for lineage."""
    managed_virtual_network: str = "default"
    """Name of the factory's managed virtual network."""
    runtime: str | None = None
    """Name of the Azure integration runtime in the managed virtual network; None means any existing runtime in it."""
    replace_broken: bool = False
    """Whether endpoints that are Failed, Rejected or Disconnected may be deleted and created again."""

    if TYPE_CHECKING:
        # The signature accepts more than the fields hold: an id may be a text or a parsed id, such as an emulator's.
        def __init__(
            self,
            *,
            factory: str | ArmId,
            account: str | ArmId | None = None,
            name: str,
            separator: str = naming.DEFAULT_SEPARATOR,
            names: Mapping[str, str] = ...,
            groups: Sequence[str] | None = None,
            managed_virtual_network: str = "default",
            runtime: str | None = None,
            replace_broken: bool = False,
        ) -> None: ...

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Self:  # noqa: ARG002 - pydantic's signature
        """A copy with some fields changed, checked like any other spec."""
        return type(self)(**(self.model_dump() | dict(update or {})))

    if not TYPE_CHECKING:  # pragma: no branch - deprecated in pydantic, so type checkers should complain about it

        def copy(self, *, update: Any = None, deep: bool = False) -> Self:
            """As `model_copy`. Pydantic's own older method of this name checks nothing."""
            return self.model_copy(update=update, deep=deep)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **fields: Any) -> Self:
        """Checks like any other construction, so that no spec breaks a rule."""
        return cls(**fields)

    @field_validator("factory", mode="before")
    @classmethod
    def _factory_is_a_factory(cls, value: object) -> str:
        return str(_typed(value, FACTORY_TYPE, "factory", pasted.parsed))

    @field_validator("account", mode="before")
    @classmethod
    def _account_is_an_account(cls, value: object) -> str | None:
        return None if value is None else str(_typed(value, ACCOUNT_TYPE, "account", pasted.parsed))

    @field_validator("name")
    @classmethod
    def _name_is_allowed(cls, value: str) -> str:
        return _obeying(naming.endpoint_name_problem, value)

    @field_validator("managed_virtual_network")
    @classmethod
    def _network_name_is_allowed(cls, value: str) -> str:
        return _obeying(naming.network_name_problem, value)

    @field_validator("runtime")
    @classmethod
    def _runtime_name_is_allowed(cls, value: str | None) -> str | None:
        if value is not None and (problem := naming.dashed_name_problem("runtime", value)):
            raise _problem(problem)
        return value

    @field_validator("separator")
    @classmethod
    def _separator_is_allowed(cls, value: str) -> str:
        return _obeying(naming.separator_problem, value)

    @field_validator("names")
    @classmethod
    def _named_groups_exist(cls, value: dict[str, str]) -> dict[str, str]:
        for group_id, name in value.items():
            _known_group(group_id)
            _obeying(naming.endpoint_name_problem, name)
        return value

    @field_validator("groups")
    @classmethod
    def _groups_exist(cls, value: tuple[str, ...] | None, others: ValidationInfo) -> tuple[str, ...] | None:
        if value is not None:
            if not value:
                raise _problem("must hold at least one group id; None means all that the account needs")
            if twice := naming.collisions(value):
                raise _problem(f"holds {twice[0]!r} twice")
            for group_id in value:
                _known_group(group_id)
        # Not in a validator of the whole model: pydantic does not call that while any field is wrong, so these problems
        # would only show once the others are fixed.
        if {"name", "separator", "names"} <= others.data.keys():
            _fit_together(value or naming.LINEAGE_GROUPS, others.data)
        return value

    @property
    def factory_id(self) -> ArmId:
        """The parsed id of the factory."""
        return ArmId.parse(self.factory)

    @property
    def account_id(self) -> ArmId | None:
        """The parsed id of the account, if the spec names one."""
        return None if self.account is None else ArmId.parse(self.account)

    def name_of(self, group_id: str) -> str:
        """The name for the endpoint of this group id."""
        return self.names.get(group_id) or naming.derived_name(self.name, self.separator, group_id)


def typed_id(value: object, resource_type: str, field: str) -> ArmId:
    """The parsed id of a resource of one type, as Azure writes it.

    Raises:
        InvalidSpec: the value is not such an id.
    """
    return _or_invalid(value, resource_type, field, ArmId.parse)


def given_id(value: object, resource_type: str, field: str) -> ArmId:
    """As `typed_id`, but for an id that a person typed: for verbs that take an id instead of a spec.

    Raises:
        InvalidSpec: the value is not such an id.
    """
    return _or_invalid(value, resource_type, field, pasted.parsed)


def _or_invalid(value: object, resource_type: str, field: str, parse: Callable[[object], ArmId]) -> ArmId:
    try:
        return _typed(value, resource_type, field, parse)
    except PydanticCustomError as error:
        problem = error.message()
    raise InvalidSpec(field, [(field, problem)])


def _typed(value: object, resource_type: str, field: str, parse: Callable[[object], ArmId]) -> ArmId:
    example = f"for example {_EXAMPLES[field]}"
    try:
        arm_id = parse(str(value) if isinstance(value, ArmId) else value)
    except InvalidArmId as error:
        raise _problem(str(error).partition("; for example")[0] + f"; {example}") from None
    if not arm_id.is_a(resource_type):
        raise _problem(f"is the id of a {arm_id.type}, not of a {resource_type}; {example}")
    kind = "factory" if field == "factory" else "account"
    for problem in (
        naming.dashed_name_problem(kind, arm_id.name),
        naming.resource_group_problem(arm_id.resource_group),
    ):
        if problem:
            raise _problem(problem)
    return arm_id


def _obeying(rule: Callable[[str], str | None], value: str) -> str:
    if problem := rule(value):
        raise _problem(problem)
    return value


def _known_group(group_id: str) -> str:
    known = (*naming.LINEAGE_GROUPS, *naming.OPTIONAL_GROUPS)
    if group_id not in known:
        raise _problem(f"{group_id[:40]!r} is not a group id of Purview; use one of {', '.join(known)}")
    return group_id


def _fit_together(group_ids: Sequence[str], fields: Mapping[str, Any]) -> None:
    """Refuse derived names that are wrong or equal."""
    given: Mapping[str, str] = fields["names"]
    names = {
        group_id: given.get(group_id) or naming.derived_name(fields["name"], fields["separator"], group_id)
        for group_id in group_ids
    }
    problems: list[tuple[str, str]] = []
    for group_id, name in names.items():
        if problem := naming.endpoint_name_problem(name):
            problems.append(("name", f"the name derived for {group_id}: {problem}"))
            break
    if twice := naming.collisions(names.values()):
        problems.append(("names", f"two endpoints would be called {twice[0]!r}; each needs its own name"))
    if problems:
        raise PydanticCustomError("rules", "the names do not fit together", {"problems": problems})


def _problem(rule: str) -> PydanticCustomError:
    # A template would interpret braces in the user's text; the context does not.
    return PydanticCustomError("rule", "{rule}", {"rule": rule})


def _problems(noun: type[Noun], error: ValidationError) -> list[tuple[str, str]]:
    details = error.errors(include_url=False, include_input=False)
    return [problem for detail in details for problem in _spoken(noun, detail)]


def _spoken(noun: type[Noun], detail: ErrorDetails) -> Iterator[tuple[str, str]]:
    place = detail["loc"]
    # The place within the spec, even if the spec is part of a plan.
    within = place if issubclass(noun, Spec) else place[place.index("spec") + 1 :] if "spec" in place else ()
    example = _EXAMPLES.get(str(within[0])) if within else None
    match detail["type"]:
        case "rule":
            yield _spelled(place), detail["msg"]
        case "rules":
            yield from ((_spelled((*place[:-1], field)), rule) for field, rule in detail.get("ctx", {})["problems"])
        case "disagreement":
            yield from ((_spelled((*place, field)), rule) for field, rule in detail.get("ctx", {})["problems"])
        case "extra_forbidden":
            fields = f"; the fields of a spec are {', '.join(_EXAMPLES)}" if len(within) == 1 else ""
            yield _spelled(place), f"is not a known field{fields}"
        case "value_error":
            yield _spelled(place), detail["msg"].removeprefix("Value error, ")
        case kind:
            rule = "is required" if kind == "missing" else detail["msg"][0].lower() + detail["msg"][1:]
            yield _spelled(place), f"{rule}, for example {example}" if example else rule


def _spelled(place: Sequence[int | str]) -> str:
    # A file can use any text as a field's name; only its printable characters may reach a terminal.
    return ".".join("".join(c if c.isprintable() else "?" for c in str(part)[:80]) for part in place) or "(whole)"
