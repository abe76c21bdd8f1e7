"""Starting a release, wherever its lists can be seen."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.base import Frame


class Releasing(Frame):
    """Screens on which R starts a release."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "release", "new release", id="release.start", tooltip="Start a release"),
    ]

    def action_release(self) -> None:
        """Ask for a name and start a release."""
        self.host.opening = True
        self.app.run_worker(self._release_only(), group="act")

    async def _release_only(self) -> None:
        try:
            await self.start_release()
        finally:
            self.host.opening = False

    async def start_release(self) -> bool:
        """Whether a release was started."""
        from opsdeck.screens.prompt import Answers, Field, Prompt
        from opsdeck.screens.release_acts import form_field

        known = list(self.deck.state.releases)

        def draft(answers: Answers) -> Draft:
            return acts.start_release(
                answers["name"].strip(),
                known,
                answers["note"],
                window=answers["window"],
                stakeholders=answers["stakeholders"],
            )

        prompt = Prompt(
            "Start a release",
            [
                Field("name", "Name of the release", "v1.4.2"),
                Field("note", "Note (may stay empty)", "what is in it"),
                form_field("window"),
                form_field("stakeholders"),
            ],
            self.glyphs,
            about="Its lists start afresh; those of other releases stay as they are.",
            check=draft,
        )
        answers = await self.app.push_screen_wait(prompt)
        if answers is None or not await self.host.commit(draft(answers)):
            return False
        self.host.say(f"release {answers['name'].strip()} started", "good")
        return True
