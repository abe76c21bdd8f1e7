"""Textual's stylesheet, each source of it read once."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class Sheet(Stylesheet):
    """What was parsed stays, for as long as the theme's variables stay.

    Textual reads the whole stylesheet again at each change of mode, twice on the first way to a
    screen, and at each dialog that brings styles: 5 to 15 ms between a key and its screen.
    """

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._told = variables

    def set_variables(self, variables: dict[str, str]) -> None:
        """Others than before: all is parsed anew. The same: nothing is."""
        if variables != self._told:
            self._told = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        """Bring the rules up to the sources; what is known of a source is not parsed again.

        Raises:
            StylesheetError: a source cannot be read as CSS; the rules stay as they were.
        """
        self.parse()
