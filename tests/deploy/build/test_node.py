from __future__ import annotations

import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambent.deploy.build import build, explain, link
from lambent.deploy.build.javascript import trace
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.build.conftest import Code

    from lambent.deploy.manifest import Unit

ESBUILD = shutil.which("esbuild")
needs_esbuild = pytest.mark.skipif(ESBUILD is None, reason="needs esbuild on PATH")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def unit(code: Code, handler: str, source: str = "price", **members: object) -> Unit:
    return code.unit(
        "price",
        kind="handler",
        language="node",
        handler=handler,
        source=source,
        runtime="nodejs20.x",
        **members,
    )


def files(code: Code, one: Unit) -> dict[str, bytes]:
    artefact = build(code.project, code.manifest(one)).units["price"]
    with zipfile.ZipFile(artefact.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_plain_javascript_is_taken_as_it_is_with_its_folder(code: Code) -> None:
    code.write("price/index.mjs", "import fs from 'node:fs'; import { a } from './lib/a.mjs';")
    code.write("price/lib/a.mjs", "export const a = 1;")
    code.write("price/prices.json", "{}")
    assert sorted(files(code, unit(code, "index.handler"))) == ["index.mjs", "lib/a.mjs", "prices.json"]


def test_of_the_root_only_what_is_imported_is_taken(code: Code) -> None:
    code.write("app.py")
    code.write("unused.js")
    code.write("package.json", '{"type": "module"}')
    code.write(
        "price.js", 'import x from "./more"; const y = await import("./lazy.js"); // from "./comment.js"'
    )
    code.write("more/index.js", "export { z } from '../z.js'; import 'path'; import type {T} from 'types';")
    code.write("z.js")
    code.write("lazy.js")
    code.write("comment.js")
    found = files(code, unit(code, "price.handler", "."))
    assert sorted(found) == ["lazy.js", "more/index.js", "package.json", "price.js", "z.js"]


def test_imports_are_found_in_whatever_way_they_are_written(code: Code) -> None:
    path = code.write(
        "index.ts",
        "import type { A } from 'types-only';\nimport a, { b } from \"@scope/one/deep\";\nimport 'two';\n"
        "export * from 'three/x.js';\nconst c = require('four');\nconst d = await import('five');\n"
        "import { createHash } from 'crypto';\n/* import 'six'; */\nconst url = 'http://seven'; import 'eight';\n",
    )
    assert trace(path).packages == {"@scope/one", "two", "three", "four", "five", "eight"}


@needs_esbuild
@needs_node
@pytest.mark.parametrize("entry", ["index.ts", "index.mts", "index.mjs", "index.js"])
def test_what_imports_packages_is_bundled_and_runs_alone(code: Code, tmp_path: Path, entry: str) -> None:
    typed = entry.endswith("ts")
    code.write(
        f"price/{entry}",
        f"import {{ twice }} from './twice.{'js' if typed else 'mjs'}';\nimport pad from 'pad';\n"
        f"export const handler = async (event{': { n: number }' if typed else ''}) => pad(twice(event.n));\n",
    )
    code.write(f"price/twice.{'ts' if typed else 'mjs'}", "export const twice = (n) => n * 2;")
    # A package of CommonJS, which asks for a module of Node's.
    code.write(
        "price/node_modules/pad/index.js",
        "const u = require('util');\nmodule.exports = (n) => u.format('%s!', n);",
    )
    found = files(code, unit(code, "index.handler"))
    assert len(found) == 1
    (name,) = found
    (tmp_path / name).write_bytes(found[name])
    script = f"import('{(tmp_path / name).as_uri()}').then(m => m.handler({{n: 21}})).then(console.log)"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("42!\n", "")
    assert b"twice" in found[name]


@needs_esbuild
def test_a_bundle_is_made_again_when_anything_in_it_changes(code: Code, tmp_path: Path) -> None:
    code.write("price/index.ts", "import pad from 'pad'; export const handler = () => pad;")
    package = code.write("price/node_modules/pad/index.js", "module.exports = 1;")
    manifest = code.manifest(unit(code, "index.handler"))
    first = link(code.project, manifest, tmp_path / "linked").folders["price"]
    assert link(code.project, manifest, tmp_path / "linked").folders["price"] == first
    package.write_text("module.exports = 2;")
    second = link(code.project, manifest, tmp_path / "linked").folders["price"]
    assert second != first
    assert b"module2.exports = 2" in (second / "index.js").read_bytes()
    (row,) = explain(code.project, manifest, "price")
    assert row.because == ("bundled by esbuild from index.ts",)


@needs_esbuild
def test_the_sdk_is_left_to_the_runtime_where_it_is_not_installed(code: Code) -> None:
    code.write(
        "price/index.ts", "import { S3Client } from '@aws-sdk/client-s3'; export const handler = S3Client;"
    )
    assert b'require("@aws-sdk/client-s3")' in files(code, unit(code, "index.handler"))["index.js"]
    code.write("price/node_modules/@aws-sdk/client-s3/index.js", "exports.S3Client = 'installed';")
    assert b"installed" in files(code, unit(code, "index.handler"))["index.js"]


@needs_esbuild
def test_errors_of_esbuild_have_their_place(code: Code) -> None:
    code.write("price/index.ts", "\nimport pad from '@my/pad/deep';\nexport const handler = pad;")
    with pytest.raises(BuildError) as caught:
        files(code, unit(code, "index.handler"))
    assert (caught.value.place, caught.value.hint) == ("index.ts:2", "npm install @my/pad")
    assert 'Could not resolve "@my/pad/deep"' in caught.value.message
    code.write("price/index.ts", "export const handler = (;")
    with pytest.raises(BuildError, match=r'index\.ts:1: unit price: Unexpected ";"'):
        files(code, unit(code, "index.handler"))


@pytest.mark.parametrize(
    ("entry", "text", "told"),
    [
        (
            "index.mjs",
            "import '../shared/tax.mjs';",
            r"imports \.\./shared/tax\.mjs, which is not in price: esbuild",
        ),
        ("index.mjs", "import './a.ts';", "is written in ts: esbuild"),
        # Version 2 of the SDK is in no runtime since Node.js 18; others have names like it.
        ("index.mjs", "import AWS from 'aws-sdk';", "imports aws-sdk: esbuild"),
        ("index.mjs", "import x from 'aws-sdk-mock';", "imports aws-sdk-mock: esbuild"),
    ],
)
def test_what_cannot_be_taken_as_it_is(
    code: Code, monkeypatch: pytest.MonkeyPatch, entry: str, text: str, told: str
) -> None:
    monkeypatch.setenv("PATH", str(code.root))
    code.write(f"price/{entry}", text)
    code.write("price/a.ts")
    code.write("shared/tax.mjs")
    with pytest.raises(BuildError, match=told):
        files(code, unit(code, "index.handler"))


def test_what_is_missing_is_said(code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    code.write("price/readme.txt")
    with pytest.raises(BuildError, match=r"should be in index\.mjs"):
        files(code, unit(code, "index.handler"))
    monkeypatch.setenv("PATH", str(code.root))
    code.write("price/index.mts")
    with pytest.raises(BuildError) as caught:
        files(code, unit(code, "index.handler"))
    assert caught.value.hint == "npm install --save-dev esbuild"
