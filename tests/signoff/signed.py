"""A deck with releases that are really signed: a journal, keys, signatures, and the record's files.

Two machines write into one folder. All times are fixed; everything else is as in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.journal.fold import State
from opsdeck.journal.lines import find_lines
from opsdeck.journal.store import Journal
from opsdeck.journal.writing import Draft
from opsdeck.runs.cadence import run_key
from opsdeck.signoff.content import Content, Facts, finish, pinned_of, plan_content
from opsdeck.signoff.model import Role
from opsdeck.signoff.prepared import Prepared
from opsdeck.signoff.record import record_of
from opsdeck.signoff.record_file import write_record
from opsdeck.signoff.releases import release_of
from opsdeck.signoff.ssh import Key, Signers, sign
from opsdeck.signoff.statement import Head, Statement, statement_text
from opsdeck.signoff.verify import Trust, Verdict, verify_release
from tests.signoff import keys

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
NOW = START + timedelta(days=2)
V1, V2 = "v1.4.2", "v1.4.3"
ONE, TWO = "carol@one", "bob@two"
RULES = SignoffRules()
GATE = (
    (True, "every item of the release done: 6 of 6"),
    (True, "journal whole: every line is there"),
)

CATALOG = Catalog(
    checklists=(
        Checklist(
            id="before",
            title="Before",
            section="Production Deployment",
            cadence="release",
            items=(
                Item(id="tests", text="Tests pass", probe={"kind": "x"}, valid_for_s=86_400.0),
                Item(id="backup", text="Backup made"),
                Item(id="rollback", text="Way back tried"),
                Item(id="redis", text="Redis warm", uses="redis"),
            ),
        ),
        Checklist(
            id="after",
            title="After",
            section="Production Deployment",
            cadence="release",
            read_do=True,
            items=(
                Item(id="smoke", text="Smoke test"),
                Item(id="announce", text="Announced"),
            ),
        ),
        Checklist(
            id="daily",
            title="Daily",
            section="Operations",
            cadence="daily",
            items=(Item(id="logs", text="Logs read"),),
        ),
        Checklist(
            id="infra",
            title="Infrastructure",
            section="Readiness",
            cadence="standing",
            items=(Item(id="tls", text="TLS", probe={"kind": "y"}, valid_for_s=604_800.0),),
        ),
    )
)


class Team(NamedTuple):
    """Who may sign, and with which keys."""

    keys: dict[str, Key]
    signers: Signers
    environ: dict[str, str]


class Kept(NamedTuple):
    """A signed deck, who signed it, and what of each release."""

    home: Path
    team: Team
    contents: dict[str, Content]


def make_team(folder: Path) -> Team:
    """Four people with keys of their own in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("alice", "bob", "carol", "dave")
    files = {name: keys.make_key(folder / name) for name in names}
    allowed = keys.signers(
        folder / "allowed_signers", *(keys.line(f"{n}@acme", f) for n, f in files.items())
    )
    environ = keys.environ_of(folder)
    return Team({n: keys.key_of(f, environ) for n, f in files.items()}, allowed, environ)


