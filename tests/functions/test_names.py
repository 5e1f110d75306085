from __future__ import annotations

import pytest

from lambent.functions import Reference, parse_name
from lambent.functions.errors import InvalidName, QualifierMismatch, WrongAccount, WrongRegion
from lambent.functions.names import function_arn, is_alias, partition_of

ACCOUNT = "111111111111"
REGION = "eu-central-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-function"


@pytest.mark.parametrize(
    ("name", "qualifier", "expected"),
    [
        ("my-function", None, ("my-function", None)),
        ("my-function", "7", ("my-function", "7")),
        ("my-function:7", None, ("my-function", "7")),
        ("my-function:7", "7", ("my-function", "7")),
        ("my-function:$LATEST", None, ("my-function", "$LATEST")),
        ("my-function:live", None, ("my-function", "live")),
        ("my-function", "$latest", ("my-function", "$latest")),
        ("function:my-function", None, ("my-function", None)),
        (f"{ACCOUNT}:function:my-function", None, ("my-function", None)),
        (f"{ACCOUNT}:my-function", None, ("my-function", None)),
        (f"{REGION}:{ACCOUNT}:function:my-function:3", None, ("my-function", "3")),
        (ARN, None, ("my-function", None)),
        (f"{ARN}:$LATEST", "$LATEST", ("my-function", "$LATEST")),
        (f"{ARN}:$LATEST.PUBLISHED", None, ("my-function", "$LATEST.PUBLISHED")),
        ("arn:aws:lambda:function:my-function", None, ("my-function", None)),
        # An ARN cut short reads as a name, as it does for AWS.
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function", None, ("function", None)),
        ("function", None, ("function", None)),
        ("a" * 140, None, ("a" * 140, None)),
        ("with.dot", None, ("with.dot", None)),
    ],
)
def test_names_and_arns_lead_to_a_function(
    name: str, qualifier: str | None, expected: tuple[str, str | None]
) -> None:
    assert parse_name(ACCOUNT, REGION, name, qualifier) == Reference(ACCOUNT, REGION, *expected)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*",
        "my-function!",
        "my-function:invalid!",
        "my-function:1:2",
        f"{ARN}:1:2",
        f"{ARN}:$LATES",
        f"{ARN}:$latest",
        "invalid-account:function:my-function",
        f"arn:aws:lambda:invalid-region:{ACCOUNT}:function:my-function",
        f"arn:aws:lambda::{ACCOUNT}:function:my-function",
        f"arn:aws:lambda:{REGION}::function:my-function",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance:i-1234567890abcdef0",
        "function:my-function:$LATEST:extra",
        "my-function\n",
        "mü",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        parse_name(ACCOUNT, REGION, name)


@pytest.mark.parametrize("name", [f"{ARN}:1", "my-function:1"])
def test_two_different_qualifiers_are_refused(name: str) -> None:
    with pytest.raises(QualifierMismatch, match="derived qualifier from the function name does not match"):
        parse_name(ACCOUNT, REGION, name, "$LATEST")


def test_another_region_is_out_of_reach() -> None:
    with pytest.raises(WrongRegion) as caught:
        parse_name(ACCOUNT, REGION, f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:f")
    assert (
        str(caught.value) == f"Functions from 'ap-southeast-1' are not reachable in this region ('{REGION}')"
    )


def test_another_account_is_refused_by_arn() -> None:
    with pytest.raises(WrongAccount) as caught:
        parse_name(ACCOUNT, REGION, "222222222222:function:f")
    assert caught.value.arn == f"arn:aws:lambda:{REGION}:222222222222:function:f"
    with pytest.raises(WrongAccount) as caught:
        parse_name(ACCOUNT, REGION, "222222222222:function:f", "live")
    assert caught.value.arn == f"arn:aws:lambda:{REGION}:222222222222:function:f:live"


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_belongs_to_a_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    arn = function_arn(ACCOUNT, region, "f")
    assert arn == f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:f"
    assert parse_name(ACCOUNT, region, arn) == Reference(ACCOUNT, region, "f", None)


def test_a_reference_knows_its_arn() -> None:
    assert Reference(ACCOUNT, REGION, "f", None).arn == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
    assert Reference(ACCOUNT, REGION, "f", "2").arn == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:2"


@pytest.mark.parametrize(
    ("qualifier", "expected"), [("live", True), ("v1", True), ("1a", True), ("1", False), ("$LATEST", False)]
)
def test_an_alias_is_neither_a_number_nor_has_a_dollar(qualifier: str, expected: bool) -> None:
    assert is_alias(qualifier) is expected
