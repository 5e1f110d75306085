"""The manifest: what an app consists of and needs, as data.

Analysis writes it, building and rendering read it, and `lambent manifest --json` prints it (docs/manifest.md). Names
in it are those of the code ("receipts"), never those of a deployment ("shop-dev-receipts"): so the same code gives the
same manifest for every stage, but for the settings that a stage has of its own.

Whatever else reads manifests can rely on `version`: it changes when a member changes its meaning or goes away. New
members come without a new version, with a default that means what was meant without them.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

VERSION: Final = 1

UnitKind: TypeAlias = Literal["app", "router", "function", "handler"]
Language: TypeAlias = Literal["python", "node"]
Architecture: TypeAlias = Literal["x86_64", "arm64"]
KeyType: TypeAlias = Literal["S", "N", "B"]
ResourceKind: TypeAlias = Literal["queue", "table", "bucket", "topic", "stream", "channel", "function", "bus"]
Auth: TypeAlias = Literal["none", "authorizer", "jwt", "iam"]


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of everything in a manifest."""


# ---------------------------------------------------------------- what is deployed as a function


class Destination(Data, frozen=True, kw_only=True):
    """Where the records of asynchronous invocations go: a resource of the app by kind and name, or an ARN."""

    kind: Literal["queue", "topic", "function", "bus", "arn"]
    name: str


class Unit(Data, frozen=True, kw_only=True):
    """One function to deploy.

    `kind` says what it was made of: the whole app, a router, one handler of the app, or a plain handler that does
    without the framework. `handler` is Lambda's ("app.app"), relative to the root of the package.

    `files` are the project's own files that it needs, relative to `source`, with slashes and sorted; `imports` the
    names of the installed distributions that these import, normalised (PEP 503) and sorted. `routers` are the
    routers included by name ("shop.orders:router") that belong to it; None means all.
    """

    name: str
    kind: UnitKind
    handler: str
    language: Language = "python"
    runtime: str
    architecture: Architecture = "x86_64"
    description: str = ""
    memory_mb: int = 256
    timeout_s: int = 30
    storage_mb: int = 512
    environment: dict[str, str] = {}
    source: str = "."
    """The folder that `files` and `handler` are relative to, relative to the project's root."""
    files: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """Requirements that the settings ask for beyond what is imported ("psycopg[binary]"), or leave out ("!numpy")."""
    include: tuple[str, ...] = ()
    """Patterns, as in a .gitignore, of further files; relative to `source`."""
    exclude: tuple[str, ...] = ()
    """Patterns of files that are left out, whatever else would have them in."""
    routers: tuple[str, ...] | None = None
    layers: tuple[str, ...] = ()
    """ARNs of layer versions that the user names."""
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    tracing: bool = False
    log_retention_days: int | None = 30
    url: Literal["none", "iam"] | None = None
    """The authorization of a function URL; None where it has no URL."""
    on_success: Destination | None = None
    on_failure: Destination | None = None
    retries: int | None = None
    """Of asynchronous invocations: 0 to 2."""
    maximum_age_s: int | None = None
    direct: bool = False
    """Whether it has a handler for direct invocations."""


# ---------------------------------------------------------------- HTTP and WebSockets


