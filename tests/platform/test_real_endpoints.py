"""Real endpoints instead of moto. The endpoint is a second platform, which verifies signatures as AWS does."""

from __future__ import annotations

import io
import json
import os
import socket
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.platform.conftest import Platform

KEY, SECRET = "AKIAREALENDPOINT0001", "of/the+endpoint"
OWN_KEY, OWN_SECRET = "AKIAOFTHEPLATFORM001", "of/the+platform"
ROLE = "arn:aws:iam::000000000000:role/any"


class InChunks(S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """Signs as SDKs do that sign each chunk of a body by itself."""

    def payload(self, request: AWSRequest) -> str:
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Iterator[Platform]:
    """What stands for AWS: a platform that takes nothing unsigned."""
    started = type(platform)(tmp_path_factory.mktemp("real"), credentials=f"{KEY}:{SECRET}").start()
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, platform: Platform, real: Platform
) -> Iterator[Platform]:
    """The platform whose S3 and SSM are real, and whose DynamoDB is out of reach; it too wants signatures."""
    directory = tmp_path_factory.mktemp("running")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    (directory / "lambent.toml").write_text(
        f"""
        [neighbours]
        ssm = "{real.url}"
        dynamodb = "http://127.0.0.1:{port}"

        [neighbours.s3]
        endpoint = "{real.url}"
        access_key = "{KEY}"
        secret_key = "{SECRET}"
        """
    )
    started = type(platform)(directory, credentials=f"{OWN_KEY}:{OWN_SECRET}")
    started.variables |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    yield started.start()
    assert started.stop() == 0
    assert SECRET not in started.printed
    assert "Traceback" not in started.printed


def to(platform: Platform, service: str, **config: Any) -> Any:
    """A client with the right key of either platform."""
    own = "AWS_ACCESS_KEY_ID" in platform.variables
    return platform.client(
        service,
        aws_access_key_id=OWN_KEY if own else KEY,
        aws_secret_access_key=OWN_SECRET if own else SECRET,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


@pytest.fixture(scope="module")
def bucket(running: Platform) -> str:
    to(running, "s3").create_bucket(Bucket="bucket")
    return "bucket"


def test_requests_are_signed_anew(running: Platform, real: Platform, bucket: str) -> None:
    here, there = to(running, "s3"), to(real, "s3")
    key = "a folder/ü+~%x (1).txt"
    here.put_object(Bucket=bucket, Key=key, Body=b"hello", Metadata={"who": "me  and you"})
    assert there.get_object(Bucket=bucket, Key=key)["Body"].read() == b"hello"
    got = here.get_object(Bucket=bucket, Key=key)
    assert (got["Body"].read(), got["Metadata"]["who"]) == (b"hello", "me  and you")
    assert [one["Key"] for one in here.list_objects_v2(Bucket=bucket, Prefix="a folder/ü+")["Contents"]] == [
        key
    ]
    facts = running.request("GET", "/_lambent/health").json["neighbours"]
    assert facts["s3"] == {"endpoint": real.url, "state": "configured"}
    assert facts["moto"] == {"state": "not started"}


def test_large_bodies_stream_both_ways(running: Platform, bucket: str) -> None:
    client = to(running, "s3")
    content = os.urandom(1_000_000) * 30
    before = running.resident_mb
    client.put_object(Bucket=bucket, Key="large", Body=content)
    client.upload_fileobj(io.BytesIO(content), bucket, "parts")
    for key in ("large", "parts"):
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == content
    assert running.resident_mb - before < 30


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_the_platform(running: Platform, bucket: str, version: str) -> None:
    client = to(running, "s3", signature_version=version)
    to(running, "s3").put_object(Bucket=bucket, Key="a b+c", Body=b"presigned")
    for parameters in ({}, {"ResponseContentType": "text/x"}):
        url = client.generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "a b+c", **parameters}
        ).removeprefix(running.url)
        answer = running.request("GET", url)
        assert (answer.status, answer.body) == (200, b"presigned")
        # The signature holds for this request alone.
        assert running.request("PUT", url, b"x").status == 403
        assert running.request("GET", url.replace("a%20b", "another")).status == 403


