"""Signing that goes wrong: whatever is missing, broken or slow is said, and nothing is signed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsdeck.app import OpsDeckApp
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.deck import Deck
from opsdeck.errors import NotSavedError
from opsdeck.known_signoffs import KnownSignoffs, Planned, Seen
from opsdeck.screens.checklists import ChecklistsScreen
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.notes import Notes
from opsdeck.screens.reader import Reader
from opsdeck.signing import Signing
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.model import Role
from opsdeck.signoff.prepared import seal
from opsdeck.signoff.releases import release_of
from tests.screens.desk import AppPilot, app_of, asked, says, shown, until
from tests.screens.signoff_desk import (
    RELEASE,
    SignoffDesk,
    choose,
    opened,
    screen_of,
    sign_as,
)
from tests.signoff.keys import (
    FakeAgent,
    agent,
    dead_agent,
    hung_agent,
    make_key,
    make_krl,
    needs_agent,
    needs_ssh_keygen,
    public_line,
)

pytestmark = [needs_ssh_keygen, pytest.mark.slow]
SIZE = (80, 24)
KEYGEN = shutil.which("ssh-keygen") or ""


@pytest.fixture
def desk(tmp_path: Path) -> SignoffDesk:
    made = SignoffDesk(tmp_path)
    made.begin()
    return made


class At(NamedTuple):
    """What a trouble is made of."""

    desk: SignoffDesk
    environ: dict[str, str]
    stack: ExitStack


def on_disk(desk: SignoffDesk) -> dict[str, bytes]:
    """Every byte of the journal and of the records."""
    folders = (desk.home / "journal", desk.home / "signoffs")
    return {str(p): p.read_bytes() for f in folders for p in sorted(f.glob("*")) if p.is_file()}


def signatures(desk: SignoffDesk) -> list[tuple[str, str]]:
    """(by, role) of every signature on disk."""
    release = release_of(desk.deck(writer="reader@x").state, RELEASE)
    return [(one.by, one.role) for one in release.signatures] if release else []


def words(pilot: AppPilot) -> str:
    """What the screen says, without its lines."""
    return " ".join(" ".join(shown(pilot)).split())


def sits(desk: SignoffDesk, who: str, environ: dict[str, str], **config: Any) -> OpsDeckApp:
    """An app in which somebody sits whose environment is this one."""
    app = desk.at_screen(who, **config)
    app.deck.environ = environ
    return app


async def refused(pilot: AppPilot, *why: str) -> None:
    """Wait for the page that says that nothing was signed, and why."""
    await until(
        pilot,
        lambda: (
            isinstance(pilot.app.screen, Reader)
            # Where a long path is broken depends on the folder of the test.
            and all("".join(one.split()) in "".join(words(pilot).split()) for one in why)
        ),
    )
    assert says(pilot, "Nothing was signed, and nothing is recorded as signed.")


async def agreed(pilot: AppPilot, role: str = "verifier") -> None:
    """Press S, choose the role, and say yes."""
    await pilot.press("S")
    await choose(pilot, role)
    await asked(pilot, f"role: {role}")
    await pilot.press("y")


# What is missing or broken


def no_key(at: At) -> None:
    del at.environ["OPSDECK_SIGNING_KEY"]


def dead(at: At) -> None:
    no_key(at)
    at.environ["SSH_AUTH_SOCK"] = dead_agent(at.desk.folder)


def hung(at: At) -> None:
    no_key(at)
    at.environ["SSH_AUTH_SOCK"] = at.stack.enter_context(hung_agent(at.desk.folder))


def another_key(at: At) -> None:
    at.environ["OPSDECK_SIGNING_KEY"] = str(at.desk.keys["alice"])


def stranger(at: At) -> None:
    at.environ["OPSDECK_SIGNING_KEY"] = str(make_key(at.desk.folder / "new"))


def expired(at: At) -> None:
    at.desk.allow("bob", options='valid-before="20200101"')


def too_early(at: At) -> None:
    at.desk.allow("bob", options='valid-after="20990101"')


def revoked(at: At) -> None:
    (at.desk.folder / "revoked").write_text(public_line(at.desk.keys["bob"]) + "\n")


def revoked_by_krl(at: At) -> None:
    make_krl(at.desk.folder / "revoked", at.desk.keys["bob"])


def no_revoked_file(at: At) -> None:
    (at.desk.folder / "revoked").unlink(missing_ok=True)


def signers_gone(at: At) -> None:
    at.desk.allowed.unlink()


def signers_empty(at: At) -> None:
    at.desk.allowed.write_text("# nobody\n")


def signers_broken(at: At) -> None:
    at.desk.allowed.write_bytes(b"\xff\xfe\x00 [ERROR] [/ \x1b[31m ssh-ed25519 AAAA\n")


def signers_unreadable(at: At) -> None:
    at.desk.allowed.unlink()
    at.desk.allowed.mkdir()


def key_gone(at: At) -> None:
    at.environ["OPSDECK_SIGNING_KEY"] = str(at.desk.folder / "no-such-key")


def empty_agent(at: At) -> None:
    no_key(at)
    at.environ["SSH_AUTH_SOCK"] = at.stack.enter_context(agent(at.desk.folder))


TROUBLES: list[tuple[Callable[[At], None], str]] = [
    (no_key, "no SSH agent: SSH_AUTH_SOCK is not set"),
    (dead, "is gone, as after a dropped connection"),
    (hung, "does not answer: restart it"),
    (another_key, "alice"),
    (stranger, "allowed"),
    (expired, "2020-01-01"),
    (too_early, "2099-01-01"),
    (revoked, "revoked"),
    (revoked_by_krl, "revoked"),
    (no_revoked_file, "revoked"),
    (signers_gone, 'signatures = "names"'),
    (signers_empty, "allowed"),
    (signers_broken, "allowed"),
    (signers_unreadable, "allowed_signers"),
    (key_gone, "no-such-key"),
    pytest.param(empty_agent, "holds no key", marks=needs_agent),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("trouble", "why"), TROUBLES)
async def test_without_a_key_that_may_sign_it_is_said_and_nothing_is_written(
    desk: SignoffDesk, trouble: Callable[[At], None], why: str
) -> None:
    """GIVEN what bob lacks WHEN he presses S THEN a page says it, and the disk is as it was."""
    at = At(desk, dict(desk.seat("bob").environ), ExitStack())
    with at.stack:
        trouble(at)
        rules = SignoffRules(revoked_keys="revoked" if "revoked" in trouble.__name__ else "")
        async with sits(desk, "bob", at.environ, rules=rules).run_test(size=SIZE) as pilot:
            await opened(pilot)
            before = on_disk(desk)
            await pilot.press("S")
            await choose(pilot, "verifier")
            if trouble is revoked_by_krl:  # which only ssh-keygen can read
                await asked(pilot, "role: verifier")
                await pilot.press("y")
            await refused(pilot, why)
            assert on_disk(desk) == before
    assert signatures(desk) == []


async def test_without_ssh_keygen_nothing_is_signed_and_nothing_called_invalid(
    desk: SignoffDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN a signature, and a machine without ssh-keygen THEN it is not verified, which is not
    invalid, and nobody can sign; once it is there all is verified."""
    async with desk.at_screen("carol").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await sign_as(pilot, "deployer")
    monkeypatch.setenv("PATH", str(tmp_path))
    environ = {**desk.seat("bob").environ, "PATH": str(tmp_path)}
    async with sits(desk, "bob", environ).run_test(size=SIZE) as pilot:
        await opened(pilot)
        await until(pilot, lambda: says(pilot, "? not verified"))
        assert says(pilot, "ssh-keygen is not installed")
        assert not says(pilot, "NOT VALID")
        before = on_disk(desk)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "role: verifier")
        await pilot.press("y")
        await refused(pilot, "ssh-keygen is not installed")
        assert on_disk(desk) == before
        await pilot.press("escape")
        (tmp_path / "ssh-keygen").symlink_to(KEYGEN)
        screen_of(pilot).look_at()
        await until(pilot, lambda: says(pilot, "✓ valid"))


