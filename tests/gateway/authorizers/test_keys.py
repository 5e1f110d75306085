"""Keys of token issuers: rotation, issuers that are down, slow, or answer with what is no key set."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.gateway.authorizers.conftest import Issuer, jwk, jwt_door, opened, private_key, signed

from lambent.gateway.authorizers import Fetcher, FetchFailed
from lambent.gateway.authorizers.fetch import MAX_DOCUMENT
from lambent.gateway.authorizers.keys import KEPT_S, PAUSE_S, Issuers, KeysUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIGURATION = "/.well-known/openid-configuration"


async def test_rotation() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims()))).verdict.allowed
        issuer.publish(jwk("one"), jwk("two", 1))
        new = signed(issuer.claims(), kid="two", number=1)
        # Too soon after the last time: a stranger cannot make the issuer be asked again and again.
        early = await door.ask_with(new)
        assert early.at_once
        assert early.verdict.status == 401
        door.ticks.now += PAUSE_S
        late = await door.ask_with(new)
        assert not late.at_once
        assert late.verdict.allowed
        assert len(issuer.asked) == 4
        for _ in range(3):
            unknown = await door.ask_with(signed(issuer.claims(), kid="three"))
            assert unknown.at_once
            assert unknown.verdict.status == 401
        assert len(issuer.asked) == 4


async def test_a_key_that_was_withdrawn() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims())
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(token)).verdict.allowed
        issuer.publish(jwk("two", 1))
        door.ticks.now += KEPT_S - 1
        assert (await door.ask_with(token)).verdict.allowed
        door.ticks.now += 1
        judged = await door.ask_with(token)
        assert not judged.at_once
        assert judged.verdict.status == 401


async def test_old_keys_serve_while_the_issuer_is_down() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims())
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(token)).verdict.allowed
        kept = dict(issuer.documents)
        issuer.documents.clear()
        door.ticks.now += KEPT_S
        assert (await door.ask_with(token)).verdict.allowed
        asked = len(issuer.asked)
        judged = await door.ask_with(token)
        assert judged.at_once  # not asked again by every request
        assert judged.verdict.allowed
        assert len(issuer.asked) == asked
        issuer.documents = kept
        door.ticks.now += PAUSE_S
        assert (await door.ask_with(token)).verdict.allowed
        assert len(issuer.asked) == asked + 2


async def test_an_issuer_that_comes_up_late(caplog: pytest.LogCaptureFixture) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    token = signed(issuer.claims())
    documents, issuer.documents = issuer.documents, {}
    async with opened(jwt_door(issuer), issuer) as door:
        for _ in range(3):
            assert not (await door.ask_with(token)).verdict.allowed
        assert caplog.text.count("status 404") == 1
        issuer.documents = documents
        assert (await door.ask_with(token)).verdict.allowed


async def test_many_at_a_time_ask_once() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    tokens = [signed(issuer.claims(sub=str(number))) for number in range(20)]
    async with opened(jwt_door(issuer), issuer) as door:
        judged = await asyncio.gather(*(door.ask_with(token) for token in tokens))
    assert all(one.verdict.allowed for one in judged)
    assert len(issuer.asked) == 2


async def test_who_gives_up_does_not_stop_the_others() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    keys = Issuers(Fetcher()).keys(issuer.url)
    first = asyncio.ensure_future(keys.refresh())
    second = asyncio.ensure_future(keys.refresh())
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert keys.key("one") is not None
    await issuer.stop()


DISCOVERY = "OIDC discovery endpoint communication error"
KEYS = "JWKS communication error"


def _huge(issuer: Issuer) -> None:
    issuer.publish(*(jwk(str(number)) for number in range(MAX_DOCUMENT // 400)))


def _to(path: str, document: Any) -> Callable[[Issuer], None]:
    def change(issuer: Issuer) -> None:
        issuer.documents[path] = document

    return change


@pytest.mark.parametrize(
    ("change", "description"),
    [
        (_to(CONFIGURATION, (500, {}, b"")), DISCOVERY),
        (_to(CONFIGURATION, (404, {}, b"")), DISCOVERY),
        (_to(CONFIGURATION, b"<html>"), DISCOVERY),
        (_to(CONFIGURATION, b"[]"), DISCOVERY),
        (_to(CONFIGURATION, b"{}"), DISCOVERY),
        (_to(CONFIGURATION, b'{"jwks_uri": 7}'), DISCOVERY),
        (_to(CONFIGURATION, b'{"jwks_uri": "file:///etc/passwd"}'), KEYS),
        (_to(CONFIGURATION, b'{"jwks_uri": "http://127.0.0.1:1/keys"}'), KEYS),
        (_to(CONFIGURATION, b'{"jwks_uri": "http://[::1"}'), KEYS),
        (_to(CONFIGURATION, b'{"jwks_uri": "http://127.0.0.1:99999/"}'), KEYS),
        (_to(CONFIGURATION, b'{"jwks_uri": "http://127.0.0.1:1/a b\\r\\nX: y"}'), KEYS),
        (_to(CONFIGURATION, b'{"jwks_uri": "http://\xc3\xbc.invalid/"}'), KEYS),
        (_to("/keys", (302, {"Location": "/keys"}, b"")), KEYS),
        (_to("/keys", (302, {"Location": "ftp://127.0.0.1/keys"}, b"")), KEYS),
        (_to("/keys", b"\xff\xfe"), KEYS),
        (_to("/keys", b"[" * 100_000), KEYS),
        (_to("/keys", b'{"keys": {}}'), KEYS),
        (_huge, KEYS),
    ],
)
async def test_issuers_without_keys(change: Callable[[Issuer], None], description: str) -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    change(issuer)
    async with opened(jwt_door(issuer), issuer) as door:
        verdict = (await door.ask_with(signed(issuer.claims()))).verdict
    assert (verdict.status, verdict.error) == (401, f"invalid_token: {description}")


@pytest.mark.parametrize(
    "broken",
    [
        [None, 7, "x", [], {}],
        [jwk("one", kty="EC")],
        [jwk("one", use="enc")],
        [jwk("one", n="")],
        [jwk("one", n="***")],
        [jwk("one", n="A" * 100_000)],
        [jwk("one", e="A" * 1000)],
        [jwk("one", e="AA")],
        [jwk("one", n=7)],
        [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}],
    ],
)
async def test_what_is_no_key_is_left_out(broken: list[Any]) -> None:
    issuer = Issuer(*broken, jwk("two", 1))
    await issuer.start()
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims()))).verdict.status == 401
        assert (await door.ask_with(signed(issuer.claims(), kid="two", number=1))).verdict.allowed


async def test_an_issuer_that_is_silent() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    issuer.silent = True
    async with opened(jwt_door(issuer), issuer) as door:
        verdict = (await door.ask_with(signed(issuer.claims()))).verdict
    assert verdict.error == f"invalid_token: {DISCOVERY}"


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_what_is_no_http(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keys = Issuers(Fetcher(timeout_s=5)).keys(f"http://127.0.0.1:{port}/tenant/")
    with pytest.raises(KeysUnavailable, match=DISCOVERY):
        await keys.refresh()
    server.close()


async def test_an_issuer_that_never_ends() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" " * 65_536)
            try:
                await writer.drain()
            except ConnectionError:
                break
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(FetchFailed, match="more than"):
        await Fetcher(timeout_s=10)(f"http://127.0.0.1:{port}/")
    server.close()


async def test_redirects_and_slashes() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    issuer.documents["/keys"] = (307, {"Location": "/v2/keys?a=b"}, b"")
    issuer.documents["/v2/keys"] = json.dumps({"keys": [jwk("one")]}).encode()
    issuer.url += "/"  # as Auth0 writes it
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims()))).verdict.allowed
    assert issuer.asked == [CONFIGURATION, "/keys", "/v2/keys"]


async def test_names_below_localhost() -> None:
    issuer = Issuer(jwk("one"))
    await issuer.start()
    issuer.url = issuer.url.replace("127.0.0.1", "people.example.localhost")
    async with opened(jwt_door(issuer), issuer) as door:
        assert (await door.ask_with(signed(issuer.claims()))).verdict.allowed


async def test_user_pools_need_no_discovery() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return json.dumps({"keys": [jwk("one")]}).encode()

    pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123"
    keys = Issuers(fetch).keys(pool)
    await keys.refresh()
    assert asked == [f"{pool}/.well-known/jwks.json"]
    assert keys.key("one") is not None


# ---------------------------------------------------------------- TLS


def _certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody else trusts, and a server's context with it."""
    key = private_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    certificate = directory / "certificate.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private = directory / "key.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context


async def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/away" in head:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://localhost/\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    certificate, context = _certificate(tmp_path)
    server = await asyncio.start_server(speak, "localhost", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        await Fetcher(timeout_s=10)(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    fetcher = Fetcher(timeout_s=10)
    assert await fetcher(f"{url}/keys") == b"{}"
    with pytest.raises(FetchFailed, match="leads away from https"):
        await fetcher(f"{url}/away")
    server.close()
