"""Paths as HTTP APIs decode them."""

from __future__ import annotations

import pytest

from lambent.gateway.http_api.paths import decoded_path


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        # Captured: hotsock/voker, vokerhttp/testdata/ingress-paths.json.
        ("/capture/plain", "/capture/plain"),
        ("/capture/space%20value", "/capture/space value"),
        ("/capture/question%3Fvalue", "/capture/question"),
        ("/capture/percent%25done", None),
        ("/capture/hash%23value", "/capture/hash#value"),
        ("/capture/slash%2Fvalue", "/capture/slash/value"),
        ("/capture/unicode-%CE%BB-%E4%B8%96%E7%95%8C", "/capture/unicode-λ-世界"),
        ("/capture/literal%252Fvalue", "/capture/literal/value"),
        ("/capture/literal%253Fvalue", "/capture/literal?value"),
        ("/capture/literal%2525value", "/capture/literal%value"),
        # What else clients send.
        ("/a%", None),
        ("/a%zz", None),
        ("/a+b", "/a+b"),
        ("/\xc3\xbc", "/ü"),
        ("/%ff", "/\ufffd"),
    ],
)
def test_paths(sent: str, path: str | None) -> None:
    assert decoded_path(sent) == path
