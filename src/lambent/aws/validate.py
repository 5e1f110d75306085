"""Constraints of the models, checked and worded as AWS's servers do, all violations gathered into one answer.

The wording of each constraint, the naming of members (`targets.1.member.id`) and the order of an enum's
values follow recorded answers; see tests/aws/test_validate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lambent.aws.errors import ServiceError
from lambent.aws.overrides import UNMODELLED, Quirks, quirks_of
from lambent.aws.patterns import matcher
from lambent.aws.text import FLOAT_TYPES, INTEGER_RANGE

if TYPE_CHECKING:
    from lambent.aws.model import Operation, ServiceModel, Shape

Check = Callable[[Any, str, "list[str]"], None]
"""Called with (value, path, violations): appends a sentence for each violation."""
Constraint = tuple[str, Callable[[Any], bool]]
"""What is required, in AWS's words, and whether a value satisfies it."""

_NOT_NULL = "Member must not be null"


def enum_order(values: list[str]) -> list[str]:
    """`values` in the order in which AWS lists them: a Java hash table of 32 buckets, by `String.hashCode`.

    All recorded enums keep it (`[RESPONSE_STREAM, BUFFERED]`, `[LATEST, AT_TIMESTAMP, TRIM_HORIZON]`, …).
    """

    def bucket(value: str) -> int:
        code = 0
        for character in value:
            code = (31 * code + ord(character)) & 0xFFFFFFFF
        return code & 31

    return sorted(values, key=bucket)


def member_path(name: str) -> str:
    """A member's name as AWS's messages spell it: `FunctionName` → `functionName`, `KMSKey` → `kMSKey`."""
    return name[:1].lower() + name[1:]


