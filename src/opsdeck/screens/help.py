"""Help: the keys that apply on the screen one came from, and what the glyphs and words mean."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.gauges.levels import Level
from opsdeck.runs.status import ItemState
from opsdeck.screens.base import Frame
from opsdeck.screens.gauge_rows import STYLES, level_glyph
from opsdeck.screens.wording import STATE_STYLES
from opsdeck.widgets.lines import Line, Part, wrap

_STATES: dict[ItemState, str] = {
    "open": "nobody has said anything of it yet",
    "checking": "a probe is looking",
    "passed": "a probe found it so",
    "attested": "a person gave their word",
    "failed": "a probe found that it does not hold",
    "unknown": "the probe could not look: offline, timeout, no rights; nobody is blamed",
    "stale": "what was found or said is too old to count",
    "overridden": "a person goes on although it fails; shown at sign-off",
    "waived": "it need not hold until a day, with reason and approver",
    "deferred": "put off, with a reason",
    "inactive": "the team does not use that feature",
}

_LEVELS: dict[Level, str] = {
    "ok": "within its limits",
    "warning": "beyond the first limit for long enough, or full within a day",
    "critical": "beyond the second limit, or full within four hours",
    "unknown": "could not be looked at: the reason stands in its row",
}

_NOTES = (
    "What you see is on disk: an act is shown only once the journal has it.",
    "Nothing is ever erased. u takes your own last act back, and the journal keeps both.",
    "A dropped connection loses nothing; the next start comes back to the same item.",
    "Every list, item and screen can be reached by name with ctrl+p.",
)


def help_lines(screen: Frame) -> list[tuple[str, str, str]]:
    """Keys, what they do, and the id for `[keys]`, of all bindings that apply on `screen`."""
    found: dict[str, tuple[list[str], str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.tooltip == "Nothing here" or not active.enabled:
            continue
        key = screen.app.get_key_display(binding)
        name = binding.id or binding.action
        keys, _ = found.setdefault(name, ([], binding.tooltip or binding.description))
        keys.append(key)
    first = [name for name in screen.KEYS if name in found]
    ordered = [(name, *found[name]) for name in (*first, *(n for n in found if n not in first))]
    return [(" ".join(keys), text, name) for name, keys, text in ordered if text]


def build_help(screen: Frame, width: int) -> list[Line]:
    """The help page in `width` cells."""
    glyphs = screen.glyphs
    lines: list[Line] = [
        (Part("Keys here", "title"), Part("  and at the right their ids for [keys]", "dim"))
    ]
    for keys, text, name in help_lines(screen):
        head, text = f"  {glyphs.plain(keys):<14} ", glyphs.plain(text)
        line: Line = (Part(head, "accent"), Part(text))
        gap = width - 1 - cell_len(f"{head}{text}{name}")
        if gap > 0:
            line = (*line, Part(" " * gap + name, "dim"))
        lines.append(line)
    lines += [(), (Part("What an item's state means", "title"),)]
    for state, text in _STATES.items():
        head = f"  {glyphs.states[state]} {state:<12}"
        lines += _explained(head, STATE_STYLES[state], text, width)
    lines += [(), (Part("What a gauge's level means", "title"),)]
    for level, text in _LEVELS.items():
        head = f"  {level_glyph(glyphs, level)} {level:<12}"
        lines += _explained(head, STYLES[level], text, width)
    lines += [
        (),
        (Part(f"  {glyphs.sensed} sensed: ", "accent"), Part("a probe verifies it")),
        (Part(f"  {glyphs.manual} manual: ", "accent"), Part("a person must look")),
        (Part(f"  {glyphs.note} ", "accent"), Part("has notes")),
        (),
        (Part("Good to know", "title"),),
    ]
    for note in _NOTES:
        lines += [(Part(f"  {line}"),) for line in wrap(note, width - 2)]
    return lines


def _explained(head: str, style: str, text: str, width: int) -> list[Line]:
    wrapped = wrap(text, max(10, width - len(head)))
    more = [(Part(" " * len(head) + line),) for line in wrapped[1:]]
    return [(Part(head, style), Part(wrapped[0])), *more]