def test_chunks_that_the_client_has_signed(running: Platform, bucket: str) -> None:
    """Their signatures end at the platform; what arrives is the content."""
    chunks = b"5;chunk-signature=%s\r\nhello\r\n0;chunk-signature=%s\r\n\r\n" % (b"0" * 64, b"0" * 64)
    headers = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "5"}
    request = AWSRequest("PUT", f"{running.url}/{bucket}/chunks", headers)
    InChunks(Credentials(OWN_KEY, OWN_SECRET), "s3", "us-east-1").add_auth(request)
    answer = running.request("PUT", f"/{bucket}/chunks", chunks, dict(request.headers))
    assert answer.status == 200, answer.body
    got = to(running, "s3").get_object(Bucket=bucket, Key="chunks")
    assert got["Body"].read() == b"hello"
    assert "ContentEncoding" not in got


def test_other_protocols_with_the_credentials_of_the_environment(running: Platform, real: Platform) -> None:
    to(running, "ssm").put_parameter(Name="/a", Value="ü", Type="String")
    assert to(real, "ssm").get_parameter(Name="/a")["Parameter"]["Value"] == "ü"


def test_an_endpoint_out_of_reach(running: Platform) -> None:
    with pytest.raises(ClientError) as caught:
        to(running, "dynamodb").list_tables()
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 502
    assert answer["Error"]["Code"] == "ServiceUnavailable"
    assert "which serves dynamodb here, cannot be reached" in answer["Error"]["Message"]
    assert running.request("GET", "/_lambent/health").json["neighbours"]["dynamodb"]["state"] == "failed"


def test_code_comes_from_there(running: Platform, bucket: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return 'real'\n")
    to(running, "s3").put_object(Bucket=bucket, Key="code.zip", Body=package.getvalue())
    aws = to(running, "lambda")
    aws.create_function(
        FunctionName="stored",
        Runtime=running.runtime,
        Handler="app.handler",
        Role=ROLE,
        Code={"S3Bucket": bucket, "S3Key": "code.zip"},
    )
    running.settle("stored", aws)
    assert json.load(aws.invoke(FunctionName="stored")["Payload"]) == "real"


# ------------------------------------------------------------ signatures, where moto stands behind


@pytest.fixture(scope="module")
def public(real: Platform, bucket: str) -> str:
    client = to(real, "s3")
    client.put_object(Bucket=bucket, Key="public", Body=b"for all", ACL="public-read")
    client.put_object(Bucket=bucket, Key="private", Body=b"for me")
    return bucket


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "public", 200),
        ("HEAD", "public", 200),
        ("GET", "private", 403),
        ("PUT", "public", 403),
        ("DELETE", "public", 403),
        ("GET", "", 403),
        ("GET", "?list-type=2", 403),
        ("GET", "public?acl", 403),
        ("GET", "public?tagging", 403),
        ("POST", "", 403),
    ],
)
def test_strangers_read_public_objects_and_nothing_else(
    real: Platform, public: str, method: str, path: str, status: int
) -> None:
    answer = real.request(method, f"/{public}/{path}", b"x" if method in ("PUT", "POST") else None)
    assert answer.status == status
    if status == 403 and path != "private":
        assert b"<Code>AccessDenied</Code>" in answer.body
    assert to(real, "s3").get_object(Bucket=public, Key="public")["Body"].read() == b"for all"


def test_a_large_body_must_be_what_was_signed(real: Platform, public: str) -> None:
    client = to(real, "s3")

    def tamper(request: Any, **_: Any) -> None:
        request.body = b"y" * 3_000_000

    client.meta.events.register("before-send.s3.PutObject", tamper)
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=public, Key="tampered", Body=b"x" * 3_000_000)
    assert caught.value.response["Error"]["Code"] == "XAmzContentSHA256Mismatch"
    with pytest.raises(ClientError, match="404"):
        to(real, "s3").head_object(Bucket=public, Key="tampered")


