"""One token request at a time, and the errors when a credential returns no usable token."""

from __future__ import annotations

import asyncio
import base64
import gc
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from purview_mpe._azure import loading
from purview_mpe._model.arm_id import ArmId
from purview_mpe.errors import AccessDenied, InvalidCredential, NoAnswer, Throttled, WaitTimedOut
from tests.support.scripted import (
    ACCOUNT,
    MARK,
    READING,
    AsyncCredential,
    Credential,
    OldAsyncCredential,
    OldCredential,
    Runner,
    Script,
    answer,
    both,
    delete_endpoint,
    ok,
    read_account,
    read_everything,
    refusal,
)

CLAIMS = base64.b64encode(b'{"access_token":{"nbf":{"value":"1"}}}').decode()


def test_64_threads_on_a_cold_client_ask_for_one_token() -> None:
    """Threads that start together share one token request, over all four management clients."""

    class Slow(Credential):
        def give(self, *args: Any) -> Any:
            busy.wait(0.2)  # long enough that an unlocked client would ask 64 times
            return super().give(*args)

    busy = threading.Event()
    runner, script, credential = Runner("sync"), Script([ok()]), Slow()
    azure = runner.azure(script, credential)
    together = threading.Barrier(64)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            together.wait()
            runner.flow(azure, read_everything)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (len(credential.asked), len(script.sent)) == (1, 256)


def test_64_tasks_on_a_cold_client_ask_for_one_token() -> None:
    """The same for tasks."""
    runner, script, credential = Runner("async"), Script([ok()]), AsyncCredential()
    azure = runner.azure(script, credential)

    async def many(io: Any) -> None:
        await asyncio.gather(*(read_everything(io) for _ in range(64)))

    runner.flow(azure, many)
    assert (len(credential.asked), len(script.sent)) == (1, 256)


@both
def test_clients_that_share_a_credential_share_its_token(runner: Runner) -> None:
    """Clients of one credential request one token while any of them exists; another credential has its own."""
    credential, script = runner.credential(), Script([ok()])
    clients = [runner.azure(script, credential) for _ in range(3)]
    for azure in clients:
        runner.flow(azure, read_account)
    runner.flow(runner.azure(script, credential, enable_cae=True), read_account)
    runner.get(script, credential=(other := runner.credential()))
    assert (len(credential.asked), len(other.asked)) == (2, 1)
    clients.clear()
    del azure
    gc.collect()
    runner.flow(runner.azure(script, credential), read_account)
    assert len(credential.asked) == 3


def test_64_threads_on_as_many_cold_clients_ask_for_one_token() -> None:
    """Each thread has its own client, and all clients share one credential."""
    runner, script, credential = Runner("sync"), Script([ok()]), Credential()
    clients = [runner.azure(script, credential) for _ in range(64)]
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(lambda azure: runner.flow(azure, read_account), clients))
    assert (len(credential.asked), len(script.sent)) == (1, 64)


def test_event_loops_that_share_a_credential_do_not_wait_for_each_other() -> None:
    """An asyncio lock belongs to one loop, so each loop waits for the credential with its own lock."""
    credential, script = AsyncCredential(seconds=20), Script([ok()])
    runner, clients = Runner("async"), []

    async def many(io: Any) -> None:
        for kept in clients[-1]._credential._kept.values():
            kept._fresh_until = 0.0
        await asyncio.gather(*(read_account(io) for _ in range(8)))

    for _ in range(3):
        clients.append(runner.azure(script, credential))
        runner.flow(clients[-1], many)
    assert (len(credential.asked), len(script.sent)) == (3, 24)


@both
@pytest.mark.parametrize("seconds", [3600, 400, 200, 20])
def test_a_token_is_kept_for_most_of_its_life(runner: Runner, seconds: float) -> None:
    """Even a short-lived token is used for several requests."""
    credential = runner.credential(seconds=seconds)
    azure = runner.azure(Script([ok()]), credential)

    async def thrice(io: Any) -> None:
        for _ in range(3):
            await read_account(io)

    runner.flow(azure, thrice)
    assert len(credential.asked) == 1


@both
def test_token_near_its_expiry_is_renewed(runner: Runner) -> None:
    """An outdated token is requested again, once."""
    credential = runner.credential(seconds=200)
    azure = runner.azure(Script([ok()]), credential)

    async def flow(io: Any) -> None:
        await read_account(io)
        for kept in azure._credential._kept.values():
            kept._fresh_until = 0.0
        await read_account(io)
        await read_account(io)

    runner.flow(azure, flow)
    assert len(credential.asked) == 2


