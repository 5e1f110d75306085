"""All layers together, in the order that the package recommends."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from lambent import App, Logger, NotFound
from lambent.app.middleware.api_key import ApiKey
from lambent.app.middleware.compression import Compression
from lambent.app.middleware.cors import CORS
from lambent.app.middleware.deadline import Deadline
from lambent.app.middleware.errors import Errors
from lambent.app.middleware.request_log import RequestLog
from lambent.app.middleware.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

SHOP = "https://shop.example"


def app_with(stream: io.StringIO) -> App:
    app = App(
        logger=Logger("shop", stream=stream),
        middleware=[
            RequestLog(),
            SecurityHeaders(),
            CORS(SHOP),
            Compression(encodings=["gzip"]),
            Deadline(seconds=5),
            Errors({KeyError: NotFound}),
            ApiKey("k1"),
        ],
    )

    @app.get("/{name}")
    def sync(name: str) -> Any:
        return {"x": {"long": "x" * 5000}[name]}

    @app.put("/{name}")
    async def later(name: str) -> Any:
        return sync(name)

    return app


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/long", "k1", 200),
        ("PUT", "/long", "k1", 200),
        ("GET", "/missing", "k1", 404),
        ("PUT", "/missing", "k1", 404),
        ("GET", "/long", "wrong", 401),
        ("PUT", "/long", "wrong", 401),
        ("POST", "/long", "k1", 405),
        ("GET", "/not/there", "k1", 404),
        # Browsers send no keys with preflights.
        ("OPTIONS", "/long", "", 204),
    ],
)
def test_all_of_them(call: Call, method: str, path: str, key: str, status: int) -> None:
    stream = io.StringIO()
    headers = [("Origin", SHOP), ("X-Api-Key", key), ("Accept-Encoding", "gzip")]
    if method == "OPTIONS":
        headers.append(("Access-Control-Request-Method", "PUT"))
    answer = call(app_with(stream), method, path, headers=headers)
    assert answer.status == status
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("access-control-allow-origin") == SHOP
    if status == 200:
        assert len(json.loads(gzip.decompress(answer.body))["x"]) == 5000
        assert answer.header("vary") == "Accept-Encoding, Origin"
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["method"], line["status"]) == (method, status)


class Session:
    """What handlers work with, until it is closed."""


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("is_async", [False, True])
def test_services_are_told_what_has_failed(call: Call, method: str, is_async: bool) -> None:
    """Where a layer answers the exception: it is on the loop then, which cannot wait for another coroutine."""
    ended: list[str] = []
    stream = io.StringIO()
    app = App(middleware=[SecurityHeaders(), CORS(SHOP)], logger=Logger("sessions", stream=stream))

    def session() -> Iterator[Session]:
        try:
            yield Session()
        except KeyError:
            ended.append("rolled back")
            raise
        ended.append("committed")

    async def later() -> AsyncIterator[Session]:
        try:
            yield Session()
        except KeyError:
            ended.append("rolled back")
            raise
        ended.append("committed")

    app.provide(later if is_async else session, type=Session, lifetime="invocation")

    @app.get("/{name}")
    def sync(name: str, session: Session) -> str:
        return {"good": "x"}[name]

    @app.put("/{name}")
    async def async_(name: str, session: Session) -> str:
        return {"good": "x"}[name]

    assert call(app, method, "/good").status == 200
    assert call(app, method, "/bad").status == 500
    assert ended == ["committed", "rolled back"]
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        f"{method} /{{name}} failed"
    ]


PROGRAM = """
import sys
sys.modules["typing_extensions"] = None  # a function has none
from lambent import App
from lambent.app.middleware.authorizer import AuthorizerContext
from lambent.app.middleware.bearer import Bearer
from lambent.app.middleware.compression import Compression
from lambent.app.middleware.cors import CORS
from lambent.app.middleware.deadline import Deadline
from lambent.app.middleware.errors import Errors
from lambent.app.middleware.security_headers import SecurityHeaders
class Context:
    get_remaining_time_in_millis = lambda self: 5000
bearer = Bearer(issuer="me", audience="you", keys=b"x" * 32, algorithms=["HS256"], optional=True)
layers = [SecurityHeaders(), CORS("*"), Compression(encodings=["gzip"]), Deadline(), Errors({KeyError: ValueError})]
app = App(middleware=[*layers, bearer, AuthorizerContext(required=False)])
app.get("/")(lambda: {"ok": True})
event = {"rawPath": "/", "requestContext": {"http": {"method": "GET"}, "stage": "$default"}, "headers": {}}
assert app(event, Context())["statusCode"] == 200
print("\\n".join(sys.modules))
"""


def test_what_they_import() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    heavy = {
        "asyncio",
        "cryptography",
        "dataclasses",
        "inspect",
        "logging",
        "ssl",
        "threading",
        "http.client",
        "email",
    }
    assert set(done.stdout.split()) & heavy == set()
