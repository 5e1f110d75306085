"""Key sets fetched from a real server, on a clock that the tests set."""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lambent.app.jwt.errors import KeysUnavailable, UnknownKey, WrongIssuer
from lambent.app.jwt.remote import RemoteKeys, locate
from lambent.app.jwt.verifier import Verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwks(*kids: str, key: Ed25519PrivateKey = KEY) -> bytes:
    x = b64(key.public_key().public_bytes_raw())
    return json.dumps(
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid} for kid in kids]}
    ).encode()


def make(kid: str | None, issuer: str = "me", key: Ed25519PrivateKey = KEY) -> str:
    header = {"alg": "EdDSA"} if kid is None else {"alg": "EdDSA", "kid": kid}
    message = b64(json.dumps(header).encode()) + "." + b64(json.dumps({"iss": issuer, "exp": 9e9}).encode())
    return message + "." + b64(key.sign(message.encode()))


class Issuer:
    """A server with documents by path: bytes, or a function that writes the answer. It notes what is asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                document = issuer.documents.get(self.path)
                if callable(document):
                    document(self)
                    return
                self.send_response(404 if document is None else 200)
                for name, value in issuer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(document or b"")))
                self.end_headers()
                self.wfile.write(document or b"")

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    made.documents["/keys"] = jwks("a", "b")
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kids(remote: RemoteKeys, kid: str | None) -> list[str | None]:
    return [key.kid for key in remote.find(kid, "EdDSA")]


def test_nothing_is_fetched_before_the_first_token(issuer: Issuer, clock: Clock) -> None:
    checks = Verifier(
        issuer="me", audience=None, jwks_url=f"{issuer.url}/keys?v=1", algorithms=["EdDSA"], clock=clock
    )
    assert issuer.asked == []
    issuer.documents["/keys?v=1"] = jwks("a", "b")
    for kid in "aba":
        assert checks.verify(make(kid))["iss"] == "me"
    assert issuer.asked == ["/keys?v=1"]


def test_warm(issuer: Issuer, clock: Clock) -> None:
    checks = Verifier(
        issuer="me", audience=None, jwks_url=f"{issuer.url}/keys", algorithms=["EdDSA"], clock=clock
    )
    checks.warm()
    checks.warm()
    checks.verify(make("a"))
    assert issuer.asked == ["/keys"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"Cache-Control": "public, max-age=600"}, 600),
        ({"Cache-Control": "public, MAX-AGE=600", "Age": "100"}, 500),
        ({"Cache-Control": "s-maxage=900,max-age=600, must-revalidate"}, 600),
        ({"Cache-Control": "s-maxage=900"}, 3600),
        ({"Cache-Control": "max-age=5"}, 60),
        ({"Cache-Control": "no-store"}, 60),
        ({"Cache-Control": "no-cache, max-age=600"}, 60),
        ({"Cache-Control": "max-age=99999999999999"}, 86400),
        ({"Cache-Control": "max-age=600", "Age": "x"}, 600),
        ({"Cache-Control": "max-age=600", "Age": "9999"}, 60),
        ({"Cache-Control": "max-age=-1"}, 3600),
    ],
    ids=str,
)
def test_keys_are_used_for_as_long_as_is_said(
    issuer: Issuer, clock: Clock, headers: dict[str, str], seconds: int
) -> None:
    issuer.headers = headers
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    kids(remote, "a")
    clock.now += seconds - 1
    kids(remote, "a")
    assert len(issuer.asked) == 1
    clock.now += 1
    issuer.documents["/keys"] = jwks("b")
    assert kids(remote, "b") == ["b"]
    assert len(issuer.asked) == 2
    assert kids(remote, "a") == []


def test_a_clock_that_is_set_back_does_not_keep_keys_for_ever(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    kids(remote, "a")
    clock.now -= 100_000
    kids(remote, "a")
    assert len(issuer.asked) == 2


def test_an_unknown_key_has_them_fetched_once_in_five_minutes(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    assert kids(remote, "c") == []
    assert len(issuer.asked) == 1  # they have just been fetched
    issuer.documents["/keys"] = jwks("b", "c")
    assert kids(remote, "c") == ["c"]
    assert len(issuer.asked) == 2
    issuer.documents["/keys"] = jwks("d")
    for _ in range(5):
        assert kids(remote, "d") == []
    clock.now += 299
    assert kids(remote, "d") == []
    assert len(issuer.asked) == 2
    clock.now += 1
    assert kids(remote, "d") == ["d"]
    assert len(issuer.asked) == 3


def test_a_token_without_kid_does_not_have_them_fetched(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    for _ in range(3):
        assert kids(remote, None) == []
    assert len(issuer.asked) == 1
    issuer.documents["/keys"] = jwks("a")
    clock.now += 3600
    assert kids(remote, None) == ["a"]


def test_old_keys_are_used_for_a_day_when_new_ones_cannot_be_had(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    kids(remote, "a")
    del issuer.documents["/keys"]
    clock.now += 3600
    assert kids(remote, "a") == ["a"]
    assert len(issuer.asked) == 2
    clock.now += 9
    assert kids(remote, "a") == ["a"]
    assert kids(remote, "c") == []
    assert len(issuer.asked) == 2  # not yet again
    clock.now += 1
    assert kids(remote, "a") == ["a"]
    assert len(issuer.asked) == 3
    clock.now += 86400 - 11
    assert kids(remote, "a") == ["a"]
    clock.now += 11
    with pytest.raises(KeysUnavailable, match="answered 404"):
        kids(remote, "a")
    with pytest.raises(KeysUnavailable, match="a moment ago"):
        kids(remote, "a")
    issuer.documents["/keys"] = jwks("a")
    clock.now += 10
    assert kids(remote, "a") == ["a"]


def test_a_failed_fetch_for_an_unknown_key_is_tried_again_soon(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    kids(remote, "a")
    del issuer.documents["/keys"]
    assert kids(remote, "c") == []
    issuer.documents["/keys"] = jwks("c")
    assert kids(remote, "c") == []
    clock.now += 10
    assert kids(remote, "c") == ["c"]


def redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/keys")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def ends_early(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(jwks("a"))


def chunk_ends_early(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n{}")


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-x\r\n\r\n")


def drips(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.01)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"", "truncated"),
        (b"[]", "JWK Set"),
        (b'{"keys": 1}', "JWK Set"),
        (b"{", "truncated"),
        (b"[" * 100_000, "recursion"),
        (b'{"keys":[]}' + b" " * 512 * 1024, "larger than 512 KB"),
        (redirect, "answered 302"),
        (ends_early, "ends early"),
        (chunk_ends_early, "IncompleteRead"),
        (no_http, "BadStatusLine"),
        (drips, "timed out"),
    ],
)
def test_answers_that_are_no_key_set(
    issuer: Issuer, clock: Clock, document: bytes | Callable[[BaseHTTPRequestHandler], None], text: str
) -> None:
    issuer.documents["/other"] = document
    remote = RemoteKeys(f"{issuer.url}/other", clock=clock, timeout=0.3)
    with pytest.raises(KeysUnavailable, match=text) as raised:
        remote.find("a", "EdDSA")
    assert f"{issuer.url}/other" in str(raised.value)


def test_a_set_of_512_kb_is_read(issuer: Issuer, clock: Clock) -> None:
    issuer.documents["/keys"] = jwks("a").ljust(512 * 1024)
    assert kids(RemoteKeys(f"{issuer.url}/keys", clock=clock), "a") == ["a"]


def test_servers_that_are_not_there_or_silent(clock: Clock) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(KeysUnavailable, match="refused"):
            RemoteKeys(url, clock=clock).find("a", "EdDSA")
        listening.listen()
        began = time.monotonic()
        with pytest.raises(KeysUnavailable, match="timed out"):
            RemoteKeys(url, clock=clock, timeout=0.2).find("a", "EdDSA")
        assert time.monotonic() - began < 2


def test_secrets_are_not_taken_from_what_is_published(issuer: Issuer, clock: Clock, tmp_path: Path) -> None:
    document = json.dumps({"keys": [{"kty": "oct", "k": b64(bytes(32)), "kid": "a"}]}).encode()
    issuer.documents["/keys"] = document
    assert RemoteKeys(f"{issuer.url}/keys", clock=clock).find("a", "HS256") == []
    file = tmp_path / "a key set.json"
    file.write_bytes(document)
    assert len(RemoteKeys(f"file://{tmp_path}/a%20key%20set.json", clock=clock).find("a", "HS256")) == 1
    file.unlink()
    with pytest.raises(KeysUnavailable, match="No such file"):
        RemoteKeys(f"file://{file}", clock=clock).find("a", "HS256")


def test_threads_fetch_once(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    begin, go_on = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begin.set()
        assert go_on.wait(5)
        body = jwks("a", "c")
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    issuer.documents["/keys"] = slow
    found: list[list[str | None]] = []
    threads = [threading.Thread(target=lambda: found.append(kids(remote, "a"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begin.wait(5)
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [["a"]] * 4
    assert len(issuer.asked) == 1


def test_others_use_the_old_keys_while_one_fetches(issuer: Issuer, clock: Clock) -> None:
    remote = RemoteKeys(f"{issuer.url}/keys", clock=clock)
    kids(remote, "a")
    begin, go_on = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begin.set()
        assert go_on.wait(5)

    issuer.documents["/keys"] = slow
    clock.now += 3600
    first = threading.Thread(target=kids, args=(remote, "a"))
    first.start()
    assert begin.wait(5)
    assert kids(remote, "a") == ["a"]
    assert first.is_alive()
    go_on.set()
    first.join()
    assert len(issuer.asked) == 2


# --- Discovery


def test_discovery(issuer: Issuer, clock: Clock) -> None:
    for path in ("", "/tenant", "/tenant/"):
        name = issuer.url + path
        document = json.dumps({"issuer": name, "jwks_uri": f"{issuer.url}/keys"}).encode()
        issuer.documents[f"{path.rstrip('/')}/.well-known/openid-configuration"] = document
        issuer.asked.clear()
        checks = Verifier(issuer=name, audience=None, algorithms=["EdDSA"], clock=clock)
        checks.verify(make("a", name))
        checks.verify(make("b", name))
        assert issuer.asked == [f"{path.rstrip('/')}/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"issuer": "https://other.example"}, "not that of the issuer"),
        ({"issuer": None}, "not that of the issuer"),
        ({"jwks_uri": None}, "no jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "no jwks_uri"),
        ({"jwks_uri": "http://other.example/keys"}, "fetched by https"),
        ({"jwks_uri": "http://169.254.169.254/"}, "fetched by https"),
    ],
    ids=str,
)
def test_discovery_documents_that_are_refused(
    issuer: Issuer, clock: Clock, changes: dict[str, Any], text: str
) -> None:
    document = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", **changes}
    issuer.documents["/.well-known/openid-configuration"] = json.dumps(document).encode()
    with pytest.raises(KeysUnavailable, match=text):
        RemoteKeys(None, issuer.url, clock=clock).find("a", "EdDSA")


def test_an_issuer_does_not_sign_for_another(issuer: Issuer, clock: Clock) -> None:
    """Two issuers, with a key of the same name each."""
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    one, two = f"{issuer.url}/one", f"{issuer.url}/two"
    for name, key in ((one, KEY), (two, other)):
        path = name.removeprefix(issuer.url)
        issuer.documents[f"{path}/.well-known/openid-configuration"] = json.dumps(
            {"issuer": name, "jwks_uri": f"{name}/keys"}
        ).encode()
        issuer.documents[f"{path}/keys"] = jwks("a", *(["only one"] if key is KEY else []), key=key)
    checks = Verifier(issuer=[one, two], audience=None, algorithms=["EdDSA"], clock=clock)
    assert checks.verify(make("a", one))["iss"] == one
    assert checks.verify(make("a", two, other))["iss"] == two
    with pytest.raises(UnknownKey):
        checks.verify(make("only one", two))
    for token in (make("a", f"{issuer.url}/three"), make("a", "")):
        with pytest.raises(WrongIssuer):
            checks.verify(token)


# --- Addresses


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://a.example", ("https", "a.example", None, "/")),
        ("https://a.example:8443/x/y?z=1&w", ("https", "a.example", 8443, "/x/y?z=1&w")),
        ("http://localhost:4566/x", ("http", "localhost", 4566, "/x")),
        ("http://127.0.0.1/", ("http", "127.0.0.1", None, "/")),
        ("http://[::1]:80/", ("http", "[::1]", 80, "/")),
        ("file:///var/task/keys%20.json", ("file", "", None, "/var/task/keys .json")),
    ],
)
def test_addresses(url: str, parts: tuple[str, str, int | None, str]) -> None:
    assert locate(url) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "ftp://a.example/",
        "http://a.example/",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "http://localhost@a.example/",
        "http://localhost:80@a.example/",
        "https://user:secret@a.example/",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example/x y",
        "https://a.example/x\r\nHost: b",
        "https://a.example/#x",
        "https://a.example\n",
        "file://host/x",
        "file:x",
        "HTTPS://a.example/",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not a|https"):
        locate(url)
    with pytest.raises(ValueError, match=r"not a|https"):
        RemoteKeys(url)


# --- TLS


def test_certificates_are_checked(
    issuer: Issuer, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(tmp_path / "tls.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem")
    issuer.server.socket = context.wrap_socket(issuer.server.socket, server_side=True)
    url = f"https://localhost:{issuer.server.server_port}/keys"
    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        RemoteKeys(url, clock=clock).find("a", "EdDSA")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
    assert kids(RemoteKeys(url, clock=clock), "a") == ["a"]
    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        RemoteKeys(url.replace("localhost", "127.0.0.1"), clock=clock).find("a", "EdDSA")


def test_keys_are_fetched_through_a_proxy(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            accepted, _ = server.accept()
            with accepted, accepted.makefile("rb") as lines:
                heads.append(lines.readline())
                while lines.readline().strip():
                    pass
                accepted.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        monkeypatch.delenv("https_proxy", raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(KeysUnavailable, match="Tunnel connection failed: 403"):
            RemoteKeys("https://id.example/keys", clock=clock).find("a", "EdDSA")
        thread.join()
    assert heads == [b"CONNECT id.example:443 HTTP/1.0\r\n"] or heads == [
        b"CONNECT id.example:443 HTTP/1.1\r\n"
    ]
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy")
    with pytest.raises(KeysUnavailable, match="HTTPS_PROXY is no proxy"):
        RemoteKeys("https://id.example/keys", clock=clock).find("a", "EdDSA")


def certificate(path: Path) -> None:
    """A key and a certificate for localhost."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
