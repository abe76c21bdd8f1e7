"""The Deck with gauges: breaches worst first, their playbook one key away, the gauges in short."""

from __future__ import annotations

import re
from typing import Any

import pytest

from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.checks.reading import Reading
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.gauge import GaugeScreen
from opsdeck.screens.gauges import GaugesScreen
from opsdeck.screens.journal import JournalScreen
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import ASCII
from opsdeck.widgets.lines import LineView
from tests.gauges.made import above, spec
from tests.probes.partners_http import blackhole
from tests.screens.desk import AppPilot, Desk, app_of, listed, says, shown, to_row, until
from tests.screens.gauge_desk import HOSTILE, GaugeDesk


def more_gauge(identity: str, **more: Any) -> GaugeSpec:
    """Another gauge of the same service."""
    probe = {"kind": "http", "target": "web", "timeout": 2}
    more = {"title": identity.title(), "value": "body.waiting", "every_s": 1.0, **more}
    return spec(identity, probe=probe, **more)


def now_rows(pilot: AppPilot) -> list[str]:
    """What stands under NOW."""
    lines = listed(pilot).plain_lines()
    end = next(n for n, line in enumerate(lines) if line.startswith(" DUE"))
    return [line.strip() for line in lines[1:end]]


async def breached(pilot: AppPilot, number: float = 95) -> None:
    """Wait until the queue's breach stands on the Deck."""
    await until(
        pilot, lambda: any(f"web: Queue {number:g}" in text for text in now_rows(pilot)), 10
    )


async def test_breaches_stand_under_now_the_worst_first(gauge_desk: GaugeDesk) -> None:
    gauge_desk.service.number = 95
    lesser = more_gauge("lesser", **above(80, 120))
    fine = more_gauge("fine", **above(800, 900))
    async with gauge_desk.app(lesser, fine).run_test(size=(100, 40)) as pilot:
        await breached(pilot)
        await until(pilot, lambda: len(now_rows(pilot)) >= 2)
        rows = now_rows(pilot)
        # THEN each says what, how far beyond what, and its playbook's key
        assert re.match(r"✗ critical web: Queue 95, limit 90 +p API Response Slowdown$", rows[0])
        assert rows[1] == "▲ warning  web: Lesser 95, limit 80"
        assert not any("Fine" in row or "Nothing needs you" in row for row in rows)
        # AND the gauges in short say so too
        assert says(pilot, "GAUGES  1 critical, 1 warning")


async def test_p_opens_the_playbook_of_the_worst_and_of_the_one_meant(
    gauge_desk: GaugeDesk,
) -> None:
    gauge_desk.service.number = 95
    lesser = more_gauge("lesser", playbook="high-memory-usage", **above(80, 120))
    bare = more_gauge("bare", **above(80, 120))
    async with gauge_desk.app(lesser, bare).run_test(size=(100, 40)) as pilot:
        await breached(pilot)
        await until(pilot, lambda: len(now_rows(pilot)) >= 3)
        for key, said in (("daily", "API Response"), ("gauge lesser", "High Memory")):
            await to_row(pilot, key if key.startswith("gauge") else f"list {key}")
            await pilot.press("p")
            await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
            await until(pilot, lambda said=said: says(pilot, said))  # type: ignore[misc]
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        await to_row(pilot, "gauge bare")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "no playbook is named for this"))


async def test_p_while_all_is_well_says_so(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: re.search(r"✓ Queue .* 10\b", "\n".join(shown(pilot))), 10)
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "there is no playbook to call"))
        assert says(pilot, "Nothing needs you now")


async def test_enter_on_a_breach_opens_its_gauge_and_back(gauge_desk: GaugeDesk) -> None:
    gauge_desk.service.number = 95
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await breached(pilot)
        await to_row(pilot, "gauge queue")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        await to_row(pilot, "gauges")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugesScreen))


async def test_a_recovery_is_said_and_clears_the_deck(gauge_desk: GaugeDesk) -> None:
    gauge_desk.service.number = 95
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await breached(pilot)
        gauge_desk.service.number = 10
        await until(pilot, lambda: says(pilot, "web: Queue is ok again"), 20)
        await until(pilot, lambda: says(pilot, "Nothing needs you now"))
        # AND both are events that LAST and the Journal tell in words
        await until(pilot, lambda: gauge_desk.turns() == [(None, "critical"), ("critical", "ok")])
        await until(pilot, lambda: says(pilot, "Queue: ok at 10"))
        await pilot.press("6")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await until(pilot, lambda: says(pilot, "Queue: ok at 10"))


