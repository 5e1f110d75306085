"""HTTP/1.1 server: one listener, httptools for parsing, callbacks instead of a task per request.

A bottom floor: it knows nothing of AWS or Lambda and imports nothing else of lambent.
Handlers are plain callables of one `Request`; each answers it exactly once, now or later.
"""

from lambent.http.request import Headers, Request, ResponseStream
from lambent.http.server import Handler, HttpServer

__all__ = ["Handler", "Headers", "HttpServer", "Request", "ResponseStream"]
