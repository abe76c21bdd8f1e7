"""`opsdeck glance`: against a real service, for people, cron and monitoring systems."""

from __future__ import annotations

import json
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CommandLine, Result
from tests.probes.partners_http import blackhole
from tests.reports.openmetrics import read_metrics
from tests.watched import Waiting, service

__all__ = ["service"]

ONE_LIST = """
omit = [{omitted}]
[[checklist]]
id = "own"
title = "Own"
section = "S"
cadence = "standing"
[[checklist.item]]
id = "short"
text = "The queue is short"
valid_for = "10d"
probe = {{ kind = "http", target = "web" }}
expect = ["body.waiting < `50`"]
"""


class Glanced:
    """A deck with one gauge of a real service, and nothing of this machine's own."""

    def __init__(self, opsdeck: CommandLine, service: Waiting) -> None:
        self.opsdeck = opsdeck
        self.service = service
        opsdeck.environ["PYTHONWARNINGS"] = "error"
        omitted = ", ".join(f'"{found["id"]}"' for found in self.opsdeck.json("list", "checklists"))
        team = opsdeck.folder / "checklists.toml"
        team.write_text(ONE_LIST.format(omitted=omitted), encoding="utf-8")
        found = json.loads(opsdeck("glance", "--json").out)
        self.own = [gauge["id"] for gauge in found["gauges"]]
        self.configure(service.partner.url)

    def configure(self, url: str, anchors: str = "", gauge: str = "Waiting") -> None:
        """Write `opsdeck.toml`; without a gauge only its target."""
        lines = ["[deck]", 'name = "acme"', anchors, "[targets.web]", 'kind = "web"']
        lines += [f'url = "{url}"']
        if gauge:
            lines += ["[[gauge]]", 'id = "queue"', f'title = "{gauge}"', 'value = "body.waiting"']
            lines += ['probe = { kind = "http", target = "web" }', "warn = 50", "crit = 90"]
            lines += ['every = "1s"', 'playbook = "api-response-slowdown"']
        for identity in self.own:
            lines += ["[[gauge]]", f'id = "{identity}"', "hide = true"]
        (self.opsdeck.folder / "opsdeck.toml").write_text("\n".join(lines), encoding="utf-8")

    def __call__(self, *options: str, **more: Any) -> Result:
        """A glance that waits longer than a busy machine takes, unless it is told how long."""
        patience = () if "--timeout" in options else ("--timeout", "30")
        return self.opsdeck("glance", *patience, *options, **more)

    def json(self, *options: str) -> tuple[int, Any]:
        """Exit status and object."""
        result = self("--json", *options)
        assert result.err == ""
        return result.code, json.loads(result.out)


@pytest.fixture
def glance(opsdeck: CommandLine, service: Waiting) -> Glanced:
    return Glanced(opsdeck, service)


@pytest.mark.parametrize(
    ("number", "code", "word", "status"),
    [(10, 0, "all well", "ok"), (60, 1, "WARNING", "warning"), (95, 2, "CRITICAL", "critical")],
)
def test_the_exit_status_is_that_of_the_worst(
    glance: Glanced, number: float, code: int, word: str, status: str
) -> None:
    glance.service.number = number
    shown = glance()
    assert (shown.code, shown.err) == (code, "")
    assert shown.lines[0].startswith(f"{word}   acme   ")
    assert f"Waiting {number}" in shown.out
    assert all(len(line) <= 80 for line in shown.lines)
    # AND so it is in each form
    nagios = glance("--nagios")
    assert (nagios.code, nagios.out.split(" ")[1]) == (code, status.upper())
    assert re.search(rf" queue={number};50;90(;|\b)", nagios.out.replace("'", ""))
    assert (glance("--openmetrics").code, glance.json()[0]) == (code, code)
    assert glance.json()[1]["status"] == status


def test_a_breach_names_its_playbook_as_what_to_do_next(glance: Glanced) -> None:
    glance.service.number = 95
    assert (
        glance().lines[-1] == "next          the playbook api-response-slowdown: `opsdeck`, then p"
    )


def test_what_was_never_seen_is_unknown_and_says_why(glance: Glanced) -> None:
    glance.service.number = None
    glance()
    time.sleep(1.1)  # its interval passes: it is asked again
    code, found = glance.json()
    [gauge] = found["gauges"]
    assert (code, gauge["level"], gauge["value"]) == (3, "unknown", None)
    assert gauge["text"] == "the look tells no body.waiting"
    assert "the look tells no body.waiting" in glance("--last-known").out


