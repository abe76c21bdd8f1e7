"""Bounds of what is read: each is told, and nothing is offered that was not read whole."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from opsdeck.catalog import playbooks
from opsdeck.catalog.markdown_text import clean_code
from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbook_front import split_front
from opsdeck.catalog.playbook_read import read_playbook
from opsdeck.catalog.playbooks import find_playbook, open_playbook, playbook_files
from opsdeck.text import visible_lines

AFTER = "\n## One\n\n```sh\nls\n```\n"
DIGITS, HEX = "9" * 5_000, "0x" + "f" * 5_000


def read(text: str | bytes) -> Playbook:
    return read_playbook(text.encode() if isinstance(text, str) else text, "x")


def texts(playbook: Playbook) -> list[str]:
    return [command.text for _, command in playbook.commands()]


# Numbers and keys beyond reason

FRONTS = [
    (f"a = {DIGITS}", "its front matter is no TOML: "),
    (f"[variables]\na = {HEX}", ""),
    (f"[variables]\na = [{HEX}]", ""),
    (".".join("a" * 50_000) + " = 1", "its front matter is not read: it is longer than 64 KB"),
    (".".join("a" * 20_000) + " = 1", "its front matter is not read: a key in it has more than"),
    ("[" + " . ".join("a" * 200) + "]", "its front matter is not read: a key in it has more than"),
    (".".join(['"a"', "'b'"] * 80) + " = 1", "its front matter is not read: a key in it has more"),
    (f"a = '{'x' * 70_000}'", "its front matter is not read: it is longer than 64 KB"),
    ("title = '" + ".".join("a" * 500) + "' # " + ".".join("a" * 500), ""),
    ("a = [" + "1.5, " * 500 + "]", ""),
    ("a = " + "[" * 5_000, "its front matter is no TOML: its values are nested too deeply"),
]


@pytest.mark.parametrize(("front", "fault"), FRONTS)
def test_front_matter_beyond_reason_is_told_and_the_rest_is_read(front: str, fault: str) -> None:
    # GIVEN front matter that would stop a reader, or take it long WHEN it is read
    playbook = read(f"+++\n{front}\n+++\n{AFTER}")
    # THEN it says so, and all else is there
    assert [said.startswith(fault) for said in playbook.faults] == ([True] if fault else [])
    assert texts(playbook) == ["ls"]
    assert all(value == "" for value in playbook.variables.values())


def test_long_front_matter_in_yaml_is_told() -> None:
    playbook = read("---\n" + "a: b\n" * 20_000 + "---\n" + AFTER)
    assert playbook.faults == ("its front matter is not read: it is longer than 64 KB",)
    assert texts(playbook) == ["ls"]


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        (f"kind = 'x'\na = {DIGITS}", "it is no TOML: "),
        (f"kind = 'x'\na = {HEX}", "a number in it is too large"),
        (f"kind = {HEX}", "a number in it is too large"),
        (".".join("a" * 50_000) + " = 1", "it is not read: it is longer than 64 KB"),
        (".".join("a" * 20_000) + " = 1", "it is not read: a key in it has more than 100 parts"),
    ],
)
def test_a_probe_beyond_reason_has_a_fault(toml: str, fault: str) -> None:
    (step,) = read(f"## S\n\n```toml probe\n{toml}\n```\n").steps
    (probe,) = step.probes
    assert probe.fault.startswith(fault)
    assert (probe.probe, probe.title) == ({}, "A look")


# Where they lie


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    return tmp_path / "opsdeck.toml"


def write(config: Path, name: str, text: str | bytes = "# T\n") -> Path:
    file = config.parent / "runbooks" / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_a_pipe_is_waited_for_by_nothing(config: Path) -> None:
    # GIVEN a pipe that nobody writes to, and a link that leads nowhere
    os.mkfifo(config.parent / "runbooks" / "pipe.md")
    write(config, "own.md")
    # WHEN playbooks are looked for THEN it is listed, and not opened
    file = playbook_files(config)["pipe"]
    assert open_playbook(file, "pipe") is None
    assert find_playbook("pipe", config) is None
    assert find_playbook("nothing", config) is None


def test_each_file_is_opened_once_for_any_number_of_dead_links(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN playbooks, found by an index that stays
    for number in range(30):
        write(config, f"p{number}.md", f"---\nid: Known-{number}\n---\n")
    opened: list[Path] = []
    front_id = playbooks._front_id

    def counted(file: Path) -> str:
        opened.append(file)
        return front_id(file)

    monkeypatch.setattr(playbooks, "_front_id", counted)
    monkeypatch.setattr(playbooks, "INDEX_FOR_S", 1e12)
    playbooks._index.cache_clear()
    # WHEN many are asked for that are not there THEN each file is looked into once
    assert [find_playbook(f"gone-{n}", config) for n in range(50)] == [None] * 50
    mine = [file for file in opened if file.is_relative_to(config.parent)]
    assert len(mine) == len(set(mine)) == 30
    # AND those that are there are found by what their front matter says
    found = find_playbook("known-7", config)
    assert found is not None
    assert found.id == "p7"
    playbooks._index.cache_clear()


def test_an_id_is_found_in_long_front_matter(config: Path) -> None:
    write(config, "a.md", "---\n" + "x: y\n" * 3_000 + "id: deep\n---\n")
    playbooks._index.cache_clear()
    found = find_playbook("deep", config)
    assert found is not None
    assert found.id == "a"


@pytest.mark.parametrize(
    ("limit", "value", "said"),
    [
        ("MOST_FILES", 2, "only its first 2 playbooks are listed"),
        ("MOST_FOLDERS", 1, "only its first 1 folders are listed"),
    ],
)
def test_more_than_is_listed_is_told(
    limit: str, value: int, said: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.md", "b.md", "c.md"):
        write(config, name)
    (config.parent / "runbooks" / "more").mkdir()
    monkeypatch.setattr(playbooks, "folders", lambda file: [config.parent / "runbooks"])
    assert playbook_files(config).left_out == ""
    monkeypatch.setattr(playbooks, limit, value)
    assert playbook_files(config).left_out.endswith(said)


@pytest.mark.parametrize("name", ["Loud.MD", "Odd.Markdown", "plain.markdown"])
def test_what_is_listed_can_be_opened_whatever_its_ending(name: str, config: Path) -> None:
    file = write(config, name)
    playbooks._index.cache_clear()
    identity = next(known for known, path in playbook_files(config).items() if path == file)
    found = find_playbook(identity, config)
    assert found is not None
    assert (found.id, found.file) == (identity, str(file))


def test_a_name_that_is_no_utf_8_can_be_stored_and_opened(config: Path) -> None:
    # GIVEN a file whose name is no UTF-8
    name = os.fsdecode(b"bad\xff.md")
    try:
        file = write(config, name)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    playbooks._index.cache_clear()
    # WHEN it is listed THEN its id is text that any file can hold
    files = playbook_files(config)
    assert files["bad\\xff"] == file
    # AND it is found by that, and by its name as the system gives it
    for identity in ("bad\\xff", "BAD\\XFF", name.removesuffix(".md")):
        found = find_playbook(identity, config)
        assert found is not None
        assert found.id == "bad\\xff"
        assert found.file.encode().endswith(b"bad\\xff.md")
        assert found.title.encode()


# Files that are longer than what is read


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is read of a file, in these tests."""
    monkeypatch.setattr(playbooks, "LARGEST_BYTES", 2_000)
    return 2_000


