"""AWS::LanguageExtensions: Fn::ForEach, Fn::ToJsonString, Fn::Length, functions in Fn::FindInMap and its default, in
Ref and Fn::GetAtt, and in the attributes of resources.

Sources: CloudFormation Template Reference, "AWS::LanguageExtensions transform"; AWS's own templates, results and
messages for it (aws-sam-cli, `cfn_language_extensions`); measured behaviour (ministack).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.functions import BOOLEAN, FOR_EACH, function_of
from lambent.stacks.template.loops import TOO_LARGE, Bindings, Loops, failed, substituted
from lambent.stacks.template.scope import Scope, size_of
from lambent.stacks.template.template import Resource, Template
from lambent.stacks.template.text import LARGEST_BYTES
from lambent.stacks.template.unknown import REMOVED, UNKNOWN, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.stacks.template.pseudo import Pseudo

_POLICIES: Final = ("DeletionPolicy", "UpdateReplacePolicy")
_MOST: Final = 4 * LARGEST_BYTES
"""Characters of all texts that are made, and four for each map, list and number: far more than a template can have."""


def expand_extensions(
    document: dict[str, Any], parameters: Mapping[str, Any], pseudo: Pseudo
) -> dict[str, Any]:
    """What AWS::LanguageExtensions makes of a template: a new document without its functions.

    `parameters`: values as Ref gives them. What only the stack will know stays in the functions that CloudFormation has
    anyway. Raises ValidationError in CloudFormation's words.
    """
    return _Extensions(document, parameters, pseudo).expanded()


class _Extensions:
    def __init__(self, document: dict[str, Any], parameters: Mapping[str, Any], pseudo: Pseudo) -> None:
        self._document = document
        self._parameters = parameters
        self._pseudo = pseudo
        self._scope = self._scope_of({})
        self._left = _MOST
        resources = document.get("Resources")
        self._loops = Loops(self._value, parameters, resources if isinstance(resources, dict) else {})

    def _scope_of(self, conditions: dict[str, Any]) -> Scope:
        mappings, resources = self._document.get("Mappings"), self._document.get("Resources")
        template = Template(
            None,
            {},
            mappings if isinstance(mappings, dict) else {},
            conditions,
            {},
            {name: Resource(name, "", {}) for name in resources} if isinstance(resources, dict) else {},
            {},
            [],
            {},
            {},
        )
        return Scope(
            template,
            self._parameters,
            self._pseudo,
            imports=_later,
            outputs=_later,
            zones=_later,
        )

    def expanded(self) -> dict[str, Any]:
        document = dict(self._document)
        for name in ("Conditions", "Resources", "Outputs"):
            self._loops.check_names(document.get(name))
        for name in ("Conditions", "Resources", "Outputs"):
            if not isinstance(document.get(name), dict):
                continue
            document[name] = self._map(document[name], {}, ids=True)
            if name == "Conditions":
                try:
                    self._scope = self._scope_of(document[name])
                except ValidationError as wrong:
                    raise failed(str(wrong).removeprefix("Template error: ")) from None
            if name != "Resources" and not document[name]:
                del document[name]
        for name, resource in document.get("Resources", {}).items():
            if isinstance(resource, dict):
                self._attributes(name, resource)
        for name, output in document.get("Outputs", {}).items():
            if isinstance(output, dict):
                self._condition(name, output)
        if len(json.dumps(document)) > LARGEST_BYTES:
            raise failed(TOO_LARGE)
        return document

    # --- the walk ---------------------------------------------------------------------------------------------------

    def _spend(self, units: int) -> None:
        """Raises ValidationError when what comes of loops cannot be a template's size."""
        self._left -= units
        if self._left < 0:
            raise failed(TOO_LARGE)

    def _expand(self, value: Any, bindings: Bindings) -> Any:
        if isinstance(value, str):
            self._spend(len(value))
            return value
        self._spend(4)
        if isinstance(value, list):
            return [self._expand(item, bindings) for item in value]
        if not isinstance(value, dict):
            return value
        function = function_of(value)
        if function is None or function.startswith(FOR_EACH):
            return self._map(value, bindings, ids=False)
        argument = value[function]
        if function == "Ref":
            return self._ref(argument, bindings)
        if function == "Fn::Sub":
            made = substituted(argument, bindings, self._expand)
            self._spend(size_of(made, self._left))
            return made
        if function == "Fn::Length":
            return self._length(argument, bindings)
        if function == "Fn::ToJsonString":
            return self._to_json_string(argument, bindings)
        if function == "Fn::FindInMap":
            return self._find_in_map(argument, bindings)
        if function == "Fn::GetAtt" and isinstance(argument, dict):
            return {function: self._name(function, argument, bindings)}
        if function == "Fn::GetAtt" and isinstance(argument, list):
            return {function: [self._name(function, part, bindings) for part in argument]}
        return {function: self._expand(argument, bindings)}

    def _map(self, value: dict[str, Any], bindings: Bindings, *, ids: bool) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        for key, item in value.items():
            if key.startswith(FOR_EACH):
                self._loops.expand(key, item, bindings, self._expand, expanded, ids=ids)
            elif key in expanded:
                raise failed(f"Duplicate key '{key}' when merging keys to parent object in Fn::ForEach")
            else:
                expanded[key] = self._expand(item, bindings)
        return expanded

    def _value(self, value: Any, bindings: Bindings) -> Any:
        """What a value is, as far as it is known before the stack is: UNKNOWN where it is not."""
        expanded = self._expand(value, bindings)
        result = self._scope.part(expanded)
        return None if result is REMOVED else result

    def _known(self, value: Any) -> Any:
        """The same of what is expanded already; UNKNOWN for names that nothing has yet."""
        try:
            return self._scope.part(value)
        except ValidationError:
            return UNKNOWN

    # --- the functions ----------------------------------------------------------------------------------------------

    def _ref(self, argument: Any, bindings: Bindings) -> Any:
        if isinstance(argument, str) and argument in bindings:
            return bindings[argument]
        return {"Ref": self._name("Ref", argument, bindings)}

    def _name(self, function: str, argument: Any, bindings: Bindings) -> Any:
        """A name in Ref or Fn::GetAtt, which may be made by functions here."""
        if not isinstance(argument, dict):
            return argument
        name = self._value(argument, bindings)
        if not isinstance(name, str) or isinstance(name, Unknown):
            raise failed(f"{function} layout is incorrect")
        return name

    def _find_in_map(self, argument: Any, bindings: Bindings) -> Any:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            raise failed("Fn::FindInMap layout is incorrect")
        expanded = {"Fn::FindInMap": [self._expand(part, bindings) for part in argument]}
        if len(argument) == 3 and not any(isinstance(part, dict) for part in argument):
            return expanded
        names = [self._known(part) for part in expanded["Fn::FindInMap"][:3]]
        if not all(isinstance(name, str) for name in names):
            raise failed("Fn::FindInMap layout is incorrect")
        if any(isinstance(name, Unknown) for name in names):
            return expanded
        found = self._scope.mapped(names)
        if found is None and len(argument) == 4:
            default = expanded["Fn::FindInMap"][3]
            if not isinstance(default, dict) or "DefaultValue" not in default:
                raise failed("Fn::FindInMap layout is incorrect")
            return default["DefaultValue"]
        if found is None:
            return expanded
        self._spend(size_of(found, self._left))
        return found

    def _length(self, argument: Any, bindings: Bindings) -> Any:
        expanded = self._expand(argument, bindings)
        value = self._known(expanded)
        if isinstance(value, Unknown):
            raise failed("The Fn::Length value could not be resolved for properties")
        if not isinstance(value, list):
            raise failed("Fn::Length layout is incorrect")
        return len(value)

    def _to_json_string(self, argument: Any, bindings: Bindings) -> Any:
        expanded = self._expand(argument, bindings)
        if not isinstance(expanded, dict | list) or self._removed(expanded):
            raise failed("Fn::ToJsonString layout is incorrect")
        parts: list[Any] = []
        self._write(expanded, parts)
        if parts and parts[0] != "" and isinstance(parts[0], str) and parts[0][0] not in "[{":
            raise failed("Fn::ToJsonString layout is incorrect")
        return "".join(parts) if len(parts) == 1 else {"Fn::Join": ["", parts]}

    def _write(self, value: Any, parts: list[Any]) -> None:
        """Add JSON to a text with holes: functions of which only the stack knows what they give."""
        if isinstance(value, dict):
            function = function_of(value)
            if function in BOOLEAN:
                raise failed(f"Fn::ToJsonString does not support {function} intrinsic function")
            if value == {"Ref": "AWS::NotificationARNs"}:
                raise failed("Fn::ToJsonString does not support AWS::NotificationARNs pseudo parameter")
            if function is None:
                self._write_members(value, parts)
                return
            if function == "Fn::If" and isinstance(value[function], list) and len(value[function]) == 3:
                name, holds, otherwise = value[function]
                self._write(holds if self._scope.holds(name) else otherwise, parts)
                return
            known = self._known(value)
            if _is_known(known):
                _add(parts, _json(known))
            elif function == "Fn::Split":
                raise failed("Unable to resolve Fn::Split intrinsic function")
            else:
                _add(parts, '"')
                parts.append(value)
                _add(parts, '"')
        elif isinstance(value, list):
            _add(parts, "[")
            first = True
            for item in value:
                if self._removed(item):
                    continue
                if not first:
                    _add(parts, ",")
                first = False
                self._write(item, parts)
            _add(parts, "]")
        else:
            _add(parts, _json(value))

    def _write_members(self, value: dict[str, Any], parts: list[Any]) -> None:
        _add(parts, "{")
        first = True
        for name, item in value.items():
            if self._removed(item):
                continue
            _add(parts, f"{'' if first else ','}{_json(name)}:")
            first = False
            self._write(item, parts)
        _add(parts, "}")

    def _removed(self, value: Any) -> bool:
        return isinstance(value, dict) and function_of(value) is not None and self._known(value) is REMOVED

    # --- attributes of resources ------------------------------------------------------------------------------------

    def _attributes(self, name: str, resource: dict[str, Any]) -> None:
        for member in _POLICIES:
            policy = resource.get(member)
            if isinstance(policy, list):
                raise failed(f"Every {member} member must be a string")
            if not isinstance(policy, dict):
                continue
            known = self._known(policy)
            if known is REMOVED:
                raise failed("AWS::NoValue is not supported for DeletionPolicy or UpdateReplacePolicy")
            if not isinstance(known, str) or isinstance(known, Unknown):
                raise failed(f"Unsupported expression for {member} in resource {name}")
            resource[member] = known
        self._condition(name, resource)
        if isinstance(resource.get("DependsOn"), dict | list):
            needs = self._known(resource["DependsOn"])
            resource["DependsOn"] = [] if needs is REMOVED else needs

    def _condition(self, name: str, item: dict[str, Any]) -> None:
        condition = item.get("Condition")
        if isinstance(condition, dict):
            condition = self._known(condition)
            if condition is REMOVED:
                del item["Condition"]
            else:
                item["Condition"] = condition
        if isinstance(condition, str) and condition not in self._scope.template.conditions:
            raise failed(f"Key {condition} is missing in the map.")


def _later(*_: Any) -> Any:
    """What only the stack will know."""
    return UNKNOWN


def _is_known(value: Any) -> bool:
    if isinstance(value, Unknown):
        return False
    if isinstance(value, dict):
        return all(_is_known(item) for item in value.values())
    return all(_is_known(item) for item in value) if isinstance(value, list) else True


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _add(parts: list[Any], text: str) -> None:
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    else:
        parts.append(text)
