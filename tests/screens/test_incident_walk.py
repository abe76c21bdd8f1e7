"""An incident in the app: started, its steps walked, its timeline kept, closed with a report."""

from __future__ import annotations

from opsdeck.incidents.times import times_of
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.reader import Reader
from tests.screens.desk import app_of, asked, row, says, shown, to_row, until
from tests.screens.incident_desk import (
    IncidentDesk,
    drill,
    fill,
    in_front,
    incident_screen,
    start_drill,
    told,
)

__all__ = ["drill"]


async def test_an_incident_is_started_with_a_playbook(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN the playbooks WHEN i is pressed on one, and its form is taken as it is
        screen = await start_drill(pilot)
        # THEN the incident is on disk, with its playbook, commanded by who started it
        one = drill.incident()
        assert (one.title, one.severity, one.state) == ("Drill", "critical", "open")
        assert (one.current, one.roles) == ("drill", {"commander": "alice"})
        assert one.here(drill.desk.clock()) == ["alice"]
        # AND its first step is shown, what it says and what it offers
        assert screen.here() is not None
        await until(pilot, lambda: says(pilot, "Read before you act."))
        assert says(pilot, "$ Say hello  only looks")
        assert says(pilot, "echo hello world")


async def test_escape_starts_nothing(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        await pilot.press("i")
        await until(pilot, in_front(pilot, Prompt))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Prompt))
        assert drill.on_disk().state.incidents.heads == {}


async def test_steps_go_through_their_states(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        screen = await start_drill(pilot)
        # WHEN a step is begun with enter and done with space
        await pilot.press("enter")
        await until(pilot, lambda: "doing" in row(pilot, "1 Look first"))
        await pilot.press("escape", "space")
        # THEN that is on disk, and the next step comes
        await until(pilot, lambda: "done" in row(pilot, "1 Look first"))
        await until(pilot, lambda: screen.here()[1].id == "act-on-it")  # type: ignore[index]
        # WHEN it is skipped THEN the reason is asked for, and kept
        await pilot.press("s")
        await fill(pilot, "not needed tonight")
        await until(pilot, lambda: "skipped" in row(pilot, "2 Act on it"))
        # AND so is how one failed
        await pilot.press("f")
        await fill(pilot, "the queue grew")
        await until(pilot, lambda: "failed" in row(pilot, "3 See that"))
        walk = drill.incident().walks["drill"]
        found = {key: (step.state, step.reason) for key, step in walk.steps.items()}
        assert found == {
            "look-first": ("done", ""),
            "act-on-it": ("skipped", "not needed tonight"),
            "see-that-it-worked": ("failed", "the queue grew"),
        }
        # AND WHEN done is said twice THEN it is taken back
        await pilot.press("home", "space")
        await until(pilot, lambda: "done" not in row(pilot, "1 Look first"))
        assert drill.incident().walks["drill"].step("look-first").state == "to do"


async def test_a_check_box_is_ticked_and_cleared(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 40)) as pilot:
        screen = await start_drill(pilot)
        page = screen.pane("page")
        page.focus()
        page.want("tick 1")
        await until(pilot, lambda: page.key == "tick 1")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "[x] Told them"))
        assert drill.incident().walks["drill"].ticks == {("look-first", "Told them")}
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "[ ] Told them"))
        assert drill.incident().walks["drill"].ticks == set()


