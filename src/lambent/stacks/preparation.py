"""From a request to a definition: template fetched, read, transformed, and its parameters resolved."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.stacks.errors import InsufficientCapabilities, UnsupportedType, ValidationError
from lambent.stacks.records import Definition
from lambent.stacks.template import (
    Pseudo,
    Scope,
    Template,
    UsePrevious,
    capabilities_needed,
    parameter_values,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.providers.catalogue import Catalogue
    from lambent.stacks.records import Stack
    from lambent.stacks.request import StackRequest
    from lambent.stacks.template import ResourceValues
    from lambent.stacks.transforms import Fetcher, Transforms

_BODY_LIMIT: Final = 51_200
"""Bytes of a template in a request (AWSCloudFormation/latest/UserGuide/cloudformation-limits.html)."""

_SMALL: Final = 4_000
"""Characters of a template that is read on the loop: it takes less than a thread costs."""

_MOST_CACHED: Final = 4_000_000
"""Characters of templates that are kept read: they take about ten times as many bytes."""

_TRIGGERS: Final = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_ALARM: Final = re.compile(r"arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:.+", re.DOTALL)


class Prepared(NamedTuple):
    """A definition with its texts, not yet kept. `processed`: JSON."""

    original: str
    processed: str
    template: Template
    definition: Definition


class Draft(NamedTuple):
    """A request whose template has been read and whose transforms have not been done."""

    original: str
    template: Template
    definition: Definition


class TransformFailed(ValidationError):
    """A transform has refused the template: CloudFormation begins the operation and then fails."""


class Preparation:
    """Makes definitions of requests, and reads those that are kept."""

    def __init__(
        self,
        ledger: Ledger,
        ask: AskService,
        catalogue: Catalogue,
        transforms: Transforms,
        fetcher: Fetcher,
        *,
        ignore_unsupported: bool,
    ) -> None:
        self._ledger = ledger
        self._ask = ask
        self._catalogue = catalogue
        self._transforms = transforms
        self._fetcher = fetcher
        self._ignore_unsupported = ignore_unsupported
        self._cached: dict[str, tuple[Template, int]] = {}
        self._cached_size = 0

    async def draft(self, request: StackRequest, stack: Stack | None) -> Draft:
        """Read the template and resolve the parameters. `stack`: what an update keeps values of.

        Raises ValidationError.
        """
        check_rollback(request.rollback_configuration)
        original = await self._text(request, stack)
        if "AWS::Serverless" in original:
            self._transforms.warm()
        if len(original) > _SMALL:
            template = await asyncio.to_thread(read_template, original)
        else:
            template = read_template(original)
        known = stack.definition if stack is not None else None
        check_allowed(template, request.resource_types)
        values = await parameter_values(
            template,
            _given(request.parameters),
            {} if known is None else known.given,
            self._ask,
            request.account,
            request.region,
        )

        def kept(asked: Any, name: str) -> Any:
            """What an update leaves as it is when the request says nothing."""
            if asked is not None:
                return asked
            return getattr(known, name) if known is not None else getattr(_NOTHING, name)

        definition = Definition(
            template="",
            given=values.given,
            values=dict(values.values),
            parameters=values.described(),
            tags=kept(request.tags, "tags"),
            capabilities=list(request.capabilities or ()),
            description=template.description,
            notification_arns=kept(request.notification_arns, "notification_arns"),
            rollback_configuration=kept(request.rollback_configuration, "rollback_configuration"),
            role=kept(request.role, "role"),
        )
        return Draft(original, template, definition)

    def check_expansion(self, draft: Draft) -> None:
        """Raises InsufficientCapabilities for macros that were not acknowledged."""
        if (
            self._transforms.needs_auto_expand(draft.template.document)
            and "CAPABILITY_AUTO_EXPAND" not in draft.definition.capabilities
        ):
            raise InsufficientCapabilities("Requires capabilities : [CAPABILITY_AUTO_EXPAND]")

    def check_early(self, draft: Draft) -> None:
        """What of a change set is refused at once: what its template needs before any transform.

        Raises InsufficientCapabilities.
        """
        if not self._transforms.needs_auto_expand(draft.template.document):
            self.check_types(draft.template)
            self._check_capabilities(draft.template, draft.definition)

    async def transformed(
        self, draft: Draft, *, account: str, region: str, stack_name: str, stack_id: str
    ) -> Prepared:
        """Do the transforms, and check what they have made.

        Raises TransformFailed, other ValidationErrors where the template has no transforms, InsufficientCapabilities.
        """
        template, definition = draft.template, draft.definition
        if self._transforms.needs_auto_expand(template.document):
            try:
                document = await self._transforms.apply(
                    template.document,
                    account=account,
                    region=region,
                    stack_name=stack_name,
                    parameters=definition.values,
                    capabilities=definition.capabilities,
                    stack_id=stack_id,
                )
                template = await asyncio.to_thread(Template.read, document)
            except InsufficientCapabilities:
                raise
            except ValidationError as refused:
                raise TransformFailed(str(refused)) from refused
            definition = msgspec.structs.replace(
                definition, description=template.description, transformed=True
            )
        self.check_types(template)
        self._check_capabilities(template, definition)
        processed = msgspec.json.encode(template.document).decode()
        return Prepared(draft.original, processed, template, definition)

    async def template(self, key: str) -> Template:
        """The processed template of a definition that is kept."""
        cached = self._cached.get(key)
        if cached is not None:
            template = cached[0]
        else:
            _, processed = await self._ledger.template(key)
            document = msgspec.json.decode(processed)
            if len(processed) > _SMALL:
                template = await asyncio.to_thread(Template.read, document)
            else:
                template = Template.read(document)
            self.remember(key, template, processed)
        return template

    def remember(self, key: str, template: Template, processed: str) -> None:
        """Not to read it again. `processed`: its text."""
        self._cached_size -= self._cached.pop(key, (template, 0))[1]
        while self._cached and self._cached_size + len(processed) > _MOST_CACHED:
            self._cached_size -= self._cached.pop(next(iter(self._cached)))[1]
        self._cached[key] = (template, len(processed))
        self._cached_size += len(processed)

    def scope(
        self,
        stack: Stack,
        definition: Definition,
        template: Template,
        resources: Callable[[str], ResourceValues | None],
    ) -> Scope:
        """What the functions of a template see. Raises ValidationError."""
        pseudo = Pseudo.of(
            stack.account, stack.region, stack.id, stack.name, tuple(definition.notification_arns)
        )

        def imported(name: str) -> str:
            export = self._ledger.exports.get((stack.scope, name))
            if export is None:
                raise ValidationError(f"No export named {name} found.")
            return export.value

        def output(name: str, key: str, region: str, _role: str) -> str:
            other = self._ledger.by_name(f"{stack.account}:{region or stack.region}", name)
            if other is None:
                raise ValidationError(f"Stack with id {name} does not exist")
            for one in other.outputs:
                if one.key == key:
                    return one.value
            raise ValidationError(
                f"TemplateError: Fn::GetStackOutput references output {key} from stack {name}, but this output was "
                "not found. The output may have been deleted."
            )

        return Scope(
            template, definition.values, pseudo, resources=resources, imports=imported, outputs=output
        )

    async def _text(self, request: StackRequest, stack: Stack | None) -> str:
        if request.use_previous:
            if stack is None or not stack.definition.template:
                raise ValidationError("There is no previous template to use.")
            original, _ = await self._ledger.template(stack.definition.template)
            return original
        if request.template_body is not None:
            if len(request.template_body.encode()) > _BODY_LIMIT:
                raise ValidationError(
                    f"1 validation error detected: Value '{request.template_body}' at 'templateBody' failed to "
                    f"satisfy constraint: Member must have length less than or equal to {_BODY_LIMIT}"
                )
            return request.template_body
        if request.template_url is not None:
            return await self._fetcher.text(request.template_url, request.account, request.region)
        raise ValidationError("Either Template URL or Template Body must be specified.")

    def check_types(self, template: Template) -> None:
        """Raises UnsupportedType for resources that nobody makes here, unless these are to be passed over."""
        if self._ignore_unsupported:
            return
        unknown = {
            resource.type
            for resource in template.resources.values()
            if not self._catalogue.serves(resource.type)
        }
        if unknown:
            raise UnsupportedType(self._catalogue.complaint(unknown))

    def _check_capabilities(self, template: Template, definition: Definition) -> None:
        needed, _ = capabilities_needed(template)
        given = set(definition.capabilities)
        if "CAPABILITY_NAMED_IAM" in given:
            given.add("CAPABILITY_IAM")
        missing = sorted(needed - given)
        if "CAPABILITY_NAMED_IAM" in missing and "CAPABILITY_IAM" in missing:
            missing.remove("CAPABILITY_IAM")
        if missing:
            raise InsufficientCapabilities(f"Requires capabilities : [{', '.join(missing)}]")


_NOTHING: Final = Definition(template="")


def check_allowed(template: Template, allowed: list[str] | None) -> None:
    """Raises ValidationError for types of resources that the request's ResourceTypes leave out."""
    if not allowed:
        return
    for resource in template.resources.values():
        if not any(
            resource.type.startswith(one[:-1]) if one.endswith("::*") else resource.type == one
            for one in allowed
        ):
            raise ValidationError(
                f"Resource type {resource.type} is not allowed by parameter ResourceTypes [{', '.join(allowed)}]"
            )


