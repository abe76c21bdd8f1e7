"""Commands are run without a shell, a terminal or an input, and nothing of them is left."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes.base import Target
from opsdeck.probes.kinds import command
from opsdeck.probes.registry import consent_of, problems
from tests.probes.partners_local import document, see


def alive(pid: int) -> bool:
    """Whether a process lives (one that ended and waits to be buried does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


async def gone(pid: int) -> bool:
    """Whether a process ends within a moment."""
    for _ in range(100):
        if not alive(pid):
            return True
        await asyncio.sleep(0.01)
    return False


async def pid_in(path: Path) -> int:
    """The number that a process writes when it is up."""
    for _ in range(500):
        if path.exists() and (text := path.read_text().strip()):
            return int(text)
        await asyncio.sleep(0.01)
    raise AssertionError("it never came up")


async def test_how_it_ended_and_what_it_said(tmp_path: Path) -> None:
    # WHEN a command ends with 3 and prints on both streams
    seen = await document("command", tmp_path, argv=["sh", "-c", "echo out; echo err >&2; exit 3"])
    # THEN all of that is in the document
    assert seen["exit_code"] == 3
    assert (seen["stdout"], seen["stderr"]) == ("out\n", "err\n")
    assert seen["duration_ms"] == seen["latency_ms"] > 0


async def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    seen = await document("command", tmp_path, argv=["echo", "$HOME; touch x", "*"])
    assert seen["stdout"] == "$HOME; touch x *\n"
    # AND with shell = true one line is the shell's
    seen = await document("command", tmp_path, shell=True, argv="printf '%s' $((6 * 7))")
    assert seen["stdout"] == "42"


async def test_where_and_with_what_it_runs(tmp_path: Path) -> None:
    # GIVEN a program below the target's path and a variable for it
    script = tmp_path / "tools" / "say"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\npwd; echo "$WHO $INHERITED"; tty; cat; echo end\n')
    script.chmod(0o755)
    # WHEN it is run from there by its relative name
    seen = await document(
        "command",
        tmp_path,
        argv=["./say"],
        cwd="tools",
        env={"WHO": "me"},
        environ={**os.environ, "INHERITED": "too"},
    )
    # THEN it has both variables, no terminal, and its input is at its end
    assert seen["stdout"].splitlines() == [str(script.parent), "me too", "not a tty", "end"]


JSON = '{"total": 2, "list": [{"name": "a"}, {"name": "b"}]}'


@pytest.mark.parametrize(
    ("printed", "more", "wanted"),
    [
        (JSON, {}, json.loads(JSON)),
        (JSON, {"query": "list[].name"}, ["a", "b"]),
        (JSON, {"query": "length(list)"}, 2),
        ('{"n": NaN, "big": 1e400}', {}, {"n": None, "big": None}),
        ("[]", {"query": "length(@)"}, 0),
    ],
)
async def test_json(tmp_path: Path, printed: str, more: dict[str, Any], wanted: Any) -> None:
    seen = await document("command", tmp_path, argv=["echo", printed], output="json", **more)
    assert seen["json"] == wanted


@pytest.mark.parametrize(
    ("parameters", "cause", "words"),
    [
        ({"argv": ["no-such-program"]}, "missing", "no-such-program is not installed on this"),
        ({"argv": ["true"], "cwd": "nowhere"}, "missing", "there is no folder"),
        ({"argv": ["/etc/passwd"]}, "rights", "may not be run by this user"),
        ({"argv": ["true"], "needs": ["package.json"]}, "missing", "package.json is not there"),
        (
            {"argv": ["sh", "-c", "echo broken config >&2; exit 2"], "codes": [0, 1]},
            "protocol",
            "ended with 2 and said: broken config",
        ),
        ({"argv": ["echo", "oops"], "output": "json"}, "protocol", "said: oops and not JSON"),
        (
            {"argv": ["echo", '{"a": 1}'], "output": "json", "query": "b.c"},
            "protocol",
            "its JSON has no b.c",
        ),
        (
            {
                "argv": ["echo", '{"error": {"code": "E1"}}'],
                "output": "json",
                "fault": "error.code",
            },
            "protocol",
            "could not look: E1",
        ),
        (
            {"argv": ["echo", "[" * 100_000], "output": "json"},
            "protocol",
            "not JSON",
        ),
        ({"argv": ["echo", "1"], "output": "json", "query": "length(@)"}, "protocol", "length"),
        (
            {"argv": ["sh", "-c", "yes 1, | head -c 2000000"], "output": "json"},
            "protocol",
            "printed 2,000,000 bytes of JSON",
        ),
    ],
)
async def test_it_could_not_look(
    tmp_path: Path, parameters: dict[str, Any], cause: str, words: str
) -> None:
    seen = await see("command", tmp_path, **parameters)
    assert seen.document is None
    assert seen.cause == cause, seen.message
    assert words in seen.message


async def test_output_is_bounded_while_it_is_read(tmp_path: Path) -> None:
    # WHEN a command prints 20 MB, binary
    script = "import sys; [sys.stdout.buffer.write(bytes(range(256)) * 4096) for _ in range(20)]"
    seen = await document("command", tmp_path, argv=[sys.executable, "-c", script], timeout=20)
    # THEN the beginning is kept as valid text and the rest is counted
    assert seen["stdout_bytes"] == 20 * 2**20
    assert len(seen["stdout"]) <= 65_536
    seen["stdout"].encode("utf-8")


@pytest.mark.slow
async def test_a_gigabyte_of_output(tmp_path: Path) -> None:
    seen = await document(
        "command", tmp_path, shell=True, argv="head -c 1000000000 /dev/zero", timeout=60
    )
    assert seen["stdout_bytes"] == 10**9


STUBBORN = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done"
DEEP = "(trap '' TERM; sh -c 'echo $$ > pid; exec sleep 60') & wait"
DEAF = "exec >&- 2>&-; echo $$ > pid; exec sleep 60"


@pytest.mark.parametrize(
    "script", [STUBBORN, DEEP, DEAF], ids=["ignores TERM", "grandchild", "closed its output"]
)
async def test_the_timeout_ends_the_whole_group(tmp_path: Path, script: str) -> None:
    # GIVEN a command that does not end
    began = time.monotonic()
    # WHEN its time is over
    seen = await see("command", tmp_path, argv=["sh", "-c", script], timeout=0.6)
    # THEN the probe says so within its time, and nothing of it lives
    assert seen.cause == "timeout"
    assert "did not end within 0.6 s" in seen.message
    assert time.monotonic() - began < 2
    assert await gone(int((tmp_path / "pid").read_text()))


async def test_grandchildren_that_hold_the_pipes_are_not_waited_for(tmp_path: Path) -> None:
    # GIVEN a command that leaves something in the background with its output open
    script = "echo said; sleep 60 & echo $! > pid"
    began = time.monotonic()
    # WHEN it ends
    seen = await document("command", tmp_path, argv=["sh", "-c", script])
    # THEN so does the look, and what was left is gone
    assert seen["stdout"] == "said\n"
    assert time.monotonic() - began < 3
    assert await gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("script", [STUBBORN, DEEP], ids=["ignores TERM", "grandchild"])
async def test_a_cancelled_look_ends_the_group(tmp_path: Path, script: str) -> None:
    # GIVEN a look under way
    target = Target("repo", {"kind": "repository", "path": str(tmp_path)})
    task = asyncio.create_task(
        command.look(target, {"argv": ["sh", "-c", script], "cwd": ".", "output": "text"}, 30)
    )
    pid = await pid_in(tmp_path / "pid")
    began = time.monotonic()
    # WHEN it is cancelled
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # THEN the group is gone in little time
    assert time.monotonic() - began < 2
    assert await gone(pid)


async def test_cancelled_twice_it_kills_at_once(tmp_path: Path) -> None:
    target = Target("repo", {"kind": "repository", "path": str(tmp_path)})
    task = asyncio.create_task(
        command.look(target, {"argv": ["sh", "-c", STUBBORN], "cwd": ".", "output": "text"}, 30)
    )
    pid = await pid_in(tmp_path / "pid")
    task.cancel()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


async def test_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    # WHEN a command prints as fast as it can
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)

    ticking = asyncio.create_task(tick())
    await document("command", tmp_path, shell=True, argv="yes | head -c 30000000", timeout=20)
    ticking.cancel()
    # THEN the loop is held up by no more than other processes on this machine hold it up
    assert longest < 0.5


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"argv": []}, "argv is empty"),
        ({"argv": [""]}, "argv is empty"),
        ({"argv": "npm audit"}, "must be a list"),
        ({"argv": ["npm"], "shell": True}, "must be one string"),
        ({"argv": ["npm", 1]}, "list of strings"),
        ({"argv": ["a\0b"]}, "NUL"),
        ({"argv": ["a"], "env": {"X": 1}}, "a string for each"),
        ({"argv": ["a"], "codes": ["0"]}, "whole numbers"),
        ({"argv": ["a"], "output": "json", "query": "a["}, "no JMESPath"),
        ({"argv": ["a"], "query": "a"}, 'needs output = "json"'),
        ({"argv": ["a"], "output": "yaml"}, "allowed are text, json"),
        ({}, "needs argv"),
    ],
)
def test_what_cannot_be_right(parameters: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in problems({"kind": "command", **parameters}))


