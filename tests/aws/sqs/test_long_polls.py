"""Waiting for messages: answered at once when there are some, and never on behalf of somebody who has left."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from tests.aws.sqs.serving import Api, Server, eventually, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_answered_at_once_when_a_message_comes(api: Api, make_client: Callable[..., Any]) -> None:
    """test_wait_time_seconds_waits_correctly, test_wait_time_seconds_queue_attribute_waits_correctly"""
    url = api.queue(ReceiveMessageWaitTimeSeconds="20")
    with ThreadPoolExecutor(2) as pool:
        members: list[dict[str, Any]] = [{}, {"WaitTimeSeconds": 20, "MaxNumberOfMessages": 10}]
        waiting = [pool.submit(api.messages, url, **one) for one in members]
        eventually(lambda: polls(api) == 2)
        began = time.monotonic()
        api.client.send_message(QueueUrl=url, MessageBody="one")
        api.client.send_message(QueueUrl=url, MessageBody="two")
        bodies = sorted(one["Body"] for future in waiting for one in future.result(10))
        assert bodies == ["one", "two"]
        assert time.monotonic() - began < 5


def test_what_is_there_is_not_waited_for(api: Api) -> None:
    """test_receive_message_wait_time_seconds_and_max_number_of_messages_does_not_block"""
    url = api.queue()
    api.client.send_message(QueueUrl=url, MessageBody="m")
    assert len(api.messages(url, WaitTimeSeconds=20, MaxNumberOfMessages=3)) == 1


def test_ends_with_nothing(api: Api) -> None:
    url = api.queue()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.client.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        eventually(lambda: polls(api) == 1)
        api.server.advance(20)
        assert plain(waiting.result(10)) == {}


def polls(api: Api) -> int:
    return len(api.server.service.operations._polls)


def open_poll(api: Api, url: str) -> socket.socket:
    """A connection on which somebody waits for messages."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    if api.query:
        body = urlencode({"Action": "ReceiveMessage", "WaitTimeSeconds": "20"}).encode()
        headers = "Content-Type: application/x-www-form-urlencoded"
    else:
        body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
        headers = "X-Amz-Target: AmazonSQS.ReceiveMessage"
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    eventually(lambda: polls(api) == 1)
    return connection


@pytest.mark.parametrize("way", ["close", "reset"])
def test_clients_that_leave_take_nothing(api: Api, way: str) -> None:
    url = api.queue()
    connection = open_poll(api, url)
    if way == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    eventually(lambda: polls(api) == 0)
    api.client.send_message(QueueUrl=url, MessageBody="m")
    (message,) = api.messages(url, AttributeNames=["ApproximateReceiveCount"])
    assert message["Attributes"] == {"ApproximateReceiveCount": "1"}


def test_clients_that_only_listen_are_answered(api: Api) -> None:
    url = api.queue()
    with open_poll(api, url) as connection:
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_server_that_stops_answers(tmp_path: Path, make_client: Callable[..., Any]) -> None:
    server = Server(tmp_path)
    api = Api(server, make_client(server.url), query=False)
    url = api.queue()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.client.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        eventually(lambda: polls(api) == 1)
        server.stop()
        assert plain(waiting.result(10)) == {}
    assert time.monotonic() - began < 10
