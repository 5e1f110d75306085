"""What resource providers have in common: names, tags, what has changed, refusals that are none.

`tag_changes` goes by the tags of the stack before and after, where the work tells those before (`old_tags`).
"""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from lambent.stacks.providers.provider import Properties, Work

Answer = TypeVar("Answer")
Found = TypeVar("Found")

_SYSTEM: Final = "aws:"
_FIRST_WAIT_S: Final = 0.02
_LONGEST_WAIT_S: Final = 5.0
_MISSING: Final = frozenset(
    (
        "ResourceNotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundFault",
        "NotFoundException",
        "NotFound",
        "NoSuchEntity",
        "404",
    )
)


class ServiceProvider(Provider):
    """A provider whose resources are those of a service: taken into a stack by asking for them."""

    @abstractmethod
    async def made(self, work: Work, physical_id: str) -> Made:
        """The resource of that id with its attributes, asked for where they cannot be told from the id."""

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        physical_id = self.identified(work, identifier)
        work.physical_id = physical_id
        if await self.read(work) is None:
            raise not_found(work, physical_id)
        return await self.made(work, physical_id)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        """The physical id that a primary identifier means; the value of its only member unless a provider says else."""
        return next(iter(identifier.values()))


# ------------------------------------------------------------ names


def name_of(
    work: Work, member: str, limit: int, *, lower: bool = False, separator: str = "-", suffix: str = ""
) -> str:
    """What a property names the resource, or a name made as CloudFormation does."""
    given = work.properties.get(member)
    return str(given) if given else work.name(limit, lower=lower, separator=separator, suffix=suffix)


def arn(work: Work, service: str, resource: str) -> str:
    """`arn:aws:sqs:us-east-1:000000000000:orders`, in the stack's region and account."""
    stack = work.stack
    return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}"


def url_suffix(work: Work) -> str:
    """`amazonaws.com`, with `.cn` in China."""
    return "amazonaws.com.cn" if work.stack.partition == "aws-cn" else "amazonaws.com"


# ------------------------------------------------------------ tags


class TagChanges(NamedTuple):
    """What makes old tags new ones."""

    put: dict[str, str]
    removed: list[str]


def tags_of(work: Work, member: str = "Tags", *, system: bool = True) -> dict[str, str]:
    """The tags that the resource is to have.

    `system`: with CloudFormation's own; the schema of a type says so (`cloudFormationSystemTags`).
    """
    return _chosen(work.merged_tags(work.properties.get(member)), system)


def tag_changes(work: Work, member: str = "Tags", *, system: bool = True) -> TagChanges:
    """What an update changes in the tags of the stack and the resource. Tags that others have set are left alone."""
    return tag_changes_of(work, work.old.get(member), work.properties.get(member), system=system)


def tag_changes_of(work: Work, old: Any, new: Any, *, system: bool = True) -> TagChanges:
    """The same where the resource's own tags, a list or a map, are not a property of that name."""
    old_stack: Mapping[str, str] = getattr(work, "old_tags", work.tags)
    before = _chosen({**old_stack, **as_tags(old)}, system)
    after = _chosen(work.merged_tags(new), system)
    put = {key: value for key, value in after.items() if before.get(key) != value}
    return TagChanges(put, [key for key in before if key not in after])


def as_tags(own: Any) -> dict[str, str]:
    """A property's tags, a list or a map, as a map."""
    if not own:
        return {}
    if isinstance(own, dict):
        return {str(key): str(value) for key, value in own.items()}
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in own}


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{key: name, value: said} for name, said in tags.items()]


def own_pairs(
    found: Iterable[Mapping[str, Any]], key: str = "Key", value: str = "Value"
) -> list[dict[str, str]]:
    """Tags that a service has told, as a property has them: without CloudFormation's own."""
    return [
        {"Key": tag[key], "Value": tag.get(value, "")} for tag in found if not tag[key].startswith(_SYSTEM)
    ]


def _chosen(tags: dict[str, str], system: bool) -> dict[str, str]:
    return tags if system else {key: value for key, value in tags.items() if not key.startswith(_SYSTEM)}


# ------------------------------------------------------------ properties


def changed(work: Work, *members: str) -> bool:
    """Whether an update changes any of these properties."""
    return any(work.old.get(member) != work.properties.get(member) for member in members)


def chosen(properties: Properties, members: Iterable[str]) -> Properties:
    """Those of the members that are there."""
    return {member: properties[member] for member in members if member in properties}


def untold(work: Work, found: Properties, *members: str) -> Properties:
    """Properties of the resource that its service does not tell: taken for what they are expected to be."""
    return {**chosen(work.properties, [member for member in members if member not in found]), **found}


def told(members: Mapping[str, Any]) -> Properties:
    """Without members that say nothing: None and empty texts, lists and maps."""
    return {name: value for name, value in members.items() if value is not None and value not in ("", [], {})}


def document_text(document: Any) -> str:
    """A policy or pattern, which templates have as an object or as its text, as the text that services take."""
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


def document_of(text: str | None) -> Any:
    """The other way round; None for none, the text itself where it is no JSON."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def whole_numbers(value: Any) -> Any:
    """With 5 for 5.0, wherever it is: a schema's `number` is an integer in many requests."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: whole_numbers(one) for name, one in value.items()}
    return [whole_numbers(one) for one in value] if isinstance(value, list) else value


def lower_first(value: Any) -> Any:
    """`LogGroupArn` as `logGroupArn`, in all maps: services in JSON that begin their members with small letters."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lower_first(one) for name, one in value.items()}
    return [lower_first(one) for one in value] if isinstance(value, list) else value


def upper_first(value: Any) -> Any:
    """The other way round."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: upper_first(one) for name, one in value.items()}
    return [upper_first(one) for one in value] if isinstance(value, list) else value


# ------------------------------------------------------------ answers


async def unless(asked: Awaitable[Answer], *codes: str) -> Answer | None:
    """An answer, or None where the service refuses with one of these codes; without any: where it finds nothing."""
    try:
        return await asked
    except ServiceFailure as failure:
        if failure.code in (codes or _MISSING):
            return None
        raise


async def until(work: Work, look: Callable[[], Awaitable[Found | None]]) -> Found:
    """What `look` gives as soon as it gives anything: asked more and more slowly, up to every five seconds."""
    wait = _FIRST_WAIT_S
    while True:
        found = await look()
        if found is not None:
            return found
        await work.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_S)


def already_exists(work: Work, identifier: str) -> ResourceFailure:
    """Somebody has a resource of that name: in the words of CloudFormation's resource types (CfnAlreadyExistsException
    of the cloudformation-cli Java plugin).
    """
    message = f"Resource of type '{work.type}' with identifier '{identifier}' already exists."
    return ResourceFailure(message, "AlreadyExists")


def not_found(work: Work, identifier: str) -> ResourceFailure:
    """There is no such resource (CfnNotFoundException, as above)."""
    message = f"Resource of type '{work.type}' with identifier '{identifier}' was not found."
    return ResourceFailure(message, "NotFound")


def invalid(message: str) -> ResourceFailure:
    """Properties that cannot be."""
    return ResourceFailure(message, "InvalidRequest")


def refuse(work: Work, *members: str) -> None:
    """Raise `not_served` for the first of these properties that is set.

    One that an update takes away is none: an update that was refused has to be taken back.
    """
    for member in members:
        if work.properties.get(member):
            raise not_served(member)


def not_served(member: str) -> ResourceFailure:
    """A property that nothing here does anything with."""
    return ResourceFailure(f"The property {member} is not served by this platform.", "InvalidRequest")
