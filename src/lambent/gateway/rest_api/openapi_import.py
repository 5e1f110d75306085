"""REST APIs from Swagger 2.0 and OpenAPI 3.0 documents with API Gateway's extensions.

"Working with API Gateway extensions to OpenAPI" and "Importing a REST API" of the developer guide; what became of
which document is recorded in localstack/localstack, tests/aws/services/apigateway/test_apigateway_import.snapshot.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiError, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.openapi_document import decoded
from lambent.gateway.rest_api import apis, authorizers, gateway_responses, resources
from lambent.gateway.rest_api.models import default_models
from lambent.gateway.rest_api.openapi_methods import Methods, flag, number
from lambent.gateway.rest_api.openapi_models import model_name, models_of
from lambent.gateway.rest_api.records import Authorizer, GatewayResponse, RequestValidator, Resource, Snapshot

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition

_EXTENSION: Final = "x-amazon-apigateway-"
_BASE_PATHS: Final = ("ignore", "prepend", "split")
_VERBS: Final = {
    **{name: name.upper() for name in ("get", "put", "post", "delete", "patch", "options", "head")},
    f"{_EXTENSION}any-method": "ANY",
}


def imported(
    definition: Definition, text: str, *, mode: str, fail_on_warnings: bool, parameters: dict[str, str]
) -> Definition:
    """`definition` with what a document describes: in place of what it has (`overwrite`), or laid over it (`merge`).

    `parameters`: `basepath` (ignore, prepend, split), `endpointConfigurationTypes`, and others that change nothing
    here. Raises BadApiRequest.
    """
    document = decoded(text)
    _check_version(document)
    base = parameters.get("basepath") or "ignore"
    if base not in _BASE_PATHS:
        raise BadApiRequest(f"Invalid basepath parameter: {base}. Must be one of {', '.join(_BASE_PATHS)}")
    reading = _Reading(definition, document, mode, parameters)
    try:
        made = reading.definition_of(base)
        # Members may have got values of other types than theirs; what is kept has to be read again.
        msgspec.convert(msgspec.to_builtins(made.snapshot()), Snapshot)
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError) as error:
        # Whatever a document has in a place where something else belongs.
        raise BadApiRequest(f"Invalid OpenAPI input: {error}") from None
    if reading.errors:
        raise BadApiRequest("Errors found during import:\n\t" + "\n\t".join(reading.errors))
    if reading.warnings and fail_on_warnings:
        raise BadApiRequest("Warnings found during import:\n\t" + "\n\t".join(reading.warnings))
    warnings = tuple(reading.warnings) or None
    return replace(made, api=replace(made.api, warnings=warnings))


def _check_version(document: dict[str, Any]) -> None:
    version = str(document.get("swagger") or document.get("openapi") or "")
    if not version.startswith(("2.0", "3.0")):
        raise BadApiRequest("Invalid OpenAPI input: swagger 2.0 and openapi 3.0 are supported")
    if not isinstance(document.get("paths", {}), dict):
        raise BadApiRequest("Invalid OpenAPI input: paths must be an object")


class _Reading:
    """One document on its way into one API."""

    def __init__(
        self, definition: Definition, document: dict[str, Any], mode: str, parameters: dict[str, str]
    ) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._old = definition
        self._document = document
        self._overwrites = mode == "overwrite"
        self._parameters = parameters

    def definition_of(self, base: str) -> Definition:
        """The new definition."""
        old, document = self._old, self._document
        definition = replace(old, api=self._api())
        if self._overwrites:
            known = {model.name: old.models.get(model.name, model) for model in default_models()}
            definition = replace(definition, models=known, gateway_responses={})
        definition = self._with_models(definition)
        definition = self._with_validators(definition)
        definition, security = self._with_authorizers(definition)
        definition = self._with_gateway_responses(definition)
        definition = self._with_paths(definition, security, self._base(base))
        if document.get(f"{_EXTENSION}documentation"):
            self.warnings.append("Documentation parts of the document were not imported")
        return definition

    def _api(self) -> Any:
        api, document = self._old.api, self._document
        info = document.get("info") or {}
        changes: dict[str, Any] = {}
        if info.get("title"):
            changes["name"] = str(info["title"])
        for name in ("description", "version"):
            if info.get(name) is not None:
                changes[name] = str(info[name]) or None
        kinds = document.get(f"{_EXTENSION}binary-media-types")
        if kinds is not None or self._overwrites:
            changes["binary_media_types"] = tuple(map(str, kinds or ())) or None
        policy = document.get(f"{_EXTENSION}policy")
        if policy is not None:
            changes["policy"] = msgspec.json.encode(policy).decode()
        source = document.get(f"{_EXTENSION}api-key-source")
        if source is not None:
            changes["api_key_source"] = "AUTHORIZER" if str(source).upper() == "AUTHORIZER" else "HEADER"
        size = document.get(f"{_EXTENSION}minimum-compression-size")
        if size is not None:
            changes["minimum_compression_size"] = number(size)
        endpoint = document.get(f"{_EXTENSION}endpoint-configuration") or {}
        if "disableExecuteApiEndpoint" in endpoint:
            changes["disable_execute_api_endpoint"] = flag(endpoint["disableExecuteApiEndpoint"])
        types = self._parameters.get("endpointConfigurationTypes")
        given: dict[str, Any] = msgspec.structs.asdict(api.endpoint_configuration)
        if types:
            given = {"types": types.split(",")}
        if endpoint.get("vpcEndpointIds"):
            given["vpc_endpoint_ids"] = endpoint["vpcEndpointIds"]
        if changes.get("binary_media_types"):
            kinds = [kind.replace("~1", "/") for kind in changes["binary_media_types"]]
            changes["binary_media_types"] = tuple(kinds)
        changes["endpoint_configuration"] = apis.endpoint_of(given)
        return apis.checked(replace(api, **changes))

    def _with_models(self, definition: Definition) -> Definition:
        models = dict(definition.models)
        for model in models_of(self._document, definition.api.id):
            old = self._old.models.get(model.name)
            models[model.name] = replace(model, id=old.id) if old is not None else model
        return replace(definition, models=models)

    def _with_validators(self, definition: Definition) -> Definition:
        given = self._document.get(f"{_EXTENSION}request-validators") or {}
        old = {one.name: one.id for one in definition.validators.values()}
        found = {} if self._overwrites else dict(definition.validators)
        for name, validator in given.items():
            made = RequestValidator(
                id=old.get(name) or new_id(6, found),
                name=name,
                validate_request_body=flag(validator.get("validateRequestBody")),
                validate_request_parameters=flag(validator.get("validateRequestParameters")),
            )
            found[made.id] = made
        return replace(definition, validators=found)

    def _with_authorizers(self, definition: Definition) -> tuple[Definition, dict[str, Any]]:
        schemes = self._document.get("securityDefinitions") or (self._document.get("components") or {}).get(
            "securitySchemes", {}
        )
        old = {one.name: one.id for one in definition.authorizers.values()}
        found = {} if self._overwrites else dict(definition.authorizers)
        security: dict[str, Any] = {}
        for name, scheme in (schemes or {}).items():
            given = scheme.get(f"{_EXTENSION}authorizer")
            security[name] = scheme
            if not given:
                continue
            made = _authorizer(name, scheme, given, old.get(name) or new_id(6, found))
            try:
                found[made.id] = authorizers.checked(made)
            except ApiError as error:
                self.errors.append(f"Unable to create authorizer from security definition: '{name}'. {error}")
                continue
            security[name] = {**scheme, "authorizer": found[made.id]}
        return replace(definition, authorizers=found), security

    def _with_gateway_responses(self, definition: Definition) -> Definition:
        given = self._document.get(f"{_EXTENSION}gateway-responses") or {}
        found = dict(definition.gateway_responses)
        for kind, response in given.items():
            if kind not in gateway_responses.STATUSES:
                self.errors.append(f"Invalid gateway response type: {kind}")
                continue
            response = response or {}
            status = response.get("statusCode")
            made = GatewayResponse(
                response_type=kind,
                status_code=None if status is None else str(status),
                response_parameters=_texts(response.get("responseParameters")),
                response_templates=_texts(response.get("responseTemplates")),
            )
            try:
                gateway_responses.check(made)
            except ApiError as error:
                self.errors.append(f"Unable to put gateway response '{kind}': {error}")
            found[kind] = made
        return replace(definition, gateway_responses=found)

    def _base(self, how: str) -> str:
        """What stands before each path."""
        path = self._document.get("basePath")
        if path is None:
            servers = self._document.get("servers") or [{}]
            server = servers[0] if isinstance(servers[0], dict) else {}
            url = str(server.get("url") or "")
            for name, variable in (server.get("variables") or {}).items():
                default = str((variable or {}).get("default", "")).strip("/")
                url = url.replace("{" + name + "}", default)
            path = urlsplit(url).path
        path = "/" + str(path or "").strip("/")
        if how == "ignore" or path == "/":
            return ""
        return path if how == "prepend" else "/" + "/".join(path.split("/")[2:]).strip("/")

    def _with_paths(self, definition: Definition, security: dict[str, Any], base: str) -> Definition:
        old = {one.path: one for one in self._old.resources.values()}
        root = old["/"]
        kept = (
            {root.id: replace(root, resource_methods=None)}
            if self._overwrites
            else dict(definition.resources)
        )
        by_path = {one.path: one for one in kept.values()}
        methods = Methods(definition, self._document, security)
        for path, operations in (self._document.get("paths") or {}).items():
            if path.startswith("x-"):
                continue
            whole = (base.rstrip("/") + "/" + path.strip("/")).rstrip("/") or "/"
            try:
                resource = self._resource(whole, by_path, kept, old)
            except ApiError as error:
                self.errors.append(f"Unable to create resource at path '{whole}': {error}")
                continue
            found = dict(resource.methods)
            for key, operation in (operations or {}).items():
                verb = _VERBS.get(key.lower())
                if verb is None:
                    continue
                try:
                    found[verb] = methods.method(verb, resource.id, operation or {}, operations)
                except ApiError as error:
                    self.errors.append(
                        f"Unable to put integration on '{verb}' for resource at path '{whole}': {error}"
                    )
            kept[resource.id] = by_path[whole] = replace(resource, resource_methods=found or None)
        self.warnings += methods.warnings
        return replace(definition, resources=kept)

    def _resource(
        self, path: str, by_path: dict[str, Resource], kept: dict[str, Resource], old: dict[str, Resource]
    ) -> Resource:
        """The resource of a path, made with those above it where it is not there."""
        found = by_path.get(path)
        if found is not None:
            return found
        above, _, part = path.rpartition("/")
        parent = self._resource(above or "/", by_path, kept, old)
        resources.check_part(part)
        siblings = kept.values() if part.startswith("{") else ()
        for other in siblings:
            if other.parent_id == parent.id and (other.path_part or "").startswith("{"):
                raise BadApiRequest(
                    f"A sibling ({other.path_part}) of this resource already has a variable path part -- only one is "
                    "allowed"
                )
        known = old.get(path)
        made = Resource(
            id=known.id if known is not None and known.id not in kept else new_id(6, kept),
            path=path,
            parent_id=parent.id,
            path_part=part,
        )
        kept[made.id] = by_path[path] = made
        return made


def _authorizer(name: str, scheme: dict[str, Any], given: dict[str, Any], authorizer_id: str) -> Authorizer:
    kind = str(given.get("type", "")).lower()
    types = {"token": "TOKEN", "request": "REQUEST", "cognito_user_pools": "COGNITO_USER_POOLS"}
    if kind not in types:
        raise BadApiRequest(f"Invalid authorizer type of security definition '{name}': {given.get('type')}")
    source = given.get("identitySource")
    if not source and scheme.get("in") == "header" and str(scheme.get("name", "")).lower() != "unused":
        source = f"method.request.header.{scheme.get('name')}"
    ttl = given.get("authorizerResultTtlInSeconds")
    return Authorizer(
        id=authorizer_id,
        name=name,
        type=types[kind],  # type: ignore[arg-type]
        auth_type=scheme.get(f"{_EXTENSION}authtype"),
        provider_arns=tuple(map(str, given.get("providerARNs") or ())) or None,
        authorizer_uri=given.get("authorizerUri"),
        authorizer_credentials=given.get("authorizerCredentials"),
        identity_source=source,
        identity_validation_expression=given.get("identityValidationExpression"),
        authorizer_result_ttl_in_seconds=None if ttl is None else number(ttl),
    )


def _texts(given: Any) -> dict[str, str]:
    return {str(key): "" if value is None else str(value) for key, value in (given or {}).items()}


__all__ = ["imported", "model_name"]
