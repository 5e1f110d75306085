"""Constraint violations in AWS's own words.

The messages are recorded answers of AWS (LocalStack's test suite, `*.snapshot.json`, Apache-2.0), named by their
scenario, with placeholders filled in.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

from lambent.aws.errors import ServiceError
from lambent.aws.model import load_model
from lambent.aws.validate import Validators, enum_order, java_text, member_path

_VALIDATORS = functools.cache(lambda service: Validators(load_model(service)))

_REGION = r"(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}"
_ARN = rf"(arn:(aws[a-zA-Z-]*)?:lambda:)?({_REGION}:)?(\d{{12}}:)?(function:)?"
_NAME = rf"{_ARN}([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
_NAMESPACED_NAME = rf"{_ARN}([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
_QUALIFIER = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
_LAYER_VERSION = (
    rf"(arn:(aws[a-zA-Z-]*)?:lambda:{_REGION}:\d{{12}}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
_RESOURCE = (
    rf"arn:(aws[a-zA-Z-]*):lambda:{_REGION}:\d{{12}}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?"
    r"|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}"
    r"|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|capacity-provider:[a-zA-Z0-9-_]+)"
)
_RUNTIMES = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, "
    "python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, "
    "java11, "
    "dotnet6, nodejs18.x, provided.al2, java8.al2"
)
_ALL_RUNTIMES = (
    "ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, "
    "python3.8, java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, "
    "java25, "
    "java17, nodejs, nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, "
    "nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, nodejs14.x, nodejs8.9, "
    "nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, "
    "python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7"
)
_LAYER_ARN = "arn:aws:lambda:us-east-1:111111111111:layer:layer-1"
_LONG_ARN = "arn:aws:lambda:invalid-region:111111111111:function:my-function-" + "a" * 170
_CREATE = {"FunctionName": "f", "Role": "arn:aws:iam::111111111111:role/r", "Code": {"ZipFile": b"z"}}


def _pattern(value: str, path: str, pattern: str) -> str:
    return (
        f"Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        f"{pattern}"
    )


# scenario, operation, request, messages
_LAMBDA: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "TestLambdaAlias::test_notfound_and_invalid_routingconfigs/routing_config_exc_toohigh",
        "UpdateAlias",
        {"FunctionName": "f", "Name": "a", "RoutingConfig": {"AdditionalVersionWeights": {"2": 2.0}}},
        [
            (
                "Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map "
                "value must "
                "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value "
                "greater than "
                "or equal to 0.0, Member must not be null]"
            )
        ],
    ),
    (
        "TestLambdaAlias::test_notfound_and_invalid_routingconfigs/routing_config_exc_subzero",
        "UpdateAlias",
        {"FunctionName": "f", "Name": "a", "RoutingConfig": {"AdditionalVersionWeights": {"2": -1.0}}},
        [
            (
                "Value '{2=-1.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map "
                "value must "
                "satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value "
                "greater than "
                "or equal to 0.0, Member must not be null]"
            )
        ],
    ),
    (
        "TestLambdaAlias::test_notfound_and_invalid_routingconfigs/routing_config_exc_version_latest",
        "CreateAlias",
        {
            "FunctionName": "f",
            "Name": "a",
            "FunctionVersion": "1",
            "RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}},
        },
        [
            (
                "Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
                "Map keys "
                "must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length "
                "greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]"
            )
        ],
    ),
    (
        "TestLambdaAlias::test_alias_naming/create_alias_number_exception",
        "CreateAlias",
        {"FunctionName": "f", "Name": "2024", "FunctionVersion": "1"},
        [_pattern("2024", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")],
    ),
    (
        "TestLambdaTags::test_tag_exceptions/tag_lambda_invalidarn",
        "TagResource",
        {"Resource": "arn:aws:something", "Tags": {"a": "b"}},
        [_pattern("arn:aws:something", "resource", _RESOURCE)],
    ),
    (
        "TestLambdaTags::test_tag_exceptions/untag_empty_keys",
        "UntagResource",
        {"Resource": "arn:aws:lambda:us-east-1:111111111111:function:f"},
        ["Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"],
    ),
    (
        "TestLambdaProvisionedConcurrency::test_provisioned_concurrency_exceptions/put_provisioned_invalid_param_0",
        "PutProvisionedConcurrencyConfig",
        {"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
        [
            (
                "Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have "
                "value greater "
                "than or equal to 1"
            )
        ],
    ),
    (
        "TestLambdaUrl::test_url_config_exceptions/create_function_url_config_qualifier_latest",
        "CreateFunctionUrlConfig",
        {"FunctionName": "f", "Qualifier": "$LATEST", "AuthType": "NONE"},
        [_pattern("$LATEST", "qualifier", r"((?!^\d+$)^[0-9a-zA-Z-_]+$)")],
    ),
    (
        "TestLambdaURL::test_lambda_url_invalid_invoke_mode/invoke_function_invalid_invoke_type",
        "CreateFunctionUrlConfig",
        {"FunctionName": "f", "AuthType": "NONE", "InvokeMode": "UNKNOWN"},
        [
            (
                "Value 'UNKNOWN' at 'invokeMode' failed to satisfy constraint: Member must satisfy enum value set: "
                "[RESPONSE_STREAM, BUFFERED]"
            )
        ],
    ),
    (
        "TestLambdaPermissions::test_permission_exceptions/add_permission_invalid_statement_id",
        "AddPermission",
        {
            "FunctionName": "f",
            "StatementId": "example.com",
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
        },
        [_pattern("example.com", "statementId", "([a-zA-Z0-9-_]+)")],
    ),
    (
        "TestLambdaPermissions::test_permission_exceptions/add_permission_fn_qualifier_invalid",
        "AddPermission",
        {
            "FunctionName": "f",
            "StatementId": "s",
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "Qualifier": "invalid-qualifier-with-?-char",
        },
        [_pattern("invalid-qualifier-with-?-char", "qualifier", _QUALIFIER)],
    ),
    (
        "TestLambdaFunction::test_create_lambda_exceptions/invalid_role_arn_exc",
        "CreateFunction",
        {**_CREATE, "Role": "r1"},
        [_pattern("r1", "role", r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")],
    ),
    (
        "TestLambdaFunction::test_create_lambda_exceptions/multiple_architectures",
        "CreateFunction",
        {**_CREATE, "Architectures": ["x86_64", "arm64"]},
        [
            (
                "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have "
                "length less than "
                "or equal to 1"
            )
        ],
    ),
    (
        "TestLambdaFunction::test_create_lambda_exceptions/uppercase_architecture",
        "CreateFunction",
        {**_CREATE, "Architectures": ["X86_64"]},
        [
            (
                "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy "
                "constraint: [Member "
                "must satisfy enum value set: [x86_64, arm64], Member must not be null]"
            )
        ],
    ),
    (
        "TestLambdaFunction::test_list_functions/list_functions_invalid_functionversion",
        "ListFunctions",
        {"FunctionVersion": "invalid"},
        [
            (
                "Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value "
                "set: [ALL]"
            )
        ],
    ),
    (
        "TestLambdaLayer::test_layer_exceptions/list_layers_exc_compatibleruntime_invalid",
        "ListLayers",
        {"CompatibleRuntime": "runtimedoesnotexist"},
        [
            (
                "Value 'runtimedoesnotexist' at 'compatibleRuntime' failed to satisfy constraint: Member must "
                "satisfy enum "
                f"value set: [{_ALL_RUNTIMES}]"
            )
        ],
    ),
    (
        "TestLambdaLayer::test_layer_exceptions/list_layers_exc_compatiblearchitecture_invalid",
        "ListLayers",
        {"CompatibleArchitecture": "archdoesnotexist"},
        [
            (
                "Value 'archdoesnotexist' at 'compatibleArchitecture' failed to satisfy constraint: Member must "
                "satisfy enum "
                "value set: [x86_64, arm64]"
            )
        ],
    ),
    (
        "TestLambdaLayer::test_layer_exceptions/get_layer_version_by_arn_exc_invalidarn",
        "GetLayerVersionByArn",
        {"Arn": _LAYER_ARN},
        [_pattern(_LAYER_ARN, "arn", _LAYER_VERSION)],
    ),
    (
        "TestLambdaLayer::test_layer_exceptions/publish_layer_version_exc_partially_invalid_values",
        "PublishLayerVersion",
        {
            "LayerName": "l",
            "Content": {"ZipFile": b"z"},
            "CompatibleRuntimes": ["invalidruntime", "invalidruntime2", "nodejs20.x"],
            "CompatibleArchitectures": ["invalidarch", "x86_64"],
        },
        [
            (
                "Value '[invalidruntime, invalidruntime2, nodejs20.x]' at 'compatibleRuntimes' failed to satisfy "
                "constraint: "
                f"Member must satisfy enum value set: [{_RUNTIMES}]"
            ),
            (
                "Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: Member must "
                "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
            ),
        ],
    ),
    (
        "TestLambdaLayer::test_layer_policy_exceptions/layer_permission_action_invalid",
        "AddLayerVersionPermission",
        {"LayerName": "l", "VersionNumber": 1, "StatementId": "s", "Action": "*", "Principal": "*"},
        [_pattern("*", "action", "lambda:GetLayerVersion")],
    ),
    (
        "TestLambdaLayer::test_layer_function_exceptions/add_layer_arn_without_version_exc",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Layers": [_LAYER_ARN]},
        [
            (
                f"Value '[{_LAYER_ARN}]' at 'layers' failed to satisfy constraint: Member must satisfy "
                f"constraint: [Member "
                "must have length less than or equal to 2048, Member must have length greater than or equal to "
                "1, Member "
                f"must satisfy regular expression pattern: {_LAYER_VERSION}, Member must not be null]"
            )
        ],
    ),
    (
        "TestLambdaEventSourceMappings::test_create_event_source_validation/invalid_starting_position",
        "CreateEventSourceMapping",
        {"FunctionName": "f", "StartingPosition": "invalid"},
        [
            (
                "Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum "
                "value set: "
                "[LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
            )
        ],
    ),
    (
        "TestLambdaSnapStart::test_snapstart_exceptions/create_function_invalid_snapstart_apply",
        "CreateFunction",
        {**_CREATE, "SnapStart": {"ApplyOn": "invalidOption"}},
        [
            (
                "Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy "
                "enum value "
                "set: [PublishedVersions, None]"
            )
        ],
    ),
    (
        "TestLambdaRecursion::test_put_function_recursion_config_invalid_value/put_recursion_invalid_value_error",
        "PutFunctionRecursionConfig",
        {"FunctionName": "f", "RecursiveLoop": "InvalidValue"},
        [
            (
                "Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum "
                "value set: "
                "[Terminate, Allow]"
            )
        ],
    ),
    (
        "TestLambdaFunction::test_function_arns/invalid_function_name_exc",
        "CreateFunction",
        {**_CREATE, "FunctionName": "invalid:function:name"},
        [_pattern("invalid:function:name", "functionName", _NAME)],
    ),
    (
        "TestLambdaFunction::test_invalid_invoke/invoke_function_name_pattern_exc",
        "Invoke",
        {"FunctionName": "arn:aws:lambda:us-east-1:123400000000@function:myfn"},
        [_pattern("arn:aws:lambda:us-east-1:123400000000@function:myfn", "functionName", _NAMESPACED_NAME)],
    ),
    (
        "test_function_name_and_qualifier_validation[invalid_characters_in_qualifier-get_function]",
        "GetFunction",
        {"FunctionName": "f", "Qualifier": "invalid!"},
        [_pattern("invalid!", "qualifier", _QUALIFIER)],
    ),
    (
        "test_function_name_and_qualifier_validation[qualifier_too_long0-delete_function]",
        "DeleteFunction",
        {"FunctionName": "f", "Qualifier": "a" * 129},
        [
            (
                f"Value '{'a' * 129}' at 'qualifier' failed to satisfy constraint: Member must have length less "
                f"than or equal "
                "to 128"
            )
        ],
    ),
    (
        "test_function_name_and_qualifier_validation[latest_version_with_additional_qualifier-create_function]",
        "CreateFunction",
        {**_CREATE, "FunctionName": "arn:aws:lambda:us-east-1:111111111111:function:my-function:$LATEST:1"},
        [
            _pattern(
                "arn:aws:lambda:us-east-1:111111111111:function:my-function:$LATEST:1", "functionName", _NAME
            )
        ],
    ),
    (
        "test_function_name_and_qualifier_validation[function_name_too_long_and_invalid_region-create_function]",
        "CreateFunction",
        {**_CREATE, "FunctionName": _LONG_ARN},
        [
            _pattern(_LONG_ARN, "functionName", _NAME),
            (
                f"Value '{_LONG_ARN}' at 'functionName' failed to satisfy constraint: Member must have length "
                f"less than or "
                "equal to 140"
            ),
        ],
    ),
    (
        "test_function_name_and_qualifier_validation[full_arn_and_qualifier_too_long_and_invalid_region-get_function]",
        "GetFunction",
        {"FunctionName": _LONG_ARN, "Qualifier": "a" * 129},
        [
            _pattern(_LONG_ARN, "functionName", _NAMESPACED_NAME),
            (
                f"Value '{'a' * 129}' at 'qualifier' failed to satisfy constraint: Member must have length less "
                f"than or equal "
                "to 128"
            ),
        ],
    ),
    (
        "TestLambdaFunction::test_invalid_vpc_config_subnet/create-response-invalid-format-subnet-id",
        "CreateFunction",
        {**_CREATE, "VpcConfig": {"SubnetIds": ["bad-format"], "SecurityGroupIds": []}},
        [
            (
                "Value '[bad-format]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy "
                "constraint: "
                "[Member must have length less than or equal to 1024, Member must have length greater than or "
                "equal to 0, "
                "Member must satisfy regular expression pattern: subnet-[0-9a-z]*]"
            )
        ],
    ),
    (
        "TestLambdaFunction::test_invalid_vpc_config_security_group/create-response-invalid-format-security-group",
        "CreateFunction",
        {**_CREATE, "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": ["bad-format"]}},
        [
            (
                "Value '[bad-format]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: Member must "
                "satisfy "
                "constraint: [Member must have length less than or equal to 1024, Member must have length "
                "greater than or "
                "equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]"
            )
        ],
    ),
    (
        "Lambda quotas: timeout",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Timeout": 901},
        [
            "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"
        ],
    ),
    (
        "Lambda quotas: memory",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "MemorySize": 10241},
        [
            (
                "Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or "
                "equal to 10240"
            )
        ],
    ),
    (
        "Lambda quotas: ephemeral storage",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "EphemeralStorage": {"Size": 511}},
        [
            (
                "Value '511' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value "
                "greater than or "
                "equal to 512"
            )
        ],
    ),
    (
        "sensitive values are not shown",
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Environment": {"Variables": {"1A": "secret"}}},
        [
            (
                "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy "
                "constraint: [Member "
                "must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
            )
        ],
    ),
    (
        "members of structures in lists",
        "CreateFunction",
        {**_CREATE, "FileSystemConfigs": [{"LocalMountPath": "/mnt/x"}]},
        [
            "Value null at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: Member must not be null"
        ],
    ),
]

_EVENTS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "TestEvents::test_create_connection_validations/create_connection_exc",
        "CreateConnection",
        {
            "Name": "This should fail with two errors 123467890123412341234123412341234",
            "AuthorizationType": "INVALID",
            "AuthParameters": {},
        },
        [
            _pattern(
                "This should fail with two errors 123467890123412341234123412341234",
                "name",
                r"[\.\-_A-Za-z0-9]+",
            ),
            (
                "Value 'This should fail with two errors 123467890123412341234123412341234' at 'name' failed to "
                "satisfy "
                "constraint: Member must have length less than or equal to 64"
            ),
            (
                "Value 'INVALID' at 'authorizationType' failed to satisfy constraint: Member must satisfy enum "
                "value set: "
                "[BASIC, OAUTH_CLIENT_CREDENTIALS, API_KEY]"
            ),
        ],
    ),
    (
        "TestEventTarget::test_put_target_id_validation/put-targets-invalid-id-error",
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "!@#$@!#$", "Arn": "arn:aws:sqs:us-east-1:111111111111:q"}]},
        [_pattern("!@#$@!#$", "targets.1.member.id", r"[\.\-_A-Za-z0-9]+")],
    ),
]


def _validate(service: str, operation: str, request: dict[str, Any]) -> None:
    _VALIDATORS(service).validator(load_model(service).operation(operation))(request)


@pytest.mark.parametrize(
    ("service", "scenario", "operation", "request_members", "messages"),
    [
        pytest.param(service, *row, id=row[0])
        for service, rows in (("lambda", _LAMBDA), ("events", _EVENTS))
        for row in rows
    ],
)
def test_recorded_messages(
    service: str, scenario: str, operation: str, request_members: dict[str, Any], messages: list[str]
) -> None:
    with pytest.raises(ServiceError) as raised:
        _validate(service, operation, request_members)
    count = (
        "1 validation error detected" if len(messages) == 1 else f"{len(messages)} validation errors detected"
    )
    head, _, rest = raised.value.message.partition(": ")
    assert (raised.value.code, raised.value.status, head) == ("ValidationException", 400, count), scenario
    # In which order AWS names several members is not the same in all recordings.
    assert sorted(rest.split("; ")) == sorted(messages)


def test_several_violations_of_one_member_keep_awss_order() -> None:
    _, operation, request, messages = _EVENTS[0]
    with pytest.raises(ServiceError) as raised:
        _validate("events", operation, request)
    assert raised.value.message == f"3 validation errors detected: {'; '.join(messages)}"


def test_runtimes_of_a_layer_come_before_its_architectures() -> None:
    (row,) = (row for row in _LAMBDA if row[0].endswith("publish_layer_version_exc_partially_invalid_values"))
    _, operation, request, messages = row
    with pytest.raises(ServiceError) as raised:
        _validate("lambda", operation, request)
    assert raised.value.message == f"2 validation errors detected: {'; '.join(messages)}"


def test_structures_are_shown_as_java_prints_them() -> None:
    """TestEvents::test_put_events_exceed_limit_ten_entries, but for the members that only AWS's own model has."""
    entry = {"Source": "core", "DetailType": "update", "Detail": '{"a": 1}'}
    with pytest.raises(ServiceError) as raised:
        _validate("events", "PutEvents", {"Entries": [entry] * 11})
    shown = 'PutEventsRequestEntry(time=null, source=core, resources=null, detailType=update, detail={"a": 1}'
    assert shown in raised.value.message
    assert raised.value.message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )


