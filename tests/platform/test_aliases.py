"""What invocations of an alias run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

SOURCE = """
import os
def handler(event, context):
    print("version", context.function_version)
    return [os.environ["AWS_LAMBDA_FUNCTION_VERSION"], context.function_version, context.invoked_function_arn]
"""


@pytest.fixture(scope="module")
def function(platform: Platform) -> str:
    """A function with versions 1 and 2."""
    name = platform.create(SOURCE)
    for number in "12":
        platform.aws.update_function_configuration(FunctionName=name, Description=number)
        platform.settle(name)
        platform.aws.publish_version(FunctionName=name)
    return name


def invoke(platform: Platform, name: str, qualifier: str) -> tuple[str, list[str]]:
    answer = platform.aws.invoke(FunctionName=name, Qualifier=qualifier)
    return answer["ExecutedVersion"], json.loads(answer["Payload"].read())


def test_an_alias_runs_its_version_until_it_moves(platform: Platform, function: str) -> None:
    alias = platform.aws.create_alias(FunctionName=function, Name="moving", FunctionVersion="1")
    arn = alias["AliasArn"]
    assert invoke(platform, function, "moving") == ("1", ["1", "1", arn])
    platform.aws.update_alias(FunctionName=function, Name="moving", FunctionVersion="2")
    assert invoke(platform, function, "moving") == ("2", ["2", "2", arn])
    by_arn = platform.aws.invoke(FunctionName=arn)
    assert (by_arn["ExecutedVersion"], json.loads(by_arn["Payload"].read())[2]) == ("2", arn)
    platform.aws.update_alias(FunctionName=function, Name="moving", FunctionVersion="$LATEST")
    assert invoke(platform, function, "moving") == ("$LATEST", ["$LATEST", "$LATEST", arn])


def test_versions_share_the_invocations_of_an_alias(platform: Platform, function: str) -> None:
    platform.aws.create_alias(
        FunctionName=function,
        Name="shared",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    ran = [invoke(platform, function, "shared") for _ in range(60)]
    for executed, said in ran:
        assert said[:2] == [executed, executed]
    # With even shares, one of them is left out of sixty once in 10^18 runs.
    assert {executed for executed, _ in ran} == {"1", "2"}
    for weight, wanted in ((1.0, "2"), (0.0, "1")):
        routing = {"AdditionalVersionWeights": {"2": weight}}
        platform.aws.update_alias(FunctionName=function, Name="shared", RoutingConfig=routing)
        assert {invoke(platform, function, "shared")[0] for _ in range(10)} == {wanted}


def test_events_and_streams_share_too(platform: Platform, function: str, poll: Callable[..., Any]) -> None:
    platform.aws.create_alias(
        FunctionName=function,
        Name="events",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}},
    )
    before = sum("version 2" in line for line in platform.logs(function))
    platform.aws.invoke(FunctionName=function, Qualifier="events", InvocationType="Event")
    poll(lambda: sum("version 2" in line for line in platform.logs(function)) == before + 1)
    stream = platform.aws.invoke_with_response_stream(FunctionName=function, Qualifier="events")
    chunk, _ = list(stream["EventStream"])
    stream["EventStream"].close()
    assert json.loads(chunk["PayloadChunk"]["Payload"])[0] == "2"
    assert stream["ExecutedVersion"] == "2"
