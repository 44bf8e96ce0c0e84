"""The spec: every way of making one is checked, and every wrong field is told at once, in these words."""

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
def test_every_wrong_field_is_told_at_once(way):
    """Whichever way a spec is made, all wrong fields are listed, each with its rule and an example."""
    with pytest.raises(InvalidSpec) as caught:
        WAYS[way](WRONG)
    assert caught.value.problems == PROBLEMS


def test_a_spec_inside_a_plan_file_is_checked_the_same():
    """A wrong field in a plan file is told with its place in the file."""
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(plan_json(**WRONG))
    assert caught.value.problems == [(f"spec.{field}", rule) for field, rule in PROBLEMS]


def test_a_spec_inside_a_plan_is_checked_the_same():
    """So is one that is given to the constructor of another noun as plain data."""
    with pytest.raises(InvalidSpec) as caught:
        Plan(spec=WRONG, account=an_account(), steps=())
    assert caught.value.problems == [(f"spec.{field}", rule) for field, rule in PROBLEMS]


def test_the_whole_message():
    """The message lists the fields under one another and says that nothing was sent."""
    with pytest.raises(InvalidSpec) as caught:
        Spec(factory=FACTORY, name="a")
    assert str(caught.value) == (
        "Spec is not valid:\n"
        "  name: 'a' has 1 character; an endpoint's name has 2 to 80, for example 'purview_blob'\n"
        "  What to do: Correct the fields above; nothing was sent to Azure."
    )


def test_the_error_is_a_value_error_of_ours():
    """Callers can catch it as ValueError or as PurviewMpeError; what the user gave does not hang on it."""
    with pytest.raises(ValueError, match="Spec is not valid") as caught:
        Spec(**WRONG)
    assert isinstance(caught.value, PurviewMpeError)
    assert caught.value.code == "invalid-spec"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@given(st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(max_size=9), st.none() | st.text() | st.integers()))
def test_nothing_else_is_ever_raised(fields):
    """Any fields at all give a spec or InvalidSpec."""
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
def test_json_that_is_none_is_refused(text):
    """A file that is not JSON, or not an object, gives InvalidSpec too."""
    with pytest.raises(InvalidSpec):
        Spec.model_validate_json(text)


def test_missing_fields_are_told():
    """What is required is said, with an example."""
    with pytest.raises(InvalidSpec) as caught:
        Spec()
    assert caught.value.problems == [
        ("factory", f"is required, for example {FACTORY}"),
        ("name", "is required, for example 'purview'"),
    ]


def test_positional_arguments_are_a_mistake_of_the_program():
    """A spec has no positional arguments."""
    with pytest.raises(TypeError):
        Spec(FACTORY)


def test_unknown_fields_of_other_nouns_are_told_without_the_fields_of_a_spec():
    """An unknown field beside the spec is not explained with the fields of a spec."""
    text = json.dumps(json.loads(plan_json(**GOOD)) | {"stepz": []})
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(text)
    assert caught.value.problems == [("stepz", "is not a known field")]
    assert str(caught.value).startswith("Plan is not valid:\n")


def test_a_wrong_field_of_another_noun_gets_no_example_of_a_spec():
    """`account` of a plan is no id, so the example for `Spec.account` would mislead."""
    text = json.dumps(json.loads(plan_json(**GOOD)) | {"account": 5})
    with pytest.raises(InvalidSpec) as caught:
        Plan.model_validate_json(text)
    [(field, rule)] = caught.value.problems
    assert field == "account"
    assert "example" not in rule


def test_a_field_name_cannot_write_on_the_terminal():
    """Control characters in the name of an unknown field are not passed on."""
    assert problems(**{"\x1b[2Jx": 1})[0][0] == "?[2Jx"


# --- ids


@pytest.mark.parametrize("field", ["factory", "account"])
@given(st.data())
def test_ids_are_taken_in_odd_letter_case_and_with_a_trailing_slash(field, data):
    """Both are accepted, because Azure and portals produce them; they mean the same resource."""
    odd = data.draw(recased(GOOD[field])) + data.draw(st.sampled_from(["", "/"]))
    assert ArmId.parse(getattr(Spec(**(GOOD | {field: odd})), field)) == ArmId.parse(GOOD[field])


def test_parsed_ids_are_taken():
    """An ArmId, such as the emulator's, is as good as its text."""
    spec = Spec(**(GOOD | {"factory": ArmId.parse(FACTORY), "account": ArmId.parse(ACCOUNT)}))
    assert (spec.factory, spec.account) == (FACTORY, ACCOUNT)


def test_an_account_in_another_subscription_is_taken():
    """The account may live in another subscription than the factory."""
    other = ACCOUNT.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
    spec = Spec(**(GOOD | {"account": other}))
    assert spec.account_id == ArmId.parse(other)
    assert spec.factory_id == ArmId.parse(FACTORY)


def test_no_account_means_the_connected_one():
    """Without `account` there is no id to parse."""
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
def test_wrong_ids_are_told(factory, rule):
    """Each kind of wrong id gets the rule that it breaks, and an example of a factory's id."""
    said = problem(factory=factory)
    assert rule in said
    assert "for example" in said or "such as" in said or "unescaped" in said


