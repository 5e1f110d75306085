"""Change sets: what they say of policies, tags, metadata, secrets, nested stacks, imports, and when nothing changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from tests.stacks.changes.conftest import Compare

    from lambent.stacks.changes import ResourceChange


def queue(name: str = "q", **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}, **more}


def resources(**found: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": found}


def only(changes: list[ResourceChange]) -> ResourceChange:
    assert len(changes) == 1
    return changes[0]


@pytest.mark.parametrize(
    ("policy", "removed", "replaced"),
    [
        (None, "Delete", "ReplaceAndDelete"),
        ("Delete", "Delete", "ReplaceAndDelete"),
        ("Retain", "Retain", "ReplaceAndRetain"),
        ("RetainExceptOnCreate", "Retain", "ReplaceAndDelete"),
        ("Snapshot", "Snapshot", "ReplaceAndSnapshot"),
    ],
)
def test_what_happens_to_what_is_removed_and_replaced(
    compare: Compare, policy: str | None, removed: str, replaced: str
) -> None:
    kept = {"DeletionPolicy": policy} if policy else {}
    group = {"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {}, **kept}
    table = queue(**kept) if policy != "Snapshot" else group
    change = only(compare(resources(A=queue("a"), B=table), resources(A=queue("a"))).resources)
    assert (change.action, change.policy_action) == ("Remove", removed)
    if policy == "RetainExceptOnCreate":
        return  # it is no UpdateReplacePolicy
    kept = {"UpdateReplacePolicy": policy} if policy else {}
    if policy == "Snapshot":
        return
    change = only(compare(resources(A=queue("a", **kept)), resources(A=queue("b", **kept))).resources)
    assert (change.action, change.replacement, change.policy_action) == ("Modify", "True", replaced)


@pytest.mark.parametrize(
    ("attribute", "old", "new"),
    [
        ("Metadata", {"Build": "1"}, {"Build": "2"}),
        ("UpdateReplacePolicy", "Delete", "Retain"),
        ("DeletionPolicy", "Delete", "Retain"),
    ],
)
def test_attributes_of_a_resource(compare: Compare, attribute: str, old: Any, new: Any) -> None:
    change = only(
        compare(resources(A=queue(**{attribute: old})), resources(A=queue(**{attribute: new}))).resources
    )
    assert (change.action, change.replacement, change.scope) == ("Modify", "False", [attribute])
    assert change.details == [
        {
            "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]
    assert change.valued is not None
    target = change.valued.details[0]["Target"]
    path, before, after = (
        ("/Metadata/Build", "1", "2") if attribute == "Metadata" else (f"/{attribute}", old, new)
    )
    assert (target["Path"], target["BeforeValue"], target["AfterValue"]) == (path, before, after)
    assert change.after_context is not None
    assert json.loads(change.after_context)[attribute] == new


def test_tags_of_the_stack_are_the_resources(compare: Compare) -> None:
    policy = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": ["u"], "PolicyDocument": {}}}
    template = resources(A=queue(), Policy=policy)
    difference = compare(template, template, old_tags={"team": "a"}, new_tags={"team": "b"})
    change = only(difference.resources)
    assert (change.logical_id, change.scope, change.replacement) == ("A", ["Tags"], "False")
    # A type without tags has nothing to change, the stack has.
    template = resources(Policy=policy)
    difference = compare(template, template, old_tags={}, new_tags={"team": "b"})
    assert difference.resources == []
    assert not difference.nothing


def test_nothing_changes(compare: Compare) -> None:
    old = {
        "Parameters": {"Unused": {"Type": "String", "Default": "1"}},
        "Resources": {
            "A": {**queue(), "Properties": {"DelaySeconds": 10, "FifoQueue": True, "QueueName": "q.fifo"}}
        },
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["A", "QueueName"]}}},
    }
    new = {
        "Description": "A description is no change, a parameter that nothing takes neither",
        "Metadata": {"Some": "thing"},
        "Parameters": {"Unused": {"Type": "String", "Default": "2"}},
        # Numbers and truths are texts to CloudFormation, functions what they give.
        "Resources": {
            "A": {
                **queue(),
                "Properties": {
                    "DelaySeconds": "10",
                    "FifoQueue": "true",
                    "QueueName": {"Fn::Join": [".", ["q", "fifo"]]},
                },
                "DependsOn": [],
            }
        },
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["A", "QueueName"]}}},
    }
    assert compare(old, new).nothing


@pytest.mark.parametrize(
    "outputs",
    [
        {"Name": {"Value": "another"}},
        {"Name": {"Value": "one", "Export": {"Name": "exported"}}},
        {"Name": {"Value": "one"}, "More": {"Value": "two"}},
        {},
    ],
)
def test_outputs_alone(compare: Compare, outputs: dict[str, Any]) -> None:
    old = {**resources(A=queue()), "Outputs": {"Name": {"Value": "one"}}}
    difference = compare(
        old, {**resources(A=queue()), "Outputs": outputs} if outputs else resources(A=queue())
    )
    assert difference.resources == []
    assert not difference.nothing


def test_types_stay(compare: Compare) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    with pytest.raises(ValidationError) as caught:
        compare(resources(A=queue(), B=topic, C=topic), resources(A=topic, B=queue(), C=topic))
    assert str(caught.value) == (
        "Update of resource type is not permitted. The new template modifies resource type of the following resources:"
        " [A, B]"
    )


def test_secrets_are_hidden(compare: Compare) -> None:
    def template(stage: str) -> dict[str, Any]:
        return {
            "Parameters": {"Password": {"Type": "String", "NoEcho": True}, "User": {"Type": "String"}},
            "Resources": {
                "A": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Environment": {
                            "Variables": {
                                "URL": {"Fn::Sub": "db://${User}:${Password}@host"},
                                "PASSWORD": {"Ref": "Password"},
                                "USER": {"Ref": "User"},
                                "STAGE": stage,
                                "TOKEN": "{{resolve:secretsmanager:token}}",
                            }
                        }
                    },
                }
            },
        }

    change = only(
        compare(
            template("dev"),
            template("prod"),
            {"User": "me", "Password": "hunter2"},
            {"User": "me", "Password": "hunter3"},
        ).resources
    )
    documents = json.dumps([change.document(), change.document(values=True)])
    assert "hunter" not in documents
    assert change.after_context is not None
    variables = json.loads(change.after_context)["Properties"]["Environment"]["Variables"]
    assert variables == {
        "URL": "****",
        "PASSWORD": "****",
        "USER": "me",
        "STAGE": "prod",
        "TOKEN": "{{resolve:secretsmanager:token}}",
    }
    assert change.valued is not None
    told = {detail["Target"]["Path"]: detail["Target"] for detail in change.valued.details}
    place = "/Properties/Environment/Variables/"
    assert told[f"{place}PASSWORD"]["BeforeValue"] == told[f"{place}PASSWORD"]["AfterValue"] == "****"
    assert told[f"{place}STAGE"]["AfterValue"] == "prod"


def test_nested_stacks_are_always_updated(compare: Compare) -> None:
    def template(value: str) -> dict[str, Any]:
        nested = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "https://s3.amazonaws.com/b/t.json", "Parameters": {"P": value}},
        }
        user = queue()
        user["Properties"] = {"QueueName": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}
        return resources(Child=nested, User=user)

    same = {"Child": {"Outputs.Name": "n"}}
    difference = compare(template("1"), template("1"), attributes=same)
    child, user = difference.resources
    automatic = {
        "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
        "Evaluation": "Dynamic",
        "ChangeSource": "Automatic",
    }
    assert (child.action, child.replacement, child.scope, child.details) == (
        "Modify",
        "False",
        ["Properties"],
        [automatic],
    )
    # What it puts out may be something else, and QueueName replaces.
    assert (user.replacement, user.policy_action) == ("Conditional", None)
    assert user.details[0]["CausingEntity"] == "Child.Outputs.Name"
    assert user.document(values=True) is None
    child, _ = compare(template("1"), template("2"), attributes=same).resources
    assert [detail["ChangeSource"] for detail in child.details] == ["DirectModification", "Automatic"]


def test_what_refers_to_what_may_be_replaced(compare: Compare) -> None:
    def template(count: int) -> dict[str, Any]:
        custom = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn", "Count": count}}
        user = queue()
        user["Properties"] = {"QueueName": "q", "Tags": [{"Key": "k", "Value": {"Ref": "Thing"}}]}
        return resources(Thing=custom, User=user)

    thing, user = compare(template(1), template(2)).resources
    assert (thing.logical_id, thing.replacement) == ("Thing", "Conditional")
    assert thing.details[0]["Target"]["RequiresRecreation"] == "Conditionally"
    assert user.details == [
        {
            "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceReference",
            "CausingEntity": "Thing",
        }
    ]


def test_what_replaces_deep_within(compare: Compare) -> None:
    """A pipe's Kinesis source can start elsewhere only in another pipe, its batches can be another size in this one."""

    def template(**parameters: Any) -> dict[str, Any]:
        return resources(
            P={
                "Type": "AWS::Pipes::Pipe",
                "Properties": {"SourceParameters": {"KinesisStreamParameters": parameters}},
            }
        )

    start = {"StartingPosition": "LATEST"}
    change = only(compare(template(**start, BatchSize=1), template(**start, BatchSize=2)).resources)
    assert change.replacement == "False"
    change = only(compare(template(**start), template(StartingPosition="TRIM_HORIZON")).resources)
    assert (change.replacement, change.details[0]["Target"]["Name"]) == ("True", "SourceParameters")


