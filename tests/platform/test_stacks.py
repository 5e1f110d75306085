"""Templates on a whole platform, sent by clients as people have them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import RUNTIME, Platform, package, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE = f"""
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: {RUNTIME}
    Timeout: 30
    MemorySize: 256
Resources:
  ApiFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: CODE
      Handler: dist/handler.handler
      Events:
        GetOrders:
          Type: Api
          Properties:
            Path: /orders
            Method: get
        CreateOrder:
          Type: Api
          Properties:
            Path: /orders
            Method: post
      Environment:
        Variables:
          TABLE_NAME: !Ref OrdersTable
  OrdersTable:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Named
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - AttributeName: pk
          AttributeType: S
        - AttributeName: sk
          AttributeType: S
      KeySchema:
        - AttributeName: pk
          KeyType: HASH
        - AttributeName: sk
          KeyType: RANGE
"""
SOURCE = """
import json, os

def handler(event, context):
    said = [event["httpMethod"], event["path"], os.environ["TABLE_NAME"], event["body"]]
    return {"statusCode": 200, "body": json.dumps(said)}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with moto: that of other tests stays without."""
    platform = Platform(tmp_path_factory.mktemp("stacks")).start()
    yield platform
    assert platform.stop() == 0
    assert "Traceback" not in platform.printed


def api_of(running: Platform, stack: str) -> str:
    """The path of the stage of a stack's implicit REST API."""
    found = running.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="ServerlessRestApi"
    )
    return f"/_aws/execute-api/{found['StackResourceDetail']['PhysicalResourceId']}/Prod"


def served(running: Platform, stack: str, table: str) -> None:
    """Both routes answer."""
    path = f"{api_of(running, stack)}/orders"
    assert running.request("GET", path).json == ["GET", "/orders", table, None]
    assert running.request("POST", path, b"{}").json == ["POST", "/orders", table, "{}"]


def test_an_application_is_deployed_served_and_removed(running: Platform) -> None:
    s3, cfn = running.client("s3"), running.client("cloudformation")
    s3.create_bucket(Bucket="stack-artifacts")
    for version in ("1", "2"):
        code = package({"dist/handler.py": f"{SOURCE}# {version}"})
        s3.put_object(Bucket="stack-artifacts", Key=f"code-{version}", Body=code)

    def deploy(version: str, kind: str) -> str:
        text = TEMPLATE.replace("CODE", f"s3://stack-artifacts/code-{version}").replace("Named", "Orders")
        s3.put_object(Bucket="stack-artifacts", Key="template", Body=text)
        cfn.create_change_set(
            StackName="chapter",
            ChangeSetName=f"c{version}{kind}",
            ChangeSetType=kind,
            TemplateURL=f"{running.url}/stack-artifacts/template",
            Capabilities=["CAPABILITY_IAM"],
        )

        def decided() -> Any:
            described = cfn.describe_change_set(StackName="chapter", ChangeSetName=f"c{version}{kind}")
            return None if described["Status"].endswith(("PENDING", "PROGRESS")) else described

        described = wait_until(decided)
        if described["Status"] == "FAILED":
            return str(described["StatusReason"])
        changed = sorted(change["ResourceChange"]["LogicalResourceId"] for change in described["Changes"])
        cfn.execute_change_set(StackName="chapter", ChangeSetName=f"c{version}{kind}")
        stack = wait_until(
            lambda: next(
                (
                    one
                    for one in cfn.describe_stacks(StackName="chapter")["Stacks"]
                    if not one["StackStatus"].endswith("PROGRESS")
                ),
                None,
            )
        )
        assert stack["StackStatus"] == f"{kind}_COMPLETE", stack
        return " ".join(changed)

    assert "ApiFunction ApiFunctionCreateOrderPermissionProd" in deploy("1", "CREATE")
    served(running, "chapter", "Orders")
    assert "didn't contain changes" in deploy("1", "UPDATE")
    cfn.delete_change_set(StackName="chapter", ChangeSetName="c1UPDATE")
    assert "ApiFunction" in deploy("2", "UPDATE")
    served(running, "chapter", "Orders")
    cfn.delete_stack(StackName="chapter")
    cfn.get_waiter("stack_delete_complete").wait(StackName="chapter", WaiterConfig={"Delay": 1})
    assert running.client("dynamodb").list_tables()["TableNames"] == []
    names = [one["FunctionName"] for one in running.client().list_functions()["Functions"]]
    assert not [name for name in names if name.startswith("chapter-")]


# ------------------------------------------------------------ clients, where they are installed


def run(folder: Path, running: Platform, *command: str) -> str:
    """What a command prints; it has to succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    variables = {
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "SLS_TELEMETRY_DISABLED": "1",
    }
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
        check=False,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def application(folder: Path, table: str) -> None:
    """The same application as a folder, as somebody has it who runs `sam deploy` there."""
    (folder / "dist").mkdir()
    (folder / "dist" / "handler.py").write_text(SOURCE)
    (folder / "template.yaml").write_text(
        TEMPLATE.replace("      CodeUri: CODE\n", "").replace("Named", table)
    )


@pytest.mark.skipif(shutil.which("sam") is None, reason="there is no sam on PATH")
def test_sam(running: Platform, tmp_path: Path) -> None:
    application(tmp_path, "BySam")
    more = ("--stack-name", "by-sam", "--no-progressbar")
    deploy = ("sam", "deploy", *more, "--resolve-s3", "--capabilities", "CAPABILITY_IAM")
    assert "Successfully created/updated stack - by-sam" in run(tmp_path, running, *deploy)
    served(running, "by-sam", "BySam")
    assert "is up to date" in run(tmp_path, running, *deploy, "--no-fail-on-empty-changeset")
    run(tmp_path, running, "sam", "delete", "--stack-name", "by-sam", "--no-prompts")


@pytest.mark.skipif(shutil.which("osls") is None, reason="there is no osls on PATH")
def test_osls(running: Platform, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "def handler(event, context):\n    return {'statusCode': 200, 'body': 'hi'}\n"
    )
    events = [{"http": {"path": "hello", "method": "get"}}]
    service = {
        "service": "by-osls",
        "frameworkVersion": "*",
        "provider": {"name": "aws", "runtime": RUNTIME},
        "functions": {"hello": {"handler": "app.handler", "events": events}},
    }
    (tmp_path / "serverless.yml").write_text(json.dumps(service))
    assert "Service deployed" in run(tmp_path, running, "osls", "deploy")
    assert "by-osls-dev-hello" in run(tmp_path, running, "osls", "info")
    assert "successfully removed" in run(tmp_path, running, "osls", "remove")
