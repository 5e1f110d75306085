"""What stacks have in moto, after moto has forgotten it: the platform killed and started again, moto killed alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import Platform, wait_until

from lambent.stacks.providers.catalogue import CUSTOM, PROVIDERS
from lambent.stacks.records import Deployment, Resource, Step
from lambent.stacks.restoring import SERVICES, lost_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
ATTRIBUTES = {
    "RoleId": "Role.RoleId",
    "KeyArn": "Key.Arn",
    "StreamArn": "Table.StreamArn",
    "ClientSecret": "Client.ClientSecret",
    "SecretAccessKey": "AccessKey.SecretAccessKey",
}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Minutes": {"Type": "Number", "Default": "60"}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Letters": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": "Queue.Arn"},
                        }
                    ]
                },
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "MaxSessionDuration": {"Fn::Sub": "${Minutes}00"},
                "ManagedPolicyArns": [{"Ref": "Reading"}],
            },
        },
        "Reading": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": ALLOWED}},
        "User": {"Type": "AWS::IAM::User"},
        "AccessKey": {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": {"Ref": "User"}}},
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DependsOn": "Letters",
            "Properties": {
                "NotificationConfiguration": {
                    "QueueConfigurations": [
                        {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": "Queue.Arn"}}
                    ]
                }
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "day", "AttributeType": "S"},
                ],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "days",
                        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": "Queue.Arn"},
                "RawMessageDelivery": True,
            },
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Minutes"}},
        },
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"SecretString": "hush"},
        },
        "Told": {
            # Made after the secret that it reads, when it is made again as well.
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Value": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString}}"},
            },
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "ours"}},
        "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"AutoVerifiedAttributes": ["email"]}},
        "Client": {
            "Type": "AWS::Cognito::UserPoolClient",
            "Properties": {"UserPoolId": {"Ref": "Pool"}, "GenerateSecret": True},
        },
        "Identities": {
            "Type": "AWS::Cognito::IdentityPool",
            "Properties": {"AllowUnauthenticatedIdentities": True},
        },
        "Nested": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": "https://templates.s3.amazonaws.com/nested.json",
                "Parameters": {"Role": {"Ref": "Role"}},
            },
        },
    },
    "Outputs": {name: {"Value": {"Fn::GetAtt": path}} for name, path in ATTRIBUTES.items()},
}
NESTED = {
    "Parameters": {"Role": {"Type": "String"}},
    "Resources": {
        # Nothing in this stack says that the role has to be there first.
        "Inline": {
            "Type": "AWS::IAM::RolePolicy",
            "Properties": {
                "RoleName": {"Ref": "Role"},
                "PolicyName": "inline",
                "PolicyDocument": ALLOWED,
            },
        }
    },
}
OTHER = {
    "Resources": {
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {"PolicyName": "p", "PolicyDocument": ALLOWED, "Roles": [{"Ref": "Nobody"}]},
        },
        "Nobody": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        # Of a secret that no stack has made: it is gone, and takes nothing else with it.
        "Orphan": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": "{{resolve:secretsmanager:outside:SecretString}}"},
        },
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": ["Policy", "Orphan"],
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "3600"},
        },
    }
}


class Shop:
    """The stacks of a test, and their services as boto3 sees them."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.clients: dict[str, Any] = {}

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        client = self.clients.get(service)
        if client is None:
            client = self.clients[service] = self.platform.client(service)
        return getattr(client, operation)(**parameters)

    def cloudformation(self, operation: str, **parameters: Any) -> Any:
        return self.ask("cloudformation", operation, **parameters)

    def settled(self, stack: str) -> str:
        def status() -> str:
            found = self.cloudformation("describe_stacks", StackName=stack)["Stacks"][0]["StackStatus"]
            return "" if found.endswith("_IN_PROGRESS") else str(found)

        return str(wait_until(status, 60))

    def ids(self, stack: str) -> dict[str, str]:
        found = self.cloudformation("describe_stack_resources", StackName=stack)["StackResources"]
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in found
            if "PhysicalResourceId" in one
        }

    def outputs(self, stack: str) -> dict[str, str]:
        found = self.cloudformation("describe_stacks", StackName=stack)["Stacks"][0]["Outputs"]
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    def events(self, stack: str) -> int:
        return len(self.cloudformation("describe_stack_events", StackName=stack)["StackEvents"])

    def begun(self, stack: str, logical_id: str) -> bool:
        found = self.cloudformation("describe_stack_resources", StackName=stack)["StackResources"]
        return any(one["LogicalResourceId"] == logical_id for one in found)

    def put_nested(self) -> None:
        """The nested stack's template, in a bucket that is nobody's, and goes when moto goes."""
        self.ask("s3", "create_bucket", Bucket="templates")
        self.ask("s3", "put_object", Bucket="templates", Key="nested.json", Body=json.dumps(NESTED).encode())

    def moto(self) -> dict[str, Any]:
        facts: dict[str, Any] = self.platform.request("GET", "/_lambent/health").json["neighbours"]["moto"]
        return facts

    def check(self, ids: dict[str, str], outputs: dict[str, str]) -> None:
        """Everything is there, with the ids that the stack knows."""
        ask = self.ask
        # The first request that moto gets: it waits until all of it is there.
        role = ask("iam", "get_role", RoleName=ids["Role"])["Role"]
        assert (role["RoleId"], role["MaxSessionDuration"]) == (outputs["RoleId"], 6000)
        attached = ask("iam", "list_attached_role_policies", RoleName=ids["Role"])["AttachedPolicies"]
        assert [one["PolicyArn"] for one in attached] == [ids["Reading"]]
        assert ask("iam", "list_role_policies", RoleName=ids["Role"])["PolicyNames"] == ["inline"]
        keys = ask("iam", "list_access_keys", UserName=ids["User"])["AccessKeyMetadata"]
        assert [key["AccessKeyId"] for key in keys] == [ids["AccessKey"]]
        table = ask("dynamodb", "describe_table", TableName=ids["Table"])["Table"]
        assert table["LatestStreamArn"] == outputs["StreamArn"]
        assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["days"]
        stream = ask("dynamodbstreams", "describe_stream", StreamArn=outputs["StreamArn"])
        assert stream["StreamDescription"]["TableName"] == ids["Table"]
        assert ask("ssm", "get_parameter", Name=ids["Parameter"])["Parameter"]["Value"] == "60"
        assert ask("ssm", "get_parameter", Name=ids["Told"])["Parameter"]["Value"] == "hush"
        assert ask("secretsmanager", "get_secret_value", SecretId=ids["Secret"])["SecretString"] == "hush"
        key = ask("kms", "describe_key", KeyId=ids["Key"])["KeyMetadata"]
        assert (key["Arn"], key["Description"]) == (outputs["KeyArn"], "ours")
        pool = ask("cognito-idp", "describe_user_pool", UserPoolId=ids["Pool"])["UserPool"]
        assert pool["Name"].startswith("shop")
        client = ask(
            "cognito-idp", "describe_user_pool_client", UserPoolId=ids["Pool"], ClientId=ids["Client"]
        )["UserPoolClient"]
        assert client["ClientSecret"] == outputs["ClientSecret"]
        ask("cognito-identity", "describe_identity_pool", IdentityPoolId=ids["Identities"])
        subscriptions = ask("sns", "list_subscriptions_by_topic", TopicArn=ids["Topic"])["Subscriptions"]
        assert [one["SubscriptionArn"] for one in subscriptions] == [ids["Subscription"]]

    def check_records(self, stream: str, table: str, after: str) -> str:
        """Who goes on reading the table's stream gets what comes; the number of that."""
        self.ask("dynamodb", "put_item", TableName=table, Item={"id": {"S": "a"}, "day": {"S": "b"}})
        (shard,) = self.ask("dynamodbstreams", "describe_stream", StreamArn=stream)["StreamDescription"][
            "Shards"
        ]
        place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        if not after:
            place = {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.ask(
            "dynamodbstreams", "get_shard_iterator", StreamArn=stream, ShardId=shard["ShardId"], **place
        )["ShardIterator"]
        (record,) = self.ask("dynamodbstreams", "get_records", ShardIterator=iterator)["Records"]
        return str(record["dynamodb"]["SequenceNumber"])

    def check_messages(self, ids: dict[str, str], *others: str) -> None:
        """Topic and bucket reach the queue, which has been told nothing else but `others`."""
        self.ask("sns", "publish", TopicArn=ids["Topic"], Message="hello")
        self.ask("s3", "put_object", Bucket=ids["Bucket"], Key="one", Body=b"1")
        bodies: list[str] = []

        def both() -> bool:
            found = self.ask("sqs", "receive_message", QueueUrl=ids["Queue"], MaxNumberOfMessages=10)
            for message in found.get("Messages", []):
                bodies.append(message["Body"])
                handle = message["ReceiptHandle"]
                self.ask("sqs", "delete_message", QueueUrl=ids["Queue"], ReceiptHandle=handle)
            return len(bodies) >= 2 + len(others)

        wait_until(both)
        assert sorted(body[:10] for body in bodies) == ["hello", '{"Records"', *others]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    running = Platform(tmp_path, port=_free_port()).start()
    try:
        yield running
    finally:
        running.kill()


def _free_port() -> int:
    """So that clients, whose making costs most of all, reach the platform after its restart as well."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def kill_platform(shop: Shop) -> None:
    shop.platform.kill()
    shop.platform.start()
    assert shop.moto()["state"] == "not started"  # nothing is started for it


def kill_moto(shop: Shop) -> None:
    pid = shop.moto()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: shop.moto().get("pid", pid) != pid)


def test_what_moto_has_forgotten_is_there_again(platform: Platform) -> None:
    shop = Shop(platform)
    template = json.loads(json.dumps(TEMPLATE))
    shop.put_nested()
    shop.ask("secretsmanager", "create_secret", Name="outside", SecretString="x")
    for name, document in (("waiting", OTHER), ("shop", template)):
        body = json.dumps(document)
        shop.cloudformation(
            "create_stack", StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
        )
    assert shop.settled("shop") == "CREATE_COMPLETE"
    wait_until(lambda: shop.begun("waiting", "Wait"))
    ids, outputs, events = shop.ids("shop"), shop.outputs("shop"), shop.events("shop")
    others = shop.ids("waiting")
    shop.check(ids, outputs)
    shop.check_messages(ids, '{"Service"')  # S3's test of a new notification
    last = shop.check_records(outputs["StreamArn"], ids["Table"], "")

    for kill in (kill_platform, kill_moto):
        printed = len(platform.printed) if kill is kill_moto else 0
        kill(shop)
        shop.check(ids, outputs)
        shop.check_messages(ids)
        last = shop.check_records(outputs["StreamArn"], ids["Table"], last)
        assert (shop.ids("shop"), shop.outputs("shop"), shop.events("shop")) == (ids, outputs, events)
        told = platform.printed[printed:]
        assert "have been made again, without their data" in told
        # Nothing else goes with it.
        assert "stack waiting: Orphan cannot be made again in moto" in told
        assert "again with another" not in told
        # The operation that was interrupted has what it had made.
        assert shop.ask("iam", "list_role_policies", RoleName=others["Nobody"])["PolicyNames"] == ["p"]

    # Stacks go on as if nothing had been.
    shop.put_nested()
    template["Resources"]["Table"]["Properties"]["StreamSpecification"]["StreamViewType"] = "KEYS_ONLY"
    template["Resources"]["Key"]["Properties"]["Description"] = "theirs"
    shop.cloudformation(
        "update_stack",
        StackName="shop",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Minutes", "ParameterValue": "70"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert shop.settled("shop") == "UPDATE_COMPLETE"
    assert shop.ids("shop") == ids
    assert shop.ask("iam", "get_role", RoleName=ids["Role"])["Role"]["MaxSessionDuration"] == 7000
    assert shop.ask("kms", "describe_key", KeyId=ids["Key"])["KeyMetadata"]["Description"] == "theirs"
    shop.ask("s3", "delete_object", Bucket=ids["Bucket"], Key="one")
    for name in ("shop", "waiting"):
        arn = shop.cloudformation("describe_stacks", StackName=name)["Stacks"][0]["StackId"]
        shop.cloudformation("delete_stack", StackName=name)
        assert shop.settled(arn) == "DELETE_COMPLETE"
    assert shop.ask("iam", "list_roles")["Roles"] == []


def test_of_every_type_it_is_known_who_keeps_it() -> None:
    kept = {"ApiGateway", "ApiGatewayV2", "CDK", "CloudFormation", "CodeDeploy"}
    kept |= {"Events", "Lambda", "Logs", "SQS", "Scheduler"}
    parts = {name.split("::")[1] for name in PROVIDERS if name != CUSTOM}
    # What is missing is kept by the platform itself, or has to be made again: then its ids may need moto_ids.py, too.
    assert parts <= {*SERVICES, *kept}
    assert not set(SERVICES) & kept


ROLE = "AWS::IAM::Role"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (Resource("R", ROLE), []),
        (Resource("R", ROLE, now=Deployment(ROLE, "a", token="t")), [("a", "t")]),
        # Replaced in an operation that may go back.
        (
            Resource("R", ROLE, now=Deployment(ROLE, "b"), before=Deployment(ROLE, "a"), touched=True),
            [("a", ""), ("b", "")],
        ),
        # Changed in place.
        (
            Resource("R", ROLE, now=Deployment(ROLE, "a"), before=Deployment(ROLE, "a"), touched=True),
            [("a", "")],
        ),
        # Changed in place, then replaced.
        (
            Resource(
                "R",
                ROLE,
                now=Deployment(ROLE, "b"),
                before=Deployment(ROLE, "a", token="old"),
                changed=Deployment(ROLE, "a", token="new"),
                touched=True,
            ),
            [("a", "new"), ("b", "")],
        ),
        # Being made: there, but not ready; and begun, with nobody knowing whether it was there.
        (
            Resource("R", ROLE, step=Step("create", "s", Deployment(ROLE), "c", {"Arn": "x"})),
            [("c", "s")],
        ),
        (Resource("R", ROLE, step=Step("create", "s", Deployment(ROLE))), []),
        # Being replaced.
        (
            Resource("R", ROLE, now=Deployment(ROLE, "a"), step=Step("replace", "s", Deployment(ROLE), "c")),
            [("a", ""), ("c", "s")],
        ),
    ],
)
def test_what_there_was_of_a_resource(resource: Resource, expected: list[tuple[str, str]]) -> None:
    assert [(lost.deployed.physical_id, lost.token) for lost in lost_of(resource)] == expected
