"""Requests of the platform's own parts to its services, as any client sends them: serialised by botocore's model,
signed with minted credentials, over the platform's own port.

So they are authenticated, validated and answered like all others, whoever serves the service.
"""

from __future__ import annotations

import asyncio
import functools
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from lambent.aws.model import known_service, read_description
from lambent.aws.signing import Signer
from lambent.http.client import HttpClient
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall, ServiceFailure, ServiceMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.awsrequest import HeadersDict
    from botocore.model import ServiceModel, StructureShape
    from botocore.parsers import ResponseParser
    from botocore.serialize import Serializer

    from lambent.aws.credentials import Credentials


# 10 MB of records that Kinesis answers with at once, as base64.
_LARGEST: Final = 16_777_216
_ERRORS: Final = 300

_SMALL: Final = 32_768
"""Characters and bytes of parameters, or of an answer, that are dealt with on the loop: it takes less than a thread."""

_KEPT_S: Final = 3600
"""How long credentials are used again: they are good for twelve hours."""

_MOST_KEPT: Final = 256


class _Prepared(NamedTuple):
    """A request as it is sent."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes


class ServiceCalls:
    """Calls operations of services at `endpoint_url()`, in the name of roles; `session` says which part it is."""

    def __init__(
        self,
        credentials: Credentials,
        endpoint_url: Callable[[], str],
        session: str = "BackplaneAssumeRoleSession",
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._endpoint_url = endpoint_url
        self._clients: dict[str, HttpClient] = {}
        self._learning: dict[str, asyncio.Future[None]] = {}
        self._signers: dict[tuple[str, str, str, str], tuple[float, Signer]] = {}

    async def __call__(
        self, call: ServiceCall, more: Mapping[str, str] = MappingProxyType({})
    ) -> ServiceAnswer:
        """What the service answers, an error included. `more`: headers that are not signed.

        Raises ServiceMissing when there is no such service or operation, ValueError for parameters that are not its.
        """
        url = urlsplit(self._endpoint_url())
        if call.service not in _known:
            await self._learn(call.service)
        # In a thread what takes long.
        if _size(call.parameters, _SMALL) < _SMALL:
            prepared = self._prepare(call, url.netloc)
        else:
            prepared = await asyncio.to_thread(self._prepare, call, url.netloc)
        client = self._clients.get(url.netloc)
        if client is None:
            client = self._clients[url.netloc] = HttpClient(host=url.hostname or "", port=url.port or 80)
        answer = await client.exchange(
            prepared.method,
            prepared.target,
            [
                *prepared.headers.items(),
                *((name.lower().encode(), value.encode()) for name, value in more.items()),
            ],
            prepared.body,
        )
        body = await answer.read(_LARGEST) or b""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
        return ServiceAnswer(answer.status, headers, body)

    async def ask(self, call: ServiceCall, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
        """The members of the answer. Raises ServiceFailure for an error answer, and what calling raises."""
        answer = await self(call, more)
        output = _model(call.service).operation_model(call.operation).output_shape
        # botocore gives the text of a body that is a blob: it reads from a stream what may be binary.
        blob = _blob(output) if answer.status < _ERRORS else ""
        raw = {
            "status_code": answer.status,
            "headers": _headers(answer),
            "body": b"" if blob else answer.body,
        }
        parser = _parser(call.service)
        parsed: dict[str, Any]
        if len(raw["body"]) < _SMALL:
            parsed = parser.parse(raw, output)
        else:
            parsed = await asyncio.to_thread(parser.parse, raw, output)
        if blob:
            parsed[blob] = answer.body
        metadata = parsed.pop("ResponseMetadata", {})
        if answer.status >= _ERRORS:
            error = parsed.get("Error", {})
            raise ServiceFailure(
                call.service,
                call.operation,
                error.get("Code") or str(answer.status),
                error.get("Message") or "",
                answer.status,
                metadata.get("RequestId", ""),
            )
        return parsed

    async def _learn(self, service: str) -> None:
        """Read a service's model, once for all that wait for it. Raises ServiceMissing."""
        if not known_service(service):
            raise ServiceMissing(f"there is no service {service}")
        learning = self._learning.get(service)
        if learning is None:
            learning = self._learning[service] = asyncio.ensure_future(asyncio.to_thread(_learn, service))
            learning.add_done_callback(lambda _: self._learning.pop(service, None))
        # Who waits may be cancelled, and the others wait on.
        await asyncio.shield(learning)

    def _prepare(self, call: ServiceCall, host: str) -> _Prepared:
        from botocore.model import OperationNotFoundError
        from botocore.utils import percent_encode_sequence
        from botocore.validate import ParamValidator

        model = _model(call.service)
        try:
            operation = model.operation_model(call.operation)
        except OperationNotFoundError:
            raise ServiceMissing(f"{call.service} has no operation {call.operation}") from None
        if operation.input_shape is not None:
            report = ParamValidator().validate(call.parameters, operation.input_shape)
            if report.has_errors():
                raise ValueError(report.generate_report())
        serialized: dict[str, Any] = _serializer(call.service).serialize_to_request(
            call.parameters, operation
        )
        target, query = serialized["url_path"] or "/", serialized["query_string"]
        if query:
            target += f"{'&' if '?' in target else '?'}{percent_encode_sequence(query)}"
        body = serialized["body"] or b""
        prepared = _Prepared(
            serialized["method"].encode(),
            target.encode(),
            {name.lower().encode(): _bytes(value) for name, value in serialized["headers"].items()},
            _bytes(urlencode(body, doseq=True) if isinstance(body, dict) else body),
        )
        prepared.headers[b"host"] = host.encode()
        self._signer(call, model.signing_name).sign(*prepared)
        return prepared

    def _signer(self, call: ServiceCall, service: str) -> Signer:
        """In the name of the role, for the service in the region."""
        role, now = call.role.rpartition("/")[2], time.monotonic()
        kept = call.account, role, call.region, service
        since, signer = self._signers.get(kept, (0.0, None))
        if signer is None or now - since > _KEPT_S:
            minted = self._credentials.mint(call.account, principal=f"assumed-role/{role}/{self._session}")
            signer = Signer(minted, call.region, service)
            if len(self._signers) >= _MOST_KEPT:
                self._signers.clear()
            self._signers[kept] = (now, signer)
        return signer

    def close(self) -> None:
        """Cut its connections."""
        for client in self._clients.values():
            client.close()


