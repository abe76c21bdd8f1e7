"""Looks end in time whatever a kind does; they are shared, take turns, and give up in time.

Where no real partner misbehaves like that, the kind is one made for the test (`made_kinds`).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.engine import Engine, Round, Seen, targets_of
from tests.probes.made_kinds import make_kind
from tests.probes.partners_http import blackhole
from tests.probes.partners_tls import closed_port, says_nothing, serving

Monkey = pytest.MonkeyPatch


@asynccontextmanager
async def rounds(
    targets: Mapping[str, Mapping[str, Any]] | None = None, **options: Any
) -> AsyncIterator[Round]:
    """One round with an engine of its own, stopped and closed at its end."""
    options.setdefault("environ", {})
    engine = Engine(targets or {}, **options)
    a_round = Round(engine)
    try:
        yield a_round
    finally:
        await a_round.stop()
        await engine.aclose()


async def seen(probe: Mapping[str, Any], targets: Any = None, **options: Any) -> Seen:
    """What came of one look."""
    async with rounds(targets, **options) as a_round:
        return await a_round.look(probe)


def network(port: int, **more: Any) -> dict[str, Any]:
    """A target on loopback."""
    return {"kind": "network", "host": "127.0.0.1", "port": port, **more}


# Whatever a kind does, its look ends in time.


async def _never(target: Target, parameters: Any, timeout_s: float) -> Any:
    await asyncio.Event().wait()


async def _deaf_once(target: Target, parameters: Any, timeout_s: float) -> Any:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def _deaf_to_timeouts(target: Target, parameters: Any, timeout_s: float) -> Any:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if timeout_s > 50:
                raise
            timeout_s += 25  # deaf twice


async def _blocked_thread(target: Target, parameters: Any, timeout_s: float) -> Any:
    await in_thread(lambda: time.sleep(3))


@pytest.mark.parametrize("look", [_never, _deaf_once, _deaf_to_timeouts, _blocked_thread])
async def test_a_kind_that_does_not_end_is_left_in_time(monkeypatch: Monkey, look: Any) -> None:
    # GIVEN a kind that never answers, and hears of its cancellation late or never
    make_kind(monkeypatch, "made", look)
    began = time.perf_counter()
    # WHEN it looks with a timeout THEN that ends it
    found = await seen({"kind": "made", "target": "web", "timeout": 0.2}, {"web": {"kind": "web"}})
    assert time.perf_counter() - began < 0.2 + 1
    assert (found.cause, found.message) == ("timeout", "no answer of target web within 0.2 s")
    assert found.document is None


class OddError(Exception):
    """An exception whose text is no line."""

    def __str__(self) -> str:
        return "one\n  two\t" + "x" * 5000


class BrokenError(Exception):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("id"), "the probe itself failed: KeyError: 'id'"),
        (ValueError(), "the probe itself failed: ValueError"),
        (RecursionError("deep"), "the probe itself failed: RecursionError: deep"),
        (MemoryError(), "the probe itself failed: MemoryError"),
        (StopAsyncIteration("x"), "the probe itself failed: "),
        (TimeoutError("its own"), "the probe itself failed: TimeoutError: its own"),
        (asyncio.CancelledError(), "the probe itself failed: it was cancelled from within"),
        (SystemExit(3), "the probe itself failed: RuntimeError: SystemExit"),
        (ExceptionGroup("two", [OSError("a"), KeyError("b")]), "the probe itself failed: "),
        (BaseExceptionGroup("two", [SystemExit(1)]), "the probe itself failed: "),
        (GeneratorExit(), "the probe itself failed: GeneratorExit"),
        (OSError("\udcff"), "the probe itself failed: OSError: ?"),
        (OddError(), "the probe itself failed: OddError: one two xxx"),
        (BrokenError(), "the probe itself failed: ValueError: no text"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_whatever_a_kind_raises_is_no_verdict(
    monkeypatch: Monkey, error: BaseException, message: str
) -> None:
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        raise error

    make_kind(monkeypatch, "made", look)
    found = await seen({"kind": "made"})
    assert found.cause == "internal"
    assert found.message.startswith(message)
    assert "\n" not in found.message
    assert len(found.message) <= 1000


@pytest.mark.parametrize("given", [None, [1], "text", 3])
async def test_what_is_no_document_is_no_answer(monkeypatch: Monkey, given: Any) -> None:
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        return given

    make_kind(monkeypatch, "made", look)
    found = await seen({"kind": "made"})
    assert found.cause == "internal"
    assert found.message.endswith("not a document")


async def test_one_broken_kind_does_not_hurt_the_others(monkeypatch: Monkey) -> None:
    # GIVEN a kind whose rules stumble, and a port that is open
    def problems(parameters: Any) -> Any:
        raise AttributeError("rules")

    make_kind(monkeypatch, "made", _never, problems=problems)
    with serving(says_nothing) as server:
        async with rounds({"a": network(server.port)}) as a_round:
            bad, good = await asyncio.gather(
                a_round.look({"kind": "made"}), a_round.look({"kind": "tcp", "target": "a"})
            )
    # THEN one could not be looked at, the other passed
    assert (bad.cause, bad.message) == (
        "internal",
        "the probe itself failed: AttributeError: rules",
    )
    assert good.document is not None
    assert good.document["open"] is True


@pytest.mark.parametrize(
    ("probe", "cause", "message"),
    [
        ({"kind": "tcp", "target": "gone"}, "missing", "there is no target gone: add [targets.gon"),
        ({"kind": "nothing"}, "missing", "there is no kind of probe 'nothing'"),
        ({"kind": "http", "target": "db"}, "missing", "target db is of kind 'mongodb'; a http pro"),
        (
            {"kind": "tcp", "target": "web", "port": "{port}"},
            "missing",
            "target web has no port; add it to",
        ),
        ({"kind": "tcp", "target": "env"}, "missing", "the variable NOT_SET is not set, and targe"),
        (
            {"kind": "tcp", "host": "a", "nonsense": 1},
            "missing",
            "target : a tcp probe has no para",
        ),
        ({"kind": "tcp", "host": "a", "timeout": "soon"}, "missing", "target : timeout: "),
    ],
)
async def test_what_cannot_be_looked_at_says_what_to_do(
    probe: dict[str, Any], cause: str, message: str
) -> None:
    targets = {
        "web": {"kind": "web", "url": "http://127.0.0.1"},
        "db": {"kind": "mongodb", "uri": "mongodb://127.0.0.1"},
        "env": {"kind": "network", "host": "${NOT_SET}"},
    }
    found = await seen(probe, targets)
    assert found.cause == cause
    assert found.message.startswith(message)


# Secrets


async def test_no_message_holds_a_secret_not_even_half_of_one(monkeypatch: Monkey) -> None:
    # GIVEN a kind that fails with a long text in which a secret lies across every cut
    secret = "k8Jq2nVx7Tz4Lp9R" * 8

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        raise RuntimeError("y" * int(parameters["at"]) + parameters["token"])

    make_kind(monkeypatch, "made", look, "at", "token")
    for at in (0, 180, 230, 290, 900, 960, 990, 1010):
        probe = {"kind": "made", "target": "web", "at": at, "token": "${TOKEN}"}
        found = await seen(probe, {"web": {"kind": "web"}}, environ={"TOKEN": secret})
        assert found.cause == "internal"
        assert secret[:6] not in found.message


async def test_what_another_target_hides_is_hidden_here_too(tmp_path: Path) -> None:
    # GIVEN a command at one target that prints the token of another
    targets = {
        "web": {"kind": "web", "url": "http://127.0.0.1", "token": "${WEB_TOKEN}"},
        "repo": {"kind": "repository", "path": str(tmp_path)},
    }
    environ = {"WEB_TOKEN": "correct-horse-battery", "PATH": "/usr/bin:/bin"}
    probe = {"kind": "command", "target": "repo", "argv": ["printenv", "WEB_TOKEN"]}
    # WHEN only the command is run THEN the token is blotted out all the same
    found = await seen(probe, targets, environ=environ)
    assert found.document is not None
    assert "correct-horse" in found.document["stdout"]
    assert "correct-horse" not in str(found.redactor.value(found.document))


# Shared looks


async def test_the_same_look_is_done_once_for_all_who_ask(monkeypatch: Monkey) -> None:
    # GIVEN a kind that counts
    asked = Counter[str]()
    gate = asyncio.Event()

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        asked[parameters["of"]] += 1
        await gate.wait()
        return {"n": asked[parameters["of"]]}

    make_kind(monkeypatch, "made", look, "of")
    async with rounds() as a_round:
        # WHEN five ask for the same, in another order of keys, and one of them is cancelled
        probes = [{"kind": "made", "of": "a"}, {"of": "a", "kind": "made"}] * 2
        tasks = [asyncio.ensure_future(a_round.look(probe)) for probe in probes]
        other = asyncio.ensure_future(a_round.look({"kind": "made", "of": "b"}))
        first = asyncio.ensure_future(a_round.look(probes[0]))
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        await asyncio.sleep(0.01)
        gate.set()
        found = await asyncio.gather(*tasks[1:], first, other)
        # THEN it was done once, and the others have their answer
        assert asked == {"a": 1, "b": 1}
        assert all(one.document is not None and one.document["n"] == 1 for one in found)
        assert tasks[0].cancelled()
        # AND who asks later in the round gets the same
        assert (await a_round.look(probes[0])) is found[0]


async def test_a_document_says_how_long_it_took(monkeypatch: Monkey) -> None:
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        return {} if parameters["own"] == "no" else {"latency_ms": 7.5}

    make_kind(monkeypatch, "made", look, "own")
    assert (await seen({"kind": "made", "own": "yes"})).document == {"latency_ms": 7.5}
    found = (await seen({"kind": "made", "own": "no"})).document
    assert found is not None
    assert 0 <= found["latency_ms"] < 1000


# Turns


class Crowd:
    """A kind that keeps its visitors for a while and counts how many are there at once."""

    def __init__(self, monkeypatch: Monkey, stay_s: float = 0.005) -> None:
        self.now = Counter[str]()
        self.most = Counter[str]()
        self.order: list[str] = []
        self.stay_s = stay_s
        make_kind(monkeypatch, "made", self.look, "n")

    async def look(self, target: Target, parameters: Any, timeout_s: float) -> Any:
        self.order.append(target.name)
        for name in (target.name, "all"):
            self.now[name] += 1
            self.most[name] = max(self.most[name], self.now[name])
        try:
            await asyncio.sleep(self.stay_s)
        finally:
            for name in (target.name, "all"):
                self.now[name] -= 1
        return {}


def _of(name: str, count: int) -> list[dict[str, Any]]:
    return [{"kind": "made", "target": name, "n": n} for n in range(count)]


@pytest.mark.parametrize(
    ("jobs", "limit", "all_", "at_a"),
    [(16, None, 16, 16), (4, 2, 4, 2), (1, 8, 1, 1), (9, 0, 9, 1)],
)
async def test_never_more_at_once_than_allowed(
    monkeypatch: Monkey, jobs: int, limit: int | None, all_: int, at_a: int
) -> None:
    crowd = Crowd(monkeypatch)
    a = {"kind": "web", **({} if limit is None else {"concurrency": limit})}
    async with rounds({"a": a, "b": {"kind": "web"}}, jobs=jobs) as a_round:
        await asyncio.gather(*map(a_round.look, _of("a", 30) + _of("b", 30)))
    assert crowd.most["all"] == all_
    assert crowd.most["a"] <= at_a
    assert len(crowd.order) == 60


@pytest.mark.parametrize("jobs", [1, 2, 3])
async def test_targets_take_turns(monkeypatch: Monkey, jobs: int) -> None:
    # GIVEN many looks at one target asked for before the few at two others
    crowd = Crowd(monkeypatch, stay_s=0.001)
    targets = {name: {"kind": "web"} for name in "abc"}
    async with rounds(targets, jobs=jobs) as a_round:
        await asyncio.gather(*map(a_round.look, _of("a", 40) + _of("b", 3) + _of("c", 3)))
    # THEN the few are served among the first
    assert Counter(crowd.order[:12])["b"] == 3
    assert Counter(crowd.order[:12])["c"] == 3


async def test_waiting_looks_that_are_cancelled_take_nobodys_turn(monkeypatch: Monkey) -> None:
    # GIVEN looks that wait for their turn
    crowd = Crowd(monkeypatch)
    async with rounds({"a": {"kind": "web"}}, jobs=2) as a_round:
        tasks = [asyncio.ensure_future(a_round.look(probe)) for probe in _of("a", 10)]
        await asyncio.sleep(0.002)
        # WHEN the round is stopped, at any moment THEN nothing waits for ever
        await a_round.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        # AND the turns are free again
        again = [{"kind": "made", "target": "a", "n": 100 + n} for n in range(6)]
        async with asyncio.timeout(2):
            await asyncio.gather(*map(a_round.look, again))
    assert crowd.most["all"] == 2


# Silence


async def test_a_silent_target_costs_one_timeout_and_holds_up_nobody() -> None:
    # GIVEN a target whose port takes no connection with 60 looks, and a good one with 10
    with blackhole() as silent, serving(says_nothing) as good:
        targets = {"silent": network(silent), "good": network(good.port)}
        came: list[tuple[str, float, Seen]] = []
        began = time.perf_counter()

        async def one(a_round: Round, name: str, n: int) -> None:
            probe = {"kind": "tcp", "target": name, "timeout": 1, "pause": n + 1}
            found = await a_round.look(probe)
            came.append((name, time.perf_counter() - began, found))

        async with rounds(targets) as a_round:
            asked = [("silent", n) for n in range(60)] + [("good", n) for n in range(10)]
            await asyncio.gather(*(one(a_round, name, n) for name, n in asked))
            # THEN the good one's results came at once, the others within the timeout and a second
            assert max(at for name, at, _ in came if name == "good") < 0.5
            assert max(at for _, at, _ in came) < 2
            # AND that this machine answered itself does not prove a network
            assert not a_round.answered
    messages = Counter(found.message for name, _, found in came if name == "silent")
    assert all(found.cause == "timeout" for name, _, found in came if name == "silent")
    assert sum(messages.values()) == 60
    given_up = [message for message in messages if "(asked" in message]
    assert given_up
    assert all(int(m.rsplit("(asked ", 1)[1].split()[0]) <= 16 for m in given_up)


@pytest.mark.parametrize("jobs", [1, 2])
async def test_three_silences_are_needed(monkeypatch: Monkey, jobs: int) -> None:
    asked = 0

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        nonlocal asked
        asked += 1
        raise ProbeError("timeout", "no answer")

    make_kind(monkeypatch, "made", look, "n")
    async with rounds({"a": {"kind": "web"}}, jobs=jobs) as a_round:
        found = await asyncio.gather(*map(a_round.look, _of("a", 9)))
    assert asked == 3
    assert [one.message for one in found] == ["no answer"] * 3 + ["no answer (asked 3 times)"] * 6


async def test_a_target_that_answered_once_is_never_given_up(monkeypatch: Monkey) -> None:
    asked = 0

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        nonlocal asked
        asked += 1
        raise ProbeError("rights" if asked == 2 else "timeout", "no")

    make_kind(monkeypatch, "made", look, "n")
    async with rounds({"a": {"kind": "web"}}, jobs=1) as a_round:
        await asyncio.gather(*map(a_round.look, _of("a", 9)))
        assert a_round.answered
    assert asked == 9


async def test_looks_without_a_target_have_nothing_in_common() -> None:
    # GIVEN looks at four addresses of which three are silent, one at a time
    with blackhole() as one, blackhole() as two, blackhole() as three, serving(says_nothing) as ok:
        ports = [one, two, three, ok.port]
        probes = [
            {"kind": "tcp", "host": "127.0.0.1", "port": port, "timeout": 0.2} for port in ports
        ]
        async with rounds(jobs=1) as a_round:
            found = await asyncio.gather(*map(a_round.look, probes))
    # THEN the fourth is looked at all the same
    assert [one.cause for one in found] == ["timeout"] * 3 + [None]


@pytest.mark.parametrize(
    ("cause", "tries"),
    [("timeout", 3), ("refused", 3), ("throttled", 3), ("auth", 1), ("protocol", 1), ("tls", 1)],
)
async def test_what_may_pass_by_is_tried_again_after_a_pause(
    monkeypatch: Monkey, cause: Any, tries: int
) -> None:
    at: list[float] = []

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        at.append(time.perf_counter())
        raise ProbeError(cause, "no")

    make_kind(monkeypatch, "made", look)
    found = await seen({"kind": "made", "retries": 2, "pause": 0.05})
    assert len(at) == tries
    assert found.cause == cause
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(at))


async def test_a_retry_that_gets_an_answer_counts() -> None:
    # GIVEN a port that is closed, and opens while the look pauses
    with closed_port() as port:
        pass
    probe = {"kind": "http", "target": "w", "retries": 5, "pause": 0.1}
    async with rounds({"w": {"kind": "web", "url": f"http://127.0.0.1:{port}"}}) as a_round:
        task = asyncio.ensure_future(a_round.look(probe))
        await asyncio.sleep(0.15)
        server = await asyncio.start_server(_polite, "127.0.0.1", port)
        async with server:
            found = await task
    assert found.document is not None
    assert found.document["status"] == 204


async def _polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


# Timeouts


@pytest.mark.parametrize(
    ("probe", "option", "wanted"),
    [
        ({}, None, 5.0),
        ({"timeout": "5s"}, None, 5.0),
        ({"timeout": 5}, None, 5.0),
        ({"timeout": 0.5}, None, 0.5),
        ({"timeout": "2m"}, None, 120.0),
        ({"timeout": "2m"}, 3.0, 3.0),
        ({}, 0.1, 0.1),
    ],
)
async def test_the_timeout_a_kind_is_given(
    monkeypatch: Monkey, probe: dict[str, Any], option: float | None, wanted: float
) -> None:
    given: list[float] = []

    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        given.append(timeout_s)
        return {}

    make_kind(monkeypatch, "made", look)
    await seen({"kind": "made", **probe}, timeout_s=option)
    assert given == [wanted]


async def test_an_answer_within_the_grace_is_taken_in_the_kinds_own_words(
    monkeypatch: Monkey,
) -> None:
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        await asyncio.sleep(timeout_s + 0.05)
        raise ProbeError("timeout", "db.example.com does not answer")

    make_kind(monkeypatch, "made", look)
    found = await seen({"kind": "made", "timeout": 0.1})
    assert found.message == "db.example.com does not answer"


# Stopping


async def test_stopping_a_round_ends_what_it_started(tmp_path: Path) -> None:
    # GIVEN a command that runs for ever
    marker = tmp_path / "pid"
    argv = ["/bin/sh", "-c", f"echo $$ >{marker}; exec sleep 60"]
    async with rounds({"repo": {"kind": "repository", "path": str(tmp_path)}}) as a_round:
        probe = {"kind": "command", "target": "repo", "argv": argv, "timeout": 50}
        task = asyncio.ensure_future(a_round.look(probe))
        await _until(lambda: marker.exists() and marker.read_text().strip())
        began = time.perf_counter()
        # WHEN the round is stopped THEN the process is gone, and it took no time
        await a_round.stop()
        assert time.perf_counter() - began < 1
        assert not Path(f"/proc/{int(marker.read_text())}").exists()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_command_that_does_not_hear_is_killed(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    argv = ["/bin/sh", "-c", f"trap '' TERM INT HUP; echo $$ >{marker}; sleep 60; sleep 60"]
    async with rounds({"repo": {"kind": "repository", "path": str(tmp_path)}}) as a_round:
        probe = {"kind": "command", "target": "repo", "argv": argv, "timeout": 50}
        task = asyncio.ensure_future(a_round.look(probe))
        await _until(lambda: marker.exists() and marker.read_text().strip())
        await a_round.stop()
        await _until(lambda: not Path(f"/proc/{int(marker.read_text())}").exists())
        await asyncio.gather(task, return_exceptions=True)


async def _until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def test_an_engine_can_be_used_again_after_it_was_closed() -> None:
    with serving(says_nothing) as server:
        engine = Engine({"a": network(server.port)}, environ={})
        for _ in range(2):
            found = await Round(engine).look({"kind": "tcp", "target": "a"})
            assert found.document is not None
            await engine.aclose()


def test_the_targets_that_probes_name() -> None:
    probes: list[dict[str, Any]] = [
        {"kind": "tcp", "target": "a"},
        {"kind": "tcp", "host": "x"},
        {"kind": "dns", "target": "b"},
    ]
    assert targets_of(probes) == {"a", "b"}
