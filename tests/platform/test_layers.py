"""Layers in functions: what /opt shows, in which order, and how long."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_TREE = """
import os
def handler(event, context):
    top = event or "/opt"
    return {
        os.path.relpath(os.path.join(folder, name), top): open(os.path.join(folder, name)).read()
        for folder, _, names in os.walk(top) for name in names
    }
"""


def _shared_library() -> bytes:
    """Some library of this machine: the mathematical one."""
    mapped = (line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines())
    return Path(next(path for path in mapped if re.search(r"/libm[.-][^/]*$", path))).read_bytes()


@pytest.fixture
def layer(platform: Any, zipped: Callable[..., bytes]) -> Callable[..., str]:
    """Publishes a layer of files; the ARN of its version."""

    def publish(files: dict[str, str | bytes] | bytes, name: str = "", client: Any = None) -> str:
        package = files if isinstance(files, bytes) else zipped(files)
        published = (client or platform.aws).publish_layer_version(
            LayerName=name or f"l{uuid.uuid4().hex[:12]}", Content={"ZipFile": package}
        )
        return str(published["LayerVersionArn"])

    return publish


def test_a_function_imports_from_its_layers_and_the_last_one_wins(
    platform: Any, layer: Callable[..., str]
) -> None:
    first = layer({"python/shared.py": "name = 'first'\n", "python/only_first.py": "name = 'one'\n"})
    second = layer({"python/shared.py": "name = 'second'\n", "python/only_second.py": "name = 'two'\n"})
    source = """
import only_first, only_second, shared
def handler(event, context):
    return [only_first.name, only_second.name, shared.name]
"""
    one = platform.create(source, Layers=[first, second])
    other = platform.create(source, Layers=[second, first])
    assert platform.invoke(one).json == ["one", "two", "second"]
    assert platform.invoke(other).json == ["one", "two", "first"]
    answer = platform.aws.get_function_configuration(FunctionName=one)
    assert [each["Arn"] for each in answer["Layers"]] == [first, second]


def test_code_goes_before_layers_and_layers_before_the_sdk(platform: Any, layer: Callable[..., str]) -> None:
    version = platform.runtime
    arn = layer(
        {
            "python/mine.py": "name = 'layer'\n",
            "python/six.py": "name = 'layer'\n",
            f"python/lib/{version}/site-packages/both.py": "name = 'site-packages'\n",
            "python/both.py": "name = 'python'\n",
        }
    )
    source = """
import both, mine, six, sys
def handler(event, context):
    return [both.name, mine.name, six.name]
"""
    name = platform.create(source, files={"mine.py": "name = 'code'\n"}, Layers=[arn])
    assert platform.invoke(name).json == ["site-packages", "code", "layer"]


@pytest.mark.usefixtures("private_view")
def test_opt_shows_all_layers_merged_and_read_only(platform: Any, layer: Callable[..., str]) -> None:
    first = layer({"bin/tool": "1", "a/b/c": "1", "file": "1", "folder/x": "1"})
    second = layer({"a/b/d": "2", "bin/tool": "2", "file/now": "2", "folder": "2"})
    name = platform.create(_TREE, Layers=[first, second])
    assert platform.invoke(name).json == {
        "bin/tool": "2",
        "a/b/c": "1",
        "a/b/d": "2",
        "file/now": "2",
        "folder": "2",
    }
    source = """
import os
def handler(event, context):
    answers = []
    for path in ("/opt/new", "/opt/a/b/c", "/opt/a/new"):
        try:
            open(path, "a").close()
        except OSError as error:
            answers.append(os.strerror(error.errno))
    return answers
"""
    name = platform.create(source, Layers=[first, second])
    assert platform.invoke(name).json == ["Read-only file system"] * 3


@pytest.mark.usefixtures("private_view")
def test_without_layers_opt_is_empty(platform: Any, layer: Callable[..., str]) -> None:
    arn = layer({"one": "1"})
    name = platform.create(_TREE, Layers=[arn])
    assert platform.invoke(name).json == {"one": "1"}
    platform.aws.update_function_configuration(FunctionName=name, Layers=[])
    platform.settle(name)
    assert platform.invoke(name).json == {}
    assert "Layers" not in platform.aws.get_function_configuration(FunctionName=name)


def test_an_update_of_the_layers_runs_in_new_environments(platform: Any, layer: Callable[..., str]) -> None:
    old, new = layer({"python/what.py": "name = 'old'\n"}), layer({"python/what.py": "name = 'new'\n"})
    name = platform.create("import what\ndef handler(e, c):\n    return what.name\n", Layers=[old])
    assert platform.invoke(name).json == "old"
    platform.aws.publish_version(FunctionName=name)
    platform.aws.update_function_configuration(FunctionName=name, Layers=[new])
    platform.settle(name)
    assert platform.invoke(name).json == "new"
    assert platform.invoke(name, qualifier="1").json == "old"


@pytest.mark.usefixtures("private_view")
def test_programs_of_layers_are_found_and_run(platform: Any, layer: Callable[..., str]) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        tool = zipfile.ZipInfo("bin/tool-of-a-layer")
        tool.external_attr = 0o755 << 16
        archive.writestr(tool, "#!/bin/sh\necho hello from $0\n")
        link = zipfile.ZipInfo("bin/another-name")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "tool-of-a-layer")
    source = """
import subprocess
def handler(event, context):
    return [subprocess.check_output([name], text=True) for name in ("tool-of-a-layer", "another-name")]
