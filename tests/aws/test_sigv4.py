"""Signatures that botocore makes are accepted, and every tampering with them is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.credentials import Credentials
from lambent.aws.errors import AuthError
from lambent.aws.sigv4 import Verifier, body_digest, parse_authorization, parse_scope, read_signature

AKID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
MASTER_KEY = bytes(32)
PATH = "/2015-03-31/functions/my-function/invocations"


@dataclass
class Sent:
    """A request as it arrives."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    def header(self, name: bytes) -> bytes:
        return dict(self.headers)[name]

    def having(self, name: bytes, value: bytes) -> Sent:
        headers = [(key, value if key == name else old) for key, old in self.headers]
        if name not in dict(self.headers):
            headers.append((name, value))
        return replace(self, headers=headers)


def _signed(
    target: str = PATH,
    body: bytes = b'{"a": 1}',
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    service: str = "lambda",
    region: str = "us-east-1",
    keys: tuple[str, str, str | None] = (AKID, SECRET, None),
    presign: int | None = None,
    context: dict[str, Any] | None = None,
    https: bool = False,
) -> Sent:
    """A request signed by botocore: in its headers, or as a URL that lives for `presign` seconds."""
    credentials = botocore.credentials.Credentials(*keys)
    scheme = "https" if https else "http"
    if presign is not None:
        body = b""  # botocore would move it into the URL
    request = botocore.awsrequest.AWSRequest(
        method, f"{scheme}://127.0.0.1:4566{target}", dict(headers or {}), body
    )
    request.context.update(context or {})
    is_s3 = service == "s3"
    if presign is not None:
        signer = botocore.auth.S3SigV4QueryAuth if is_s3 else botocore.auth.SigV4QueryAuth
        signer(credentials, service, region, expires=presign).add_auth(request)
    else:
        (botocore.auth.S3SigV4Auth if is_s3 else botocore.auth.SigV4Auth)(
            credentials, service, region
        ).add_auth(request)
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    arrived = [(b"host", b"127.0.0.1:4566"), (b"user-agent", b"botocore")]
    for name, value in prepared.headers.items():
        arrived.append((name.lower().encode(), value if isinstance(value, bytes) else str(value).encode()))
    return Sent(method.encode(), f"{url.path}?{url.query}".rstrip("?").encode(), arrived, body)


def _verify(sent: Sent, *, at: float | None = None, body_sha256: bytes | None = None) -> str:
    credentials = Credentials({AKID: SECRET, "123456789012": "other"}, master_key=MASTER_KEY)
    verifier = Verifier(
        credentials, (lambda: at) if at is not None else lambda: datetime.now(UTC).timestamp()
    )
    signature = read_signature(sent)
    assert signature is not None
    return verifier.verify(sent, signature, body_sha256)


def _refusal(sent: Sent, *, at: float | None = None) -> AuthError:
    with pytest.raises(AuthError) as raised:
        _verify(sent, at=at)
    return raised.value


def _signing_time(sent: Sent) -> float:
    stamp = sent.header(b"x-amz-date").decode()
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


_TARGETS = [
    "/",
    PATH,
    f"{PATH}?Qualifier=%24LATEST&a=&b=c%20d",
    "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations",
    "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f",
    "/2017-03-31/tags/a%2Fb?tagKeys=b&tagKeys=a&tagKeys=A",
    "/a//b/./c/../d/",
    "/%E2%82%AC/~user/(x)",
    "/.hidden",
]


@pytest.mark.parametrize("target", _TARGETS)
@pytest.mark.parametrize("presign", [None, 60])
def test_what_botocore_signs_is_accepted(target: str, presign: int | None) -> None:
    assert _verify(_signed(target, presign=presign)) == "000000000000"


@pytest.mark.parametrize("target", ["/bucket/a//b/../c", "/bucket/%E2%82%AC%20x?versionId=1", "/bucket?acl"])
@pytest.mark.parametrize("presign", [None, 60])
def test_s3_signs_paths_as_they_are(target: str, presign: int | None) -> None:
    _verify(_signed(target, method="PUT", service="s3", presign=presign))