# What takes its time


async def test_while_an_agent_hangs_every_key_answers_and_nothing_is_asked_elsewhere(
    desk: SignoffDesk, tmp_path: Path
) -> None:
    """GIVEN an agent that never answers WHEN bob goes on to something else meanwhile THEN each key
    has its effect before the search is over, and the end of it interrupts nothing."""
    with hung_agent(tmp_path) as socket:
        environ = {**desk.seat("bob").environ, "SSH_AUTH_SOCK": socket}
        async with sits(desk, "bob", environ).run_test(size=SIZE) as pilot:
            screen = await opened(pilot)
            await pilot.press("S")
            await choose(pilot, "verifier")
            await until(pilot, lambda: says(pilot, "looking for your key"))
            row = screen.pane("form").key
            await pilot.press("j")
            await until(pilot, lambda: screen.pane("form").key != row)
            await pilot.press("S")
            await until(pilot, lambda: says(pilot, "a signature is under way"))
            await pilot.resize_terminal(60, 16)
            await pilot.press("2")
            await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistsScreen))
            assert screen._signs  # the agent has not answered yet
            # THEN the key of the file is found in the end, and nothing is asked on another screen
            await until(pilot, lambda: not screen._signs)
            assert isinstance(pilot.app.screen, ChecklistsScreen)
            assert says(pilot, "nothing is signed")
    assert signatures(desk) == []