def opened(config: Path, text: str | bytes) -> Playbook:
    found = open_playbook(write(config, "long.md", text), "long")
    assert found is not None
    return found


FIRST = "## A\n\n```sh\nfirst\n```\n\n"


@pytest.mark.parametrize(
    "last",
    [
        "```sh\ncut here and there\n```\n",
        "```console\n$ a\n$ cut b\n```\n",
        "    $ cut\n    $ b\n",
        "- x\n\n  ```sh\n  cut\n  ```\n",
        "> ```sh\n> cut\n> ```\n",
        "<!--\n\n```sh\nhidden\n```\n\ncut\n-->\n",
        "{{< highlight sh >}}\ncut\n{{< /highlight >}}\n",
        "<details>\n\n    ```sh\n    cut\n    ```\n",
        '=== "T"\n    ```sh\n    cut\n    ```\n',
        "```toml probe\nkind = 'x'\ncut = 1\n```\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_nothing_is_offered_that_the_cut_goes_through(
    last: str, encoding: str, config: Path, short: int
) -> None:
    # GIVEN a file whose part that is read ends within a command
    size = (short if encoding == "utf-8" else short // 2 - 1) - len(FIRST) - last.index("cut") - 1
    text = f"{FIRST}{'word ' * (size // 5)}\n".ljust(len(FIRST) + size - 1, "x") + f"\n\n{last}"
    text = text[: len(text) - len(last)] + last + "\n## B\n\n```sh\nlost\n```\n"
    # WHEN it is read THEN only what stands whole before that is offered, and it says so
    playbook = opened(config, text.encode(encoding))
    assert texts(playbook) == ["first"]
    assert not any(step.probes for step in playbook.steps)
    assert playbook.faults == ("only its first 0 MB are read",)


def test_what_stands_before_the_cut_is_offered(config: Path, short: int) -> None:
    text = FIRST * 20 + "words\n\n" + "x" * short
    assert texts(opened(config, text)) == ["first"] * 20
    assert texts(opened(config, "x" * (short * 2))) == []


def test_the_digest_is_that_of_the_whole_file(config: Path, short: int) -> None:
    # GIVEN files that differ only behind what is read
    data = (FIRST + "words\n" * short).encode()
    digests = set()
    for end in (b"", b"a", b"b", b"b" * 3_000_000):
        # WHEN one is read THEN its digest is that of all of it
        playbook = opened(config, data + end)
        assert playbook.digest == hashlib.sha256(data + end).hexdigest()
        digests.add(playbook.digest)
    # AND none is trusted as another
    assert len(digests) == 4
    # AND a file that is just as long as what is read is read whole
    exact = opened(config, (FIRST + "x" * short)[:short])
    assert (exact.faults, texts(exact)) == ((), ["first"])


@pytest.mark.slow
def test_the_limit_is_told_in_megabytes(config: Path) -> None:
    text = FIRST + "words words\n" * 400_000
    playbook = opened(config, text)
    assert playbook.faults == ("only its first 4 MB are read",)
    assert texts(playbook) == ["first"]


def test_a_file_beyond_reason_is_not_opened(config: Path) -> None:
    # GIVEN a file that is all hole WHEN it is opened THEN it is no playbook
    file = write(config, "huge.md")
    os.truncate(file, playbooks.LARGEST_FILE + 1)
    assert open_playbook(file, "huge") is None


# Names, nesting, bytes


def test_names_of_thousands_of_commands() -> None:
    # GIVEN commands of one name, and some that are named as they would be
    fences = ["```sh name=N\nx\n```"] * 3_000 + ['```sh name="N (3001)"\nx\n```']
    names = [c.name for _, c in read("\n\n".join([*fences, *fences[:2]])).commands()]
    # THEN each has its own
    assert names[:3] == ["N", "N (2)", "N (3)"]
    assert names[-3:] == ["N (3001)", "N (3002)", "N (3003)"]
    assert len(set(names)) == len(names)


IN_QUOTATIONS = "a quotation is nested too deeply: what stands in it is not read"
IN_LISTS = "a list is nested too deeply: nothing in it or after it is read"
NESTED = [
    ("- " * 230 + "x\n", f"line 5: {IN_LISTS}", ["first"]),
    ("".join("  " * n + "- y\n" for n in range(230)), f"line 214: {IN_LISTS}", ["first"]),
    (">" * 500 + " x\n", f"line 5: {IN_QUOTATIONS}", ["first", "ls"]),
    ("words\n\n" + ">" * 500 + " ```sh\n", f"line 7: {IN_QUOTATIONS}", ["first", "ls"]),
    ("- " * 150 + "x\n", "", ["first", "ls"]),
    (">" * 150 + " x\n", "", ["first", "ls"]),
]


@pytest.mark.parametrize(("text", "fault", "commands"), NESTED)
def test_what_is_nested_too_deeply_is_told(text: str, fault: str, commands: list[str]) -> None:
    playbook = read(f"```sh\nfirst\n```\n\n{text}\n\n```sh\nls\n```\n")
    assert playbook.faults == ((fault,) if fault else ())
    shown = [block.text for step in playbook.steps for block in step.blocks]
    assert ("x" in shown) is not bool(fault)
    assert texts(playbook) == commands


BYTES: list[tuple[bytes, list[str], list[int]]] = [
    (b"```sh\necho gr\xfc\xdfe\n```", [], [4]),
    (b"```sh\nls\n# gr\xfcn\n```", [], [5]),
    (b"```console\n$ ls\n$ echo \xff\nout\n$ id\n```", ["ls", "id"], [5]),
    (b"```console\n$ ls\n\xff\n```", ["ls"], []),
    (b"w\xf6rds\n\n```sh\nls\n```", ["ls"], []),
    (b"- \xe4\n\n  ```sh\n  \xe4\n  ```", [], [6]),
    ("```sh\necho größe \ufffd\n```".encode(), ["echo größe \ufffd"], []),
    (b"```sh\na\xe2\x82\n```\n\n```sh\nls\n```", ["ls"], [4]),
]


@pytest.mark.parametrize(("data", "expected", "lines"), BYTES)
def test_a_command_with_bytes_that_are_no_text_is_not_offered(
    data: bytes, expected: list[str], lines: list[int]
) -> None:
    # GIVEN text in another encoding WHEN it is read
    playbook = read(b"## S\n\n" + data + b"\n")
    # THEN a command with such bytes is shown, not offered, and its line is named, here and there
    said = [
        f"line {line} holds bytes that are no UTF-8: this is not offered as a command"
        for line in lines
    ]
    assert (texts(playbook), list(playbook.faults)) == (expected, said)
    blocks = playbook.steps[0].blocks
    assert [b.text for b in blocks if b.kind == "text" and b.text in said] == said
    assert sum(b.kind == "code" and "\ufffd" in b.text for b in blocks) == len(lines)
    numbers = [b.number for b in blocks if b.kind == "command"]
    assert numbers == list(range(len(expected)))


UNSEEN = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\u200e", "\u202e",
          "\x1b", "\x08", "\u200b", "\x9b"]  # fmt: skip


@pytest.mark.parametrize("mark", UNSEEN)
def test_a_command_is_run_in_the_lines_in_which_it_is_shown(mark: str) -> None:
    # GIVEN a character that some take for a line's end, or that moves the cursor
    playbook = read(f"## S\n\n```sh\ntrue # x{mark}rm -rf y\nls\n```\n")
    (text,) = texts(playbook)
    # THEN it is in neither what is shown nor what is run, and that is told
    assert text == "true # xrm -rf y\nls"
    assert visible_lines(text) == text.split("\n")
    assert playbook.faults == ("line 4: unseen characters are left out of a command",)
    assert clean_code(f"a\tb{mark}\nc") == "a\tb\nc"


def test_front_matter_just_within_its_limit_is_read() -> None:
    front, lines, fault = split_front("---\n" + "x: y\n" * 13_000 + "id: a\n---\n")
    assert (front["id"], lines, fault) == ("a", 13_003, "")
