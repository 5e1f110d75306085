"""AWS::Include: a snippet from S3 in place of the transform."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceFailure, ServiceMissing
from lambent.stacks.errors import ValidationError
from lambent.stacks.template import TemplateError, parse

if TYPE_CHECKING:
    from lambent.stacks.transforms.fetcher import Fetcher

NAME: Final = "AWS::Include"

_SMALL: Final = 4_000
"""Bytes that are read on the loop: that takes less than a thread costs."""


async def include(fetcher: Fetcher, parameters: dict[str, Any], account: str, region: str) -> Any:
    """The snippet at `Location`, an S3 URI. Raises ValidationError in CloudFormation's words.

    YAML snippets have no short forms of functions, as CloudFormation's own reader of them knows none
    (AWS::Include transform, "Considerations").
    """
    location = parameters.get("Location")
    place = fetcher.place(location) if isinstance(location, str) else None
    if place is None:
        raise failure("The location parameter is not a valid S3 uri.")
    try:
        body = await fetcher.body(place, account, region)
    except ServiceFailure as refused:
        if refused.code == "NoSuchBucket":
            raise failure(f"S3 bucket [{place.bucket}] does not exist.") from None
        if refused.code == "NoSuchKey":
            raise failure(
                f"The specified S3 object [{place.key}] does not exist in bucket [{place.bucket}]."
            ) from None
        raise failure(f"{refused.message or refused.code}.") from None
    except (ServiceMissing, ValueError) as wrong:
        raise failure(str(wrong)) from None
    return await asyncio.to_thread(snippet, body) if len(body) > _SMALL else snippet(body)


def snippet(body: bytes) -> Any:
    """A snippet's document. Raises ValidationError."""
    invalid = failure("The specified S3 object's content should be valid Yaml/JSON")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise invalid from None
    try:
        # Lists and scalars are snippets as well, which the reader of templates has no use for.
        wrapped = parse(f'{{"snippet":{text}\n}}' if text.lstrip()[:1] in ("[", '"') else text)
    except TemplateError:
        raise invalid from None
    document = wrapped.document
    if text.lstrip()[:1] in ("[", '"'):
        return document["snippet"]
    if wrapped.format == "YAML" and _has_short_forms(text):
        raise invalid
    return document


def _has_short_forms(text: str) -> bool:
    if "!" not in text:
        return False
    import yaml  # type: ignore[import-untyped]

    events = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    while not isinstance(event := events.get_event(), yaml.StreamEndEvent):
        tag = getattr(event, "tag", None)
        if tag is not None and tag.startswith("!") and tag != "!":
            return True
    return False


def failure(reason: str) -> ValidationError:
    """The error as CloudFormation words it."""
    return ValidationError(f"Transform {NAME} failed with: {reason}")


def merged(fragment: dict[str, Any], included: Any, *, whole: bool) -> Any:
    """The fragment around the transform with the snippet's parts, which win. `whole`: the fragment is the template,
    whose sections are united.
    """
    if not fragment:
        return included
    if not isinstance(included, dict):
        raise failure("The specified S3 object's content should be valid Yaml/JSON")
    result = dict(fragment)
    for name, part in included.items():
        here = result.get(name)
        if whole and isinstance(here, dict) and isinstance(part, dict):
            part = {**here, **part}
        result[name] = part
    return result
