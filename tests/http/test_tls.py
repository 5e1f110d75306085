"""The server over TLS, with a certificate made for the test."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

from lambent.http import HttpServer, Request

if TYPE_CHECKING:
    from pathlib import Path


def test_requests_come_over_tls(run: Any, tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost -days 1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))

    def handler(request: Request) -> None:
        request.respond(200, [], b"secure" if request.secure else b"plain")

    async def scenario() -> None:
        server = HttpServer(handler)
        await server.start("127.0.0.1", 0, ssl=context)
        reader, writer = await asyncio.open_connection(
            *server.address, ssl=trusting, server_hostname="localhost"
        )
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(6) == b"secure"
        writer.close()
        await server.drain(1)

    run(scenario)
