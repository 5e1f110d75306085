"""Pseudo parameters."""

from __future__ import annotations

from typing import Any, Final

import msgspec

NO_VALUE: Final = "AWS::NoValue"


class Pseudo(msgspec.Struct, frozen=True):
    """What CloudFormation itself knows of a stack. `notification_arns`: where its events go, empty for nowhere."""

    account: str
    region: str
    partition: str
    url_suffix: str
    stack_id: str
    stack_name: str
    notification_arns: tuple[str, ...] = ()

    @staticmethod
    def of(
        account: str, region: str, stack_id: str, stack_name: str, notification_arns: tuple[str, ...] = ()
    ) -> Pseudo:
        """With the partition and the domain that belong to the region."""
        partition, suffix = partition_of(region)
        return Pseudo(account, region, partition, suffix, stack_id, stack_name, notification_arns)

    def values(self) -> dict[str, Any]:
        """What Ref gives, by name. AWS::NoValue is not among them: it removes what it stands in."""
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": list(self.notification_arns),
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": self.url_suffix,
        }


NAMES: Final = frozenset(
    {
        "AWS::AccountId",
        NO_VALUE,
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)

_PARTITIONS: Final = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
)


def partition_of(region: str) -> tuple[str, str]:
    """Partition and domain suffix of a region, as in botocore's `partitions.json`."""
    for prefix, partition, suffix in _PARTITIONS:
        if region.startswith(prefix):
            return partition, suffix
    return "aws", "amazonaws.com"
