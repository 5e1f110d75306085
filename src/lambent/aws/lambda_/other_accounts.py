"""Operations on functions of other accounts, as far as the functions' resource policies permit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.functions import FunctionError, FunctionNotFound, FunctionRegistry, parse_name
from lambent.functions.authorization import permits, root_of
from lambent.functions.errors import WrongAccount

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext

OPERATIONS: Final = frozenset(
    {
        "CreateAlias",
        "DeleteAlias",
        "DeleteFunction",
        "DeleteFunctionConcurrency",
        "GetAlias",
        "GetFunction",
        "GetFunctionConfiguration",
        "GetPolicy",
        "ListAliases",
        "ListTags",
        "ListVersionsByFunction",
        "PublishVersion",
        "PutFunctionConcurrency",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateFunctionCode",
    }
)
"""What can be permitted across accounts: "Granting Lambda function access to other accounts" of the developer
guide. Invoke, which is among it, has a path of its own."""


def acting_for_owner(
    registry: FunctionRegistry, context: RequestContext, request: dict[str, Any]
) -> RequestContext:
    """The context in which an operation is done: the owner's when the caller's account may do it there.

    Otherwise the caller's own, in which the operation itself says what is wrong.
    """
    name, qualifier = request.get("FunctionName") or request.get("Resource") or "", request.get("Qualifier")
    try:
        parse_name(context.account, context.region, name, qualifier)
    except WrongAccount as error:
        owner = error.arn.split(":")[4]
    except FunctionError:
        return context
    else:
        return context
    try:
        target = registry.resolve(owner, context.region, name, qualifier)
    except FunctionNotFound:
        return context
    caller = root_of(context.account, context.region)
    if not permits(target, caller, f"lambda:{context.operation}"):
        return context
    return replace(context, account=owner)
