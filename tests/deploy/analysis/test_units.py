"""Which units an app becomes, with which files and distributions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.deploy.analysis.conftest import write

from lambent.deploy.analysis import Analyser
from lambent.deploy.errors import AnalysisError
from lambent.deploy.project_file import load_project

if TYPE_CHECKING:
    from tests.deploy.analysis.conftest import Analysed

    from lambent.deploy.analysis.process import Importer
    from lambent.deploy.manifest import Unit

SHOP = Path(__file__).parents[3] / "examples" / "shop"

FILES = {
    "app.py": """
        from lambent import App
        from shop.users import router as users
        app = App("shop")
        app.include("shop.orders:router")
        app.include("shop.mail:mail", prefix="/v1")
        app.include(users)
        @app.get("/health")
        def health(): return "ok"
    """,
    "shop/__init__.py": "",
    "shop/orders.py": """
        from lambent import Router
        from . import prices
        router = Router("/orders")
        @router.get("")
        def orders(): ...
        @router.queue("receipts")
        def receipt(body: dict): ...
    """,
    "shop/prices.py": """
        from typing import TYPE_CHECKING
        import yaml
        if TYPE_CHECKING:
            import hypothesis
            from shop import never
        def price():
            from shop.deep import rates
    """,
    "shop/deep/__init__.py": "",
    "shop/deep/rates.py": "from .exact import rate as rate",
    "shop/deep/exact.py": "rate = 1",
    "shop/never.py": "",
    "shop/mail.py": """
        import importlib
        from lambent import Router
        mail = Router("/mail")
        try:
            import no_such_module
        except ImportError:
            import click
        @mail.get("")
        def read():
            importlib.import_module("shop.letters").write()
        @mail.channel("post")
        class Post:
            def on_message(self, message: dict): ...
    """,
    "shop/letters.py": "def write(): ...",
    "shop/users.py": """
        from lambent import Router
        router = Router("/users")
        @router.get("")
        def users(): ...
    """,
    "tests/test_app.py": "import app",
    "conftest.py": "",
}
OWN = ("app.py", "shop/__init__.py", "shop/users.py")
ORDERS = (
    "shop/deep/__init__.py",
    "shop/deep/exact.py",
    "shop/deep/rates.py",
    "shop/orders.py",
    "shop/prices.py",
)
MAIL = ("shop/letters.py", "shop/mail.py")


def told(unit: Unit) -> tuple[object, ...]:
    return unit.name, unit.kind, set(unit.files), unit.imports, unit.routers


def test_one_unit_has_all_that_is_imported_anywhere(analysed: Analysed) -> None:
    (unit,) = analysed(FILES).units
    assert told(unit) == ("app", "app", {*OWN, *ORDERS, *MAIL}, ("click", "lambent", "pyyaml"), None)


def test_a_unit_for_each_router_has_what_its_own_imports(analysed: Analysed) -> None:
    manifest = analysed({**FILES, "lambent.toml": '[app]\nunit = "router"'})
    assert [told(unit) for unit in manifest.units] == [
        ("app", "app", set(OWN), ("lambent",), ()),
        ("mail", "router", {*OWN, *MAIL}, ("click", "lambent"), ("shop.mail:mail",)),
        ("orders", "router", {*OWN, *ORDERS}, ("lambent", "pyyaml"), ("shop.orders:router",)),
        ("users", "router", set(OWN), ("lambent",), ()),
    ]
    assert [(route.unit, route.path) for route in manifest.routes if route.method == "GET"] == [
        ("app", "/health"),
        ("orders", "/orders"),
        ("users", "/users"),
        ("mail", "/v1/mail"),
    ]


def test_routers_that_routers_include_by_name_come_with_them(analysed: Analysed) -> None:
    inner = "from lambent import Router\nrouter = Router('/{name}')\nrouter.get('')(lambda: 1)\n"
    manifest = analysed(
        {
            "app.py": "from lambent import App\napp = App()\napp.include('a:router')\napp.include('b:router')",
            "a.py": inner.replace("{name}", "a") + "router.include('c:router')",
            "b.py": inner.replace("{name}", "b"),
            "c.py": inner.replace("{name}", "c"),
            "lambent.toml": "[app]\nunit = 'router'",
        }
    )
    assert [(unit.name, unit.files) for unit in manifest.units] == [
        ("a", ("a.py", "app.py", "c.py")),
        ("b", ("app.py", "b.py")),
    ]


def test_a_unit_for_each_handler(analysed: Analysed) -> None:
    manifest = analysed({**FILES, "lambent.toml": '[app]\nunit = "function"'})
    assert [told(unit) for unit in manifest.units] == [
        ("health", "function", set(OWN), ("lambent",), ()),
        ("orders", "function", {*OWN, *ORDERS}, ("lambent", "pyyaml"), ("shop.orders:router",)),
        ("post", "function", {*OWN, *MAIL}, ("click", "lambent"), ("shop.mail:mail",)),
        ("read", "function", {*OWN, *MAIL}, ("click", "lambent"), ("shop.mail:mail",)),
        ("receipt", "function", {*OWN, *ORDERS}, ("lambent", "pyyaml"), ("shop.orders:router",)),
        ("users", "function", set(OWN), ("lambent",), ()),
    ]


def test_what_is_imported_by_names_made_at_run_time_is_in(analysed: Analysed) -> None:
    (unit,) = analysed(
        {
            "app.py": """
                import importlib, pkgutil, plugins
                from lambent import App
                app = App("shop")
                for one in pkgutil.iter_modules(plugins.__path__):
                    importlib.import_module(f"plugins.{one.name}")
                app.get("/")(lambda: 1)
            """,
            "plugins/__init__.py": "",
            "plugins/cards.py": "import rates",
            "rates.py": "",
        }
    ).units
    assert unit.files == ("app.py", "plugins/__init__.py", "plugins/cards.py", "rates.py")


def test_what_is_not_installed_is_told(analysed: Analysed) -> None:
    code = "from lambent import App\napp = App('shop')\n@app.get('/')\ndef f():\n    import no_such.module\n"
    (finding,) = analysed({"app.py": code}).findings
    assert (finding.message, finding.place) == (
        "no_such.module is imported and not installed, so it is in no package",
        "app.py:5",
    )


def test_a_source_folder(analysed: Analysed) -> None:
    manifest = analysed(
        {
            "src/shop/__init__.py": "",
            "src/shop/main.py": "from lambent import App\nimport shop.prices\nshop = App()\nshop.get('/')(lambda: 1)",
            "src/shop/prices.py": "P = 1",
        }
    )
    (unit,) = manifest.units
    assert (unit.handler, unit.source, unit.files) == (
        "shop.main.shop",
        "src",
        ("shop/__init__.py", "shop/main.py", "shop/prices.py"),
    )
    assert manifest.app == "Gr-e-co"  # the folder's, as the App has none


@pytest.mark.parametrize("mode", ["router", "function"])
def test_units_of_the_shop_run_with_their_own_files_alone(
    tmp_path: Path, importer: Importer, mode: str
) -> None:
    """What the peer's pipeline got wrong: a queue's unit that answers with something else, or has not all it needs."""
    shop = tmp_path / "shop"
    shutil.copytree(SHOP, shop, ignore=shutil.ignore_patterns("test*", "__pycache__", ".*"))
    settings = (shop / "lambent.toml").read_text().replace('unit = "router"', f'unit = "{mode}"')
    write(
        shop,
        {
            "lambent.toml": settings
            if mode == "router"
            else settings.replace("[app.units.reports]", "[stages.x]")
        },
    )
    project = load_project(shop, environment={})
    manifest = Analyser(project, importer=importer).analyse(project.stage_named(None))
    assert len({unit.name for unit in manifest.units}) > 5
    for unit in manifest.units:
        if unit.language == "node":
            continue
        alone = tmp_path / "alone" / unit.name
        for file in unit.files:
            (alone / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(shop / file, alone / file)
        importer.ask(
            {
                "root": str(alone),
                "source": str(alone),
                "app": unit.handler,
                "functions": [],
                "environment": {
                    **os.environ,
                    **unit.environment,
                    "LAMBENT_UNIT_ROUTERS": ",".join(unit.routers or ()),
                },
            }
        )
        answer = importer.answer()
        assert "error" not in answer, (unit.name, answer)
        kinds = {one["kind"] for one in answer["app"]["registrations"]}
        for wanted, triggers in (
            ("http", manifest.routes),
            ("queue", manifest.queue_triggers),
            ("schedule", manifest.schedules),
            ("table_stream", manifest.stream_triggers),
            ("authorizer", manifest.authorizers),
        ):
            if any(trigger.unit == unit.name for trigger in triggers):
                assert wanted in kinds, (unit.name, wanted)


SHARED = """
    from lambent import App, Change, Router
    app = App("shop")
    router = Router()
    @app.event({"source": ["shop"]})
    def all_events(): ...
    @app.event({"source": ["shop"], "detail-type": ["placed"]})
    def placed(): ...
    @app.table_stream("orders", events=["REMOVE"])
    def removed(change: Change): ...
    @app.table_stream("orders", events=["INSERT"])
    def added(change: Change): ...
    @router.bucket("uploads")
    def uploaded(): ...
    @app.bucket("uploads", suffix=".csv")
    def csv(): ...
    @app.queue("q")
    def queue(body: str): ...
    app.include(router)