async def test_diagnostics_are_looked_at_when_the_step_opens(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        # GIVEN a step with a diagnostic WHEN it opens THEN a table is there without a key
        screen = await start_drill(pilot)
        page = screen.pane("page")
        await until(pilot, lambda: any(key.startswith("row 0") for key in page.keys), 20)
        lines = page.plain_lines()
        assert any(line.split() == ["pid", "memory", "name"] for line in lines), lines
        # WHEN c is pressed THEN it looks again
        walks = app_of(pilot).walks
        [place] = walks.found
        first = walks.found[place][0]
        await pilot.press("c")
        await until(pilot, lambda: walks.found[place][0] is not first, 20)
        # AND nothing of it is written to the journal
        assert drill.happened(ev.INCIDENT_LOOKED) == []


async def test_what_was_seen_is_kept_on_the_timeline(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        screen = await start_drill(pilot)
        page = screen.pane("page")
        await until(pilot, lambda: any(key.startswith("row 0") for key in page.keys), 20)
        await pilot.press("o")
        await until(pilot, lambda: told(pilot, "This machine: 2 rows; pid"))
        [looked] = drill.happened(ev.INCIDENT_LOOKED)
        assert looked.data["step"] == "look-first"


async def test_title_severity_and_targets_are_changed(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        await start_drill(pilot)
        await pilot.press("i")
        await fill(pilot, "Only the feed", "low", "web, mongodb, web", "02:31")
        await until(pilot, lambda: told(pilot, "severity is now low; targets are now web, mongodb"))
        one = drill.incident()
        assert (one.title, one.severity) == ("Only the feed", "low")
        assert one.targets == ("web", "mongodb")
        # AND how long it took to be seen is known
        assert told(pilot, "the trouble began at 2026-11-23 02:31 UTC")
        assert times_of(one).detect_s == 7 * 60 + 7
        # AND a time that is none is refused
        await pilot.press("i")
        await fill(pilot, "Only the feed", "low", "web, mongodb", "early")
        await until(pilot, lambda: told(pilot, "'early' is no time: write 14:05, or"))
        await pilot.press("escape")
        # AND what is as it was is said to be
        await pilot.press("i")
        await fill(pilot)
        await until(pilot, lambda: told(pilot, "nothing is changed"))
        await pilot.press("escape")


async def test_links_lead_to_steps_and_playbooks(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 40)) as pilot:
        screen = await start_drill(pilot)
        page = screen.pane("page")
        page.focus()
        page.want("link 0")
        await until(pilot, lambda: page.key == "link 0")
        await pilot.press("enter")
        await until(pilot, lambda: screen.here()[1].id == "act-on-it")  # type: ignore[index]
        screen.pane("steps").want("step look-first")
        await until(pilot, lambda: "link 1" in page.keys)
        page.want("link 1")
        await until(pilot, lambda: page.key == "link 1")
        page.focus()
        await pilot.press("enter")
        # THEN the other playbook is walked, in the same incident, and the first is one row away
        await until(pilot, lambda: says(pilot, "Do nothing."))
        await until(pilot, lambda: list(drill.incident().walks) == ["drill", "other"])
        assert row(pilot, "Drill  0 done")


async def test_what_is_noted_stands_where_it_belongs(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        screen = await start_drill(pilot)
        await pilot.press("n")
        await fill(pilot, "only /feed is slow")
        await until(pilot, lambda: told(pilot, "alice only /feed is slow"))
        # WHEN something is added that happened earlier THEN it is filed there, and marked
        await pilot.press("t")
        await fill(pilot, "02:20", "failed over to b")
        await until(pilot, lambda: told(pilot, "failed over to b (added 02:38)"))
        entries = [entry.text for entry in screen.entries()]
        assert entries[0] == "failed over to b"
        # AND a time that is none is refused before anything is lost
        await pilot.press("t")
        await fill(pilot, "soon", "never")
        await until(pilot, lambda: says(pilot, "the time is not one"))
        await pilot.press("escape")
        # WHEN an entry is corrected THEN both stand there
        timeline = screen.pane("timeline")
        timeline.focus()
        note = next(h for h in drill.happened(ev.INCIDENT_NOTED) if "feed" in h.data["text"])
        timeline.want(f"entry {note.id}")
        await until(pilot, lambda: timeline.key == f"entry {note.id}")
        await pilot.press("e")
        await fill(pilot, "only /news is slow")
        await until(pilot, lambda: told(pilot, "corrected by alice 02:38: only /news is slow"))
        assert told(pilot, "only /feed is slow")
        # AND WHEN stakeholders were told THEN the reminder begins anew
        assert says(pilot, "tell others in 30 min")
        drill.desk.clock.forward(minutes=40)
        app_of(pilot).show_changes(None)
        await until(pilot, lambda: says(pilot, "nobody was told yet: u notes whom"))
        await pilot.press("u")
        await fill(pilot, "mailed the customers")
        told_now = "others were told under a minute ago, again in 30 min"
        await until(pilot, lambda: says(pilot, told_now))


async def test_the_timeline_is_filtered_and_its_zone_changed(drill: IncidentDesk) -> None:
    async with drill.app(timezone="Europe/Berlin").run_test(size=(120, 40)) as pilot:
        await start_drill(pilot)
        assert told(pilot, "03:38 alice incident started")
        await pilot.press("z")
        await until(pilot, lambda: told(pilot, "02:38 alice incident started"))
        await pilot.press("F", "F")
        await until(pilot, lambda: says(pilot, "TIMELINE  step"))
        assert not says(pilot, "incident started")
        assert told(pilot, "walks the playbook Drill")


async def test_two_people_see_each_other(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        await start_drill(pilot)
        identity = drill.incident().id
        # GIVEN bob on another machine
        bob = drill.desk.deck("bob", "box@two")
        bob.record(
            Draft(ev.INCIDENT_PRESENT, {"incident": identity, "here": True}),
            Draft(ev.INCIDENT_NOTED, {"incident": identity, "text": "I look at the queue"}),
        )
        # THEN alice sees that he is there, and what he says
        await until(pilot, lambda: says(pilot, "here: bob"))
        await until(pilot, lambda: told(pilot, "bob I look at the queue"))
        # WHEN she hands over THEN he commands, and knows what he must
        await pilot.press("H")
        await fill(pilot, "commander", "bob", "restarted one", "a dump", "look at the log")
        await until(pilot, lambda: says(pilot, "bob commands"))
        assert told(pilot, "next: look at the log")
        # AND WHEN she takes another role THEN both stand there
        await pilot.press("a")
        await fill(pilot, "scribe")
        await until(pilot, lambda: says(pilot, "bob commands, alice writes"))
        # AND after a quarter of an hour of silence nobody counts as here
        drill.desk.clock.forward(minutes=16)
        assert drill.incident().here(drill.desk.clock()) == []


async def test_what_somebody_else_said_meanwhile_is_not_undone(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(100, 40)) as pilot:
        await start_drill(pilot)
        # GIVEN a form of alice's that is open
        await pilot.press("m")
        await until(pilot, in_front(pilot, Prompt))
        # WHEN bob resolves it before she is done
        bob = drill.desk.deck("bob", "box@two")
        bob.record(Draft(ev.INCIDENT_STATE, {"incident": drill.incident().id, "state": "resolved"}))
        known = app_of(pilot).walks.walking
        await until(pilot, lambda: known.incidents()[0].over)
        await pilot.press("enter")
        # THEN the form says so and nothing is saved
        await until(pilot, lambda: says(pilot, "is resolved: it cannot become mitigated"))
        assert in_front(pilot, Prompt)()
        await pilot.press("escape")
        assert drill.incident().state == "resolved"
        assert not told(pilot, "incident mitigated")


async def test_who_only_reads_is_still_here(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(120, 40)) as pilot:
        await start_drill(pilot)
        screen, now = incident_screen(pilot), drill.desk.clock
        for _ in range(3):
            # WHEN alice only moves about for six minutes
            now.forward(minutes=6)
            await pilot.press("down")
            await screen.stay()
            # THEN she is here, from that key on
            assert drill.incident().present["alice"] == now()
            # AND the next look at it a minute later says nothing
            now.forward(minutes=1)
            kept = len(drill.incident().happenings)
            await screen.stay()
            assert len(drill.incident().happenings) == kept
        # AND the timeline tells once that she came
        await pilot.press("a")
        await fill(pilot, "scribe")
        await until(pilot, lambda: told(pilot, "alice takes the role of scribe"))
        assert sum("alice joined" in line for line in shown(pilot)) == 1
        # WHEN the terminal is left alone THEN it does not say that she is here
        now.forward(minutes=16)
        await screen.stay()
        assert drill.incident().here(now()) == []
        # AND WHEN she is back THEN that stands on the timeline
        await pilot.press("down")
        await screen.stay()
        await until(pilot, lambda: sum("alice joined" in line for line in shown(pilot)) == 2)
        # AND the Deck does not name it among what happened last, and the journal does
        await pilot.press("1")
        await until(pilot, lambda: says(pilot, "alice takes the role of scribe"))
        assert not says(pilot, "still here")
        await pilot.press("6")
        await until(pilot, lambda: sum("alice is still here" in x for x in shown(pilot)) == 3)


async def test_it_is_closed_with_a_report(drill: IncidentDesk) -> None:
    async with drill.app(shipped=True).run_test(size=(80, 30)) as pilot:
        await start_drill(pilot)
        identity = drill.incident().id
        await pilot.press("u")
        await fill(pilot, "called the client")
        await until(pilot, lambda: drill.incident().updated_at is not None)
        drill.desk.clock.forward(minutes=5)
        await pilot.press("m")
        await fill(pilot, "queue is short")
        await until(pilot, lambda: says(pilot, "mitigated"))
        drill.desk.clock.forward(minutes=7)
        # WHEN it is resolved, which says what is not done
        await pilot.press("M")
        await until(pilot, lambda: says(pilot, "3 steps of Drill not done."))
        await fill(pilot, "a bad deployment")
        # THEN the report is there, and what the incident shows of the plan is offered
        await asked(pilot, "Stakeholder notification process")
        report = (drill.desk.home / "incidents" / f"{identity}.md").read_text()
        assert "# " in report
        assert "called the client" in report
        assert "a bad deployment" in report
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "attested"))
        deck = drill.desk.deck(writer="reader@x", shipped=True)
        item = deck.locate("critical-issues/stakeholder-notification")
        assert item.status.state == "attested"
        assert identity in item.status.mark.text  # type: ignore[union-attr]
        assert [h.data["file"] for h in drill.happened(ev.INCIDENT_REPORTED)] == [
            f"incidents/{identity}.md"
        ]
        # AND how long it took stands where its gauges stood
        await until(pilot, lambda: says(pilot, "mitigated after 5 min, resolved after 12 min"))
        # AND an edited report is never written over
        file = drill.desk.home / "incidents" / f"{identity}.md"
        file.write_text(report.replace("called", "CALLED"))
        await pilot.press("w")
        await until(pilot, lambda: len(drill.happened(ev.INCIDENT_REPORTED)) == 2)
        assert "CALLED" in file.read_text()
        assert (file.parent / f"{identity}.new.md").exists()
        # AND it may be reopened
        await pilot.press("O")
        await fill(pilot, "it is back")
        await until(pilot, lambda: drill.incident().state == "reopened")


async def test_the_deck_shows_what_is_open(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await pilot.press("1")
        await until(pilot, lambda: says(pilot, "NOW"))
        await until(pilot, lambda: "open" in row(pilot, "Drill (critical)"))
        await to_row(pilot, f"incident {drill.incident().id}")
        await pilot.press("enter")
        await until(pilot, in_front(pilot, IncidentScreen))
        # AND who is about to start a second one is told of it
        await pilot.press("4")
        await until(pilot, lambda: says(pilot, "PLAYBOOKS"))
        await to_row(pilot, "playbook other")
        await pilot.press("i")
        await until(pilot, in_front(pilot, Prompt))
        assert told(pilot, f"Open already: Drill ({drill.incident().id}).")


async def test_the_next_session_stands_at_the_same_step(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        screen = await start_drill(pilot)
        screen.pane("steps").want("step see-that-it-worked")
        await until(pilot, lambda: says(pilot, "Good when the queue is short."))
        app = app_of(pilot)
        await until(pilot, lambda: (app.session.read() or app.place_of()).incident is not None)
        await until(pilot, lambda: app.session.read().key == "see-that-it-worked")  # type: ignore[union-attr]
    # GIVEN that session cut off WHEN another one begins
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # THEN it shows the same step of the same incident
        await until(pilot, in_front(pilot, IncidentScreen))
        await until(pilot, lambda: says(pilot, "Good when the queue is short."))
        assert incident_screen(pilot).identity == drill.incident().id


async def test_contacts_are_one_key_away(drill: IncidentDesk) -> None:
    from opsdeck.catalog.contacts import Contact, Contacts, OnCall, Rung

    contacts = Contacts(
        oncall=OnCall(
            rotation=("alice", "bob"),
            start=drill.desk.clock().replace(tzinfo=None, day=1),
            ladder=(Rung(after_s=900, to=("bob",)), Rung(after_s=3600, to=("carol",))),
        ),
        people=(Contact(name="bob", role="Platform", ways=(("phone", "+49 30 1"),)),),
    )
    async with drill.app(contacts=contacts).run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        drill.desk.clock.forward(minutes=20)
        # THEN who must be called by now is said without a key
        app_of(pilot).show_changes(None)
        await until(pilot, lambda: says(pilot, "alice commands; call bob (p)"))
        await pilot.press("p")
        await until(pilot, in_front(pilot, Reader))
        await until(pilot, lambda: says(pilot, "ON CALL"))
        assert told(pilot, "now after 15 min bob phone +49 30 1 next after 1 h carol")
        await pilot.press("escape")
        await until(pilot, in_front(pilot, IncidentScreen))


HOSTILE = "\x1b[2J[red]\u202e\x9b31m"


async def test_what_another_journal_calls_things_is_harmless(drill: IncidentDesk) -> None:
    # GIVEN another machine's journal, whose incident has an id and a playbook made to steer
    other = drill.desk.deck("mallory", "evil@box")
    data = {"incident": f"x{HOSTILE}", "title": f"T{HOSTILE}", "severity": f"high{HOSTILE}"}
    walked = {"incident": f"x{HOSTILE}", "playbook": f"p{HOSTILE}", "title": f"P{HOSTILE}"}
    other.record(Draft(ev.INCIDENT_STARTED, data), Draft(ev.INCIDENT_PLAYBOOK, walked))
    async with drill.app().run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        app_of(pilot).open_incident(f"x{HOSTILE}")
        await until(pilot, in_front(pilot, IncidentScreen))
        await until(pilot, lambda: says(pilot, "is no longer there"))
        for mode in ("", "deck", "playbooks", "journal"):
            if mode:
                app_of(pilot).open_mode(mode)
            await until(pilot, lambda: any("T" in line for line in shown(pilot)))
            # THEN nothing of it reaches the terminal as it is
            for character in ("\x1b", "\u202e", "\x9b"):
                assert not any(character in line for line in shown(pilot))
