"""How clients address buckets and objects: in the path, or in the host name.

Rules: "Virtual hosting of general purpose buckets" and "Bucket naming rules" of the S3 user guide, and the ways in
which SDKs build host names from an endpoint of their own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.aws.sigv4 import SignedRequest

_BUCKET: Final = re.compile(rb"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_S3_LABEL: Final = re.compile(r"s3(?:-[a-z]{2}(?:-[a-z]+)+-\d)?")
_API_VERSION: Final = re.compile(rb"\d{4}-\d{2}-\d{2}")
_OLD_PRESIGNED: Final = (b"AWSAccessKeyId=", b"Signature=", b"Expires=")


def bucket_of_host(host: str) -> str | None:
    """The bucket in a host name: `photos.s3.localhost`, `photos.s3.eu-west-1.amazonaws.com`, `photos.localhost`.

    None for a host without one. Of a request that is known to be for S3.
    """
    labels = host.partition(":")[0].lower().split(".")
    for index in range(len(labels) - 1, -1, -1):
        if _S3_LABEL.fullmatch(labels[index]):
            return ".".join(labels[:index]) or None
    return ".".join(labels[:-1]) or None if labels[-1] == "localhost" else None


def host_names_s3(host: str) -> bool:
    """Whether a host name says by itself that it is S3's."""
    labels = host.partition(":")[0].lower().split(".")
    return any(_S3_LABEL.fullmatch(label) for label in labels[:-1])


def path_names_bucket(path: bytes) -> bool:
    """Whether an anonymous request with this path, which is nobody else's, can be for a bucket."""
    first = path[1:].partition(b"/")[0]
    return _BUCKET.fullmatch(first) is not None and _API_VERSION.fullmatch(first) is None


def in_old_signature(request: SignedRequest) -> bool:
    """Whether a request is signed in the way before version 4, in which only S3 still takes them."""
    if all(part in request.query for part in _OLD_PRESIGNED):
        return True
    return any(name == b"authorization" and value.startswith(b"AWS ") for name, value in request.headers)


def path_style(request: SignedRequest) -> bytes:
    """The target of a request for S3, with the bucket in the path wherever the client had it."""
    host = next((value for name, value in request.headers if name == b"host"), b"")
    bucket = bucket_of_host(host.decode("latin-1"))
    query = b"?" + request.query if request.query else b""
    if bucket is None:
        return request.path + query
    path = request.path if request.path.startswith(b"/") else b"/" + request.path
    return b"/" + bucket.encode("latin-1") + path + query
