"""Items are looked at and judged; what cannot be looked at is unknown, and offline is not down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.catalog.model import Checklist, Item
from opsdeck.checks.checker import Checker, Subject
from opsdeck.checks.recording import draft_of
from opsdeck.checks.result import Result
from opsdeck.probes.address import Address
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.engine import Engine
from opsdeck.probes.online import Anchor, Connectivity
from tests.probes.made_kinds import make_kind
from tests.probes.partners_http import blackhole
from tests.probes.partners_tls import closed_port, plain_text, says_nothing, serving

Monkey = pytest.MonkeyPatch
AT = datetime(2026, 11, 23, 1, 31, 7, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


class Bench:
    """A checker whose time the test sets; anchors are of the test's own."""

    def __init__(
        self,
        targets: Mapping[str, Mapping[str, Any]] | None = None,
        anchors: Sequence[Anchor] = (),
        **options: Any,
    ) -> None:
        self.now = AT
        self.engine = Engine(targets or {}, environ=options.pop("environ", {}), **options)
        self.online = Connectivity(anchors, 0.3)
        self.checker = Checker(
            self.engine,
            self.online,
            now=lambda: self.now,
            clock=lambda at: f"{at.astimezone(BERLIN):%H:%M}",
        )

    async def check(self, *subjects: Subject) -> list[Result]:
        """The results, in the order of the subjects."""
        found: dict[str, Result] = {}
        await self.checker.check(subjects, lambda s, r: found.__setitem__(s.item.id, r))
        await self.engine.aclose()
        return [found[s.item.id] for s in subjects]


def subject(name: str, probe: dict[str, Any], *expect: str, **more: Any) -> Subject:
    checklist = Checklist(id="l", title="L", section="S", cadence="standing", items=())
    item = Item(id=name, text=f"the {name}", probe=probe, expect=expect, **more)
    return Subject(checklist, item, "standing/l")


def tcp(name: str, port: int, *expect: str, **more: Any) -> Subject:
    probe = {"kind": "tcp", "target": name, "timeout": 0.3, **more}
    return subject(name, probe, *(expect or ("open",)))


def here(port: int) -> dict[str, Any]:
    return {"kind": "network", "host": "127.0.0.1", "port": port}


@contextmanager
def far_away(monkeypatch: Monkey) -> Iterator[None]:
    """What is on loopback stands for what is far away: no packet of a test leaves the machine."""
    with monkeypatch.context() as patch:
        patch.setattr("opsdeck.probes.engine.names_this_machine", lambda host: False)
        yield


def tcp_anchor(port: int) -> Anchor:
    return Anchor("tcp", Address("127.0.0.1", port), local_counts=True)


async def test_verdicts_with_their_reasons() -> None:
    with serving(says_nothing) as server:
        bench = Bench({"a": here(server.port)})
        subjects = [
            subject("good", {"kind": "tcp", "target": "a"}, "open", "open_count == `1`"),
            subject("bad", {"kind": "tcp", "target": "a"}, "open", "open_count > `1`", "closed"),
            subject("empty", {"kind": "tcp", "target": "a"}),
            subject("truthy", {"kind": "tcp", "target": "a"}, "host"),
            subject("helps", {"kind": "tcp", "target": "a"}, "closed", assist=True),
        ]
        good, bad, empty, truthy, helps = await bench.check(*subjects)
    assert (good.verdict, good.reason, good.cause) == ("passed", "", None)
    assert (bad.verdict, bad.reason) == ("failed", "open_count > `1` failed: 1")
    assert [judged.holds for judged in bad.expect] == [True, False, False]
    assert (empty.verdict, empty.reason) == ("unknown", "nothing is expected of it")
    assert truthy.verdict == "failed"
    assert "write a comparison" in truthy.reason
    assert (helps.verdict, helps.assist) == ("failed", True)
    for one in (good, bad):
        assert (one.kind, one.target, one.run, one.section) == ("tcp", "a", "standing/l", "S")
        assert one.at == AT
        assert one.document is not None
        assert one.document["latency_ms"] >= 0