@given(
    path=st.text(
        st.characters(codec="ascii", exclude_categories=["Cc", "Cs"], exclude_characters='?#[]\\ ^`{|}<>"%')
    ),
    query=st.lists(
        st.tuples(st.text("abcXYZ019-._~%2F:", max_size=5), st.text("abcXYZ019-._~ é:/", max_size=5)),
        max_size=4,
    ),
    value=st.text(" ab;=", max_size=8),
    body=st.binary(max_size=20),
)
def test_any_request(path: str, query: list[tuple[str, str]], value: str, body: bytes) -> None:
    encoded = botocore.utils.percent_encode_sequence(query)
    target = f"/{path.lstrip('/')}" + (f"?{encoded}" if encoded else "")
    sent = _signed(target, body, headers={"X-Custom": value.strip(), "Content-Type": "application/json"})
    _verify(sent)


def test_headers_sent_twice_and_with_wide_spaces() -> None:
    sent = _signed(headers={"X-Custom": "a   b", "X-Other": "c"})
    _verify(sent)
    signature = read_signature(sent)
    assert signature is not None
    doubled = replace(sent, headers=[*sent.headers, (b"x-other", b"d")])
    assert _refusal(doubled).code == "InvalidSignatureException"


def test_session_tokens() -> None:
    minted = Credentials(master_key=MASTER_KEY).mint("333333333333")
    keys = (minted.access_key, minted.secret_key, minted.session_token)
    assert _verify(_signed(keys=keys)) == "333333333333"
    assert _verify(_signed(keys=keys, presign=60)) == "333333333333"
    assert _refusal(_signed(keys=(*keys[:2], None))).code == "UnrecognizedClientException"
    other = Credentials(master_key=MASTER_KEY).mint("444444444444").session_token
    assert _refusal(_signed(keys=(*keys[:2], other))).code == "UnrecognizedClientException"
    expired = Credentials(master_key=MASTER_KEY).mint("333333333333", lifetime=-1)
    assert _refusal(_signed(keys=expired[:3])).code == "ExpiredTokenException"


def test_unsigned_payloads() -> None:
    sent = _signed(context={"payload_signing_enabled": False}, https=True)
    assert sent.header(b"x-amz-content-sha256") == b"UNSIGNED-PAYLOAD"
    _verify(sent)
    _verify(replace(sent, body=b"anything"))
    assert (
        _refusal(sent.having(b"x-amz-content-sha256", body_digest(sent.body))).code
        == "InvalidSignatureException"
    )


def test_a_digest_that_was_computed_elsewhere_is_used() -> None:
    sent = _signed()
    assert (
        _verify(replace(sent, body=b""), body_sha256=hashlib.sha256(sent.body).hexdigest().encode())
        == "000000000000"
    )