"""


def test_what_several_units_are_told_is_handled_once_by_each(analysed: Analysed, importer: Importer) -> None:
    """A unit has the whole app, and is for its own handlers only."""
    settings = "[app]\nunit = 'function'\n[resources.tables.orders]\nkey = 'id'"
    manifest = analysed({"app.py": SHARED, "lambent.toml": settings})
    told = {unit.name: unit.environment.get("LAMBENT_UNIT_HANDLERS") for unit in manifest.units}
    assert told == {
        "added": "app:added",
        "all_events": "app:all_events",
        "csv": "app:csv",
        "placed": "app:placed",
        "queue": None,
        "removed": "app:removed",
        "uploaded": "app:uploaded",
    }
    for unit in manifest.units:
        if unit.environment:
            importer.ask(
                {
                    "root": str(analysed.root),
                    "source": str(analysed.root),
                    "app": "app.app",
                    "functions": [],
                    "environment": unit.environment,
                }
            )
            there = importer.answer()["app"]["registrations"]
            assert [one["handler"]["name"] for one in there if one["kind"] != "queue"] == [unit.name]
    routers = analysed({"lambent.toml": settings.replace("function", "router")})
    assert {unit.name: unit.environment.get("LAMBENT_UNIT_HANDLERS") for unit in routers.units} == {
        "app": "app:added,app:all_events,app:csv,app:placed,app:removed",
        "router": "app:uploaded",
    }


NODE = """
[app]
[[function]]
name = "render"
handler = "index.handler"
path = "node"
runtime = "nodejs22.x"
[resources.queues.receipts]
[resources.tables.orders]
key = "id"
"""


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "the handler index.handler: there is no index.mjs or .js in node"),
        (
            {"node/index.mjs": "export const handle = 1"},
            "node/index.mjs: the handler index.handler: there is no handler",
        ),
        ({"node/index.mjs": "export const handler = () => process.env.QUEUE_URL_RECEIPTS"}, None),
        (
            {
                "node/index.ts": "const { LAMBENT_TABLE_ORDERS: t } = process.env\nexport const handler = () => t"
            },
            None,
        ),
        (
            {
                "node/index.js": "exports.handler = 1",
                "node/node_modules/a.js": "process.env.LAMBENT_TABLE_ORDERS",
            },
            None,
        ),
    ],
)
def test_functions_of_node(analysed: Analysed, files: dict[str, str], told: str | None) -> None:
    app = {"app.py": "from lambent import App\napp = App()\napp.get('/')(lambda: 1)", "node/x.py": ""}
    if told is not None:
        with pytest.raises(AnalysisError) as caught:
            analysed({**app, **files, "lambent.toml": NODE})
        assert told in str(caught.value)
        return
    manifest = analysed({**app, **files, "lambent.toml": NODE})
    found = [(use.unit, use.kind, use.name, use.access) for use in manifest.uses]
    (text,) = (text for name, text in files.items() if "node_modules" not in name)
    assert found == (
        [("render", "queue", "receipts", ("send",))]
        if "QUEUE" in text
        else [("render", "table", "orders", ("read", "write"))]
        if "TABLE" in text
        else []
    )


NAMES = [
    (
        {"app.py": "from lambent import App\nimport b\napp = App()\n@app.get('/')\ndef f(): ...\napp.get('/b')(b.f)",
         "b.py": "def f(): ..."},
        "function",
        "two units have the name f: app.py:4 and b.py:1",
    ),
    (
        {"app.py": "from lambent import App\napp = App()\n@app.get('/')\ndef größe(): ..."},
        "function",
        "'größe' cannot be the name of a unit",
    ),
    (
        {"app.py": "from lambent import App, Router\napp = App()\nr = [Router('/a')]\nr[0].get('/')(lambda: 1)\n"
                   "app.include(r[0])"},
        "router",
        "a router is in no variable",
    ),
    (
        {"app.py": "from lambent import App\napp = App('my shop')\napp.get('/')(lambda: 1)"},
        "app",
        "'my shop' cannot be the name of an app",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "mode", "told"), NAMES)
def test_names_that_cannot_be(analysed: Analysed, files: dict[str, str], mode: str, told: str) -> None:
    with pytest.raises(AnalysisError, match=told) as caught:
        analysed({**files, "lambent.toml": f'[app]\nunit = "{mode}"'})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("settings", "told", "hint"),
    [
        ("[app.units.helth]", r"\[app.units.helth\]: there is no such unit", "The units are app."),
        ("[stages.dev.units.ap]", r"\[stages.dev.units.ap\]: there is no such unit", "Did you mean app? The"),
        ("[app]\nmemory = 64", "memory is 64: it must be from 128 to 10240", None),
        ("[app]\nlog_retention_days = 8", "log_retention_days is 8: it must be one of 1, 3", None),
        ('[app]\nruntime = "java21"', "'java21': units are of Python or Node.js", "It is like"),
        ('[app]\non_failure = "mail:me"', "on_failure is 'mail:me': it must be like queue:receipts", None),
        (
            '[app]\non_failure = "function:me"',
            "the destination function:me: there is no such unit",
            "There are app",
        ),
        ('[app]\npermissions = [{ actions = ["send"] }]', "'send' is no action", None),
        ('[app]\npermissions = [{ action = ["ses:Send"] }]', "has action", "A statement is"),
        ("[resources.queues.q]\nvisibilty = 3", "unknown key visibilty", "Did you mean visibility?"),
        ("[resources.tables.t]\nkey = 3", "key is 3: it is an attribute", None),
        ('[resources.tables.t]\nkey = "id:X"', r"Invalid enum value 'X'", None),
    ],
)
def test_settings_that_cannot_be(analysed: Analysed, settings: str, told: str, hint: str | None) -> None:
    with pytest.raises(AnalysisError, match=told) as caught:
        analysed(
            {
                "app.py": "from lambent import App\napp = App('shop')\napp.get('/')(lambda: 1)",
                "lambent.toml": settings,
            }
        )
    if hint is not None:
        assert caught.value.hint is not None
        assert hint in caught.value.hint


def test_settings_reach_the_unit(analysed: Analysed) -> None:
    settings = """
        [app]
        runtime = "python3.13"
        architecture = "arm64"
        storage = 1024
        log_retention_days = 0
        tracing = true
        retries = 0
        on_failure = "queue:lost"
        packages = ["psycopg[binary]"]
        include = ["data/**"]
        permissions = [{ actions = ["ses:SendEmail"] }]
        [app.units.app]
        include = ["more"]
        reserved_concurrency = 5
    """
    code = '"""x"""\nfrom lambent import App\napp = App("shop")\n@app.get("/")\ndef f():\n    "Does it."\n'
    manifest = analysed({"app.py": code, "lambent.toml": settings})
    (unit,) = manifest.units
    assert (unit.runtime, unit.architecture, unit.storage_mb, unit.log_retention_days, unit.tracing) == (
        "python3.13",
        "arm64",
        1024,
        None,
        True,
    )
    assert (unit.retries, unit.packages, unit.include, unit.reserved_concurrency) == (
        0,
        ("psycopg[binary]",),
        ("data/**", "more"),
        5,
    )
    assert unit.on_failure is not None
    assert [queue.name for queue in manifest.queues] == ["lost"]
    (permission,) = manifest.permissions
    assert (permission.actions, permission.resources) == (("ses:SendEmail",), ("*",))