def java_text(value: Any, shape: Shape) -> str:
    """`value` as Java prints it: `[a, b]`, `{2=0.5}`, `Target(id=x, arn=null)`; what the model calls
    sensitive, masked.
    """
    if value is None:
        return "null"
    if shape.traits.get("sensitive"):
        return "***Sensitive Data Redacted***"
    if isinstance(value, bool):
        return "true" if value else "false"
    if shape.type == "list":
        return f"[{', '.join(java_text(item, shape.member) for item in value)}]"
    if shape.type == "map":
        pairs = (f"{java_text(key, shape.key)}={java_text(item, shape.value)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if shape.type == "structure" and isinstance(value, dict):
        fields = [
            f"{member_path(name)}={java_text(value.get(name), member)}"
            for name, member in shape.members.items()
        ]
        fields += [f"{member_path(name)}=null" for name in UNMODELLED.get(shape.name, ())]
        return f"{shape.name}({', '.join(fields)})"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def _length_at_most(limit: int) -> Constraint:
    return f"Member must have length less than or equal to {limit}", lambda value: len(value) <= limit


def _length_at_least(limit: int) -> Constraint:
    return f"Member must have length greater than or equal to {limit}", lambda value: len(value) >= limit


def _scalar_constraints(shape: Shape, traits: Mapping[str, Any]) -> list[Constraint]:
    """The constraints of a scalar in the order in which AWS lists them for the members of a list."""
    low, high = traits.get("min"), traits.get("max")
    found: list[Constraint] = []
    if shape.type in ("string", "blob"):
        if high is not None:
            found.append(_length_at_most(high))
        if low is not None:
            found.append(_length_at_least(low))
        pattern = traits.get("pattern")
        if pattern and shape.type == "string":
            found.append((f"Member must satisfy regular expression pattern: {pattern}", matcher(pattern)))
        if traits.get("enum"):
            values = frozenset(traits["enum"])
            words = f"Member must satisfy enum value set: [{', '.join(enum_order(list(traits['enum'])))}]"
            found.append((words, lambda value: value in values))
    elif shape.type in INTEGER_RANGE or shape.type in FLOAT_TYPES:
        if shape.type in FLOAT_TYPES:
            low, high = None if low is None else float(low), None if high is None else float(high)
        if high is not None:
            found.append(
                (f"Member must have value less than or equal to {high}", lambda value: value <= high)
            )
        if low is not None:
            found.append(
                (f"Member must have value greater than or equal to {low}", lambda value: value >= low)
            )
    return found


def _say(violations: list[str], shown: str | None, path: str, constraint: str) -> None:
    value = "Value" if shown is None else f"Value {shown}"
    violations.append(f"{value} at '{path}' failed to satisfy constraint: {constraint}")


def _shown(value: Any, shape: Shape) -> str | None:
    """What a message says of the value; nothing where the model calls it sensitive."""
    return None if shape.traits.get("sensitive") else f"'{java_text(value, shape)}'"


class Validators:
    """The validators of one service's operations, compiled on first use."""

    def __init__(self, model: ServiceModel) -> None:
        self._quirks: Quirks = quirks_of(model.name)
        self._checks: dict[Shape, Check | None] = {}
        self._compiling: set[Shape] = set()
        self._validators: dict[str, Callable[[dict[str, Any]], None]] = {}

    def validator(self, operation: Operation) -> Callable[[dict[str, Any]], None]:
        """The validator of `operation`'s parsed requests; raises the ServiceError that AWS answers with."""
        found = self._validators.get(operation.name)
        if found is None:
            found = self._validators[operation.name] = self._compile(operation)
        return found

    def _compile(self, operation: Operation) -> Callable[[dict[str, Any]], None]:
        if operation.input is None or self._quirks.words_itself:
            return lambda request: None
        check = self._structure(operation.input, operation.name)
        code = self._quirks.validation_code

        def validate(request: dict[str, Any]) -> None:
            violations: list[str] = []
            if check is not None:
                check(request, "", violations)
            if violations:
                errors = "error" if len(violations) == 1 else "errors"
                raise ServiceError(
                    code,
                    f"{len(violations)} validation {errors} detected: {'; '.join(violations)}",
                    status=400,
                )

        return validate

    def _traits(self, shape: Shape, member: str = "") -> Mapping[str, Any]:
        changes = {**self._quirks.shapes.get(shape.name, {}), **self._quirks.members.get(member, {})}
        return {**shape.traits, **changes} if changes else shape.traits

    def _check(self, shape: Shape) -> Check | None:
        """The check of a value of `shape`; None where there is nothing to check in it."""
        if shape in self._checks:
            return self._checks[shape]
        if shape in self._compiling:
            # A shape that contains itself: whether there is anything to check is known only once it is
            # compiled.
            return self._deferred(shape)
        self._compiling.add(shape)
        found = self._compile_check(shape, self._traits(shape))
        self._compiling.discard(shape)
        self._checks[shape] = found
        return found

    def _deferred(self, shape: Shape) -> Check:
        def check(value: Any, path: str, violations: list[str]) -> None:
            compiled = self._checks[shape]
            if compiled is not None:
                compiled(value, path, violations)

        return check

    def _compile_check(self, shape: Shape, traits: Mapping[str, Any]) -> Check | None:
        if shape.type == "structure":
            return None if shape.traits.get("document") else self._structure(shape, "")
        if shape.type == "list":
            return self._list(shape, traits)
        if shape.type == "map":
            return self._map(shape, traits)
        # A single value's violations come in another order than a list's:
        # TestEvents::test_create_connection_validations.
        constraints = sorted(_scalar_constraints(shape, traits), key=lambda found: "pattern" not in found[0])
        if not constraints:
            return None

        def check(value: Any, path: str, violations: list[str]) -> None:
            for words, satisfied in constraints:
                if not satisfied(value):
                    _say(violations, _shown(value, shape), path, words)

        return check

    def _structure(self, shape: Shape, operation: str) -> Check | None:
        required = frozenset(shape.required)
        fields = []
        first = self._quirks.first.get(operation, ())
        members = [(name, shape.members[name]) for name in first]
        members += [pair for pair in shape.members.items() if pair[0] not in first]
        for name, member in members:
            if operation and f"{operation}.{name}" in self._quirks.members:
                check = self._compile_check(member, self._traits(member, f"{operation}.{name}"))
            else:
                check = self._check(member)
            if check is not None or name in required:
                fields.append((name, member_path(name), check, name in required))
        if not fields:
            return None

        def check_members(value: Any, path: str, violations: list[str]) -> None:
            prefix = f"{path}." if path else ""
            for name, shown_name, check, needed in fields:
                item = value.get(name)
                if item is None:
                    if needed:
                        _say(violations, "null", prefix + shown_name, _NOT_NULL)
                elif check is not None:
                    check(item, prefix + shown_name, violations)

        return check_members

    def _list(self, shape: Shape, traits: Mapping[str, Any]) -> Check | None:
        sizes = _size_constraints(traits)
        member = shape.member
        constraints = _scalar_constraints(member, self._traits(member))
        listed = traits.get("enum_on_list")
        words = f"Member must satisfy enum value set: [{', '.join(listed)}]" if listed else None
        if listed:
            # More is taken than is named: TestLambdaLayer::test_layer_compatibilities has deprecated runtimes.
            accepted = frozenset((*listed, *member.traits.get("enum", ())))
            constraints = [("", accepted.__contains__)]
        nullable = traits.get("nullable", False)
        requirement = words or _member_requirement("Member", constraints, nullable)
        nested = self._check(member) if member.type in ("structure", "list", "map") else None
        if not sizes and not constraints and nested is None and nullable:
            return None

        def check(value: Any, path: str, violations: list[str]) -> None:
            for size_words, satisfied in sizes:
                if not satisfied(value):
                    _say(violations, _shown(value, shape), path, size_words)
            for index, item in enumerate(value, 1):
                if item is None:
                    if not nullable:
                        _say(violations, _shown(value, shape), path, requirement)
                        break
                elif nested is not None:
                    nested(item, f"{path}.{index}.member", violations)
                elif any(not satisfied(item) for _, satisfied in constraints):
                    _say(violations, _shown(value, shape), path, requirement)
                    break

        return check

    def _map(self, shape: Shape, traits: Mapping[str, Any]) -> Check | None:
        sizes = _size_constraints(traits)
        key_constraints = _scalar_constraints(shape.key, self._traits(shape.key))
        constraints = _scalar_constraints(shape.value, self._traits(shape.value))
        nested = self._check(shape.value) if shape.value.type in ("structure", "list", "map") else None
        key_requirement = _member_requirement("Map keys", key_constraints, True)
        value_requirement = _member_requirement("Map value", constraints, False)

        def check(value: Any, path: str, violations: list[str]) -> None:
            for size_words, satisfied in sizes:
                if not satisfied(value):
                    _say(violations, _shown(value, shape), path, size_words)
            if any(not satisfied(key) for _, satisfied in key_constraints for key in value):
                _say(violations, _shown(value, shape), path, key_requirement)
            for key, item in value.items():
                if item is not None and nested is not None:
                    nested(item, f"{path}.{key}.member", violations)
                elif item is None or any(not satisfied(item) for _, satisfied in constraints):
                    _say(violations, _shown(value, shape), path, value_requirement)
                    break

        return check


def _size_constraints(traits: Mapping[str, Any]) -> list[Constraint]:
    low, high = traits.get("min"), traits.get("max")
    return ([] if high is None else [_length_at_most(high)]) + (
        [] if low is None else [_length_at_least(low)]
    )


def _member_requirement(subject: str, constraints: list[Constraint], nullable: bool) -> str:
    listed = [words for words, _ in constraints] + ([] if nullable else [_NOT_NULL])
    return f"{subject} must satisfy constraint: [{', '.join(listed)}]"
