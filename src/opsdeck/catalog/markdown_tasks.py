"""How a task looks: `[ ]` at the start of a list item or a table cell, or a check box."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opsdeck.catalog.markdown_outline import Outline
from opsdeck.catalog.markdown_text import InlineReader, Plain

# Inside the brackets stands one space (some editors write a no-break space), x or X; after them
# white space, or nothing more.
_BOX = re.compile(r"\s*\[([ \t\n\xa0xX])\](?:\s+|$)")
_INPUT_TAG = re.compile(r"<input\b[^<>]{0,400}>", re.I)
_INPUT = re.compile(r"\s*(?:<label\b[^<>]{0,200}>\s*)?(<input\b[^<>]{0,400}>)\s*", re.I)
_CHECKBOX = re.compile(r"""\stype\s*=\s*["']?checkbox\b""", re.I)
_CHECKED = re.compile(r"""\schecked(?=[\s=/>])""", re.I)
_CELL_PARTS = re.compile(r"<(?:br|/?(?:li|ul|ol|p|div))\b[^<>]{0,200}>", re.I)
_BOLD_LINE = re.compile(r"\s*(\*\*|__)(?!\s)[^*_]{1,200}\1[:：]?\s*$")
_BULLET = re.compile(r"\s*(?:[-*+•]\s+)?")


def is_checkbox(tag: str) -> bool:
    """Whether the source of an HTML tag is that of a check box."""
    return bool(_CHECKBOX.search(tag))


def is_checked(tag: str) -> bool:
    """Whether the source of a check box says that it is ticked."""
    return bool(_CHECKED.search(tag))


def split_task(raw: str) -> tuple[bool, str] | None:
    """Whether the task is ticked and its text, or None where `raw` does not begin as a task."""
    if box := _BOX.match(raw):
        return box[1] in "xX", raw[box.end() :]
    if (found := _INPUT.match(raw)) and is_checkbox(found[1]):
        return is_checked(found[1]), raw[found.end() :]
    return None


def checkbox_tasks(raw: str) -> list[str]:
    """The parts of a paragraph that each begin with an HTML check box, if it begins with one."""
    found = _INPUT.match(raw)
    if not found or not is_checkbox(found[1]):
        return []
    starts = [box.start() for box in _INPUT_TAG.finditer(raw) if is_checkbox(box[0])]
    return [raw[start:end] for start, end in zip(starts, [*starts[1:], len(raw)], strict=True)]


def label_lines(raw: str) -> tuple[str, str]:
    """A list item's name and what is said about it: a bold first line is a name of its own."""
    first, _, rest = raw.partition("\n")
    return (first, rest) if rest and _BOLD_LINE.match(first) else (raw, "")


def table_row(
    outline: Outline, reader: InlineReader, cells: Sequence[str], heads: Sequence[str]
) -> None:
    """The tasks of one table row.

    A cell may hold tasks itself (`[ ] text`, several divided by `<br>` or `<li>`), or only the
    box; then the row's first other cell is the text. The rest of the row becomes the guide.
    """
    tasks: list[tuple[Plain, bool]] = []
    boxes: list[tuple[int, bool]] = []
    others: list[tuple[int, str]] = []
    for column, cell in enumerate(cells):
        found = False
        for part in _CELL_PARTS.split(cell):
            task = split_task(part[_bullet_end(part) :])
            if task is None:
                continue
            found = True
            ticked, raw = task
            plain = reader.plain(raw)
            if plain.text:
                tasks.append((plain, ticked))
            else:
                boxes.append((column, ticked))
        if not found and cell.strip():
            others.append((column, cell))
    if not tasks and not boxes:
        if outline.in_item:
            outline.prose(" | ".join(reader.plain(cell, show_urls=True).text for cell in cells))
        return
    subject = _subject(reader, others) if boxes and not tasks else None
    guide = _rest_of_row(reader, others[1:] if subject else others, heads)
    for plain, ticked in tasks:
        outline.task(plain, ticked, guide=guide)
    if subject is None:
        return
    for column, ticked in boxes:
        # Several boxes in a row are told apart by what their columns are called.
        head = heads[column] if len(boxes) > 1 and column < len(heads) else ""
        outline.task(subject, ticked, guide=guide, group=head)


def _bullet_end(part: str) -> int:
    found = _BULLET.match(part)
    return found.end() if found else 0


def _subject(reader: InlineReader, others: list[tuple[int, str]]) -> Plain | None:
    plain = reader.plain(others[0][1]) if others else None
    return plain if plain and plain.text else None


def _rest_of_row(
    reader: InlineReader, cells: Sequence[tuple[int, str]], heads: Sequence[str]
) -> str:
    lines = []
    for column, cell in cells:
        text = reader.plain(cell, show_urls=True).text
        head = heads[column] if column < len(heads) else ""
        if text:
            lines.append(f"{head}: {text}" if head else text)
    return "\n".join(lines)
