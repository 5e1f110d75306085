"""Security groups and their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import ServiceProvider, changed, name_of, told
from lambent.stacks.providers.ec2.common import TaggedProvider, live_tags, unless_gone
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 255
_ALL: Final[dict[str, Any]] = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
"""What a new group lets out."""

_INGRESS: Final = "Ingress"
_EGRESS: Final = "Egress"
_PROTOCOLS: Final = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}


class SecurityGroupProvider(TaggedProvider):
    """`AWS::EC2::SecurityGroup`: Ref is its id."""

    type: ClassVar[str] = "AWS::EC2::SecurityGroup"
    kind: ClassVar[str] = "security-group"
    described: ClassVar[tuple[str, str, str]] = ("DescribeSecurityGroups", "SecurityGroups", "GroupId")

    async def make(self, work: Work, tags: list[dict[str, Any]]) -> str:
        made = await work.call(
            "ec2",
            "CreateSecurityGroup",
            GroupName=name_of(work, "GroupName", _NAME_LIMIT),
            Description=work.properties["GroupDescription"],
            VpcId=work.properties.get("VpcId"),
            TagSpecifications=tags,
        )
        return str(made["GroupId"])

    async def set(self, work: Work, found: dict[str, Any]) -> None:
        # Only what the template says is changed: there may be rules of their own besides.
        for way, member, permissions in (
            (_INGRESS, "SecurityGroupIngress", "IpPermissions"),
            (_EGRESS, "SecurityGroupEgress", "IpPermissionsEgress"),
        ):
            wanted, before = _rules(work.properties, member), _rules(work.old, member)
            if way == _EGRESS:
                wanted, before = wanted or [_ALL], before or [_ALL]
            live = _flat(found.get(permissions, []))
            keep = [_identity(rule) for rule in wanted]
            for rule in before:
                identity = _identity(rule)
                if identity not in keep and identity in live:
                    await _revoke(work, way, found["GroupId"], rule)
            for rule in wanted:
                if _identity(rule) not in live:
                    await _authorize(work, way, found["GroupId"], rule)

    async def remove(self, work: Work) -> None:
        await work.call("ec2", "DeleteSecurityGroup", GroupId=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await self.find(work, work.physical_id)
        if found is None:
            return None
        live: Properties = {
            "GroupName": found["GroupName"],
            "GroupDescription": found["Description"],
            "VpcId": found.get("VpcId"),
            "Tags": live_tags(found),
        }
        # A rule may be one of its own: what is the group's is told as the template has it, unless it is gone.
        for member, permissions in (
            ("SecurityGroupIngress", "IpPermissions"),
            ("SecurityGroupEgress", "IpPermissionsEgress"),
        ):
            there = _flat(found.get(permissions, []))
            live[member] = [rule for rule in _rules(work.properties, member) if _identity(rule) in there]
        return told(live)

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await self.find(work, physical_id) or {}
        return Made(
            physical_id,
            {
                "Id": physical_id,
                "GroupId": physical_id,
                "GroupName": found.get("GroupName", ""),
                "GroupDescription": found.get("Description", ""),
                "VpcId": found.get("VpcId", ""),
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Id"]


class _RuleProvider(ServiceProvider):
    """A rule of its own: Ref is its id."""

    way: ClassVar[str]

    async def create(self, work: Work) -> Made:
        group = await self._group(work)
        if not work.again or not await self._find(work, group):
            await _authorize(work, self.way, group, work.properties)
        for rule in await self._find(work, group):
            return await self.made(work, rule["SecurityGroupRuleId"])
        raise ResourceFailure("The rule was not made.", "GeneralServiceException")

    async def update(self, work: Work) -> Made:
        if changed(work, "Description"):
            operation = f"UpdateSecurityGroupRuleDescriptions{self.way}"
            group = await self._group(work)
            await work.call("ec2", operation, GroupId=group, IpPermissions=[_permission(work.properties)])
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        group = await unless_gone(self._group(work))
        if group:
            await _revoke(work, self.way, group, work.properties)

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})

    async def _group(self, work: Work) -> str:
        name = work.properties.get("GroupName")
        if work.properties.get("GroupId") or not name:
            return str(work.properties["GroupId"])
        found = await work.call("ec2", "DescribeSecurityGroups", GroupNames=[name])
        return str(found["SecurityGroups"][0]["GroupId"])

    async def _find(self, work: Work, group: str) -> list[dict[str, Any]]:
        of_group = [{"Name": "group-id", "Values": [group]}]
        found = await work.call("ec2", "DescribeSecurityGroupRules", Filters=of_group)
        wanted = _identity(work.properties)
        return [
            rule
            for rule in found["SecurityGroupRules"]
            if rule["IsEgress"] is (self.way == _EGRESS) and _identity(_of_rule(rule)) == wanted
        ]


class SecurityGroupIngressProvider(_RuleProvider):
    """`AWS::EC2::SecurityGroupIngress`."""

    type: ClassVar[str] = "AWS::EC2::SecurityGroupIngress"
    way: ClassVar[str] = _INGRESS


class SecurityGroupEgressProvider(_RuleProvider):
    """`AWS::EC2::SecurityGroupEgress`."""

    type: ClassVar[str] = "AWS::EC2::SecurityGroupEgress"
    way: ClassVar[str] = _EGRESS


async def _authorize(work: Work, way: str, group: str, rule: Properties) -> None:
    try:
        await work.call(
            "ec2", f"AuthorizeSecurityGroup{way}", GroupId=group, IpPermissions=[_permission(rule)]
        )
    except ServiceFailure as failure:
        if failure.code != "InvalidPermission.Duplicate" or not work.again:
            raise


async def _revoke(work: Work, way: str, group: str, rule: Properties) -> None:
    await unless_gone(
        work.call("ec2", f"RevokeSecurityGroup{way}", GroupId=group, IpPermissions=[_permission(rule)])
    )


def _rules(properties: Properties, member: str) -> list[Properties]:
    return list(properties.get(member) or [])


def _permission(rule: Properties) -> dict[str, Any]:
    """A rule of a template as EC2 takes it."""
    said = {"Description": rule["Description"]} if rule.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    for name in ("FromPort", "ToPort"):
        if rule.get(name) is not None:
            permission[name] = rule[name]
    if rule.get("CidrIp"):
        permission["IpRanges"] = [{"CidrIp": rule["CidrIp"], **said}]
    if rule.get("CidrIpv6"):
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **said}]
    lists = rule.get("SourcePrefixListId") or rule.get("DestinationPrefixListId")
    if lists:
        permission["PrefixListIds"] = [{"PrefixListId": lists, **said}]
    group = rule.get("SourceSecurityGroupId") or rule.get("DestinationSecurityGroupId")
    named, owner = rule.get("SourceSecurityGroupName"), rule.get("SourceSecurityGroupOwnerId")
    if group or named:
        pair = {"GroupId": group, "GroupName": None if group else named, "UserId": owner}
        permission["UserIdGroupPairs"] = [{**{key: value for key, value in pair.items() if value}, **said}]
    return permission


def _of_rule(rule: dict[str, Any]) -> Properties:
    """A rule as EC2 describes it, with a template's members."""
    return {
        "IpProtocol": rule["IpProtocol"],
        "FromPort": rule.get("FromPort"),
        "ToPort": rule.get("ToPort"),
        "CidrIp": rule.get("CidrIpv4"),
        "CidrIpv6": rule.get("CidrIpv6"),
        "SourcePrefixListId": rule.get("PrefixListId"),
        "SourceSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
    }