def test_a_failing_item_is_critical_until_it_passes(glance: Glanced) -> None:
    glance.configure(glance.service.partner.url, gauge="")
    glance.service.number = 60
    assert glance.opsdeck("check", "own", "--record").code == 2
    code, found = glance.json()
    assert (code, [item["item"] for item in found["failing"]]) == (2, ["short"])
    assert "failing" in glance().out
    assert "The queue is short" in glance().out
    # WHEN it passes
    glance.service.number = 10
    assert glance.opsdeck("check", "own", "--record").code == 0
    code, found = glance.json()
    assert (code, found["failing"]) == (0, [])


def test_offline_the_last_values_stand_with_their_age(glance: Glanced) -> None:
    # GIVEN a value from before
    glance()
    with blackhole() as port:
        # AND then nothing answers any more, nor do the anchors
        glance.configure(f"http://127.0.0.1:{port}", anchors=f'anchors = ["127.0.0.1:{port}"]')
        time.sleep(1.1)
        result = glance("--timeout", "1")
    assert result.code == 3
    assert "OFFLINE" in result.lines[0]
    assert re.search(r"Waiting 10\b", result.out)
    [seen] = glance.json("--last-known")[1]["gauges"]
    assert seen["age_s"] > 2


def test_last_known_looks_at_nothing(glance: Glanced) -> None:
    glance()
    before = glance.service.looks
    glance.service.number = 95
    time.sleep(1.1)
    code, found = glance.json("--last-known")
    assert (code, found["looked"], found["gauges"][0]["value"]) == (0, False, 10)
    assert glance.service.looks == before


def test_who_does_not_answer_in_time_does_not_hold_it_up(glance: Glanced) -> None:
    glance()
    with blackhole() as port:
        glance.configure(
            f"http://127.0.0.1:{port}",
            anchors=f'anchors = ["127.0.0.1:{glance.service.partner.port}"]',
        )
        time.sleep(1.1)
        began = time.monotonic()
        result = glance("--timeout", "0.5")
        took_s = time.monotonic() - began
    # A hang would be the probe's own timeout of seconds, or for ever: this is no measurement.
    assert took_s < 10
    assert "Waiting 10" in result.out


def test_what_was_just_looked_at_is_not_asked_again(glance: Glanced) -> None:
    text = (glance.opsdeck.folder / "opsdeck.toml").read_text(encoding="utf-8")
    slower = text.replace('every = "1s"', 'every = "60s"')
    (glance.opsdeck.folder / "opsdeck.toml").write_text(slower, encoding="utf-8")
    glance()
    asked = glance.service.looks
    for _ in range(3):
        assert "Waiting 10" in glance().out
    assert glance.service.looks == asked


def test_output_is_written_whole_and_renamed(glance: Glanced, tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    file = folder / "opsdeck.prom"
    file.write_text("old\n", encoding="utf-8")
    old = file.stat().st_ino
    with file.open(encoding="utf-8") as reader:
        result = glance("--openmetrics", "--output", str(file))
        # THEN who was reading still has the old one whole
        assert reader.read() == "old\n"
    assert (result.code, result.out) == (0, "")
    assert file.stat().st_ino != old
    assert [found.name for found in folder.iterdir()] == ["opsdeck.prom"]
    # AND a node exporter of another user may read it
    assert stat.S_IMODE(file.stat().st_mode) & 0o444 == 0o444
    samples = {(s.name, s.labels.get("gauge")): s.value for s in read_metrics(file.read_text())}
    assert samples["opsdeck_gauge_value", "queue"] == 10


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(
    glance: Glanced, tmp_path: Path
) -> None:
    result = glance("--openmetrics", "--output", str(tmp_path / "absent" / "x.prom"))
    assert result.code not in (0, 1, 2)
    assert "absent" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--json", "--nagios"), "choose one"),
        (("--timeout", "0"), "0"),
        (("--watch", "0"), "0"),
        (("--wat",), "--wat"),
    ],
)
def test_a_mistake_is_told_plainly(glance: Glanced, options: tuple[str, ...], said: str) -> None:
    result = glance(*options)
    assert (result.code, result.out) == (64, "")
    assert said in result.err


