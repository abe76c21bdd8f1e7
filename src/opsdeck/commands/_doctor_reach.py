"""Doctor: look at every target once, in the way that tells most about what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from opsdeck.looking import Looks
from opsdeck.probes.base import CUT_OFF, Cause, Document, ProbeError
from opsdeck.probes.engine import Engine, Round, Seen
from opsdeck.probes.online import anchors, is_online
from opsdeck.probes.targets import KINDS
from opsdeck.reports.findings import Finding, Level

PART = "targets"
PATIENCE_S = 3.0
"""How long a first look may take; who needs longer is as good as away for a doctor."""


class Reached(NamedTuple):
    """What came of the first looks at a target; `away` is the cause when none was answered."""

    findings: tuple[Finding, ...]
    away: Cause | None


async def reach(engine: Engine, a_round: Round, name: str, timeout_s: float) -> Reached:
    """Look at one target; never raises. What is missing in its table others tell."""
    try:
        target = engine.target(name)
        values = target.values
    except ProbeError as error:
        return Reached((), error.cause)
    if not _whole(target.kind, values):
        return Reached((), "missing")
    probes = list(_first_looks(target.kind, values))
    if not probes:
        return Reached((), None)
    asked = [{**probe, "target": name, "timeout": timeout_s} for probe in probes]
    looks = await asyncio.gather(*(a_round.look(probe) for probe in asked))
    findings = [
        finding
        for probe, seen in zip(asked, looks, strict=True)
        for finding in _findings(name, probe, seen)
    ]
    away = None if any(seen.document is not None for seen in looks) else looks[0].cause
    return Reached(tuple(_merged(findings)), away)


def _whole(kind: str, values: Mapping[str, Any]) -> bool:
    """Whether a target's table has what its kind cannot do without."""
    known = KINDS.get(kind)
    if known is None:
        return False
    one = not known.one_of or any(values.get(key) for key in known.one_of)
    return one and all(values.get(key) for key, about in known.keys.items() if about.required)


