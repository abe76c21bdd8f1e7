"""One run of a command, as a document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsdeck.probes._command_run import Ended, Output, run
from opsdeck.probes._file_bounded import bounded
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.blocking import import_module, in_thread

MOST_BYTES = 65_536
MOST_JSON_BYTES = 1_000_000


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """How the command ended; raises ProbeError where it could not be run or did not end."""
    argv: list[str] | str = parameters["argv"]
    line = ["/bin/sh", "-c", argv] if isinstance(argv, str) else list(argv)
    cwd = target.path(str(parameters.get("cwd", ".")))
    needs = parameters.get("needs") or []
    await in_thread(lambda: _needed(cwd, needs))
    if "/" in line[0] and not line[0].startswith("/"):
        line[0] = str(cwd / line[0])  # relative to where it runs, as a shell would take it
    environ = {**target.environ, **(parameters.get("env") or {})}
    as_json = parameters.get("output") == "json"
    most = MOST_JSON_BYTES if as_json else MOST_BYTES
    ended = await run(line, cwd=cwd, environ=environ, timeout_s=timeout_s, most_bytes=most)
    name = _cut(shlex.join(argv) if isinstance(argv, list) else argv)
    codes = parameters.get("codes")
    if codes and ended.exit_code not in codes:
        raise ProbeError("protocol", _failed(name, ended))
    document: Document = {
        "command": name,
        "exit_code": ended.exit_code,
        "stdout": "" if as_json else _text(ended.stdout),
        "stdout_bytes": ended.stdout.total_bytes,
        "stderr": _text(ended.stderr),
        "stderr_bytes": ended.stderr.total_bytes,
        "duration_ms": ended.duration_ms,
        "latency_ms": ended.duration_ms,
    }
    if as_json:
        await import_module("jmespath")
        query, fault = parameters.get("query"), parameters.get("fault")
        document["json"] = await in_thread(lambda: _json(name, ended, query, fault))
    return document


def _needed(cwd: Path, needs: list[str]) -> None:
    for name in needs:
        if not (cwd / name).exists():
            raise ProbeError(
                "missing", f"{cwd / name} is not there, and without it this command says nothing"
            )


def _json(name: str, ended: Ended, query: str | None, fault: str | None) -> Any:
    if ended.stdout.total_bytes > MOST_JSON_BYTES:
        raise ProbeError(
            "protocol", f"{name} printed {ended.stdout.total_bytes:,} bytes of JSON; 1 MB is read"
        )
    try:
        value = json.loads(ended.stdout.data)
    except (ValueError, RecursionError):
        raise ProbeError("protocol", f"{_failed(name, ended)} and not JSON") from None
    if fault and (said := _found(fault, value)):
        raise ProbeError("protocol", f"{name} could not look: {_line(str(said))}")
    if query:
        value = _found(query, value)
        if value is None:
            raise ProbeError("protocol", f"{_failed(name, ended)}: its JSON has no {query}")
    return bounded(value)


def _found(expression: str, value: Any) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, value)
    except JMESPathError as error:
        raise ProbeError(
            "protocol", f"{expression} does not suit the JSON: {_line(str(error))}"
        ) from None


def _failed(name: str, ended: Ended) -> str:
    said = _line(_text(ended.stderr)) or _line(_text(ended.stdout))
    return f"{name} ended with {ended.exit_code}" + (f" and said: {said}" if said else "")


def _line(text: str) -> str:
    """The first line that says anything, short enough for a message."""
    return _cut(next((line.strip() for line in text.splitlines() if line.strip()), ""))


def _cut(text: str) -> str:
    """At most 200 characters; at the ellipsis the Redactor looks for half a secret."""
    return text if len(text) <= 200 else text[:200] + "…"


def _text(output: Output) -> str:
    return output.data[:MOST_BYTES].decode("utf-8", "replace")
