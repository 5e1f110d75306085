"""Custom domain names, API mappings and VPC links through boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

BAD, LOST, TAKEN = (400, "BadRequestException"), (404, "NotFoundException"), (409, "ConflictException")
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/c"
CONFIGURATIONS = [{"CertificateArn": CERTIFICATE, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}]


@pytest.fixture
def domain(api: Any) -> str:
    """A custom domain name."""
    api.create_domain_name(DomainName="api.example.com", DomainNameConfigurations=CONFIGURATIONS)
    return "api.example.com"


def test_a_domain_name_as_aws_describes_it(api: Any, domain: str, plain: Any) -> None:
    found = plain(api.get_domain_name(DomainName=domain))
    (configuration,) = found.pop("DomainNameConfigurations")
    name = configuration.pop("ApiGatewayDomainName")
    assert re.fullmatch(r"d-[a-z0-9]{10}\.execute-api\.us-east-1\.amazonaws\.com", name)
    assert configuration == {
        "CertificateArn": CERTIFICATE,
        "DomainNameStatus": "AVAILABLE",
        "EndpointType": "REGIONAL",
        "HostedZoneId": "Z1UJRXOUMOOFQ8",
        "IpAddressType": "ipv4",
        "SecurityPolicy": "TLS_1_2",
    }
    assert found == {
        "ApiMappingSelectionExpression": "$request.basepath",
        "DomainName": domain,
        "DomainNameArn": f"arn:aws:apigateway:us-east-1::/domainnames/{domain}",
        "RoutingMode": "API_MAPPING_ONLY",
        "Tags": {},
    }
    changed = api.update_domain_name(
        DomainName=domain,
        DomainNameConfigurations=[{"CertificateArn": f"{CERTIFICATE}2"}],
        MutualTlsAuthentication={"TruststoreUri": "s3://bucket/store.pem"},
    )
    (configuration,) = changed["DomainNameConfigurations"]
    assert configuration["CertificateArn"] == f"{CERTIFICATE}2"
    assert configuration["ApiGatewayDomainName"] == name
    assert changed["MutualTlsAuthentication"] == {"TruststoreUri": "s3://bucket/store.pem"}
    changed = api.update_domain_name(DomainName=domain, MutualTlsAuthentication={"TruststoreUri": ""})
    assert "MutualTlsAuthentication" not in changed


def test_refused_domain_names(api: Any, domain: str, refused: Refused) -> None:
    given = {"DomainName": domain, "DomainNameConfigurations": CONFIGURATIONS}
    assert refused(api.create_domain_name, **given) == (*BAD, "The domain name you provided already exists.")
    assert refused(api.create_domain_name, DomainName="other.example.com") == (
        *BAD,
        "Invalid input. Expected one domain name configuration",
    )
    old = [{**CONFIGURATIONS[0], "SecurityPolicy": "TLS_1_0"}]
    assert (
        refused(api.create_domain_name, DomainName="o.example.com", DomainNameConfigurations=old)[:2] == BAD
    )
    assert refused(api.create_domain_name, DomainName="-", DomainNameConfigurations=CONFIGURATIONS)[:2] == BAD
    assert refused(api.get_domain_name, DomainName="none.example.com") == (
        *LOST,
        "Invalid domain name identifier specified",
    )


def test_mappings(api: Any, plane: Any, domain: str, http_api: str, refused: Refused, plain: Any) -> None:
    api.create_stage(ApiId=http_api, StageName="prod")
    target = {"DomainName": domain, "ApiId": http_api, "Stage": "prod"}
    root = plain(api.create_api_mapping(**target))
    deep = plain(api.create_api_mapping(**target, ApiMappingKey="v1/shop"))
    assert root == {
        "ApiId": http_api,
        "ApiMappingId": root["ApiMappingId"],
        "ApiMappingKey": "",
        "Stage": "prod",
    }
    assert deep["ApiMappingKey"] == "v1/shop"
    assert [one.api_mapping_key for one in plane.registry.mappings(domain)] == ["v1/shop", ""]
    where = {"DomainName": domain, "ApiMappingId": deep["ApiMappingId"]}
    assert plain(api.get_api_mapping(**where)) == deep
    assert len(api.get_api_mappings(DomainName=domain)["Items"]) == 2
    taken = (*TAKEN, "ApiMapping key already exists for this domain name")
    assert refused(api.create_api_mapping, **target) == taken
    assert refused(api.update_api_mapping, **where, ApiId=http_api, ApiMappingKey="") == taken
    changed = api.update_api_mapping(**where, ApiId=http_api, ApiMappingKey="v2")
    assert (changed["ApiMappingKey"], changed["Stage"]) == ("v2", "prod")
    assert refused(api.create_api_mapping, **{**target, "Stage": "none"}, ApiMappingKey="x") == (
        *BAD,
        "Invalid stage identifier specified",
    )
    assert refused(api.create_api_mapping, **{**target, "ApiId": "none"}, ApiMappingKey="x")[:2] == BAD
    for key in ("/", "/foo", "foo/", "^foo"):
        assert refused(api.create_api_mapping, **target, ApiMappingKey=key) == (
            *BAD,
            "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'()",
        )
    for operation, more in ((api.delete_api, {}), (api.delete_stage, {"StageName": "prod"})):
        assert refused(operation, ApiId=http_api, **more)[:2] == BAD
    api.delete_api_mapping(**where)
    assert refused(api.get_api_mapping, **where)[:2] == LOST
    api.delete_domain_name(DomainName=domain)
    assert plane.registry.domain(domain) is None
    assert plane.registry.mappings(domain) == ()
    api.delete_api(ApiId=http_api)


def test_domain_names_and_mappings_survive_a_restart(
    api: Any, plane: Any, domain: str, http_api: str, plain: Any
) -> None:
    api.create_stage(ApiId=http_api, StageName="prod")
    api.create_api_mapping(DomainName=domain, ApiId=http_api, Stage="prod", ApiMappingKey="v1")
    before = plain(api.get_domain_name(DomainName=domain))
    plane.restart()
    again = plane.client()
    assert plain(again.get_domain_name(DomainName=domain)) == before
    assert [one.stage for one in plane.registry.mappings(domain)] == ["prod"]
    again.close()


def test_vpc_links(api: Any, http_api: str, refused: Refused, plain: Any) -> None:
    made = plain(api.create_vpc_link(Name="link", SubnetIds=["subnet-1"], Tags={"a": "1"}))
    created = made.pop("CreatedDate")
    link_id = made["VpcLinkId"]
    assert made == {
        "Name": "link",
        "SecurityGroupIds": [],
        "SubnetIds": ["subnet-1"],
        "Tags": {"a": "1"},
        "VpcLinkId": link_id,
        "VpcLinkStatus": "AVAILABLE",
        "VpcLinkStatusMessage": "VPC link is ready to route traffic",
        "VpcLinkVersion": "V2",
    }
    assert plain(api.get_vpc_link(VpcLinkId=link_id)) == {**made, "CreatedDate": created}
    assert api.update_vpc_link(VpcLinkId=link_id, Name="new")["Name"] == "new"
    integration_id = api.create_integration(
        ApiId=http_api,
        IntegrationType="HTTP_PROXY",
        IntegrationUri="arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/a/b/c",
        IntegrationMethod="ANY",
        PayloadFormatVersion="1.0",
        ConnectionType="VPC_LINK",
        ConnectionId=link_id,
        TlsConfig={"ServerNameToVerify": "internal.example.com"},
    )["IntegrationId"]
    status, code, message = refused(api.delete_vpc_link, VpcLinkId=link_id)
    assert (status, code) == BAD
    assert message.startswith(f"Cannot delete vpc link. Vpc link '{link_id}', is referenced in [")
    api.delete_integration(ApiId=http_api, IntegrationId=integration_id)
    assert api.delete_vpc_link(VpcLinkId=link_id)["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert refused(api.get_vpc_link, VpcLinkId=link_id)[:2] == LOST
    assert api.get_vpc_links()["Items"] == []


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "shop", "a.localhost", "*.localhost", "x.amazonaws.com"]
)
def test_names_that_are_the_platforms_own(api: Any, refused: Refused, name: str) -> None:
    """Taken, nothing would reach the platform there any more."""
    answer = refused(api.create_domain_name, DomainName=name, DomainNameConfigurations=CONFIGURATIONS)
    assert answer == (*BAD, f"Invalid domain name {name} specified")
