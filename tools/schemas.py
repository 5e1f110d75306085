"""Makes `src/lambent/stacks/schemas/data` from AWS's published CloudFormation resource schemas.

    pip download --no-deps cfn-lint && unzip cfn_lint-*.whl -d cfn-lint
    python -m tools.schemas cfn-lint/cfnlint/data/schemas

The schemas are those of CloudFormation's registry, as cfn-lint (MIT-0) carries them. Kept are facts alone: names,
types, constraints, identifiers, which properties replace. Left out are texts, permissions, what cfn-lint adds for
itself, and types of services that nothing here makes.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).resolve().parent.parent / "src/lambent/stacks/schemas/data"

SERVICES: Final = frozenset(
    [
        "ApiGateway",
        "ApiGatewayV2",
        "AppConfig",
        "AppSync",
        "ApplicationAutoScaling",
        "CDK",
        "CertificateManager",
        "CloudWatch",
        "CodeDeploy",
        "Cognito",
        "DynamoDB",
        "ECR",
        "EventSchemas",
        "Events",
        "IAM",
        "IoT",
        "KMS",
        "Kinesis",
        "KinesisFirehose",
        "Lambda",
        "Logs",
        "Pipes",
        "Route53",
        "S3",
        "SNS",
        "SQS",
        "SSM",
        "Scheduler",
        "SecretsManager",
        "StepFunctions",
        "XRay",
    ]
)
"""Services of which all types are kept."""

TYPES: Final = frozenset(
    [
        "AWS::CloudFormation::CustomResource",
        "AWS::CloudFormation::Macro",
        "AWS::CloudFormation::Stack",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::EC2::EIP",
        "AWS::EC2::EIPAssociation",
        "AWS::EC2::FlowLog",
        "AWS::EC2::Instance",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::KeyPair",
        "AWS::EC2::LaunchTemplate",
        "AWS::EC2::NatGateway",
        "AWS::EC2::NetworkAcl",
        "AWS::EC2::NetworkAclEntry",
        "AWS::EC2::NetworkInterface",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetNetworkAclAssociation",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        "AWS::ServiceDiscovery::Service",
        "AWS::WAFv2::WebACLAssociation",
    ]
)
"""Single types of other services."""

# Facts that readOnlyProperties do not tell: properties that Fn::GetAtt gives as well, by the resource types' pages of
# the CloudFormation Template Reference ("Return values").
ALL_PROPERTIES: Final = frozenset(
    [
        "AWS::AppSync::DomainName",
        "AWS::AppSync::FunctionConfiguration",
        "AWS::AppSync::Resolver",
        "AWS::EC2::Instance",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::Events::EventBus",
        "AWS::EventSchemas::Discoverer",
        "AWS::EventSchemas::Registry",
        "AWS::EventSchemas::Schema",
        "AWS::S3::AccessPoint",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::StepFunctions::Activity",
    ]
)
ATTRIBUTES: Final = {
    "AWS::AppSync::DataSource": ["Name"],
    "AWS::CloudWatch::InsightRule": ["RuleName"],
    "AWS::CloudFormation::CustomResource": ["*"],
    "AWS::CloudFormation::Stack": ["Outputs.*"],
    "AWS::Kinesis::StreamConsumer": ["ConsumerName", "StreamARN"],
    "AWS::ServiceDiscovery::Service": ["Name"],
}
# cfn-lint has added the services' own constraints to these, where CloudFormation's schemas have none: such values are
# refused by the services, in their words.
LOOSE: Final = frozenset(["DynamoDB", "IAM", "SNS", "SQS"])
_CONSTRAINTS: Final = frozenset(
    ["enum", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "pattern"]
)

# The pages say "Update requires: Replacement" where the schema has nothing.
REPLACES: Final = {
    "AWS::DynamoDB::Table": ["/properties/LocalSecondaryIndexes"],
    "AWS::Events::EventBus": ["/properties/EventSourceName"],
    "AWS::Route53::RecordSet": ["/properties/Name"],
}
# "Some interruptions. Replacement if you edit an existing …"
CONDITIONAL: Final = {
    "AWS::DynamoDB::Table": ["/properties/AttributeDefinitions"],
}

_KEPT: Final = frozenset(
    [
        "type",
        "properties",
        "patternProperties",
        "required",
        "items",
        "$ref",
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "uniqueItems",
        "dependencies",
        "anyOf",
        "oneOf",
        "allOf",
        "insertionOrder",
        "default",
    ]
)
_NAMED: Final = frozenset(["properties", "patternProperties", "definitions"])


def main(source: Path) -> None:
    """Write one file a service, `<service>.json`: type -> schema."""
    index: dict[str, str] = json.loads((source / "providers/us-east-1.json").read_text())
    services: dict[str, dict[str, Any]] = {}
    for name, file in sorted(index.items()):
        service = name.split("::")[1]
        if service in SERVICES or name in TYPES:
            schema = json.loads((source / "resources" / f"{file}.json").read_text())
            services.setdefault(service.lower(), {})[name] = compact(name, schema)
    for old in TARGET.glob("*.json"):
        old.unlink()
    for service, types in services.items():
        text = ",\n".join(f"{json.dumps(name)}:{json.dumps(types[name], **_COMPACT)}" for name in types)
        (TARGET / f"{service}.json").write_text(f"{{{text}}}\n")
    size = sum(path.stat().st_size for path in TARGET.glob("*.json"))
    print(f"{sum(map(len, services.values()))} types, {size / 1024:.0f} KiB in {len(services)} files")


_COMPACT: Final[dict[str, Any]] = {"separators": (",", ":"), "sort_keys": True}


def compact(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a type's schema. Pointers become paths with dots: `Code.S3Key`, `Rules.*.Id`."""
    legacy = "create" not in schema.get("handlers", {})
    read_only = _paths(schema, "readOnlyProperties")
    loose = name.split("::")[1] in LOOSE
    properties: dict[str, Any] = {
        key: node(value, loose=loose) for key, value in schema["properties"].items()
    }
    if legacy:
        # Made up for the identifier: such types have none.
        properties.pop("Id", None)
        read_only = [path for path in read_only if path != "Id"]
    if name == "AWS::Lambda::Function":
        del properties["Runtime"]["enum"]
    if name == "AWS::CloudFormation::Stack":
        properties["Parameters"]["patternProperties"] = {".*": {"type": "string"}}
    result: dict[str, Any] = {
        "properties": properties,
        "required": sorted(schema.get("required", [])),
        "identifier": _paths(schema, "primaryIdentifier"),
        "attributes": sorted({*read_only, *ATTRIBUTES.get(name, []), *_own_properties(name, schema)}),
        "readOnly": read_only,
        "createOnly": sorted(
            {*_paths(schema, "createOnlyProperties"), *(_path(pointer) for pointer in REPLACES.get(name, []))}
        ),
        "conditional": sorted(
            {
                *_paths(schema, "conditionalCreateOnlyProperties"),
                *(_path(pointer) for pointer in CONDITIONAL.get(name, [])),
            }
        ),
        "writeOnly": _paths(schema, "writeOnlyProperties"),
    }
    definitions = {key: node(value, loose=loose) for key, value in schema.get("definitions", {}).items()}
    if name == "AWS::Lambda::Function":
        patterns = definitions["Environment"]["properties"]["Variables"]["patternProperties"]
        patterns.update((name, {"type": "string"}) for name in list(patterns))
    if definitions:
        result["definitions"] = definitions
    tag = _tag_property(schema)
    if tag:
        result["tags"] = tag
    if legacy:
        result["legacy"] = True
    if name == "AWS::CloudFormation::CustomResource":
        result["open"] = True
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and (branches := _branches(schema[keyword])):
            result[keyword] = branches
    return {key: value for key, value in result.items() if value}


