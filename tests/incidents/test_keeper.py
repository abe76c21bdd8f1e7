"""Commands under their keeper: real ones, however they end and whoever dies before them."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from opsdeck.incidents import commands
from opsdeck.incidents.commands import (
    KEPT_CHARACTERS,
    PANE_CHARACTERS,
    Ended,
    Printed,
    Ready,
    Running,
    forget,
    heard_of,
    new_number,
    stop_left,
    storable_output,
)

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def ready(text: str, **more: Any) -> Ready:
    """A command as it would be run, in the root folder unless told otherwise."""
    usual: dict[str, Any] = {
        "name": "it", "shell": "sh", "cwd": Path("/"), "env": {}, "timeout_s": None,
        "confirm": "", "interactive": False, "background": False, "risk": None,
    }  # fmt: skip
    return Ready(text=text, **{**usual, **more})


async def run(home: Path, text: str, **more: Any) -> Ended:
    """See one to its end."""
    return await Running(ready(text, **more), new_number()).run(home, os.environ)


def kept_file(home: Path, number: str) -> Path:
    return home / "cache" / "commands" / f"{number}.json"


def lives(pid: int) -> bool:
    """Whether a process is there and not just waiting to be buried."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def until(true: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits in vain fails."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


async def once(true: Callable[[], bool]) -> None:
    """Wait until something holds while the command goes on."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.01)


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper as it is, but that it kills after a moment instead of five seconds."""
    source = Path(commands.__file__).with_name("keeper.py").read_text()
    shorter = source.replace("KILL_AFTER_S = 5.0", "KILL_AFTER_S = 0.3")
    assert shorter != source
    own = tmp_path / "keeper.py"
    own.write_text(shorter)
    monkeypatch.setattr(commands, "_KEEPER", own)


async def begun(home: Path, text: str, **more: Any) -> tuple[Running, asyncio.Task[Ended]]:
    """A command that has said something already."""
    running = Running(ready(text, **more), new_number())
    task = asyncio.create_task(running.run(home, os.environ))
    await once(lambda: "\n" in running.text or task.done())
    return running, task


# How a command ends


@pytest.mark.parametrize(
    ("text", "code", "output"),
    [
        ("true", 0, ""),
        ("exit 3", 3, ""),
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("kill -TERM $$", -15, ""),
        ("kill -KILL $$", -9, ""),
        ("kill -INT $$; echo survived", -2, ""),
        ("kill -HUP $$; echo survived", -1, ""),
        ("cat", 0, ""),
        ("printf 'no newline'", 0, "no newline"),
        ("no-such-program-here 2>/dev/null", 127, ""),
        ("pwd; echo $A", 0, "/\n$x `y`\n"),
        ("printf 'a\\r\\nb\\r\\n'", 0, "a\nb\n"),
        ("printf '1%%\\r2%%\\r'; sleep 0.3; printf '3%%\\r'; sleep 0.3; echo 4%", 0, "4%\n"),
        ("printf 1%%; sleep 0.3; printf '\\r2%%'; sleep 0.3; printf '\\n'", 0, "2%\n"),
        ("printf '\\377\\376a\\303'", 0, "\ufffd\ufffda\ufffd"),
        ("printf 'gr\\303'; sleep 0.3; printf '\\266\\303\\237e'", 0, "größe"),
        ("printf '\\033[31mred\\033[2J\\007\\000'", 0, "\x1b[31mred\x1b[2J\x07\x00"),
    ],
)
async def test_how_a_command_ends(text: str, code: int, output: str, tmp_path: Path) -> None:
    # GIVEN a command WHEN it is run THEN its status and output are told as they were
    ended = await run(tmp_path, text, env={"A": "$x `y`"})
    assert (ended.outcome, ended.exit_code, ended.output) == ("exited", code, output)
    assert ended.reason == ""


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"cwd": Path("/no/such/folder")}, "/no/such/folder: No such file or directory"),
        ({"cwd": Path("/dev/null")}, "/dev/null: Not a directory"),
        ({"shell": "no-such-shell"}, "no-such-shell: No such file or directory"),
        ({"shell": "/"}, "/: Permission denied"),
        ({"text": "a\0b"}, "sh: embedded null byte"),
        ({"text": "echo \ud800"}, "surrogates not allowed"),
        ({"env": {"A=B": "x"}}, "sh: illegal environment variable name"),
    ],
)
async def test_what_cannot_be_started_is_said_with_a_reason(
    more: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    ended = await Running(ready(**{"text": "true", **more}), new_number()).run(tmp_path, os.environ)
    assert (ended.outcome, ended.exit_code) == ("not started", None)
    assert reason in ended.reason


async def test_a_command_that_takes_too_long_is_stopped_with_its_children(tmp_path: Path) -> None:
    # GIVEN a command that has started another, and time for neither
    text = "sleep 600 & echo $!; sleep 600"
    ended = await run(tmp_path, text, timeout_s=0.3)
    # THEN both are gone
    assert (ended.outcome, ended.exit_code) == ("timeout", -15)
    assert not lives(int(ended.output))


async def test_stop_ends_all_of_the_group(tmp_path: Path) -> None:
    # GIVEN a command with grandchildren
    text = "sh -c 'sleep 600 & echo $! $$; wait' & wait"
    running, task = await begun(tmp_path, text)
    pids = [int(word) for word in running.text.split()]
    assert all(lives(pid) for pid in pids)
    # WHEN it is stopped, more than once
    running.stop()
    running.stop()
    ended = await task
    # THEN all of them are gone
    assert ended.outcome == "stopped"
    assert len(pids) == 2
    assert not any(lives(pid) for pid in pids)
    # AND stopping what has ended does nothing
    running.stop()


async def test_stop_before_the_command_has_begun(tmp_path: Path) -> None:
    running = Running(ready("sleep 600"), new_number())
    running.stop()
    task = asyncio.create_task(running.run(tmp_path, os.environ))
    await once(lambda: running._process is not None)
    running.stop()
    assert (await task).outcome == "stopped"


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("trap '' TERM; echo $$; while :; do sleep 0.1; done", -9),
        ("(trap '' TERM; sh -c 'echo $$; while :; do sleep 0.1; done') & sleep 600", -15),
    ],
)
async def test_who_does_not_listen_is_killed(text: str, code: int, tmp_path: Path) -> None:
    # GIVEN a command that takes no notice of TERM, or has a child that does not
    running, task = await begun(tmp_path, text)
    pid = int(running.text)
    # WHEN it is stopped
    running.stop()
    ended = await task
    # THEN nobody of its group is left
    assert (ended.outcome, ended.exit_code) == ("stopped", code)
    assert not lives(pid)


