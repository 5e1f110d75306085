"""Buckets, and what happens to their objects.

A bucket refuses two notifications that one event could match, and those of an app often do: a unit that looks at all
objects beside one that looks at images. Where the triggers of a bucket meet, they go through EventBridge instead, whose
rules may; the framework understands both.

Source: "Configuring notifications with object key name filtering" and "Amazon S3 event notifications to EventBridge" of
the S3 user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.render.composition import get
from lambent.deploy.render.patterns import check_pattern
from lambent.deploy.render.resources import bucket_properties

if TYPE_CHECKING:
    from lambent.deploy.manifest import Bucket, BucketTrigger
    from lambent.deploy.render.composition import Composition

_DETAIL_TYPES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "ObjectCreated": ("Object Created", ()),
    "ObjectCreated:Put": ("Object Created", ("PutObject",)),
    "ObjectCreated:Post": ("Object Created", ("POST Object",)),
    "ObjectCreated:Copy": ("Object Created", ("CopyObject",)),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", ("CompleteMultipartUpload",)),
    "ObjectRemoved": ("Object Deleted", ("DeleteObject",)),
    "LifecycleExpiration": ("Object Deleted", ("Lifecycle Expiration",)),
    "ObjectRestore:Post": ("Object Restore Initiated", ()),
    "ObjectRestore:Completed": ("Object Restore Completed", ()),
    "ObjectRestore:Delete": ("Object Restore Expired", ()),
    "LifecycleTransition": ("Object Storage Class Changed", ()),
    "IntelligentTiering": ("Object Access Tier Changed", ()),
    "ObjectAcl": ("Object ACL Updated", ()),
    "ObjectAcl:Put": ("Object ACL Updated", ()),
    "ObjectTagging:Put": ("Object Tags Added", ()),
    "ObjectTagging:Delete": ("Object Tags Deleted", ()),
}
"""S3's names of events, and how EventBridge tells the same: its detail type, and the reasons in it."""


def add_buckets(composition: Composition) -> None:
    """All buckets, with what they call. Raises RenderError."""
    for bucket in composition.manifest.buckets:
        triggers = bucket_triggers(composition, bucket.name)
        if bucket.external is not None:
            if triggers:
                raise RenderError(
                    f"unit {triggers[0].unit}: the bucket {bucket.name} is not part of the app, so it cannot be told "
                    "whom to call",
                    hint="Have it send its events to EventBridge, and handle them with @app.event.",
                )
            continue
        _add_bucket(composition, bucket, triggers)


def bucket_triggers(c: Composition, bucket: str) -> list[BucketTrigger]:
    """Those of a bucket, without what another one of the same unit covers."""
    found = dict.fromkeys(one for one in c.manifest.bucket_triggers if one.bucket == bucket)
    return [
        one
        for one in found
        if not any(other is not one and other.unit == one.unit and _covers(other, one) for other in found)
    ]


def meets(triggers: list[BucketTrigger]) -> bool:
    """Whether one event could match two of them: what S3 refuses."""
    return any(_meet(one, other) for index, one in enumerate(triggers) for other in triggers[index + 1 :])


def _add_bucket(c: Composition, bucket: Bucket, triggers: list[BucketTrigger]) -> None:
    properties = bucket_properties(c, bucket)
    after: list[str] = []
    if meets(triggers):
        properties["NotificationConfiguration"] = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    elif triggers:
        # The bucket is made after the permissions, because S3 tries whether it may call; so nothing that they need
        # may need the bucket: its ARN is made of its name.
        of = c.bucket_arn(bucket.name)
        after = [
            c.permit(unit, ("bucket", bucket.name), "s3.amazonaws.com", of=of, account=True)
            for unit in dict.fromkeys(one.unit for one in triggers)
        ]
        properties["NotificationConfiguration"] = {"LambdaConfigurations": _notifications(c, triggers)}
    logical = c.add("bucket", bucket.name, "AWS::S3::Bucket", properties, after=after, keeps_state=True)
    c.output(f"{logical}Name", {"Ref": logical}, f"Name of the bucket {bucket.name}")
    if meets(triggers):
        for unit in dict.fromkeys(one.unit for one in triggers):
            _add_rule(c, bucket.name, unit, [one for one in triggers if one.unit == unit])


