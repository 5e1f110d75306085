"""Custom domain names and base path mappings, as REST APIs have them.

They are the same that HTTP APIs have: a domain name of one kind of API is also the other's, as on AWS ("Set up a custom
domain name for REST APIs", "Use API mappings" of the developer guide). A mapping without a stage leaves the stage to
the first segment of the path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import domain_names
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.records import (
    ApiMapping,
    DomainName,
    DomainNameConfiguration,
    MutualTlsAuthentication,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.layout import DomainDefinition
    from lambent.gateway.rest_api.patches import Operation

NONE: Final = "(none)"
"""How the mapping of a whole domain is called."""

_PATH: Final = re.compile(r"[a-zA-Z0-9$\-_.+!*'()]{1,300}")
_EDGE_ZONE: Final = "Z2FDTNDATAQYW2"
_POLICIES: Final = ("TLS_1_0", "TLS_1_2")


def create(account: str, region: str, members: dict[str, Any]) -> DomainDefinition:
    """A new domain name from the members of CreateDomainName in snake case. Raises BadApiRequest."""
    endpoint = members.get("endpoint_configuration") or {}
    kinds = endpoint.get("types") or ["EDGE"]
    if len(kinds) != 1:
        raise BadApiRequest("Cannot create a domain name with multiple Endpoint Types.")
    if kinds[0] == "PRIVATE":
        raise BadApiRequest("Private custom domain names are not served here")
    edge = kinds[0] == "EDGE"
    certificate = members.get("certificate_arn") if edge else None
    certificate = certificate or members.get("regional_certificate_arn") or members.get("certificate_arn")
    if not certificate:
        raise BadApiRequest("A certificate ARN is required for a domain name")
    policy = members.get("security_policy") or "TLS_1_2"
    if policy not in _POLICIES:
        raise BadApiRequest(f"Invalid security policy specified. Valid options are {', '.join(_POLICIES)}")
    mutual = members.get("mutual_tls_authentication")
    made = domain_names.create(
        account,
        region,
        {
            "domain_name": members.get("domain_name") or "",
            "domain_name_configurations": (
                DomainNameConfiguration(certificate_arn=certificate if not edge else "-"),
            ),
            "mutual_tls_authentication": None
            if not mutual
            else MutualTlsAuthentication(
                truststore_uri=mutual.get("truststoreUri"), truststore_version=mutual.get("truststoreVersion")
            ),
            "tags": members.get("tags"),
        },
    )
    (configuration,) = made.domain.domain_name_configurations
    configuration = replace(
        configuration,
        certificate_arn=certificate,
        certificate_name=members.get("certificate_name") or members.get("regional_certificate_name"),
        security_policy=policy,
        ip_address_type=endpoint.get("ip_address_type") or "ipv4",
        ownership_verification_certificate_arn=members.get("ownership_verification_certificate_arn"),
    )
    if edge:
        configuration = replace(
            configuration,
            endpoint_type="EDGE",
            api_gateway_domain_name=f"d{new_id(13)}.cloudfront.net",
            hosted_zone_id=_EDGE_ZONE,
        )
    return replace(made, domain=replace(made.domain, domain_name_configurations=(configuration,)))


def update(definition: DomainDefinition, operations: list[Operation]) -> tuple[DomainDefinition, DomainName]:
    """Change a domain name. Raises BadApiRequest."""
    domain = definition.domain
    (configuration,) = domain.domain_name_configurations
    for operation in operations:
        value = operation.value or None
        if operation.path in ("/certificateArn", "/regionalCertificateArn") and value is not None:
            configuration = replace(configuration, certificate_arn=value)
        elif operation.path in ("/certificateName", "/regionalCertificateName"):
            configuration = replace(configuration, certificate_name=value)
        elif operation.path == "/securityPolicy" and value in _POLICIES:
            configuration = replace(configuration, security_policy=value)
        elif operation.path == "/ownershipVerificationCertificateArn":
            configuration = replace(configuration, ownership_verification_certificate_arn=value)
        elif operation.path == "/endpointConfiguration/ipAddressType" and value in ("ipv4", "dualstack"):
            configuration = replace(configuration, ip_address_type=value)
        elif operation.path == "/mutualTlsAuthentication/truststoreUri":
            mutual = domain.mutual_tls_authentication or MutualTlsAuthentication()
            kept = None if value is None else replace(mutual, truststore_uri=value)
            domain = replace(domain, mutual_tls_authentication=kept)
        elif operation.path == "/mutualTlsAuthentication/truststoreVersion":
            mutual = domain.mutual_tls_authentication or MutualTlsAuthentication()
            domain = replace(domain, mutual_tls_authentication=replace(mutual, truststore_version=value))
        elif operation.path.startswith("/endpointConfiguration/types"):
            raise BadApiRequest("The endpoint type of a domain name cannot be changed here: make it anew")
        else:
            raise BadApiRequest(f"Invalid patch path {operation.path}")
    domain = replace(domain, domain_name_configurations=(configuration,))
    return replace(definition, domain=domain), domain


# ---------------------------------------------------------------- mappings


def key_of(base_path: str | None) -> str:
    """The key of a mapping: "" for the whole domain."""
    return "" if base_path in (None, "", NONE) else str(base_path)


def get(definition: DomainDefinition, base_path: str) -> ApiMapping:
    """One mapping. Raises ApiNotFound."""
    key = key_of(base_path)
    for mapping in definition.mappings.values():
        if mapping.api_mapping_key == key:
            return mapping
    raise ApiNotFound("Invalid base path mapping identifier specified")


def map_path(
    definition: DomainDefinition,
    base_path: str | None,
    api_id: str,
    stage: str | None,
    has_stage: Callable[[str, str | None], bool],
) -> tuple[DomainDefinition, ApiMapping]:
    """Map a path to an API, or to one of its stages. Raises BadApiRequest, ApiConflict."""
    key = key_of(base_path)
    if key and not _PATH.fullmatch(key):
        raise BadApiRequest(
            "API Gateway V1 doesn't support the slash character (/) in base path mappings. "
            "To create a multi-level base path mapping, use API Gateway V2."
            if "/" in key
            else "A base path may contain only letters, numbers and one of $-_.+!*'()"
        )
    if any(one.api_mapping_key == key for one in definition.mappings.values()):
        raise ApiConflict("Base path already exists for this domain name")
    mapping = ApiMapping(
        api_mapping_id=new_id(10, definition.mappings),
        domain_name=definition.domain.domain_name,
        api_id=api_id,
        stage=stage or "",
        api_mapping_key=key,
    )
    return _put(definition, mapping, has_stage)


def remap(
    definition: DomainDefinition,
    base_path: str,
    operations: list[Operation],
    has_stage: Callable[[str, str | None], bool],
) -> tuple[DomainDefinition, ApiMapping]:
    """Change a mapping: /basePath, /restapiId, /stage. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    mapping = get(definition, base_path)
    for operation in operations:
        value = operation.value or ""
        if operation.path == "/basePath":
            mapping = replace(mapping, api_mapping_key=key_of(value))
        elif operation.path in ("/restapiId", "/restApiId"):
            mapping = replace(mapping, api_id=value)
        elif operation.path == "/stage":
            mapping = replace(mapping, stage=value)
        else:
            raise BadApiRequest(
                f"Invalid patch path  '{operation.path}' specified for op '{operation.op}'. "
                "Must be one of: [/basePath, /restapiId, /stage]"
            )
    for other in definition.mappings.values():
        same = other.api_mapping_key == mapping.api_mapping_key
        if same and other.api_mapping_id != mapping.api_mapping_id:
            raise ApiConflict("Base path already exists for this domain name")
    return _put(definition, mapping, has_stage)


def unmap(definition: DomainDefinition, base_path: str) -> tuple[DomainDefinition, None]:
    """Remove a mapping. Raises ApiNotFound."""
    gone = get(definition, base_path).api_mapping_id
    rest = {key: one for key, one in definition.mappings.items() if key != gone}
    return replace(definition, mappings=rest), None


def _put(
    definition: DomainDefinition, mapping: ApiMapping, has_stage: Callable[[str, str | None], bool]
) -> tuple[DomainDefinition, ApiMapping]:
    if not has_stage(mapping.api_id, None):
        raise BadApiRequest("Invalid REST API identifier specified")
    if mapping.stage and not has_stage(mapping.api_id, mapping.stage):
        raise BadApiRequest("Invalid stage identifier specified")
    mappings = {**definition.mappings, mapping.api_mapping_id: mapping}
    return replace(definition, mappings=mappings), mapping