@both
def test_refresh_on_is_followed(runner: Runner) -> None:
    """A token is renewed at its `refresh_on` time."""
    token = AccessTokenInfo(MARK, int(time.time()) + 86400, refresh_on=int(time.time()) - 100)
    credential = runner.credential(token)
    azure = runner.azure(Script([ok()]), credential)

    async def twice(io: Any) -> None:
        await read_account(io)
        await read_account(io)

    runner.flow(azure, twice)
    assert len(credential.asked) == 2


@both
def test_failed_early_renewal_keeps_the_old_token(runner: Runner) -> None:
    """While the old token is valid, a failure of the sign-in service does not end a run."""
    credential = runner.credential(seconds=200)
    azure = runner.azure(Script([ok()]), credential)

    async def flow(io: Any) -> None:
        await read_account(io)
        for kept in azure._credential._kept.values():
            kept._fresh_until = 0.0
        credential.raises = ClientAuthenticationError("hiccup")
        await read_account(io)
        for kept in azure._credential._kept.values():
            kept._ends = 0.0
        with pytest.raises(AccessDenied, match="hiccup"):
            await read_account(io)

    runner.flow(azure, flow)


@both
def test_a_claims_challenge_is_passed_on(runner: Runner) -> None:
    """Continuous access evaluation: the cached token is dropped, and the claims reach the credential."""
    challenge = f'Bearer error="insufficient_claims", claims="{CLAIMS}"'
    credential = runner.credential()
    script = runner.get(
        Script([answer(401, {}, WWW_Authenticate=challenge), ok({"name": "pv1"})]),
        credential=credential,
        enable_cae=True,
    )
    assert script.result == {"name": "pv1"}
    assert [asked.get("claims") for asked in credential.asked] == [None, base64.b64decode(CLAIMS).decode()]
    assert all(asked["enable_cae"] for asked in credential.asked)


def test_threads_with_the_same_challenge_share_a_new_token() -> None:
    """A thread that waits while another fetches the new token uses that token."""
    credentials = loading.load("purview_mpe._azure.credentials")
    exchange = loading.load("purview_mpe._azure.exchange")

    class Slow(Credential):
        def give(self, *args: Any) -> Any:
            entered.set()
            proceed.wait(5)
            return super().give(*args)

    entered, proceed = threading.Event(), threading.Event()
    credential = Slow()
    one = credentials.OneToken(credential)
    run = exchange.Run(time.monotonic)

    def ask() -> None:
        with exchange.exchanging(exchange.Exchange(run, READING)):
            one.get_token_info("scope", options={"claims": "c"})

    threads = [threading.Thread(target=ask) for _ in range(8)]
    threads[0].start()
    assert entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    while len(one._turns._waiting) < 7:
        pass  # until all of them have looked at the cache
    proceed.set()
    for thread in threads:
        thread.join()
    assert len(credential.asked) < 8


@both
def test_a_challenge_without_claims_is_access_denied(runner: Runner) -> None:
    """A 401 without claims is an error with a remedy, after one request."""
    script = Script([answer(401, {"error": {"code": "ExpiredAuthenticationToken", "message": "Expired."}})])
    with pytest.raises(AccessDenied, match="Sign in again") as caught:
        runner.get(script)
    assert (caught.value.status, caught.value.azure_code, len(script.sent)) == (401, "ExpiredAuthenticationToken", 1)


#: The message of DefaultAzureCredential, shortened to two of its credentials (SDK source).
CHAINED = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tEnvironmentCredential: Authentication failed: AADSTS7000215: Invalid client secret provided.
\tAzureCliCredential: Please run 'az login' to set up an account
To mitigate this issue, please refer to the troubleshooting guidelines."""
IN_SHORT = (
    "EnvironmentCredential: Authentication failed: AADSTS7000215: Invalid client secret provided.; "
    "tried EnvironmentCredential, AzureCliCredential"
)


@both
@pytest.mark.parametrize(
    ("raised", "said", "remedy"),
    [
        (ClientAuthenticationError("AADSTS50034: no such user"), "AADSTS50034", "Correct what Entra ID refuses"),
        (CredentialUnavailableError("Azure CLI not found on path"), "not found on path", "Sign in (az login)"),
        (
            ClientAuthenticationError(CHAINED),
            "gave no token \\(" + re.escape(IN_SHORT) + "\\)\\.",
            "Renew the secret or certificate of the application",
        ),
        (ValueError("bad tenant"), "ValueError: bad tenant", "Correct what the credential says above"),
        (KeyError("AZURE_CLIENT_ID"), "KeyError", "Correct what the credential says above"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_credential_that_raises_is_access_denied(runner: Runner, raised: Exception, said: str, remedy: str) -> None:
    """Any error of a credential becomes AccessDenied with a remedy; nothing is sent or repeated."""
    credential = runner.credential(raises=raised)
    script = Script([ok()])
    with pytest.raises(AccessDenied, match=said) as caught:
        runner.get(script, credential=credential)
    assert caught.value.remedy.startswith(remedy)
    assert (caught.value.status, script.sent, len(credential.asked)) == (None, [], 1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@both
def test_unreachable_sign_in_service_raises_no_answer(runner: Runner) -> None:
    """A network error while signing in is not reported as a wrong sign-in, and is not retried."""
    credential = runner.credential(raises=ServiceRequestError("connection refused"))
    with pytest.raises(NoAnswer, match="while signing in"):
        runner.get(Script([ok()]), credential=credential)
    assert len(credential.asked) == 1


@both
def test_library_error_from_a_credential_is_raised_unchanged(runner: Runner) -> None:
    """A credential that uses this library can raise the library's errors."""
    raised = AccessDenied("no", remedy="Ask.")
    with pytest.raises(AccessDenied) as caught:
        runner.get(Script([ok()]), credential=runner.credential(raises=raised))
    assert caught.value is raised