def node(schema: Any, *, loose: bool = False) -> Any:
    """A property's schema without what CloudFormation does not check; `loose`: without constraints of values."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "additionalProperties":
            if value is True or isinstance(value, dict):
                result[keyword] = node(value, loose=loose)
        elif keyword not in _KEPT or (loose and keyword in _CONSTRAINTS):
            continue
        elif keyword in _NAMED:
            result[keyword] = {
                (_pattern(key) or "") if keyword == "patternProperties" else key: node(item, loose=loose)
                for key, item in value.items()
            }
        elif keyword in ("anyOf", "oneOf"):
            if branches := _branches(value, loose=loose):
                result[keyword] = branches
        elif keyword == "allOf":
            if not any("if" in branch for branch in value):
                result[keyword] = [node(branch, loose=loose) for branch in value]
        elif keyword == "pattern":
            if pattern := _pattern(value):
                result[keyword] = pattern
        elif keyword == "insertionOrder":
            if value is False:
                result[keyword] = value
        elif keyword == "uniqueItems":
            if value:
                result[keyword] = value
        elif keyword == "$ref":
            result[keyword] = value.removeprefix("#/definitions/")
        elif keyword == "items":
            result[keyword] = node(value, loose=loose)
        else:
            result[keyword] = value
    return result


def _branches(branches: list[Any], *, loose: bool = False) -> list[Any]:
    """Alternatives, unless one of them is about relations and formats only: then there is nothing to choose."""
    kept = [node(branch, loose=loose) for branch in branches]
    return kept if all(kept) else []


_CATEGORIES: Final = {
    "L": r"\w", "M": r"\w", "Alnum": r"\w", "Z": r"\s", "N": r"\d", "S": r"\W", "P": r"\W", "Graph": r"\S",
    "Print": r"\x20-\x7e", "ASCII": r"\x00-\x7f",
}  # fmt: skip
"""Java's classes of characters, as they stand between brackets; Python's are a little wider."""


def _pattern(pattern: str) -> str | None:
    """The pattern in Python's dialect; None for one that it has no words for."""

    def translated(found: re.Match[str]) -> str:
        characters = _CATEGORIES[found[1]]
        before = re.sub(r"\\.", "", pattern[: found.start()])
        inside = before.rfind("[") > before.rfind("]")
        return characters if inside or "-" not in characters else f"[{characters}]"

    try:
        pattern = re.sub(r"\\p\{(\w+)\}", translated, pattern)
        re.compile(pattern)
    except (KeyError, re.error):
        return None
    return pattern


def _path(pointer: str) -> str:
    return ".".join(
        part
        for part in pointer.removeprefix("/properties/").split("/")
        if part not in ("properties", "items")
    )


def _paths(schema: dict[str, Any], keyword: str) -> list[str]:
    return sorted({_path(pointer) for pointer in schema.get(keyword, [])}, key=_order(schema, keyword))


def _order(schema: dict[str, Any], keyword: str) -> Any:
    # The order of an identifier's parts means something.
    pointers = [_path(pointer) for pointer in schema.get(keyword, [])]
    return pointers.index


def _own_properties(name: str, schema: dict[str, Any]) -> list[str]:
    if name not in ALL_PROPERTIES:
        return []
    return [
        key
        for key, value in schema["properties"].items()
        if value.get("type") not in ("object", "array") or value.get("items", {}).get("type") == "string"
    ]


def _tag_property(schema: dict[str, Any]) -> str | None:
    tagging = schema.get("tagging", {})
    if tagging.get("taggable", schema.get("taggable", True)) is False:
        return None
    named = _path(tagging.get("tagProperty", "/properties/Tags"))
    return named if named in schema["properties"] else None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
