"""Operations on stacks and their resources: what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError
from tests.aws.cloudformation.conftest import HANDLE, simple, text

if TYPE_CHECKING:
    from tests.aws.cloudformation.conftest import Cloud

ALWAYS = {"StackId", "StackName", "CreationTime", "StackStatus", "DisableRollback", "NotificationARNs"} | {
    "RollbackConfiguration",
    "Tags",
    "EnableTerminationProtection",
    "DriftInformation",
}


def test_what_a_plain_stack_tells(cloud: Cloud) -> None:
    """LocalStack's recorded test_stacks::test_name_conflicts."""
    stack = cloud.create()
    assert stack.keys() == ALWAYS
    assert (stack["StackStatus"], stack["RollbackConfiguration"], stack["Tags"]) == (
        "CREATE_COMPLETE",
        {},
        [],
    )
    assert stack["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    assert stack["StackId"].startswith(
        f"arn:aws:cloudformation:us-east-1:000000000000:stack/{stack['StackName']}/"
    )
    cloud.cfn.delete_stack(StackName=stack["StackName"])
    gone = cloud.ended(stack["StackId"])
    assert gone.keys() == ALWAYS - {"EnableTerminationProtection"} | {"DeletionTime"}
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert cloud.refusal("describe_stacks", StackName=stack["StackName"])[0] == "ValidationError"


def test_all_that_a_stack_can_tell(cloud: Cloud) -> None:
    name = cloud.name()
    stack = cloud.create(
        simple(
            Description="all",
            Parameters={"A": {"Type": "String"}, "S": {"Type": "String", "NoEcho": True, "Default": "x"}},
            Outputs={"O": {"Value": {"Ref": "A"}, "Description": "o", "Export": {"Name": f"{name}-o"}}},
        ),
        name,
        Parameters=[{"ParameterKey": "A", "ParameterValue": "1"}],
        Tags=[{"Key": "k", "Value": "v"}],
        Capabilities=["CAPABILITY_IAM"],
        TimeoutInMinutes=5,
        EnableTerminationProtection=True,
        RoleARN="arn:aws:iam::000000000000:role/any",
    )
    assert stack.keys() >= ALWAYS
    assert {name: stack[name] for name in stack.keys() - ALWAYS} == {
        "Description": "all",
        "Parameters": [
            {"ParameterKey": "A", "ParameterValue": "1"},
            {"ParameterKey": "S", "ParameterValue": "****"},
        ],
        "Outputs": [{"OutputKey": "O", "OutputValue": "1", "Description": "o", "ExportName": f"{name}-o"}],
        "TimeoutInMinutes": 5,
        "Capabilities": ["CAPABILITY_IAM"],
        "RoleARN": "arn:aws:iam::000000000000:role/any",
    }
    assert stack["Tags"] == [{"Key": "k", "Value": "v"}]
    exported = {one["Name"]: one for one in cloud.cfn.list_exports()["Exports"]}
    assert exported[f"{name}-o"] == {
        "ExportingStackId": stack["StackId"],
        "Name": f"{name}-o",
        "Value": "1",
    }
    importing = cloud.create(simple(Outputs={"I": {"Value": {"Fn::ImportValue": f"{name}-o"}}}))
    assert importing["Outputs"][0]["OutputValue"] == "1"
    assert cloud.cfn.list_imports(ExportName=f"{name}-o")["Imports"] == [importing["StackName"]]


def test_what_begins_an_operation_waits_a_little_for_its_end(cloud: Cloud) -> None:
    name = cloud.name()
    cloud.cfn.create_stack(StackName=name, TemplateBody=text(simple()))
    assert cloud.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    cloud.cfn.update_stack(StackName=name, TemplateBody=text(simple(2)))
    assert cloud.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    # A waiter looks at once, and then half a minute later.
    waiter = cloud.cfn.get_waiter("stack_update_complete")
    waiter.wait(StackName=name, WaiterConfig={"MaxAttempts": 1})
    cloud.cfn.delete_stack(StackName=name)
    cloud.cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"MaxAttempts": 1})
    with pytest.raises(WaiterError):
        cloud.cfn.get_waiter("stack_exists").wait(StackName=name, WaiterConfig={"MaxAttempts": 1})


def test_waiters_are_kept_until_the_end(cloud: Cloud) -> None:
    """They would come back after half a minute."""
    waits = {"Handle": {"Ref": "Handle000"}, "Timeout": "4", "Count": "1"}
    template = simple()
    template["Resources"]["Wait"] = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": waits}
    name = cloud.name()
    cloud.cfn.create_stack(StackName=name, TemplateBody=text(template), OnFailure="DO_NOTHING")
    assert cloud.cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    with pytest.raises(WaiterError, match="CREATE_FAILED"):
        cloud.cfn.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"MaxAttempts": 1})


