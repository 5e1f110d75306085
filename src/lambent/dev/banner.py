"""What a session says when it is ready: where everything is, and how to have it called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.deploy.manifest import EventTrigger, Manifest
    from lambent.dev.pipeline import Ready
    from lambent.dev.screen import Screen
    from lambent.dev.stack import Stack

_MOST_ROUTES: Final = 12

Row = tuple[str, str, str]


def show(
    screen: Screen,
    url: str,
    ready: Ready,
    stack: Stack,
    seconds: float | None,
    debug_port: int | None = None,
) -> None:
    """Print it. `seconds` is what the start has taken; None where it had to wait for code that runs."""
    rows: list[Row] = []
    if stack.served.http is not None:
        rows.append(("HTTP", url, ""))
    manifest = ready.manifest
    if manifest is not None:
        rows += _routes(manifest)
    for name in stack.served.channels:
        rows.append(("WebSocket", f"{url.replace('http', 'ws', 1)}/{name}", ""))
    labels = {physical: ready.labels.get(logical, physical) for logical, physical in stack.functions.items()}
    rows += [("URLs", address, labels.get(name, name)) for name, address in stack.served.urls.items()]
    if manifest is not None:
        rows += _resources(manifest)
        rows += [
            ("Functions", name, f"lambent invoke {name} -d '{{}}'")
            for logical in stack.functions
            if (name := ready.labels.get(logical, "")) and manifest.unit(name).direct
        ]
    else:
        rows += [
            ("Functions", physical, f"lambent invoke {physical} -d '{{}}'")
            for physical in stack.functions.values()
        ]
    if debug_port is not None:
        rows.append(("Debugger", f"127.0.0.1:{debug_port}", "attach a client of debugpy, such as VS Code"))
    keys = "AWS_ACCESS_KEY_ID=lambent AWS_SECRET_ACCESS_KEY=lambent"
    hints = [
        f"AWS clients: AWS_ENDPOINT_URL={url} AWS_DEFAULT_REGION={stack.region} {keys}",
        "Save a file and the next request runs it. Ctrl-C ends; data stays in .lambent (--fresh forgets it).",
    ]
    took = "" if seconds is None else f" in {seconds:.1f} s"
    screen.banner(f"{ready.app} is ready{took}", rows, hints)


def _routes(manifest: Manifest) -> list[Row]:
    implied = {("HEAD", route.path) for route in manifest.routes if route.method == "GET"}
    shown: list[Row] = [
        ("", f"{route.method:<7} {route.path}", "" if route.auth == "none" else route.auth)
        for route in sorted(manifest.routes, key=lambda route: (route.path, route.method))
        if (route.method, route.path) not in implied
    ]
    if len(shown) > _MOST_ROUTES:
        left = len(shown) - _MOST_ROUTES + 1
        shown = [*shown[: _MOST_ROUTES - 1], ("", f"and {left} more: lambent manifest", "")]
    return shown


def _detail_type(rule: EventTrigger) -> str:
    """An event's type that the rule's pattern names, or what stands for one."""
    named = rule.pattern.get("detail-type")
    if isinstance(named, list) and named and isinstance(named[0], str):
        return named[0] if " " not in named[0] else f"'{named[0]}'"
    return "TYPE"


def _resources(manifest: Manifest) -> list[Row]:
    rows: list[Row] = []
    rows += [
        ("Queues", queue.name, f"lambent send {queue.name} '{{}}'{' --group 1' if queue.fifo else ''}")
        for queue in manifest.queues
    ]
    rows += [
        ("Schedules", schedule.name, f"{schedule.expression}: lambent fire {schedule.name}")
        for schedule in manifest.schedules
    ]
    rows += [("Rules", rule.name, f"lambent emit {_detail_type(rule)} '{{}}'") for rule in manifest.events]
    rows += [("Topics", topic.name, f"lambent publish {topic.name} '{{}}'") for topic in manifest.topics]
    rows += [("Buckets", bucket.name, f"lambent put {bucket.name} FILE") for bucket in manifest.buckets]
    rows += [("Tables", table.name, "") for table in manifest.tables]
    rows += [("Streams", stream.name, "") for stream in manifest.streams]
    return rows