def _notifications(c: Composition, triggers: list[BucketTrigger]) -> list[dict[str, Any]]:
    found = []
    for one in triggers:
        rules = [
            {"Name": name, "Value": value}
            for name, value in (("prefix", one.prefix), ("suffix", one.suffix))
            if value
        ]
        # S3 refuses s3:ObjectCreated:Put beside s3:ObjectCreated:*, also of one function.
        events = [
            event
            for event in dict.fromkeys(one.events)
            if not any(other != event and _includes(other, event) for other in one.events)
        ]
        for event in events:
            entry: dict[str, Any] = {"Event": event, "Function": c.function_arn_text(one.unit)}
            if rules:
                entry["Filter"] = {"S3Key": {"Rules": rules}}
            found.append(entry)
    return found


def _add_rule(c: Composition, bucket: str, unit: str, triggers: list[BucketTrigger]) -> None:
    """One rule a unit: were there several, objects that fit two handlers would come twice to each."""
    patterns: list[dict[str, Any]] = []
    for one in triggers:
        for event in one.events:
            pattern = _pattern(c, one, event)
            if pattern not in patterns:
                patterns.append(pattern)
    pattern = patterns[0] if len(patterns) == 1 else {"$or": patterns}
    check_pattern(f"unit {unit}: its events of the bucket {bucket} go through EventBridge, and", pattern)
    name = f"{bucket}-{unit}"
    rule = c.add(
        "rule",
        ("bucket", bucket, unit),
        "AWS::Events::Rule",
        {
            "Name": names.rule_name(c.app, c.stage, name),
            # Fn::Sub in its middle: CloudFormation puts the bucket's name there.
            "EventPattern": pattern,
            "Targets": [{"Id": "function", "Arn": c.function_arn(unit)}],
        },
    )
    c.permit(unit, ("bucket", bucket), "events.amazonaws.com", of=get(rule))


def _pattern(c: Composition, trigger: BucketTrigger, event: str) -> dict[str, Any]:
    told = event.removeprefix("s3:").removesuffix(":*").removesuffix("*")
    known = _DETAIL_TYPES.get(told)
    if known is None:
        raise RenderError(
            f"unit {trigger.unit}: other handlers of the bucket {trigger.bucket} are for the same objects, so its "
            f"events have to go through EventBridge, which does not know {event}",
            hint="Give the handlers prefixes or suffixes that exclude each other.",
        )
    detail_type, reasons = known
    detail: dict[str, Any] = {"bucket": {"name": [c.bucket_name(trigger.bucket)]}}
    if trigger.prefix and trigger.suffix:
        detail["object"] = {"key": [{"wildcard": f"{_literal(trigger.prefix)}*{_literal(trigger.suffix)}"}]}
    elif trigger.prefix or trigger.suffix:
        kind = "prefix" if trigger.prefix else "suffix"
        detail["object"] = {"key": [{kind: trigger.prefix or trigger.suffix}]}
    if reasons:
        detail["reason"] = list(reasons)
    return {"source": ["aws.s3"], "detail-type": [detail_type], "detail": detail}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*")


def _same_event(one: str, other: str) -> bool:
    """Whether two names of events have something in common: `s3:ObjectCreated:*` and `s3:ObjectCreated:Put`."""
    kind, _, way = one.removeprefix("s3:").partition(":")
    other_kind, _, other_way = other.removeprefix("s3:").partition(":")
    return kind == other_kind and (way == other_way or "*" in (way, other_way))


def _includes(one: str, other: str) -> bool:
    return one == other or (one.endswith(":*") and other.startswith(one[:-1]))


def _covers(one: BucketTrigger, other: BucketTrigger) -> bool:
    """Whether all that `other` asks for comes to `one` too, which is then enough for both."""
    if one.prefix == other.prefix and one.suffix == other.suffix and set(one.events) == set(other.events):
        return False  # the same twice, and `fromkeys` has left one
    return (
        other.prefix.startswith(one.prefix)
        and other.suffix.endswith(one.suffix)
        and all(any(_includes(wide, event) for wide in one.events) for event in other.events)
    )


def _meet(one: BucketTrigger, other: BucketTrigger) -> bool:
    return (
        (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
        and any(_same_event(a, b) for a in one.events for b in other.events)
    )
