"""What a document says: its headings, the section about a subject, words, figures, contacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

MOST_HEADINGS = 100
_PART = 4_096

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.{1,300}?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNFINISHED = re.compile(
    r"\b(?:TODO|TBD|TBC|FIXME|XXX+|lorem ipsum|changeme|coming soon|work in progress"
    r"|to be (?:done|defined|decided|written|agreed|determined|confirmed))\b"
    r"|(?:\bnot|n['’]t) yet (?:been )?(?:written|documented|defined|decided|agreed)\b"
    r"|(?:\bnot|n['’]t) (?:been )?(?:written|documented|defined|decided|agreed)(?: down)? yet\b"
    r"|\bno (?:\w{1,20} ){0,3}(?:plan|procedure|policy|strategy|runbook|process)(?: for it)? yet\b"
    r"|\?{3,}|<(?:your|insert|fill)\b[^<>\n]{0,60}>"
    r"|\[(?:your|insert|fill|tbd)\b[^\[\]\n]{0,60}\](?!\()",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_PHONE = re.compile(r"(?<![\w.:/-])(?:\+|00?)[1-9](?:[ ()./-]{0,2}\d){6,14}(?![\w])")
_LINK = re.compile(r"https?://[^\s)>\"'|]{4,300}", re.IGNORECASE)
_EXAMPLE = re.compile(r"(?:^|[@/.])example\.(?:com|org|net)\b|\.(?:example|invalid)\b", re.I)
_FENCED = re.compile(r"^ {0,3}(?:`{3,}|~{3,})", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`[^`\n]{2,200}`(?!`)")
_SPAN = re.compile(
    r"(?<![\w.,])(\d{1,6}(?:\.\d{1,3})?)[ \t-]{0,2}(?:(?:working|business|calendar)[ \t])?"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?|y|years?)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:no|without|not|never|nobody|none)|n['’]t)\b[^.;|]{0,60}"
    r"\b(?:yet|defined|agreed|decided|documented|specified|signed)\b"
    r"|\b(?:yet to|would be|would like|ideally|hopefully|we (?:hope|wish|aim))\b"
    r"|\b(?:no|undefined|missing|unknown) (?:RTO|RPO|retention|recovery (?:time|point))\b",
    re.IGNORECASE,
)
"""Sentences that name a figure and deny it: `we have no RTO yet; 4 hours would be nice`."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}


class Section(NamedTuple):
    """A part of a document: its heading, how deep it is, where it begins and ends (lines)."""

    heading: str
    level: int
    first: int
    end: int


def any_of(alternatives: str) -> re.Pattern[str]:
    """`restore|bring back` as a test that finds either at the beginning of a word."""
    given = [word.split() for word in alternatives.split("|") if word.strip()]
    words = [r"\s+".join(map(re.escape, parts)) for parts in given]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})" if words else r"(?!)", re.IGNORECASE)


def sections(lines: list[str]) -> list[Section]:
    """The headings of a Markdown text (outside fenced code), each with what it spans."""
    marks: list[tuple[int, str, int]] = []
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else mark[1]
        if fence or mark:
            continue
        if found := _ATX.match(line):
            marks.append((number, found[2].strip(), len(found[1])))
        elif (under := _UNDERLINE.match(line)) and _is_prose(lines[number - 1 : number]):
            level = 1 if under[1][0] == "=" else 2
            marks.append((number - 1, lines[number - 1].strip()[:300], level))
    ends = [
        next((n for n, _, deep in marks[i + 1 :] if deep <= level), len(lines))
        for i, (_, _, level) in enumerate(marks)
    ]
    return [Section(h, level, n, end) for (n, h, level), end in zip(marks, ends, strict=True)]


def _is_prose(above: list[str]) -> bool:
    """Whether the line above an underline can be a heading: words, and no other mark."""
    text = above[0].strip() if above else ""
    return bool(text) and not text.startswith(("#", "-", "*", ">", "|"))


