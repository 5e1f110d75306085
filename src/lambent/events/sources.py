"""The kinds of sources: what each may be told, what it takes when it is told nothing.

Defaults and limits are those of CreateEventSourceMapping in the API reference; wording is AWS's (recorded:
`TestLambdaEventSourceMappings`, LocalStack's `event_source_mapping/test_api.snapshot.json`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import asdict, replace

from lambent.events.errors import InvalidMapping
from lambent.events.mapping import Settings
from lambent.events.patterns import InvalidPattern, Pattern

_POSITIONS: Final = frozenset({"TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"})
_COMMON: Final = frozenset(
    {"batch_size", "batching_window_s", "filters", "kms_key_arn", "metrics", "system_log_level"}
)
_STREAM: Final = frozenset(
    {
        "parallelization_factor",
        "on_failure",
        "record_age_s",
        "bisect_on_error",
        "retry_attempts",
        "tumbling_window_s",
        "report_item_failures",
    }
)
_KAFKA: Final = frozenset(
    {"on_failure", "pollers", "record_age_s", "bisect_on_error", "retry_attempts", "report_item_failures"}
)
_MAX_FILTERS: Final = 5
_MIN_RECORD_AGE_S: Final = 60

# The parameter of the API behind each setting, for messages.
_PARAMETERS: Final = {
    "parallelization_factor": "ParallelizationFactor",
    "on_success": "DestinationConfig",
    "on_failure": "DestinationConfig",
    "record_age_s": "MaximumRecordAgeInSeconds",
    "bisect_on_error": "BisectBatchOnFunctionError",
    "retry_attempts": "MaximumRetryAttempts",
    "tumbling_window_s": "TumblingWindowInSeconds",
    "report_item_failures": "FunctionResponseTypes",
    "maximum_concurrency": "ScalingConfig",
    "pollers": "ProvisionedPollerConfig",
}


@dataclass(frozen=True)
class Source:
    """One kind. `positions`: where reading may start; none for what has no positions."""

    kind: str
    title: str
    allowed: frozenset[str]
    defaults: Settings
    positions: frozenset[str] = field(default_factory=frozenset)
    user_action: bool = False
    """How changes are explained: "User action" of streams, "USER_INITIATED" of all others."""
    needs: tuple[str, ...] = ()
    """What a mapping of it must name: members of Mapping, or options of its settings."""
    processing_result: bool = True
    """Whether a last processing result is shown."""


_STREAM_DEFAULTS: Final = Settings(
    batch_size=100,
    batching_window_s=0,
    parallelization_factor=1,
    record_age_s=-1,
    bisect_on_error=False,
    retry_attempts=-1,
    tumbling_window_s=0,
    report_item_failures=False,
)

SQS: Final = Source(
    "sqs",
    "SQS",
    _COMMON | {"maximum_concurrency", "report_item_failures", "pollers"},
    Settings(batch_size=10, batching_window_s=0, report_item_failures=False),
    processing_result=False,
)
KINESIS: Final = Source("kinesis", "Kinesis", _COMMON | _STREAM, _STREAM_DEFAULTS, _POSITIONS, True)
DYNAMODB: Final = Source(
    "dynamodb", "DynamoDB", _COMMON | _STREAM, _STREAM_DEFAULTS, frozenset({"TRIM_HORIZON", "LATEST"}), True
)
KAFKA: Final = Source(
    "kafka", "MSK", _COMMON | _KAFKA, Settings(batch_size=100), _POSITIONS, needs=("Topics",)
)
SELF_MANAGED_KAFKA: Final = Source(
    "self-managed-kafka", "Kafka", _COMMON | _KAFKA, Settings(batch_size=100), _POSITIONS, needs=("Topics",)
)
MQ: Final = Source(
    "mq", "MQ", _COMMON, Settings(batch_size=100), needs=("Queues", "SourceAccessConfigurations")
)
DOCUMENTDB: Final = Source(
    "docdb",
    "DocumentDB",
    _COMMON,
    Settings(batch_size=100),
    _POSITIONS,
    needs=("DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
)

KINDS: Final = {
    source.kind: source for source in (SQS, KINESIS, DYNAMODB, KAFKA, SELF_MANAGED_KAFKA, MQ, DOCUMENTDB)
}

_BY_SERVICE: Final = {
    "sqs": SQS,
    "kinesis": KINESIS,
    "dynamodb": DYNAMODB,
    "kafka": KAFKA,
    "mq": MQ,
    "rds": DOCUMENTDB,
}
_STREAMS: Final = {
    "dynamodb": re.compile(r"table/[^/]+/stream/.+"),
    "kinesis": re.compile(r"stream/[a-zA-Z0-9_.-]{1,128}(/consumer/.+)?"),
}


def source_of(arn: str | None, endpoints: dict[str, tuple[str, ...]] | None) -> Source:
    """The kind of source that an ARN, or the endpoints of a self-managed one, stand for. Raises InvalidMapping."""
    if arn is None:
        if endpoints:
            return SELF_MANAGED_KAFKA
        raise InvalidMapping("Unrecognized event source.")
    parts = arn.split(":", 5)
    source = _BY_SERVICE.get(parts[2])
    stream = _STREAMS.get(parts[2])
    if source is None or (stream is not None and not stream.fullmatch(parts[5])):
        raise InvalidMapping("Unrecognized event source.")
    return source


def check_position(source: Source, arn: str | None, position: str | None, timestamp: float | None) -> None:
    """Raise InvalidMapping unless reading may start there."""
    if not source.positions:
        if position is not None:
            raise InvalidMapping(f"StartingPosition is not valid for {source.title} event sources.")
        return
    if position is None:
        raise InvalidMapping(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if position not in source.positions:
        raise InvalidMapping(f"Unsupported starting position for arn type: {arn}")
    if position == "AT_TIMESTAMP" and timestamp is None:
        raise InvalidMapping(
            "StartingPositionTimestamp must be provided when StartingPosition is AT_TIMESTAMP."
        )
    if position != "AT_TIMESTAMP" and timestamp is not None:
        raise InvalidMapping("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    if timestamp is not None and timestamp < 0:
        raise InvalidMapping(
            "Received Exception while reading from provided stream. "
            "class java.lang.Long can not be converted to a Timestamp"
        )


def check_required(source: Source, given: Settings, members: dict[str, Any]) -> None:
    """Raise InvalidMapping for a new mapping that leaves out what its source cannot be read without."""
    for name in source.needs:
        if not members.get(name.lower()) and not given.options.get(name):
            parameter = name[0].lower() + name[1:]
            raise InvalidMapping(f"Required '{parameter}' parameter is missing.")


def completed(source: Source, given: Settings) -> Settings:
    """The settings of a new mapping: what was given, the source's defaults for the rest."""
    return replace(
        given,
        **{
            name: default
            for name, default in asdict(source.defaults).items()
            if name != "options" and getattr(given, name) is None
        },
    )


