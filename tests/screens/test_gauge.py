"""One gauge: its plot, its limits, its changes, what was seen, and consent to what it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from opsdeck.catalog.gauges import Limit
from opsdeck.screens.gauge import GaugeScreen
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import ASCII
from tests.gauges.made import spec
from tests.probes.partners_http import json_reply
from tests.screens.desk import AppPilot, app_of, asked, row, says, shown, to_row, until
from tests.screens.gauge_desk import HOSTILE, GaugeDesk, open_gauge, open_gauges


def text(pilot: AppPilot) -> str:
    """All of the screen in front."""
    return "\n".join(shown(pilot))


def columns(pilot: AppPilot, row: str) -> int:
    """How many columns of the plot are filled in the row with this label."""
    [line] = [line for line in shown(pilot) if re.match(rf" *{row} │", line)]
    return sum(c in "▁▂▃▄▅▆▇█" for c in line.split("│", 1)[1])


async def test_everything_about_a_gauge_on_one_screen(gauge_desk: GaugeDesk) -> None:
    # GIVEN 95 five to three minutes ago, 20 since then
    past = [(float(ago), 95.0 if ago > 180 else 20.0) for ago in range(300, 2, -5)]
    gauge_desk.keep(past)
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        await open_gauge(pilot)
        await until(pilot, lambda: re.search(r"✓ ok +10\b", text(pilot)), 10)
        said = text(pilot)
        # THEN its limits stand in the plot, on an absolute scale
        assert re.search(r"^ +90 │.*[▁-█]", said, re.MULTILINE)
        assert re.search(r"^ +50 │", said, re.MULTILINE)
        assert re.search(r"^ +0 ", said, re.MULTILINE)
        # AND what was above a limit fills about two fifths of the plot, what was below does not
        assert 15 <= columns(pilot, "90") <= 40
        assert re.search(r"\d\d:\d\d, 5 min +\d\d:\d\d$", said, re.MULTILINE)
        # AND statistics, limits, source and playbook are there
        assert re.search(r"in 5 min +min 10 +mean [\d.]+ +p50 20 +p95 95 +max 95", said)
        assert re.search(r"limits +warning 50 +critical 90", said)
        assert "http probe of web, every 1 s" in said
        assert "API Response Slowdown   p reads it" in said
        assert all(len(line) <= 80 for line in shown(pilot))


async def test_w_shows_more_time(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(float(ago), 30.0) for ago in range(3_000, 2, -5)])
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauge(pilot)
        wide = []
        for name in ("5 min", "1 h", "6 h"):
            await until(pilot, lambda name=name: says(pilot, f", {name} "))  # type: ignore[misc]
            assert says(pilot, f"in {name}")
            [line] = [line for line in shown(pilot) if re.match(r" +▁|.*│.*[▁-█]{3}", line)][-1:]
            wide.append(sum(c in "▁▂▃▄▅▆▇█" for c in line))
            await pilot.press("w")
        # THEN fifty minutes fill five, most of an hour, and little of six
        assert wide[0] > 80
        assert 60 < wide[1] < wide[0]
        assert 5 < wide[2] < 20
        await until(pilot, lambda: says(pilot, ", 5 min "))


async def test_changes_of_level_stand_in_the_plot_and_under_it(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauge(pilot)
        await until(pilot, lambda: re.search(r"✓ ok +10\b", text(pilot)), 10)
        gauge_desk.service.number = 95
        await until(pilot, lambda: says(pilot, "ok to critical"), 10)
        assert re.search(r"ok to critical( after \d+ s)?, at 95", text(pilot))
        await until(pilot, lambda: re.search(r"─✗", text(pilot)))
        assert re.search(r"✗ critical +95 +Queue 95, limit 90", text(pilot))


async def test_e_shows_what_the_probe_saw_harmlessly(gauge_desk: GaugeDesk) -> None:
    body = json.dumps({"waiting": 10, "note": HOSTILE, "deep": {"list": [1, 2]}})
    gauge_desk.service.partner.answer = lambda asked: json_reply(body)
    async with gauge_desk.app(glyphs=ASCII).run_test(size=(80, 24)) as pilot:
        screen = await open_gauge(pilot)
        await until(pilot, lambda: "+ ok" in text(pilot), 10)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await until(pilot, lambda: says(pilot, '"status": 200'))
        everything = text(pilot)
        assert '"waiting": 10' in everything
        assert "[red]boo[/]" in everything
        assert everything.replace("\n", "").isascii()
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)


async def test_e_on_a_gauge_of_this_machine(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        await open_gauges(pilot)
        await to_row(pilot, "host-memory")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        await until(pilot, lambda: re.search(r"✓ ok +[\d.]+ %", text(pilot)), 10)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await until(pilot, lambda: says(pilot, '"detail"'))


async def test_the_past_is_seen_here_too(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(float(ago), 95.0 if ago > 180 else 20.0) for ago in range(600, 2, -5)])
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauge(pilot)
        for _ in range(5):
            await pilot.press("[")
        await until(pilot, lambda: re.search(r"✗ critical +95 +as it was at", text(pilot)))
        await pilot.press("space")
        await until(pilot, lambda: re.search(r"✓ ok +10\b", text(pilot)), 10)


async def test_a_command_runs_only_once_it_was_agreed_to(
    gauge_desk: GaugeDesk, tmp_path: Path
) -> None:
    # GIVEN a gauge that runs a command which leaves a trace
    trace = tmp_path / "ran"
    argv = ["/bin/sh", "-c", f"echo x >> {trace}; echo 42"]
    probe = {"kind": "command", "argv": argv, "timeout": 5}
    runs = spec("runs", title="Runs", probe=probe, value="exit_code", every_s=1.0)
    async with gauge_desk.app(runs).run_test(size=(120, 40)) as pilot:
        screen = await open_gauges(pilot)
        await to_row(pilot, "runs")
        await until(pilot, lambda: "unknown" in row(pilot, "Runs"), 10)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        gauge = pilot.app.screen
        # THEN nothing ran, and the key is named
        await until(pilot, lambda: says(pilot, "y shows what it is"), 10)
        assert not trace.exists()
        # WHEN the operator looks at it and says no
        await pilot.press("y")
        await asked(pilot)
        await until(pilot, lambda: "echo 42" in " ".join(text(pilot).split()))
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is run"))
        assert not trace.exists()
        # AND then yes
        await pilot.press("y")
        await asked(pilot)
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.screen is gauge)
        await until(pilot, trace.exists, 10)
        await until(pilot, lambda: re.search(r"✓ ok +0\b", text(pilot)), 10)
        # AND agreeing to what runs nothing is told
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await to_row(pilot, "queue")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "this gauge runs nothing"))


async def test_a_gauge_that_is_configured_no_more(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        await open_gauge(pilot)
        app = app_of(pilot)
        assert app.watching is not None
        app.watching.board.configure(type(app.deck.config.gauges)())
        await until(pilot, lambda: says(pilot, "this gauge is no longer there"), 10)
        await pilot.press("w", "e", "p", "y", "[", "space", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, GaugeScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12), (30, 8)])
async def test_it_fits_every_terminal(gauge_desk: GaugeDesk, size: tuple[int, int]) -> None:
    gauge_desk.keep([(float(ago), 95.0) for ago in range(300, 2, -5)])
    async with gauge_desk.app(queue={"title": HOSTILE}).run_test(size=size) as pilot:
        await until(pilot, lambda: app_of(pilot).live is not None, 10)
        app_of(pilot).open_gauge("queue")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        await until(pilot, lambda: re.search(r"✓ ok +10", text(pilot)), 10)
        assert all(len(line) <= size[0] for line in shown(pilot))
        assert not set(text(pilot)) & set("\x1b\x9b\u202e")


async def test_limits_that_say_that_low_is_bad(gauge_desk: GaugeDesk) -> None:
    low = {"warn": Limit("<=", 50), "crit": Limit("<=", 20), "unit": "%", "for_s": 120.0}
    async with gauge_desk.app(queue=low).run_test(size=(100, 30)) as pilot:
        await open_gauge(pilot)
        await until(pilot, lambda: re.search(r"10 %", text(pilot)), 10)
        # THEN what does not count yet is said to be beyond
        await until(pilot, lambda: says(pilot, "beyond a limit for"), 10)
        assert says(pilot, "warning below 50 %   critical below 20 %, once it lasts 2 min")
