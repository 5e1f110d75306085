"""Finding a project, and reading its settings."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from lambent.deploy.errors import ProjectError
from lambent.deploy.manifest import Cors, Jwt
from lambent.deploy.project_file import load_project

APP = 'from lambent import App\napp = App("shop")\n'


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
    return root


FOUND = [
    ({"app.py": APP}, None, "app.app", "."),
    ({"app.py": APP, "other.py": APP}, None, "app.app", "."),
    ({"main.py": APP, "other.py": APP}, None, "main.app", "."),
    ({"till.py": APP.replace("app =", "till: App =")}, None, "till.till", "."),
    ({"till.py": "import lambent as l\nshop = l.App()"}, None, "till.shop", "."),
    ({"shop/__init__.py": "", "shop/web.py": APP}, None, "shop.web.app", "."),
    ({"shop/__init__.py": APP}, None, "shop.app", "."),
    ({"src/app.py": APP}, None, "app.app", "src"),
    ({"src/shop/__init__.py": "", "src/shop/app.py": APP}, None, "shop.app.app", "src"),
    ({"tests/app.py": APP, "test_app.py": APP, "conftest.py": APP, ".x/app.py": APP, "a.py": APP}, None, "a.app", "."),
    ({"app.py": "from lambent import App\napp = App(\n"}, None, "app.app", "."),
    ({"a.py": APP, "b.py": APP}, "b.py", "b.app", "."),
    ({"a.py": APP, "b.py": APP}, "b.app", "b.app", "."),
    ({"a.py": APP, "b.py": APP}, "b:app", "b.app", "."),
    ({"sub/app.py": APP, "app.py": APP}, "sub", "app.app", "."),
    ({"sub/app.py": APP, "lambent.toml": "port = 1"}, "sub", "app.app", "."),
    ({"sub/app.py": APP, "lambent.toml": "[app]\npath = 'sub'"}, "sub/app.py", "app.app", "sub"),
    ({"lambent.toml": '[app]\nhandler = "src/shop:app"'}, None, "src.shop.app", "."),
    ({"pyproject.toml": '[tool.lambent.app]\nhandler = "a.b"'}, None, "a.b", "."),
    ({"f.py": "", "lambent.toml": '[[function]]\nname = "f"\nhandler = "f.f"'}, None, None, "."),
    ({"app.py": APP, "lambent.toml": '[[function]]\nname = "f"\nhandler = "app:app"'}, None, None, "."),
    ({"app.py": APP, "lambent.toml": '[[function]]\nname = "f"\nhandler = "app.f"'}, None, "app.app", "."),
    ({"app.py": APP, "lambent.toml": '[app]\n[[function]]\nname = "f"\nhandler = "f.f"'}, None, "app.app", "."),
]  # fmt: skip


@pytest.mark.parametrize(("files", "app", "handler", "source"), FOUND)
def test_the_app_is_found(
    tmp_path: Path, files: dict[str, str], app: str | None, handler: str | None, source: str
) -> None:
    root = write(tmp_path / "mein Laden", files)
    project = load_project(root, app=app, environment={})
    assert (project.handler, project.source) == (handler, source)
    assert project.template is None
    assert project.root == (root / "sub" if app == "sub" else root)


@pytest.mark.parametrize(
    ("files", "app"),
    [
        ({"template.yaml": ""}, None),
        ({"template.yml": "", "app.py": "x = 1"}, None),
        ({"template.json": "{}"}, "template.json"),
        ({"app.py": APP, "other.yaml": ""}, "other.yaml"),
    ],
)
def test_a_template_is_a_project(tmp_path: Path, files: dict[str, str], app: str | None) -> None:
    project = load_project(write(tmp_path, files), app=app, environment={})
    assert project.template is not None
    assert project.template.name == app or next(iter(files))
    assert project.handler is None


def test_a_project_is_found_from_a_folder_in_it(tmp_path: Path) -> None:
    write(tmp_path, {"lambent.toml": '[app]\nname = "shop"', "app.py": APP, "a/b/x.py": ""})
    project = load_project(tmp_path / "a" / "b", environment={})
    assert (project.root, project.file, project.name) == (tmp_path, tmp_path / "lambent.toml", "shop")


def test_all_that_can_be_told(tmp_path: Path) -> None:
    text = """
        port = 4000                                    # the platform's
        [app]
        handler = "app.app"
        unit = "router"
        memory = 512
        environment = { A = "1" }
        cors = { origins = ["https://a.example"], credentials = true }
        jwt = { issuer = "https://id.example", audience = ["shop"] }
        [app.units.orders]
        timeout = 9
        [[function]]
        name = "render"
        handler = "index.handler"
        runtime = "nodejs20.x"
        path = "render"
        [resources.queues.receipts]
        max_receives = 5
        [deploy]
        provider = "aws"
        stage = "test"
        region = "eu-west-1"
        [deploy.providers.aws]
        profile = "work"
        bucket = "artefacts"
        role = "only aws knows"
        [stages.prod]
        protected = true
        region = "eu-central-1"
        memory = 1024
        environment = { B = "2" }
        [stages.prod.units.orders]
        memory = 2048
    """
    project = load_project(write(tmp_path, {"lambent.toml": text, "render/index.mjs": ""}), environment={})
    assert (project.handler, project.unit, project.stage, project.provider) == (
        "app.app",
        "router",
        "test",
        "aws",
    )
    assert project.cors == Cors(origins=("https://a.example",), credentials=True)
    assert project.jwt == Jwt(issuer="https://id.example", audience=("shop",))
    assert project.resources == {"queues": {"receipts": {"max_receives": 5}}}
    aws = project.providers["aws"]
    assert (aws.region, aws.profile, aws.bucket, aws.options) == (
        "eu-west-1",
        "work",
        "artefacts",
        {"role": "only aws knows"},
    )
    # What [deploy] says is for every provider that is chosen, with a table or without.
    local = project.settings_of_provider("local")
    assert (local.name, local.region, local.profile) == ("local", "eu-west-1", None)
    prod, test = project.stage_named("prod"), project.stage_named(None)
    assert (prod.protected, prod.region, test.name, test.protected) == (True, "eu-central-1", "test", False)
    sizes = {
        (stage.name, unit): (settings.memory, settings.timeout, settings.environment, settings.runtime)
        for stage in (prod, test)
        for unit, language in (("orders", "python"), ("other", "python"), ("render", "node"))
        for settings in [project.settings_of(stage, unit, "node" if language == "node" else "python")]
    }
    assert sizes == {
        ("prod", "orders"): (2048, 9, {"A": "1", "B": "2"}, None),
        ("prod", "other"): (1024, None, {"A": "1", "B": "2"}, None),
        ("prod", "render"): (1024, None, {"A": "1", "B": "2"}, "nodejs20.x"),
        ("test", "orders"): (512, 9, {"A": "1"}, None),
        ("test", "other"): (512, None, {"A": "1"}, None),
        ("test", "render"): (512, None, {"A": "1"}, "nodejs20.x"),
    }


BAD = [
    ("[app", "not valid TOML", None),
    ("[apps]", "unknown table [apps]: did you mean [app]?", None),
    ("app = 1", "app has to be a table, and is 1", None),
    ("[app]\nhandlr = 'a.b'", "[app]: unknown key handlr", "Did you mean handler?"),
    ("[app]\nhandler = 'app'", "[app] handler 'app' is no handler", None),
    ("[app]\nhandler = 3", "[app] handler is 3: it must be a text", None),
    ("[app]\nunit = 'routers'", "[app] unit is 'routers'", None),
    ("[app]\nauth = 'jwt'", "[app] auth is 'jwt': it can only be \"iam\"", None),
    ("[app]\nmemory = '1'", "[app] memory: it must be a number, and is a text", None),
    ("[app]\nenvironment = { A = 1 }", "[app] environment: A is 1: variables are texts", 'A = "1"'),
    ("[app]\nurl = 'open'", '[app] url: it must be "iam" or "none", and is \'open\'', None),
    ("[app]\ntracing = 'yes'", "[app] tracing: it must be true or false, and is a text", None),
    ("[foo]", "unknown table [foo]", "There are [app], [function]"),
    ("[app]\npath = 'nowhere'", "[app] path nowhere: no such folder", None),
    ("[app]\npython = 'nowhere'", "[app] python nowhere: no such file", None),
    ("[app.units.x]\nmemry = 1", "[app.units.x]: unknown key memry", "Did you mean memory?"),
    ("[app]\nunits = 1", "[app.units] has to be tables", None),
    ("[app.cors]\norigin = ['*']", "[app.cors]: unknown key origin", "Did you mean origins?"),
    ("[app.jwt]\nissuer = 'x'", "[app.jwt]: there is no audience", None),
    ("[[function]]\nname = 'f'", "[[function]]: there is no handler", None),
    ("[[function]]\nname = 'a b'\nhandler = 'a.b'", "[[function]] name 'a b': 1 to 64 letters", None),
    ("[[function]]\nname = 'f'\nhandler = 'a.b'\n" * 2, "two [[function]] tables have the name f", "Rename"),
    ("[[function]]\nname = 'f'\nhandler = 'a.b'\npath = 'x'", "[[function]] f: path x: no such folder", None),
    ("[resources.queue.x]", "[resources]: unknown key queue", "Did you mean queues?"),
    ("[resources.queues]\nx = 1", "[resources.queues] has to be tables", None),
    ("[deploy]\nprovidr = 'x'", "[deploy]: unknown key providr", "Did you mean provider?"),
    ("[deploy]\nstage = 'a_b'", "the stage 'a_b': its name begins with a letter", None),
    ("[stages.1st]", "the stage '1st'", None),
    ("[stages.prod]\nprotected = 'yes'", "[stages.prod] protected is 'yes': true or false", None),
    ("[stages.prod]\nmemori = 1", "[stages.prod]: unknown key memori", "Did you mean memory?"),
    ("stages.prod = 1", "[stages.prod] has to be a table", None),
]


@pytest.mark.parametrize(("text", "told", "hint"), BAD)
def test_mistakes_in_the_settings(tmp_path: Path, text: str, told: str, hint: str | None) -> None:
    write(tmp_path, {"lambent.toml": text, "app.py": APP})
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path, environment={})
    assert told in str(caught.value)
    assert str(tmp_path / "lambent.toml") in str(caught.value)
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("files", "app", "told"),
    [
        ({}, None, "no App in it"),
        ({"app.py": "def make():\n    from lambent import App\n    app = App()"}, None, "no App in it"),
        ({"a.py": APP, "b.py": APP}, None, "there are 2 Apps: a.app (a.py:2), b.app (b.py:2)"),
        ({"app.py": APP + "b = App()"}, None, "there are 2 Apps: app.app (app.py:2), app.b (app.py:3)"),
        ({"a.py": "x = 1"}, "a.py", "no App in it"),
        ({"app.py": APP}, "nowhere.py", "nowhere.py: no such file or folder"),
        ({"app.py": APP}, "a/b", "a/b: no such file or folder"),
        ({"app.py": APP}, "apps", "'apps' is no handler"),
    ],
)
def test_no_app_or_several(tmp_path: Path, files: dict[str, str], app: str | None, told: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load_project(write(tmp_path, files), app=app, environment={})
    assert told in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such folder"):
        load_project(tmp_path / "x")


def test_the_interpreter_is_the_projects(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": APP, "env/bin/python": "", "other/bin/python": ""})
    active = {"VIRTUAL_ENV": str(tmp_path / "env")}
    assert load_project(tmp_path, environment={}).python == Path(sys.executable)
    assert load_project(tmp_path, environment=active).python == tmp_path / "env/bin/python"
    write(tmp_path, {".venv/bin/python": ""})
    assert load_project(tmp_path, environment=active).python == tmp_path / ".venv/bin/python"
    write(tmp_path, {"lambent.toml": "[app]\npython = 'other'"})
    assert load_project(tmp_path, environment=active).python == tmp_path / "other/bin/python"


def test_links_to_folders_above_are_no_circles(tmp_path: Path) -> None:
    write(tmp_path, {"shop/__init__.py": "", "shop/main.py": APP})
    for name in ("one", "two", "three"):
        (tmp_path / "shop" / name).symlink_to(tmp_path / "shop")
    assert load_project(tmp_path, environment={}).handler == "shop.main.app"


def test_a_table_of_a_pyproject_that_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": "[tool]\nlambent = 5\n"})
    with pytest.raises(ProjectError, match=r"\[tool\]: lambent has to be a table, and is 5"):
        load_project(tmp_path, environment={})
