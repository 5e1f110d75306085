"""What happens at a time: expressions, the durable timetable of what is next, and Scheduler's schedules.

Imports lambent.store, lambent.clock and lambent.events.deliveries; it knows nothing of AWS wire formats.
"""

from lambent.events.schedules.expressions import (
    InvalidExpression,
    InvalidTimeZone,
    When,
    parse_expression,
    parse_rule_expression,
)
from lambent.events.schedules.schedules import Schedules
from lambent.events.schedules.timetable import Timetable

__all__ = [
    "InvalidExpression",
    "InvalidTimeZone",
    "Schedules",
    "Timetable",
    "When",
    "parse_expression",
    "parse_rule_expression",
]
