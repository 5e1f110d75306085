from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.functions import FunctionNotFound, FunctionVersion
from lambent.functions.errors import QualifierMismatch, WrongRegion
from lambent.functions.settings import Settings

if TYPE_CHECKING:
    from typing import Protocol

    from tests.functions.conftest import Home

    from lambent.functions import Reference

    class Package(Protocol):
        def __call__(self, content: str = "", **files: str) -> bytes: ...


PLACE = ("000000000000", "us-east-1")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"


async def test_names_resolve_to_what_runs_and_keep_the_arn_they_were_called_by(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings, publish=True)
    record = await registry.settled(reference)
    latest, first = record.latest, record.versions["1"]
    for name, qualifier, version, arn in (
        ("hello", None, latest, ARN),
        ("hello", "$LATEST", latest, f"{ARN}:$LATEST"),
        ("hello:$LATEST", None, latest, f"{ARN}:$LATEST"),
        ("hello", "1", first, f"{ARN}:1"),
        (ARN, None, latest, ARN),
        (f"{ARN}:1", None, first, f"{ARN}:1"),
        (f"{ARN}:1", "1", first, f"{ARN}:1"),
        ("000000000000:function:hello:1", None, first, f"{ARN}:1"),
    ):
        for _ in range(2):
            target = registry.resolve(*PLACE, name, qualifier)
            assert target.version is version
            assert target.invoked_arn == arn
            assert target.function is record
    await home.close()


async def test_what_does_not_resolve_is_refused_with_the_arn_that_was_looked_for(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    await registry.create(reference, package(), settings)
    for name, qualifier, arn in (
        # Invoke names the version that it would have run; recorded so.
        ("missing", None, "missing:$LATEST"),
        ("function", None, "function:$LATEST"),
        ("missing", "1", "missing:1"),
        ("hello", "1", "hello:1"),
        ("hello", "live", "hello:live"),
        ("hello", "$latest", "hello:$latest"),
    ):
        with pytest.raises(FunctionNotFound) as caught:
            registry.resolve(*PLACE, name, qualifier)
        assert (
            str(caught.value) == f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{arn}"
        )
    with pytest.raises(QualifierMismatch):
        registry.resolve(*PLACE, "hello:1", "2")
    with pytest.raises(WrongRegion):
        registry.resolve(*PLACE, ARN.replace("us-east-1", "eu-west-1"))
    with pytest.raises(FunctionNotFound):
        registry.resolve("111111111111", "us-east-1", "hello")
    await home.close()


async def test_every_change_raises_the_generation_and_is_seen_by_the_next_resolve(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    generations = [registry.generation]
    await registry.create(reference, package(), settings)
    generations.append(registry.generation)
    await registry.settled(reference)
    generations.append(registry.generation)
    assert registry.resolve(*PLACE, "hello").function.reserved_concurrency is None
    await registry.put_concurrency(reference, 5)
    generations.append(registry.generation)
    assert registry.resolve(*PLACE, "hello").function.reserved_concurrency == 5
    await registry.delete(reference)
    generations.append(registry.generation)
    with pytest.raises(FunctionNotFound):
        registry.resolve(*PLACE, "hello")
    assert generations == sorted(set(generations))
    await home.close()


async def test_listeners_hear_what_serving_versions_come_change_and_go(
    home: Home, reference: Reference, package: Package, settings: Settings
) -> None:
    registry = await home.open()
    heard: list[tuple[FunctionVersion | None, FunctionVersion | None]] = []

    def events() -> list[tuple[str | None, str | None]]:
        said = [(words(old), words(new)) for old, new in heard]
        heard.clear()
        return said

    def words(version: FunctionVersion | None) -> str | None:
        return None if version is None else f"{version.version} {version.state}"

    registry.subscribe(lambda old, new: heard.append((old, new)))
    await registry.create(reference, package(), settings)
    await registry.settled(reference)
    assert events() == [(None, "$LATEST Pending"), ("$LATEST Pending", "$LATEST Active")]
    await registry.publish(reference)
    assert sorted(events(), key=str) == [("$LATEST Active", "$LATEST Active"), (None, "1 Active")]
    before = registry.record(reference).latest.uid
    await registry.update_configuration(reference, Settings(memory_mb=256))
    assert events() == []
    await registry.settled(reference)
    [(old, new)] = heard
    assert old is not None
    assert new is not None
    assert old.uid == before != new.uid
    heard.clear()
    await registry.put_concurrency(reference, 1)
    assert events() == []
    await registry.delete(reference)
    assert sorted(events(), key=str) == [("$LATEST Active", None), ("1 Active", None)]
    await home.close()
