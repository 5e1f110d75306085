"""What intrinsic functions give: parameters, pseudo parameters, mappings, conditions, and resources that are there."""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.conditions import Conditions
from lambent.stacks.template.functions import SUPPORTED, VARIABLE, attribute_of
from lambent.stacks.template.pseudo import NO_VALUE
from lambent.stacks.template.unknown import UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.stacks.template.pseudo import Pseudo
    from lambent.stacks.template.template import Template


class ResourceValues(NamedTuple):
    """A resource that is there: what Ref gives, and what Fn::GetAtt gives by the attribute's full name."""

    ref: str
    attributes: Mapping[str, Any]


class _Removed:
    """What AWS::NoValue becomes."""


_REMOVED: Final = _Removed()


def no_resources(logical_id: str) -> ResourceValues | None:
    """Nothing is made yet."""
    return None


def no_imports(name: str) -> str:
    """Nobody exports anything."""
    raise ValidationError(f"No export named {name} found.")


def usual_zones(region: str) -> list[str]:
    """The availability zones that nearly every region has."""
    return [f"{region}{letter}" for letter in "abc"]


class Scope:
    """Resolves values of a template. Parameters: values as Ref gives them, by name."""

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        pseudo: Pseudo,
        *,
        resources: Callable[[str], ResourceValues | None] = no_resources,
        imports: Callable[[str], str] = no_imports,
        zones: Callable[[str], list[str]] = usual_zones,
    ) -> None:
        """Evaluates the conditions. Raises ValidationError where one cannot be."""
        self.template = template
        self.pseudo = pseudo
        self.resources = resources
        self.imports = imports
        self.zones = zones
        self._values: dict[str, Any] = {**pseudo.values(), **parameters, NO_VALUE: _REMOVED}
        self.conditions: dict[str, bool] = {}
        """Whether each condition holds."""
        Conditions(self).evaluate(self.conditions)
        self.active: list[str] = [
            resource.logical_id
            for resource in template.resources.values()
            if resource.condition is None or self.conditions[resource.condition]
        ]
        """Logical ids of the resources whose condition holds, in the template's order."""

    def resolve(self, value: Any) -> Any:
        """The value with all functions in it replaced by what they give, UNKNOWN where they need what is not there.

        What AWS::NoValue stands in is removed; a value that is nothing else becomes None. Raises ValidationError.
        """
        result = self._resolve(value)
        return None if result is _REMOVED else result

    def text(self, value: Any, where: str) -> str:
        """A resolved scalar as CloudFormation joins it. Raises ValidationError for a list or a map."""
        kind = type(value)
        if kind is str or kind is Unknown:
            return value  # type: ignore[no-any-return]
        if kind is bool:
            return "true" if value else "false"
        if kind is int or kind is float:
            return str(value)
        raise ValidationError(where)

    def _resolve(self, value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            if len(value) == 1:
                for name, argument in value.items():
                    function = _FUNCTIONS.get(name)
                    if function is not None:
                        return function(self, argument)
                    if name[:4] == "Fn::":
                        raise unsupported(name)
            resolve = self._resolve
            return {
                name: resolved
                for name, item in value.items()
                if (resolved := item if type(item) is str else resolve(item)) is not _REMOVED
            }
        if kind is list:
            resolve = self._resolve
            return [
                resolved
                for item in value
                if (resolved := item if type(item) is str else resolve(item)) is not _REMOVED
            ]
        return value

    def ref(self, name: str) -> Any:
        """What Ref gives for a parameter, pseudo parameter or resource."""
        try:
            return self._values[name]
        except KeyError:
            pass
        if name not in self.template.resources:
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the "
                "template"
            )
        values = self.resources(name)
        return UNKNOWN if values is None else values.ref

    def attribute(self, logical_id: str, name: str) -> Any:
        """What Fn::GetAtt gives."""
        values = self.resources(logical_id)
        if values is None:
            if logical_id not in self.template.resources:
                raise ValidationError(
                    f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}"
                )
            return UNKNOWN
        attributes = values.attributes
        if name in attributes:
            return attributes[name]
        found: Any = attributes
        for part in name.split("."):
            if not isinstance(found, dict) or part not in found:
                break
            found = found[part]
        else:
            return found
        resource = self.template.resources.get(logical_id)
        if resource is not None and resource.type.startswith(
            ("Custom::", "AWS::CloudFormation::CustomResource")
        ):
            raise ValidationError(
                f"CustomResource attribute error: Vendor response doesn't contain {name} attribute in object "
                f"{self.pseudo.stack_id}|{logical_id}"
            )
        if (
            name.startswith("Outputs.")
            and resource is not None
            and resource.type == "AWS::CloudFormation::Stack"
        ):
            raise ValidationError(f"Output '{name[8:]}' not found in stack '{values.ref}'")
        raise ValidationError(
            f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt"
        )

    def mapping(self, name: Any, key: Any, attribute: Any) -> Any:
        """What Fn::FindInMap gives. Raises ValidationError where it is not there."""
        names = [self.text(part, _FIND_IN_MAP) for part in (name, key, attribute)]
        found = self.template.mappings.get(names[0])
        if found is None:
            raise ValidationError(
                f"Template error: Mapping named '{names[0]}' is not present in the 'Mappings' section of template."
            )
        try:
            return found[names[1]][names[2]]
        except KeyError:
            raise ValidationError(f"Template error: Unable to get mapping for {'::'.join(names)}") from None

    # --- the functions ---------------------------------------------------------------------------------------------

    def _ref(self, argument: Any) -> Any:
        if type(argument) is not str:
            raise ValidationError("Template error: every Ref object must have a single String value.")
        return self.ref(argument)

    def _get_att(self, argument: Any) -> Any:
        found = attribute_of(argument)
        if found is None:
            raise ValidationError(_GET_ATT)
        attribute = self._resolve(found[1])
        return self.attribute(found[0], self.text(attribute, _GET_ATT))

    def _if(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) != 3:
            raise ValidationError("Template error: Fn::If requires a list argument with three elements")
        name = argument[0]
        if type(name) is dict and len(name) == 1 and "Condition" in name:
            name = name["Condition"]
        if type(name) is not str:
            raise ValidationError(
                "Template error: Fn::If requires a list argument with the first element being a condition"
            )
        try:
            holds = self.conditions[name]
        except KeyError:
            raise ValidationError(
                f"Template error: unresolved condition dependency {name} in Fn::If"
            ) from None
        return self._resolve(argument[1] if holds else argument[2])

    def _join(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) != 2:
            raise ValidationError(_JOIN)
        delimiter, parts = self._resolve(argument[0]), self._resolve(argument[1])
        if type(delimiter) is Unknown or type(parts) is Unknown:
            return UNKNOWN
        if type(delimiter) is not str or type(parts) is not list:
            raise ValidationError(_JOIN)
        texts = [self.text(part, _JOIN) for part in parts]
        return UNKNOWN if UNKNOWN in texts else delimiter.join(texts)

    def _sub(self, argument: Any) -> Any:
        own: dict[str, Any] = {}
        if type(argument) is list:
            if len(argument) != 2 or type(argument[1]) is not dict:
                raise ValidationError(_SUB)
            argument, given = argument
            own = {name: self._resolve(value) for name, value in given.items()}
        if type(argument) is not str:
            raise ValidationError(_SUB)
        parts = VARIABLE.split(argument)
        for index in range(1, len(parts), 2):
            name = parts[index]
            if name[:1] == "!":
                parts[index] = f"${{{name[1:]}}}"
                continue
            name = name.strip()
            if name in own:
                value = own[name]
            elif name in self._values:
                value = self._values[name]
            elif "." in name:
                resource, _, attribute = name.partition(".")
                value = self.attribute(resource, attribute)
            else:
                value = self.ref(name)
            if value is _REMOVED:
                value = ""
            if type(value) is Unknown:
                return UNKNOWN
            parts[index] = self.text(
                value, f"Template error: variable {name} in Fn::Sub expression does not resolve to a string"
            )
        return "".join(parts)

    def _select(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) != 2:
            raise ValidationError(_SELECT)
        index, items = self._resolve(argument[0]), self._resolve(argument[1])
        if type(index) is Unknown or type(items) is Unknown:
            return UNKNOWN
        if type(items) is not list:
            raise ValidationError(_SELECT)
        try:
            number = int(self.text(index, _SELECT))
        except ValueError:
            raise ValidationError(_SELECT) from None
        if not 0 <= number < len(items):
            raise ValidationError(
                f"Template error: Fn::Select cannot select nonexistent value at index {number}"
            )
        return items[number]

    def _split(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) != 2:
            raise ValidationError(_SPLIT)
        delimiter, source = self._resolve(argument[0]), self._resolve(argument[1])
        if type(source) is Unknown:
            return UNKNOWN
        if type(delimiter) is not str or not delimiter:
            raise ValidationError(_SPLIT)
        return self.text(source, _SPLIT).split(delimiter)

    def _base64(self, argument: Any) -> Any:
        value = self._resolve(argument)
        if type(value) is Unknown:
            return UNKNOWN
        text = self.text(value, "Template error: every Fn::Base64 object must have a String-typed value.")
        return base64.b64encode(text.encode()).decode()

    def _find_in_map(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) not in (3, 4):
            raise ValidationError(_FIND_IN_MAP)
        names = [self._resolve(part) for part in argument[:3]]
        if len(argument) == 4 and type(argument[3]) is dict and "DefaultValue" in argument[3]:
            try:
                found = self.mapping(*names)
            except ValidationError:
                found = argument[3]["DefaultValue"]
            return self._resolve(found)
        if len(argument) == 4:
            raise ValidationError(_FIND_IN_MAP)
        return self.mapping(*names)

    def _import_value(self, argument: Any) -> Any:
        name = self._resolve(argument)
        if type(name) is Unknown:
            return UNKNOWN
        return self.imports(self.text(name, _IMPORT))

    def _get_azs(self, argument: Any) -> Any:
        region = self._resolve(argument)
        if type(region) is Unknown:
            return UNKNOWN
        text = self.text(region, "Template error: every Fn::GetAZs object must have a String-typed value.")
        return self.zones(text or self.pseudo.region)

    def _cidr(self, argument: Any) -> Any:
        if type(argument) is not list or len(argument) not in (2, 3):
            raise ValidationError(_CIDR)
        parts = [self._resolve(part) for part in argument]
        if any(type(part) is Unknown for part in parts):
            return UNKNOWN
        try:
            block = ipaddress.ip_network(self.text(parts[0], _CIDR), strict=False)
            count = int(self.text(parts[1], _CIDR))
            bits = int(self.text(parts[2], _CIDR)) if len(parts) == 3 else 8
        except ValueError:
            raise ValidationError(_CIDR) from None
        prefix = block.max_prefixlen - bits
        if not 1 <= count <= 256 or bits < 1 or prefix < block.prefixlen:
            raise ValidationError(_CIDR)
        if count > 1 << (prefix - block.prefixlen):
            raise ValidationError(
                f"Template error: Fn::Cidr cannot make {count} blocks of {bits} bits in {block}"
            )
        first, size = int(block.network_address), 1 << bits
        make = type(block.network_address)
        return [f"{make(first + number * size)}/{prefix}" for number in range(count)]

    def _to_json_string(self, argument: Any) -> Any:
        value = self._resolve(argument)
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return UNKNOWN if UNKNOWN in text else text

    def _length(self, argument: Any) -> Any:
        value = self._resolve(argument)
        if type(value) is Unknown:
            return UNKNOWN
        if type(value) is not list:
            raise ValidationError(_LENGTH)
        return len(value)

    def _transform(self, argument: Any) -> Any:
        raise ValidationError("Template error: Fn::Transform was not processed")

    def _boolean(self, argument: Any) -> Any:
        raise ValidationError("Template error: Fn::Equals cannot be partially collapsed")


