"""Text from outside made harmless: nothing in it may steer a terminal or be taken for markup."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, tzinfo

# C0 and C1 controls, the marks that turn the direction of text around, and what cannot be seen
# (these can make one name look like another). Joiners are among these also for another reason:
# terminals differ on how many cells joined characters take, and Rich raises on stray ones.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in (0x09, 0x0A, 0x0D):
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def visible(text: str) -> str:
    """`text` as one line with control characters made visible instead of obeyed."""
    return _HOSTILE.sub(_picture, text) if _HOSTILE.search(text) else text


def visible_lines(text: str) -> list[str]:
    """`text` as lines, each made harmless; tabs become spaces.

    Only what every program takes for one ends a line: U+2028 is a character in a line of a shell.
    """
    if not text:
        return []
    lines = text.expandtabs(4).replace("\r\n", "\n").replace("\r", "\n")
    return [visible(line) for line in lines.removesuffix("\n").split("\n")]


_TO_ASCII = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "−": "-",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "…": "~",
        "→": ">",
        "←": "<",
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "·": ".",
        "•": "*",
        "µ": "u",
        "\u00a0": " ",
    }
)


def ascii_only(text: str) -> str:
    """`text` in ASCII, for terminals that can show nothing else; what has no twin becomes `?`."""
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKD", text.translate(_TO_ASCII))
    kept = "".join(c for c in folded if not unicodedata.combining(c))
    return kept.encode("ascii", "replace").decode("ascii")


def storable(text: str) -> str:
    """`text` as it may stand in a file: valid Unicode (lone surrogates replaced), stripped."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`3 items`, `1 item`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def time_of_day(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A time of day as the team reads it, `02:31`; with the date when it is not today's."""
    local = at.astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, limit: int) -> str:
    """The text, cut with an ellipsis so that it takes at most `limit` cells."""
    if cells(text) <= limit:
        return text
    kept, room = [], limit - 1
    for character in text:
        room -= _cells_of(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"
