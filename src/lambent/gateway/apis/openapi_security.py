"""Security schemes of OpenAPI documents as authorizers, and security requirements as what routes ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.apis import authorizers
from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.records import Authorizer, JwtConfiguration

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content

AUTHORIZER: Final = "x-amazon-apigateway-authorizer"
AUTH: Final = "x-amazon-apigateway-auth"
_AUTH_TYPE: Final = "x-amazon-apigateway-authtype"
_SIGNED: Final = "awssigv4"
"""What SAM's `EnableIamAuthorizer` says of the scheme of its routes that IAM authorizes."""
_CONFIGURATION: Final = "/.well-known/openid-configuration"
_MEMBERS: Final = {
    "authorizerCredentials": "authorizer_credentials_arn",
    "authorizerPayloadFormatVersion": "authorizer_payload_format_version",
    "authorizerResultTtlInSeconds": "authorizer_result_ttl_in_seconds",
    "authorizerUri": "authorizer_uri",
    "enableSimpleResponses": "enable_simple_responses",
    "identityValidationExpression": "identity_validation_expression",
}
# SAM's requirement of routes that are to have no authorizer beside a default one; no document defines it.
_NOBODY: Final = "NONE"
_KINDS: Final = {field.name: field.type for field in msgspec.structs.fields(Authorizer)}


class Security:
    """The authorizers of a document; `content` has them."""

    def __init__(
        self, content: Content, document: dict[str, Any], components: dict[str, Any], warnings: list[str]
    ) -> None:
        self.content = content
        self._document = document
        self._warnings = warnings
        self._by_name: dict[str, Authorizer | None] = {}
        self._signed: set[str] = set()
        schemes = components.get("securitySchemes")
        for name, scheme in schemes.items() if isinstance(schemes, dict) else ():
            if isinstance(scheme, dict) and str(scheme.get(_AUTH_TYPE)).lower() == _SIGNED:
                self._signed.add(name)
            else:
                self._by_name[name] = self._authorizer(str(name), scheme)

    def members(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The members of an operation's route: authorization type, authorizer, scopes. Raises BadApiRequest."""
        auth = operation.get(AUTH)
        if isinstance(auth, dict) and str(auth.get("type", "")).upper() in ("AWS_IAM", "NONE"):
            return {"authorization_type": str(auth["type"]).upper()}
        requirements = operation.get("security", self._document.get("security"))
        for requirement in requirements if isinstance(requirements, list) else ():
            if not isinstance(requirement, dict):
                raise BadApiRequest("attribute security is malformed")
            for name, scopes in requirement.items():
                if name in self._signed:
                    return {"authorization_type": "AWS_IAM"}
                if name == _NOBODY and name not in self._by_name:
                    return {}
                if name not in self._by_name:
                    raise BadApiRequest(f"Security scheme {name} is not defined")
                authorizer = self._by_name[name]
                if authorizer is None:
                    continue
                if authorizer.authorizer_type == "REQUEST":
                    return {"authorization_type": "CUSTOM", "authorizer_id": authorizer.authorizer_id}
                members: dict[str, Any] = {
                    "authorization_type": "JWT",
                    "authorizer_id": authorizer.authorizer_id,
                }
                if isinstance(scopes, list) and scopes:
                    members["authorization_scopes"] = tuple(str(scope) for scope in scopes)
                return members
        return {}

    def _authorizer(self, name: str, scheme: Any) -> Authorizer | None:
        given = scheme.get(AUTHORIZER) if isinstance(scheme, dict) else None
        if not isinstance(given, dict):
            kind = scheme.get("type") if isinstance(scheme, dict) else None
            self._warnings.append(f"Unsupported security definition type '{kind}' for '{name}'. Ignoring.")
            return None
        kind = str(given.get("type", "")).upper()
        if kind not in ("JWT", "REQUEST"):
            self._warnings.append(
                f"Unsupported authorizer type '{given.get('type')}' for '{name}'. Ignoring."
            )
            return None
        members: dict[str, Any] = {
            "name": name,
            "authorizer_type": kind,
            "identity_source": _sources(given.get("identitySource")),
        }
        try:
            for key, member in _MEMBERS.items():
                if given.get(key) not in (None, ""):
                    value = given[key]
                    members[member] = msgspec.convert(
                        str(value) if not isinstance(value, bool) else value, _KINDS[member], strict=False
                    )
        except msgspec.ValidationError:
            raise BadApiRequest(
                f"Unable to parse API definition because of a malformed authorizer {name}"
            ) from None
        if kind == "JWT":
            members["jwt_configuration"] = _jwt(scheme, given)
            members["identity_source"] = members["identity_source"] or ("$request.header.Authorization",)
        self.content, authorizer = authorizers.create(self.content, members)
        return authorizer


def _sources(given: Any) -> tuple[str, ...] | None:
    if not given:
        return None
    names = given if isinstance(given, list) else str(given).split(",")
    return tuple(str(name).strip() for name in names)


def _jwt(scheme: dict[str, Any], given: dict[str, Any]) -> JwtConfiguration:
    configuration = given.get("jwtConfiguration")
    configuration = configuration if isinstance(configuration, dict) else {}
    audience = configuration.get("audience") or ()
    issuer = configuration.get("issuer")
    if not issuer and scheme.get("openIdConnectUrl"):
        issuer = str(scheme["openIdConnectUrl"]).removesuffix(_CONFIGURATION)
    audience = audience if isinstance(audience, list | tuple) else str(audience).split(",")
    return JwtConfiguration(tuple(str(one) for one in audience), str(issuer) if issuer else None)
