"""Names of functions: plain names, partial and full ARNs, each with or without a qualifier."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lambent.functions.errors import InvalidName, QualifierMismatch, WrongAccount, WrongRegion

# The shape of Lambda's NamespacedFunctionName, with its parts named.
_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9_.-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)
_ALIAS = re.compile(r"(?![0-9]+\Z)[a-zA-Z0-9_-]+")


class Reference(NamedTuple):
    """A function as a caller named it, in the account and region where it is looked for."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """The ARN with the qualifier, if there is one."""
        arn = function_arn(self.account, self.region, self.name)
        return arn if self.qualifier is None else f"{arn}:{self.qualifier}"


def partition_of(region: str) -> str:
    """The partition that a region belongs to: `aws`, `aws-cn`, `aws-us-gov`, …"""
    for prefix, partition in _PARTITIONS:
        if region.startswith(prefix):
            return partition
    return "aws"


_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)


def function_arn(account: str, region: str, name: str) -> str:
    """The unqualified ARN of a function."""
    return f"arn:{partition_of(region)}:lambda:{region}:{account}:function:{name}"


def is_alias(qualifier: str) -> bool:
    """Whether a qualifier can only be an alias: neither a number nor anything with a dollar sign."""
    return _ALIAS.fullmatch(qualifier) is not None


@lru_cache(maxsize=4096)
def parse_name(account: str, region: str, name: str, qualifier: str | None = None) -> Reference:
    """What `name` refers to for a caller in `account` and `region`.

    `name` is a name, `account:function:name`, `function:name` or an ARN, with or without `:qualifier`; a
    `qualifier` given beside it must agree. Raises InvalidName, WrongRegion, WrongAccount, QualifierMismatch.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidName(f"'{name}' is neither the name nor an ARN of a function")
    wanted, owner, plain, derived = match["region"], match["account"], match["name"], match["qualifier"]
    if wanted is not None and wanted != region:
        raise WrongRegion(wanted, region)
    if qualifier is not None and derived is not None and qualifier != derived:
        raise QualifierMismatch
    reference = Reference(owner or account, region, plain, derived if qualifier is None else qualifier)
    if reference.account != account:
        raise WrongAccount(reference.arn)
    return reference
