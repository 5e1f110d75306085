"""Requests passed to moto: whose they are, what is kept from them, and what moto cannot do."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.errors import NeighbourFaulty, NeighbourLacks
from lambent.neighbours.moto import Moto
from lambent.neighbours.neighbours import Neighbours
from lambent.store import StorageFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lambent.neighbours.call import Call

JSON = b"application/x-amz-json-1.0"


def target(operation: str, body: Any = None) -> dict[str, Any]:
    return {
        "method": b"POST",
        "more": [(b"x-amz-target", operation.encode()), (b"content-type", JSON)],
        "body": json.dumps(body or {}).encode(),
    }


async def read(neighbours: Neighbours, call: Call) -> tuple[int, bytes]:
    answer = await neighbours.send(call)
    body = await answer.read(1_000_000)
    assert body is not None
    return answer.status, body


def test_account_and_region_are_the_callers_and_nobody_can_claim_others(run: Any, call: Any) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        create = target("AmazonSQS.CreateQueue", {"QueueName": "q"})
        for claim in (b"x-moto-account-id", b"x_moto_account_id", b"x-moto_account-id"):
            more = [*create["more"], (claim, b"222222222222"), (b"x-lambent-service", b"")]
            made = call("sqs", **{**create, "more": more, "account": "111111111111", "region": "eu-west-1"})
            _, body = await read(neighbours, made)
            assert json.loads(body)["QueueUrl"] == "http://127.0.0.1:4566/111111111111/q"
        for account, region, found in (
            ("111111111111", "eu-west-1", 1),
            ("111111111111", "us-east-1", 0),
            ("222222222222", "eu-west-1", 0),
        ):
            asked = call("sqs", **target("AmazonSQS.ListQueues"), account=account, region=region)
            _, body = await read(neighbours, asked)
            assert len(json.loads(body).get("QueueUrls", [])) == found
        await neighbours.close()

    run(scenario)


def test_anonymous_requests_reach_the_service_they_are_for(run: Any, call: Any) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        status, body = await read(
            neighbours, call("dynamodb", anonymous=True, **target("DynamoDB_20120810.ListTables"))
        )
        assert (status, json.loads(body)) == (200, {"TableNames": []})
        await neighbours.close()

    run(scenario)


@pytest.mark.parametrize("path", [b"/moto-api/reset", b"/moto-api/data.json", b"/latest/meta-data/iam"])
def test_motos_own_pages_are_out_of_reach(run: Any, call: Any, path: bytes) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        await read(neighbours, call(method=b"PUT", target=b"/kept"))
        status, body = await read(neighbours, call(target=path))
        assert (status, b"NoSuchBucket" in body) == (404, True)
        with contextlib.suppress(NeighbourLacks, NeighbourFaulty):
            await read(neighbours, call(method=b"POST", target=path))
        assert (await read(neighbours, call(method=b"HEAD", target=b"/kept")))[0] == 200
        await neighbours.close()

    run(scenario)


def test_what_moto_does_not_know_and_what_it_stumbles_over(run: Any, call: Any) -> None:
    async def scenario() -> None:
        neighbours = Neighbours()
        with pytest.raises(NeighbourLacks):
            await neighbours.send(call("kms", **target("TrentService.ConnectCustomKeyStore")))
        with pytest.raises(NeighbourLacks):
            await neighbours.send(call("kms", **target("TrentService.NoSuchOperation")))
        with pytest.raises(NeighbourFaulty):
            await neighbours.send(call("dynamodb", **target("DynamoDB_20120810.ListExports")))
        assert not neighbours.serves("glue", "glue")
        assert not neighbours.serves("lambda", "lambda")
        await neighbours.close()

    run(scenario)


def test_bodies_of_any_framing_and_what_concerns_one_connection(run: Any, call: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    async def scenario() -> None:
        neighbours = Neighbours()
        await read(neighbours, call(method=b"PUT", target=b"/bucket"))
        hop_by_hop = [
            (b"connection", b"close, x-mine"),
            (b"x-mine", b"1"),
            (b"expect", b"100-continue"),
            (b"transfer-encoding", b"chunked"),
            (b"x-amz-meta-kept", b"yes"),
        ]
        for more in (hop_by_hop, [(b"content-length", b"300000")]):
            put = call(method=b"PUT", target=b"/bucket/a%20b?x-id=PutObject", body=pieces(), more=more)
            status, _ = await read(neighbours, put)
            assert status == 200
        answer = await neighbours.send(call(target=b"/bucket/a%20b", more=[(b"range", b"bytes=0-9")]))
        assert (answer.status, answer.header(b"content-length")) == (206, b"10")
        assert answer.header(b"server") is answer.header(b"date") is answer.header(b"connection") is None
        assert await answer.read(10) == b"x" * 10
        answer = await neighbours.send(call(method=b"HEAD", target=b"/bucket/a%20b"))
        assert answer.header(b"content-length") == b"300000"
        answer.close()
        await neighbours.close()

    run(scenario)


def test_an_answer_whose_messages_cannot_be_kept_is_let_go(run: Any, call: Any) -> None:
    class Answered:
        def __init__(self, *headers: tuple[bytes, bytes]) -> None:
            self.headers = headers
            self.closed = False

        def header(self, name: bytes) -> bytes | None:
            return dict(self.headers).get(name)

        async def read(self, limit: int) -> bytes:
            return b"[]"

        def close(self) -> None:
            self.closed = True

    answers = [Answered((b"x-lambent-messages", b"1")), Answered()]

    class Publishing(Moto):
        async def exchange(self, method: bytes, target: bytes, *_: Any, **__: Any) -> Any:
            return answers[target.startswith(b"/messages/")]

    async def refuse(_: Any) -> None:
        raise StorageFull("the disk is full")

    async def scenario() -> None:
        neighbours = Neighbours(moto=Publishing())
        neighbours.send_messages = refuse
        with pytest.raises(StorageFull):
            await neighbours.send(call("sns"))
        assert answers[0].closed
        await neighbours.close()

    run(scenario)
