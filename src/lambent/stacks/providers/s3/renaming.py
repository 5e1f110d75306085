"""The names that the same members have as properties and in S3's requests.

A `Renaming` has, by the name of a property, the name in requests and what is within. What it does not have is called
the same in both, all the way down. Lists are walked through.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class Renamed(NamedTuple):
    """A member: its name in requests, and the members within."""

    name: str
    within: Mapping[str, Renamed] = MappingProxyType({})


Renaming: TypeAlias = "Mapping[str, Renamed]"

_STORED: Final[Renaming] = {
    "S3Key": Renamed("Key", {"Rules": Renamed("FilterRules")}),
}
_FILTER: Final = Renamed("Filter", _STORED)

ENCRYPTION: Final[Renaming] = {
    "ServerSideEncryptionConfiguration": Renamed(
        "Rules", {"ServerSideEncryptionByDefault": Renamed("ApplyServerSideEncryptionByDefault")}
    )
}
CORS: Final[Renaming] = {
    "CorsRules": Renamed(
        "CORSRules",
        {"Id": Renamed("ID"), "ExposedHeaders": Renamed("ExposeHeaders"), "MaxAge": Renamed("MaxAgeSeconds")},
    )
}
WEBSITE: Final[Renaming] = {
    "RoutingRules": Renamed(
        "RoutingRules", {"RedirectRule": Renamed("Redirect"), "RoutingRuleCondition": Renamed("Condition")}
    )
}
NOTIFICATION: Final[Renaming] = {
    "LambdaConfigurations": Renamed(
        "LambdaFunctionConfigurations", {"Function": Renamed("LambdaFunctionArn"), "Filter": _FILTER}
    ),
    "QueueConfigurations": Renamed("QueueConfigurations", {"Queue": Renamed("QueueArn"), "Filter": _FILTER}),
    "TopicConfigurations": Renamed("TopicConfigurations", {"Topic": Renamed("TopicArn"), "Filter": _FILTER}),
}
LOGGING: Final[Renaming] = {
    "DestinationBucketName": Renamed("TargetBucket"),
    "LogFilePrefix": Renamed("TargetPrefix"),
}
REPLICATION: Final[Renaming] = {
    "Rules": Renamed(
        "Rules",
        {
            "Id": Renamed("ID"),
            "Filter": Renamed(
                "Filter",
                {"TagFilter": Renamed("Tag"), "And": Renamed("And", {"TagFilters": Renamed("Tags")})},
            ),
        },
    )
}


def requested(value: Any, renaming: Renaming) -> Any:
    """A property as it is in requests."""
    if isinstance(value, list):
        return [requested(one, renaming) for one in value]
    if not isinstance(value, dict) or not renaming:
        return value
    return {
        renaming[name].name if name in renaming else name: requested(one, renaming[name].within)
        if name in renaming
        else one
        for name, one in value.items()
    }


def read(value: Any, renaming: Renaming) -> Any:
    """What is in an answer as it is in properties."""
    if isinstance(value, list):
        return [read(one, renaming) for one in value]
    if not isinstance(value, dict) or not renaming:
        return value
    back = {renamed.name: (name, renamed.within) for name, renamed in renaming.items()}
    return {
        back[name][0] if name in back else name: read(one, back[name][1]) if name in back else one
        for name, one in value.items()
    }