def test_a_broken_configuration_is_unknown_to_nagios(glance: Glanced) -> None:
    (glance.opsdeck.folder / "opsdeck.toml").write_text("[[gauge]]\nid = 7\n", encoding="utf-8")
    result = glance("--nagios")
    assert result.code == 3
    assert result.out.startswith("OPSDECK UNKNOWN - ")
    assert result.out.count("\n") == 1


def test_without_configuration_this_machine_is_seen(opsdeck: CommandLine) -> None:
    found = json.loads(opsdeck("glance", "--json").out)
    seen = {gauge["id"]: gauge for gauge in found["gauges"]}
    assert {"host-cpu", "host-memory", "host-load"} <= seen.keys()
    assert any(identity.startswith("host-disk") for identity in seen)
    # AND the processor too, which needs two looks
    assert seen["host-cpu"]["value"] is not None
    total, free = (
        int(re.search(rf"^{key}:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)[1])  # type: ignore[index]
        for key in ("MemTotal", "MemAvailable")
    )
    if not Path("/sys/fs/cgroup/memory.max").exists():
        assert seen["host-memory"]["value"] == pytest.approx(100 * (1 - free / total), abs=3)


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_it_works_on_a_dumb_terminal_in_ascii_and_in_a_pipe(glance: Glanced, columns: str) -> None:
    glance.service.number = 95
    environ = {"TERM": "dumb", "LC_ALL": "C", "COLUMNS": columns, "LANG": "C"}
    result = glance.opsdeck.ended("glance", "--timeout", "30", environ=environ)
    assert (result.code, result.err) == (2, "")
    assert result.out.isascii()
    assert "\x1b" not in result.out
    assert all(len(line) <= int(columns) for line in result.lines)


def test_a_reader_that_leaves_is_no_fault(glance: Glanced) -> None:
    process = glance.opsdeck.program("glance", "--watch", "1")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) != 0


def test_watch_goes_on_with_edits_until_interrupted(glance: Glanced) -> None:
    process = glance.opsdeck.program("glance", "--json", "--watch", "1")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["gauges"][0]["value"] == 10
    # WHEN the service is in trouble and the gauge gets another name
    glance.service.number = 95
    file = glance.opsdeck.folder / "opsdeck.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"Waiting"', '"Mails"'), "utf-8")
    found = first
    for _ in range(10):
        found = json.loads(process.stdout.readline())
        if found["gauges"][0]["title"] == "Mails" and found["status"] == "critical":
            break
    assert (found["gauges"][0]["title"], found["status"]) == ("Mails", "critical")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert b"Traceback" not in err


def test_a_glance_during_another_process_keeps_its_cache_whole(glance: Glanced) -> None:
    running = [glance.opsdeck.program("glance", "--json") for _ in range(6)]
    for process in running:
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, b"")
        assert json.loads(out)["gauges"][0]["value"] == 10
    assert glance.json("--last-known")[1]["gauges"][0]["value"] == 10


def test_where_nothing_can_be_kept_there_is_a_glance_all_the_same(glance: Glanced) -> None:
    # GIVEN something in the place of the cache (also root cannot write there)
    cache = glance.opsdeck.home / "cache"
    shutil.rmtree(cache)
    cache.write_text("in the way", encoding="utf-8")
    shown = glance()
    assert (shown.code, shown.err) == (0, "")
    assert "Waiting 10" in shown.out
    assert cache.read_text(encoding="utf-8") == "in the way"


def test_it_runs_from_cron(glance: Glanced) -> None:
    # GIVEN an environment as cron has it: no TERM, no LANG, no terminal, stdin closed
    keep = ("PATH", "HOME", "OPSDECK_HOME", "PYTHONPATH", "OPSDECK_OPERATOR")
    environ = {name: glance.opsdeck.environ[name] for name in keep}
    argv = [*_program(), "glance", "--openmetrics", "--output", "out.prom"]
    done = subprocess.run(
        argv,
        cwd=glance.opsdeck.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        timeout=30,
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert read_metrics((glance.opsdeck.folder / "out.prom").read_text(encoding="utf-8"))


def _program() -> list[str]:
    import sys

    return [sys.executable, "-m", "opsdeck"]
