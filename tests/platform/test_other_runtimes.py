"""Ruby and .NET functions, with programs in the place of theirs that tell how they were started."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.platform.conftest import Platform

# Answers each invocation with its own command line and environment.
STAND_IN = f"""#!{PYTHON} -IS
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def ask(method, path, body=None):
    api.request(method, "/2018-06-01/runtime/invocation/" + path, body)
    response = api.getresponse()
    return response.headers["Lambda-Runtime-Aws-Request-Id"], response.read()
while True:
    request, event = ask("GET", "next")
    ask("POST", request + "/response", json.dumps({{"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd()}}))
"""


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(STAND_IN)
    path.chmod(0o755)


def packed(files: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            archive.writestr(info, content)
    return target.getvalue()


@pytest.fixture
def equipped(own: Callable[..., Platform], tmp_path: Path) -> Platform:
    """A platform on a machine with a Ruby and a .NET."""
    home = tmp_path / "home"
    program(home / ".rbenv/versions/3.3.5/bin/ruby")
    program(home / ".dotnet/dotnet")
    (home / ".dotnet/shared/Microsoft.NETCore.App/8.0.11").mkdir(parents=True)
    platform = own(start=False)
    platform.variables = {
        "HOME": str(home),
        **dict.fromkeys(("RBENV_ROOT", "DOTNET_ROOT", "NUGET_PACKAGES", "XDG_DATA_HOME"), ""),
    }
    return platform


def gem(root: Path) -> Path:
    """Install the client among the gems of a folder."""
    folder = root / "gems/aws_lambda_ric-3.1.1"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/aws_lambda_ric").touch()
    return folder


def told(platform: Platform, runtime: str, handler: str, files: Mapping[str, str], **members: Any) -> Any:
    name = platform.create("", Runtime=runtime, Handler=handler, Code={"ZipFile": packed(files)}, **members)
    return platform.invoke(name).json


def test_ruby_with_the_client_of_the_machine(equipped: Platform) -> None:
    prefix = equipped.directory.parent / "home/.rbenv/versions/3.3.5"
    client = gem(prefix / "lib/ruby/gems/3.3.0")
    platform = equipped.start()
    seen = told(platform, "ruby3.3", "app.handle", {"app.rb": ""})
    assert seen["argv"] == [str(prefix / "bin/ruby"), str(client / "bin/aws_lambda_ric"), "app.handle"]
    env = seen["env"]
    assert env["AWS_EXECUTION_ENV"] == "AWS_Lambda_ruby3.3"
    assert env["GEM_PATH"].split(":")[0].endswith("/vendor/bundle/ruby/3.3.0")
    assert str(prefix / "lib/ruby/gems/3.3.0") in env["GEM_PATH"].split(":")
    assert env["RUBYLIB"] == seen["cwd"]


def test_ruby_with_the_client_of_the_package(equipped: Platform) -> None:
    platform = equipped.start()
    bundled = "vendor/bundle/ruby/3.3.0/gems/aws_lambda_ric-2.0.0/bin/aws_lambda_ric"
    seen = told(platform, "ruby3.3", "app.handle", {"app.rb": "", bundled: ""})
    assert seen["argv"][1:] == [f"{seen['cwd']}/{bundled}", "app.handle"]


def test_ruby_without_the_client(equipped: Platform) -> None:
    error = told(equipped.start(), "ruby3.3", "app.handle", {"app.rb": ""})
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert error["errorMessage"].endswith("bin/gem install aws_lambda_ric")


def test_ruby_with_a_wrapper(equipped: Platform) -> None:
    gem(equipped.directory.parent / "home/.rbenv/versions/3.3.5/lib/ruby/gems/3.3.0")
    platform = equipped.start()
    variables = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/no/such/wrapper"}}
    error = told(platform, "ruby3.3", "app.handle", {"app.rb": ""}, Environment=variables)
    # AWS-recorded test_lambda_runtime_wrapper_not_found
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 127")


def test_dotnet_executable_assemblies(equipped: Platform) -> None:
    platform = equipped.start()
    for handler in ("App", "App.dll"):
        seen = told(platform, "dotnet8", handler, {"App.dll": ""})
        assert seen["argv"][1:] == ["exec", f"{seen['cwd']}/App.dll"]
        assert seen["argv"][0] == f"{seen['env']['DOTNET_ROOT']}/dotnet"
    seen = told(platform, "dotnet8", "App", {"App": STAND_IN})
    assert seen["argv"] == [f"{seen['cwd']}/App"]
    error = told(platform, "dotnet8", "Other", {"App.dll": ""})
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert (
        "executable assembly /var/task/Other.dll or binary /var/task/Other not found."
        in error["errorMessage"]
    )


CLASS_FILES = {"App.deps.json": "", "App.runtimeconfig.json": ""}
HANDLER = "App::App.Function::Handle"


def test_dotnet_classes(equipped: Platform) -> None:
    library = (
        equipped.directory.parent / "home/.nuget/packages/amazon.lambda.runtimesupport/1.12.0/lib/net8.0"
    )
    library.mkdir(parents=True)
    (library / "Amazon.Lambda.RuntimeSupport.dll").touch()
    platform = equipped.start()
    seen = told(platform, "dotnet8", HANDLER, CLASS_FILES)
    task = seen["cwd"]
    assert seen["argv"][1:6] == [
        "exec",
        "--depsfile",
        f"{task}/App.deps.json",
        "--runtimeconfig",
        f"{task}/App.runtimeconfig.json",
    ]
    assert seen["argv"][6].endswith("/Amazon.Lambda.RuntimeSupport.dll")
    assert seen["argv"][7] == HANDLER
    other = {"Variables": {"LAMBDA_DOTNET_MAIN_ASSEMBLY": "Main.dll"}}
    files = {**CLASS_FILES, "Main.deps.json": "", "Main.runtimeconfig.json": ""}
    seen = told(platform, "dotnet8", HANDLER, files, Environment=other)
    assert seen["argv"][3] == f"{task}/Main.deps.json"
    error = told(platform, "dotnet8", HANDLER, {"App.deps.json": ""})
    assert "the required .runtimeconfig.json file is missing" in error["errorMessage"]


def test_dotnet_classes_with_the_library_of_the_package(equipped: Platform) -> None:
    platform = equipped.start()
    seen = told(platform, "dotnet8", HANDLER, {**CLASS_FILES, "Amazon.Lambda.RuntimeSupport.dll": ""})
    assert seen["argv"][6] == f"{seen['cwd']}/Amazon.Lambda.RuntimeSupport.dll"
    error = told(platform, "dotnet8", HANDLER, CLASS_FILES)
    assert "Amazon.Lambda.RuntimeSupport.dll is neither in the package nor" in error["errorMessage"]


@pytest.mark.parametrize("runtime", ["ruby3.2", "dotnet10"])
def test_what_the_machine_lacks_is_said(
    own: Callable[..., Platform], equipped: Platform, runtime: str
) -> None:
    platform = own(start=False, runtime_fallback="false")
    platform.variables = equipped.variables
    platform.start()
    name = platform.create("", Runtime=runtime, Handler="App", Code={"ZipFile": packed({"App": ""})})
    answer = platform.invoke(name)
    assert answer.status >= 400
    assert f"for {runtime} on this machine" in answer.body.decode()
