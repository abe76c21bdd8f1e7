"""Run a command that only looks, and say how it ended and what it printed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import Consent, Document, Parameter, Target
from opsdeck.probes.blocking import import_module

ABOUT = "runs a command: its exit code, what it prints, JSON read"
TARGETS = ("repository", "host")
PARAMETERS = {
    "argv": Parameter(
        (list, str), "the program and its arguments; one string with shell = true", required=True
    ),
    "shell": Parameter((bool,), "whether argv is a line for /bin/sh", False),
    "cwd": Parameter((str,), "where it runs, relative to the target's path", "."),
    "env": Parameter((dict,), "variables set beside those of this process"),
    "output": Parameter((str,), "what it prints", "text", choices=("text", "json")),
    "query": Parameter((str,), "JMESPath over its JSON: what to keep of it"),
    "fault": Parameter((str,), "JMESPath over its JSON: where it says that it could not look"),
    "codes": Parameter((list,), "exit codes that are an answer (default: any)"),
    "needs": Parameter((list,), "files below cwd without which its answer would mean nothing"),
}


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right in a command."""
    argv, shell = parameters.get("argv"), parameters.get("shell") is True
    if shell and not isinstance(argv, str):
        yield "argv must be one string with shell = true"
    elif not shell and isinstance(argv, str) and not _placeholder(argv):
        yield f"argv must be a list, such as {argv.split()}; or set shell = true"
    elif isinstance(argv, list) and not all(isinstance(part, str) for part in argv):
        yield "argv must be a list of strings"
    elif not argv or (isinstance(argv, list) and not str(argv[0]).strip()):
        yield "argv is empty: name a program"
    elif any("\0" in part for part in argv):
        yield "argv holds a NUL character"
    env = parameters.get("env") or {}
    if not isinstance(env, str) and not all(isinstance(v, str) for v in env.values()):
        yield "env must give a string for each variable"
    codes = parameters.get("codes") or []
    if not isinstance(codes, str) and not all(type(code) is int for code in codes):
        yield "codes must be whole numbers"
    needs = parameters.get("needs") or []
    if not isinstance(needs, str) and not all(isinstance(name, str) for name in needs):
        yield "needs must be names of files"
    for key in ("query", "fault"):
        yield from _query_problems(parameters, key)


def _query_problems(parameters: Mapping[str, Any], key: str) -> Iterator[str]:
    expression = parameters.get(key)
    if not expression:
        return
    if parameters.get("output") != "json":
        yield f'{key} needs output = "json"'
    import jmespath

    try:
        jmespath.compile(expression)
    except Exception as error:  # whatever a foreign parser trips over means a bad expression
        yield f"{key} is no JMESPath: {str(error).splitlines()[0]}"


def _placeholder(text: str) -> bool:
    return text.startswith("{") and text.endswith("}")


def consent(parameters: Mapping[str, Any]) -> Consent:
    """Running anything is asked about first."""
    argv = parameters.get("argv", [])
    line = argv if isinstance(argv, str) else shlex.join(map(str, argv))
    env = parameters.get("env")
    if isinstance(env, dict) and env:
        line = " ".join(f"{name}={shlex.quote(str(v))}" for name, v in env.items()) + " " + line
    cwd = parameters.get("cwd", ".")
    return Consent("command", line if cwd == "." else f"{line}   (in {cwd})")


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """How the command ended; raises ProbeError where it could not be run or did not end."""
    looks = await import_module("opsdeck.probes._command_look")
    document: Document = await looks.look(target, parameters, timeout_s)
    return document
