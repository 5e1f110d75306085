"""What gets something to its target once it is accepted, now or later, with retries and a dead-letter queue.

Rules, schedules, destinations and mappings hand their parcels over in their own transaction.
"""

from lambent.events.deliveries.deliveries import Deliveries
from lambent.events.deliveries.parcel import Parcel, Retry, Undeliverable

__all__ = ["Deliveries", "Parcel", "Retry", "Undeliverable"]
