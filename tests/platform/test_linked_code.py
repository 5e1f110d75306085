"""Linked code: functions and layers whose code is a folder of this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.platform.conftest import ROLE, RUNTIME, Platform, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def linking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    settings: dict[str, Any] = {"linked_code": "true", "update_in_progress_s": "0", "durability": "normal"}
    platform = Platform(tmp_path_factory.mktemp("linking"), **settings).start()
    yield platform
    platform.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a path that has to be treated with care."""
    made = tmp_path / "größte Ideen" / "app"
    made.mkdir(parents=True)
    return made


def at(folder: Path | str) -> dict[str, str]:
    return {"S3Bucket": "hot-reload", "S3Key": str(folder)}


def create(
    platform: Platform, name: str, folder: Path, handler: str = "app.handler", **more: Any
) -> dict[str, Any]:
    functions = platform.client()
    made: dict[str, Any] = functions.create_function(
        FunctionName=name, Runtime=RUNTIME, Handler=handler, Role=ROLE, Code=at(folder), **more
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02})
    return made


def answer(platform: Platform, name: str) -> Any:
    return platform.invoke(name, {}).json


def test_code_runs_where_it_is_and_an_update_shows_what_has_changed(linking: Platform, folder: Path) -> None:
    (folder / "app.py").write_text("def handler(event, context): return 'first', __file__")
    made = create(linking, "linked", folder)
    assert answer(linking, "linked") == ["first", "/var/task/app.py"]
    assert made["CodeSize"] == 0
    location = linking.client().get_function(FunctionName="linked")["Code"]["Location"]
    assert location == folder.as_uri()

    (folder / "app.py").write_text("def handler(event, context): return 'second'")
    assert answer(linking, "linked")[0] == "first", "what runs keeps the code that it has begun with"
    updated = linking.client().update_function_code(FunctionName="linked", **at(folder))
    wait_until(lambda: answer(linking, "linked") == "second")
    assert updated["CodeSha256"] == made["CodeSha256"]

    other = folder.with_name("other")
    other.mkdir()
    (other / "app.py").write_text("def handler(event, context): return 'third'")
    updated = linking.client().update_function_code(FunctionName="linked", **at(other), Publish=True)
    assert updated["CodeSha256"] != made["CodeSha256"]
    wait_until(lambda: answer(linking, "linked") == "third")


def test_a_function_cannot_write_to_it(linking: Platform, folder: Path) -> None:
    (folder / "app.py").write_text(
        "import os\n"
        "def handler(event, context):\n"
        "    try: open('/var/task/new', 'w')\n"
        "    except OSError as error: return error.strerror, sorted(os.listdir('.'))\n"
    )
    create(linking, "reading", folder)
    assert answer(linking, "reading") == ["Read-only file system", ["app.py"]]


@pytest.mark.parametrize("below", ["packages", "größte packages"])
def test_modules_below_tmp_are_where_they_are(
    linking: Platform, folder: Path, tmp_path: Path, below: str
) -> None:
    packages = tmp_path / below
    (packages / "its_own").mkdir(parents=True)
    (packages / "its_own" / "__init__.py").write_text("NAME = __file__")
    (folder / "app.py").write_text(
        "import its_own, os\ndef handler(event, context): return its_own.NAME, os.access('/tmp', os.W_OK)"
    )
    name = f"modules-{len(below)}"
    create(
        linking, name, folder, Environment={"Variables": {"PYTHONPATH": f"{packages}:/tmp/not-there:/tmp"}}
    )
    assert answer(linking, name) == [str(packages / "its_own" / "__init__.py"), True]


def test_layers_are_linked_too(linking: Platform, folder: Path, tmp_path: Path) -> None:
    layers = []
    for number in range(2):
        (tmp_path / f"layer {number}" / "python").mkdir(parents=True)
        (tmp_path / f"layer {number}" / "python" / f"layered{number}.py").write_text(f"NUMBER = {number}")
        version = linking.client().publish_layer_version(
            LayerName=f"l{number}", Content=at(tmp_path / f"layer {number}")
        )
        layers.append(version["LayerVersionArn"])
    (folder / "app.py").write_text(
        "import layered0, layered1\ndef handler(event, context): return layered0.NUMBER, layered1.NUMBER"
    )
    create(linking, "layered", folder, Layers=layers)
    assert answer(linking, "layered") == [0, 1]


def test_it_is_there_after_a_restart_and_a_folder_that_is_gone_is_told(
    linking: Platform, folder: Path
) -> None:
    (folder / "app.py").write_text("def handler(event, context): return 'again'")
    create(linking, "kept", folder)
    linking.stop()
    linking.start()
    assert answer(linking, "kept") == "again"
    linking.stop()
    folder.rename(folder.with_name("elsewhere"))
    linking.start()
    told = linking.invoke("kept", {})
    assert told.status == 500
    assert str(folder) in json.loads(told.body)["Message"]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("app", "must be the absolute path of a folder here: app is none"),
        ("/etc/hostname", "must be the absolute path of a folder here: /etc/hostname is none"),
        ("/not there", "must be the absolute path of a folder here: /not there is none"),
    ],
)
def test_what_is_no_folder_is_refused(linking: Platform, key: str, told: str) -> None:
    with pytest.raises(ClientError, match=told):
        linking.client().create_function(
            FunctionName="none", Runtime=RUNTIME, Handler="app.handler", Role=ROLE, Code=at(key)
        )


def test_a_platform_that_is_not_told_to_takes_none(platform: Platform, folder: Path) -> None:
    with pytest.raises(ClientError, match="linked_code = true") as refused:
        platform.client().create_function(
            FunctionName="none", Runtime=RUNTIME, Handler="app.handler", Role=ROLE, Code=at(folder)
        )
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
