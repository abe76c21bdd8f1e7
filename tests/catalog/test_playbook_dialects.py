"""What other programs add to Markdown: boxes, short codes, comments, front matter."""

from __future__ import annotations

from typing import Any

import pytest

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbook_read import read_playbook


def read(text: str) -> Playbook:
    return read_playbook(text.encode(), "x")


def found_in(text: str) -> list[tuple[str, str, int]]:
    """Step, text and line of every command."""
    return [(step.title, c.text, c.line) for step, c in read(text).commands()]


END = "\n\n## B\n\n```sh\nend\n```\n"
"""What comes after: it must always be found, and in its own step."""

INDENTED: list[tuple[str, list[tuple[str, int]]]] = [
    ("<details>\n<summary>x</summary>\n\n    ```sh\n    ls\n    ```\n\n</details>", [("ls", 7)]),
    ("<details>\n\n    Run:\n\n    ```sh\n    ls\n      x\n    ```\n</details>", [("ls\n  x", 8)]),
    ('=== "Tab"\n\n    ```sh\n    ls\n\n    pwd\n    ```', [("ls\n\npwd", 6)]),
    ('=== "Tab"\n\n    Run:\n\n    ```sh\n    ls\n    ```\n\n=== "T"\n\n    ~~~sh\n    id\n    ~~~',
     [("ls", 8), ("id", 14)]),
    ("!!! note\n    ```sh\n    ls\n    ```", [("ls", 5)]),
    ('!!! note "x"\n    words\n    ```sh\n    ls\n    ```', [("ls", 6)]),
    ("???+ note\n\n\t```sh\n\tls\n\t```", [("ls", 6)]),
    ("!!! a\n\n    !!! b\n\n        ```sh\n        ls\n        ```\n\n    ```sh\n    id\n    ```",
     [("ls", 8), ("id", 12)]),
    ("1. x\n\n    !!! note\n        ```sh\n        ls\n        ```", [("ls", 7)]),
    ("```text\n!!! note\n    ```sh\n    no\n```", []),
    ("!!! note\n\n```sh\nls\n```", [("ls", 6)]),
    ("!!! note\n    ```sh\n    never closed", [("never closed", 5)]),
    ("    ls\n    pwd", []),
    ('=== "Tab"\n\n    <!--\n\n    ```sh\n    rm\n    ```\n    -->', []),
    ("    x\n    <!--\n    ```sh\n    rm\n    ```\n    -->", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), INDENTED)
def test_what_is_indented_for_a_box(text: str, expected: list[tuple[str, int]]) -> None:
    # GIVEN a step with a box in it, and another step WHEN it is read
    found = found_in(f"## A\n\n{text}{END}")
    # THEN the commands stand in their steps, in the lines they are said to stand in
    last = 3 + text.count("\n") + 5
    assert found == [*(("A", said, line) for said, line in expected), ("B", "end", last)]


HIDDEN: list[tuple[str, list[str]]] = [
    ("```docker ps```\n\n<!--\n```sh\nrm\n```\n-->", []),
    ("    <!-- x\n\n```sh\nls\n```\n\n-->", ["ls"]),
    ("- a\n\n      <!-- x\n\n  ```sh\n  ls\n  ```\n\n-->", ["ls"]),
    ("- a\n\n  ```sh\n  ls\n\nafter\n\n<!--\n```sh\nrm\n```\n-->", ["ls"]),
    ("> ```sh\n> ls\n\n<!--\n```sh\nrm\n```\n-->", ["ls"]),
    ("> ```sh\n> > ls\n> ```\n\n<!--\n```sh\nrm\n```\n-->", ["> ls"]),
    ("- a\n\n  <!--\n  ```sh\n  rm\n  ```\n  -->\n\n  ```sh\n  ls\n  ```", ["ls"]),
    ("words\n    <!--\n```sh\nrm\n```\n-->", []),
    ("```sh\nls <<A\n<!--\nA\n```\n\n-->", ["ls <<A\n<!--\nA"]),
    ("```\n<!--\n```\n\n```sh\nls\n```\n-->", ["ls"]),
    ("a <!-- b --> <!--\n```sh\nrm\n```\n--> c", []),
    ("<!--\n```sh\nrm\n```", ["rm"]),
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN)
def test_what_a_comment_hides_is_not_offered_and_all_else_is(
    text: str, expected: list[str]
) -> None:
    assert [said for _, said, _ in found_in(f"## A\n\n{text}{END}")] == [*expected, "end"]