class Cors(Data, frozen=True, kw_only=True):
    """What the gateway answers to preflight requests of an HTTP API. Left to the app where it has its own CORS."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int | None = None


class Jwt(Data, frozen=True, kw_only=True):
    """A JWT authorizer of an HTTP API."""

    issuer: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...] = ()


class Authorizer(Data, frozen=True, kw_only=True):
    """A handler that says who may call. `api` is "http" or the name of a channel."""

    unit: str
    api: str
    simple: bool = True
    ttl_s: int = 0
    identity: tuple[str, ...] = ()
    """Identity sources as the gateway spells them; without any the authorizer is asked for each request."""


class Route(Data, frozen=True, kw_only=True):
    """A route of the HTTP API: `method` in capitals or "ANY", `path` as the gateway spells it (`/files/{path+}`)."""

    unit: str
    method: str
    path: str
    auth: Auth = "none"


class ChannelRoute(Data, frozen=True, kw_only=True):
    """A route key of a WebSocket API ("$connect", "send") and the unit that has its handler."""

    unit: str
    key: str
    replies: bool = True
    """Whether what the handler returns is sent to the client."""


class Channel(Data, frozen=True, kw_only=True):
    """A WebSocket API. `key` is the member of messages that chooses the route."""

    name: str
    key: str = "action"
    routes: tuple[ChannelRoute, ...] = ()


# ---------------------------------------------------------------- resources


class Queue(Data, frozen=True, kw_only=True):
    """An SQS queue. `dead_letters` is whether it has a queue `<name>-dlq` for what fails `max_receives` times."""

    name: str
    fifo: bool = False
    content_deduplication: bool = False
    visibility_s: int | None = None
    """None: six times the longest timeout of its handlers, as AWS recommends, and at least 30."""
    retention_s: int = 345_600
    delay_s: int = 0
    dead_letters: bool = True
    max_receives: int = 3
    external: str | None = None
    """The ARN of one that is not part of the app."""


class Key(Data, frozen=True, kw_only=True):
    """An attribute of a table's key."""

    name: str
    type: KeyType = "S"


class Index(Data, frozen=True, kw_only=True):
    """A global secondary index."""

    name: str
    key: Key
    sort: Key | None = None


class Table(Data, frozen=True, kw_only=True):
    """A DynamoDB table, billed per request."""

    name: str
    key: Key
    sort: Key | None = None
    indexes: tuple[Index, ...] = ()
    ttl: str | None = None
    stream: bool = False
    recovery: bool = False
    """Point-in-time recovery."""
    external: str | None = None


class Bucket(Data, frozen=True, kw_only=True):
    """An S3 bucket."""

    name: str
    versioned: bool = False
    expire_days: int | None = None
    external: str | None = None
    """The name of one that is not part of the app."""


class Topic(Data, frozen=True, kw_only=True):
    """An SNS topic."""

    name: str
    fifo: bool = False
    external: str | None = None


class Stream(Data, frozen=True, kw_only=True):
    """A Kinesis stream; without `shards` on demand."""

    name: str
    shards: int | None = None
    retention_hours: int = 24
    external: str | None = None


# ---------------------------------------------------------------- what calls units


class QueueTrigger(Data, frozen=True, kw_only=True):
    """Messages of a queue. `batch_window_s` is a whole number of seconds."""

    unit: str
    queue: str
    batch_size: int = 10
    batch_window_s: int = 0
    maximum_concurrency: int | None = None
    filters: tuple[dict[str, Any], ...] = ()
    report_failures: bool = True


class StreamTrigger(Data, frozen=True, kw_only=True):
    """Records of a Kinesis stream (`kind` "stream"), or changes of a table (`kind` "table")."""

    unit: str
    kind: Literal["stream", "table"]
    name: str
    batch_size: int = 100
    batch_window_s: int = 0
    starting_position: Literal["LATEST", "TRIM_HORIZON"] = "LATEST"
    parallelization: int = 1
    maximum_retries: int | None = None
    maximum_age_s: int | None = None
    bisect: bool = False
    tumbling_window_s: int | None = None
    filters: tuple[dict[str, Any], ...] = ()
    report_failures: bool = True


class ScheduleTrigger(Data, frozen=True, kw_only=True):
    """A time: `rate(…)`, `cron(…)` or `at(…)`. `name` is the schedule's."""

    unit: str
    name: str
    expression: str
    timezone: str | None = None


class EventTrigger(Data, frozen=True, kw_only=True):
    """Events of a bus that match a pattern. `name` is the rule's; `bus` None means the default one."""

    unit: str
    name: str
    pattern: dict[str, Any]
    bus: str | None = None


class TopicTrigger(Data, frozen=True, kw_only=True):
    """Messages of a topic."""

    unit: str
    topic: str
    filter: dict[str, Any] | None = None


class BucketTrigger(Data, frozen=True, kw_only=True):
    """What happens to objects of a bucket."""

    unit: str
    bucket: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


class LogTrigger(Data, frozen=True, kw_only=True):
    """Lines of a log group. `group` is its full name."""

    unit: str
    group: str
    filter: str = ""


