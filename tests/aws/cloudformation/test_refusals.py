"""What CloudFormation refuses, in its words: recorded by LocalStack from AWS, where that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.aws.cloudformation.conftest import simple, text

if TYPE_CHECKING:
    from tests.aws.cloudformation.conftest import Cloud

MISSING = "does-not-exist"


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("describe_stacks", {"StackName": MISSING}, "Stack with id does-not-exist does not exist"),
        # test_stacks::test_describe_stack_events_errors
        ("describe_stack_events", {"StackName": MISSING}, "Stack [does-not-exist] does not exist"),
        (
            "describe_stack_events",
            {},
            (
                "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must "
                "not be null"
            ),
        ),
        # test_resources::test_describe_non_existent_stack
        (
            "describe_stack_resource",
            {"StackName": MISSING, "LogicalResourceId": "A"},
            "Stack 'does-not-exist' does not exist",
        ),
        ("describe_stack_resources", {"StackName": MISSING}, "Stack with id does-not-exist does not exist"),
        ("describe_stack_resources", {"PhysicalResourceId": "p"}, "Stack for p does not exist"),
        ("list_stack_resources", {"StackName": MISSING}, "Stack with id does-not-exist does not exist"),
        (
            "update_stack",
            {"StackName": MISSING, "TemplateBody": "{}"},
            "Stack [does-not-exist] does not exist",
        ),
        # test_changesets::test_describe_change_set_nonexisting, ::test_delete_change_set_exception
        (
            "describe_change_set",
            {"ChangeSetName": "c", "StackName": MISSING},
            "Stack [does-not-exist] does not exist",
        ),
        (
            "delete_change_set",
            {"ChangeSetName": "c", "StackName": MISSING},
            "Stack [does-not-exist] does not exist",
        ),
        (
            "delete_change_set",
            {"ChangeSetName": "c"},
            "StackName must be specified if ChangeSetName is not specified as an ARN.",
        ),
        ("list_change_sets", {"StackName": MISSING}, "Stack [does-not-exist] does not exist"),
        # test_templates::test_get_template_missing_resources
        ("get_template", {"StackName": MISSING}, "Stack with id does-not-exist does not exist"),
        ("get_template", {"ChangeSetName": "c"}, "StackName is a required parameter."),
        # test_update_stack::test_no_template_error
        ("create_stack", {"StackName": "a"}, "Either Template URL or Template Body must be specified."),
        # test_templates::test_create_stack_from_s3_template_url
        (
            "create_stack",
            {"StackName": "a", "TemplateURL": "https://example.com/t"},
            "TemplateURL must be a supported URL.",
        ),
        # test_templates::test_validate_invalid_json_template_should_fail
        (
            "validate_template",
            {"TemplateBody": '{"this is invalid JSON"="bad"}'},
            "Template format error: JSON not well-formed. (line 1, column 25)",
        ),
        (
            "validate_template",
            {"TemplateBody": text({"Resources": {"Q": {"Type": "AWS::SQS::Queu"}}})},
            "Template format error: Unrecognized resource types: [AWS::SQS::Queu] (near: AWS::SQS::Queue",
        ),
        # test_templates::test_get_template_summary_no_resources
        (
            "get_template_summary",
            {"TemplateBody": "{}"},
            "Template format error: At least one Resources member must be defined.",
        ),
        ("list_imports", {"ExportName": "nobodys"}, "Export 'nobodys' is not imported by any stack."),
        (
            "describe_stack_drift_detection_status",
            {"StackDriftDetectionId": "0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a"},
            "Stack drift detection with id 0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a does not exist",
        ),
        ("list_stacks", {"NextToken": "?"}, "Invalid NextToken"),
        (
            "create_change_set",
            {"StackName": "a", "ChangeSetName": "-", "TemplateBody": "{}"},
            (
                "1 validation error detected: Value '-' at 'changeSetName' failed to satisfy constraint: Member must "
                "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
            ),
        ),
    ],
)
def test_validation_errors(cloud: Cloud, operation: str, members: dict[str, Any], message: str) -> None:
    code, said, status = cloud.refusal(operation, **members)
    assert (code, status) == ("ValidationError", 400)
    assert said.startswith(message)


ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"Tags": [{"Key": "aws:x", "Value": "1"}]},
            "aws: prefixed tag key names are not allowed for external use.",
        ),
        (
            {"Tags": [{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}]},
            "Tags contain duplicate keys; tag keys must be unique",
        ),
        (
            {"RoleARN": ROLE.replace("role/", "user/")},
            "arn:aws:iam::000000000000:user/any is not a valid RoleARN",
        ),
    ],
)
def test_tags_and_roles_that_are_not_allowed(cloud: Cloud, members: dict[str, Any], message: str) -> None:
    said = cloud.refusal("create_stack", StackName="never", TemplateBody=text(simple()), **members)
    assert said == ("ValidationError", message, 400)


def test_stacks_of_other_accounts(cloud: Cloud) -> None:
    arn = "arn:aws:cloudformation:us-east-1:111111111111:stack/a/1"
    for operation in ("describe_stacks", "delete_stack", "list_stack_resources"):
        assert cloud.refusal(operation, StackName=arn)[1] == (
            f"Resource account (000000000000) doesn't match account (111111111111) parsed from ARN: {arn}"
        )


def test_change_sets_of_other_accounts_and_regions(cloud: Cloud) -> None:
    made = cloud.cfn.create_change_set(
        StackName=cloud.name(), ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=text(simple())
    )["Id"]
    cloud.cfn.describe_change_set(ChangeSetName=made)
    for arn in (made.replace("000000000000", "111111111111"), made.replace("us-east-1", "eu-west-1")):
        assert cloud.refusal("describe_change_set", ChangeSetName=arn)[0] == "ChangeSetNotFound"
    elsewhere = cloud.client("cloudformation", region="eu-west-1")
    with pytest.raises(ClientError, match="does not exist"):
        elsewhere.describe_change_set(ChangeSetName=made)


def test_errors_that_have_codes_of_their_own(cloud: Cloud) -> None:
    stack = cloud.create()
    name = stack["StackName"]
    # test_stacks::test_name_conflicts
    assert cloud.refusal("create_stack", StackName=name, TemplateBody=text(simple())) == (
        "AlreadyExistsException",
        f"Stack [{name}] already exists",
        400,
    )
    # test_templates::test_get_template_missing_resources_change_set_id
    missing = "arn:aws:cloudformation:us-east-1:000000000000:changeSet/c/1"
    assert cloud.refusal("get_template", ChangeSetName=missing) == (
        "ChangeSetNotFound",
        f"ChangeSet [{missing}] does not exist",
        404,
    )
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    template = text({"Resources": {"R": role}})
    assert cloud.refusal("create_stack", StackName="needs", TemplateBody=template) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
        400,
    )
    # test_changesets::test_name_conflicts
    assert cloud.refusal(
        "create_change_set",
        StackName=name,
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Capabilities=["CAPABILITY_IAM"],
    ) == (
        "ValidationError",
        f"Stack [{name}] already exists and cannot be created again with the changeSet [c].",
        400,
    )


def test_states_in_which_nothing_can_be_done(cloud: Cloud) -> None:
    stack = cloud.create()
    name, arn = stack["StackName"], stack["StackId"]
    refused = {
        "cancel_update_stack": "CancelUpdateStack cannot be called from current stack status",
        "continue_update_rollback": "CREATE_COMPLETE state and can not continue update rollback",
        "rollback_stack": "is in CREATE_COMPLETE state",
    }
    for operation, message in refused.items():
        code, said, _ = cloud.refusal(operation, StackName=name)
        assert code == "ValidationError"
        assert message in said
    signal = {"StackName": name, "LogicalResourceId": "Handle000", "UniqueId": "1", "Status": "SUCCESS"}
    assert cloud.refusal("signal_resource", **signal)[1] == (
        f"Stack {arn} is in CREATE_COMPLETE state and cannot be signaled"
    )
    assert cloud.refusal("update_stack", StackName=name, TemplateBody=text(simple()))[1] == (
        "No updates are to be performed."
    )
    cloud.cfn.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    assert cloud.refusal("delete_stack", StackName=name)[1] == (
        f"Stack [{name}] cannot be deleted while TerminationProtection is enabled"
    )


def test_templates_are_limited(cloud: Cloud) -> None:
    long = text(simple(Description="d")) + " " * 51_200
    for operation, members in (("create_stack", {"StackName": "long"}), ("validate_template", {})):
        code, message, _ = cloud.refusal(operation, TemplateBody=long, **members)
        assert code == "ValidationError"
        assert message.endswith(
            "at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200"
        )


def test_what_is_not_served_says_so(cloud: Cloud) -> None:
    assert "not served" in cloud.refusal("estimate_template_cost", TemplateBody="{}")[1]
    assert "ListStackSets" in cloud.refusal("list_stack_sets")[1]
