"""Custom domain names and their API mappings.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2), unless another source is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.functions.names import partition_of
from lambent.gateway.apis import tags
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.layout import DomainDefinition
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import (
    ApiMapping,
    DomainName,
    DomainNameConfiguration,
    MutualTlsAuthentication,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.definition import Definition

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$)(\*\.)?({_LABEL}\.)*{_LABEL}")
_NOT_ONES_OWN: Final = (".localhost", ".amazonaws.com", ".amazonaws.com.cn", ".on.aws")
_KEY: Final = re.compile(r"[a-zA-Z0-9$\-_.+!*'()]+(/[a-zA-Z0-9$\-_.+!*'()]+)*")
_KEY_LENGTH: Final = 300
# Of regional endpoints: "Amazon API Gateway endpoints and quotas", AWS General Reference.
_HOSTED_ZONES: Final = {
    "af-south-1": "Z2DHW2332DAMTN",
    "ap-east-1": "Z3FD1VL90ND7K5",
    "ap-northeast-1": "Z1YSHQZHG15GKL",
    "ap-northeast-2": "Z20JF4UZKIW1U8",
    "ap-northeast-3": "Z22ILHG95FLSZ2",
    "ap-south-1": "Z3VO1THU9YC4UR",
    "ap-southeast-1": "ZL327KTPIQFUL",
    "ap-southeast-2": "Z2RPCDW04V8134",
    "ca-central-1": "Z19DQILCV0OWEC",
    "eu-central-1": "Z1U9ULNL0V5AJ3",
    "eu-north-1": "Z3UWIKFBOOGXPP",
    "eu-south-1": "Z3BT4WSQ9TDYZV",
    "eu-west-1": "ZLY8HYME6SFDD",
    "eu-west-2": "ZJ5UAJN8Y3Z2Q",
    "eu-west-3": "Z3KY65QIEKYHQQ",
    "me-south-1": "Z20ZBPC0SS8806",
    "sa-east-1": "ZCMLWB8V5SYIT",
    "us-east-1": "Z1UJRXOUMOOFQ8",
    "us-east-2": "ZOJJZC49E0EPZ",
    "us-west-1": "Z2MUQ32089INYE",
    "us-west-2": "Z2OJLYMUO9EFXC",
}


def create(account: str, region: str, members: dict[str, Any]) -> DomainDefinition:
    """A new domain name. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value is not None}
    name = given.pop("domain_name").lower()
    if "_" in name:
        raise BadApiRequest("Domain names cannot contain an underscore character")
    # Names of the platform's own, and addresses, would lead nowhere else any more.
    own = "." not in name or name.rpartition(".")[2].isdigit() or name.endswith(_NOT_ONES_OWN)
    if own or not _NAME.fullmatch(name):
        raise BadApiRequest(f"Invalid domain name {name} specified")
    domain = DomainName(
        domain_name=name,
        account=account,
        region=region,
        domain_name_arn=f"arn:{partition_of(region)}:apigateway:{region}::/domainnames/{name}",
        tags=tags.check(given.pop("tags", {})),
    )
    given.setdefault("domain_name_configurations", ())
    return DomainDefinition(_changed(domain, given))


def update(definition: DomainDefinition, members: dict[str, Any]) -> tuple[DomainDefinition, DomainName]:
    """Change a domain name. Raises BadApiRequest."""
    domain = _changed(definition.domain, {key: value for key, value in members.items() if value is not None})
    return replace(definition, domain=domain), domain


def retagged(definition: DomainDefinition, new: dict[str, str]) -> tuple[DomainDefinition, None]:
    """The domain name with these tags in place of its own. Raises BadApiRequest."""
    return replace(definition, domain=replace(definition.domain, tags=tags.check(new))), None


def get_mapping(definition: DomainDefinition, mapping_id: str) -> ApiMapping:
    """One mapping. Raises ApiNotFound."""
    mapping = definition.mappings.get(mapping_id)
    if mapping is None:
        raise ApiNotFound("Invalid API mapping identifier specified")
    return mapping


def create_mapping(
    definition: DomainDefinition, members: dict[str, Any], find: Callable[[str], Definition | None]
) -> tuple[DomainDefinition, ApiMapping]:
    """Map a path to a stage; `find` gives an API by id. Raises BadApiRequest, ApiConflict."""
    given = {key: value for key, value in members.items() if value is not None}
    mapping = ApiMapping(
        api_mapping_id=new_id(10, definition.mappings),
        **{**given, "domain_name": definition.domain.domain_name},
    )
    return _put(definition, mapping, find)


