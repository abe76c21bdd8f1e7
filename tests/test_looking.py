"""Which items a deck looks at, with whose consent, and what it tells its own probes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsdeck.checks.result import Result
from opsdeck.deck_facts import DeckFacts
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from tests.probes.partners_http import Asked, Partner, partner, reply
from tests.screens.desk import Desk

HEAD = '[[checklist]]\nid = "{id}"\ntitle = "T"\nsection = "S"\ncadence = "{cadence}"\n'


def item(name: str, probe: str, *expect: str, more: str = "") -> str:
    wanted = ", ".join(f"'{one}'" for one in expect or ("exit_code == `0`",))
    head = f'[[checklist.item]]\nid = "{name}"\ntext = "t"\n{more}'
    return f"{head}probe = {probe}\nexpect = [{wanted}]\n"


def listed(*items: str, name: str = "l", cadence: str = "standing") -> str:
    return HEAD.format(id=name, cadence=cadence) + "".join(items)


def command(name: str, *argv: str, target: str = "repo") -> str:
    words = ", ".join(f"'{word}'" for word in argv)
    return item(name, f"{{ kind = 'command', target = '{target}', argv = [{words}] }}")


MANUAL = '[[checklist.item]]\nid = "manual"\ntext = "t"\n'
FILE = item("file", "{ kind = 'file', target = 'repo', path = 'x' }", "exists")


class Desks:
    """Decks in one folder, with what is trusted kept there too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"XDG_DATA_HOME": str(folder / "data"), "PATH": "/usr/bin:/bin"}

    def looks(self, catalog: str, targets: dict[str, Any] | None = None, **options: Any) -> Looks:
        """Looks of a deck with this catalog."""
        desk = Desk(self.folder, catalog)
        tables = {"repo": {"kind": "repository", "path": str(self.folder)}, **(targets or {})}
        deck = desk.deck(targets=tables, **options)
        return Looks(deck, self.environ)


@pytest.fixture
def desks(tmp_path: Path) -> Desks:
    return Desks(tmp_path)


async def check(looks: Looks, *names: str) -> dict[str, Result]:
    """The results by item."""
    found: dict[str, Result] = {}
    subjects = [s for s in looks.subjects() if not names or s.item.id in names]
    await looks.check(subjects, lambda s, r: found.__setitem__(s.item.id, r))
    await looks.aclose()
    return found


def test_the_items_that_are_looked_at(desks: Desks) -> None:
    # GIVEN lists with items that have a probe and are in use, or not
    unused = item(
        "unused", "{ kind = 'env', target = 'repo', name = 'A' }", more='uses = "redis"\n'
    )
    catalog = listed(MANUAL, FILE, unused) + listed(FILE, name="r", cadence="release")
    looks = desks.looks(catalog)
    # THEN only those are looked at; those of a release list for no run while none is open
    assert [(s.address, s.run) for s in looks.subjects()] == [
        ("l/file", "standing/l"),
        ("r/file", ""),
    ]
    used = desks.looks(catalog, uses=("redis",))
    assert [s.address for s in used.subjects()] == ["l/file", "l/unused", "r/file"]
    # AND once a release is open for that one
    looks.deck.record(Draft(ev.RELEASE_STARTED, {"release": "v1"}))
    assert [s.run for s in looks.subjects()] == ["standing/l", "release/v1/r"]


async def test_commands_are_asked_about_until_they_are_remembered(desks: Desks) -> None:
    marker = desks.folder / "made"
    catalog = listed(command("touch", "touch", str(marker)), FILE)
    looks = desks.looks(catalog)
    # WHEN nobody agreed THEN it is unknown, says what it would run, and is not run
    (ask,) = looks.asks(looks.subjects())
    assert ask.consent.text == f"touch {marker}"
    found = (await check(looks))["touch"]
    assert (found.verdict, found.cause) == ("unknown", "untrusted")
    assert found.reason == f"nobody here agreed to run: touch {marker}"
    assert not marker.exists()
    # WHEN it is agreed to for this time THEN it is run, and asked about the next time
    looks.agree([ask])
    assert (await check(looks))["touch"].verdict == "passed"
    assert marker.exists()
    again = desks.looks(catalog)
    assert len(again.asks(again.subjects())) == 1
    # WHEN it is remembered THEN never again, until it changes
    again.remember(again.asks(again.subjects()))
    assert desks.looks(catalog).asks(again.subjects()) == []
    other = desks.looks(listed(command("touch", "touch", str(marker), "-c")))
    assert len(other.asks(other.subjects())) == 1


