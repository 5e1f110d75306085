from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from lambent.functions import ActivationFailed, FunctionNotFound, FunctionVersion
from lambent.functions.settings import Settings
from lambent.store import Statement

if TYPE_CHECKING:
    from typing import Protocol

    from tests.functions.conftest import Home

    from lambent.functions import Reference

    class Package(Protocol):
        def __call__(self, content: str = "", **files: str) -> bytes: ...


async def fail(version: FunctionVersion) -> None:
    raise ActivationFailed("InvalidRuntime", f"no interpreter for {version.runtime}")


async def succeed(version: FunctionVersion) -> None:
    await asyncio.sleep(0)


async def test_a_function_that_cannot_be_activated_says_why(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open(fail)
    await registry.create(reference, package(), settings, publish=True)
    record = await registry.settled(reference)
    for version in record.all_versions:
        assert (version.state, version.state_reason_code) == ("Failed", "InvalidRuntime")
        assert version.state_reason == "no interpreter for python3.12"
        assert version.last_update_status == "Failed"
        # Invoked, it answers that it has failed, not that it is still to come.
        target = registry.resolve(version.account, version.region, version.name, version.version)
        assert target.version == version
    await home.close()


async def test_a_failed_function_can_be_mended(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open(fail)
    await registry.create(reference, package(), settings)
    await registry.settled(reference)
    registry.activate = succeed
    mended = await registry.update_configuration(reference, Settings(runtime="python3.13"))
    assert (mended.state, mended.last_update_status) == ("Pending", "InProgress")
    record = await registry.settled(reference)
    assert (record.latest.state, record.latest.state_reason) == ("Active", None)
    assert (record.latest.last_update_status, record.latest.last_update_reason) == ("Successful", None)
    assert record.serving is record.latest
    await home.close()


async def test_after_a_failed_update_what_ran_before_goes_on_running_also_after_a_restart(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    good = (await registry.settled(reference)).latest
    registry.activate = fail
    await registry.update_configuration(reference, Settings(memory_mb=512))
    record = await registry.settled(reference)
    assert (record.latest.state, record.latest.last_update_status) == ("Active", "Failed")
    assert (record.latest.last_update_reason_code, record.latest.memory_mb) == ("InvalidRuntime", 512)
    assert record.serving == good
    await registry.tag(reference, {"a": "b"})
    await home.close()
    registry = await home.open()
    assert registry.resolve(reference.account, reference.region, "hello").version == good
    await registry.update_configuration(reference, Settings(timeout_s=9))
    record = await registry.settled(reference)
    assert (record.serving.memory_mb, record.serving.timeout_s) == (512, 9)
    assert await home.database.read("SELECT slot FROM function_versions") == [("$LATEST",)]
    await home.close()


async def test_runtimes_that_cannot_be_run_are_registered_and_fail(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    async def refuse(version: FunctionVersion) -> None:
        raise ActivationFailed("InvalidRuntime", f"nothing here runs {version.runtime}")

    registry = await home.open(refuse)
    created = await registry.create(reference, package(), replace(settings, runtime="java21"))
    assert created.state == "Pending"
    latest = (await registry.settled(reference)).latest
    assert (latest.state, latest.state_reason_code) == ("Failed", "InvalidRuntime")
    assert latest.state_reason == "nothing here runs java21"
    await home.close()


async def test_an_unexpected_failure_is_an_internal_error(
    home: Home,
    reference: Reference,
    package: Package,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def crash(version: FunctionVersion) -> None:
        raise OSError("out of luck")

    registry = await home.open(crash)
    await registry.create(reference, package(), settings)
    latest = (await registry.settled(reference)).latest
    assert (latest.state, latest.state_reason_code) == ("Failed", "InternalError")
    assert "out of luck" in caplog.text
    await home.close()


async def test_what_was_pending_is_activated_after_a_restart(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    async def never(version: FunctionVersion) -> None:
        await asyncio.Event().wait()

    registry = await home.open(never)
    updated = reference._replace(name="updated")
    await registry.create(reference, package(), settings, publish=True)
    registry.activate = succeed
    await registry.create(updated, package(), settings)
    before = (await registry.settled(updated)).latest
    registry.activate = never
    await registry.update_code(updated, package("new"), publish=True)
    await home.close()

    registry = await home.open(never)
    assert registry.resolve(reference.account, reference.region, "updated").version == before
    assert registry.record(reference).latest.state == "Pending"
    await home.close()

    registry = await home.open(succeed)
    for name in (reference, updated):
        record = await registry.settled(name)
        assert {version.state for version in record.all_versions} == {"Active"}
        assert {version.last_update_status for version in record.all_versions} == {"Successful"}
        assert record.serving is record.latest
    await home.close()


async def test_a_function_deleted_while_it_is_activated_stays_deleted(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    gate = asyncio.Event()

    async def wait(version: FunctionVersion) -> None:
        await gate.wait()

    registry = await home.open(wait)
    await registry.create(reference, package("one"), settings)
    await registry.delete(reference)
    again = await registry.create(reference, package("two"), settings)
    registry.activate = fail
    third = reference._replace(name="third")
    await registry.create(third, package(), settings)
    await registry.delete(third)
    gate.set()
    record = await registry.settled(reference)
    assert record.latest.uid == again.uid
    assert record.latest.state == "Active"
    with pytest.raises(FunctionNotFound):
        await registry.settled(third)
    await home.close()


async def test_an_activation_that_could_not_be_written_is_written_later(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    gate = asyncio.Event()

    async def wait(version: FunctionVersion) -> None:
        await gate.wait()

    registry = await home.open(wait)
    await registry.create(reference, package(), settings)
    # The store refuses every change of this function until the trigger is dropped.
    await home.database.write(
        Statement("CREATE TRIGGER broken BEFORE UPDATE ON functions BEGIN SELECT no_such_function(); END")
    )
    gate.set()
    await asyncio.sleep(0.05)
    assert registry.record(reference).latest.state == "Pending"
    await home.database.write(Statement("DROP TRIGGER broken"))
    assert (await registry.settled(reference)).latest.state == "Active"
    await home.close()
