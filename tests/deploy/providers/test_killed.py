"""Deployments that are killed at any of their requests and repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import REPOSITORY, clean_environment
from tests.deploy.providers.deployments import Recorder, always, provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.providers.access import Access

SAMPLE = (6, 11)
"""Requests before which is killed by default: when the change set is there, and when its execution has begun.

LAMBENT_CRASHES=0: before each.
"""


class Deployer:
    """`killed.py` in a process."""

    def __init__(self, url: str, folder: Path) -> None:
        self._base = {"url": url, "folder": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            env=clean_environment() | {"PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep}{REPOSITORY}"},
            text=True,
        )

    def deploy(self, app: str, text: str, *, request: int = 0) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(
            json.dumps({**self._base, "app": app, "text": text, "request": request}) + "\n"
        )
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def deployer(platform: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    made = Deployer(platform, tmp_path_factory.mktemp("killed"))
    with made.process:
        yield made
        assert made.process.stdin is not None
        made.process.stdin.close()


def _numbers() -> Iterator[int]:
    yield from range(1, 100) if os.environ.get("LAMBENT_CRASHES") == "0" else SAMPLE


def _check(access: Access, stack: str, status: str) -> None:
    client = access.client("cloudformation")
    assert client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == status
    assert client.list_change_sets(StackName=stack)["Summaries"] == []


def test_the_first_deployment(platform: str, tmp_path: Path, deployer: Deployer) -> None:
    local = provider("local", platform)
    for number in _numbers():
        if deployer.deploy("newborn", "one", request=number) != "killed":
            break
        assert "done" in deployer.deploy("newborn", "one")
        _check(local.access, "newborn-dev", "CREATE_COMPLETE")
        local.destroy("newborn", "dev", empty_buckets=False, watch=Recorder(), confirm=always)
    assert number > 10


def test_an_update(platform: str, tmp_path: Path, deployer: Deployer) -> None:
    local = provider("local", platform)
    deployer.deploy("updated", "zero")
    functions = local.access.client("lambda")
    for number in _numbers():
        before = functions.get_function_configuration(FunctionName="updated-dev-app")["CodeSha256"]
        if deployer.deploy("updated", f"{number}", request=number) != "killed":
            break
        assert "done" in deployer.deploy("updated", f"{number}")
        _check(local.access, "updated-dev", "UPDATE_COMPLETE")
        assert functions.get_function_configuration(FunctionName="updated-dev-app")["CodeSha256"] != before
    assert number > 10
