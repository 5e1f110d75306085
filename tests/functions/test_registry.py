from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from lambent.functions import (
    CodeRejected,
    FunctionNotFound,
    InvalidConfiguration,
    Limits,
    Reference,
)
from lambent.functions.errors import (
    CodeMismatch,
    CodeStorageExceeded,
    ConcurrencyUnavailable,
    FunctionExists,
    LimitExceeded,
    NotReady,
    RevisionMismatch,
    TooManyTags,
    UpdateInProgress,
)
from lambent.functions.image import ImageConfig, image_at
from lambent.functions.settings import Settings

if TYPE_CHECKING:
    from typing import Protocol

    from tests.functions.conftest import Home

    from lambent.functions import FunctionVersion

    class Package(Protocol):
        def __call__(self, content: str = "", **files: str) -> bytes: ...


async def test_a_new_function_is_pending_then_active(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    code = package()
    created = await registry.create(reference, code, settings, tags={"team": "a"})
    assert (created.state, created.state_reason_code, created.last_update_status) == (
        "Pending",
        "Creating",
        None,
    )
    assert created.state_reason == "The function is being created."
    assert created.code_size == len(code)
    assert created.code_hash == hashlib.sha256(code).hexdigest()
    assert created.code_sha256 == base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert created.log_group == "/aws/lambda/hello"
    assert (created.memory_mb, created.timeout_s, created.ephemeral_mb) == (128, 3, 512)
    record = await registry.settled(reference)
    assert (record.latest.state, record.latest.last_update_status) == ("Active", "Successful")
    assert (record.latest.state_reason, record.latest.state_reason_code) == (None, None)
    assert record.latest.revision_id != created.revision_id
    assert record.latest.uid == created.uid
    assert record.serving is record.latest
    assert record.tags == {"team": "a"}
    await home.close()


async def test_everything_acknowledged_is_there_after_a_restart(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings, tags={"a": "b"})
    await registry.settled(reference)
    await registry.publish(reference, description="first")
    await registry.update_configuration(reference, Settings(environment={"KEY": "välue"}, memory_mb=512))
    await registry.settled(reference)
    await registry.put_concurrency(reference, 7)
    for _ in range(10):
        await registry.update_code(reference, package(f"# {_}"), publish=True)
        await registry.settled(reference)
    before = registry.record(reference)
    assert list(before.versions) == [str(number) for number in range(1, 12)]
    await home.close()
    registry = await home.open()
    assert registry.record(reference) == before
    assert registry.usage(reference.account, reference.region) == (1, before.code_size)
    assert registry.unreserved_limit(reference.account, reference.region) == 993
    assert registry.resolve(reference.account, reference.region, "hello").version == before.latest
    await home.close()


async def test_a_taken_name_is_refused_even_when_asked_for_twice_at_once(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    outcomes = await asyncio.gather(
        *(registry.create(reference, package(str(n)), settings) for n in range(5)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, FunctionExists)]
    assert len(refused) == 4
    assert str(refused[0]) == "Function already exist: hello"
    with pytest.raises(FunctionExists):
        await registry.create(reference, package(), settings)
    await registry.settled(reference)
    assert registry.usage(reference.account, reference.region)[0] == 1
    await home.close()


async def test_accounts_and_regions_are_apart(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    elsewhere = [reference._replace(region="eu-west-1"), reference._replace(account="111111111111")]
    for place in (reference, *elsewhere):
        await registry.create(place, package(), settings)
        await registry.settled(place)
    await registry.delete(elsewhere[0])
    assert [record.name for record in registry.functions(reference.account, reference.region)] == ["hello"]
    assert registry.functions(reference.account, "eu-west-1") == []
    assert len(registry.all_functions()) == 2
    await home.close()


async def test_a_refused_creation_leaves_nothing(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    for wrong, code, error in (
        (settings, b"no zip", CodeRejected),
        (replace(settings, memory_mb=127), package(), LimitExceeded),
        (replace(settings, runtime="python2.7"), package(), InvalidConfiguration),
        (Settings(role="r"), package(), InvalidConfiguration),
    ):
        with pytest.raises(error):
            await registry.create(reference, code, wrong)
    with pytest.raises(TooManyTags):
        await registry.create(reference, package(), settings, tags={str(n): "" for n in range(51)})
    with pytest.raises(FunctionNotFound):
        registry.record(reference)
    await home.close()


async def test_all_packages_together_are_limited(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    code = package("#" * 1000)
    home.limits = Limits(code_storage=2 * len(code))
    registry = await home.open()
    await registry.create(reference, code, settings)
    await registry.settled(reference)
    await registry.publish(reference)
    with pytest.raises(CodeStorageExceeded):
        await registry.create(reference._replace(name="other"), code, settings)
    await registry.update_configuration(reference, Settings(description="changed"))
    await registry.settled(reference)
    with pytest.raises(CodeStorageExceeded):
        await registry.publish(reference)
    await home.close()


async def test_an_update_of_code_changes_what_is_shown_at_once_and_what_runs_when_it_is_ready(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    gate = asyncio.Event()
    gate.set()

    async def activate(version: FunctionVersion) -> None:
        await gate.wait()

    registry = await home.open(activate)
    await registry.create(reference, package("one"), settings)
    first = (await registry.settled(reference)).latest
    gate.clear()
    updated = await registry.update_code(reference, package("two"))
    assert (updated.state, updated.last_update_status) == ("Active", "InProgress")
    assert (updated.last_update_reason, updated.last_update_reason_code) == (
        "The function is being created.",
        "Creating",
    )
    assert updated.code_hash != first.code_hash
    assert updated.uid != first.uid
    assert registry.version(reference)[1] == updated
    assert registry.resolve(reference.account, reference.region, "hello").version == first
    assert registry.resolve(reference.account, reference.region, "hello", "$LATEST").version == first
    gate.set()
    latest = (await registry.settled(reference)).latest
    assert latest.last_update_status == "Successful"
    assert (latest.last_update_reason, latest.last_update_reason_code) == (None, None)
    assert registry.resolve(reference.account, reference.region, "hello").version == latest
    await home.close()


async def test_while_a_change_is_applied_no_other_is_accepted(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    gate = asyncio.Event()

    async def activate(version: FunctionVersion) -> None:
        await gate.wait()

    registry = await home.open(activate)
    await registry.create(reference, package(), settings)

    async def all_refused(error: type[Exception], text: str) -> None:
        for attempt in (
            registry.update_code(reference, package("other")),
            registry.update_configuration(reference, Settings(memory_mb=256)),
            registry.publish(reference),
        ):
            with pytest.raises(error, match=text):
                await attempt

    await all_refused(NotReady, "The function is currently in the following state: Pending")
    gate.set()
    await registry.settled(reference)
    gate.clear()
    await registry.update_configuration(reference, Settings(memory_mb=256))
    await all_refused(
        UpdateInProgress, f"An update is in progress for resource: {registry.record(reference).arn}$"
    )
    # What does not touch the configuration goes on.
    await registry.tag(reference, {"a": "b"})
    await registry.put_concurrency(reference, 1)
    gate.set()
    record = await registry.settled(reference)
    assert (record.latest.memory_mb, record.reserved_concurrency, record.tags) == (256, 1, {"a": "b"})
    await home.close()


async def test_a_configuration_keeps_what_is_not_set(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), replace(settings, environment={"A": "1"}, description="text"))
    before = (await registry.settled(reference)).latest
    await registry.update_configuration(reference, Settings(timeout_s=10))
    after = (await registry.settled(reference)).latest
    assert replace(after, timeout_s=3, uid="", revision_id="", last_modified=0) == replace(
        before, uid="", revision_id="", last_modified=0
    )
    assert after.uid != before.uid
    await registry.update_configuration(reference, Settings(environment={}))
    assert (await registry.settled(reference)).latest.environment == {}
    await home.close()


async def test_a_revision_id_guards_every_change_of_latest(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    stale = (await registry.create(reference, package(), settings)).revision_id
    current = (await registry.settled(reference)).latest.revision_id
    for attempt in (
        registry.update_code(reference, package(), revision_id=stale),
        registry.update_configuration(reference, Settings(), revision_id=stale),
        registry.publish(reference, revision_id=stale),
    ):
        with pytest.raises(RevisionMismatch, match="does not match the latest Revision Id"):
            await attempt
    published = await registry.publish(reference, revision_id=current)
    latest = registry.record(reference).latest.revision_id
    assert len({stale, current, latest, published.revision_id}) == 4
    await registry.update_configuration(reference, Settings(memory_mb=256), revision_id=latest)
    await registry.settled(reference)
    await registry.update_code(
        reference, package(), revision_id=registry.record(reference).latest.revision_id
    )
    await registry.settled(reference)
    await home.close()


async def test_a_version_is_published_only_when_something_has_changed(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    await registry.settled(reference)
    first = await registry.publish(reference, description="described")
    assert (first.version, first.state, first.last_update_status) == ("1", "Active", "Successful")
    assert first.description == "described"
    assert first.uid != registry.record(reference).latest.uid
    assert await registry.publish(reference, description="again") == first
    await registry.update_configuration(reference, Settings())
    await registry.settled(reference)
    assert await registry.publish(reference) == first
    await registry.update_configuration(reference, Settings(description="second"))
    await registry.settled(reference)
    second = await registry.publish(reference)
    assert (second.version, second.description) == ("2", "second")
    assert registry.version(reference._replace(qualifier="1"))[1] == first
    # A deleted version is published again, under a new number.
    await registry.delete(reference._replace(qualifier="2"))
    assert (await registry.publish(reference)).version == "3"
    await home.close()


async def test_publishing_can_be_bound_to_the_code(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    latest = (await registry.settled(reference)).latest
    with pytest.raises(CodeMismatch) as caught:
        await registry.publish(reference, code_sha256="somenonexistentsha256")
    assert str(caught.value) == (
        f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ({latest.code_sha256}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    assert (await registry.publish(reference, code_sha256=latest.code_sha256)).version == "1"
    await home.close()


async def test_create_and_update_can_publish_at_once(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    first = await registry.create(reference, package("one"), settings, publish=True)
    assert (first.version, first.state) == ("1", "Pending")
    record = await registry.settled(reference)
    assert [version.state for version in record.all_versions] == ["Active", "Active"]
    assert await registry.publish(reference) == record.versions["1"]
    second = await registry.update_code(reference, package("two"), publish=True)
    assert (second.version, second.state, second.last_update_status) == ("2", "Pending", None)
    record = await registry.settled(reference)
    assert record.versions["2"].code_hash == record.latest.code_hash == second.code_hash
    assert record.versions["2"].state == "Active"
    await home.close()


async def test_a_dry_run_checks_and_changes_nothing(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package("one"), settings)
    before = await registry.settled(reference)
    other = package("two")
    shown = await registry.update_code(reference, other, dry_run=True, publish=True)
    assert shown.code_size == len(other)
    assert shown.last_update_status == "Successful"
    assert registry.record(reference) is before
    with pytest.raises(CodeRejected):
        await registry.update_code(reference, b"no zip", dry_run=True)
    with pytest.raises(RevisionMismatch):
        await registry.update_code(reference, other, dry_run=True, revision_id="stale")
    await home.close()


async def test_deleting_a_version_leaves_the_others(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings, publish=True)
    await registry.settled(reference)
    await registry.delete(reference._replace(qualifier="1"))
    await registry.delete(reference._replace(qualifier="1"))
    assert registry.record(reference).versions == {}
    with pytest.raises(FunctionNotFound, match=r"function:hello:1$"):
        registry.version(reference._replace(qualifier="1"))
    with pytest.raises(InvalidConfiguration, match="cannot be deleted without deleting the function"):
        await registry.delete(reference._replace(qualifier="$LATEST"))
    await home.close()


async def test_a_deleted_function_is_gone_and_can_be_made_anew(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings, publish=True)
    await registry.settled(reference)
    await registry.put_concurrency(reference, 100)
    await registry.delete(reference)
    for qualifier in (None, "1"):
        with pytest.raises(FunctionNotFound):
            await registry.delete(reference._replace(qualifier=qualifier))
    assert registry.unreserved_limit(reference.account, reference.region) == 1000
    assert registry.usage(reference.account, reference.region) == (0, 0)
    assert await home.database.read("SELECT COUNT(*) FROM function_versions") == [(0,)]
    again = await registry.create(reference, package(), settings, publish=True)
    assert again.version == "1"
    await registry.settled(reference)
    await home.close()


async def test_concurrency_can_be_reserved_but_a_hundred_must_remain(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    other = reference._replace(name="other")
    for name in (reference, other):
        await registry.create(name, package(), settings)
        await registry.settled(name)
    assert registry.reserved_concurrency(*reference[:3]) is None
    assert await registry.put_concurrency(reference, 900) == 900
    assert registry.unreserved_limit(reference.account, reference.region) == 100
    with pytest.raises(ConcurrencyUnavailable) as caught:
        await registry.put_concurrency(other, 1)
    assert str(caught.value) == (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
        "below its minimum value of [100]."
    )
    assert await registry.put_concurrency(reference, 899) == 899
    assert await registry.put_concurrency(other, 1) == 1
    assert await registry.put_concurrency(other, 0) == 0
    assert registry.reserved_concurrency(*other[:3]) == 0
    await registry.delete_concurrency(reference)
    await registry.delete_concurrency(reference)
    assert registry.reserved_concurrency(*reference[:3]) is None
    with pytest.raises(FunctionNotFound):
        await registry.put_concurrency(reference._replace(name="missing"), 1)
    await home.close()


async def test_the_off_switch_works_however_small_the_account_is(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    home.limits = Limits(concurrency=10)
    registry = await home.open()
    await registry.create(reference, package(), settings)
    await registry.settled(reference)
    with pytest.raises(ConcurrencyUnavailable):
        await registry.put_concurrency(reference, 1)
    assert await registry.put_concurrency(reference, 0) == 0
    await home.close()


async def test_reservations_made_at_once_cannot_exceed_what_there_is(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    names = [reference._replace(name=f"f{number}") for number in range(12)]
    for name in names:
        await registry.create(name, package(), settings)
        await registry.settled(name)
    outcomes = await asyncio.gather(
        *(registry.put_concurrency(name, 100) for name in names), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if outcome == 100] == [100] * 9
    assert sum(isinstance(outcome, ConcurrencyUnavailable) for outcome in outcomes) == 3
    assert registry.unreserved_limit(reference.account, reference.region) == 100
    await home.close()


async def test_tags_are_merged_and_removed_and_limited(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    revision = (await registry.settled(reference)).latest.revision_id
    await registry.tag(reference, {"a": "1", "b": "2"})
    await registry.tag(reference, {"b": "3", "c": "4"})
    assert registry.record(reference).tags == {"a": "1", "b": "3", "c": "4"}
    await registry.untag(reference, ["a", "missing"])
    record = registry.record(reference)
    assert record.tags == {"b": "3", "c": "4"}
    assert record.latest.revision_id != revision
    assert record.serving is record.latest
    with pytest.raises(TooManyTags, match="Number of tags exceeds resource tag limit"):
        await registry.tag(reference, {str(number): "" for number in range(49)})
    await registry.tag(reference, {str(number): "" for number in range(48)})
    await home.close()


async def test_changes_made_at_once_all_take_effect(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    await registry.settled(reference)
    await asyncio.gather(
        *(registry.tag(reference, {f"tag{number}": ""}) for number in range(40)),
        *(registry.put_concurrency(reference, number) for number in range(10)),
    )
    record = registry.record(reference)
    assert len(record.tags) == 40
    assert record.reserved_concurrency == 9
    await home.close()


async def test_code_that_nothing_refers_to_is_collected(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    first = await registry.create(reference, package("one"), settings, publish=True)
    await registry.settled(reference)
    second = await registry.update_code(reference, package("two"))
    await registry.settled(reference)
    third = await registry.update_code(reference, package("three"))
    await registry.settled(reference)
    assert await registry.collect_code() == 0
    assert await registry.collect_code(older_than_s=0) == 1
    assert registry.code.has_tree(first.code_hash)
    assert not registry.code.has_tree(second.code_hash)
    assert registry.code.has_tree(third.code_hash)
    await registry.delete(reference)
    assert await registry.collect_code(older_than_s=0) == 2
    await home.close()


async def test_code_is_not_collected_while_a_function_is_being_made_of_it(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    stop = False

    async def collect() -> None:
        while not stop:
            await registry.collect_code(older_than_s=0)
            await asyncio.sleep(0)

    collector = asyncio.ensure_future(collect())
    for number in range(60):
        name = reference._replace(name=f"f{number}")
        created = await registry.create(name, package("same for all"), settings)
        await registry.settled(name)
        assert (registry.code.tree(created.code_hash) / "app.py").is_file()
        assert await registry.code.package(created.code_hash) == package("same for all")
        await registry.delete(name)
    stop = True
    await collector
    await home.close()


async def test_an_image_is_kept_over_a_restart(home: Home, reference: Reference, settings: Settings) -> None:
    registry = await home.open()
    image = image_at("example.com/shop:1")
    blank = replace(settings, runtime=UNSET, handler=UNSET, image_config=ImageConfig(command=("sh",)))
    await registry.create(reference, image, blank)
    latest = (await registry.settled(reference)).latest
    assert (latest.package_type, latest.image, latest.code_size) == ("Image", image, 0)
    await registry.update_code(reference, image_at("example.com/shop:2"), publish=True)
    before = await registry.settled(reference)
    assert await registry.collect_code(0) == 0
    await home.close()
    registry = await home.open()
    assert registry.record(reference) == before
    assert before.versions["1"].image == image_at("example.com/shop:2")
    await home.close()
