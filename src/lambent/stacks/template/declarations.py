"""Parameters, mappings, conditions and rules of a document: everything that is known before resources are.

Sources: CloudFormation User Guide, "Template sections" and "Quotas". The words of errors are CloudFormation's as far as
they are recorded (LocalStack's `test_mappings` and `test_validations` snapshots; issues of cfn-lint and SAM).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.functions import RULES_ONLY
from lambent.stacks.template.pseudo import NAMES as PSEUDO
from lambent.stacks.template.pseudo import NO_VALUE
from lambent.stacks.template.shapes import Found, look_at_condition
from lambent.stacks.template.template import Parameter, Rule

if TYPE_CHECKING:
    from collections.abc import Collection

ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9]+")
LONGEST_NAME: Final = 255

_SPECIFIC: Final = (
    "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::VPC::Id",
    "AWS::EC2::Volume::Id", "AWS::Route53::HostedZone::Id",
)  # fmt: skip
_PLAIN: Final = ("String", "Number", *_SPECIFIC)
_LISTS: Final = ("CommaDelimitedList", *(f"List<{name}>" for name in (*_PLAIN, "AWS::SSM::Parameter::Name")))
TYPES: Final = frozenset(
    {
        *_PLAIN,
        *_LISTS,
        "AWS::SSM::Parameter::Name",
        *(f"AWS::SSM::Parameter::Value<{name}>" for name in (*_PLAIN, *_LISTS, "AWS::SSM::Parameter::Name")),
    }
)
"""Of parameters (User Guide, "Parameters: supported parameter types")."""

_PARAMETER_MEMBERS: Final = frozenset(
    {
        "AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength", "MaxValue",
        "MinLength", "MinValue", "NoEcho", "Type",
    }
)  # fmt: skip
_RULE_FUNCTIONS: Final = RULES_ONLY | {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or", "Ref"}
_RULE_LISTS: Final = {
    "Fn::Contains": 2,
    "Fn::EachMemberEquals": 2,
    "Fn::EachMemberIn": 2,
    "Fn::Equals": 2,
    "Fn::Not": 1,
    "Fn::ValueOf": 2,
    "Fn::ValueOfAll": 2,
}
_RULE_TEXTS: Final = frozenset({"Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"})
_VERSIONLESS: Final = re.compile(r"\{\{resolve:ssm(-secure)?:[^:{}]+\}\}")


def section(document: dict[str, Any], name: str, most: int) -> dict[str, Any]:
    """A section's members by their names. Raises ValidationError when it is no map, or has too many."""
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise ValidationError(f"Template format error: Any {name} member must be a JSON object.")
    if len(found) > most:
        raise ValidationError(
            f"Template format error: Number of {name.lower()}, {len(found)}, is greater than maximum allowed, {most}"
        )
    return found


def member(value: Any, what: str) -> dict[str, Any]:
    """A member that has to be a map. Raises ValidationError."""
    if not isinstance(value, dict):
        raise ValidationError(f"Template format error: Any {what} member must be a JSON object.")
    return value


def check_name(kind: str, name: str) -> None:
    """Raises ValidationError for a name that is not alphanumeric or too long."""
    if not ALPHANUMERIC.fullmatch(name):
        raise ValidationError(f"Template format error: {kind} name {name} is non alphanumeric.")
    if len(name) > LONGEST_NAME:
        raise ValidationError(
            f"Template format error: {kind} name {name[:32]}... may not exceed {LONGEST_NAME} characters."
        )


def text(item: dict[str, Any], name: str) -> str | None:
    """A member that has to be a text, or a number or boolean, which are read as texts. Raises ValidationError."""
    value = item.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValidationError(f"Template format error: Every {name} member must be a string.")


# --- parameters -----------------------------------------------------------------------------------------------------


def read_parameters(document: dict[str, Any]) -> dict[str, Parameter]:
    """The Parameters. Raises ValidationError."""
    return {
        name: _parameter(name, member(item, "Parameters"))
        for name, item in section(document, "Parameters", 200).items()
    }


