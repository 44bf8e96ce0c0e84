"""The parts of a scenario's models: objects and values that report all their problems at once."""

from __future__ import annotations

import reprlib
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Strict,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe.emulator._http.call import GUID
from purview_mpe.emulator._state.settings import Reads
from purview_mpe.emulator._values.json_values import list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from pydantic import ModelWrapValidatorHandler

# Prefixes of what pydantic adds to a place for the member of a union.
_TAG = "/"
_SHOWN = 300
# Texts for pydantic's errors that have no text in this file's models and values.
_WORDS = {"list_type": "must be a list", "tuple_type": "must be a list", "dict_type": "must be an object"}


def brief(value: Any) -> str:
    """A value as a message shows it: only its beginning if it is large."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother = 2, 80, 80
    shown = short.repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def said(words: str) -> PydanticCustomError:
    """An error with exactly this text."""
    return PydanticCustomError("scenario", "{words}", {"words": words})


class Part(BaseModel):
    """An object in a scenario; reports unknown and missing keys together with wrong values."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    #: Example values for the errors about missing values.
    examples: ClassVar[dict[str, Any]] = {}

    @classmethod
    def conflicts(cls, _given: Mapping[str, Any]) -> list[str]:
        """Problems of the object as a whole."""
        return []

    @model_validator(mode="wrap")
    @classmethod
    def _report_everything(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        given = object_of(value)
        if given is None:
            raise said(f"must be an object, not {brief(value)}")
        fields = cls.model_fields
        problems = [
            InitErrorDetails(
                type=said(f"is not known here; known are {', '.join(fields)}"), loc=(str(key),), input=None
            )
            for key in given
            if key not in fields
        ]
        for name, field in fields.items():
            if field.is_required() and name not in given:
                words = f"is missing; for example {cls.examples[name]!r}"
                problems.append(InitErrorDetails(type=said(words), loc=(name,), input=None))
        try:
            made = handler({key: item for key, item in given.items() if key in fields})
        except ValidationError as error:
            problems += [
                InitErrorDetails(type=said(_words_of(one)), loc=one["loc"], input=None)
                for one in error.errors(include_url=False)
                if one["type"] != "missing"
            ]
            made = None
        problems += [InitErrorDetails(type=said(words), loc=(), input=None) for words in cls.conflicts(given)]
        if problems or made is None:
            raise ValidationError.from_exception_data("scenario", problems)
        return made

    def given(self) -> dict[str, Any]:
        """The values that the scenario names, without defaults."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def _words_of(error: Any) -> str:
    if error["type"] in _WORDS:
        return f"{_WORDS[error['type']]}, not {brief(error['input'])}"
    return str(error["msg"])


def problems_of(error: ValidationError) -> list[str]:
    """One line per problem, with its place: `accounts[0].shape: must be one of …`."""
    return [f"{_place(one['loc']) or 'it'}: {_words_of(one)}" for one in error.errors(include_url=False)]


def _place(location: tuple[int | str, ...]) -> str:
    place = ""
    for step in location:
        if isinstance(step, int):
            place += f"[{step}]"
        elif not step.startswith(_TAG):
            place += f".{step}" if place else step
    return place


def _wanting(what: str) -> WrapValidator:
    """Replace pydantic's message by what the value must be."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise said(f"must be {what}, not {brief(value)}") from None

    return WrapValidator(check)


def one_of(kind: Any) -> WrapValidator:
    """Only the values of a `Literal`."""
    return _wanting(f"one of {', '.join(map(str, get_args(kind)))}")


Text: TypeAlias = Annotated[str, Field(min_length=1), _wanting("a text")]
Number: TypeAlias = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False), _wanting("a number from 0 on")]
Whole: TypeAlias = Annotated[int, Strict(), Field(ge=0), _wanting("a whole number from 0 on")]
Count: TypeAlias = Annotated[int, Strict(), Field(ge=1), _wanting("a whole number from 1 on")]
Flag: TypeAlias = Annotated[bool, Strict(), _wanting("true or false")]
Guid: TypeAlias = Annotated[
    str, Field(pattern=f"^(?:{GUID.pattern})$"), _wanting("a GUID such as 00000000-0000-0000-0000-000000000001")
]
Object: TypeAlias = Annotated[dict[str, Any], _wanting("an object")]


def _moment(value: Any) -> datetime:
    """A date and time as text, or as YAML parses it; without a zone it is in UTC."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        words = f"must be a date and time in ISO 8601 such as 2031-02-03T04:05:06Z, not {brief(value)}"
        raise said(words) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Moment: TypeAlias = Annotated[datetime, PlainValidator(_moment)]


def _body(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    body = handler(value)
    if "id" in body:
        try:
            ArmId.parse(body["id"])
        except InvalidArmId as error:
            details = InitErrorDetails(type=said(str(error)), loc=("id",), input=None)
            raise ValidationError.from_exception_data("scenario", [details]) from None
    return body


Body: TypeAlias = Annotated[Object, WrapValidator(_body)]


def options_of(kind: type) -> PlainValidator:
    """An object with the fields of a dataclass of options, which checks each field itself."""
    names = [field.name for field in dataclass_fields(kind)]

    def read(value: Any) -> Any:
        given = object_of(value)
        if given is None:
            raise said(f"must be an object, not {brief(value)}")
        problems: list[InitErrorDetails] = []
        for key, item in given.items():
            try:
                if key not in names:
                    raise ValueError(f"{key}: is not known here; known are {', '.join(names)}")
                kind(**{key: item})
            except ValueError as error:
                words = str(error).removeprefix(f"{key}: ")
                problems.append(InitErrorDetails(type=said(words), loc=(str(key),), input=None))
        if problems:
            raise ValidationError.from_exception_data("scenario", problems)
        return kind(**given)

    return PlainValidator(read)


# --- durations


class ReadCount(Part):
    """A duration as a number of reads."""

    examples = {"reads": 3}

    reads: Whole


def _range(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if len(list_of(list(value)) or ()) != 2:
        raise said(f"a range is two numbers such as [20, 120], not {brief(value)}")
    return handler(value)


def _kind_of_span(value: Any) -> Literal["/seconds", "/range", "/reads", "/groups"]:
    if isinstance(value, list | tuple):
        return "/range"
    given = object_of(value)
    if given is None:
        return "/seconds"
    return "/reads" if "reads" in given else "/groups"


_Seconds: TypeAlias = Annotated[Number, Tag("/seconds")]
_Range: TypeAlias = Annotated[tuple[Number, Number], WrapValidator(_range), Tag("/range")]
_Reads: TypeAlias = Annotated[ReadCount, Tag("/reads")]


def _kind_of_one(value: Any) -> str:
    kind = _kind_of_span(value)
    return "/seconds" if kind == "/groups" else kind


OneSpan: TypeAlias = Annotated[_Seconds | _Range | _Reads, Discriminator(_kind_of_one)]
_Groups: TypeAlias = Annotated[dict[str, OneSpan], Tag("/groups")]
SpanPart: TypeAlias = OneSpan
SpansPart: TypeAlias = Annotated[_Seconds | _Range | _Reads | _Groups, Discriminator(_kind_of_span)]


def span_of(part: Any) -> Any:
    """A duration in the form that `Emulator` takes."""
    match part:
        case ReadCount():
            return Reads(part.reads)
        case dict():
            return {group: span_of(one) for group, one in part.items()}  # pyright: ignore[reportUnknownVariableType]  validated above
        case _:
            return part
