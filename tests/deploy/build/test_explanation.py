from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.deploy.build import explain
from lambent.deploy.build.imports import first_imports, module_of
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from tests.deploy.build.conftest import Code, Wheels


def test_every_file_has_a_reason_and_the_way_from_the_code_to_it(code: Code, wheels: Wheels) -> None:
    wheels.add("alpha", requires=("beta",))
    wheels.add("beta", requires=("gamma",))
    wheels.add("gamma", files={"gamma.bin": b"x" * 20, "other_name.py": b""})
    wheels.add("msgspec", "0.22.0")
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write(
        "app.py",
        "from lambent import App\nimport shop.orders\napp.include('shop.mails:router')\nPRICES='p.json'",
    )
    code.write("p.json")
    code.write("notes.md")
    code.write("shop/__init__.py")
    code.write("shop/orders.py", "def later():\n    from . import prices\n")
    code.write("shop/prices.py", "import alpha")
    code.write("shop/mails.py")
    code.write("shop/mail.html")
    names = ("app.py", "shop/__init__.py", "shop/mails.py", "shop/orders.py", "shop/prices.py")
    manifest = code.manifest(code.unit("app", *names, imports=("alpha", "lambent"), include=("*.md",)))
    found = {row.name: row.because for row in explain(code.project, manifest, "app")}
    assert found == {
        "app.py": ("the handler app.app is in it",),
        "notes.md": ("include *.md",),
        "p.json": ("named in app.py",),
        "shop/__init__.py": ("imported in app.py:2",),
        "shop/mail.html": ("data of shop",),
        "shop/mails.py": ("imported in app.py:3",),
        "shop/orders.py": ("imported in app.py:2",),
        "shop/prices.py": ("imported in shop/orders.py:2",),
        "lambent": ("imported in app.py:1",),
        "alpha 1.0": ("alpha is imported in shop/prices.py:1",),
        "beta 1.0": ("beta is required by alpha", "alpha is imported in shop/prices.py:1"),
        "gamma 1.0": (
            "gamma is required by beta",
            "beta is required by alpha",
            "alpha is imported in shop/prices.py:1",
        ),
        "msgspec 0.22.0": ("msgspec is required by lambent",),
    }
    for path, names_found in (
        ("shop", ["shop/__init__.py", "shop/mail.html", "shop/mails.py", "shop/orders.py", "shop/prices.py"]),
        ("./shop/mail.html", ["shop/mail.html"]),
        ("gamma", ["gamma 1.0"]),
        ("other_name.py", ["gamma 1.0"]),
        ("lambent/app/app.py", ["lambent"]),
    ):
        assert [row.name for row in explain(code.project, manifest, "app", path)] == names_found, path
    with pytest.raises(BuildError, match="the package of app has no README") as caught:
        explain(code.project, manifest, "app", "README.md")
    assert "lambent build --explain app" in (caught.value.hint or "")
    with pytest.raises(BuildError, match="there is no unit orders"):
        explain(code.project, manifest, "orders")


def test_the_first_import_counts_and_what_cannot_be_read_is_nobodys(code: Code) -> None:
    one = code.write(
        "shop/a.py", "import x.y\nfrom ..up import z\nfrom .b import c\nimport_module('shop.d')\n"
    )
    broken = code.write("broken.py", "def (")
    found = first_imports({"shop/a.py": one, "broken.py": broken})
    assert found["x"] == found["x.y"] == "shop/a.py:1"
    assert found["shop.b"] == "shop/a.py:3"
    assert found["shop.d"] == "shop/a.py:4"
    assert [module_of(name) for name in ("app.py", "shop/__init__.py", "shop/a/b.py")] == [
        "app",
        "shop",
        "shop.a.b",
    ]
