"""Identities: believed where signatures are not enforced, proven where they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from lambent.aws.authentication import LARGE_BODY, Authenticator, Identity
from lambent.aws.credentials import Credentials
from lambent.aws.errors import AuthError

ACCOUNT, REGION = "000000000000", "us-east-1"
_S3 = ("AKID", "20240501", "eu-west-1", "s3", "aws4_request")
_TWELVE = ("123456789012", "eu-west-1", "123456789012", "s3")


@dataclass
class Sent:
    """A request as it arrives."""

    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    query: bytes = b""
    body: bytes = b""
    method: bytes = b"POST"
    path: bytes = b"/"


def _claiming(scope: str, token: str | None = None) -> Sent:
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    headers = [(b"host", b"h"), (b"authorization", authorization.encode())]
    return Sent(headers + ([(b"x-amz-security-token", token.encode())] if token else []))


def _signed(access_key: str, secret: str, region: str = REGION) -> Sent:
    request = botocore.awsrequest.AWSRequest("POST", "http://h/", {}, b"")
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(access_key, secret), "lambda", region).add_auth(
        request
    )
    pairs = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return Sent([(b"host", b"h"), *pairs])


def _believing(credentials: Credentials | None = None) -> Authenticator:
    return Authenticator(credentials, account=ACCOUNT, default_region=REGION, enforced=False)


def test_unsigned_requests_act_in_the_default_place() -> None:
    anonymous = Identity(ACCOUNT, REGION, None, None)
    assert _believing().authenticate(Sent()) == anonymous
    assert _believing().authenticate(Sent([(b"authorization", b"Bearer abc")])) == anonymous
    assert _believing().authenticate(Sent([(b"authorization", b"\xff\xfe")])) == anonymous


@pytest.mark.parametrize("origin", ["https://example.com", "http://localhost.example.com:4566", "null"])
def test_pages_of_other_places_cannot_send_requests(origin: str) -> None:
    header = (b"origin", origin.encode())
    for sent in (
        Sent([header]),
        Sent([(b"authorization", b"Basic abc"), header]),
        Sent([header], query=b"X-Amz-Credential=AKID%2F20240501%2Feu-west-1%2Flambda%2Faws4_request"),
        # Nobody verifies these, and what a bucket, or an API at the same port, permits is no permission for others.
        Sent([*_claiming("AKID/20240501/eu-west-1/cloudformation/aws4_request").headers, header]),
        Sent([header, (b"x-amz-target", b"AWSEvents.PutEvents"), *_claiming("/".join(_S3)).headers]),
    ):
        with pytest.raises(AuthError) as caught:
            _believing().authenticate(sent)
        assert (caught.value.code, caught.value.status) == ("AccessDeniedException", 403)


def test_what_has_cors_says_itself_what_pages_of_other_places_can_send() -> None:
    header = (b"origin", b"https://example.com")
    assert _believing().authenticate(Sent([header, *_claiming("/".join(_S3)).headers])).service == "s3"
    url = Sent([header, *_claiming("AKID/20240501/eu-west-1/lambda/aws4_request").headers])
    assert _believing().authenticate(url, public=True).service == "lambda"


@pytest.mark.parametrize("query", [b"Action=CreateStack&Version=2010-05-15", b"a=b&%41ction=Publish"])
def test_pictures_and_links_of_pages_of_other_places_name_no_operations(query: bytes) -> None:
    def sent(site: bytes) -> Sent:
        return Sent([(b"sec-fetch-site", site)], query, method=b"GET")

    with pytest.raises(AuthError, match="may not name operations"):
        _believing().authenticate(sent(b"cross-site"))
    assert _believing().authenticate(sent(b"none")).access_key is None, "typed into the browser"
    presigned = b"X-Amz-Credential=AKID%2F20240501%2Feu-west-1%2Fs3%2Faws4_request"
    assert _believing().authenticate(Sent([(b"sec-fetch-site", b"cross-site")], presigned)).service == "s3"


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:4566", "https://app.localhost"]
)
def test_pages_of_this_machine_can(origin: str) -> None:
    assert _believing().authenticate(Sent([(b"origin", origin.encode())])).access_key is None


@pytest.mark.parametrize(
    ("scope", "identity"),
    [
        ("AKID/20240501/eu-west-1/lambda/aws4_request", Identity(ACCOUNT, "eu-west-1", "AKID", "lambda")),
        (
            "123456789012/20240501/eu-west-1/s3/aws4_request",
            Identity("123456789012", "eu-west-1", "123456789012", "s3"),
        ),
        ("test/20240501/us-gov-west-1/sts/aws4_request", Identity(ACCOUNT, "us-gov-west-1", "test", "sts")),
    ],
)
def test_scopes_are_believed(scope: str, identity: Identity) -> None:
    authenticator = _believing()
    assert authenticator.authenticate(_claiming(scope)) == identity
    assert authenticator.authenticate(_claiming(scope)) is authenticator.authenticate(_claiming(scope))
    presigned = Sent(query=b"a=1&X-Amz-Credential=" + scope.replace("/", "%2F").encode())
    assert authenticator.authenticate(presigned) == identity


def test_temporary_credentials_carry_their_account() -> None:
    credentials = Credentials()
    minted = credentials.mint("999999999999")
    scope = f"{minted.access_key}/20240501/us-east-1/lambda/aws4_request"
    assert (
        _believing(credentials).authenticate(_claiming(scope, minted.session_token)).account == "999999999999"
    )
    # Somebody's real session is as good as any key where nothing is enforced.
    assert _believing(credentials).authenticate(_claiming(scope, "foreign")).account == ACCOUNT


@pytest.mark.parametrize("region", ["mars", "us_east_1", "", "us-east-", "US-EAST-1"])
@pytest.mark.parametrize("enforced", [False, True])
def test_regions_that_are_none(region: str, enforced: bool) -> None:
    credentials = Credentials({"AKID": "secret"})
    authenticator = Authenticator(credentials, account=ACCOUNT, default_region=REGION, enforced=enforced)
    with pytest.raises(AuthError) as raised:
        authenticator.authenticate(_signed("AKID", "secret", region))
    assert raised.value.code == "InvalidSignatureException"
    assert raised.value.message == f"Credential should be scoped to a valid region, not '{region}'. "


def test_enforced_signatures() -> None:
    authenticator = Authenticator(Credentials({"AKID": "secret"}), account=ACCOUNT, default_region=REGION)
    assert authenticator.enforced
    assert authenticator.authenticate(_signed("AKID", "secret")) == Identity(
        ACCOUNT, REGION, "AKID", "lambda"
    )
    for sent in (
        _signed("AKID", "wrong"),
        _signed("OTHER", "secret"),
        _claiming("AKID/20240501/us-east-1/x/aws4_request"),
    ):
        with pytest.raises(AuthError):
            authenticator.authenticate(sent)
    with pytest.raises(AuthError) as raised:
        authenticator.authenticate(Sent())
    assert (raised.value.code, raised.value.message, raised.value.status) == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
        403,
    )


def test_only_enforced_signatures_of_large_bodies_are_hashed_in_a_thread() -> None:
    large = Sent(body=bytes(LARGE_BODY + 1))
    enforcing = Authenticator(Credentials({"AKID": "secret"}), account=ACCOUNT, default_region=REGION)
    assert enforcing.hashes_in_thread(large)
    assert not enforcing.hashes_in_thread(Sent(body=bytes(LARGE_BODY)))
    assert not _believing().hashes_in_thread(large)


def test_there_is_nothing_to_enforce_without_credentials() -> None:
    assert not Authenticator(None, account=ACCOUNT, default_region=REGION).enforced
    with pytest.raises(ValueError, match="without credentials"):
        Authenticator(None, account=ACCOUNT, default_region=REGION, enforced=True)


def test_many_identities_are_forgotten_in_turn() -> None:
    authenticator = _believing()
    for number in range(5000):
        scope = f"K{number}/20240501/us-east-1/lambda/aws4_request"
        assert authenticator.authenticate(_claiming(scope)).access_key == f"K{number}"
