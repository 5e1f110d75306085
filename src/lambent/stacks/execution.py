"""The execution of one stack's operation: turn after turn, until it has ended.

A turn is a phase: forward to what is asked for, back to what was, the removal of what either has left. Which phase it
is in is durable, and so is the beginning and end of every step in it: an execution that was cut is made again from the
records and goes on with the turn, doing again the steps that had begun and not ended.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from lambent.stacks import reasons
from lambent.stacks.parallel import walk
from lambent.stacks.providers.custom import NO_ECHO
from lambent.stacks.providers.work import StepInterrupted
from lambent.stacks.steps import Running, StepFailed, Steps, values_of
from lambent.stacks.template import ResourceValues
from lambent.stacks.template.resources import is_custom
from lambent.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from lambent.clock import Clock, Timer
    from lambent.stacks.ledger import Ledger
    from lambent.stacks.preparation import Preparation
    from lambent.stacks.records import Operation, Stack
    from lambent.stacks.template import Scope, Template

Key = TypeVar("Key")

HIDDEN: Final = "****"

_log = logging.getLogger(__name__)


class Children(Protocol):
    """What is asked of nested stacks when their parent has decided."""

    async def settle(self, stack_id: str) -> None:
        """The parent has succeeded: remove what the child's update has left. Returns when that has begun."""

    async def revert(self, stack_id: str, skip: Collection[str] = ()) -> None:
        """The parent goes back: so does the child, but for `skip`. Raises StepFailed when it cannot."""


class Execution:
    """Runs `stack.operation`. `halted`: begin nothing more in this turn; `draining`: nor in any other."""

    def __init__(
        self,
        stack: Stack,
        ledger: Ledger,
        steps: Steps,
        preparation: Preparation,
        clock: Clock,
        children: Children,
    ) -> None:
        self.stack = stack
        self.ledger = ledger
        self.steps = steps
        self.preparation = preparation
        self.clock = clock
        self.children = children
        self.running = Running()
        self.halted = False
        self.draining = False
        self.values = values_of(stack, steps)

    async def run(self, operation: Operation) -> None:
        """Until it has ended, is superseded, waits for its parent's, or is drained. Raises StoreError."""
        timer = self._deadline()
        try:
            while not self.draining:
                if self.superseded(operation) or operation.phase == "await":
                    return
                self.halted = False
                self.fresh()
                try:
                    await self._turn(operation)
                except StoreError:
                    raise
                except StepInterrupted:
                    self.draining = True
                except Exception:  # noqa: BLE001 - logged, and the operation ends
                    _log.exception("stack %s: %s failed", self.stack.name, operation.kind)
                    await self._give_up(operation)
        finally:
            if timer is not None:
                timer.cancel()

    async def _turn(self, operation: Operation) -> None:
        from lambent.stacks.forward import Forward
        from lambent.stacks.removal import Removal
        from lambent.stacks.rollback import Rollback

        if operation.kind == "delete":
            await Removal(self, operation).remove_stack()
        elif operation.phase == "cleanup":
            await Removal(self, operation).remove_leftovers()
        elif operation.phase == "rollback":
            if operation.kind == "create":
                await Removal(self, operation).undo_creation()
            else:
                await Rollback(self, operation).run()
        else:
            await Forward(self, operation).run()

    async def _give_up(self, operation: Operation) -> None:
        """Something is wrong here: go back where that is possible, rather than stay in progress for ever."""
        if self.superseded(operation):
            return
        if operation.phase == "forward" and operation.kind != "delete" and not operation.failure:
            operation.failure = reasons.INTERNAL
            return
        self.stack.operation = None
        # What could not be cleaned up does not make the stack another one than it is.
        status = self.stack.status.replace("_CLEANUP_IN_PROGRESS", "").replace("_IN_PROGRESS", "_FAILED")
        await self.ledger.entry().stack_event(self.stack, status, reasons.INTERNAL).write()

    async def walk(
        self,
        needs: Mapping[Key, Collection[Key]],
        do: Callable[[Key], Awaitable[bool]],
        fail: Callable[[Key, StepFailed], Awaitable[bool]],
        *,
        halted: Callable[[], bool],
    ) -> None:
        """As `parallel.walk`. What nobody has thought of is one step's failure, and the others come to their end."""

        async def one(key: Key) -> bool:
            try:
                return await do(key)
            except StoreError:
                raise
            except StepInterrupted:
                self.draining = True
                return False
            except Exception:  # noqa: BLE001 - logged, and the step has failed
                _log.exception("stack %s: a step failed", self.stack.name)
                return await fail(key, StepFailed(reasons.INTERNAL))

        await walk(needs, one, halted=halted)

    def stopped(self) -> bool:
        """Whether nothing more is to be begun now."""
        return self.halted or self.draining

    def fresh(self) -> None:
        """From here on steps may wait again."""
        self.running = Running()
        if self.halted:
            self.running.cancel()
        if self.draining:
            self.running.interrupt()

    def drain(self) -> None:
        """Begin nothing more, and wait for nothing that can be gone on with at the next start."""
        self.draining = True
        self.running.interrupt()

    def halt(self) -> None:
        """Begin nothing more in this turn, and end what waits."""
        self.halted = True
        self.running.cancel()

    def superseded(self, operation: Operation) -> bool:
        """Whether somebody has decided otherwise meanwhile."""
        return self.stack.operation is not operation

    async def scope(self, template: Template) -> Scope:
        """What the stack's definition sees. Raises ValidationError."""
        return self.preparation.scope(self.stack, self.stack.definition, template, self.values)

    def masked(self, template: Template, scope: Scope) -> Scope | None:
        """The same with what is secret hidden, None where nothing is: parameters with NoEcho, and what custom
        resources have answered with it.
        """
        definition = self.stack.definition
        hidden = {name: HIDDEN for name, parameter in template.parameters.items() if parameter.no_echo}
        custom = any(is_custom(resource.type) for resource in template.resources.values())
        if not hidden and not custom:
            return None
        definition = msgspec.structs.replace(definition, values={**definition.values, **hidden})
        masked = self.preparation.scope(self.stack, definition, template, self._masked_values)
        # Which branches are taken is no secret.
        masked.conditions.clear()
        masked.conditions.update(scope.conditions)
        return masked

    def _masked_values(self, logical_id: str) -> ResourceValues | None:
        found = self.values(logical_id)
        if found is not None and NO_ECHO in found.attributes:
            return ResourceValues(found.ref, dict.fromkeys(found.attributes, "*****"))
        return found

    async def turn_to(self, operation: Operation, phase: Any, status: str, reason: str | None) -> None:
        """Begin the next phase."""
        operation.phase = phase
        operation.attempt += 1
        await self.ledger.entry().stack_event(self.stack, status, reason).write()

    def _deadline(self) -> Timer | None:
        operation = self.stack.operation
        if operation is None or operation.deadline_ms is None or operation.phase != "forward":
            return None
        return self.clock.at_wall(operation.deadline_ms, self._expire, operation)

    def _expire(self, operation: Operation) -> None:
        if self.stack.operation is operation and operation.phase == "forward" and not operation.failure:
            operation.failure = reasons.TIMED_OUT
            self.halt()
