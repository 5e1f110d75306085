from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.deploy.build.requirements import file_that_counts, parse, read
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from tests.deploy.build.conftest import Code


def test_the_nearest_file_counts_and_the_most_exact_one_in_a_folder(code: Code) -> None:
    assert file_that_counts(code.root, code.root) is None
    code.write("pyproject.toml", "[tool.lambent]\n")  # settings only: it says nothing of requirements
    assert file_that_counts(code.root, code.root) is None
    for name, text in (
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("requirements.txt", ""),
        ("pylock.toml", ""),
        ("uv.lock", ""),
    ):
        code.write(name, text)
        assert file_that_counts(code.root, code.root / "fn") == code.root / name
    own = code.write("fn/requirements.txt")
    assert file_that_counts(code.root, code.root / "fn") == own
    assert file_that_counts(code.root, code.root / "other") == code.root / "uv.lock"


def test_requirements_files_are_read_with_all_that_they_name(code: Code) -> None:
    code.write("my wheels/x.whl")
    code.write("common/pyproject.toml", "[project]\nname = 'Shop.Common'\n")
    code.write("more/base.txt", "\ufeffsix\n-r ../requirements.txt\n--pre\n")
    code.write(
        "requirements.txt",
        "# all of it\n-r more/base.txt\n--extra-index-url=https://x.example/simple\n--find-links 'my wheels'\n"
        "Foo_Bar[extra] >= 2 ; python_version > '3'  # why\n"
        "alpha==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n-e ./common\nbeta @ https://x.example/b.whl\n",
    )
    declared = read(code.root / "requirements.txt")
    assert [(one.name, one.line) for one in declared.direct] == [
        ("six", "six"),
        ("foo-bar", "Foo_Bar[extra] >= 2 ; python_version > '3'"),
        ("alpha", "alpha==1.0 --hash=sha256:aa --hash=sha256:bb"),
        ("shop-common", f"Shop.Common @ {(code.root / 'common').as_uri()}"),
        ("beta", "beta @ https://x.example/b.whl"),
    ]
    assert declared.places == (
        "--extra-index-url https://x.example/simple",
        f"--find-links {code.root / 'my wheels'}",
    )
    assert {file.name for file in declared.files} == {"requirements.txt", "base.txt"}


def test_a_pylock_has_exact_versions_and_hashes(code: Code) -> None:
    code.write("pyproject.toml", "[project]\nname = 'x'\ndependencies = ['alpha>=1', 'beta']\n")
    code.write(
        "pylock.toml",
        "lock-version = '1.0'\n[[packages]]\nname = 'Alpha'\nversion = '1.2'\nmarker = \"os_name == 'posix'\"\n"
        "wheels = [{ hashes = { sha256 = 'aa' } }, { hashes = { sha256 = 'bb' } }]\n"
        "[[packages]]\nname = 'local'\ndirectory = { path = '.' }\n",
    )
    declared = read(code.root / "pylock.toml")
    assert [one.name for one in declared.direct] == ["alpha", "beta"]
    assert [one.line for one in declared.locked] == [
        "Alpha==1.2 ; os_name == 'posix' --hash=sha256:aa --hash=sha256:bb"
    ]


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("boto3", False),
        ("boto3>=1.40", False),
        ("boto3>=1.40 ; python_version < '4'", False),
        ("boto3==1.40 --hash=sha256:aa", True),
        ("boto3~=1.40", True),
        ("boto3>=1,<2", True),
        ("boto3 @ https://x.example/b.whl", True),
    ],
)
def test_an_upper_bound_pins(code: Code, line: str, pinned: bool) -> None:
    assert parse(line, code.root).pinned() is pinned


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("requirements.txt", "six\n!nonsense\n", "requirements.txt:2: '!nonsense' is no requirement"),
        ("requirements.txt", "-r gone.txt\n", "gone.txt cannot be read"),
        ("requirements.txt", "-e ./nowhere\n", "nothing says the name of the package there"),
        ("pyproject.toml", "[project\n", "pyproject.toml cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(code: Code, name: str, text: str, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        read(code.write(name, text))
    assert message in str(caught.value)
