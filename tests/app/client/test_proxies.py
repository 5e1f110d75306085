"""Proxies: which one, and what is said to it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import ssl
import threading
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.request import getproxies_environment

import pytest
from botocore.httpsession import ProxyConfiguration
from botocore.utils import should_bypass_proxies
from hypothesis import given
from hypothesis import strategies as st

from lambent.app.client import connection
from lambent.app.client.credentials import credentials
from lambent.app.client.errors import AWSError, ConnectionFailed, NotConfigured
from lambent.app.client.proxies import Proxy, proxy_for
from lambent.app.client.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.client.conftest import Backend

NAMES = [one for name in ("http_proxy", "https_proxy", "no_proxy") for one in (name, name.upper())]
SQS = "sqs.eu-west-1.amazonaws.com"


@pytest.fixture
def bare(variables: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxies."""
    for name in [*NAMES, "REQUEST_METHOD"]:
        variables.delenv(name, raising=False)
    return variables


URL = st.sampled_from(["", "http://p:3128", "p", "//p:1", "http://u:p%40ss@p:8080"])
NO = st.lists(
    st.sampled_from(
        ["", "*", SQS, f"{SQS}:443", "amazonaws.com", ".AMAZONAWS.com", "zonaws.com", " localhost "]
    ),
    max_size=3,
).map(",".join)


