"""The spec: every way to create one checks it, and reports all wrong fields at once with these messages."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from purview_mpe import Plan, Spec
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.spec import FACTORY_TYPE, typed_id
from purview_mpe.errors import InvalidSpec, PurviewMpeError
from tests.support.nouns import ACCOUNT, FACTORY, OTHER_SUBSCRIPTION, SUBSCRIPTION, a_spec, an_account, recased, specs

GOOD = {"factory": FACTORY, "account": ACCOUNT, "name": "purview"}
FIELDS = "factory, account, name, separator, groups, names, managed_virtual_network, runtime, replace_broken"
GROUPS = "account, blob, queue, namespace, platform, portal"
CHARACTERS = "may hold only letters A-Z a-z, digits, '_' and '-', and no '-' at either end, for example 'purview_blob'"
WRONG = {
    "factory": "adf-sales",
    "account": FACTORY,
    "name": "my purview",
    "separator": "/",
    "names": {"portalx": "x"},
    "groups": ["ingestion"],
    "managed_virtual_network": "",
    "replace_broken": "yes",
    "colour": "blue",
}
PROBLEMS = [
    ("factory", f"'adf-sales' is not a resource id; for example {FACTORY}"),
    (
        "account",
        f"is the id of a Microsoft.DataFactory/factories, not of a Microsoft.Purview/accounts; for example {ACCOUNT}",
    ),
    (
        "name",
        f"'my purview' {CHARACTERS}",
    ),
    ("separator", "'/' may hold only letters A-Z a-z, digits, '_' and '-', for example '_'"),
    ("names", f"'portalx' is not a group id of Purview; use one of {GROUPS}"),
    ("groups", f"'ingestion' is not a group id of Purview; use one of {GROUPS}"),
    (
        "managed_virtual_network",
        "'' must be 1 to 127 letters A-Z a-z, digits, '_' and '-', with no '-' at either end, for example 'default'",
    ),
    ("replace_broken", "input should be a valid boolean, for example True"),
    ("colour", f"is not a known field; the fields of a spec are {FIELDS}"),
]


def problems(**fields: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSpec) as caught:
        Spec(**(GOOD | fields))
    return caught.value.problems


def problem(**fields: object) -> str:
    [(_, rule)] = problems(**fields)
    return rule


def plan_json(**fields: object) -> str:
    plan = Plan(spec=a_spec(), account=an_account(), steps=())
    return json.dumps(plan.model_dump(mode="json") | {"spec": fields})


WAYS = {
    "call": lambda fields: Spec(**fields),
    "model_validate": Spec.model_validate,
    "model_validate_json": lambda fields: Spec.model_validate_json(json.dumps(fields)),
    "model_copy": lambda fields: a_spec().model_copy(update=fields),
    "copy": lambda fields: a_spec().copy(update=fields),
    "model_construct": lambda fields: Spec.model_construct(**fields),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_wrong_fields_are_reported_at_once(way):
    """However a spec is created, each wrong field is listed with its rule and an example."""
    with pytest.raises(InvalidSpec) as caught:
        WAYS[way](WRONG)
    assert caught.value.problems == PROBLEMS


def test_spec_in_a_plan_file_is_checked():
    """A wrong field in a plan file is reported with its path in the file."""
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(plan_json(**WRONG))
    assert caught.value.problems == [(f"spec.{field}", rule) for field, rule in PROBLEMS]


def test_spec_as_plain_data_is_checked():
    """Plain data passed to the constructor of another noun is checked too."""
    with pytest.raises(InvalidSpec) as caught:
        Plan(spec=WRONG, account=an_account(), steps=())
    assert caught.value.problems == [(f"spec.{field}", rule) for field, rule in PROBLEMS]


def test_whole_message():
    """The message lists the fields and says that nothing was sent."""
    with pytest.raises(InvalidSpec) as caught:
        Spec(factory=FACTORY, name="a")
    assert str(caught.value) == (
        "Spec is not valid:\n"
        "  name: 'a' has 1 character; an endpoint's name has 2 to 80, for example 'purview_blob'\n"
        "  What to do: Correct the fields above; nothing was sent to Azure."
    )


def test_invalid_spec_is_a_value_error():
    """Callers can catch ValueError or PurviewMpeError; the error has no cause that holds the given values."""
    with pytest.raises(ValueError, match="Spec is not valid") as caught:
        Spec(**WRONG)
    assert isinstance(caught.value, PurviewMpeError)
    assert caught.value.code == "invalid-spec"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@given(st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(max_size=9), st.none() | st.text() | st.integers()))
def test_only_invalid_spec_is_raised(fields):
    """Any fields give a spec or InvalidSpec."""
    try:
        spec = Spec(**fields)
    except InvalidSpec as error:
        refused = error
    else:
        assert Spec.model_validate(spec.model_dump()) == spec
        return
    assert refused.problems
    assert str(refused).replace("\n", "").isprintable()


@given(st.text() | st.binary())
def test_invalid_json_is_refused(text):
    """A file that is not JSON, or not an object, raises InvalidSpec too."""
    with pytest.raises(InvalidSpec):
        Spec.model_validate_json(text)


def test_missing_fields_are_reported():
    """The message names the required fields with an example."""
    with pytest.raises(InvalidSpec) as caught:
        Spec()
    assert caught.value.problems == [
        ("factory", f"is required, for example {FACTORY}"),
        ("name", "is required, for example 'purview'"),
    ]


def test_positional_arguments_raise_type_error():
    """A spec takes keyword arguments only."""
    with pytest.raises(TypeError):
        Spec(FACTORY)


def test_unknown_field_beside_a_spec_does_not_list_the_fields_of_a_spec():
    """The field belongs to the plan, so the fields of a spec would mislead."""
    text = json.dumps(json.loads(plan_json(**GOOD)) | {"stepz": []})
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(text)
    assert caught.value.problems == [("stepz", "is not a known field")]
    assert str(caught.value).startswith("Plan is not valid:\n")


def test_wrong_field_of_another_noun_has_no_example_of_a_spec():
    """`Plan.account` is not an id, so the example for `Spec.account` would mislead."""
    text = json.dumps(json.loads(plan_json(**GOOD)) | {"account": 5})
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(text)
    [(field, rule)] = caught.value.problems
    assert field == "account"
    assert "example" not in rule


def test_control_characters_in_a_field_name_are_replaced():
    """The name of an unknown field cannot control the terminal."""
    assert problems(**{"\x1b[2Jx": 1})[0][0] == "?[2Jx"


# --- ids


@pytest.mark.parametrize("field", ["factory", "account"])
@given(st.data())
def test_ids_are_accepted_in_any_letter_case_and_with_a_trailing_slash(field, data):
    """Azure and portals produce both; they mean the same resource."""
    odd = data.draw(recased(GOOD[field])) + data.draw(st.sampled_from(["", "/"]))
    assert ArmId.parse(getattr(Spec(**(GOOD | {field: odd})), field)) == ArmId.parse(GOOD[field])


def test_parsed_ids_are_accepted():
    """An ArmId, such as the emulator's, works like its text."""
    spec = Spec(**(GOOD | {"factory": ArmId.parse(FACTORY), "account": ArmId.parse(ACCOUNT)}))
    assert (spec.factory, spec.account) == (FACTORY, ACCOUNT)


