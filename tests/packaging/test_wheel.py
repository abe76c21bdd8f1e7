"""The wheel in an empty environment: `opsdeck` with the shipped catalog, from another folder.

Nothing is downloaded. The build uses the hatchling that is installed here (`--no-isolation`), the
wheel is installed without its dependencies, and those are seen through a path file that names the
site-packages of the running Python. Path files in there (that of this checkout's own editable
installation) are not followed by that: `opsdeck` can come from the wheel only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pexpect
import pytest

import opsdeck

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """What a command prints, with a clean environment; fails with all it said."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", **more}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(kind: str, source: Path, to: Path) -> Path:
    """A `wheel` or `sdist` of a source tree."""
    run(
        sys.executable,
        *("-m", "build", f"--{kind}", "--no-isolation", "--outdir", to, source),
        cwd=to,
    )
    (built,) = to.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder)) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"opsdeck-{opsdeck.__version__}"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel alone."""
    folder = tmp_path_factory.mktemp("a new") / "environment"
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--no-index", "--no-deps")
    run(*pip, wheel, cwd=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_what_the_program_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        shipped = archive.read("opsdeck/shipped/checklists.toml")
        entry = archive.read(f"opsdeck-{opsdeck.__version__}.dist-info/entry_points.txt").decode()
    # THEN every source file is in it, styles and markers too, and nothing beside them
    source = ROOT / "src"
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    inside = {name for name in names if ".dist-info/" not in name}
    playbooks = {f"opsdeck/shipped/runbooks/{p.name}" for p in (ROOT / "runbooks").glob("*.md")}
    assert len(playbooks) >= 5
    assert inside == files | playbooks | {"opsdeck/shipped/checklists.toml"}
    assert shipped == (ROOT / "checklists.toml").read_bytes()
    assert "opsdeck = opsdeck.cli:main" in entry
    assert any(name.endswith("LICENSE") for name in names)


def test_the_catalog_inside_the_wheel_is_found_from_anywhere(
    environment: Path, tmp_path: Path
) -> None:
    # GIVEN a folder that has nothing to do with the checkout
    # WHEN the installed program is asked for its items
    items = json.loads(run(environment / "opsdeck", "list", "items", "--json", cwd=tmp_path))
    # THEN all of the shipped ones are there
    assert len(items) == 153
    assert len({item["checklist"] for item in items}) == 20
    # AND they come from the wheel
    where = run(
        environment / "python",
        *("-c", "from opsdeck.catalog.load import shipped_checklists_path as p; print(p())"),
        cwd=tmp_path,
    )
    assert Path(where.strip()).is_relative_to(environment.parent)
    assert "site-packages/opsdeck/shipped" in where


def test_the_installed_program_knows_its_version(environment: Path, tmp_path: Path) -> None:
    assert run(environment / "opsdeck", "--version", cwd=tmp_path) == (
        f"opsdeck {opsdeck.__version__}\n"
    )
    module = run(environment / "python", "-m", "opsdeck", "--version", cwd=tmp_path)
    assert module == f"opsdeck {opsdeck.__version__}\n"


def test_the_installed_app_opens_in_a_terminal(environment: Path, tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    # WHEN the app is opened
    child = pexpect.spawn(
        str(environment / "opsdeck"),
        ["--operator", "alice"],
        cwd=str(tmp_path),
        env=environ,
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=30,
    )
    try:
        # THEN it shows the shipped lists, and q leaves it
        child.expect("Daily Operations")
        child.send("q")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)


def test_the_source_archive_holds_what_building_and_testing_need(sdist: Path) -> None:
    folders = ("src", "tests", "bench", "docs")
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {path.name for path in ROOT.glob("*.md")}
    expected |= {"checklists.toml", "LICENSE", "Makefile", "pyproject.toml"}
    expected |= {"requirements.lock", "requirements-dev.lock"}
    found = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert expected - found == set()


def test_the_source_archive_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    # WHEN a wheel is built from the unpacked archive
    second = build("wheel", sdist, tmp_path)
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(second) as other:
        # THEN it holds the same files
        assert set(other.namelist()) == set(first.namelist())
        # AND they are those of the archive
        for name in other.namelist():
            source = sdist / "src" / name
            if ".dist-info/" not in name and "/shipped/" not in name:
                assert other.read(name) == source.read_bytes(), name
