"""WebSocket APIs: handshakes, messages to functions, and what functions send back.

Each message is a callback on the loop; frames are parsed by the `websockets` library's sans-I/O part.
"""

from lambent.gateway.websocket.apis import WebSocketApis
from lambent.gateway.websocket.clients import Client, Clients
from lambent.gateway.websocket.limits import ConnectionLimits

__all__ = ["Client", "Clients", "ConnectionLimits", "WebSocketApis"]
