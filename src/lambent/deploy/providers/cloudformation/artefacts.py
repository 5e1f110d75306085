"""The bucket that packages go through, and bringing them there.

One bucket an account and region, `lambent-<account>-<region>`, made when it is missing: with public access blocked and
encryption, and only ever spoken to as the account's own, so that a bucket of that name which somebody else has made
gets nothing. Keys are `<stack>/<fingerprint>`: what is there already is not sent again.
"""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.errors import ProviderError
from lambent.deploy.render import CodeLocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from lambent.deploy.build import Artefact, Build
    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import Watch

_AT_ONCE: Final = 8
_MAXIMUM_TEMPLATE: Final = 1_000_000
_MAXIMUM_BODY: Final = 51_200
"""Bytes of a template in a request; larger ones are read from S3 (CloudFormation's quotas)."""


class Artefacts:
    """The packages of one stack. `named` is the bucket of the settings; without it the account's own is used."""

    def __init__(self, access: Access, stack: str, named: str | None) -> None:
        self._access = access
        self._prefix = f"{stack}/"
        self._named = named

    @property
    def bucket(self) -> str:
        """The name of the bucket, whether it is there or not."""
        return self._named or f"lambent-{self._access.account}-{self._access.region}"

    def location(self, artefact: Artefact) -> CodeLocation:
        """Where a package is when it has been uploaded."""
        return CodeLocation(self.bucket, f"{self._prefix}{artefact.fingerprint}.zip")

    def upload(self, build: Build, watch: Watch, *, former: dict[str, Any]) -> None:
        """Brings what is missing there, several at once. Raises ProviderError.

        `former` are the resources that are deployed: when something fails, the way back needs their packages too, and
        the bucket may have lost them (a platform that was started anew).
        """
        wanted = {
            self.location(artefact).key: (name, artefact.path)
            for name, artefact in sorted({**build.units, **build.layers}.items())
        }
        folders = {path.parent for _, path in wanted.values()}
        for logical, key in self._keys_in(former):
            file = key.removeprefix(self._prefix)
            kept = next((folder / file for folder in folders if (folder / file).is_file()), None)
            if kept is not None:
                wanted.setdefault(key, (f"{logical}, as it is", kept))
        there = self._keys()
        if there is None:
            watch.phase(f"Making the bucket {self.bucket}")
            self._make()
            there = set()
        missing = {key: found for key, found in wanted.items() if key not in there}
        if not missing:
            return
        self._protect()
        watch.phase(f"Uploading {len(missing)} package{'s' if len(missing) != 1 else ''} to {self.bucket}")
        self._access.client("s3")  # made before the threads ask for it
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload")
        try:
            futures = [
                pool.submit(self._send, key, name, path, watch) for key, (name, path) in missing.items()
            ]
            for future in as_completed(futures):
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def template(self, body: bytes, watch: Watch) -> tuple[dict[str, str], str | None]:
        """How a request names a template, and the key of the object that was made for it, if one had to be."""
        if len(body) > _MAXIMUM_TEMPLATE:
            raise ProviderError(
                f"the template has {len(body):,} bytes, and CloudFormation takes {_MAXIMUM_TEMPLATE:,}",
                hint='Deploy fewer units (unit = "router" or "app" in [app]), or split the app in two.',
            )
        if len(body) <= _MAXIMUM_BODY:
            return {"TemplateBody": body.decode()}, None
        if self._keys() is None:
            watch.phase(f"Making the bucket {self.bucket}")
            self._make()
            self._protect()
        key = f"{self._prefix}{hashlib.sha256(body).hexdigest()}.json"
        client = self._access.client("s3")
        client.put_object(Bucket=self.bucket, Key=key, Body=body, **self._owner())
        return {"TemplateURL": f"{client.meta.endpoint_url}/{self.bucket}/{key}"}, key

    def remove(self, key: str) -> None:
        """Deletes one object."""
        self._access.client("s3").delete_object(Bucket=self.bucket, Key=key, **self._owner())

    def remove_all(self) -> None:
        """Deletes everything of the stack; the bucket stays, for others."""
        keys = self._keys() or set()
        remove_objects(self._access, self.bucket, ({"Key": key} for key in sorted(keys)))

    # ---------------------------------------------------------------- the bucket

    def _owner(self) -> dict[str, str]:
        return {} if self._named else {"ExpectedBucketOwner": self._access.account}

    def _keys(self) -> set[str] | None:
        """What is there of the stack; None where there is no bucket. Raises ProviderError."""
        from botocore.exceptions import ClientError

        client = self._access.client("s3")
        keys: set[str] = set()
        try:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self._prefix, **self._owner()
            )
            for page in pages:
                keys |= {entry["Key"] for entry in page.get("Contents", ())}
            if self._named:
                self._check_region(client)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("AccessDenied", "403"):
                raise ProviderError(
                    f"the bucket {self.bucket} cannot be used: {error.response['Error'].get('Message') or 'forbidden'}",
                    hint="It belongs to somebody else, or the permission s3:ListBucket is missing. "
                    'Another one is used with bucket = "…" below [deploy.providers.<provider>].',
                ) from error
            if code not in ("NoSuchBucket", "404"):
                raise
            if self._named:
                raise ProviderError(
                    f"there is no bucket {self._named} at {self._access.where}",
                    hint=f"Make it (aws s3 mb s3://{self._named} --region {self._access.region}), or leave `bucket` "
                    "out of the settings: then one is made for the account and region.",
                ) from error
            return None
        return keys

    def _check_region(self, client: Any) -> None:
        region = client.head_bucket(Bucket=self.bucket).get("BucketRegion")
        if region and region != self._access.region:
            raise ProviderError(
                f"the bucket {self.bucket} is in {region}, and Lambda in {self._access.region} reads packages from "
                "buckets of its own region alone",
                hint="Name one of that region, or leave `bucket` out of the settings: then one is made.",
            )

    def _make(self) -> None:
        from botocore.exceptions import ClientError

        client, region = self._access.client("s3"), self._access.region
        # us-east-1 is the one region that is not named so (CreateBucket).
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            client.create_bucket(Bucket=self.bucket, **where)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "BucketAlreadyExists":
                raise ProviderError(
                    f"the bucket {self.bucket} belongs to another account",
                    hint='Name one of your own: bucket = "…" below [deploy.providers.aws].',
                ) from error
            if code != "BucketAlreadyOwnedByYou":
                raise

    def _protect(self) -> None:
        """Blocks public access and encrypts: also where a command was killed right after it had made the bucket."""
        from botocore.exceptions import ClientError

        if self._named:
            return
        client = self._access.client("s3")
        try:
            client.get_public_access_block(Bucket=self.bucket, **self._owner())
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
                raise
        else:
            return
        # Last what is asked for above: when it is there, the other is.
        client.put_bucket_encryption(
            Bucket=self.bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            **self._owner(),
        )
        client.put_public_access_block(
            Bucket=self.bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
            **self._owner(),
        )

    def _keys_in(self, resources: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for logical, resource in resources.items():
            properties = resource.get("Properties", {})
            # Of functions and of layers.
            key = (properties.get("Code") or properties.get("Content") or {}).get("S3Key")
            if isinstance(key, str) and key.startswith(self._prefix):
                yield logical, key

    def _send(self, key: str, name: str, path: Path, watch: Watch) -> None:
        size = path.stat().st_size
        with path.open("rb") as file:
            self._access.client("s3").put_object(
                Bucket=self.bucket,
                Key=key,
                Body=_Told(file, lambda sent: watch.upload(name, sent, size)),
                ContentType="application/zip",
                **self._owner(),
            )
        watch.upload(name, size, size)


class _Told(io.RawIOBase):
    """A file that tells how far it has been read. It is read once for the checksum, and again to be sent."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._tell(self._file.tell())
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def remove_objects(access: Access, bucket: str, entries: Iterator[dict[str, str]]) -> int:
    """Deletes objects, or versions of them, a thousand at a time. Gives their number. Raises ProviderError."""
    client = access.client("s3")
    removed, batch = 0, list[dict[str, str]]()

    def send() -> None:
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for error in answer.get("Errors", ()):
            raise ProviderError(
                f"{error['Key']} in the bucket {bucket} cannot be deleted: {error['Message']}"
            )

    for entry in entries:
        batch.append(entry)
        if len(batch) == 1000:
            send()
            removed, batch = removed + len(batch), []
    if batch:
        send()
    return removed + len(batch)