@pytest.mark.parametrize(
    ("operation", "request_members"),
    [
        ("CreateFunction", {**_CREATE, "Runtime": "cobol85", "Tags": {"größe": "1 m² ok"}, "Layers": []}),
        ("CreateFunction", {**_CREATE, "FunctionName": "a" * 65}),
        ("GetFunction", {"FunctionName": "arn:aws:lambda:us-gov-west-1:111111111111:function:f:$LATEST"}),
        ("Invoke", {"FunctionName": "f", "Qualifier": "$LATEST", "Payload": b""}),
        ("ListFunctions", {}),
        ("GetAccountSettings", {}),
    ],
)
def test_what_satisfies_the_model(operation: str, request_members: dict[str, Any]) -> None:
    _validate("lambda", operation, request_members)


def test_missing_members_are_named_in_the_models_order() -> None:
    with pytest.raises(ServiceError) as raised:
        _validate("lambda", "CreateFunction", {"Code": {}})
    assert raised.value.message == (
        "2 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not be "
        "null; Value null at 'role' failed to satisfy constraint: Member must not be null"
    )


def test_null_elements() -> None:
    with pytest.raises(ServiceError, match=r"Value '\[null\]' at 'layers' .*, Member must not be null\]"):
        _validate("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Layers": [None]})


