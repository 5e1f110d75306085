"""What is deployed, told by the endpoint: the stack, its outputs, functions and queues, and what has drifted."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.deployed import Deployed
from lambent.deploy.errors import ProviderError
from lambent.deploy.providers.cloudformation.changes import UNSHOWN
from lambent.deploy.providers.cloudformation.stack import state_of
from lambent.deploy.providers.provider import Drift, FunctionInfo, Info, QueueInfo

if TYPE_CHECKING:
    from lambent.deploy.deployed import Resource
    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import Watch

_AT_ONCE: Final = 8
_NEAR_S: Final = 0.1
_FAR_S: Final = 2.0
_DRIFTED: Final = ["MODIFIED", "DELETED"]


def info(provider: str, access: Access, app: str, stage: str, *, drift: bool, watch: Watch) -> Info:
    """Raises ProviderError where nothing is deployed."""
    deployed = Deployed.find(access, app, stage)
    state = state_of(access, deployed.stack_id)
    if state is None:
        raise ProviderError(f"{deployed.stack} has just been deleted")
    functions, queues = deployed.of_type("AWS::Lambda::Function"), deployed.of_type("AWS::SQS::Queue")
    for service in ("lambda", "sqs"):
        access.client(service)  # made before the threads ask for them
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="info") as pool:
        told_functions = pool.map(lambda resource: _function(access, resource, deployed), functions)
        told_queues = pool.map(lambda resource: _queue(access, resource), queues)
        return Info(
            app=app,
            stage=stage,
            stack=deployed.stack,
            provider=provider,
            region=access.region,
            account=access.account,
            endpoint=access.endpoint_url or "",
            status=state.status,
            reason=state.reason,
            changed=state.changed,
            outputs=dict(sorted(state.outputs.items())),
            functions=tuple(told_functions),
            queues=tuple(told_queues),
            resources=tuple(
                (found.logical, found.type, found.physical, found.status)
                for found in sorted(deployed.resources.values(), key=lambda found: found.logical)
            ),
            drift=_drift(access, deployed, watch) if drift else None,
        )


def _function(access: Access, resource: Resource, deployed: Deployed) -> FunctionInfo:
    client = access.client("lambda")
    try:
        told = client.get_function_configuration(FunctionName=resource.physical)
    except client.exceptions.ResourceNotFoundException:
        return FunctionInfo(logical=resource.logical, name=resource.physical, state="missing")
    state = told.get("State", "Active")
    if state == "Active" and told.get("LastUpdateStatus") in ("InProgress", "Failed"):
        state = f"Active, update {told['LastUpdateStatus'].lower()}"
    return FunctionInfo(
        logical=resource.logical,
        name=resource.physical,
        state=state,
        runtime=told.get("Runtime", ""),
        memory_mb=told.get("MemorySize", 0),
        timeout_s=told.get("Timeout", 0),
        code=told.get("CodeSha256", ""),
        size=told.get("CodeSize", 0),
        version=_version(deployed, resource.physical),
        modified=told.get("LastModified", ""),
    )


def _version(deployed: Deployed, function: str) -> str:
    """What the stack has published of a function: the number at the end of the version's ARN."""
    for version in deployed.of_type("AWS::Lambda::Version"):
        name, _, number = version.physical.rpartition(":")
        if name.endswith(f":{function}"):
            return number
    return "$LATEST"


def _queue(access: Access, resource: Resource) -> QueueInfo:
    client = access.client("sqs")
    name = resource.physical.rpartition("/")[2]
    try:
        attributes = client.get_queue_attributes(
            QueueUrl=resource.physical,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
    except client.exceptions.QueueDoesNotExist:
        return QueueInfo(logical=resource.logical, name=f"{name} (missing)", url=resource.physical)
    return QueueInfo(
        logical=resource.logical,
        name=name,
        url=resource.physical,
        waiting=int(attributes["ApproximateNumberOfMessages"]),
        in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )


def _drift(access: Access, deployed: Deployed, watch: Watch) -> tuple[Drift, ...]:
    client = access.client("cloudformation")
    watch.phase("Comparing with what is there")
    detection = client.detect_stack_drift(StackName=deployed.stack_id)["StackDriftDetectionId"]
    while True:
        status = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            break
        time.sleep(_NEAR_S if access.near else _FAR_S)
    if status["DetectionStatus"] == "DETECTION_FAILED":
        watch.note(
            f"Not everything could be compared: {status.get('DetectionStatusReason') or 'no reason is told'}"
        )
    request: dict[str, Any] = {"StackName": deployed.stack_id, "StackResourceDriftStatusFilters": _DRIFTED}
    found: list[Drift] = []
    while True:
        page = client.describe_stack_resource_drifts(**request)
        found += [_drifted(told) for told in page["StackResourceDrifts"]]
        if not page.get("NextToken"):
            return tuple(sorted(found, key=lambda drift: drift.logical))
        request["NextToken"] = page["NextToken"]


def _drifted(told: dict[str, Any]) -> Drift:
    return Drift(
        logical=told["LogicalResourceId"],
        type=told["ResourceType"],
        physical=told.get("PhysicalResourceId", ""),
        status=told["StackResourceDriftStatus"],
        differences=tuple(_difference(difference) for difference in told.get("PropertyDifferences", ())),
    )


def _difference(told: dict[str, Any]) -> str:
    path = told["PropertyPath"].strip("/").replace("/", ".")
    if path.startswith(UNSHOWN):
        return f"{path} is another"
    return f"{path}: {_short(told.get('ExpectedValue'))} → {_short(told.get('ActualValue'))}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
