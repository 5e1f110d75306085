"""A service at a real endpoint: one of AWS, or one that speaks as AWS's does, instead of moto."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lambent.http.client import ExchangeFailed, HttpClient, Silent, Unreachable
from lambent.http.hops import end_to_end
from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.signing import keys_of_environment, signed

if TYPE_CHECKING:
    from lambent.http.client import Answer
    from lambent.neighbours.call import Call
    from lambent.neighbours.endpoint import Endpoint


class RealEndpoint:
    """A service at an endpoint of its own. Requests are signed anew; anonymous ones stay anonymous."""

    def __init__(self, service: str, endpoint: Endpoint) -> None:
        self._service = service
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        secure = parts.scheme == "https"
        self._authority = parts.netloc.encode("ascii")
        self._failure = ""
        self._client = HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if secure else 80),
            tls=ssl.create_default_context() if secure else None,
        )

    async def send(self, call: Call) -> Answer:
        """As `Neighbours.send`."""
        headers = [header for header in end_to_end(call.headers) if header[0] != b"host"]
        outgoing = call._replace(
            headers=[(b"host", self._authority), *headers], region=self._endpoint.region or call.region
        )
        if call.access_key is not None:
            keys = self._endpoint.keys or await asyncio.to_thread(keys_of_environment)
            if keys is None:
                raise NeighbourDown(
                    f"There are no AWS credentials for {self._endpoint.url}, which serves {self._service}:"
                    " set access_key and secret_key in the settings, or AWS_ACCESS_KEY_ID and"
                    " AWS_SECRET_ACCESS_KEY in the platform's environment.",
                    502,
                )
            outgoing = signed(outgoing, keys)
        try:
            answer = await self._client.exchange(
                outgoing.method, outgoing.target, outgoing.headers, outgoing.body
            )
        except Unreachable as error:
            raise self._down("cannot be reached", error) from error
        except Silent as error:
            raise self._down("did not answer", error, 504) from error
        except ExchangeFailed as error:
            raise self._down("did not answer", error) from error
        self._failure = ""
        answer.headers = [header for header in end_to_end(answer.headers) if header[0] != b"date"]
        return answer

    def facts(self) -> dict[str, object]:
        """For people: where it is, and what was wrong the last time."""
        facts: dict[str, object] = {"endpoint": self._endpoint.url, "state": "configured"}
        if self._failure:
            facts |= {"state": "failed", "reason": self._failure}
        return facts

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _down(self, what: str, error: ExchangeFailed, status: int = 502) -> NeighbourDown:
        self._failure = f"{what}: {error}"
        message = f"{self._endpoint.url}, which serves {self._service} here, {what}: {error}"
        return NeighbourDown(message, status)
