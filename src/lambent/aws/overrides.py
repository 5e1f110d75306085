"""Where AWS's servers differ from the public models, each difference with the recorded answer that shows it.

The recordings are those of LocalStack's test suite, named by scenario; tests/aws/test_validate.py repeats their
messages. Quotas come from the "Lambda quotas" page of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

# TestLambdaLayer::test_layer_exceptions/list_layers_exc_compatibleruntime_invalid
_LAMBDA_ALL_RUNTIMES = tuple(
    (  # noqa: SIM905 - one name a line would fill a page
        "ruby3.5 ruby2.6 dotnetcore1.0 python3.7 nodejs8.10 nasa ruby2.7 python2.7-greengrass "
        "dotnetcore2.0 python3.8 java21 dotnet6 dotnetcore2.1 python3.9 java11 nodejs6.10 provided "
        "dotnetcore3.1 dotnet8 java25 java17 nodejs nodejs4.3 java8.al2 go1.x dotnet10 nodejs20.x go1.9 "
        "byol nodejs10.x provided.al2023 nodejs22.x python3.10 java8 nodejs12.x python3.11 nodejs24.x "
        "nodejs8.x python3.12 nodejs14.x nodejs8.9 nodejs26.x python3.13 python3.14 nodejs16.x python3.15 "
        "provided.al2 nodejs4.3-edge nodejs18.x ruby3.2 python3.4 ruby3.3 ruby3.4 ruby2.5 python3.6 "
        "python2.7"
    ).split()
)
# TestLambdaFunction::test_create_lambda_exceptions/invalid_runtime_exc
LAMBDA_VALID_RUNTIMES = tuple(
    (  # noqa: SIM905 - one name a line would fill a page
        "nodejs20.x python3.14 provided.al2023 python3.12 python3.13 nodejs24.x nodejs22.x java25 "
        "python3.10 python3.11 java21 ruby3.3 ruby3.4 ruby3.2 python3.8 python3.9 java17 nodejs16.x "
        "dotnet10 dotnet8 java11 dotnet6 nodejs18.x provided.al2 java8.al2"
    ).split()
)
"""The runtimes that Lambda names when it refuses one, in AWS's order."""

# TestEvents::test_put_events_exceed_limit_ten_entries
UNMODELLED: Mapping[str, tuple[str, ...]] = {
    "PutEventsRequestEntry": ("KmsKeyIdentifier", "InternalMetadata"),
}
"""Members that AWS's messages show of a structure and the public models do not have, by shape name."""

_REGION = r"(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}"

Traits = Mapping[str, Any]


class Quirks(msgspec.Struct, frozen=True):
    """What one service does in its own way."""

    validation_code: str = "ValidationException"
    """The code of "n validation errors detected"; the query protocol's writer turns the default into its own.
    """
    malformed_code: str = "SerializationException"
    """The code for a body that is not JSON."""
    shapes: Mapping[str, Traits] = {}
    """Constraint traits by shape name, laid over the model's; a trait of None is dropped. Besides the model's
    own traits: `nullable` (members of the list may be null), `enum_on_list` (the members' enum is worded as
    if it were the list's own)."""
    members: Mapping[str, Traits] = {}
    """The same for one member of an operation's input: by `Operation.Member`."""
    first: Mapping[str, tuple[str, ...]] = {}
    """Members of an operation's input whose violations are listed before those of the others: by operation."""
    error_namespace: str = ""
    """What stands before the code in `__type`."""
    query_error_codes: Mapping[str, str] = {}
    """The query protocol's code of an error shape, where the model does not say it."""
    error_detail: bool = False
    """Whether query errors hold an empty Detail."""
    query_messages: Mapping[str, str] = {}
    """The query protocol's message of an error shape, where it differs from the JSON protocol's."""
    query_json_names: Mapping[str, str] = {}
    """Members that are called differently in the query protocol's JSON answers."""
    no_action: bytes = b""
    """The answer, with status 404, to a query request that names no action, where it is not an ordinary error."""
    words_itself: bool = False
    """The service checks the model's constraints itself and refuses one thing at a time, in words of its own."""


