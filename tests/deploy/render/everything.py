"""Manifests to render: one with everything, and small ones for what excludes each other."""

from __future__ import annotations

from typing import Any

import msgspec

from lambent.deploy.manifest import (
    AlarmTrigger,
    Authorizer,
    Bucket,
    BucketTrigger,
    Channel,
    ChannelRoute,
    Cors,
    Destination,
    EventTrigger,
    Index,
    Jwt,
    Key,
    LogTrigger,
    Manifest,
    Permission,
    Queue,
    QueueTrigger,
    Route,
    ScheduleTrigger,
    Stream,
    StreamTrigger,
    Table,
    Topic,
    TopicTrigger,
    Unit,
    Use,
    UserPoolTrigger,
)
from lambent.deploy.project import Stage
from lambent.deploy.render import CodeLocation, Target, template_of

RUNTIME = "python3.11"


def unit(name: str, **settings: Any) -> Unit:
    given: dict[str, Any] = {"kind": "function", "handler": "app.app", "runtime": RUNTIME, **settings}
    return Unit(name=name, **given)


def target(manifest: Manifest, stage: Stage | str = "dev", **settings: Any) -> Target:
    code = {one.name: CodeLocation("artefacts", f"shop/{one.name}.zip") for one in manifest.units}
    stage = Stage(name=stage) if isinstance(stage, str) else stage
    return Target(stage=stage, **{"code": code, **settings})


APP = unit("app", kind="app")
OTHER = unit("other")


def manifest(**members: Any) -> Manifest:
    return Manifest(**{"app": "shop", "units": (APP,), **members})


def rendered(shown: Manifest, **settings: Any) -> dict[str, Any]:
    template: dict[str, Any] = template_of(shown, target(shown, **settings))["Resources"]
    return template


def properties(resources: dict[str, Any], type_name: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in resources.values() if one["Type"] == type_name]


def statements(resources: dict[str, Any], logical: str) -> list[dict[str, Any]]:
    (policy,) = resources[logical]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def variables(resources: dict[str, Any], logical: str = "AppFunction") -> dict[str, Any]:
    found: dict[str, Any] = resources[logical]["Properties"]["Environment"]["Variables"]
    return found


