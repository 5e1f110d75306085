"""CloudFormation over HTTP as clients see it: a platform in this process, and boto3."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.node.platform import Platform
from lambent.node.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

_DEADLINE_S = 30

HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


class Cloud:
    """A running platform on a loop in a thread, and clients of it."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._names = itertools.count(1)
        self._session = boto3.Session()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._platform = self._run(Platform.start(Settings(port=0, ephemeral=True, data=data)))
        self.cfn = self.client("cloudformation")

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self._session.client(
            service,
            endpoint_url=self._platform.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_DEADLINE_S)

    def close(self) -> None:
        self._run(self._platform.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    # ------------------------------------------------------------ stacks

    def name(self) -> str:
        """A name that nobody has."""
        return f"stack-{next(self._names)}"

    def create(self, template: Any = None, name: str | None = None, **members: Any) -> Any:
        """A stack as it is described when its creation has ended; without a template one with a handle."""
        name = name or self.name()
        self.cfn.create_stack(StackName=name, TemplateBody=text(template or simple()), **members)
        return self.ended(name)

    def ended(self, name: str) -> Any:
        """The stack's description once nothing is in progress."""
        return self.until(lambda: self._ended(name))

    def _ended(self, name: str) -> Any:
        (stack,) = self.cfn.describe_stacks(StackName=name)["Stacks"]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    def until(self, condition: Callable[[], Any]) -> Any:
        """What it gives once that is true."""
        deadline = time.monotonic() + _DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.005)
        return found

    def refusal(self, operation: str, **members: Any) -> tuple[str, str, int]:
        """Code, message and HTTP status of an operation's error."""
        with pytest.raises(ClientError) as caught:
            getattr(self.cfn, operation)(**members)
        answer = caught.value.response
        return (
            answer["Error"]["Code"],
            answer["Error"]["Message"],
            answer["ResponseMetadata"]["HTTPStatusCode"],
        )


def text(template: Any) -> str:
    """A template's text."""
    return template if isinstance(template, str) else json.dumps(template)


def simple(count: int = 1, **sections: Any) -> dict[str, Any]:
    """A template of handles, the cheapest resources that there are."""
    return {"Resources": {f"Handle{number:03d}": HANDLE for number in range(count)}, **sections}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One for all tests: stacks are the tests' own."""
    running = Cloud(tmp_path_factory.mktemp("cloud"))
    yield running
    running.close()
