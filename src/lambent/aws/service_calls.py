"""Requests of the platform's own parts to its services, as any client sends them: serialised by botocore's model,
signed with minted credentials, over the platform's own port.

So they are authenticated, validated and answered like all others, whoever serves the service.
"""

from __future__ import annotations

import asyncio
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lambent.aws.model import known_service
from lambent.http.client import HttpClient
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall, ServiceFailure, ServiceMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.awsrequest import AWSPreparedRequest, HeadersDict
    from botocore.model import ServiceModel, StructureShape
    from botocore.parsers import ResponseParser

    from lambent.aws.credentials import Credentials


# 10 MB of records that Kinesis answers with at once, as base64.
_LARGEST = 16_777_216
_ERRORS = 300


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

    async def __call__(
        self, call: ServiceCall, more: Mapping[str, str] = MappingProxyType({})
    ) -> ServiceAnswer:
        """What the service answers, an error included. `more`: headers that are not signed.

        Raises ServiceMissing when there is no such service or operation, ValueError for parameters that are not its.
        """
        if not known_service(call.service):
            raise ServiceMissing(f"there is no service {call.service}")
        # In a thread, as the first call imports botocore and reads the service's model.
        prepared = await asyncio.to_thread(self._prepare, call)
        url = urlsplit(str(prepared.url))
        client = self._clients.get(url.netloc)
        if client is None:
            client = self._clients[url.netloc] = HttpClient(host=url.hostname or "", port=url.port or 80)
        target = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        answer = await client.exchange(
            str(prepared.method).encode(),
            target.encode(),
            [
                (name.lower().encode(), _bytes(value))
                for name, value in (*prepared.headers.items(), *more.items())
            ],
            _bytes(prepared.body or b""),
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
        parsed: dict[str, Any] = _parser(call.service).parse(
            {
                "status_code": answer.status,
                "headers": _headers(answer),
                "body": b"" if blob else answer.body,
            },
            output,
        )
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

    def _prepare(self, call: ServiceCall) -> AWSPreparedRequest:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import create_request_object, prepare_request_dict
        from botocore.credentials import Credentials as Keys
        from botocore.model import OperationNotFoundError
        from botocore.serialize import create_serializer
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
        serializer = create_serializer(model.resolved_protocol, include_validation=False)
        serialized: dict[str, Any] = serializer.serialize_to_request(call.parameters, operation)
        endpoint = self._endpoint_url()
        prepare_request_dict(serialized, endpoint, {"is_presign_request": False})
        request = create_request_object(serialized)
        request.headers["Host"] = urlsplit(endpoint).netloc
        role = call.role.rpartition("/")[2]
        minted = self._credentials.mint(call.account, principal=f"assumed-role/{role}/{self._session}")
        keys = Keys(minted.access_key, minted.secret_key, minted.session_token)
        SigV4Auth(keys, model.signing_name, call.region).add_auth(request)
        return request.prepare()

    def close(self) -> None:
        """Cut its connections."""
        for client in self._clients.values():
            client.close()


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
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _bytes(value: bytes | bytearray | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)
