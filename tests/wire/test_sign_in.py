"""Reasons for a missing token: chains of credentials, and Azure's challenges."""

from __future__ import annotations

import base64

import pytest

from purview_mpe._wire.errors import Attempt, no_token
from purview_mpe._wire.sign_in import Challenge, NoToken, read_challenge, read_no_token, remedy_for
from purview_mpe.errors import AccessDenied, NoAnswer

ATTEMPT = Attempt("read the Purview account 'pv1'", "/x", "Reader")
#: The messages of azure-identity for credentials that are not set up (SDK source).
NOISE = """EnvironmentCredential: EnvironmentCredential authentication unavailable. Environment variables are not fully configured.
Visit https://aka.ms/azsdk/python/identity/environmentcredential/troubleshoot to troubleshoot this issue.
WorkloadIdentityCredential: WorkloadIdentityCredential authentication unavailable. The workload options are not fully configured. See the troubleshooting guide for more information: https://aka.ms/azsdk/python/identity/workloadidentitycredential/troubleshoot. Missing required arguments: 'tenant_id'.
ManagedIdentityCredential: ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.
SharedTokenCacheCredential: SharedTokenCacheCredential authentication unavailable. No accounts were found in the cache.
VisualStudioCodeCredential: VisualStudioCodeCredential requires the 'azure-identity-broker' package to be installed. You must also ensure you have the Azure Resources extension installed and have signed in to Azure via VSCode.
AzureCliCredential: Azure CLI not found on path
AzurePowerShellCredential: PowerShell is not installed
AzureDeveloperCliCredential: Azure Developer CLI could not be found. Please visit https://aka.ms/azure-dev for installation instructions and then,once installed, authenticate to your Azure account using 'azd auth login'.
BrokerCredential: InteractiveBrowserBrokerCredential unavailable. The 'azure-identity-broker' package is required to use brokered authentication."""


def chain(*lines: str) -> str:
    head = "DefaultAzureCredential failed to retrieve a token from the included credentials.\nAttempted credentials:"
    tail = "To mitigate this issue, please refer to the troubleshooting guidelines here at https://aka.ms/x."
    return "\n".join([head, *(f"\t{line}" if ": " in line[:40] else line for line in lines), tail])


def test_chain_without_any_credential_says_so() -> None:
    """The messages of the single credentials are not repeated."""
    trouble = read_no_token(chain(*NOISE.split("\n")))
    assert trouble.cause == "nothing-set-up"
    assert trouble.said.startswith("no credential is set up; tried EnvironmentCredential, WorkloadIdentityCredential, ")
    assert trouble.said.endswith("AzureDeveloperCliCredential, BrokerCredential")


CAUSES = [
    (
        "ManagedIdentityCredential",
        (
            "App Service managed identity configuration not found in environment. Token request error: (invalid_scope) 400, "
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
        ),
        "managed-identity",
        "Check the managed identity",
    ),
    (
        "ManagedIdentityCredential",
        (
            "ManagedIdentityCredential authentication unavailable. No identity has been assigned to this resource. Error: "
            "Identity not found"
        ),
        "managed-identity",
        "Check the managed identity",
    ),
    (
        "AzureCliCredential",
        (
            "ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): (Caused by SSLError("
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed')))"
        ),
        "certificate",
        "Make the sign-in trust the certificate authority of the proxy",
    ),
    ("AzureCliCredential", "Failed to invoke the Azure CLI", "tool-failed", "Run the tool by hand"),
    ("AzureCliCredential", "Please run 'az login' to set up an account", "not-signed-in", "Sign in (az login)"),
    (
        "EnvironmentCredential",
        "Authentication failed: AADSTS7000215: Invalid client secret provided.",
        "secret",
        "Renew the secret",
    ),
    (
        "AzureCliCredential",
        "ERROR: AADSTS50076: Due to a configuration change you must use multi-factor authentication.",
        "second-factor",
        "Sign in again as Entra ID asks for (AADSTS50076)",
    ),
    (
        "AzureCliCredential",
        "ERROR: AADSTS700082: The refresh token has expired due to inactivity.",
        "sign-in-ended",
        "Sign in again, because the last sign-in has ended (AADSTS700082)",
    ),
    (
        "WorkloadIdentityCredential",
        "Authentication failed: AADSTS700016: Application not found in the directory.",
        "entra",
        "Correct what Entra ID refuses (AADSTS700016",
    ),
    (
        "EnvironmentCredential",
        "Authentication failed: Service Unavailable.",
        "other",
        "Correct what the credential says",
    ),
    ("ManagedIdentityCredential", "Unexpected error 500 from the endpoint.", "managed-identity", "Check the managed"),
    ("MyCredential", "The vault is sealed.", "other", "Correct what the credential says above"),
]


