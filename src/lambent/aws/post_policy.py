"""Forms that browsers send to S3: who permits them, and what of them.

"Browser-based uploads using POST" of the S3 user guide: the form carries a policy and its signature, of version 4
or 2. The policy names what fields may hold, how large the file may be, and until when.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.errors import AuthError
from lambent.aws.sigv4 import parse_scope

if TYPE_CHECKING:
    from lambent.aws.credentials import Credentials, Secret

_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)
_NAME: Final = re.compile(r'[;\s]name="([^"]*)"', re.IGNORECASE)
_FREE: Final = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"})
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)


class Form:
    """The fields before the file, by name in lower case, and the bytes of the file."""

    def __init__(self, fields: dict[str, str], file_size: int) -> None:
        self.fields = fields
        self.file_size = file_size


def is_form(content_type: bytes | None) -> bool:
    """Whether a body calls itself a form with files."""
    return content_type is not None and content_type.lower().startswith(b"multipart/form-data")


def read_form(content_type: bytes, body: bytes) -> Form | None:
    """The form in a body; None when it holds no policy. What comes after the file is of no interest to S3."""
    found = _BOUNDARY.search(content_type.decode("latin-1"))
    if found is None:
        return None
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1")
    fields: dict[str, str] = {}
    file_size = 0
    for part in (b"\r\n" + body).split(delimiter)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head.decode("utf-8", "replace"))
        if name is None:
            continue
        if name[1].lower() == "file":
            file_size = len(content)
            break
        fields[name[1].lower()] = content.decode("utf-8", "replace")
    return Form(fields, file_size) if "policy" in fields else None


def check_form(form: Form, bucket: str, credentials: Credentials, now: float) -> tuple[str, str]:
    """The account and the access key that permit `form`, sent to `bucket` at `now`; AuthError for none."""
    fields = form.fields
    if "x-amz-credential" in fields:
        scope = parse_scope(fields["x-amz-credential"].encode())
        secret = _known(credentials, scope.access_key)
        key = ("AWS4" + secret.value).encode()
        for part in (scope.date, scope.region, scope.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        expected = hmac.digest(key, fields["policy"].encode(), "sha256").hex()
        given = fields.get("x-amz-signature", "")
    else:
        secret = _known(credentials, fields.get("awsaccesskeyid", ""))
        digest = hmac.digest(secret.value.encode(), fields["policy"].encode(), "sha1")
        expected, given = base64.b64encode(digest).decode(), fields.get("signature", "")
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise AuthError("SignatureDoesNotMatch", _MISMATCH)
    token = fields.get("x-amz-security-token")
    account = secret.account(token.encode() if token else None, now)
    _check_policy(form, bucket, now)
    return account, secret.access_key


def _known(credentials: Credentials, access_key: str) -> Secret:
    secret = credentials.find(access_key)
    if secret is None:
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise AuthError("InvalidAccessKeyId", message)
    return secret


def _check_policy(form: Form, bucket: str, now: float) -> None:
    try:
        policy = msgspec.json.decode(base64.b64decode(form.fields["policy"]))
        ends = datetime.datetime.fromisoformat(policy["expiration"]).timestamp()
        conditions = [_condition(one) for one in policy["conditions"]]
    except (binascii.Error, msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError):
        raise AuthError("InvalidPolicyDocument", "Invalid Policy: Invalid JSON.", status=400) from None
    if ends < now:
        raise _against_policy("Policy expired.")
    values = {**form.fields, "bucket": bucket}
    for kind, name, wanted in conditions:
        if kind == "content-length-range":
            if form.file_size < name:
                message = "Your proposed upload is smaller than the minimum allowed size"
                raise AuthError("EntityTooSmall", message, status=400)
            if form.file_size > wanted:
                message = "Your proposed upload exceeds the maximum allowed size"
                raise AuthError("EntityTooLarge", message, status=400)
            continue
        value = values.get(name, "")
        if not (value.startswith(wanted) if kind == "starts-with" else value == wanted):
            raise _against_policy(f'Policy Condition failed: ["{kind}", "${name}", "{wanted}"]')
    named = {name for _, name, _ in conditions}
    extra = [name for name in form.fields if name not in named | _FREE and not name.startswith("x-ignore-")]
    if extra:
        raise _against_policy(f"Extra input fields: {', '.join(extra)}")


def _condition(condition: Any) -> tuple[str, Any, Any]:
    """(kind, name of the field, wanted), or ("content-length-range", least, most)."""
    if isinstance(condition, dict):
        [(name, wanted)] = condition.items()
        return "eq", name.lower(), str(wanted)
    kind, first, second = condition
    if kind == "content-length-range":
        return kind, int(first), int(second)
    if kind not in ("eq", "starts-with"):
        raise ValueError(kind)
    return kind, first.removeprefix("$").lower(), str(second)


def _against_policy(reason: str) -> AuthError:
    return AuthError("AccessDenied", f"Invalid according to Policy: {reason}")