"""
    name = platform.create(source, Layers=[layer(target.getvalue()), layer({"bin/x": ""})])
    assert platform.invoke(name).json == [
        "hello from /opt/bin/tool-of-a-layer\n",
        "hello from /opt/bin/another-name\n",
    ]


@pytest.mark.usefixtures("private_view")
@pytest.mark.parametrize("place", ["layer", "code"])
def test_shared_libraries_are_found_by_name(platform: Any, layer: Callable[..., str], place: str) -> None:
    files = {"lib/libof-a-function.so": _shared_library()}
    source = """
import ctypes
def handler(event, context):
    library = ctypes.CDLL("libof-a-function.so")
    library.cos.restype = ctypes.c_double
    return library.cos(ctypes.c_double(0))
"""
    name = (
        platform.create(source, Layers=[layer(files)])
        if place == "layer"
        else platform.create(source, files=files)
    )
    assert platform.invoke(name).json == 1.0


def _node_or_skip(platform: Any, source: str, **members: Any) -> str:
    if shutil.which("node") is None:
        pytest.skip("no Node on this machine")
    version = subprocess.check_output(["node", "--version"], text=True).removeprefix("v").partition(".")[0]
    return str(
        platform.create(
            "",
            files={"index.js": source},
            Runtime=f"nodejs{version}.x",
            Handler="index.handler",
            **members,
        )
    )


def test_node_functions_require_from_their_layers(platform: Any, layer: Callable[..., str]) -> None:
    module = "nodejs/node_modules/shared/index.js"
    first = layer(
        {module: "module.exports = 'first'", "nodejs/node_modules/one.js": "module.exports = 'one'"}
    )
    second = layer({module: "module.exports = 'second'"})
    name = _node_or_skip(
        platform,
        "exports.handler = async () => [require('one'), require('shared')]",
        Layers=[first, second],
    )
    assert platform.invoke(name).json == ["one", "second"]


@pytest.mark.usefixtures("private_view")
def test_node_functions_find_shared_libraries(platform: Any, layer: Callable[..., str]) -> None:
    source = """
exports.handler = async () => {
  try {
    process.dlopen({ exports: {} }, 'libof-a-function.so');
  } catch (error) {
    return error.message;
  }
}
"""
    name = _node_or_skip(platform, source, Layers=[layer({"lib/libof-a-function.so": _shared_library()})])
    # Found, but made for no Node.
    assert "self-register" in platform.invoke(name).json


def test_without_a_private_view_layers_are_at_their_real_place(
    own: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    platform = own(isolation="none")
    arns = [
        platform.aws.publish_layer_version(LayerName=name, Content={"ZipFile": zipped(files)})[
            "LayerVersionArn"
        ]
        for name, files in (
            ("first", {"python/shared.py": "name = 'first'\n", "python/one.py": "name = 'one'\n"}),
            ("second", {"python/shared.py": "name = 'second'\n", "bin/tool": "#!/bin/sh\n", "lib/any": ""}),
        )
    ]
    source = """
import one, os, shared, shutil
def handler(event, context):
    found = [place for place in os.environ["PATH"].split(":") if os.path.exists(place + "/tool")]
    return [one.name, shared.name, found, os.environ["LD_LIBRARY_PATH"].split(":")[-1]]
"""
    name = platform.create(source, Layers=arns)
    imported, shared, found, libraries = platform.invoke(name).json
    (tree,) = (platform.data / "code").glob("opt-*")
    assert (imported, shared, found, libraries) == ("one", "second", [f"{tree}/bin"], f"{tree}/lib")
    name = platform.create("import os\ndef handler(e, c):\n    return os.environ.get('LD_LIBRARY_PATH')\n")
    assert platform.invoke(name).json is None


def test_layers_outlive_their_deletion_a_crash_and_lost_trees(
    own: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    platform = own()
    client = platform.client()
    arns = [
        client.publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped({f"python/{name}.py": "x = 1\n"})}
        )["LayerVersionArn"]
        for name in ("first", "second")
    ]
    source = "import first, second\ndef handler(e, c):\n    return [first.x, second.x]\n"
    name = platform.create(source, client=client, Layers=arns)
    for layer in ("first", "second"):
        client.delete_layer_version(LayerName=layer, VersionNumber=1)
    assert platform.invoke(name).json == [1, 1]
    platform.kill()
    for tree in (platform.data / "code").iterdir():
        # As after a start of the machine.
        tree.rename(platform.directory / tree.name)
    platform.start()
    assert platform.invoke(name).json == [1, 1]
    shown = platform.client().get_function_configuration(FunctionName=name)["Layers"]
    assert [layer["Arn"] for layer in shown] == arns
    again = platform.client().publish_layer_version(LayerName="first", Content={"ZipFile": zipped({"a": ""})})
    assert again["Version"] == 2


# TestLambdaLayer::test_layer_s3_content
def test_layers_from_s3(platform: Any, zipped: Callable[..., bytes]) -> None:
    s3 = platform.client("s3")
    bucket = f"layers-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    package = zipped({"python/stored.py": "name = 'stored'\n"})
    s3.put_object(Bucket=bucket, Key="folder/layer.zip", Body=package)
    layer = platform.aws.publish_layer_version(
        LayerName=bucket, Content={"S3Bucket": bucket, "S3Key": "folder/layer.zip"}
    )
    assert layer["Content"]["CodeSize"] == len(package)
    assert {"CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"}.isdisjoint(layer)
    s3.delete_object(Bucket=bucket, Key="folder/layer.zip")
    source = "import stored\ndef handler(event, context):\n    return stored.name\n"
    assert platform.invoke(platform.create(source, Layers=[layer["LayerVersionArn"]])).json == "stored"