@pytest.mark.parametrize(
    ("partner", "must_answer", "verdict", "cause"),
    [
        ("closed", True, "failed", "refused"),
        ("closed", False, "unknown", "refused"),
        ("silent", True, "unknown", "timeout"),
        ("silent", False, "unknown", "timeout"),
        ("no TLS", True, "failed", "tls"),
        ("no TLS", False, "unknown", "tls"),
    ],
)
async def test_only_where_an_answer_is_a_must_is_none_a_failure(
    partner: str, must_answer: bool, verdict: str, cause: str
) -> None:
    with closed_port() as closed, blackhole() as silent, serving(plain_text) as plain:
        urls = {
            "closed": f"http://127.0.0.1:{closed}",
            "silent": f"http://127.0.0.1:{silent}",
            "no TLS": f"https://127.0.0.1:{plain.port}",
        }
        bench = Bench({"w": {"kind": "web", "url": urls[partner]}})
        timeout_s = 0.4 if partner == "silent" else 10
        probe = {"kind": "http", "target": "w", "timeout": timeout_s, "must_answer": must_answer}
        (result,) = await bench.check(subject("i", probe, "status == `200`"))
    assert (result.verdict, result.cause) == (verdict, cause)
    assert result.reason
    assert result.document is None


# Offline


async def test_offline_blames_nobody_and_remembers_since_when(monkeypatch: Monkey) -> None:
    with blackhole() as silent, serving(says_nothing) as server, far_away(monkeypatch):
        bench = Bench({"a": here(silent), "b": here(silent)}, [tcp_anchor(silent)])
        # WHEN nothing answers, nor any anchor THEN it is this machine, in the team's time
        results = await bench.check(tcp("a", silent), tcp("b", silent, must_answer=True))
        for result in results:
            assert (result.verdict, result.cause) == ("unknown", "offline")
            assert result.reason == "OpsDeck is offline since 02:31"
        # WHEN it is still so later THEN since when stays
        bench.now += timedelta(minutes=20)
        (result,) = await bench.check(tcp("a", silent))
        assert result.reason == "OpsDeck is offline since 02:31"
        # WHEN an anchor answers THEN the target does not
        bench.online.anchors = [tcp_anchor(silent), tcp_anchor(server.port)]
        (result,) = await bench.check(tcp("a", silent))
        assert result.cause == "timeout"
        assert bench.online.offline_since is None
        # WHEN it is cut off again THEN it is since then
        bench.online.anchors = [tcp_anchor(silent)]
        bench.now += timedelta(minutes=1)
        (result,) = await bench.check(tcp("a", silent))
        assert result.reason == "OpsDeck is offline since 02:52"


@pytest.mark.parametrize("answer", ["document", "refused"])
async def test_any_answer_from_afar_means_online(monkeypatch: Monkey, answer: str) -> None:
    # GIVEN a machine that was offline, and anchors that are silent
    with (
        blackhole() as silent,
        closed_port() as closed,
        serving(says_nothing) as server,
        far_away(monkeypatch),
    ):
        good = server.port if answer == "document" else closed
        bench = Bench(
            {"a": here(silent), "w": {"kind": "web", "url": f"http://127.0.0.1:{good}"}},
            [tcp_anchor(silent)],
        )
        bench.online.offline_since = AT - timedelta(hours=1)
        kind = {"document": "tcp", "refused": "http"}[answer]
        # WHEN one target answers, were it to refuse
        probe = {"kind": kind, "target": "w", "timeout": 0.5}
        other, result = await bench.check(subject("w", probe, "open"), tcp("a", silent))
    # THEN the silent one is silent, and nobody is offline
    assert other.cause in (None, "refused")
    assert result.cause == "timeout"
    assert bench.online.offline_since is None


async def test_what_runs_on_this_machine_does_not_prove_a_network(monkeypatch: Monkey) -> None:
    # GIVEN a target far away that is silent, silent anchors, and a database on this machine
    with blackhole() as silent, serving(says_nothing) as server:
        monkeypatch.setattr(
            "opsdeck.probes.engine.names_this_machine", lambda host: host == "localhost"
        )
        targets = {"far": here(silent), "db": {**here(server.port), "host": "localhost"}}
        bench = Bench(targets, [tcp_anchor(silent)])
        db, far = await bench.check(tcp("db", server.port), tcp("far", silent))
    # THEN the database passes, and the other is unknown because this machine is offline
    assert db.verdict == "passed"
    assert far.reason == "OpsDeck is offline since 02:31"


async def test_a_local_look_that_was_late_is_not_the_networks_fault(tmp_path: Any) -> None:
    with blackhole() as silent:
        targets = {"repo": {"kind": "repository", "path": str(tmp_path)}}
        bench = Bench(targets, [tcp_anchor(silent)])
        probe = {"kind": "command", "target": "repo", "argv": ["sleep", "9"], "timeout": 0.3}
        (result,) = await bench.check(subject("c", probe, "exit_code == `0`"))
    assert result.cause == "timeout"
    assert "sleep did not end within 0.3 s" in result.reason