def test_account_in_another_subscription_is_accepted():
    """The account can be in another subscription than the factory."""
    other = ACCOUNT.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
    spec = Spec(**(GOOD | {"account": other}))
    assert spec.account_id == ArmId.parse(other)
    assert spec.factory_id == ArmId.parse(FACTORY)


def test_spec_without_account_has_no_account_id():
    """Without `account`, the spec means the connected account."""
    assert Spec(factory=FACTORY, name="purview").account_id is None


@pytest.mark.parametrize(
    ("factory", "rule"),
    [
        (ACCOUNT, "is the id of a Microsoft.Purview/accounts, not of a Microsoft.DataFactory/factories"),
        (5, "a resource id is text, not int"),
        (None, "a resource id is text, not NoneType"),
        ("", "'' is not a resource id"),
        (FACTORY + "//", f"'{FACTORY}//' does not end in a type and a name"),
        (FACTORY.replace("df1", "df%31"), "has the segment 'df%31'"),
        (FACTORY.replace("df1", ".."), "has the segment '..'"),
        (FACTORY.replace("df1", "fäctory"), "has the segment 'fäctory'"),
        (FACTORY.replace("df1", "d\x00f1"), "has an invisible character (U+0000) after"),
        (FACTORY.replace("df1", "d"), "factory name 'd' must be 3 to 63 letters and digits with single hyphens"),
        (FACTORY.replace("df1", "df_1"), "factory name 'df_1' must be 3 to 63 letters and digits"),
        (FACTORY.replace("rg1", "rg."), "resource group 'rg.' must be 1 to 90 characters and not end in '.'"),
        (FACTORY.replace(SUBSCRIPTION, "contoso-production"), "is not a GUID"),
        (f"the factory {FACTORY}", "has 'the factory ' in front of the id"),
    ],
)
def test_wrong_ids_are_refused(factory, rule):
    """The message has the rule that the id breaks, and an example of a factory's id."""
    said = problem(factory=factory)
    assert rule in said
    assert "for example" in said or "such as" in said or "unescaped" in said