def _info(token: Any = MARK, ends: Any = 2**40, **more: Any) -> Any:
    return SimpleNamespace(token=token, expires_on=ends, **more)


class _Raising:
    """A token whose text cannot be read."""

    expires_on = 2**40

    @property
    def token(self) -> str:
        raise RuntimeError("no text")


@both
@pytest.mark.parametrize(
    "token",
    [
        None,
        5,
        AccessToken("", 2**40),
        AccessToken("two words", 2**40),
        AccessToken(f"{MARK}\n", 2**40),
        AccessToken(f"{MARK}\u00e9", 2**40),
        AccessToken(MARK, None),  # type: ignore[arg-type]
        _info(MARK.encode()),
        _info(ends=10**400),
        _info(ends=float("nan")),
        _info(ends=True),
        _info(ends="soon"),
        _info(refresh_on="soon"),
        _info(refresh_on=10**400),
        _info(token_type="pop"),
        _Raising(),
    ],
    ids=lambda token: type(token).__name__ if isinstance(token, _Raising) else str(token)[:60],
)
def test_invalid_token_is_an_invalid_credential(runner: Runner, token: Any) -> None:
    """The error names the credential, not the network, and holds no token; nothing is sent."""
    credential, script = runner.credential(), Script([ok()])
    credential.give = lambda *_: token
    with pytest.raises(InvalidCredential, match="The credential cannot be used: ") as caught:
        runner.get(script, credential=credential)
    assert MARK not in str(caught.value)
    assert caught.value.remedy.startswith("Pass a credential of azure-identity")
    assert script.sent == []


@both
def test_expired_token_is_access_denied(runner: Runner) -> None:
    """The credential works, but its token has expired."""
    credential = runner.credential(AccessToken(MARK, 5))
    with pytest.raises(AccessDenied, match="has expired already"):
        runner.get(Script([ok()]), credential=credential)


@both
@pytest.mark.parametrize("ends", [float("inf"), 2**63, 2.5e12])
def test_token_with_an_unrealistic_expiry_is_used(runner: Runner, ends: float) -> None:
    """Credentials for a fixed token return a very late expiry, here with a renewal time in the past."""
    script = runner.get([ok()], credential=runner.credential(_info(ends=ends, refresh_on=1)))
    assert script.sent[0].headers["Authorization"] == f"Bearer {MARK}"


