"""Event buses: events that are put there, rules that match them, targets that get them.

Imports lambent.events.patterns, .schedules and .deliveries below it; it knows nothing of AWS wire formats.
"""

from lambent.events.bus.buses import Buses
from lambent.events.bus.errors import BusError
from lambent.events.bus.event import NewEvent, Put
from lambent.events.bus.rule import EventBus, Rule, Target

__all__ = ["BusError", "Buses", "EventBus", "NewEvent", "Put", "Rule", "Target"]