def _parameter(name: str, item: dict[str, Any]) -> Parameter:
    check_name("Parameter", name)
    for key in item:
        if key not in _PARAMETER_MEMBERS:
            raise ValidationError(f"Invalid template parameter property '{key}'")
    kind = text(item, "Type")
    if kind is None:
        raise ValidationError("Template format error: Every Parameters object must contain a Type member.")
    if kind not in TYPES:
        raise ValidationError(f"Template format error: Unrecognized parameter type: {kind}")
    for key, unfit, fitting in (
        ("MinLength", kind == "Number", "String"),
        ("MaxLength", kind == "Number", "String"),
        ("MinValue", kind == "String", "Number"),
        ("MaxValue", kind == "String", "Number"),
    ):
        if unfit and key in item:
            raise ValidationError(
                f"Template error: Parameter '{name}' {key} must be on a parameter of type {fitting}"
            )
    default = text(item, "Default")
    if default is not None:
        if len(default.encode()) > 4096:
            raise ValidationError(
                f"Template format error: Parameter '{name}' default value '[****]' length is greater than 4096."
            )
        if _VERSIONLESS.search(default):
            raise ValidationError(f"Parameters: [{name}] should not contain ssm versionless resolver")
    allowed = item.get("AllowedValues")
    if allowed is not None and not isinstance(allowed, list):
        raise ValidationError("Template format error: Every AllowedValues member must be a list.")
    return Parameter(
        name,
        type=kind,
        default=default,
        description=_at_most(text(item, "Description"), 4000, "Description"),
        no_echo=(text(item, "NoEcho") or "").lower() == "true",
        allowed_values=None
        if allowed is None
        else tuple(str(text({"AllowedValues": value}, "AllowedValues")) for value in allowed),
        allowed_pattern=text(item, "AllowedPattern"),
        constraint_description=_at_most(text(item, "ConstraintDescription"), 4000, "ConstraintDescription"),
        min_length=_whole(name, item, "MinLength"),
        max_length=_whole(name, item, "MaxLength"),
        min_value=_number(name, item, "MinValue"),
        max_value=_number(name, item, "MaxValue"),
    )


def _at_most(value: str | None, most: int, what: str) -> str | None:
    if value is not None and len(value) > most:
        raise ValidationError(f"Template format error: {what} must be no longer than {most} characters.")
    return value


def _number(name: str, item: dict[str, Any], key: str) -> float | None:
    value = text(item, key)
    if value is None:
        return None
    try:
        number = float(value)
        int(number)  # refuses infinity, and what is no number
        return number
    except (OverflowError, ValueError):
        raise ValidationError(
            f"Template format error: {key} of parameter '{name}' must be a number."
        ) from None


def _whole(name: str, item: dict[str, Any], key: str) -> int | None:
    value = _number(name, item, key)
    return None if value is None else int(value)


# --- mappings -------------------------------------------------------------------------------------------------------


