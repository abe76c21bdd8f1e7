"""`opsdeck check`: what it looks at, how it ends, what it writes, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.checks import tap
from tests.checks.schema import Schema
from tests.cli.conftest import SOURCE, CommandLine
from tests.probes.partners_http import Asked, blackhole, partner, reply
from tests.probes.partners_tls import closed_port, says_nothing, serving

XSD = Path(__file__).parents[1] / "data" / "junit.xsd"
FORMATS = ("text", "json", "junit", "tap", "nagios")


def item(name: str, probe: str, *expect: str, more: str = "") -> str:
    """An item with a probe."""
    wanted = ", ".join(f"'{one}'" for one in expect)
    return (
        f'[[checklist.item]]\nid = "{name}"\ntext = "Text of {name}"\n{more}'
        f"probe = {probe}\nexpect = [{wanted}]\n"
    )


def listed(name: str, *items: str, cadence: str = "standing") -> str:
    head = f'[[checklist]]\nid = "{name}"\ntitle = "T"\nsection = "S"\ncadence = "{cadence}"\n'
    return head + "".join(items)


def present(name: str, path: str = "opsdeck.toml") -> str:
    """An item that passes while there is such a file."""
    return item(name, f"{{ kind = 'file', target = 'repo', path = '{path}' }}", "exists")


def command(name: str, *argv: str, more: str = "") -> str:
    words = json.dumps(argv)
    return item(
        name, f"{{ kind = 'command', target = 'repo', argv = {words}{more} }}", "exit_code == `0`"
    )


def tcp(name: str, more: str = "") -> str:
    return item(
        name, f"{{ kind = 'tcp', target = '{name}', timeout = 0.1{more} }}", "open == `true`"
    )


MANUAL = '[[checklist.item]]\nid = "by-hand"\ntext = "A person looks"\n'


def deck(opsdeck: CommandLine, *lists: str, targets: str = "", head: str = "") -> None:
    """Write a deck of these lists alone; `repo` is its folder."""
    (opsdeck.folder / "opsdeck.toml").write_text(
        f'{head}[targets.repo]\nkind = "repository"\npath = "."\n{targets}'
    )
    text = 'omit = ["*"]\n' + "".join(lists)
    (opsdeck.folder / "checklists.toml").write_text(text, encoding="utf-8")


def target(name: str, port: int) -> str:
    return f'[targets.{name}]\nkind = "network"\nhost = "127.0.0.1"\nport = {port}\n'


def checked(opsdeck: CommandLine, *arguments: str) -> dict[str, str]:
    """The verdict of each address."""
    result = opsdeck("check", "--format", "json", *arguments)
    return {
        f"{r['checklist']}/{r['item']}": r["verdict"] for r in json.loads(result.out)["results"]
    }


def said(opsdeck: CommandLine) -> list[dict[str, Any]]:
    """The events of items in the journal."""
    events = [
        json.loads(line)
        for file in sorted(opsdeck.journal.glob("*.jsonl"))
        for line in file.read_bytes().splitlines()
    ]
    return [event for event in events if event["type"].startswith("item.")]


@pytest.fixture
def mixed(opsdeck: CommandLine) -> Iterator[CommandLine]:
    """One item of each verdict in `net`, one item in each of two other lists."""
    with serving(says_nothing) as server, closed_port() as closed, blackhole() as silent:
        deck(
            opsdeck,
            listed("net", tcp("good"), tcp("bad"), tcp("mute"), MANUAL),
            listed("host", present("here")),
            listed("rel", present("there"), cadence="release"),
            targets=target("good", server.port) + target("bad", closed) + target("mute", silent),
        )
        yield opsdeck


# What is looked at


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), "net/good net/bad net/mute host/here rel/there"),
        (("net",), "net/good net/bad net/mute"),
        (("net/",), "net/good net/bad net/mute"),
        ((" host ",), "host/here"),
        (("host", "net/good"), "host/here net/good"),
        (("net/good", "net"), "net/good net/bad net/mute"),
        (("net/good", "net/good"), "net/good"),
        (("standing/host",), "host/here"),
        (("standing/host/here",), "host/here"),
        (("rel",), "rel/there"),
        (("rel/there",), "rel/there"),
    ],
)
def test_what_the_words_mean(mixed: CommandLine, names: tuple[str, ...], found: str) -> None:
    assert list(checked(mixed, *names)) == found.split()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nett", "there is no checklist or run 'nett'; did you mean 'net'?"),
        ("net/god", "checklist net has no item 'god'; did you mean 'good'?"),
        ("nett/good", "there is no checklist or run 'nett'; did you mean 'net'?"),
        ("net/by-hand", "net/by-hand has no probe: a person must look at it"),
        ("release/v1/rel", "release 'v1' was never started"),
        ("release/v1/rel/there", "release 'v1' was never started"),
        ("rel/nowhere", "checklist rel has no item 'nowhere'"),
        ("", "there is no checklist or run ''"),
        ("/", "there is no checklist or run ''"),
        ("a/b/c/d", "there is no checklist or run 'a/b/c'"),
    ],
)
def test_what_there_is_not(mixed: CommandLine, name: str, message: str) -> None:
    result = mixed("check", name)
    assert (result.code, result.out) == (64, "")
    assert message in result.err


def test_items_of_the_same_name_in_two_lists_are_two(opsdeck: CommandLine) -> None:
    lists = [listed(name, present("same"), cadence="release") for name in ("a", "b")]
    deck(opsdeck, *lists)
    assert list(checked(opsdeck)) == ["a/same", "b/same"]
    assert list(checked(opsdeck, "a", "b")) == ["a/same", "b/same"]
    assert list(checked(opsdeck, "a/same", "b/same")) == ["a/same", "b/same"]


def test_a_list_without_any_probe(opsdeck: CommandLine) -> None:
    deck(opsdeck, listed("hand", MANUAL))
    for arguments in ((), ("hand",)):
        result = opsdeck("check", *arguments)
        assert result.code == 64
        assert "none of these items has a probe" in result.err


# How it ends, and in which format


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("net/good",), 0),
        (("net/good", "net/bad"), 2),
        (("net/good", "net/mute"), 3),
        (("net",), 2),
    ],
)
def test_every_format_and_exit_status(
    mixed: CommandLine, form: str, names: tuple[str, ...], code: int
) -> None:
    result = mixed("check", "--format", form, *names)
    assert (result.code, result.err) == (code, "")
    words = {0: "passed", 2: "failed", 3: "unknown"}
    match form:
        case "json":
            found = json.loads(result.out)
            assert found["status"] == words[code]
            assert len(found["results"]) == (3 if names == ("net",) else len(names))
        case "junit":
            assert Schema(XSD).faults(result.out) == []
            assert len(ElementTree.fromstring(result.out).findall(".//testcase")) >= len(names)
        case "tap":
            points = tap.parse(result.out)
            assert len(points) == (3 if names == ("net",) else len(names))
        case "nagios":
            assert result.out.split(" ")[0].strip(":") in ("OPSDECK", "OK", "CRITICAL", "UNKNOWN")
            assert {0: "OK", 2: "CRITICAL", 3: "UNKNOWN"}[code] in result.out
            assert "|" in result.out
            assert result.out.isascii()
        case _:
            assert "+ passed   good" in result.out


def test_only_some_are_shown_and_all_are_counted(mixed: CommandLine) -> None:
    result = mixed("check", "net", "--only", "unknown")
    assert result.code == 2
    assert "? unknown  mute" in result.out
    assert "bad" not in result.out
    assert "1 passed, 1 failed, 1 unknown" in result.out
    found = json.loads(mixed("check", "net", "--only", "failed", "--format", "json").out)
    assert [one["item"] for one in found["results"]] == ["bad"]


def test_the_timeout_of_the_command_line_wins(mixed: CommandLine) -> None:
    slow = item("slow", "{ kind = 'command', target = 'repo', argv = ['sleep', '9'] }", "x")
    deck(mixed, listed("l", slow))
    began = time.monotonic()
    assert mixed("check", "--trust", "--timeout", "0.3").code == 3
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("jobs", ["1", "256"])
def test_any_number_of_jobs(mixed: CommandLine, jobs: str) -> None:
    assert list(checked(mixed, "net", "--jobs", jobs).values()) == ["passed", "failed", "unknown"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--jobs", "0"),
        ("--timeout", "0"),
        ("--watch", "0"),
        ("--format", "xml"),
        ("--only", "open"),
    ],
)
def test_what_cannot_be_asked_for(mixed: CommandLine, arguments: tuple[str, ...]) -> None:
    result = mixed("check", *arguments)
    assert (result.code, result.out) == (64, "")


def test_a_refusal_counts_as_failed_only_where_an_answer_is_a_must(opsdeck: CommandLine) -> None:
    with closed_port() as port:
        probe = "{{ kind = 'http', target = 'web', must_answer = {} }}"
        deck(
            opsdeck,
            listed(
                "l",
                item("must", probe.format("true"), "status == `200`"),
                item("may", probe.format("false"), "status == `200`"),
            ),
            targets=f'[targets.web]\nkind = "web"\nurl = "http://127.0.0.1:{port}"\n',
        )
        assert checked(opsdeck) == {"l/must": "failed", "l/may": "unknown"}


# Recording


def test_nothing_is_recorded_unasked(mixed: CommandLine) -> None:
    mixed("check")
    assert not mixed.home.exists() or said(mixed) == []


def test_what_is_recorded_is_what_is_shown(mixed: CommandLine) -> None:
    # WHEN a list and one of no release are checked and recorded
    result = mixed("check", "net", "rel", "--record", "--format", "json")
    shown = json.loads(result.out)["results"]
    # THEN the journal says the same, word for word, and what has no run is said to be left out
    events = {e["data"]["item"]: e for e in said(mixed)}
    assert set(events) == {"good", "bad", "mute"}
    for one in shown:
        if one["item"] == "there":
            continue
        event = events[one["item"]]
        assert (event["type"], event["by"]) == ("item.checked", "alice")
        assert event["data"]["verdict"] == one["verdict"]
        if one["verdict"] != "passed":
            assert event["data"]["text"] == one["reason"]
    assert "1 result not recorded: they are of lists walked once a release" in result.err
    # AND the states follow
    states = {i["id"]: i["state"] for i in mixed.json("list", "items", "net")}
    assert states["good"] == "passed"
    assert states["bad"] == "failed"
    assert states["mute"] == "unknown"
    # AND with a release open it is recorded too
    assert mixed("release", "start", "v1").code == 0
    result = mixed("check", "rel", "--record")
    assert (result.code, result.err) == (0, "")
    assert said(mixed)[-1]["data"]["run"] == "release/v1/rel"


def test_what_is_not_saved_is_not_claimed(mixed: CommandLine) -> None:
    # GIVEN a home that cannot be written
    mixed.home.mkdir()
    (mixed.home / "journal").write_text("a file where the folder should be")
    result = mixed("check", "net/good", "--record")
    # THEN nothing is shown as if it were recorded
    assert (result.code, result.out) == (74, "")
    assert "not saved" in result.err


def test_on_a_shared_account_the_operator_must_be_known_to_record(mixed: CommandLine) -> None:
    del mixed.environ["OPSDECK_OPERATOR"]
    text = (mixed.folder / "opsdeck.toml").read_text()
    import getpass

    shared = f'[deck]\nshared_accounts = ["{getpass.getuser()}"]\noperators = ["alice", "bob"]\n'
    (mixed.folder / "opsdeck.toml").write_text(shared + text)
    assert mixed("check", "net/good").code == 0, "anybody may look"
    result = mixed("check", "net/good", "--record")
    assert result.code == 64
    assert result.out == ""
    assert said(mixed) == []


def test_an_item_that_is_only_helped_gets_no_verdict(opsdeck: CommandLine) -> None:
    helped = present("i").replace("probe =", "assist = true\nprobe =")
    deck(opsdeck, listed("l", helped))
    assert opsdeck("check", "--record").code == 3, "nothing was judged"
    (event,) = said(opsdeck)
    assert event["type"] == "item.looked"
    assert "verdict" not in event["data"]


def test_no_secret_is_shown_or_recorded(opsdeck: CommandLine) -> None:
    secret = "k8Jq2nVx7Tz4Lp9R"
    deck(
        opsdeck,
        listed(
            "l",
            command("env", "env"),
            command("bad", "sh", "-c", "echo $APP_TOKEN >&2; exit 3"),
            item(
                "json",
                "{ kind = 'command', target = 'repo', argv = ['printenv', 'APP_TOKEN'],"
                " output = 'json' }",
                "json",
            ),
        ),
        targets='[targets.web]\nkind = "web"\nurl = "http://127.0.0.1:9"\ntoken = "${APP_TOKEN}"\n',
    )
    opsdeck.environ["APP_TOKEN"] = secret
    for form in FORMATS:
        result = opsdeck("check", "--trust", "--record", "--format", form)
        assert result.code in (2, 3)
        assert secret not in result.out + result.err
    assert secret.encode() not in b"".join(f.read_bytes() for f in opsdeck.journal.glob("*"))


# Consent


def test_commands_are_run_for_those_who_agreed_only(opsdeck: CommandLine) -> None:
    marker = opsdeck.folder / "made"
    deck(opsdeck, listed("l", command("touch", "touch", str(marker)), present("f")))
    # WHEN nobody can be asked (stdin is no terminal) THEN nothing is run, nor waited for
    result = opsdeck("check", stdin=b"y\n")
    assert result.code == 3
    assert "1 item left unknown: nobody agreed to what they run or send" in result.err
    assert f"touch {marker}" in result.out
    assert not marker.exists()
    # WHEN --trust is given THEN it is run, and not remembered
    assert opsdeck("check", "--trust").code == 0
    assert marker.exists()
    assert opsdeck("check").code == 3


def test_a_burst_is_only_sent_when_its_item_is_named(opsdeck: CommandLine) -> None:
    asked: list[str] = []

    def answer(request: Asked) -> bytes:
        asked.append(request.method)
        return reply("ok")

    with partner(answer) as server:
        deck(
            opsdeck,
            listed(
                "l",
                item("rate", "{ kind = 'http', target = 'web', burst = 5 }", "burst"),
                present("f"),
            ),
            targets=f'[targets.web]\nkind = "web"\nurl = "{server.url}"\n',
        )
        for arguments in ((), ("l",), ("--trust",), ("l", "--trust"), ("standing/l",)):
            assert list(checked(opsdeck, *arguments)) == ["l/f"]
        assert asked == []
        for name in ("l/rate", "l/rate/", "standing/l/rate"):
            asked.clear()
            result = opsdeck("check", name, "--format", "json")
            assert json.loads(result.out)["results"][0]["cause"] is None
            assert len(asked) >= 5
            assert result.err == ""


# Watching


def wait_for(holds: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.02)


class Watch:
    """`opsdeck check --watch` as a program, its output collected."""

    def __init__(self, opsdeck: CommandLine, *arguments: str, **options: Any) -> None:
        self.process = opsdeck.program("check", "--watch", "1", *arguments, **options)
        self.out = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.out += data

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, float]:
        """Signal it; exit status, stderr and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.stderr is not None
        err = self.process.stderr.read().decode()
        code = self.process.wait(10)
        self._thread.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return code, err, time.monotonic() - began


