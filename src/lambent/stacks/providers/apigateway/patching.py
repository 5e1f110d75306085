"""What the providers of API Gateway have in common: patch operations, and what a step has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.providers.base import tag_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.stacks.providers.provider import Work

SERVICE: Final = "apigateway"
NOT_THERE: Final = ("NotFoundException",)
STEP: Final = "aws:cloudformation:step"
"""The tag by which what a step has made is found after a restart, while the step goes on."""


def escaped(name: str) -> str:
    """A name within a path."""
    return name.replace("~", "~0").replace("/", "~1")


def text_of(value: Any) -> str:
    """A value as patch operations have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def replacing(path: str, value: Any) -> dict[str, str]:
    """An operation that sets something."""
    return {"op": "replace", "path": path, "value": text_of(value)}


def removing(path: str) -> dict[str, str]:
    """An operation that takes something away."""
    return {"op": "remove", "path": path}


def members(
    before: Mapping[str, Any], after: Mapping[str, Any], paths: Mapping[str, str]
) -> list[dict[str, str]]:
    """Operations for properties that have changed; `paths` are by property."""
    return [
        replacing(path, after.get(name))
        for name, path in paths.items()
        if before.get(name) != after.get(name)
    ]


def entries(
    path: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """Operations that make one map another."""
    before, after = before or {}, after or {}
    return [
        *(removing(f"{path}/{escaped(key)}") for key in before if key not in after),
        *(
            {
                "op": "replace" if key in before else "add",
                "path": f"{path}/{escaped(key)}",
                "value": text_of(value),
            }
            for key, value in after.items()
            if key not in before or before[key] != value
        ),
    ]


def items(path: str, before: Iterable[str] | None, after: Iterable[str] | None) -> list[dict[str, str]]:
    """Operations that make one list another, by the values themselves."""
    old, new = list(before or ()), list(after or ())
    return [
        *(removing(f"{path}/{escaped(one)}") for one in old if one not in new),
        *({"op": "add", "path": f"{path}/{escaped(one)}"} for one in new if one not in old),
    ]


async def retag(work: Work, resource: str) -> None:
    """Change the tags of a resource to those of an update; `resource` is what follows `::/` in its ARN."""
    tags = tag_changes(work)
    if tags.removed:
        await work.call(SERVICE, "UntagResource", resourceArn=arn(work, resource), tagKeys=tags.removed)
    if tags.put:
        await work.call(SERVICE, "TagResource", resourceArn=arn(work, resource), tags=tags.put)


async def settled(work: Work, resource: str) -> None:
    """The step's own tag is not needed any more."""
    await work.call(SERVICE, "UntagResource", resourceArn=arn(work, resource), tagKeys=[STEP])


def arn(work: Work, resource: str) -> str:
    """The ARN by which tags name something: `restapis/{id}`."""
    return f"arn:{work.stack.partition}:apigateway:{work.stack.region}::/{resource}"


async def left(work: Work, operation: str, member: str = "id") -> str | None:
    """What this step has made before a restart: it carries the step's token. `member` is its id."""
    position: str | None = None
    while True:
        page = await work.call(SERVICE, operation, position=position, limit=500)
        for one in page.get("items", []):
            if (one.get("tags") or {}).get(STEP) == work.token:
                return str(one[member])
        position = page.get("position")
        if not position:
            return None


async def every(work: Work, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    """All pages of a listing."""
    found: list[dict[str, Any]] = []
    position: str | None = None
    while True:
        page = await work.call(SERVICE, operation, position=position, limit=500, **parameters)
        found += page.get("items", [])
        position = page.get("position")
        if not position:
            return found


def own_tags(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tags that are not CloudFormation's, as a property has them."""
    tags: Mapping[str, str] = found.get("tags") or {}
    return [{"Key": key, "Value": value} for key, value in tags.items() if not key.startswith("aws:")]
