"""Every sample event finds the handler of its source; of other sources it is named, or an invocation."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from lambent import App, UnknownEvent
from lambent.app.logger import Logger
from lambent.app.recognition import kind_of
from lambent.app.sources import KINDS
from lambent.app.sources.naming import name_in
from lambent.app.sources.user_pool import TRIGGERS

SAMPLES = Path(__file__).parents[1] / "samples"
EVENTS = {
    str(path.relative_to(SAMPLES).with_suffix("")): json.loads(path.read_text())
    for path in sorted(SAMPLES.rglob("*.json"))
}
HTTP = ("http.v1", "http.v2", "function_url", "alb")
NOWHERE = {name: event for name, event in EVENTS.items() if kind_of(event) not in (*KINDS, *HTTP)}
FOUND = {name: event for name, event in EVENTS.items() if name not in NOWHERE}
for kind in ("direct", "custom_resource"):  # need no more than one handler, or somebody to answer to
    FOUND = {name: event for name, event in FOUND.items() if kind_of(event) != kind}
SILENT = ("documented/no-records", "documented/s3-test", "without-records")


def app_for(event: Any, called: list[str]) -> App:
    """An app with a handler of every kind; those of named sources for what the event names."""
    app = App("shop", logger=Logger("shop", stream=io.StringIO()))
    record = ((event.get("Records") or [event])[0]) if isinstance(event, dict) else {}
    name = name_in(record.get("eventSourceARN") or record.get("Sns", {}).get("TopicArn") or "a")
    about = record["detail"] if record.get("source") == "aws.s3" else record.get("s3", {})
    bucket = about.get("bucket", {}).get("name", "a")

    @app.queue(name)
    def on_message(body: str) -> None:
        called.append("queue")

    @app.stream(name)
    def on_data(data: bytes) -> None:
        called.append("stream")

    app.table_stream(name)(lambda new: called.append("table_stream"))

    @app.topic(name)
    def on_notification(message: str) -> None:
        called.append("topic")

    app.bucket(bucket, events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])(
        lambda upload: called.append("bucket")
    )
    app.event({"source": [{"exists": True}]})(lambda event: called.append("event"))
    app.alarm()(lambda alarm: called.append("alarm"))
    app.logs()(lambda batch: called.append("logs"))

    @app.authorizer()
    def authorize() -> bool:
        called.append("authorizer")
        return True

    for trigger in TRIGGERS:
        app.user_pool(trigger)(lambda trigger: called.append("user_pool"))

    channel = app.channel("chat")

    @channel.on_connect
    @channel.on_disconnect
    @channel.on_message
    def on_connection() -> None:
        called.append("channel")

    @app.get("/")
    def on_root() -> str:
        called.append("http")
        return ""

    @app.route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    def on_request(path: str) -> str:
        called.append("http")
        return ""

    return app


@pytest.mark.parametrize("name", FOUND)
def test_events_find_the_handlers_of_their_source(name: str) -> None:
    event, called = FOUND[name], list[str]()
    app_for(event, called)(event, None)
    if name.endswith(SILENT):
        assert not called
        return
    source = KINDS.get(kind_of(event), "http")
    if name in ("documented/eventbridge-s3", "documented/eventbridge-alarm-state-change"):
        assert {"event"} < set(called)
    elif kind_of(event) == "schedule":
        assert called == ["event"]
    else:
        assert set(called) == {source}


@pytest.mark.parametrize("name", NOWHERE)
def test_events_of_other_sources_are_named_or_invocations(name: str) -> None:
    event = EVENTS[name]
    with pytest.raises(UnknownEvent, match=rf"no handler is for this event: {kind_of(event)}\b"):
        app_for(event, [])(event, None)
    app = app_for(event, [])
    app.invocation()(lambda event: "taken")
    assert app(event, None) == "taken"