class _Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@both
@pytest.mark.parametrize(
    "raised",
    [
        _Wordless(),
        RecursionError("deep"),
        MemoryError(),
        ExceptionGroup("several", [ValueError("eyJhbGciOiJIUzI1NiJ9.abcdefgh.x")]),
        ValueError("\udcff\x1b[2J\u2028"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_any_error_of_a_credential_becomes_printable(runner: Runner, raised: Exception) -> None:
    """The exceptions have no text, or text with control characters, lone surrogates or tokens."""
    with pytest.raises(AccessDenied) as caught:
        runner.get(Script([ok()]), credential=runner.credential(raises=raised))
    assert caught.value.message.isprintable()
    assert caught.value.message.encode()
    assert "eyJ" not in caught.value.message


def test_a_coroutine_in_place_of_a_token_is_closed() -> None:
    """A synchronous method that returns a coroutine is refused without a warning."""
    runner = Runner("sync")
    credential = Credential()
    credential.give = lambda *_: AsyncCredential().get_token_info()  # type: ignore[method-assign]
    with pytest.raises(InvalidCredential, match="returned a coroutine that is not a token"):
        runner.get(Script([ok()]), credential=credential)


class Numbered:
    """Returns `token-1`, `token-2`, … in turn; from number `same_from` on, it repeats that token."""

    def __init__(self, *, same_from: int = 10**6) -> None:
        self.asked: list[dict[str, Any]] = []
        self.same_from = same_from
        self._lock = threading.Lock()

    def give(self, options: Any) -> Any:
        with self._lock:
            self.asked.append(dict(options or {}))
            number = min(len(self.asked), self.same_from)
        return AccessTokenInfo(f"token-number-{number}", int(time.time()) + 3600)

    def get_token_info(self, *_scopes: str, options: Any = None) -> Any:
        return self.give(options)


class AsyncNumbered(Numbered):
    async def get_token_info(self, *_scopes: str, options: Any = None) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.give(options)


def _numbered(runner: Runner, **options: Any) -> Any:
    return (Numbered if runner.is_sync else AsyncNumbered)(**options)


def _refusing(*tokens: int, place: str = "", **headers: str) -> Script:
    """Azure refuses these tokens if the URL contains `place`."""

    def azure(sent: Any) -> Any:
        number = int(sent.headers["Authorization"].rpartition("-")[2])
        wrong = number in tokens and place in sent.url
        return (
            refusal(401, "InvalidAuthenticationTokenTenant", "Wrong issuer.", **headers) if wrong else ok({"id": "x"})
        )

    return Script(azure)


@both
def test_refused_token_is_replaced_once(runner: Runner) -> None:
    """The request is sent again with the new token, which later requests and other clients also use."""
    credential, script = _numbered(runner), _refusing(1)
    clients = [runner.azure(script, credential) for _ in range(2)]
    for azure in clients:
        assert runner.flow(azure, read_account) == {"id": "x"}
    assert len(credential.asked) == 2
    assert [sent.headers["Authorization"][-1] for sent in script.sent] == ["1", "2", "2"]


@both
def test_second_refusal_is_final_and_drops_its_token(runner: Runner) -> None:
    """Each refusal requests one new token; the next verb starts with another one."""
    credential, script = _numbered(runner), _refusing(1, 2)
    azure = runner.azure(script, credential)
    with pytest.raises(AccessDenied, match="InvalidAuthenticationTokenTenant") as caught:
        runner.flow(azure, read_account)
    assert (caught.value.status, len(script.sent), len(credential.asked)) == (401, 2, 2)
    assert runner.flow(runner.azure(script, credential), read_account) == {"id": "x"}
    assert len(credential.asked) == 3


@both
def test_refusal_is_final_if_the_credential_repeats_the_token(runner: Runner) -> None:
    """A credential that returns the refused token again is asked once for each refusal, and no request is repeated."""
    credential, script = _numbered(runner, same_from=1), _refusing(1)
    with pytest.raises(AccessDenied):
        runner.get(script, credential=credential)
    assert (len(script.sent), len(credential.asked)) == (1, 2)


@both
def test_refusal_says_why_the_credential_has_no_other_token(runner: Runner) -> None:
    """Azure's message comes first, then the credential's."""
    credential = _numbered(runner)
    give = credential.give

    def once(options: Any) -> Any:
        if credential.asked:
            raise ClientAuthenticationError("AADSTS700082: The refresh token has expired.")
        return give(options)

    credential.give = once
    with pytest.raises(AccessDenied, match=r"Wrong issuer\..*AADSTS700082") as caught:
        runner.get(_refusing(1), credential=credential)
    assert caught.value.status == 401


@both
def test_write_after_a_slow_sign_in_is_sent_only_after_another_read(runner: Runner) -> None:
    """The flow reads the state again and then sends the write with the new token; a read is sent at once."""
    script = Script([ok({"id": "x"})])
    credential = runner.credential()
    give = credential.give

    def slow(scopes: Any, options: Any) -> Any:
        script.now += 5
        return give(scopes, options)

    credential.give = slow
    azure = runner.azure(script, credential)

    async def flow(io: Any) -> Any:
        with pytest.raises(Throttled, match="the sign-in took 5 s") as caught:
            await delete_endpoint(io)
        assert (caught.value.retry_after, caught.value.status, script.sent) == (0.0, None, [])
        await delete_endpoint(io)
        await read_account(io)

    runner.flow(azure, flow)
    assert (len(script.sent), len(credential.asked)) == (2, 1)
    assert runner.get(script, credential=credential).result == {"id": "x"}


@both
def test_requests_refused_at_once_share_the_new_token(runner: Runner) -> None:
    """Sixteen requests with one refused token cost one token request."""
    credential, script = _numbered(runner), _refusing(1)
    azure = runner.azure(script, credential)

    async def many(io: Any) -> Any:
        return await io.gather([read_account(io) for _ in range(16)])

    assert runner.flow(azure, many) == [{"id": "x"}] * 16
    assert len(credential.asked) == 2


@both
def test_a_subscription_that_refuses_every_token_costs_one_token_request(runner: Runner) -> None:
    """A foreign tenant's subscription causes one new token request per verb, and other subscriptions still work."""
    credential, script = _numbered(runner), _refusing(*range(100), place="-000000000002/")
    azure = runner.azure(script, credential)
    other = ArmId.parse(str(ACCOUNT).replace("-000000000001", "-000000000002"))

    async def foreign(io: Any) -> Any:
        with pytest.raises(AccessDenied):
            await io.read(READING, lambda az: az.purview(other).accounts.get("rg1", "pv1"))

    async def flow(io: Any) -> Any:
        for _ in range(5):
            await foreign(io)
            await read_account(io)

    runner.flow(azure, flow)
    # The first token, one after its refusal, and one for the other subscription, because the second was dropped too.
    assert len(credential.asked) == 3


@both
def test_credentials_of_the_older_protocol_work(runner: Runner) -> None:
    """A credential needs only `get_token`."""
    credential = OldCredential() if runner.is_sync else OldAsyncCredential()
    script = runner.get([ok()], credential=credential)
    assert script.sent[0].headers["Authorization"] == f"Bearer {MARK}"


@pytest.mark.parametrize(
    ("colour", "credential", "said"),
    [
        ("sync", AsyncCredential(), "AsyncCredential is asynchronous"),
        ("async", Credential(), "Credential is synchronous"),
        ("sync", "token", "str has neither"),
        ("async", object(), "object has neither"),
        ("sync", Credential, "Credential is a class"),
    ],
)
def test_a_credential_of_the_wrong_kind_is_refused(colour: str, credential: Any, said: str) -> None:
    """The error names the credential's fault before anything is sent."""
    with pytest.raises(InvalidCredential, match=said) as caught:
        Runner(colour).azure(Script([ok()]), credential)
    assert isinstance(caught.value, TypeError)


@both
@pytest.mark.parametrize("cloud", ["public", "us-government", "china"])
def test_without_a_credential_the_clouds_default_is_used(
    runner: Runner, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`credential=None` is DefaultAzureCredential with the cloud's authority, and is closed with the client."""
    made: list[Any] = []

    def default(authority: str) -> Any:
        made.append((authority, runner.credential()))
        return made[-1][1]

    monkeypatch.setattr(
        loading.load(f"azure.identity{'' if runner.is_sync else '.aio'}"), "DefaultAzureCredential", default
    )
    azure = loading.load("purview_mpe._azure.clients").Azure(
        runner.colour,
        None,
        cloud=cloud,
        endpoint=None,
        retry=None,
        options={"transport": runner.transport(Script([ok()]))},
    )
    runner.flow(azure, read_account)
    if runner.is_sync:
        azure.close()
    authorities = {
        "public": "login.microsoftonline.com",
        "us-government": "login.microsoftonline.us",
        "china": "login.chinacloudapi.cn",
    }
    assert [(authority, credential.closed) for authority, credential in made] == [(authorities[cloud], 1)]


def test_a_slow_credential_ends_with_the_deadline() -> None:
    """In the async client, the deadline also limits the credential."""
    runner = Runner("async")

    class Hanging(AsyncCredential):
        async def get_token_info(self, *_: Any, **__: Any) -> Any:
            await asyncio.sleep(60)

    script = Script([ok()])
    azure = runner.azure(script, Hanging())
    azure.now, azure.is_real_time = time.monotonic, True
    began = time.monotonic()
    with pytest.raises(WaitTimedOut, match="credential"):
        runner.flow(azure, read_account, timeout=0.2)
    assert time.monotonic() - began < 30


def test_waiting_for_another_threads_token_ends_with_the_deadline() -> None:
    """A thread that waits its turn does not wait beyond its own deadline."""
    runner, script = Runner("sync"), Script([ok()])
    azure = runner.azure(script)
    azure.now, azure.is_real_time = time.monotonic, True
    with ThreadPoolExecutor(1) as pool, azure._credential._turns._lock:
        reading = pool.submit(runner.flow, azure, read_account, timeout=0.1)
        with pytest.raises(WaitTimedOut):
            reading.result()
    assert script.sent == []
