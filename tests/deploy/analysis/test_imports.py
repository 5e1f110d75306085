"""Apps that cannot be imported: one message, its place, its mend, and what the app printed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.deploy.analysis.conftest import write

from lambent.deploy.analysis import Analyser, analyse
from lambent.deploy.analysis.process import Importer
from lambent.deploy.errors import AnalysisError, DeployError
from lambent.deploy.project_file import load_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.analysis.conftest import Analysed

START = "from lambent import App\napp = App('shop')\n"
MISTAKES = [
    # what app.py says, message, place, a part of the hint, a part of what is shown
    (START + "def f(:\n", "SyntaxError: ", "app.py:3", None, "    def f(:\n          ^"),
    (START + "import shop_b\n", "SyntaxError: ", "shop_b.py:2", None, "x = ("),
    (
        START + "1 / 0\n",
        "ZeroDivisionError when it is imported: division by zero",
        "app.py:3",
        None,
        None,
    ),
    (
        "import os\n" + START + "os.environ['SHOP_KEY']\n",
        "reads the variable SHOP_KEY at import, and it is not set",
        "app.py:4",
        "[app] environment in lambent.toml",
        None,
    ),
    (
        "import os\n" + START + "def key(): return os.environ['K']\nkey()\n",
        "reads the variable K at import",
        "app.py:4",
        None,
        None,
    ),
    (
        START + "import yaml_of_nobody.deep\n",
        "imports yaml_of_nobody, and there is no such module",
        "app.py:3",
        "-m pip install yaml_of_nobody",
        None,
    ),
    (
        START + "import lambent.no_such\n",
        "there is no module lambent.no_such",
        "app.py:3",
        "pip install lambent",
        None,
    ),
    (
        START + "import sys\nsys.exit(3)\n",
        "ends the process when it is imported: sys.exit(3)",
        "app.py:4",
        "__main__",
        None,
    ),
    (
        START + "import os\nprint('so far', flush=True)\nos._exit(4)\n",
        "the process that imports the app ended with the code 4",
        None,
        None,
        "so far",
    ),
    (
        START + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
        "was ended by the signal SIGSEGV",
        None,
        None,
        None,
    ),
    (
        START + "print('tidings')\nraise KeyError('x')\n",
        "KeyError when it is imported: 'x'",
        "app.py:4",
        None,
        "tidings",
    ),
    (
        START + "@app.get\ndef f(): ...\n",
        "f: write @app.get(…), with parentheses",
        "app.py:3",
        None,
        None,
    ),
    (START + "@app.get('/{a}')\ndef f(): ...\n", "GET /{a}: f: it does not take", "app.py:3", None, None),
    (
        START + "class S: ...\n@app.get('/')\ndef f(s: S): ...\n",
        "'s' cannot be made from a request",
        "app.py:4",
        None,
        None,
    ),
    (
        START + "app.include('shop.orders:router')\n",
        "include: 'shop.orders:router': there is no module shop",
        "app.py:3",
        None,
        None,
    ),
    (
        START
        + "from lambent import Table\nt = Table('t', dict, key='a')\nu = Table('t', key='b')\napp.get('/')(lambda: 1)",
        "the table t is declared with both",
        None,
        "Declare it once",
        None,
    ),
    (
        START
        + "try:\n    raise ValueError('a')\nexcept ValueError as e:\n    raise RuntimeError('b') from e\n",
        "RuntimeError when it is imported: b",
        "app.py:6",
        None,
        "ValueError: a",
    ),
]


def test_a_trace_is_shown_where_it_tells_more_than_the_place(analysed: Analysed) -> None:
    with pytest.raises(AnalysisError) as caught:
        analysed(
            {
                "app.py": START + "from prices import price\nprice(0)\n",
                "prices.py": "def price(x):\n    1 / x\n",
            }
        )
    assert caught.value.place == "prices.py:2"
    assert [
        line.strip() for line in caught.value.output.splitlines() if "File" in line or "price(0)" in line
    ] == [
        f'File "{analysed.root}/app.py", line 4, in <module>',
        "price(0)",
        f'File "{analysed.root}/prices.py", line 2, in price',
    ]
    with pytest.raises(AnalysisError) as caught:
        analysed({"app.py": START + "1 / 0\n"})
    assert caught.value.output == ""


@pytest.mark.parametrize(("code", "message", "place", "hint", "shown"), MISTAKES)
def test_mistakes(
    analysed: Analysed, code: str, message: str, place: str | None, hint: str | None, shown: str | None
) -> None:
    with pytest.raises(AnalysisError) as caught:
        analysed({"app.py": code, "shop_b.py": "y = 1\nx = (\n"})
    error = caught.value
    assert message in error.message
    assert error.place == place
    assert hint is None or hint in (error.hint or "")
    assert shown is None or shown in error.output
    assert "child.py" not in error.output
    assert "importlib" not in error.output


@pytest.mark.parametrize(
    ("handler", "message", "hint"),
    [
        ("app.shop", "there is no shop in it", "It has App, app, f"),
        ("ap.app", "there is no module ap: it was looked for in", "path, beside it in the settings"),
        ("app.NAME", "app.NAME is no App: it is str", "handler below [app] names the App"),
    ],
)
def test_handlers_that_are_none(analysed: Analysed, handler: str, message: str, hint: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        analysed(
            {"app.py": START + "def f(): ...\nNAME = ''", "lambent.toml": f'[app]\nhandler = "{handler}"'}
        )
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_handler_that_is_no_app_is_a_plain_function(analysed: Analysed) -> None:
    manifest = analysed(
        {
            "app.py": "def lambda_handler(event, context): ...",
            "lambent.toml": '[app]\nhandler = "app.lambda_handler"',
        }
    )
    (unit,) = manifest.units
    assert (unit.name, unit.kind, unit.handler, unit.direct) == ("app", "handler", "app.lambda_handler", True)


def test_variables_of_the_settings_are_there_at_import(analysed: Analysed) -> None:
    code = (
        "import os\nfrom lambent import App\napp = App(os.environ['NAME'] + os.environ['AWS_REGION'][:0])\n"
    )
    code += "assert os.environ['LAMBENT_STAGE'] == 'prod'\nassert os.environ['QUEUE_URL_RECEIPTS']\n"
    code += "app.get('/')(lambda: 1)\n"
    settings = '[app]\nenvironment = { NAME = "a" }\n[stages.prod]\nenvironment = { NAME = "b" }\n'
    manifest = analysed({"app.py": code, "lambent.toml": settings}, "prod")
    assert manifest.app == "b"
    assert manifest.units[0].environment == {"NAME": "b"}


def test_functions_in_folders_of_their_own_may_have_modules_of_one_name(analysed: Analysed) -> None:
    manifest = analysed(
        {
            "a/handler.py": "import own\ndef handler(e, c): ...",
            "a/own.py": "",
            "b/handler.py": "import other\ndef handler(e, c): ...",
            "b/other.py": "",
            "lambent.toml": "".join(
                f'[[function]]\nname = "{name}"\nhandler = "handler.handler"\npath = "{name}"\n'
                for name in "ab"
            ),
        }
    )
    assert [(unit.source, unit.files) for unit in manifest.units] == [
        ("a", ("handler.py", "own.py")),
        ("b", ("handler.py", "other.py")),
    ]


def test_what_an_app_starts_ends_with_its_analysis(analysed: Analysed, tmp_path: Path) -> None:
    code = START + (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "app.get('/')(lambda: 1)\n"
    )
    analysed({"app.py": code})
    pid = int((tmp_path / "pid").read_text())
    _until(lambda: not _runs(pid))


@pytest.mark.parametrize("is_killed", [True, False])
def test_an_import_that_never_ends_goes_with_who_has_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    note = tmp_path / "pid"
    code = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    write(tmp_path, {"app.py": START + code})
    project = load_project(tmp_path, environment={})
    if is_killed:
        program = (
            "import sys\nfrom pathlib import Path\nfrom lambent.deploy.analysis import analyse\n"
            "from lambent.deploy.project_file import load_project\n"
            "p = load_project(Path(sys.argv[1]), environment={})\nanalyse(p, p.stage_named(None))\n"
        )
        asking = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
        _until(lambda: note.exists() and note.read_text() != "")
        asking.kill()
        asking.wait()
    else:
        monkeypatch.setattr("lambent.deploy.analysis.process.LONGEST", 0.3)
        with pytest.raises(AnalysisError, match="importing the app takes more than"):
            analyse(project, project.stage_named(None))
    pid = int(note.read_text())
    _until(lambda: not _runs(pid))


def test_an_app_that_forks_is_not_waited_for(tmp_path: Path, importer: Importer) -> None:
    """What it leaves behind has the pipe of the answer open."""
    code = START + "import os, time\nif os.fork() == 0: time.sleep(600)\napp.get('/')(lambda: 1)\n"
    write(tmp_path, {"app.py": code})
    project = load_project(tmp_path, environment={})
    begun = time.monotonic()
    assert Analyser(project, importer=importer).analyse(project.stage_named(None)).routes
    assert time.monotonic() - begun < 30


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_an_analyser_sees_changes_and_forgets_nothing_of_them(tmp_path: Path, importer: Importer) -> None:
    write(tmp_path, {"app.py": START + "import prices\napp.get('/a')(lambda: 1)\n", "prices.py": ""})
    project = load_project(tmp_path, environment={})
    analyser = Analyser(project, importer=importer)
    stage = project.stage_named(None)
    first = analyser.analyse(stage)
    write(tmp_path, {"prices.py": "import rates, yaml", "rates.py": ""})
    second = analyser.analyse(stage)
    assert (first.units[0].files, second.units[0].files) == (
        ("app.py", "prices.py"),
        ("app.py", "prices.py", "rates.py"),
    )
    assert "pyyaml" in second.units[0].imports
    write(tmp_path, {"prices.py": "1 +"})
    with pytest.raises(AnalysisError):
        analyser.analyse(stage)
    write(tmp_path, {"prices.py": ""})
    assert analyser.analyse(stage) == first


def test_changes_within_a_second_are_seen(tmp_path: Path, importer: Importer) -> None:
    """Python would take its bytecode for current: it is of a file of this size, and of this second."""
    write(tmp_path, {"app.py": START + "app.get('/a')(lambda: 1)\n"})
    project = load_project(tmp_path, environment={})
    analyser = Analyser(project, importer=importer)
    for path in "abcabc":
        write(tmp_path, {"app.py": START + f"app.get('/{path}')(lambda: 1)\n"})
        manifest = analyser.analyse(project.stage_named(None))
        assert {route.path for route in manifest.routes} == {f"/{path}"}


def test_one_analysis_leaves_no_process_and_a_dead_importer_is_replaced(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": START + "app.get('/a')(lambda: 1)\n"})
    project = load_project(tmp_path, environment={})
    stage = project.stage_named(None)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    there = children.read_text()
    manifest = analyse(project, stage)
    assert children.read_text() == there
    analyser = Analyser(project)
    importer = analyser._importer
    assert importer is not None
    assert importer._process is not None
    importer._process.kill()
    importer._process.wait()
    assert analyser.analyse(stage) == manifest
    analyser.close()


@pytest.mark.parametrize(
    ("python", "told"),
    [("#!/bin/sh\necho no luck >&2\nexit 1\n", "ends before it has answered"), (None, "cannot be started")],
)
def test_an_interpreter_that_does_not_work(tmp_path: Path, python: str | None, told: str) -> None:
    path = tmp_path / "python"
    path.write_text(python or "")
    path.chmod(0o755 if python else 0o644)
    write(tmp_path, {"app.py": START, "lambent.toml": '[app]\npython = "python"\n'})
    project = load_project(tmp_path, environment={})
    with pytest.raises(DeployError, match=told) as caught:
        analyse(project, project.stage_named(None))
    if python:
        assert isinstance(caught.value, AnalysisError)
        assert caught.value.output == "no luck"


def test_the_importer_is_standard_library_until_it_is_asked() -> None:
    program = Path(sys.modules[Importer.__module__].__file__ or "").with_name("child.py")
    code = f"import sys, runpy; sys.argv = ['x']; runpy.run_path({str(program)!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert not {
        name for name in done.stdout.split() if name.startswith(("lambent", "msgspec", "asyncio", "typing_"))
    }


def test_a_template_has_no_manifest(tmp_path: Path) -> None:
    write(tmp_path, {"template.yaml": "Resources: {}"})
    project = load_project(tmp_path, environment={})
    with pytest.raises(AnalysisError, match=r"template\.yaml is a template"):
        analyse(project, project.stage_named(None))


NEWER = """
from shop import rates
type Order = dict[str, int]
def price[T](event: T, context: object) -> str:
    import os
    os.environ["QUEUE_URL_RECEIPTS"]
    return f"{event["a"]}"
