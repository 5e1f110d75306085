"""What belongs to a function besides its versions is kept with it, changed with it and goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from lambent.functions import FunctionNotFound, FunctionRecord, Reference
from lambent.functions.attachments import (
    KINDS,
    Alias,
    Attachment,
    Cors,
    EventInvokeConfig,
    FunctionUrl,
    Options,
    Policy,
    ProvisionedConcurrency,
    RuntimeManagement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functions.conftest import Home

    from lambent.functions.settings import Settings

EXAMPLES: dict[str, Attachment] = {
    "aliases": Alias(name="live", version="1", revision_id="r", weights={"2": 0.25}),
    "policies": Policy(revision_id="r", statements=({"Sid": "a", "Condition": {"x": ["y"]}},)),
    "urls": FunctionUrl(url_id="u", auth_type="NONE", created_ms=1, modified_ms=2, cors=Cors(max_age_s=3)),
    "event_invoke": EventInvokeConfig(modified_ms=1, maximum_attempts=0),
    "provisioned": ProvisionedConcurrency(requested=2, modified_ms=1),
    "runtime_management": RuntimeManagement(update_on="Manual", runtime_version_arn="arn"),
    "options": Options(recursive_loop="Allow"),
}


def with_attachment(kind: str, name: str, value: Any) -> Callable[[FunctionRecord], FunctionRecord]:
    def change(record: FunctionRecord) -> FunctionRecord:
        changed = {key: held for key, held in getattr(record, kind).items() if key != name}
        return replace(record, **{kind: changed if value is None else {**changed, name: value}})

    return change


def test_there_is_an_example_of_every_kind() -> None:
    assert EXAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_attachment_is_kept_changed_and_removed(
    home: Home, reference: Reference, package: Callable[..., bytes], settings: Settings, kind: str
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    await registry.change(reference, with_attachment(kind, "a", EXAMPLES[kind]))
    await registry.change(reference, with_attachment(kind, "", EXAMPLES[kind]))
    await home.close()

    registry = await home.open()
    assert getattr(registry.record(reference), kind) == {"": EXAMPLES[kind], "a": EXAMPLES[kind]}
    await registry.change(reference, with_attachment(kind, "a", None))
    await home.close()

    registry = await home.open()
    assert getattr(registry.record(reference), kind) == {"": EXAMPLES[kind]}
    await registry.delete(reference)
    assert await home.database.read("SELECT * FROM function_attachments") == []
    await home.close()


async def test_a_change_that_raises_or_changes_nothing_writes_nothing(
    home: Home, reference: Reference, package: Callable[..., bytes], settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    before = await registry.settled(reference)

    def refuse(record: FunctionRecord) -> FunctionRecord:
        raise FunctionNotFound(record.arn)

    with pytest.raises(FunctionNotFound):
        await registry.change(reference, refuse)
    assert await registry.change(reference, lambda record: record) is before
    assert registry.record(reference) is before
    await home.close()


async def test_two_nodes_change_one_function_without_losing_either_change(
    home: Home, reference: Reference, package: Callable[..., bytes], settings: Settings
) -> None:
    one = await home.open()
    await one.create(reference, package(), settings)
    await one.settled(reference)
    other = await home.open()
    await one.change(reference, with_attachment("options", "", EXAMPLES["options"]))
    # This one does not know of the first change yet.
    changed = await other.change(reference, with_attachment("aliases", "live", EXAMPLES["aliases"]))
    assert changed.settings.recursive_loop == "Allow"
    assert changed.aliases == {"live": EXAMPLES["aliases"]}
    await home.close()


async def test_settings_of_a_function_have_defaults(
    home: Home, reference: Reference, package: Callable[..., bytes], settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    assert registry.record(reference).settings == Options()
    await home.close()