def check_parameters(source: Source, given: Settings) -> None:
    """Raise InvalidMapping for what mappings of that source do not have at all."""
    for name, parameter in _PARAMETERS.items():
        if getattr(given, name) is not None and name not in source.allowed:
            raise InvalidMapping(f"Unsupported {parameter} parameter for given event source mapping type.")


def check_settings(source: Source, arn: str | None, settings: Settings, given: Settings) -> None:
    """Raise InvalidMapping for what cannot be set, alone or together. `given` is what the caller sent now."""
    check_parameters(source, given)
    _check_filters(settings.filters)
    batch, window = settings.batch_size or 0, settings.batching_window_s or 0
    if source is SQS:
        if window and (arn or "").endswith(".fifo"):
            # Without a window no batch is larger than ten: that is all that needs to be said of FIFO queues.
            raise InvalidMapping("Batching window is not supported for FIFO queues")
        if batch > 10 and not window:
            raise InvalidMapping(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )
        if settings.pollers and settings.maximum_concurrency is not None:
            raise InvalidMapping(
                "ScalingConfig and ProvisionedPollerConfig cannot be set together for an event source mapping."
            )
    if settings.tumbling_window_s and (settings.parallelization_factor or 1) > 1:
        raise InvalidMapping("ParallelizationFactor must be 1 when TumblingWindowInSeconds is set.")
    age = settings.record_age_s
    if age is not None and age != -1 and age < _MIN_RECORD_AGE_S:
        # Told in hashicorp/terraform-provider-aws#16113.
        raise InvalidMapping(
            f"MaximumRecordAgeInSeconds must be either -1 (forever) or between {_MIN_RECORD_AGE_S} and 604800"
            " (inclusive)"
        )
    pollers = settings.pollers or {}
    if pollers.get("MinimumPollers", 1) > pollers.get("MaximumPollers", 10_000):
        raise InvalidMapping("MinimumPollers must be less than or equal to MaximumPollers.")


def _check_filters(filters: tuple[str, ...] | None) -> None:
    if not filters:
        return
    if len(filters) > _MAX_FILTERS:
        raise InvalidMapping(f"Number of filters exceeds the limit of {_MAX_FILTERS}.")
    for pattern in filters:
        try:
            Pattern.parse(pattern)
        except InvalidPattern:
            raise InvalidMapping("Invalid filter pattern definition.") from None