def test_deleting_what_is_not_there_is_no_error(cloud: Cloud) -> None:
    cloud.cfn.delete_stack(StackName="never-was")


def test_listings_are_in_pages_and_filtered(cloud: Cloud) -> None:
    names = [cloud.create()["StackName"] for _ in range(3)]
    cloud.cfn.delete_stack(StackName=names[0])
    summaries = cloud.cfn.get_paginator("list_stacks").paginate().build_full_result()["StackSummaries"]
    mine = [(one["StackName"], one["StackStatus"]) for one in summaries if one["StackName"] in names]
    assert mine == [
        (names[2], "CREATE_COMPLETE"),
        (names[1], "CREATE_COMPLETE"),
        (names[0], "DELETE_COMPLETE"),
    ]
    filtered = cloud.cfn.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert {one["StackStatus"] for one in filtered} == {"DELETE_COMPLETE"}
    described = [one["StackName"] for one in cloud.cfn.describe_stacks()["Stacks"]]
    assert names[0] not in described
    assert described.index(names[2]) < described.index(names[1])


def test_resources_and_events_are_in_pages(cloud: Cloud) -> None:
    template = simple(105)
    template["Resources"]["Handle000"] = {**HANDLE, "Metadata": {"a": 1}}
    stack = cloud.create(template)
    name = stack["StackName"]
    first = cloud.cfn.list_stack_resources(StackName=name)
    assert len(first["StackResourceSummaries"]) == 100
    rest = cloud.cfn.list_stack_resources(StackName=name, NextToken=first["NextToken"])
    assert "NextToken" not in rest
    listed = first["StackResourceSummaries"] + rest["StackResourceSummaries"]
    assert [one["LogicalResourceId"] for one in listed] == sorted(template["Resources"])
    assert listed[0].keys() == {
        "LogicalResourceId",
        "PhysicalResourceId",
        "ResourceType",
        "LastUpdatedTimestamp",
        "ResourceStatus",
        "DriftInformation",
    }
    pages = list(cloud.cfn.get_paginator("describe_stack_events").paginate(StackName=name))
    events = [event for page in pages for event in page["StackEvents"]]
    assert [len(page["StackEvents"]) for page in pages[:2]] == [100, 100]
    assert events[0]["ResourceType"] == events[-1]["ResourceType"] == "AWS::CloudFormation::Stack"
    assert (events[-1]["ResourceStatus"], events[-1]["ResourceStatusReason"]) == (
        "CREATE_IN_PROGRESS",
        "User Initiated",
    )
    times = [event["Timestamp"] for event in events]
    assert times == sorted(times, reverse=True)
    assert len({event["EventId"] for event in events}) == len(events)


