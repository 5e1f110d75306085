"""JSON Web Tokens as bearer tokens: `Authorization: Bearer …`.

Answers are those of RFC 6750, section 3: 401 with a challenge, `invalid_token` with the reason, 403 with
`insufficient_scope`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.endpoint import scope_of
from lambent.app.errors import AppError, Forbidden, ServiceUnavailable, Unauthorized
from lambent.app.jwt.errors import InvalidToken, KeysUnavailable
from lambent.app.middleware.http import header, is_asked
from lambent.app.onion import Layer
from lambent.app.request import Invocation  # noqa: TC001 - a service is given by it

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.app.jwt.verifier import Verifier


class Claims(dict[str, Any]):
    """The claims of the token that a request came with.

    `request.state["claims"]` has them, and handlers and services can ask for them by this type. Who has sent no token
    is answered with 401 then.
    """

    @property
    def subject(self) -> str | None:
        """The claim `sub`."""
        return self.get("sub")

    @property
    def scopes(self) -> frozenset[str]:
        """From the claims `scope` (RFC 8693: names with spaces between them) and `scp`, which some issuers use."""
        return scopes_in(self)

    @staticmethod
    def __lambent_service__(invocation: Invocation) -> Claims:
        """Those of the invocation, as `Bearer` left them."""
        claims: Claims | None = invocation.state.get("claims")
        if claims is None:
            raise Unauthorized(headers={"www-authenticate": "Bearer"})
        return claims


def scopes_in(claims: dict[str, Any]) -> frozenset[str]:
    """The scopes that claims name, as text or as a list."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(one for one in value if isinstance(one, str))
    return frozenset(found)


class Bearer(Layer):
    """Lets requests with a valid token pass: `Bearer(Verifier(issuer=…, audience=…), scopes=["orders:read"])`.

    Without a verifier the other keywords are those of `Verifier`. All of `scopes` are needed. With `optional` requests
    without a token pass, too; a token that is not valid never does. It guards
    requests and who connects to WebSockets; all other events pass.

    The issuer's keys are fetched with the first request: `verifier.warm()` does it at init. While they cannot be had,
    the answer is 503.
    """

    def __init__(
        self,
        verifier: Verifier[Any] | None = None,
        *,
        scopes: Iterable[str] = (),
        optional: bool = False,
        realm: str | None = None,
        **options: Any,
    ) -> None:
        if verifier is None:
            from lambent.app.jwt.verifier import Verifier

            verifier = Verifier(**options)
        elif options:
            raise AppError(
                f"Bearer: the verifier has its {', '.join(options)} already: give one or the other"
            )
        if isinstance(scopes, str):
            scopes = scopes.split()
        self.verifier = verifier
        self._verify = verifier.verify
        self._scopes = frozenset(scopes)
        self._optional = optional
        members = [] if realm is None else [f'realm="{realm}"']
        self._challenge = " ".join(["Bearer", *members])
        self._invalid = "Bearer " + ", ".join([*members, 'error="invalid_token"'])
        self.security_schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        """As OpenAPI has them. Since 3.1 scopes can be told of any scheme."""
        self.security: list[dict[str, list[str]]] = [{"bearer": sorted(self._scopes)}]
        if optional:
            self.security.append({})
        needed = " ".join(sorted(self._scopes))
        self._insufficient = "Bearer " + ", ".join(
            [*members, 'error="insufficient_scope"', f'scope="{needed}"']
        )

    def before(self, invocation: Any) -> None:
        """Verifies the token. Raises Unauthorized, Forbidden and ServiceUnavailable."""
        if not is_asked(invocation):
            return
        value = header(invocation, "authorization")
        scheme, _, token = (value or "").strip().partition(" ")
        if scheme.lower() != "bearer":
            if self._optional:
                return
            raise Unauthorized(headers={"www-authenticate": self._challenge})
        try:
            verified = self._verify(token.strip())
        except InvalidToken as error:
            raise Unauthorized(
                f"Unauthorized: {error}",
                headers={"www-authenticate": f'{self._invalid}, error_description="{error}"'},
            ) from error
        except KeysUnavailable as error:
            invocation.app.logger.error("Tokens cannot be verified", exc_info=error)
            raise ServiceUnavailable from error
        claims = Claims(verified) if isinstance(verified, dict) else verified
        if self._scopes and not self._scopes <= _scopes_of(claims):
            raise Forbidden(headers={"www-authenticate": self._insufficient})
        invocation.state["claims"] = claims
        if claims.__class__ is not Claims:
            provider = invocation.app.services.find(type(claims))
            if provider is not None:
                scope_of(invocation).built[provider] = claims


def _scopes_of(claims: Any) -> frozenset[str]:
    if isinstance(claims, Claims):
        return claims.scopes
    return scopes_in({name: getattr(claims, name, None) for name in ("scope", "scp")})
