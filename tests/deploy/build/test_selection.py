from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from lambent.deploy.build.contents import Contents
from lambent.deploy.build.selection import check_patterns, folders_apart, select
from lambent.deploy.build.sources import sources
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from tests.deploy.build.conftest import Code


def chosen(code: Code, *files: str, **members: Any) -> dict[str, str]:
    unit = code.unit("app", *files, **members)
    apart = folders_apart(code.root, [unit])
    return {name: file.why for name, file in select(code.root, unit, Contents(), apart).items()}


def test_modules_data_of_packages_and_what_the_code_names(code: Code) -> None:
    code.write(
        "app.py", 'TEMPLATES = "templates/mail.html"\nPRICES = open("prices.json")\nROUTE = "/static"\n'
    )
    code.write("shop/__init__.py")
    code.write("shop/orders.py")
    code.write("shop/unused.py")
    code.write("shop/mail.txt")
    code.write("shop/fonts/a.ttf")
    code.write("shop/admin/__init__.py")
    code.write("shop/admin/page.html")
    for name in (
        "templates/mail.html",
        "templates/deep/er.html",
        "prices.json",
        "static/x.css",
        "README.md",
        "uv.lock",
    ):
        code.write(name)
    assert chosen(code, "app.py", "shop/__init__.py", "shop/orders.py") == {
        "app.py": "module",
        "prices.json": "named in app.py",
        "shop/__init__.py": "module",
        "shop/fonts/a.ttf": "data of shop",
        "shop/mail.txt": "data of shop",
        "shop/orders.py": "module",
        "templates/deep/er.html": "named in app.py",
        "templates/mail.html": "named in app.py",
    }


def test_a_unit_without_known_files_is_its_folder_without_what_is_never_packed(code: Code) -> None:
    code.write("price/index.mjs")
    code.write("price/lib/a.mjs")
    for name in (
        ".env",
        ".env.local",
        "node_modules/x/index.js",
        ".git/config",
        "a.pyc",
        "env/pyvenv.cfg",
        "env/x.py",
    ):
        code.write(f"price/{name}")
    assert list(chosen(code, source="price")) == ["index.mjs", "lib/a.mjs"]


def test_patterns_of_the_settings_have_the_last_word(code: Code) -> None:
    code.write("app.py", '"data"')
    for name in ("data/a.csv", "data/b.csv", ".env", "docs/x.md", "node_modules/x/y.js"):
        code.write(name)
    found = chosen(
        code, "app.py", include=(".env", "docs/**", "node_modules/x/"), exclude=("*.csv", "!a.csv")
    )
    assert found == {
        ".env": "include .env",
        "app.py": "module",
        "data/a.csv": "named in app.py",
        "docs/x.md": "include docs/**",
        "node_modules/x/y.js": "include node_modules/x/",
    }


def test_the_folder_of_another_unit_is_no_data(code: Code) -> None:
    code.write("app.py", 'invoke("price")')
    code.write("price/index.mjs")
    units = [code.unit("app", "app.py"), code.unit("price", source="price")]
    assert list(select(code.root, units[0], Contents(), folders_apart(code.root, units))) == ["app.py"]


def test_links_are_followed_and_never_in_a_circle(code: Code) -> None:
    code.write("app.py")
    code.write("../shared é/prices.json")
    code.write("fn/a.py")
    (code.root / "fn" / "linked").symlink_to(code.root.parent / "shared é")
    (code.root / "fn" / "round").symlink_to(code.root / "fn")
    (code.root / "fn" / "broken").symlink_to("nowhere")
    assert list(chosen(code, source="fn")) == ["a.py", "linked/prices.json"]


def test_what_is_no_file_is_left_out(code: Code) -> None:
    code.write("fn/a.py")
    os.mkfifo(code.root / "fn" / "pipe")
    assert list(chosen(code, source="fn")) == ["a.py"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"source": "nowhere"}, "unit app: there is no folder nowhere"),
        ({"files": ("gone.py",)}, "unit app: gone.py is gone"),
        ({"files": ("app.py",), "exclude": ("*",)}, "unit app: there is no file for it"),
    ],
)
def test_what_is_not_there_is_said(code: Code, members: dict[str, Any], message: str) -> None:
    code.write("app.py")
    with pytest.raises(BuildError) as caught:
        chosen(code, *members.pop("files", ()), **members)
    assert message in str(caught.value)


def test_a_pattern_that_fits_nothing_is_misspelt_unless_it_fits_in_another_unit(code: Code) -> None:
    code.write("app.py")
    code.write("price/index.mjs")
    code.write("mails/a.html")
    units = [
        code.unit("app", "app.py", include=("mails/",)),
        code.unit("price", source="price", include=("mails/",)),
    ]
    selected = {unit.name: select(code.root, unit, Contents()) for unit in units}
    check_patterns(code.root, units, selected)
    wrong = [code.unit("app", "app.py", include=("mail/",))]
    with pytest.raises(BuildError, match="no file fits 'mail/' of include"):
        check_patterns(code.root, wrong, {"app": select(code.root, wrong[0], Contents())})


def test_a_name_that_is_not_utf_8(code: Code) -> None:
    code.write("shop/__init__.py")
    try:
        code.write(os.fsdecode(b"shop/caf\xe9.txt"))
    except OSError:
        pytest.skip("the file system has no such names")
    unit = code.unit("app", "shop/__init__.py")
    with pytest.raises(BuildError, match="is not UTF-8"):
        sources(code.root, unit, Contents(), code.root / "bundles", frozenset())
    assert list(
        sources(
            code.root,
            code.unit("app", "shop/__init__.py", exclude=("*.txt",)),
            Contents(),
            code.root / "bundles",
            frozenset(),
        )
    ) == ["shop/__init__.py"]