def read_mappings(document: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """The Mappings. Raises ValidationError."""
    mappings = section(document, "Mappings", 200)
    for name, keys in mappings.items():
        check_name("Mappings", name)
        for key, attributes in _map(name, keys).items():
            for value in _map(key, attributes).values():
                for one in value if isinstance(value, list) else (value,):
                    if not isinstance(one, str | int | float):
                        raise ValidationError(
                            "Template format error: Every Mappings attribute must be a String or a List."
                        )
    return mappings


def _map(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError(f"Template format error: Every Mappings member {name} must be a map")
    if len(value) > 200:
        raise ValidationError(
            f"Template format error: Number of attributes of mapping {name}, {len(value)}, is greater than maximum "
            "allowed, 200"
        )
    return value


# --- conditions -----------------------------------------------------------------------------------------------------


def read_conditions(document: dict[str, Any], parameters: Collection[str]) -> tuple[dict[str, Any], Found]:
    """The Conditions, and what they refer to. Raises ValidationError."""
    conditions = section(document, "Conditions", 1_000)
    found = Found()
    needs: dict[str, dict[str, None]] = {}
    for name, condition in conditions.items():
        # Of any characters: deployed templates have such as "Private&3AZ".
        needs[name] = {}
        own = Found()
        look_at_condition(condition, own, needs[name])
        for unfit in ("Fn::ImportValue", "Fn::GetStackOutput"):
            if unfit in own.used:
                raise ValidationError(f"Template error: Cannot use {unfit} in Conditions.")
        needs[name].update(own.conditions)
        found.refs.update(own.refs)
        found.attributes.update(own.attributes)
        found.parts.update(own.parts)
        found.maps.update(own.maps)
    names = [name for name in found.refs if name not in parameters and name not in PSEUDO]
    names += [*found.attributes, *(part.partition(".")[0] for part in found.parts)]
    if names:
        raise ValidationError(
            f"Template format error: Unresolved dependencies [{', '.join(dict.fromkeys(names))}]. Cannot reference "
            "resources in the Conditions block of the template"
        )
    undefined = dict.fromkeys(
        other for needed in needs.values() for other in needed if other not in conditions
    )
    if undefined:
        raise ValidationError(
            f"Template format error: Unresolved condition dependencies [{', '.join(undefined)}] in the Conditions "
            "block of the template"
        )
    _check_circles(needs)
    return conditions, found


def _check_circles(needs: dict[str, dict[str, None]]) -> None:
    """Raises ValidationError for conditions that call each other in a circle."""
    done: set[str] = set()
    for start in needs:
        path: dict[str, None] = {}
        waiting = [(start, iter(needs[start]))]
        path[start] = None
        while waiting:
            name, others = waiting[-1]
            for other in others:
                if other in path:
                    names = list(path)
                    circle = names[names.index(other) :]
                    raise ValidationError(
                        f"Template error: Found circular condition dependency between {circle[0]} and {circle[-1]}"
                    )
                if other not in done:
                    path[other] = None
                    waiting.append((other, iter(needs[other])))
                    break
            else:
                waiting.pop()
                path.pop(name, None)
                done.add(name)


# --- rules ----------------------------------------------------------------------------------------------------------


def read_rules(document: dict[str, Any], parameters: Collection[str]) -> dict[str, Rule]:
    """The Rules. Raises ValidationError."""
    rules = {
        name: _rule(name, member(item, "Rules")) for name, item in section(document, "Rules", 1_000).items()
    }
    used: dict[str, None] = {}
    refs: dict[str, None] = {}
    for rule in rules.values():
        for expression in (rule.condition, *(one for one, _ in rule.assertions)):
            _look_at_rule(expression, used, refs)
    unfit = sorted(name for name in used if name not in _RULE_FUNCTIONS)
    if unfit:
        raise ValidationError(
            "Template format error: Following functions are not supported in the Rules block of the template: "
            f"[{', '.join(unfit)}]"
        )
    unknown = [name for name in refs if name not in parameters and name not in PSEUDO - {NO_VALUE}]
    if unknown:
        raise ValidationError(
            f"Template format error: Unresolved dependencies [{', '.join(unknown)}]. Cannot reference resources in the "
            "Rules block of the template"
        )
    return rules


def _rule(name: str, item: dict[str, Any]) -> Rule:
    for key in item:
        if key not in ("RuleCondition", "Assertions"):
            raise ValidationError(f"Invalid template rule property '{key}'")
    assertions = item.get("Assertions")
    if not isinstance(assertions, list) or not assertions:
        raise ValidationError(f"Template format error: Rule {name} must contain a list of Assertions.")
    read = []
    for one in assertions:
        if not isinstance(one, dict) or "Assert" not in one:
            raise ValidationError(
                f"Template format error: Every assertion of rule {name} must contain an Assert."
            )
        read.append((one["Assert"], text(one, "AssertDescription") or ""))
    return Rule(name, item.get("RuleCondition"), tuple(read))


def _look_at_rule(value: Any, used: dict[str, None], refs: dict[str, None]) -> None:
    if isinstance(value, list):
        for item in value:
            _look_at_rule(item, used, refs)
    elif isinstance(value, dict):
        for name, argument in value.items():
            if name != "Ref" and name[:4] != "Fn::" and name != "Condition":
                raise ValidationError(f"Template format error: a rule cannot have {name}, only functions.")
            used[name] = None
            length = _RULE_LISTS.get(name)
            if name == "Ref":
                if not isinstance(argument, str):
                    raise ValidationError("Template error: every Ref object must have a single String value.")
                refs[argument] = None
            elif length is not None and (not isinstance(argument, list) or len(argument) != length):
                raise ValidationError(
                    f"Template error: every {name} object in Rules requires a list of {length}."
                )
            elif name in _RULE_TEXTS and not all(
                isinstance(part, str) for part in (argument if length is not None else [argument])
            ):
                raise ValidationError(f"Template error: every {name} object in Rules requires texts.")
            elif name in ("Fn::And", "Fn::Or") and not (
                isinstance(argument, list) and 2 <= len(argument) <= 10
            ):
                raise ValidationError(
                    f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean "
                    "parameters."
                )
            _look_at_rule(argument, used, refs)
