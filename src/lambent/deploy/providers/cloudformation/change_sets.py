"""Change sets: what the endpoint says that a template would change.

Those of killed commands are swept: the name has the machine and the process, so a live one's is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from lambent.deploy.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.providers.access import Access

_PREFIX: Final = "lambent"
_NAME: Final = re.compile(rf"{_PREFIX}-([0-9a-f]{{8}})-(\d+)-[0-9a-f]+")
_STALE_S: Final = 3600
"""How old another machine's change set is when nobody can be waiting for it any more."""
_NOTHING: Final = re.compile(r"didn't contain changes|No updates are to be performed", re.IGNORECASE)
_PAST: Final = frozenset({"ChangeSetNotFound", "ChangeSetNotFoundException", "InvalidChangeSetStatus"})
_CAPABILITIES: Final = ["CAPABILITY_IAM"]
"""Templates make roles, whose names CloudFormation chooses."""
_NEAR_S: Final = 0.05
_FAR_S: Final = 1.0
_PATIENCE_S: Final = 300


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True):
    """A change set that is there: its ARN, its stack's, and the members `Changes` of DescribeChangeSet.

    `id` None: there was nothing to change, and it is gone already.
    """

    id: str | None
    stack_id: str
    changes: list[dict[str, Any]] = []


def create(
    access: Access,
    stack: str,
    template: dict[str, str],
    *,
    kind: Literal["CREATE", "UPDATE"],
    tags: dict[str, str],
    take_existing: bool,
) -> ChangeSet:
    """Makes one and waits until it is known what changes. `template` is TemplateBody or TemplateURL.

    With `take_existing` resources that are there under the names of new ones become the stack's, where the template
    keeps them when they leave it and the name is their identity: tables, not queues ("Import AWS resources into a
    CloudFormation stack automatically" in the user guide).
    Raises ProviderError when the endpoint finds the template wrong; then it is gone.
    """
    from botocore.exceptions import ClientError

    client = access.client("cloudformation")
    name = f"{_PREFIX}-{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
    try:
        made = client.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType=kind,
            Capabilities=_CAPABILITIES,
            Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
            ClientToken=name,
            **({"ImportExistingResources": True} if take_existing else {}),
            **template,
        )
    except ClientError as error:
        # Some endpoints say at once what AWS says afterwards.
        if _NOTHING.search(error.response["Error"].get("Message", "")):
            return ChangeSet(id=None, stack_id="")
        raise
    try:
        answer = _made(client, made["Id"], made["StackId"], near=access.near)
    except BaseException:
        with contextlib.suppress(Exception):
            delete(access, made["Id"], made["StackId"])
        raise
    if answer["Status"] != "FAILED":
        return ChangeSet(id=made["Id"], stack_id=made["StackId"], changes=answer["Changes"])
    delete(access, made["Id"], made["StackId"])
    reason = answer.get("StatusReason") or "it does not say why"
    if _NOTHING.search(reason):
        return ChangeSet(id=None, stack_id=made["StackId"])
    raise ProviderError(
        f"{access.of} refuses the template: {reason}",
        hint="`lambent render` prints the template.",
    )


def delete(access: Access, change_set: str, stack_id: str) -> None:
    """Deletes one; one that is gone already, or just being executed, is none the worse."""
    from botocore.exceptions import ClientError

    try:
        access.client("cloudformation").delete_change_set(ChangeSetName=change_set, StackName=stack_id)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _PAST:
            raise


def sweep(access: Access, stack: str) -> bool:
    """Deletes what killed commands have left, and says whether change sets of others are there."""
    others = False
    for summary in _listed(access, stack):
        if _left_behind(summary):
            delete(access, summary["ChangeSetId"], summary["StackId"])
        elif summary.get("ExecutionStatus") not in ("EXECUTE_COMPLETE", "OBSOLETE"):
            others = True
    return others


def _listed(access: Access, stack: str) -> Iterator[dict[str, Any]]:
    for page in access.client("cloudformation").get_paginator("list_change_sets").paginate(StackName=stack):
        for summary in page["Summaries"]:
            if stack in (summary.get("StackName"), summary.get("StackId")):
                yield summary


def _left_behind(summary: dict[str, Any]) -> bool:
    found = _NAME.fullmatch(summary["ChangeSetName"])
    if found is None:
        return False
    if found[1] == _machine():
        if int(found[2]) == os.getpid():
            return False
        try:
            os.kill(int(found[2]), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    made = summary.get("CreationTime")
    return made is not None and (datetime.now(UTC) - made).total_seconds() > _STALE_S


def _made(client: Any, change_set: str, stack_id: str, *, near: bool) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer: dict[str, Any] = client.describe_change_set(
            ChangeSetName=change_set, StackName=stack_id, IncludePropertyValues=True
        )
        if not answer["Status"].endswith(("_IN_PROGRESS", "_PENDING")):
            break
        if time.monotonic() > deadline:
            raise ProviderError(
                f"{change_set} is {answer['Status']} for {_PATIENCE_S} s", hint="Repeat the command."
            )
        time.sleep(_NEAR_S if near else _FAR_S)
    changes = list(answer.get("Changes") or ())
    token = answer.get("NextToken")
    while token:
        page = client.describe_change_set(
            ChangeSetName=change_set, StackName=stack_id, IncludePropertyValues=True, NextToken=token
        )
        changes += page.get("Changes") or ()
        token = page.get("NextToken")
    return {**answer, "Changes": changes}


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