def _flat(permissions: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The identities of rules as EC2 has them in groups."""
    found = []
    for one in permissions:
        ranges = [range_["CidrIp"] for range_ in one.get("IpRanges", [])]
        ranges += [range_["CidrIpv6"] for range_ in one.get("Ipv6Ranges", [])]
        ranges += [range_["PrefixListId"] for range_ in one.get("PrefixListIds", [])]
        ranges += [pair.get("GroupId") or "" for pair in one.get("UserIdGroupPairs", [])]
        found += [_told(one, source) for source in ranges]
    return found


def _identity(rule: Properties) -> tuple[str, ...]:
    """What tells a rule from others: protocol, ports, and from or to whom."""
    sources = (
        "CidrIp",
        "CidrIpv6",
        "SourcePrefixListId",
        "DestinationPrefixListId",
        "SourceSecurityGroupId",
        "DestinationSecurityGroupId",
        "SourceSecurityGroupName",
    )
    return _told(rule, next((str(rule[name]) for name in sources if rule.get(name)), ""))


def _told(rule: Properties, source: str) -> tuple[str, ...]:
    protocol = str(rule["IpProtocol"]).lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    # A rule for all protocols has no ports, whatever it says; -1 stands for all of ICMP's.
    ports = [] if protocol == "-1" else [str(rule.get(name)) for name in ("FromPort", "ToPort")]
    return (protocol, *[port for port in ports if port not in ("None", "-1")], source)
