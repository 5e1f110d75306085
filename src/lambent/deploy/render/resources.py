"""Resources of the app's own: queues, tables, buckets, topics, streams and user pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.manifest import Queue
from lambent.deploy.render.composition import get, ref, sub
from lambent.deploy.render.limits import check_queue, is_fifo
from lambent.deploy.render.variables import owns_pool

if TYPE_CHECKING:
    from lambent.deploy.manifest import Bucket, Key, Stream, Table, Topic
    from lambent.deploy.render.composition import Composition

_DEAD_LETTERS_KEPT_S: Final = 1_209_600
"""Two weeks, the longest: a failed message keeps the age that it had in its queue."""
_UNSAID_S: Final = Queue(name="any").retention_s
_LONGEST_VISIBILITY_S: Final = 43_200

_TRIGGERS: Final = {"TokenGeneration": "PreTokenGeneration"}
"""Triggers that a pool's configuration calls otherwise than its events do."""
_LAMBDA_CONFIG: Final = frozenset(
    (
        "PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration",
        "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "UserMigration", "CustomMessage",
    )
)  # fmt: skip
"""Of LambdaConfig of AWS::Cognito::UserPool, those that are a function's ARN alone."""


def add_resources(composition: Composition) -> None:
    """All of the manifest's that are not elsewhere. Buckets come with their triggers. Raises RenderError."""
    manifest = composition.manifest
    for queue in manifest.queues:
        if queue.external is None:
            _add_queue(composition, queue)
    for table in manifest.tables:
        if table.external is None:
            _add_table(composition, table)
    for topic in manifest.topics:
        if topic.external is None:
            _add_topic(composition, topic)
    for stream in manifest.streams:
        if stream.external is None:
            _add_stream(composition, stream)
    for pool in sorted({one.pool for one in manifest.user_pool_triggers if one.pool and owns_pool(one.pool)}):
        _add_user_pool(composition, pool)


def _add_queue(c: Composition, queue: Queue) -> None:
    check_queue(queue)
    fifo = True if is_fifo(queue) else None
    triggers = [one for one in c.manifest.queue_triggers if one.queue == queue.name]
    timeouts = [(c.timeout_of(c.unit(one.unit)), one.unit) for one in triggers]
    visibility = queue.visibility_s
    if visibility is None:
        # A batch that is being gathered is hidden already: "Using Lambda with Amazon SQS" adds the window.
        asked = [6 * c.timeout_of(c.unit(one.unit)) + one.batch_window_s for one in triggers]
        visibility = min(max([30, *asked]), _LONGEST_VISIBILITY_S)
    elif timeouts and max(timeouts)[0] > visibility:
        if not c.target.debug:
            timeout, unit = max(timeouts)
            raise RenderError(
                f"queue {queue.name}: its messages come again after {visibility} seconds, and unit {unit} may work on "
                f"them for {timeout}",
                hint=f"Set visibility of [resources.queues.{queue.name}] to {6 * timeout}, or leave it out.",
            )
        visibility = max(timeouts)[0]
    redrive = None
    if queue.dead_letters:
        redrive = {
            "deadLetterTargetArn": _dead_letters_arn(c, queue),
            "maxReceiveCount": queue.max_receives,
        }
    logical = c.add(
        "queue",
        queue.name,
        "AWS::SQS::Queue",
        {
            "QueueName": names.queue_name(c.app, c.stage, queue.name, fifo=bool(fifo)),
            "FifoQueue": fifo,
            "ContentBasedDeduplication": queue.content_deduplication or None,
            "VisibilityTimeout": visibility,
            "MessageRetentionPeriod": _retention_of(c, queue),
            "DelaySeconds": queue.delay_s or None,
            "RedrivePolicy": redrive,
        },
        keeps_state=True,
    )
    c.output(f"{logical}Url", ref(logical), f"URL of the queue {queue.name}")


def _own_dead_letters(c: Composition, queue: Queue) -> Queue | None:
    """The queue for what fails, where the code itself knows it: `receipts-dlq`, because somebody handles it."""
    base = queue.name.removesuffix(".fifo")
    known = (f"{base}-dlq", f"{base}-dlq.fifo", f"{queue.name}-dlq")
    return next((one for one in c.manifest.queues if one.name in known), None)


def _dead_letters_arn(c: Composition, queue: Queue) -> Any:
    """Where messages go that fail: a queue that is there, or one more. Raises RenderError."""
    own = _own_dead_letters(c, queue)
    fifo = is_fifo(queue)
    if own is None:
        return get(
            c.add(
                "dead_letters",
                queue.name,
                "AWS::SQS::Queue",
                {
                    "QueueName": names.dead_letters_name(c.app, c.stage, queue.name, fifo=fifo),
                    "FifoQueue": True if fifo else None,
                    "MessageRetentionPeriod": _DEAD_LETTERS_KEPT_S,
                },
                keeps_state=True,
            )
        )
    if is_fifo(own) != fifo:
        raise RenderError(
            f"queue {queue.name}: what fails goes to {own.name}, and one of them is no FIFO queue",
            hint=f"Both have to be: set fifo = true in [resources.queues.{(own if fifo else queue).name!r}].",
        )
    return c.queue_arn(own.name)


