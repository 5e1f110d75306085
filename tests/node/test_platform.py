"""The composition root, driven in this process through its HTTP port."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvloop
from botocore.config import Config

from lambent.aws.catalog import OWN_SERVICES
from lambent.node.platform import Platform
from lambent.node.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

RUNTIME = f"python3.{sys.version_info[1]}"
ROLE = "arn:aws:iam::000000000000:role/r"


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(scenario())


def client(platform: Platform, service: str, url: str | None = None) -> Any:
    return boto3.client(
        service,
        endpoint_url=url or platform.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def package() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    print(event)\n    return event\n")
    return buffer.getvalue()


def create(functions: Any, name: str) -> None:
    functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Handler="app.handler", Role=ROLE, Code={"ZipFile": package()}
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02})


def test_its_own_services_are_those_that_no_neighbour_is_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, ephemeral=True, data=tmp_path))
        try:
            assert set(platform.services) == OWN_SERVICES
        finally:
            await platform.stop()

    run(scenario)


def test_reset_empties_an_ephemeral_platform(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, ephemeral=True, data=tmp_path))
        try:
            await asyncio.to_thread(use_and_reset, platform)
        finally:
            await platform.stop()

    def use_and_reset(platform: Platform) -> None:
        functions, logs = client(platform, "lambda"), client(platform, "logs")
        create(functions, "one")
        functions.invoke(FunctionName="one", Payload=b"{}")
        functions.publish_layer_version(LayerName="layer", Content={"ZipFile": package()})
        signing = {
            "AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:::/signing-profiles/p"]}
        }
        functions.create_code_signing_config(**signing)
        assert logs.describe_log_groups()["logGroups"]
        assert post(platform, "/_lambent/reset") == 200
        assert functions.list_functions()["Functions"] == []
        assert functions.list_layers()["Layers"] == []
        assert functions.list_code_signing_configs()["CodeSigningConfigs"] == []
        assert logs.describe_log_groups()["logGroups"] == []
        create(functions, "one")
        assert functions.invoke(FunctionName="one", Payload=b"1")["Payload"].read() == b"1"

    run(scenario)
    assert list(tmp_path.iterdir()) == []


def post(platform: Platform, path: str) -> int:
    import http.client

    connection = http.client.HTTPConnection(*platform.server.address, timeout=10)
    try:
        connection.request("POST", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_platform_that_keeps_things_cannot_be_reset(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, data=tmp_path / "data"))
        try:
            assert await asyncio.to_thread(post, platform, "/_lambent/reset") == 403
            assert await asyncio.to_thread(post, platform, "/_lambent/nothing") == 404
        finally:
            await platform.stop()

    run(scenario)


def test_a_function_url_that_nobody_has(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, ephemeral=True, data=tmp_path))
        try:
            status, body = await asyncio.to_thread(get, platform, "/", "abc.Lambda-URL.us-east-1.localhost")
            assert (status, body) == (403, b'{"Message":null}')
        finally:
            await platform.stop()

    run(scenario)


def get(platform: Platform, path: str, host: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", platform.server.address[1], timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_resets_at_once_and_functions_that_others_delete_meanwhile(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, ephemeral=True, data=tmp_path))
        try:
            functions = client(platform, "lambda")
            for name in ("a", "b", "c", "d"):
                await asyncio.to_thread(create, functions, name)
            deleted = asyncio.to_thread(functions.delete_function, FunctionName="d")
            resets = [asyncio.to_thread(post, platform, "/_lambent/reset") for _ in range(3)]
            *answers, _ = await asyncio.gather(*resets, deleted, return_exceptions=True)
            assert answers == [200, 200, 200]
        finally:
            await platform.stop()

    run(scenario)


def test_a_reset_that_fails_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        platform = await Platform.start(Settings(port=0, ephemeral=True, data=tmp_path))
        try:
            await platform.logs.close()
            assert await asyncio.to_thread(post, platform, "/_lambent/reset") == 500
        finally:
            await platform.stop()

    run(scenario)


def test_what_was_opened_is_closed_when_the_start_fails(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = await Platform.start(Settings(port=0, data=tmp_path / "one"))
        try:
            taken = first.server.address[1]
            with pytest.raises(OSError, match="in use"):
                await Platform.start(Settings(port=taken, data=tmp_path / "two"))
            # Its data directory is free again.
            second = await Platform.start(Settings(port=0, data=tmp_path / "two"))
            await second.stop()
        finally:
            await first.stop()

    run(scenario)
