"""What cannot be kept is not accepted, and said so in a way that clients try again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import Api, Server, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("path", ["json", "slow", "query"])
def test_nothing_can_be_written(tmp_path: Path, make_client: Callable[..., Any], path: str) -> None:
    server = Server(tmp_path)
    server.fast = path == "json"
    api = Api(server, make_client(server.url, query=path == "query"), query=path == "query")
    try:
        url = api.queue()
        asyncio.run_coroutine_threadsafe(server.database.close(), server.loop).result(10)
        calls: list[tuple[Any, dict[str, Any]]] = [
            (api.client.send_message, {"MessageBody": "m"}),
            (api.client.send_message_batch, {"Entries": [{"Id": "1", "MessageBody": "m"}]}),
            (api.client.set_queue_attributes, {"Attributes": {"DelaySeconds": "1"}}),
            (api.client.tag_queue, {"Tags": {"a": "b"}}),
        ]
        for call, members in calls:
            answer = refused(call, QueueUrl=url, **members)
            assert answer["Error"]["Code"] == "ServiceUnavailable", call
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
        names = ["ApproximateNumberOfMessages", "DelaySeconds"]
        found = api.client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        assert found == {"ApproximateNumberOfMessages": "0", "DelaySeconds": "0"}
    finally:
        server.stop()
