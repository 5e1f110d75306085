"""Provisioned concurrency: environments that are there before anybody asks, and what they count."""

from __future__ import annotations

import itertools
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


def test_the_free_one_is_taken_first_and_what_is_more_spills_over(
    made: Callable[..., Function], gate: Gate, background: Callable[..., Any], ready: Callable[..., None]
) -> None:
    # AWS-recorded: test_lambda_provisioned_concurrency_scheduling.
    function = made(
        "import os\n"
        + gate.source.replace('event.get("say")', 'os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]')
    )
    version = function.publish()
    ready(function, version, 1)

    def call() -> Any:
        return background(lambda: function.invoke({"port": gate.port}, version))

    for _ in range(2):  # the second time there are idle environments of both kinds
        calls, said = [], []
        for _ in range(3):
            calls.append(call())
            said += gate.wait()
        assert [kind for _, _, kind in said] == [AHEAD, ON_DEMAND, ON_DEMAND]
        assert function.state(version) == (1, 1, 1, "READY")
        gate.release("done")
        assert [one.result().json for one in calls] == ["done"] * 3


def test_their_init_is_shown_and_not_billed(
    made: Callable[..., Function], ready: Callable[..., None]
) -> None:
    function = made("import time\ntime.sleep(0.3)\ndef handler(event, context):\n    return 1\n")
    version = function.publish()
    ready(function, version, 1)
    begun = [line for line in function.platform.logs(function.name) if line.startswith("INIT_START")]
    assert len(begun) == 1
    assert function.invoke(qualifier=version).json == 1
    assert function.invoke(qualifier=version).json == 1
    reports = [line for line in function.platform.logs(function.name) if line.startswith("REPORT")]
    assert ["Init Duration: 3" in report for report in reports] == [True, False]
    billed = [int(report.partition("Billed Duration: ")[2].split()[0]) for report in reports]
    assert max(billed) < 200
    # The others pay for theirs.
    assert function.invoke().json == 1
    report = function.platform.logs(function.name)[-1]
    assert int(report.partition("Billed Duration: ")[2].split()[0]) >= 300


