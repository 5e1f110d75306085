"""What CloudFormation asks of a custom resource ("Custom resource request objects", CloudFormation user guide)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lambent.testing.events.values import ACCOUNT, REGION, new_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:function"


def custom_resource(
    request_type: Literal["Create", "Update", "Delete"],
    properties: Mapping[str, Any] | None = None,
    *,
    old_properties: Mapping[str, Any] | None = None,
    resource_type: str = "Custom::Resource",
    logical_id: str = "Resource",
    physical_id: str | None = None,
    stack: str = "stack",
    response_url: str = "http://127.0.0.1:9/response",
    request_id: str | None = None,
) -> dict[str, Any]:
    """A request: the first has no physical id yet, and an update has the old properties too.

    CloudFormation passes numbers and booleans on as strings; so do these, and leave out what is None. `response_url` is
    where the answer is to be put; nobody listens at the default.
    """
    event: dict[str, Any] = {
        "RequestType": request_type,
        "ServiceToken": _FUNCTION,
        "ResponseURL": response_url,
        "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/{new_uuid()}",
        "RequestId": request_id or new_uuid(),
        "LogicalResourceId": logical_id,
    }
    if request_type != "Create":
        event["PhysicalResourceId"] = physical_id or f"{logical_id}-1"
    event["ResourceType"] = resource_type
    event["ResourceProperties"] = {"ServiceToken": _FUNCTION, **_as_text(dict(properties or {}))}
    if request_type == "Update":
        event["OldResourceProperties"] = {"ServiceToken": _FUNCTION, **_as_text(dict(old_properties or {}))}
    return event


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_as_text(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