class Desk:
    """One machine at the deck; `now` is its clock."""

    def __init__(
        self, home: Path, team: Team, writer: str = ONE, rules: SignoffRules = RULES
    ) -> None:
        self.home, self.team, self.rules = home, team, rules
        self.catalog = CATALOG
        self.journal = Journal(home, writer)
        self.now = START
        self.state: State = State()
        self.load()

    def load(self) -> None:
        """See all that others wrote, whatever a snapshot says."""
        self.state, _ = self.journal.load(from_snapshot=False)

    def at(self, minutes: float) -> Desk:
        """So many minutes after the start."""
        self.now = START + timedelta(minutes=minutes)
        return self

    def say(self, by: str, *drafts: Draft) -> list[str]:
        """Write these events and fold them: their ids."""
        saved = self.journal.append(list(drafts), by=by, now=self.now, after=self.state.max_clock)
        for writer, event in saved.events:
            self.state.apply(writer, event)
        return [f"{writer}:{event.seq}" for writer, event in saved.own]

    def mark(self, by: str, address: str, kind: str = ev.ATTESTED, **data: Any) -> str:
        """Say something of `RUN/ITEM`: the event's id."""
        run, _, item = address.rpartition("/")
        return self.say(by, Draft(kind, {"run": run, "item": item, **data}))[0]

    def facts(self, name: str) -> Facts:
        """What the content of a release is made of."""
        lists = [(c, run_key(c, self.now, UTC, name)) for c in self.catalog.checklists]
        return Facts("acme", "Europe/Berlin", self.catalog, lists, self.state, (), self.rules)

    def content(self, name: str, base: Content | None = None) -> Content:
        """The content of a release as it is now, with the other lists of `base`."""
        release = release_of(self.state, name)
        assert release is not None
        plan = plan_content(
            self.facts(name), release, self.now, pinned_of(base.data) if base else None
        )
        return finish(plan, find_lines(self.journal.folder, plan.wanted))

    def statement(
        self, name: str, role: Role, who: str, content: Content, **changed: Any
    ) -> Statement:
        """What somebody signs."""
        heads = tuple(Head(w, seq, line) for w, (seq, line) in self.journal.heads().items())
        signs = self.rules.signatures == "keys"
        said = Statement(
            release=name,
            deck="acme",
            role=role,
            name=who,
            identity=f"{who}@acme" if signs else "",
            key=self.team.keys[who].fingerprint if signs else "",
            at=self.now,
            content=content.sha256,
            sums=content.sums_sha256,
            rules=GATE,
            heads=heads,
        )
        return msgspec.structs.replace(said, **changed)

    def seal(self, said: Statement, key: str | None = None) -> str:
        """The signature over a statement with the key of its name, or somebody else's."""
        if not said.key:
            return ""
        text = statement_text(said).encode()
        return sign(text, self.team.keys[key or said.name], self.team.environ)

    def drafts(
        self, name: str, content: Content, said: Statement, signature: str | None = None
    ) -> list[Draft]:
        """The events of a signature, with the content where that is new."""
        release = release_of(self.state, name)
        is_new = release is None or content.sha256 not in release.contents
        text = statement_text(said)
        prepared = Prepared(name, content, said, text, is_new)
        return prepared.drafts(self.rules, self.seal(said) if signature is None else signature)

    def sign(
        self, name: str, role: Role, who: str, content: Content | None = None, **changed: Any
    ) -> Content:
        """Sign a release as somebody: the content that was signed."""
        content = content or self.content(name)
        said = self.statement(name, role, who, content, **changed)
        self.say(who, *self.drafts(name, content, said))
        return content

    def write_record(self, name: str, content: Content) -> None:
        """Write the record's files."""
        release = release_of(self.state, name)
        assert release is not None
        write_record(self.home, record_of(release, content.data, content.sha256))


def walk(desk: Desk, name: str) -> None:
    """Start a release and say something of all its items."""
    run = f"release/{name}"
    evidence = {"exit": 0, "lines": ["240 passed", "größe ✓"], "took_s": 1.5}
    desk.say("carol", Draft(ev.RELEASE_STARTED, {"release": name, "window": "Mon 14:00"}))
    desk.mark("alice", f"{run}/before/tests", ev.CHECKED, verdict="failed", text="2 failed")
    desk.mark("alice", f"{run}/before/tests", ev.CHECKED, verdict="passed", evidence=evidence)
    desk.mark("carol", f"{run}/before/backup", note="snapshot 4711")
    desk.mark("alice", f"{run}/before/rollback", ev.NOTED, text="no staging", skipped=True)
    until = {"until": "2027-01-01T00:00+00:00", "zone": "UTC", "approver": "dave"}
    desk.mark("alice", f"{run}/before/rollback", ev.WAIVED, reason="no staging", **until)
    desk.mark("alice", f"{run}/after/smoke", ev.OVERRIDDEN, reason="known flake")
    desk.mark("carol", f"{run}/after/announce", ev.DEFERRED, reason="later", due="2026-12-24")
    desk.mark("bob", "daily/2026-11-23/logs")
    desk.mark("bob", "standing/infra/tls", ev.CHECKED, verdict="passed", evidence={"days": 80})
    desk.say("carol", Draft(ev.RELEASE_CHANGED, {"release": name, "notes": "Line one\nline two"}))


PEOPLE: Mapping[Role, str] = {"deployer": "carol", "verifier": "bob", "approver": "dave"}


def signed_home(home: Path, team: Team) -> dict[str, Content]:
    """A deck with two releases that three people have signed on two machines, and its records."""
    found = {}
    one = Desk(home, team)
    two = Desk(home, team, TWO)
    for minutes, name in ((0, V1), (120, V2)):
        one.load()
        walk(one.at(minutes), name)
        content = one.at(minutes + 10).sign(name, "deployer", "carol")
        two.load()
        two.at(minutes + 30).sign(name, "verifier", "bob", content)
        one.load()
        one.at(minutes + 55).sign(name, "approver", "dave", content)
        one.write_record(name, content)
        found[name] = content
    return found


def verdict_of(home: Path, team: Team, name: str = V1, **more: Any) -> Verdict:
    """What verifying a release finds."""
    trust = Trust(more.pop("rules", RULES), more.pop("signers", team.signers))
    return verify_release(home, name, trust, now=more.pop("now", NOW), **more)


def parts_of(verdict: Verdict) -> set[str]:
    """The parts with faults."""
    return {one.part for one in verdict.bad}
