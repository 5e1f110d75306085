"""Operations on event source mappings."""

from __future__ import annotations

import contextlib
import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.aws.errors import ServiceError
from lambent.aws.lambda_.errors import invalid_parameter, translating
from lambent.aws.lambda_.functions import named
from lambent.aws.lambda_.paging import page_of
from lambent.aws.lambda_.tags import new_tags
from lambent.events import errors as refused
from lambent.events.mapping import Mapping, Settings
from lambent.events.sources import KINDS, Source, check_parameters, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.aws.context import RequestContext
    from lambent.events import MappingRegistry
    from lambent.functions import FunctionRegistry

_MAX_PAGE: Final = 100

_CODES: Final = {
    refused.MappingNotFound: "ResourceNotFoundException",
    refused.MappingExists: "ResourceConflictException",
    refused.MappingInUse: "ResourceInUseException",
    refused.InvalidMapping: "InvalidParameterValueException",
}

# Members of requests and answers that are one setting each.
_PLAIN: Final = {
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "batching_window_s",
    "KMSKeyArn": "kms_key_arn",
    "ParallelizationFactor": "parallelization_factor",
    "MaximumRecordAgeInSeconds": "record_age_s",
    "BisectBatchOnFunctionError": "bisect_on_error",
    "MaximumRetryAttempts": "retry_attempts",
    "TumblingWindowInSeconds": "tumbling_window_s",
    "ProvisionedPollerConfig": "pollers",
}
_OPTIONS: Final = (
    "SourceAccessConfigurations",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
)


