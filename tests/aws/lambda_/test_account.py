from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def test_limits_and_usage_are_those_of_the_account(
    client: Any,
    create: Callable[..., Any],
    package: Callable[..., bytes],
    settled: Callable[..., None],
) -> None:
    def usage() -> tuple[int, int, int]:
        settings = client.get_account_settings()
        limit, used = settings["AccountLimit"], settings["AccountUsage"]
        assert {name: limit[name] for name in limit if name != "UnreservedConcurrentExecutions"} == {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": 1000,
        }
        return used["FunctionCount"], used["TotalCodeSize"], limit["UnreservedConcurrentExecutions"]

    size = len(package())
    assert usage() == (0, 0, 1000)
    create()
    assert usage() == (1, size, 1000)
    client.update_function_configuration(FunctionName="hello", Description="changed")
    settled()
    assert usage() == (1, size, 1000)
    client.publish_version(FunctionName="hello")
    assert usage() == (1, 2 * size, 1000)
    create("other")
    client.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=250)
    assert usage() == (2, 3 * size, 750)
    client.delete_function(FunctionName="hello")
    client.delete_function(FunctionName="other")
    assert usage() == (0, 0, 1000)
