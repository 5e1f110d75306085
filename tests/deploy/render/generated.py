"""Any manifest that is valid, for tests that hold for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from lambent.deploy import names
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

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = st.from_regex(r"[a-zA-Z][a-z0-9_-]{0,6}[a-z0-9]", fullmatch=True)
TYPE = st.sampled_from(["S", "N", "B"])
TEXT = st.text(max_size=12)


def _several(of: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    """Different things: in the stack, that is, and in variables."""
    return st.lists(of, max_size=most, unique_by=lambda one: _known_as(one.name)).map(tuple)


def _known_as(name: str) -> str:
    return names.logical_id("queue", name).lower()


def _maybe(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | value


UNITS = st.builds(
    Unit,
    name=NAME,
    kind=st.sampled_from(["app", "router", "function", "handler"]),
    handler=st.just("app.app"),
    runtime=st.sampled_from(["python3.11", "python3.13"]),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    description=TEXT,
    memory_mb=st.integers(128, 10_240),
    timeout_s=st.integers(1, 900),
    storage_mb=st.integers(512, 10_240),
    environment=st.dictionaries(st.from_regex("V[A-Z_0-9]{1,5}", fullmatch=True), TEXT, max_size=2),
    routers=_maybe(st.just(("shop.orders:router",))),
    layers=st.just(()) | st.just(("arn:aws:lambda:us-east-1:111122223333:layer:theirs:1",)),
    provisioned_concurrency=_maybe(st.integers(1, 10)),
    tracing=st.booleans(),
    log_retention_days=_maybe(st.sampled_from([1, 30, 365])),
    url=_maybe(st.sampled_from(["none", "iam"])),
    retries=_maybe(st.integers(0, 2)),
    maximum_age_s=_maybe(st.integers(60, 21_600)),
)
QUEUES = st.builds(
    Queue,
    name=NAME,
    fifo=st.booleans(),
    retention_s=st.integers(60, 1_209_600),
    delay_s=st.integers(0, 900),
    dead_letters=st.booleans(),
    max_receives=st.integers(1, 1000),
    external=_maybe(st.just("arn:aws:sqs:us-east-1:111122223333:theirs")),
)
TABLES = st.builds(
    Table,
    name=NAME,
    key=st.builds(Key, name=st.just("id"), type=TYPE),
    sort=_maybe(st.builds(Key, name=st.just("at"), type=st.just("N"))),
    indexes=st.just(())
    | st.just((Index(name="by_kind", key=Key(name="kind"), sort=Key(name="at", type="N")),)),
    ttl=_maybe(st.just("expires")),
    stream=st.booleans(),
    recovery=st.booleans(),
)
BUCKETS = st.builds(Bucket, name=NAME, versioned=st.booleans(), expire_days=_maybe(st.integers(1, 365)))
TOPICS = st.builds(Topic, name=NAME, fifo=st.booleans())
STREAMS = st.builds(
    Stream, name=NAME, shards=_maybe(st.integers(1, 4)), retention_hours=st.integers(24, 8760)
)
EVENTS = ("s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*")
PATTERNS = st.dictionaries(
    st.sampled_from(["source", "detail-type"]),
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True),
    min_size=1,
)


@st.composite
def manifests(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Manifest:
    """A manifest with some of everything, that no service would refuse."""
    units = draw(
        st.lists(UNITS, min_size=1, max_size=3, unique_by=lambda one: _known_as(one.name)).map(tuple)
    )
    unit = st.sampled_from([one.name for one in units])
    queues, tables, buckets = draw(_several(QUEUES)), draw(_several(TABLES)), draw(_several(BUCKETS))
    topics, streams = draw(_several(TOPICS)), draw(_several(STREAMS))
    channels = draw(
        _several(
            st.builds(
                Channel,
                name=NAME,
                routes=st.lists(
                    st.builds(ChannelRoute, unit=unit, key=st.sampled_from(["$connect", "$default", "say"])),
                    min_size=1,
                    unique_by=lambda one: one.key,
                ).map(tuple),
            )
        )
    )
    jwt = draw(_maybe(st.just(Jwt(issuer="https://issuer.example", audience=("shop",), scopes=("a",)))))
    apis = ["http", *(channel.name for channel in channels)]
    authorizers = tuple(
        Authorizer(unit=draw(unit), api=api, simple=draw(st.booleans()))
        for api in apis
        if draw(st.booleans())
    )
    auths = ["none", "iam", *(["jwt"] if jwt else [])]
    auths += ["authorizer"] if any(one.api == "http" for one in authorizers) else []
    paths = st.sampled_from(["/", "/orders", "/orders/{id}", "/files/{path+}", "$default"])
    routes = draw(
        st.lists(
            st.builds(
                Route,
                unit=unit,
                method=st.sampled_from(["GET", "POST", "ANY"]),
                path=paths,
                auth=st.sampled_from(auths),
            ),
            max_size=4,
            unique_by=lambda one: one.path,
        ).map(tuple)
    )

    def of(things: tuple[Any, ...], make: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(make(one) for one in things if draw(st.booleans()))

    standard = tuple(topic for topic in topics if not topic.fifo)
    ends = [Destination(kind="queue", name=one.name) for one in queues if not one.fifo]
    ends += [Destination(kind="topic", name=one.name) for one in standard]
    ends += [Destination(kind="bus", name="default"), Destination(kind="function", name=units[0].name)]
    units = tuple(_with_end(one, draw(_maybe(st.sampled_from(ends)))) for one in units)
    things: list[tuple[Any, tuple[Any, ...], list[str]]] = [
        ("queue", queues, ["send", "receive"]),
        ("table", tables, ["read", "write"]),
        ("bucket", buckets, ["read", "write", "put"]),
        ("topic", topics, ["publish"]),
        ("stream", streams, ["put", "read"]),
        ("channel", channels, ["manage"]),
        ("function", units, ["call"]),
    ]
    uses = [
        Use(
            unit=draw(unit),
            kind=kind,
            name=one.name,
            access=tuple(draw(st.sets(st.sampled_from(access), min_size=1))),
        )
        for kind, all_of, access in things
        for one in all_of
        if draw(st.booleans())
    ]
    count = st.integers(0, 2)
    return Manifest(
        app=draw(NAME),
        units=units,
        routes=routes,
        cors=draw(_maybe(st.just(Cors(origins=("https://a.example",), methods=("GET",), credentials=True)))),
        jwt=jwt,
        authorizers=authorizers,
        channels=channels,
        queues=queues,
        tables=tables,
        buckets=buckets,
        topics=topics,
        streams=streams,
        queue_triggers=of(queues, lambda one: QueueTrigger(unit=draw(unit), queue=one.name)),
        stream_triggers=(
            *of(tables, lambda one: StreamTrigger(unit=draw(unit), kind="table", name=one.name, bisect=True)),
            *of(streams, lambda one: StreamTrigger(unit=draw(unit), kind="stream", name=one.name)),
        ),
        schedules=tuple(
            ScheduleTrigger(unit=draw(unit), name=f"tick{index}", expression="rate(1 hour)")
            for index in range(draw(count))
        ),
        events=tuple(
            EventTrigger(unit=draw(unit), name=f"on{index}", pattern=draw(PATTERNS))
            for index in range(draw(count))
        ),
        topic_triggers=of(standard, lambda one: TopicTrigger(unit=draw(unit), topic=one.name)),
        bucket_triggers=tuple(
            BucketTrigger(
                unit=draw(unit),
                bucket=one.name,
                events=(draw(st.sampled_from(EVENTS)),),
                prefix=draw(st.sampled_from(["", "in/"])),
                suffix=draw(st.sampled_from(["", ".png"])),
            )
            for one in buckets
            for _ in range(draw(count))
        ),
        log_triggers=tuple(
            LogTrigger(unit=draw(unit), group="/some/group", filter=draw(st.sampled_from(["", "ERROR"])))
            for _ in range(draw(st.integers(0, 1)))
        ),
        alarm_triggers=tuple(
            AlarmTrigger(unit=draw(unit), alarm=draw(_maybe(st.just("slow")))) for _ in range(draw(count))
        ),
        user_pool_triggers=tuple(
            UserPoolTrigger(
                unit=draw(unit), trigger="PreSignUp", pool=draw(st.sampled_from([None, "customers"]))
            )
            for _ in range(draw(st.integers(0, 1)))
        ),
        uses=tuple(uses),
        permissions=tuple(
            Permission(unit=draw(unit), actions=("ses:SendEmail",), resources=("*",))
            for _ in range(draw(count))
        ),
    )


def _with_end(unit: Unit, end: Destination | None) -> Unit:
    if end is None or (end.kind, end.name) == ("function", unit.name):
        return unit
    return msgspec.structs.replace(unit, on_failure=end)
