"""Deploying to AWS, for which stands moto: its CloudFormation, IAM and S3 are none of this project."""

from __future__ import annotations

import ast
import json
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.request import Request

import msgspec
import pytest
from tests.deploy.providers.deployments import (
    BUCKET,
    TABLE,
    Recorder,
    always,
    deployment,
    manifest,
    provider,
)

from lambent.deploy.errors import ProviderError
from lambent.deploy.manifest import Key, Use
from lambent.deploy.providers.cloudformation.artefacts import Artefacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambent.deploy.plan import Plan
    from lambent.deploy.providers.cloudformation import CloudFormation

ACCOUNT = "123456789012"
DEFAULT_BUCKET = f"lambent-{ACCOUNT}-eu-west-1"


def _state(aws: CloudFormation, stack: str) -> tuple[list[str], list[str]]:
    """The stacks of a name, and the packages."""
    stacks = [
        found["StackStatus"]
        for found in aws.access.client("cloudformation").list_stacks()["StackSummaries"]
        if found["StackName"] == stack and found["StackStatus"] != "DELETE_COMPLETE"
    ]
    s3 = aws.access.client("s3")
    keys = [
        entry["Key"]
        for bucket in s3.list_buckets()["Buckets"]
        for entry in s3.list_objects_v2(Bucket=bucket["Name"], Prefix=f"{stack}/").get("Contents", ())
    ]
    return stacks, keys


