"""The hand-off to a collection administrator, as text and as a script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jq
import pytest

from purview_mpe._model.matrix import CLOSED
from purview_mpe._wire.curator_hand_off import RULES, Asked, apart, hand_off, joined, script
from purview_mpe._wire.policy import Policy, curators, read_policies, read_policy, with_curators, without_curators
from purview_mpe._wire.policy import root_of as find_root
from purview_mpe.errors import UnsupportedSetup
from tests.support.nouns import ACCOUNT, an_account
from tests.support.policies import (
    COLLECTION,
    FACTORY,
    OTHER,
    OWNER,
    ROLE,
    RULE,
    groups,
    people,
    permission,
    policy,
    rule,
)

ADDRESS = "https://contoso.purview.azure.com"
ASKED = (Asked("df1", FACTORY),)
PERSON = {"attributeName": "principal.microsoft.id", "attributeValueIncludes": FACTORY}
SHOWN = an_account(endpoints={"catalog": f"{ADDRESS}/catalog"}, firewall=CLOSED, default_domain=COLLECTION)


def test_text_names_account_identity_place_and_reason():
    """The text has everything that the administrator needs."""
    text = hand_off(SHOWN, ASKED, "this caller is outside", takes_away=False)
    for part in (ACCOUNT, "df1", FACTORY, "this caller is outside", "Data curators: add", "private network", ADDRESS):
        assert part in text


@pytest.mark.parametrize("owners", [None, "Please approve a connection.\n\n  because of Please give the role\n"])
@pytest.mark.parametrize("asked", [(), ASKED])
def test_two_texts_are_joined_and_separated(owners, asked):
    """Each part comes back unchanged, even if the other part is missing."""
    administrator = hand_off(SHOWN, asked, "no role", takes_away=False) if asked else None
    text = joined(owners, administrator)
    assert apart(text) == (owners, administrator)
    assert (text is None) == (owners is None and administrator is None)


def test_removal_has_its_own_script():
    """The text asks to remove the role, and the script takes it away."""
    text = hand_off(SHOWN, ASKED, "no role", takes_away=True)
    assert "remove the role" in text
    assert "decide take <<<" in text
    assert "decide give" not in text


@pytest.mark.parametrize(
    "catalog", ["", "https://evil.example/catalog", "https://contoso.purview.azure.com.evil/catalog"]
)
def test_foreign_address_gets_no_script(catalog):
    """A script that sends a token is made for Purview's own hosts only."""
    text = hand_off(an_account(endpoints={"catalog": catalog}), ASKED, "no role", takes_away=False)
    assert "az rest" not in text
    assert "evil" not in text


def decided(function: str, document: Any, *ids: str, names: tuple[str, str] = (COLLECTION, COLLECTION)) -> Any:
    """The result of a function of the script's jq program for a document; None if it returns nothing."""
    args = {"role": ROLE["fromRule"], "domain": names[0], "account": names[1]}
    positional = f"{json.dumps({'positional': ids})} as $ARGS | "
    found = jq.compile(positional + RULES + function, args=args).input_value(document).all()
    assert len(found) <= 1
    return found[0] if found else None


NARROWER = {"attributeName": "resource.x", "attributeValueIncludes": "only-x"}
#: Policies with and without a holder of the role, in every form that `policy` distinguishes.
POLICIES = {
    "usual": (rule(RULE, [people(OWNER), ROLE]), permission(RULE)),
    "reversed": (permission(RULE), rule(RULE, [ROLE, people(OWNER)])),
    "one of the ids holds it": (rule(RULE, [people(OTHER.upper()), ROLE]), permission(RULE)),
    "both ids hold it": (rule(RULE, [people(FACTORY), ROLE], [people(OWNER, OTHER), ROLE]), permission(RULE)),
    "only these ids": (rule(RULE, [people(FACTORY, OTHER), ROLE]), permission(RULE)),
    "only these ids, with unknown fields": (
        rule(RULE, [people(FACTORY, OTHER, extra=1), ROLE], extra=1),
        permission(RULE),
    ),
    "a single value": (rule(RULE, [ROLE, PERSON], [people(OTHER, FACTORY), ROLE]), permission(RULE)),
    "groups": (rule(RULE, [groups(OWNER), ROLE]), permission(RULE)),
    "no rule": (permission(),),
    "no rule, but a reference": (permission(RULE),),
    "no reference": (rule(RULE, [people(OWNER, FACTORY), ROLE]), permission()),
    "no reference, all named": (rule(RULE, [people(OTHER, FACTORY), ROLE]), permission()),
    "a narrower alternative": (rule(RULE, [people(FACTORY, OTHER), NARROWER, ROLE]), permission(RULE)),
    "an empty list": (rule(RULE, [people(), ROLE]), permission(RULE)),
    "no alternative": (rule(RULE), permission(RULE)),
    "malformed entries": ({}, rule(RULE, ["x", 3], "y", [people(OWNER), {}], [3, ROLE]), permission(RULE)),
}