def test_ids_can_be_given_to_verbs_alone():
    """Verbs that take an id instead of a spec refuse a wrong one in the same words."""
    assert typed_id(FACTORY, FACTORY_TYPE, "factory") == ArmId.parse(FACTORY)
    with pytest.raises(InvalidSpec) as caught:
        typed_id("adf-sales", FACTORY_TYPE, "factory")
    assert caught.value.problems == PROBLEMS[:1]
    assert caught.value.__context__ is None


# --- names


@pytest.mark.parametrize("length", [0, 1, 81, 128])
def test_base_names_that_are_too_short_or_too_long(length):
    """0, 1, 81 and 128 characters are refused."""
    assert "an endpoint's name has 2 to 80" in problem(name="p" * length)


def test_a_base_name_of_70_characters():
    """70 characters leave room for every suffix but not for the hidden name, which is only warned of."""
    assert Spec(**(GOOD | {"name": "p" * 70})).name_of("namespace") == "p" * 70 + "_namespace"


@pytest.mark.parametrize("name", ["my purview", "-purview", "pürview", "purview\n", "a.b"])
def test_base_names_with_characters_that_azure_refuses(name):
    """Spaces, unicode and a leading hyphen are refused."""
    assert "may hold only letters" in problem(name=name)


def test_a_derived_name_that_is_too_long_is_told_at_the_base_name():
    """The base is fine by itself, a suffix makes it too long; that is said of the base, beside other problems."""
    said = f"'{'p' * 75}_queue' has 81 characters; an endpoint's name has 2 to 80, for example 'purview_blob'"
    assert problems(factory="adf-sales", name="p" * 75) == [
        PROBLEMS[0],
        ("name", f"the name derived for queue: {said}"),
    ]


def test_only_the_wanted_groups_need_a_name():
    """A long base is fine where no suffix is wanted, or the suffixed one has a name of its own."""
    assert Spec(**(GOOD | {"name": "p" * 80, "groups": ("account",)}))
    names = {"blob": "b1", "queue": "q1", "namespace": "n1"}
    assert Spec(**(GOOD | {"name": "p" * 80, "names": names})).name_of("queue") == "q1"


def test_two_endpoints_of_one_name_are_told():
    """Names collide whatever their letter case; both problems with derived names are told together."""
    assert problem(names={"blob": "one-name", "queue": "ONE-NAME"}) == (
        "two endpoints would be called 'ONE-NAME'; each needs its own name"
    )
    both = problems(name="p" * 78, names={"blob": "same", "queue": "same"})
    assert [field for field, _ in both] == ["name", "names"]


def test_single_names_obey_the_rules():
    """A name for one endpoint is checked like the base name."""
    assert "may hold only letters" in problem(names={"blob": "b ob"})
    assert problem(names={"blob": 5}) == "input should be a valid string, for example {'blob': 'purview-blob'}"


def test_without_separator():
    """An empty separator is allowed."""
    assert Spec(**(GOOD | {"separator": ""})).name_of("blob") == "purviewblob"


def test_groups_are_chosen():
    """Group ids may be chosen, optional ones too, in an order of one's own, as list or tuple."""
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
def test_wrong_groups_are_told(groups, rule):
    """No groups, twice the same, unknown ones and a bare text are refused."""
    assert problem(groups=groups) == rule


# --- values


@given(specs())
def test_a_spec_survives_json(spec):
    """A spec read from its own JSON is the same spec, and so is one made from its fields."""
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert Spec.model_validate(spec.model_dump(mode="json")) == spec
    assert Spec(**spec.model_dump()) == spec


@given(specs())
def test_a_spec_survives_copying(spec):
    """Copies and pickles are the same spec."""
    assert copy.copy(spec) == copy.deepcopy(spec) == pickle.loads(pickle.dumps(spec)) == spec.model_copy() == spec  # noqa: S301 - our own bytes


def test_a_spec_is_frozen():
    """A spec that was checked cannot be changed afterwards."""
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
def test_the_names_of_a_spec_are_frozen_too(change):
    """No name gets into a spec unchecked, and what was given is not shared with it."""
    given = {"blob": "lake-blob"}
    spec = a_spec(names=given)
    given["queue"] = "not a name"
    with pytest.raises(TypeError, match="frozen"):
        change(spec.names)
    assert spec.names == {"blob": "lake-blob"}


def test_a_copy_changes_what_it_says():
    """model_copy(update=…) gives a checked spec with the other value."""
    assert a_spec().model_copy(update={"name": "other"}) == a_spec(name="other")


def test_specs_read_from_texts():
    """model_validate_strings takes what an environment has, and refuses as the other ways do."""
    assert Spec.model_validate_strings({"factory": FACTORY, "name": "purview"}) == a_spec(account=None)
    with pytest.raises(InvalidSpec):
        Spec.model_validate_strings({"factory": FACTORY, "name": "p"})


def test_a_spec_inside_somebody_elses_model_keeps_its_place():
    """In a model of the user's own, pydantic's error names the place of the wrong field."""

    class Settings(BaseModel):
        spec: Spec

    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"spec": GOOD | {"name": "p"}})
    assert caught.value.errors()[0]["loc"] == ("spec", "name")
