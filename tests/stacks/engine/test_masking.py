"""What is secret of a deployment is not told by change sets either."""

from __future__ import annotations

import json

from lambent.stacks.masking import masked_change, masks_of
from lambent.stacks.records import Deployment


def test_a_change_is_told_without_secrets() -> None:
    deployed = Deployment(
        "AWS::SQS::Queue",
        properties={"Tags": [{"Key": "a", "Value": "secret"}], "Text": "x-secret", "DelaySeconds": 1},
        shown={"Tags": [{"Key": "a", "Value": "****"}], "Text": "x-****", "DelaySeconds": 1},
    )
    masks = masks_of(deployed)
    assert masks == {"secret": "****", "x-secret": "x-****"}
    change = {
        "LogicalResourceId": "Q",
        "BeforeContext": json.dumps({"Properties": deployed.properties}),
        "Details": [
            {"Target": {"Name": "Text", "BeforeValue": "x-secret", "AfterValue": '["secret"]'}},
            {"Target": {"Attribute": "Tags"}},
        ],
    }
    assert masked_change(change, masks) == {
        "LogicalResourceId": "Q",
        "BeforeContext": json.dumps({"Properties": deployed.shown}, separators=(",", ":")),
        "Details": [
            {"Target": {"Name": "Text", "BeforeValue": "x-****", "AfterValue": '["****"]'}},
            {"Target": {"Attribute": "Tags"}},
        ],
    }
    assert masked_change(change, {}) is change
    assert masks_of(Deployment("AWS::SQS::Queue", properties={"Text": "x"})) == {}
