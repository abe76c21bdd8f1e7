"""A post-incident report as Markdown: what came from outside is text in it, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opsdeck.reports.as_markdown import safe
from opsdeck.reports.incident_blocks import (
    Block,
    Code,
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
    """The whole report; times are in the deck's time zone."""
    parts = ["\n".join(_lines(block)) for block in document(report)]
    return "\n\n".join(parts) + "\n"


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
        case Prompt(text):
            yield f"*{told(text)}*"
        case Points(points):
            for point in points:
                yield from _point(point)
        case Table(head, rows):
            yield f"| {' | '.join(map(told, head))} |"
            yield f"|{'---|' * len(head)}"
            for row in rows:
                yield f"| {' | '.join(map(told, row))} |"
        case Code(text):
            yield from fenced(text)


def _point(point: Point) -> Iterator[str]:
    yield f"- {told(point.text)}"
    for more in point.more:
        yield f"  - {told(more)}"
    if point.code:
        yield from (f"  {line}".rstrip() for line in fenced("\n".join(point.code)))
