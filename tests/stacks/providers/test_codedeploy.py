"""AWS::CodeDeploy::*, and aliases whose traffic is shifted: against a running platform, with its clock's seconds."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.codedeploy import CodeDeployService
from lambent.aws.context import RequestContext
from lambent.aws.errors import ServiceError
from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.catalogue import PROVIDERS, Catalogue
from lambent.stacks.providers.codedeploy.register import Deployments
from lambent.stacks.providers.codedeploy.types import (
    ApplicationProvider,
    DeploymentConfigProvider,
    DeploymentGroupProvider,
)
from lambent.stacks.providers.lambda_.alias import AliasProvider
from lambent.stacks.providers.work import StepCancelled
from lambent.store import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stacks.providers.conftest import World

    from lambent.stacks.providers.codedeploy.records import Deployment

ROLE = "arn:aws:iam::000000000000:role/any"
RUNTIME = f"python3.{min(sys.version_info[1], 14)}"
HOOK = "import json\ndef handler(event, context):\n    print('HOOK', json.dumps(event))\n"
CANARY = {"TrafficRoutingConfig": {"Type": "TimeBasedCanary"}}
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
GROUP = {"ApplicationName": "none", "ServiceRoleArn": ROLE}
PLACE = ("000000000000", "us-east-1")
CONTEXT = RequestContext(
    "000000000000", "us-east-1", "aws", "id", "codedeploy", "Any", "key", "http://localhost"
)


class Bench:
    """A register of its own, in which a minute lasts 0.2 s."""

    register: Deployments

    def __init__(self, world: World, directory: Path) -> None:
        self.world = world
        self.path = directory / "deployments.db"
        self.open()

    def open(self) -> None:
        async def opened() -> None:
            self.database = await open_database(self.path, "normal")
            self.register = await Deployments.open(self.database, self.world.clock, minute_s=0.2)

        self.world.run(opened())
        self.service = CodeDeployService(self.register)
        mine = {
            provider.type: provider(self.register)
            for provider in (
                ApplicationProvider,
                DeploymentConfigProvider,
                DeploymentGroupProvider,
                AliasProvider,
            )
        }
        self.world.catalogue = Catalogue({}, {**PROVIDERS, **mine})

    def close(self) -> None:
        self.world.run(self.database.close())

    def ask(self, operation: str, **request: Any) -> dict[str, Any]:
        """What CodeDeploy answers."""
        method = self.service.method(operation)
        assert method is not None

        async def answered() -> dict[str, Any]:
            return await method(CONTEXT, request) or {}

        found: dict[str, Any] = self.world.run(answered())
        return found

    def deployment(self) -> Deployment | None:
        """The last deployment."""
        found = self.ask("ListDeployments")["deployments"]
        return self.register.deployment(*PLACE, found[0]) if found else None


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Iterator[Bench]:
    before = world.catalogue
    bench = Bench(world, tmp_path)
    yield bench
    bench.close()
    world.catalogue = before


class Release:
    """A function with two versions and an alias that leads to the first, and how it is deployed."""

    def __init__(self, bench: Bench, **group: Any) -> None:
        world = bench.world
        self.bench = bench
        self.function = world.resource("AWS::Lambda::Function", "Released").create(
            Runtime=RUNTIME, Handler="index.handler", Role=ROLE, Code={"ZipFile": HOOK}
        )
        world.resource("AWS::Lambda::Version", "V1").create(FunctionName=self.function.id)
        code = {"ZipFile": HOOK + "#\n"}
        self.function.update(Runtime=RUNTIME, Handler="index.handler", Role=ROLE, Code=code)
        world.resource("AWS::Lambda::Version", "V2").create(FunctionName=self.function.id)
        self.alias = world.resource("AWS::Lambda::Alias", "Live").create(
            FunctionName=self.function.id, Name="live", FunctionVersion="1"
        )
        application = world.resource("AWS::CodeDeploy::Application", "App").create(ComputePlatform="Lambda")
        deployed = world.resource("AWS::CodeDeploy::DeploymentGroup", "Group").create(
            ApplicationName=application.id, ServiceRoleArn=ROLE, **group
        )
        self.policy = {"ApplicationName": application.id, "DeploymentGroupName": deployed.id}
        self.alias.policy = {"CodeDeployLambdaAliasUpdate": self.policy}

    @property
    def wanted(self) -> dict[str, Any]:
        return {"FunctionName": self.function.id, "Name": "live", "FunctionVersion": "2"}

    def shares(self) -> tuple[str, dict[str, float]]:
        """Where the alias leads: its version, and the share of others."""
        found = self.bench.world.ask("lambda", "GetAlias", FunctionName=self.function.id, Name="live")
        weights: dict[str, float] = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return found["FunctionVersion"], weights

    def seen(self, updating: Any) -> list[tuple[str, dict[str, float]]]:
        """Everywhere that it leads to until the update has ended."""
        seen = [self.shares()]
        while not updating.done():
            time.sleep(0.005)
            now = self.shares()
            if now != seen[-1]:
                seen.append(now)
        now = self.shares()
        return seen if now == seen[-1] else [*seen, now]

    def begin(self, *, again: bool = False) -> Any:
        """Begin to update the alias; a future of what comes of it."""
        self.alias._next(again=again)
        work = self.alias._work(self.wanted, self.alias.properties, again=again)
        return asyncio.run_coroutine_threadsafe(
            work.run(self.alias.provider.update(work)), self.bench.world.loop
        )

    def hook_event(self) -> dict[str, str]:
        """What the next hook has been sent: the last one that it has printed."""
        group = f"/aws/lambda/{self.function.id}"

        def printed() -> Any:
            deployment = self.bench.deployment()
            try:
                events = self.bench.world.ask("logs", "FilterLogEvents", logGroupName=group)["events"]
            except ServiceFailure:  # nothing has been printed yet
                return []
            texts = [each["message"] for each in events if each["message"].startswith("HOOK")]
            found = [json.loads(text.removeprefix("HOOK ")) for text in texts]
            running = {
                hook.execution
                for hook in (deployment.hooks if deployment else ())
                if hook.status == "InProgress"
            }
            return [each for each in found if each["LifecycleEventHookExecutionId"] in running]

        event: dict[str, str] = wait_for(printed)[0]
        return event

    def report(self, status: str) -> None:
        """The hook that runs says so."""
        event = self.hook_event()
        assert event.keys() == {"DeploymentId", "LifecycleEventHookExecutionId"}
        self.bench.ask(
            "PutLifecycleEventHookExecutionStatus",
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def test_applications_groups_and_configurations(world: World, bench: Bench) -> None:
    application = world.resource("AWS::CodeDeploy::Application", "App", team="blue")
    application.create(ApplicationName="shop", ComputePlatform="Lambda")
    application.again()
    application.lost()
    config = world.resource("AWS::CodeDeploy::DeploymentConfig", "Config").create(
        DeploymentConfigName="quarters",
        ComputePlatform="Lambda",
        TrafficRoutingConfig={
            "Type": "TimeBasedLinear",
            "TimeBasedLinear": {"LinearPercentage": 25, "LinearInterval": 1},
        },
    )
    config.again()
    group = world.resource("AWS::CodeDeploy::DeploymentGroup", "Group").create(
        ApplicationName="shop", ServiceRoleArn=ROLE, DeploymentConfigName="quarters"
    )
    group.again()
    group.lost()
    group.update_twice(ApplicationName="shop", ServiceRoleArn=ROLE)
    assert group.id.startswith("shop-Group-")
    live = group.read()
    assert live is not None
    assert live.items() >= {"ApplicationName": "shop", "ServiceRoleArn": ROLE}.items()
    bench.close()
    bench.open()
    found = bench.ask("GetApplication", applicationName="shop")["application"]
    assert (found["applicationName"], found["computePlatform"]) == ("shop", "Lambda")
    assert bench.ask("ListApplications") == {"applications": ["shop"]}
    assert bench.ask("ListDeploymentGroups", applicationName="shop")["deploymentGroups"] == [group.id]
    info = bench.ask("GetDeploymentGroup", applicationName="shop", deploymentGroupName=group.id)
    assert info["deploymentGroupInfo"]["deploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
    routing = bench.ask("GetDeploymentConfig", deploymentConfigName="quarters")["deploymentConfigInfo"]
    assert routing["trafficRoutingConfig"]["timeBasedLinear"] == {
        "linearPercentage": 25,
        "linearInterval": 1,
    }
    with pytest.raises(ServiceError, match="No application found for name: other"):
        bench.ask("GetApplication", applicationName="other")
    for each in (group, config, application):
        moved = world.resource(each.type, each.logical_id)
        moved.properties, moved.made = each.properties, each.made
        moved.delete_twice()
        assert moved.read() is None


@pytest.mark.parametrize(
    ("type_name", "properties", "message"),
    [
        ("Application", {}, "The compute platform Server is not supported by this platform"),
        ("DeploymentConfig", {"ComputePlatform": "Lambda", "DeploymentConfigName": AT_ONCE}, "already exists"),
        ("DeploymentConfig", {"ComputePlatform": "Lambda", **CANARY}, "not valid"),
        ("DeploymentGroup", GROUP, "No application found for name: none"),
        ("DeploymentGroup", {**GROUP, "Ec2TagFilters": [{}]}, "Ec2TagFilters is not supported"),
        ("DeploymentGroup", {**GROUP, "LoadBalancerInfo": {"a": 1}}, "LoadBalancerInfo is not supported"),
        (
            "DeploymentConfig",
            {"ComputePlatform": "Lambda", "MinimumHealthyHosts": {"Type": "HOST_COUNT", "Value": 1}},
            "MinimumHealthyHosts is not supported",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(
    world: World, bench: Bench, type_name: str, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ResourceFailure, match=message):
        world.resource(f"AWS::CodeDeploy::{type_name}").create(**properties)


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", []),
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", [0.1]),
        ("halves", [0.5]),
    ],
)
def test_traffic_is_shifted_step_by_step(
    world: World, bench: Bench, config: str, shares: list[float]
) -> None:
    linear = {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearPercentage": 50, "LinearInterval": 1}}
    world.resource("AWS::CodeDeploy::DeploymentConfig", "Halves").create(
        DeploymentConfigName="halves", ComputePlatform="Lambda", TrafficRoutingConfig=linear
    )
    release = Release(bench, DeploymentConfigName=config)
    updating = release.begin()
    seen = release.seen(updating)
    assert updating.result(10).physical_id == release.alias.id
    assert seen == [("1", {}), *(("1", {"2": share}) for share in shares), ("2", {})]
    deployment = bench.deployment()
    assert deployment is not None
    assert (deployment.status, deployment.before, deployment.after) == ("Succeeded", "1", "2")
    info = bench.ask("GetDeployment", deploymentId=deployment.name)["deploymentInfo"]
    assert (info["status"], info["deploymentOverview"]["Succeeded"]) == ("Succeeded", 1)
    target = bench.ask("GetDeploymentTarget", deploymentId=deployment.name, targetId=None)
    events = target["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]
    assert [each["status"] for each in events] == ["Skipped", "Succeeded", "Skipped"]
    # The same step once more: nothing is shifted again.
    release.begin(again=True).result(10)
    assert release.shares() == ("2", {})
    assert bench.ask("ListDeployments")["deployments"] == [deployment.name]


def test_hooks_are_asked_before_and_after(world: World, bench: Bench) -> None:
    release = Release(bench)
    release.policy["BeforeAllowTrafficHook"] = release.function.id
    release.policy["AfterAllowTrafficHook"] = release.function.id
    updating = release.begin()
    first = release.hook_event()
    assert release.shares() == ("1", {})
    release.report("Succeeded")
    second = release.hook_event()
    assert first["DeploymentId"] == second["DeploymentId"]
    assert first["LifecycleEventHookExecutionId"] != second["LifecycleEventHookExecutionId"]
    assert release.shares() == ("2", {})
    release.report("Succeeded")
    updating.result(10)
    with pytest.raises(ServiceError, match="already completed"):
        bench.ask(
            "PutLifecycleEventHookExecutionStatus",
            deploymentId=first["DeploymentId"],
            lifecycleEventHookExecutionId=first["LifecycleEventHookExecutionId"],
            status="Succeeded",
        )


@pytest.mark.parametrize("event", ["BeforeAllowTraffic", "AfterAllowTraffic"])
def test_a_hook_that_fails_puts_the_alias_back(world: World, bench: Bench, event: str) -> None:
    release = Release(bench)
    release.policy[f"{event}Hook"] = release.function.id
    updating = release.begin()
    release.report("Failed")
    with pytest.raises(ResourceFailure) as failure:
        updating.result(10)
    deployment = bench.deployment()
    assert deployment is not None
    assert failure.value.reason == (
        f"CodeDeploy deployment {deployment.name} failed: The {event} hook {release.function.id} reported the status "
        "Failed."
    )
    assert release.shares() == ("1", {})
    info = bench.ask("BatchGetDeployments", deploymentIds=[deployment.name])["deploymentsInfo"][0]
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "HEALTH_CONSTRAINTS")
    # The roll-back finds the alias where it was, and deploys nothing.
    release.alias.update(**release.wanted | {"FunctionVersion": "1"})
    assert len(bench.ask("ListDeployments")["deployments"]) == 1


def test_a_hook_that_is_not_there_puts_the_alias_back(world: World, bench: Bench) -> None:
    release = Release(bench)
    release.policy["BeforeAllowTrafficHook"] = "no-such-function"
    with pytest.raises(ResourceFailure, match="The BeforeAllowTraffic hook could not be invoked"):
        release.begin().result(10)
    assert release.shares() == ("1", {})


def test_alarms_stop_a_deployment(world: World, bench: Bench) -> None:
    name = "lambda-errors"
    alarm = {
        "AlarmName": name,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "MetricName": "Errors",
        "Namespace": "AWS/Lambda",
        "Period": 60,
        "Statistic": "Sum",
        "Threshold": 1.0,
    }
    world.ask("cloudwatch", "PutMetricAlarm", **alarm)
    queue = world.ask("sqs", "CreateQueue", QueueName="told")["QueueUrl"]
    topic = world.ask("sns", "CreateTopic", Name="told")["TopicArn"]
    endpoint = topic.replace(":sns:", ":sqs:")
    world.ask(
        "sns",
        "Subscribe",
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=endpoint,
        Attributes={"RawMessageDelivery": "true"},
    )
    events = ["DeploymentStart", "DeploymentSuccess", "DeploymentFailure"]
    release = Release(
        bench,
        TriggerConfigurations=[
            {"TriggerName": "all", "TriggerTargetArn": topic, "TriggerEvents": events},
            {"TriggerName": "none", "TriggerTargetArn": topic, "TriggerEvents": ["DeploymentSuccess"]},
            {"TriggerName": "lost", "TriggerTargetArn": f"{topic}-not", "TriggerEvents": events},
        ],
        DeploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
        AlarmConfiguration={"Enabled": True, "Alarms": [{"Name": name}]},
    )
    updating = release.begin()
    wait_for(lambda: release.shares() == ("1", {"2": 0.1}))
    world.ask("cloudwatch", "SetAlarmState", AlarmName=name, StateValue="ALARM", StateReason="test")
    with pytest.raises(ResourceFailure, match=r"Activated alarms: lambda-errors$"):
        updating.result(10)
    assert release.shares() == ("1", {})
    world.ask("cloudwatch", "DeleteAlarms", AlarmNames=[name])

    told: dict[str, Any] = {}

    def heard() -> bool:
        answer = world.ask("sqs", "ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            found = json.loads(message["Body"])
            told[found["status"]] = found
        return len(told) == 2

    wait_for(heard)
    assert told.keys() == {"InProgress", "Failed"}
    failed = told["Failed"]
    assert (failed["eventTriggerName"], failed["errorInformation"]["ErrorCode"]) == ("all", "ALARM_ACTIVE")
    assert failed["deploymentOverview"]["Failed"] == "1"
    world.ask("sns", "DeleteTopic", TopicArn=topic)
    world.ask("sqs", "DeleteQueue", QueueUrl=queue)


def test_a_deployment_goes_on_after_a_restart(world: World, bench: Bench) -> None:
    release = Release(bench, DeploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes")
    release.policy["BeforeAllowTrafficHook"] = release.function.id
    updating = release.begin()
    event = release.hook_event()
    updating.cancel()
    wait_for(updating.cancelled)
    bench.close()
    bench.open()
    release.alias.provider = world.catalogue.find("AWS::Lambda::Alias")
    updating = release.begin(again=True)
    assert release.hook_event() == event  # is not asked again
    release.report("Succeeded")
    assert release.seen(updating)[-2:] == [("1", {"2": 0.1}), ("2", {})]
    updating.result(10)
    assert len(bench.ask("ListDeployments")["deployments"]) == 1


def test_a_deployment_that_is_cancelled(world: World, bench: Bench) -> None:
    release = Release(bench, DeploymentConfigName="CodeDeployDefault.LambdaLinear10PercentEvery10Minutes")
    release.alias._next(again=False)
    work = release.alias._work(release.wanted, release.alias.properties)
    updating = asyncio.run_coroutine_threadsafe(work.run(release.alias.provider.update(work)), world.loop)
    wait_for(lambda: release.shares() == ("1", {"2": 0.1}))
    world.loop.call_soon_threadsafe(work.cancel)
    with pytest.raises(StepCancelled):
        updating.result(10)
    # What goes back finds traffic on its way, ends the deployment and puts the alias right.
    release.alias.update(**release.wanted | {"FunctionVersion": "1"})
    deployment = bench.deployment()
    assert deployment is not None
    assert deployment.status == "Stopped"
    assert release.shares() == ("1", {})


def test_what_names_no_group_is_refused(world: World, bench: Bench) -> None:
    release = Release(bench)
    release.policy["DeploymentGroupName"] = "none"
    with pytest.raises(ResourceFailure, match="No Deployment Group found for name: none"):
        release.begin().result(10)
    assert release.shares() == ("1", {})


def test_deployments_that_are_not_there(bench: Bench) -> None:
    for operation in ("GetDeployment", "ListDeploymentTargets", "PutLifecycleEventHookExecutionStatus"):
        with pytest.raises(ServiceError) as refused:
            bench.ask(operation, deploymentId="d-ABCDEFGHI")
        assert refused.value.code == "DeploymentDoesNotExistException"
    with pytest.raises(ServiceError) as refused:
        bench.ask("GetDeployment")
    assert refused.value.code == "DeploymentIdRequiredException"