def test_shapes_that_contain_themselves() -> None:
    nested: dict[str, Any] = {"M": {"a": {"L": [{"M": {"": {"S": "x"}}}]}}}
    _validate("dynamodb", "PutItem", {"TableName": "abc", "Item": {"k": nested}})


def test_logs_call_it_an_invalid_parameter() -> None:
    with pytest.raises(ServiceError) as raised:
        _validate("logs", "CreateLogGroup", {"logGroupName": "a b"})
    assert raised.value.code == "InvalidParameterException"
    assert "Value 'a b' at 'logGroupName' failed to satisfy constraint" in raised.value.message


@pytest.mark.parametrize("service", ["lambda", "logs", "sqs", "sns", "events", "dynamodb", "scheduler"])
def test_every_operation_compiles(service: str) -> None:
    model = load_model(service)
    for operation in model.operation_models:
        _VALIDATORS(service).validator(model.operation(operation))


def test_enum_order() -> None:
    assert enum_order(["API_KEY", "BASIC", "OAUTH_CLIENT_CREDENTIALS"]) == [
        "BASIC",
        "OAUTH_CLIENT_CREDENTIALS",
        "API_KEY",
    ]


@pytest.mark.parametrize(
    ("name", "path"), [("FunctionName", "functionName"), ("KMSKeyArn", "kMSKeyArn"), ("tags", "tags")]
)
def test_member_path(name: str, path: str) -> None:
    assert member_path(name) == path


def test_java_text_masks_what_is_sensitive() -> None:
    shape = load_model("lambda").operation("CreateFunction").input
    assert shape is not None
    shown = java_text({"FunctionName": "f", "Publish": True, "Environment": {"Variables": {"A": "s"}}}, shape)
    assert "functionName=f, " in shown
    assert "publish=true" in shown
    assert "environment=Environment(variables=***Sensitive Data Redacted***)" in shown
