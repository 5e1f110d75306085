"""Lifecycle rules: a property's form of them is flatter than S3's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.providers.base import chosen, told

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties

SMALLEST: Final = "TransitionDefaultMinimumObjectSize"
"""Of all rules, in S3 a member of the request and the answer themselves."""


def requested(configuration: Properties) -> dict[str, Any]:
    """LifecycleConfiguration as PutBucketLifecycleConfiguration takes it."""
    return {"Rules": [_rule(rule) for rule in configuration.get("Rules", [])]}


def read(found: dict[str, Any]) -> Properties:
    """The other way round."""
    return {"Rules": [_read_rule(rule) for rule in found.get("Rules", [])]}


def _rule(rule: Properties) -> dict[str, Any]:
    transitions = [*rule.get("Transitions", []), *_list(rule.get("Transition"))]
    noncurrent = [
        *rule.get("NoncurrentVersionTransitions", []),
        *_list(rule.get("NoncurrentVersionTransition")),
    ]
    expiration = rule.get("NoncurrentVersionExpiration")
    if expiration is None and "NoncurrentVersionExpirationInDays" in rule:
        expiration = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    return told(
        {
            "ID": rule.get("Id"),
            "Status": rule["Status"],
            "Expiration": told(
                {
                    "Date": rule.get("ExpirationDate"),
                    "Days": rule.get("ExpirationInDays"),
                    "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
                }
            ),
            "Transitions": [
                told(
                    {
                        "Date": one.get("TransitionDate"),
                        "Days": one.get("TransitionInDays"),
                        "StorageClass": one["StorageClass"],
                    }
                )
                for one in transitions
            ],
            "NoncurrentVersionTransitions": [
                {
                    "NoncurrentDays": one["TransitionInDays"],
                    **chosen(one, ("StorageClass", "NewerNoncurrentVersions")),
                }
                for one in noncurrent
            ],
            "NoncurrentVersionExpiration": expiration,
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        }
    ) | {"Filter": filter_of(rule)}


def filter_of(rule: Properties) -> dict[str, Any]:
    """Prefix, TagFilters and sizes, flat in properties, as S3's Filter: one alone as it is, more within And."""
    parts: dict[str, Any] = chosen(rule, ("Prefix", "AccessPointArn"))
    for member in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if member in rule:
            parts[member] = int(rule[member])
    tags = rule.get("TagFilters") or []
    if not tags and len(parts) <= 1:
        return parts or {"Prefix": ""}
    if len(tags) == 1 and not parts:
        return {"Tag": tags[0]}
    return {"And": {**parts, **({"Tags": tags} if tags else {})}}


def read_filter(found: dict[str, Any]) -> Properties:
    """The other way round."""
    parts = found.get("And") or found
    tags = parts.get("Tags") or _list(parts.get("Tag"))
    sizes = {
        member: str(parts[member])
        for member in ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
        if member in parts
    }
    return told({"Prefix": parts.get("Prefix"), "TagFilters": tags, **sizes})


def _read_rule(rule: dict[str, Any]) -> Properties:
    expiration = rule.get("Expiration", {})
    return told(
        {
            "Id": rule.get("ID"),
            "Status": rule["Status"],
            **read_filter(rule.get("Filter") or chosen(rule, ("Prefix",))),
            "ExpirationDate": _moment(expiration.get("Date")),
            "ExpirationInDays": expiration.get("Days"),
            "ExpiredObjectDeleteMarker": expiration.get("ExpiredObjectDeleteMarker"),
            "Transitions": [
                told(
                    {
                        "TransitionDate": _moment(one.get("Date")),
                        "TransitionInDays": one.get("Days"),
                        "StorageClass": one["StorageClass"],
                    }
                )
                for one in rule.get("Transitions", [])
            ],
            "NoncurrentVersionTransitions": [
                {
                    "TransitionInDays": one["NoncurrentDays"],
                    **chosen(one, ("StorageClass", "NewerNoncurrentVersions")),
                }
                for one in rule.get("NoncurrentVersionTransitions", [])
            ],
            "NoncurrentVersionExpiration": rule.get("NoncurrentVersionExpiration"),
            "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        }
    )


def _moment(found: Any) -> str | None:
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M:%SZ")


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
