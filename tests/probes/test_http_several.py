"""Several requests in one look of the http kind: also, samples, burst, paths, instances."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from opsdeck.probes.base import ProbeError
from tests.probes.partners_http import (
    Asked,
    json_reply,
    look,
    look_at,
    partner,
    reply,
    target_at,
)


async def test_also() -> None:
    """GIVEN further requests THEN each has what differs in it, and its own small document."""

    def guarded(asked: Asked) -> bytes:
        return json_reply('{"name": "me"}', 200 if "authorization" in asked.headers else 401)

    with partner(guarded) as server:
        async with target_at(server.url, token="t0ken", headers={"X-Key": "k"}) as target:
            document = await look(
                target,
                path="/me",
                auth=True,
                also={"anonymous": {"anonymous": True}, "open": {"path": "/", "auth": False}},
            )
    assert document["status"] == 200
    assert document["also"]["anonymous"]["status"] == 401
    assert document["also"]["open"]["url"] == f"{server.url}/"
    assert "body" not in document["also"]["open"]
    assert ["x-key" in asked.headers for asked in server.asked] == [True, False, True]


async def test_also_where_the_connection_is_cut() -> None:
    """GIVEN a server that cuts strangers off THEN that is the answer of the further request."""

    def picky(asked: Asked) -> bytes | Iterator[bytes]:
        return reply("") if asked.headers["host"].startswith("127") else iter((b"",))

    with partner(picky) as server:
        document = await look_at(server.url, also={"stranger": {"host": "evil.example"}})
    stranger = document["also"]["stranger"]
    assert (document["status"], stranger["status"], stranger["cause"]) == (200, None, "protocol")


async def test_samples() -> None:
    """GIVEN samples THEN there are percentiles and the statuses by count."""
    turns = iter([reply("a")] * 9 + [reply("b", 503)])
    with partner(lambda asked: next(turns)) as server:
        document = await look_at(server.url, samples=10)
    assert document["statuses"] == {"200": 9, "503": 1}
    samples = document["samples"]
    assert (samples["count"], samples["answered"]) == (10, 10)
    assert 0 < samples["p50_ms"] <= samples["p95_ms"] <= samples["max_ms"]


async def test_samples_in_which_one_fails() -> None:
    """GIVEN a server that drops one of three THEN it is counted by its cause."""

    def third(asked: Asked) -> bytes | Iterator[bytes]:
        return iter((b"",)) if len(server.asked) in (1, 3) else reply("a")

    with partner(third) as server:
        document = await look_at(server.url, samples=2)
    assert document["statuses"] == {"200": 1, "protocol": 1}
    assert document["samples"]["answered"] == 1


async def test_burst() -> None:
    """GIVEN a limit of ten THEN a burst of 30 shows it, and when to come again."""

    def limited(asked: Asked) -> bytes:
        if len(server.asked) > 10:
            return reply("", 429, {"Retry-After": "7"})
        return reply("")

    with partner(limited) as server:
        document = await look_at(server.url, burst=30)
    assert (document["sent"], document["served"]) == (30, document["statuses"]["200"])
    assert document["limited"] == document["statuses"]["429"] == 30 - document["served"]
    assert document["retry_after_s"] == 7


async def test_burst_that_makes_the_target_collapse_is_no_limit() -> None:
    """GIVEN 503 without Retry-After THEN these count as failed, not as limited."""
    with partner(reply("", 503)) as server:
        document = await look_at(server.url, burst=5)
    assert (document["limited"], document["failed"], document["served"]) == (0, 5, 0)


async def test_paths() -> None:
    """GIVEN several paths THEN each has its answer, and whether it is as wanted."""
    ways = {
        "/a": json_reply('{"id": 7, "tags": ["x", "y"], "more": true}'),
        "/b": reply("", 500),
    }
    wanted = [
        "/a",
        {"path": "/a", "has": {"id": 7, "tags": ["x", "y"]}},
        {"path": "/a", "has": {"id": 8, "tags": ["x"], "name": "me"}},
        "/b",
    ]
    with partner(ways) as server:
        document = await look_at(server.url, paths=wanted)
    answers = document["answers"]
    assert document["asked"] == len(answers) == 4
    assert [answer["status"] for answer in answers] == [200, 200, 200, 500]
    assert [answer["matches"] for answer in answers] == [None, True, False, None]
    assert answers[2]["differences"] == [
        "id is 7, not 8",
        "tags has 2 entries, not 1",
        "name is missing",
    ]


async def test_path_that_does_not_answer_is_an_answer_of_the_others() -> None:
    """GIVEN one silent path among two THEN the document says so of it, and ends in time."""

    def one_silent(asked: Asked) -> bytes:
        if asked.target == "/slow":
            time.sleep(0.6)
        return reply("x")

    with partner(one_silent) as server:
        document = await look_at(server.url, 0.4, paths=["/slow", "/fast"])
        slow, fast = document["answers"]
        assert (slow["status"], slow["cause"], fast["status"]) == (None, "timeout", 200)
        # WHEN none answers THEN there is no document
        with pytest.raises(ProbeError, match="did not answer"):
            await look_at(server.url, 0.2, paths=["/slow"])


async def test_every_instance() -> None:
    """GIVEN two instances THEN both are asked, with the target's own headers."""
    with partner(reply("1")) as one, partner(reply("2", 401)) as two:
        keys = {"instances": [one.url, two.url], "headers": {"X-Key": "k"}}
        async with target_at("https://app.example", **keys) as target:
            document = await look(target, path="/me", every_instance=True)
        async with target_at(one.url) as target:
            single = await look(target, every_instance=True, also={"x": {"path": "/x"}})
    assert [answer["url"] for answer in single["answers"]] == [f"{one.url}/"]
    assert single["also"]["x"]["url"] == f"{one.url}/x"
    assert [a["status"] for a in document["answers"]] == [200, 401]
    assert [a["url"] for a in document["answers"]] == [f"{one.url}/me", f"{two.url}/me"]
    assert one.asked[0].headers["x-key"] == "k"


async def test_wanted_dependencies() -> None:
    """GIVEN names that must be listed THEN those that are not are named."""
    with partner(json_reply('{"checks": [{"name": "db", "status": "pass"}]}')) as server:
        document = await look_at(server.url, wanted=["db", "mail"])
    assert document["dependencies"] == [{"name": "db", "ok": True, "state": "pass"}]
    assert document["dependencies_missing"] == ["mail"]