def test_streamed_uploads_of_s3() -> None:
    headers = {"X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
    context = {"checksum": {"request_algorithm": {"in": "trailer"}}}
    sent = _signed("/b/k", b"5;chunk", method="PUT", service="s3", headers=headers, context=context)
    assert sent.header(b"x-amz-content-sha256").startswith(b"STREAMING-")
    _verify(sent)


def test_s3_names_a_wrong_digest() -> None:
    sent = _signed("/b/k", b"body", method="PUT", service="s3")
    assert _refusal(replace(sent, body=b"other")).code == "XAmzContentSHA256Mismatch"


_TAMPERINGS = {
    "method": lambda sent: replace(sent, method=b"PUT"),
    "path": lambda sent: replace(sent, target=sent.target.replace(b"my-function", b"other")),
    "query": lambda sent: replace(sent, target=sent.target.replace(b"Qualifier=1", b"Qualifier=2")),
    "added parameter": lambda sent: replace(sent, target=sent.target + b"&extra=1"),
    "body": lambda sent: replace(sent, body=sent.body + b" "),
    "host": lambda sent: sent.having(b"host", b"127.0.0.1:4567"),
}


@pytest.mark.parametrize("tampering", _TAMPERINGS)
@pytest.mark.parametrize("presign", [None, 60])
def test_tampering_is_refused(tampering: str, presign: int | None) -> None:
    sent = _signed(f"{PATH}?Qualifier=1", presign=presign)
    _verify(sent)
    refusal = _refusal(_TAMPERINGS[tampering](sent))
    assert (refusal.code, refusal.status) == ("InvalidSignatureException", 403)
    assert refusal.message == (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )


def test_tampering_with_headers_is_refused() -> None:
    sent = _signed(headers={"X-Amz-Invocation-Type": "Event"})
    assert _refusal(sent.having(b"x-amz-invocation-type", b"DryRun")).code == "InvalidSignatureException"
    assert _refusal(sent.having(b"x-amz-log-type", b"Tail")).message == (
        "There were headers present in the request which were not signed: x-amz-log-type"
    )
    later = sent.header(b"x-amz-date")[:-2] + (b"1Z" if sent.header(b"x-amz-date")[-2:] != b"1Z" else b"2Z")
    assert _refusal(sent.having(b"x-amz-date", later)).code == "InvalidSignatureException"


@given(position=st.integers(0, 63))
def test_every_digit_of_the_signature_counts(position: int) -> None:
    sent = _signed()
    authorization = sent.header(b"authorization")
    head, signature = authorization[:-64], bytearray(authorization[-64:])
    signature[position] = ord("0") if signature[position] != ord("0") else ord("1")
    assert (
        _refusal(sent.having(b"authorization", head + bytes(signature))).code == "InvalidSignatureException"
    )


@pytest.mark.parametrize("old", [b"us-east-1", b"/lambda/", b"aws4_request"])
def test_the_scope_is_signed(old: bytes) -> None:
    sent = _signed()
    authorization = sent.header(b"authorization").replace(old, old.replace(b"a", b"b"))
    assert _refusal(sent.having(b"authorization", authorization)).code == "InvalidSignatureException"


def test_unknown_keys_and_wrong_secrets() -> None:
    refusal = _refusal(_signed(keys=("AKIDOTHER", SECRET, None)))
    assert (refusal.code, refusal.message) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
    assert _refusal(_signed(keys=(AKID, "wrong", None))).code == "InvalidSignatureException"
    assert _refusal(_signed(keys=("123456789012", SECRET, None))).code == "InvalidSignatureException"


def test_signing_times_may_be_fifteen_minutes_off() -> None:
    sent = _signed()
    signed_at = _signing_time(sent)
    for offset in (-900, 0, 900):
        _verify(sent, at=signed_at + offset)
    stamp = sent.header(b"x-amz-date").decode()
    late = _refusal(sent, at=signed_at + 901)
    assert late.code == "InvalidSignatureException"
    assert late.message.startswith(f"Signature expired: {stamp} is now earlier than ")
    assert late.message.endswith(" - 15 min.)")
    early = _refusal(sent, at=signed_at - 901)
    assert early.message.startswith(f"Signature not yet current: {stamp} is still later than ")
    assert early.message.endswith(" + 15 min.)")


def test_presigned_urls_live_as_long_as_they_say() -> None:
    sent = _signed(presign=3600)
    now = datetime.now(UTC).timestamp()
    _verify(sent, at=now + 3590)
    assert _refusal(sent, at=now + 3610).message.startswith("Signature expired: ")
    longer = replace(sent, target=sent.target.replace(b"X-Amz-Expires=3600", b"X-Amz-Expires=7200"))
    assert _refusal(longer).code == "InvalidSignatureException"


@pytest.mark.parametrize("expires", [b"0", b"-1", b"604801", b"x", b"9" * 400])
def test_lives_that_a_presigned_url_cannot_have(expires: bytes) -> None:
    sent = _signed(presign=60)
    sent = replace(sent, target=sent.target.replace(b"X-Amz-Expires=60", b"X-Amz-Expires=" + expires))
    assert _refusal(sent).message.startswith("X-Amz-Expires must be less than a week")


def test_the_day_of_the_scope_is_the_day_of_signing() -> None:
    sent = _signed()
    day = sent.header(b"x-amz-date")[:8]
    authorization = sent.header(b"authorization").replace(b"/" + day + b"/", b"/20200101/")
    assert _refusal(sent.having(b"authorization", authorization)).message.startswith(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != "
    )


def test_host_must_be_signed() -> None:
    sent = _signed()
    authorization = sent.header(b"authorization").replace(b"=host;", b"=")
    assert "must be a 'SignedHeader'" in _refusal(sent.having(b"authorization", authorization)).message


def test_the_date_header_serves_as_well() -> None:
    sent = _signed(headers={"Date": "Wed, 01 May 2024 12:00:00 GMT"})
    assert b"x-amz-date" not in dict(sent.headers)
    _verify(sent)


@pytest.mark.parametrize("date", [b"yesterday", b"20241301T000000Z", b"2024-05-01T12:00:00Z"])
def test_dates_that_are_none(date: bytes) -> None:
    assert _refusal(_signed().having(b"x-amz-date", date)).message.startswith(
        "Date must be in ISO-8601 'basic format'."
    )


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (
            b"Bearer abc",
            "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'Bearer abc'.",
        ),
        (
            b"AWS4-HMAC-SHA256 Credential= AKID/x, SignedHeaders=host, Signature=1",
            (
                "'AKID/x' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 "
                "Credential= AKID/x, SignedHeaders=host, Signature=1'."
            ),
        ),
        (b"AWS5-HMAC-SHA256 Credential=a", "Unsupported AWS 'algorithm': 'AWS5-HMAC-SHA256'."),
        (
            b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request",
            (
                "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' "
                "parameter. Authorization=AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request"
            ),
        ),
        (
            b"AWS4-HMAC-SHA256 Credential=a/b/c/aws4_request, SignedHeaders=host, Signature=1",
            (
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got "
                "'a/b/c/aws4_request'"
            ),
        ),
    ],
)
def test_authorization_headers_that_cannot_be_read(authorization: bytes, message: str) -> None:
    refusal = _refusal(_signed().having(b"authorization", authorization))
    assert (refusal.code, refusal.message) == ("IncompleteSignatureException", message)