@pytest.mark.parametrize("rules", POLICIES.values(), ids=POLICIES)
def test_script_changes_the_policy_as_the_library_does(rules):
    """Both give the same policy, or both change nothing; the script reads the result back as done."""
    before = policy(*rules)
    ids = (FACTORY, OTHER)
    given = decided("give", before.body, *ids)
    expected = with_curators(before, ids)
    assert given == (expected.body if expected else None)
    after = given or before.body
    assert decided("given", after, *ids) is None
    assert decided("give", after, *ids) is None
    held = curators(before) & set(ids)
    taken = decided("take", before.body, *ids)
    expected = without_curators(before, ids) if held else None
    assert taken == (expected.body if expected else None)
    assert decided("taken", taken or before.body, *ids) is None
    returned = without_curators(replace(before, body=after), ids)
    assert decided("take", after, *ids) == (returned.body if returned else None)
    with pytest.raises(ValueError, match="another write has replaced it"):
        decided("taken", after, *ids)


@pytest.mark.parametrize("change", ["give", "take"])
@pytest.mark.parametrize(
    "rules",
    [(), (rule(RULE, [people(OWNER), ROLE]),)],
    ids=["nothing", "no permission"],
)
def test_script_refuses_a_policy_of_unknown_form(change, rules):
    """If the library raises, the script ends with the reason."""
    with pytest.raises(ValueError, match=f"no rule permission:{COLLECTION}.*Nothing was written"):
        decided(change, policy(*rules).body, FACTORY)
    with pytest.raises(UnsupportedSetup):
        (with_curators if change == "give" else without_curators)(policy(*rules), [FACTORY])


def test_script_refuses_rules_without_conditions():
    """The script adds nothing to a rule that it cannot read."""
    with pytest.raises(ValueError, match="holds no conditions"):
        decided("give", policy({"id": RULE}, permission(RULE)).body, FACTORY)


def test_script_needs_an_identity():
    """A factory without an identity has no id to add."""
    with pytest.raises(ValueError, match="No identity has the id None"):
        decided("give", policy(permission()).body, "None")


def of_collection(name: str, **properties: Any) -> dict[str, Any]:
    read = policy(permission(), collection={"referenceName": name}, **properties)
    return {**read.body, "id": f"id-of-{name}"}


CHILD = of_collection("child", parentCollectionName=COLLECTION)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [CHILD],
        [CHILD, of_collection("mine")],
        [of_collection("merged"), of_collection("Contoso"), CHILD],
        [of_collection("merged"), of_collection("domain"), of_collection("contoso")],
        [of_collection("merged"), of_collection("other")],
        [{**of_collection("contoso"), "id": "../x"}, 3, {"id": "a"}, of_collection("mine")],
    ],
)
def test_script_picks_the_same_root_policy_as_the_library(values):
    """Of several roots: the one of the default domain, or the one with the account's name."""
    document = {"values": values}
    expected = find_root(read_policies(document), "Contoso", "domain")
    assert decided("root", document, names=("domain", "Contoso")) == (expected.body if expected else None)


#: A fake Azure CLI that keeps the policies in a file and counts writes; with `LOST`, another write replaces each one.
AZ = """\
import json, os, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
path, at = options["--url"].split("?")[0], os.environ["STORE"]
store = json.load(open(at))
last = path.rpartition("/")[2]
if options["--method"] == "put":
    store["puts"].append(last)
    body = sys.stdin.read() if options["--body"] == "@-" else options["--body"]
    if "LOST" not in os.environ:
        store["values"] = [json.loads(body) if one["id"] == last else one for one in store["values"]]
    json.dump(store, open(at, "w"))
elif last == "metadataPolicies":
    json.dump({"values": store["values"]}, sys.stdout)
else:
    json.dump(next(one for one in store["values"] if one["id"] == last), sys.stdout)
"""


