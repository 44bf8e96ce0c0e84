"""Input of the command line: specs, plans and connection options, and what is refused before the first request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client
from purview_mpe._cli.connecting import EmulatorCredential
from purview_mpe._cli.main import main
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AzureError

if TYPE_CHECKING:
    from pathlib import Path


def test_options_override_the_spec_file(shell: Any, tmp_path: Path) -> None:
    """An option replaces one field of the spec file."""
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"factory": shell.spec.factory, "account": shell.spec.account, "name": "from-file"}))
    assert shell.run("plan", "--spec", str(file)).json["spec"]["name"] == "from-file"
    options = ("--name", "lineage", "--separator", "-", "--groups", "account, blob", "--name-of", "blob=b1")
    spec = shell.run("plan", "--spec", str(file), *options, "--managed-vnet", "default", "--replace-broken").json[
        "spec"
    ]
    assert spec == shell.spec.model_dump(mode="json") | {
        "name": "lineage",
        "separator": "-",
        "groups": ["account", "blob"],
        "names": {"blob": "b1"},
        "replace_broken": True,
    }


def test_without_an_account_the_factorys_own_is_taken(shell: Any) -> None:
    """`--account` is optional if the factory is connected to an account."""
    ended = shell.run("plan", "--factory", shell.spec.factory, "--name", "purview")
    assert ended.json["account"]["id"] == shell.spec.account


def test_spec_file_can_come_from_stdin_or_have_another_encoding(shell: Any, tmp_path: Path) -> None:
    """Stdin, UTF-8 with a byte order mark, and the UTF-16 of PowerShell are accepted."""
    text = shell.spec.model_dump_json()
    assert shell.run("plan", "--spec", "-", stdin=text).code == 0
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / encoding).write_bytes(text.encode(encoding))
        assert shell.run("plan", "--spec", str(tmp_path / encoding)).code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON: Expecting property name"),
        ("[]", "does not hold a JSON object"),
        ('"text"', "does not hold a JSON object"),
        ('{"factory": 1, "nmae": "x"}', "spec.json: a resource id is text, not int"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe\xff", "is not JSON"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_invalid_spec_file_is_refused(shell: Any, tmp_path: Path, content: str | bytes | None, said: str) -> None:
    """Any invalid file leads to one error, exit 2 and no request."""
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for verb in ("plan", "create", "status", "discover"):
        ended = shell.run(verb, "--spec", str(file))
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.said
    assert shell.emulator.requests == []


def test_all_wrong_fields_are_reported_at_once(shell: Any) -> None:
    """The error of an incomplete spec lists every missing or wrong field."""
    ended = shell.run("plan", "--account", "/nonsense")
    assert ended.code == 2
    for problem in ("--factory: is required", "--name: is required", "--account: '/nonsense' is not a resource id"):
        assert problem in ended.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("plan", "--facory", "x"),
            "the option '--facory' does not exist; did you mean '--factory'?\n  See: purview-mpe plan --help",
        ),
        (("plan", "--zzz=1"), "the option '--zzz=1' does not exist\n  See: purview-mpe plan --help"),
        (
            ("plan", "more"),
            "'more' stands alone; every value goes behind its option, for example --factory ID\n  See: purview-mpe plan --help",
        ),
        (("plan", "--name-of", "blob"), "argument --name-of: 'blob' is not a pair; for example blob=purview-blob"),
        (
            ("create", "--timeout", "soon"),
            "argument --timeout: 'soon' is not a length of time; for example 90s, 30m, 24h or 7d",
        ),
        (
            ("diagnose", "--since", "May"),
            "argument --since: 'May' is not a length of time; for example 90s, 30m, 24h or 7d",
        ),
        (("emulator", "--port", "x"), "argument --port: 'x' is not a port; for example 8443, or 0 for any free one"),
    ],
)
def test_mistake_is_reported_in_two_lines(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    """The message names the mistake, a suggestion or example, and the help; it does not print the usage."""
    assert main(list(words)) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {said}")
    assert len(printed.splitlines()) == 2


@pytest.mark.parametrize(("option", "value"), [("--name-of", "blob"), ("--cloud", "mars"), ("--output", "xml")])
def test_a_wrong_option_is_a_usage_error(
    shell: Any, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    """Errors of argparse itself end with 2, as a return value and not as SystemExit."""
    assert shell.ends("plan", option, value).code == 2
    assert f"argument {option}" in capsys.readouterr().err.replace("-o/--output", "--output")


@pytest.mark.parametrize(
    ("timeout", "said"),
    [
        ("nan", "is not a length of time"),
        ("-1s", "is not a length"),
        ("0s", "is not a length"),
        ("600", "needs a unit"),
    ],
)
def test_timeout_must_be_a_positive_time_with_a_unit(
    shell: Any, capsys: pytest.CaptureFixture[str], timeout: str, said: str
) -> None:
    """Anything else is refused before the first request."""
    ended = shell.ends("create", f"--timeout={timeout}")
    assert ended.code == 2
    assert said in ended.err + capsys.readouterr().err
    assert shell.emulator.requests == []


def test_tampered_plan_file_is_refused(shell: Any, tmp_path: Path) -> None:
    """The error names the field, before the first request."""
    file = tmp_path / "plan.json"
    shell.ends("plan", "--out", str(file))
    asked = len(shell.emulator.requests)
    plan = json.loads(file.read_text())
    plan["steps"][0]["action"] = "explode"
    file.write_text(json.dumps(plan))
    ended = shell.run("create", "--plan", str(file))
    assert ended.code == 2
    assert "steps.0.action" in ended.err
    assert len(shell.emulator.requests) == asked


@pytest.mark.parametrize("more", [("--name", "x"), ("--spec", "x"), ("--replace-broken",), ("--groups", "account")])
def test_plan_with_spec_options_is_refused(shell: Any, more: tuple[str, ...]) -> None:
    """`--plan` with any option of a spec is refused, because the plan already holds a spec."""
    ended = shell.run("create", "--plan", "plan.json", *more)
    assert ended.code == 2
    assert "--plan: already holds a spec" in ended.said


@pytest.mark.parametrize("path", ["\0", "half-\ud800"])
@pytest.mark.parametrize("option", ["--spec", "--out", "--record"])
def test_invalid_path_is_a_usage_error(shell: Any, option: str, path: str) -> None:
    """A path that no file system accepts is a usage error in every option that takes a file."""
    ended = shell.ends("plan", option, path)
    assert ended.code == 2
    assert "is not a path" in ended.said


def test_spec_with_a_lone_surrogate_on_stdin_is_refused(shell: Any) -> None:
    """A terminal passes undecodable bytes as lone surrogates; they are reported as invalid JSON."""
    ended = shell.run("plan", "--spec", "-", stdin="\udcff")
    assert ended.code == 2
    assert "is not JSON" in ended.said


def test_unwritable_file_is_refused(shell: Any, tmp_path: Path) -> None:
    """`--out` into a missing folder is an error with the reason."""
    ended = shell.ends("plan", "--out", str(tmp_path / "no" / "plan.json"))
    assert ended.code == 2
    assert "cannot be written: No such file or directory" in ended.said


# --- connection options


def options_given(shell: Any, *argv: str) -> dict[str, Any]:
    """The options that the client is made with."""
    given: dict[str, Any] = {}

    def connect(**options: Any) -> Client:
        given.update(options)
        return shell.connect()

    assert shell.connecting(connect).ends("status", *argv).code == 1
    del given["on_event"]
    return given


def test_client_uses_the_default_credential_by_default(shell: Any) -> None:
    """No credential is passed, so the client uses DefaultAzureCredential."""
    assert options_given(shell) == {"cloud": "public"}
    assert options_given(shell, "--cloud", "china") == {"cloud": "china"}


@pytest.mark.parametrize(
    ("url", "fake"),
    [
        ("https://127.0.0.1:8443", True),
        ("https://localhost:8443", True),
        ("https://[::1]:8443", True),
        ("https://management.local.azurestack.external", False),
        ("https://127.0.0.1.evil.example", False),
        ("https://localhost.evil.example", False),
        ("https://[::1", False),
        ("nonsense", False),
    ],
)
def test_only_an_emulator_on_this_machine_gets_the_fake_token(shell: Any, url: str, fake: bool) -> None:
    """Every other host gets a real sign-in."""
    given = options_given(shell, "--endpoint", url)
    assert given["endpoint"] == url
    assert isinstance(given.get("credential"), EmulatorCredential) == fake


def test_sdks_accept_the_fake_token() -> None:
    """The credential has both methods that azure-core can call."""
    credential: Any = EmulatorCredential()
    assert credential.get_token("scope").token == credential.get_token_info("scope", options={}).token
    emulator = Emulator()
    with Client(credential, transport=emulator.transport()) as client:
        assert client.discover(str(emulator.account)).shape == "A"


def test_fake_token_hides_no_word_of_an_answer() -> None:
    """Tokens are masked in every text, so a token that is a common word would mask parts of the errors."""
    emulator = Emulator()
    emulator.inject(Fault.status("GET", 400, message="The emulator was told so."))
    credential: Any = EmulatorCredential()
    with Client(credential, transport=emulator.transport()) as client, pytest.raises(AzureError) as caught:
        client.discover(str(emulator.account))
    assert "The emulator was told so." in caught.value.message


def test_ca_file_is_passed_to_the_transport(shell: Any, tmp_path: Path) -> None:
    """`--ca` goes to the transport; a missing file is refused before anything is sent."""
    file = tmp_path / "ca.pem"
    file.touch()
    assert options_given(shell, "--ca", str(file))["connection_verify"] == str(file)
    for none in ("none.pem", "x" * 5000 + "none.pem", "\0none.pem"):
        ended = shell.ends("status", "--ca", str(tmp_path / none))
        assert ended.code == 2
        assert "none.pem' is not a file" in ended.said


def test_http_is_refused(shell: Any) -> None:
    """No token is sent unencrypted, not even the fake one."""
    ended = shell.connecting(Client).ends("status", "--endpoint", "http://127.0.0.1:1")
    assert ended.code == 2
    assert "is not an https address" in ended.said
