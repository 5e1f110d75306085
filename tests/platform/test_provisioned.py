"""Provisioned concurrency: environments that are there before anybody asks, and what they count."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Answer, Gate, Platform

TYPE_OF = """
import os

def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.getpid()
"""
AHEAD, ON_DEMAND = "provisioned-concurrency", "on-demand"
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
FIGURES = ("Requested", "Allocated", "Available")


def figures(answer: dict[str, Any]) -> tuple[Any, ...]:
    return (*(answer[f"{name}ProvisionedConcurrentExecutions"] for name in FIGURES), answer["Status"])


class Function:
    """A function with versions; `state(qualifier)` is how far its provisioned concurrency has come."""

    def __init__(self, platform: Platform, source: str = TYPE_OF, **members: Any) -> None:
        self.platform = platform
        self.aws = platform.client()
        self.name = platform.create(source, **members)

    def publish(self, **changes: Any) -> str:
        if changes:
            self.aws.update_function_configuration(FunctionName=self.name, **changes)
            self.platform.settle(self.name)
        version: str = self.aws.publish_version(FunctionName=self.name)["Version"]
        return version

    def put(self, qualifier: str, count: int) -> tuple[Any, ...]:
        return figures(
            self.aws.put_provisioned_concurrency_config(
                FunctionName=self.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
            )
        )

    def state(self, qualifier: str) -> tuple[Any, ...]:
        return figures(self.get(qualifier))

    def get(self, qualifier: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.aws.get_provisioned_concurrency_config(
            FunctionName=self.name, Qualifier=qualifier
        )
        return answer

    def delete(self, qualifier: str) -> None:
        self.aws.delete_provisioned_concurrency_config(FunctionName=self.name, Qualifier=qualifier)

    def invoke(self, event: Any = None, qualifier: str | None = None, **options: Any) -> Answer:
        return self.platform.invoke(self.name, event, qualifier=qualifier, **options)


@pytest.fixture
def made(own: Callable[..., Platform]) -> Callable[..., Function]:
    """Makes a function on a platform of the test's own."""

    def make(source: str = TYPE_OF, *, settings: dict[str, Any] | None = None, **members: Any) -> Function:
        return Function(own(**settings or {}), source, **members)

    return make


@pytest.fixture
def ready(poll: Callable[..., Any]) -> Callable[..., None]:
    """Asks for environments and waits until they are there."""

    def wait(function: Function, qualifier: str, count: int) -> None:
        assert function.put(qualifier, count)[3] == "IN_PROGRESS"
        poll(lambda: function.state(qualifier) == (count, count, count, "READY"))

    return wait


def test_environments_are_there_before_anybody_asks(
    made: Callable[..., Function], poll: Callable[..., Any]
) -> None:
    # AWS-recorded: test_provisioned_concurrency.
    function = made()
    version = function.publish()
    spares = len(function.platform.environments())
    assert function.put(version, 5) == (5, 0, 0, "IN_PROGRESS")
    assert function.state(version) == (5, 0, 0, "IN_PROGRESS")
    poll(lambda: function.state(version) == (5, 5, 5, "READY"))
    assert "StatusReason" not in function.get(version)
    poll(lambda: len(function.platform.environments()) == spares + 5)
    assert function.invoke(qualifier=version).json[0] == AHEAD
    assert function.invoke().json[0] == ON_DEMAND


