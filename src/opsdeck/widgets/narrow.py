"""Send the columns that changed, and not all that stands left of them in the same widget.

Textual cuts a partial update off at its right edge only (`ChopsUpdate.render_segments`, 8.2.8): a
number that changed at column 60 is sent with the sixty columns before it. Over a slow link that is
most of the bytes of a live screen. `docs/decisions.md` has the figures.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class NarrowUpdate(ChopsUpdate):
    """A partial update that is cut off at both edges."""

    def render_segments(self, console: Console) -> str:
        """The update as what is written to the terminal."""
        sequences: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, x1), min(end, x2)
                if strip is None or start >= stop:
                    continue
                part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                sequences += [Control.move_to(start, y).segment.text, part.render(console)]
        return "".join(sequences)


class NarrowCompositor(Compositor):
    """Textual's compositor, with partial updates that are cut off at both edges."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has to be painted again, or None."""
        update = super().render_partial_update()
        if type(update) is ChopsUpdate:
            return NarrowUpdate(update.chops, update.spans, update.chop_ends)
        return update
