"""Handlers of S3 buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aws_lambda_powertools.utilities.data_classes import S3Event
from hypothesis import given
from hypothesis import strategies as st

from lambent import App, AppError, UnknownEvent
from lambent.app import current
from lambent.app.sources.bucket import EVENTS, S3Object
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def collecting(name: str = "uploads", **options: Any) -> tuple[App, list[S3Object]]:
    app, got = App("shop"), list[S3Object]()

    @app.bucket(name, **options)
    def on_object(s3_object: S3Object) -> None:
        s3_object.state["correlation"] = current.correlation_id.get()
        got.append(s3_object)

    return app, got


def test_an_object() -> None:
    app, got = collecting()
    event = events.s3(
        "uploads", "a b/ü+1.png", size=5, etag="e", version_id="v", source_ip="203.0.113.7", time=0
    )
    assert app(event) is None
    (s3_object,) = got
    assert s3_object.bucket == "uploads"
    assert s3_object.key == "a b/ü+1.png"
    assert (s3_object.size, s3_object.etag, s3_object.version_id) == (5, "e", "v")
    assert s3_object.sequencer
    assert s3_object.event_name == "ObjectCreated:Put"
    assert s3_object.time == datetime(1970, 1, 1, tzinfo=UTC)
    assert s3_object.source_ip == "203.0.113.7"
    assert s3_object.principal == "AWS:AIDAEXAMPLEEXAMPLE123"
    assert s3_object.arn == "arn:aws:s3:::uploads/a b/ü+1.png"
    assert s3_object.state["correlation"] == event["Records"][0]["responseElements"]["x-amz-request-id"]


def test_members_by_name() -> None:
    app, got = App(), list[Any]()

    @app.bucket("uploads")
    async def on_upload(bucket: str, key: str, *, size: int | None, etag) -> None:  # type: ignore[no-untyped-def]
        got.append((bucket, key, size, etag))

    app(events.s3("uploads", ["a", "b"], size=1, etag="e"))
    app.loop.close()
    assert got == [("uploads", "a", 1, "e"), ("uploads", "b", 1, "e")]


def test_handlers_that_do_not_say_what_they_take() -> None:
    app, got = App(), list[Any]()

    @app.bucket("uploads")
    def on_upload(upload):  # type: ignore[no-untyped-def]
        got.append(upload.key)

    app(events.s3("uploads", "a"))
    assert got == ["a"]


@pytest.mark.parametrize("name", ["sam/s3-put", "sam/s3-delete", "documented/s3-removed"])
def test_samples_as_powertools_reads_them(name: str) -> None:
    event = sample(name)
    record = S3Event(event).record
    app, got = collecting(
        record.s3.bucket.name, events=[f"s3:{one}" for one in ("ObjectCreated:*", "ObjectRemoved:*")]
    )
    app(event)
    (s3_object,) = got
    assert s3_object.bucket == record.s3.bucket.name
    raw = record.s3.get_object.raw_event  # Powertools raises KeyError for what a removed object does not have
    assert (s3_object.size, s3_object.etag) == (raw.get("size"), raw.get("eTag"))
    assert s3_object.version_id == record.s3.get_object.version_id
    assert s3_object.sequencer == record.s3.get_object.sequencer
    assert s3_object.event_name == record.event_name
    assert s3_object.principal == record.user_identity.principal_id
    assert s3_object.source_ip == record.request_parameters.source_ip_address


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_key(key: str) -> None:
    app, got = collecting()
    app(events.s3("uploads", key))
    assert got[0].key == key


@pytest.mark.parametrize(
    ("options", "event", "called"),
    [
        ({}, "ObjectCreated:Put", True),
        ({}, "ObjectCreated:CompleteMultipartUpload", True),
        ({}, "ObjectRemoved:Delete", False),
        ({"events": ["s3:ObjectCreated:Put"]}, "ObjectCreated:Put", True),
        ({"events": ["ObjectCreated:Copy"]}, "ObjectCreated:Put", False),
        ({"events": "s3:ObjectRemoved:*"}, "ObjectRemoved:DeleteMarkerCreated", True),
        ({"events": ["s3:LifecycleTransition"]}, "LifecycleTransition", True),
        ({"prefix": "in/"}, "ObjectCreated:Put", True),
        ({"prefix": "a b/"}, "ObjectCreated:Put", False),
        ({"suffix": "é.png"}, "ObjectCreated:Put", True),
        ({"suffix": ".jpg"}, "ObjectCreated:Put", False),
        ({"prefix": "in/", "suffix": ".jpg"}, "ObjectCreated:Put", False),
    ],
    ids=str,
)
def test_what_a_handler_is_for(options: dict[str, Any], event: str, called: bool) -> None:
    app, got = collecting(**options)
    if called:
        app(events.s3("uploads", "in/é.png", event=event))
        assert len(got) == 1
    else:
        with pytest.raises(
            UnknownEvent, match=r"shop: no handler is for .* of 'in/é\.png' in the bucket 'uploads'"
        ):
            app(events.s3("uploads", "in/é.png", event=event))


def test_all_handlers_that_fit() -> None:
    app, got = App(), list[str]()
    app.bucket("uploads", suffix=".png")(lambda key: got.append(f"image {key}"))
    app.bucket("uploads", prefix="in/")(lambda key: got.append(f"incoming {key}"))
    app(events.s3("uploads", ["in/a.png", "b.png"]))
    assert got == ["image in/a.png", "incoming in/a.png", "image b.png"]


class Store:
    """A service of each call."""

    is_open = True


@pytest.mark.parametrize("through_bus", [False, True])
def test_each_handler_has_services_of_its_own(through_bus: bool) -> None:
    app, got = App(), list[Store]()

    def store() -> Iterator[Store]:
        store = Store()
        yield store
        store.is_open = False

    app.provide(store, lifetime="invocation")

    def first(store: Store) -> None:
        assert store.is_open
        got.append(store)

    def second(s3_object: S3Object, store: Store) -> None:
        first(store)

    app.bucket("uploads")(first)
    app.bucket("uploads")(second)
    app(from_bus("Object Created") if through_bus else events.s3("uploads", "a"))
    assert len({id(one) for one in got}) == 2
    assert not any(one.is_open for one in got)


def test_nothing_is_handled_before_all_is_known_to_have_a_handler() -> None:
    app, got = collecting(suffix=".png")
    with pytest.raises(UnknownEvent):
        app(events.s3("uploads", ["a.png", "a.jpg"]))
    assert got == []


def test_results_are_nobodys() -> None:
    app = App()
    app.bucket("uploads")(lambda key: object())
    assert app(events.s3("uploads", "a")) is None


def test_deployed_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_BUCKET_UPLOADS", "arn:aws:s3:::shop-prod-uploads")
    app, got = collecting()
    app(events.s3("shop-prod-uploads", "a"))
    assert [one.bucket for one in got] == ["shop-prod-uploads"]
    with pytest.raises(UnknownEvent, match="'other'"):
        app(events.s3("other", "a"))


def test_test_messages_call_nothing() -> None:
    app, got = collecting()
    assert app(events.s3_test("uploads")) is None
    assert app(sample("documented/s3-test")) is None
    assert got == []


def test_failures_reach_lambda() -> None:
    app = App()

    @app.bucket("uploads")
    def on_upload(key: str) -> None:
        raise KeyError(key)

    with pytest.raises(KeyError, match="a"):
        app(events.s3("uploads", "a"))


@pytest.mark.parametrize(
    "events", [[], ["ObjectCreated"], ["s3:ObjectCreated:put"], ["s3:LifecycleTransition:*"], ["*"]]
)
def test_events_that_do_not_exist(events: list[str]) -> None:
    with pytest.raises(AppError, match=r"on_upload .*test_bucket.py.*s3:ObjectCreated"):

        @App().bucket("uploads", events=events)
        def on_upload(key: str) -> None: ...


def test_all_events_that_s3_has() -> None:
    known = botocore.session.get_session().get_service_model("s3").shape_for("Event").enum
    ours = {f"s3:{name}:{way}" for name, ways in EVENTS.items() for way in ways}
    ours |= {f"s3:{name}" for name, ways in EVENTS.items() if not ways}
    assert {one for one in known if not one.endswith("*")} <= ours
    for event in known:
        App().bucket("uploads", events=[event])(lambda key: None)


# ------------------------------------------------------------ through EventBridge


def from_bus(detail_type: str, bucket: str = "uploads", **detail: Any) -> dict[str, Any]:
    return events.eventbridge(
        {"bucket": {"name": bucket}, "object": {"key": "a+b c.png", "size": 5, "etag": "e"}, **detail},
        source="aws.s3",
        detail_type=detail_type,
        time=0,
    )


def test_objects_through_eventbridge() -> None:
    app, got = collecting()
    event = sample("documented/eventbridge-s3")
    event["detail"]["bucket"]["name"] = "uploads"
    app(event)
    app(
        from_bus(
            "Object Created", **{"source-ip-address": "203.0.113.7", "requester": "1", "request-id": "r"}
        )
    )
    s3_object = got[1]
    assert s3_object.key == "a+b c.png"
    assert (s3_object.bucket, s3_object.size, s3_object.etag) == ("uploads", 5, "e")
    assert (s3_object.source_ip, s3_object.principal) == ("203.0.113.7", "1")
    assert s3_object.time == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("detail_type", "detail", "name"),
    [
        ("Object Created", {"reason": "PutObject"}, "ObjectCreated:Put"),
        ("Object Created", {"reason": "CopyObject"}, "ObjectCreated:Copy"),
        ("Object Created", {"reason": "POST Object"}, "ObjectCreated:Post"),
        ("Object Deleted", {"reason": "DeleteObject"}, "ObjectRemoved:Delete"),
        ("Object Deleted", {"deletion-type": "Delete Marker Created"}, "ObjectRemoved:DeleteMarkerCreated"),
        ("Object Deleted", {"reason": "Lifecycle Expiration"}, "LifecycleExpiration:Delete"),
        ("Object Restore Completed", {}, "ObjectRestore:Completed"),
        ("Object Storage Class Changed", {}, "LifecycleTransition"),
        ("Object Tags Added", {}, "ObjectTagging:Put"),
        ("Object ACL Updated", {}, "ObjectAcl:Put"),
    ],
)
def test_names_of_what_eventbridge_tells(detail_type: str, detail: dict[str, Any], name: str) -> None:
    app, got = collecting(events=[f"s3:{name}"])
    app(from_bus(detail_type, **detail))
    assert [one.event_name for one in got] == [name]


@pytest.mark.parametrize(
    "event",
    [from_bus("Object Created", "other"), from_bus("Object Deleted"), from_bus("Object Painted")],
    ids=["bucket", "event", "unknown"],
)
def test_what_eventbridge_tells_of_others(event: dict[str, Any]) -> None:
    app, _ = collecting()
    with pytest.raises(UnknownEvent, match="the buckets s3:ObjectCreated:"):
        app(event)
