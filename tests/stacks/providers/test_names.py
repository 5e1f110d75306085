"""Route 53's zones and records, ACM's certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World


def test_a_zone_and_its_records(world: World) -> None:
    zone = world.resource("AWS::Route53::HostedZone", "Zone", team="a").create(
        Name="shop.example", HostedZoneConfig={"Comment": "ours"}
    )
    zone.again()
    zone.lost()
    assert zone.attributes["Id"] == zone.id
    assert len(zone.attributes["NameServers"]) == 4
    assert zone.drift() == []

    record = world.resource("AWS::Route53::RecordSet").create(
        HostedZoneId=zone.id, Name="www.shop.example", Type="A", TTL="60", ResourceRecords=["192.0.2.1"]
    )
    record.again()
    assert record.id == "www.shop.example"
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Route53::RecordSet").create(**record.properties)
    record.update_twice(
        HostedZoneId=zone.id, Name="www.shop.example", Type="CNAME", TTL="5", ResourceRecords=["b.example"]
    )
    group = world.resource("AWS::Route53::RecordSetGroup", "Group").create(
        HostedZoneName="shop.example.",
        RecordSets=[{"Name": "a.shop.example", "Type": "TXT", "TTL": "1", "ResourceRecords": ['"x"']}],
    )
    group.again()
    alias = {"DNSName": "d-1.execute-api.us-east-1.amazonaws.com", "HostedZoneId": "Z1UJRXOUMOOFQ8"}
    group.update_twice(
        HostedZoneName="shop.example.",
        RecordSets=[{"Name": "b.shop.example", "Type": "A", "AliasTarget": alias}],
    )
    found = world.ask("route53", "ListResourceRecordSets", HostedZoneId=zone.id)["ResourceRecordSets"]
    assert {(one["Name"], one["Type"]) for one in found if one["Type"] not in ("NS", "SOA")} == {
        ("www.shop.example.", "CNAME"),
        ("b.shop.example.", "A"),
    }
    with pytest.raises(ResourceFailure, match="No hosted zones named nowhere"):
        world.resource("AWS::Route53::RecordSet").create(
            HostedZoneName="nowhere.example", Name="x.nowhere.example", Type="A"
        )
    for made in (group, record):
        made.delete_twice()
        assert made.read() is None
    zone.update_twice(Name="shop.example", HostedZoneTags=[{"Key": "own", "Value": "1"}])
    assert zone.drift() == []
    zone.delete_twice()
    assert zone.read() is None


def test_a_health_check(world: World) -> None:
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "shop.example", "Port": 443}
    check = world.resource("AWS::Route53::HealthCheck").create(HealthCheckConfig=config)
    check.again()
    check.lost()
    assert check.drift() == []
    check.update_twice(HealthCheckConfig=config, HealthCheckTags=[{"Key": "a", "Value": "b"}])
    check.delete_twice()
    assert check.read() is None


def test_a_certificate(world: World) -> None:
    certificate = world.resource("AWS::CertificateManager::Certificate", team="a").create(
        DomainName="shop.example", ValidationMethod="DNS", SubjectAlternativeNames=["www.shop.example"]
    )
    certificate.again()
    assert certificate.id.startswith("arn:aws:acm:us-east-1:000000000000:certificate/")
    assert certificate.drift() == []
    certificate.update_twice(
        DomainName="shop.example",
        ValidationMethod="DNS",
        SubjectAlternativeNames=["www.shop.example"],
        Tags=[{"Key": "own", "Value": "1"}],
    )
    assert certificate.drift() == []
    certificate.delete_twice()
    assert certificate.read() is None
