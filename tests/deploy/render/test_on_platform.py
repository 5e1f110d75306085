"""The template with everything, deployed: CloudFormation takes it, and the code finds what it was given."""

from __future__ import annotations

import json
import os
import site
import socket
import sysconfig
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.exceptions import ClientError
from tests.deploy.render.everything import everything, target
from tests.platform.conftest import REPOSITORY, Platform, wait_until
from websockets.sync.client import connect

from lambent.deploy.manifest import EventTrigger, Manifest, QueueTrigger
from lambent.deploy.render import CodeLocation, template_of

if TYPE_CHECKING:
    from pathlib import Path

APP = """
from lambent import App, AuthorizerRequest, Connection, Logger, Queue, post_to_connection

logger = Logger("shop")
app = App("shop", logger=logger)
receipts = Queue("receipts")

@app.get("/")
def hello() -> str:
    return "hello"

@app.get("/orders")
def order() -> dict[str, str]:
    return {"sent": receipts.send({"order": 1})}

@app.queue("receipts")
def send_receipt(message: dict[str, int]) -> None:
    logger.info("receipt", extra=message)

@app.event({"source": ["shop"]})
def on_order(detail: dict[str, int]) -> None:
    logger.info("event", extra=detail)

@app.bucket("uploads", prefix="in/", suffix=".png")
@app.bucket("watched", prefix="in/")
def on_upload(key: str) -> None:
    logger.info("object", extra={"key": key})

@app.topic("alerts")
def on_alert(text: str) -> None:
    logger.info("alert", extra={"text": text})

@app.authorizer()
def guard(request: AuthorizerRequest) -> bool:
    return "letmein" in request.identity_sources or request.query.get("token") == "letmein"

counter = app.channel("counter")

@counter.action("orders")
def orders(connection: Connection) -> dict[str, str]:
    return {"path": connection.path}
"""


def shown() -> Manifest:
    """Everything, with a queue that does not wait for more messages."""
    manifest = everything()
    queue = QueueTrigger(unit="worker", queue="receipts")
    events = (*manifest.events, EventTrigger(unit="worker", name="on_shop", pattern={"source": ["shop"]}))
    return msgspec.structs.replace(manifest, queue_triggers=(queue,), events=events)


def settings_for(folder: Path) -> dict[str, Any]:
    found = [str(REPOSITORY / "src"), sysconfig.get_path("purelib"), *site.getsitepackages()]
    return {
        "code": {unit.name: CodeLocation("hot-reload", str(folder)) for unit in everything().units},
        "environment": {"PYTHONPATH": os.pathsep.join(dict.fromkeys(found))},
    }


def deploy(platform: Platform, name: str, template: dict[str, Any]) -> dict[str, str]:
    """Creates a stack; its outputs."""
    client = platform.client("cloudformation")
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def ended() -> Any:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack = wait_until(ended, 60)
    failed = [
        (event["LogicalResourceId"], event.get("ResourceStatusReason"))
        for event in client.describe_stack_events(StackName=name)["StackEvents"]
        if event["ResourceStatus"].endswith("FAILED")
    ]
    assert (stack["StackStatus"], failed) == ("CREATE_COMPLETE", [])
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def test_what_is_rendered_works(tmp_path: Path) -> None:
    """One test, as the platform and its neighbours take longer to start than all of this."""
    folder = tmp_path / "ein Laden für Tee"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "prices.mjs").write_text("export const handler = async () => ({ statusCode: 200 });")
    settings: dict[str, Any] = {"linked_code": "true", "update_in_progress_s": "0", "durability": "normal"}
    platform = Platform(tmp_path, **settings).start()
    try:
        template = template_of(shown(), target(shown(), **settings_for(folder)))
        outputs = deploy(platform, "shop-dev", template)
        requests_reach_who_they_are_for(platform, outputs)
        messages_reach_their_handler(platform, outputs)
        events_come_once_though_several_patterns_match(platform)
        objects_come_once_to_each_unit(platform, outputs)
        topics_call_whom_their_filter_lets_through(platform, outputs)
        channels_answer(platform, outputs)
        with pytest.raises(ClientError, match="No updates are to be performed"):
            platform.client("cloudformation").update_stack(
                StackName="shop-dev", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
            )
    finally:
        platform.stop()


def get(platform: Platform, outputs: dict[str, str], path: str, **headers: str) -> tuple[int, str]:
    host = outputs["HttpUrl"].partition("//")[2]
    answer = platform.request("GET", path, headers={"Host": host, **headers})
    return answer.status, answer.body.decode()


def requests_reach_who_they_are_for(platform: Platform, outputs: dict[str, str]) -> None:
    assert get(platform, outputs, "/") == (200, "hello")
    assert get(platform, outputs, "/orders")[0] == 401
    assert get(platform, outputs, "/orders", Authorization="no")[0] == 403
    assert get(platform, outputs, "/orders/1")[0] == 401


def messages_reach_their_handler(platform: Platform, outputs: dict[str, str]) -> None:
    assert get(platform, outputs, "/orders", Authorization="letmein")[0] == 200
    wait_until(lambda: any('"receipt"' in line for line in platform.logs("shop-dev-worker")))


def events_come_once_though_several_patterns_match(platform: Platform) -> None:
    def put(order: int) -> None:
        entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"order": order})}
        platform.client("events").put_events(Entries=[entry])

    def told() -> list[str]:
        lines = [line for line in platform.logs("shop-dev-worker") if '"event"' in line]
        return ["".join(line.split()).partition('"order":')[2][:1] for line in lines]

    put(7)
    wait_until(told)
    put(8)  # A second call for the first event would have been before it.
    wait_until(lambda: "8" in told())
    assert told() == ["7", "8"]


def logged(platform: Platform, unit: str, message: str, key: str) -> list[str]:
    """A member of each line with the message."""
    lines = [json.loads(line) for line in platform.logs(f"shop-dev-{unit}") if f'"{message}"' in line]
    return sorted(line[key] for line in lines)


def objects_come_once_to_each_unit(platform: Platform, outputs: dict[str, str]) -> None:
    """By the bucket's notifications, and through EventBridge where two units want the same objects."""
    s3 = platform.client("s3")
    for bucket, keys in (("Uploads", ("a.png", "in/b.png")), ("Watched", ("in/other", "in/x ß y"))):
        for key in keys:
            s3.put_object(Bucket=outputs[f"{bucket}BucketName"], Key=key, Body=b"")
    wait_until(lambda: logged(platform, "worker", "object", "key") == ["in/b.png", "in/other", "in/x ß y"])
    wait_until(lambda: logged(platform, "audit", "object", "key") == ["in/x ß y"])


def topics_call_whom_their_filter_lets_through(platform: Platform, outputs: dict[str, str]) -> None:
    sns = platform.client("sns")
    for kind in ("good", "bad"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sns.publish(TopicArn=outputs["AlertsTopicArn"], Message=kind, MessageAttributes=attributes)
    wait_until(lambda: logged(platform, "audit", "alert", "text") == ["bad"])


def channels_answer(platform: Platform, outputs: dict[str, str]) -> None:
    url = outputs["CounterChannelUrl"]
    with (
        socket.create_connection(platform.address) as sock,
        connect(f"{url}?token=letmein", sock=sock) as screen,
    ):
        screen.send(json.dumps({"action": "orders"}))
        assert json.loads(screen.recv(20)) == {"path": "/counter"}
