"""Markdown of many people, and made-up Markdown: the commands that another reader finds, too."""

from __future__ import annotations

import os
import re
import textwrap
from functools import cache
from pathlib import Path
from random import Random

import pytest
from markdown_it import MarkdownIt

from opsdeck.catalog.playbook import Link, Playbook
from opsdeck.catalog.playbook_read import decoded, read_playbook
from opsdeck.catalog.playbooks import find_playbook, follow, playbook_files, playbook_title

ROOT = Path(__file__).parents[2]
PLACES = (ROOT, Path("/usr/share/doc"))
MOST_BYTES = 2_000_000
SHELLS = ("sh", "bash", "shell", "zsh", "ksh", "fish")
CONSOLES = ("console", "shell-session", "terminal", "sh-session")

Found = tuple[str, str]
"""The title of the step a command stands in ("" for none), and its text."""


@cache
def corpus() -> list[tuple[Path, bytes, Playbook]]:
    """Markdown of this repository, of what is installed in it, and of the system."""
    found, size = [], 0
    for place in PLACES:
        for path, names, files in os.walk(place):
            names[:] = sorted(n for n in names if n not in (".git", "node_modules", "__pycache__"))
            for file in (Path(path) / name for name in sorted(files)):
                if file.suffix.lower() in (".md", ".markdown") and size < MOST_BYTES:
                    data = file.read_bytes()
                    size += len(data)
                    found.append((file, data, read_playbook(data, file.stem, str(file))))
    return found


def oracle(text: str) -> list[Found]:
    """Fenced shell commands by the title of the `##` above them, as CommonMark has it.

    Of a console what stands behind `$`, with the lines that a backslash joins.
    """
    parser = MarkdownIt("commonmark").enable("table").disable("html_block")
    tokens = parser.parse(text)
    found, title = [], ""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "heading_open" and not before.level:
            title = token.content if before.tag == "h2" else title
        if token.type == "fence":
            words = token.info.split()
            language = words[0].lower() if words else ""
            found += [(title, command) for command in commands(language, token.content)]
    return found


def commands(language: str, content: str) -> list[str]:
    typed = re.findall(r"^[ \t]*\$ +((?:.*\\\n)*.*\S.*)$", content, re.M)
    if language in SHELLS:
        whole = textwrap.dedent(content.rstrip("\n")).strip("\n")
        return typed or ([whole] if whole.strip() else [])
    return typed if language in CONSOLES else []


def of(playbook: Playbook) -> list[Found]:
    """What the playbook's reader found, in the same form."""
    return [
        ("" if step.title == "Before the first step" else step.title, command.text)
        for step, command in playbook.commands()
    ]


def test_every_file_there_is_can_be_read() -> None:
    # GIVEN all Markdown that is here WHEN it is read
    for path, data, playbook in corpus():
        # THEN it has steps with ids of their own, and everything in them is there
        assert playbook.steps, path
        ids = [step.id for step in playbook.steps]
        assert len(set(ids)) == len(ids), path
        lines = decoded(data).replace("\r\n", "\n").split("\n")
        for step in playbook.steps:
            counted = {"tick": len(step.ticks), "command": len(step.commands)}
            for kind, count in {**counted, "probe": len(step.probes)}.items():
                numbers = [b.number for b in step.blocks if b.kind == kind]
                assert numbers == list(range(count)), path
            assert step.line <= len(lines), path
            # AND a command stands where it is said to stand
            for command in step.commands:
                first = command.text.split("\n")[0].strip()
                assert any(first in line for line in lines[command.line - 1 : command.line + 3]), (
                    path
                )
    assert len(corpus()) > 30


def test_the_commands_of_real_files_are_those_that_another_reader_finds() -> None:
    compared = 0
    for path, data, playbook in corpus():
        text = decoded(data).replace("\r\n", "\n")
        if text.startswith("+++\n"):
            text = text.split("\n+++\n", 1)[1]
        if "\n## " not in text or re.search(r"<!--|\{\{[<%]|\A---", text):
            continue  # what is not CommonMark, or has other steps, is told in test_playbook_read
        expected = [(plain(title), command) for title, command in oracle(text)]
        found = [(plain(title), command) for title, command in of(playbook)]
        assert [f for f in found if f in expected] == expected, path
        compared += bool(expected)
    assert compared > 10


def plain(title: str) -> str:
    """A title without what markup and links make of it."""
    return re.sub(r"\W+", " ", re.sub(r"\(http[^)]*\)|\[!\[.*|\[image.*", "", title)).strip()


WORDS = ("ls -l", "echo größe", "a | b && c", "x=1", "if a; then", "  indented", "#! comment", "")


