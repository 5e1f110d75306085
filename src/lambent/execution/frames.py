"""The frames on an environment's socket (see docs/architecture.md, "Two ways into an environment").

All integers are big endian. To the environment: INIT once (u32 length, JSON object), then any number of
INVOKE (`HEAD`, trace header, extra JSON, payload). From the environment: type byte, u32 length, body.
"""

from __future__ import annotations

import struct

HEAD = struct.Struct(">IQ36sHI")
"""INVOKE: payload length, deadline in epoch ms, request id, trace length, extra length."""

FRAME = struct.Struct(">cI")
"""From the environment: type, length of the body."""

READY = 0x52  # R: u32 peak RSS in KiB
INIT_ERROR = 0x49  # I: error document
RESULT = 0x4F  # O: u32 peak RSS in KiB, payload
FUNCTION_ERROR = 0x45  # E: u32 peak RSS in KiB, error document
LAST = 0x58  # X: u32 peak RSS in KiB, O or E, payload or error document; the process is about to end
LOG = 0x4C  # L: u64 epoch microseconds, message in UTF-8
STREAM = 0x48  # H: content type; the answer comes in pieces, until RESULT (with nothing) or FUNCTION_ERROR
CHUNK = 0x43  # C: a piece of the answer

SHORTEST = {READY: 4, INIT_ERROR: 0, RESULT: 4, FUNCTION_ERROR: 4, LAST: 5, LOG: 8, STREAM: 0, CHUNK: 0}
"""The shortest body of each kind. Anything else is not from our bootstrap."""

LONGEST = {LOG: 1_048_576, CHUNK: 1_048_576, STREAM: 4_096}
"""The longest body of the kinds that are not results; what is larger is no result of a function's but noise."""
