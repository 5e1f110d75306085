"""Cross-origin requests: which sites' scripts may call the API, and see what it answers.

Source: the Fetch standard, "CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, Forbidden
from lambent.app.middleware.http import REQUESTS, AnswerLayer, header, vary
from lambent.app.response import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.app.request import Request

_NAMES = r"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]*"


class CORS(AnswerLayer):
    """Lets scripts of other origins call the app: `CORS(origins=["https://shop.example"])`.

    origins     "https://shop.example"; "https://*.shop.example", where * stands for one name or more, or for a port;
                patterns of `re`, which have to match all of it; or "*" for any.
    methods     those that are allowed, or None: those that the path has.
    headers     the request headers that scripts may set, "*" for any. Accept, Accept-Language and Content-Language need
                not be named.
    expose      the headers of answers that scripts may read, besides the few that they always may.
    credentials whether cookies and the like are sent along. Not together with any origin: each site could act as the
                user. Raises AppError then, and for origins that are none.
    max_age     seconds for which browsers remember the answer to a preflight.

    Preflights are answered for each path that the app has, and do not reach handlers: with 204, or 403 if the origin
    is not allowed. They only come to layers of the app, not to those of routers. Of an origin that is not allowed other
    requests are handled; it is the browser that keeps the answer to itself.
    """

    def __init__(
        self,
        origins: str | re.Pattern[str] | Iterable[str | re.Pattern[str]] = (),
        *,
        methods: Iterable[str] | None = None,
        headers: str | Iterable[str] = ("authorization", "content-type"),
        expose: str | Iterable[str] = (),
        credentials: bool = False,
        max_age: int = 600,
    ) -> None:
        exact, patterns = set(), []
        for origin in [origins] if isinstance(origins, (str, re.Pattern)) else origins:
            if isinstance(origin, re.Pattern):
                patterns.append(origin)
                continue
            wanted = origin.lower()
            if "*" in wanted and wanted != "*" and not _is_pattern(wanted):
                raise AppError(
                    f"CORS: {origin!r}: a * stands for names before the domain, https://*.shop.example, or the port, "
                    "http://localhost:*: others could register what it would let in. For others give a pattern of `re`"
                )
            if wanted not in ("*", "null") and not _is_origin(wanted):
                raise AppError(
                    f"CORS: {origin!r} is no origin: it is scheme and host, as in https://shop.example, without a path"
                )
            if "*" in wanted and wanted != "*":
                patterns.append(re.compile("[a-z0-9.-]+".join(map(re.escape, wanted.split("*")))))
            else:
                exact.add(wanted)
        self._any = "*" in exact
        if "null" in exact and credentials:
            raise AppError(
                "CORS: with credentials 'null' is any page in a sandbox, which could act as its visitors"
            )
        if self._any and credentials:
            raise AppError(
                "CORS: with credentials any origin could act as its visitors: name the origins, or leave credentials"
            )
        if not exact and not patterns:
            raise AppError("CORS: no origins are allowed: name some, or leave the layer out")
        self._exact = frozenset(exact)
        self._patterns = tuple(patterns)
        self._methods = None if methods is None else ", ".join(method.upper() for method in methods)
        allowed = _listed(headers)
        self._headers = None if "*" in allowed else ", ".join(allowed)
        self._max_age = str(max_age)
        self._common: dict[str, str | list[str]] = {}
        if credentials:
            self._common["access-control-allow-credentials"] = "true"
        exposed = _listed(expose)
        self._plain = {"access-control-expose-headers": ", ".join(exposed), **self._common}
        if not exposed:
            self._plain = self._common
        self._for_any = {"access-control-allow-origin": "*", **self._plain}

    def _allows(self, origin: str) -> bool:
        return (
            self._any
            or origin in self._exact
            or any(pattern.fullmatch(origin) is not None for pattern in self._patterns)
        )

    def before(self, invocation: Any) -> Response | None:
        """Answers preflights. Raises Forbidden for those of origins that are not allowed."""
        if invocation.kind not in REQUESTS or invocation.method != "OPTIONS":
            return None
        origin = header(invocation, "origin")
        if origin is None or header(invocation, "access-control-request-method") is None:
            return None
        if not invocation.route and "allow" not in invocation.state:
            return None  # nothing is there: 404
        if not self._allows(origin):
            raise Forbidden("The origin is not allowed", headers=None if self._any else {"vary": "Origin"})
        response = Response(None, 204, headers=self._common)
        headers = response.headers
        headers["access-control-allow-origin"] = "*" if self._any else origin
        if not self._any:
            headers["vary"] = "Origin"
        headers["access-control-allow-methods"] = self._methods or _methods(invocation)
        allowed = self._headers
        if allowed is None:
            asked = header(invocation, "access-control-request-headers") or ""
            allowed = asked if re.fullmatch(_NAMES, asked) else ""
            vary(response, "Access-Control-Request-Headers")
        if allowed:
            headers["access-control-allow-headers"] = allowed
        headers["access-control-max-age"] = self._max_age
        return response

    def complete(self, request: Request, response: Response) -> Response:
        """With the headers for its origin."""
        if self._any:
            response.headers.update(self._for_any)
            return response
        origin = header(request, "origin")
        if origin is not None and self._allows(origin):
            response.headers["access-control-allow-origin"] = origin
            response.headers.update(self._plain)
        # Without an origin too: a cache may keep the answer for somebody who has one.
        vary(response, "Origin")
        return response


def _is_origin(text: str) -> bool:
    scheme, colon, host = text.partition("://")
    return bool(scheme and colon and host) and not any(
        letter in "/?#@" or letter.isspace() for letter in host
    )


def _is_pattern(origin: str) -> bool:
    """Whether it leaves nothing open that others could take: names before a domain, or a port."""
    return re.fullmatch(r"[a-z][a-z0-9+.-]*://(?:\*\.)*[^*/]+(?::\*)?", origin) is not None


def _methods(request: Request) -> str:
    """What the path has."""
    allow = request.state.get("allow")
    if allow is None:
        assert request.app is not None
        allow = {
            method
            for route in request.app.http.routes
            if route.template == request.route
            for method in route.methods
        }
        if "GET" in allow:
            allow.add("HEAD")
    return ", ".join(sorted(method for method in allow if method != "OPTIONS"))


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