def _read(document: Any) -> Any:
    # Moto keeps what CloudFormation gave it as the text that Python makes of it.
    return ast.literal_eval(document) if isinstance(document, str) else document


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_from_nothing_to_running_to_nothing(moto: str, tmp_path: Path) -> None:
    aws = provider("aws", moto)
    described = manifest(
        "circle",
        tables=(TABLE,),
        buckets=(BUCKET,),
        uses=(Use(unit="app", kind="table", name="orders", access=("read", "write")),),
    )
    first = deployment(tmp_path, described)
    plan = aws.plan(first, Recorder())
    assert {change.action for change in plan.changes} == {"add"}
    assert {"AppFunction", "AppRole", "OrdersTable", "UploadsBucket"} <= {
        change.logical for change in plan.changes
    }
    assert _state(aws, "circle-dev") == ([], [])

    aws.apply(first, Recorder(), always)
    s3 = aws.access.client("s3")
    assert all(s3.get_public_access_block(Bucket=DEFAULT_BUCKET)["PublicAccessBlockConfiguration"].values())
    encryption = s3.get_bucket_encryption(Bucket=DEFAULT_BUCKET)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    configuration = aws.access.client("lambda").get_function_configuration(FunctionName="circle-dev-app")
    role = configuration["Role"].rpartition("/")[2]
    iam = aws.access.client("iam")
    policies = [
        _read(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    actions = {
        action
        for policy in policies
        for rule in _list(policy["Statement"])
        for action in _list(rule["Action"])
    }
    assert {"dynamodb:GetItem", "dynamodb:PutItem", "logs:PutLogEvents"} <= actions
    assert not any("*" in action for action in actions)
    assert aws.access.client("dynamodb").describe_table(TableName="circle-dev-orders")

    assert aws.plan(first, Recorder()).empty
    watch = Recorder()
    assert aws.apply(first, watch, always).plan.empty
    assert watch.sent == {}

    second = deployment(tmp_path, described, text="two")
    (change,) = aws.plan(second, Recorder()).changes
    # Moto tells no details: they come from the two templates.
    assert (change.logical, change.replacement) == ("AppFunction", "no")
    assert [difference.path for difference in change.differences] == ["Code.S3Key"]
    aws.apply(second, Recorder(), always)
    assert len(_state(aws, "circle-dev")[1]) == 2

    info = aws.info("circle", "dev", drift=False, watch=Recorder())
    assert (info.account, info.region, info.status) == (ACCOUNT, "eu-west-1", "UPDATE_COMPLETE")
    assert [found.name for found in info.functions] == ["circle-dev-app"]
    with pytest.raises(ProviderError, match="gives an answer that is none of AWS's"):
        aws.info("circle", "dev", drift=True, watch=Recorder())

    bucket = f"circle-dev-uploads-{ACCOUNT}-eu-west-1"
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    with pytest.raises(ProviderError, match="has objects"):
        aws.destroy("circle", "dev", empty_buckets=False, watch=Recorder(), confirm=always)
    aws.destroy("circle", "dev", empty_buckets=True, watch=Recorder(), confirm=always)
    assert _state(aws, "circle-dev") == ([], [])
    assert role not in [found["RoleName"] for found in iam.list_roles()["Roles"]]


def test_protected_stages_are_told_what_would_be_lost(moto: str, tmp_path: Path) -> None:
    aws = provider("aws", moto)
    described = manifest("kept", tables=(TABLE,))
    aws.apply(deployment(tmp_path, described, stage="prod", protected=True), Recorder(), always)
    other = msgspec.structs.replace(
        described, tables=(msgspec.structs.replace(TABLE, key=Key(name="number")),), queues=(), queue_triggers=(),
        uses=(),
    )  # fmt: skip
    plans: list[Plan] = []

    def no(plan: Plan) -> bool:
        plans.append(plan)
        return False

    aws.apply(deployment(tmp_path, other, stage="prod", protected=True), Recorder(), no)
    found = {change.logical: (change.action, change.kept, change.held) for change in plans[0].changes}
    # Tables of protected stages are kept by the template's own policies; a new one could not have the name.
    assert found["OrdersTable"] == ("modify", True, True)
    assert found["ReceiptsQueue"][:2] == ("remove", True)


@pytest.fixture
def named(moto: str, tmp_path: Path) -> CloudFormation:
    return provider("aws", moto, bucket="packages-of-mine")


def test_a_bucket_of_the_settings_has_to_be_there(named: CloudFormation, moto: str, tmp_path: Path) -> None:
    first = deployment(tmp_path, manifest("named"))
    with pytest.raises(ProviderError, match="there is no bucket packages-of-mine") as missing:
        named.apply(first, Recorder(), always)
    assert "aws s3 mb s3://packages-of-mine --region eu-west-1" in str(missing.value.hint)
    assert _state(named, "named-dev") == ([], [])

    elsewhere = provider("aws", moto, region="eu-north-1").access.client("s3")
    elsewhere.create_bucket(
        Bucket="packages-of-mine", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"}
    )
    with pytest.raises(ProviderError, match="is in eu-north-1, and Lambda in eu-west-1"):
        named.apply(first, Recorder(), always)
    elsewhere.delete_bucket(Bucket="packages-of-mine")
    s3 = named.access.client("s3")
    s3.create_bucket(Bucket="packages-of-mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    named.apply(first, Recorder(), always)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="packages-of-mine")["Contents"]] == [
        f"named-dev/{first.build.units['app'].fingerprint}.zip"
    ]


def test_half_made_buckets_are_completed(moto: str, tmp_path: Path) -> None:
    aws = provider("aws", moto, region="eu-west-3")
    bucket = f"lambent-{ACCOUNT}-eu-west-3"
    s3 = aws.access.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    aws.apply(deployment(tmp_path, manifest("half")), Recorder(), always)
    assert s3.get_public_access_block(Bucket=bucket)


def test_the_bucket_of_a_large_template_is_protected_too(moto: str) -> None:
    """A plan may be the first thing that is asked for, and needs the bucket then."""
    access = provider("aws", moto, region="eu-west-2").access
    artefacts = Artefacts(access, "planned-dev", None)
    named, key = artefacts.template(b" " * 60_000, Recorder())
    assert key is not None
    assert named["TemplateURL"].endswith(key)
    assert access.client("s3").get_public_access_block(Bucket=artefacts.bucket)


def test_what_the_endpoint_refuses_to_make(moto: str, tmp_path: Path) -> None:
    aws = provider("aws", moto)
    aws.access.client("sqs").create_queue(QueueName="refused-dev-receipts", Attributes={"DelaySeconds": "9"})
    with pytest.raises(ProviderError, match="queue already exists") as refused:
        aws.apply(deployment(tmp_path, manifest("refused")), Recorder(), always)
    assert "is there that is not in this stack" in str(refused.value.hint)
    assert _state(aws, "refused-dev")[0] == []


def _post(url: str, body: bytes) -> None:
    request = Request(url, data=body, headers={"Content-Type": "text/plain"})  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - the same


@pytest.fixture
def user(moto: str, tmp_path: Path) -> Iterator[Any]:
    """Keys of a user that may only call CloudFormation: moto looks at credentials and policies while it lasts."""
    iam = provider("aws", moto).access.client("iam")
    iam.create_user(UserName="deployer")
    allowed = {"Effect": "Allow", "Action": ["cloudformation:*", "sts:*"], "Resource": "*"}
    iam.put_user_policy(
        UserName="deployer",
        PolicyName="some",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    _post(f"{moto}/moto-api/reset-auth", b"0")
    yield key["AccessKeyId"], key["SecretAccessKey"]
    _post(f"{moto}/moto-api/reset-auth", b"Infinity")


def test_missing_permissions_and_wrong_keys(moto: str, tmp_path: Path, user: tuple[str, str]) -> None:
    def with_keys(keys: tuple[str, str]) -> ProviderError:
        aws = provider("aws", moto, keys=keys)
        with pytest.raises(ProviderError) as refused:
            aws.apply(deployment(tmp_path, manifest("refused-user")), Recorder(), always)
        return refused.value

    denied = with_keys(user)
    assert "s3:ListBucket" in f"{denied.message} {denied.hint}"
    assert "does not know the credentials" in with_keys(("AKIAUNKNOWN", "secret")).message
    assert "not the one of the access key" in with_keys((user[0], "wrong")).message
