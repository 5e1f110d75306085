"""GetResource. Nothing is made, changed or listed by this API here: CloudFormation does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.service import Service
from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure, UnsupportedType
from lambent.stacks.providers.provider import StackIdentity
from lambent.stacks.providers.work import StepWork
from lambent.stacks.reasons import handler_code
from lambent.stacks.schemas import schema_of

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.clock import Clock
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.providers.catalogue import Catalogue

Members = dict[str, Any]


class CloudControlService(Service):
    """The API of Cloud Control over the providers of resources."""

    name: ClassVar[str] = "cloudcontrol"

    def __init__(self, catalogue: Catalogue, ask: AskService, clock: Clock) -> None:
        self._catalogue = catalogue
        self._ask = ask
        self._clock = clock

    async def get_resource(self, context: RequestContext, request: Members) -> Members:
        """The live properties and attributes of a resource, by its primary identifier (parts of it between `|`)."""
        type_name, identifier = request["TypeName"], request["Identifier"]
        try:
            provider = self._catalogue.find(type_name)
        except UnsupportedType:
            raise ServiceError("TypeNotFoundException", f"The type '{type_name}' cannot be found.") from None
        schema = schema_of(type_name)
        names = schema.primary_identifier if schema is not None else ()
        stack = StackIdentity("", "", context.account, context.region)
        work = StepWork(
            self._ask, self._clock, stack, "", type_name, {}, token=context.request_id, physical_id=identifier
        )
        made = live = None
        try:
            made = await provider.adopt(work, dict(zip(names, identifier.split("|"), strict=False)))
            work.physical_id, work.attributes = made.physical_id, made.attributes
            live = await provider.read(work)
        except NotImplementedError:
            raise ServiceError(
                "UnsupportedActionException", f"Resource type {type_name} does not support READ action"
            ) from None
        except (ResourceFailure, ServiceFailure) as failure:
            code = failure.code if isinstance(failure, ResourceFailure) else handler_code(failure)
            if code != "NotFound":
                raise ServiceError("GeneralServiceException", failure.message) from failure
        if made is None or live is None:
            raise ServiceError(
                "ResourceNotFoundException",
                f"Resource of type '{type_name}' with identifier '{identifier}' was not found.",
            )
        properties = {name: value for name, value in made.attributes.items() if "." not in name} | live
        return {
            "TypeName": type_name,
            "ResourceDescription": {
                "Identifier": identifier,
                "Properties": msgspec.json.encode(properties, enc_hook=str).decode(),
            },
        }
