"""Environments come, are reused, and go; versions replace one another."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Gate, Platform

COUNTER = """
import os
count = 0
def handler(event, context):
    global count
    count += 1
    return [os.getpid(), count]
"""


def variant(text: str) -> str:
    return f"import os\ndef handler(event, context):\n    return ['{text}', os.getpid(), context.function_version]\n"


def test_an_environment_is_used_again(platform: Platform) -> None:
    name = platform.create(COUNTER)
    answers = [platform.invoke(name, 1).json for _ in range(5)]
    assert len({pid for pid, _ in answers}) == 1
    assert [count for _, count in answers] == [1, 2, 3, 4, 5]


def test_the_environment_used_last_is_used_next(
    platform: Platform, gate: Gate, background: Callable[..., Any]
) -> None:
    name = platform.create(
        gate.source + "\nwait = handler\n"
        "def handler(event, context):\n"
        "    return wait(event, context) if event else os.getpid()\n"
    )
    calls = [background(lambda: platform.invoke(name, {"port": gate.port})) for _ in range(4)]
    pids = {pid for _, pid, _ in gate.wait(4)}
    assert len(pids) == 4
    gate.release()
    for call in calls:
        call.result()
    after = {platform.invoke(name, None).json for _ in range(8)}
    assert len(after) == 1
    assert after < pids


def test_idle_environments_are_reaped(own: Callable[..., Platform], poll: Callable[..., Any]) -> None:
    platform = own(idle_timeout_s=0.2)
    name = platform.create(COUNTER)
    pid, _ = platform.invoke(name, 1).json
    (directory,) = (platform.data / "environments").iterdir()
    poll(lambda: pid not in platform.marked(), seconds=5)
    poll(lambda: not directory.exists(), seconds=5)
    again, count = platform.invoke(name, 1).json
    assert (again != pid, count) == (True, 1)


def test_new_code_takes_effect_at_once_and_the_old_environments_end(
    platform: Platform, zipped: Callable[..., bytes], living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    name = platform.create(variant("v0"))
    before: set[int] = set()
    for number in range(1, 6):
        text, pid, _ = platform.invoke(name, 1).json
        assert text == f"v{number - 1}"
        before.add(pid)
        platform.aws.update_function_code(
            FunctionName=name, ZipFile=zipped({"app.py": variant(f"v{number}")})
        )
        platform.settle(name)
    assert platform.invoke(name, 1).json[0] == "v5"
    poll(lambda: not any(map(living, before)), seconds=5)


def test_an_update_serves_while_it_is_in_progress(
    own: Callable[..., Platform], zipped: Callable[..., bytes], poll: Callable[..., Any]
) -> None:
    platform = own(update_in_progress_s=60)
    name = platform.create(variant("old"), client=platform.client())
    client = platform.client()
    client.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": variant("new")}), Publish=True)
    poll(lambda: platform.invoke(name, 1).json[0] == "new")
    assert client.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] == "InProgress"
    assert client.get_function(FunctionName=name, Qualifier="1")["Configuration"]["State"] == "Pending"
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.update_function_configuration(FunctionName=name, Timeout=9)
    platform.kill()
    # What was in progress begins anew.
    platform.start()
    assert platform.invoke(name, 1).json[0] == "new"


def test_a_new_configuration_takes_effect_at_once(platform: Platform) -> None:
    name = platform.create("import os\ndef handler(event, context):\n    return os.environ.get('STAGE')\n")
    assert platform.invoke(name, 1).json is None
    platform.aws.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"STAGE": "two"}}, Timeout=7
    )
    platform.settle(name)
    assert platform.invoke(name, 1).json == "two"


def test_what_runs_during_an_update_ends_as_it_began(
    platform: Platform, gate: Gate, background: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    name = platform.create(gate.source)
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    platform.aws.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": variant("new")}))
    platform.settle(name)
    assert platform.invoke(name, 1).json[0] == "new"
    gate.release("the old code's answer")
    assert call.result().json == "the old code's answer"


def test_what_runs_when_its_function_is_deleted_ends_as_it_began(
    platform: Platform, gate: Gate, background: Callable[..., Any]
) -> None:
    name = platform.create(gate.source)
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    platform.aws.delete_function(FunctionName=name)
    assert platform.invoke(name, 1).status == 404
    gate.release("still answered")
    assert call.result().json == "still answered"


def test_versions_stay_what_they_were(platform: Platform, zipped: Callable[..., bytes]) -> None:
    name = platform.create(variant("one"))
    for number, text in ((1, "one"), (2, "two"), (3, "three")):
        if number > 1:
            platform.aws.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": variant(text)}))
            platform.settle(name)
        assert platform.aws.publish_version(FunctionName=name)["Version"] == str(number)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    for reference, qualifier, text, version in (
        (name, "1", "one", "1"),
        (f"{name}:2", None, "two", "2"),
        (f"{arn}:3", None, "three", "3"),
        (f"000000000000:{name}", "2", "two", "2"),
        (f"000000000000:function:{name}:1", None, "one", "1"),
        (arn, "$LATEST", "three", "$LATEST"),
        (f"{arn}:$LATEST", None, "three", "$LATEST"),
        (name, None, "three", "$LATEST"),
    ):
        answer = platform.invoke(reference, 1, qualifier=qualifier)
        seen, _, inside = answer.json
        assert (seen, inside, answer.headers["X-Amz-Executed-Version"]) == (text, version, version)
    platform.aws.delete_function(FunctionName=name, Qualifier="1")
    assert platform.invoke(name, 1, qualifier="1").status == 404
    assert platform.invoke(name, 1, qualifier="2").json[0] == "two"


def test_publishing_waits_for_nothing_that_an_invocation_needs(platform: Platform) -> None:
    name = platform.create(variant("now"))
    version = platform.aws.publish_version(FunctionName=name)["Version"]
    answer = platform.invoke(name, 1, qualifier=version)
    assert (answer.status, answer.json[0]) == (200, "now")


def test_a_function_that_is_made_again_is_new(platform: Platform, zipped: Callable[..., bytes]) -> None:
    name = platform.create(variant("first"))
    assert platform.invoke(name, 1).json[0] == "first"
    platform.aws.delete_function(FunctionName=name)
    platform.aws.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped({"app.py": variant("second")})},
    )
    platform.settle(name)
    assert platform.invoke(name, 1).json[0] == "second"


def test_the_code_can_be_fetched_again(platform: Platform, zipped: Callable[..., bytes]) -> None:
    name = platform.create(COUNTER)
    found = platform.aws.get_function(FunctionName=name)
    location = found["Code"]["Location"]
    assert location.startswith(platform.url)
    data = platform.request("GET", location.removeprefix(platform.url)).body
    assert base64.b64encode(hashlib.sha256(data).digest()).decode() == found["Configuration"]["CodeSha256"]


def test_the_same_code_is_kept_once(platform: Platform) -> None:
    source = f"# {'unlike any other'}\n{COUNTER}"
    trees = platform.data / "code"
    platform.create(source)
    before = len(list(trees.iterdir()))
    for _ in range(3):
        platform.create(source)
    assert len(list(trees.iterdir())) == before


def test_a_runtime_that_is_not_here_is_taken_and_invocations_say_which_are(
    own: Callable[..., Platform],
) -> None:
    platform = own(start=False, runtime_fallback="false")
    # A machine with this one interpreter and no other.
    platform.variables = {"PATH": "/nowhere", "PYENV_ROOT": "/nowhere", "HOME": "/nowhere"}
    platform.start()
    wanted = "python3.9" if platform.runtime != "python3.9" else "python3.10"
    name = platform.create(COUNTER, Runtime=wanted)
    assert platform.aws.get_function_configuration(FunctionName=name)["State"] == "Active"
    missing = f"no interpreter for {wanted} on this machine"
    assert missing in platform.printed
    for call in (platform.aws.invoke, platform.aws.invoke_with_response_stream):
        with pytest.raises(ClientError) as caught:
            call(FunctionName=name)
        answer = caught.value.response
        assert answer["Error"]["Code"] == "InvalidRuntimeException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 502
        assert missing in answer["Error"]["Message"]
        assert platform.runtime in answer["Error"]["Message"]


def test_an_image_is_taken_and_cannot_be_invoked(platform: Platform) -> None:
    platform.aws.create_function(
        FunctionName="image",
        Role="arn:aws:iam::000000000000:role/any",
        PackageType="Image",
        Code={"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/shop:latest"},
    )
    platform.settle("image")
    with pytest.raises(ClientError) as caught:
        platform.aws.invoke(FunctionName="image")
    assert caught.value.response["Error"]["Code"] == "InvalidRuntimeException"
    assert "container image" in caught.value.response["Error"]["Message"]
    platform.aws.delete_function(FunctionName="image")


def test_a_runtime_that_is_not_here_is_replaced_by_the_nearest_and_the_log_says_so(
    own: Callable[..., Platform],
) -> None:
    platform = own(start=False)
    platform.variables = {"PATH": "/nowhere", "PYENV_ROOT": "/nowhere", "HOME": "/nowhere"}
    platform.start()
    wanted = "python3.9" if platform.runtime != "python3.9" else "python3.10"
    name = platform.create(
        "import sys\ndef handler(e, c):\n    return sys.version_info[:2]\n", Runtime=wanted
    )
    minor = int(platform.runtime.partition(".")[2])
    assert platform.invoke(name, 1).json == [3, minor]
    assert any(f"running it with {platform.runtime}" in line for line in platform.logs(name))