@pytest.mark.parametrize(
    "parameters",
    [{"argv": ["npm", "audit"]}, {"argv": "npm audit | head", "shell": True}, {"argv": "{argv}"}],
)
def test_what_may_be_right(parameters: dict[str, Any]) -> None:
    assert list(problems({"kind": "command", **parameters})) == []


def test_running_anything_is_asked_about() -> None:
    asked = consent_of({"kind": "command", "argv": ["npm", "audit; rm"], "env": {"A": "b c"}})
    assert asked is not None
    assert (asked.kind, asked.text) == ("command", "A='b c' npm 'audit; rm'")
    asked = consent_of({"kind": "command", "argv": "a | b", "shell": True, "cwd": "web"})
    assert asked is not None
    assert asked.text == "a | b   (in web)"


async def test_variables_in_its_environment_are_secret(tmp_path: Path) -> None:
    # GIVEN a command whose environment takes a value from a variable
    seen = await see(
        "command",
        tmp_path,
        argv=["sh", "-c", "echo $TOKEN"],
        env={"TOKEN": "${MY_TOKEN}"},
        environ={**os.environ, "MY_TOKEN": "planted-7f3a9c"},
    )
    # THEN what it prints of it is blotted out before it is kept
    assert seen.document is not None
    assert "planted-7f3a9c" not in json.dumps(seen.redactor.value(seen.document))