async def test_a_deck_of_this_machine_alone_is_never_offline() -> None:
    with blackhole() as silent:
        bench = Bench({"a": here(silent)})
        (result,) = await bench.check(tcp("a", silent))
    assert result.cause == "timeout"
    assert bench.online.offline_since is None


async def test_anchors_are_asked_once_however_many_are_silent(monkeypatch: Monkey) -> None:
    asked = 0
    with blackhole() as silent, far_away(monkeypatch):
        bench = Bench({"a": here(silent)}, [tcp_anchor(silent)])
        judge = bench.online.judge

        async def counted(now: datetime) -> None:
            nonlocal asked
            asked += 1
            await judge(now)

        monkeypatch.setattr(bench.online, "judge", counted)
        subjects = [
            subject(f"i{n}", {"kind": "tcp", "target": "a", "timeout": 0.3, "pause": n + 1}, "open")
            for n in range(40)
        ]
        results = await bench.check(*subjects)
    assert asked == 1
    assert {result.cause for result in results} == {"offline"}


# Coming one by one, stopping, refusing


async def test_results_come_one_by_one_and_cancelling_stops_the_rest() -> None:
    came: list[str] = []
    with blackhole() as silent, serving(says_nothing) as server:
        bench = Bench({"good": here(server.port), "bad": here(silent)})
        subjects = [tcp("bad", silent, timeout=30), tcp("good", server.port)]
        task = asyncio.ensure_future(
            bench.checker.check(subjects, lambda s, r: came.append(f"{s.item.id} {r.verdict}"))
        )
        async with asyncio.timeout(3):
            while not came:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await bench.engine.aclose()
    assert came == ["good passed"]
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_what_nobody_agreed_to_is_not_done(tmp_path: Any) -> None:
    marker = tmp_path / "made"
    targets = {"repo": {"kind": "repository", "path": str(tmp_path)}}
    bench = Bench(targets)
    bench.checker.refusal = lambda subject: "nobody here agreed"
    probe = {"kind": "command", "target": "repo", "argv": ["touch", str(marker)]}
    (result,) = await bench.check(subject("c", probe, "exit_code == `0`"))
    assert (result.verdict, result.cause, result.reason) == (
        "unknown",
        "untrusted",
        "nobody here agreed",
    )
    assert not marker.exists()


async def test_a_kind_that_cancels_itself_takes_nobody_along(monkeypatch: Monkey) -> None:
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        raise asyncio.CancelledError

    make_kind(monkeypatch, "made", look)
    with serving(says_nothing) as server:
        bench = Bench({"a": here(server.port)})
        bad, good = await bench.check(subject("bad", {"kind": "made"}, "x"), tcp("a", server.port))
    assert (bad.verdict, bad.cause) == ("unknown", "internal")
    assert good.verdict == "passed"


# Secrets

SECRET = "Zx81-correct-horse-battery"
PLACES = st.sampled_from([SECRET, f"a {SECRET} b", f"mongodb://u:{SECRET}@h/", SECRET * 2])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | PLACES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | PLACES, inner, max_size=4)
    ),
    max_leaves=25,
)
TABLES = st.dictionaries(st.sampled_from("abc") | PLACES, DOCUMENTS, min_size=1, max_size=4)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=TABLES, hidden=st.booleans())
async def test_no_secret_reaches_what_is_recorded(
    monkeypatch: Monkey, document: dict[str, Any], hidden: bool
) -> None:
    # GIVEN a look that finds a secret of its target anywhere, and says it when it fails
    async def look(target: Target, parameters: Any, timeout_s: float) -> Any:
        if not hidden:
            _ = target.values
        else:
            target.hide(SECRET)
        if parameters.get("fails"):
            raise ProbeError("auth", f"wrong: {document}")
        return dict(document)

    with monkeypatch.context() as patch:
        make_kind(patch, "made", look, "fails")
        table = {"kind": "web"} if hidden else {"kind": "web", "token": "${T}"}
        bench = Bench({"w": table}, environ={"T": SECRET})
        expect = ["a", "b == 'x'", "length(@) > `9`", "keys(@)", "values(@)", "a.b || c", "@"]
        results = await bench.check(
            subject("found", {"kind": "made", "target": "w"}, *expect),
            subject("helps", {"kind": "made", "target": "w"}, *expect, assist=True),
            subject("wrong", {"kind": "made", "target": "w", "fails": True}, *expect),
        )
    # THEN no event, reason or document holds it, in whatever form JSON writes it
    for result in results:
        draft = draft_of(result)
        for text in (json.dumps(draft.data), json.dumps(draft.data, ensure_ascii=False)):
            assert SECRET not in text
        assert SECRET not in repr(result)
