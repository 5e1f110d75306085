"""All neighbours of a platform: who serves what, and requests passed to them."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Final

from lambent.http.hops import end_to_end
from lambent.neighbours.errors import NeighbourFaulty, NeighbourLacks
from lambent.neighbours.messages import messages_of
from lambent.neighbours.moto import Moto
from lambent.neighbours.services import SERVED_BY_MOTO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lambent.http.client import Answer, RawHeaders
    from lambent.neighbours.call import Call
    from lambent.neighbours.endpoint import Endpoint
    from lambent.neighbours.messages import Refuse, SendMessages
    from lambent.neighbours.real_endpoint import RealEndpoint

_FAULT: Final = b"x-lambent-fault"
_MESSAGES: Final = b"x-lambent-messages"
_RESTORED: Final = b"x-lambent-restored"
_MOST_BYTES: Final = 1 << 28
_MESSAGE_BYTES: Final = 4_096
_NOT_PASSED_ON: Final = frozenset({b"server", b"date", _MESSAGES})
# Spelled with underscores, some servers would take them for the same names.
_SOURCE_IP: Final = b"x-lambent-source-ip"
_OURS: Final = frozenset({b"x-moto-account-id", b"x-lambent-service", _RESTORED, _SOURCE_IP, b"host"})


class Neighbours:
    """The services that the platform does not have of its own.

    `endpoints` by botocore's service name have precedence; everything else that moto knows is moto's.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint] | None = None, *, moto: Moto | None = None) -> None:
        self._endpoints: dict[str, RealEndpoint] = {}
        if endpoints:
            # Most platforms have none, and need not pay for it when they start.
            from lambent.neighbours.real_endpoint import RealEndpoint

            self._endpoints = {
                service: RealEndpoint(service, endpoint) for service, endpoint in endpoints.items()
            }
        self._moto = moto or Moto()
        self._password = secrets.token_hex(16)
        self.send_messages: SendMessages | None = None
        """Takes what moto's topics and buckets send to queues, functions and buses."""
        self.refuse: Refuse | None = None
        """Tells which of these would take nothing."""

    def serves(self, service: str, scope: str) -> bool:
        """Whether a neighbour serves `service`, whose signing name is `scope`."""
        return service in self._endpoints or scope in SERVED_BY_MOTO

    def is_real(self, service: str) -> bool:
        """Whether `service` is a real endpoint, which decides by itself what anonymous callers may do."""
        return service in self._endpoints

    def on_started(self, restore: Callable[[], Awaitable[None]]) -> None:
        """Have `restore` awaited whenever moto has been started, before any request but its own is passed on to it.

        Requests wait for thirty seconds at most. Those of `restore` carry the headers that `restoring` gives.
        """
        self._moto.on_started = restore

    def restoring(self, type_name: str, physical_id: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """The headers of requests that make again a resource that moto had: with ids that it had."""
        known = {"type": type_name, "id": physical_id, "attributes": dict(attributes)}
        return {_RESTORED.decode(): f"{self._password} {json.dumps(known)}"}

    def is_restoring(self, headers: RawHeaders) -> bool:
        """Whether a request has the headers that `restoring` gives."""
        return self._restored(headers) is not None

    def _restored(self, headers: RawHeaders) -> bytes | None:
        for name, value in headers:
            if name == _RESTORED:
                password, _, known = value.partition(b" ")
                # A client's header of that name means nothing.
                return known if secrets.compare_digest(password, self._password.encode()) else None
        return None

    @property
    def moto_started(self) -> bool:
        """Whether there is, or was, anything in moto."""
        return self._moto.facts()["state"] != "not started"

    async def send(self, call: Call) -> Answer:
        """Pass `call` on. The answer has a body that must be read or closed.

        Raises NeighbourError, and whatever the call's body raises.
        """
        real = self._endpoints.get(call.service)
        if real is not None:
            return await real.send(call)
        headers = _for_moto(call)
        restored = self._restored(call.headers)
        if restored is not None:
            headers.append((_RESTORED, restored))
        answer = await self._moto.exchange(
            call.method, call.target, headers, call.body, at_once=restored is not None
        )
        fault = answer.header(_FAULT)
        if fault is not None:
            detail = (await answer.read(_MESSAGE_BYTES) or b"").decode(errors="replace")
            if fault == b"unserved":
                raise NeighbourLacks(detail)
            raise NeighbourFaulty(detail)
        number = answer.header(_MESSAGES)
        if number is not None and self.send_messages is not None:
            try:
                left = await self._moto.exchange(b"GET", b"/messages/" + number, [(b"Host", b"moto")], b"")
                await self.send_messages(messages_of(call, await left.read(_MOST_BYTES) or b"[]"))
            except BaseException:
                answer.close()
                raise
        answer.headers = [header for header in end_to_end(answer.headers) if header[0] not in _NOT_PASSED_ON]
        return answer

    def facts(self) -> dict[str, dict[str, object]]:
        """Each neighbour and its state, for people."""
        return {
            "moto": self._moto.facts(),
            **{service: real.facts() for service, real in self._endpoints.items()},
        }

    async def reset(self) -> None:
        """Make moto forget everything; real endpoints are left alone."""
        await self._moto.reset()

    async def close(self) -> None:
        """End moto and close all connections."""
        await self._moto.close()
        for real in self._endpoints.values():
            real.close()


def _for_moto(call: Call) -> RawHeaders:
    headers = [header for header in end_to_end(call.headers) if header[0].replace(b"_", b"-") not in _OURS]
    # moto takes the region, and names that it puts into answers, from Amazon's host names.
    headers.append((b"host", b"localhost" if b"amazonaws.com" in call.host else call.host))
    headers.append((b"x-lambent-service", call.service.encode()))
    headers.append((b"x-moto-account-id", call.account.encode()))
    if call.source_ip:
        headers.append((_SOURCE_IP, call.source_ip.encode()))
    if call.scope != "s3" and not any(name == b"authorization" for name, _ in headers):
        # moto tells services apart by the scope, and anonymous requests only S3 treats in a way of its own.
        day = time.strftime("%Y%m%d", time.gmtime())
        scope = f"{call.access_key or call.account}/{day}/{call.region}/{call.scope}/aws4_request"
        value = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
        headers.append((b"authorization", value.encode("latin-1")))
    return headers
