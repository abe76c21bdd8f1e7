"""The Playbooks screen, incidents of a breach, and what one playbook means for the others."""

from __future__ import annotations

import pytest

from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.reader import Reader
from tests.screens.desk import app_of, listed, row, says, to_row, until
from tests.screens.gauge_desk import GaugeDesk
from tests.screens.incident_desk import (
    IncidentDesk,
    drill,
    fill,
    in_front,
    incident_screen,
    start_drill,
    take_form,
    to_command,
    told,
    trust,
)
from tests.watched import queue_gauge

__all__ = ["drill"]


async def test_every_playbook_is_listed_with_what_it_lacks(drill: IncidentDesk) -> None:
    # GIVEN a playbook whose program, link and target are missing here
    (drill.folder / "runbooks" / "rotten.md").write_text(
        "# Rotten\n\n## Go\n\n```sh\nno-such-program --now\n```\n\n[gone](gone.md)\n\n"
        '```toml probe\nkind = "mongodb"\ntarget = "nowhere"\nlook = "server"\n```\n'
    )
    async with drill.app().run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        await pilot.press("4")
        # THEN the team's and the shipped ones are there
        await until(pilot, lambda: says(pilot, "Security Breach"))
        await until(pilot, lambda: "3 missing" in row(pilot, "Rotten"))
        assert "never walked" in row(pilot, "Rotten")
        # AND one of them says what it lacks, before what it says
        await to_row(pilot, "playbook rotten")
        await pilot.press("enter")
        await until(pilot, in_front(pilot, Reader))
        await until(pilot, lambda: says(pilot, "no-such-program is not on this machine"))
        assert says(pilot, "the link to gone.md leads nowhere")
        assert says(pilot, "target nowhere is not configured")
        await pilot.press("escape")
        # AND a part of a title finds it
        await pilot.press("slash", *"rotten", "enter")
        await until(pilot, lambda: not says(pilot, "Security Breach"))
        assert says(pilot, "Rotten")
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "Security Breach"))


async def test_what_was_walked_is_said(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 40)) as pilot:
        await start_drill(pilot)
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "done"))
        await pilot.press("4")
        await until(pilot, lambda: says(pilot, "OPEN INCIDENTS"))
        await until(pilot, lambda: "walked 02:38" in row(pilot, "     Drill"))
        # AND enter on the incident opens it
        await to_row(pilot, f"incident {drill.incident().id}")
        await pilot.press("enter")
        await until(pilot, in_front(pilot, IncidentScreen))


async def test_a_breach_becomes_an_incident(gauge_desk: GaugeDesk) -> None:
    # GIVEN a gauge that goes out of bounds, whose playbook is named
    gauge_desk.service.number = 95
    async with gauge_desk.app().run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: "critical" in row(pilot, "Queue 95"), 20)
        assert "p API Response Slowdown" in row(pilot, "Queue 95")
        await to_row(pilot, "gauge queue")
        # WHEN i is pressed on it THEN the form knows what it is about
        await pilot.press("i")
        await take_form(pilot)
        await until(pilot, in_front(pilot, IncidentScreen), 10)
        one = incident_screen(pilot).incident()
        assert one is not None
        assert one.title.startswith("web: Queue 95, limit 90")
        assert (one.severity, one.gauge, one.current) == (
            "critical",
            "queue",
            "api-response-slowdown",
        )
        assert one.targets == ("web",)
        # AND its gauge is shown, and the breach stands on the timeline
        await until(pilot, lambda: told(pilot, "Queue 95"))
        entries = [entry.text for entry in incident_screen(pilot).entries()]
        assert any(text.startswith("Queue: critical at 95") for text in entries), entries
        # WHEN a step is begun and done THEN the gauge before and after stands there too
        await pilot.press("enter")
        await until(pilot, lambda: told(pilot, "began: Confirm the symptom web: Queue 95"))
        gauge_desk.service.number = 10
        await until(pilot, lambda: told(pilot, "Queue: ok"), 20)
        await pilot.press("escape", "space")
        await until(pilot, lambda: told(pilot, "web: Queue 95 → 10"))
        # AND a second i on the same gauge goes to the same incident
        gauge_desk.service.number = 95
        await pilot.press("1")
        await until(pilot, lambda: row(pilot, "critical web: Queue 95"), 20)
        await to_row(pilot, "gauge queue")
        await pilot.press("i")
        await until(pilot, in_front(pilot, IncidentScreen), 10)
        assert len(app_of(pilot).deck.state.incidents.heads) == 1


async def test_one_playbook_inhibits_another(gauge_desk: GaugeDesk) -> None:
    # GIVEN two gauges out of bounds, and an open incident whose playbook inhibits the other's
    other: GaugeSpec = queue_gauge(every_s=1.0, playbook="database-connection-pool-exhausted")
    import msgspec

    other = msgspec.structs.replace(other, id="pool", title="Pool")
    gauge_desk.service.number = 95
    async with gauge_desk.app(other).run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: row(pilot, "Pool 95") and row(pilot, "Queue 95"), 20)
        assert "p API Response" in row(pilot, "Queue 95")
        await to_row(pilot, "gauge pool")
        await pilot.press("i")
        await take_form(pilot)
        await until(pilot, in_front(pilot, IncidentScreen), 10)
        await pilot.press("1")
        # THEN that one comes last, as a part of it
        await until(pilot, lambda: "part of Database" in row(pilot, "Queue 95"), 10)
        lines = [line for line in listed(pilot).plain_lines() if " critical web: " in line]
        assert [("web: Pool" in line) for line in lines[:2]] == [True, False]


async def test_i_with_nothing_chosen_suggests_the_triage(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        await pilot.press("i")
        await fill(pilot, "Something smells")
        await until(pilot, in_front(pilot, IncidentScreen))
        one = drill.incident()
        assert (one.title, one.current) == ("Something smells", "something-is-wrong")


@pytest.mark.parametrize(
    ("title", "severity", "playbook", "said"),
    [
        ("", "high", "", "a title is needed"),
        ("x", "loud", "", "severity is 'loud'; it must be one of"),
        ("x", "high", "nothing", "there is no playbook 'nothing'"),
    ],
)
async def test_what_is_wrong_with_the_form_is_said(
    drill: IncidentDesk, title: str, severity: str, playbook: str, said: str
) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        await pilot.press("i")
        await fill(pilot, title, severity, playbook)
        await until(pilot, lambda: told(pilot, said))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Prompt))
        assert drill.on_disk().state.incidents.heads == {}


async def test_what_a_session_before_had_begun_is_told(drill: IncidentDesk) -> None:
    # GIVEN a session that is gone while its command ran
    async with drill.app().run_test(size=(80, 30)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 2)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, lambda: says(pilot, "is running"), 10)
        await until(pilot, lambda: says(pilot, "begun"), 10)
        number = next(iter(app_of(pilot).walks.walking.running))
        session = app_of(pilot).session
        await until(pilot, lambda: session.read().key == "act-on-it")  # type: ignore[union-attr]
    async with drill.app().run_test(size=(80, 30)) as pilot:
        await until(pilot, in_front(pilot, IncidentScreen))
        # THEN the next one still shows it as running WHEN it ends THEN it says how
        await until(pilot, lambda: says(pilot, "is running"))
        assert drill.incident().ran[number].outcome == "running"
        (drill.folder / "go").touch()
        await until(pilot, lambda: drill.incident().ran[number].well, 20)
        assert drill.incident().ran[number].ended is not None
        await until(pilot, lambda: says(pilot, "through"))