"""


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (
            "3.9",
            "from shop import rates\ndef price(event, context):\n    import os\n    os.environ['QUEUE_URL_RECEIPTS']\n",
        ),
        ("3.13", NEWER),
    ],
)
def test_other_interpreters_than_this_one(tmp_path: Path, version: str, code: str) -> None:
    """The project's Python may be newer: what it understands is read by it. And it need not have the framework."""
    python = next((one for one in _interpreters() if one.name == f"python{version}"), None)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    settings = f"[app]\npython = {str(python)!r}\n[[function]]\nname = 'price'\nhandler = 'app.price'\n"
    settings += "[resources.queues.receipts]\n"
    rates = "type A = int\nimport shop.deep" if version == "3.13" else "import shop.deep"
    write(tmp_path, {"app.py": code, "shop/rates.py": rates, "shop/deep.py": "", "lambent.toml": settings})
    project = load_project(tmp_path, environment={})
    manifest = analyse(project, project.stage_named(None))
    (unit,) = manifest.units
    assert (unit.runtime, unit.files) == (f"python{version}", ("app.py", "shop/deep.py", "shop/rates.py"))
    assert [(use.kind, use.name, use.access) for use in manifest.uses] == [("queue", "receipts", ("send",))]


def _interpreters() -> list[Path]:
    folders = [Path(one) for one in os.environ["PATH"].split(os.pathsep)]
    folders += Path.home().glob(".pyenv/versions/*/bin")
    return [one for folder in folders if "shims" not in folder.parts for one in folder.glob("python3.*")]