@given(
    settings=st.dictionaries(st.sampled_from(NAMES[:4]), URL),
    excepted=st.dictionaries(st.sampled_from(NAMES[4:]), NO),
    host=st.sampled_from([SQS, SQS.upper(), "localhost", "amazonaws.com"]),
    scheme=st.sampled_from(["http", "https"]),
    cgi=st.booleans(),
)
def test_the_proxy_that_botocore_would_use(
    settings: dict[str, str], excepted: dict[str, str], host: str, scheme: str, cgi: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in [*NAMES, "REQUEST_METHOD"]:
            patch.delenv(name, raising=False)
        for name, value in {**settings, **excepted, **({"REQUEST_METHOD": "GET"} if cgi else {})}.items():
            patch.setenv(name, value)
        configured = ProxyConfiguration(getproxies_environment())
        url = configured.proxy_url_for(f"{scheme}://{host}")
        port = 443 if scheme == "https" else 80
        found = proxy_for(scheme, host, port)
        if not url or host == "localhost" or should_bypass_proxies(f"{scheme}://{host}:{port}"):
            assert found is None
        else:
            headers = configured.proxy_headers_for(url)
            assert found is not None
            assert found.host == "p"
            assert found.authorization == headers.get("Proxy-Authorization")


@pytest.mark.parametrize(
    "url", ["https://p:1", "socks5://p:1", "http://", "http://p:port", "http://u:secret@:1"]
)
def test_what_is_no_proxy_is_told_without_its_password(bare: pytest.MonkeyPatch, url: str) -> None:
    bare.setenv("HTTPS_PROXY", url)
    with pytest.raises(NotConfigured, match="HTTPS_PROXY is no proxy") as raised:
        proxy_for("https", SQS, 443)
    assert "secret" not in str(raised.value)


def test_through_a_proxy_the_whole_url_is_asked_for(bare: pytest.MonkeyPatch, backend: Backend) -> None:
    bare.setenv("HTTP_PROXY", f"http://ada:secret@127.0.0.1:{backend.port}")
    bare.setenv("AWS_ENDPOINT_URL", "http://sqs.internal:4566/aws")
    for _ in range(2):
        Service("sqs", "SQS").request("GET", "/x", query="a=b")
    asked = backend.asked[0]
    assert asked.target == "http://sqs.internal:4566/aws/x?a=b"
    assert asked.headers["host"] == "sqs.internal:4566"
    assert asked.headers["proxy-authorization"] == f"Basic {b64encode(b'ada:secret').decode()}"
    assert "proxy-authorization" not in asked.headers["authorization"]
    assert asked.port == backend.asked[1].port


def test_a_containers_credentials_do_not_pass_a_proxy(bare: pytest.MonkeyPatch, tunnel: Tunnel) -> None:
    bare.delenv("AWS_ACCESS_KEY_ID")
    bare.setenv("HTTPS_PROXY", f"http://127.0.0.1:{tunnel.port}")
    bare.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://0.0.0.0:1/credentials")
    with pytest.raises(AWSError, match="ConnectionRefusedError"):
        credentials()
    assert not tunnel.heads


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "api.localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_not_behind_a_proxy(bare: pytest.MonkeyPatch, host: str) -> None:
    bare.setenv("HTTP_PROXY", "http://proxy:3128")
    assert proxy_for("http", host, 4566) is None
    assert proxy_for("http", f"x{host}x", 4566) is not None


class Tunnel:
    """A proxy that connects whoever asks with `target`, or says something else."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.target: tuple[str, int] = ("127.0.0.1", 1)
        self.says = b"HTTP/1.1 200 Connection established\r\n\r\n"
        tunnel = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += self.rfile.readline()
                tunnel.heads.append(head.decode())
                self.wfile.write(tunnel.says)
                if b" 200 " in tunnel.says:
                    with contextlib.suppress(OSError), socket.create_connection(tunnel.target) as other:
                        relay(self.connection, other)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def relay(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _events in selector.select():
                data = key.fileobj.recv(65536)  # type: ignore[union-attr] # it is a socket
                if not data:
                    return
                key.data.sendall(data)


@pytest.fixture
def tunnel(bare: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    tunnel = Tunnel()
    bare.setenv("HTTPS_PROXY", f"http://ada:secret@127.0.0.1:{tunnel.port}")
    bare.setenv("AWS_MAX_ATTEMPTS", "1")
    yield tunnel
    tunnel.close()


def test_https_goes_through_a_tunnel(
    bare: pytest.MonkeyPatch, certificate: Path, tunnel: Tunnel, request: pytest.FixtureRequest
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain: Backend = request.getfixturevalue("backend")
    backend = type(plain)(lambda sock: context.wrap_socket(sock, server_side=True))
    tunnel.target = ("127.0.0.1", backend.port)
    bare.setenv("AWS_CA_BUNDLE", str(certificate))
    bare.setenv("AWS_ENDPOINT_URL", "https://sqs.internal:4566/aws")
    connection.close()
    try:
        for _ in range(2):
            Service("sqs", "SQS").request("GET", "/x")
        assert [(one.target, one.headers["host"]) for one in backend.asked] == [
            ("/aws/x", "sqs.internal:4566")
        ] * 2
        assert "proxy-authorization" not in backend.asked[0].headers
        (head,) = tunnel.heads
        assert head.startswith("CONNECT sqs.internal:4566 HTTP/1.")
        assert "\r\nHost: sqs.internal:4566\r\n" in head
        assert f"\r\nProxy-Authorization: Basic {b64encode(b'ada:secret').decode()}\r\n" in head
        # The certificate has to be the service's, not the proxy's.
        bare.setenv("AWS_ENDPOINT_URL", "https://sns.internal:4566")
        with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED") as raised:
            Service("sqs", "SQS").request("GET", "/")
        assert f"https://sns.internal:4566 through the proxy 127.0.0.1:{tunnel.port}" in str(raised.value)
    finally:
        connection.close()
        backend.close()


@pytest.mark.parametrize("says", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n"])
def test_a_proxy_that_refuses(bare: pytest.MonkeyPatch, tunnel: Tunnel, says: bytes) -> None:
    tunnel.says = says
    bare.setenv("AWS_ENDPOINT_URL", "https://sqs.internal")
    with pytest.raises(ConnectionFailed, match=r"407 Proxy Authentication Required|BadStatusLine") as raised:
        Service("sqs", "SQS").request("GET", "/")
    assert not raised.value.sent


def test_the_usual_port() -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.delenv(name, raising=False)
        patch.setenv("https_proxy", "proxy")
        assert proxy_for("https", SQS, 443) == Proxy("proxy", 80, None)
