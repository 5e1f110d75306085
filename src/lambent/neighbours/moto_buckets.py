"""Configurations of buckets that moto does not have, and what it takes for an operation on the bucket itself.

Part of the program in moto_server.py, which loads it with the first request to S3. moto looks for the subresources that
it knows in a request's query, and takes what has none of them for one to make, list or delete the bucket: with
`?metrics` a bucket would go. Facts of moto 5.2.5; names of elements are those of S3's API reference.
"""

from typing import Any

from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

_KEPT = {
    "analytics": "ListBucketAnalyticsConfigurationResult",
    "intelligent-tiering": "ListBucketIntelligentTieringConfigurationsOutput",
    "inventory": "ListInventoryConfigurationsResult",
    "metrics": "ListMetricsConfigurationsResult",
}
"""Subresources of which a bucket has any number, by their ids, and the element that lists them."""

_UNSERVED = (
    "abac",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "requestPayment",
)

_MISSING = (
    "<Error><Code>NoSuchConfiguration</Code>"
    "<Message>The specified configuration does not exist.</Message></Error>"
)


def prepare() -> None:
    """Serve these subresources, as they were put; refuse the others. Raises NotImplementedError in a request."""
    serve = S3Response._bucket_response

    def serve_more(response: Any, request: Any, full_url: str) -> Any:
        name = response.parse_bucket_name_from_url(request, full_url)
        if name:
            query = response._get_querystring(request, full_url)
            for subresource in _UNSERVED:
                if subresource in query:
                    raise NotImplementedError(f"{subresource} of buckets")
            for subresource in _KEPT:
                if subresource in query and request.method in ("GET", "PUT", "DELETE"):
                    response.data["BucketName"] = name
                    response._set_action("BUCKET", request.method, query)
                    response._authenticate_and_authorize_s3_action(bucket_name=name)
                    bucket = response.backend.get_bucket(name)
                    identifier = query.get("id", [None])[0]
                    return _kept(bucket, subresource, request.method, identifier, response.body)
        return serve(response, request, full_url)

    S3Response._bucket_response = serve_more  # type: ignore[method-assign, assignment]
    _log_anywhere()


def _kept(bucket: Any, subresource: str, method: str, identifier: str | None, body: Any) -> Any:
    kept: dict[str, str] = vars(bucket).setdefault("lambent_configurations", {}).setdefault(subresource, {})
    if method == "PUT":
        text = body.decode() if isinstance(body, bytes) else body
        kept[str(identifier)] = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        return 204 if subresource != "intelligent-tiering" else 200, {}, ""
    if identifier is None:
        element, listed = _KEPT[subresource], "".join(kept[one] for one in sorted(kept))
        return 200, {}, f"<{element}><IsTruncated>false</IsTruncated>{listed}</{element}>"
    if identifier not in kept:
        return 404, {}, _MISSING
    if method == "GET":
        return 200, {}, kept[identifier]
    del kept[identifier]
    return 204, {}, ""


def _log_anywhere() -> None:
    """Let a bucket's logs go to one whose policy allows that later, as S3 does: it asks when it writes them."""
    FakeBucket._log_permissions_enabled_policy = staticmethod(  # type: ignore[method-assign]
        lambda target_bucket, target_prefix: True
    )
    # moto writes a log for each request at once, with made up contents: a bucket for logs would get one more for each
    # request that removes the stack which both buckets are of, and could never be removed. S3 delivers hours later.
    S3Backend.log_incoming_request = lambda backend, request, bucket_name: None  # type: ignore[method-assign, assignment]