async def test_a_question_never_comes_into_a_note_that_is_being_typed(
    desk: SignoffDesk, tmp_path: Path
) -> None:
    """GIVEN a search for a key that takes long WHEN bob types notes meanwhile THEN a y in them is a
    letter, and no consent."""
    with hung_agent(tmp_path) as socket:
        environ = {**desk.seat("bob").environ, "SSH_AUTH_SOCK": socket}
        async with sits(desk, "bob", environ).run_test(size=SIZE) as pilot:
            screen = await opened(pilot)
            await pilot.press("S")
            await choose(pilot, "verifier")
            await until(pilot, lambda: says(pilot, "looking for your key"))
            await pilot.press("n")
            await until(pilot, lambda: isinstance(pilot.app.screen, Notes))
            await until(pilot, lambda: not screen._signs)
            await pilot.press(*"yy")
            assert isinstance(pilot.app.screen, Notes)
            assert pilot.app.screen.text == "yy"
    assert signatures(desk) == []


@needs_agent
async def test_a_key_that_waits_for_a_touch_keeps_nobody_and_q_leaves(
    desk: SignoffDesk, tmp_path: Path
) -> None:
    """GIVEN an agent that lists a key and signs only when it is touched, which nobody does WHEN bob
    has said yes THEN the app goes on, and q leaves it; nothing is signed."""
    with FakeAgent(tmp_path / "touch", public_line(desk.keys["bob"])) as fake:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SSH_AUTH_SOCK": fake.path}
        app = sits(desk, "bob", environ)
        async with app.run_test(size=SIZE) as pilot:
            await opened(pilot)
            before = on_disk(desk)
            await agreed(pilot)
            await until(pilot, lambda: fake.asked_to_sign)
            await pilot.press("1")
            await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)
    assert on_disk(desk) == before


async def test_a_journal_that_hangs_keeps_no_key_waiting(
    desk: SignoffDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that does not answer WHEN S is pressed THEN other keys go on to answer."""
    hold = threading.Event()
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        seen = KnownSignoffs.seen

        def slow(self: KnownSignoffs, planned: Planned) -> Seen:
            hold.wait(60)
            return seen(self, planned)

        monkeypatch.setattr(KnownSignoffs, "seen", slow)
        try:
            await pilot.press("S")
            await until(pilot, lambda: screen._signs)
            for row in ("role deployer", "role verifier", "role approver"):
                await pilot.press("j")
                await until(pilot, lambda row=row: screen.pane("form").key == row)  # type: ignore[misc]
            await pilot.press("2")
            await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistsScreen))
        finally:
            hold.set()
        await until(pilot, lambda: not screen._signs)
        assert isinstance(pilot.app.screen, ChecklistsScreen)


# What cannot be saved


async def test_on_a_full_disk_it_is_signed_only_once_it_is_saved(
    desk: SignoffDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that takes nothing THEN the banner says NOT SAVED and nothing counts; ctrl+r
    saves the very signature later, and its record."""
    full = True
    write = Deck.write

    def refuse(self: Deck, *args: Any) -> Any:
        if full:
            raise NotSavedError("not saved: no space left on device")
        return write(self, *args)

    monkeypatch.setattr(Deck, "write", refuse)
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        await opened(pilot)
        before = on_disk(desk)
        await agreed(pilot)
        await until(pilot, lambda: says(pilot, "NOT SAVED: 2 acts. no space left on device"))
        await until(pilot, lambda: says(pilot, f"{RELEASE} is not signed until it is saved"))
        assert says(pilot, "not signed yet")
        assert on_disk(desk) == before
        full = False
        await pilot.press("ctrl+r")
        await until(pilot, lambda: says(pilot, "1 of 3 signed"))
        await until(pilot, lambda: says(pilot, "✓ valid"))
        await until(pilot, lambda: (desk.home / "signoffs" / f"{RELEASE}.toml").is_file())
        await until(pilot, lambda: says(pilot, f"{RELEASE}.toml is written"))
    assert signatures(desk) == [("bob", "verifier")]


async def test_a_record_that_cannot_be_written_is_told_of_and_the_signature_stands(
    desk: SignoffDesk,
) -> None:
    (desk.home / "signoffs").write_text("not a folder")
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await agreed(pilot)
        await until(pilot, lambda: says(pilot, "it is in the journal; its file is missing"))
        await until(pilot, lambda: says(pilot, "✓ valid"))
    assert signatures(desk) == [("bob", "verifier")]


async def test_a_journal_folder_that_takes_nothing_signs_nothing(desk: SignoffDesk) -> None:
    """GIVEN a folder of the journal that is none any more once bob has read the text THEN it is
    not saved, and that is said."""
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "role: verifier")
        folder, kept = desk.home / "journal", desk.home / "kept"
        before = on_disk(desk)
        folder.rename(kept)
        folder.write_text("no folder")
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "NOT SAVED") or says(pilot, "Nothing was signed"))
        folder.unlink()
        kept.rename(folder)
        assert on_disk(desk) == before
    assert signatures(desk) == []


