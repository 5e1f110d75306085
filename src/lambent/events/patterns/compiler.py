"""From the text of a pattern to what it asks of each field.

The grammar, the order in which things are checked, the wording of refusals and the place each of them names are those
of event-ruler's rule compiler, which is EventBridge's; recorded refusals are in LocalStack's
`test_events_patterns.snapshot.json`. `$or` makes alternatives: each is a conjunction of fields. When a path is named
twice the later one counts.
"""

from __future__ import annotations

from json import JSONDecoder
from typing import Final, TypeAlias

from lambent.events.patterns import tokens as json
from lambent.events.patterns.addresses import Address, address_of
from lambent.events.patterns.conditions import Absent, Condition, Exactly, NoneOf
from lambent.events.patterns.errors import InvalidPattern, TooComplex
from lambent.events.patterns.expressions import expression
from lambent.events.patterns.fields import FieldTest
from lambent.events.patterns.tokens import Tokens
from lambent.events.patterns.wildcards import Wildcard, too_complex

Alternative: TypeAlias = dict[str, FieldTest]
"""Fields by path, all of which have to let an event through."""

_MAX_ALTERNATIVES: Final = 1000
_TOO_MANY: Final = f"Event pattern contains more than {_MAX_ALTERNATIVES} rule combinations"
_SPACE: Final = " \t\r\n"
_RESERVED: Final = frozenset(
    {
        *(
            "exactly",
            "equals-ignore-case",
            "prefix",
            "suffix",
            "anything-but",
            "exists",
            "wildcard",
            "numeric",
        ),
        *("cidr", "html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
_TOO_COMPLEX: Final = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
    "wildcard character"
)
_LITERALS: Final = {"true": True, "false": False, "null": None}


def compile_pattern(source: str) -> list[Alternative]:
    """The alternatives of a pattern, at least one. Raises InvalidPattern.

    Where `$or` is not the operator (its branches have to be objects, two at least, and none of their names may be a
    match type) it is a field like others, and what is wrong is what is wrong then. What follows the pattern's closing
    brace is not looked at.
    """
    try:
        alternatives = _compiled(source, operator="$or")
    except TooComplex:
        raise
    except InvalidPattern:
        if "$or" not in source:
            raise
        alternatives = _compiled(source, operator=None)
    if "$or" in source and _combinations(source) > _MAX_ALTERNATIVES:
        raise TooComplex(_TOO_MANY)
    for field in {field for fields in alternatives for field in fields.values()}:
        if too_complex(_wildcards(field)):
            raise TooComplex(_TOO_COMPLEX)
    return alternatives


def _compiled(source: str, *, operator: str | None) -> list[Alternative]:
    tokens = Tokens(source)
    if tokens.next() != json.OBJECT:
        tokens.fail("Filter is not an object")
    alternatives: list[Alternative] = []
    _object(tokens, alternatives, "", operator, in_or=False)
    return alternatives


def _combinations(source: str) -> int:
    """The product of the lengths of all `$or` in a pattern, which is what the guide limits."""
    product = 1
    waiting = [JSONDecoder().raw_decode(source.lstrip(_SPACE))[0]]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            branches = found.get("$or")
            if isinstance(branches, list):
                product *= max(1, len(branches))
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return product


def _object(
    tokens: Tokens, alternatives: list[Alternative], path: str, operator: str | None, *, in_or: bool
) -> None:
    empty = True
    while tokens.next() != json.END_OBJECT:
        empty = False
        name = tokens.text()
        if name == operator:
            _or(tokens, alternatives, path, operator)
            continue
        if in_or and name in _RESERVED:
            tokens.fail(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
        below = f"{path}.{name}" if path else name
        kind = tokens.next()
        if kind == json.OBJECT:
            _object(tokens, alternatives, below, operator, in_or=in_or)
        elif kind == json.ARRAY:
            _values(tokens, alternatives, below)
        else:
            tokens.fail(f'"{name}" must be an object or an array')
    if empty:
        tokens.fail("Empty objects are not allowed")


def _or(tokens: Tokens, alternatives: list[Alternative], path: str, operator: str) -> None:
    before = [*alternatives] or [{}]
    alternatives.clear()
    if tokens.next() != json.ARRAY:
        tokens.fail("It must be an Array followed with $or.")
    branches = 0
    while (kind := tokens.next()) != json.END_ARRAY:
        branches += 1
        if kind != json.OBJECT:
            tokens.fail("Only JSON object is allowed in array of $or relationship.")
        branch = [dict(alternative) for alternative in before]
        _object(tokens, branch, path, operator, in_or=True)
        alternatives.extend(branch)
        if len(alternatives) > _MAX_ALTERNATIVES:
            raise TooComplex(_TOO_MANY)
    if branches < 2:
        tokens.fail("There must have at least 2 Objects in $or relationship.")


def _values(tokens: Tokens, alternatives: list[Alternative], path: str) -> None:
    texts: set[str] = set()
    numbers: set[float] = set()
    addresses: set[Address] = set()
    literals: set[bool | None] = set()
    conditions: list[Condition] = []
    absent, empty = False, True
    while (kind := tokens.next()) != json.END_ARRAY:
        empty = False
        if kind == json.OBJECT:
            found = expression(tokens)
            if isinstance(found, Absent):
                absent = True
            elif isinstance(found, Exactly):
                texts.add(found.text)
            else:
                conditions.append(found)
        elif kind == json.TEXT:
            address = address_of(tokens.text())
            if address is None:
                texts.add(tokens.text())
            else:
                addresses.add(address)
        elif kind == json.NUMBER:
            numbers.add(_literal_number(tokens.text()))
        elif kind == json.LITERAL:
            literals.add(_LITERALS[tokens.text()])
        else:
            tokens.fail("Match value must be String, number, true, false, or null")
    if empty:
        tokens.fail("Empty arrays are not allowed")
    test = FieldTest(
        path,
        texts=frozenset(texts),
        numbers=frozenset(numbers),
        addresses=frozenset(addresses),
        literals=frozenset(literals),
        conditions=tuple(conditions),
        absent=absent,
    )
    if not alternatives:
        alternatives.append({})
    for alternative in alternatives:
        alternative[path] = test


def _wildcards(field: FieldTest) -> list[Wildcard]:
    parts = [
        part
        for condition in field.conditions
        for part in (condition.conditions if isinstance(condition, NoneOf) else (condition,))
    ]
    return [part for part in parts if isinstance(part, Wildcard)]


def _literal_number(text: str) -> float:
    # Whole numbers stay exact: account ids and the like are compared as they are written.
    if text.lstrip("-").isdigit():
        return int(text)
    return float(text)
