"""Layers: versions and their numbers, what functions may use, what is kept of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from lambent.functions import InvalidConfiguration, Reference
from lambent.functions.errors import (
    CodeStorageExceeded,
    LayerAccessDenied,
    LayerNotFound,
    LayerRevisionMismatch,
    PolicyTooLong,
    StatementExists,
)
from lambent.functions.layer import LayerReference, parse_layer
from lambent.functions.layer_policy import readable, statement, with_statement, without_statement
from lambent.functions.limits import Limits
from lambent.functions.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.functions.layer import LayerVersion

ACCOUNT = "000000000000"
LAYER = LayerReference(ACCOUNT, "us-east-1", "numbers")


async def test_numbers_are_not_used_twice(home: Any, package: Callable[..., bytes]) -> None:
    registry = await home.open()
    published = [await registry.layers.publish(LAYER, package("same")) for _ in range(3)]
    assert [version.version for version in published] == [1, 2, 3]
    for number in (1, 2, 3, 3):
        await registry.layers.delete(LAYER, number)
    assert registry.layers.versions(LAYER) == []
    assert registry.layers.layers(ACCOUNT, "us-east-1") == []
    await home.close()
    again = await home.open()
    assert (await again.layers.publish(LAYER, package("same"))).version == 4
    await home.close()


async def test_what_was_published_is_there_after_a_start(home: Any, package: Callable[..., bytes]) -> None:
    registry = await home.open()
    version = await registry.layers.publish(
        LAYER,
        package("one"),
        description="d",
        license_info="MIT",
        runtimes=("python3.12",),
        architectures=(),
    )
    added = await registry.layers.change(
        LAYER, 1, lambda old: with_statement(old, statement(old, "s", "a", "*", None), None, Limits())
    )
    await home.close()
    again = await home.open()
    assert again.layers.versions(LAYER) == [added]
    assert added == replace(version, revision=2, policy=added.policy)
    await home.close()


async def test_publications_at_once_get_numbers_of_their_own(
    home: Any, package: Callable[..., bytes]
) -> None:
    registry = await home.open()
    published = await asyncio.gather(
        *(registry.layers.publish(LAYER, package(str(content % 3))) for content in range(12))
    )
    assert sorted(version.version for version in published) == list(range(1, 13))
    assert [version.version for version in registry.layers.versions(LAYER)] == list(range(12, 0, -1))
    await home.close()


async def test_two_nodes_give_out_different_numbers(home: Any, package: Callable[..., bytes]) -> None:
    one, other = await home.open(), await home.open()
    assert (await one.layers.publish(LAYER, package("a"))).version == 1
    assert (await other.layers.publish(LAYER, package("b"))).version == 2
    assert (await one.layers.publish(LAYER, package("c"))).version == 3
    assert one.usage(ACCOUNT, "us-east-1") == (0, 3 * len(package("a")))
    await home.close()


async def test_layers_count_as_code(
    home: Any, package: Callable[..., bytes], reference: Reference, settings: Settings
) -> None:
    size = len(package("x"))
    home.limits = Limits(code_storage=2 * size)
    registry = await home.open()
    await registry.layers.publish(LAYER, package("x"))
    await registry.create(reference, package("x"), settings)
    await registry.settled(reference)
    assert registry.usage(ACCOUNT, "us-east-1") == (1, 2 * size)
    assert registry.usage(ACCOUNT, "eu-west-1") == (0, 0)
    await home.close()
    registry = await home.open()
    assert registry.usage(ACCOUNT, "us-east-1") == (1, 2 * size)
    with pytest.raises(CodeStorageExceeded):
        await registry.layers.publish(LAYER, package("x"))
    with pytest.raises(CodeStorageExceeded):
        await registry.update_code(reference, package("x"))
    await home.close()


async def test_functions_keep_the_layers_that_are_deleted(
    home: Any, package: Callable[..., bytes], reference: Reference, settings: Settings
) -> None:
    registry = await home.open()
    first = await registry.layers.publish(LAYER, package("1", first="1"))
    second = await registry.layers.publish(LAYER._replace(name="other"), package("2", second="2"))
    unused = await registry.layers.publish(LAYER._replace(name="unused"), package("3"))
    await registry.create(
        reference, package("code"), replace(settings, layers=(first.arn, second.arn)), publish=True
    )
    await registry.settled(reference)
    tree = await registry.code.merged([first.code_hash, second.code_hash])
    for version in (first, second, unused):
        await registry.layers.delete(version.layer, version.version)
    await registry.update_configuration(reference, Settings(layers=()))
    await registry.settled(reference)
    assert registry.record(reference).latest.layers == ()

    assert await registry.collect_code(-1) == 1
    await home.close()
    again = await home.open()
    kept = again.record(reference).versions["1"]
    assert [layer.arn for layer in kept.layers] == [first.arn, second.arn]
    assert [layer.code_size for layer in kept.layers] == [first.code_size, second.code_size]
    assert await again.code.merged(kept.layer_hashes) == tree
    assert (tree / "first").read_text() + (tree / "second").read_text() == "12"

    await again.delete(reference)
    assert await again.collect_code(-1) == 3
    assert not tree.exists()
    await home.close()


async def test_an_update_of_layers_makes_other_environments(
    home: Any, package: Callable[..., bytes], reference: Reference, settings: Settings
) -> None:
    registry = await home.open()
    one = await registry.layers.publish(LAYER, package("1"))
    two = await registry.layers.publish(LAYER._replace(name="other"), package("2"))
    await registry.create(reference, package("code"), replace(settings, layers=(one.arn, two.arn)))
    before = (await registry.settled(reference)).latest
    await registry.update_configuration(reference, Settings(layers=(two.arn, one.arn)))
    after = (await registry.settled(reference)).latest
    assert before.uid != after.uid
    assert before.digest() != after.digest()
    await home.close()


async def test_a_layer_that_is_about_to_be_used_is_not_collected(
    home: Any, package: Callable[..., bytes], reference: Reference, settings: Settings
) -> None:
    registry = await home.open()
    version = await registry.layers.publish(LAYER, package("1"))
    async with registry.code.held([version.code_hash]):
        await registry.layers.delete(LAYER, 1)
        assert await registry.collect_code(-1) == 0
    # Elsewhere nobody knows who holds it: what was held a moment ago is left alone.
    assert await registry.collect_code(60) == 0
    assert await registry.collect_code(-1) == 1
    await home.close()


# TestLambdaLayer::test_layer_function_exceptions, ::test_layer_function_quota_exception
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"], "Cannot reference more than 5 layers."),
        (["doesnotexist:1"], "Layer version {doesnotexist:1} does not exist."),
        (["a:9"], "Layer version {a:9} does not exist."),
        (["b:1", "a:01"], "Layer version {a:01} does not exist."),
        (
            ["a:1", "a:2", "a:3"],
            (
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                "{a:1} and {a:2} are versions of the same layer."
            ),
        ),
        (
            ["a:1", "a:1"],
            (
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                "{a:1} and {a:1} are versions of the same layer."
            ),
        ),
        (
            ["arn:aws:lambda:eu-west-1:000000000000:layer:a:1"],
            (
                "Layers are not in the same region as the function. "
                "Layers are expected to be in region us-east-1."
            ),
        ),
        (["arn:aws:lambda:::awslayer:a"], "Layer version arn:aws:lambda:::awslayer:a does not exist."),
        (
            ["arn:aws-cn:lambda:us-east-1:000000000000:layer:a:1"],
            "Layer version arn:aws-cn:lambda:us-east-1:000000000000:layer:a:1 does not exist.",
        ),
    ],
)
async def test_layers_must_exist_and_agree(
    home: Any,
    package: Callable[..., bytes],
    reference: Reference,
    settings: Settings,
    layers: list[str],
    message: str,
) -> None:
    def arn(layer: str) -> str:
        return layer if layer.startswith("arn:") else f"{LAYER.arn.removesuffix('numbers')}{layer}"

    registry = await home.open()
    for name in ("a", "a", "a", "b"):
        await registry.layers.publish(LAYER._replace(name=name), package())
    wanted = tuple(arn(layer) for layer in layers)
    parts = message.replace("}", "{").split("{")
    expected = "".join(arn(part) if index % 2 else part for index, part in enumerate(parts))
    with pytest.raises(InvalidConfiguration) as created:
        await registry.create(reference, package("code"), replace(settings, layers=wanted))
    assert str(created.value) == expected
    await registry.create(reference, package("code"), settings)
    await registry.settled(reference)
    with pytest.raises(InvalidConfiguration) as updated:
        await registry.update_configuration(reference, Settings(layers=wanted))
    assert str(updated.value) == expected
    await home.close()


async def test_code_and_layers_have_a_size_together(
    home: Any, package: Callable[..., bytes], reference: Reference, settings: Settings
) -> None:
    home.limits = Limits(unzipped=1_000)
    registry = await home.open()
    big, small = package(big="x" * 950), package("code")
    size = 950 + 2 * len("def handler(event, context):\n    return event\n") + len("code")
    message = (
        "Function code combined with layers exceeds the maximum allowed size of 1000 bytes. "
        f"The actual size is {size} bytes."
    )
    version = await registry.layers.publish(LAYER, big)
    with pytest.raises(InvalidConfiguration) as created:
        await registry.create(reference, small, replace(settings, layers=(version.arn,)))
    assert str(created.value) == message

    await registry.create(reference, small, settings)
    await registry.settled(reference)
    with pytest.raises(InvalidConfiguration) as configured:
        await registry.update_configuration(reference, Settings(layers=(version.arn,)))
    assert str(configured.value) == message

    fitting = await registry.layers.publish(LAYER, package("layer"))
    await registry.update_configuration(reference, Settings(layers=(fitting.arn,)))
    await registry.settled(reference)
    with pytest.raises(InvalidConfiguration, match="combined with layers"):
        await registry.update_code(reference, big)
    await home.close()


async def test_layers_of_other_accounts_need_their_permission(
    home: Any, package: Callable[..., bytes], settings: Settings
) -> None:
    registry = await home.open()
    foreign = Reference("111111111111", "us-east-1", "hello", None)
    version = await registry.layers.publish(LAYER, package())

    async def allow(sid: str, principal: str, organization: str | None = None) -> None:
        await registry.layers.change(
            LAYER,
            1,
            lambda old: with_statement(
                old,
                statement(old, sid, "lambda:GetLayerVersion", principal, organization),
                None,
                registry.limits,
            ),
        )

    wild = [
        version.arn,
        LAYER.version_arn(2),
        "arn:aws:lambda:us-east-1:222222222222:layer:numbers:1",
        "arn:aws:lambda:eu-west-1:000000000000:layer:numbers:1",
    ]
    for arn in wild:
        with pytest.raises(LayerAccessDenied):
            registry.layers.used([arn], foreign)
    await allow("elsewhere", "333333333333")
    await allow("organization", "*", "o-t194hfs8cz")
    with pytest.raises(LayerAccessDenied):
        registry.layers.used([version.arn], foreign)
    await allow("them", "111111111111")
    assert [use.arn for use in registry.layers.used([version.arn], foreign)] == [version.arn]
    await registry.create(foreign, package("code"), replace(settings, layers=(version.arn,)))
    await registry.layers.change(LAYER, 1, lambda old: without_statement(old, "them", None))
    with pytest.raises(LayerAccessDenied):
        await registry.update_configuration(foreign, Settings(layers=(version.arn,)))
    await home.close()


def _version(**members: Any) -> LayerVersion:
    from lambent.functions.layer import LayerVersion

    return LayerVersion(
        **{
            **LAYER._asdict(),
            "version": 1,
            "created_ms": 0,
            "code_hash": "",
            "code_sha256": "",
            "code_size": 1,
            **members,
        }
    )


def test_statements_are_those_of_iam() -> None:
    version = _version()
    root = {"AWS": "arn:aws:iam::111111111111:root"}
    said = statement(version, "s", "lambda:GetLayerVersion", "111111111111", None)
    assert said == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": root,
        "Action": "lambda:GetLayerVersion",
        "Resource": version.arn,
    }
    assert statement(version, "s", "a", root["AWS"], None)["Principal"] == root
    assert statement(version, "s", "a", "*", "o-t194hfs8cz")["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-t194hfs8cz"}
    }


def test_policies_change_under_their_revision() -> None:
    limits = Limits()
    version = _version()
    said = statement(version, "s", "a", "*", None)
    with pytest.raises(LayerRevisionMismatch):
        with_statement(version, said, "any", limits)
    once = with_statement(version, said, None, limits)
    assert once.policy is not None
    with pytest.raises(StatementExists):
        with_statement(once, said, "wrong", limits)
    with pytest.raises(LayerRevisionMismatch):
        with_statement(once, {**said, "Sid": "t"}, "wrong", limits)
    twice = with_statement(once, {**said, "Sid": "t"}, once.policy.revision_id, limits)
    assert twice.policy is not None
    assert twice.policy.revision_id != once.policy.revision_id
    with pytest.raises(LayerRevisionMismatch):
        without_statement(twice, "t", once.policy.revision_id)
    back = without_statement(twice, "s", twice.policy.revision_id)
    assert back.policy is not None
    assert [one["Sid"] for one in back.policy.statements] == ["t"]
    assert without_statement(back, "t", None).policy is None
    assert readable(twice, "999999999999")
    assert not readable(version, "999999999999")
    assert readable(version, ACCOUNT)


def test_policies_have_a_size() -> None:
    version = _version()
    limits = Limits(policy=1_000)
    said = statement(version, "s" * 100, "a", "*", None)
    for number in range(3):
        version = with_statement(version, {**said, "Sid": str(number)}, None, limits)
    with pytest.raises(
        PolicyTooLong, match=r"The final policy size \(10\d\d\) is bigger than the limit \(1000\)."
    ):
        with_statement(version, {**said, "Resource": "r" * 500}, None, limits)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", (LayerReference("1" * 12, "eu-west-1", "a"), None)),
        ("arn:aws:lambda:us-east-1:222222222222:layer:a", (LayerReference("2" * 12, "us-east-1", "a"), None)),
        ("arn:aws:lambda:us-east-1:222222222222:layer:a:7", (LayerReference("2" * 12, "us-east-1", "a"), 7)),
    ],
)
def test_names_of_layers(name: str, found: object) -> None:
    assert parse_layer("1" * 12, "eu-west-1", name) == found


async def test_what_is_not_there_is_not_found(home: Any, package: Callable[..., bytes]) -> None:
    registry = await home.open()
    with pytest.raises(LayerNotFound):
        registry.layers.get(LAYER, 1)
    await registry.layers.publish(LAYER, package())
    with pytest.raises(LayerNotFound):
        await registry.layers.change(LAYER, 2, lambda version: version)
    await registry.layers.clear()
    assert registry.layers.versions(LAYER) == []
    assert (await registry.layers.publish(LAYER, package())).version == 1
    await home.close()
