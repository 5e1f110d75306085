"""botocore's service models, read straight from its data files.

Importing botocore costs 75 ms and 18 MB; the model files alone are what is needed, so they are found beside
the package without importing it. A model is read on first use and its documentation is dropped at once.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.errors import ModelError
from lambent.aws.querynames import add_query_names

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_CAP = re.compile("(.)([A-Z][a-z]+)")
_END_CAP = re.compile("([a-z0-9])([A-Z])")
_PLURAL_CAPS = re.compile("([A-Z]{2,}s$)")


@functools.cache
def snake_case(operation: str) -> str:
    """`operation` as botocore's clients name its method: `GetFunction` → `get_function`."""
    plural = _PLURAL_CAPS.search(operation)
    if plural is not None:
        operation = f"{operation[: plural.start()]}_{plural.group().lower()}"
    return _END_CAP.sub(r"\1_\2", _FIRST_CAP.sub(r"\1_\2", operation)).lower()


class Shape:
    """A shape as it stands in one place: its own definition with the traits of the reference laid over it."""

    __slots__ = ("_members", "_model", "_service", "name", "traits", "type")

    def __init__(
        self, name: str, model: Mapping[str, Any], traits: Mapping[str, Any], service: ServiceModel
    ) -> None:
        self.name = name
        self.type: str = model["type"]
        self.traits: Mapping[str, Any] = {**model, **traits} if traits else model
        self._model = model
        self._service = service
        self._members: dict[str, Shape] | None = None

    @property
    def members(self) -> dict[str, Shape]:
        """A structure's members by name, in the model's order."""
        if self._members is None:
            references: Mapping[str, Any] = self._model.get("members", {})
            self._members = {name: self._service.shape(reference) for name, reference in references.items()}
        return self._members

    @property
    def member(self) -> Shape:
        """What a list holds."""
        return self._service.shape(self._model["member"])

    @property
    def key(self) -> Shape:
        """A map's keys."""
        return self._service.shape(self._model["key"])

    @property
    def value(self) -> Shape:
        """A map's values."""
        return self._service.shape(self._model["value"])

    @property
    def required(self) -> tuple[str, ...]:
        """The members of a structure that must be there."""
        return tuple(self._model.get("required", ()))

    @property
    def location(self) -> str | None:
        """Where a member travels: `uri`, `querystring`, `header`, `headers`, `statusCode`; None: the body."""
        found: str | None = self.traits.get("location")
        return found

    def wire_name(self, default: str) -> str:
        """The name of this member on the wire, where the member itself is called `default`."""
        name: str = self.traits.get("locationName", default)
        return name

    def __repr__(self) -> str:
        return f"Shape({self.name}: {self.type})"


class ErrorShape:
    """A modelled error: what it is called on the wire, its status and whose fault it is."""

    __slots__ = ("code", "message_member", "name", "sender_fault", "shape", "status")

    def __init__(self, shape: Shape) -> None:
        error: Mapping[str, Any] = shape.traits.get("error", {})
        self.name = shape.name
        self.shape = shape
        self.code: str = error.get("code", shape.name)
        self.sender_fault: bool = error.get("senderFault", not shape.traits.get("fault", False))
        self.status: int = error.get("httpStatusCode", 400 if self.sender_fault else 500)
        self.message_member = next((name for name in shape.members if name.lower() == "message"), "message")


class Operation:
    """One operation of a service's model."""

    __slots__ = (
        "input",
        "method",
        "name",
        "output",
        "result_wrapper",
        "service",
        "status",
        "uri",
    )

    def __init__(self, name: str, model: Mapping[str, Any], service: ServiceModel) -> None:
        http: Mapping[str, Any] = model.get("http", {})
        self.name = name
        self.service = service
        self.method: str = http.get("method", "POST")
        self.uri: str = http.get("requestUri", "/")
        self.status: int = http.get("responseCode", 200)
        self.input = service.shape(model["input"]) if "input" in model else None
        self.output = service.shape(model["output"]) if "output" in model else None
        self.result_wrapper: str | None = model.get("output", {}).get("resultWrapper")

    def __repr__(self) -> str:
        return f"Operation({self.service.name}.{self.name})"


