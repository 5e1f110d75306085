"""A project that is a template: its functions' folders are linked."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.dev.running import Dev, save

from lambent.dev.template import _KEPT, _Folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE = """
Resources:
  Hello:
    Type: AWS::Lambda::Function
    Properties:
      Code: code
      Handler: app.handler
      Runtime: python3.11
      Role: arn:aws:iam::000000000000:role/any
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: hello, ProtocolType: HTTP, Target: !GetAtt Hello.Arn}
  Allowed:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Hello, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com}
"""
CODE = """
import json, state
def handler(event, context):
    print("asked for", event.get("rawPath"))
    if event.get("rawPath") == "/broken":
        raise ValueError("broken")
    return {"statusCode": 200, "body": json.dumps({"version": 1, "calls": state.count()})}
"""
STATE = "calls = 0\ndef count():\n    global calls\n    calls += 1\n    return calls\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("a place") / "mein Läden"
    (root / "code").mkdir(parents=True)
    (root / "template.yaml").write_text(TEMPLATE)
    (root / "code" / "app.py").write_text(CODE)
    (root / "code" / "state.py").write_text(STATE)
    return root


@pytest.fixture(scope="module")
def dev(project: Path) -> Iterator[Dev]:
    with Dev(project) as running:
        yield running.ready()


def client(dev: Dev, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=dev.url,
        region_name="us-east-1",
        aws_access_key_id="lambent",
        aws_secret_access_key="lambent",
    )


def test_the_next_request_after_a_save_runs_the_new_code(dev: Dev, project: Path) -> None:
    for version in (2, 3):
        save(project / "code" / "app.py", CODE.replace('"version": 1', f'"version": {version}'))
        answer = dev.get("/")
        assert answer.json() == {"version": version, "calls": 1}, answer
        assert dev.get("/").json()["calls"] == 2, "the environment stays while nothing changes"


def test_wrong_syntax_is_shown_and_the_code_before_it_goes_on(dev: Dev, project: Path) -> None:
    before = len(dev.text)
    save(project / "code" / "app.py", CODE + "\ndef broken(:\n")
    assert dev.get("/").status == 200
    dev.sees("✗ code/app.py:9: SyntaxError: invalid syntax", before)
    dev.sees("9 │ def broken(:", before)
    assert dev.text[before:].count("✗") == 1
    save(project / "code" / "app.py", CODE)
    dev.sees("mended: code/app.py loaded in", before)
    assert dev.get("/").status == 200


def test_what_functions_say_has_the_project_s_paths(dev: Dev) -> None:
    before = len(dev.text)
    assert dev.get("/broken").status == 500
    dev.sees("GET /broken 500", before)
    dev.sees("Hello │ asked for /broken", before)
    dev.sees('File "code/app.py", line 6, in handler', before)
    assert "/var/task" not in dev.text[before:]


def test_the_port_is_the_platform_s_too(dev: Dev) -> None:
    name = client(dev, "lambda").list_functions()["Functions"][0]["FunctionName"]
    answer = client(dev, "lambda").invoke(FunctionName=name, Payload=b'{"rawPath": "/invoked"}')
    assert json.loads(answer["Payload"].read())["statusCode"] == 200
    dev.sees("│ asked for /invoked")
    assert dev.get("/_lambent/health").json()["status"] == "ok"


def test_a_change_of_the_template_changes_the_stack(dev: Dev, project: Path) -> None:
    before = len(dev.text)
    save(project / "template.yaml", TEMPLATE.replace("Handler: app.handler", "Handler: nowhere.handler"))
    dev.sees("template.yaml loaded in", before)
    assert dev.get("/").status == 500
    save(project / "template.yaml", TEMPLATE + "\n  - wrong\n")
    dev.sees("✗ template.yaml", before)
    save(project / "template.yaml", TEMPLATE)
    dev.sees("mended", before)
    assert dev.get("/").status == 200


def test_of_many_snapshots_the_last_ones_stay(tmp_path: Path) -> None:
    source = tmp_path / "code"
    source.mkdir()
    folder = _Folder(source, tmp_path / "into")
    made = []
    for number in range(9):
        (source / "app.py").write_text("#" * number)
        os.utime(source, (number % 3, number % 3))
        made.append(folder.snapshot())
        assert all(path.is_dir() for path in made[-_KEPT:])
    assert sum(path.is_dir() for path in made) <= _KEPT + 1
