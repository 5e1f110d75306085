"""REST APIs themselves.

Messages are API Gateway's own, recorded in localstack/localstack,
tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis import tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.definition import Definition
from lambent.gateway.rest_api.models import default_models
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import EndpointConfiguration, Resource, RestApi

if TYPE_CHECKING:
    from lambent.gateway.rest_api.patches import Members, Operation

_TYPES: Final = ("REGIONAL", "EDGE", "PRIVATE")
_MOST_COMPRESSION: Final = 10_485_760
_COMPRESSION: Final = f"Invalid minimum compression size, must be between 0 and {_MOST_COMPRESSION}"


def create(account: str, region: str, members: dict[str, Any], *, api_id: str | None = None) -> Definition:
    """A new API from the members of CreateRestApi in snake case. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value is not None}
    if given.get("description") == "":
        raise BadApiRequest("Description cannot be an empty string")
    name = given.pop("name", "")
    if not name.strip():
        raise BadApiRequest("Name must not be empty")  # as of other kinds; AWS's own words are not recorded
    endpoint = given.pop("endpoint_configuration", None)
    size = given.get("minimum_compression_size")
    if size is not None and not 0 <= size <= _MOST_COMPRESSION:
        raise BadApiRequest(_COMPRESSION)
    root = new_id(10)
    api = RestApi(
        id=api_id or new_id(10),
        account=account,
        region=region,
        name=name,
        created_date=now(),
        root_resource_id=root,
        api_key_source=given.pop("api_key_source", "HEADER"),
        disable_execute_api_endpoint=given.pop("disable_execute_api_endpoint", False),
        endpoint_configuration=endpoint_of(endpoint),
        **{**given, "binary_media_types": given.get("binary_media_types") or None},
    )
    return Definition(
        checked(api),
        resources={root: Resource(id=root, path="/")},
        models={model.name: model for model in default_models()},
    )


def endpoint_of(given: dict[str, Any] | EndpointConfiguration | None) -> EndpointConfiguration:
    """An endpoint configuration with AWS's defaults: EDGE, ipv4; of private APIs dualstack. Raises BadApiRequest."""
    if given is None:
        return EndpointConfiguration(types=("EDGE",), ip_address_type="ipv4")
    if isinstance(given, EndpointConfiguration):
        given = msgspec.structs.asdict(given)
    types = given.get("types")
    if types is not None and not types:
        raise BadApiRequest("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    kinds = tuple(types or ("EDGE",))
    if len(kinds) > 1:
        raise BadApiRequest("Cannot create an api with multiple Endpoint Types.")
    private = kinds == ("PRIVATE",)
    address = given.get("ip_address_type") or ("dualstack" if private else "ipv4")
    if private and address != "dualstack":
        raise BadApiRequest("Only dualstack ipAddressType is supported for Private APIs.")
    endpoints = given.get("vpc_endpoint_ids")
    return EndpointConfiguration(
        types=kinds, ip_address_type=address, vpc_endpoint_ids=tuple(endpoints) if endpoints else None
    )


def checked(api: RestApi) -> RestApi:
    """`api`, unless something of it is not allowed. Raises BadApiRequest."""
    if api.policy:
        policy_of(api.policy)
    tags.check(api.tags or {})
    return api


def policy_of(text: str) -> dict[str, Any]:
    """A resource policy, read. Raises BadApiRequest."""
    try:
        policy = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        policy = None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    sound = isinstance(statements, list) and all(
        isinstance(one, dict)
        and one.get("Effect") in ("Allow", "Deny")
        and isinstance(one.get("Condition", {}), dict)
        and all(isinstance(keys, dict) for keys in one.get("Condition", {}).values())
        for one in statements
    )
    if not sound:
        raise BadApiRequest(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
        )
    return {**policy, "Statement": statements}


def update(definition: Definition, operations: list[Operation]) -> tuple[Definition, RestApi]:
    """Change an API. Raises BadApiRequest, ApiNotFound."""
    api = _PATCHES.apply(definition.api, operations)
    if api.tags is None:
        api = replace(api, tags={})  # which updates show, and creations leave out
    return replace(definition, api=checked(api)), api


def retagged(definition: Definition, new: dict[str, str]) -> tuple[Definition, None]:
    """The API with these tags in place of its own. Raises BadApiRequest."""
    return replace(definition, api=replace(definition.api, tags=tags.check(new))), None


def _endpoint_type(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    if operation.op not in ("add", "remove", "replace"):
        raise BadApiRequest("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
    if operation.value not in _TYPES:
        raise BadApiRequest("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
    if operation.op == "remove":
        raise BadApiRequest("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
    old: EndpointConfiguration = members["endpoint_configuration"]
    address = "dualstack" if operation.value == "PRIVATE" else old.ip_address_type
    members["endpoint_configuration"] = replace(old, types=(operation.value,), ip_address_type=address)


def _address_type(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    if operation.op != "replace":
        raise BadApiRequest(patches.ONLY_REPLACE)
    if operation.value not in ("ipv4", "dualstack"):
        raise BadApiRequest("ipAddressType must be either ipv4 or dualstack.")
    old: EndpointConfiguration = members["endpoint_configuration"]
    if old.types == ("PRIVATE",) and operation.value == "ipv4":
        raise BadApiRequest("Only dualstack ipAddressType is supported for Private APIs.")
    members["endpoint_configuration"] = replace(old, ip_address_type=operation.value)


def _vpc_endpoints(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    old: EndpointConfiguration = members["endpoint_configuration"]
    inner = {"vpc_endpoint_ids": old.vpc_endpoint_ids}
    patches.added("vpc_endpoint_ids")(inner, operation, stars)
    members["endpoint_configuration"] = replace(old, vpc_endpoint_ids=inner["vpc_endpoint_ids"])


_PATCHES: Final = Patches(
    {
        "/name": patches.text("name", plain=True, required="Name must not be empty"),
        "/description": patches.text("description", remove=True, plain=True),
        "/version": patches.text("version", remove=True, plain=True),
        "/policy": patches.text("policy", remove=True, plain=True),
        "/securityPolicy": patches.text("security_policy", plain=True),
        "/endpointAccessMode": patches.text("endpoint_access_mode", plain=True),
        "/apiKeySource": patches.choice(
            "api_key_source",
            ("HEADER", "AUTHORIZER"),
            "Invalid ApiKeySourceType specified. Valid options are HEADER,AUTHORIZER",
            plain=True,
        ),
        "/disableExecuteApiEndpoint": patches.flag("disable_execute_api_endpoint", plain=True),
        "/minimumCompressionSize": patches.number(
            "minimum_compression_size", 0, _MOST_COMPRESSION, _COMPRESSION, plain=True
        ),
        "/binaryMediaTypes/*": patches.item("binary_media_types"),
        "/endpointConfiguration/types/*": _endpoint_type,
        "/endpointConfiguration/types": _endpoint_type,
        "/endpointConfiguration/ipAddressType": _address_type,
        "/endpointConfiguration/vpcEndpointIds": _vpc_endpoints,
    },
    style="plain",
)