def test_a_failed_init_is_told(made: Callable[..., Function], poll: Callable[..., Any]) -> None:
    # AWS-recorded: test_provisioned_concurrency_init_failure.
    function = made("raise ValueError('no')\n")
    version = function.publish()
    assert function.put(version, 1) == (1, 0, 0, "IN_PROGRESS")
    poll(lambda: function.state(version)[3] == "FAILED")
    assert function.state(version) == (1, 0, 0, "FAILED")
    assert function.get(version)["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    listed = function.aws.list_provisioned_concurrency_configs(FunctionName=function.name)
    (entry,) = listed["ProvisionedConcurrencyConfigs"]
    assert (entry["Status"], entry["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert function.invoke(qualifier=version).json["errorType"] == "ValueError"


def test_more_and_less(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None], gate: Gate,
    background: Callable[..., Any],
) -> None:  # fmt: skip
    function = made(gate.source)
    version = function.publish()
    spares = len(function.platform.environments())
    ready(function, version, 2)
    assert function.put(version, 6) == (6, 2, 2, "IN_PROGRESS")
    poll(lambda: function.state(version) == (6, 6, 6, "READY"))
    calls = [background(lambda: function.invoke({"port": gate.port}, version)) for _ in range(4)]
    gate.wait(4)
    assert function.put(version, 1)[:1] == (1,)  # those in use end with what they do
    gate.release(1)
    assert [call.result().json for call in calls] == [1] * 4
    poll(lambda: function.state(version) == (1, 1, 1, "READY"))
    poll(lambda: len(function.platform.environments()) == spares + 1)
    function.delete(version)
    poll(lambda: len(function.platform.environments()) == spares)
    assert function.invoke({"port": 0}, version).json["errorType"]


def test_what_runs_when_nobody_wants_them_any_more_runs_to_its_end(
    made: Callable[..., Function],
    poll: Callable[..., Any],
    ready: Callable[..., None],
    gate: Gate,
    background: Callable[..., Any],
) -> None:
    function = made(gate.source)
    version = function.publish()
    spares = len(function.platform.environments())
    for end in (
        lambda: function.delete(version),
        lambda: function.aws.delete_function(FunctionName=function.name),
    ):
        ready(function, version, 3)
        calls = [background(lambda: function.invoke({"port": gate.port}, version)) for _ in range(2)]
        gate.wait(2)
        end()
        gate.release("to the end")
        assert [call.result().json for call in calls] == ["to the end"] * 2
        poll(lambda: len(function.platform.environments()) == spares)
    assert "Traceback" not in function.platform.printed


def test_they_stay_while_others_are_reaped(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    function = made(settings={"idle_timeout_s": 1})
    version = function.publish()
    ready(function, version, 2)
    on_demand = function.invoke().json[1]
    before = {function.invoke(qualifier=version).json[1]}
    poll(lambda: on_demand not in function.platform.environments())
    assert function.state(version) == (2, 2, 2, "READY")
    assert before <= set(function.platform.environments())
    assert function.invoke(qualifier=version).json[0] == AHEAD


@pytest.mark.parametrize("end", ["killed", "crash", "timeout", "zygote"])
def test_those_that_end_are_replaced(
    made: Callable[..., Function],
    poll: Callable[..., Any],
    ready: Callable[..., None],
    living: Callable[[int], bool],
    end: str,
) -> None:
    function = made(
        TYPE_OF + "    pass\n\nplain = handler\ndef handler(event, context):\n"
        "    if event == 'crash':\n        os._exit(3)\n"
        "    if event == 'timeout':\n        import time; time.sleep(60)\n"
        "    return plain(event, context)\n",
        Timeout=1,
    )
    version = function.publish()
    ready(function, version, 1)
    kind, pid = function.invoke(qualifier=version).json
    assert kind == AHEAD
    if end == "killed":
        os.kill(pid, signal.SIGKILL)
    elif end == "zygote":
        (zygote,) = function.platform.zygotes()
        os.kill(zygote, signal.SIGKILL)
    else:
        assert function.invoke(end, version).json["errorType"] in ("Runtime.ExitError", "Sandbox.Timedout")
    poll(lambda: not living(pid))
    poll(lambda: function.state(version) == (1, 1, 1, "READY") and len(function.platform.environments()))
    poll(lambda: function.invoke(qualifier=version).json[0] == AHEAD)
    assert function.invoke(qualifier=version).json[1] != pid


def test_what_ends_again_and_again_is_replaced_less_and_less_often(
    made: Callable[..., Function], poll: Callable[..., Any]
) -> None:
    function = made(
        "import os, threading\n"
        "if os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'provisioned-concurrency':\n"
        "    threading.Timer(0.02, os._exit, (1,)).start()\n" + TYPE_OF
    )
    version = function.publish()
    function.put(version, 1)

    def begun() -> list[int]:
        return [
            event["timestamp"]
            for event in function.platform.log_events(function.name)
            if event["message"].startswith("INIT_START")
        ]

    poll(lambda: len(begun()) >= 5)
    pauses = [later - before for before, later in itertools.pairwise(begun())]
    assert pauses[0] < 500
    assert pauses[3] >= 800
    assert function.invoke(qualifier=version).status == 200


def test_they_are_restored_when_the_platform_starts(
    own: Callable[..., Platform], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    platform = own()
    function = Function(platform)
    version = function.publish()
    ready(function, version, 3)
    assert platform.stop() == 0
    assert platform.marked() == set()
    platform.start()
    function.aws = platform.client()
    poll(lambda: function.state(version) == (3, 3, 3, "READY"))
    assert function.invoke(qualifier=version).json[0] == AHEAD
    platform.kill()
    poll(lambda: platform.marked() == set())
    platform.start()
    function.aws = platform.client()
    poll(lambda: function.state(version) == (3, 3, 3, "READY"))
    function.aws.delete_function(FunctionName=function.name)
    poll(lambda: len(platform.environments()) <= 2)  # blank ones


def test_what_is_reserved_and_provisioned_is_not_there_for_others(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    # AWS-recorded: test_reserved_provisioned_overlap.
    function = made()
    version = function.publish()
    ready(function, version, 2)
    function.aws.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=2)
    refused = function.invoke()
    assert (refused.status, refused.json["Reason"]) == (429, RESERVED)
    assert function.invoke(qualifier=version).json[0] == AHEAD
    function.delete(version)
    assert function.invoke().json[0] == ON_DEMAND
    assert function.invoke(qualifier=version).json[0] == ON_DEMAND


def test_a_reservation_holds_for_both_kinds_together(
    made: Callable[..., Function], poll: Callable[..., Any], gate: Gate, background: Callable[..., Any]
) -> None:
    function = made(gate.source)
    version = function.publish()
    function.aws.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=2)
    on_demand = [background(lambda: function.invoke({"port": gate.port})) for _ in range(2)]
    gate.wait(2)
    function.put(version, 2)
    poll(lambda: function.state(version) == (2, 2, 2, "READY"))
    assert function.invoke({"port": gate.port}, version).status == 429
    gate.release(1)
    assert [call.result().json for call in on_demand] == [1, 1]
    ahead = [background(lambda: function.invoke({"port": gate.port}, version)) for _ in range(2)]
    gate.wait(2)
    assert function.invoke({"port": gate.port}, version).json["Reason"] == RESERVED
    gate.release(2)
    assert [call.result().json for call in ahead] == [2, 2]


def test_the_account_has_less_to_share(
    made: Callable[..., Function], ready: Callable[..., None], gate: Gate, background: Callable[..., Any]
) -> None:
    function = made(gate.source, settings={"concurrency": 103})
    version = function.publish()
    ready(function, version, 2)
    limits = function.aws.get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (103, 101)
    calls = [background(lambda: function.invoke({"port": gate.port}, version)) for _ in range(5)]
    said = gate.wait(5)  # three of them on demand
    assert len({pid for _, pid, _ in said}) == 5
    gate.release("done")
    assert [call.result().json for call in calls] == ["done"] * 5


def test_async_events_run_in_them_too(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    function = made(
        "import os\ndef handler(event, context):\n    print(os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'])\n"
    )
    version = function.publish()
    ready(function, version, 1)
    assert function.invoke(qualifier=version, kind="Event").status == 202
    poll(lambda: f"{AHEAD}\n" in function.platform.logs(function.name))


def test_an_alias_takes_them_along(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    # AWS-recorded: test_lambda_provisioned_concurrency_moves_with_alias.
    function = made()
    first = function.publish()
    spares = len(function.platform.environments())
    function.aws.create_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
    ready(function, "live", 1)
    for qualifier in (first, "live"):
        assert function.invoke(qualifier=qualifier).json[0] == AHEAD
    second = function.publish(Timeout=10)
    function.aws.update_alias(FunctionName=function.name, Name="live", FunctionVersion=second)
    assert function.state("live") == (1, 1, 1, "IN_PROGRESS")
    assert function.invoke(qualifier=first).json[0] == AHEAD
    poll(lambda: function.state("live") == (1, 1, 1, "READY"))
    assert function.invoke(qualifier="live").json[0] == AHEAD
    assert function.invoke(qualifier=second).json[0] == AHEAD
    assert function.invoke(qualifier=first).json[0] == ON_DEMAND
    with pytest.raises(function.aws.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        function.get(first)
    function.aws.delete_alias(FunctionName=function.name, Name="live")
    poll(lambda: len(function.platform.environments()) <= spares + 3)
    assert function.invoke(qualifier=second).json[0] == ON_DEMAND


def test_an_alias_that_moves_to_a_version_that_fails(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    function = made("import os\nif os.environ.get('FAIL'):\n    raise ValueError\n" + TYPE_OF)
    first = function.publish()
    function.aws.create_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
    ready(function, "live", 2)
    second = function.publish(Environment={"Variables": {"FAIL": "1"}})
    function.aws.update_alias(FunctionName=function.name, Name="live", FunctionVersion=second)
    poll(lambda: function.state("live") == (2, 0, 0, "FAILED"))
    function.aws.update_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
    poll(lambda: function.state("live") == (2, 2, 2, "READY"))


def test_an_alias_with_weights_has_them_in_both_versions(
    made: Callable[..., Function], poll: Callable[..., Any], ready: Callable[..., None]
) -> None:
    function = made()
    first, second = function.publish(), function.publish(Timeout=10)
    function.aws.create_alias(FunctionName=function.name, Name="live", FunctionVersion=first)
    ready(function, "live", 4)
    function.aws.update_alias(
        FunctionName=function.name, Name="live", RoutingConfig={"AdditionalVersionWeights": {second: 0.25}}
    )
    poll(lambda: function.state("live") == (4, 4, 4, "READY"))
    for version in (first, second):
        assert function.invoke(qualifier=version).json[0] == AHEAD
    with pytest.raises(function.aws.exceptions.InvalidParameterValueException) as caught:
        function.put("live", 5)
    assert caught.value.response["Error"]["Message"] == (
        "Alias with weights can not be used with Provisioned Concurrency"
    )
