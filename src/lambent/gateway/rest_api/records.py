"""REST APIs and what belongs to them, as immutable structs.

Members are those of API Gateway's resources in snake case; encoded they have AWS's own names, in the database as on
the wire. What was never given is None and left out; members that AWS always shows have no default. Dates are aware, in
whole seconds of UTC.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec looks it up when it decodes
from typing import Any, Literal, TypeAlias

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.apis import records as shared

EndpointType: TypeAlias = Literal["EDGE", "REGIONAL", "PRIVATE"]
IntegrationType: TypeAlias = Literal["HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY"]
ContentHandling: TypeAlias = Literal["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]


class Record(shared.Record, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Base of all records: rows and layouts are those of HTTP APIs."""


class EndpointConfiguration(Record, frozen=True):
    """How an API or a domain name is reached."""

    types: tuple[EndpointType, ...]
    ip_address_type: str
    vpc_endpoint_ids: tuple[str, ...] | None = None


class RestApi(Record, frozen=True):
    """A REST API. `policy` is the text of a resource policy, as it was given."""

    id: str
    account: str
    region: str
    name: str
    created_date: dt.datetime
    root_resource_id: str
    api_key_source: Literal["HEADER", "AUTHORIZER"]
    disable_execute_api_endpoint: bool
    endpoint_configuration: EndpointConfiguration
    description: str | None = None
    version: str | None = None
    warnings: tuple[str, ...] | None = None
    binary_media_types: tuple[str, ...] | None = None
    minimum_compression_size: int | None = None
    policy: str | None = None
    security_policy: str | None = None
    endpoint_access_mode: str | None = None
    tags: dict[str, str] | None = None

    @property
    def arn(self) -> str:
        """What tags name it by."""
        return f"arn:{partition_of(self.region)}:apigateway:{self.region}::/restapis/{self.id}"


class IntegrationResponse(Record, frozen=True):
    """What becomes of an integration's answer. `selection_pattern` is a regular expression, "" the default's."""

    status_code: str
    selection_pattern: str | None = None
    response_parameters: dict[str, str] | None = None
    response_templates: dict[str, str | None] | None = None
    content_handling: ContentHandling | None = None


class TlsConfig(Record, frozen=True):
    """TLS to an HTTP endpoint."""

    insecure_skip_verification: bool | None = None


class Integration(Record, frozen=True):
    """What answers a method. `timeout_in_millis` between 50 and 29,000; more only on request at AWS."""

    type: IntegrationType
    passthrough_behavior: str
    timeout_in_millis: int
    cache_namespace: str
    cache_key_parameters: tuple[str, ...]
    http_method: str | None = None
    uri: str | None = None
    connection_type: Literal["INTERNET", "VPC_LINK"] | None = None
    connection_id: str | None = None
    credentials: str | None = None
    request_parameters: dict[str, str] | None = None
    request_templates: dict[str, str | None] | None = None
    content_handling: ContentHandling | None = None
    integration_responses: dict[str, IntegrationResponse] | None = None
    tls_config: TlsConfig | None = None
    response_transfer_mode: str | None = None
    integration_target: str | None = None


class MethodResponse(Record, frozen=True):
    """A status that a method may answer. `response_parameters`: whether a header is always there."""

    status_code: str
    response_parameters: dict[str, bool] | None = None
    response_models: dict[str, str] | None = None


class Method(Record, frozen=True):
    """What a resource does with one HTTP method, or with ANY. `request_parameters`: whether one is required."""

    http_method: str
    authorization_type: str
    api_key_required: bool
    authorizer_id: str | None = None
    request_validator_id: str | None = None
    operation_name: str | None = None
    request_parameters: dict[str, bool] | None = None
    request_models: dict[str, str] | None = None
    method_responses: dict[str, MethodResponse] | None = None
    method_integration: Integration | None = None
    authorization_scopes: tuple[str, ...] | None = None


class Resource(Record, frozen=True):
    """A path of an API."""

    id: str
    path: str
    parent_id: str | None = None
    path_part: str | None = None
    resource_methods: dict[str, Method] | None = None

    @property
    def methods(self) -> dict[str, Method]:
        """By HTTP method."""
        return self.resource_methods or {}


class Authorizer(Record, frozen=True):
    """Who may call."""

    id: str
    name: str
    type: Literal["TOKEN", "REQUEST", "COGNITO_USER_POOLS"]
    auth_type: str | None = None
    provider_arns: tuple[str, ...] | None = msgspec.field(default=None, name="providerARNs")
    authorizer_uri: str | None = None
    authorizer_credentials: str | None = None
    identity_source: str | None = None
    identity_validation_expression: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None


class Model(Record, frozen=True):
    """A JSON schema. `schema` is its text."""

    id: str
    name: str
    content_type: str
    description: str | None = None
    schema: str | None = None


class RequestValidator(Record, frozen=True):
    """What of a request is validated."""

    id: str
    name: str
    validate_request_body: bool
    validate_request_parameters: bool


