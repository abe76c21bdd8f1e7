"""The Gauges screen: live values of a real service and of this machine, paused, past, slow."""

from __future__ import annotations

import re
import time

import pytest
from textual.widgets import Input

from opsdeck.checks.reading import Reading
from opsdeck.screens.gauge import GaugeScreen
from opsdeck.screens.gauges import GaugesScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import ASCII, UNICODE, Glyphs
from tests.gauges.made import spec
from tests.probes.partners_http import json_reply
from tests.screens.desk import AppPilot, app_of, listed, row, says, shown, to_row, until
from tests.screens.gauge_desk import HOSTILE, GaugeDesk, open_gauges

TREND = re.compile(r"[▁▂▃▄▅▆▇█]{2,}\s")


def header(pilot: AppPilot) -> str:
    """The first line of the screen in front."""
    return shown(pilot)[0]


async def seen(pilot: AppPilot, number: float, word: str) -> None:
    """Wait until the queue's row says so."""
    pattern = re.compile(rf"{word} .* {number:g}\b")
    await until(pilot, lambda: pattern.search(row(pilot, "Queue")), 10)


async def test_all_gauges_stand_by_their_source(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        await until(pilot, lambda: re.search(r" [\d.]+ %", row(pilot, " CPU ")))
        # THEN this machine comes first, then the service, each under its name
        lines = listed(pilot).plain_lines()
        own = next(n for n, line in enumerate(lines) if line.startswith(" THIS MACHINE"))
        web = next(n for n, line in enumerate(lines) if line.startswith(" web "))
        queue = next(n for n, line in enumerate(lines) if "Queue" in line)
        memory = next(n for n, line in enumerate(lines) if "Memory" in line)
        assert own < memory < web < queue
        # AND a row says state, title, how full, number, age
        assert re.match(r"[▌ ]  ✓ ok +Queue +█░+│░+│░* +10 ", lines[queue])
        assert lines[queue].endswith(" now")
        # AND what stands behind a number
        assert re.search(r"\d.* of \d[\d.]* [MGT]B", lines[memory])
        assert "all ok" in header(pilot)


async def test_a_breach_is_said_shown_and_recorded(
    gauge_desk: GaugeDesk,
) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        # WHEN more wait than may
        gauge_desk.service.number = 95
        await seen(pilot, 95, "critical")
        assert row(pilot, "Queue").lstrip("▌ ").startswith("✗ critical")
        await until(pilot, lambda: says(pilot, "CRITICAL: web: Queue 95, limit 90"))
        await until(pilot, lambda: "1 critical" in header(pilot))
        await until(pilot, lambda: gauge_desk.turns() == [("ok", "critical")])


async def test_p_reads_the_playbook_and_says_where_one_is_missing(gauge_desk: GaugeDesk) -> None:
    bare = spec("bare", title="Bare", probe=gauge_desk.queue.probe, value="status")
    gone = spec(
        "gone", title="Gone", probe=gauge_desk.queue.probe, value="status", playbook="no-such"
    )
    async with gauge_desk.app(bare, gone).run_test(size=(100, 40)) as pilot:
        screen = await open_gauges(pilot)
        await to_row(pilot, "queue")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await until(pilot, lambda: says(pilot, "API Response Slowdown"))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await to_row(pilot, "bare")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "no playbook is named for this"))
        await to_row(pilot, "gone")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "there is no runbooks/no-such.md"))


async def test_unknown_says_why_and_keeps_the_last_value(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        gauge_desk.service.number = None
        await until(pilot, lambda: "unknown" in row(pilot, "Queue"), 10)
        assert "last 10: the look tells no body.waiting" in row(pilot, "Queue")
        # WHEN it answers again
        gauge_desk.service.number = 12
        await seen(pilot, 12, "ok")


async def test_a_service_that_is_gone_is_told_with_its_reason(gauge_desk: GaugeDesk) -> None:
    gauge_desk.service.partner.close()
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await open_gauges(pilot)
        await until(pilot, lambda: "connection refused" in row(pilot, "Queue"), 10)
        assert "unknown" in row(pilot, "Queue")


async def test_space_stands_still_and_goes_on(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        screen = await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "paused"))
        assert re.search(r"Gauges at \d\d:\d\d:\d\d, \d+ s ago", header(pilot))
        # WHEN values come in meanwhile
        gauge_desk.service.number = 77
        watching = app_of(pilot).watching
        assert watching is not None
        gauge = watching.board.gauge("queue")
        assert gauge is not None
        await until(pilot, lambda: gauge.value == 77, 10)
        # THEN what is shown is as it was
        assert re.search(r" 10\b", row(pilot, "Queue"))
        assert screen.moment is not None
        assert re.search(r"\d.* of \d[\d.]* [MGT]B", row(pilot, "Memory"))
        # AND they stand there once it goes on
        await pilot.press("space")
        await seen(pilot, 77, "warning")
        assert says(pilot, "live again")


async def test_why_there_is_no_number_stands_while_paused(gauge_desk: GaugeDesk) -> None:
    gauge_desk.service.number = None
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await open_gauges(pilot)
        await until(pilot, lambda: "unknown" in row(pilot, "Queue"), 10)
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "paused"))
        assert "? unknown" in row(pilot, "Queue")
        assert "the look tells no body.waiting" in row(pilot, "Queue")