class EventSourceMappingOperations:
    """Create, read, update and delete."""

    registry: FunctionRegistry
    mappings: MappingRegistry

    async def create_event_source_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new mapping: Creating, or Disabled where that is asked for."""
        servers = (request.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
        endpoints = {kind: tuple(each) for kind, each in servers.items()} or None
        given = settings_of(request, Settings())
        with _translating(context):
            source_arn = request.get("EventSourceArn")
            if source_arn is None and not endpoints:
                raise refused.InvalidMapping("Unrecognized event source.")
            if source_arn is None and not request.get("SourceAccessConfigurations"):
                raise refused.InvalidMapping("Required 'sourceAccessConfigurations' parameter is missing.")
            # Recorded for a function that is not there: test_event_source_mapping_exceptions.
            check_parameters(source_of(source_arn, endpoints), given)
            if source_arn is not None and source_arn.split(":", 4)[3] != context.region:
                # pmuens/serverless-kinesis-streams#1 quotes what AWS says; queues: "in the same AWS Region"
                # ("Using Lambda with Amazon SQS").
                raise refused.InvalidMapping(
                    f"Event source region must match Lambda region {context.region}."
                )
            function_arn = self._function(context, request)
            tags = new_tags(context, request, self.registry.limits)
            mapping = await self.mappings.create(
                context.account,
                context.region,
                function_arn,
                given,
                source_arn=source_arn,
                endpoints=endpoints,
                enabled=request.get("Enabled", True),
                tags=tags,
                starting_position=request.get("StartingPosition"),
                starting_timestamp=_epoch(request.get("StartingPositionTimestamp")),
                topics=_tuple(request, "Topics"),
                queues=_tuple(request, "Queues"),
            )
        return self._described_mapping(mapping)

    async def get_event_source_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One mapping."""
        with _translating(context):
            return self._described_mapping(
                self.mappings.get(context.account, context.region, request["UUID"])
            )

    async def list_event_source_mappings(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of mappings by id; of one source, of one function, or of both."""
        source = request.get("EventSourceArn")
        with _translating(context):
            function = named(context, request).arn if request.get("FunctionName") else None
        found = [
            mapping
            for mapping in self.mappings.mappings(context.account, context.region)
            if source in (None, mapping.source_arn) and function in (None, mapping.function_arn)
        ]
        page, marker = page_of(found, lambda mapping: (mapping.id, 0), request, _MAX_PAGE)
        return {
            "EventSourceMappings": [self._described_mapping(mapping) for mapping in page],
            "NextMarker": marker,
        }

    async def update_event_source_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed mapping, its change on the way."""
        with _translating(context):
            self.mappings.get(context.account, context.region, request["UUID"])
            function_arn = self._function(context, request) if request.get("FunctionName") else None
            mapping = await self.mappings.update(
                context.account,
                context.region,
                request["UUID"],
                lambda settings: settings_of(request, settings),
                settings_of(request, Settings()),
                function_arn=function_arn,
                enabled=request.get("Enabled"),
            )
        return self._described_mapping(mapping)

    async def delete_event_source_mapping(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the mapping, Deleting."""
        with _translating(context):
            return self._described_mapping(
                await self.mappings.delete(context.account, context.region, request["UUID"])
            )

    def _described_mapping(self, mapping: Mapping) -> dict[str, Any]:
        return _described(mapping, self.mappings.last_result(mapping.id))

    def _function(self, context: RequestContext, request: dict[str, Any]) -> str:
        """The ARN of the function that is to be called, as it was named."""
        reference = named(context, {"FunctionName": request["FunctionName"]})
        if not self.registry.exists(reference):
            raise invalid_parameter("Function does not exist")
        return reference.arn


@contextlib.contextmanager
def _translating(context: RequestContext) -> Iterator[None]:
    with translating(context):
        try:
            yield
        except refused.MappingError as error:
            raise ServiceError(_CODES[type(error)], str(error)) from error


def _tuple(request: dict[str, Any], member: str) -> tuple[str, ...] | None:
    return tuple(request[member]) if member in request else None


def _epoch(moment: Any) -> float | None:
    return moment.timestamp() if isinstance(moment, datetime.datetime) else moment


def settings_of(request: dict[str, Any], settings: Settings) -> Settings:
    """`settings` with what a request sets."""
    members: dict[str, Any] = {
        field: request[member] for member, field in _PLAIN.items() if member in request
    }
    if "ProvisionedPollerConfig" in request:
        # An empty one takes the pollers away, as an empty ScalingConfig takes the maximum away.
        members["pollers"] = request["ProvisionedPollerConfig"] or None
    if "FilterCriteria" in request:
        # An empty list takes the filters away.
        filters = (request["FilterCriteria"] or {}).get("Filters") or ()
        members["filters"] = tuple(one.get("Pattern", "") for one in filters) or None
    if "MetricsConfig" in request:
        members["metrics"] = tuple(request["MetricsConfig"].get("Metrics") or ()) or None
    if "LoggingConfig" in request:
        members["system_log_level"] = request["LoggingConfig"].get("SystemLogLevel")
    if "ScalingConfig" in request:
        members["maximum_concurrency"] = request["ScalingConfig"].get("MaximumConcurrency")
    if "FunctionResponseTypes" in request:
        members["report_item_failures"] = bool(request["FunctionResponseTypes"])
    for member, field in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        destination = (request.get("DestinationConfig") or {}).get(member)
        if destination is not None:
            members[field] = destination.get("Destination") or None
    options = {member: request[member] for member in _OPTIONS if member in request}
    return replace(settings, options={**settings.options, **options}, **members)


def _described(mapping: Mapping, last_result: str) -> dict[str, Any]:
    """A mapping as every operation answers with it; which members it has depends on its source."""
    source, settings = KINDS[mapping.source_kind], mapping.settings
    started = mapping.starting_timestamp
    return {
        "UUID": mapping.id,
        "EventSourceMappingArn": mapping.arn,
        "EventSourceArn": mapping.source_arn,
        "FunctionArn": mapping.function_arn,
        "State": mapping.state,
        "StateTransitionReason": "User action" if source.user_action else "USER_INITIATED",
        "LastModified": datetime.datetime.fromtimestamp(mapping.modified_ms / 1000, datetime.UTC),
        "LastProcessingResult": last_result if source.processing_result else None,
        "StartingPosition": mapping.starting_position,
        "StartingPositionTimestamp": started,
        "Topics": mapping.topics,
        "Queues": mapping.queues,
        "SelfManagedEventSource": {"Endpoints": mapping.endpoints} if mapping.endpoints else None,
        **{member: getattr(settings, field) for member, field in _PLAIN.items()},
        **settings.options,
        "FilterCriteria": {"Filters": [{"Pattern": pattern} for pattern in settings.filters]}
        if settings.filters
        else None,
        "MetricsConfig": {"Metrics": list(settings.metrics)} if settings.metrics else None,
        "LoggingConfig": {"SystemLogLevel": settings.system_log_level} if settings.system_log_level else None,
        "ScalingConfig": {"MaximumConcurrency": settings.maximum_concurrency}
        if settings.maximum_concurrency
        else None,
        "FunctionResponseTypes": _response_types(settings),
        "DestinationConfig": _destinations(source, settings),
    }


def _response_types(settings: Settings) -> list[str] | None:
    if settings.report_item_failures is None:
        return None
    return ["ReportBatchItemFailures"] if settings.report_item_failures else []


def _destinations(source: Source, settings: Settings) -> dict[str, Any] | None:
    if "on_failure" not in source.allowed or (not source.user_action and settings.on_failure is None):
        return None
    return {"OnFailure": {} if settings.on_failure is None else {"Destination": settings.on_failure}}
