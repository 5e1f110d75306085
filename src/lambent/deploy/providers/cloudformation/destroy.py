"""Removing what was deployed: the stack, and the packages that were uploaded for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lambent.deploy.deployed import Resource, resources_of
from lambent.deploy.errors import ProviderError
from lambent.deploy.names import stack_name
from lambent.deploy.plan import STATEFUL
from lambent.deploy.providers.cloudformation.artefacts import Artefacts, remove_objects
from lambent.deploy.providers.cloudformation.ownership import check_owner, kept_by
from lambent.deploy.providers.cloudformation.stack import (
    REVIEW,
    Following,
    State,
    deleted,
    newest_event,
    state_of,
)
from lambent.deploy.providers.provider import Removal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.provider import Watch


class Destroy:
    """One removal."""

    def __init__(self, access: Access, app: str, stage: str, watch: Watch, *, bucket: str | None) -> None:
        self._access = access
        self._watch = watch
        self._app, self._stage = app, stage
        self._stack = stack_name(app, stage)
        self._artefacts = Artefacts(access, self._stack, bucket)

    def run(self, confirm: Callable[[Removal], bool], *, empty_buckets: bool) -> Removal:
        """Asks, empties buckets when that is wanted, deletes, waits. Raises ProviderError."""
        state = self._settled()
        if state is None:
            # The stack of a command that was killed may be gone, and its packages not.
            self._clean_up()
            return Removal(stack=self._stack, existed=False)
        if state.status != REVIEW:
            check_owner(self._access, state, self._app, self._stage)
        removal, buckets = self._found(state)
        if not confirm(removal):
            return Removal(stack=self._stack, confirmed=False)
        self._empty(buckets, wanted=empty_buckets)
        self._watch.phase(f"Deleting {self._stack}")
        deleted(self._access, state, self._watch)
        self._clean_up()
        return removal

    @property
    def _place(self) -> str:
        region = "" if self._access.endpoint_url is None else f", region {self._access.region}"
        return f"{self._access.where}{region}, account {self._access.account}"

    def _settled(self) -> State | None:
        """The stack when nothing goes on there any more; None when there is none, or none any more."""
        while True:
            state = state_of(self._access, self._stack)
            if state is None or not state.busy:
                return state
            Following(
                self._access, state.id, self._watch, after=newest_event(self._access, state.id)
            ).until_over(
                before=f"{self._stack} is {state.status}. Waiting for its end.",
                going_on="This command waits. Ctrl-C again ends it: it has removed nothing.",
            )

    def _found(self, state: State) -> tuple[Removal, list[Resource]]:
        if state.status == REVIEW:
            return Removal(stack=self._stack, place=self._place), []
        resources = [
            resource
            for resource in resources_of(self._access.client("cloudformation"), state.id)
            if resource.physical
        ]
        kept = kept_by(self._access, state)
        gone = [resource for resource in resources if resource.logical not in kept]
        return (
            Removal(
                stack=self._stack,
                place=self._place,
                resources=tuple(sorted(resource.logical for resource in gone)),
                losses=tuple(
                    f"{resource.logical}: the {STATEFUL[resource.type]} in {_name(resource)}"
                    for resource in sorted(gone, key=lambda resource: resource.logical)
                    if resource.type in STATEFUL
                ),
                kept=tuple(
                    sorted(
                        f"{found.logical}: {found.physical}" for found in resources if found.logical in kept
                    )
                ),
            ),
            [resource for resource in gone if resource.type == "AWS::S3::Bucket"],
        )

    def _empty(self, buckets: list[Resource], *, wanted: bool) -> None:
        """S3 deletes no bucket with objects in it: said before anything is deleted, or done."""
        full = [bucket.physical for bucket in buckets if next(_objects(self._access, bucket.physical), None)]
        if full and not wanted:
            raise ProviderError(
                f"{', '.join(full)} {'has' if len(full) == 1 else 'have'} objects in it, and S3 deletes only what is "
                "empty. Nothing was deleted",
                hint="`lambent deploy destroy --empty-buckets` deletes the objects too, with all their versions.",
            )
        for bucket in full:
            self._watch.phase(f"Emptying {bucket}")
            count = remove_objects(self._access, bucket, _objects(self._access, bucket))
            self._watch.note(f"{count:,} object{'' if count == 1 else 's'} of {bucket} deleted.")

    def _clean_up(self) -> None:
        self._watch.phase("Removing packages")
        # They cost cents: no reason to call a removal failed that has removed everything else.
        with contextlib.suppress(ProviderError):
            self._artefacts.remove_all()


def _name(resource: Resource) -> str:
    return resource.physical.rpartition("/")[2] if "://" in resource.physical else resource.physical


def _objects(access: Access, bucket: str) -> Iterator[dict[str, str]]:
    """All versions of all objects, and the marks of deleted ones; of a bucket that is gone none."""
    from botocore.exceptions import ClientError

    try:
        for page in access.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
