"""Top processes: who takes the processor, the memory, the files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from opsdeck.checks.reading import Reading, Wanted
from opsdeck.durations import format_duration
from opsdeck.errors import OpsDeckError
from opsdeck.gauges.words import scaled
from opsdeck.screens.base import Frame
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, fit, wrap

EVERY_S = 3.0
TOP = 50
ORDERS = (("by_cpu", "processor"), ("by_memory", "memory"), ("by_files", "open files"))


class ProcessesScreen(Frame):
    """Looked at every few seconds for as long as it is shown, by the process that looks."""

    AUTO_FOCUS = ""
    KEYS = ("top.back", "top.cpu", "top.memory", "top.files")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,t,h,left", "back", "back", key_display="esc", id="top.back", tooltip="Back"
        ),
        Binding("c", "order(0)", "processor", id="top.cpu", tooltip="Most processor first"),
        Binding("m", "order(1)", "memory", id="top.memory", tooltip="Most memory first"),
        Binding("f", "order(2)", "files", id="top.files", tooltip="Most open files first"),
        Binding("down,j", "lines(1)", show=False, id="top.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", show=False, id="top.up", tooltip="A line up"),
        Binding("pagedown", "pages(1)", show=False, id="top.pagedown", tooltip="A page down"),
        Binding("pageup", "pages(-1)", show=False, id="top.pageup", tooltip="A page up"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._order = 0
        self._seen: dict[str, Any] = {}
        self._why = "looking"
        self._looking = False
        self._timer: Timer | None = None

    def heading(self) -> str:
        """What they are ordered by."""
        return f"Top processes by {ORDERS[self._order][1]}"

    def body(self) -> Iterable[Widget]:
        """One view."""
        view = LineView(self._lines, id="top")
        view.styles.height = "1fr"
        yield view

    def on_mount(self) -> None:
        """Look at once, and then again and again."""
        super().on_mount()
        self._timer = self.set_interval(EVERY_S, self._look)
        self.call_later(self._look)

    def place(self) -> Place | None:
        """The Gauges screen."""
        return self.host.place_of()

    def _look(self) -> None:
        if not self._looking and self.host.screen is self:
            self._looking = True
            self.run_worker(self._looked(), group="top")

    async def _looked(self) -> None:
        def came(_: int, readings: list[Reading]) -> None:
            self._took(readings[0])

        try:
            looks = await self.host.checking.looks()
            probe = {"kind": "host", "target": "host", "parts": [], "top": TOP}
            await looks.read([Wanted(probe=probe, values=("top",), whole=True)], came)
        except OpsDeckError as error:
            self._took(Reading(message=str(error)))
        finally:
            self._looking = False

    def _took(self, reading: Reading) -> None:
        found = (reading.document or {}).get("top")
        if isinstance(found, dict):
            self._seen, self._why = found, ""
        else:
            self._why = reading.message or "nothing was seen"
        if self.ready:  # it may come after the screen was left
            self.view("top").rebuild()

    def _lines(self, width: int) -> list[Line]:
        rows = self._seen.get(ORDERS[self._order][0])
        plain, ellipsis = self.glyphs.plain, self.glyphs.ellipsis
        why = plain(visible(self._why))
        if not isinstance(rows, list):
            return [(), *((Part(f"   {text}", "dim"),) for text in wrap(why, width - 3))]
        head = f"   {'PID':>7}  {'USER':<12} {'CPU':>7} {'MEMORY':>8} {'FILES':>7}  {'UP':<6} NAME"
        lines: list[Line] = [(Part(fit(head, width, ellipsis), "dim"),)]
        if why:
            lines.append((Part(fit(f"   as it was; now: {why}", width, ellipsis), "warn"),))
        return [*lines, *(self._line(row, width) for row in rows if isinstance(row, dict))]

    def _line(self, row: dict[str, Any], width: int) -> Line:
        def number(key: str) -> float:
            value = row.get(key)
            return float(value) if isinstance(value, int | float) else 0.0

        plain, ellipsis = self.glyphs.plain, self.glyphs.ellipsis
        files = row.get("files")
        user = fit(plain(visible(str(row.get("user") or "?"))), 12, ellipsis)
        known = f"{int(files):,}" if isinstance(files, int | float) else "?"
        cells = (
            f"   {int(number('pid')):>7}  {user} ",
            f"{number('cpu_percent'):>5.0f} %",
            f" {scaled(number('memory_bytes')):>8}",
            f" {known:>7}",
            f"  {format_duration(number('age_s')):<6} ",
        )
        ordered = self._order + 1  # the column they are ordered by stands out
        parts = [Part(text, "strong" if n == ordered else "") for n, text in enumerate(cells)]
        name = plain(visible(str(row.get("name"))))
        room = width - sum(cell_len(text) for text in cells)
        return (*parts, Part(fit(name, max(0, room), ellipsis), "accent"))

    def action_order(self, order: int) -> None:
        """c, m, f: what comes first."""
        self._order = order
        view = self.view("top")
        view.scroll_lines(-view.top)
        view.rebuild()
        self.view("header").rebuild()

    def action_lines(self, by: int) -> None:
        """Scroll."""
        self.view("top").scroll_lines(by)

    def action_pages(self, by: int) -> None:
        """Scroll by pages."""
        view = self.view("top")
        view.scroll_lines(by * max(1, view.size.height - 1))

    def action_back(self) -> None:
        """esc: to the gauges."""
        self.dismiss()