def _first_looks(kind: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The probes that suit a kind of target."""
    match kind:
        case "web" | "http":
            path = values.get("health_path", KINDS["web"].keys["health_path"].default)
            yield {"kind": "http", "path": path}
            if str(values.get("url", "")).lower().startswith("https:"):
                yield {"kind": "tls"}
        case "mongodb":
            yield {"kind": "mongodb", "look": "connection"}
        case "aws":
            yield {"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"}
        case "repository":
            yield {"kind": "file", "path": ".", "format": "none", "git": True}
        case "host":
            yield {"kind": "host", "parts": ["system"]}
        case "network":
            yield {"kind": "tcp"}


def _findings(name: str, probe: Mapping[str, Any], seen: Seen) -> Iterator[Finding]:
    kind = str(probe["kind"])
    if seen.document is None:
        yield _away(name, seen.cause, seen.message)
        return
    said = _SAID[kind](seen.redactor.value(seen.document), probe)
    for level, what, todo in said:
        yield Finding(level=level, part=PART, where=name, what=what, todo=todo)


def _away(name: str, cause: Cause | None, message: str) -> Finding:
    level: Level = "unknown" if cause == "throttled" else "bad"
    return Finding(level=level, part=PART, where=name, what=message)


def _merged(findings: list[Finding]) -> Iterator[Finding]:
    """Without the same message twice: HTTP and TLS meet the same closed port."""
    seen: set[str] = set()
    for finding in findings:
        if finding.what not in seen:
            seen.add(finding.what)
            yield finding


def may_be_offline(results: Iterable[Reached]) -> bool:
    """Whether all targets that are away are so for a cause that may be this machine's own."""
    away = [reached.away for reached in results if reached.away not in (None, "missing")]
    return bool(away) and all(cause in CUT_OFF for cause in away)


def excused(reached: Reached) -> Reached:
    """The same, while this machine itself is cut off: that is said once, and nobody is blamed."""
    return Reached((), reached.away) if reached.away in CUT_OFF else reached


Said = Iterator[tuple[Level, str, str]]


def _http(found: Document, probe: Mapping[str, Any]) -> Said:
    status, took = found.get("status"), found.get("latency_ms")
    what = f"{probe['path']} answers {status} in {took} ms"
    if isinstance(status, int) and 200 <= status < 300:
        yield "ok", what, ""
    else:
        yield "warn", what, f"set health_path in [targets.{probe['target']}], or mend the service"


def _tls(found: Document, probe: Mapping[str, Any]) -> Said:
    days = f"{found['days_left']:.0f} days left"
    if found.get("trusted") and found.get("hostname_matches"):
        yield "ok", f"the certificate is trusted, {days}", ""
        return
    yield "warn", f"the certificate is not trusted: {found.get('why_not')}", ""


def _mongodb(found: Document, probe: Mapping[str, Any]) -> Said:
    who = ", ".join(found.get("users", [])) or "nobody (no authentication)"
    roles = ", ".join(found.get("roles", []))
    yield (
        "ok",
        f"{found.get('answered_by')} answers in {found.get('latency_ms')} ms, as {who}"
        + (f" with {roles}" if roles else ""),
        "",
    )
    if not found.get("authenticated"):
        yield "warn", "anybody may log in without a password", "turn on access control"


def _aws(found: Document, probe: Mapping[str, Any]) -> Said:
    yield "ok", f"{found.get('Arn')} in {found.get('region')}, {found.get('latency_ms')} ms", ""


def _file(found: Document, probe: Mapping[str, Any]) -> Said:
    path = found.get("path")
    name = probe["target"]
    if not found.get("exists"):
        yield "bad", f"there is no folder {path}", f"set path in [targets.{name}]"
    elif found.get("type") != "directory":
        yield "bad", f"{path} is no folder", f"set path in [targets.{name}]"
    elif not (found.get("git") or {}).get("repository"):
        yield "warn", "a folder, but no git checkout", "items that ask git stay unknown"
    else:
        yield "ok", "a git checkout", ""


def _host(found: Document, probe: Mapping[str, Any]) -> Said:
    yield "ok", f"this machine, looked at in {found.get('latency_ms')} ms", ""


def _tcp(found: Document, probe: Mapping[str, Any]) -> Said:
    for port, state in found.get("ports", {}).items():
        where = f"{found.get('host')}:{port}"
        if state == "open":
            yield "ok", f"{where} is open, {found.get('latency_ms')} ms", ""
        else:
            yield "bad", f"{where} is {state}", "is the service up?"


_SAID = {
    "http": _http,
    "tls": _tls,
    "mongodb": _mongodb,
    "aws": _aws,
    "file": _file,
    "host": _host,
    "tcp": _tcp,
}


class Tried(NamedTuple):
    """What came of all first looks; `away` are the targets that did not answer."""

    findings: list[Finding]
    away: frozenset[str]


async def reach_all(looks: Looks, timeout_s: float) -> Tried:
    """Look at every target at the same time."""
    names = ["host", *(name for name in looks.deck.config.targets if name != "host")]
    a_round = Round(looks.engine)
    try:
        every = await asyncio.gather(
            *(reach(looks.engine, a_round, name, timeout_s) for name in names)
        )
    finally:
        await a_round.stop()
    findings: list[Finding] = []
    if may_be_offline(every) and not a_round.answered and not await _online(looks):
        every = [excused(reached) for reached in every]
        findings.append(_offline())
    findings += (finding for reached in every for finding in reached.findings)
    away = frozenset(name for name, r in zip(names, every, strict=True) if r.away is not None)
    return Tried(findings, away)


async def _online(looks: Looks) -> bool:
    config = looks.deck.config
    targets = [looks.engine.target(name) for name in config.targets]
    return await is_online(await anchors(targets, config.anchors))


def _offline() -> Finding:
    return Finding(
        level="unknown",
        part=PART,
        where="this machine",
        what="it is cut off itself: none of its anchors answers",
        todo="check its network; [deck] anchors says what is asked",
    )
