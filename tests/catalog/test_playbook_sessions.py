"""Sessions of a terminal in playbooks: prompts of many hands, comments, what goes on for lines."""

from __future__ import annotations

import pytest

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbook_read import read_playbook


def read(text: str) -> Playbook:
    return read_playbook(text.encode(), "x")


def of_fence(language: str, content: str) -> list[tuple[str, int]]:
    """What is offered of a fence: text, and line within the fence."""
    playbook = read(f"## S\n\n```{language}\n{content}\n```\n")
    return [(command.text, command.line - 3) for _, command in playbook.commands()]


COMMENTS: list[tuple[str, list[tuple[str, int]]]] = [
    ("# List all of them.\nls\n# and then\npwd", [("# List all of them.\nls\n# and then\npwd", 1)]),
    ("# this shows what is there\nls -l", [("# this shows what is there\nls -l", 1)]),
    ("# to see more:\nls -l", [("# to see more:\nls -l", 1)]),
    ("# List them\n$ ls\nout\n# Then\n$ pwd", [("ls", 2), ("pwd", 5)]),
    ("# ls -l\nout\n# systemctl restart x", [("ls -l", 1), ("systemctl restart x", 3)]),
    ("# ./run --now", [("./run --now", 1)]),
]


@pytest.mark.parametrize(("content", "expected"), COMMENTS)
def test_a_comment_in_a_console_is_no_prompt_of_root(
    content: str, expected: list[tuple[str, int]]
) -> None:
    assert of_fence("console", content) == expected


PROMPTS = [
    "$ ls", "❯ ls", "➜  ls", "(venv) $ ls", "root@h:~# ls", "me@h:~$ ls", "me@h ~ % ls",
    "[root@h ~]# ls", "[me@h ~]$ ls", "sh-4.4# ls", "bash-5.1$ ls", "host:~ me$ ls",
    "my-host:src me$ ls", "~/x $ ls", "chef-repo/bin$ ls", "(base) me@h:/srv/x$ ls",
]  # fmt: skip


@pytest.mark.parametrize("typed", PROMPTS)
def test_a_prompt_of_any_kind(typed: str) -> None:
    # GIVEN a prompt alone, or one among others WHEN it is read THEN what is behind it was typed
    assert of_fence("console", f"{typed}\nout") == [("ls", 1)]
    assert of_fence("console", f"$ id\nuid=0\n{typed}\nout") == [("id", 1), ("ls", 3)]


