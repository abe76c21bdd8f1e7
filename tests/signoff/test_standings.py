"""How releases stand and whom they wait for, by the fold alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.signoff import standings
from opsdeck.signoff.model import Needs, Release
from opsdeck.signoff.releases import heads
from opsdeck.signoff.standings import StandingBook, missing, waits_for
from tests.screens.desk import Desk


def signed(*words: str, needs: Needs | None = None) -> Release:
    """A release of whose content these have signed: `deployer ann`, each."""
    from opsdeck.signoff.model import ContentHead, Signed

    one = Release(name="v1")
    head = ContentHead(sha256="d1", event="w:1", key=("", "w", 1), at=None, needs=needs or Needs())
    one.contents = {"d1": head}
    for number, word in enumerate(words):
        role, _, by = word.partition(" ")
        key = (f"{number}", "w", number)
        one.signatures.append(
            Signed(
                event=f"w:{number}",
                key=key,
                at=None,
                wall="",
                by=by,
                role=role,  # type: ignore[arg-type]
                content="d1",
                statement="",
            )
        )
    return one


WAITS = [
    ((), Needs(), "waits for sign-off"),
    (("deployer ann",), Needs(), "waits for verifier, approver"),
    (("deployer ann", "verifier bob"), Needs(), "waits for approver"),
    (("approver cid",), Needs(approver=3), "waits for deployer, verifier, 2 approvers"),
    (("deployer ann", "verifier ann", "approver cid"), Needs(), "waits for verifier"),
    (
        ("deployer ann", "verifier ann", "approver ann"),
        Needs(verifier_apart=False, approver_apart=False),
        "",
    ),
    (("deployer ann", "verifier bob", "approver cid"), Needs(), ""),
]


@pytest.mark.parametrize(("who", "needs", "words"), WAITS)
def test_a_release_says_whom_it_waits_for(who: tuple[str, ...], needs: Needs, words: str) -> None:
    one = signed(*who, needs=needs)
    assert waits_for(one) == words
    assert bool(missing(one)) is bool(words)


@pytest.mark.parametrize("state", ["signed", "abandoned"])
def test_one_that_has_ended_waits_for_nobody(state: str) -> None:
    one = signed("deployer ann")
    one.state = state  # type: ignore[assignment]
    assert waits_for(one) == ""


def test_releases_are_folded_once_for_every_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN two releases
    desk, folds = Desk(tmp_path), []
    deck = desk.deck()

    def counted(*given: object) -> list[Release]:
        folds.append(given)
        return heads(deck.state)

    monkeypatch.setattr(standings, "heads", counted)
    for name in ("v1", "v2"):
        deck.record(acts.start_release(name, []))
    folds.clear()
    # WHEN they are looked at again and again, and items are attested between
    for item in ("tls", "fw"):
        assert list(deck.standings()) == ["v2", "v1"]
        assert deck.release() == "v2"
        deck.record(acts.attest(deck.locate(f"infra/{item}")))
        assert deck.view(deck.catalog.checklists[0]).done
    # THEN they were folded once
    assert len(folds) == 1
    # AND anew for what happens to one of them, and for a journal that is read again
    deck.record(Draft(ev.RELEASE_CHOSEN, {"release": "v1"}))
    assert (deck.release(), deck.release(), len(folds)) == ("v1", "v1", 2)
    deck.load()
    assert (deck.release(), deck.release(), len(folds)) == ("v1", "v1", 3)


def test_another_state_is_another_book(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    # GIVEN a State with a release, and one of as many happenings without it
    deck, book = Desk(tmp_path).deck(), StandingBook()
    deck.record(acts.start_release("v1", []))
    before = deck.state
    other = Desk(tmp_path / "other").deck()
    other.record(acts.start_release("v9", []))
    assert before.release_log.revision == other.state.release_log.revision
    # THEN each has its own
    assert [list(book.of(state)) for state in (before, other.state, before)] == [
        ["v1"],
        ["v9"],
        ["v1"],
    ]
