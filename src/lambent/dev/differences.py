"""What has changed between two manifests, in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.deploy.manifest import Manifest

_MEMBERS: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("function", "units", lambda item: item.name),
    ("route", "routes", lambda item: f"{item.method} {item.path}"),
    ("channel", "channels", lambda item: item.name),
    ("authorizer", "authorizers", lambda item: item.api),
    ("queue", "queues", lambda item: item.name),
    ("table", "tables", lambda item: item.name),
    ("bucket", "buckets", lambda item: item.name),
    ("topic", "topics", lambda item: item.name),
    ("stream", "streams", lambda item: item.name),
    ("queue handler", "queue_triggers", lambda item: item.queue),
    ("stream handler", "stream_triggers", lambda item: item.name),
    ("schedule", "schedules", lambda item: item.name),
    ("rule", "events", lambda item: item.name),
    ("topic handler", "topic_triggers", lambda item: item.topic),
    ("bucket handler", "bucket_triggers", lambda item: item.bucket),
    ("log handler", "log_triggers", lambda item: item.group),
    ("alarm handler", "alarm_triggers", lambda item: item.alarm or "any"),
    ("user pool trigger", "user_pool_triggers", lambda item: item.trigger),
)
_CODE: Final = ("files", "imports")
"""Members of units that change with any code: the functions get other code, and nothing else happens to them."""


def differences(before: Manifest, after: Manifest) -> list[str]:
    """`+ route GET /orders`, `- queue receipts`, `~ schedule clean_up`."""
    lines = []
    for kind, member, name_of in _MEMBERS:
        old = {name_of(item): item for item in getattr(before, member)}
        new = {name_of(item): item for item in getattr(after, member)}
        lines += [f"+ {kind} {name}" for name in new if name not in old]
        lines += [f"- {kind} {name}" for name in old if name not in new]
        lines += [
            f"~ {kind} {name}" for name in new if name in old and _facts(old[name]) != _facts(new[name])
        ]
    return lines


def _facts(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__ if name not in _CODE}