def test_a_large_upload_with_a_wrong_signature_is_refused(real: Platform, public: str) -> None:
    client = real.client("s3", aws_access_key_id=KEY, aws_secret_access_key="wrong")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.put_object(Bucket=public, Key="wrong", Body=b"x" * 9_000_000)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_browsers_may_send_what_a_policy_permits(real: Platform, public: str, version: str) -> None:
    form = to(real, "s3", signature_version=version).generate_presigned_post(
        public,
        "posted/${filename}",
        Fields={"x-amz-meta-kind": "cat"},
        Conditions=[["starts-with", "$x-amz-meta-kind", "c"], ["content-length-range", 1, 2_000_000]],
    )

    def post(size: int = 2_000_000, bucket: str = public, **changes: str) -> tuple[int, bytes]:
        parts = [
            f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {**form["fields"], **changes}.items()
        ]
        last = '--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        body = "".join((*parts, last)).encode() + b"x" * size + b"\r\n--xyz--\r\n"
        answer = real.request(
            "POST", f"/{bucket}", body, {"Content-Type": "multipart/form-data; boundary=xyz"}
        )
        return answer.status, answer.body

    assert post()[0] == 204
    stored = to(real, "s3").get_object(Bucket=public, Key="posted/a.png")
    assert (len(stored["Body"].read()), stored["Metadata"]) == (2_000_000, {"kind": "cat"})
    signature = "signature" if version == "s3" else "x-amz-signature"
    for changes, status, code in (
        ({"size": 2_000_001}, 400, b"EntityTooLarge"),
        ({"size": 0}, 400, b"EntityTooSmall"),
        ({"bucket": "another"}, 403, b"AccessDenied"),
        ({"key": "elsewhere"}, 403, b"AccessDenied"),
        ({"x-amz-meta-kind": "dog"}, 403, b"AccessDenied"),
        ({"acl": "public-read"}, 403, b"AccessDenied"),
        ({"policy": "e30="}, 403, b"SignatureDoesNotMatch"),
        ({signature: "0" * 64}, 403, b"SignatureDoesNotMatch"),
    ):
        found, body = post(**changes)
        assert (found, b"<Code>%s</Code>" % code in body) == (status, True), (changes, body)


def test_assumed_roles_are_accepted_everywhere_also_after_a_restart(own: Callable[..., Platform]) -> None:
    platform = own(credentials=f"{KEY}:{SECRET}")
    sts = to(platform, "sts")
    role = "arn:aws:iam::123456789012:role/path/worker"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)["Credentials"]

    def assumed(service: str, **changes: str) -> Any:
        return platform.client(
            service,
            **{
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
                **changes,
            },
        )

    for _ in range(2):
        assert assumed("sts").get_caller_identity()["Arn"] == (
            "arn:aws:sts::123456789012:assumed-role/worker/me"
        )
        assert assumed("lambda").list_functions()["Functions"] == []
        topic = assumed("sns").create_topic(Name="t")["TopicArn"]
        assert topic == "arn:aws:sns:us-east-1:123456789012:t"
        for wrong in ({"aws_session_token": "x"}, {"aws_secret_access_key": "x"}):
            with pytest.raises(ClientError, match=r"403|Invalid|Signature"):
                assumed("sns", **wrong).list_topics()
        platform.kill()
        platform.start()


def test_people_sign_in_where_everything_else_is_signed(real: Platform) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    prefix = "AWSCognitoIdentityProviderService"
    pool = to(real, "cognito-idp").create_user_pool(PoolName="p")["UserPool"]["Id"]
    client = to(real, "cognito-idp").create_user_pool_client(UserPoolId=pool, ClientName="c")
    body = {"ClientId": client["UserPoolClient"]["ClientId"], "Username": "ada", "Password": "Passw0rd!"}
    for operation, status in (("SignUp", 200), ("AdminGetUser", 403)):
        sent = body if operation == "SignUp" else {"UserPoolId": pool, "Username": "ada"}
        answer = real.request(
            "POST", "/", json.dumps(sent).encode(), {**headers, "X-Amz-Target": f"{prefix}.{operation}"}
        )
        assert answer.status == status, answer.body
