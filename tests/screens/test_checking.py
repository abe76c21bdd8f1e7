"""c and C: probes look from the app, against real sockets and processes; e shows the evidence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key

from opsdeck.screens.confirm import Confirm
from opsdeck.screens.evidence import EvidenceScreen
from tests.probes.partners_http import partner, reply
from tests.screens.desk import (
    AppPilot,
    Desk,
    app_of,
    asked,
    checklist_screen,
    events,
    listed,
    on_disk,
    open_list,
    row,
    says,
    shown,
    until,
)

HOSTILE = "\x1b[2J[red]boo[/] \u202eevil"


@contextmanager
def listening() -> Iterator[int]:
    """A port at which something answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which something answers."""
    with listening() as found:
        yield found


@pytest.fixture(autouse=True)
def own_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is agreed to is kept in the test's own folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "opsdeck" / "trusted.json"


def catalog(*items: str) -> str:
    """One standing list of these items."""
    head = '[[checklist]]\nid = "net"\ntitle = "Network"\nsection = "S"\ncadence = "standing"\n'
    return head + "".join(f"[[checklist.item]]\n{item}\n" for item in items)


def tcp(name: str, port: int, more: str = "") -> str:
    """An item that passes while the port is open."""
    return (
        f'id = "{name}"\ntext = "Port of {name} open"\n'
        f'probe = {{ kind = "tcp", host = "127.0.0.1", port = {port} }}\n'
        f'expect = ["open"]\n{more}'
    )


def command(name: str, *argv: str, more: str = "") -> str:
    """An item that passes when its command ends well."""
    words = ", ".join(f"'{word}'" for word in argv)
    return (
        f'id = "{name}"\ntext = "Command {name} ends well"\n'
        f'probe = {{ kind = "command", argv = [{words}], timeout = 30 }}\n'
        f'expect = ["exit_code == `0`"]\n{more}'
    )


MANUAL = 'id = "by-hand"\ntext = "A person looks"'


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def checked(pilot: AppPilot) -> None:
    """Wait until nothing is being checked."""
    await until(pilot, lambda: not app_of(pilot).checking.running, 20)


async def test_c_checks_one_item_and_says_so_once_it_is_on_disk(tmp_path: Path, port: int) -> None:
    # GIVEN a list with a sensed and a manual item
    desk = Desk(tmp_path, catalog(tcp("db", port), MANUAL))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        # WHEN c is typed on the sensed one
        await pilot.press("c")
        await until(pilot, lambda: "passed" in row(pilot, "Port of db"))
        # THEN the verdict is on disk, with its evidence
        assert on_disk(desk) == [("item.checked", "db", "alice")]
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "item" in r.event.data]
        evidence = recorded.event.data["evidence"]
        assert evidence["document"]["open"] is True
        assert evidence["expect"] == [["open", True, "true"]]
        # AND on the manual one it says why not
        await pilot.press("down", "c")
        await until(pilot, lambda: says(pilot, "a person must look at this one"))
        assert len(on_disk(desk)) == 1


async def test_capital_c_checks_the_list(tmp_path: Path, port: int) -> None:
    # GIVEN two open ports and a closed one
    items = [tcp("a", port), tcp("b", closed_port()), tcp("c", port), MANUAL]
    desk = Desk(tmp_path, catalog(*items))
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "net")
        # WHEN C is typed
        await pilot.press("C")
        await until(pilot, lambda: says(pilot, "checked 3: 1 failed"))
        # THEN each has its verdict
        assert "passed" in row(pilot, "Port of a")
        assert "failed" in row(pilot, "Port of b")
        assert "passed" in row(pilot, "Port of c")
        assert "open" in row(pilot, "A person looks")


async def test_an_override_lasts_until_the_item_passes(tmp_path: Path, port: int) -> None:
    # GIVEN an item that fails
    desk = Desk(tmp_path, catalog(tcp("a", closed_port())))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("c")
        await until(pilot, lambda: "failed" in row(pilot, "Port of a"))
        # WHEN it is overridden
        await pilot.press("o")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)
        await pilot.press(*"later", "enter")
        await until(pilot, lambda: "overridden" in row(pilot, "Port of a"))
        # THEN more failures leave it so, and a pass ends it
        await pilot.press("c")
        await checked(pilot)
        assert "overridden" in row(pilot, "Port of a")
        desk.team.write_text(catalog(tcp("a", port)), encoding="utf-8")
        await until(pilot, lambda: not_failing(pilot, port))
        await pilot.press("c")
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))
        # AND eleven failures after it do not bring it back
        desk.team.write_text(catalog(tcp("a", closed_port())), encoding="utf-8")
        await until(pilot, lambda: not not_failing(pilot, port))
        for _ in range(11):
            await pilot.press("c")
            await checked(pilot)
        await until(pilot, lambda: "failed" in row(pilot, "Port of a"))
        assert says(pilot, "last passed")


def not_failing(pilot: AppPilot, port: int) -> bool:
    """Whether the catalog on screen is the one whose port is open."""
    item = checklist_screen(pilot).checklist
    assert item is not None
    return (item.items[0].probe or {}).get("port") == port


async def test_a_command_is_shown_and_asked_about_until_it_is_trusted(
    tmp_path: Path, own_trust: Path
) -> None:
    # GIVEN an item whose probe runs something
    made = tmp_path / "made"
    desk = Desk(tmp_path, catalog(command("touch", "touch", str(made))))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        # WHEN c is typed THEN it is shown, and enter, n or esc run nothing
        for no in ("escape", "n"):
            await pilot.press("c")
            await asked(pilot, "touch")
            await pilot.press("enter")
            assert isinstance(pilot.app.screen, Confirm)
            await pilot.press(no)
            await until(pilot, lambda: says(pilot, "nothing was run"))
        assert not made.exists()
        assert on_disk(desk) == []
        # WHEN y is typed THEN it is run, and remembered for this account alone
        await pilot.press("c")
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "passed" in row(pilot, "Command touch"))
        assert made.exists()
        assert own_trust.stat().st_mode & 0o777 == 0o600
        # AND it is not asked about again
        made.unlink()
        await pilot.press("c")
        await until(pilot, made.exists)
        await checked(pilot)
        # UNLESS it changed
        other = tmp_path / "other"
        desk.team.write_text(catalog(command("touch", "touch", str(other))), encoding="utf-8")
        await until(pilot, lambda: str(other) in str(checklist_screen(pilot).checklist))
        await pilot.press("c")
        await asked(pilot)
        await pilot.press("escape")


async def test_esc_stops_a_look_and_keys_answer_meanwhile(tmp_path: Path, port: int) -> None:
    # GIVEN a look that takes for ever
    desk = Desk(tmp_path, catalog(command("wait", "sleep", "60"), tcp("a", port)))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("C")
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))
        assert "checking" in row(pilot, "Command wait")
        assert says(pilot, "checking 1 of 2")
        # WHEN other keys are typed THEN they do what they do
        await pilot.press("down", "space")
        await until(pilot, lambda: "attested" in row(pilot, "Port of a"))
        # WHEN esc is typed THEN it ends, the list stays, and what was known is kept
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "checked 1 of 2"))
        checklist_screen(pilot)
        assert "open" in row(pilot, "Command wait")
        assert [kind for kind, _, _ in on_disk(desk)] == ["item.checked", "item.attested"]


async def test_evidence_shows_what_was_found_and_obeys_nothing(tmp_path: Path) -> None:
    # GIVEN a command that prints what a terminal or markup would obey, and a secret
    script = tmp_path / "hostile.sh"
    script.write_text(f"#!/bin/sh\nprintf '%s' '{HOSTILE} password=hunter2secret'\nexit 3\n")
    script.chmod(0o755)
    desk = Desk(tmp_path, catalog(command("bad", str(script))))
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "net")
        # WHEN there is none yet THEN e says so
        await pilot.press("e")
        await until(pilot, lambda: says(pilot, "no probe has looked at this yet"))
        await pilot.press("c")
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "failed" in row(pilot, "Command bad"))
        # WHEN e is typed THEN expectations come first, then the document, harmless
        await pilot.press("e")
        await until(pilot, lambda: says(pilot, '"stdout"'))
        screen = pilot.app.screen
        assert isinstance(screen, EvidenceScreen)
        text = "\n".join(shown(pilot))
        assert text.index("exit_code == `0`") < text.index('"stdout"')
        assert "found 3" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]boo[/]" in text
        assert "hunter2secret" not in text
        journal = b"".join(p.read_bytes() for p in (desk.home / "journal").glob("*.jsonl"))
        assert b"hunter2secret" not in journal
        # AND words are found
        await pilot.press("slash", *"boo", "enter")
        page = screen.page
        await until(
            pilot, lambda: page.found is not None and "boo" in page.plain_lines()[page.found]
        )
        # AND the document is copied
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "copied the document"))
        assert '"exit_code": 3' in pilot.app.clipboard
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_older_looks_are_one_key_away(tmp_path: Path, port: int) -> None:
    # GIVEN an item that was looked at twice, passing and then failing
    desk = Desk(tmp_path, catalog(tcp("a", port)))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("c")
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))
        desk.clock.forward(hours=1)
        desk.team.write_text(catalog(tcp("a", closed_port())), encoding="utf-8")
        await until(pilot, lambda: not not_failing(pilot, port))
        await pilot.press("c")
        await until(pilot, lambda: "failed" in row(pilot, "Port of a"))
        # WHEN its evidence is opened THEN the newest look comes first, [ goes back
        await pilot.press("e")
        await until(pilot, lambda: says(pilot, "found false"))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: says(pilot, "found true"))
        assert says(pilot, "1 h ago")


async def test_a_release_list_asks_for_a_release_first(tmp_path: Path, port: int) -> None:
    # GIVEN a list that is walked once a release, and none open
    text = catalog(tcp("a", port)).replace("standing", "release")
    desk = Desk(tmp_path, text)
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("c")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 3)
        await pilot.press(*"v1", *["enter"] * 4)
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))


async def test_a_probe_that_only_helps_leaves_the_tick_to_the_person(
    tmp_path: Path, port: int
) -> None:
    # GIVEN a manual item with a probe that helps
    desk = Desk(tmp_path, catalog(tcp("a", port, "assist = true\n")))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        # WHEN it is checked THEN it is still open, and what was seen stands beside it
        await pilot.press("c")
        await until(pilot, lambda: says(pilot, "open: true"))
        assert "open" in row(pilot, "Port of a")
        assert events(app_of(pilot).deck) == [("item.looked", "a", "alice")]
        assert "manual" in "\n".join(shown(pilot))


async def test_stale_items_are_checked_by_themselves_if_asked_for(
    tmp_path: Path, port: int
) -> None:
    # GIVEN evidence that has aged out
    items = (tcp("a", port, 'valid_for = "1h"\n'), tcp("b", port))
    desk = Desk(tmp_path, catalog(*items))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("c")
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))
    desk.clock.forward(hours=2)
    # WHEN the list is opened without auto_check THEN it is shown as stale
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        assert "stale" in row(pilot, "Port of a")
    # WHEN it is opened with it THEN it is looked at, and only it
    async with desk.app(auto_check=True).run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        await until(pilot, lambda: "passed" in row(pilot, "Port of a"))
        assert "open" in row(pilot, "Port of b")


async def test_the_last_ten_verdicts_show_as_glyphs(tmp_path: Path, port: int) -> None:
    # GIVEN an item that flaps
    desk = Desk(tmp_path, catalog(tcp("a", port)))
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "net")
        for text in (tcp("a", closed_port()), tcp("a", port), tcp("a", closed_port())):
            await pilot.press("c")
            await checked(pilot)
            wanted = catalog(text)
            desk.team.write_text(wanted, encoding="utf-8")
            probe: Any = (checklist_screen(pilot).checklist or desk).items[0].probe  # type: ignore[union-attr]
            await until(
                pilot,
                lambda before=probe: (  # type: ignore[misc]
                    checklist_screen(pilot).checklist.items[0].probe != before  # type: ignore[union-attr]
                ),
            )
        # THEN the row of glyphs says so
        await until(pilot, lambda: says(pilot, "last ten  ✓✗✓"))
        assert listed(pilot).key == "a"


async def test_n_leaves_out_what_acts_and_esc_checks_nothing(tmp_path: Path, port: int) -> None:
    # GIVEN a list with an item that runs something, and one that only looks
    made = tmp_path / "made"
    desk = Desk(tmp_path, catalog(command("touch", "touch", str(made)), tcp("a", port)))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        # WHEN all are to be checked THEN the question says what each key does
        await pilot.press("C")
        await asked(pilot, "leave this out")
        assert says(pilot, "check nothing at all")
        # AND esc checks nothing
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is checked: nothing was run"))
        assert on_disk(desk) == []
        # AND n checks the rest
        await pilot.press("C")
        await until(pilot, lambda: says(pilot, "leave this out"))
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, "checked 1; 1 item left out: nothing was run for"))
        assert "passed" in row(pilot, "Port of a")
        assert "open" in row(pilot, "Command touch")
        assert not made.exists()


async def test_a_y_typed_ahead_agrees_to_nothing(tmp_path: Path) -> None:
    # GIVEN an item that runs something
    made = tmp_path / "made"
    desk = Desk(tmp_path, catalog(command("touch", "touch", str(made))))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "net")
        # WHEN y comes with the key that asks, before the question could be read
        for key in ("c", "y"):
            pilot.app.post_message(Key(key, key))
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and says(pilot, "touch"))
        # THEN the question still stands, and nothing was run
        await pilot.pause(0.3)
        assert isinstance(pilot.app.screen, Confirm)
        assert not made.exists()
        # AND a y typed at it counts
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, made.exists)
        await checked(pilot)


async def test_an_edit_of_opsdeck_toml_counts_at_once_unless_it_is_broken(
    tmp_path: Path, port: int
) -> None:
    # GIVEN an item whose target is not named yet
    probe = 'probe = { kind = "tcp", target = "db" }\nexpect = ["open"]'
    desk = Desk(tmp_path, catalog(f'id = "db"\ntext = "Database port open"\n{probe}'))
    config = tmp_path / "opsdeck.toml"
    head = f'[deck]\nhome = "{desk.home}"\n[targets.db]\nkind = "tcp"\n'
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "net")
        await pilot.press("c")
        await until(pilot, lambda: says(pilot, "there is no target"))
        # WHEN it is added with a mistake THEN a banner names file and line, and what was stays
        config.write_text(f"{head}host = 7\nport =", encoding="utf-8")
        await until(pilot, lambda: says(pilot, "CONFIG"))
        assert says(pilot, "opsdeck.toml")
        assert app_of(pilot).deck.config.targets == {}
        # WHEN it is mended THEN the banner goes, and the item comes alive
        config.write_text(f'{head}host = "127.0.0.1"\nport = {port}\n', encoding="utf-8")
        await until(pilot, lambda: says(pilot, "it counts from now on"))
        assert not says(pilot, "CONFIG")
        await pilot.press("c")
        await until(pilot, lambda: "passed" in row(pilot, "Database port"))
        # WHEN the port changes THEN the next look goes there
        config.write_text(f'{head}host = "127.0.0.1"\nport = {closed_port()}\n', encoding="utf-8")
        await until(pilot, lambda: app_of(pilot).deck.config.targets["db"]["port"] != port)
        await pilot.press("c")
        await until(pilot, lambda: "failed" in row(pilot, "Database port"))


async def test_a_request_that_changes_something_is_shown_whole(tmp_path: Path) -> None:
    # GIVEN an item that posts
    text = (
        'id = "post"\ntext = "Posting works"\nprobe = { kind = "http", target = "web",'
        ' path = "/orders", method = "POST", body = { sku = "x[red]" }, changes = true }\n'
        'expect = ["status == `200`"]'
    )
    with partner(reply("ok")) as server:
        desk = Desk(tmp_path, catalog(text))
        web = {"web": {"kind": "web", "url": server.url}}
        async with desk.app(targets=web).run_test(size=(80, 24)) as pilot:
            await open_list(pilot, "net")
            # WHEN it is checked THEN method, place and body are asked about
            await pilot.press("c")
            await asked(pilot, "POST /orders")
            assert says(pilot, f"net/post, to {server.url.removeprefix('http://')}")
            assert says(pilot, '{"sku": "x[red]"}')
            assert server.asked == []
            await pilot.press("y")
            await until(pilot, lambda: "passed" in row(pilot, "Posting works"))
            assert [a.body for a in server.asked] == [b'{"sku": "x[red]"}']
