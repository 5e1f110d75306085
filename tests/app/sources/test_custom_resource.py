"""Handlers of CloudFormation's custom resources, answering to a server as CloudFormation's bucket is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from lambent import App, AppError, UnknownEvent
from lambent.app.sources.custom_resource import LARGEST, ResourceRequest
from lambent.testing import events


class Bucket:
    """A server that takes answers; `statuses` are those of its next replies, then 200."""

    def __init__(self) -> None:
        self.requests: Queue[tuple[str, dict[str, str], bytes]] = Queue()
        self.statuses: list[int] = []
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                bucket.requests.put(
                    (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                self.send_response(bucket.statuses.pop(0) if bucket.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the name it has there

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answers/1%2F2?X-Amz-Signature=a%2Bb&x="

    @property
    def answer(self) -> dict[str, Any]:
        """The only answer that has come, or that comes within a second."""
        _, _, body = self.requests.get(timeout=1)
        assert self.requests.empty()
        answer: dict[str, Any] = json.loads(body)
        return answer


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    bucket = Bucket()
    thread = Thread(target=bucket.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield bucket
    bucket.server.shutdown()
    thread.join()
    bucket.server.server_close()


@pytest.fixture
def bucket(server: Bucket) -> Bucket:
    server.requests, server.statuses = Queue(), []
    return server


def asked(
    bucket: Bucket, request_type: Any, properties: dict[str, Any] | None = None, **members: Any
) -> dict[str, Any]:
    return events.custom_resource(
        request_type,
        properties,
        response_url=bucket.url,
        resource_type="Custom::Table",
        request_id="r-1",
        **members,
    )


class Table(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int = 1
    public: bool = False


def test_creation(bucket: Bucket) -> None:
    app, got = App(), list[Any]()

    @app.custom_resource("Custom::Table")
    def table(request: ResourceRequest, properties: Table, logical_id: str) -> dict[str, Any]:
        got.extend([request.type, properties, logical_id, request.old_properties])
        request.physical_id = "table-1"
        return {"Arn": "arn:table", "Size": properties.size}

    event = asked(bucket, "Create", {"name": "a", "size": 5, "public": True})
    event["ResourceProperties"]["ServiceTimeout"] = "60"
    assert app(event) is None
    assert got == ["Create", Table("a", 5, True), "Resource", {}]
    assert bucket.answer == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "table-1",
        "StackId": event["StackId"],
        "RequestId": "r-1",
        "LogicalResourceId": "Resource",
        "Data": {"Arn": "arn:table", "Size": 5},
    }


def test_the_put_is_what_presigned_urls_are_signed_for(bucket: Bucket) -> None:
    app = App()
    app.custom_resource("Custom::Table")(lambda: None)
    app(asked(bucket, "Create"))
    path, headers, body = bucket.requests.get(timeout=1)
    assert path == "/answers/1%2F2?X-Amz-Signature=a%2Bb&x="
    assert "content-type" not in headers
    assert headers["content-length"] == str(len(body))
    assert "transfer-encoding" not in headers


def test_ids_without_one_of_its_own(bucket: Bucket) -> None:
    app = App()
    app.custom_resource("Custom::Table")(lambda: None)
    app(asked(bucket, "Create", stack="shop"))
    first = bucket.answer["PhysicalResourceId"]
    app(asked(bucket, "Create", stack="shop"))  # Lambda repeats it
    assert bucket.answer["PhysicalResourceId"] == first == "shop-Resource-r-1"
    for request_type in ("Update", "Delete"):
        app(asked(bucket, request_type, physical_id="table-7"))
        assert bucket.answer["PhysicalResourceId"] == "table-7"


def test_a_deletion_answers_under_the_id_that_it_is_of(bucket: Bucket) -> None:
    app = App()

    @app.custom_resource("Custom::Table").delete
    def delete(request: ResourceRequest) -> None:
        request.physical_id = "gone"

    app(asked(bucket, "Delete", physical_id="table-7"))
    assert bucket.answer["PhysicalResourceId"] == "table-7"


def test_updates_with_old_properties_and_a_new_id(bucket: Bucket) -> None:
    app, got = App(), list[Any]()
    table = app.custom_resource("Custom::Table")

    @table.create
    def create() -> None: ...

    @table.update
    async def update(request: ResourceRequest, properties: Table, old_properties: Table) -> None:
        got.extend([properties, old_properties, request.physical_id, request.properties])
        request.physical_id = "table-8"

    app(asked(bucket, "Update", {"name": "b"}, old_properties={"name": "a"}, physical_id="table-7"))
    app.loop.close()
    assert got == [Table("b"), Table("a"), "table-7", {"name": "b"}]
    assert bucket.answer["PhysicalResourceId"] == "table-8"


def test_hidden_attributes_and_reasons(bucket: Bucket) -> None:
    app = App()

    class Secret(msgspec.Struct):
        Password: str

    @app.custom_resource("Custom::Table")
    def table(request: ResourceRequest) -> Any:
        request.no_echo, request.reason = True, "As it was asked for"
        return Secret("x")

    app(asked(bucket, "Create"))
    answer = bucket.answer
    assert (answer["NoEcho"], answer["Reason"], answer["Data"]) == (
        True,
        "As it was asked for",
        {"Password": "x"},
    )


@pytest.mark.parametrize("physical_id", [None, "half-made"])
def test_a_creation_that_fails_and_its_deletion(bucket: Bucket, physical_id: str | None) -> None:
    app, deleted = App(), list[str | None]()
    table = app.custom_resource("Custom::Table")

    @table.create
    def create(request: ResourceRequest) -> None:
        request.physical_id = physical_id
        raise OSError("no room")

    @table.delete
    def delete(request: ResourceRequest) -> None:
        deleted.append(request.physical_id)

    app(asked(bucket, "Create"))
    answer = bucket.answer
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "no room")
    assert answer["PhysicalResourceId"] == (physical_id or "lambent:not-created:r-1")
    app(asked(bucket, "Delete", physical_id=answer["PhysicalResourceId"]))
    assert bucket.answer["Status"] == "SUCCESS"
    assert deleted == ([physical_id] if physical_id else [])


def test_properties_that_do_not_fit(bucket: Bucket) -> None:
    app = App()

    @app.custom_resource("Custom::Table")
    def table(properties: Table) -> None:
        raise AssertionError(properties)

    app(asked(bucket, "Create", {"name": "a", "size": "big"}))
    answer = bucket.answer
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "Validation failed: properties.size: Expected `int`, got `str`"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"Text": "ä" * LARGEST}, "CloudFormation takes 4096"),
        ("text", "The handler gave str"),
        ({"Text": object()}, "object"),
    ],
    ids=["large", "text", "object"],
)
def test_attributes_that_cannot_be_sent(bucket: Bucket, result: Any, reason: str) -> None:
    app = App()
    app.custom_resource("Custom::Table")(lambda: result)
    app(asked(bucket, "Create"))
    answer = bucket.answer
    assert answer["Status"] == "FAILED"
    assert reason in answer["Reason"]
    assert answer["PhysicalResourceId"] == "stack-Resource-r-1"  # it is there, and so can be deleted


@pytest.mark.parametrize("text", ["x" * 9000, "ü" * 9000, "\U0001f600" * 9000, '"' * 9000, ""], ids=len)
def test_reasons_of_any_length(bucket: Bucket, text: str) -> None:
    app = App()

    @app.custom_resource("Custom::Table")
    def table() -> None:
        raise ValueError(text)

    app(asked(bucket, "Create"))
    _, _, body = bucket.requests.get(timeout=1)
    assert len(body) <= LARGEST
    reason = json.loads(body)["Reason"]
    assert reason == "ValueError" if not text else reason[0] == text[0]
    assert not text or len(body) > LARGEST - 16


def test_ids_that_are_too_long(bucket: Bucket) -> None:
    app = App()

    @app.custom_resource("Custom::Table")
    def table(request: ResourceRequest) -> None:
        request.physical_id = "x" * 1025

    app(asked(bucket, "Create"))
    answer = bucket.answer
    assert answer["Status"] == "FAILED"
    assert "1025 bytes; 1024 are allowed" in answer["Reason"]


def test_a_deadline_that_comes_first(bucket: Bucket) -> None:
    app, goes_on = App(), Event()

    @app.custom_resource("Custom::Table")
    def table() -> None:
        assert goes_on.wait(5)

    def release() -> None:
        path, headers, body = bucket.requests.get(timeout=5)
        goes_on.set()
        bucket.requests.put((path, headers, body))

    thread = Thread(target=release)
    thread.start()
    app(asked(bucket, "Create"), events.LambdaContext(timeout=0.2))
    thread.join()
    answer = bucket.answer  # the only one
    assert answer["Status"] == "FAILED"
    assert "timeout" in answer["Reason"]
    assert answer["PhysicalResourceId"] == "stack-Resource-r-1"


def test_functions_that_end_themselves(bucket: Bucket) -> None:
    app = App()

    @app.custom_resource("Custom::Table")
    def table() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        app(asked(bucket, "Create"))
    assert bucket.answer["Status"] == "FAILED"


def test_no_timer_is_left(bucket: Bucket) -> None:
    import threading

    app = App()
    app.custom_resource("Custom::Table")(lambda: None)
    app(asked(bucket, "Create"), events.LambdaContext(timeout=60))
    assert not [
        one for one in threading.enumerate() if isinstance(one, threading.Timer) and not one.finished.is_set()
    ]


def test_answers_are_sent_until_they_arrive(bucket: Bucket) -> None:
    app = App()
    app.custom_resource("Custom::Table")(lambda: None)
    bucket.statuses = [503]
    app(asked(bucket, "Create"))
    assert bucket.requests.qsize() == 2


def test_answers_that_do_not_arrive(bucket: Bucket) -> None:
    app = App()
    app.custom_resource("Custom::Table")(lambda: None)
    bucket.statuses = [403]
    with pytest.raises(OSError, match="403"):
        app(asked(bucket, "Create"))
    assert bucket.requests.qsize() == 1


def test_what_has_no_handler(bucket: Bucket) -> None:
    app = App("shop")
    app.custom_resource("Custom::Table").create(lambda: None)
    app(asked(bucket, "Delete"))
    assert bucket.answer["Status"] == "SUCCESS"
    app(asked(bucket, "Update"))
    assert bucket.answer["Reason"] == "shop: no handler is for Update of Custom::Table"
    event = {**asked(bucket, "Delete"), "ResourceType": "Custom::Other"}
    with pytest.raises(UnknownEvent, match="'Custom::Other': there are handlers for Custom::Table"):
        app(event)
    answer = bucket.answer
    assert answer["Status"] == "FAILED"
    assert "Custom::Other" in answer["Reason"]


def test_registrations() -> None:
    app = App()
    app.custom_resource()(lambda: None)
    with pytest.raises(AppError, match="'Table' is no type of a custom resource"):
        app.custom_resource("Table")(lambda: None)
    table = app.custom_resource("Custom::Table")
    table.create(lambda: None)
    with pytest.raises(AppError, match="Create of Custom::Table: both"):
        table(lambda: None)
    with pytest.raises(AppError, match="both 'one' and 'two' would be the body"):
        app.custom_resource("Custom::Other")(lambda one, two: None)


def test_middleware(bucket: Bucket) -> None:
    app, got = App(), list[str]()

    @app.middleware
    def layer(request: Any, call_next: Any) -> Any:
        got.append(request.type)
        return {**call_next(request), "More": 1}

    app.custom_resource("Custom::Table").create(lambda: {"Arn": "a"})
    app(asked(bucket, "Create"))
    assert got == ["Create"]
    assert bucket.answer["Data"] == {"Arn": "a", "More": 1}
