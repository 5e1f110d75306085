"""`lambent put`."""

from __future__ import annotations

import io
import mimetypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from lambent.cli import endpoint
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import Resources, stage_option

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


@click.command("put")
@click.argument("bucket")
@click.argument("file", metavar="FILE|-")
@click.option("--key", metavar="KEY", help="What the object is called.  [default: the file's name]")
@click.option("--content-type", metavar="TYPE", help="Its media type.  [default: guessed by the name]")
@stage_option
@endpoint.options
@json_option
def command(
    bucket: str,
    file: str,
    key: str | None,
    content_type: str | None,
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Put FILE, or standard input, into BUCKET: the code's name of it, or a physical one."""
    if file == "-" and key is None:
        raise Failure("What is the object called?", hint="Standard input has no name: give one with --key.")
    key = key or Path(file).name
    content_type = content_type or mimetypes.guess_type(key)[0] or "binary/octet-stream"
    where = endpoint.resolve(endpoint_url, region)
    with _opened(file) as body, endpoint.api_errors(where):
        resources = Resources(where, stage)
        name = resources.physical("bucket", bucket) or bucket
        size = body.seek(0, io.SEEK_END)
        body.seek(0)
        client = where.client("s3")
        try:
            answer: dict[str, Any] = client.put_object(
                Bucket=name, Key=key, Body=body, ContentType=content_type
            )
        except client.exceptions.NoSuchBucket:
            raise Failure(f"There is no bucket {bucket}.", hint=resources.known(["bucket"])) from None
    if as_json:
        members = {"VersionId": answer["VersionId"]} if "VersionId" in answer else {}
        print_json({"Bucket": name, "Key": key, "Size": size, "ETag": answer["ETag"].strip('"'), **members})
    else:
        click.echo(f"Put s3://{name}/{key} ({size:,} bytes, {content_type})")


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    """Raises Failure."""
    if file == "-":
        return io.BytesIO(sys.stdin.buffer.read())
    path = Path(file)
    if path.is_dir():
        raise Failure(
            f"{path} is a folder.",
            hint="`lambent put` takes one file; `aws s3 cp --recursive` takes folders.",
        )
    try:
        return path.open("rb")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
