"""A deployed app, found by its stack: what its resources are called where it runs.

    deployed = Deployed.find(session, "shop", "dev")
    deployed.physical("queue", "receipts")      # the queue's URL
    deployed.outputs["HttpUrl"]

`session` is whatever makes clients: boto3's session, botocore's behind an endpoint, the command line's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from lambent.deploy.errors import ProviderError
from lambent.deploy.names import logical_id, stack_name

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clients(Protocol):
    """What makes clients of AWS's services."""

    def client(self, service: str, /) -> Any:
        """A client by botocore's name of the service."""


class NotDeployed(ProviderError):
    """There is no stack of the app and stage."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a stack. `physical` is what CloudFormation's Ref gives: a queue's URL, a table's name."""

    logical: str
    physical: str
    type: str
    status: str


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that is there. `stack_id` is its ARN, `status` CloudFormation's ("UPDATE_COMPLETE")."""

    app: str
    stage: str
    stack: str
    stack_id: str
    status: str
    outputs: dict[str, str]
    resources: dict[str, Resource]
    """By logical id; those that are there."""

    @classmethod
    def find(cls, session: Clients, app: str, stage: str) -> Deployed:
        """What is deployed of an app. Raises NotDeployed, and botocore's errors as they are."""
        return cls.of_stack(session, stack_name(app, stage), app=app, stage=stage)

    @classmethod
    def of_stack(cls, session: Clients, stack: str, *, app: str = "", stage: str = "") -> Deployed:
        """The same by the name of the stack. Raises NotDeployed, and botocore's errors as they are."""
        client = session.client("cloudformation")
        found = described(client, stack)
        if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
            raise NotDeployed(
                f"{stack} is not deployed at {client.meta.endpoint_url}, region {client.meta.region_name}",
                hint="`lambent deploy apply` deploys it, `lambent dev` runs it here.",
            )
        return cls(
            app=app,
            stage=stage,
            stack=stack,
            stack_id=found["StackId"],
            status=found["StackStatus"],
            outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())},
            resources={resource.logical: resource for resource in resources_of(client, found["StackId"])},
        )

    def physical(self, kind: str, name: str) -> str | None:
        """What a resource of the code is called here: Ref's value, by the kinds of `names.logical_id`.

        None where there is none. A queue's is its URL, a topic's its ARN, everything else's its name or id.
        """
        resource = self.resources.get(logical_id(kind, name))
        return None if resource is None else resource.physical

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of a type ("AWS::Lambda::Function"), by logical id."""
        return sorted(
            (resource for resource in self.resources.values() if resource.type == kind),
            key=lambda resource: resource.logical,
        )


def described(client: Any, stack: str) -> dict[str, Any] | None:
    """DescribeStacks' answer for a stack, by name or ARN; None where there is none."""
    from botocore.exceptions import ClientError

    try:
        stacks: list[dict[str, Any]] = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        told = error.response["Error"]
        # CloudFormation has no code of its own for a stack that is not there.
        if told["Code"] == "ValidationError" and "does not exist" in told["Message"]:
            return None
        raise
    return stacks[0] if stacks else None


def resources_of(client: Any, stack: str) -> Iterator[Resource]:
    """The resources of a stack that are there, those of nested stacks not among them."""
    for page in client.get_paginator("list_stack_resources").paginate(StackName=stack):
        for summary in page["StackResourceSummaries"]:
            if summary["ResourceStatus"] != "DELETE_COMPLETE":
                yield Resource(
                    logical=summary["LogicalResourceId"],
                    physical=summary.get("PhysicalResourceId", ""),
                    type=summary["ResourceType"],
                    status=summary["ResourceStatus"],
                )
