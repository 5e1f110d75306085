"""What calls functions with nobody waiting for the answer: queues, event buses, schedules, event source mappings, and
deliveries to targets.

Imports invocation, execution, functions, observe, neighbours, store, http and clock; it knows nothing of AWS wire
formats.
"""

from lambent.events.errors import MappingError
from lambent.events.mapping import Mapping
from lambent.events.mappings import MappingRegistry

__all__ = ["Mapping", "MappingError", "MappingRegistry"]