def everything() -> Manifest:
    """Every member of manifests."""
    return Manifest(
        app="shop",
        units=(
            unit(
                "api",
                kind="app",
                url="iam",
                tracing=True,
                timeout_s=29,
                storage_mb=1024,
                description="All routes",
            ),
            unit("audit", kind="handler", log_retention_days=None),
            unit("guard", memory_mb=128, reserved_concurrency=5),
            unit("prices", kind="handler", language="node", runtime="nodejs22.x", handler="prices.handler"),
            unit("ready", provisioned_concurrency=1, url="none", architecture="arm64"),
            unit(
                "worker",
                routers=("shop.orders:router",),
                environment={"GREETING": "Hällo"},
                on_success=Destination(kind="topic", name="alerts"),
                on_failure=Destination(kind="queue", name="receipts"),
                retries=1,
                maximum_age_s=120,
            ),
        ),
        routes=(
            Route(unit="api", method="GET", path="/orders", auth="authorizer"),
            Route(unit="api", method="GET", path="/orders/{order_id}", auth="jwt"),
            Route(unit="api", method="ANY", path="/files/{path+}"),
            Route(unit="prices", method="POST", path="/prices", auth="iam"),
            Route(unit="ready", method="GET", path="/"),
        ),
        cors=Cors(
            origins=("https://shop.example",), methods=("GET",), headers=("authorization",), max_age_s=60
        ),
        jwt=Jwt(issuer="https://issuer.example/", audience=("shop",), scopes=("orders",)),
        authorizers=(
            Authorizer(unit="guard", api="http", ttl_s=60, identity=("$request.header.Authorization",)),
            Authorizer(unit="guard", api="counter", identity=("route.request.querystring.token",)),
        ),
        channels=(
            Channel(
                name="counter",
                routes=(
                    ChannelRoute(unit="api", key="$connect", replies=False),
                    ChannelRoute(unit="api", key="$default"),
                    ChannelRoute(unit="api", key="orders"),
                    ChannelRoute(unit="audit", key="audit"),
                ),
            ),
        ),
        queues=(
            Queue(name="elsewhere", external="arn:aws:sqs:eu-west-1:111122223333:their-queue"),
            Queue(name="orders.fifo", fifo=True, content_deduplication=True, delay_s=1),
            Queue(name="plain", dead_letters=False, visibility_s=200),
            Queue(name="receipts", max_receives=5),
        ),
        tables=(
            Table(
                name="orders",
                key=Key(name="id"),
                sort=Key(name="at", type="N"),
                indexes=(Index(name="by_item", key=Key(name="item"), sort=Key(name="at", type="N")),),
                ttl="expires",
                stream=True,
                recovery=True,
            ),
            Table(
                name="theirs",
                key=Key(name="id"),
                external="arn:aws:dynamodb:us-east-1:111122223333:table/theirs",
            ),
        ),
        buckets=(
            Bucket(name="uploads", versioned=True, expire_days=30),
            Bucket(name="theirs", external="their-bucket"),
            Bucket(name="watched"),
        ),
        topics=(Topic(name="alerts"), Topic(name="first.fifo", fifo=True)),
        streams=(Stream(name="clicks", shards=1, retention_hours=48), Stream(name="views")),
        queue_triggers=(
            QueueTrigger(
                unit="worker", queue="receipts", batch_size=100, batch_window_s=5, maximum_concurrency=2
            ),
            QueueTrigger(unit="worker", queue="orders.fifo", filters=({"body": {"item": ["tea"]}},)),
        ),
        stream_triggers=(
            StreamTrigger(unit="worker", kind="table", name="orders", filters=({"eventName": ["INSERT"]},)),
            StreamTrigger(unit="worker", kind="table", name="orders", filters=({"eventName": ["REMOVE"]},)),
            StreamTrigger(
                unit="worker",
                kind="stream",
                name="clicks",
                starting_position="TRIM_HORIZON",
                maximum_retries=2,
                maximum_age_s=600,
                bisect=True,
                tumbling_window_s=30,
                batch_window_s=1,
            ),
        ),
        schedules=(
            ScheduleTrigger(unit="worker", name="clean_up", expression="rate(5 minutes)"),
            ScheduleTrigger(
                unit="ready", name="nightly", expression="cron(0 3 * * ? *)", timezone="Europe/Berlin"
            ),
        ),
        events=(
            EventTrigger(
                unit="worker", name="on_order", pattern={"source": ["shop"], "detail-type": ["order"]}
            ),
            EventTrigger(unit="worker", name="on_all", pattern={"source": [{"prefix": "sh"}]}),
            EventTrigger(unit="audit", name="on_return", pattern={"source": ["returns"]}, bus="default"),
        ),
        topic_triggers=(TopicTrigger(unit="audit", topic="alerts", filter={"kind": ["bad"]}),),
        bucket_triggers=(
            BucketTrigger(
                unit="worker", bucket="uploads", events=("s3:ObjectCreated:*",), prefix="in/", suffix=".png"
            ),
            BucketTrigger(unit="audit", bucket="uploads", events=("s3:ObjectRemoved:*",)),
            BucketTrigger(unit="worker", bucket="watched", events=("s3:ObjectCreated:*",), prefix="in/"),
            BucketTrigger(
                unit="audit", bucket="watched", events=("s3:ObjectCreated:Put",), prefix="in/x", suffix="y"
            ),
        ),
        log_triggers=(LogTrigger(unit="audit", group="/aws/lambda/shop-dev-worker", filter="ERROR"),),
        alarm_triggers=(AlarmTrigger(unit="audit", alarm="too-slow"), AlarmTrigger(unit="worker")),
        user_pool_triggers=(
            UserPoolTrigger(unit="guard", trigger="PreSignUp", pool="customers"),
            UserPoolTrigger(unit="guard", trigger="PreTokenGeneration", pool="us-east-1_abcdefghi"),
            UserPoolTrigger(unit="audit", trigger="PostConfirmation"),
        ),
        uses=(
            Use(unit="api", kind="queue", name="receipts", access=("send",)),
            Use(unit="api", kind="queue", name="elsewhere", access=("receive", "send")),
            Use(unit="api", kind="table", name="orders", access=("read", "write")),
            Use(unit="api", kind="table", name="theirs", access=("read",)),
            Use(unit="api", kind="bucket", name="uploads", access=("read", "write")),
            Use(unit="api", kind="bucket", name="theirs", access=("put",)),
            Use(unit="api", kind="topic", name="alerts", access=("publish",)),
            Use(unit="api", kind="stream", name="views", access=("put",)),
            Use(unit="worker", kind="channel", name="counter", access=("manage",)),
            Use(unit="api", kind="function", name="prices", access=("call",)),
            Use(unit="prices", kind="function", name="api", access=("call",)),
            Use(unit="audit", kind="function", name="ready", access=("call",)),
            Use(unit="api", kind="bus", name="default", access=("emit",)),
        ),
        permissions=(
            Permission(unit="api", actions=("ses:SendEmail",), resources=("*",)),
            Permission(
                unit="api",
                actions=("ssm:GetParameter",),
                resources=("arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/*",),
            ),
        ),
    )


def without_authorizer() -> Manifest:
    """Everything, but for the HTTP API's authorizer: so that the API can be SAM's own."""
    manifest = everything()
    return msgspec.structs.replace(manifest, authorizers=manifest.authorizers[1:], routes=manifest.routes[1:])
