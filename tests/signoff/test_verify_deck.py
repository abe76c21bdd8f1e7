"""Sign-offs of another deck, or of before it was renamed; names put down where keys are wanted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.events import Event
from opsdeck.signoff.content import content_of
from tests.signoff.keys import needs_ssh_keygen
from tests.signoff.signed import (
    RULES,
    V1,
    V2,
    Desk,
    Team,
    parts_of,
    verdict_of,
    walk,
)
from tests.signoff.tampered import changing, rewrite, said

pytestmark = needs_ssh_keygen
NAMES = msgspec.structs.replace(RULES, signatures="names")
ROLES = (("deployer", "carol"), ("verifier", "bob"), ("approver", "dave"))


def all_sign(desk: Desk, name: str, deck: str = "acme") -> None:
    """Three people sign a release of a deck of that name."""
    values = {**desk.content(name).data, "deck": deck}
    content = content_of(values)
    for role, who in ROLES:
        desk.sign(name, role, who, content, deck=deck)  # type: ignore[arg-type]
    desk.write_record(name, content)


# Names without signatures


def test_names_put_down_on_a_deck_that_wants_keys_prove_nothing(home: Path, team: Team) -> None:
    # GIVEN somebody without a key, who writes into the journal a content whose rules ask for names,
    # and three names
    desk = Desk(home, team, "mallory@three", rules=NAMES).at(500)
    walk(desk, "v9")
    all_sign(desk, "v9")
    # WHEN it is verified by the rules of the deck
    verdict = verdict_of(home, team, "v9")
    # THEN nobody signed it
    assert parts_of(verdict) == {"signature", "roles"}
    assert "only a name was put down, this deck wants signatures ([signoff])" in said(verdict)
    assert verdict.status == "bad"
    assert not verdict.complete
    # AND the others still hold
    assert not verdict_of(home, team).problems


def test_that_its_clock_says_otherwise_does_not_help(home: Path, team: Team) -> None:
    # GIVEN the same, in a file of its own that says to be a day older than all
    desk = Desk(home, team, "mallory@three", rules=NAMES).at(-1_440)
    desk.state.max_clock = ""
    walk(desk, "v9")
    all_sign(desk, "v9")
    verdict = verdict_of(home, team, "v9")
    assert verdict.status == "bad"
    assert "nothing shows that it is older than these" in said(verdict)


def test_names_of_before_the_deck_had_keys_are_told(tmp_path: Path, team: Team) -> None:
    # GIVEN a deck that recorded names, and wants signatures since
    home = tmp_path / "deck"
    desk = Desk(home, team, rules=NAMES)
    walk(desk, V1)
    all_sign(desk.at(10), V1)
    assert verdict_of(home, team).status == "bad"
    desk.rules = RULES
    walk(desk.at(60), V2)
    all_sign(desk.at(70), V2)
    # THEN the first that was signed with a key shows that they are older, and no more
    verdict = verdict_of(home, team)
    assert not verdict.bad, said(verdict)
    assert verdict.status == "warning"
    assert "NOT SIGNED" in verdict.words
    assert "from before the first signature of this deck (carol@one:" in said(verdict)
    # AND without keys to look at it is not known
    assert verdict_of(home, team, signers=None).status == "unknown"
    # AND the same names put down later are worth nothing
    desk.rules = NAMES
    walk(desk.at(90), "v9")
    all_sign(desk.at(95), "v9")
    assert verdict_of(home, team, "v9").status == "bad"


def test_a_signature_that_is_none_shows_nothing(tmp_path: Path, team: Team) -> None:
    # GIVEN names put down, and after them a "signature" that somebody made up
    home = tmp_path / "deck"
    desk = Desk(home, team, rules=NAMES)
    walk(desk, V1)
    all_sign(desk.at(10), V1)
    desk.rules = RULES
    walk(desk.at(60), V2)
    content = desk.content(V2)
    told = desk.statement(V2, "deployer", "carol", content)
    desk.say("carol", *desk.drafts(V2, content, told, desk.seal(told, "bob")))
    assert verdict_of(home, team).status == "bad"


# Decks


def test_a_deck_that_was_renamed_is_no_forger(home: Path, team: Team) -> None:
    # GIVEN a deck of another name since
    alone = verdict_of(home, team, deck="acme-live")
    # THEN before anything was signed under it nobody knows
    assert not alone.bad, said(alone)
    assert alone.status == "warning"
    assert (
        "it is of the deck acme, and this one is acme-live: the deck was renamed since, or it was"
    )
    assert "copied here from another one, and nothing here shows which" in said(alone)
    # WHEN something was
    desk = Desk(home, team).at(500)
    walk(desk, "v9")
    all_sign(desk, "v9", "acme-live")
    # THEN that knew the older ones
    verdict = verdict_of(home, team, deck="acme-live")
    assert not verdict.bad, said(verdict)
    assert "the deck was renamed, or it was copied here before carol@one:" in said(verdict)
    assert not verdict_of(home, team, "v9", deck="acme-live").problems


@pytest.mark.parametrize("minutes", [5, 500])
def test_a_sign_off_copied_from_another_deck(home: Path, team: Team, minutes: int) -> None:
    # GIVEN two decks of the same people and keys, with a release of its own signed in each
    live = home.parent / "live"
    desk = Desk(live, team, "erin@live").at(minutes)
    walk(desk, "v9")
    all_sign(desk, "v9", "acme-live")
    # WHEN somebody puts the journal of one, and its records, into the other
    shutil.copytree(home, live, dirs_exist_ok=True)
    # THEN every signature holds, and it is not this deck's
    verdict = verdict_of(live, team, deck="acme-live")
    assert parts_of(verdict) == {"content"}, said(verdict)
    assert "it was copied here, for the first signature of acme-live (erin@live:" in said(verdict)
    assert not verdict_of(live, team, "v9", deck="acme-live").bad


def test_a_statement_of_another_deck_over_this_content(tmp_path: Path, team: Team) -> None:
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    desk.at(10).sign(V1, "deployer", "carol", deck="acme-staging")
    verdict = verdict_of(home, team, deck="acme")
    assert "its statement is of deck acme-staging, the content of acme" in said(verdict)
    assert verdict.status == "bad"


def test_a_deck_renamed_in_the_journal_is_found(home: Path, team: Team) -> None:
    # GIVEN somebody who makes another deck's content this one's, without a key
    def new(data: dict[str, Any]) -> None:
        data["content"] = data["content"].replace('"deck":"acme"', '"deck":"acme-live"')

    rewrite(home, changing(ev.SIGNOFF_CONTENT, new))
    assert "digest" in parts_of(verdict_of(home, team, deck="acme-live"))


def test_what_a_statement_claims_to_have_seen_must_be_there(home: Path, team: Team) -> None:
    # GIVEN names put down for v9 in a file that no statement knew, under the number of one it knew
    desk = Desk(home, team, "mallory@three", rules=NAMES).at(-60)
    desk.state.max_clock = ""
    walk(desk, "v9")
    all_sign(desk, "v9")
    old, new = home / "journal" / "bob@two.jsonl", home / "journal" / "mallory@three.jsonl"
    new.rename(old)
    # THEN that it stands where another line stood shows nothing
    assert verdict_of(home, team, "v9").status == "bad"


# What other releases' statements know


def test_a_sign_off_cut_out_is_missed_by_another_release(home: Path, team: Team) -> None:
    # GIVEN somebody who cuts all that was signed of one release, and its records
    def change(_writer: str, event: Event) -> Event | None:
        is_cut = event.type.startswith("signoff.") and event.data.get("release") == V1
        return None if is_cut else event

    rewrite(home, change)
    shutil.rmtree(home / "signoffs")
    # THEN nobody has signed it, but what was signed later knew another journal
    verdict = verdict_of(home, team)
    assert "nobody has signed it" in verdict.words
    assert "it is no longer the journal that was there when v1.4.3 was signed" in said(verdict)
    assert verdict_of(home, team, V2).status == "bad"
