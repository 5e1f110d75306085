"""Answers in fewer bytes."""

from __future__ import annotations

import gzip
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.conftest import event_of

from lambent import App, AppError, NotFound, Response
from lambent.app.middleware.compression import Compression, preferred

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

LONG = "Lambent answers. " * 200


def answering(result: Any, **options: Any) -> App:
    app = App(middleware=[Compression(encodings=["gzip"], **options)])

    def handler() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    app.get("/")(handler)
    return app


def get(call: Call, app: App, accepted: str | None = "gzip, deflate, br", method: str = "GET") -> Answer:
    return call(app, method, "/", headers=[] if accepted is None else [("Accept-Encoding", accepted)])


def test_compressed(call: Call) -> None:
    answer = get(call, answering(Response(LONG, headers={"etag": '"1"', "vary": "Accept"})))
    assert answer.header("content-encoding") == "gzip"
    assert answer.header("vary") == "Accept, Accept-Encoding"
    assert answer.header("etag") == 'W/"1"'
    assert answer.header("content-type").startswith("text/plain")
    assert len(answer.body) < len(LONG) / 10
    assert gzip.decompress(answer.body).decode() == LONG


@pytest.mark.parametrize("source", ["v1", "v2"])
def test_in_base64_on_the_wire(source: str) -> None:
    headers = [("Accept-Encoding", "gzip")]
    answer = answering({"text": LONG})(event_of(source, "GET", "/", headers=headers))
    assert answer["isBase64Encoded"] is True
    assert answering({"text": LONG})(event_of(source, "GET", "/"))["isBase64Encoded"] is False


def test_long_errors_too(call: Call) -> None:
    answer = get(call, answering(NotFound(details=[LONG])))
    assert (answer.status, answer.header("content-encoding")) == (404, "gzip")


@pytest.mark.parametrize("accepted", [None, "identity", "br", "gzip;q=0", "*;q=0", ""])
def test_who_cannot_read_it(call: Call, accepted: str | None) -> None:
    answer = get(call, answering(LONG), accepted)
    assert answer.text == LONG
    assert "content-encoding" not in answer.headers
    assert answer.header("vary") == "Accept-Encoding"  # a cache has to know


@pytest.mark.parametrize(
    "response",
    [
        lambda: "short",
        lambda: None,
        lambda: "ä" * 400,
        lambda: Response(LONG.encode(), content_type="image/png"),
        lambda: Response(LONG, headers={"content-encoding": "br"}),
        lambda: Response(LONG, 206, headers={"content-range": "bytes 0-3399/9999"}),
        lambda: Response(LONG, headers={"content-range": "bytes 0-3399/9999"}),
        lambda: Response(LONG, headers={"cache-control": "public, no-transform"}),
    ],
)
def test_what_stays_as_it_is(call: Call, response: Any) -> None:
    result = response()
    encoded = isinstance(result, Response) and "content-encoding" in result.headers
    answer = get(call, answering(result))
    assert answer.headers.get("content-encoding") == (["br"] if encoded else None)
    assert "vary" not in answer.headers


def test_not_for_head(call: Call) -> None:
    answer = get(call, answering(LONG), method="HEAD")
    assert answer.body == b""
    assert "content-encoding" not in answer.headers


def test_what_does_not_get_smaller(call: Call) -> None:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(64))
    answer = get(call, answering(Response(noise, content_type="text/plain")))
    assert answer.body == noise


def test_minimum_size(call: Call) -> None:
    assert "content-encoding" in get(call, answering("ä" * 50, minimum_size=100)).headers
    assert "content-encoding" not in get(call, answering("ä" * 49, minimum_size=100)).headers


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.9, zstd;q=0.1", "gzip"),
        ("br ; q=0.8 , gzip ; q=0.8", "br"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "br"),
        ("*;q=0.5, gzip", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("deflate", None),
        ("gzip;q=0", None),
        ("gzip;q=nonsense", None),
        ("gzip;q=nan", None),
        ("", None),
        (",,;;,", None),
    ],
)
def test_preferred(accepted: str, encoding: str | None) -> None:
    assert preferred(accepted, ("zstd", "br", "gzip")) == encoding


def test_encodings_that_are_not_there() -> None:
    with pytest.raises(AppError, match="lzw is not there"):
        Compression(encodings=["lzw"])
    assert "gzip" in Compression()._encoders