def test_conditions_within_properties(compare: Compare) -> None:
    """Of Fn::If only the branch that holds is looked at; items that it removes move the others."""

    def template(stage: str) -> dict[str, Any]:
        user = queue()
        user["Properties"] = {
            "QueueName": "q",
            "Tags": [
                {"Fn::If": ["IsProd", {"Key": "prod", "Value": "1"}, {"Ref": "AWS::NoValue"}]},
                {"Key": "name", "Value": {"Fn::GetAtt": ["Other", "QueueName"]}},
            ],
        }
        return {
            "Conditions": {"IsProd": {"Fn::Equals": [stage, "prod"]}},
            **resources(Other=queue("other"), User=user),
        }

    change = only(compare(template("dev"), template("prod")).resources)
    assert change.valued is not None
    told = [
        (detail["Target"]["Path"], detail["Target"]["AttributeChangeType"], detail["Evaluation"])
        for detail in change.valued.details
    ]
    assert told == [
        ("/Properties/Tags/0/Key", "Modify", "Static"),
        ("/Properties/Tags/0/Value", "Modify", "Static"),
        ("/Properties/Tags/1", "Add", "Static"),
    ]


def test_changes_are_in_the_order_of_logical_ids(compare: Compare) -> None:
    old = resources(B=queue("b"), Z=queue("z"))
    new = resources(Y=queue("y"), A=queue("a"), B=queue("b2"))
    assert [change.logical_id for change in compare(old, new).resources] == ["A", "B", "Y", "Z"]


