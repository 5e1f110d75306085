"""Cross-origin requests: what the front door answers and adds where an API or a URL is configured for them.

"Configuring CORS for an HTTP API" of the API Gateway developer guide, "Cross-origin resource sharing (CORS)" of the
function URLs' chapter of the Lambda developer guide: with a configuration, preflights are answered without calling
anything, and CORS headers of the function are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.functions.attachments import Cors
    from lambent.http import Request


class CorsRules:
    """One configuration."""

    __slots__ = (
        "_any_header",
        "_any_method",
        "_credentials",
        "_exact",
        "_exposed",
        "_headers",
        "_max_age",
        "_methods",
        "_open",
        "_patterns",
    )

    def __init__(
        self,
        *,
        origins: Iterable[str] = (),
        methods: Iterable[str] = (),
        headers: Iterable[str] = (),
        exposed: Iterable[str] = (),
        credentials: bool = False,
        max_age_s: int | None = None,
    ) -> None:
        origins = [origin.lower() for origin in origins]
        self._open = "*" in origins
        # HTTP APIs take `https://*` for all origins of a scheme.
        self._patterns = tuple(origin[:-1] for origin in origins if origin.endswith("://*"))
        self._exact = frozenset(origins)
        self._methods = ", ".join(methods)
        self._headers = ", ".join(headers)
        self._exposed = ", ".join(exposed)
        self._any_method = "*" in methods
        self._any_header = "*" in headers
        self._credentials = credentials
        self._max_age = max_age_s

    @classmethod
    def of_url(cls, cors: Cors) -> CorsRules:
        """The rules of a function URL."""
        return cls(
            origins=cors.allow_origins or (),
            methods=cors.allow_methods or (),
            headers=cors.allow_headers or (),
            exposed=cors.expose_headers or (),
            credentials=bool(cors.allow_credentials),
            max_age_s=cors.max_age_s,
        )

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may read answers."""
        origin = origin.lower()
        return (
            self._open
            or origin in self._exact
            or (bool(self._patterns) and origin.startswith(self._patterns))
        )

    @staticmethod
    def is_preflight(request: Request) -> bool:
        """Whether an OPTIONS request is a browser's question, and not a request of a program."""
        return request.header(b"access-control-request-method") is not None

    def preflight(self, request: Request, origin: str) -> list[tuple[str, str]]:
        """The headers of the answer to a preflight; none for an origin that is not allowed."""
        if not self.allows(origin):
            return []
        found = [self._origin(origin)]
        if self._methods:
            asked = request.header(b"access-control-request-method") or b""
            named = self._any_method and self._credentials
            found.append(
                ("access-control-allow-methods", asked.decode("latin-1") if named else self._methods)
            )
        if self._headers:
            wanted = request.header(b"access-control-request-headers") or b""
            named = self._any_header and self._credentials
            text = wanted.decode("latin-1") if named else self._headers
            if text:
                found.append(("access-control-allow-headers", text))
        if self._credentials:
            found.append(("access-control-allow-credentials", "true"))
        if self._max_age is not None:
            found.append(("access-control-max-age", str(self._max_age)))
        return found

    def headers(self, origin: str) -> list[tuple[str, str]]:
        """The headers that are added to an answer; none for an origin that is not allowed."""
        if not self.allows(origin):
            return []
        found = [self._origin(origin)]
        if self._credentials:
            found.append(("access-control-allow-credentials", "true"))
        if self._exposed:
            found.append(("access-control-expose-headers", self._exposed))
        if not self._open or self._credentials:
            found.append(("vary", "Origin"))
        return found

    def _origin(self, origin: str) -> tuple[str, str]:
        return "access-control-allow-origin", "*" if self._open and not self._credentials else origin