async def test_what_did_it_look_like_back_then(gauge_desk: GaugeDesk) -> None:
    # GIVEN a kept past: 95 seven to five minutes ago, 20 since then
    past = [(ago, 95.0 if ago > 300 else 20.0) for ago in range(900, 30, -5) if ago < 420]
    gauge_desk.keep([(float(ago), number) for ago, number in past])
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        screen = await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        # WHEN stepping back minute by minute
        for _ in range(2):
            await pilot.press("[")
        await until(pilot, lambda: re.search(r"ok .* 20\b", row(pilot, "Queue")))
        for _ in range(4):
            await pilot.press("[")
        await until(pilot, lambda: re.search(r"critical .* 95\b", row(pilot, "Queue")))
        assert "6 min ago" in header(pilot)
        # AND ten minutes more, where nothing was seen
        await pilot.press("{")
        await until(pilot, lambda: "no value" in row(pilot, "Queue"))
        # AND back
        await pilot.press("}")
        await until(pilot, lambda: "critical" in row(pilot, "Queue"))
        for _ in range(6):
            await pilot.press("]")
        await until(pilot, lambda: screen.moment is None)
        await seen(pilot, 10, "ok")


async def test_at_a_time_that_is_typed(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(float(ago), 60.0) for ago in range(1_200, 60, -5)])
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        screen = await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        await pilot.press("@")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        # WHEN something else than a time is typed THEN it is said and can be mended
        for wrong, said in (
            ("late", "write 02:20"),
            ("2031-01-01 00:00", "yet to come"),
            ("2020-01-01 00:00", "seven days"),
        ):
            pilot.app.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            await until(pilot, lambda said=said: says(pilot, said))  # type: ignore[misc]
        then = time.gmtime(time.time() - 600)
        pilot.app.screen.query_one(Input).value = time.strftime("%H:%M", then)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        await until(pilot, lambda: re.search(r"warning .* 60\b", row(pilot, "Queue")))
        assert time.strftime("%H:%M:00", then) in header(pilot)
        # AND esc is live again
        await pilot.press("escape")
        await seen(pilot, 10, "ok")


async def test_the_deepest_past_is_the_end_of_the_road(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        screen = await open_gauges(pilot)
        screen.moment = time.time() - 7 * 86_400 + 5
        await pilot.press("[")
        await until(pilot, lambda: says(pilot, "gauges are kept for seven days"))
        await pilot.press("escape", "]")
        await until(pilot, lambda: says(pilot, "this is live"))


async def test_s_is_slow_and_without_trends_and_back(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(float(ago), 40.0) for ago in range(300, 10, -5)])
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauges(pilot)
        await seen(pilot, 10, "ok")
        await until(pilot, lambda: TREND.search(row(pilot, "Queue")))
        await pilot.press("s")
        await until(pilot, lambda: "slow: every 5 s" in header(pilot))
        assert says(pilot, "slow: every 5 s, no trend lines; s goes back")
        await until(pilot, lambda: not TREND.search(row(pilot, "Queue")))
        assert app_of(pilot).watching.slow  # type: ignore[union-attr]
        await pilot.press("s")
        await until(pilot, lambda: "slow" not in header(pilot))
        await until(pilot, lambda: TREND.search(row(pilot, "Queue")))


async def test_slow_by_the_configuration(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app(refresh="slow").run_test(size=(100, 30)) as pilot:
        await open_gauges(pilot)
        assert "slow: every 5 s" in header(pilot)
        await seen(pilot, 10, "ok")  # the first values do not wait for it


async def test_the_place_is_kept_and_enter_opens(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await open_gauges(pilot)
        await to_row(pilot, "queue")
        await pilot.press("up", "down")
        assert listed(pilot).key == "queue"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugesScreen))
        assert listed(pilot).key == "queue"
    # WHEN the session starts again
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugesScreen))
        await until(pilot, lambda: listed(pilot).key == "queue", 10)


async def test_after_a_restart_the_last_values_stand_with_their_age(
    gauge_desk: GaugeDesk,
) -> None:
    # GIVEN a value of twenty minutes ago, and a service that is gone
    gauge_desk.keep([(1_260.0, 40.0), (1_230.0, 41.0), (1_200.0, 42.0)])
    gauge_desk.service.partner.close()
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await open_gauges(pilot)
        assert re.search(r"\b42\b.* 20 min$", row(pilot, "Queue"))


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_titles_units_and_reasons_are_harmless(
    gauge_desk: GaugeDesk, glyphs: Glyphs, size: tuple[int, int]
) -> None:
    evil = spec("evil", title=HOSTILE, unit=HOSTILE[:8], source="web", probe=gauge_desk.queue.probe)
    gauge_desk.service.partner.answer = lambda asked: json_reply('{"waiting": "\\u001b[2J"}')
    async with gauge_desk.app(evil, glyphs=glyphs).run_test(size=size) as pilot:
        await open_gauges(pilot)
        watching = app_of(pilot).watching
        assert watching is not None
        gauge = watching.board.gauge("evil")
        assert gauge is not None
        gauge.take(Reading(cause="value", message=HOSTILE), time.time())
        gauge.take(Reading(cause="value", message=HOSTILE), time.time())
        await pilot.press("s", "s")
        await until(pilot, lambda: "unknown" in row(pilot, "[red]bo"))
        everything = "".join(shown(pilot))
        assert not set(everything) & set("\x1b\x9b\u202e")
        assert all(len(line) <= size[0] for line in shown(pilot))
        if glyphs.ascii:
            assert everything.isascii()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_every_row_fits(gauge_desk: GaugeDesk, size: tuple[int, int]) -> None:
    async with gauge_desk.app().run_test(size=size) as pilot:
        await open_gauges(pilot)
        await until(pilot, lambda: "ok" in row(pilot, "Queue"), 10)
        assert all(len(line) <= size[0] for line in shown(pilot))