@pytest.mark.parametrize(
    "typed",
    ["$ ls", "me@h:~$ ls", "root@h:~# ls", "[root@h ~]# ls", "chef-repo/bin$ ls", "sh-4.4# ls",
     "bash-5.1$ ls", "host:~ me$ ls", "# a remark\n$ ls", "\n$ ls"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["sh", "bash"])
def test_a_shells_fence_that_begins_with_a_prompt_is_a_session(language: str, typed: str) -> None:
    assert [text for text, _ in of_fence(language, f"{typed}\nout")] == ["ls"]


SCRIPTS = [
    "cat > x <<EOF\n$ ls\nEOF",
    "cat <<EOF\n  $ no prompt\nEOF\necho done",
    "echo '\n$ ls'",
    "$HOME/bin/x\n$ x",
    "# a remark\nls\n$ x",
    "x=$(date)\necho $x",
    "git clone git@h:x.git # the repository",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_prompt_within_a_script_makes_no_session_of_it(script: str) -> None:
    assert of_fence("sh", script) == [(script, 1)]


BARE: list[tuple[str, list[str]]] = [
    ("$ls -l\nout\n$kubectl get x", ["ls -l", "kubectl get x"]),
    ("$ls\n$ pwd", ["pwd"]),
    ("$HOME/bin/x", ["$HOME/bin/x"]),
    ("${x}", ["${x}"]),
    ("ls\n$more", ["ls\n$more"]),
    ("PS C:\\> dir\nout", []),
    ("PS C:\\Users\\me> dir", []),
    ("PS> dir", []),
    ("C:\\>dir", []),
    ("PS C:\\> dir\n$ ls", ["ls"]),
    ("ps > x", ["ps > x"]),
]


@pytest.mark.parametrize(("content", "expected"), BARE)
def test_a_dollar_without_a_blank_and_shells_of_others(content: str, expected: list[str]) -> None:
    assert [text for text, _ in of_fence("console", content)] == expected


GOES_ON: list[tuple[str, list[str]]] = [
    ("curl -d '{\n  \"a\": 1\n}' h\nout", ["curl -d '{\n  \"a\": 1\n}' h"]),
    ('echo "a\n\\"b" c\nout', ['echo "a\n\\"b" c']),
    ("a |\nb\nout", ["a |\nb"]),
    ("a |\n# why\nb\nout", ["a |\n# why\nb"]),
    ("a &&\n  b\nout", ["a &&\n  b"]),
    ("a ||\nb\nout", ["a ||\nb"]),
    ("a |\nb \\\nc\nout", ["a |\nb \\\nc"]),
    ("for x in a; do\n  echo $x\ndone\nout", ["for x in a; do\n  echo $x\ndone"]),
    ("for x in a\ndo\n  echo $x\ndone\nout", ["for x in a\ndo\n  echo $x\ndone"]),
    ("for x in a; do # all\n  y\ndone\nout", ["for x in a; do # all\n  y\ndone"]),
    ("while a; do\n  if b; then\n    c\n  fi\ndone\nout",
     ["while a; do\n  if b; then\n    c\n  fi\ndone"]),
    ("case x in\n  y) z;;\nesac\nout", ["case x in\n  y) z;;\nesac"]),
    ("f() {\n  x\n}\nout", ["f() {\n  x\n}"]),
    ("a | b 'x'\nout", ["a | b 'x'"]),
    ("echo done\nout", ["echo done"]),
    ("echo it\\'s\nout", ["echo it\\'s"]),
    ("ls # don't\nout", ["ls # don't"]),
    ("echo don't\nout\n$ ls", ["echo don't", "ls"]),
    ("echo 'a\nout\n$ echo b'", ["echo 'a", "echo b'"]),
    ("echo 'a" + "\nout" * 200 + "'", ["echo 'a"]),
    ("cat <<A; cat <<'B'\n$ x\nA\n$ y\nB\nout", ["cat <<A; cat <<'B'\n$ x\nA\n$ y\nB"]),
    ("a | \\\n  cat <<A\nx\nA\nout", ["a | \\\n  cat <<A\nx\nA"]),
    ("cat <<A\nout\n$ ls", ["cat <<A", "ls"]),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), GOES_ON)
def test_what_was_typed_over_several_lines(typed: str, expected: list[str]) -> None:
    assert [text for text, _ in of_fence("console", f"$ {typed}")] == expected


@pytest.mark.parametrize(
    "language",
    ["csh", "tcsh", "/bin/bash", "/usr/bin/zsh", "#!/bin/sh", '"bash"', "'sh'", "{#id .bash}",
     "{.sh #id}", "{code-block} bash", "{code} sh", "language-bash", "lang-sh"],
)  # fmt: skip
def test_a_shells_name_in_any_writing(language: str) -> None:
    assert of_fence(language, "ls") == [("ls", 1)]


def test_options_of_myst_are_no_command() -> None:
    assert of_fence("{code-block} bash", ":caption: x\n:linenos:\n\nls\npwd") == [("ls\npwd", 4)]
    assert of_fence("bash", ": ${x:=1}\nls") == [(": ${x:=1}\nls", 1)]


LISTS: list[tuple[str, list[str]]] = [
    ("1. One\n```sh\na\n```\n1. Two\n```sh\nb\n```\n1. Three\n", ["One", "Two", "Three"]),
    ("1. One\n```sh\na\n```\n2. Two\n```sh\nb\n```\n3. Three\n", ["One", "Two", "Three"]),
    ("1. One\n2. Two\n\nwords\n\n3. Three\n4. Four\n", ["One", "Two", "Three", "Four"]),
    ("1. One\n2. Two\n\nFor example:\n\n1. other\n2. list\n", ["One", "Two"]),
    ("1. One\n```sh\na\n```\n2. Two\n\n# More\n\n3. no step\n", ["One", "Two", "More"]),
    ("1. One\n\n- between\n\n2. Two\n", ["One", "Two"]),
    ("1. One\n2. Two\n\nx\n\n7. no step\n", ["One", "Two"]),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_a_list_that_is_cut_in_two_goes_on(text: str, expected: list[str]) -> None:
    playbook = read(text)
    assert [step.title for step in playbook.steps] == expected
    for step, letter in zip(playbook.steps, "ab", strict=False):
        assert all(command.text == letter for command in step.commands)
