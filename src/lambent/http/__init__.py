"""HTTP/1.1 server: one listener, httptools for parsing, callbacks instead of a task per request.

A bottom floor: it knows nothing of AWS or Lambda and imports nothing else of lambent.
Handlers are plain callables of one `Request`; each answers it exactly once, now or later.
"""

from lambent.http.request import ClientLeft, Headers, Request, ResponseStream, StreamedRequest
from lambent.http.server import Handler, HttpServer, Streams
from lambent.http.upgrades import UpgradedProtocol

__all__ = [
    "ClientLeft",
    "Handler",
    "Headers",
    "HttpServer",
    "Request",
    "ResponseStream",
    "StreamedRequest",
    "Streams",
    "UpgradedProtocol",
]
