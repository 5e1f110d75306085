"""A plan: the changes of a stack's resources, and which of them lose data."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

Action: TypeAlias = Literal["add", "import", "modify", "remove"]
"""`import`: a resource that is there already becomes the stack's."""
Replacement: TypeAlias = Literal["no", "perhaps", "yes"]

STATEFUL: Final = {
    "AWS::Cognito::UserPool": "users",
    "AWS::DynamoDB::GlobalTable": "items",
    "AWS::DynamoDB::Table": "items",
    "AWS::Kinesis::Stream": "records",
    "AWS::Logs::LogGroup": "logs",
    "AWS::S3::Bucket": "objects",
    "AWS::SQS::Queue": "messages",
}
"""The types of resources that hold what nobody can deploy again, and what that is."""


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A property that changes: `path` as "Environment.Variables.LEVEL", the values where the endpoint tells them.

    `replaces` is whether the change of it makes a new resource.
    """

    path: str
    before: Any = None
    after: Any = None
    replaces: Replacement = "no"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one resource.

    `certain` is false where it depends on a value that is only known when it is done (what another resource is
    called). `kept` is whether the resource that goes, or is replaced, stays where it is, outside the stack.
    """

    action: Action
    logical: str
    type: str
    physical: str = ""
    replacement: Replacement = "no"
    certain: bool = True
    kept: bool = False
    held: bool = False
    """Whether a replacement would fail, as the new one would have the name of the old one, which is still there."""
    differences: tuple[Difference, ...] = ()

    @property
    def holds(self) -> str | None:
        """What is in the resource that goes, or may go ("messages"); None where none goes, or nothing is in it."""
        gone = self.action == "remove" or (self.action == "modify" and self.replacement != "no")
        return STATEFUL.get(self.type) if gone else None

    @property
    def loses(self) -> str | None:
        """What is lost with it, as it is not kept; or None."""
        return None if self.kept else self.holds


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The difference between what is deployed and what would be.

    `status` is what the stack's is now, None where there is none; `notes` are sentences for people.
    """

    app: str
    stage: str
    stack: str
    provider: str
    region: str
    account: str
    endpoint: str
    status: str | None = None
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    others: bool = False
    """Whether something changes that is no resource: outputs, tags."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes and not self.others

    @property
    def departures(self) -> tuple[Change, ...]:
        """The changes after which data is not where the app looks for it: lost, or kept outside."""
        return tuple(change for change in self.changes if change.holds is not None)

    @property
    def losses(self) -> tuple[Change, ...]:
        """The changes that lose data."""
        return tuple(change for change in self.changes if change.loses is not None)

    def count(self, action: Action) -> int:
        """How many resources an action is for."""
        return sum(change.action == action for change in self.changes)