def test_typed_id_refuses_with_the_same_message():
    """Verbs that take an id instead of a spec refuse a wrong id with the same message."""
    assert typed_id(FACTORY, FACTORY_TYPE, "factory") == ArmId.parse(FACTORY)
    with pytest.raises(InvalidSpec) as caught:
        typed_id("adf-sales", FACTORY_TYPE, "factory")
    assert caught.value.problems == PROBLEMS[:1]
    assert caught.value.__context__ is None


# --- names


@pytest.mark.parametrize("length", [0, 1, 81, 128])
def test_base_name_length_limits(length):
    """0, 1, 81 and 128 characters are refused."""
    assert "an endpoint's name has 2 to 80" in problem(name="p" * length)


def test_base_name_of_70_characters_is_accepted():
    """Every suffix fits; only the hidden name is too long, which is a warning."""
    assert Spec(**(GOOD | {"name": "p" * 70})).name_of("namespace") == "p" * 70 + "_namespace"


@pytest.mark.parametrize("name", ["my purview", "-purview", "pürview", "purview\n", "a.b"])
def test_base_name_with_invalid_characters_is_refused(name):
    """Spaces, non-ASCII letters and a leading hyphen are refused."""
    assert "may hold only letters" in problem(name=name)


def test_derived_name_that_is_too_long_is_reported_for_the_base_name():
    """The base name is valid, but a suffix makes it too long; other wrong fields are reported too."""
    said = f"'{'p' * 75}_queue' has 81 characters; an endpoint's name has 2 to 80, for example 'purview_blob'"
    assert problems(factory="adf-sales", name="p" * 75) == [
        PROBLEMS[0],
        ("name", f"the name derived for queue: {said}"),
    ]


def test_only_the_wanted_groups_need_a_valid_name():
    """A long base name is accepted if no suffix is used, or if `names` names those endpoints."""
    assert Spec(**(GOOD | {"name": "p" * 80, "groups": ("account",)}))
    names = {"blob": "b1", "queue": "q1", "namespace": "n1"}
    assert Spec(**(GOOD | {"name": "p" * 80, "names": names})).name_of("queue") == "q1"


def test_two_endpoints_with_one_name_are_refused():
    """Names collide in any letter case; both problems with derived names are reported together."""
    assert problem(names={"blob": "one-name", "queue": "ONE-NAME"}) == (
        "two endpoints would be called 'ONE-NAME'; each needs its own name"
    )
    both = problems(name="p" * 78, names={"blob": "same", "queue": "same"})
    assert [field for field, _ in both] == ["name", "names"]