def update_mapping(
    definition: DomainDefinition,
    mapping_id: str,
    members: dict[str, Any],
    find: Callable[[str], Definition | None],
) -> tuple[DomainDefinition, ApiMapping]:
    """Change a mapping. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    given = {key: value for key, value in members.items() if value is not None}
    return _put(definition, replace(get_mapping(definition, mapping_id), **given), find)


def delete_mapping(definition: DomainDefinition, mapping_id: str) -> tuple[DomainDefinition, None]:
    """Remove a mapping. Raises ApiNotFound."""
    get_mapping(definition, mapping_id)
    rest = {key: value for key, value in definition.mappings.items() if key != mapping_id}
    return replace(definition, mappings=rest), None


def _put(
    definition: DomainDefinition, mapping: ApiMapping, find: Callable[[str], Definition | None]
) -> tuple[DomainDefinition, ApiMapping]:
    """Messages are API Gateway's own: aws/aws-cdk#9077, #22660, amplify-education/serverless-domain-manager#334."""
    key = mapping.api_mapping_key
    if key and (len(key) > _KEY_LENGTH or not _KEY.fullmatch(key)):
        raise BadApiRequest("An ApiMapping key may contain only letters, numbers and one of $-_.+!*'()")
    api = find(mapping.api_id)
    if api is None:
        raise BadApiRequest("Invalid API identifier specified")
    if mapping.stage not in api.stages:
        raise BadApiRequest("Invalid stage identifier specified")
    for other in definition.mappings.values():
        if other.api_mapping_key == key and other.api_mapping_id != mapping.api_mapping_id:
            raise ApiConflict("ApiMapping key already exists for this domain name")
    mappings = {**definition.mappings, mapping.api_mapping_id: mapping}
    return replace(definition, mappings=mappings), mapping


def _changed(domain: DomainName, given: dict[str, Any]) -> DomainName:
    if "domain_name_configurations" in given:
        given["domain_name_configurations"] = _configured(domain, given["domain_name_configurations"])
    if "mutual_tls_authentication" in given:
        mutual = MutualTlsAuthentication(**cleared(_members(given["mutual_tls_authentication"])))
        given["mutual_tls_authentication"] = mutual if mutual.truststore_uri is not None else None
        if mutual.truststore_uri is not None and not mutual.truststore_uri.startswith("s3://"):
            raise BadApiRequest(f"Invalid truststore URI: {mutual.truststore_uri}. It must begin with s3://")
    return replace(domain, **given)


def _configured(
    domain: DomainName, configurations: tuple[DomainNameConfiguration, ...]
) -> tuple[DomainNameConfiguration, ...]:
    if len(configurations) != 1:
        raise BadApiRequest("Invalid input. Expected one domain name configuration")
    (given,) = configurations
    known = domain.domain_name_configurations[0] if domain.domain_name_configurations else None
    if given.certificate_arn is None and known is None:
        raise BadApiRequest("CertificateArn is required for a domain name configuration")
    if (given.endpoint_type or "REGIONAL") != "REGIONAL":
        raise BadApiRequest(
            f"{given.endpoint_type} endpoint type is not supported for APIGatewayV2 domainName"
        )
    certificate = (given.certificate_arn or "").split(":")
    if len(certificate) > 5 and certificate[2] == "acm" and certificate[3] not in ("", domain.region):
        raise BadApiRequest(
            f"Invalid certificate ARN: {given.certificate_arn}. Certificate must be in '{domain.region}'."
        )
    if (given.security_policy or "TLS_1_2") != "TLS_1_2":
        # amplify-education/serverless-domain-manager#381
        raise BadApiRequest(
            "Only REGIONAL domain names with a security policy of TLS 1.2 can be managed through the API Gateway "
            "V2 API. For TLS 1.0 domain names, please use the API Gateway V1 API to upgrade your security policy to "
            "TLS 1.2. Currently, only REST APIs can be attached to a domain name with a security policy of TLS 1.0."
        )
    members = {name: value for name, value in _members(given).items() if value is not None}
    base = known or DomainNameConfiguration(
        api_gateway_domain_name=f"d-{new_id(10)}.execute-api.{domain.region}.amazonaws.com",
        hosted_zone_id=_HOSTED_ZONES.get(domain.region, _HOSTED_ZONES["us-east-1"]),
        endpoint_type="REGIONAL",
        security_policy="TLS_1_2",
        ip_address_type="ipv4",
        domain_name_status="AVAILABLE",
    )
    for computed in ("api_gateway_domain_name", "hosted_zone_id", "domain_name_status"):
        members.pop(computed, None)
    return (replace(base, **members),)


def _members(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
