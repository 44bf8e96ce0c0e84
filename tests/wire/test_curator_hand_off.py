"""What a collection administrator is asked to do, in words and as a script."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import jq
import pytest

from purview_mpe._model.matrix import CLOSED
from purview_mpe._wire.curator_hand_off import Asked, apart, hand_off, joined, script
from purview_mpe._wire.policy import curators, read_policy, with_curators
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
SHOWN = an_account(endpoints={"catalog": f"{ADDRESS}/catalog"}, firewall=CLOSED, default_domain=COLLECTION)


def test_the_text_says_who_where_and_why():
    """It names the account, the identity, the place in the portal and the reason."""
    text = hand_off(SHOWN, ASKED, "this caller is outside", takes_away=False)
    for part in (ACCOUNT, "df1", FACTORY, "this caller is outside", "Data curators: add", "private network", ADDRESS):
        assert part in text


@pytest.mark.parametrize("owners", [None, "Please approve a connection.\n\n  because of Please give the role\n"])
@pytest.mark.parametrize("asked", [(), ASKED])
def test_two_texts_are_joined_and_taken_apart(owners, asked):
    """Each part comes back as it was, also if the other one is missing."""
    administrator = hand_off(SHOWN, asked, "no role", takes_away=False) if asked else None
    text = joined(owners, administrator)
    assert apart(text) == (owners, administrator)
    assert (text is None) == (owners is None and administrator is None)


def test_taking_away_is_asked_for_without_a_script():
    """What is to be removed is a click, and no script that could remove more."""
    text = hand_off(SHOWN, ASKED, "no role", takes_away=True)
    assert "remove the role" in text
    assert "az rest" not in text


@pytest.mark.parametrize(
    "catalog", ["", "https://evil.example/catalog", "https://contoso.purview.azure.com.evil/catalog"]
)
def test_a_strange_address_gets_no_script(catalog):
    """A script with a token in it goes to Purview's own hosts alone."""
    text = hand_off(an_account(endpoints={"catalog": catalog}), ASKED, "no role", takes_away=False)
    assert "az rest" not in text
    assert "evil" not in text


def program() -> tuple[str, list[str]]:
    """The jq program of the script, and the ids that it is given."""
    _, line = script(SHOWN, (*ASKED, Asked("df2", OTHER)), ADDRESS).split("changed=$(jq ")
    words = shlex.split(line.partition(' <<< "$policy")')[0])
    at = words.index("--args")
    return words[at - 1], words[at + 1 :]


@pytest.mark.parametrize(
    "rules",
    [
        (rule(RULE, [people(OWNER), ROLE]), permission(RULE)),
        (rule(RULE, [people(OTHER), ROLE]), permission(RULE)),
        (rule(RULE, [groups(OWNER), ROLE]), permission(RULE)),
        (permission(),),
    ],
)
def test_the_script_makes_a_policy_in_which_the_identities_hold_the_role(rules):
    """Whatever the policy looks like; and a second time it changes nothing."""
    filter_, ids = program()
    assert ids == [FACTORY, OTHER]
    prefix = f'"{ROLE["fromRule"]}" as $role | "{COLLECTION}" as $root | {json.dumps({"positional": ids})} as $ARGS | '
    before = policy(*rules)
    after = json.loads(jq.compile(prefix + filter_).input_value(before.body).text())
    read = read_policy(after)
    assert read is not None
    assert curators(read) == curators(before) | {FACTORY, OTHER}
    assert with_curators(read, ids) is None
    assert json.loads(jq.compile(prefix + filter_).input_value(after).text()) == after


def test_shellcheck_accepts_the_script():
    """Nothing in it is quoted wrongly."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ran = subprocess.run(
        [shellcheck, "-s", "bash", "-"],
        input=script(SHOWN, ASKED, ADDRESS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "")
