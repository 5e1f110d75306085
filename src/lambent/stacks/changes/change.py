"""Changes as change sets tell them."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
"""Why a change set has failed in which nothing differs (its StatusReason)."""

NO_UPDATES: Final = "No updates are to be performed."
"""The same for UpdateStack."""

Action: TypeAlias = Literal["Add", "Modify", "Remove", "Import", "Dynamic"]
Replacement: TypeAlias = Literal["True", "False", "Conditional"]
PolicyAction: TypeAlias = Literal[
    "Delete", "Retain", "Snapshot", "ReplaceAndDelete", "ReplaceAndRetain", "ReplaceAndSnapshot"
]


class View(msgspec.Struct, frozen=True):
    """A modification as one way of describing shows it. `details`: as ResourceChangeDetail on the wire."""

    replacement: Replacement | None = None
    scope: list[str] = []
    details: list[dict[str, Any]] = []
    policy_action: PolicyAction | None = None


class ResourceChange(msgspec.Struct, frozen=True):
    """What a change set does with one resource.

    `details`: as ResourceChangeDetail on the wire, by property. `before_context`, `after_context`: JSON texts of what
    it was and will be. `valued`: the same with IncludePropertyValues, by path; None where it is not listed then: there
    CloudFormation takes attributes of resources that are changed in place for what they were, without it it does not
    know. `change_set_id`: of the nested stack's change set.
    """

    logical_id: str
    type: str
    action: Action
    physical_id: str = ""
    replacement: Replacement | None = None
    scope: list[str] = []
    details: list[dict[str, Any]] = []
    policy_action: PolicyAction | None = None
    before_context: str | None = None
    after_context: str | None = None
    valued: View | None = None
    change_set_id: str | None = None

    def document(self, values: bool = False) -> dict[str, Any] | None:
        """The member ResourceChange of DescribeChangeSet's answer; `values`: with IncludePropertyValues. None where
        that does not list it.
        """
        view = self.valued if values else self
        if view is None:
            return None
        document: dict[str, Any] = {
            "Action": self.action,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.type,
            "Scope": view.scope,
            "Details": view.details,
        }
        optional = {
            "PhysicalResourceId": self.physical_id,
            "Replacement": view.replacement,
            "PolicyAction": view.policy_action,
            "ChangeSetId": self.change_set_id,
            "BeforeContext": self.before_context if values else None,
            "AfterContext": self.after_context if values else None,
        }
        document.update({name: value for name, value in optional.items() if value})
        return document


class Difference(msgspec.Struct, frozen=True):
    """All that differs. `resources`: in the order of logical ids. `otherwise`: outputs or the stack's tags do."""

    resources: list[ResourceChange] = []
    otherwise: bool = False

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to be done."""
        return not self.resources and not self.otherwise