class Maker:
    """Makes documents, and knows which commands it put into which step."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.lines: list[str] = []
        self.made: list[Found] = []
        self.title = ""

    def document(self) -> str:
        self.lines.append(self.random.choice(["# Title\n", "", "words before\n", "Title\n=====\n"]))
        for number in range(self.random.randint(1, 5)):
            for _ in range(self.random.randint(0, 4) if number else self.random.randint(0, 1)):
                self.piece()
            self.title = f"Step {number} {self.random.choice(['x', 'größe', '(a)'])}"
            heading = self.random.choice(["## {}", "## {} ##", "{}\n---", " ## {}"])
            self.lines += [heading.format(self.title), ""]
        self.piece()
        return "\n".join(self.lines) + "\n"

    def piece(self) -> None:
        kind = self.random.choice(["fence"] * 4 + ["words", "list", "table", "code", "sub", "html"])
        if kind == "fence":
            self.fence("", "")
        elif kind == "list":
            mark = self.random.choice(["- ", "* ", "+ ", "1. ", "10) ", "- [ ] "])
            self.lines += [f"{mark}an item", ""]
            deep = " " * (len(mark.removesuffix("[ ] ")))
            self.fence(deep, deep)
        elif kind == "code":
            mark = self.random.choice(["```python", "~~~", "```json", "```text"])
            self.lines += [mark, "rm -rf /", "## no heading", mark[:3], ""]
        else:
            said = {
                "words": "Some `$ words` with ``` inline ``` code.",
                "table": "| a | b |\n|---|---|\n| `sh` | ```x``` |",
                "sub": "### Below\n\nwords",
                "html": "<details>\n<summary>More</summary>\n\nwords\n\n</details>",
            }
            self.lines += [said[kind], ""]

    def fence(self, first: str, rest: str) -> None:
        quote = "> " if self.random.random() < 0.2 else ""
        mark = self.random.choice(["```", "~~~", "````", "~~~~~"])
        language = self.random.choice([*SHELLS, *CONSOLES, "BASH", "python"])
        info = self.random.choice(["", " {timeout=5}", ' title="x"', " {name=own}"])
        typed = [self.random.choice(WORDS) for _ in range(self.random.randint(1, 4))]
        console = language in CONSOLES
        inner = [f"$ {word.strip() or 'true'}" for word in typed] if console else typed
        if console:
            inner.insert(self.random.randint(0, len(inner)), "what it answered")
        whole = [f"{mark}{self.random.choice(['', ' '])}{language}{info}", *inner, mark]
        self.lines += [f"{rest}{quote}{line}".rstrip() for line in whole]
        self.lines.append("")
        if console:
            self.made += [(self.title, word.strip() or "true") for word in typed]
        elif language != "python" and any(word.strip() for word in typed):
            self.made.append((self.title, textwrap.dedent("\n".join(typed)).strip("\n")))


@pytest.mark.parametrize("seed", range(8))
def test_made_up_documents(seed: int) -> None:
    for number in range(50):
        # GIVEN a document that was put together by chance
        maker = Maker(seed * 1_000 + number)
        text = maker.document()
        # WHEN it is read THEN the commands are those that were put in, in their steps
        found = of(read_playbook(text.encode(), "x"))
        assert found == maker.made, text
        # AND those that another reader finds
        assert found == oracle(text), text
        # AND line ends and a byte-order mark make no difference
        other = "\ufeff" + text.replace("\n", "\r\n")
        assert of(read_playbook(other.encode(), "x")) == found


PIECES = [
    "# ", "## ", "### ", "```sh\n", "```console\n", "```\n", "~~~\n", "$ ", "> ", "- ", "1. ",
    "- [ ] ",
    "    ", "\t", "\n", "\n\n", "+++\n", "---\n", "===\n", "<!--", "-->", "{{< highlight sh >}}\n",
    "{{< /highlight >}}\n", "{{% x %}}", "```toml {probe}\n", "kind = 'x'\n", "<<EOF\n", "EOF\n",
    "\\\n",
    "| a | b |\n|---|---|\n", "[a](b.md#c)", "![a](b)", "<details>", "<br>", "</a>",
    "<a href='x'>", "{#id}",
    "`", "**", "a", "title: x\n", "\x00", "\x1b[2J", "\u202e", "\r", "é", "\ufeff", "{{host}}",
    "&#0;",
]  # fmt: skip


def test_any_text_can_be_read() -> None:
    random = Random(7)
    for _ in range(1_500):
        text = "".join(random.choices(PIECES, k=random.randint(0, 60)))
        playbook = read_playbook(text.encode(), "x")
        ids = [step.id for step in playbook.steps]
        assert ids, text
        assert len(set(ids)) == len(ids), text
        for step in playbook.steps:
            assert all(isinstance(c.text, str) and c.text.strip() for c in step.commands), text
            shown = [step.title, *step.ticks, *(b.text for b in step.blocks)]
            assert not re.search(
                "[\x1b\u202e]", "".join([*shown, *(c.text for c in step.commands)])
            )


# Where they are found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A team's `opsdeck.toml` with playbooks beside it."""
    for name, text in {
        "own.md": "# Own\n\n## One\n\n## Two\n",
        "high-cpu-usage.md": "# The team's own\n",
        "db/Slow.md": "+++\nid = 'Slow-Queries'\n+++\n# Slow\n\n## Größe ändern\n",
        "db/other.markdown": "# Other\n",
        "db/my book.md": "# Spaced\n",
        ".hidden.md": "# Hidden\n",
        "notes.txt": "# No playbook\n",
        "folder.md/in.md": "# Inner\n",
    }.items():
        path = tmp_path / "team" / "runbooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "team" / "secret.md").write_text("# Secret\n")
    (tmp_path / "secret.md").write_text("# Secret\n")
    return tmp_path / "team" / "opsdeck.toml"