def test_one_resource(cloud: Cloud) -> None:
    stack = cloud.create({"Resources": {"A": {**HANDLE, "Metadata": {"a": [1]}}, "B": HANDLE}})
    named = {"StackName": stack["StackName"], "StackId": stack["StackId"]}
    detail = cloud.cfn.describe_stack_resource(StackName=stack["StackName"], LogicalResourceId="A")
    found = detail["StackResourceDetail"]
    assert found.pop("LastUpdatedTimestamp")
    physical_id = found["PhysicalResourceId"]
    assert found == {
        **named,
        "LogicalResourceId": "A",
        "PhysicalResourceId": physical_id,
        "ResourceType": "AWS::CloudFormation::WaitConditionHandle",
        "ResourceStatus": "CREATE_COMPLETE",
        "Metadata": '{"a":[1]}',
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    # Recorded: test_resources::test_describe_non_existent_resource.
    assert cloud.refusal("describe_stack_resource", StackName=stack["StackName"], LogicalResourceId="C")[
        1
    ] == (f"Resource C does not exist for stack {stack['StackName']}")

    def ids(**members: Any) -> list[str]:
        answer = cloud.cfn.describe_stack_resources(**members)["StackResources"]
        assert all(one.items() >= named.items() for one in answer)
        return [one["LogicalResourceId"] for one in answer]

    assert ids(StackName=stack["StackName"]) == ["A", "B"]
    assert ids(StackName=stack["StackId"], LogicalResourceId="B") == ["B"]
    assert ids(PhysicalResourceId=physical_id) == ["A", "B"]


def test_an_update_that_waits_can_be_cancelled_and_policies_be_read(cloud: Cloud) -> None:
    """LocalStack's recorded test_stack_policies::test_policy_lifecycle, ::test_policy_during_update."""

    def policy(effect: str) -> str:
        statement = {"Effect": effect, "Action": "Update:*", "Principal": "*", "Resource": "*"}
        return text({"Statement": [statement]})

    name = cloud.create()["StackName"]

    def told() -> str | None:
        body: str | None = cloud.cfn.get_stack_policy(StackName=name).get("StackPolicyBody")
        return body

    assert told() is None
    cloud.cfn.set_stack_policy(StackName=name, StackPolicyBody=policy("Deny"))
    assert told() == policy("Deny")
    both = {"StackName": name, "StackPolicyBody": "{}", "StackPolicyURL": "https://s3.amazonaws.com/a/b"}
    assert cloud.refusal("set_stack_policy", **both)[1] == (
        "You cannot specify both StackPolicyURL and StackPolicyBody"
    )
    assert cloud.refusal("set_stack_policy", StackName=name, StackPolicyBody="no")[1] == (
        "Error validating stack policy: Invalid stack policy"
    )
    waits = {"Type": "AWS::CloudFormation::WaitCondition"} | {
        "Properties": {"Handle": {"Ref": "Handle000"}, "Timeout": "60"}
    }
    template = simple()
    template["Resources"]["Wait"] = waits
    cloud.cfn.update_stack(
        StackName=name, TemplateBody=text(template), StackPolicyDuringUpdateBody=policy("Allow")
    )
    assert told() == policy("Allow")
    cloud.cfn.cancel_update_stack(StackName=name)
    assert cloud.ended(name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert told() == policy("Deny")
    cloud.cfn.set_stack_policy(StackName=name, StackPolicyBody="{}")
    assert told() == "{}"


def test_types_and_limits(cloud: Cloud) -> None:
    assert cloud.cfn.list_types()["TypeSummaries"] == []  # private ones: there are none
    names = [
        one["TypeName"]
        for one in cloud.cfn.get_paginator("list_types")
        .paginate(
            Visibility="PUBLIC", Filters={"TypeNamePrefix": "AWS::SQS::"}, PaginationConfig={"PageSize": 1}
        )
        .build_full_result()["TypeSummaries"]
    ]
    assert names == ["AWS::SQS::Queue", "AWS::SQS::QueueInlinePolicy", "AWS::SQS::QueuePolicy"]
    described = cloud.cfn.describe_type(Type="RESOURCE", TypeName="AWS::SQS::Queue")
    assert described["Arn"] == "arn:aws:cloudformation:us-east-1::type/resource/AWS-SQS-Queue"
    assert '"primaryIdentifier":["/properties/QueueUrl"]' in described["Schema"]
    assert cloud.cfn.describe_type(Arn=described["Arn"])["TypeName"] == "AWS::SQS::Queue"
    assert cloud.refusal("describe_type", Type="RESOURCE", TypeName="AWS::No::Such") == (
        "TypeNotFoundException",
        "The type 'AWS::No::Such' cannot be found.",
        404,
    )
    limits = cloud.cfn.describe_account_limits()["AccountLimits"]
    assert {"Name": "StackLimit", "Value": 2000} in limits


def test_drift(cloud: Cloud) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 40}}
    stack = cloud.create({"Resources": {"Q": queue}, "Outputs": {"U": {"Value": {"Ref": "Q"}}}})
    name = stack["StackName"]
    url = stack["Outputs"][0]["OutputValue"]

    def detected() -> Any:
        detection = cloud.cfn.detect_stack_drift(StackName=name)["StackDriftDetectionId"]

        def ended() -> Any:
            status = cloud.cfn.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            return None if status["DetectionStatus"] == "DETECTION_IN_PROGRESS" else status

        return cloud.until(ended)

    status = detected()
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("IN_SYNC", 0)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
    status = detected()
    assert (status["DetectionStatus"], status["StackDriftStatus"]) == ("DETECTION_COMPLETE", "DRIFTED")
    (drift,) = cloud.cfn.describe_stack_resource_drifts(
        StackName=name, StackResourceDriftStatusFilters=["MODIFIED"]
    )["StackResourceDrifts"]
    assert drift["PropertyDifferences"] == [
        {
            "PropertyPath": "/VisibilityTimeout",
            "ExpectedValue": "40",
            "ActualValue": "77",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert (drift["ExpectedProperties"], drift["ActualProperties"]) == (
        '{"VisibilityTimeout":40}',
        '{"VisibilityTimeout":77}',
    )
    told = cloud.cfn.describe_stacks(StackName=name)["Stacks"][0]["DriftInformation"]
    assert told["StackDriftStatus"] == "DRIFTED"
    assert told["LastCheckTimestamp"]
    alone = cloud.cfn.detect_stack_resource_drift(StackName=name, LogicalResourceId="Q")["StackResourceDrift"]
    assert alone["StackResourceDriftStatus"] == "MODIFIED"