@dataclass
class Ran:
    """The result of one run of the script."""

    code: int
    said: str
    puts: list[str]
    held: dict[str, frozenset[str]]
    """The Data Curators afterwards, by collection."""
    policies: list[Policy]


@pytest.fixture
def ran(tmp_path):
    """Runs the script with an `az` that keeps these policies."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (tmp_path / "fake.py").write_text(AZ)
    (tmp_path / "az").write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/fake.py "$@"\n')
    (tmp_path / "az").chmod(0o755)

    def run(*values: dict[str, Any], takes_away: bool = False, **variables: str) -> Ran:
        store = tmp_path / "store.json"
        store.write_text(json.dumps({"values": values, "puts": []}))
        done = subprocess.run(
            ["bash", "-c", script(SHOWN, ASKED, ADDRESS, takes_away=takes_away)],  # noqa: S607 - our own script
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "STORE": str(store), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        left = json.loads(store.read_text())
        policies = [read for one in left["values"] if (read := read_policy(one))]
        return Ran(
            done.returncode, done.stderr, left["puts"], {one.collection: curators(one) for one in policies}, policies
        )

    return run


@pytest.mark.parametrize("kind", ["usual", "no rule", "no reference", "a narrower alternative"])
def test_script_in_bash_gives_and_takes_the_role(ran, kind):
    """The identity is added or removed with one write; a repeated run writes nothing."""
    before = policy(*POLICIES[kind])
    given = ran(before.body)
    assert (given.code, len(given.puts)) == (0, 1), given.said
    assert FACTORY in given.held[COLLECTION]
    after = with_curators(before, [FACTORY])
    assert after is not None
    assert ran(after.body).puts == []
    taken = ran(after.body, takes_away=True)
    assert (taken.code, len(taken.puts)) == (0, 1), taken.said
    assert FACTORY not in taken.held[COLLECTION]


def test_script_in_bash_writes_a_policy_longer_than_an_argument(ran):
    """Linux limits an argument to 128 kB; a policy with thousands of identities is longer."""
    many = [f"{number:08x}-0000-4000-8000-00000000ffff" for number in range(4_000)]
    before = policy(rule(RULE, [people(*many), ROLE]), permission(RULE), description="Jörg 😀")
    assert len(json.dumps(before.body)) > 131_072
    given = ran(before.body)
    assert (given.code, given.said) == (0, "")
    assert given.held[COLLECTION] == {*many, FACTORY}
    assert given.policies[0].body["properties"]["description"] == "Jörg 😀"


def test_script_in_bash_writes_its_own_root_policy(ran):
    """In a merged account, the policy of another root may come first."""
    other = of_collection("merged")
    done = ran(other, policy(*POLICIES["usual"]).body)
    assert (done.code, FACTORY in done.held[COLLECTION], done.held["merged"]) == (0, True, frozenset()), done.said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "no policy of the root collection"),
        ([policy(rule(RULE, [people(OWNER), ROLE])).body], "no rule permission:contoso"),
    ],
)
def test_script_in_bash_stops_before_an_unsafe_write(ran, values, said):
    """A policy that it does not understand is not written, and the exit code is not 0."""
    done = ran(*values)
    assert done.code != 0
    assert said in done.said
    assert done.puts == []


def test_script_in_bash_detects_a_replaced_write(ran):
    """The script reads back, and fails if the identity is missing."""
    done = ran(policy(*POLICIES["usual"]).body, LOST="1")
    assert done.code != 0
    assert "another write has replaced it" in done.said


@pytest.mark.parametrize("takes_away", [False, True])
def test_shellcheck_accepts_the_script(takes_away):
    """The script has no quoting problem."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ran = subprocess.run(
        [shellcheck, "-s", "bash", "-"],
        input=script(SHOWN, ASKED, ADDRESS, takes_away=takes_away),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "")
