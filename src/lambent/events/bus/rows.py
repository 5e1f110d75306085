"""Buses and rules as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.events.bus.rule import EventBus, Rule
from lambent.store import Statement

if TYPE_CHECKING:
    from lambent.store import Database

_encode = msgspec.json.Encoder().encode
_bus = msgspec.json.Decoder(EventBus).decode
_rule = msgspec.json.Decoder(Rule).decode


async def load(database: Database) -> tuple[list[EventBus], list[Rule]]:
    """Everything. Raises StoreError."""
    buses = await database.read("SELECT document FROM event_buses")
    rules = await database.read("SELECT document FROM event_rules")
    return [_bus(str(document)) for (document,) in buses], [_rule(str(document)) for (document,) in rules]


def put_bus(bus: EventBus) -> Statement:
    """Write a bus."""
    return Statement(
        "INSERT INTO event_buses (account, region, name, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, region, name) DO UPDATE SET document = excluded.document",
        (bus.account, bus.region, bus.name, _encode(bus).decode()),
    )


def delete_bus(bus: EventBus) -> Statement:
    """Delete a bus."""
    return Statement(
        "DELETE FROM event_buses WHERE account = ? AND region = ? AND name = ?",
        (bus.account, bus.region, bus.name),
    )


def put_rule(rule: Rule) -> Statement:
    """Write a rule with its targets."""
    return Statement(
        "INSERT INTO event_rules (account, region, bus, name, document) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account, region, bus, name) DO UPDATE SET document = excluded.document",
        (rule.account, rule.region, rule.bus, rule.name, _encode(rule).decode()),
    )


def delete_rule(rule: Rule) -> Statement:
    """Delete a rule."""
    return Statement(
        "DELETE FROM event_rules WHERE account = ? AND region = ? AND bus = ? AND name = ?",
        (rule.account, rule.region, rule.bus, rule.name),
    )


def clear() -> tuple[Statement, ...]:
    """Delete everything."""
    return Statement("DELETE FROM event_buses"), Statement("DELETE FROM event_rules")
