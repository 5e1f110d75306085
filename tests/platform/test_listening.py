"""What the listener asks of those who come: TLS where that is set, and a host that is its own."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest
from tests.platform.conftest import Platform, wait_until

if TYPE_CHECKING:
    from pathlib import Path

CALLS_BACK = """
import os, urllib.request

def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"]
    with urllib.request.urlopen(url + "/_lambent/health") as answer:
        return [url.partition(":")[0], answer.status]
"""


def test_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -days 1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    platform = Platform(tmp_path, tls_certificate=certificate, tls_key=key)
    platform.process = platform.launch()
    try:
        wait_until(lambda: "on https://" in platform.printed)
        platform.url = "https://" + platform.printed.partition("on https://")[2].partition(",")[0]
        trusting = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"{platform.url}/_lambent/health", context=trusting) as answer:  # noqa: S310 - ours
            assert json.load(answer)["status"] == "ok"
        client = platform.client(verify=str(certificate))
        name = platform.create(CALLS_BACK, client=client)
        answered = client.invoke(FunctionName=name)
        assert json.load(answered["Payload"]) == ["http", 200]
        url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
        assert url.startswith("https://")
    finally:
        assert platform.stop() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/_lambent/health",
        "/2015-03-31/functions/f/invocations",
        "/",
        "/_aws/lambda-url/abc/",
        "/_aws/execute-api/abc/prod/",
    ],
)
def test_a_page_that_has_its_name_lead_here_gets_nothing(platform: Platform, path: str) -> None:
    hosts = ("evil.example", f"evil.example:{platform.address[1]}", "abc.execute-api.evil.example")
    for host in hosts:
        answer = platform.request("POST", path, b"{}", {"Host": host})
        assert (answer.status, "allowed_hosts" in answer.json["message"]) == (403, True)
    assert platform.request("GET", "/_lambent/health", headers={"Host": "lambent:4566"}).status == 200


def test_what_is_too_large_for_an_api_is_told_so_at_its_head(platform: Platform) -> None:
    """And not after it has been sent."""
    with socket.create_connection(platform.address, timeout=10) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: abc.execute-api.us-east-1.localhost\r\nExpect: 100-continue\r\n"
            b"Content-Length: 10485761\r\n\r\n"
        )
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b'{"message":"Request Entity Too Large"}')


def test_what_grows_too_large_for_an_api(platform: Platform) -> None:
    with socket.create_connection(platform.address, timeout=10) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: abc.execute-api.us-east-1.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            for _ in range(11):
                client.sendall(b"100000\r\n" + b"x" * 1048576 + b"\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
