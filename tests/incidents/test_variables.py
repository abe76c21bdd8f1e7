"""Whatever a variable's value: it is refused, or arrives as one argument, to the letter."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path

import pytest

from opsdeck.catalog.playbook import Command
from opsdeck.errors import UsageError
from opsdeck.incidents.commands import made_ready
from opsdeck.incidents.variables import filled, names_in, places_of, plainly_filled

SHOW = """#!/bin/sh
for word in "$@"; do printf '[%s]\\n' "$word"; done
"""
SSH = """#!/bin/sh
shift
exec sh -c "$*"
"""
"""As ssh does: the words are joined and a shell on the other side reads them anew."""

HOSTILE = [
    "$(touch X)", "`touch X`", "; touch X", ";touch X;", "& touch X &", "| touch X", "|| touch X",
    "a\ntouch X", "a\rtouch X", "a\x00b", "a\x1b[2Jb", "'; touch X; '", '"; touch X; "', "'", '"',
    "''", "\\", "\\'", '\\"; touch X; \\"', "x\\", "-rf", "--help", "-", " -rf", "a -rf", "a b",
    " ",
    "*", "?", "[a-z]*", "~", "~root", "{a,b}", "$HOME", "${HOME}", "$((1+1))", "$X", "!!", "!x",
    "#", "# x", "x # y", "a #'", "größe", "配置", "‮abc", "\u2028", "\u00a0", "a\x85b", "%s%n",
    "\\n",
    "\\x41", "<(touch X)", ">X", "< X", "2>X", "E", "E\ntouch X", ")", "(touch X)", "a[$(touch X)]",
    "a[`touch X`]=1", "X=1", "=ls", "@X", "a/../../b", "s/a/touch X/e", "/e;s/.*/touch X/e;#", ";;",
    "x' y", 'x" y', "$'\\x27'",
]  # fmt: skip
PLAIN = ["db-2", "10.0.0.7:27017", "a@b.example", "/srv/deck/x", "50%", "größe", "a=b,c"]

PLACES = {
    "bare": "show {{v}}",
    "among others": "show {{ v }} && true; (show {{v}})",
    "joined to a word": "show /srv/{{v}}/x",
    "an option's": "show --host={{v}}",
    "assigned": "x={{v}}; show \"$x\"",
    "single quoted": "show '{{v}}'",
    "double quoted": 'show "{{v}}"',
    "quoted both ways": "show \"a\"'{{v}}'\"b\"",
    "after an escaped quote": "show \\'{{v}}",
    "after an escape": "show \\{{v}}",
    "after an escaped space and a hash": "show \\ #'\nshow {{v}}'",
    "after a comment with a quote": "true # it's\nshow {{v}}",
    "after a bracket and a comment with a quote": "(true)# it's\nshow {{v}}",
    "after a comment on a line that goes on": "true \\\n# it's\nshow {{v}}",
    "after a hash in a word": "show a#' {{v}}'",
    "in a comment": "show x # {{v}}\nshow y",
    "in a comment at the end": "show x # {{v}}",
    "here-document": "cat <<E\n{{v}}\nE\nshow x",
    "here-document, quoted": "cat <<'E'\n{{v}}\nE\nshow x",
    "after a here-document": "cat <<'E'\nit's\nE\nshow {{v}}",
    "backquotes": "show `show {{v}}`",
    "substitution": "show $(show '{{v}}')",
    "in quotes in a substitution in quotes": 'show "$(show "{{v}}")"',
    "default": "show ${NOTHING:-{{v}}}",
    "ssh": "ssh db-1 show {{v}}",
    "ssh by its path": "./ssh db-1 show {{v}}",
    "ssh, quoted": "ssh db-1 'show {{v}}'",
    "ssh, quoted twice": "ssh db-1 \"show '{{v}}'\"",
    "eval": "eval show {{v}}",
    "eval, quoted": "eval 'show {{v}}'",
    "a shell": "sh -c 'show {{v}}'",
    "a shell, joined": "sh -c'show '{{v}}",
    "a shell by its path": "/bin/sh -ec 'show {{v}}'",
    "a shell that reads": "echo show {{v}} | sh",
    "xargs": "echo {{v}} | xargs show",
    "trap": "trap {{v}} EXIT",
    "sed": "echo a | sed s/a/{{v}}/",
    "sed, quoted": "echo a | sed 's/a/{{v}}/'",
    "awk": "echo a | awk /{{v}}/",
    "arithmetic": "show $((1 + {{v}}))",
    "test": "test {{v}} -gt 1",
    "case": "case {{v}} in x) show y;; esac",
    "loop": "for x in {{v}}; do show \"$x\"; done",
}  # fmt: skip
OF_BASH = {
    "bash arithmetic": "(( {{v}} > 1 )); show x",
    "bash loop": "for (( i = 0; i < {{v}}; i++ )); do break; done; show x",
    "bash test": "[[ {{v}} -gt 1 ]]; show x",
    "bash test of a variable": "[ -v {{v}} ]; show x",
    "bash let": "let x={{v}}; show x",
    "bash subscript": "a[{{v}}]=1; show x",
    "bash declare": "declare -i x={{v}}; show x",
    "bash read": "echo 1 | { read {{v}}; show x; }",
    "bash unset": "unset {{v}}; show x",
    "bash printf": "printf -v {{v}} x; show x",
    "bash dollar": "show $'{{v}}'",
    "bash here-string": "cat <<< {{v}}",
    "bash old arithmetic": "show $[ {{v}} ]",
}


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A folder with the programs that the texts start; nothing else may appear in it."""
    for name, text in (("show", SHOW), ("ssh", SSH)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(box: Path, shell: str, text: str) -> str:
    done = subprocess.run(
        [shell, "-c", text],
        cwd=box,
        env={"PATH": f"{box}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nowhere"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
    )
    return done.stdout.decode("utf-8", "surrogateescape")


def accepted(text: str, values: list[str], shell: str) -> list[tuple[str, str]]:
    """The values that are taken there, each with the text that would be run."""
    found = []
    for value in values:
        try:
            whole = filled(text, {"v": value}, shell)
        except UsageError:
            continue
        found.append((value, whole))
    return found


def together(pieces: list[str]) -> str:
    """A script that runs each in a shell of its own process, and says where each begins."""
    return "\n".join(f"echo '<{n}>'\n(\n{piece}\n)" for n, piece in enumerate(pieces))


CASES = [
    *product(PLACES, ("sh", "bash")),
    *product(OF_BASH, ("bash",)),
]


@pytest.mark.parametrize(("place", "shell"), CASES)
def test_no_value_is_taken_for_more_than_a_text(place: str, shell: str, box: Path) -> None:
    # GIVEN values that would do something, in a place of a command
    text = {**PLACES, **OF_BASH}[place]
    taken = accepted(text, HOSTILE, shell)
    # WHEN those that are not refused are run
    said = run(box, shell, together([whole for _, whole in taken]))
    # THEN nothing was done but what the command says
    assert sorted(path.name for path in box.iterdir()) == ["show", "ssh"]
    assert all(f"<{n}>\n" in said for n in range(len(taken)))


EXACT = {
    "bare": "[{}]\n",
    "among others": "[{}]\n[{}]\n",
    "joined to a word": "[/srv/{}/x]\n",
    "an option's": "[--host={}]\n",
    "assigned": "[{}]\n",
    "single quoted": "[{}]\n",
    "double quoted": "[{}]\n",
    "quoted both ways": "[a{}b]\n",
    "after an escaped quote": "['{}]\n",
    "after a comment with a quote": "[{}]\n",
    "after a bracket and a comment with a quote": "[{}]\n",
    "after a comment on a line that goes on": "[{}]\n",
    "after a hash in a word": "[a# {}]\n",
    "here-document": "{}\n[x]\n",
    "here-document, quoted": "{}\n[x]\n",
    "in a comment": "[x]\n[y]\n",
    "in a comment at the end": "[x]\n",
    "ssh": "[{}]\n",
    "ssh by its path": "[{}]\n",
    "ssh, quoted": "[{}]\n",
    "ssh, quoted twice": "[{}]\n",
    "eval": "[{}]\n",
    "eval, quoted": "[{}]\n",
    "a shell": "[{}]\n",
    "a shell that reads": "[{}]\n",
    "xargs": "[{}]\n",
    "loop": "[{}]\n",
    "substitution": "[[{}]]\n",
}


@pytest.mark.parametrize(("place", "shell"), [*product(EXACT, ("sh", "bash"))])
def test_a_value_that_is_taken_arrives_to_the_letter(place: str, shell: str, box: Path) -> None:
    # GIVEN the values that are taken in a place
    taken = accepted(PLACES[place], [*HOSTILE, *PLAIN], shell)
    # THEN those that are plain are among them
    assert {value for value, _ in taken} >= set(PLAIN)
    # AND WHEN they are run THEN each is one argument, as it was given
    said = run(box, shell, together([whole for _, whole in taken]))
    assert said == "".join(
        f"<{n}>\n{EXACT[place].replace('{}', value)}" for n, (value, _) in enumerate(taken)
    )


def test_outside_of_quotes_only_options_and_control_characters_are_refused() -> None:
    refused = [v for v in HOSTILE if not accepted(PLACES["bare"], [v], "sh")]
    assert refused == [
        v
        for v in HOSTILE
        if v.startswith("-") or not v.strip() or any(ord(c) < 32 or ord(c) == 127 for c in v)
    ]


@pytest.mark.parametrize("shell", ["fish", "zsh", "ksh"])
def test_shells_that_read_words_otherwise_take_plain_values_only(shell: str) -> None:
    taken = [v for v, _ in accepted("show {{v}}", [*HOSTILE, *PLAIN], shell)]
    assert [v for v in taken if v in PLAIN] == ["größe", *PLAIN]
    assert not any(set(v) & set("$`'\"\\;&|<>(){}[]*?~!# \n") for v in taken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{v}}", "bare"),
        ("'{{v}}'", "quoted"),
        ('"{{v}}"', "quoted"),
        ('"it\'s" {{v}}', "bare"),
        ("'\"' {{v}}", "bare"),
        ("# {{v}}", "text"),
        ("a#b {{v}}", "bare"),
        ("`a` {{v}}", "text"),
        ("cat <<E\nE\n{{v}}", "text"),
        ("'<<' {{v}}", "bare"),
        ("'`$(' {{v}}", "bare"),
        ('"`$(" {{v}}', "text"),
        ("${{v}}", "text"),
        ("$'a' {{v}}", "text"),
    ],
)
def test_places(text: str, expected: str) -> None:
    assert places_of(text) == {text.index("{{"): expected}


