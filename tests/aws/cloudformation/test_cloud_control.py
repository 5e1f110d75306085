"""Cloud Control's GetResource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.aws.cloudformation.conftest import Cloud


def test_a_resource_is_read_by_its_identifier(cloud: Cloud) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 41}}
    stack = cloud.create({"Resources": {"Q": queue}, "Outputs": {"U": {"Value": {"Ref": "Q"}}}})
    url = stack["Outputs"][0]["OutputValue"]
    control = cloud.client("cloudcontrol")
    answer = control.get_resource(TypeName="AWS::SQS::Queue", Identifier=url)
    told = answer["ResourceDescription"]
    properties = json.loads(told["Properties"])
    assert (answer["TypeName"], told["Identifier"]) == ("AWS::SQS::Queue", url)
    assert properties["VisibilityTimeout"] == 41
    assert properties["Arn"].startswith("arn:aws:sqs:us-east-1:000000000000:stack-")


@pytest.mark.parametrize(
    ("type_name", "identifier", "code"),
    [
        ("AWS::Lambda::Url", "nobody", "ResourceNotFoundException"),
        ("AWS::SQS::Queue", "http://localhost/000000000000/x", "ResourceNotFoundException"),
        ("AWS::No::Such", "x", "TypeNotFoundException"),
    ],
)
def test_what_is_not_there(cloud: Cloud, type_name: str, identifier: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("cloudcontrol").get_resource(TypeName=type_name, Identifier=identifier)
    assert caught.value.response["Error"]["Code"] == code
