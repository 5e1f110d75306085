"""Clients that people use, at the front door: curl, the AWS CLI, Node's fetch and ws, Python's websockets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import REPOSITORY
from tests.platform.front_doors import ECHO, Door, apis, function_url, http_api, websocket_api
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

LENGTH = """
import base64

def handler(event, context):
    body = event.get("body") or ""
    data = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    return {"statusCode": 200, "body": f"{event['requestContext']['http']['method']} {len(data)} {sum(data) % 251}"}
"""


@pytest.fixture(scope="module", params=["function URL", "HTTP API"])
def made(request: pytest.FixtureRequest, platform: Platform) -> Callable[[str], Door]:
    """Makes a way into a new function."""

    def make(source: str) -> Door:
        function = platform.create(source)
        return (
            function_url(platform, function)
            if request.param == "function URL"
            else http_api(platform, function)
        )

    return make


@pytest.fixture(scope="module")
def echo(made: Callable[[str], Door]) -> Door:
    return made(ECHO)


@pytest.fixture(scope="module")
def length(made: Callable[[str], Door]) -> Door:
    return made(LENGTH)


# ---------------------------------------------------------------- curl


def curl(*arguments: str | Path, body: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Runs curl, which resolves names below localhost itself."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("no curl here")
    command = [program, "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", *arguments]
    done = subprocess.run(command, input=body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def test_curl(echo: Door) -> None:
    event = json.loads(curl(f"{echo.url}/orders/7?a=1", "-H", "X-Custom: yes", "-b", "s=1").stdout)
    assert (event["rawPath"], event["rawQueryString"], event["cookies"]) == ("/orders/7", "a=1", ["s=1"])
    assert event["headers"]["x-custom"] == "yes"
    assert event["headers"]["user-agent"].startswith("curl/")


def test_curl_by_path(echo: Door) -> None:
    event = json.loads(curl(f"{echo.by_path}/orders/7").stdout)
    assert event["rawPath"] == "/orders/7"


def test_curl_keeps_its_connection(echo: Door) -> None:
    urls = [f"{echo.url}/{n}" for n in range(5)]
    done = curl("-w", "\n%{num_connects}\n", *urls)
    lines = done.stdout.split(b"\n")
    assert [json.loads(line)["rawPath"] for line in lines[0:10:2]] == [f"/{n}" for n in range(5)]
    assert [int(line) for line in lines[1:10:2]] == [1, 0, 0, 0, 0]


def test_curl_in_http_1_0(echo: Door) -> None:
    done = curl("--http1.0", "--include", f"{echo.url}/old")
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    assert b"transfer-encoding" not in head.lower()
    assert json.loads(body)["requestContext"]["http"]["protocol"] == "HTTP/1.0"


def test_curl_asks_before_it_sends(length: Door) -> None:
    body = os.urandom(3_000_000)
    done = curl("--verbose", "-H", "Expect: 100-continue", "--data-binary", "@-", f"{length.url}/", body=body)
    assert done.stdout.decode() == f"POST {len(body)} {sum(body) % 251}"
    assert b"100 Continue" in done.stderr


def test_curl_sends_too_much(length: Door, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(12_000_000)
    done = curl("-w", "\n%{http_code}", "--data-binary", f"@{large}", f"{length.url}/")
    body, status = done.stdout.split(b"\n")
    assert status == b"413"
    assert b"message" in body.lower()


def test_curl_uploads_in_chunks(length: Door) -> None:
    body = os.urandom(1_500_000)
    done = curl("-T", "-", f"{length.url}/upload", body=body)
    assert done.stdout.decode() == f"PUT {len(body)} {sum(body) % 251}"


def test_curl_asks_for_the_head(length: Door) -> None:
    done = curl("--head", f"{length.url}/")
    status, *fields = done.stdout.decode().strip().splitlines()
    assert status == "HTTP/1.1 200 OK"
    assert "content-length: 8" in {field.lower() for field in fields}  # "HEAD 0 0"


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/a/../b", "/a/../b"),
        ("/a/./b", "/a/./b"),
        ("//a//b", "//a//b"),
        ("/../etc/passwd", "/../etc/passwd"),
    ],
)
def test_curl_leaves_paths_as_they_are(echo: Door, path: str, seen: str) -> None:
    done = curl("--path-as-is", f"{echo.url}{path}")
    assert json.loads(done.stdout)["rawPath"] == seen


def test_curl_sends_a_form(echo: Door) -> None:
    event = json.loads(curl("--data-urlencode", "name=Jürgen", "-d", "a=1", f"{echo.url}/").stdout)
    assert event["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert event["isBase64Encoded"] is True


def test_curl_signs(platform: Platform) -> None:
    door = function_url(platform, platform.create(ECHO), public=False)
    signing = ("--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", "test:test")
    event = json.loads(curl(*signing, f"{door.url}/orders").stdout)
    assert event["requestContext"]["authorizer"]["iam"]["accountId"] == "000000000000"
    assert curl("-o", os.devnull, "-w", "%{http_code}", f"{door.url}/orders").stdout == b"403"


# ---------------------------------------------------------------- the AWS CLI


def aws(platform: Platform, *arguments: str) -> Any:
    """Runs the AWS CLI against the platform; what it prints, as JSON."""
    program = Path(sys.executable).parent / "aws"
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": platform.url,
        "AWS_CONFIG_FILE": os.devnull,
    }
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def test_an_api_is_made_with_the_aws_cli(platform: Platform) -> None:
    function = platform.create(ECHO)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    # "Quick create": an API with its integration, route and stage in one call.
    api = aws(
        platform,
        *("apigatewayv2", "create-api", "--name", "quick", "--protocol-type", "HTTP", "--target", arn),
    )
    aws(
        platform,
        *("lambda", "add-permission", "--function-name", function, "--statement-id", "api"),
        *("--action", "lambda:InvokeFunction", "--principal", "apigateway.amazonaws.com"),
        *("--source-arn", f"arn:aws:execute-api:us-east-1:000000000000:{api['ApiId']}/*"),
    )
    event = json.loads(curl(f"{api['ApiEndpoint']}/orders/7").stdout)
    assert (event["rawPath"], event["routeKey"]) == ("/orders/7", "$default")
    (stage,) = aws(platform, "apigatewayv2", "get-stages", "--api-id", api["ApiId"])["Items"]
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
    aws(platform, "apigatewayv2", "delete-api", "--api-id", api["ApiId"])
    answer = curl("-w", "\n%{http_code}", f"{api['ApiEndpoint']}/orders/7").stdout
    assert answer == b'{"message":"Not Found"}\n404'


def test_a_message_is_posted_with_the_aws_cli(platform: Platform) -> None:
    door = websocket_api(platform, platform.create(WHO), answering=["$default"])
    with sockets(door) as client:
        client.send("who")
        connection = str(client.recv(30))
        endpoint = ("--endpoint-url", door.by_path)
        name = ("--connection-id", connection)
        aws(
            platform,
            *("apigatewaymanagementapi", "post-to-connection", *endpoint, *name),
            *("--data", "hello"),
        )
        assert client.recv(30) == "hello"
        found = aws(platform, "apigatewaymanagementapi", "get-connection", *endpoint, *name)
        assert found["Identity"]["SourceIp"] == "127.0.0.1"
        aws(platform, "apigatewaymanagementapi", "delete-connection", *endpoint, *name)
        with pytest.raises(ConnectionClosed):
            client.recv(30)


# ---------------------------------------------------------------- Node


def node(script: str, *arguments: str) -> Any:
    """What a module of Node prints, as JSON."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no Node here")
    command = [program, "--input-type=module", "-e", script, "--", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, text=True, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nodes_fetch(echo: Door) -> None:
    event, type_ = node(
        """
        const body = JSON.stringify({sku: "tea"});
        const headers = {"content-type": "application/json"};
        const answer = await fetch(process.argv[1] + "/orders?a=1&a=2", {method: "PATCH", headers, body});
        const event = await answer.json();
        console.log(JSON.stringify([event, answer.headers.get("content-type")]));
        """,
        echo.by_path,
    )
    assert (event["requestContext"]["http"]["method"], event["body"]) == ("PATCH", '{"sku":"tea"}')
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert type_ == "application/json"


def test_nodes_fetch_streams(length: Door) -> None:
    said = node(
        """
        const pieces = new ReadableStream({start(to) {
            for (let n = 0; n < 20; n++) to.enqueue(new Uint8Array(10000));
            to.close();
        }});
        const answer = await fetch(process.argv[1] + "/", {method: "POST", body: pieces, duplex: "half"});
        console.log(JSON.stringify(await answer.text()));
        """,
        length.by_path,
    )
    assert said == "POST 200000 0"


def test_nodes_ws(platform: Platform) -> None:
    """`ws` of npm, where NODE_PATH has it or `make bench` has installed a peer that uses it; skips elsewhere."""
    folders = [Path(one) for one in os.environ.get("NODE_PATH", "").split(os.pathsep) if one]
    folders.append(REPOSITORY / ".venv-peers/serverless-offline/node_modules")
    found = [folder / "ws" for folder in folders if (folder / "ws").is_dir()]
    if not found:
        pytest.skip("no ws here: npm install ws, and NODE_PATH=node_modules")
    door = websocket_api(platform, platform.create(SAY), answering=["$default"])
    said = node(
        """
        import {createRequire} from "node:module";
        const WebSocket = createRequire(import.meta.url)(process.argv[2]);
        const socket = new WebSocket(process.argv[1]);
        const next = (name) => new Promise((resolve) => socket.once(name, (...all) => resolve(all)));
        await next("open");
        const got = [];
        for (const text of ["a", "ü".repeat(1000), "x".repeat(20000)]) {
            const message = next("message");
            socket.send(text);
            got.push((await message)[0].toString().length);
        }
        const pong = next("pong");
        socket.ping("here");
        got.push((await pong)[0].toString());
        const closed = next("close");
        socket.close(1000, "done");
        got.push((await closed)[0]);
        console.log(JSON.stringify(got));
        """,
        door.by_path.replace("http:", "ws:"),
        str(found[0]),
    )
    assert said == [len("said a"), 1005, 20005, "here", 1000]


# ---------------------------------------------------------------- Python's websockets

WHO = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}
"""
SAY = """
def handler(event, context):
    return {"statusCode": 200, "body": "said " + event.get("body", "")}
