"""HTTP and WebSocket APIs and what belongs to them, as immutable structs.

Members are those of API Gateway V2's resources in snake case; encoded they have AWS's own names, in the database as
on the wire. What was never given is None. Dates are aware, in whole seconds of UTC.
"""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec looks it up when it decodes
from typing import Literal, TypeAlias

import msgspec

from lambent.functions.names import partition_of

ProtocolType: TypeAlias = Literal["HTTP", "WEBSOCKET"]
AuthorizationType: TypeAlias = Literal["NONE", "AWS_IAM", "CUSTOM", "JWT"]
IntegrationType: TypeAlias = Literal["AWS", "HTTP", "MOCK", "HTTP_PROXY", "AWS_PROXY"]


class Record(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """Base of all records."""


class Cors(Record, frozen=True):
    """CORS of an HTTP API. An empty tuple was given as such; `max_age` in seconds, -1 switches caching off."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age: int | None = None


class Api(Record, frozen=True):
    """An API. Its endpoint depends on where the platform answers, so it is not here."""

    api_id: str
    account: str
    region: str
    name: str
    protocol_type: ProtocolType
    created_date: dt.datetime
    route_selection_expression: str
    api_key_selection_expression: str | None = "$request.header.x-api-key"
    api_gateway_managed: bool | None = None
    cors_configuration: Cors | None = None
    description: str | None = None
    disable_schema_validation: bool | None = None
    disable_execute_api_endpoint: bool = False
    import_info: tuple[str, ...] | None = None
    ip_address_type: str = "ipv4"
    tags: dict[str, str] = {}
    version: str | None = None
    warnings: tuple[str, ...] | None = None

    @property
    def arn(self) -> str:
        """What tags name it by."""
        return f"arn:{partition_of(self.region)}:apigateway:{self.region}::/apis/{self.api_id}"


class ParameterConstraints(Record, frozen=True):
    """Whether a request parameter has to be there."""

    required: bool | None = None


class Route(Record, frozen=True):
    """What requests match. `target` is `integrations/{integration id}`."""

    route_id: str
    route_key: str
    api_gateway_managed: bool | None = None
    api_key_required: bool = False
    authorization_scopes: tuple[str, ...] | None = None
    authorization_type: AuthorizationType = "NONE"
    authorizer_id: str | None = None
    model_selection_expression: str | None = None
    operation_name: str | None = None
    request_models: dict[str, str] | None = None
    request_parameters: dict[str, ParameterConstraints] | None = None
    route_response_selection_expression: str | None = None
    target: str | None = None

    @property
    def integration_id(self) -> str | None:
        """The id of the integration that it leads to."""
        return None if self.target is None else self.target.removeprefix("integrations/")


class TlsConfig(Record, frozen=True):
    """TLS to a private integration."""

    server_name_to_verify: str | None = None


class Integration(Record, frozen=True):
    """What answers. `response_parameters` are by status code; `timeout_in_millis` between 50 and 30,000 (WebSocket
    APIs: 29,000).
    """

    integration_id: str
    integration_type: IntegrationType
    api_gateway_managed: bool | None = None
    connection_id: str | None = None
    connection_type: Literal["INTERNET", "VPC_LINK"] = "INTERNET"
    content_handling_strategy: Literal["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"] | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_method: str | None = None
    integration_response_selection_expression: str | None = None
    integration_subtype: str | None = None
    integration_uri: str | None = None
    passthrough_behavior: Literal["WHEN_NO_MATCH", "NEVER", "WHEN_NO_TEMPLATES"] | None = None
    payload_format_version: str | None = None
    request_parameters: dict[str, str] | None = None
    request_templates: dict[str, str] | None = None
    response_parameters: dict[str, dict[str, str]] | None = None
    template_selection_expression: str | None = None
    timeout_in_millis: int = 30_000
    tls_config: TlsConfig | None = None


class IntegrationResponse(Record, frozen=True):
    """What becomes of an integration's answer (WebSocket APIs)."""

    integration_response_id: str
    integration_id: str
    integration_response_key: str
    content_handling_strategy: Literal["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"] | None = None
    response_parameters: dict[str, str] | None = None
    response_templates: dict[str, str] | None = None
    template_selection_expression: str | None = None


class RouteResponse(Record, frozen=True):
    """That a route answers (WebSocket APIs)."""

    route_response_id: str
    route_id: str
    route_response_key: str
    model_selection_expression: str | None = None
    response_models: dict[str, str] | None = None
    response_parameters: dict[str, ParameterConstraints] | None = None


class JwtConfiguration(Record, frozen=True):
    """Whose tokens are taken."""

    audience: tuple[str, ...] | None = None
    issuer: str | None = None


class Authorizer(Record, frozen=True):
    """Who may call. `authorizer_result_ttl_in_seconds` None stands for AWS's default of the kind."""

    authorizer_id: str
    authorizer_type: Literal["REQUEST", "JWT"]
    name: str
    authorizer_credentials_arn: str | None = None
    authorizer_payload_format_version: str | None = None
    authorizer_result_ttl_in_seconds: int | None = None
    authorizer_uri: str | None = None
    enable_simple_responses: bool | None = None
    identity_source: tuple[str, ...] | None = None
    identity_validation_expression: str | None = None
    jwt_configuration: JwtConfiguration | None = None


class Model(Record, frozen=True):
    """A JSON schema. `schema` is its text."""

    model_id: str
    name: str
    schema: str
    content_type: str = "application/json"
    description: str | None = None


class AccessLogSettings(Record, frozen=True):
    """Where access logs go, and what a line of them holds."""

    destination_arn: str | None = None
    format: str | None = None


class RouteSettings(Record, frozen=True):
    """Throttling, logging and metrics. The burst is in requests, the rate in requests per second."""

    data_trace_enabled: bool | None = None
    detailed_metrics_enabled: bool | None = None
    logging_level: Literal["ERROR", "INFO", "OFF"] | None = None
    throttling_burst_limit: int | None = None
    throttling_rate_limit: float | None = None


class Stage(Record, frozen=True):
    """A stage. `route_settings` are by route key; `deployment_id` is None until something was deployed."""

    stage_name: str
    created_date: dt.datetime
    last_updated_date: dt.datetime
    access_log_settings: AccessLogSettings | None = None
    api_gateway_managed: bool | None = None
    auto_deploy: bool | None = None
    client_certificate_id: str | None = None
    default_route_settings: RouteSettings | None = None
    deployment_id: str | None = None
    description: str | None = None
    last_deployment_status_message: str | None = None
    route_settings: dict[str, RouteSettings] = {}
    stage_variables: dict[str, str] = {}
    tags: dict[str, str] = {}


class Deployment(Record, frozen=True):
    """A version of an API that stages can serve: what the API was when its history stood at `version`."""

    deployment_id: str
    created_date: dt.datetime
    version: int
    auto_deployed: bool = False
    deployment_status: Literal["PENDING", "FAILED", "DEPLOYED"] = "DEPLOYED"
    deployment_status_message: str | None = None
    description: str | None = None


class DomainNameConfiguration(Record, frozen=True):
    """One endpoint of a custom domain name."""

    api_gateway_domain_name: str | None = None
    certificate_arn: str | None = None
    certificate_name: str | None = None
    certificate_upload_date: dt.datetime | None = None
    domain_name_status: str | None = None
    domain_name_status_message: str | None = None
    endpoint_type: str | None = None
    hosted_zone_id: str | None = None
    ip_address_type: str | None = None
    security_policy: str | None = None
    ownership_verification_certificate_arn: str | None = None


class MutualTlsAuthentication(Record, frozen=True):
    """Whose client certificates are taken."""

    truststore_uri: str | None = None
    truststore_version: str | None = None
    truststore_warnings: tuple[str, ...] | None = None


class DomainName(Record, frozen=True):
    """A custom domain name: names of hosts, in lower case; `*.` at the beginning stands for any label."""

    domain_name: str
    account: str
    region: str
    domain_name_arn: str
    domain_name_configurations: tuple[DomainNameConfiguration, ...] = ()
    api_mapping_selection_expression: str = "$request.basepath"
    mutual_tls_authentication: MutualTlsAuthentication | None = None
    routing_mode: str = "API_MAPPING_ONLY"
    tags: dict[str, str] = {}


class ApiMapping(Record, frozen=True):
    """The stage that answers below a path of a domain name. `api_mapping_key` has no slash at either end; "" is the
    whole domain.
    """

    api_mapping_id: str
    domain_name: str
    api_id: str
    stage: str
    api_mapping_key: str = ""


class VpcLink(Record, frozen=True):
    """A way into a private network; there are none here, so it is kept and answered only."""

    vpc_link_id: str
    account: str
    region: str
    name: str
    created_date: dt.datetime
    security_group_ids: tuple[str, ...]
    subnet_ids: tuple[str, ...]
    tags: dict[str, str] = {}
    vpc_link_status: str = "AVAILABLE"
    vpc_link_status_message: str = "VPC link is ready to route traffic"
    vpc_link_version: str = "V2"
