"""Worlds of hosts on EC2 that report to CloudWatch, or do not."""

from __future__ import annotations

from datetime import timedelta

from tests.probes.partners_cloud import nowhere
from tests.probes.partners_fleet import agents, streams
from tests.worlds.harness import World
from tests.worlds.moto_world import world

_AGENT = "monitoring-logging/cloudwatch"
_LOGS = "monitoring-logging/log-aggregation"
_LATER = timedelta(hours=1)

WORLDS: list[World] = [
    world(_AGENT, "passed", "of both hosts", agents(2, memory=2, disk=2), later=_LATER),
    world(_AGENT, "passed", "of forty hosts", agents(40, memory=40, disk=40), later=_LATER),
    world(
        _AGENT, "passed", "staging is silent", agents(2, memory=2, disk=2, apart=2), later=_LATER
    ),
    world(
        _AGENT,
        "passed",
        "a host that is stopped is silent",
        agents(2, memory=2, disk=2, stopped=1),
        later=_LATER,
    ),
    world(_AGENT, "passed", "one was launched just now", agents(2, memory=1, disk=1)),
    world(_AGENT, "failed", "all were launched just now", agents(2, memory=0, disk=0)),
    world(_AGENT, "failed", "one without an agent", agents(2, memory=1, disk=1), later=_LATER),
    world(_AGENT, "failed", "memory but no disk", agents(2, memory=2, disk=0), later=_LATER),
    world(_AGENT, "unknown", "no hosts", nowhere()),
    world(_LOGS, "passed", "both logged lately", streams(2, 0.1, 0.2), later=_LATER),
    world(_LOGS, "passed", "forty logged lately", streams(40, *[0.1] * 40), later=_LATER),
    world(_LOGS, "passed", "one was launched just now", streams(2, 0.1)),
    world(_LOGS, "failed", "all were launched just now", streams(2)),
    world(_LOGS, "failed", "one never logged", streams(2, 0.1), later=_LATER),
    world(_LOGS, "failed", "one stopped 5 hours ago", streams(2, 0.1, 5), later=_LATER),
    world(_LOGS, "failed", "no such group", streams(2, 0.1, 0.1, group="/x"), later=_LATER),
    world(_LOGS, "unknown", "no hosts", streams(0)),
]