def _retention_of(c: Composition, queue: Queue) -> int:
    """Dead letters stay as long as they can, unless the project says how long."""
    others = (one for one in c.manifest.queues if one.dead_letters and one.external is None)
    if queue.retention_s == _UNSAID_S and any(_own_dead_letters(c, one) is queue for one in others):
        return _DEAD_LETTERS_KEPT_S
    return queue.retention_s


def _key_schema(key: Key, sort: Key | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": key.name, "KeyType": "HASH"}]
    if sort is not None:
        schema.append({"AttributeName": sort.name, "KeyType": "RANGE"})
    return schema


def _add_table(c: Composition, table: Table) -> None:
    keys = [table.key, table.sort, *(one for index in table.indexes for one in (index.key, index.sort))]
    types: dict[str, str] = {}
    for key in keys:
        if key is not None and types.setdefault(key.name, key.type) != key.type:
            raise RenderError(
                f"table {table.name}: its keys have the attribute {key.name} as {types[key.name]} and as {key.type}",
                hint="An attribute has one type, in all keys of a table.",
            )
    watched = any(one.kind == "table" and one.name == table.name for one in c.manifest.stream_triggers)
    c.add(
        "table",
        table.name,
        "AWS::DynamoDB::Table",
        {
            "TableName": names.table_name(c.app, c.stage, table.name),
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind} for name, kind in sorted(types.items())
            ],
            "KeySchema": _key_schema(table.key, table.sort),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": index.name,
                    "KeySchema": _key_schema(index.key, index.sort),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index in table.indexes
            ]
            or None,
            "TimeToLiveSpecification": {"AttributeName": table.ttl, "Enabled": True} if table.ttl else None,
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}
            if table.stream or watched
            else None,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}
            if table.recovery
            else None,
        },
        keeps_state=True,
    )


def bucket_properties(c: Composition, bucket: Bucket) -> dict[str, Any]:
    """A bucket without what it calls."""
    rules = None
    if bucket.expire_days is not None:
        if bucket.expire_days < 1:
            raise RenderError(f"bucket {bucket.name}: expire_days is {bucket.expire_days}: it is at least 1")
        rules = {
            "Rules": [{"Id": "expire", "Status": "Enabled", "ExpirationInDays": bucket.expire_days}],
        }
        if bucket.versioned:
            rules["Rules"][0]["NoncurrentVersionExpiration"] = {"NoncurrentDays": bucket.expire_days}
    return {
        "BucketName": sub(names.bucket_name(c.app, c.stage, bucket.name)),
        "VersioningConfiguration": {"Status": "Enabled"} if bucket.versioned else None,
        "LifecycleConfiguration": rules,
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }


def _add_topic(c: Composition, topic: Topic) -> None:
    fifo = topic.fifo or topic.name.endswith(".fifo")
    logical = c.add(
        "topic",
        topic.name,
        "AWS::SNS::Topic",
        {
            "TopicName": names.topic_name(c.app, c.stage, topic.name, fifo=fifo),
            "FifoTopic": True if fifo else None,
            "ContentBasedDeduplication": True if fifo else None,
        },
    )
    c.output(f"{logical}Arn", ref(logical), f"ARN of the topic {topic.name}")


def _add_stream(c: Composition, stream: Stream) -> None:
    if not 24 <= stream.retention_hours <= 8760:
        raise RenderError(
            f"stream {stream.name}: retention_hours is {stream.retention_hours}: it can be 24 to 8,760"
        )
    c.add(
        "stream",
        stream.name,
        "AWS::Kinesis::Stream",
        {
            "Name": names.stream_name(c.app, c.stage, stream.name),
            "RetentionPeriodHours": stream.retention_hours,
            "StreamModeDetails": {"StreamMode": "ON_DEMAND" if stream.shards is None else "PROVISIONED"},
            "ShardCount": stream.shards,
        },
        keeps_state=True,
    )


def _add_user_pool(c: Composition, pool: str) -> None:
    config: dict[str, Any] = {}
    units: dict[str, str] = {}
    for one in c.manifest.user_pool_triggers:
        if one.pool not in (pool, None):
            continue
        name = one.trigger.partition("_")[0]
        name = _TRIGGERS.get(name, name)
        if name not in _LAMBDA_CONFIG:
            raise RenderError(
                f"unit {one.unit}: the trigger {one.trigger} of a user pool needs settings that Lambent does not have: "
                "a key for senders, an identity provider for federation",
                hint=f"Make the pool elsewhere, and give its ARN: @app.user_pool({one.trigger!r}, pool='arn:…').",
            )
        if units.setdefault(name, one.unit) != one.unit:
            raise RenderError(
                f"user pool {pool}: units {units[name]} and {one.unit} are both for {name}, and a pool calls "
                "one function",
                hint='Put both handlers into one router, with unit = "router", or into one unit.',
            )
        config[name] = c.function_arn_text(one.unit)
    logical = c.add(
        "user_pool",
        pool,
        "AWS::Cognito::UserPool",
        {
            "UserPoolName": names.user_pool_name(c.app, c.stage, pool),
            "LambdaConfig": dict(sorted(config.items())),
        },
        keeps_state=True,
    )
    c.output(f"{logical}Id", ref(logical), f"Id of the user pool {pool}")