_known: Final[set[str]] = set()
"""The services whose models have been read."""


def _learn(service: str) -> None:
    import botocore.utils
    import botocore.validate  # noqa: F401 - what the first call needs, too

    _serializer(service)
    _parser(service)
    _known.add(service)


def _size(value: Any, most: int) -> int:
    """Characters and bytes of texts in it, counted until there are `most`."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    total = 0
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return 8
    for item in value:
        total += _size(item, most - total)
        if total >= most:
            break
    return total


@functools.cache
def _serializer(service: str) -> Serializer:
    from botocore.serialize import create_serializer

    return create_serializer(_model(service).resolved_protocol, include_validation=False)


@functools.cache
def _parser(service: str) -> ResponseParser:
    from botocore.parsers import create_parser

    return create_parser(_model(service).resolved_protocol)


def _blob(output: StructureShape | None) -> str:
    """The member that is the whole body of an answer, where it is a blob; "" for none."""
    member = "" if output is None else output.serialization.get("payload", "")
    return member if output is not None and member and output.members[member].type_name == "blob" else ""


def _headers(answer: ServiceAnswer) -> HeadersDict:
    from botocore.awsrequest import HeadersDict

    headers = HeadersDict()
    for name, value in answer.headers:
        headers[name] = value
    return headers


@functools.cache
def _model(service: str) -> ServiceModel:
    from botocore.model import ServiceModel

    return ServiceModel(read_description(service), service)


def _bytes(value: bytes | bytearray | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