@pytest.mark.parametrize(
    ("identity", "title"),
    [
        ("own", "Own"),
        ("db/Slow", "Slow"),
        ("slow", "Slow"),
        ("SLOW-queries", "Slow"),
        ("db/other", "Other"),
        ("other", "Other"),
        ("folder.md/in", "Inner"),
        ("high-cpu-usage", "The team's own"),
        ("high-memory-usage", "High Memory Usage"),
    ],
)
def test_lookup(identity: str, title: str, config: Path) -> None:
    found = find_playbook(identity, config)
    assert found is not None
    assert found.title == title
    assert playbook_title(identity, config) == title


@pytest.mark.parametrize(
    "identity",
    ["", "..", "../secret", "../../secret", "db/../../secret", "./own", "/etc/hostname",
     "db//Slow", "db/",
     "own\0", "a" * 5_000, "\ud800", "folder", "notes", "secret", "nothing", "db\\Slow", "~/x",
     "*"],
)  # fmt: skip
def test_lookup_leads_nowhere_else(identity: str, config: Path) -> None:
    assert find_playbook(identity, config) is None
    absolute = str(config.parent / "secret")
    assert find_playbook(absolute, config) is None


def test_the_list_of_playbooks(config: Path) -> None:
    found = playbook_files(config)
    assert list(found) == sorted(found)
    assert {"own", "db/Slow", "db/other", "db/my book", "folder.md/in", "high-memory-usage"} <= set(
        found
    )
    assert not {".hidden", "notes", "folder", "secret"} & set(found)
    assert found["high-cpu-usage"].is_relative_to(config.parent)
    assert "own" not in playbook_files(None)


def test_a_changed_file_is_read_anew(config: Path) -> None:
    first = find_playbook("own", config)
    file = config.parent / "runbooks" / "own.md"
    file.write_text("# Changed\n")
    second = find_playbook("own", config)
    file.unlink()
    assert first is not None
    assert second is not None
    assert (first.title, second.title) == ("Own", "Changed")
    assert first.digest != second.digest
    assert find_playbook("own", config) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("#two", ("own", "two")),
        ("#TWO", ("own", "two")),
        ("#", ("own", "one")),
        ("own.md", ("own", "one")),
        ("own.md#two", ("own", "two")),
        ("db/Slow.md", ("db/Slow", "größe-ändern")),
        ("../db/slow.md#größe-ändern", ("db/Slow", "größe-ändern")),
        ("slow.md#gr%C3%B6%C3%9Fe-%C3%A4ndern", ("db/Slow", "größe-ändern")),
        ("my%20book.md", ("db/my book", "spaced")),
        ("other.markdown", ("db/other", "other")),
        ("#nowhere", None),
        ("nowhere.md", None),
        ("own.md#nowhere", None),
        ("../../secret.md", None),
    ],
)
def test_links_are_followed(target: str, expected: tuple[str, str] | None, config: Path) -> None:
    playbook = find_playbook("own", config)
    assert playbook is not None
    link = Link("x", target)
    assert link.inside
    found = follow(link, playbook, config)
    step = found[1] if found is not None else None
    assert (found and (found[0].id, step.id if step is not None else "")) == expected


@pytest.mark.parametrize(
    "target", ["https://x.example/a.md", "a.png", "mailto:a@b.example", "ftp://x"]
)
def test_links_out_into_the_world(target: str) -> None:
    assert not Link("x", target).inside
