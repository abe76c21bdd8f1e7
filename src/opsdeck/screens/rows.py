"""A screen that is one list, and comes back to the row where the operator stood."""

from __future__ import annotations

from textual import on

from opsdeck.screens.base import Frame
from opsdeck.session import Place
from opsdeck.widgets.list import LineList


class RowsFrame(Frame):
    """Subclasses yield a LineList with the id `rows` and have it want `first`."""

    def __init__(self) -> None:
        super().__init__()
        self.first: str | None = None
        """The key that the cursor should stand on once the rows exist."""

    @property
    def rows(self) -> LineList:
        """The list."""
        return self.query_one("#rows", LineList)

    def start_at(self, key: str | None) -> None:
        """Put the cursor there, now or once the rows exist."""
        self.first = key
        for rows in self.query(LineList):
            rows.want(key)

    def place(self) -> Place | None:
        """The row under the cursor."""
        return self.host.place_of(key=self.rows.place_key if self.ready else self.first)

    @on(LineList.Moved)
    def _moved(self) -> None:
        self.host.keep_place()
