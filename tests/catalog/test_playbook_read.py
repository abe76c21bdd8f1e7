"""Any style of Markdown as a playbook: steps, ticks, commands, diagnostics, links."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from opsdeck.catalog.playbook import Command, Playbook, Step
from opsdeck.catalog.playbook_fence import read_info
from opsdeck.catalog.playbook_read import decoded, read_playbook


def read(text: str | bytes) -> Playbook:
    return read_playbook(text.encode() if isinstance(text, str) else text, "the-id", "the-id.md")


def titles(text: str | bytes) -> list[str]:
    return [step.title for step in read(text).steps]


def only(text: str | bytes) -> Step:
    (step,) = read(text).steps
    return step


def texts(text: str | bytes) -> list[str]:
    """What would be run, in order."""
    return [command.text for _, command in read(text).commands()]


def shown(step: Step) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in step.blocks]


STEPS: list[tuple[str, list[str]]] = [
    ("# T\n\n## One\n\nx\n\n## Two\n", ["One", "Two"]),
    ("# T\n\n## One\n### a\n#### b\n## Two\n### c\n", ["One", "Two"]),
    ("# T\n\nintro\n\n1. One\n2. Two\n\n   more\n3. Three\n", ["One", "Two", "Three"]),
    ("1) One\n2) Two\n", ["One", "Two"]),
    ("1. One\n2. Two\n\n### After\n\nx\n", ["One", "Two", "After"]),
    ("## A\n\n1. One\n2. Two\n", ["A"]),
    ("T\n=\n\nOne\n---\n\nx\n\nTwo\n-\n", ["One", "Two"]),
    ("# One\n\nx\n\n# Two\n", ["One", "Two"]),
    ("# T\n\n### One\n\n#### a\n\n### Two\n", ["One", "Two"]),
    ("# T\n\n- [ ] a\n- b\n", ["T"]),
    ("just words\n", ["All of it"]),
    ("", ["All of it"]),
    ("\n\n\n", ["All of it"]),
    ("\0\0", ["All of it"]),
    ("# Only a title\n", ["Only a title"]),
    ("> ## quoted\n\n## One\n", ["One"]),
    ("```\n## no heading\n```\n\n## One\n", ["One"]),
    ("## One ##\n\n##   Two\t\n", ["One", "Two"]),
    ("##\n\n## \n", ["Untitled", "Untitled"]),
    ("## **B** _i_ `c` ~~d~~ [l](u.md) &amp; \\*\n", ["B i `c` d l & *"]),
    ("## One {#given}\n\n## Two {#other .class}\n", ["One", "Two"]),
    ("1. [ ] One\n2. [x] Two\n", ["One", "Two"]),
    ("1. ```sh\n   ls\n   ```\n2. Two\n", ["Untitled", "Two"]),
    ("1.\n2. Two\n", ["Untitled", "Two"]),
    ("1. One\n   goes on\n", ["One"]),
    ("- [ ] before\n\n## One\n", ["Before the first step", "One"]),
    ("words before\n\n## One\n", ["One"]),
    ("## Größe ändern\n\n## 配置\n\n## Откат\n", ["Größe ändern", "配置", "Откат"]),
    ("## a\x1b[31mb\u202ec\x07\n", ["a[31mbc"]),
    ("## a\n<!-- ## b\n## c -->\n## d <!-- e -->\n", ["a", "d"]),
    ("<!-- never closed\n\n## a\n", ["a"]),
    ("## a\r\n\r\nx\r\n\r\n## b\r\n", ["a", "b"]),
    ("## a\r\r## b\r", ["a", "b"]),
    ("\ufeff## a\n", ["a"]),
    ("<details>\n<summary>More</summary>\n\n## a\n\n</details>\n", ["a"]),
    ("<details><summary>More</summary>\n## a\n</details>\n## b\n", ["a", "b"]),
]


@pytest.mark.parametrize(("text", "expected"), STEPS)
def test_steps(text: str, expected: list[str]) -> None:
    assert titles(text) == expected


def test_a_list_as_steps_with_what_stands_in_it() -> None:
    step, second = read(
        "1. Look\n   at it\n\n   - a\n     - b\n\n   ```sh\n   ls\n   ```\n2. [ ] Kill it\n"
    ).steps
    assert shown(step) == [("text", "at it"), ("text", "a"), ("text", "b"), ("command", "")]
    assert [(b.indent, b.mark) for b in step.blocks] == [(0, ""), (1, "-"), (2, "-"), (0, "")]
    assert [(c.text, c.line, c.name) for c in step.commands] == [("ls", 8, "Look")]
    assert (second.title, second.line) == ("Kill it", 10)


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("- [ ] a\n- [x] b\n- [X] c\n", ["a", "b", "c"]),
        ("* [ ] a\n+ [ ] b\n", ["a", "b"]),
        ("- [ ] a\n  - [ ] b\n    * [x] c\n", ["a", "b", "c"]),
        ("- [ ] a **b** [c](https://c.example)\n", ["a b c (https://c.example)"]),
        ("- [ ] a\n  goes on\n", ["a goes on"]),
        ("[ ] a\n[ ] b\n", ["a", "b"]),
        ("> - [ ] a\n", ["a"]),
        ("- [] a\n- [y] b\n- [ ]\n- \\[ ] c\n", []),
        ("    - [ ] code\n", []),
    ],
)
def test_ticks(text: str, ticks: list[str]) -> None:
    assert list(only(f"## S\n\n{text}").ticks) == ticks


FRONT: list[tuple[str, dict[str, Any]]] = [
    ('+++\ntitle = "A  title"\nseverity = "high"\n+++\n', {"title": "A title", "severity": "high"}),
    ('+++\ngauges = ["a", "b", 3, ""]\ninhibits = "x"\nid = "other"\n+++\n',
     {"gauges": ("a", "b"), "inhibits": ("x",), "faults": ()}),
    ('+++\n[variables]\nhost = "db-1"\nport = 27017\n+++\n',
     {"variables": {"host": "db-1", "port": "27017"}}),
    ("---\nvariables:\n  host: db-1\n  port: '27017' # mongod\n  deep:\n    host: no\nid: x\n---\n",
     {"variables": {"host": "db-1", "port": "27017"}}),
    ("---\nvariables:\n  none:\n  nor: # this\n  empty: ''\ntitle: T\n---\n",
     {"title": "T", "variables": {"empty": ""}}),
    ("---\nvariables:\n  - host: db-1\ntitle: T\n---\n", {"title": "T", "variables": {}}),
    ("---\ntitle: 'A title' # c\nseverity: high # c\nother:\n  deep: 1\n---\n",
     {"severity": "high"}),
    ("---\ngauges:\n  - a\n  - \"b\"\ninhibits: [x, y]\n---\n",
     {"gauges": ("a", "b"), "inhibits": ("x", "y"), "faults": ()}),
    ("---\ntitle: T\n...\n", {"title": "T"}),
    ("---\r\ntitle: T\r\n---\r\n", {"title": "T"}),
    ("\ufeff+++\ntitle = 'T'\n+++\n", {"title": "T"}),
    ("+++\ntitle = 3\nseverity = []\ngauges = {}\nvariables = 1\n+++\n",
     {"title": "The id", "severity": "", "gauges": (), "variables": {}}),
    ("---\n---\n", {"title": "The id", "faults": ()}),
    ("---\nnot: closed\n", {"title": "The id", "faults": ()}),
    ("---\ntitle: " + "x" * 500 + "\n---\n", {"title": "x" * 199 + "…"}),
    ("---\ntitle: a\x1b[2Jb\n---\n", {"title": "a[2Jb"}),
]  # fmt: skip


@pytest.mark.parametrize(("front", "expected"), FRONT)
def test_front_matter(front: str, expected: dict[str, Any]) -> None:
    playbook = read(front + "\n## One\n")
    assert {key: getattr(playbook, key) for key in expected} == expected
    assert playbook.id == "the-id"
    assert playbook.steps[-1].title == "One"


def test_broken_front_matter_is_named_and_the_rest_is_read() -> None:
    playbook = read("+++\ntitle = \n+++\n\n# T\n\n## One\n\n```sh\nls\n```\n")
    assert (playbook.title, playbook.steps[0].line) == ("T", 7)
    assert playbook.faults[0].startswith("its front matter is no TOML: ")
    assert playbook.steps[0].commands[0].line == 10


def test_rules_are_no_front_matter() -> None:
    assert titles("---\n\nwords\n\n---\n\n## One\n") == ["One"]
    assert titles("+++\n\n## One\n") == ["One"]


FENCES: list[tuple[str, list[str]]] = [
    ("```sh\nls -l\n```", ["ls -l"]),
    ("~~~bash\nls\n~~~", ["ls"]),
    ("````sh\n```\nls\n````", ["```\nls"]),
    ("~~~~ zsh\n~~~\nls\n~~~~~", ["~~~\nls"]),
    ("```sh\nnever closed", ["never closed"]),
    ("```SH\nls\n```", ["ls"]),
    ("``` {.bash .numberLines}\nls\n```", ["ls"]),
    ("```language-shell\nls\n```", ["ls"]),
    ("```bash,ignore\nls\n```", ["ls"]),
    ("```sh\n\n  a\n    b\n\n```", ["a\n  b"]),
    ("```sh\n \n\n```", []),
    ("```python\nls\n```", []),
    ("```\nls\n```", []),
    ("```text\n$ ls\n```", []),
    ("```\n$ ls\nout\n```", ["ls"]),
    ("    $ ls\n    out", ["ls"]),
    ("    ls", []),
    ("```console\n$ ls\nout\n$ pwd\n/\n```", ["ls", "pwd"]),
    ("```console\nls\n```", ["ls"]),
    ("```shell-session\nalice@ops1:~/x$ ls\n[root@ops1 ~]$ pwd\n(venv) $ id\n```",
     ["ls", "pwd", "id"]),
    ("```console\n# ls\nout\n```", ["ls"]),
    ("```console\n$ ls\n# a remark\n```", ["ls"]),
    ("```console\n$ a \\\n> b \\\n    c\nout\n```", ["a \\\nb \\\n    c"]),
    ("```console\n$ for x in a b; do\n> echo $x\n> done\na\nb\n```",
     ["for x in a b; do\necho $x\ndone"]),
    ("```console\n$ cat <<EOF\n> $ no\nEOF\nout\n$ ls\n```", ["cat <<EOF\n$ no\nEOF", "ls"]),
    ("```console\n$ cat <<< word\nword\n$ ls\n```", ["cat <<< word", "ls"]),
    ("```sh\n$ ls\n$ pwd\n```", ["ls", "pwd"]),
    ("```sh\necho $x\n$HOME/x\n```", ["echo $x\n$HOME/x"]),
    ("```console\n$\n$  \n```", ["$\n$  "]),
    ("- a\n\n  ```sh\n  ls\n    x\n  ```", ["ls\n  x"]),
    ("1. a\n   - b\n     ~~~sh\n     ls\n     ~~~", ["ls"]),
    ("> ```sh\n> ls\n> ```", ["ls"]),
    ("> - ```sh\n>   ls\n>   ```", ["ls"]),
    ("- ```sh\n  ls", ["ls"]),
    ("<details>\n\n```sh\nls\n```\n\n</details>", ["ls"]),
    ("<div>\n```sh\nls\n```\n</div>", ["ls"]),
    ("<!--\n```sh\nls\n```\n-->", []),
    ("<!-- a -->\n```sh\n<!-- b -->\n```", ["<!-- b -->"]),
    ("`<!--`\n\n```sh\nls\n```\n\n-->", ["ls"]),
    ("{{< highlight bash >}}\nls {{< x >}}\n{{< /highlight >}}\n\n```sh\npwd\n```",
     ["ls ", "pwd"]),
    ('{{% highlight sh "linenos=table" %}}\nls\n{{% / highlight %}}', ["ls"]),
    ("- a\n\n  {{< highlight sh >}}\n  ls\n  {{< /highlight >}}\n\n## B\n\n```sh\npwd\n```",
     ["ls", "pwd"]),
    ("- a\n\n  {{< highlight sh >}}\n  ls\n{{< /highlight >}}\n\n## B\n\n```sh\npwd\n```",
     ["ls", "pwd"]),
    ("{{< tabs >}}\n{{% tab \"x\" %}}\n\n```sh\nls {{< y >}} {{host}}\n```\n\n{{% /tab %}}",
     ["ls {{< y >}} {{host}}"]),
    ("```sh\r\nls\r\npwd\r\n```\r\n", ["ls\npwd"]),
    ("```sh\nl\x1b[2Js\u202e\x00\n```", ["l[2Js\ufffd"]),
    ("```sh\necho größe ☃\n```", ["echo größe ☃"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FENCES)
def test_commands(text: str, expected: list[str]) -> None:
    assert texts(f"## S\n\n{text}\n") == expected


def test_text_that_is_no_command_is_shown_as_code() -> None:
    step = only("## S\n\n```text\nout <b>\n```\n\n    indented\n")
    assert [(b.kind, b.text, b.mark) for b in step.blocks] == [
        ("code", "out <b>", "text"),
        ("code", "indented", ""),
    ]


def test_lines_and_names_of_commands() -> None:
    # GIVEN front matter, and a fence of three commands
    playbook = read(
        "+++\n+++\n\n## S\n\n```console\n$ a\n$ b\nout\n$ c\n```\n\n```sh {name=own}\nd\n```\n"
    )
    # THEN each knows where it stands, and they are numbered where there are more than one
    found = [(c.name, c.text, c.line) for _, c in playbook.commands()]
    assert found == [("S 1", "a", 7), ("S 2", "b", 8), ("S 3", "c", 10), ("own", "d", 14)]
    lines = playbook.text.split("\n")
    assert [lines[line - 1] for _, _, line in found] == ["$ a", "$ b", "$ c", "d"]


ATTRIBUTES: list[tuple[str, dict[str, Any]]] = [
    ("", {"name": "S", "shell": "sh", "cwd": "", "env": {}, "timeout_s": None, "confirm": "",
          "interactive": False, "background": False, "risk": None, "changes": False}),
    ("{name=x}", {"name": "x"}),
    ("{name='a b' cwd=\"/srv/a b\"}", {"name": "a b", "cwd": "/srv/a b"}),
    ('{name="a \\"b\\" \\\\"}', {"name": 'a "b" \\'}),
    ("name=x timeout=5", {"name": "x", "timeout_s": 5.0}),
    ('{"name": "j", "timeout": 7, "env": {"A": 1, "b c": 2}, "confirm": true}',
     {"name": "j", "timeout_s": 7.0, "env": {"A": "1"}, "confirm": "yes", "changes": True}),
    ('{env="A=1,B=x=y, C = z"}', {"env": {"A": "1", "B": "x=y", "C": " z"}}),
    ("{interactive background}", {"interactive": True, "background": True}),
    ("{interactive=false background=no confirm=false changes=0}",
     {"interactive": False, "background": False, "confirm": "", "risk": None}),
    ("{confirm=off}", {"confirm": "off", "changes": True}),
    ("{confirm}", {"confirm": "yes", "changes": True}),
    ("{confirm=true}", {"confirm": "yes"}),
    ("{confirm=RESTART}", {"confirm": "RESTART", "changes": True}),
    ("{timeout=90s}", {"timeout_s": 90.0}),
    ("{timeout=1h30m}", {"timeout_s": 5400.0}),
    ("{timeout=1.5}", {"timeout_s": 1.5}),
    ("{timeout=soon}", {"timeout_s": None}),
    ("{timeout=-5}", {"timeout_s": None}),
    ("{timeout}", {"timeout_s": None}),
    ('{"timeout": -5}', {"timeout_s": None}),
    ('{"timeout": NaN}', {"timeout_s": None}),
    ('{"timeout": 1' + "0" * 400 + "}", {"timeout_s": None}),
    ('{"timeout": []}', {"timeout_s": None}),
    ('{risk="drops  requests"}', {"risk": "drops requests", "changes": True}),
    ("{risk=none}", {"risk": "none", "changes": False}),
    ("{risk}", {"risk": None}),
    ("{changes}", {"risk": "it changes something", "changes": True}),
    ('{"name": "\\ud800\\u001b[2J", "confirm": "\\u0000y", "risk": "\\u202er"}',
     {"name": "[2J", "confirm": "y", "risk": "r"}),
    ('{"name": 3, "cwd": [], "env": "x", "interactive": 1}',
     {"name": "S", "cwd": "", "env": {"x": ""}, "interactive": False}),
    ("{NAME=x}", {"name": "x"}),
    ("{name=", {"name": "S"}),
    ('{name="x', {"name": '"x'}),
]  # fmt: skip


@pytest.mark.parametrize(("info", "expected"), ATTRIBUTES)
def test_attributes(info: str, expected: dict[str, Any]) -> None:
    (command,) = only(f"## S\n\n```sh {info}\nls\n```\n").commands
    assert {key: getattr(command, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("language", "shell"),
    [("sh", "sh"), ("bash", "bash"), ("zsh", "zsh"), ("fish", "fish"), ("shell", "sh"),
     ("console", "sh"), ("ash", "sh")],
)  # fmt: skip
def test_shells(language: str, shell: str) -> None:
    (command,) = only(f"```{language}\nls\n```\n").commands
    assert isinstance(command, Command)
    assert command.shell == shell


def test_info_strings_without_a_language() -> None:
    assert read_info("") == ("", {})
    assert read_info("   ") == ("", {})
    assert read_info("{}") == ("", {})


PROBES: list[tuple[str, dict[str, Any]]] = [
    ('title = "Long  ones"\nkind = "mongo"\nshow = "ops[]"\ncolumns = ["a", "b"]\nx = 1',
     {"title": "Long ones", "show": "ops[]", "columns": ("a", "b"), "fault": "",
      "probe": {"kind": "mongo", "x": 1}}),
    ('kind = "host"', {"title": "host look", "probe": {"kind": "host"}, "fault": ""}),
    ("x = 1", {"title": "A look", "fault": 'it names no kind: write for example kind = "host"'}),
    ("kind = 3", {"fault": 'it names no kind: write for example kind = "host"'}),
    ('kind = "host"\nshow = 3\ncolumns = 4\ntitle = []', {"show": "", "columns": (), "fault": ""}),
    ("", {"title": "A look"}),
]  # fmt: skip


@pytest.mark.parametrize(("toml", "expected"), PROBES)
def test_diagnostics(toml: str, expected: dict[str, Any]) -> None:
    step = only(f"## S\n\n```toml {{probe}}\n{toml}\n```\n")
    (probe,) = step.probes
    assert {key: getattr(probe, key) for key in expected} == expected
    assert probe.line == 3
    assert [(b.kind, b.number) for b in step.blocks] == [("probe", 0)]


@pytest.mark.parametrize("toml", ["kind = ", "a" * 5, "a = " + "[" * 5_000, "= \x00"])
def test_a_diagnostic_that_is_no_toml_says_so(toml: str) -> None:
    (probe,) = only(f"```toml {{probe}}\n{toml}\n```\n").probes
    assert probe.fault.startswith("it is no TOML: ")
    assert probe.probe == {}


def test_toml_without_the_word_is_only_shown() -> None:
    step = only("```toml\nkind = 'host'\n```\n")
    assert (step.probes, [b.kind for b in step.blocks]) == ((), ["code"])


ANCHORS: list[tuple[str, list[str]]] = [
    ("## 1. Kill long-running queries!\n", ["1-kill-long-running-queries"]),
    ("## A\n## A\n## a\n", ["a", "a-1", "a-2"]),
    ("## A-1\n## A\n## A\n## A\n", ["a-1", "a", "a-2", "a-3"]),
    ("## A\n## A\n## A-1\n", ["a", "a-1", "a-1-1"]),
    ("## `code` & _more_: x/y\n", ["code--more-xy"]),
    ("## snake_case\n", ["snake_case"]),
    ("## Größe ÄNDERN\n## 配置\n", ["größe-ändern", "配置"]),
    ("## One {#My-Id}\n## My id\n", ["my-id", "my-id-1"]),
    ("## !!!\n## ???\n", ["step", "step-1"]),
    ("## See [docs](https://d.example/x) now\n", ["see-docs-now"]),
    ("## \U0001f680 Deploy\n", ["-deploy"]),
]


@pytest.mark.parametrize(("text", "expected"), ANCHORS)
def test_anchors_are_githubs(text: str, expected: list[str]) -> None:
    assert [step.id for step in read(text).steps] == expected


TEXTS: list[tuple[str, str]] = [
    ("![the graph](img/a.png)", "[image: the graph, img/a.png]"),
    ("![](data:image/png;base64,AAAA)", "[image: no title]"),
    ('<img src="a.png" alt="a graph">', "[image: a graph]"),
    ("[![b](b.svg)](https://ci.example)", "[image: b, b.svg] (https://ci.example)"),
    ("see [docs](https://d.example/x)", "see docs (https://d.example/x)"),
    ("see [next](#two)", "see next"),
    ("<https://d.example>", "https://d.example"),
    ("a<br>b <b>c</b>", "a b c"),
    ("a  \nb\\\nc", "a b c"),
    ("{{< note >}}a{{< /note >}} {{% b %}}", "a"),
    ("use `{{host}}` and {{host}}", "use `{{host}}` and {{host}}"),
    ("a <!-- b --> c <!-- d -->e", "a c e"),
    ("x\u202ey\x1bz", "xyz"),
    ("[" * 5_000, "[" * 5_000),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_texts(text: str, expected: str) -> None:
    assert shown(only(f"## S\n\nx\n\n{text}\n"))[1:] == [("text", expected)]


def test_tables() -> None:
    step = only("## S\n\n| a | **b** |\n|---|:-:|\n| `x` | [y](z.md#s) |\n| 1 |\n")
    (block,) = step.blocks
    assert (block.kind, block.rows) == ("table", (("a", "b"), ("`x`", "y"), ("1", "")))
    assert [(link.text, link.playbook, link.step) for link in step.links] == [("y", "z", "s")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"## gr\xfc\xdfe\n", "gr\ufffd\ufffde"),
        ("## größe\n".encode("utf-16"), "größe"),
        (b"\xff\xfe" + "## größe\n".encode("utf-16-le"), "größe"),
        (b"\xfe\xff" + "## größe\n".encode("utf-16-be"), "größe"),
        (b"\xef\xbb\xbf## a\n", "a"),
        (b"## \xed\xa0\x80\n", "\ufffd\ufffd\ufffd"),
        (b"## a\0b\n", "a\ufffdb"),
    ],
)
def test_encodings(data: bytes, expected: str) -> None:
    assert titles(data) == [expected]
    decoded(data).encode()


N = 200_000
PATHOLOGICAL: dict[str, Callable[[], str]] = {
    "one line of 10 MB": lambda: "a" * 10_000_000,
    "a heading of 10 MB": lambda: "## " + "a " * 5_000_000,
    "a command of 10 MB": lambda: "```sh\n" + "a" * 10_000_000,
    "a tick of 10 MB": lambda: "- [ ] " + "a" * 10_000_000,
    "10 MB of emphasis": lambda: "*a_b" * 2_500_000,
    "10 MB of brackets": lambda: "[" * 10_000_000,
    "10 MB of NULs": lambda: "\0" * 10_000_000,
    "spaces in YAML": lambda: f"---\na: x{' ' * N}y\n---\n",
    "spaces in a YAML list": lambda: f"---\na:\n- x{' ' * N}y\n---\n",
    "spaces in a heading": lambda: f"## a{' ' * N}b\n",
    "a heading's open id": lambda: "## a {#" + "a" * N,
    "a heading's open ids": lambda: "## a" + "{#a" * N,
    "comment openings": lambda: "<!--" * N,
    "comment openings after a comment": lambda: "<!-- -->" + "<!--" * N,
    "short code openings": lambda: "{{<" * N,
    "short codes without end": lambda: "{{< x >" * N,
    "blank lines in a shell's fence": lambda: "```sh\n" + "\n" * N + "x\n```\n",
    "blank lines in a console": lambda: "```console\n" + " \n" * N + "$ x\n```\n",
    "lines that go on": lambda: "```console\n" + "$ x \\\n" * N + "```\n",
    "here-documents": lambda: "```console\n$ x " + "<<A " * 20_000 + "\n" + "A\n" * N + "```\n",
    "hosts in a console": lambda: "```console\n" + "a@" * N + "\n```\n",
    "attributes": lambda: "```sh " + 'a="\\' * N + "\nx\n```\n",
    "attributes in JSON": lambda: '```sh {"a":' + "[" * N + "\nx\n```\n",
    "quotations": lambda: ">" * 5_000 + " ```sh\n",
    "lists": lambda: "- " * 5_000 + "x",
    "equal headings": lambda: "## a\n" * 10_000,
    "check boxes in a paragraph": lambda: "- x\n" + "  [ ] b\n" * 10_000,
    "wide table": lambda: "|" + "a|" * 5_000 + "\n|" + "-|" * 5_000 + "\n|" + "b|" * 5_000 + "\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_texts_take_bounded_time(name: str) -> None:
    data = PATHOLOGICAL[name]().encode()
    began = time.process_time()
    playbook = read_playbook(data, "x")
    assert time.process_time() - began < 20
    assert len(playbook.steps) == (10_000 if name == "equal headings" else 1)
    assert all(len(step.title) <= 200 for step in playbook.steps)
