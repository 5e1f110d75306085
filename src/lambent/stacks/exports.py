"""Outputs of stacks, those that other stacks import, and what keeps them from going away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.errors import ValidationError
from lambent.stacks.records import Output
from lambent.stacks.template import UNKNOWN, Unknown, check_export_name

if TYPE_CHECKING:
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.records import Stack
    from lambent.stacks.template import Scope, Template


def outputs_of(template: Template, scope: Scope) -> list[Output]:
    """The outputs whose condition holds, resolved. Raises ValidationError."""
    outputs = []
    for output in template.outputs.values():
        if output.condition is not None and not scope.conditions[output.condition]:
            continue
        value = scope.resolve(output.value)
        if isinstance(value, dict | list) or value is None:
            raise ValidationError("Template format error: Every Value member must be a string.")
        export = None if output.export_name is None else scope.resolve(output.export_name)
        if export is not None:
            check_export_name(output.name, _text(export))
        outputs.append(
            Output(
                output.name,
                _text(value),
                output.description,
                None if export is None else _text(export),
            )
        )
    return outputs


def imported_names(template: Template, scope: Scope) -> set[str]:
    """The names that the active resources and outputs import."""
    found: set[str] = set()
    for logical_id in scope.active:
        _collect(template.resources[logical_id].properties, scope, found)
    for output in template.outputs.values():
        if output.condition is None or scope.conditions[output.condition]:
            _collect(output.value, scope, found)
    return found


def check_exports(ledger: Ledger, stack: Stack, exported: dict[str, str]) -> None:
    """Whether the stack may export exactly this, name to value. Raises ValidationError in CloudFormation's words."""
    for name in exported:
        known = ledger.exports.get((stack.scope, name))
        if known is not None and known.stack_id != stack.id:
            other = ledger.stacks[known.stack_id].name
            raise ValidationError(f"Export with name {name} is already exported by stack {other}.")
    for (scope, name), export in ledger.exports.items():
        if scope != stack.scope or export.stack_id != stack.id or exported.get(name) == export.value:
            continue
        users = importers(ledger, stack.scope, name)
        if users:
            if name in exported:
                raise ValidationError(f"Cannot update export {name} as it is in use by {', '.join(users)}.")
            raise ValidationError(deletion_refused(name, users))


def deletion_refused(name: str, users: list[str]) -> str:
    """Why an export stays, in CloudFormation's words (as public reports of 2025 and 2026 quote them)."""
    return f"Delete canceled. Cannot delete export {name} as it is in use by {', '.join(users)}."


def importers(ledger: Ledger, scope: str, name: str) -> list[str]:
    """Names of the stacks that import an export, or will when what is being done with them has succeeded."""
    found = set(ledger.imports.get((scope, name), ()))
    found.update(stack_id for stack_id, names in ledger.importing.items() if name in names)
    stacks = map(ledger.stacks.__getitem__, found)
    return sorted(stack.name for stack in stacks if stack.scope == scope)


def _collect(value: Any, scope: Scope, found: set[str]) -> None:
    if isinstance(value, dict):
        if len(value) == 1 and "Fn::ImportValue" in value:
            name = scope.resolve(value["Fn::ImportValue"])
            if isinstance(name, str) and not isinstance(name, Unknown) and name is not UNKNOWN:
                found.add(name)
            return
        for item in value.values():
            _collect(item, scope, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, scope, found)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