"""


def sockets(door: Door, path: str = "", **options: Any) -> ClientConnection:
    """A client of a WebSocket API."""
    client: ClientConnection = connect(door.by_path.replace("http:", "ws:") + path, proxy=None, **options)
    return client


def test_websockets(platform: Platform) -> None:
    door = websocket_api(platform, platform.create(SAY), answering=["$default"])
    with sockets(door) as client:
        for text in ("hello", "", "ü" * 1000, "x" * 30_000):
            client.send(text)
            assert client.recv(30) == f"said {text}"
        # In frames of a fragmented message.
        client.send(["one ", "two ", "three"])
        assert client.recv(30) == "said one two three"
        assert client.ping().wait(30)
    assert client.close_code == 1000


def test_websockets_by_host(platform: Platform) -> None:
    door = websocket_api(platform, platform.create(SAY), answering=["$default"])
    reached = socket.create_connection(platform.address)
    with connect(f"ws://{door.host}/live?a=1", proxy=None, sock=reached) as client:
        client.send("hello")
        assert client.recv(30) == "said hello"


def test_a_refusal_has_its_status(platform: Platform) -> None:
    refusing = "def handler(event, context):\n    return {'statusCode': 401, 'body': 'no'}\n"
    door = websocket_api(platform, platform.create(refusing))
    with pytest.raises(InvalidStatus) as caught, sockets(door):
        pass
    assert caught.value.response.status_code == 401


def test_a_connection_survives_a_new_deployment_of_its_function(
    platform: Platform, zipped: Callable[..., bytes]
) -> None:
    door = websocket_api(platform, platform.create(SAY), answering=["$default"])
    with sockets(door) as client:
        client.send("one")
        assert client.recv(30) == "said one"
        platform.aws.update_function_code(
            FunctionName=door.function, ZipFile=zipped({"app.py": SAY.replace("said", "SAID")})
        )
        platform.settle(door.function)
        client.send("two")
        assert client.recv(30) == "SAID two"


def test_boto3_posts_and_is_told_who_has_left(platform: Platform) -> None:
    door = websocket_api(platform, platform.create(WHO), answering=["$default"])
    management = platform.client("apigatewaymanagementapi", endpoint_url=door.by_path)
    with sockets(door) as client:
        client.send("who")
        connection = str(client.recv(30))
        management.post_to_connection(ConnectionId=connection, Data=b"hello")
        assert client.recv(30) == "hello"

    def post_until_it_is_gone() -> None:
        for _ in range(1000):
            management.post_to_connection(ConnectionId=connection, Data=b"hello")

    with pytest.raises(management.exceptions.GoneException) as caught:
        post_until_it_is_gone()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_apis_are_gone_when_they_are_deleted(platform: Platform) -> None:
    door = http_api(platform, platform.create(ECHO))
    assert door().status == 200
    apis(platform).delete_api(ApiId=door.id)
    answer = door()
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
