"""Answers in fewer bytes, for who can read them.

RFC 9110: sections 8.4 (Content-Encoding), 12.5.3 (Accept-Encoding), 8.8.1 (weak validators). Such answers go to the
gateway in base64. A REST API decodes that only for media types among its `binaryMediaTypes`, where "*/*" is for all;
HTTP APIs, function URLs and load balancers always do.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError
from lambent.app.middleware.http import AnswerLayer, header, vary
from lambent.app.response import is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.app.request import Request
    from lambent.app.response import Response

_STATUSES = frozenset({204, 206, 304})
_MORE_TYPES = frozenset(
    {"application/wasm", "application/vnd.ms-fontobject", "font/otf", "font/ttf", "image/bmp"}
)
"""Types that are not text and yet get smaller."""


class Compression(AnswerLayer):
    """Compresses answers of `minimum_size` bytes or more, if their type is one that gets smaller.

    `encodings`: zstd (the standard library's or the package `zstandard`), br (the package `brotli`) and gzip, the
    preferred one first; without it all that there are here. `level` is gzip's, 1 to 9. Answers to HEAD, parts of
    ranges, what is encoded already and `Cache-Control: no-transform` stay as they are. Raises AppError for an encoding
    that is not there.
    """

    def __init__(
        self, minimum_size: int = 1024, *, encodings: Iterable[str] | None = None, level: int = 6
    ) -> None:
        self._minimum = minimum_size
        self._encoders: dict[str, Callable[[bytes], bytes]] = {}
        for name in ("zstd", "br", "gzip") if encodings is None else encodings:
            encoder = _encoder(name, level)
            if encoder is not None:
                self._encoders[name] = encoder
            elif encodings is not None:
                raise AppError(f"Compression: {name} is not there: nothing that can be imported makes it")
        self._chosen: dict[str, str | None] = {}

    def complete(self, request: Request, response: Response) -> Response:
        """Compressed, if that is of use."""
        body = response.body
        if (
            body is None
            or len(body) * (4 if body.__class__ is str else 1) < self._minimum
            or request.method == "HEAD"
            or response.status in _STATUSES
        ):
            return response
        headers = response.headers
        if "content-encoding" in headers or "content-range" in headers or not _shrinks(response):
            return response
        data = body.encode() if isinstance(body, str) else body
        if len(data) < self._minimum or "no-transform" in str(headers.get("cache-control", "")):
            return response
        vary(response, "Accept-Encoding")
        accepted = header(request, "accept-encoding")
        if accepted is None:
            return response
        if accepted not in self._chosen:
            if len(self._chosen) >= 64:
                self._chosen.clear()
            self._chosen[accepted] = preferred(accepted, tuple(self._encoders))
        encoding = self._chosen[accepted]
        if encoding is None:
            return response
        compressed = self._encoders[encoding](data)
        if len(compressed) >= len(data):
            return response
        response.body = compressed
        headers["content-encoding"] = encoding
        headers.pop("content-length", None)
        tag = headers.get("etag")
        if isinstance(tag, str) and not tag.startswith("W/"):
            headers["etag"] = f"W/{tag}"
        return response


def preferred(accepted: str, encodings: tuple[str, ...]) -> str | None:
    """Which of the encodings an Accept-Encoding header likes best; the first of those that it likes alike.

    None if it would rather have none, or not any of these.
    """
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        name, _, parameters = part.partition(";")
        weight = 1.0
        key, _, value = parameters.partition("=")
        if key.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
        weights[name.strip().lower().removeprefix("x-")] = weight
    rest = weights.get("*", 0.0)
    best, most = None, 0.0
    for encoding in encodings:
        weight = weights.get(encoding, rest)
        if weight > most:
            best, most = encoding, weight
    # What is not encoded is always acceptable; it comes first only when it is said to.
    return None if weights.get("identity", 0.0) > most else best


def _shrinks(response: Response) -> bool:
    content_type = response.content_type or ""
    return is_text(content_type) or content_type.partition(";")[0].strip().lower() in _MORE_TYPES


def _encoder(name: str, level: int) -> Callable[[bytes], bytes] | None:
    if name == "gzip":
        import zlib

        return lambda data: zlib.compress(data, level, 31)  # 16 + 15: gzip's header, the largest window
    return _optional(name)


def _optional(name: str) -> Callable[[bytes], bytes] | None:
    from importlib import import_module

    modules = {"zstd": ("compression.zstd", "zstandard"), "br": ("brotli", "brotlicffi")}
    for candidate in modules.get(name, ()):
        try:
            module: Any = import_module(candidate)
        except ImportError:
            continue
        if name == "br":
            # Its default of 11 is for what is compressed once; 5 is the level for answers.
            return partial(module.compress, quality=5)
        compress: Callable[[bytes], bytes] = module.compress
        return compress
    return None
