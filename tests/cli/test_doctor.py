from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from lambent.execution.nodes import Nodes
from lambent.functions.runtimes import ACCEPTED


def test_a_healthy_machine(platform: Any) -> None:
    ended = platform.lambent("doctor")
    assert ended.code == 0
    assert "isolation guard" in ended.out
    report = json.loads(platform.lambent("doctor", "--json").out)
    findings = {finding["what"]: finding for finding in report["findings"]}
    assert report["healthy"]
    assert findings["platform"]["verdict"] == "ok"
    assert platform.url in findings["platform"]["detail"]
    assert findings["moto"]["verdict"] == "ok"


def test_every_runtime_is_listed(lambent: Any, tmp_path: Path) -> None:
    report = json.loads(lambent("doctor", "--json").out)
    runtimes = {runtime["runtime"]: runtime for runtime in report["runtimes"]}
    assert set(runtimes) == set(ACCEPTED)
    own = runtimes[f"python3.{sys.version_info[1]}"]
    assert (own["verdict"], own["client"]) == ("ok", "Lambent's")
    assert Path(own["program"]).is_file()
    for name in ("provided.al2", "provided.al2023"):
        assert runtimes[name]["verdict"] == "ok"
    assert (runtimes["python3.8"]["verdict"], runtimes["nodejs16.x"]["verdict"]) == ("unsupported",) * 2
    for runtime in runtimes.values():
        if runtime["verdict"] == "ok" and not runtime["runtime"].startswith("provided"):
            assert runtime["version"]
        else:
            assert runtime["detail"]
    table = lambent("doctor").out
    assert all(name in table for name in ACCEPTED)


@pytest.mark.skipif(not [*Nodes()], reason="there is no Node on this machine")
def test_packages_for_node_functions(lambent: Any, tmp_path: Path) -> None:
    def finding() -> dict[str, str]:
        report = json.loads(lambent("doctor", "--json", LAMBENT_DATA=str(tmp_path)).out)
        return next(one for one in report["findings"] if one["what"] == "AWS SDK for Node")

    missing = finding()
    assert missing["verdict"] == "note"
    assert f"npm install --prefix {tmp_path}/runtime " in missing["detail"]
    (tmp_path / "runtime" / "node_modules" / "@aws-sdk").mkdir(parents=True)
    assert (finding()["verdict"], finding()["detail"]) == ("ok", f"{tmp_path}/runtime/node_modules")


def test_on_a_machine_with_little_it_says_what_to_install(lambent: Any, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path), "HOME": str(tmp_path), "JAVA_HOME": "", "DOTNET_ROOT": ""}
    report = json.loads(lambent("doctor", "--json", **nothing).out)
    details = {runtime["runtime"]: runtime["detail"] for runtime in report["runtimes"]}
    assert "nvm install 22" in details["nodejs22.x"]
    found = {
        "ruby3.4": "gem install aws_lambda_ric",
        "dotnet10": "Amazon.Lambda.RuntimeSupport|dotnet-install.sh",
    }
    for name, pattern in found.items():
        assert re.search(pattern, details[name])


def test_what_else_is_found(lambent: Any, tmp_path: Path) -> None:
    ruby, dotnet = tmp_path / ".rbenv/versions/3.3.5", tmp_path / ".dotnet"
    (ruby / "bin").mkdir(parents=True)
    (ruby / "bin/ruby").touch()
    (ruby / "lib/ruby/gems/3.3.0/gems/aws_lambda_ric-3.0.1/bin").mkdir(parents=True)
    (dotnet / "shared/Microsoft.NETCore.App/8.0.11").mkdir(parents=True)
    (dotnet / "dotnet").touch()
    library = tmp_path / ".nuget/packages/amazon.lambda.runtimesupport/1.12.0/lib/net8.0"
    library.mkdir(parents=True)
    (library / "Amazon.Lambda.RuntimeSupport.dll").touch()
    client = tmp_path / ".m2/repository/com/amazonaws/aws-lambda-java-runtime-interface-client/2.6.0"
    client.mkdir(parents=True)
    (client / "aws-lambda-java-runtime-interface-client-2.6.0.jar").touch()
    jdk = tmp_path / ".sdkman/candidates/java/21.0.5-tem"
    (jdk / "bin").mkdir(parents=True)
    (jdk / "bin/java").touch()
    (jdk / "release").write_text('IMPLEMENTOR="x"\nJAVA_VERSION="21.0.5"\n')
    places = {
        "HOME": str(tmp_path),
        "RBENV_ROOT": "",
        "DOTNET_ROOT": "",
        "SDKMAN_DIR": "",
        "NUGET_PACKAGES": "",
    }
    report = json.loads(lambent("doctor", "--json", **places).out)
    runtimes = {runtime["runtime"]: runtime for runtime in report["runtimes"]}
    assert (runtimes["ruby3.3"]["verdict"], runtimes["ruby3.3"]["client"]) == ("ok", "AWS's 3.0.1")
    assert (runtimes["dotnet8"]["verdict"], runtimes["dotnet8"]["client"]) == ("ok", "AWS's 1.12.0")
    assert (runtimes["java21"]["verdict"], runtimes["java21"]["client"]) == ("ok", "AWS's 2.6.0")
    assert runtimes["ruby3.3"]["version"] == "3.3.5"


def test_a_platform_asked_for_by_name_must_answer(lambent: Any) -> None:
    ended = lambent("doctor", "--json", "--endpoint-url", "http://127.0.0.1:9")
    assert ended.code == 1
    (finding,) = [finding for finding in json.loads(ended.out)["findings"] if finding["what"] == "platform"]
    assert finding["verdict"] == "broken"
