"""Real endpoints over TLS, and what becomes of a request when there are no credentials for it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lambent.neighbours.endpoint import Endpoint, Keys
from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.neighbours import Neighbours

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEYS = Keys("KEY", "SECRET")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key, and a certificate for localhost that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextlib.asynccontextmanager
async def endpoint(certificate: Path | None, heads: list[bytes]) -> AsyncIterator[int]:
    """A server that answers every request with "real", and notes its head; its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nreal")
            await writer.drain()
        writer.close()

    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(handle, "localhost", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def ask(url: str, call: Any, keys: Keys | None = KEYS) -> bytes | None:
    neighbours = Neighbours({"s3": Endpoint(url, keys, "eu-west-1")})
    try:
        return await (await neighbours.send(call)).read(100)
    finally:
        await neighbours.close()


def test_certificates_are_verified(
    run: Any, call: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        heads: list[bytes] = []
        async with endpoint(certificate, heads) as port:
            with pytest.raises(NeighbourDown, match=r"(?i)certificate.verify.failed") as caught:
                await ask(f"https://localhost:{port}", call())
            assert caught.value.status == 502
            assert not heads
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            assert await ask(f"https://localhost:{port}", call()) == b"real"
            assert b"host: localhost:%d\r\n" % port in heads[0]
            assert b"/eu-west-1/s3/aws4_request" in heads[0]

    run(scenario)


def test_anonymous_requests_stay_so(run: Any, call: Any) -> None:
    async def scenario() -> None:
        heads: list[bytes] = []
        async with endpoint(None, heads) as port:
            assert await ask(f"http://localhost:{port}", call(anonymous=True)) == b"real"
            assert b"authorization" not in heads[0]

    run(scenario)


def test_without_credentials_it_says_what_is_missing(
    run: Any, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    async def scenario() -> None:
        with pytest.raises(NeighbourDown, match="set access_key and secret_key"):
            await ask("http://127.0.0.1:9", call(), keys=None)

    run(scenario)