def test_a_signature_without_a_date() -> None:
    sent = _signed()
    sent = replace(sent, headers=[pair for pair in sent.headers if pair[0] != b"x-amz-date"])
    assert _refusal(sent).message.startswith(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization="
    )


def test_terminators() -> None:
    refusal = _refusal(
        _signed().having(b"authorization", _signed().header(b"authorization").replace(b"aws4_", b"aws9_"))
    )
    assert (
        refusal.message
        == "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws9_request'. "
    )


@pytest.mark.parametrize("missing", ["Credential", "Date", "SignedHeaders", "Expires", "Signature"])
def test_presigned_urls_that_lack_a_part(missing: str) -> None:
    sent = _signed(presign=60)
    kept = [pair for pair in sent.query.split(b"&") if not pair.startswith(f"X-Amz-{missing}=".encode())]
    refusal = _refusal(replace(sent, target=sent.path + b"?" + b"&".join(kept)))
    assert refusal.code == "IncompleteSignatureException"
    assert f"AWS query-string parameters must include 'X-Amz-{missing}'." in refusal.message


def test_presigned_urls_of_other_algorithms() -> None:
    sent = _signed(presign=60)
    other = sent.target.replace(b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256")
    assert (
        _refusal(replace(sent, target=other)).message
        == "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."
    )


def test_requests_without_a_signature() -> None:
    assert read_signature(Sent(b"GET", b"/?a=b&X-Amz-Other=1", [(b"host", b"h")])) is None


def test_authorization_headers_in_unusual_spacing() -> None:
    sent = _signed()
    plain = sent.header(b"authorization")
    for unusual in (plain.replace(b", ", b","), plain.replace(b", ", b" "), plain.replace(b", ", b" ,  ")):
        _verify(sent.having(b"authorization", unusual))
    found = parse_authorization(b"AWS4-HMAC-SHA256 Signature=1,Credential=2,SignedHeaders=3")
    assert found == {b"Signature": b"1", b"Credential": b"2", b"SignedHeaders": b"3"}


def test_scopes_of_keys_that_hold_slashes() -> None:
    assert parse_scope(b"a/b/20240501/us-east-1/lambda/aws4_request").access_key == "a/b"


def test_many_scopes_are_forgotten_in_turn() -> None:
    verifier = Verifier(Credentials({AKID: SECRET}, master_key=MASTER_KEY))
    sent = _signed()
    signature = read_signature(sent)
    assert signature is not None
    for number in range(5000):
        scope = f"{AKID}/20240501/r{number}/lambda/aws4_request".encode()
        with pytest.raises(AuthError):
            verifier.verify(sent, signature._replace(raw_scope=scope))
    assert verifier.verify(sent, signature) == "000000000000"