def about(text: str, stem: str, subject: str) -> tuple[str, str] | None:
    """The heading and text of the fullest section about `subject`, or None.

    A file that is named after the subject is about it as a whole.
    """
    test = any_of(subject)
    if test.search(re.sub(r"[-_.]+", " ", stem)):
        return stem, text
    lines = text.splitlines()
    found = [s for s in sections(lines) if test.search(s.heading)]
    if not found:
        return None
    texts = [(s.heading, "\n".join(lines[s.first : s.end])) for s in found]
    return max(texts, key=lambda pair: words_in(pair[1]))


def words_in(text: str) -> int:
    """How many words a reader finds; remarks that Markdown does not show are none."""
    return sum(1 for _ in _WORD.finditer(_without_remarks(text)))


def _without_remarks(text: str) -> str:
    kept: list[str] = []
    begin = 0
    while (mark := text.find("<!--", begin)) >= 0:
        kept.append(text[begin:mark])
        end = text.find("-->", mark)
        begin = end + 3 if end >= 0 else len(text)
    return " ".join([*kept, text[begin:]])


def said(text: str, contains: Iterable[str], figure: str) -> dict[str, Any]:
    """What a text (or the section of it that counts) has to say."""
    read = _without_remarks(text)
    parts = list(_parts(read))
    wanted = {entry: _mentions(parts, any_of(entry)) for entry in contains}
    spans = spans_of(read, figure) if figure else []
    return {
        "words": words_in(text),
        "contains": wanted,
        "lacks": [entry for entry, there in wanted.items() if not there],
        "unfinished": _count(_parts(text), _UNFINISHED),
        "commands": _count(parts, _FENCED) // 2 + _count(parts, _INLINE),
        "contacts": _contacts(parts),
        "figures_s": spans[:50],
        "figure_s": max(spans, default=None),
    }


def _parts(text: str) -> Iterator[str]:
    """The text in pieces of some lines: one search holds up every other thread for its length."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + _PART) + 1 or len(text)
        end = min(end, begin + 4 * _PART)
        yield text[begin:end]
        begin = end


def _count(parts: Iterable[str], pattern: re.Pattern[str]) -> int:
    return sum(len(pattern.findall(part)) for part in parts)


def _mentions(parts: Iterable[str], test: re.Pattern[str]) -> bool:
    return any(test.search(part) for part in parts)


def _contacts(parts: list[str]) -> dict[str, int]:
    mails: set[str] = set()
    links: set[str] = set()
    phones: set[str] = set()
    for part in parts:
        if "@" in part:
            mails |= {m for m in _MAIL.findall(part) if not _EXAMPLE.search(m)}
        links |= {link for link in _LINK.findall(part) if not _EXAMPLE.search(link)}
        phones |= {re.sub(r"\D", "", m[0]) for m in _PHONE.finditer(part)}
    counts = {"emails": len(mails), "phones": len(phones), "links": len(links)}
    return {**counts, "total": sum(counts.values())}


def spans_of(text: str, figure: str) -> list[float]:
    """The durations, in seconds, on lines that name `figure`, or in a table's column of it."""
    test = any_of(figure)
    found: list[float] = []
    column: int | None = None
    for line in text.splitlines():
        cells = line.strip().strip("|").split("|") if "|" in line else []
        if column is not None and column < len(cells):
            found += _spans(cells[column])
            continue
        column = next((i for i, cell in enumerate(cells) if test.search(cell)), None)
        found += _named(line, test)
    return found


def _named(line: str, test: re.Pattern[str]) -> list[float]:
    """The durations of a line that names the figure, unless a sentence denies that there is one."""
    if not test.search(line):
        return []
    sentences = _SENTENCE.split(line)
    denied = [sentence for sentence in sentences if _DENIED.search(sentence)]
    if any(test.search(sentence) for sentence in denied):
        return []
    return [span for one in sentences if one not in denied for span in _spans(one)]


def _spans(text: str) -> list[float]:
    return [float(m[1]) * _UNITS[_unit(m[2])] for m in _SPAN.finditer(text)]


def _unit(word: str) -> str:
    lower = word.lower()
    return "mo" if lower.startswith("mo") else lower[0]
