"""Deploying to a platform: a real one, in a process of its own."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request

import msgspec
import pytest
from tests.deploy.providers.deployments import BUCKET, TABLE, Recorder, always, deployment, manifest, provider

from lambent.deploy.deployed import Deployed, NotDeployed
from lambent.deploy.errors import ProviderError
from lambent.deploy.manifest import Queue, QueueTrigger, Route
from lambent.deploy.providers import LogQuery

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.manifest import Manifest
    from lambent.deploy.plan import Plan
    from lambent.deploy.providers.access import Access


def _body(url: str) -> str:
    # Not every machine resolves the names below localhost that the platform gives its APIs.
    parts = urlsplit(url)
    return _asked(Request(f"http://127.0.0.1:{parts.port}/", headers={"Host": parts.netloc}))


def _asked(request: Request) -> str:
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        body: str = answer.read().decode()
    return body


def _traces(access: Access, stack: str) -> dict[str, Any]:
    """What there is of a stack: its status, change sets, packages."""
    client = access.client("cloudformation")
    stacks = [
        found["StackStatus"]
        for found in client.list_stacks()["StackSummaries"]
        if found["StackName"] == stack and found["StackStatus"] != "DELETE_COMPLETE"
    ]
    s3 = access.client("s3")
    objects = [
        entry["Key"]
        for bucket in s3.list_buckets()["Buckets"]
        for entry in s3.list_objects_v2(Bucket=bucket["Name"], Prefix=f"{stack}/").get("Contents", ())
    ]
    sets = client.list_change_sets(StackName=stack)["Summaries"] if stacks else []
    return {"stacks": stacks, "objects": objects, "change_sets": [found["ChangeSetName"] for found in sets]}


def _changes(plan: Plan) -> set[tuple[str, str]]:
    return {(change.action, change.logical) for change in plan.changes}


def test_from_nothing_to_running_to_nothing(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("circle")
    first = deployment(tmp_path, described)
    with pytest.raises(NotDeployed, match="circle-dev is not deployed") as missing:
        local.info("circle", "dev", drift=False, watch=Recorder())
    assert "apply" in str(missing.value.hint)

    plan = local.plan(first, Recorder())
    assert plan.status is None
    assert {("add", "AppFunction"), ("add", "ReceiptsQueue"), ("add", "AppRole")} <= _changes(plan)
    assert {change.action for change in plan.changes} == {"add"}
    assert _traces(local.access, "circle-dev") == {"stacks": [], "objects": [], "change_sets": []}

    watch = Recorder()
    applied = local.apply(first, watch, always)
    assert _changes(applied.plan) == _changes(plan)
    assert watch.sent == {"app": first.build.units["app"].size}
    assert {step.logical for step in watch.steps if step.status == "CREATE_COMPLETE"} >= {
        change.logical for change in plan.changes
    }
    assert _body(applied.outputs["HttpUrl"]) == "one"

    begun = time.monotonic()
    again = local.apply(first, Recorder(), always)
    assert again.plan.empty
    assert again.outputs == applied.outputs
    assert time.monotonic() - begun < 2
    assert local.plan(first, Recorder()).empty

    second = deployment(tmp_path, described, text="two")
    (change,) = local.plan(second, Recorder()).changes
    assert (change.action, change.logical, change.replacement) == ("modify", "AppFunction", "no")
    assert [difference.path for difference in change.differences] == ["Code.S3Key"]
    local.apply(second, Recorder(), always)
    assert _body(applied.outputs["HttpUrl"]) == "two"
    assert _traces(local.access, "circle-dev")["change_sets"] == []

    info = local.info("circle", "dev", drift=True, watch=Recorder())
    assert (info.status, info.drift) == ("UPDATE_COMPLETE", ())
    assert [(found.name, found.runtime, found.version) for found in info.functions] == [
        ("circle-dev-app", "python3.11", "$LATEST")
    ]
    assert [queue.name for queue in info.queues] == ["circle-dev-receipts-dlq", "circle-dev-receipts"]

    lines = list(local.logs("circle", "dev", LogQuery(since_ms=0)))
    assert {line.unit for line in lines} == {"app"}
    assert sum(line.message.startswith("START") for line in lines) == 2
    assert [line.time_ms for line in lines] == sorted(line.time_ms for line in lines)
    followed = local.logs("circle", "dev", LogQuery(since_ms=0, follow=True))
    assert [next(followed) for _ in lines] == lines
    _body(applied.outputs["HttpUrl"])
    assert next(followed).message.startswith("START")
    with pytest.raises(ProviderError, match="circle-dev has no function other") as unknown:
        list(local.logs("circle", "dev", LogQuery(since_ms=0, units=("other",))))
    assert unknown.value.hint == "It has app."

    found = Deployed.find(local.access, "circle", "dev")
    assert str(found.physical("queue", "receipts")).endswith("/circle-dev-receipts")
    assert found.physical("queue", "unknown") is None

    removal = local.destroy("circle", "dev", empty_buckets=False, watch=Recorder(), confirm=always)
    assert "AppFunction" in removal.resources
    assert "ReceiptsQueue: the messages in circle-dev-receipts" in removal.losses
    assert _traces(local.access, "circle-dev") == {"stacks": [], "objects": [], "change_sets": []}
    assert not local.destroy("circle", "dev", empty_buckets=False, watch=Recorder(), confirm=always).existed


def test_drift_is_told(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    local.apply(deployment(tmp_path, manifest("drifting")), Recorder(), always)
    local.access.client("lambda").update_function_configuration(
        FunctionName="drifting-dev-app",
        MemorySize=1024,
        Environment={"Variables": {"LAMBENT_STAGE": "secret"}},
    )
    info = local.info("drifting", "dev", drift=True, watch=Recorder())
    assert info.drift is not None
    (drift,) = info.drift
    assert (drift.logical, drift.status) == ("AppFunction", "MODIFIED")
    assert "MemorySize: 128 → 1024" in drift.differences
    # What is in variables is often a secret.
    assert "Environment.Variables.LAMBENT_STAGE is another" in drift.differences
    assert "secret" not in str(drift)


def _with_taken_queue(described: Manifest) -> Manifest:
    """One more queue, of which there will be one by that name, and a fourth that has nothing to do with it."""
    return msgspec.structs.replace(described, queues=(*described.queues, Queue(name="taken")))


def _take(access: Access, app: str) -> None:
    access.client("sqs").create_queue(QueueName=f"{app}-dev-taken", Attributes={"DelaySeconds": "3"})


def test_a_first_deployment_that_fails_leaves_nothing(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    _take(local.access, "failing")
    with pytest.raises(ProviderError) as failed:
        # Protected, so that queues stay when they leave the stack: those that were just made do not.
        local.apply(
            deployment(tmp_path, _with_taken_queue(manifest("failing")), protected=True), Recorder(), always
        )
    assert failed.value.message == (
        "TakenQueue (AWS::SQS::Queue) could not be created: Resource of type 'AWS::SQS::Queue' with identifier "
        "'failing-dev-taken' already exists.\nWhat had been made is removed again."
    )
    assert "is there that is not in this stack" in str(failed.value.hint)
    assert _traces(local.access, "failing-dev")["stacks"] == []
    queues = local.access.client("sqs").list_queues(QueueNamePrefix="failing-dev-").get("QueueUrls", [])
    assert [url.rpartition("/")[2] for url in queues] == ["failing-dev-taken"]


def test_an_update_that_fails_changes_nothing(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("back")
    url = local.apply(deployment(tmp_path, described), Recorder(), always).outputs["HttpUrl"]
    _take(local.access, "back")
    with pytest.raises(ProviderError, match=r"TakenQueue .* already exists") as failed:
        local.apply(deployment(tmp_path, _with_taken_queue(described), text="two"), Recorder(), always)
    assert failed.value.message.endswith("Everything is as it was before.")
    assert _body(url) == "one"
    local.apply(deployment(tmp_path, described, text="three"), Recorder(), always)
    assert _body(url) == "three"


def test_a_way_back_that_failed_is_completed_first(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("stuck")
    first = deployment(tmp_path, described)
    local.apply(first, Recorder(), always)
    account = local.access.account
    # The mapping is made when the function has its new code, and Lambda refuses it: the way back needs the old code.
    broken = msgspec.structs.replace(
        described,
        queues=(*described.queues, Queue(name="gone", external=f"arn:aws:sqs:eu-west-1:{account}:gone")),
        queue_triggers=(*described.queue_triggers, QueueTrigger(unit="app", queue="gone")),
    )
    s3, bucket = local.access.client("s3"), f"lambent-{account}-eu-west-1"
    (tmp_path / "elsewhere").mkdir()
    key = f"stuck-dev/{first.build.units['app'].fingerprint}.zip"
    s3.delete_object(Bucket=bucket, Key=key)
    # From another machine, which has no packages of earlier times.
    second = deployment(tmp_path / "elsewhere", broken, text="two")
    with pytest.raises(ProviderError) as failed:
        local.apply(second, Recorder(), always)
    assert "AppQueueGone" in failed.value.message
    assert "UPDATE_ROLLBACK_FAILED" in failed.value.message
    with pytest.raises(ProviderError, match="so did the way back") as planned:
        local.plan(first, Recorder())
    assert "apply" in str(planned.value.hint)
    with pytest.raises(ProviderError, match=r"cannot complete the way back: AppFunction"):
        local.apply(deployment(tmp_path, described, text="three"), Recorder(), always)

    s3.put_object(Bucket=bucket, Key=key, Body=first.build.units["app"].path.read_bytes())
    watch = Recorder()
    url = local.apply(deployment(tmp_path, described, text="three"), watch, always).outputs["HttpUrl"]
    assert watch.notes == ["stuck-dev is UPDATE_ROLLBACK_FAILED: the way back is completed first."]
    assert _body(url) == "three"


def test_packages_that_were_lost_are_brought_again_for_the_way_back(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("lost")
    url = local.apply(deployment(tmp_path, described), Recorder(), always).outputs["HttpUrl"]
    # As on a platform that has been started anew: what S3 had is gone.
    s3, bucket = local.access.client("s3"), f"lambent-{local.access.account}-eu-west-1"
    for key in _traces(local.access, "lost-dev")["objects"]:
        s3.delete_object(Bucket=bucket, Key=key)
    gone = Queue(name="gone", external=f"arn:aws:sqs:eu-west-1:{local.access.account}:gone")
    broken = msgspec.structs.replace(
        described,
        queues=(*described.queues, gone),
        queue_triggers=(*described.queue_triggers, QueueTrigger(unit="app", queue="gone")),
    )
    watch = Recorder()
    with pytest.raises(ProviderError, match=r"(?s)AppQueueGone.*Everything is as it was before"):
        local.apply(deployment(tmp_path, broken, text="two"), watch, always)
    assert set(watch.sent) == {"app", "AppFunction, as it is"}
    assert _body(url) == "one"


def test_what_goes_on_already_is_waited_for(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    client = local.access.client("cloudformation")
    template = {
        "Metadata": {"Lambent": {"App": "waiting", "Stage": "dev"}},
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {
                "Type": "AWS::CloudFormation::WaitCondition",
                "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"},
            },
        },
    }
    client.create_stack(StackName="waiting-dev", TemplateBody=json.dumps(template))
    handle = client.describe_stack_resource(StackName="waiting-dev", LogicalResourceId="Handle")
    watch = Recorder()
    ended: list[object] = []

    def apply() -> None:
        ended.append(local.apply(deployment(tmp_path, manifest("waiting")), watch, always))

    thread = threading.Thread(target=apply)
    thread.start()
    _until(lambda: watch.notes)
    assert watch.notes == [
        "waiting-dev is CREATE_IN_PROGRESS: something else is changing it. Waiting for its end."
    ]
    assert not ended
    signal = json.dumps({"Status": "SUCCESS", "Reason": "now", "UniqueId": "1", "Data": "-"}).encode()
    url = handle["StackResourceDetail"]["PhysicalResourceId"]
    _asked(Request(url, data=signal, method="PUT"))  # noqa: S310 - loopback
    thread.join(30)
    assert len(ended) == 1


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_not_confirmed_is_not_done(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("asked")
    local.apply(deployment(tmp_path, described), Recorder(), always)
    without = msgspec.structs.replace(described, queues=(), queue_triggers=(), uses=())
    asked: list[Plan] = []

    def no(plan: Plan) -> bool:
        asked.append(plan)
        return False

    outcome = local.apply(deployment(tmp_path, without, text="two"), Recorder(), no)
    assert not outcome.confirmed
    assert [(change.logical, change.loses) for change in asked[0].losses] == [
        ("ReceiptsDeadLetters", "messages"),
        ("ReceiptsQueue", "messages"),
    ]
    traces = _traces(local.access, "asked-dev")
    assert traces["change_sets"] == []
    assert traces["stacks"] == ["CREATE_COMPLETE"]
    assert len(traces["objects"]) == 1  # nothing was uploaded for it either
    assert not local.destroy(
        "asked", "dev", empty_buckets=False, watch=Recorder(), confirm=lambda _: False
    ).confirmed
    assert _traces(local.access, "asked-dev") == traces


def test_tables_that_were_kept_are_taken_over(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("again", tables=(TABLE,), queues=(), queue_triggers=(), uses=())
    first = deployment(tmp_path, described, protected=True)
    local.apply(first, Recorder(), always)
    tables = local.access.client("dynamodb")
    tables.put_item(TableName="again-dev-orders", Item={"id": {"S": "1"}})
    removal = local.destroy("again", "dev", empty_buckets=False, watch=Recorder(), confirm=always)
    assert removal.kept == ("OrdersTable: again-dev-orders",)
    plan = local.plan(first, Recorder())
    assert [change.logical for change in plan.changes if change.action == "import"] == ["OrdersTable"]
    local.apply(first, Recorder(), always)
    assert tables.scan(TableName="again-dev-orders")["Count"] == 1


TAKEN = """\
{head}Resources:
  Kept:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
