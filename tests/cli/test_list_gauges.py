"""`opsdeck list gauges`: what was seen last, without looking."""

from __future__ import annotations

from tests.cli.conftest import CommandLine
from tests.watched import Waiting, service

__all__ = ["service"]

CONFIG = """
[targets.web]
kind = "web"
url = "{url}"
[[gauge]]
id = "queue"
title = "Mails waiting \\u001b[31m"
probe = {{ kind = "http", target = "web" }}
value = "body.waiting"
warn = 50
crit = 90
"""


def test_nothing_was_seen_yet(opsdeck: CommandLine) -> None:
    result = opsdeck("list", "gauges")
    assert (result.code, result.err) == (0, "")
    assert result.out == "no gauge was looked at yet: `opsdeck glance` does, and so does the app\n"


def test_what_was_seen_last(opsdeck: CommandLine, service: Waiting) -> None:
    text = CONFIG.format(url=service.partner.url)
    (opsdeck.folder / "opsdeck.toml").write_text(text, encoding="utf-8")
    [never] = opsdeck("list", "gauges").lines
    assert never.split()[:2] == ["queue", "never"]
    # WHEN a glance has looked
    service.number = 60
    opsdeck("glance")
    looks = service.looks
    lines = opsdeck("list", "gauges").lines
    [queue] = [line for line in lines if "queue" in line]
    assert queue.split()[:3] == ["queue", "warning", "60"]
    assert "\x1b" not in queue
    assert "limits" in queue
    # AND this machine's own gauges stand first
    assert lines[0].split()[0] == "host-cpu"
    # AND as JSON with the same figures, and nothing was looked at
    found = {gauge["id"]: gauge for gauge in opsdeck.json("list", "gauges")}
    assert (found["queue"]["value"], found["queue"]["level"]) == (60, "warning")
    assert service.looks == looks
