"""What functions find around them: variables, files, context, SDKs."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

VARIABLES = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"


@pytest.mark.usefixtures("private_view")
def test_every_documented_variable(platform: Platform) -> None:
    name = platform.create(VARIABLES, MemorySize=192)
    found = platform.invoke(name, 1).json
    runtime = platform.aws.get_function_configuration(FunctionName=name)["Runtime"]
    expected = {
        # AWS-recorded: test_lambda_init_environment.
        "AWS_LAMBDA_FUNCTION_VERSION": r"\$LATEST",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_LOG_STREAM_NAME": r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}",
        "AWS_REGION": "us-east-1",
        "PWD": "/var/task",
        "_HANDLER": "app.handler",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": r"en_US\.UTF-8",
        "AWS_SECRET_ACCESS_KEY": ".+",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_RUNTIME_API": r"127\.0\.0\.1:9001",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_AWS_XRAY_DAEMON_ADDRESS": r"127\.0\.0\.1",
        "AWS_XRAY_DAEMON_ADDRESS": r"127\.0\.0\.1:2000",
        "SHLVL": "0",
        "AWS_ACCESS_KEY_ID": ".+",
        "LD_LIBRARY_PATH": (
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
        ),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_SESSION_TOKEN": ".+",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LC_CTYPE": r"C\.UTF-8",
        "PYTHONPATH": "/var/runtime",
        "_X_AMZN_TRACE_ID": "Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=.+",
        # Ours: where SDKs find this platform, and how the platform finds its processes.
        "AWS_ENDPOINT_URL": re.escape(platform.url),
        "_LAMBENT_NODE": "[0-9a-f]{32}",
    }
    wrong = {
        variable: found.get(variable)
        for variable, pattern in expected.items()
        if not re.fullmatch(pattern, found.get(variable, ""))
    }
    assert wrong == {}
    # Nothing of the machine's own environment, and no more of ours.
    assert found.keys() - expected.keys() == set()


def test_a_functions_own_variables(platform: Platform) -> None:
    own = {"STAGE": "test", "EMPTY": "", "UNICODE": "\u00e9\u2603", "TEXT": "a=b c\n\"d'", "LANG": "C"}
    name = platform.create(VARIABLES, Environment={"Variables": own})
    found = platform.invoke(name, 1).json
    assert {variable: found[variable] for variable in own} == own


def test_reserved_variables_are_refused(platform: Platform) -> None:
    with pytest.raises(platform.aws.exceptions.InvalidParameterValueException, match="AWS_REGION"):
        platform.create(VARIABLES, Environment={"Variables": {"AWS_REGION": "moon"}})


@pytest.mark.usefixtures("private_view")
def test_the_file_system(platform: Platform) -> None:
    name = platform.create(
        "import os, sys\n"
        "def attempt(path):\n"
        "    try:\n"
        "        with open(path, 'w') as file:\n"
        "            file.write('x')\n"
        "        return 'written'\n"
        "    except OSError as error:\n"
        "        return type(error).__name__, error.errno\n"
        "def handler(event, context):\n"
        "    return {\n"
        "        'cwd': os.getcwd(),\n"
        "        'here': sorted(os.listdir()),\n"
        "        'file': __file__,\n"
        "        'data': open('data/words.txt').read(),\n"
        "        'mode': oct(os.stat('bin/tool').st_mode)[-3:],\n"
        "        'opt': os.listdir('/opt'),\n"
        "        'tmp': os.listdir('/tmp'),\n"
        "        'writable': {path: attempt(path) for path in event},\n"
        "        'prefix': sys.prefix,\n"
        "        'first': sys.path[0],\n"
        "        'caches': [d for d, _, _ in os.walk('.') if '__pycache__' in d],\n"
        "    }\n",
        files={"data/words.txt": "words", "bin/tool": "#!/bin/sh\n"},
    )
    seen = platform.invoke(
        name, ["/tmp/x", "/var/task/x", "x", "/opt/x", "/var/x", "/var/runtime/x", "/var/lang/x"]
    ).json
    assert seen.pop("writable") == {
        "/tmp/x": "written",
        **{
            path: ["OSError", 30]
            for path in ("/var/task/x", "x", "/opt/x", "/var/x", "/var/runtime/x", "/var/lang/x")
        },
    }
    assert seen.pop("mode")[-1] in "45"
    assert seen == {
        "cwd": "/var/task",
        "here": ["app.py", "bin", "data"],
        "file": "/var/task/app.py",
        "data": "words",
        "opt": [],
        "tmp": [],
        "prefix": "/var/lang",
        "first": "/var/task",
        "caches": [],
    }


@pytest.mark.usefixtures("private_view")
def test_tmp_is_private_survives_invocations_and_goes_with_the_environment(
    platform: Platform, gate: Any, background: Callable[..., Any], poll: Callable[..., Any]
) -> None:
    source = (
        gate.source
        + "\nwait = handler\n"
        + "def handler(event, context):\n"
        + "    for name in event.get('write', []):\n"
        + "        open('/tmp/' + name, 'w').close()\n"
        + "    if 'port' in event:\n"
        + "        wait(event, context)\n"
        + "    return sorted(os.listdir('/tmp'))\n"
    )
    one, other = platform.create(source), platform.create(source)
    first = background(lambda: platform.invoke(one, {"write": ["a"], "port": gate.port}).json)
    gate.wait()
    # A second environment of the same function, and one of another: neither sees it.
    assert platform.invoke(one, {"write": ["b"]}).json == ["b"]
    assert platform.invoke(other, {"write": ["c"]}).json == ["c"]
    gate.release()
    assert first.result() == ["a"]
    assert platform.invoke(one, {"write": ["d"]}).json == ["a", "d"]
    assert not Path("/tmp/d").exists()
    before = set((platform.data / "environments").iterdir())
    platform.aws.delete_function(FunctionName=one)
    platform.aws.delete_function(FunctionName=other)
    poll(lambda: len(before - set((platform.data / "environments").iterdir())) >= 3)


def test_the_context(platform: Platform) -> None:
    name = platform.create(
        "import time\n"
        "def handler(event, context):\n"
        "    client = context.client_context\n"
        "    return {\n"
        "        'function_name': context.function_name,\n"
        "        'function_version': context.function_version,\n"
        "        'invoked_function_arn': context.invoked_function_arn,\n"
        "        'memory_limit_in_mb': context.memory_limit_in_mb,\n"
        "        'aws_request_id': context.aws_request_id,\n"
        "        'log_group_name': context.log_group_name,\n"
        "        'log_stream_name': context.log_stream_name,\n"
        "        'identity': [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],\n"
        "        'client': client and [client.custom, client.env, client.client.app_title],\n"
        "        'left': context.get_remaining_time_in_millis(),\n"
        "    }\n",
        Timeout=30,
    )
    published = platform.aws.publish_version(FunctionName=name)["Version"]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    client = {"custom": {"foo": "bar"}, "env": {"fizz": "buzz"}, "client": {"app_title": "shop"}}
    header = base64.b64encode(json.dumps(client).encode()).decode()
    for qualifier, version, invoked, sent in (
        (None, "$LATEST", arn, None),
        ("$LATEST", "$LATEST", f"{arn}:$LATEST", header),
        (published, "1", f"{arn}:1", header),
    ):
        headers = {"X-Amz-Client-Context": sent} if sent else {}
        answer = platform.invoke(name, 1, qualifier=qualifier, headers=headers)
        seen = answer.json
        assert 29_000 < seen.pop("left") <= 30_000
        assert re.fullmatch(
            rf"\d{{4}}/\d\d/\d\d/\[{re.escape(version)}\][0-9a-f]{{32}}", seen.pop("log_stream_name")
        )
        assert seen == {
            "function_name": name,
            "function_version": version,
            "invoked_function_arn": invoked,
            "memory_limit_in_mb": "128",
            "aws_request_id": answer.headers["x-amzn-RequestId"],
            "log_group_name": f"/aws/lambda/{name}",
            "identity": [None, None],
            "client": [client["custom"], client["env"], "shop"] if sent else None,
        }
        assert answer.headers["X-Amz-Executed-Version"] == version


def test_the_time_left_becomes_less(platform: Platform) -> None:
    name = platform.create(
        "import time\n"
        "def handler(event, context):\n"
        "    before = context.get_remaining_time_in_millis()\n"
        "    time.sleep(0.1)\n"
        "    return before - context.get_remaining_time_in_millis()\n"
    )
    assert 99 <= platform.invoke(name, 1).json < 1000


def test_the_clock_shows_utc(platform: Platform) -> None:
    name = platform.create(
        "import datetime, time\n"
        "def handler(event, context):\n"
        "    now = datetime.datetime.now()\n"
        "    return time.tzname[0], time.timezone, now.timestamp(), now.strftime('%H')\n"
    )
    zone, offset, now, hour = platform.invoke(name, 1).json
    assert (zone, offset) == ("UTC", 0)
    assert abs(now - time.time()) < 60
    assert hour == time.strftime("%H", time.gmtime(now))


def test_request_ids_agree_everywhere(platform: Platform) -> None:
    name = platform.create(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.warning('here')\n"
        "    return context.aws_request_id\n"
    )
    ids = []
    for _ in range(3):
        answer = platform.invoke(name, 1)
        ids.append(answer.headers["x-amzn-RequestId"])
        assert answer.json == ids[-1]
        assert re.fullmatch(UUID, ids[-1])
    assert len(set(ids)) == 3
    lines = platform.logs(name)[1:]
    for index, request_id in enumerate(ids):
        start, log, end, report = lines[4 * index : 4 * index + 4]
        assert start == f"START RequestId: {request_id} Version: $LATEST\n"
        assert f"Z\t{request_id}\there\n" in log
        assert end == f"END RequestId: {request_id}\n"
        assert report.startswith(f"REPORT RequestId: {request_id}\t")
    assert "Init Duration: " in lines[3]
    assert "Init Duration: " not in lines[7]


def test_trace_headers(platform: Platform) -> None:
    name = platform.create(
        "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    )
    answer = platform.invoke(name, 1)
    assert answer.json == answer.headers["X-Amzn-Trace-Id"]
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=\S+", answer.json
    )
    assert platform.invoke(name, 1).json != answer.json
    sent = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    answer = platform.invoke(name, 1, headers={"X-Amzn-Trace-Id": sent})
    assert answer.json.startswith(sent)
    assert answer.headers["X-Amzn-Trace-Id"] == answer.json


def test_boto3_inside_reaches_this_platform(platform: Platform) -> None:
    name = platform.create(
        "import boto3\n"
        "client = boto3.client('lambda')\n"
        "def handler(event, context):\n"
        "    if event is None:\n"
        "        return 'called by myself'\n"
        "    names = [one['FunctionName'] for page in client.get_paginator('list_functions').paginate() "
        "for one in page['Functions']]\n"
        "    answer = client.invoke(FunctionName=context.function_name, Payload=b'null')\n"
        "    return context.function_name in names, answer['Payload'].read().decode(), boto3.__version__\n",
        Timeout=30,
        MemorySize=256,
    )
    found, answer, _ = platform.invoke(name, 1).json
    assert (found, answer) == (True, '"called by myself"')


@pytest.mark.parametrize(("name", "session"), [("z", "z@lambda_function"), ("zz", "zz")])
def test_functions_act_as_their_role(platform: Platform, name: str, session: str) -> None:
    # AWS-recorded: test_assume_role; a session's name has two characters at least.
    platform.create(
        "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n",
        FunctionName=name,
        Role="arn:aws:iam::000000000000:role/service/worker",
        wait=False,
    )
    platform.settle(name)
    assert platform.invoke(name).json == f"arn:aws:sts::000000000000:assumed-role/worker/{session}"
    platform.aws.delete_function(FunctionName=name)


def test_what_a_package_brings_comes_first(platform: Platform) -> None:
    name = platform.create(
        "import boto3\ndef handler(event, context):\n    return boto3.__version__\n",
        files={"boto3.py": "__version__ = 'my own'\n"},
    )
    assert platform.invoke(name, 1).json == "my own"


def bundled(*names: str) -> dict[str, str | bytes]:
    """The installed packages and modules of these names, as they go into a deployment package."""
    files: dict[str, str | bytes] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            for path in origin.parent.rglob("*.py"):
                files[str(path.relative_to(origin.parent.parent))] = path.read_bytes()
        else:
            files[origin.name] = origin.read_bytes()
    return files


def test_powertools_inside(platform: Platform) -> None:
    name = platform.create(
        """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="shop")
metrics = Metrics(namespace="shop", service="shop")
app = APIGatewayHttpResolver()

@app.get("/orders/<order>")
def order(order):
    logger.info("found", extra={"order": order})
    metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=1)
    return {"order": order}

@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context: LambdaContext):
    return app.resolve(event, context)
""",
        files=bundled("aws_lambda_powertools", "jmespath", "typing_extensions"),
        Timeout=30,
        MemorySize=256,
    )
    event = {
        "version": "2.0",
        "rawPath": "/orders/7",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/orders/7"}, "stage": "$default"},
    }
    answer = platform.invoke(name, event)
    assert answer.json["statusCode"] == 200, answer.body
    assert json.loads(answer.json["body"]) == {"order": "7"}
    records = [json.loads(line) for line in platform.logs(name) if line.startswith("{")]
    (found,) = [record for record in records if record.get("message") == "found"]
    assert found["order"] == "7"
    assert found["function_name"] == name
    assert found["function_request_id"] == answer.headers["x-amzn-RequestId"]
    assert found["cold_start"] is True
    assert any(record.get("Orders") == [1.0] for record in records)