_GET_ATT: Final = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)
_JOIN: Final = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
    "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
_SPLIT: Final = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
_SELECT: Final = (
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
)
_SUB: Final = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as "
    "first argument, and an optional second argument to specify a mapping of values to replace in the string"
)
_FIND_IN_MAP: Final = (
    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute "
    "for return value"
)
_CIDR: Final = (
    "Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) the number of CIDRs to "
    "generate, and an optional third, the number of subnet bits"
)
_IMPORT: Final = (
    "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string"
)
_LENGTH: Final = "Template error: Fn::Length requires a list or a function that returns a list"

_FUNCTIONS: Final[dict[str, Callable[[Scope, Any], Any]]] = {
    "Ref": Scope._ref,
    "Fn::And": Scope._boolean,
    "Fn::Base64": Scope._base64,
    "Fn::Cidr": Scope._cidr,
    "Fn::Equals": Scope._boolean,
    "Fn::FindInMap": Scope._find_in_map,
    "Fn::GetAZs": Scope._get_azs,
    "Fn::GetAtt": Scope._get_att,
    "Fn::If": Scope._if,
    "Fn::ImportValue": Scope._import_value,
    "Fn::Join": Scope._join,
    "Fn::Length": Scope._length,
    "Fn::Not": Scope._boolean,
    "Fn::Or": Scope._boolean,
    "Fn::Select": Scope._select,
    "Fn::Split": Scope._split,
    "Fn::Sub": Scope._sub,
    "Fn::ToJsonString": Scope._to_json_string,
    "Fn::Transform": Scope._transform,
}


def unsupported(name: str) -> ValidationError:
    """For a function that there is not, in CloudFormation's words."""
    return ValidationError(
        f"Template error: encountered unsupported function: {name} Supported functions are: [{', '.join(SUPPORTED)}]"
    )
