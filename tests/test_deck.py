"""The Deck: catalog and journal together, without any terminal."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Deck, open_deck
from opsdeck.errors import ConfigError, NotSavedError, UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.operator import OperatorNeededError
from opsdeck.runs import acts
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.model import Release
from opsdeck.signoff.releases import heads, release_of
from tests.screens.desk import CATALOG, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def the(deck: Deck, checklist: str) -> Checklist:
    found = deck.catalog.checklist(checklist)
    assert found is not None
    return found


def states(deck: Deck, checklist: str, run: str | None = None) -> list[str]:
    return [s.state for s in deck.view(the(deck, checklist), run).statuses]


def attest(deck: Deck, address: str) -> None:
    deck.record(acts.attest(deck.locate(address)))


# Addresses


def test_an_item_is_addressed_in_the_current_run_and_in_another(desk: Desk) -> None:
    deck = desk.deck()
    assert deck.locate("daily/logs").run == "daily/2026-11-23"
    assert deck.locate(" daily/2026-11-20/logs ").run == "daily/2026-11-20"
    assert deck.locate("scaling/plan").run == "standing/scaling"
    deck.record(acts.start_release("v1", []))
    assert deck.locate("infra/tls").run == "release/v1/infra"
    assert deck.locate("release/v1/infra/tls").item.id == "tls"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "names no item"),
        ("daily", "names no item"),
        ("daily/", "names no item"),
        ("/logs", "names no item"),
        ("daily/log", "has no item 'log'; did you mean 'logs'"),
        ("dayly/logs", "no checklist or run 'dayly'; did you mean 'daily'"),
        ("release/v9/infra/tls", "release 'v9' was never started"),
        ("release/v1/daily/logs", "is a daily list"),
        ("standing/infra/tls", "is a release list"),
        ("infra/tls", "none is open"),
        ("infra/2026-11-23/tls", "is a release list"),
        ("daily/2026-02-30/logs", "no checklist or run"),
        ("daily/0001-01-01/mail2", "has no item"),
        ("\x1b[31m/x", "no checklist or run"),
    ],
)
def test_an_address_that_names_nothing_says_why(desk: Desk, address: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        desk.deck().locate(address)
    assert says in str(caught.value)


# Runs and time


def test_a_daily_list_starts_afresh_at_midnight_and_yesterdays_run_is_kept(desk: Desk) -> None:
    # GIVEN a daily list begun
    deck = desk.deck(timezone="Europe/Berlin")
    attest(deck, "daily/logs")
    assert states(deck, "daily") == ["attested", "open", "open"]
    # WHEN it is midnight in Berlin, and 23:00 UTC
    desk.clock.now = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    # THEN the list is new, and yesterday's is missed but there
    assert states(deck, "daily") == ["open", "open", "open"]
    yesterday = deck.previous_run(the(deck, "daily"))
    assert yesterday == "daily/2026-11-23"
    view = deck.view(the(deck, "daily"), yesterday)
    assert view.state == "missed"
    assert states(deck, "daily", yesterday) == ["attested", "open", "open"]


def test_no_run_is_missed_from_before_the_deck_was_used(desk: Desk) -> None:
    deck = desk.deck()
    assert deck.previous_run(the(deck, "daily")) is None
    attest(deck, "scaling/plan")
    assert deck.previous_run(the(deck, "daily")) is None
    desk.clock.forward(days=1)
    assert deck.previous_run(the(deck, "daily")) == "daily/2026-11-23"
    assert deck.previous_run(the(deck, "scaling")) is None


def test_a_standing_list_goes_stale_item_by_item(desk: Desk) -> None:
    deck = desk.deck()
    attest(deck, "scaling/plan")
    attest(deck, "scaling/test")
    desk.clock.forward(days=2)
    assert states(deck, "scaling") == ["stale", "attested"]


WAIVED_TO_THE_25TH = {
    "run": "release/v1/infra",
    "item": "fw",
    "reason": "r",
    "approver": "bob",
    "until": "2026-11-25T00:00+00:00",
    "zone": "UTC",
}


def test_a_release_starts_its_lists_afresh_and_the_one_before_stays_open(desk: Desk) -> None:
    # GIVEN a release with a waiver that ends in two days
    deck = desk.deck(uses=("lb",))
    deck.record(acts.start_release("v1", []))
    attest(deck, "infra/tls")
    deck.record(Draft(ev.WAIVED, WAIVED_TO_THE_25TH))
    # WHEN the next one is started THEN its lists are the current ones
    desk.clock.forward(hours=1)
    deck.record(acts.start_release("v2", ["v1"]))
    assert deck.release() == "v2"
    assert states(deck, "infra") == ["open", "open", "open"]
    assert states(deck, "infra", "release/v1/infra") == ["attested", "waived", "open"]
    # AND the one before is open too: it is judged as of now
    desk.clock.forward(days=30)
    assert states(deck, "infra", "release/v1/infra") == ["attested", "open", "open"]
    assert deck.locate("release/v1/infra/fw").status.state == "open"


def release(deck: Deck, name: str) -> Release:
    found = release_of(deck.state, name)
    assert found is not None
    return found


def test_an_abandoned_release_stays_as_it_was_and_takes_no_more(desk: Desk) -> None:
    # GIVEN two releases, one of them given up while its waiver held
    deck = desk.deck()
    deck.record(acts.start_release("v1", []))
    attest(deck, "infra/tls")
    deck.record(Draft(ev.WAIVED, WAIVED_TO_THE_25TH), acts.start_release("v2", ["v1"]))
    deck.record(release_acts.abandon(release(deck, "v1"), "v2 replaces it"))
    # WHEN it is read long after THEN it is judged as of its end
    desk.clock.forward(days=30)
    assert states(deck, "infra", "release/v1/infra") == ["attested", "waived", "inactive"]
    # AND nothing more can be said in it, while it can be read and the other goes on
    where = deck.locate("release/v1/infra/tls")
    assert where.status.state == "attested"
    for act in (acts.attest, acts.take_back, lambda w: acts.note(w, "n")):
        with pytest.raises(UsageError, match="`opsdeck release use v1` opens it again"):
            act(where)
    run = deck.state.run("release/v1/infra")
    with pytest.raises(UsageError, match="abandoned because: v2 replaces it"):
        acts.undo("release/v1/infra", run, "alice", deck.now(), deck.closed("release/v1/infra"))
    attest(deck, "infra/fw")
    assert states(deck, "infra") == ["open", "attested", "inactive"]
    # WHEN it is chosen again THEN it is open, current, and judged as of now
    deck.record(release_acts.choose(release(deck, "v1"), heads(deck.state)))
    assert deck.release() == "v1"
    assert states(deck, "infra") == ["attested", "open", "inactive"]
    attest(deck, "infra/fw")


def test_without_an_open_release_its_lists_have_no_run(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.start_release("v1", []))
    deck.record(release_acts.abandon(release(deck, "v1"), "no"))
    assert deck.release() is None
    assert deck.current_run(the(deck, "infra")) is None
    with pytest.raises(UsageError, match="none is open"):
        deck.locate("infra/tls")


def test_a_signed_release_is_judged_as_of_its_last_signature_and_takes_more(desk: Desk) -> None:
    # GIVEN a release that all three signed while its waiver held
    deck = desk.deck()
    deck.record(acts.start_release("v1", []), Draft(ev.WAIVED, WAIVED_TO_THE_25TH))
    deck.record(Draft(ev.SIGNOFF_CONTENT, {"release": "v1", "sha256": "d1", "content": "{}"}))
    for name, role in (("alice", "deployer"), ("bob", "verifier"), ("carol", "approver")):
        desk.clock.forward(minutes=1)
        signer = desk.deck(name, f"{name}@one")
        signer.record(Draft(ev.SIGNOFF_SIGNED, {"release": "v1", "role": role, "content": "d1"}))
    deck.load()
    # WHEN it is read long after THEN it stands as it was signed, and is the current one still
    desk.clock.forward(days=30)
    assert deck.release() == "v1"
    assert states(deck, "infra") == ["open", "waived", "inactive"]
    # AND what is said of it then counts, for all to see
    attest(deck, "infra/tls")
    assert states(deck, "infra") == ["attested", "waived", "inactive"]
    # AND the next one that is started is the current one
    deck.record(acts.start_release("v2", ["v1"]))
    assert deck.release() == "v2"


def test_an_item_of_a_run_that_is_over_stands_as_its_row_does(desk: Desk) -> None:
    catalog = CATALOG.replace('text = "Read the logs"', 'text = "Read the logs"\nvalid_for = "24h"')
    desk.shipped.write_text(catalog)
    deck = desk.deck()
    attest(deck, "daily/logs")
    desk.clock.forward(days=5)
    run = "daily/2026-11-23"
    assert states(deck, "daily", run)[0] == "attested"
    assert deck.locate(f"{run}/logs").status.state == "attested"


def test_runs_are_in_order_of_time_whatever_releases_are_called(desk: Desk) -> None:
    # GIVEN releases whose names sort otherwise than they were started
    deck = desk.deck()
    for name in ("v1.9", "v1.10", "hotfix", "v1.11"):
        deck.record(acts.start_release(name, []))
        attest(deck, "infra/tls")
        desk.clock.forward(minutes=1)
    runs = deck.runs_of(the(deck, "infra"))
    assert [r.split("/")[1] for r in runs] == ["v1.9", "v1.10", "hotfix", "v1.11"]
    past = [run for run, _ in deck.history(the(deck, "infra"), "tls")]
    assert past == runs[::-1]


def test_yesterdays_run_is_among_the_runs_though_nobody_touched_it(desk: Desk) -> None:
    deck = desk.deck()
    attest(deck, "scaling/plan")
    desk.clock.forward(days=1)
    assert deck.runs_of(the(deck, "daily")) == ["daily/2026-11-23", "daily/2026-11-24"]


def test_a_release_that_another_writer_only_claims_breaks_nothing(desk: Desk) -> None:
    deck = desk.deck(writer="evil@x")
    deck.record(
        Draft(ev.ATTESTED, {"run": "release/\x1b[31m/infra", "item": "tls"}),
        Draft(ev.ATTESTED, {"run": "daily/0001-01-01", "item": "logs"}),
        Draft(ev.ATTESTED, {"run": "nonsense", "item": "logs"}),
        Draft(ev.RELEASE_STARTED, {"release": "a/b/c"}),
    )
    other = desk.deck(timezone="Asia/Kolkata")
    assert other.faults == []
    for checklist in other.catalog.checklists:
        for run in other.runs_of(checklist):
            other.view(checklist, run)
            other.where(checklist, checklist.items[0].id, run)


# Writing


def test_what_is_recorded_is_there_for_the_next_process(desk: Desk) -> None:
    deck = desk.deck()
    attest(deck, "daily/logs")
    assert states(desk.deck(), "daily") == states(deck, "daily") == ["attested", "open", "open"]


def test_what_is_not_saved_changes_nothing(desk: Desk) -> None:
    deck = desk.deck()
    attest(deck, "daily/logs")
    # GIVEN the journal's folder cannot be written: a file lies in its place
    shutil.move(deck.journal.folder, desk.home / "aside")
    deck.journal.folder.write_text("in the way")
    # WHEN something is recorded THEN it says so and the old state stays
    with pytest.raises(NotSavedError, match="not saved"):
        attest(deck, "daily/disk")
    assert states(deck, "daily") == ["attested", "open", "open"]
    # AND after the repair it can be
    deck.journal.folder.unlink()
    shutil.move(desk.home / "aside", deck.journal.folder)
    attest(deck, "daily/disk")
    assert states(desk.deck(), "daily") == ["attested", "attested", "open"]


def test_the_other_writers_acts_come_by_polling_and_in_order(desk: Desk) -> None:
    alice, bob = desk.deck(), desk.deck("bob", "box@two")
    attest(alice, "daily/logs")
    touched = bob.absorb_news(bob.journal.poll())
    assert touched.items == {("daily/2026-11-23", "logs")}
    bob.record(acts.take_back(bob.locate("daily/logs")))
    alice.absorb_news(alice.journal.poll())
    assert states(alice, "daily") == states(bob, "daily") == ["open", "open", "open"]
    history = alice.history(the(alice, "daily"), "logs")
    assert [(m.by, m.kind) for _, m in history] == [("bob", "reopened"), ("alice", "attested")]


def test_two_processes_of_one_writer_see_each_other(desk: Desk) -> None:
    one, two = desk.deck(), desk.deck("bob")
    attest(one, "daily/logs")
    attest(two, "daily/disk")
    one.absorb_news(one.journal.poll())
    assert states(one, "daily") == states(two, "daily") == ["attested", "attested", "open"]


# Opening


def environ(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "OPSDECK_OPERATOR": "alice"}


def test_opening_needs_nothing_and_creates_nothing(tmp_path: Path) -> None:
    deck = open_deck(environ=environ(tmp_path), cwd=tmp_path)
    deck.load()
    assert deck.catalog.item_count == 153
    assert deck.config.timezone == "UTC"
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_the_teams_configuration_and_catalog_are_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "opsdeck.toml").write_text('[deck]\nname = "acme"\ntimezone = "Asia/Kolkata"\n')
    (tmp_path / "checklists.toml").write_text(CATALOG)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    deck = open_deck(environ=environ(tmp_path), cwd=below)
    assert deck.config.name == "acme"
    assert deck.catalog.checklist("daily") is not None
    assert deck.journal.home.name == "acme"


def test_a_broken_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "opsdeck.toml").write_text('[deck]\ntimezone = "Mars/Olympus"\n')
    with pytest.raises(ConfigError, match="timezone"):
        open_deck(environ=environ(tmp_path), cwd=tmp_path)


def test_on_a_shared_account_the_app_asks_and_the_command_line_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "deploy")
    (tmp_path / "opsdeck.toml").write_text('[deck]\nshared_accounts = ["deploy"]\n')
    with pytest.raises(OperatorNeededError):
        open_deck(environ={"HOME": str(tmp_path)}, cwd=tmp_path)
    deck = open_deck(environ={"HOME": str(tmp_path)}, cwd=tmp_path, interactive=True)
    assert deck.operator == ""