class AlarmTrigger(Data, frozen=True, kw_only=True):
    """A CloudWatch alarm, by its name or ARN, that is not part of the app; None: any may call the unit."""

    unit: str
    alarm: str | None = None


class UserPoolTrigger(Data, frozen=True, kw_only=True):
    """A trigger of a Cognito user pool, under Lambda's name of it ("PreSignUp")."""

    unit: str
    trigger: str
    pool: str | None = None


# ---------------------------------------------------------------- what units use


class Use(Data, frozen=True, kw_only=True):
    """A unit uses a resource of the app: `access` are some of "send", "receive", "read", "write", "publish", "put",
    "call", "manage", "emit", sorted. It makes the permission and the variables by which the code finds the resource.

    `where` tells where in the code ("app.py:42"), for people.
    """

    unit: str
    kind: ResourceKind
    name: str
    access: tuple[str, ...]
    where: str = ""


class Permission(Data, frozen=True, kw_only=True):
    """A statement for the unit's role beyond its uses: inferred from calls of boto3, or asked for in the settings.

    `resources` are ARNs, in which `${AWS::Region}` and the like are replaced; "*" where nothing narrower is known.
    """

    unit: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    where: str = ""


class Finding(Data, frozen=True, kw_only=True):
    """Something that a person should know: a use that could not be resolved, a permission that is wider than need be.

    `place` is a file and line, or empty.
    """

    message: str
    place: str = ""
    hint: str = ""


class Manifest(Data, frozen=True, kw_only=True):
    """An app. Everything is sorted by name, so that equal apps have equal manifests, byte by byte."""

    version: int = VERSION
    app: str
    units: tuple[Unit, ...] = ()
    routes: tuple[Route, ...] = ()
    cors: Cors | None = None
    jwt: Jwt | None = None
    authorizers: tuple[Authorizer, ...] = ()
    channels: tuple[Channel, ...] = ()
    queues: tuple[Queue, ...] = ()
    tables: tuple[Table, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    topics: tuple[Topic, ...] = ()
    streams: tuple[Stream, ...] = ()
    queue_triggers: tuple[QueueTrigger, ...] = ()
    stream_triggers: tuple[StreamTrigger, ...] = ()
    schedules: tuple[ScheduleTrigger, ...] = ()
    events: tuple[EventTrigger, ...] = ()
    topic_triggers: tuple[TopicTrigger, ...] = ()
    bucket_triggers: tuple[BucketTrigger, ...] = ()
    log_triggers: tuple[LogTrigger, ...] = ()
    alarm_triggers: tuple[AlarmTrigger, ...] = ()
    user_pool_triggers: tuple[UserPoolTrigger, ...] = ()
    uses: tuple[Use, ...] = ()
    permissions: tuple[Permission, ...] = ()
    findings: tuple[Finding, ...] = ()

    def unit(self, name: str) -> Unit:
        """A unit by its name. Raises KeyError."""
        for unit in self.units:
            if unit.name == name:
                return unit
        raise KeyError(name)


def encode(manifest: Manifest) -> bytes:
    """As JSON, indented, with a line's end: the same bytes for the same manifest. `version` is always told."""
    document = {"version": manifest.version, **_written(manifest)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _written(value: Any) -> Any:
    """Without the members that equal their default. (msgspec leaves out only what is the same object.)"""
    if isinstance(value, Data):
        return {
            one.name: _written(told)
            for one in msgspec.structs.fields(value)
            if (told := getattr(value, one.name)) != one.default
            and (one.default_factory is msgspec.NODEFAULT or told != one.default_factory())
        }
    return [_written(one) for one in value] if isinstance(value, tuple) else value


def decode(document: bytes) -> Manifest:
    """Raises ValueError for what is no manifest, or one of a version that is not understood here."""
    try:
        version = msgspec.json.decode(document, type=_Versioned).version
        if version != VERSION:
            raise ValueError(
                f"the manifest has version {version}, and this is for version {VERSION}: update lambent"
            )
        return msgspec.json.decode(document, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ValueError(f"this is no manifest: {error}") from error


class _Versioned(msgspec.Struct):
    version: int
