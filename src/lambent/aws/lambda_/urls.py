"""Operations on function URLs."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import translating
from lambent.aws.lambda_.functions import named
from lambent.aws.lambda_.paging import page_of
from lambent.functions import FunctionNotFound, FunctionRecord, FunctionRegistry, Reference, function_url
from lambent.functions.attachments import Cors
from lambent.functions.errors import NoFunctionUrl, NoSuchFunction

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions.attachments import FunctionUrl

_MAX_PAGE = 50


class UrlOperations:
    """Create, read, update and delete."""

    registry: FunctionRegistry

    async def create_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new URL; with InvokeMode when it was given."""
        with translating(context):
            reference = named(context, request)
            alias = reference.qualifier or ""
            members = {"auth_type": request["AuthType"], **_given(request)}
            try:
                record = await self.registry.change(
                    reference, lambda record: function_url.created(record, alias, **members)
                )
            except FunctionNotFound:
                raise NoSuchFunction from None
        return _described(context, record, alias, modified=False)

    async def get_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One URL."""
        with translating(context):
            reference = named(context, request)
            alias = reference.qualifier or ""
            record = _record(self.registry, reference)
            if alias not in record.urls:
                raise NoFunctionUrl
        return _described(context, record, alias, mode="BUFFERED")

    async def update_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed URL; with InvokeMode when it was ever given."""
        with translating(context):
            reference = named(context, request)
            alias = reference.qualifier or ""
            members = _given(request)
            if "AuthType" in request:
                members["auth_type"] = request["AuthType"]
            try:
                record = await self.registry.change(
                    reference, lambda record: function_url.updated(record, alias, **members)
                )
            except FunctionNotFound:
                raise NoSuchFunction from None
        return _described(context, record, alias)

    async def delete_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Deletes a URL."""
        with translating(context):
            reference = named(context, request)
            _record(self.registry, reference)
            await self.registry.change(
                reference, lambda record: function_url.deleted(record, reference.qualifier or "")
            )
        return {}

    async def list_function_url_configs(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of a function's URLs: its own first, then those of its aliases by name."""
        with translating(context):
            try:
                record = self.registry.record(named(context, request)._replace(qualifier=None))
            except FunctionNotFound:
                raise NoSuchFunction from None
        page, marker = page_of(sorted(record.urls), lambda alias: (alias, 0), request, _MAX_PAGE)
        return {
            "FunctionUrlConfigs": [_described(context, record, alias, mode="BUFFERED") for alias in page],
            "NextMarker": marker,
        }


def url_of(context: RequestContext, url: FunctionUrl) -> str:
    """Where a function's URL is reached on this platform."""
    scheme, _, place = context.endpoint_url.partition("://")
    port = place.rpartition(":")[2]
    return f"{scheme}://{url.url_id}.lambda-url.{context.region}.localhost:{port}/"


def _given(request: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if "Cors" in request:
        members["cors"] = _cors(request["Cors"])
    if "InvokeMode" in request:
        members["invoke_mode"] = request["InvokeMode"]
    return members


def _cors(given: dict[str, Any]) -> Cors | None:
    if not given:
        return None

    def names(member: str) -> tuple[str, ...] | None:
        return tuple(given[member]) if member in given else None

    return Cors(
        allow_credentials=given.get("AllowCredentials"),
        allow_headers=names("AllowHeaders"),
        allow_methods=names("AllowMethods"),
        allow_origins=names("AllowOrigins"),
        expose_headers=names("ExposeHeaders"),
        max_age_s=given.get("MaxAge"),
    )


def _described(
    context: RequestContext,
    record: FunctionRecord,
    alias: str,
    *,
    modified: bool = True,
    mode: str | None = None,
) -> dict[str, Any]:
    url = record.urls[alias]
    cors = url.cors
    return {
        "FunctionUrl": url_of(context, url),
        "FunctionArn": f"{record.arn}:{alias}" if alias else record.arn,
        "AuthType": url.auth_type,
        "Cors": None
        if cors is None
        else {
            "AllowCredentials": cors.allow_credentials,
            "AllowHeaders": cors.allow_headers,
            "AllowMethods": cors.allow_methods,
            "AllowOrigins": cors.allow_origins,
            "ExposeHeaders": cors.expose_headers,
            "MaxAge": cors.max_age_s,
        },
        "CreationTime": _timestamp(url.created_ms),
        "LastModifiedTime": _timestamp(url.modified_ms) if modified else None,
        "InvokeMode": url.invoke_mode or mode,
    }


def _timestamp(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _record(registry: FunctionRegistry, reference: Reference) -> FunctionRecord:
    try:
        return registry.record(reference)
    except FunctionNotFound:
        raise NoFunctionUrl from None
