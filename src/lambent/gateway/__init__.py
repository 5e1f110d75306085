"""The HTTP front door of functions: function URLs, HTTP APIs and WebSocket APIs.

What comes in is found by its host or path (`door`), becomes an event (`event_v2`, `event_v1`), and what the function
returns becomes the answer (`answers`). Configuration is an immutable snapshot in memory; a request to a warm function
needs neither task nor future.
"""