@pytest.mark.slow
async def test_who_does_not_listen_is_killed_after_five_seconds(tmp_path: Path) -> None:
    ended = await run(tmp_path, "trap '' TERM; echo $$; while :; do sleep 1; done", timeout_s=0.5)
    assert (ended.outcome, ended.exit_code) == ("timeout", -9)
    assert not lives(int(ended.output))
    assert ended.duration_s >= 5


async def test_what_goes_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    # GIVEN a command whose child keeps the pipe open WHEN it ends
    ended = await run(tmp_path, "sleep 600 & echo $!")
    pid = int(ended.output)
    # THEN that is its end, and the child goes on
    assert (ended.outcome, ended.exit_code) == ("exited", 0)
    assert lives(pid)
    os.kill(pid, signal.SIGKILL)


# What it prints


async def test_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    # GIVEN much on one line, and somebody who looks on
    text = "head -c 10000000 /dev/zero | tr '\\0' x; echo end"
    printed: list[Printed] = []
    running = Running(ready(text), new_number())
    ended = await running.run(tmp_path, os.environ, (), printed.append)
    # THEN its end is there, and how much it was
    assert ended.output_bytes == 10_000_004
    assert ended.output == "x" * (PANE_CHARACTERS - 4) + "end\n"
    assert running.text == "x" * (PANE_CHARACTERS - 4) + "end\n"
    assert running.cut
    # AND what was shown and what was passed over come to all of it
    assert sum(len(p.text) + p.skipped for p in printed) == 10_000_004
    assert printed[-1].total == 10_000_004


async def test_control_characters_are_kept_but_bounded(tmp_path: Path) -> None:
    ended = await run(tmp_path, "head -c 3000000 /dev/zero; printf '\\033[31m'")
    assert ended.output == "\0" * (PANE_CHARACTERS - 5) + "\x1b[31m"


@pytest.mark.slow
async def test_a_gigabyte(tmp_path: Path) -> None:
    # GIVEN a command that prints a gigabyte WHEN it is run
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = await run(tmp_path, "head -c 1000000000 /dev/zero | tr '\\0' 'x'; echo end")
    # THEN its end is kept and it was counted, in less than 30 MB
    assert (ended.outcome, ended.output_bytes) == ("exited", 1_000_000_004)
    assert ended.output == "x" * (PANE_CHARACTERS - 4) + "end\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb", "a\nb"),
        ("1%\r2%\r3%", "3%"),
        ("1%\r2%\r\nx\r", "2%\nx"),
        ("a\ud800b", "a?b"),
        ("\x1b[2J", "\x1b[2J"),
    ],
)
def test_output_as_it_is_kept(text: str, expected: str) -> None:
    assert storable_output(text) == expected