class GatewayResponse(Record, frozen=True):
    """What API Gateway answers itself, where that is not its default."""

    response_type: str
    status_code: str | None = None
    response_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    response_templates: dict[str, str] = msgspec.field(default_factory=dict)


class DocumentationPart(Record, frozen=True):
    """A text about a part of an API. `properties` is JSON."""

    id: str
    location: dict[str, str]
    properties: str


class DocumentationVersion(Record, frozen=True):
    """A frozen state of the documentation; the texts themselves are not kept."""

    version: str
    created_date: dt.datetime
    description: str | None = None


class AccessLogSettings(Record, frozen=True):
    """Where access logs go, and what a line of them holds."""

    format: str | None = None
    destination_arn: str | None = None


class MethodSettings(Record, frozen=True):
    """Of the methods of a stage: the burst is in requests, the rate in requests per second."""

    metrics_enabled: bool = False
    logging_level: str | None = None
    data_trace_enabled: bool = False
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None
    caching_enabled: bool = False
    cache_ttl_in_seconds: int = 300
    cache_data_encrypted: bool = False
    require_authorization_for_cache_control: bool = True
    unauthorized_cache_control_header_strategy: str = "SUCCEED_WITH_RESPONSE_HEADER"


class Stage(Record, frozen=True):
    """A stage. `method_settings` are by `{resource path without its first slash, / as ~1}/{method}` or `*/*`."""

    stage_name: str
    deployment_id: str
    created_date: dt.datetime
    last_updated_date: dt.datetime
    cache_cluster_enabled: bool
    cache_cluster_status: str
    method_settings: dict[str, MethodSettings]
    tracing_enabled: bool
    client_certificate_id: str | None = None
    description: str | None = None
    cache_cluster_size: str | None = None
    variables: dict[str, str] | None = None
    documentation_version: str | None = None
    access_log_settings: AccessLogSettings | None = None
    web_acl_arn: str | None = None
    tags: dict[str, str] | None = None


class Deployment(Record, frozen=True):
    """A version of an API that stages can serve."""

    id: str
    created_date: dt.datetime
    description: str | None = None


class Snapshot(Record, frozen=True):
    """What a deployment has frozen."""

    api: RestApi
    resources: dict[str, Resource]
    authorizers: dict[str, Authorizer] = msgspec.field(default_factory=dict)
    models: dict[str, Model] = msgspec.field(default_factory=dict)
    validators: dict[str, RequestValidator] = msgspec.field(default_factory=dict)
    gateway_responses: dict[str, GatewayResponse] = msgspec.field(default_factory=dict)


class ApiKey(Record, frozen=True):
    """A key for callers. `stage_keys` are `{api id}/{stage}`, of before there were usage plans."""

    id: str
    account: str
    region: str
    value: str
    name: str
    enabled: bool
    created_date: dt.datetime
    last_updated_date: dt.datetime
    stage_keys: tuple[str, ...]
    customer_id: str | None = None
    description: str | None = None
    tags: dict[str, str] | None = None


class Throttle(Record, frozen=True):
    """A limit: the burst in requests, the rate in requests per second."""

    burst_limit: int | None = None
    rate_limit: float | None = None


class PlanStage(Record, frozen=True):
    """A stage of a usage plan. `throttle` is by `{path}/{method}`."""

    api_id: str
    stage: str
    throttle: dict[str, Throttle] | None = None


class Quota(Record, frozen=True):
    """How many requests a period may have; `offset` were taken off its first one."""

    limit: int
    offset: int = 0
    period: Literal["DAY", "WEEK", "MONTH"] | None = None


class UsagePlanKey(Record, frozen=True):
    """A key of a usage plan."""

    id: str
    type: str


class UsagePlan(Record, frozen=True):
    """Who may call which stages, and how often."""

    id: str
    account: str
    region: str
    name: str
    api_stages: tuple[PlanStage, ...]
    description: str | None = None
    throttle: Throttle | None = None
    quota: Quota | None = None
    product_code: str | None = None
    tags: dict[str, str] | None = None


class Account(Record, frozen=True):
    """An account's settings in a region."""

    id: str
    account: str
    region: str
    cloudwatch_role_arn: str | None = None


class VpcLink(Record, frozen=True):
    """A way into a private network; there are none here, so it is kept and answered only."""

    id: str
    account: str
    region: str
    name: str
    target_arns: tuple[str, ...]
    status: str
    status_message: str
    description: str | None = None
    tags: dict[str, str] | None = None


class ClientCertificate(Record, frozen=True):
    """What API Gateway shows to a backend."""

    client_certificate_id: str
    account: str
    region: str
    created_date: dt.datetime
    expiration_date: dt.datetime
    pem_encoded_certificate: str
    description: str | None = None
    tags: dict[str, str] | None = None


Schema: TypeAlias = dict[str, Any]
"""A JSON schema, decoded."""