def test_a_watch_writes_news_only_and_ends_at_once(opsdeck: CommandLine) -> None:
    # GIVEN a watch that records
    file = opsdeck.folder / "flag"
    file.touch()
    deck(opsdeck, listed("l", present("flag", "flag"), present("f")))
    watch = Watch(opsdeck, "--record")
    try:
        # WHEN nothing changes for some rounds THEN the journal does not grow
        wait_for(lambda: watch.out.count(b"2 items") >= 3 or watch.out.count(b"passed") >= 4)
        assert [e["data"]["item"] for e in said(opsdeck)] == ["flag", "f"]
        # WHEN one changes THEN that is written, and shown
        file.unlink()
        wait_for(lambda: len(said(opsdeck)) == 3)
        file.touch()
        wait_for(lambda: len(said(opsdeck)) == 4)
        assert [e["data"]["verdict"] for e in said(opsdeck)[2:]] == ["failed", "passed"]
    finally:
        code, err, took_s = watch.end()
    # THEN it ends at once, quietly
    assert (code, err) == (130, "")
    assert took_s < 2


@pytest.mark.slow
def test_a_watch_goes_on_into_the_next_day(opsdeck: CommandLine, tmp_path: Path) -> None:
    # GIVEN a daily list that is watched, in a zone where the day ends in seconds
    deck(opsdeck, listed("d", present("f"), cadence="daily"), head='[deck]\ntimezone = "UTC"\n')
    code = (
        "import sys, datetime, opsdeck.deck as d, opsdeck.journal.clock as c\n"
        "real, began = c.utc_now, []\n"
        "def now():\n"
        "    began or began.append(real())\n"
        "    late = began[0].replace(hour=23, minute=59, second=57, microsecond=0)\n"
        "    return late + (real() - began[0])\n"
        "d.open_deck.__kwdefaults__['now'] = now\n"
        "from opsdeck.cli import main\n"
        "main(['check', '--watch', '1', '--record'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=opsdeck.folder,
        env=opsdeck.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        # WHEN midnight passes THEN the new day's run gets its verdict
        wait_for(lambda: len(said(opsdeck)) >= 2)
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    runs = [event["data"]["run"] for event in said(opsdeck)]
    assert err == b""
    assert len(set(runs)) == 2


@pytest.mark.slow
def test_a_watch_whose_reader_goes_away_ends(opsdeck: CommandLine) -> None:
    deck(opsdeck, listed("l", present("f")))
    process = opsdeck.program("check", "--watch", "1", "--format", "json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


# What is left behind


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_process_is_left_behind(opsdeck: CommandLine, number: signal.Signals) -> None:
    # GIVEN a check that runs a command with a child of its own
    pids = opsdeck.folder / "pids"
    script = f"sleep 60 & echo $! $$ >{pids}.new; mv {pids}.new {pids}; wait"
    deck(opsdeck, listed("l", command("wait", "sh", "-c", script, more=", timeout = 50")))
    process = opsdeck.program("check", "--trust")
    try:
        wait_for(pids.exists)
        # WHEN it is told to end THEN all of it ends, quietly and soon
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert time.monotonic() - began < 3
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    wait_for(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()), 3)


def alive(pid: int) -> bool:
    """Whether it runs; one that ended and waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def test_a_pipe_that_is_closed(mixed: CommandLine) -> None:
    process = mixed.program("check", "host")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("form", FORMATS)
def test_any_locale(opsdeck: CommandLine, form: str) -> None:
    # GIVEN texts that ASCII cannot show, and a C locale without UTF-8 mode
    name = present("f").replace("Text of f", "Überprüft: 漢字 → \\u001b[31m")
    deck(opsdeck, listed("l", name))
    result = opsdeck.ended(
        "check",
        "--format",
        form,
        environ={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert result.out


def test_closed_streams(opsdeck: CommandLine) -> None:
    deck(opsdeck, listed("l", command("c", "true"), present("f")))
    line = f"exec {sys.executable} -m opsdeck check <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], cwd=opsdeck.folder, env=opsdeck.environ, check=False)
    assert done.returncode == 3


@pytest.mark.slow
def test_three_hundred_items(opsdeck: CommandLine) -> None:
    # GIVEN 100 ports, 100 files and 100 commands
    with serving(says_nothing) as server:
        ports = [
            item(f"p{n}", f"{{ kind = 'tcp', target = 'a', pause = {n + 1} }}", "open")
            for n in range(100)
        ]
        files = [present(f"f{n}", f"./{'./' * n}opsdeck.toml") for n in range(100)]
        commands = [command(f"c{n}", "sh", "-c", f"exit {n % 2}") for n in range(100)]
        deck(opsdeck, listed("l", *ports, *files, *commands), targets=target("a", server.port))
        began = time.monotonic()
        found = checked(opsdeck, "--trust", "--record")
        took_s = time.monotonic() - began
    assert len(found) == 300
    assert list(found.values()).count("failed") == 50
    assert len(said(opsdeck)) == 300
    assert took_s < 10


def test_a_check_of_the_host_imports_no_client(opsdeck: CommandLine) -> None:
    # GIVEN a deck with targets of all kinds, and a list that looks at this machine alone
    deck(
        opsdeck,
        listed(
            "l",
            item("h", "{ kind = 'host', target = 'host', parts = ['load'] }", "latency_ms >= `0`"),
            item("e", "{ kind = 'env', target = 'repo', name = 'PATH' }", "set"),
            present("f"),
            command("c", "true"),
        ),
        targets='[targets.web]\nkind = "web"\nurl = "http://127.0.0.1:9"\n'
        '[targets.db]\nkind = "mongodb"\nuri = "mongodb://127.0.0.1:9"\n'
        '[targets.aws]\nkind = "aws"\nregion = "eu-central-1"\n',
    )
    code = (
        "import sys\nfrom opsdeck.cli import run\n"
        "code = run(['check', '--trust'])\n"
        "heavy = {'boto3', 'botocore', 'pymongo', 'httpx', 'httpcore', 'cryptography', 'dns'}\n"
        "heavy |= {'textual', 'rich'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=opsdeck.folder,
        env={**opsdeck.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout


# Somebody is there to be asked


def on_a_terminal(opsdeck: CommandLine, typed: bytes, *arguments: str) -> tuple[int, str]:
    """Run it on a terminal of its own, type this when it asks; exit status and all it said."""
    leader, follower = os.openpty()
    process = opsdeck.program(
        "check",
        *arguments,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        environ={"COLUMNS": "200"},
    )
    os.close(follower)
    heard = b""
    try:
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:
                break
            if not data:
                break
            heard += data
            if b"Go on?" in heard and typed:
                os.write(leader, typed)
                typed = b""
    finally:
        code = process.wait(10)
        os.close(leader)
    return code, heard.decode()


def test_on_a_terminal_it_asks_and_remembers(opsdeck: CommandLine) -> None:
    marker = opsdeck.folder / "made"
    deck(opsdeck, listed("l", command("touch", "touch", str(marker))))
    # WHEN it is not agreed to THEN nothing is run
    for no in (b"n\n", b"\n"):
        code, heard = on_a_terminal(opsdeck, no)
        assert code == 3
        assert f"touch {marker}" in heard
        assert not marker.exists()
    # WHEN it is agreed to THEN it is run, and not asked about again
    code, heard = on_a_terminal(opsdeck, b"y\n")
    assert code == 0, heard
    assert marker.exists()
    code, heard = on_a_terminal(opsdeck, b"")
    assert code == 0
    assert "Go on?" not in heard


def test_agreeing_counts_for_now_even_if_it_cannot_be_remembered(opsdeck: CommandLine) -> None:
    deck(opsdeck, listed("l", command("c", "true")))
    (opsdeck.folder / "data").write_text("no folder")
    opsdeck.environ["XDG_DATA_HOME"] = str(opsdeck.folder / "data")
    code, heard = on_a_terminal(opsdeck, b"y\n")
    assert code == 0, heard
    assert "not saved" in heard


def test_offline_is_said_in_the_teams_time_by_a_machine_that_is_cut_off(
    opsdeck: CommandLine,
) -> None:
    # GIVEN an anchor that is silent, and a target whose name nobody can resolve
    with blackhole() as silent:
        deck(
            opsdeck,
            listed(
                "l", item("i", "{ kind = 'tcp', target = 'x', timeout = 1 }", "open"), present("f")
            ),
            targets='[targets.x]\nkind = "network"\nhost = "db.invalid"\nport = 27017\n',
            head=f'[deck]\ntimezone = "Asia/Kolkata"\nanchors = ["127.0.0.1:{silent}"]\n',
        )
        result = opsdeck("check", "--format", "json")
    found = {one["item"]: one for one in json.loads(result.out)["results"]}
    assert result.code == 3
    assert found["i"]["cause"] == "offline"
    assert found["i"]["reason"].startswith("OpsDeck is offline since ")
    assert found["f"]["verdict"] == "passed"
