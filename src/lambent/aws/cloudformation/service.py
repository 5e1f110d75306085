"""CloudFormation: which operations there are. Each family of them is a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.cloudformation.account import AccountOperations
from lambent.aws.cloudformation.change_sets import ChangeSetOperations
from lambent.aws.cloudformation.drift import DriftOperations
from lambent.aws.cloudformation.errors import translating
from lambent.aws.cloudformation.exports import ExportOperations
from lambent.aws.cloudformation.policies import PolicyOperations
from lambent.aws.cloudformation.requests import check_account
from lambent.aws.cloudformation.resources import ResourceOperations
from lambent.aws.cloudformation.stacks import StackOperations
from lambent.aws.cloudformation.templates import TemplateOperations
from lambent.aws.cloudformation.types import TypeOperations
from lambent.aws.service import Method, Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.stacks.stacks import Stacks
    from lambent.stacks.transforms import Fetcher, Transforms


class CloudFormationService(
    StackOperations,
    ChangeSetOperations,
    ResourceOperations,
    TemplateOperations,
    ExportOperations,
    PolicyOperations,
    DriftOperations,
    TypeOperations,
    AccountOperations,
    Service,
):
    """The API of CloudFormation over stacks."""

    name: ClassVar[str] = "cloudformation"

    def __init__(self, stacks: Stacks, transforms: Transforms, fetcher: Fetcher) -> None:
        self._stacks = stacks
        self._transforms = transforms
        self._fetcher = fetcher

    def method(self, operation: str) -> Method | None:
        found = super().method(operation)
        return None if found is None else _translated(found)


def _translated(method: Method) -> Method:
    async def answer(context: RequestContext, request: dict[str, Any]) -> dict[str, Any] | None:
        check_account(context, request)
        with translating():
            return await method(context, request)

    return answer