class ServiceModel:
    """The model of one service: its metadata, operations, shapes and errors."""

    def __init__(self, name: str, description: Mapping[str, Any]) -> None:
        self.name = name
        self.metadata: Mapping[str, Any] = description["metadata"]
        self.protocol: str = self.metadata["protocol"]
        self.api_version: str = self.metadata["apiVersion"]
        self.signing_name: str = self.metadata.get("signingName", self.metadata["endpointPrefix"])
        self.target_prefix: str | None = self.metadata.get("targetPrefix")
        self.json_version: str = self.metadata.get("jsonVersion", "1.0")
        self.xml_namespace: str | None = self.metadata.get("xmlNamespace")
        self.query_compatible = "awsQueryCompatible" in self.metadata
        self.operation_models: Mapping[str, Any] = description["operations"]
        self.shape_models: Mapping[str, Any] = description["shapes"]
        self._resolved: dict[str, Shape] = {}
        self._operations: dict[str, Operation] = {}
        self._errors: dict[str, ErrorShape] | None = None

    def shape(self, reference: Mapping[str, Any]) -> Shape:
        """The shape that `reference` (`{"shape": name, …traits}`) stands for; the same object for the same
        reference.
        """
        name: str = reference["shape"]
        # Most references carry no trait of their own and share one object, and so one compiled codec.
        key = name if len(reference) == 1 else f"{name} {sorted(reference.items())!r}"
        found = self._resolved.get(key)
        if found is None:
            traits = {trait: value for trait, value in reference.items() if trait != "shape"}
            found = self._resolved[key] = Shape(name, self.shape_models[name], traits, self)
        return found

    def operation(self, name: str) -> Operation:
        """The operation called `name`; ModelError where the service has none."""
        found = self._operations.get(name)
        if found is None:
            try:
                model = self.operation_models[name]
            except KeyError:
                raise ModelError(f"{self.name} has no operation {name}") from None
            found = self._operations[name] = Operation(name, model, self)
        return found

    def error(self, code: str) -> ErrorShape | None:
        """The modelled error whose shape name or wire code is `code`."""
        if self._errors is None:
            self._errors = {}
            for name, model in self.shape_models.items():
                if model.get("exception"):
                    error = ErrorShape(self.shape({"shape": name}))
                    self._errors.setdefault(error.code, error)
                    self._errors[name] = error
        return self._errors.get(code)


@functools.cache
def _data_directory() -> Path:
    found = importlib.util.find_spec("botocore")
    if found is None or found.origin is None:
        raise ModelError("botocore is not installed: install lambent[platform]")
    return Path(found.origin).parent / "data"


def known_service(name: str) -> bool:
    """Whether botocore has a model of the service `name`."""
    return name.isascii() and name.replace("-", "").isalnum() and (_data_directory() / name).is_dir()


def read_description(name: str) -> dict[str, Any]:
    """The newest `service-2.json` of the service `name`, without documentation; ModelError where there is
    none.
    """
    if not known_service(name):
        raise ModelError(f"botocore has no service {name}")
    for version in sorted((_data_directory() / name).iterdir(), reverse=True):
        for file in (version / "service-2.json.gz", version / "service-2.json"):
            if file.is_file():
                raw = file.read_bytes()
                description = msgspec.json.decode(gzip.decompress(raw) if file.suffix == ".gz" else raw)
                if not isinstance(description, dict):
                    raise ModelError(f"{file} is not a service model")
                _drop_documentation(description["operations"])
                _drop_documentation(description["shapes"])
                return description
    raise ModelError(f"botocore has no service {name}")


def _drop_documentation(definitions: dict[str, Any]) -> None:
    for definition in definitions.values():
        definition.pop("documentation", None)
        for part in (definition, definition.get("members"), definition.get("errors")):
            for reference in part.values() if isinstance(part, dict) else part or ():
                if isinstance(reference, dict):
                    reference.pop("documentation", None)


@functools.cache
def load_model(name: str, protocol: str | None = None) -> ServiceModel:
    """The model of the service `name`, read once for the life of the process (about 5 ms for Lambda's).

    With `protocol` as the model of a service that speaks several: it holds the names of that protocol.
    """
    description = read_description(name)
    if protocol == "query":
        add_query_names(name, description)
    return ServiceModel(name, description)
