"""What incident and sign-off reports are put together from: plain text, which formats escape."""

from __future__ import annotations

import msgspec


class Heading(msgspec.Struct, frozen=True):
    """A heading; the title of the whole is of level 1."""

    level: int
    text: str


class Paragraph(msgspec.Struct, frozen=True):
    """Something that is known."""

    text: str


class Banner(msgspec.Struct, frozen=True):
    """Something that nobody may overlook."""

    text: str


class Prompt(msgspec.Struct, frozen=True):
    """Something that only people know: what they are asked to write in its place."""

    text: str


class Point(msgspec.Struct, frozen=True):
    """One of several; `more` are points below it, `code` are lines of what was printed."""

    text: str
    more: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


class Points(msgspec.Struct, frozen=True):
    """Several things, each a line."""

    points: tuple[Point, ...]


Cell = str | tuple[str, ...]
"""One text, or several of which each has a line where that is possible."""


class Table(msgspec.Struct, frozen=True):
    """Rows under a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Form(msgspec.Struct, frozen=True):
    """Fields of a form, each with what was filled in."""

    fields: tuple[tuple[str, str], ...]


class Code(msgspec.Struct, frozen=True):
    """Text that stands as it is, line by line."""

    text: str


Block = Heading | Paragraph | Banner | Prompt | Points | Table | Form | Code


def listed(texts: list[str]) -> list[Block]:
    """These texts as points; nothing where there are none."""
    return [Points(tuple(Point(text) for text in texts))] if texts else []