# Several at once


async def test_two_who_sign_the_same_role_at_the_same_time_both_stand(desk: SignoffDesk) -> None:
    """GIVEN bob, who reads what he is to sign as verifier WHEN alice signs as verifier meanwhile
    THEN both signatures stand, both are shown, and it is plain what is next."""
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "role: verifier")
        signed_elsewhere(desk, "alice", "verifier")
        await until(pilot, lambda: len(signed_of(app_of(pilot).deck)) == 1)
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, f"signed {RELEASE} as verifier"))
        await until(pilot, lambda: words(pilot).count("✓ valid") == 2)
        assert says(pilot, "alice  signed 02:38")
        assert says(pilot, "bob    signed 02:38")
        assert says(pilot, "Missing: deployer, approver.")
    assert sorted(signatures(desk)) == [("alice", "verifier"), ("bob", "verifier")]


async def test_who_becomes_barred_while_they_read_signs_nothing(desk: SignoffDesk) -> None:
    """GIVEN carol, who reads what she is to sign as deployer WHEN she signs as approver in another
    session THEN this signature is refused."""
    dated(desk)
    async with desk.at_screen("carol").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "deployer")
        await asked(pilot, "role: deployer")
        signed_elsewhere(desk, "carol", "approver")
        await until(pilot, lambda: len(signed_of(app_of(pilot).deck)) == 1)
        await pilot.press("y")
        await refused(pilot, "somebody else must sign as deployer")
    assert signatures(desk) == [("carol", "approver")]


async def test_two_approvals_are_waited_for_whoever_signs_first(desk: SignoffDesk) -> None:
    rules = SignoffRules(approvals=2)
    async with desk.at_screen("alice", rules).run_test(size=SIZE) as pilot:
        await opened(pilot)
        await sign_as(pilot, "approver")
        await until(pilot, lambda: says(pilot, "1 of 4 signed"))
        await until(pilot, lambda: says(pilot, "waiting: bob, carol or dave (not alice)"))
    async with desk.at_screen("bob", rules).run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await sign_as(pilot, "approver")
        await until(pilot, lambda: words(pilot).count("✓ valid") >= 2)
        assert says(pilot, "2 approvers have signed")
        assert says(pilot, "Missing: deployer, verifier.")


# Leaving in the midst of it


async def test_a_date_that_was_noted_stays_when_the_signing_is_given_up(desk: SignoffDesk) -> None:
    async with desk.at_screen("carol").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "deployer")
        await until(pilot, lambda: "stays noted if you do not sign then" in words(pilot))
        await pilot.press("enter")
        await asked(pilot, "role: deployer")
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is signed"))
        await until(pilot, lambda: says(pilot, "Deployment Date   2026-11-23"))
    assert signatures(desk) == []


async def test_what_was_shown_for_long_is_not_signed(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=SIZE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "role: verifier")
        desk.clock.now += timedelta(minutes=6)
        await pilot.press("y")
        await refused(pilot, "shown for over five minutes")
    assert signatures(desk) == []


def dated(desk: SignoffDesk) -> None:
    """Note the date of the deployment."""
    deck = desk.deck("dave", "box@three")
    release = release_of(deck.state, RELEASE)
    assert release is not None
    deck.record(release_acts.change(release, {"date": "2026-11-23"}))


def signed_of(deck: Deck) -> list[str]:
    """Who has signed, as this Deck knows it."""
    release = release_of(deck.state, RELEASE)
    return [one.by for one in release.signatures] if release else []


def signed_elsewhere(desk: SignoffDesk, who: str, role: Role) -> None:
    """Somebody signs on another machine."""
    deck = desk.seat(who, writer=f"{who}@elsewhere")
    signing = Signing(deck, deck.environ)
    seen, chosen = signing.look(RELEASE), signing.choose(None)
    heads = deck.journal.heads()
    prepared = signing.prepare(seen, role, "", chosen.key, chosen.identity, heads)
    for draft in prepared.drafts(signing.rules, seal(prepared, chosen, deck.environ)):
        deck.record(draft)
