"""What a service would refuse, said before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.deploy.render.everything import APP, OTHER, manifest, rendered, unit

from lambent.deploy.errors import RenderError
from lambent.deploy.manifest import (
    Authorizer,
    Bucket,
    BucketTrigger,
    Channel,
    ChannelRoute,
    Cors,
    Destination,
    EventTrigger,
    Index,
    Key,
    LogTrigger,
    Manifest,
    Queue,
    QueueTrigger,
    Route,
    Stream,
    StreamTrigger,
    Table,
    Topic,
    TopicTrigger,
    Use,
    UserPoolTrigger,
)
from lambent.deploy.project import Stage
from lambent.deploy.render import Target, template_of

if TYPE_CHECKING:
    from collections.abc import Callable

QUEUE = (Queue(name="q"),)
TABLE = Table(name="t", key=Key(name="id"))
BAD: list[tuple[str, Callable[[], Manifest], str]] = [
    ("two units of one name", lambda: manifest(units=(unit("a_b"), unit("a-b"))), "both be ABLogGroup"),
    (
        "two outputs of one name",
        lambda: manifest(
            units=(unit("http", url="none"),), routes=(Route(unit="http", method="GET", path="/"),)
        ),
        "would both be the output HttpUrl",
    ),
    (
        "two queues of one id",
        lambda: manifest(queues=(Queue(name="a-b"), Queue(name="a_b"))),
        "ABDeadLetters",
    ),
    (
        "two variables of one name",
        lambda: manifest(
            queues=(
                Queue(name="a.b", external="arn:aws:sqs:r:1:x"),
                Queue(name="a_b", external="arn:aws:sqs:r:1:y"),
            ),
            uses=tuple(Use(unit="app", kind="queue", name=name, access=("send",)) for name in ("a.b", "a_b")),
        ),
        "variable QUEUE_URL_A_B",
    ),
    ("a name too long", lambda: manifest(units=(unit("u" * 60),)), "takes 64"),
    (
        "a variable of Lambda's",
        lambda: manifest(units=(unit("app", environment={"AWS_REGION": "x"}),)),
        "AWS_REGION",
    ),
    ("a variable that is none", lambda: manifest(units=(unit("app", environment={"a-b": "x"}),)), "a-b"),
    ("a large environment", lambda: manifest(units=(unit("app", environment={"AB": "x" * 5000}),)), "5,0"),
    (
        "memory",
        lambda: manifest(units=(unit("app", memory_mb=64),)),
        "memory is 64: it can be 128 to 10,240 MB",
    ),
    ("timeout", lambda: manifest(units=(unit("app", timeout_s=901),)), "timeout is 901"),
    ("retention", lambda: manifest(units=(unit("app", log_retention_days=31),)), "log_retention_days is 31"),
    (
        "its own records",
        lambda: manifest(units=(unit("app", on_failure=Destination(kind="function", name="app")),)),
        "records of its own invocations",
    ),
    (
        "records into a FIFO queue",
        lambda: manifest(
            queues=(Queue(name="q.fifo"),),
            units=(unit("app", on_failure=Destination(kind="queue", name="q.fifo")),),
        ),
        "cannot go to the FIFO q.fifo",
    ),
    (
        "records of successes into a bucket",
        lambda: manifest(
            units=(unit("app", on_success=Destination(kind="arn", name="arn:aws:s3:::records")),)
        ),
        "a bucket takes the records of invocations that failed",
    ),
    (
        "a large pattern",
        lambda: manifest(events=(EventTrigger(unit="app", name="e", pattern={"source": ["x" * 2100]}),)),
        "unit app, event e: its pattern has 2,115 bytes",
    ),
    ("layers", lambda: manifest(units=(unit("app", layers=("l",) * 6),)), "6 layers"),
    (
        "provisioned",
        lambda: manifest(units=(unit("app", reserved_concurrency=1, provisioned_concurrency=2),)),
        "more than its reserved_concurrency of 1",
    ),
    (
        "visibility",
        lambda: manifest(
            queues=(Queue(name="q", visibility_s=5),), queue_triggers=(QueueTrigger(unit="app", queue="q"),)
        ),
        "come again after 5 seconds",
    ),
    (
        "no window",
        lambda: manifest(queues=QUEUE, queue_triggers=(QueueTrigger(unit="app", queue="q", batch_size=50),)),
        "batch_window",
    ),
    (
        "large FIFO batch",
        lambda: manifest(
            queues=(Queue(name="q", fifo=True),),
            queue_triggers=(QueueTrigger(unit="app", queue="q", batch_size=11),),
        ),
        "1 to 10 of FIFO queues",
    ),
    (
        "six filters",
        lambda: manifest(
            queues=QUEUE, queue_triggers=(QueueTrigger(unit="app", queue="q", filters=({"a": [1]},) * 6),)
        ),
        "6 filters",
    ),
    (
        "dead letters of another kind",
        lambda: manifest(queues=(Queue(name="q.fifo", fifo=True), Queue(name="q-dlq", dead_letters=False))),
        "one of them is no FIFO queue",
    ),
    (
        "a queue that is no ARN",
        lambda: manifest(
            queues=(Queue(name="q", external="https://sqs/q"),),
            uses=(Use(unit="app", kind="queue", name="q", access=("send",)),),
        ),
        "'https://sqs/q' is no ARN of a queue",
    ),
    (
        "two of one route",
        lambda: manifest(
            units=(APP, OTHER),
            routes=tuple(Route(unit=one, method="GET", path="/") for one in ("app", "other")),
        ),
        "units app and other both have the route GET /",
    ),
    ("a channel of nobody", lambda: manifest(channels=(Channel(name="c"),)), "has no handlers"),
    (
        "logs for three",
        lambda: manifest(
            units=(APP, OTHER, unit("third")),
            log_triggers=tuple(LogTrigger(unit=one, group="/g") for one in ("app", "other", "third")),
        ),
        "which go to two at most",
    ),
    (
        "a pattern too large",
        lambda: manifest(
            events=tuple(
                EventTrigger(
                    unit="app",
                    name=f"on{index}",
                    pattern={"detail": {"id": ["x" * 300, "y"]}, "source": [f"s{index}", "z"]},
                )
                for index in range(9)
            )
        ),
        "EventBridge takes 2,048",
    ),
    ("contents", lambda: manifest(queues=(Queue(name="q", content_deduplication=True),)), "only FIFO"),
    (
        "a queue that is not there",
        lambda: manifest(queue_triggers=(QueueTrigger(unit="app", queue="q"),)),
        "no queue q",
    ),
    (
        "a unit that is not there",
        lambda: manifest(routes=(Route(unit="x", method="GET", path="/"),)),
        "no unit x",
    ),
    (
        "mappings that differ",
        lambda: manifest(
            tables=(TABLE,),
            stream_triggers=tuple(
                StreamTrigger(unit="app", kind="table", name="t", batch_size=size) for size in (1, 2)
            ),
        ),
        "batch_size to be 1 and 2",
    ),
    (
        "a stream that nobody knows",
        lambda: manifest(
            tables=(Table(name="t", key=Key(name="id"), external="arn:aws:dynamodb:r:1:table/t"),),
            stream_triggers=(StreamTrigger(unit="app", kind="table", name="t"),),
        ),
        "does not tell its stream",
    ),
    (
        "two types of a key",
        lambda: manifest(
            tables=(
                Table(name="t", key=Key(name="id"), indexes=(Index(name="i", key=Key(name="id", type="N")),)),
            )
        ),
        "as S and as N",
    ),
    (
        "somebody's bucket",
        lambda: manifest(
            buckets=(Bucket(name="b", external="b"),),
            bucket_triggers=(BucketTrigger(unit="app", bucket="b", events=("s3:ObjectCreated:*",)),),
        ),
        "not part of the app",
    ),
    (
        "events that EventBridge does not know",
        lambda: manifest(
            units=(APP, OTHER),
            buckets=(Bucket(name="b"),),
            bucket_triggers=tuple(
                BucketTrigger(unit=one, bucket="b", events=("s3:Replication:*",)) for one in ("app", "other")
            ),
        ),
        "does not know s3:Replication",
    ),
    (
        "a FIFO topic",
        lambda: manifest(
            topics=(Topic(name="t", fifo=True),), topic_triggers=(TopicTrigger(unit="app", topic="t"),)
        ),
        "FIFO topic",
    ),
    (
        "two filters of a topic",
        lambda: manifest(
            topics=(Topic(name="t"),),
            topic_triggers=(
                TopicTrigger(unit="app", topic="t"),
                TopicTrigger(unit="app", topic="t", filter={"a": ["b"]}),
            ),
        ),
        "different filters",
    ),
    (
        "its own logs",
        lambda: manifest(log_triggers=(LogTrigger(unit="app", group="/aws/lambda/shop-dev-app"),)),
        "without an end",
    ),
    (
        "a JWT of nobody",
        lambda: manifest(routes=(Route(unit="app", method="GET", path="/", auth="jwt"),)),
        "nothing says whose",
    ),
    (
        "an authorizer that is not there",
        lambda: manifest(routes=(Route(unit="app", method="GET", path="/", auth="authorizer"),)),
        "the app has none",
    ),
    (
        "decisions of a channel",
        lambda: manifest(
            channels=(Channel(name="c", routes=(ChannelRoute(unit="app", key="$default"),)),),
            authorizers=(Authorizer(unit="app", api="c", ttl_s=5, identity=("route.request.header.A",)),),
        ),
        "WebSocket APIs ask for each connection",
    ),
    (
        "two authorizers",
        lambda: manifest(
            units=(APP, OTHER),
            authorizers=(Authorizer(unit="app", api="http"), Authorizer(unit="other", api="http")),
        ),
        "both have the authorizer",
    ),
    (
        "decisions of nobody",
        lambda: manifest(authorizers=(Authorizer(unit="app", api="http", ttl_s=5),)),
        "by what callers are known",
    ),
    (
        "credentials for all",
        lambda: manifest(
            cors=Cors(origins=("*",), credentials=True), routes=(Route(unit="app", method="GET", path="/"),)
        ),
        "origins that are named",
    ),
    (
        "a trigger with a key",
        lambda: manifest(
            user_pool_triggers=(UserPoolTrigger(unit="app", trigger="CustomSMSSender", pool="p"),)
        ),
        "CustomSMSSender",
    ),
    (
        "two of one trigger",
        lambda: manifest(
            units=(APP, OTHER),
            user_pool_triggers=tuple(
                UserPoolTrigger(unit=one, trigger="PreSignUp", pool="p") for one in ("app", "other")
            ),
        ),
        "a pool calls one function",
    ),
    (
        "hours of a stream",
        lambda: manifest(streams=(Stream(name="s", retention_hours=1),)),
        "retention_hours is 1",
    ),
    (
        "a stack too large",
        lambda: manifest(topics=tuple(Topic(name=f"t{index}") for index in range(501))),
        "CloudFormation takes 500",
    ),
]


@pytest.mark.parametrize(("make", "told"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_a_service_would_refuse_is_said_before(make: Callable[[], Manifest], told: str) -> None:
    with pytest.raises(RenderError) as caught:
        rendered(make())
    assert told in str(caught.value)


def test_a_unit_without_a_package() -> None:
    with pytest.raises(RenderError, match="unit app has no package"):
        template_of(manifest(), Target(stage=Stage(name="dev"), code={}))