def check_rollback(configuration: dict[str, Any] | None) -> None:
    """Raises ValidationError for alarms that cannot trigger a rollback, in CloudFormation's words (recorded)."""
    for trigger in (configuration or {}).get("RollbackTriggers", ()):
        if trigger.get("Type") not in _TRIGGERS:
            raise ValidationError("Rollback Trigger Type not supported")
        if not _ALARM.fullmatch(trigger.get("Arn", "")):
            raise ValidationError("RelativeId of a Rollback Trigger's ARN is incorrect")


def read_template(text: str) -> Template:
    """Raises ValidationError."""
    return Template.read(parse(text).document)


def _given(parameters: list[dict[str, Any]]) -> dict[str, str | UsePrevious]:
    given: dict[str, str | UsePrevious] = {}
    for parameter in parameters:
        name = parameter.get("ParameterKey")
        if not name:
            raise ValidationError("ParameterKey must be specified.")
        if name in given:
            raise ValidationError(f"Parameters: [{name}] were provided more than once.")
        if parameter.get("UsePreviousValue"):
            if parameter.get("ParameterValue") is not None:
                raise ValidationError(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty "
                    "value for a parameter"
                )
            given[name] = UsePrevious()
        elif parameter.get("ParameterValue") is None:
            raise ValidationError(
                f"Invalid input for parameter key {name}. Need to specify either usePreviousValue as true or a value "
                "for the parameter"
            )
        else:
            given[name] = parameter["ParameterValue"]
    return given