def test_values_are_not_read_again_for_placeholders() -> None:
    # GIVEN a value that looks like a placeholder of another, which holds a secret
    values = {"a": "{{b}}", "b": "secret"}
    # THEN it stays what it is
    assert filled("show {{a}}", values) == "show '{{b}}'"
    assert plainly_filled("/srv/{{a}}", values) == "/srv/{{b}}"


def test_a_missing_value_is_named() -> None:
    with pytest.raises(UsageError, match=r"\{\{host\}\} has no value yet"):
        filled("ssh {{ host }} uptime", {})
    assert names_in(["{{a}} {{ b.c }} {{a}}", "{{d-e}} {{1}} {{}} {{< f >}}"]) == [
        "a",
        "b.c",
        "d-e",
    ]


@pytest.mark.parametrize(
    ("cwd", "expected"),
    [
        ("", "/deck"),
        ("logs", "/deck/logs"),
        ("/var/{{v}}", "/var/a b"),
        ("~nobody-of-that-name/x", "/deck/~nobody-of-that-name/x"),
        ("~", str(Path.home())),
    ],
)
def test_the_folder_of_a_command(cwd: str, expected: str) -> None:
    command = Command(name="x", text="show {{v}}", line=1, cwd=cwd, env={"A": "{{v}}$(x)"})
    ready = made_ready(command, {"v": "a b"}, Path("/deck"))
    assert (str(ready.cwd), ready.env) == (expected, {"A": "a b$(x)"})
    assert ready.argv == ["sh", "-c", "show 'a b'"]


def test_what_ends_a_template_is_no_placeholder() -> None:
    # GIVEN a command that has a template of its own
    text = "kubectl get nodes -o template --template='{{range .items}}{{.name}}{{end}}' -n {{ns}}"
    # THEN only the placeholder is one
    assert names_in([text]) == ["ns"]
    assert filled(text, {"ns": "app"}) == text.replace("{{ns}}", "app")
