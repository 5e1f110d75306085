"""`lambent deploy …`, as a user types it: the shop by both providers, and what goes wrong before anything is sent."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.cli.conftest import REPOSITORY, clean_environment, run_lambent, wait_until
from tests.deploy.providers.deployments import provider

from lambent.cli.app import lambent
from lambent.cli.deploy_screen import Screen
from lambent.cli.failure import Failure
from lambent.deploy import dev_session
from lambent.deploy.providers import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APP = """
from lambent import App, Queue
app = App("commands")
receipts = Queue("receipts")

@app.get("/")
def index() -> dict:
    receipts.send({"a": 1})
    return {}

@app.queue("receipts")
def receive(message: dict) -> None:
    pass
"""


def test_the_shop(moto: str, tmp_path: Path) -> None:
    """In a folder whose name is no word of ASCII. On a platform it is what the README shows."""
    shop = tmp_path / "mein schöner laden"
    shutil.copytree(
        REPOSITORY / "examples" / "shop", shop, ignore=shutil.ignore_patterns(".lambent", "__pycache__")
    )
    where = ("--provider", "aws", "--endpoint-url", moto, "--region", "eu-west-1")
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    applied = run_lambent(shop, "deploy", "apply", "--json", *where, **keys)
    assert applied.code == 0, applied.err
    document = json.loads(applied.out)
    assert document["summary"]["add"] > 50
    assert document["stack"] == "shop-dev"
    functions = provider("aws", moto).access.client("lambda").list_functions()["Functions"]
    assert {found["FunctionName"] for found in functions} >= {"shop-dev-orders", "shop-dev-price"}


class Project:
    """A project, and `lambent deploy` in it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and everything that was printed."""
        ended = CliRunner().invoke(
            lambent, ["deploy", *arguments], env={"LAMBENT_ENDPOINT_URL": self._url}, standalone_mode=False
        )
        error = ended.exception
        if isinstance(error, Failure):
            return error.exit_code, ended.output + error.text()
        if error is not None:
            raise error
        code = ended.return_value if isinstance(ended.return_value, int) else 0
        return code, ended.output


@pytest.fixture
def project(tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path, platform)
    made.write("app.py", APP)
    made.write("lambent.toml", '[app]\nname = "commands"\n[stages.prod]\nprotected = true\n')
    return made


def test_a_protected_stage_is_not_changed_without_a_word(project: Project) -> None:
    assert project("apply", "--stage", "prod")[0] == 0
    project.write("app.py", APP.replace("receipts", "parcels"))
    code, told = project("plan", "--stage", "prod", "--json")
    assert code == 2
    plan = json.loads(told[told.index("{") :])
    assert {change["logical"] for change in plan["changes"] if change["action"] == "add"} >= {"ParcelsQueue"}
    code, told = project("apply", "--stage", "prod")
    assert code == 1
    assert (
        "The stage prod is protected, and ReceiptsDeadLetters, ReceiptsQueue would leave the app, with the data in it. "
        "Nothing was changed." in told
    )
    assert project("apply", "--stage", "prod", "--yes")[0] == 0
    code, told = project("destroy", "--stage", "prod")
    assert code == 1
    assert (
        "The stage prod is protected. Nothing was removed.\nWith --yes all of commands-prod is removed."
        in told
    )
    code, told = project("destroy", "--stage", "prod", "--yes")
    assert code == 0
    assert "Kept, as the template says: ParcelsQueue: " in told
    assert "commands-prod at http://127.0.0.1:" in told
    assert project("destroy", "--stage", "prod", "--yes") == (
        0,
        "  Removing packages …\ncommands-prod is not deployed: nothing to remove.\n",
    )


def test_a_way_back_is_not_told_as_an_update(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()

    def step(status: str, logical: str = "Worker", *, own: bool = False) -> None:
        screen.step(
            Step(logical=logical, physical="", type="AWS::Lambda::Function", status=status, time=1.0, own=own)
        )

    step("UPDATE_IN_PROGRESS", "stack", own=True)
    step("UPDATE_COMPLETE")
    step("UPDATE_ROLLBACK_IN_PROGRESS", "stack", own=True)
    step("UPDATE_COMPLETE")
    step("DELETE_COMPLETE", "Added")
    words = [line.rpartition("  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert words[0] == "updated"
    assert words[2:] == ["as it was before", "removed again"]


def test_nothing_is_deployed(project: Project) -> None:
    for command in ("info", "logs"):
        code, told = project(command, "--stage", "nowhere")
        assert code == 1
        assert "commands-nowhere is not deployed at http://" in told
        assert ", region us-east-1\n" in told
        assert "`lambent deploy apply` deploys it" in told


def _raising(project: Project) -> None:
    project.write("app.py", APP + "raise RuntimeError('no luck')\n")


def _reading(project: Project) -> None:
    project.write("app.py", APP + "import os\nKEY = os.environ['SHOP_KEY']\n")


def _long(project: Project) -> None:
    project.write("lambent.toml", f'[app]\nname = "{"very-" * 12}long"\n')


def _template(project: Project) -> None:
    (project.folder / "app.py").unlink()
    (project.folder / "lambent.toml").unlink()
    project.write("template.yaml", "Resources: {}\n")


def _nothing(project: Project) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (_raising, (), "no luck"),
        (_reading, (), "SHOP_KEY"),
        (_long, (), "shorter name"),
        (_template, (), "template.yaml is a template"),
        (_nothing, ("--provider", "mars"), "there are aws, local"),
        (_nothing, ("--endpoint-url", "http://127.0.0.1:1"), "lambent up"),
        (_nothing, ("--endpoint-url", "nonsense"), "must begin with http://"),
        (_nothing, ("--app", "missing.py"), "no such file"),
    ],
)  # fmt: skip
def test_what_goes_wrong_before(
    project: Project, spoil: Callable[[Project], None], options: tuple[str, ...], message: str
) -> None:
    spoil(project)
    code, told = project("plan", *options)
    assert code == 1, told
    assert message in told.lower() or message in told
    assert "Traceback" not in told.rpartition("Error:")[2]


def test_a_wrong_option_of_plan_is_no_change() -> None:
    assert subprocess.run(
        [sys.executable, "-m", "lambent.cli", "deploy", "plan", "--nonsense"],
        env=clean_environment(),
        capture_output=True,
        check=False,
    ).returncode == 1  # fmt: skip


def test_the_stack_of_a_running_dev_is_left_alone(project: Project, platform: str) -> None:
    session = dev_session.DevSession(
        url=platform, pid=1, app="commands", stack="commands-dev", stage="dev", region="eu-west-1"
    )
    dev_session.write(project.folder, session)
    code, told = project("destroy")
    assert code == 1
    assert "belongs to the `lambent dev` that is running" in told
    assert "--stage" in told


def test_ctrl_c_says_what_goes_on_and_again_leaves(project: Project, platform: str, tmp_path: Path) -> None:
    client = provider("local", platform).access.client("cloudformation")
    resources: dict[str, Any] = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "60"},
        },
    }
    client.create_stack(StackName="commands-slow", TemplateBody=json.dumps({"Resources": resources}))
    log = tmp_path / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-m", "lambent.cli", "deploy", "destroy", "--stage", "slow"],
            cwd=project.folder,
            env=clean_environment(LAMBENT_ENDPOINT_URL=platform, AWS_REGION="eu-west-1"),
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        wait_until(lambda: "Waiting for its end." in log.read_text())
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "Ctrl-C again ends it: it has removed nothing." in log.read_text())
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert "Traceback" not in log.read_text()
    client.delete_stack(StackName="commands-slow")


def test_a_provider_of_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    site = tmp_path / "site"
    information = site / "mars-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mars\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[lambent.providers]\nmars = mars:provider\nbroken = no_such_module:provider\n"
    )
    (site / "mars.py").write_text(
        "class Mars:\n"
        "    name = 'mars'\n"
        "    def __init__(self, request):\n"
        "        self.request = request\n"
        "    def logs(self, app, stage, query):\n"
        "        from lambent.deploy.providers import LogLine\n"
        "        yield LogLine(time_ms=0, unit='rover', group='', stream='', message=f'{app} {self.request.region}')\n"
        "provider = Mars\n"
    )
    monkeypatch.syspath_prepend(str(site))
    code, told = project("logs", "--provider", "mars", "--region", "olympus")
    assert code == 0
    assert told.endswith("rover commands olympus\n")
    code, told = project("logs", "--provider", "broken")
    assert code == 1
    assert "The provider broken (no_such_module:provider) cannot be imported: ModuleNotFoundError" in told