def test_single_names_follow_the_rules():
    """The name of one endpoint is checked like the base name."""
    assert "may hold only letters" in problem(names={"blob": "b ob"})
    assert problem(names={"blob": 5}) == "input should be a valid string, for example {'blob': 'purview-blob'}"


def test_empty_separator_is_accepted():
    """The group id follows the base name directly."""
    assert Spec(**(GOOD | {"separator": ""})).name_of("blob") == "purviewblob"


def test_groups_can_be_selected():
    """Group ids, optional ones included, can be given in any order, as list or tuple."""
    assert Spec(**(GOOD | {"groups": ["platform", "account"]})).groups == ("platform", "account")


@pytest.mark.parametrize(
    ("groups", "rule"),
    [
        ((), "must hold at least one group id; None means all that the account needs"),
        (("blob", "BLOB"), "holds 'BLOB' twice"),
        (("Blob",), f"'Blob' is not a group id of Purview; use one of {GROUPS}"),
        (("x" * 99,), f"'{'x' * 40}' is not a group id of Purview; use one of {GROUPS}"),
        ("blob", "input should be a valid tuple, for example ('account', 'blob', 'queue')"),
    ],
)
def test_wrong_groups_are_refused(groups, rule):
    """No groups, duplicates, unknown group ids and a plain text are refused."""
    assert problem(groups=groups) == rule


# --- values


@given(specs())
def test_spec_survives_json(spec):
    """A spec read from its own JSON, or made from its fields, is equal."""
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert Spec.model_validate(spec.model_dump(mode="json")) == spec
    assert Spec(**spec.model_dump()) == spec


@given(specs())
def test_spec_survives_copying(spec):
    """Copies and pickles are equal."""
    assert copy.copy(spec) == copy.deepcopy(spec) == pickle.loads(pickle.dumps(spec)) == spec.model_copy() == spec  # noqa: S301 - our own bytes


def test_spec_is_frozen():
    """A checked spec cannot be changed."""
    with pytest.raises(ValidationError, match="frozen"):
        a_spec().name = "other"


@pytest.mark.parametrize(
    "change",
    [
        lambda names: names.__setitem__("queue", "not a name"),
        lambda names: names.update(queue="not a name"),
        lambda names: names.setdefault("queue", "not a name"),
        lambda names: names.__ior__({"queue": "not a name"}),
        lambda names: names.__delitem__("blob"),
        lambda names: names.pop("blob"),
        lambda names: names.popitem(),
        lambda names: names.clear(),
    ],
)
def test_names_of_a_spec_are_frozen(change):
    """A name cannot bypass the check, and the spec does not share the caller's mapping."""
    given = {"blob": "lake-blob"}
    spec = a_spec(names=given)
    given["queue"] = "not a name"
    with pytest.raises(TypeError, match="frozen"):
        change(spec.names)
    assert spec.names == {"blob": "lake-blob"}


def test_model_copy_changes_the_field():
    """model_copy(update=…) gives a checked spec with the new value."""
    assert a_spec().model_copy(update={"name": "other"}) == a_spec(name="other")


def test_spec_from_strings():
    """model_validate_strings accepts values from an environment, and refuses wrong ones."""
    assert Spec.model_validate_strings({"factory": FACTORY, "name": "purview"}) == a_spec(account=None)
    with pytest.raises(InvalidSpec):
        Spec.model_validate_strings({"factory": FACTORY, "name": "p"})


def test_spec_in_a_users_model_keeps_its_path():
    """In a user's own model, pydantic's error has the path of the wrong field."""

    class Settings(BaseModel):
        spec: Spec

    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"spec": GOOD | {"name": "p"}})
    assert caught.value.errors()[0]["loc"] == ("spec", "name")


@pytest.mark.parametrize("runtime", ["a b", "-ir", "i", "ir_1"])
def test_invalid_runtime_name_is_refused(runtime):
    """The message names the field and the name."""
    with pytest.raises(InvalidSpec) as refused:
        Spec(factory=FACTORY, name="purview", runtime=runtime)
    [(field, rule)] = refused.value.problems
    assert (field, repr(runtime) in rule) == ("runtime", True)