@pytest.mark.parametrize(("credential", "words", "cause", "remedy"), CAUSES, ids=[case[1][:40] for case in CAUSES])
def test_failed_credential_that_was_set_up_is_reported(credential: str, words: str, cause: str, remedy: str) -> None:
    """Its message is shown without the noise of the other credentials, and the remedy fits it."""
    noise = [line for line in NOISE.split("\n") if not line.startswith(credential)]
    error = no_token(ATTEMPT, chain(*noise, f"{credential}: {words}"), proxy_for=lambda _: None)
    assert isinstance(error, AccessDenied)
    assert words[-60:].rstrip(".") in error.message
    assert "IMDS endpoint" not in error.message
    assert "not found on path" not in error.message
    assert error.remedy.startswith(remedy)
    assert read_no_token(chain(*noise, f"{credential}: {words}")).cause == cause


def test_failed_credential_beats_a_tool_without_a_sign_in() -> None:
    """Azure CLI is on most machines, and is rarely the intended credential."""
    said = chain(
        "AzureCliCredential: Please run 'az login' to set up an account",
        "AzurePowerShellCredential: Failed to invoke PowerShell.",
    )
    trouble = read_no_token(said)
    assert (trouble.credential, trouble.cause) == ("AzurePowerShellCredential", "tool-failed")
    assert "az login" not in trouble.said


@pytest.mark.parametrize(
    ("words", "host"),
    [
        (
            (
                "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /common "
                "(Caused by NameResolutionError(\"Failed to resolve 'login.microsoftonline.com'\"))"
            ),
            "login.microsoftonline.com:443",
        ),
        (
            "Cannot connect to host login.microsoftonline.us:443 ssl:True [Connect call failed ('10.0.0.1', 443)]",
            "login.microsoftonline.us:443",
        ),
        (
            "Please ensure you have network connection. Error detail: https://login.chinacloudapi.cn/x is not reached",
            "login.chinacloudapi.cn:443",
        ),
        ("<urlopen error [Errno 111] Connection refused>", "the sign-in host"),
    ],
)
@pytest.mark.parametrize("in_chain", [True, False])
def test_unreachable_sign_in_host_is_a_network_error(words: str, host: str, in_chain: bool) -> None:
    """The error names the host and the proxy, and is not about rights."""
    said = chain(*NOISE.split("\n"), f"ClientSecretCredential: Authentication failed: {words}") if in_chain else words
    asked: list[str] = []

    def proxy_for(name: str) -> str | None:
        asked.append(name)
        return "http://proxy:3128"

    error = no_token(ATTEMPT, said, proxy_for=proxy_for)
    assert isinstance(error, NoAnswer)
    assert f"no answer came from {host} through the proxy http://proxy:3128 (" in error.message
    assert error.remedy.startswith("Check that the proxy http://proxy:3128 runs and lets requests to ")
    assert asked == [host.removesuffix(":443") if "." in host else ""]


def test_message_of_a_single_credential_is_kept() -> None:
    """It is shown even if it would be noise in a chain."""
    trouble = read_no_token("Azure CLI not found on path")
    assert (trouble.said, trouble.cause) == ("Azure CLI not found on path", "nothing-set-up")
    assert read_no_token(
        "ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint."
    ).cause == ("managed-identity")


CLAIMS = '{"access_token":{"nbf":{"value":"1"}}}'
ENCODED = base64.urlsafe_b64encode(CLAIMS.encode()).decode()


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, None),
        ("", None),
        ('Basic realm="x"', None),
        ("Bearer", Challenge()),
        (
            f'Bearer authorization_uri="https://login.microsoftonline.com/contoso.example", claims="{ENCODED}"',
            Challenge("contoso.example", CLAIMS, ENCODED),
        ),
        (
            f'bearer authorization="https://login.windows.net/a-b", CLAIMS="{ENCODED.rstrip("=")}"',
            Challenge("a-b", CLAIMS, ENCODED.rstrip("=")),
        ),
        ('Bearer claims="%%%"', Challenge()),
        ('Bearer claims="AAAA"', Challenge()),
        ('Bearer claims="_w"', Challenge()),
        ('Bearer authorization_uri="https://[x"', Challenge()),
        ('Bearer authorization_uri="https://x/; rm -rf"', Challenge()),
        ("Bearer " + "x" * 20_000, None),
    ],
)
def test_challenge_is_read_without_unsafe_parts(header: str | None, challenge: Challenge | None) -> None:
    """The claims, decoded and as Azure CLI takes them; no text that a shell would interpret."""
    assert read_challenge(header) == challenge


def test_help_link_is_not_the_failed_host():
    """The libraries' messages contain short links."""
    said = read_no_token("Failed to resolve 'aka.ms' HTTPSConnectionPool(host='aka.ms', port=443): Max retries")
    assert said.host == ""


def test_other_failure_of_a_credential():
    """The remedy points to the credential's own message."""
    error = no_token(ATTEMPT, "the moon is full", proxy_for=lambda _host: None)
    assert error.remedy.startswith("Correct what the credential says above")


def test_remedy_for_an_unreachable_sign_in_host():
    """The remedy is about the network, not about the credential."""
    assert remedy_for(NoToken("unreachable", "x")) == "Check the network to the sign-in host, then repeat the call."
