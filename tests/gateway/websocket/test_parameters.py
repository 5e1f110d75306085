"""Request parameters: what a client says is a value, and never another header."""

from __future__ import annotations

import json

import pytest

from lambent.gateway.websocket.parameters import mapped

EVENT = {
    "body": json.dumps({"user": "ada", "evil": "a\r\nX-Admin: yes", "nul": "a\0b"}),
    "headers": {"X-Key": "k"},
}


@pytest.mark.parametrize(
    ("name", "source", "sent"),
    [
        ("x-user", "route.request.body.user", [("x-user", "ada")]),
        ("x-user", "route.request.header.x-key", [("x-user", "k")]),
        ("x-user", "'fixed'", [("x-user", "fixed")]),
        ("Host", "'shop.example'", [("Host", "shop.example")]),
        ("x-user", "route.request.body.evil", []),
        ("x-user", "route.request.body.nul", []),
        ("x-user\r\nx", "'a'", []),
        ("Transfer-Encoding", "'chunked'", []),
        ("content-length", "'1'", []),
        ("x-amzn-trace-id", "'1'", []),
    ],
)
def test_headers(name: str, source: str, sent: list[tuple[str, str]]) -> None:
    headers, query = mapped({f"integration.request.header.{name}": source}, EVENT)
    assert (headers, query) == (sent, [])
