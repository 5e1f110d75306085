"""HTTP APIs from OpenAPI 3.0 documents.

What is read: the developer guide's "Use OpenAPI definitions for HTTP APIs" and "OpenAPI extensions for API Gateway".
What OpenAPI has and HTTP APIs do not is told as info; what is wrong but can be left out, as a warning; all else refuses
the document.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.apis import cors, integrations, routes, tags
from lambent.gateway.apis.apis import checked
from lambent.gateway.apis.definition import Content
from lambent.gateway.apis.errors import ApiError, BadApiRequest
from lambent.gateway.apis.openapi_document import decoded
from lambent.gateway.apis.openapi_security import Security
from lambent.gateway.apis.records import Api, Cors, Integration, Route, TlsConfig
from lambent.gateway.apis.route_keys import DEFAULT

ANY: Final = "x-amazon-apigateway-any-method"
INTEGRATION: Final = "x-amazon-apigateway-integration"
INTEGRATIONS: Final = "x-amazon-apigateway-integrations"
CORS: Final = "x-amazon-apigateway-cors"
ENDPOINTS: Final = "x-amazon-apigateway-endpoint-configuration"
TAG_VALUE: Final = "x-amazon-apigateway-tag-value"

_METHODS: Final = {
    "get": "GET",
    "put": "PUT",
    "post": "POST",
    "delete": "DELETE",
    "options": "OPTIONS",
    "head": "HEAD",
    "patch": "PATCH",
    ANY: "ANY",
}
_BASE_PATHS: Final = ("ignore", "prepend", "split")
_MEMBERS: Final = {
    "connectionId": "connection_id",
    "connectionType": "connection_type",
    "credentials": "credentials_arn",
    "description": "description",
    "httpMethod": "integration_method",
    "integrationSubtype": "integration_subtype",
    "payloadFormatVersion": "payload_format_version",
    "requestParameters": "request_parameters",
    "responseParameters": "response_parameters",
    "timeoutInMillis": "timeout_in_millis",
    "type": "integration_type",
    "uri": "integration_uri",
}
_UPPER: Final = ("integration_type", "integration_method", "connection_type")
_PROXIES: Final = ("AWS_PROXY", "HTTP_PROXY")
# Valid OpenAPI that HTTP APIs have no use for.
_UNUSED_OF_OPERATIONS: Final = ("requestBody", "callbacks", "x-amazon-apigateway-request-validator")
_KINDS: Final = {field.name: field.type for field in msgspec.structs.fields(Integration)}


class Imported(msgspec.Struct):
    """What a document means: content without stages, and what there is to say about it."""

    content: Content
    warnings: tuple[str, ...]
    info: tuple[str, ...]


def imported(api: Api, text: str, *, base_path: str = "ignore", fail_on_warnings: bool = False) -> Imported:
    """The content of `api` as the document in `text` describes it. Raises BadApiRequest.

    `base_path`: whether the path of the document's first server is left out (`ignore`), comes before all paths
    (`prepend`), or without its first segment (`split`).
    """
    if base_path not in _BASE_PATHS:
        raise BadApiRequest(
            f"Invalid basepath specified: {base_path}. Must be one of [ignore, prepend, split]"
        )
    for variable, value in (
        ("AWS::AccountId", api.account),
        ("AWS::Region", api.region),
        ("AWS::Partition", partition_of(api.region)),
    ):
        text = text.replace(f"${{{variable}}}", value)
    importer = _Importer(api, decoded(text), base_path)
    try:
        found = importer.run()
    except ApiError as error:
        raise BadApiRequest(f"Errors found during import:\n\t{error}") from None
    if fail_on_warnings and found.warnings:
        told = "".join(f"\n\t{warning}" for warning in found.warnings)
        raise BadApiRequest(f"Warnings found during import:{told}")
    return found


class _Importer:
    def __init__(self, api: Api, document: dict[str, Any], base_path: str) -> None:
        self._document = document
        self._base_path = base_path
        self._warnings: list[str] = []
        self._info: list[str] = []
        self._shared: dict[str, str | None] = {}
        components = document.get("components")
        self._components: dict[str, Any] = components if isinstance(components, dict) else {}
        self._content = Content(api)
        # Filled while the document is read; `Content` refers to them from the beginning.
        self._integrations: dict[str, Integration] = {}
        self._routes: dict[str, Route] = {}

    def run(self) -> Imported:
        version = str(self._document.get("openapi", ""))
        if not version.startswith("3."):
            raise BadApiRequest("Unsupported OpenAPI version: only OpenAPI 3.0 definitions can be imported")
        paths = self._document.get("paths", {})
        if not isinstance(paths, dict):
            raise BadApiRequest("attribute paths is not of type `object`")
        api = self._api(self._content.api)
        self._content = Content(api, integrations=self._integrations, routes=self._routes)
        security = Security(self._content, self._document, self._components, self._warnings)
        self._content = security.content
        prefix = self._prefix()
        keys: set[str] = set()
        for path, item in paths.items():
            for members in self._members_of_routes(prefix, str(path), item, security):
                if members["route_key"] in keys:
                    raise BadApiRequest(f"Route with key {members['route_key']} already exists for this API")
                keys.add(members["route_key"])
                route = routes.new(self._content, members)
                self._routes[route.route_id] = route
        for kind in ("schemas", "responses", "examples"):
            if self._components.get(kind):
                self._info.append(f"components.{kind} is not supported for HTTP APIs and is ignored")
        warnings, info = tuple(dict.fromkeys(self._warnings)), tuple(dict.fromkeys(self._info))
        content = msgspec.structs.replace(
            self._content,
            api=msgspec.structs.replace(api, warnings=warnings or None, import_info=info or None),
        )
        return Imported(content, warnings, info)

    # The API itself

    def _api(self, api: Api) -> Api:
        info = self._document.get("info")
        if not isinstance(info, dict) or not info.get("title"):
            raise BadApiRequest("attribute info.title is missing")
        return checked(
            msgspec.structs.replace(
                api,
                name=str(info["title"]),
                description=str(info["description"]) if info.get("description") else None,
                version=str(info["version"]) if info.get("version") not in (None, "") else None,
                cors_configuration=self._cors(),
                disable_execute_api_endpoint=self._endpoint_disabled(),
                tags=self._tags(),
            )
        )

    def _cors(self) -> Cors | None:
        given = self._document.get(CORS)
        if given is None:
            return None
        try:
            names = {
                field.encode_name[0].lower() + field.encode_name[1:] for field in msgspec.structs.fields(Cors)
            }
            if set(given) - names:
                raise TypeError
            members = {key[0].upper() + key[1:]: value for key, value in given.items()}
            return cors.checked(msgspec.convert(members, Cors, strict=False))
        except (msgspec.ValidationError, TypeError, AttributeError, IndexError):
            self._warnings.append("CORS Scheme is malformed, ignoring.")
            return None

    def _tags(self) -> dict[str, str]:
        found = {}
        given = self._document.get("tags")
        for tag in given if isinstance(given, list) else ():
            if isinstance(tag, dict) and "name" in tag and TAG_VALUE in tag:
                found[str(tag["name"])] = str(tag[TAG_VALUE])
        return tags.check(found)

    def _servers(self) -> list[dict[str, Any]]:
        given = self._document.get("servers")
        return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []

    def _endpoint_disabled(self) -> bool:
        for holder in (*self._servers(), self._document):
            configuration = holder.get(ENDPOINTS)
            if isinstance(configuration, dict):
                return str(configuration.get("disableExecuteApiEndpoint", False)).lower() == "true"
        return False

    def _prefix(self) -> str:
        servers = self._servers()
        if self._base_path == "ignore" or not servers:
            return ""
        url = str(servers[0].get("url", ""))
        variables = servers[0].get("variables")
        for name, variable in variables.items() if isinstance(variables, dict) else ():
            if isinstance(variable, dict):
                url = url.replace(f"{{{name}}}", str(variable.get("default", "")).strip("/"))
        try:
            segments = [segment for segment in urlsplit(url).path.split("/") if segment]
        except ValueError:
            raise BadApiRequest(f"attribute servers.url is not a URL: {url}") from None
        if self._base_path == "split":
            segments = segments[1:]
        return "".join(f"/{segment}" for segment in segments)

    # Routes

    def _members_of_routes(
        self, prefix: str, path: str, item: Any, security: Security
    ) -> list[dict[str, Any]]:
        if path.startswith("x-"):
            return []
        if not isinstance(item, dict):
            raise BadApiRequest(f"attribute paths.{path} is not of type `object`")
        found = []
        for name, operation in item.items():
            method = _METHODS.get(name)
            if method is None:
                if name == "trace":
                    self._warnings.append(
                        f"Method TRACE is not supported for HTTP APIs. Ignoring it at {path}"
                    )
                continue
            if operation is None or operation == "":
                operation = {}
            if not isinstance(operation, dict):
                raise BadApiRequest(f"attribute paths.{path}.{name} is not of type `object`")
            key = self._key(prefix, path, method, operation)
            if key is None:
                continue
            members: dict[str, Any] = {"route_key": key, **security.members(operation)}
            if operation.get("operationId"):
                members["operation_name"] = str(operation["operationId"])
            target = self._integration(path, operation)
            if target is not None:
                members["target"] = f"integrations/{target}"
            for unused in _UNUSED_OF_OPERATIONS:
                if unused in operation:
                    self._info.append(f"{unused} is not supported for HTTP APIs and is ignored: {key}")
            found.append(members)
        return found

    def _key(self, prefix: str, path: str, method: str, operation: dict[str, Any]) -> str | None:
        is_default = str(operation.get("isDefaultRoute", False)).lower() == "true"
        if path.lstrip("/") == DEFAULT and method == "ANY":
            if not path.startswith("/"):
                # Worded as in aws/serverless-application-model#2726.
                self._warnings.append(f"Parse issue: attribute paths. Resource {path} should start with /")
            return DEFAULT
        if is_default:
            return DEFAULT
        if not path.startswith("/"):
            self._warnings.append(f"Parse issue: attribute paths. Resource {path} should start with /")
            return None
        return f"{method} {prefix}{path}" if path != "/" or not prefix else f"{method} {prefix}"

    def _integration(self, path: str, operation: dict[str, Any]) -> str | None:
        """The id of an operation's integration; None without one that HTTP APIs can have."""
        given = operation.get(INTEGRATION)
        if given is None:
            return None
        if not isinstance(given, dict):
            raise BadApiRequest(
                f"Unable to parse API definition because of a malformed integration at path {path}."
            )
        reference = given.get("$ref")
        if reference is None:
            return self._new_integration(path, given)
        reference = str(reference)
        if reference not in self._shared:
            prefix = f"#/components/{INTEGRATIONS}/"
            shared = self._components.get(INTEGRATIONS)
            found = (
                shared.get(reference.removeprefix(prefix))
                if isinstance(shared, dict) and reference.startswith(prefix)
                else None
            )
            if not isinstance(found, dict):
                raise BadApiRequest(
                    f"Unable to parse API definition because of a malformed integration at path {path}."
                )
            self._shared[reference] = self._new_integration(path, found)
        return self._shared[reference]

    def _new_integration(self, path: str, given: dict[str, Any]) -> str | None:
        members: dict[str, Any] = {}
        for name, member in _MEMBERS.items():
            value = given.get(name)
            if value in (None, "", {}):
                continue
            if not isinstance(value, dict | list):
                value = _text(value)
            if member in _UPPER:
                value = str(value).upper()
            try:
                members[member] = msgspec.convert(value, _KINDS[member], strict=False)
            except msgspec.ValidationError:
                if member == "integration_type":
                    break
                raise BadApiRequest(
                    f"Unable to parse API definition because of a malformed integration at path {path}."
                ) from None
        kind = members.get("integration_type")
        if kind not in _PROXIES:
            self._warnings.append(
                f"Integration type {str(given.get('type', 'null')).upper()} is not supported for HTTP APIs. "
                f"Ignoring the integration at path {path}"
            )
            return None
        self._without_rest_parameters(path, members)
        if kind == "AWS_PROXY" and "integration_subtype" not in members:
            members["integration_method"] = "POST"
        members.setdefault("payload_format_version", "1.0")
        tls = given.get("tlsConfig")
        if isinstance(tls, dict) and tls.get("serverNameToVerify"):
            members["tls_config"] = TlsConfig(str(tls["serverNameToVerify"]))
        integration = integrations.new(self._content, members)
        self._integrations[integration.integration_id] = integration
        return integration.integration_id

    def _without_rest_parameters(self, path: str, members: dict[str, Any]) -> None:
        """Leave out what REST APIs map: `integration.request.path.proxy` and the like."""
        given = members.get("request_parameters")
        if given:
            kept = {key: value for key, value in given.items() if not key.startswith("integration.request.")}
            if len(kept) < len(given):
                self._warnings.append(
                    f"Parameter mappings of REST APIs are not supported for HTTP APIs. Ignoring them at path {path}"
                )
            members["request_parameters"] = kept or None


def _text(value: Any) -> str:
    """A scalar as it is written: `payloadFormatVersion: 2.0` is a number in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
