"""What each intrinsic function gives. Arguments are checked again here: they may come from other functions.

Sources: CloudFormation Template Reference, "Intrinsic function reference"; measured behaviour (issues and tests of
ministack, cdkd, floci): zones of other regions are none, a list in Fn::Sub is refused, Fn::Cidr counts subnet bits.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import functions as fn
from lambent.stacks.template.functions import text_of
from lambent.stacks.template.unknown import REMOVED, UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.stacks.template.scope import Scope


def _ref(scope: Scope, argument: Any) -> Any:
    if type(argument) is dict:
        argument = scope.part(argument)
    if type(argument) is not str:
        raise ValidationError(fn.REF)
    return scope.ref(argument)


def _get_att(scope: Scope, argument: Any) -> Any:
    found = fn.attribute_of(argument)
    if found is None:
        raise ValidationError(fn.GET_ATT)
    attribute = scope.part(found[1])
    return (
        UNKNOWN if type(attribute) is Unknown else scope.attribute(found[0], text_of(attribute, fn.GET_ATT))
    )


def _if(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) != 3:
        raise ValidationError(fn.IF)
    if type(argument[0]) is not str:
        raise ValidationError(fn.IF_CONDITION)
    return scope.part(argument[1] if scope.holds(argument[0]) else argument[2])


def _join(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) != 2:
        raise ValidationError(fn.JOIN)
    delimiter, parts = scope.part(argument[0]), scope.part(argument[1])
    if type(delimiter) is Unknown or type(parts) is Unknown:
        return UNKNOWN
    if type(delimiter) is not str or type(parts) is not list:
        raise ValidationError(fn.JOIN)
    texts = [text_of(part, fn.JOIN) for part in parts]
    scope.spend(len(delimiter) * len(texts) + sum(map(len, texts)))
    return UNKNOWN if UNKNOWN in texts else delimiter.join(texts)


def _sub(scope: Scope, argument: Any) -> Any:
    own: dict[str, Any] = {}
    if type(argument) is list:
        if len(argument) != 2 or type(argument[1]) is not dict:
            raise ValidationError(fn.SUB)
        argument, given = argument
        own = {name: scope.part(value) for name, value in given.items()}
        for value in own.values():
            if type(value) is list or type(value) is dict:
                raise ValidationError(fn.SUB_VALUES)
    if type(argument) is not str:
        raise ValidationError(fn.SUB)
    parts = fn.parted(argument)
    for index in range(1, len(parts), 2):
        name = parts[index]
        if name[:1] == "!":
            parts[index] = f"${{{name[1:]}}}"
            continue
        name = name.strip()
        value = own[name] if name in own else scope.variable(name)
        if value is REMOVED:
            value = ""
        if type(value) is Unknown:
            return UNKNOWN
        parts[index] = text_of(
            value, f"Template error: variable {name} in Fn::Sub expression does not resolve to a string"
        )
    scope.spend(sum(map(len, parts)))
    return "".join(parts)


def _select(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) != 2:
        raise ValidationError(fn.SELECT)
    index, items = scope.part(argument[0]), scope.part(argument[1])
    if type(index) is Unknown or type(items) is Unknown:
        return UNKNOWN
    if type(items) is not list:
        raise ValidationError(fn.SELECT)
    try:
        number = int(text_of(index, fn.SELECT_INDEX))
    except ValueError:
        raise ValidationError(fn.SELECT_INDEX) from None
    if not 0 <= number < len(items):
        raise ValidationError(f"Template error: Fn::Select cannot select nonexistent value at index {number}")
    return items[number]


def _split(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) != 2:
        raise ValidationError(fn.SPLIT)
    delimiter, source = scope.part(argument[0]), scope.part(argument[1])
    if type(delimiter) is Unknown or type(source) is Unknown:
        return UNKNOWN
    if type(delimiter) is not str or not delimiter:
        raise ValidationError(fn.SPLIT)
    text = text_of(source, fn.SPLIT)
    scope.spend(16 * text.count(delimiter))
    return text.split(delimiter)


def _base64(scope: Scope, argument: Any) -> Any:
    value = scope.part(argument)
    if type(value) is Unknown:
        return UNKNOWN
    return base64.b64encode(text_of(value, fn.BASE64).encode()).decode()


def _find_in_map(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) not in (3, 4):
        raise ValidationError(fn.FIND_IN_MAP)
    names = [scope.part(part) for part in argument[:3]]
    if any(type(name) is Unknown for name in names):
        return UNKNOWN
    texts = [text_of(name, fn.FIND_IN_MAP) for name in names]
    found = scope.mapped(texts)
    if found is not None:
        return found
    if len(argument) == 4 and type(argument[3]) is dict and "DefaultValue" in argument[3]:
        return scope.part(argument[3]["DefaultValue"])
    if texts[0] not in scope.template.mappings:
        raise ValidationError(
            f"Template error: Mapping named '{texts[0]}' is not present in the 'Mappings' section of template."
        )
    raise ValidationError(f"Template error: Unable to get mapping for {'::'.join(texts)}")


def _import_value(scope: Scope, argument: Any) -> Any:
    name = scope.part(argument)
    return UNKNOWN if type(name) is Unknown else scope.imports(text_of(name, fn.IMPORT))


def _stack_output(scope: Scope, argument: Any) -> Any:
    if type(argument) is not dict or not {"StackName", "OutputName"} <= argument.keys():
        raise ValidationError(fn.STACK_OUTPUT)
    given = {
        name: scope.part(argument[name])
        for name in ("StackName", "OutputName", "Region", "RoleArn")
        if name in argument
    }
    if any(type(value) is Unknown for value in given.values()):
        return UNKNOWN
    texts = {name: text_of(value, fn.STACK_OUTPUT) for name, value in given.items() if value is not REMOVED}
    return scope.stack_output(
        texts.get("StackName", ""),
        texts.get("OutputName", ""),
        texts.get("Region") or scope.pseudo.region,
        texts.get("RoleArn", ""),
    )


def _get_azs(scope: Scope, argument: Any) -> Any:
    region = scope.part(argument)
    if type(region) is Unknown:
        return UNKNOWN
    name = text_of(region, fn.GET_AZS) or scope.pseudo.region
    return scope.zones(name) if name == scope.pseudo.region else []


def _cidr(scope: Scope, argument: Any) -> Any:
    if type(argument) is not list or len(argument) not in (2, 3):
        raise ValidationError(fn.CIDR)
    parts = [scope.part(part) for part in argument]
    if any(type(part) is Unknown for part in parts):
        return UNKNOWN
    try:
        block = ipaddress.ip_network(text_of(parts[0], fn.CIDR), strict=False)
        count = int(text_of(parts[1], fn.CIDR))
        bits = int(text_of(parts[2], fn.CIDR)) if len(parts) == 3 else {4: 8, 6: 64}[block.version]
    except ValueError:
        raise ValidationError(fn.CIDR) from None
    prefix = block.max_prefixlen - bits
    if bits < 1 or prefix < block.prefixlen:
        raise ValidationError(f"Template error: Fn::Cidr cannot split {block} into blocks of {bits} bits.")
    if not 1 <= count <= min(256, 1 << (prefix - block.prefixlen)):
        raise ValidationError(
            f"Template error: Fn::Cidr cannot make {count} blocks of {bits} bits in {block}; it makes 1 to 256, as "
            "many as there is room for."
        )
    first, size, make = int(block.network_address), 1 << bits, type(block.network_address)
    return [f"{make(first + number * size)}/{prefix}" for number in range(count)]


def _to_json_string(scope: Scope, argument: Any) -> Any:
    text = json.dumps(scope.resolve(argument), separators=(",", ":"), ensure_ascii=False)
    return UNKNOWN if UNKNOWN in text else text


def _length(scope: Scope, argument: Any) -> Any:
    value = scope.part(argument)
    if type(value) is Unknown:
        return UNKNOWN
    if type(value) is not list:
        raise ValidationError(fn.LENGTH)
    return len(value)


def _transform(scope: Scope, argument: Any) -> Any:
    raise fn.unsupported("Fn::Transform")


def _boolean(scope: Scope, argument: Any) -> Any:
    raise ValidationError(fn.NOT_COLLAPSED)


FUNCTIONS: Final[dict[str, Callable[[Scope, Any], Any]]] = {
    "Ref": _ref,
    "Fn::And": _boolean,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Equals": _boolean,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::GetStackOutput": _stack_output,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Not": _boolean,
    "Fn::Or": _boolean,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
    "Fn::Transform": _transform,
}
"""By name, what is made of an argument. Fn::Length and Fn::ToJsonString are there for AWS::LanguageExtensions."""
