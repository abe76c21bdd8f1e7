"""Ids that people can read and that stay the same from one import to the next."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

ID_LIMIT = 60
_PREFIX_LIMIT = 28
_CARRIED_SHARE = 0.8

_ENUMERATION = re.compile(r"^(?:\d{1,4}(?:\.\d{1,4})*[.):]|\d{1,4}(?:\.\d{1,4})+)\s+(?=\S)")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_OTHER = re.compile(r"[^a-z0-9]+")
# Latin letters that NFKD leaves whole.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "ae", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d",
     "œ": "oe", "Œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)  # fmt: skip


def slug(text: str, fallback: str = "item", limit: int = ID_LIMIT) -> str:
    """A readable id for `text`: `[a-z0-9-]`, at most `limit` characters, never empty.

    A leading enumeration ("1.2 ", "3) ") does not count, so inserting a section does not
    rename those after it. Where ASCII cannot carry the text, or leaves out a good part of it,
    a short hash does: `item-3f9a2c`, with `fallback` where there is no word before it.
    """
    text = _ENUMERATION.sub("", text)
    words = _APOSTROPHE.sub("", text)
    carried = True
    if not words.isascii():
        words, carried = _in_ascii(words)
    result = _cut(_OTHER.sub("-", words.lower()).strip("-"), limit)
    if not result or not carried:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]
        return f"{_cut(result, limit - 7) or fallback}-{digest}"
    return result


def _in_ascii(text: str) -> tuple[str, bool]:
    """The text in ASCII as far as that can be, and whether this carries nearly all of it."""
    folded = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    words = "".join(c if c.isalnum() else "" if unicodedata.combining(c) else " " for c in folded)
    ascii_words = words.encode("ascii", "ignore").decode()
    letters, kept = (sum(map(str.isalnum, w)) for w in (words, ascii_words))
    return ascii_words, kept >= letters * _CARRIED_SHARE


def numbered(base: str, taken: set[str], counters: dict[str, int]) -> str:
    """`base` with the first number from 2 up that is free in `taken`; neither is changed,
    but `counters` remembers where the next search for the same base may start."""
    number = counters.get(base, 2)
    while (candidate := f"{_cut(base, ID_LIMIT - 8)}-{number}") in taken:
        number += 1
    counters[base] = number + 1
    return candidate


def item_ids(items: Iterable[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Ids for the (text, group) of one checklist's items, distinct and in order.

    The first of equal texts keeps the plain id; later ones get the name of their group, or
    a number.
    """
    taken: set[str] = set()
    counters: dict[str, int] = {}
    result = []
    for text, group in items:
        chosen = free_item_id(text, group, taken, counters)
        taken.add(chosen)
        result.append(chosen)
    return result


def free_item_id(
    text: str, group: tuple[str, ...], taken: set[str], counters: dict[str, int]
) -> str:
    """An id for one item that is not in `taken`."""
    base = slug(text)
    if base not in taken:
        return base
    if group:
        suffix = slug(group[-1], "group", 20)
        candidate = f"{_cut(base, ID_LIMIT - 1 - len(suffix))}-{suffix}"
        if candidate not in taken:
            return candidate
    return numbered(base, taken, counters)


def checklist_ids(lists: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Ids for checklists given as (title, names of what they stand under, nearest first).

    Equal titles are told apart by the nearest heading above that differs, all of them alike,
    so that their order does not matter; by a number only when no heading differs.
    """
    plain = [slug(title, "list") for title, _ in lists]
    same: dict[str, list[int]] = {}
    for index, base in enumerate(plain):
        same.setdefault(base, []).append(index)
    result = [""] * len(lists)
    taken = {base for base, members in same.items() if len(members) == 1}
    for base, members in same.items():
        if len(members) == 1:
            result[members[0]] = base
            continue
        _tell_apart(base, members, lists, taken, result)
    return result


def _tell_apart(
    base: str,
    members: list[int],
    lists: Sequence[tuple[str, tuple[str, ...]]],
    taken: set[str],
    result: list[str],
) -> None:
    """Give the checklists at `members`, all with the slug `base`, ids of their own."""
    depth = max(len(lists[i][1]) for i in members)
    for level in range(min(depth, 6)):
        names = [lists[i][1][level] if level < len(lists[i][1]) else "" for i in members]
        ids = [prefixed(name, base) if name else base for name in names]
        if len(set(ids)) == len(ids) and taken.isdisjoint(ids):
            break
    else:
        counters: dict[str, int] = {}
        ids = []
        seen = set(taken)
        for _ in members:
            chosen = numbered(base, seen, counters) if base in seen else base
            seen.add(chosen)
            ids.append(chosen)
    for index, chosen in zip(members, ids, strict=True):
        result[index] = chosen
    taken.update(ids)


def prefixed(name: str, base: str) -> str:
    """`base` with the slug of `name` before it, within the length of an id."""
    prefix = slug(name, "list", _PREFIX_LIMIT)
    return f"{prefix}-{_cut(base, ID_LIMIT - 1 - len(prefix))}"


def _cut(text: str, limit: int) -> str:
    """`text` within `limit` characters, ending at a word where one ends near there."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    end = head.rfind("-")
    return head[: end if end > limit // 2 else limit].strip("-")
