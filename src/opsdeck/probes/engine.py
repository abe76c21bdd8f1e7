"""Carry out looks: within their timeouts, a bounded number at once, the same look only once.

An `Engine` keeps the targets (and their clients) of one deck; a `Round` is one pass through any
number of items. In a round a look that several items need is done once, and a target that gave
no answer to its first looks is not waited for again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from opsdeck.probes._one_look import internal, one_look
from opsdeck.probes._turns import Turns
from opsdeck.probes._written_secrets import secrets_written_in
from opsdeck.probes.address import address_of
from opsdeck.probes.base import (
    CUT_OFF,
    DEFAULT_TIMEOUT_S,
    Cause,
    Document,
    Facts,
    Kind,
    ProbeError,
    Target,
)
from opsdeck.probes.fill import fill
from opsdeck.probes.online import names_this_machine
from opsdeck.probes.redact import Redactor
from opsdeck.probes.registry import SHARED, kind_of, parameters_of, problems, seconds

JOBS = 16
"""How many looks are under way at once, unless asked otherwise."""

GIVEN_UP_AFTER = 3
"""So many looks without an answer, and none with one, are enough for a target in a round."""

LONGEST_MESSAGE = 1_000

LOCAL_KINDS = frozenset({"host", "file", "env", "command", "run"})
"""Kinds that need no network."""


class Seen(NamedTuple):
    """What came of a look: a document, or the reason why there is none."""

    document: Document | None
    cause: Cause | None
    message: str
    """Why there is no document, without secrets; "" when there is one."""
    took_ms: float
    redactor: Redactor


def seen_of(found: Document | ProbeError, redactor: Redactor, took_ms: float = 0.0) -> Seen:
    """A document, or the reason why there is none, as what came of a look."""
    if not isinstance(found, ProbeError):
        return Seen(found, None, "", took_ms, redactor)
    message = redactor.text(str(found))  # before it is cut: half a secret is one too
    message = " ".join(message.split())[:LONGEST_MESSAGE]
    return Seen(None, found.cause, message.encode("utf-8", "replace").decode(), took_ms, redactor)


class Engine:
    """The targets of a deck and what is needed to look at them."""

    def __init__(
        self,
        targets: Mapping[str, Mapping[str, Any]],
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        facts: Facts | None = None,
        jobs: int = JOBS,
        timeout_s: float | None = None,
    ) -> None:
        self._tables = {"host": {"kind": "host"}, **targets}
        self._environ = os.environ if environ is None else environ
        self._folder = folder
        self._facts = facts
        self.jobs = max(1, jobs)
        self.timeout_s = timeout_s
        self._targets: dict[str, Target] = {}

    def target(self, name: str) -> Target:
        """The target of this name ("" is none at all); raises ProbeError for an unknown one."""
        found = self._targets.get(name)
        if found is None:
            table = self._tables.get(name) if name else {}
            if table is None:
                raise ProbeError(
                    "missing", f"there is no target {name}: add [targets.{name}] to opsdeck.toml"
                )
            found = self._targets[name] = Target(
                name, table, environ=self._environ, folder=self._folder, facts=self._facts
            )
        return found

    def knows(self, name: str) -> bool:
        """Whether there is a target of this name."""
        return name in self._tables

    def timeout_of(self, probe: Mapping[str, Any]) -> float:
        """How long a probe may take, in seconds."""
        if self.timeout_s is not None:
            return self.timeout_s
        return seconds(probe.get("timeout", DEFAULT_TIMEOUT_S))

    def redactor(self) -> Redactor:
        """Blots out the secrets of every target: a command may print what another target hides."""
        return Redactor(self.secrets())

    def secrets(self) -> set[str]:
        """The secrets of every target, as far as their values can be had here."""
        for name in self._tables:
            with contextlib.suppress(ProbeError):
                target = self.target(name)
                for secret in secrets_written_in(target.values):
                    target.hide(secret)
        return set[str]().union(*(t.secrets for t in self._targets.values()))

    async def aclose(self) -> None:
        """Close every client; the engine can be used again."""
        targets, self._targets = self._targets, {}
        await asyncio.gather(*(target.aclose() for target in targets.values()))


class Round:
    """One pass: `look` may be called for any number of probes at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._looks: dict[str, asyncio.Task[Seen]] = {}
        self._turns = Turns(engine.jobs, self._most)
        self._heard: set[str] = set()
        self._silences: dict[str, list[ProbeError]] = {}
        self.answered = False
        """Whether anything beyond this machine answered in this round."""

    async def look(self, probe: Mapping[str, Any]) -> Seen:
        """What came of it; never raises but for cancellation."""
        key = json.dumps(probe, sort_keys=True, default=str)
        task = self._looks.get(key)
        if task is None:
            task = self._looks[key] = asyncio.ensure_future(self._look(probe))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Give up what is still under way."""
        tasks = [task for task in self._looks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, probe: Mapping[str, Any]) -> Seen:
        began = time.perf_counter()
        document, failure = None, None
        try:
            target = self.engine.target(str(probe.get("target", "")))
            async with self._turns.turn(target.name):
                began = time.perf_counter()
                document = await self._noted(probe, target)
        except ProbeError as error:
            failure = error
        except Exception as error:  # a kind that cannot even be asked is no verdict either
            failure = internal(error)
        took = round((time.perf_counter() - began) * 1000, 1)
        redactor = self.engine.redactor()
        if document is None:
            return seen_of(failure or ProbeError("internal", ""), redactor, took)
        document.setdefault("latency_ms", took)
        return seen_of(document, redactor, took)

    async def _noted(self, probe: Mapping[str, Any], target: Target) -> Document:
        """Look, and keep in mind whether the target answered."""
        if probe.get("kind") in LOCAL_KINDS:
            self._heard.add(target.name)
            return await self._tries(probe, target)
        silences = self._silences.get(target.name, [])
        if self._given_up(target.name):
            raise ProbeError(silences[0].cause, f"{silences[0]} (asked {len(silences)} times)")
        try:
            document = await self._tries(probe, target)
        except ProbeError as error:
            if error.cause in CUT_OFF:
                self._silences.setdefault(target.name, []).append(error)
            elif error.cause not in ("missing", "internal", "untrusted", "offline"):
                self._hear(probe, target)
            raise
        self._hear(probe, target)
        return document

    def _hear(self, probe: Mapping[str, Any], target: Target) -> None:
        self._heard.add(target.name)
        self.answered = self.answered or not _is_here(probe, target)

    def _given_up(self, name: str) -> bool:
        # Looks without a target have no place in common: the silence of one says nothing.
        silent = len(self._silences.get(name, ())) >= GIVEN_UP_AFTER
        return silent and name != "" and name not in self._heard

    def _most(self, name: str) -> int:
        """How many looks at a target may be under way at once.

        At one that has not answered yet, only so many as it takes to give it up: the others then
        need not wait for their timeouts as well.
        """
        limit = self.engine.target(name).raw.get("concurrency", self.engine.jobs)
        most = limit if isinstance(limit, int) else 1
        silences = len(self._silences.get(name, ()))
        if name and name not in self._heard and silences < GIVEN_UP_AFTER:
            return min(most, GIVEN_UP_AFTER - silences)
        return most

    async def _tries(self, probe: Mapping[str, Any], target: Target) -> Document:
        kind, parameters = _checked(probe, target)
        timeout_s = self.engine.timeout_of(probe)
        retries = int(probe.get("retries", 0))
        while True:
            try:
                return await one_look(kind, target, parameters, timeout_s)
            except ProbeError as error:
                if retries <= 0 or error.cause not in (*CUT_OFF, "refused", "throttled"):
                    raise
            retries -= 1
            await asyncio.sleep(seconds(probe.get("pause", SHARED["pause"].default)))


def _is_here(probe: Mapping[str, Any], target: Target) -> bool:
    """Whether a look goes to this very machine, which answers without any network."""
    try:
        return names_this_machine(address_of(target, probe, default_port=443).host)
    except ProbeError:
        return False


def _checked(probe: Mapping[str, Any], target: Target) -> tuple[Kind, dict[str, Any]]:
    """The kind and its filled parameters, held against the kind's rules once more."""
    kind = kind_of(str(probe.get("kind", "")))
    if kind is None:
        raise ProbeError("missing", f"there is no kind of probe {probe.get('kind')!r}")
    if target.name and kind.TARGETS and target.kind not in kind.TARGETS:
        raise ProbeError(
            "missing",
            f"target {target.name} is of kind {target.kind!r}; a {probe['kind']} probe looks at"
            f" {' or '.join(kind.TARGETS)}",
        )
    filled = filled_probe(probe, target)
    # What a target fills in must keep the rules as well: a method, a pipeline, an operation.
    for problem in problems(filled):
        raise ProbeError("missing", f"target {target.name}: {problem}")
    return kind, {key: value for key, value in filled.items() if key not in SHARED}


def filled_probe(probe: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The probe with defaults, and with what its target says in place of `{placeholders}`."""
    shared = {key: value for key, value in probe.items() if key in SHARED}
    return {**shared, **fill(parameters_of(probe), target)}


def targets_of(probes: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of the targets that these probes look at."""
    return {str(probe["target"]) for probe in probes if probe.get("target")}