"""
OURS = "Metadata:\n  Lambent:\n    App: {app}\n    Stage: dev\n"


@pytest.mark.parametrize(
    ("app", "head", "whose"),
    [
        ("other-s", "", "was not made by Lambent"),
        ("ours-s", OURS.format(app="ours_s"), "is of the app ours_s"),
    ],
)
def test_the_stack_of_somebody_else_is_left_alone(
    platform: str, tmp_path: Path, app: str, head: str, whose: str
) -> None:
    local = provider("local", platform)
    client = local.access.client("cloudformation")
    client.create_stack(StackName=f"{app}-dev", TemplateBody=TAKEN.format(head=head))
    client.get_waiter("stack_create_complete").wait(StackName=f"{app}-dev", WaiterConfig={"Delay": 0.1})
    wanted = deployment(tmp_path, manifest(app))
    for attempt in (
        lambda: local.plan(wanted, Recorder()),
        lambda: local.apply(wanted, Recorder(), always),
        lambda: local.destroy(app, "dev", empty_buckets=True, watch=Recorder(), confirm=always),
    ):
        with pytest.raises(ProviderError, match=whose):
            attempt()
    assert [one.logical for one in Deployed.find(local.access, app, "dev").resources.values()] == ["Kept"]


def test_what_another_tool_s_template_keeps_is_not_guessed(platform: str) -> None:
    """A template of `lambent render`, packaged: YAML, which botocore does not read."""
    local = provider("local", platform)
    client = local.access.client("cloudformation")
    client.create_stack(StackName="packaged-dev", TemplateBody=TAKEN.format(head=OURS.format(app="packaged")))
    client.get_waiter("stack_create_complete").wait(StackName="packaged-dev", WaiterConfig={"Delay": 0.1})
    with pytest.raises(ProviderError, match="which ones cannot be told here"):
        local.destroy("packaged", "dev", empty_buckets=True, watch=Recorder(), confirm=always)


def test_buckets_with_objects_are_emptied_only_when_asked(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    described = manifest("full", buckets=(msgspec.structs.replace(BUCKET, versioned=True),))
    local.apply(deployment(tmp_path, described), Recorder(), always)
    bucket = f"full-dev-uploads-{local.access.account}-eu-west-1"
    s3 = local.access.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="ä b.txt", Body=body)
    s3.delete_object(Bucket=bucket, Key="ä b.txt")
    with pytest.raises(ProviderError, match=f"{bucket} has objects in it.*Nothing was deleted") as refused:
        local.destroy("full", "dev", empty_buckets=False, watch=Recorder(), confirm=always)
    assert "--empty-buckets" in str(refused.value.hint)
    assert _traces(local.access, "full-dev")["stacks"] == ["CREATE_COMPLETE"]
    watch = Recorder()
    local.destroy("full", "dev", empty_buckets=True, watch=watch, confirm=always)
    assert watch.notes == [f"3 objects of {bucket} deleted."]
    assert _traces(local.access, "full-dev")["stacks"] == []


def test_a_large_template_goes_through_the_bucket(platform: str, tmp_path: Path) -> None:
    local = provider("local", platform)
    routes = tuple(
        Route(unit="app", method="GET", path=f"/a/rather/long/path/number/{n:03}") for n in range(220)
    )
    described = manifest("large", routes=routes)
    assert local.plan(deployment(tmp_path, described), Recorder()).count("add") > 220
    assert _traces(local.access, "large-dev") == {"stacks": [], "objects": [], "change_sets": []}