async def test_the_gauges_in_short_without_any_configuration(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        assert isinstance(pilot.app.screen, DeckScreen)
        await until(pilot, lambda: re.search(r"✓ CPU .*%", "\n".join(shown(pilot))), 10)
        text = "\n".join(shown(pilot))
        # THEN this machine's stand two beside each other, none cut
        line = next(line for line in shown(pilot) if "✓ CPU " in line)
        assert re.search(r"✓ CPU +[█░│]{8} +[\d.]+ %.*✓ ", line)
        assert all(len(line) <= 80 for line in shown(pilot))
        # AND all sections are seen in 24 rows
        lines = listed(pilot).plain_lines()
        places = [
            next(n for n, one in enumerate(lines) if one.startswith(f" {name}"))
            for name in ("NOW", "DUE", "GAUGES", "LAST")
        ]
        assert places == sorted(places)
        assert places[-1] < 21, text


async def test_an_old_value_says_how_old_it_is(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(1_260.0, 40.0), (1_200.0, 42.0)])
    gauge_desk.service.partner.close()
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: re.search(r"Queue .*20 min", "\n".join(shown(pilot))), 10)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_texts_are_harmless_on_the_deck(
    gauge_desk: GaugeDesk, size: tuple[int, int]
) -> None:
    gauge_desk.service.number = 95
    queue = {"title": HOSTILE, "unit": "\x1b[31m", "playbook": None}
    async with gauge_desk.app(glyphs=ASCII, queue=queue).run_test(size=size) as pilot:
        await until(pilot, lambda: any("[red]" in text for text in now_rows(pilot)), 10)
        text = "".join(shown(pilot))
        assert text.isascii()
        assert "\x1b" not in text
        assert [line for line in shown(pilot) if len(line) > size[0]] == []


async def test_being_offline_is_said_once_and_the_values_stand(gauge_desk: GaugeDesk) -> None:
    gauge_desk.keep([(100.0, 40.0), (60.0, 42.0)])
    with blackhole() as port:
        place = f"127.0.0.1:{port}"
        app = gauge_desk.app(url=f"http://{place}", anchors=(place,))
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: says(pilot, "OpsDeck is offline since"), 15)
            await until(
                pilot, lambda: re.search(r"Queue .*(1 min|70 s)", "\n".join(shown(pilot))), 10
            )
            # AND nobody is blamed: that is no breach of the service
            assert not any("Queue" in row for row in now_rows(pilot))


async def test_what_does_not_change_is_not_painted_and_nothing_is_laid_out(
    gauge_desk: GaugeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gauge_desk.app().run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: re.search(r"✓ Queue .* 10\b", "\n".join(shown(pilot))), 10)
        app = app_of(pilot)
        assert app.live is not None
        watching = app.watching
        assert watching is not None
        await pilot.pause(1.5)
        painted: list[Any] = []
        laid_out: list[bool] = []
        refresh = LineView.refresh

        def counted(view: LineView, *regions: Any, **options: Any) -> Any:
            painted.append(regions)
            laid_out.append(bool(options.get("layout")))
            return refresh(view, *regions, **options)

        monkeypatch.setattr(LineView, "refresh", counted)
        # WHEN the same values come in again
        gauge = watching.board.gauge("queue")
        assert gauge is not None
        app.live._begun = False  # no tick of its own meanwhile
        await pilot.pause()
        painted.clear()
        gauge.take(Reading(value=gauge.value), watching.now())
        app.show_gauges()
        await pilot.pause()
        # THEN nothing is painted
        assert painted == []
        # AND WHEN one value differs THEN a few cells of one line are, and no layout is made
        gauge.take(Reading(value=11.0), watching.now())
        app.show_gauges()
        await pilot.pause()
        regions = [region for call in painted for region in call]
        assert regions
        assert all(region.height == 1 for region in regions)
        assert sum(region.width for region in regions) <= 60
        assert not any(laid_out)
