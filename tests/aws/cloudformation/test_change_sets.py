"""Operations on change sets and templates: what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.aws.cloudformation.conftest import simple, text

if TYPE_CHECKING:
    from tests.aws.cloudformation.conftest import Cloud


def made(cloud: Cloud, name: str, template: Any, **members: Any) -> Any:
    """A change set's description, once it is known what it changes."""
    members = {"ChangeSetName": "c", "StackName": name, **members}
    answer = cloud.cfn.create_change_set(TemplateBody=text(template), **members)

    def decided() -> Any:
        described = cloud.cfn.describe_change_set(ChangeSetName=answer["Id"])
        return None if described["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else described

    return cloud.until(decided)


def test_a_creation(cloud: Cloud) -> None:
    """LocalStack's recorded test_changesets::test_multiple_create_changeset, ::test_name_conflicts."""
    name = cloud.name()
    described = made(
        cloud, name, simple(), ChangeSetType="CREATE", Description="d", Tags=[{"Key": "k", "Value": "v"}]
    )
    assert described.pop("CreationTime")
    del described["ResponseMetadata"]
    change_set, stack = described["ChangeSetId"], described["StackId"]
    assert described == {
        "ChangeSetName": "c",
        "ChangeSetId": change_set,
        "StackId": stack,
        "StackName": name,
        "Description": "d",
        "ExecutionStatus": "AVAILABLE",
        "Status": "CREATE_COMPLETE",
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": [],
        "Tags": [{"Key": "k", "Value": "v"}],
        "Changes": [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Add",
                    "LogicalResourceId": "Handle000",
                    "ResourceType": "AWS::CloudFormation::WaitConditionHandle",
                    "Scope": [],
                    "Details": [],
                },
            }
        ],
        "IncludeNestedStacks": False,
    }
    (review,) = cloud.cfn.describe_stacks(StackName=name)["Stacks"]
    assert (review["StackStatus"], review["StackStatusReason"]) == ("REVIEW_IN_PROGRESS", "User Initiated")
    assert cloud.cfn.get_template(StackName=name)["TemplateBody"] == ""
    # test_templates::test_get_template_summary_non_executed_change_set
    assert cloud.refusal("get_template_summary", StackName=name)[1] == (
        "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."
    )
    (summary,) = cloud.cfn.list_change_sets(StackName=name)["Summaries"]
    assert summary.pop("CreationTime")
    assert summary == {
        "StackId": stack,
        "StackName": name,
        "ChangeSetId": change_set,
        "ChangeSetName": "c",
        "ExecutionStatus": "AVAILABLE",
        "Status": "CREATE_COMPLETE",
        "Description": "d",
        "IncludeNestedStacks": False,
    }
    hooks = cloud.cfn.describe_change_set_hooks(ChangeSetName=change_set)
    assert (hooks["Status"], hooks["Hooks"]) == ("PLANNED", [])
    cloud.cfn.execute_change_set(ChangeSetName="c", StackName=name)
    ended = cloud.ended(name)
    assert (ended["StackStatus"], ended["ChangeSetId"]) == ("CREATE_COMPLETE", change_set)
    assert cloud.cfn.describe_change_set(ChangeSetName=change_set)["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_nothing_to_change(cloud: Cloud) -> None:
    """LocalStack's recorded test_changesets::test_empty_changeset."""
    name = cloud.create()["StackName"]
    described = made(cloud, name, simple())
    assert (described["Status"], described["ExecutionStatus"], described["Changes"]) == (
        "FAILED",
        "UNAVAILABLE",
        [],
    )
    assert described["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    assert cloud.refusal("execute_change_set", ChangeSetName="c", StackName=name) == (
        "InvalidChangeSetStatus",
        f"ChangeSet [{described['ChangeSetId']}] cannot be executed in its current status of [FAILED]",
        400,
    )
    processed = {"ChangeSetName": described["ChangeSetId"], "TemplateStage": "Processed"}
    assert cloud.refusal("get_template", **processed)[0] == "ValidationError"
    for _ in range(2):  # what is not there is no error: CDK deletes before it creates
        cloud.cfn.delete_change_set(ChangeSetName="c", StackName=name)
    assert cloud.refusal("describe_change_set", ChangeSetName="c", StackName=name) == (
        "ChangeSetNotFound",
        "ChangeSet [c] does not exist",
        404,
    )


def test_changes_are_in_pages_and_may_tell_values(cloud: Cloud) -> None:
    name = cloud.name()
    described = made(cloud, name, simple(103), ChangeSetType="CREATE")
    assert len(described["Changes"]) == 100
    rest = cloud.cfn.describe_change_set(
        ChangeSetName=described["ChangeSetId"], NextToken=described["NextToken"]
    )
    assert "NextToken" not in rest
    ids = [one["ResourceChange"]["LogicalResourceId"] for one in described["Changes"] + rest["Changes"]]
    assert ids == sorted(simple(103)["Resources"])

    def queue(timeout: int) -> dict[str, Any]:
        return {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": timeout}}}}

    name = cloud.create(queue(40))["StackName"]
    described = made(cloud, name, queue(41))
    valued = cloud.cfn.describe_change_set(ChangeSetName=described["ChangeSetId"], IncludePropertyValues=True)
    plain, told = (one["Changes"][0]["ResourceChange"] for one in (described, valued))
    assert "BeforeContext" not in plain
    assert '"VisibilityTimeout":"40"' in told["BeforeContext"]
    assert '"VisibilityTimeout":"41"' in told["AfterContext"]
    assert (plain["Action"], plain["Replacement"]) == ("Modify", "False")


YAML = "Resources:\n  Handle:\n    Type: AWS::CloudFormation::WaitConditionHandle\n"


def test_templates_come_back_as_they_were_sent(cloud: Cloud) -> None:
    """LocalStack's recorded test_stacks::test_get_template."""
    name = cloud.create(YAML)["StackName"]
    for stage in ("Original", "Processed"):
        answer = cloud.cfn.get_template(StackName=name, TemplateStage=stage)
        assert (answer["TemplateBody"], answer["StagesAvailable"]) == (YAML, ["Original", "Processed"])
    extended = simple(Transform="AWS::LanguageExtensions")
    extended["Resources"]["Fn::ForEach::More"] = [
        "X",
        ["A", "B"],
        {"${X}": simple()["Resources"]["Handle000"]},
    ]
    name = cloud.create(extended, Capabilities=["CAPABILITY_AUTO_EXPAND"])["StackName"]
    assert cloud.cfn.get_template(StackName=name)["TemplateBody"] == extended
    processed = cloud.cfn.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    assert processed["Resources"].keys() == {"Handle000", "A", "B"}


def test_urls_of_nested_templates_come_back_as_those_of_s3(cloud: Cloud) -> None:
    """Else `sam delete` cannot read what `sam deploy` has written."""
    url = cloud.cfn.meta.endpoint_url
    text = f"{YAML}Metadata:\n  A: {{TemplateURL: {url}/bucket/k.template}}\n  B: {{TemplateURL: https://example.com/b}}\n"
    name = cloud.create(text)["StackName"]
    told = cloud.cfn.get_template(StackName=name)["TemplateBody"]
    assert told == text.replace(url, "https://s3.us-east-1.amazonaws.com")


def test_summaries_and_validation(cloud: Cloud) -> None:
    """Recorded of AWS: LocalStack, test_templates::test_get_template_summary, ::test_validate_template."""
    template = simple(
        AWSTemplateFormatVersion="2010-09-09",
        Description="d",
        Metadata={"a": 1},
        Parameters={
            "P": {"Type": "String", "Default": "x", "AllowedValues": ["x", "y"], "Description": "p"},
            "N": {"Type": "Number", "NoEcho": True},
        },
    )
    name = cloud.create(template, Parameters=[{"ParameterKey": "N", "ParameterValue": "1"}])["StackName"]
    of_stack = cloud.cfn.get_template_summary(StackName=name)
    summary = cloud.cfn.get_template_summary(TemplateBody=text(template))
    del summary["ResponseMetadata"], of_stack["ResponseMetadata"]
    assert summary == of_stack
    assert summary == {
        "Parameters": [
            {
                "ParameterKey": "P",
                "DefaultValue": "x",
                "ParameterType": "String",
                "NoEcho": False,
                "Description": "p",
                "ParameterConstraints": {"AllowedValues": ["x", "y"]},
            },
            {"ParameterKey": "N", "ParameterType": "Number", "NoEcho": True, "ParameterConstraints": {}},
        ],
        "Description": "d",
        "ResourceTypes": ["AWS::CloudFormation::WaitConditionHandle"],
        "Version": "2010-09-09",
        "Metadata": '{"a":1}',
        "ResourceIdentifierSummaries": [
            {
                "ResourceType": "AWS::CloudFormation::WaitConditionHandle",
                "LogicalResourceIds": ["Handle000"],
                "ResourceIdentifiers": ["Id"],
            }
        ],
    }
    validated = cloud.cfn.validate_template(TemplateBody=text(template))
    del validated["ResponseMetadata"]
    assert validated == {
        "Parameters": [
            {"ParameterKey": "P", "DefaultValue": "x", "NoEcho": False, "Description": "p"},
            {"ParameterKey": "N", "NoEcho": True},
        ],
        "Description": "d",
    }
    sam = "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function}}"
    told = cloud.cfn.validate_template(TemplateBody=sam)
    assert told["DeclaredTransforms"] == ["AWS::Serverless-2016-10-31"]
    assert "CAPABILITY_AUTO_EXPAND" in told["Capabilities"]