@pytest.fixture
def counted() -> Iterator[tuple[Partner, list[str]]]:
    """A web server that counts what it is asked."""
    asked: list[str] = []
    lock = threading.Lock()

    def answer(request: Asked) -> bytes:
        with lock:
            asked.append(request.method)
        return reply("ok")

    with partner(answer) as found:
        yield found, asked


async def test_a_request_that_changes_something_is_never_remembered(
    desks: Desks, counted: tuple[Partner, list[str]]
) -> None:
    server, asked = counted
    probe = "{ kind = 'http', target = 'web', path = '/', method = 'POST', changes = true }"
    catalog = listed(item("post", probe, "status == `200`"))
    web = {"web": {"kind": "web", "url": server.url}}
    looks = desks.looks(catalog, web)
    # WHEN nobody agreed THEN nothing is sent
    found = (await check(looks))["post"]
    assert found.reason == "it may change something, and nobody agreed to: POST /"
    assert asked == []
    # WHEN it is agreed to, and remembered with the commands THEN it is sent this time
    looks.remember(looks.asks(looks.subjects()))
    assert (await check(looks))["post"].verdict == "passed"
    assert asked == ["POST"]
    # BUT asked about again the next time
    again = desks.looks(catalog, web)
    assert [ask.consent.kind for ask in again.asks(again.subjects())] == ["change"]
    assert not (desks.folder / "data").exists()


async def test_a_burst_is_only_sent_when_asked_for(
    desks: Desks, counted: tuple[Partner, list[str]]
) -> None:
    server, asked = counted
    probe = "{ kind = 'http', target = 'web', path = '/', burst = 5 }"
    looks = desks.looks(
        listed(item("rate", probe, "status == `200`")), {"web": {"kind": "web", "url": server.url}}
    )
    found = (await check(looks))["rate"]
    assert found.reason == "only when asked for by name: 5 requests at once: GET /"
    assert asked == []


async def test_looking_writes_nothing(desks: Desks) -> None:
    looks = desks.looks(listed(FILE))
    results = await check(looks)
    assert not (desks.folder / "home").exists()
    assert [draft.type for draft in looks.drafts(results.values())] == [ev.CHECKED]


async def test_drafts_are_of_known_items_in_a_run(desks: Desks) -> None:
    looks = desks.looks(listed(FILE, name="r", cadence="release") + listed(FILE))
    found: list[Result] = []
    await looks.check(looks.subjects(), lambda s, r: found.append(r))
    # THEN what is of no run is not recorded
    assert [draft.data["run"] for draft in looks.drafts(found)] == ["standing/l"]
    # AND a watch writes it once
    looks.deck.record(*looks.drafts(found, only_news=True))
    assert looks.drafts(found, only_news=True) == []
    assert len(looks.drafts(found)) == 1


def test_facts_about_runs(desks: Desks) -> None:
    looks = desks.looks(
        listed(FILE, MANUAL) + listed(MANUAL, name="r", cadence="release"), timezone="UTC"
    )
    facts = DeckFacts(looks.deck)
    assert facts.run_facts("nothing", None) is None
    assert facts.run_facts("r", None) is None, "no release is open"
    assert facts.run_facts("l", "nothing") is None
    found = facts.run_facts("l", None)
    assert found == {
        "run": "standing/l",
        "state": "not started",
        "complete": False,
        "total": 2,
        "done": 0,
        "open": 2,
        "failed": 0,
        "unknown": 0,
        "stale": 0,
        "deferred": 0,
    }
    assert facts.run_facts("l", "manual") == {
        "run": "standing/l",
        "item": "manual",
        "state": "open",
        "done": False,
        "by": None,
        "age_s": None,
    }
    looks.deck.record(Draft(ev.ATTESTED, {"run": "standing/l", "item": "manual"}))
    said = facts.run_facts("standing/l", "manual")
    assert said is not None
    assert (said["state"], said["done"], said["by"], said["age_s"]) == (
        "attested",
        True,
        "alice",
        0,
    )
