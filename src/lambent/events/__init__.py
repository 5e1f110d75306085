"""What calls functions on behalf of queues and streams: event source mappings, so far their registry.

Imports lambent.functions and lambent.store; it knows nothing of AWS wire formats.
"""

from lambent.events.errors import MappingError
from lambent.events.mapping import Mapping
from lambent.events.mappings import MappingRegistry

__all__ = ["Mapping", "MappingError", "MappingRegistry"]