# Who dies before it

ASKER = """
import asyncio, os, sys
from pathlib import Path
from tests.incidents.test_keeper import ready
from opsdeck.incidents.commands import Running
home, number, text = sys.argv[1:]
running = Running(ready(text), number)
asyncio.run(running.run(Path(home), os.environ, ["hunter2hunter2"]))
"""


def asked(home: Path, number: str, text: str) -> subprocess.Popen[bytes]:
    """Another process that runs a command."""
    return subprocess.Popen([sys.executable, "-c", ASKER, home, number, text], cwd=ROOT)


def state_of(home: Path, number: str) -> dict[str, Any]:
    with suppress(OSError):
        found: dict[str, Any] = json.loads(kept_file(home, number).read_bytes())
        return found
    return {}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_outlives_who_asked_for_it(how: signal.Signals, tmp_path: Path) -> None:
    # GIVEN a command that another process has begun, which waits for a file
    number, go = new_number(), tmp_path / "go"
    filler = "head -c 20000 /dev/zero | tr '\\0' ' '"
    text = (
        f"touch {tmp_path}/begun; while [ ! -e {go} ]; do sleep 0.05; done; {filler};"
        " echo password=hunter2hunter2 hunter2hunter2; exit 4"
    )
    asker = asked(tmp_path, number, text)
    until((tmp_path / "begun").exists)
    # WHEN that process dies
    asker.send_signal(how)
    asker.wait()
    # THEN the command goes on
    assert heard_of(tmp_path, number) is None
    # AND WHEN it has come to its end THEN that is told, with its output, without secrets
    go.touch()
    until(lambda: state_of(tmp_path, number).get("state") == "ended")
    until(lambda: not lives(state_of(tmp_path, number)["keeper"]))
    ended = heard_of(tmp_path, number)
    assert ended is not None
    assert (ended.outcome, ended.exit_code) == ("exited", 4)
    assert ended.output == "password=[redacted] [redacted]"
    assert "hunter2" not in kept_file(tmp_path, number).read_text()
    assert kept_file(tmp_path, number).stat().st_mode & 0o777 == 0o600
    # AND it is told until it is forgotten
    forget(tmp_path, number)
    forget(tmp_path, number)
    gone = heard_of(tmp_path, number)
    assert gone is not None
    assert gone.outcome == "unknown"


def test_no_part_of_a_secret_is_kept_where_the_output_is_cut(tmp_path: Path) -> None:
    # GIVEN output that would be cut within a secret
    number = new_number()
    text = (
        f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done;"
        f" echo hunter2hunter2; head -c {KEPT_CHARACTERS - 12} /dev/zero | tr '\\0' x"
    )
    asker = asked(tmp_path, number, text)
    until((tmp_path / "begun").exists)
    asker.kill()
    asker.wait()
    (tmp_path / "go").touch()
    # WHEN it has ended, and nobody listened
    until(lambda: "output" in state_of(tmp_path, number))
    # THEN nothing of the secret stands in the file
    assert "nter2" not in state_of(tmp_path, number)["output"]


