"""EventBridge: buses, rules, targets, PutEvents.

Translates between EventBridge's API and lambent.events.bus. Archives, replays, connections, API destinations,
endpoints and partner sources are not served.
"""

from lambent.aws.events.service import EventsService

__all__ = ["EventsService"]
