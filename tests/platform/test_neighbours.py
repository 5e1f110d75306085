"""Services that are not Lambent's own, on a whole platform, by boto3, plain HTTP and the AWS CLI."""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.platform.conftest import Platform

ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[Platform]:
    """A platform of this module's own: its moto is killed."""
    started = type(platform)(tmp_path_factory.mktemp("neighbours"), ephemeral="true").start()
    yield started
    assert started.stop() == 0
    assert "Traceback" not in started.printed


@pytest.fixture(scope="module")
def s3(running: Platform) -> Any:
    return running.client("s3", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> str:
    name = f"b{hashlib.sha1(request.node.name.encode()).hexdigest()[:12]}"  # noqa: S324 - a name
    s3.create_bucket(Bucket=name)
    return name


def moto(platform: Platform) -> dict[str, Any]:
    facts: dict[str, Any] = platform.request("GET", "/_lambent/health").json["neighbours"]["moto"]
    return facts


def refusal(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )


def package(value: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("app.py", f"def handler(event, context):\n    return {value!r}\n")
    return target.getvalue()


# ------------------------------------------------------------ S3


def test_objects(s3: Any, bucket: str) -> None:
    key = "a folder/ü+x.txt"
    put = s3.put_object(Bucket=bucket, Key=key, Body=b"hello", Metadata={"who": "me"}, ContentType="text/x")
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == b"hello"
    assert (got["ETag"], got["Metadata"], got["ContentType"]) == (put["ETag"], {"who": "me"}, "text/x")
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ContentLength"], head["ETag"]) == (5, put["ETag"])
    part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=1-3")
    assert (part["Body"].read(), part["ContentRange"]) == (b"ell", "bytes 1-3/5")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert refusal(s3.get_object, Bucket=bucket, Key=key)[:2] == (404, "NoSuchKey")


def test_versions(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_multipart(s3: Any, bucket: str) -> None:
    content = os.urandom(9_000_000) * 2
    s3.upload_fileobj(io.BytesIO(content), bucket, "parts")
    assert s3.head_object(Bucket=bucket, Key="parts")["ETag"].endswith('-3"')
    received = io.BytesIO()
    s3.download_fileobj(bucket, "parts", received)
    assert received.getvalue() == content


def test_a_large_object_passes_through_without_being_held(running: Platform, s3: Any, bucket: str) -> None:
    content = os.urandom(1_000_000) * 120
    before = running.resident_mb
    s3.put_object(Bucket=bucket, Key="large", Body=content)
    assert running.resident_mb - before < 30
    digest = hashlib.sha256()
    for piece in s3.get_object(Bucket=bucket, Key="large")["Body"].iter_chunks(1_000_000):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert running.resident_mb - before < 30
    s3.delete_object(Bucket=bucket, Key="large")


@pytest.mark.parametrize("framing", ["trailer", "signed"])
def test_chunks_of_aws(running: Platform, s3: Any, bucket: str, framing: str) -> None:
    """Uploads in S3's own chunks, as SDKs send them over TLS (a trailing checksum) or for streams (signed)."""
    content = b"x" * 70_000
    extension = b";chunk-signature=" + b"0" * 64 if framing == "signed" else b""
    end = b"\r\n" if framing == "signed" else b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    body = (
        b"".join(
            b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in (content[:65_536], content[65_536:])
        )
        + b"0"
        + extension
        + b"\r\n"
        + end
    )
    answer = running.request(
        "PUT",
        f"/{bucket}/chunks",
        body,
        {
            "Content-Encoding": "aws-chunked",
            "X-Amz-Decoded-Content-Length": str(len(content)),
            "X-Amz-Content-SHA256": (
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
                if framing == "signed"
                else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
            ),
            **({} if framing == "signed" else {"X-Amz-Trailer": "x-amz-checksum-crc32"}),
            "Authorization": (
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request,"
                " SignedHeaders=host, Signature=0"
            ),
        },
    )
    assert answer.status == 200, answer.body
    assert s3.get_object(Bucket=bucket, Key="chunks")["Body"].read() == content


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(running: Platform, bucket: str, version: str) -> None:
    client = running.client("s3", config=Config(signature_version=version))
    put = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b"})
    # Said of everything that is sent, unless told otherwise, by curl and urllib.
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert running.request("PUT", put.removeprefix(running.url), b"presigned", kind).status == 200
    get = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    assert running.request("GET", get.removeprefix(running.url)).body == b"presigned"


@pytest.mark.parametrize(
    "host", ["{}.s3.localhost", "{}.s3.eu-west-1.amazonaws.com", "{}.s3-eu-west-1.amazonaws.com"]
)
def test_buckets_in_host_names_and_anonymous_readers(
    running: Platform, s3: Any, bucket: str, host: str
) -> None:
    s3.put_object(Bucket=bucket, Key="public", Body=b"for all", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="private", Body=b"for me")
    headers = {"Host": host.format(bucket)}
    answer = running.request("GET", "/public", headers=headers)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"for all", "7")
    assert running.request("GET", f"/{bucket}/public").body == b"for all"
    assert running.request("GET", "/private", headers=headers).status == 403


def test_sdks_that_put_the_bucket_before_localhost(running: Platform, s3: Any, bucket: str) -> None:
    answer = running.request(
        "PUT",
        "/from-a-host",
        b"x",
        {
            "Host": f"{bucket}.localhost:{running.address[1]}",
            "Authorization": (
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request,"
                " SignedHeaders=host, Signature=0"
            ),
        },
    )
    assert answer.status == 200
    assert s3.get_object(Bucket=bucket, Key="from-a-host")["Body"].read() == b"x"


def test_browsers_upload_forms_but_not_from_pages_of_others(running: Platform, s3: Any, bucket: str) -> None:
    form = s3.generate_presigned_post(bucket, "posted")
    boundary = "x" * 20
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    )
    body = (
        f'{fields}--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        f"content\r\n--{boundary}--\r\n"
    ).encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    foreign = running.request("POST", f"/{bucket}", body, {**kind, "Origin": "https://elsewhere.example"})
    assert foreign.status == 403
    assert b"<Code>AccessDenied" in foreign.body
    for origin in ({}, {"Origin": "http://localhost:3000"}):
        assert running.request("POST", f"/{bucket}", body, {**kind, **origin}).status == 204
    assert s3.get_object(Bucket=bucket, Key="posted")["Body"].read() == b"content"
    assert (
        running.request("GET", f"/{bucket}/posted", headers={"Origin": "https://elsewhere.example"}).status
        == 403
    )


@pytest.mark.parametrize("tool", ["aws"])
def test_the_aws_cli(running: Platform, tmp_path: Path, bucket: str, tool: str) -> None:
    program = shutil.which(tool, path=os.path.dirname(sys.executable))  # noqa: PTH120 - text
    assert program is not None
    (tmp_path / "file").write_bytes(b"x" * 9_000_000)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for source, target in (("file", f"s3://{bucket}/file"), (f"s3://{bucket}/file", "back")):
        subprocess.run(
            [program, "s3", "cp", "--no-progress", source, target],
            env=variables,
            cwd=tmp_path,
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )
    assert (tmp_path / "back").read_bytes() == b"x" * 9_000_000


# ------------------------------------------------------------ the other services


def test_iam_and_sts(running: Platform) -> None:
    iam, sts = running.client("iam"), running.client("sts")
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document)["Role"]
    assert role["Arn"] == "arn:aws:iam::000000000000:role/worker"
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    assumed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    keys = assumed["Credentials"]
    inside = running.client(
        "sts",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    identity = inside.get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::000000000000:assumed-role/worker/session"
    assert identity["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]


def test_accounts_are_apart(running: Platform) -> None:
    for account in ("111111111111", "222222222222"):
        client = running.client("ssm", aws_access_key_id=account)
        client.put_parameter(Name="/own", Value=account, Type="String")
        found = client.get_parameter(Name="/own")["Parameter"]
        assert found["Value"] == account
        assert found["ARN"] == f"arn:aws:ssm:us-east-1:{account}:parameter/own"


def test_parameters_secrets_and_keys(running: Platform) -> None:
    ssm, secrets, kms = (running.client(name) for name in ("ssm", "secretsmanager", "kms"))
    ssm.put_parameter(Name="/shop/stage", Value="dev", Type="SecureString")
    assert ssm.get_parameter(Name="/shop/stage", WithDecryption=True)["Parameter"]["Value"] == "dev"
    secrets.create_secret(Name="password", SecretString="s3cr3t")
    assert secrets.get_secret_value(SecretId="password")["SecretString"] == "s3cr3t"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"plain"


def test_tables_and_their_streams(running: Platform) -> None:
    dynamodb = running.client("dynamodb")
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    dynamodb.put_item(TableName="orders", Item={"id": {"S": "1"}, "n": {"N": "3"}})
    assert dynamodb.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]["n"] == {"N": "3"}
    [stream] = running.client("dynamodbstreams").list_streams(TableName="orders")["Streams"]
    assert stream["StreamArn"].startswith("arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/")


def test_users_sign_up_without_credentials(running: Platform) -> None:
    cognito = running.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    answer = running.request(
        "POST",
        "/",
        json.dumps({"ClientId": client, "Username": "ada", "Password": "Passw0rd!"}).encode(),
        {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.SignUp",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    assert answer.status == 200
    assert cognito.admin_get_user(UserPoolId=pool, Username="ada")["UserStatus"] == "UNCONFIRMED"
    keys = running.request("GET", f"/{pool}/.well-known/jwks.json")
    assert (keys.status, list(keys.json)) == (200, ["keys"])


def test_metrics_and_alarms(running: Platform) -> None:
    cloudwatch = running.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="shop", MetricData=[{"MetricName": "orders", "Value": 2}])
    assert [one["MetricName"] for one in cloudwatch.list_metrics(Namespace="shop")["Metrics"]] == ["orders"]


def test_stopgaps(running: Platform) -> None:
    queue = running.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    assert queue == f"{running.url}/000000000000/q"
    running.client("sqs").send_message(QueueUrl=queue, MessageBody="m")
    [message] = running.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "m"
    assert running.client("sns").create_topic(Name="t")["TopicArn"].endswith(":000000000000:t")
    running.client("events").put_rule(Name="r", ScheduleExpression="rate(1 minute)")
    running.client("kinesis").create_stream(StreamName="s", ShardCount=1)


def test_functions_use_them_as_their_role(running: Platform, s3: Any, bucket: str) -> None:
    source = (
        "import boto3\n"
        "def handler(event, context):\n"
        f"    boto3.client('s3').put_object(Bucket={bucket!r}, Key='from-function', Body=event['body'])\n"
        "    return boto3.client('sts').get_caller_identity()['Arn']\n"
    )
    name = running.create(source, MemorySize=256)
    arn = running.invoke(name, {"body": "hi"}).json
    assert arn == f"arn:aws:sts::000000000000:assumed-role/any/{name}"
    assert s3.get_object(Bucket=bucket, Key="from-function")["Body"].read() == b"hi"


def test_what_moto_does_not_have_is_named(running: Platform) -> None:
    for service, operation, named in (
        ("glue", "get_databases", "GetDatabases"),
        ("kms", "connect_custom_key_store", "ConnectCustomKeyStore"),
    ):
        members = {"CustomKeyStoreId": "x"} if service == "kms" else {}
        status, code, message = refusal(getattr(running.client(service), operation), **members)
        assert (status, code) == (501, "NotImplementedException")
        assert message == f"The operation {named} of the service {service} is not implemented by Lambent."


def test_what_moto_stumbles_over_is_answered_in_awss_words(running: Platform) -> None:
    client = running.client(
        "dynamodb", config=Config(parameter_validation=False, retries={"total_max_attempts": 1})
    )
    status, code, message = refusal(client.put_item, TableName="t")
    assert (status, code) == (400, "ValidationException")
    assert "Traceback" not in message


# ------------------------------------------------------------ code from S3


def test_code_from_s3(running: Platform, s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="a b/code.zip", Body=package("first"))["VersionId"]
    s3.put_object(Bucket=bucket, Key="a b/code.zip", Body=package("second"))
    code = {"S3Bucket": bucket, "S3Key": "a b/code.zip"}
    aws = running.aws
    created = aws.create_function(
        FunctionName="stored", Runtime=running.runtime, Handler="app.handler", Role=ROLE, Code=code
    )
    assert created["CodeSize"] == len(package("second"))
    running.settle("stored")
    assert running.invoke("stored").json == "second"
    aws.update_function_code(FunctionName="stored", **code, S3ObjectVersion=first)
    running.settle("stored")
    assert running.invoke("stored").json == "first"
    layer = aws.publish_layer_version(LayerName="stored", Content=code)
    assert layer["Content"]["CodeSize"] == len(package("second"))


def test_refusals_of_s3_are_worded_as_in_aws(running: Platform, s3: Any, bucket: str) -> None:
    """TestLambdaFunction::test_lambda_code_location_s3_errors; regions: as reported by users of AWS."""
    s3.put_object(Bucket=bucket, Key="code.zip", Body=package("x"))
    name = running.create("def handler(event, context):\n    return 1\n")
    new = {"FunctionName": "new", "Runtime": running.runtime, "Handler": "app.handler", "Role": ROLE}
    gone = "S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
    nothing = "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    west = running.client(region_name="eu-west-1")
    elsewhere = (
        "S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: us-east-1. "
        "Please use this region to retry the request"
    )
    for client, code, expected in (
        (running.aws, {"S3Bucket": "nosuchbucket-of-anybody", "S3Key": "k"}, gone),
        (running.aws, {"S3Bucket": bucket, "S3Key": "nothing"}, nothing),
        (west, {"S3Bucket": bucket, "S3Key": "code.zip"}, elsewhere),
    ):
        answers = [refusal(client.create_function, **new, Code=code)]
        answers.append(refusal(client.publish_layer_version, LayerName="l", Content=code))
        if client is running.aws:
            answers.append(refusal(client.update_function_code, FunctionName=name, **code))
        expected = f"Error occurred while GetObject. {expected}"
        assert answers == [(400, "InvalidParameterValueException", expected)] * len(answers)
    missing = {"FunctionName": "doesnotexist", "S3Bucket": bucket, "S3Key": "nothing"}
    assert refusal(running.aws.update_function_code, **missing)[1] == "ResourceNotFoundException"
    status, code_, _ = refusal(
        running.aws.create_function,
        **new,
        Code={"S3Bucket": bucket, "S3Key": "code.zip", "S3ObjectVersion": "nosuchversion"},
    )
    assert (status, code_) == (400, "InvalidParameterValueException")


def test_a_bucket_for_tls_only_is_served(s3: Any, bucket: str) -> None:
    def denial(**more: Any) -> str:
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement | more]})

    s3.put_bucket_policy(Bucket=bucket, Policy=denial(Condition={"Bool": {"aws:SecureTransport": "false"}}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    s3.put_bucket_policy(Bucket=bucket, Policy=denial())
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    s3.delete_bucket_policy(Bucket=bucket)


def test_code_in_s3_may_be_larger_than_what_is_sent_but_not_larger_than_its_content_may_be(
    running: Platform, s3: Any, bucket: str
) -> None:
    target = io.BytesIO(package("large"))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("filling", os.urandom(1_000_000) * 53)
    s3.put_object(Bucket=bucket, Key="large.zip", Body=target.getvalue())
    code = {"S3Bucket": bucket, "S3Key": "large.zip"}
    new = {"Runtime": running.runtime, "Handler": "app.handler", "Role": ROLE}
    created = running.aws.create_function(FunctionName="large", **new, Code=code)
    assert created["CodeSize"] > 52_428_800
    running.settle("large")
    assert running.invoke("large").json == "large"
    # Put together over there: to send it takes longer than all the rest.
    upload = {"Bucket": bucket, "Key": "huge.zip"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = [
        s3.upload_part_copy(**upload, PartNumber=number, CopySource=f"{bucket}/large.zip")["CopyPartResult"]
        for number in range(1, 6)
    ]
    tags = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(parts, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": tags})
    assert s3.head_object(Bucket=bucket, Key="huge.zip")["ContentLength"] > 262_144_000
    before = running.resident_mb
    status, code_, message = refusal(
        running.aws.create_function, FunctionName="huge", **new, Code={**code, "S3Key": "huge.zip"}
    )
    assert (status, code_) == (400, "InvalidParameterValueException")
    assert message == "Unzipped size must be smaller than 262144000 bytes"
    assert running.resident_mb - before < 30
    for key in ("large.zip", "huge.zip"):
        s3.delete_object(Bucket=bucket, Key=key)


# ------------------------------------------------------------ trouble


def test_a_platform_does_not_start_it_unasked(own: Callable[..., Platform]) -> None:
    platform = own()
    assert moto(platform) == {"state": "not started"}
    for path in ("/favicon.ico", "/wp-admin/install.php", "/bucket/key"):
        answer = platform.request("GET", path)
        assert (answer.status, b"<Code>NoSuchBucket</Code>" in answer.body) == (404, True)
    name = platform.create("def handler(event, context):\n    return event\n")
    assert platform.invoke(name, 1).json == 1
    assert moto(platform) == {"state": "not started"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_invocations_do_not_notice_its_death(running: Platform, s3: Any, how: signal.Signals) -> None:
    s3.list_buckets()
    name = running.create("def handler(event, context):\n    return event\n")
    assert running.invoke(name, 0).json == 0
    pid = moto(running)["pid"]
    os.kill(pid, how)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        begun = time.monotonic()
        asked = threads.submit(refusal, s3.list_buckets)
        slowest, count = 0.0, 0
        while not asked.done() and count < 5_000:
            invoked = time.monotonic()
            assert running.invoke(name, count).json == count
            slowest = max(slowest, time.monotonic() - invoked)
            count += 1
            if how is signal.SIGKILL and moto(running).get("pid") not in (None, pid):
                break
        assert slowest < 1
        if how is signal.SIGSTOP:
            status, code, message = asked.result(20)
            assert (status, code) == (503, "ServiceUnavailable")
            assert "moto" in message
            assert time.monotonic() - begun < 15
    deadline = time.monotonic() + 20
    while moto(running).get("pid") in (None, pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert s3.list_buckets()["Buckets"] == []  # what it knew is lost


def test_reset_empties_it(running: Platform, s3: Any) -> None:
    s3.create_bucket(Bucket="to-be-forgotten")
    assert running.request("POST", "/_lambent/reset").status == 200
    assert s3.list_buckets()["Buckets"] == []


def test_it_ends_with_the_platform(own: Callable[..., Platform]) -> None:
    platform = own()
    platform.client("s3").list_buckets()
    pid = moto(platform)["pid"]
    platform.kill()
    deadline = time.monotonic() + 5
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_topics_and_buckets_send_to_the_platforms_queues(running: Platform, s3: Any, bucket: str) -> None:
    sqs, sns = running.client("sqs"), running.client("sns")
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{bucket}"
    topic = sns.create_topic(Name=bucket)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    attributes = {"size": {"DataType": "Number", "StringValue": "7"}}
    sns.publish(TopicArn=topic, Message="raised", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "raised"
    assert message["MessageAttributes"] == attributes

    queue = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="a b", Body=b"x")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    (record,) = json.loads(message["Body"])["Records"]
    assert (record["eventName"], record["s3"]["object"]["key"]) == ("ObjectCreated:Put", "a+b")
    assert sqs.receive_message(QueueUrl=url).get("Messages") is None
