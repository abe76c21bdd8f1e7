"""The least a Textual app can be: what every app pays before it does anything of its own."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Static

READY = "Nothing to see here"
"""On the screen once the app is painted."""


class BareApp(App[None]):
    """Header, Footer, one Static."""

    def compose(self) -> ComposeResult:
        """Yield the three."""
        yield Header()
        yield Static(READY)
        yield Footer()


def main() -> None:
    """Run it, as `opsdeck.cli.main` runs the other."""
    BareApp().run()