def test_an_import(compare: Compare) -> None:
    there = queue("there", DeletionPolicy="Retain")
    identifier = {"I": {"QueueUrl": "https://sqs/1/there"}}
    difference = compare(resources(A=queue("a")), resources(A=queue("a"), I=there), importing=identifier)
    assert only(difference.resources).document() == {
        "Action": "Import",
        "LogicalResourceId": "I",
        "PhysicalResourceId": "https://sqs/1/there",
        "ResourceType": "AWS::SQS::Queue",
        "Scope": [],
        "Details": [],
    }
    with pytest.raises(ValidationError) as caught:
        compare(resources(A=queue("a")), resources(A=queue("b"), B=queue("c"), I=there), importing=identifier)
    assert str(caught.value) == (
        "You have modified resources [A, B] in your template that are not being imported. Update, create or delete"
        " operations cannot be executed during import operations."
    )
    with pytest.raises(ValidationError) as caught:
        compare(resources(A=queue("a")), resources(A=queue("a"), I=queue("there")), importing=identifier)
    assert str(caught.value) == (
        "The following resources to import [I] must have DeletionPolicy attribute specified in the template."
    )


def test_no_chain_is_too_long(compare: Compare) -> None:
    def template(first: str) -> dict[str, dict[str, Any]]:
        found = {"R0": queue(first)}
        for index in range(1, 500):
            found[f"R{index}"] = {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": {"Fn::Sub": f"${{R{index - 1}.QueueName}}x"}},
            }
        return found

    new = dict(reversed(template("b").items()))
    difference = compare({"Resources": template("a")}, {"Resources": new})
    assert len(difference.resources) == 500
    assert {change.replacement for change in difference.resources} == {"True"}


def test_what_other_stacks_say_may_be_something_else(compare: Compare) -> None:
    """What is deployed counts then, not what the old template would give now."""
    template = resources(
        A={**queue(), "Properties": {"QueueName": "q", "DelaySeconds": {"Fn::ImportValue": "Delay"}}}
    )
    exports = {"Delay": "1"}
    assert compare(template, template, exports=[exports, exports]).nothing
    change = only(compare(template, template, exports=[exports, {"Delay": "2"}]).resources)
    assert (change.replacement, change.details[0]["Target"]["Name"]) == ("False", "DelaySeconds")
