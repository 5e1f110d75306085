"""A platform for a module's tests, in this process, with transforms that ask its services."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.context import STACKS_SESSION
from lambent.aws.service_calls import ServiceCalls
from lambent.clock import SystemClock
from lambent.neighbours.service_calls import ServiceCall
from lambent.node.platform import Platform
from lambent.node.settings import Settings
from lambent.stacks.transforms import Fetcher, Macro, Transforms

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

ACCOUNT = "000000000000"
REGION = "us-east-1"
_DEADLINE_S = 60


class World:
    """A running platform on a loop in a thread."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.platform: Platform = self.run(Platform.start(Settings(port=0, ephemeral=True, data=data)))
        self.calls = ServiceCalls(
            self.platform.credentials, lambda: self.platform.inside_url, session=STACKS_SESSION
        )
        self.fetcher = Fetcher(self.calls.ask, lambda: [self.platform.inside_url])
        self.macros: dict[str, str] = {}
        self.transforms: Transforms = self.run(self._made())
        self.transforms.find_macro = self._macro

    async def _made(self) -> Transforms:
        return Transforms(self.calls.ask, self.fetcher, SystemClock())

    def _macro(self, account: str, region: str, name: str) -> Macro | None:
        assert (account, region) == (ACCOUNT, REGION)
        return Macro(name, self.macros[name]) if name in self.macros else None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_DEADLINE_S)

    def ask(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask a service, as anybody may."""
        answer: dict[str, Any] = self.run(
            self.calls.ask(ServiceCall(service, operation, parameters, REGION, ACCOUNT, ""))
        )
        return answer

    def put(self, key: str, content: str | bytes) -> str:
        """An object in the bucket `templates`; gives its S3 URI."""
        self.ask("s3", "PutObject", Bucket="templates", Key=key, Body=content)
        return f"s3://templates/{key}"

    def function(self, name: str, source: str) -> None:
        """A Python function whose handler is `handler`."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", source)
        self.ask(
            "lambda",
            "CreateFunction",
            FunctionName=name,
            Runtime="python3.12",
            Handler="index.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/r",
            Code={"ZipFile": package.getvalue()},
        )
        deadline = time.monotonic() + _DEADLINE_S
        while self.ask("lambda", "GetFunctionConfiguration", FunctionName=name)["State"] != "Active":
            assert time.monotonic() < deadline

    def apply(self, template: dict[str, Any], region: str = REGION, **parameters: Any) -> dict[str, Any]:
        """The template processed; what is given is not changed."""
        before = json.dumps(template)
        try:
            processed: dict[str, Any] = self.run(
                self.transforms.apply(
                    template, account=ACCOUNT, region=region, stack_name="shop", parameters=parameters
                )
            )
        finally:
            assert json.dumps(template) == before
        return processed

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.transforms.close)
        self.loop.call_soon_threadsafe(self.calls.close)
        self.run(self.platform.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One platform for all tests of a module, and moto where a test asks for what moto serves."""
    world = World(tmp_path_factory.mktemp("platform"))
    try:
        yield world
    finally:
        world.close()


class Later:
    """A clock that stands still, and whose timers are called by hand."""

    def __init__(self) -> None:
        self.timers: list[tuple[int, Callable[..., object]]] = []

    def wall_ms(self) -> int:
        return 0

    def steady_ms(self) -> int:
        return 0

    def at_steady(self, when_ms: int, callback: Callable[..., object], *arguments: Any) -> Later:
        self.timers.append((when_ms, callback))
        return self

    at_wall = at_steady

    def cancel(self) -> None:
        self.timers.clear()


@pytest.fixture
def later() -> Later:
    return Later()
