"""Route 53: zones, their records, health checks. Kept as they are described: nobody asks these name servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    chosen,
    not_served,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 64
_RECORD: Final = (
    "AliasTarget",
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "HealthCheckId",
    "MultiValueAnswer",
    "Region",
    "SetIdentifier",
    "Type",
    "Weight",
)
_NO_ZONE: Final = ("NoSuchHostedZone", "NoSuchHealthCheck")


class HostedZoneProvider(ServiceProvider):
    """`AWS::Route53::HostedZone`: Ref is its id, without `/hostedzone/`."""

    type: ClassVar[str] = "AWS::Route53::HostedZone"

    async def create(self, work: Work) -> Made:
        _refuse(work)
        properties = work.properties
        vpcs = properties.get("VPCs") or []
        zone = work.physical_id or (await _by_reference(work, work.token) if work.again else None)
        if not zone:
            config = {
                "Comment": (properties.get("HostedZoneConfig") or {}).get("Comment"),
                "PrivateZone": bool(vpcs) or None,
            }
            made = await work.call(
                "route53",
                "CreateHostedZone",
                Name=properties["Name"],
                CallerReference=work.token,
                HostedZoneConfig=told(config) or None,
                VPC=_vpc(vpcs[0]) if vpcs else None,
            )
            zone = _bare(made["HostedZone"]["Id"])
        await work.initiated(zone)
        await _associate(work, zone)
        await _tag(work, "hostedzone", zone, tags_of(work, "HostedZoneTags"), [])
        return await self.made(work, zone)

    async def update(self, work: Work) -> Made:
        _refuse(work)
        zone = work.physical_id
        comment = (work.properties.get("HostedZoneConfig") or {}).get("Comment")
        if (work.old.get("HostedZoneConfig") or {}).get("Comment") != comment:
            await work.call("route53", "UpdateHostedZoneComment", Id=zone, Comment=comment or "")
        await _associate(work, zone)
        tags = tag_changes(work, "HostedZoneTags")
        await _tag(work, "hostedzone", zone, tags.put, tags.removed)
        return await self.made(work, zone)

    async def delete(self, work: Work) -> None:
        await unless(work.call("route53", "DeleteHostedZone", Id=work.physical_id), *_NO_ZONE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("route53", "GetHostedZone", Id=work.physical_id), *_NO_ZONE)
        if found is None:
            return None
        zone = found["HostedZone"]
        vpcs = [{"VPCId": vpc["VPCId"], "VPCRegion": vpc["VPCRegion"]} for vpc in found.get("VPCs", [])]
        return told(
            {
                "Name": _dotless(zone["Name"]) if not _dotted(work) else zone["Name"],
                "HostedZoneConfig": told({"Comment": zone.get("Config", {}).get("Comment")}),
                "VPCs": vpcs,
                "HostedZoneTags": await _tags(work, "hostedzone"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call("route53", "GetHostedZone", Id=physical_id)
        servers = found.get("DelegationSet", {}).get("NameServers", [])
        return Made(physical_id, {"Id": physical_id, "NameServers": servers})


class RecordSetProvider(Provider):
    """`AWS::Route53::RecordSet`: Ref is its name."""

    type: ClassVar[str] = "AWS::Route53::RecordSet"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        zone = await _zone(work, properties)
        if not work.again and await _there(work, zone, properties):
            raise already_exists(work, properties["Name"])
        await _change(work, zone, upsert=[properties])
        return Made(properties["Name"])

    async def update(self, work: Work) -> Made:
        zone = await _zone(work, work.properties)
        gone = [work.old] if _key(work.old) != _key(work.properties) else []
        await _change(work, zone, upsert=[work.properties], delete=gone)
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await _remove(work, work.properties, [work.properties])

    async def read(self, work: Work) -> Properties | None:
        return work.properties if await _there_at_all(work, work.properties, [work.properties]) else None


class RecordSetGroupProvider(Provider):
    """`AWS::Route53::RecordSetGroup`: Ref is a name made for it."""

    type: ClassVar[str] = "AWS::Route53::RecordSetGroup"

    async def create(self, work: Work) -> Made:
        records = work.properties.get("RecordSets") or []
        zone = await _zone(work, work.properties)
        if not work.again:
            for record in records:
                if await _there(work, zone, record):
                    raise already_exists(work, record["Name"])
        await _change(work, zone, upsert=records)
        return Made(work.name(_NAME_LIMIT))

    async def update(self, work: Work) -> Made:
        zone = await _zone(work, work.properties)
        records = work.properties.get("RecordSets") or []
        kept = [_key(record) for record in records]
        gone = [record for record in work.old.get("RecordSets") or [] if _key(record) not in kept]
        await _change(work, zone, upsert=records, delete=gone)
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await _remove(work, work.properties, work.properties.get("RecordSets") or [])

    async def read(self, work: Work) -> Properties | None:
        records = work.properties.get("RecordSets") or []
        return work.properties if await _there_at_all(work, work.properties, records) else None


class HealthCheckProvider(ServiceProvider):
    """`AWS::Route53::HealthCheck`: Ref is its id. Nothing is checked."""

    type: ClassVar[str] = "AWS::Route53::HealthCheck"

    async def create(self, work: Work) -> Made:
        check = work.physical_id or (await self._cut(work) if work.again else None)
        if not check:
            made = await work.call(
                "route53",
                "CreateHealthCheck",
                CallerReference=work.token,
                HealthCheckConfig=work.properties["HealthCheckConfig"],
            )
            check = made["HealthCheck"]["Id"]
        await work.initiated(check)
        await _tag(work, "healthcheck", check, tags_of(work, "HealthCheckTags"), [])
        return await self.made(work, check)

    async def update(self, work: Work) -> Made:
        if work.old.get("HealthCheckConfig") != work.properties["HealthCheckConfig"]:
            raise not_served("HealthCheckConfig")
        tags = tag_changes(work, "HealthCheckTags")
        await _tag(work, "healthcheck", work.physical_id, tags.put, tags.removed)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call("route53", "DeleteHealthCheck", HealthCheckId=work.physical_id), *_NO_ZONE)

    async def read(self, work: Work) -> Properties | None:
        asked = work.call("route53", "GetHealthCheck", HealthCheckId=work.physical_id)
        found = await unless(asked, *_NO_ZONE)
        if found is None:
            return None
        # moto tells more than was said: what the template has of it is compared.
        live = found["HealthCheck"]["HealthCheckConfig"]
        config = chosen(live, work.properties.get("HealthCheckConfig", live))
        return told({"HealthCheckConfig": config, "HealthCheckTags": await _tags(work, "healthcheck")})

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"HealthCheckId": physical_id})

    async def _cut(self, work: Work) -> str | None:
        found = await work.call("route53", "ListHealthChecks")
        of_step = [check["Id"] for check in found["HealthChecks"] if check["CallerReference"] == work.token]
        return next(iter(of_step), None)


def _refuse(work: Work) -> None:
    for member in ("DelegationSetId", "HostedZoneFeatures", "QueryLoggingConfig"):
        if work.properties.get(member):
            raise not_served(member)


def _bare(zone: str) -> str:
    return zone.rpartition("/")[2]


def _dotless(name: str) -> str:
    return name.rstrip(".")


def _dotted(work: Work) -> bool:
    return str(work.properties.get("Name", "")).endswith(".")


def _vpc(vpc: Properties) -> dict[str, Any]:
    return chosen(vpc, ("VPCId", "VPCRegion"))


async def _by_reference(work: Work, reference: str) -> str | None:
    found = await work.call("route53", "ListHostedZones")
    of_step = [zone["Id"] for zone in found["HostedZones"] if zone.get("CallerReference") == reference]
    return _bare(of_step[0]) if of_step else None


async def _associate(work: Work, zone: str) -> None:
    found = await work.call("route53", "GetHostedZone", Id=zone)
    live = {vpc["VPCId"]: _vpc(vpc) for vpc in found.get("VPCs", [])}
    wanted = {vpc["VPCId"]: _vpc(vpc) for vpc in work.properties.get("VPCs") or []}
    for vpc in wanted.keys() - live.keys():
        await work.call("route53", "AssociateVPCWithHostedZone", HostedZoneId=zone, VPC=wanted[vpc])
    for vpc in live.keys() - wanted.keys():
        await work.call("route53", "DisassociateVPCFromHostedZone", HostedZoneId=zone, VPC=live[vpc])


async def _tag(work: Work, kind: str, identifier: str, put: dict[str, str], removed: list[str]) -> None:
    if put or removed:
        await work.call(
            "route53",
            "ChangeTagsForResource",
            ResourceType=kind,
            ResourceId=identifier,
            AddTags=pairs(put) or None,
            RemoveTagKeys=removed or None,
        )


async def _tags(work: Work, kind: str) -> list[dict[str, str]]:
    found = await work.call("route53", "ListTagsForResource", ResourceType=kind, ResourceId=work.physical_id)
    return own_pairs(found["ResourceTagSet"]["Tags"])


# ------------------------------------------------------------ records


async def _zone(work: Work, properties: Properties) -> str:
    """The id of the zone that a record is of, by its id or its name."""
    if properties.get("HostedZoneId"):
        return _bare(properties["HostedZoneId"])
    name = properties.get("HostedZoneName")
    if not name:
        raise ResourceFailure("Either HostedZoneId or HostedZoneName must be specified.", "InvalidRequest")
    found = await work.call("route53", "ListHostedZonesByName", DNSName=name)
    zones = [zone["Id"] for zone in found["HostedZones"] if _dotless(zone["Name"]) == _dotless(name)]
    if not zones:
        raise ResourceFailure(f"No hosted zones named {name} found", "NotFound")
    if len(zones) > 1:
        raise ResourceFailure(f"Found multiple hosted zones named {name}", "InvalidRequest")
    return _bare(zones[0])


def _key(record: Properties) -> tuple[str, str, str]:
    return (_dotless(record["Name"]).lower(), record["Type"], record.get("SetIdentifier") or "")


def _record(record: Properties) -> dict[str, Any]:
    """A record of a template as the service takes it."""
    taken = {"Name": record["Name"], **chosen(record, _RECORD)}
    if record.get("TTL") is not None:
        taken["TTL"] = int(record["TTL"])
    if record.get("ResourceRecords"):
        taken["ResourceRecords"] = [{"Value": value} for value in record["ResourceRecords"]]
    if "AliasTarget" in taken:
        taken["AliasTarget"] = {"EvaluateTargetHealth": False, **taken["AliasTarget"]}
    return taken


async def _change(
    work: Work, zone: str, *, upsert: Iterable[Properties] = (), delete: Iterable[Properties] = ()
) -> None:
    changes = [{"Action": "DELETE", "ResourceRecordSet": _record(record)} for record in delete]
    changes += [{"Action": "UPSERT", "ResourceRecordSet": _record(record)} for record in upsert]
    if changes:
        await work.call(
            "route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes}
        )


async def _there(work: Work, zone: str, record: Properties) -> bool:
    found = await work.call("route53", "ListResourceRecordSets", HostedZoneId=zone)
    return _key(record) in [_key(one) for one in found["ResourceRecordSets"]]


async def _there_at_all(work: Work, properties: Properties, records: list[Properties]) -> bool:
    """Whether the zone has all of these records."""
    try:
        zone = await _zone(work, properties)
        return all([await _there(work, zone, record) for record in records])
    except ServiceFailure as failure:
        if failure.code in _NO_ZONE:
            return False
        raise
    except ResourceFailure:
        return False


async def _remove(work: Work, properties: Properties, records: list[Properties]) -> None:
    try:
        zone = await _zone(work, properties)
        there = [record for record in records if await _there(work, zone, record)]
        await _change(work, zone, delete=there)
    except ServiceFailure as failure:
        if failure.code not in _NO_ZONE:
            raise
    except ResourceFailure as failure:
        if failure.code != "NotFound":
            raise
