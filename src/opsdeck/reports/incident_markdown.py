"""A report's blocks as Markdown: what came from outside is text in it, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from opsdeck.reports.as_markdown import safe
from opsdeck.reports.incident_blocks import (
    Banner,
    Block,
    Cell,
    Code,
    Form,
    Heading,
    Paragraph,
    Point,
    Points,
    Prompt,
    Table,
)
from opsdeck.reports.incident_document import document
from opsdeck.reports.incident_report import IncidentReport
from opsdeck.text import visible_lines

_TICKS = re.compile("`+")
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)


def incident_markdown(report: IncidentReport) -> str:
    """A whole post-incident report; times are in the deck's time zone."""
    return markdown_of(document(report))


def markdown_of(blocks: Iterable[Block]) -> str:
    """These blocks as a document."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks) + "\n"


def told(text: str) -> str:
    """Text on one line, shown as itself; what begins like an address is no link either."""
    return _WWW.sub(r"\1\\.", safe(text))


def fenced(text: str) -> list[str]:
    """Lines that stand as they are, within a fence that none of them can close."""
    lines = visible_lines(text)
    longest = max((len(found) for line in lines for found in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {told(text)}"
        case Paragraph(text):
            yield told(text)
        case Banner(text):
            yield f"**{told(text)}**"
        case Prompt(text):
            yield f"*{told(text)}*"
        case Points(points):
            for point in points:
                yield from _point(point)
        case Table(head, rows):
            yield f"| {' | '.join(map(told, head))} |"
            yield f"|{'---|' * len(head)}"
            for row in rows:
                yield f"| {' | '.join(map(_cell, row))} |"
        case Form(fields):
            yield "\\\n".join(f"**{told(name)}**: {told(text)}".rstrip() for name, text in fields)
        case Code(text):
            yield from fenced(text)


def _cell(cell: Cell) -> str:
    return told(cell) if isinstance(cell, str) else "; ".join(told(text) for text in cell if text)


def _point(point: Point) -> Iterator[str]:
    yield f"- {told(point.text)}"
    for more in point.more:
        yield f"  - {told(more)}"
    if point.code:
        yield from (f"  {line}".rstrip() for line in fenced("\n".join(point.code)))
