"""API keys: secrets that callers send along."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, Unauthorized
from lambent.app.middleware.http import header, is_asked
from lambent.app.onion import Layer
from lambent.app.signature import is_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class ApiKey(Layer):
    """Lets requests with a known key pass: `ApiKey(env="API_KEYS")`. Others are answered with 401.

    header, query   where the key is: a header (by default `x-api-key`), or a query parameter, or either of both.
    keys            the keys: one, several, or a mapping of each to the principal that it is for.
    env             the name of an environment variable with keys, separated by commas; `name=key` says whom one is for.
                    It is read with the first request. AppError is raised then if there are none.
    lookup          a function from a key to its principal, None if it is not known.
    optional        requests without a key pass, too.

    The principal is put in `request.state["principal"]`; of a key that has none it is True. Keys are kept and compared
    as hashes, in the same time whatever the caller has sent. Raises AppError without any keys.
    """

    def __init__(
        self,
        keys: str | Iterable[str] | Mapping[str, Any] = (),
        *,
        env: str | None = None,
        lookup: Callable[[str], Any] | None = None,
        header: str | None = "x-api-key",
        query: str | None = None,
        optional: bool = False,
    ) -> None:
        if header is None and query is None:
            raise AppError("ApiKey: keys have to come in a header or in the query")
        if lookup is not None and is_coroutine_function(lookup):
            raise AppError("ApiKey: lookup cannot be asynchronous: write a layer of your own for that")
        from hashlib import sha256
        from hmac import compare_digest

        self._sha256: Callable[[bytes], Any] = sha256
        self._equal = compare_digest
        self._principals: dict[bytes, Any] = {}
        if isinstance(keys, str):
            keys = (keys,)
        named = keys.items() if hasattr(keys, "items") else ((key, True) for key in keys)
        for key, principal in named:
            self._add(key, principal)
        if not self._principals and env is None and lookup is None:
            raise AppError("ApiKey: there are no keys: give keys, env or lookup")
        self._env = env
        self._lookup = lookup
        self._header = None if header is None else header.lower()
        self._query = query
        self._optional = optional
        places = {"header": self._header, "query": query}
        self.security_schemes = {
            _scheme(place, name): {"type": "apiKey", "in": place, "name": name}
            for place, name in places.items()
            if name is not None
        }
        """As OpenAPI has them."""
        self.security: list[dict[str, list[str]]] = [{name: []} for name in self.security_schemes]
        if optional:
            self.security.append({})

    def _add(self, key: str, principal: Any) -> None:
        if not key:
            raise AppError("ApiKey: an empty key is none")
        self._principals[self._hash(key)] = principal

    def _hash(self, key: str) -> bytes:
        digest: bytes = self._sha256(key.encode("utf-8", "surrogatepass")).digest()
        return digest

    def _read(self, name: str) -> None:
        self._env = None
        for entry in os.environ.get(name, "").split(","):
            who, equals, key = entry.strip().partition("=")
            # Keys in base64 end with what separates names here.
            if equals and key.strip("="):
                self._add(key, who)
            elif entry.strip():
                self._add(entry.strip(), True)
        if not self._principals and self._lookup is None:
            self._env = name
            raise AppError(f"ApiKey: the environment variable {name} has no keys")

    def before(self, invocation: Any) -> None:
        """Checks the key. Raises Unauthorized, and AppError when the environment has none."""
        if not is_asked(invocation):
            return
        if self._env is not None:
            self._read(self._env)
        key = header(invocation, self._header) if self._header is not None else None
        if key is None and self._query is not None:
            key = invocation.query.get(self._query)
        if not key:
            if self._optional:
                return
            raise _unauthorized()
        principal = self._principal(key)
        if principal is None:
            raise _unauthorized()
        invocation.state["principal"] = principal

    def _principal(self, key: str) -> Any:
        digest = self._hash(key)
        found = None
        for known, principal in self._principals.items():
            if self._equal(known, digest):
                found = principal
        if found is None and self._lookup is not None:
            found = self._lookup(key)
        return found


def _scheme(place: str, name: str) -> str:
    """What OpenAPI calls it; keys of its components are letters, digits and underscores."""
    if name == "x-api-key":
        return "api_key"
    return f"api_key_{place}_" + "".join(one if one.isascii() and one.isalnum() else "_" for one in name)


def _unauthorized() -> Unauthorized:
    # RFC 9110, section 15.5.2: an answer of 401 has a challenge.
    return Unauthorized("An API key that is known is needed", headers={"www-authenticate": "ApiKey"})