_LAMBDA = Quirks(
    malformed_code="InvalidRequestContentException",
    shapes={
        # Refused by the service itself, in other words: TestLambdaFunction::test_create_lambda_exceptions.
        "Runtime": {"enum": None},
        # TestLambdaLayer::test_layer_exceptions/publish_layer_version_exc_invalid_runtime_arch
        "CompatibleRuntimes": {"enum_on_list": LAMBDA_VALID_RUNTIMES},
        # TestLambdaFunction::test_invalid_vpc_config_subnet, ::test_invalid_vpc_config_security_group
        "SubnetIds": {"nullable": True},
        "SecurityGroupIds": {"nullable": True},
        # TestLambdaLayer::test_layer_function_exceptions/add_layer_arn_without_version_exc
        "LayerVersionArn": {
            "pattern": rf"(arn:(aws[a-zA-Z-]*)?:lambda:{_REGION}:\d{{12}}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
            r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
        },
        # TestLambdaTag::test_tag_exceptions/invalid_arn_exception
        "TaggableResource": {
            "pattern": rf"arn:(aws[a-zA-Z-]*):lambda:{_REGION}:\d{{12}}:"
            r"(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)"
            r"|code-signing-config:csc-[a-z0-9]{17}"
            r"|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
            r"|capacity-provider:[a-zA-Z0-9-_]+)"
        },
        # Quotas of ordinary functions; the model's larger ones belong to instances managed by capacity
        # providers.
        "MemorySize": {"max": 10240},
        "Timeout": {"max": 900},
        "EphemeralStorageSize": {"max": 10240},
    },
    members={
        "ListLayers.CompatibleRuntime": {"enum": _LAMBDA_ALL_RUNTIMES},
        "ListLayerVersions.CompatibleRuntime": {"enum": _LAMBDA_ALL_RUNTIMES},
    },
    # TestLambdaLayer::test_layer_exceptions/publish_layer_version_exc_invalid_runtime_arch
    first={"PublishLayerVersion": ("CompatibleRuntimes",)},
)

_STACK_NAME = "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"

_QUIRKS = {
    "lambda": _LAMBDA,
    # TestStacksApi::test_stack_name_creation
    "cloudformation": Quirks(
        shapes={name: {"pattern": _STACK_NAME} for name in ("StackName", "StackNameOrId")}
    ),
    # CloudWatch Logs' own pages call every refused parameter InvalidParameterException.
    "logs": Quirks(validation_code="InvalidParameterException"),
    # API Gateway V2 models no ValidationException.
    "apigatewayv2": Quirks(
        validation_code="BadRequestException",
        malformed_code="BadRequestException",
        # The service words these itself: "Timeout should be between 50 ms and 30000 ms".
        shapes={
            "IntegerWithLengthBetween50And30000": {"min": None, "max": None},
            "IntegerWithLengthBetween0And3600": {"min": None, "max": None},
            "IntegerWithLengthBetweenMinus1And86400": {"min": None, "max": None},
            "ProtocolType": {"enum": None},
        },
    ),
    # SNS models a ValidationException, but answers its constraints as every query service does.
    "sns": Quirks(validation_code="ValidationError"),
    "sqs": Quirks(
        error_namespace="com.amazonaws.sqs#",
        error_detail=True,
        words_itself=True,
        # TestSqsQueryApi::test_get_without_query_returns_unknown_operation
        no_action=b"<UnknownOperationException/>",
        query_json_names={"Messages": "messages"},
        # TestSqsProvider::test_non_existent_queue/queue-does-not-exist-query
        query_messages={"QueueDoesNotExist": "The specified queue does not exist for this wsdl version."},
        # The codes of the pairs [sqs] and [sqs_query] of TestSqsProvider's scenarios.
        query_error_codes={
            "AccessDeniedException": "AccessDenied",
            "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
            "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
            "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
            "InvalidParameterValueException": "InvalidParameterValue",
            "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
            "MissingRequiredParameterException": "MissingParameter",
            "PurgeQueueInProgress": "AWS.SimpleQueueService.PurgeQueueInProgress",
            "QueueDeletedRecently": "AWS.SimpleQueueService.QueueDeletedRecently",
            "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
            "QueueNameExists": "QueueAlreadyExists",
            "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
        },
    ),
    "dynamodb": Quirks(error_namespace="com.amazonaws.dynamodb.v20120810#"),
}
_PLAIN = Quirks()


def quirks_of(service: str) -> Quirks:
    """The quirks of the service that botocore calls `service`."""
    return _QUIRKS.get(service, _PLAIN)