SHORT_CODES: list[tuple[str, list[tuple[str, int]]]] = [
    ("{{< highlight bash >}}ls{{< /highlight >}}", [("ls", 3)]),
    ('{{< highlight "bash" "x=1" >}}\nls\n{{< /highlight >}}', [("ls", 4)]),
    ("{{% highlight sh %}}\nls\n{{% /highlight %}}", [("ls", 4)]),
    ("{{< highlight go >}}\nls\n{{< /highlight >}}", []),
    ("{{< text bash >}}\n$ ls\nout\n{{< /text >}}", [("ls", 4)]),
    ("{{< text bash >}}$ ls{{< /text >}}", [("ls", 3)]),
    ("{{< text syntax=bash snip_id=x >}}\n$ ls\n{{< /text >}}", [("ls", 4)]),
    ("{{< text plain >}}\nls\n{{< /text >}}", []),
    ("{{< command >}}\nls\n{{< /command >}}", [("ls", 4)]),
    ("{{< command >}}ls{{< /command >}}\n\n{{< command >}}id{{< /command >}}",
     [("ls", 3), ("id", 5)]),
    ("{{< highlight sh >}}ls\npwd{{< /highlight >}}", [("ls\npwd", 3)]),
    ("{% highlight bash %}\nls\n{% endhighlight %}", [("ls", 4)]),
    ("{%- highlight 'sh' linenos -%}\nls\n{%- endhighlight -%}", [("ls", 4)]),
    ("{% highlight bash %}ls{% endhighlight %}", [("ls", 3)]),
    ("{% highlight ruby %}\nls\n{% endhighlight %}", []),
    ("{{< highlight bash >}}\nnever closed", []),
    ("```text\n{{< command >}}no{{< /command >}}\n```", []),
    ("- a\n\n  {{< command >}}ls{{< /command >}}", [("ls", 5)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SHORT_CODES)
def test_short_codes_for_code(text: str, expected: list[tuple[str, int]]) -> None:
    found = found_in(f"## A\n\n{text}{END}")
    last = 3 + text.count("\n") + 5
    assert found == [*(("A", said, line) for said, line in expected), ("B", "end", last)]


NO_FRONT = [
    "---\nA text between two rules.\n---\n",
    "---\nRead this first\n\nNote: it is old\n---\n",
    "---\n```sh\na: b\n```\n---\n",
    "---\n> quoted: x\n---\n",
    "---\nSee `x`: it is\nkey: value\n---\n",
]


@pytest.mark.parametrize("front", NO_FRONT)
def test_a_text_between_two_rules_is_no_front_matter(front: str) -> None:
    # GIVEN words or code between rules WHEN it is read
    playbook = read(f"{front}\n## A\n\n```sh\nls\n```\n")
    # THEN nothing of it is lost
    shown = [block.text for step in playbook.steps for block in step.blocks]
    shown += [block.text for block in playbook.about] + [step.title for step in playbook.steps]
    commands = [command.text for _, command in playbook.commands()]
    words = front.replace("---", "").replace("`", " ").replace(">", " ").split()
    said = " ".join([*shown, *commands]).replace("`", " ").split()
    assert [word for word in words if word not in ("sh", *said)] == []
    assert (playbook.title, playbook.faults, commands[-1]) == ("X", (), "ls")


YAML: list[tuple[str, dict[str, Any]]] = [
    ('"title": T\n\'severity\': high', {"title": "T", "severity": "high"}),
    ("title: >\n  A long\n  title\nseverity: low", {"title": "A long title", "severity": "low"}),
    ("title: >-\n  A\n\n  B\nid: x", {"title": "A B"}),
    ("title: |  # c\n  A\n  B", {"title": "A B"}),
    ("title: 'It''s here'", {"title": "It's here"}),
    ('title: "a \\"b\\" \\\\ c" # d', {"title": 'a "b" \\ c'}),
    ('title: "gr\\u00f6\\u00df"', {"title": "gr\u00f6\u00df"}),
    ('title: "\\ud800"', {"title": "?"}),
    ('gauges: ["a, b", c]', {"gauges": ("a, b", "c")}),
    ("gauges: ['a', \"b\", c d,] # e", {"gauges": ("a", "b", "c d")}),
    ("gauges: [\n  a, # b\n  'c, d',\n  # e\n  f\n]\ntitle: T",
     {"gauges": ("a", "c, d", "f"), "title": "T"}),
    ("gauges: [a,\n  b]\ntitle: T", {"gauges": ("a", "b"), "title": "T"}),
    ("gauges: [a\ntitle: T", {"title": "T"}),
    ('gauges:\n  - "a, \\"b\\""\n  - c', {"gauges": ('a, "b"', "c")}),
    ("variables:\n  'a': x\n  b: \"y: z\"\n  c: >\n    d\n    e\n  f: g",
     {"variables": {"a": "x", "b": "y: z", "c": "d e", "f": "g"}}),
    ("a: b\n" * 900 + "title: T", {"title": "T"}),
    ("title: T\nlist:\n- a: b\n  c: d\nseverity: low", {"title": "T", "severity": "low"}),
]  # fmt: skip


@pytest.mark.parametrize(("front", "expected"), YAML)
def test_front_matter_as_others_write_it(front: str, expected: dict[str, Any]) -> None:
    playbook = read(f"---\n{front}\n---\n\n## A\n\n```sh\nls\n```\n")
    assert {key: getattr(playbook, key) for key in expected} == expected
    assert playbook.faults == ()
    assert playbook.steps[0].line == front.count("\n") + 5


def test_commands_before_any_step_have_names_too() -> None:
    text = "# T\n\n```sh\na\n```\n\n```console\n$ b\n$ c\n```\n\nwords\n"
    [step] = read_playbook(text.encode(), "p").steps
    assert [(c.name, c.text) for c in step.commands] == [
        ("Command", "a"),
        ("Command 1", "b"),
        ("Command 2", "c"),
    ]