def test_a_session_that_ends_in_peace_leaves_the_command_alone(tmp_path: Path) -> None:
    # GIVEN a session that goes while its command runs
    number = new_number()

    async def session() -> None:
        running = Running(
            ready(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo x"), number
        )
        task = asyncio.create_task(running.run(tmp_path, os.environ))
        await once(lambda: state_of(tmp_path, number).get("state") == "running")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(session())
    gc.collect()
    # THEN another hears that it runs, and how it ended
    keeper = state_of(tmp_path, number)["keeper"]
    assert lives(keeper)
    assert heard_of(tmp_path, number) is None
    (tmp_path / "go").touch()
    until(lambda: not lives(keeper))
    ended = heard_of(tmp_path, number)
    assert ended is not None
    assert (ended.outcome, ended.exit_code, ended.output) == ("exited", 0, "x")


async def test_a_keeper_is_no_child_that_asyncio_would_kill(tmp_path: Path) -> None:
    running, task = await begun(tmp_path, "echo; sleep 600")
    keeper = state_of(tmp_path, running.number)["keeper"]
    assert running._process is not None
    assert psutil.Process(keeper).ppid() not in (os.getpid(), running._process.pid)
    running.stop()
    await task


def test_what_a_session_left_running_can_be_stopped(tmp_path: Path) -> None:
    # GIVEN a command whose session is gone
    number = new_number()
    asker = asked(tmp_path, number, f"echo $$ > {tmp_path}/pid; sleep 600")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    asker.kill()
    asker.wait()
    # WHEN another session stops it THEN it ends
    assert stop_left(tmp_path, number)
    until(lambda: heard_of(tmp_path, number) is not None)
    ended = heard_of(tmp_path, number)
    assert ended is not None
    assert ended.outcome == "stopped"
    assert not lives(int((tmp_path / "pid").read_text()))
    # AND a second time there is nothing to stop
    until(lambda: not lives(state_of(tmp_path, number)["keeper"]))
    assert not stop_left(tmp_path, number)


async def test_without_its_keeper_nobody_can_tell(tmp_path: Path) -> None:
    # GIVEN a command that runs
    running, task = await begun(tmp_path, "echo $$; exec sleep 600")
    pid = int(running.text)
    # WHEN its keeper is killed
    os.kill(state_of(tmp_path, running.number)["keeper"], signal.SIGKILL)
    ended = await task
    # THEN its end is unknown, for this session and the next, and what it printed is kept
    assert (ended.outcome, ended.exit_code, ended.output) == ("unknown", None, f"{pid}\n")
    assert ended.reason
    later = heard_of(tmp_path, running.number)
    assert later is not None
    assert later.outcome == "unknown"
    # AND the command itself was left alone
    assert lives(pid)
    os.killpg(pid, signal.SIGKILL)


# What stands in the files


@pytest.mark.parametrize(
    "number",
    [
        "",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\0b",
        "x.json",
        "~",
        "-rf",
        "a" * 5000,
        "é" * 200,
        "a b",
    ],
)
def test_hostile_numbers_name_nothing(number: str, tmp_path: Path) -> None:
    # GIVEN a file that a number might reach by detours
    (tmp_path / "cache" / "commands").mkdir(parents=True)
    for place in (
        "x.json",
        "cache/x.json",
        "cache/commands/x.json.json",
        "cache/commands/a b.json",
    ):
        (tmp_path / place).write_text('{"outcome": "exited"}')
    # THEN it is not read
    ended = heard_of(tmp_path, number)
    assert ended is not None
    assert ended.outcome == "unknown"
    assert not stop_left(tmp_path, number)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"null", b"[]", b"3", b'"x"', b"\xff\xfe", b"\0" * 100, b"[" * 100_000, b"{}",
        b'{"state": "ended"}', b'{"state": []}', b'{"state": "running"}',
        b'{"state": "running", "keeper": null}', b'{"state": "running", "keeper": true}',
        b'{"state": "running", "keeper": "1"}', b'{"state": "running", "keeper": 1}',
        b'{"state": "running", "keeper": 0}', b'{"state": "running", "keeper": -1}',
        b'{"state": "running", "keeper": 999999999999999999999999}',
        b'{"state": "ended", "outcome": "odd"}', b'{"state": "ended", "outcome": ["exited"]}',
        b'{"state": "ended", "outcome": "exited", "exit_code": "0"}',
        b'{"state": "ended", "outcome": "exited", "output": 7}',
    ],
)  # fmt: skip
def test_damaged_files_tell_nothing(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "cache" / "commands").mkdir(parents=True)
    kept_file(tmp_path, "abc").write_bytes(data)
    ended = heard_of(tmp_path, "abc")
    assert ended is not None
    assert (ended.outcome, ended.output) == ("unknown", "")
    assert not stop_left(tmp_path, "abc")


def test_another_process_of_that_number_is_no_keeper(tmp_path: Path) -> None:
    # GIVEN a file that names a process, which is this one
    (tmp_path / "cache" / "commands").mkdir(parents=True)
    kept_file(tmp_path, "abc").write_text(json.dumps({"state": "running", "keeper": os.getpid()}))
    # THEN the command is not taken for running, and this process is not stopped
    ended = heard_of(tmp_path, "abc")
    assert ended is not None
    assert ended.outcome == "unknown"
    assert not stop_left(tmp_path, "abc")


def test_numbers_are_new() -> None:
    numbers = {new_number() for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(number.isalnum() for number in numbers)


async def test_many_at_once(tmp_path: Path) -> None:
    waited: list[Awaitable[Ended]] = [run(tmp_path, f"echo {n}; exit {n}") for n in range(12)]
    ended = await asyncio.gather(*waited)
    assert [(e.exit_code, e.output) for e in ended] == [(n, f"{n}\n") for n in range(12)]
