"""What the keys of an incident do; every act is on disk before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import tzinfo
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.model import ROLES, Incident, IncidentState, StepState
from opsdeck.journal.writing import Draft
from opsdeck.screens.base import Frame
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.walks import Walks
from opsdeck.text import plural, visible

DraftsOf = Callable[[Answers], list[Draft]]


class IncidentKeys(Frame):
    """The acts; subclasses say which incident, playbook and step are meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "step('done')",
            "done",
            id="step.done",
            tooltip="Done, or take that back; a check box: tick it",
        ),
        Binding("s", "step('skipped')", "skip", id="step.skip", tooltip="Skip the step, and why"),
        Binding("f", "step('failed')", "failed", id="step.failed", tooltip="It failed, and how"),
        Binding("n", "note", "note", id="incident.note", tooltip="A note for the timeline"),
        Binding(
            "t",
            "backfill",
            "earlier",
            id="incident.backfill",
            tooltip="What happened earlier, filed at its time",
        ),
        Binding(
            "u",
            "update",
            "told others",
            id="incident.update",
            tooltip="What others were told; the reminder begins anew",
        ),
        Binding("m", "mitigate", "mitigated", id="incident.mitigate", tooltip="It hurts no more"),
        Binding("M", "resolve", "resolved", id="incident.resolve", tooltip="It is over: report"),
        Binding(
            "O", "reopen", show=False, id="incident.reopen", tooltip="It is not over after all"
        ),
        Binding("a", "take", "take role", id="incident.take", tooltip="Become commander or scribe"),
        Binding(
            "H",
            "hand_over",
            "hand over",
            id="incident.handover",
            tooltip="Hand your role over, with a note for the next one",
        ),
        Binding(
            "i",
            "change",
            show=False,
            id="incident.change",
            tooltip="Another title, severity or targets",
        ),
        Binding("p", "contacts", "contacts", id="incident.contacts", tooltip="Whom to call"),
        Binding("w", "report", show=False, id="incident.report", tooltip="Write the report now"),
    ]

    def incident(self) -> Incident | None:
        """The incident."""
        raise NotImplementedError

    def here(self) -> tuple[Playbook, Step] | None:
        """The step that is shown."""
        raise NotImplementedError

    def catch_up(self) -> None:
        """Before a key acts: what is under the cursor is what is shown."""

    @property
    def shown_zone(self) -> tzinfo:
        """The zone of the times on the screen, in which those that are typed are read."""
        raise NotImplementedError

    def tick_here(self) -> int | None:
        """The check box under the cursor."""
        return None

    def step_done(self) -> None:
        """A step was done or skipped: the next one comes."""

    @property
    def walks(self) -> Walks:
        """What is walked in this session."""
        return self.host.walks

    # How acts are done

    def work(self, work: Coroutine[Any, Any, object]) -> None:
        """Do it in a worker of the app: leaving this screen must not cut off an act halfway."""
        self.host.opening = True

        async def worked() -> None:
            try:
                await work
            except UsageError as error:
                self.host.say(str(error), "warn")
            finally:
                self.host.opening = False

        self.app.run_worker(worked(), group="act")

    async def save(self, *drafts: Draft, said: str = "") -> bool:
        """Put them on disk, then say so."""
        saved = await self.host.commit(*drafts)
        if saved and said:
            self.host.say(said, "good")
        return saved

    async def ask(
        self,
        title: str,
        fields: list[Field],
        drafts: DraftsOf,
        about: str = "",
        said: str | Callable[[Draft], str] = "",
    ) -> bool:
        """Ask for what the act needs; what is typed is checked before the form closes."""
        prompt = Prompt(title, fields, self.glyphs, about=about, check=drafts)
        answers = await self.app.push_screen_wait(prompt)
        if answers is None:
            return False
        made = drafts(answers)
        return await self.save(*made, said=said if isinstance(said, str) else said(made[0]))

    def now_incident(self) -> Incident:
        """The incident as it is now; raises UsageError where it is gone."""
        one = self.incident()
        if one is None:
            raise UsageError("this incident is no longer in the journal")
        return one

    # Steps

    def action_step(self, state: StepState) -> None:
        """space, s, f: the step under the cursor, or its check box."""
        self.catch_up()
        found, one, tick = self.here(), self.incident(), self.tick_here()
        if found is None or one is None:
            self.say("no step is chosen")
            return
        playbook, step = found
        if state == "done" and tick is not None:
            self.work(self._to_tick(playbook, step, tick))
            return
        self.work(self._to_state(playbook, step, state))

    async def _to_tick(self, playbook: Playbook, step: Step, number: int) -> None:
        one = self.now_incident()
        text = step.ticks[number]
        walk = one.walks.get(playbook.id)
        on = walk is None or (step.id, text) not in walk.ticks
        await self.save(acts.tick(one, playbook, step, text, on=on))

    async def _to_state(self, playbook: Playbook, step: Step, state: StepState) -> None:
        one, walking = self.now_incident(), self.walks.walking
        walk = one.walks.get(playbook.id)
        walked = walk.step(step.id) if walk is not None else None
        if walked is not None and walked.state == state:
            await self.save(acts.step(one, playbook, step, "to do"), said="taken back")
            return
        values = walking.values(playbook, one)
        if state == "done":
            if await self.save(acts.step(one, playbook, step, state, gauges=values)):
                self.step_done()
            return
        word, hint = ("Skip", "why it is not needed") if state == "skipped" else (
            "Failed", "what happened instead")  # fmt: skip
        fields = [Field("reason", "Reason", hint)]

        def drafts(answers: Answers) -> list[Draft]:
            return [acts.step(one, playbook, step, state, reason=answers["reason"], gauges=values)]

        if await self.ask(word, fields, drafts, visible(step.title)) and state == "skipped":
            self.step_done()

    # The timeline

    def action_note(self) -> None:
        """n: a note; `14:05 …` is filed at that time."""
        self.work(self._note("Note", "what you saw or did", "note"))

    def action_update(self) -> None:
        """u: what others were told."""
        self.work(self._note("What were stakeholders told?", "and by which way", "update"))

    async def _note(self, title: str, hint: str, kind: str) -> None:
        one, deck, zone = self.now_incident(), self.deck, self.shown_zone

        def drafts(answers: Answers) -> list[Draft]:
            return [acts.note(one, answers["text"], deck.now(), zone, kind=kind)]

        def said(draft: Draft) -> str:
            return f"noted{acts.filed(draft, deck.now(), zone)}"

        await self.ask(title, [Field("text", "Text", hint)], drafts, said=said)

    def action_backfill(self) -> None:
        """t: what happened earlier."""

        async def backfill() -> None:
            one, deck, zone = self.now_incident(), self.deck, self.shown_zone

            def drafts(answers: Answers) -> list[Draft]:
                text = f"{answers['at'].strip()} {acts.checked(answers['text'], 'text')}"
                if acts.backfilled(text, deck.now(), zone)[0] is None:
                    raise UsageError("the time is not one: write 14:05, or 2026-11-23 14:05")
                return [acts.note(one, text, deck.now(), zone)]

            def said(draft: Draft) -> str:
                return f"noted{acts.filed(draft, deck.now(), zone)}"

            fields = [Field("at", f"When ({zone})", "14:05"), Field("text", "What happened")]
            await self.ask("What happened earlier?", fields, drafts, said=said)

        self.work(backfill())

    def correct(self, event: str, text: str) -> None:
        """What an entry should have said."""

        async def corrected() -> None:
            one = self.now_incident()

            def drafts(answers: Answers) -> list[Draft]:
                return [acts.correct(one, event, answers["text"])]

            about = f"It says: {visible(text)[:300]}"
            fields = [Field("text", "It should have said")]
            await self.ask("Correct an entry", fields, drafts, about, "corrected; both stay")

        self.work(corrected())

    # The incident

    def action_mitigate(self) -> None:
        """m: mitigated."""
        self.work(self._state("Mitigated?", "mitigated", "what helped"))

    def action_reopen(self) -> None:
        """O: it goes on."""
        self.work(self._state("Reopen?", "reopened", "what is wrong again"))

    async def _state(self, title: str, to: IncidentState, hint: str) -> bool:
        one = self.now_incident()
        acts.state(one, to)  # refused before anything is asked

        def drafts(answers: Answers) -> list[Draft]:
            return [acts.state(self.now_incident(), to, answers["note"])]

        fields = [Field("note", "Note (may stay empty)", hint)]
        about = "\n".join([visible(one.title), *(self._left(one) if to == "resolved" else ())])
        return await self.ask(title, fields, drafts, about, f"incident {to}")

    def _left(self, one: Incident) -> list[str]:
        """What is not done yet, for who is about to resolve it."""
        said = [
            f"{visible(str(ran.began.data.get('name', '')))} still runs." for ran in one.running()
        ]
        playbook = self.walks.walking.playbook(one.current)
        walk = one.walk
        if playbook is not None and walk is not None:
            open_steps = [s for s in playbook.steps if walk.step(s.id).state in ("to do", "doing")]
            if open_steps:
                said.append(f"{plural(len(open_steps), 'step')} of {playbook.title} not done.")
        return said

    def action_resolve(self) -> None:
        """M: resolved; the report is written, and what it proves is offered."""

        async def resolve() -> None:
            if await self._state("Resolved?", "resolved", "how it ended"):
                from opsdeck.screens.resolving import after_resolving

                await after_resolving(self.host, self.now_incident())

        self.work(resolve())

    def action_report(self) -> None:
        """w: the report as of now."""

        async def report() -> None:
            from opsdeck.screens.resolving import write_report_of

            await write_report_of(self.host, self.now_incident())

        self.work(report())

    def action_change(self) -> None:
        """i: title, severity, targets."""

        async def change() -> None:
            one, zone = self.now_incident(), self.shown_zone
            fields = [
                Field("title", "Title", "", one.title),
                Field("severity", "Severity", "critical, high, medium or low", one.severity),
                Field("targets", "Affected (with commas)", "web, mongodb", ", ".join(one.targets)),
                Field("began", f"Trouble began ({zone}; may stay empty)", "02:31"),
            ]

            def drafts(a: Answers) -> list[Draft]:
                targets = a["targets"].split(",")
                title, severity = a["title"], a["severity"]
                began = acts.moment_said(a["began"], self.deck.now(), zone)
                return [
                    acts.change(one, title=title, severity=severity, targets=targets, began=began)
                ]

            await self.ask("Change the incident", fields, drafts, said="changed")

        self.work(change())

    def action_take(self) -> None:
        """a: the operator becomes commander; scribe, where commander already."""

        async def take() -> None:
            one, me = self.now_incident(), self.deck.operator
            role = "scribe" if one.roles.get("commander") == me else "commander"
            holder = one.roles.get(role, "")
            about = f"{visible(holder)} is {role} now." if holder else f"Nobody is {role}."
            fields = [Field("role", "Role", ", ".join(ROLES), role)]
            await self.ask(
                "Take a role",
                fields,
                lambda a: [acts.take_role(one, a["role"].strip(), me)],
                about,
                "taken",
            )

        self.work(take())

    def action_hand_over(self) -> None:
        """H: a role goes to somebody else, with what they must know."""

        async def hand_over() -> None:
            one, me = self.now_incident(), self.deck.operator
            mine = next((role for role in ROLES if one.roles.get(role) == me), "commander")
            running = ", ".join(str(r.began.data.get("name", "")) for r in one.running())
            found = self.here()
            fields = [
                Field("role", "Role", ", ".join(ROLES), mine),
                Field("to", "To", "their name"),
                Field("done", "Done", "what was found and done"),
                Field("running", "Running", "what is under way", running),
                Field("next", "Next", "what comes next", found[1].title if found else ""),
            ]

            def drafts(a: Answers) -> list[Draft]:
                if not a["to"].strip():
                    raise UsageError("say to whom: their name is needed")
                note = {key: a[key] for key in ("done", "running", "next")}
                return [acts.take_role(one, a["role"].strip(), a["to"], note)]

            await self.ask("Hand over", fields, drafts, said="handed over")

        self.work(hand_over())

    def action_contacts(self) -> None:
        """p: whom to call."""
        from opsdeck.screens.contacts import open_contacts

        open_contacts(self.host, self.incident())
