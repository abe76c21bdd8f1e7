"""Files as operators have them: modes, ages, links, devices, odd names, git."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from opsdeck.probes.base import Target
from opsdeck.probes.kinds import file
from opsdeck.probes.registry import problems
from tests.probes.partners_local import document, see, write


async def test_what_the_file_system_says(tmp_path: Path) -> None:
    # GIVEN a private file two hours old
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o600)
    os.utime(path, (time.time() - 7200,) * 2)
    # WHEN it is looked at
    seen = await document("file", tmp_path, path=".env")
    # THEN mode, owner, size and age are told
    assert (seen["exists"], seen["path"], seen["type"]) == (True, ".env", "file")
    assert (seen["mode"], seen["world_readable"], seen["group_readable"]) == ("0600", False, False)
    assert seen["size_bytes"] == 4
    assert 7199 < seen["age_s"] < 7260
    assert seen["owner"] == path.owner()
    assert isinstance(seen["latency_ms"], float)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600, 0o400, 0o4755, 0o666])
async def test_modes(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "x"
    path.write_text("x")
    path.chmod(mode)
    seen = await document("file", tmp_path, path="x", format="none")
    assert seen["mode"] == f"{mode:04o}"
    assert seen["world_readable"] is bool(mode & 0o004)
    assert seen["group_readable"] is bool(mode & 0o040)
    assert seen["world_writable"] is bool(mode & 0o002)


async def test_a_missing_file_is_a_document(tmp_path: Path) -> None:
    seen = await document("file", tmp_path, path=["a.md", "b/c.md"])
    assert seen["exists"] is False
    assert seen["path"] == "a.md"
    assert "words" not in seen


async def test_alternatives(tmp_path: Path) -> None:
    # GIVEN the second of two alternatives, and a pattern as the third
    write(tmp_path, {"docs/b.md": "b", "docs/sub/c.md": "c"})
    assert (await document("file", tmp_path, path=["a.md", "docs/b.md"]))["path"] == "docs/b.md"
    assert (await document("file", tmp_path, path=["a", "**/c.md"]))["path"] == "docs/sub/c.md"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))


def loop(path: Path) -> None:
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as handle:
        handle.truncate(50 * 2**30)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (fifo, {"type": "fifo", "exists": True}),
        (unix_socket, {"type": "socket", "exists": True}),
        (dangling, {"type": None, "exists": False, "is_symlink": True}),
        (zero, {"type": "device", "exists": True, "is_symlink": True}),
        (Path.mkdir, {"type": "directory", "exists": True}),
        (huge, {"type": "file", "cut": True, "size_bytes": 50 * 2**30}),
    ],
    ids=lambda v: v.__name__ if callable(v) else "",
)
async def test_what_is_no_file_is_not_read(
    tmp_path: Path, make: Any, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "it")
    began = time.monotonic()
    seen = await document("file", tmp_path, path="it")
    assert {key: seen[key] for key in wanted} == wanted
    assert time.monotonic() - began < 5


async def test_links_in_a_circle(tmp_path: Path) -> None:
    loop(tmp_path / "it")
    seen = await see("file", tmp_path, path="it")
    assert seen.cause == "protocol"
    assert "go round in circles" in seen.message
    # AND a folder that holds itself ends a pattern
    write(tmp_path, {"docs/a.md": "a"})
    (tmp_path / "docs" / "again").symlink_to(tmp_path)
    assert (await document("file", tmp_path, glob="**/*.md"))["count"] == 1


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """For as long, a user whom `folder` does not belong to."""
    if os.geteuid() != 0:
        yield  # modes alone keep this user out
        return
    base = Path(tempfile.gettempdir())
    for above in (folder, *(path for path in folder.parents if path.is_relative_to(base))):
        if above != base:
            above.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("looked_for", [{"path": "it"}, {"glob": "kept/*"}, {"path": ["kept/*"]}])
async def test_no_rights(tmp_path: Path, looked_for: dict[str, Any]) -> None:
    # GIVEN a file and a folder that their owner kept from everybody else
    (tmp_path / "it").write_text("x")
    (tmp_path / "kept").mkdir()
    (tmp_path / "it").chmod(0)
    (tmp_path / "kept").chmod(0)
    await document("file", tmp_path, path="none")  # what is imported, is
    try:
        with somebody_else(tmp_path):
            seen = await see("file", tmp_path, **looked_for)
    finally:
        (tmp_path / "kept").chmod(0o700)
    # THEN the operator reads what to do
    assert seen.cause == "rights"
    assert "may not be read by this user" in seen.message


@pytest.mark.parametrize("name", ["a\nb.md", "\x1b[31mred.md", "bidi\u202e.md", b"\xff\xfe.md"])
async def test_odd_names(tmp_path: Path, name: str | bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_text("words here")
    seen = await document("file", tmp_path, path="*.md")
    assert seen["exists"] is True
    json.dumps(seen).encode()
    seen["path"].encode("utf-8")


async def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 \x00\x1b[2J\n\xff\xff words")
    seen = await document("file", tmp_path, path="a.txt", contains=["words"])
    assert seen["lacks"] == []
    (tmp_path / "b.txt").write_bytes("héllo world".encode("utf-16"))
    assert (await document("file", tmp_path, path="b.txt"))["words"] == 2


async def test_many_files(tmp_path: Path) -> None:
    # GIVEN three dumps of different ages, and a folder that matches too
    for age_h, name in ((1, "new.gz"), (30, "old.gz"), (5, "mid.gz")):
        write(tmp_path, {f"dumps/{name}": "x" * age_h})
        os.utime(tmp_path / "dumps" / name, (time.time() - age_h * 3600,) * 2)
    (tmp_path / "dumps" / "folder.gz").mkdir()
    # WHEN the pattern is looked at
    seen = await document("file", tmp_path, glob="dumps/*.gz")
    # THEN the newest and the oldest are named
    assert (seen["count"], seen["total_bytes"], seen["smallest_bytes"]) == (3, 36, 1)
    assert seen["newest"]["path"] == "dumps/new.gz"
    assert 3599 < seen["newest"]["age_s"] < 3660
    assert seen["oldest"]["path"] == "dumps/old.gz"
    # AND none is a document too
    nothing = await document("file", tmp_path, glob="nothing/*")
    assert (nothing["exists"], nothing["count"], nothing["newest"]) == (False, 0, None)


@pytest.mark.parametrize(
    ("name", "text", "keys"),
    [
        ("a.toml", "[a]\nb = 1\n[a.c]\nd = ''\n", ["a.b", "a.c.d"]),
        ("a.json", '{"a": {"b": [1]}, "c": "changeme"}', ["a.b", "c"]),
        ("a.env", "A=1\nexport B='x y' # no\n# C=1\nD=\n", ["A", "B", "D"]),
    ],
)
async def test_keys(tmp_path: Path, name: str, text: str, keys: list[str]) -> None:
    (tmp_path / name).write_text(text)
    seen = await document("file", tmp_path, path=name)
    assert seen["keys"] == keys
    assert seen["keys_count"] == len(keys)


async def test_content_only_when_asked_for_and_never_of_env_files(tmp_path: Path) -> None:
    write(tmp_path, {"a.toml": "a = 1", ".env": "PLANTED=zebra-crossing"})
    assert "content" not in await document("file", tmp_path, path="a.toml")
    assert (await document("file", tmp_path, path="a.toml", content=True))["content"] == {"a": 1}
    assert "zebra" not in json.dumps(await document("file", tmp_path, path=".env", content=True))


@pytest.mark.parametrize("name", ["a.toml", "a.json"])
async def test_broken_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"password": "zebra" !!')
    seen = await see("file", tmp_path, path=name)
    assert seen.cause == "protocol"
    assert "zebra" not in seen.message


async def test_deep_and_long_content_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": ' + "[" * 900 + "]" * 900 + "}")
    seen = await document("file", tmp_path, path="a.json", content=True)
    assert "(left out)" in json.dumps(seen)
    (tmp_path / "b.json").write_text(json.dumps({"a": list(range(5000)), "b": "x" * 300_000}))
    seen = await document("file", tmp_path, path="b.json", content=True)
    assert len(json.dumps(seen)) < 80_000
    assert "more left out" in str(seen["content"]["a"][-1])


async def test_hostile_names_of_keys(tmp_path: Path) -> None:
    # GIVEN names with half a character, an escape sequence, and half a megabyte
    text = '{"\\ud800": 1, "\\u001b[2J": 2, "' + "k" * 500_000 + '": 3}'
    (tmp_path / "a.json").write_text(text)
    seen = await document("file", tmp_path, path="a.json", content=True)
    # THEN the document is short and valid Unicode
    assert seen["keys_count"] == 3
    assert len(json.dumps(seen, ensure_ascii=False).encode("utf-8")) < 5_000


async def test_compared_with_another_file(tmp_path: Path) -> None:
    # GIVEN an env file and its example
    write(tmp_path, {".env": "A=1\nB=2\nX=3\n", ".env.example": "A=\nB=\nC=\n"})
    # WHEN they are compared
    seen = await document("file", tmp_path, path=".env", compare=".env.example")
    # THEN what one has and the other lacks is named
    assert seen["missing_keys"] == ["C"]
    assert seen["extra_keys"] == ["X"]
    # AND with nothing to compare with, nothing is claimed
    seen = await document("file", tmp_path, path=".env", compare=["none", "no"])
    assert (seen["missing_keys"], seen["compared_with"]) == (None, None)


# -- ends ----------------------------------------------------------------------------------------


async def test_a_search_that_is_left_stops(tmp_path: Path) -> None:
    # GIVEN a folder with many files, and a look at them under way
    for number in range(400):
        (tmp_path / f"{number}.txt").write_text("word " * 20_000)
    target = Target("repo", {"kind": "repository", "path": str(tmp_path)})
    before = psutil.Process().num_threads()
    parameters = {"scan": "secrets", "format": "auto"}
    task = asyncio.create_task(file.look(target, parameters, 30))
    await asyncio.sleep(0.05)
    # WHEN it is cancelled
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # THEN its thread ends soon, long before it would have read all
    for _ in range(200):
        if psutil.Process().num_threads() <= before:
            break
        await asyncio.sleep(0.01)
    assert psutil.Process().num_threads() <= before


async def test_a_pattern_over_too_much_ends(tmp_path: Path) -> None:
    seen = await see("file", tmp_path, glob="/**/*.nothing", timeout=0.5)
    assert seen.cause in ("timeout", "protocol") or seen.document is not None
    assert seen.took_ms < 3000


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "path is needed"),
        ({"path": "a", "glob": "b"}, "exclude each other"),
        ({"path": [1]}, "must be strings"),
        ({"path": "a\0"}, "NUL"),
        ({"glob": "*", "section": "x"}, "section needs path"),
        ({"path": "a", "format": "yaml"}, "allowed are"),
        ({"path": "a", "scan": "viruses"}, "allowed are"),
    ],
)
def test_what_cannot_be_right(parameters: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in problems({"kind": "file", **parameters}))
