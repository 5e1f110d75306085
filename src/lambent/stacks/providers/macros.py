"""AWS::CloudFormation::Macro, and the register of the macros that there are.

A macro has no service but CloudFormation itself: it is a name in an account and region that templates' transforms find
(AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-macro.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.provider import Made, Properties, Provider, Work
from lambent.store.database import Statement

if TYPE_CHECKING:
    from lambent.store.database import Database


class Macro(msgspec.Struct, frozen=True):
    """`function` is its ARN or name, as the template has it. `owner`: the stack and the resource that made it."""

    account: str
    region: str
    name: str
    function: str
    owner: str
    description: str = ""
    log_group: str = ""
    log_role: str = ""


class Macros:
    """All macros, durable. `open` gives the register."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._macros: dict[tuple[str, str, str], Macro] = {}

    @classmethod
    async def open(cls, database: Database) -> Macros:
        """Read those that are there. Raises StoreError."""
        macros = cls(database)
        for (definition,) in await database.read("SELECT definition FROM stack_macros"):
            macro = msgspec.json.decode(str(definition), type=Macro)
            macros._macros[_key(macro)] = macro
        return macros

    def find(self, account: str, region: str, name: str) -> Macro | None:
        """The macro of that name."""
        return self._macros.get((account, region, name))

    async def put(self, macro: Macro) -> None:
        """Register it, in place of its owner's of that name. Raises ResourceFailure when the name is another's."""
        there = self._macros.get(_key(macro))
        if there is not None and there.owner != macro.owner:
            raise ResourceFailure(f"{macro.name} already exists", "AlreadyExists")
        await self._database.write(
            Statement(
                "INSERT INTO stack_macros (account, region, name, definition) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (account, region, name) DO UPDATE SET definition = excluded.definition",
                (*_key(macro), msgspec.json.encode(macro).decode()),
            )
        )
        self._macros[_key(macro)] = macro

    async def remove(self, account: str, region: str, name: str, owner: str) -> None:
        """Forget it, where it is its owner's. Raises StoreError."""
        macro = self._macros.get((account, region, name))
        if macro is None or macro.owner != owner:
            return
        await self._database.write(
            Statement("DELETE FROM stack_macros WHERE account = ? AND region = ? AND name = ?", _key(macro))
        )
        self._macros.pop(_key(macro), None)

    async def clear(self) -> None:
        """Forget all. Raises StoreError."""
        await self._database.write(Statement("DELETE FROM stack_macros"))
        self._macros.clear()


class MacroProvider(Provider):
    """Ref is the macro's name."""

    type: ClassVar[str] = "AWS::CloudFormation::Macro"
    needs: ClassVar[tuple[str, ...]] = ("macros",)

    def __init__(self, macros: Macros) -> None:
        self._macros = macros

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        macro = Macro(
            work.stack.account,
            work.stack.region,
            wanted["Name"],
            wanted["FunctionName"],
            _owner(work),
            wanted.get("Description", ""),
            wanted.get("LogGroupName", ""),
            wanted.get("LogRoleARN", ""),
        )
        await self._macros.put(macro)
        return Made(macro.name, {"Id": macro.name})

    async def update(self, work: Work) -> Made:
        return await self.create(work)

    async def delete(self, work: Work) -> None:
        stack = work.stack
        await self._macros.remove(stack.account, stack.region, work.physical_id, _owner(work))

    async def read(self, work: Work) -> Properties | None:
        found = self._macros.find(work.stack.account, work.stack.region, work.physical_id)
        if found is None or found.owner != _owner(work):
            return None
        members = {
            "Name": found.name,
            "FunctionName": found.function,
            "Description": found.description,
            "LogGroupName": found.log_group,
            "LogRoleARN": found.log_role,
        }
        return {member: value for member, value in members.items() if value}


def _key(macro: Macro) -> tuple[str, str, str]:
    return macro.account, macro.region, macro.name


def _owner(work: Work) -> str:
    return f"{work.stack.id}/{work.logical_id}"
