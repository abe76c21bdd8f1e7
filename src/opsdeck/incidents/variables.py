"""Variables of commands: `{{host}}` becomes a value that the shell takes for nothing but text.

Where a placeholder stands decides how its value is written. Outside of quotes it becomes one
quoted word. Inside of quotes, here-documents and comments only plain values are taken, for what
stands there may be handed on to another interpreter (ssh, mongosh), which no quoting for this
shell would stop.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Literal

from opsdeck.errors import UsageError

PLACEHOLDER = re.compile(
    r"\{\{\s*(?!(?:end|else|break|continue)\s*\}\})([A-Za-z_][\w.-]{0,60})\s*\}\}"
)
"""`{{host}}`; not what templates of kubectl and docker end their ranges with."""
_PLAIN = re.compile(r"[\w@%+=:,./ -]*")
_BARE = re.compile(r"[\w@%+=:,./-]*")
_UNSET = re.compile(r"\$\{?([A-Z][A-Z0-9_]{1,60})\}?(?![\w:?=-])")

_HEREDOC = re.compile(r"<<-?[ \t]*([^\s;|&<>()]+)")
_HANDS_ON = re.compile(
    r"(?<![\w.-])(?:ssh|eval|su|xargs|watch|parallel|exec|source|doas|nsenter|chroot|trap|scp|rsync"
    r"|tmux|sed|[gmn]?awk|(?:ba|da|z|k|mk|a|fi|c|tc)?sh|pwsh|at|batch|crontab|g?make|alias"
    r"|pdsh|pssh|clush|ansible|salt|python[\d.]*|perl|ruby|node|php|lua|sqlite3|ed|dc|gdb)"
    r"(?![\w./-])"
    r"|\|[^|;\n]*(?:\\\n[^|;\n]*)*\b(?:mongo(?:sh)?|mysql|psql|redis-cli)\b"
    r"|(?:^|[;&|({!\n]|\b(?:then|do|else|if|while|until|time|command|builtin))[ \t]*"
    r"(?:\.[ \t]|\$\{?[A-Za-z_])|\$\{!|@P\}|\bPS4="
    r"|\s-[A-Za-z]*[ceS](?![\w-])|--(?:command|eval)\b"
    r"|\(\(|\$\[|\[\[|\s-(?:eq|ne|lt|le|gt|ge)\s|(?:\[|test|printf)\s+(?:!\s+)?-v\s"
    r"|\w\[[^\[\]\n]*\]+\+?="
    r"|(?<![\w./-])(?:let|declare|typeset|local|unset|read|mapfile|readarray|getopts)\s"
)
"""What hands its words on to another interpreter, or to the shell's own arithmetic, which runs
`a[$(command)]`: there no value is safe in quotes."""

_GIVEN = re.compile(r"\b([A-Za-z_]\w*)=")
_USED = re.compile(r"(?<![\w\"'])\$\{?([A-Za-z_]\w*)")

LONGEST_LOOKED_THROUGH = 50_000
"""In a longer text no value is taken that would need quotes: it is filled whenever it is shown."""

Place = Literal["bare", "quoted", "text"]
"""Outside of quotes, within simple ones, or anywhere else (comment, here-document, backquotes)."""


def names_in(texts: Iterable[str]) -> list[str]:
    """The variables that these texts hold, each once, in order."""
    found = (match[1] for text in texts for match in PLACEHOLDER.finditer(text))
    return list(dict.fromkeys(found))


def filled(text: str, values: Mapping[str, str], shell: str = "sh") -> str:
    """A shell text with every placeholder filled in; raises UsageError for a value that must not
    stand where it would, and for one that is missing."""
    strict = shell not in ("sh", "bash", "dash") or _hands_on(text)
    places = {} if strict else places_of(text)
    parts, at = [], 0
    for match in PLACEHOLDER.finditer(text):
        parts.append(text[at : match.start()])
        name = match[1]
        if name not in values:
            raise UsageError(f"{{{{{name}}}}} has no value yet: v gives it one")
        parts.append(_written(name, values[name], places.get(match.start(), "text")))
        at = match.end()
    whole = "".join([*parts, text[at:]])
    if _ends_of(whole) != _ends_of(text):
        raise UsageError("a value would end a here-document: what follows in it would be run")
    return whole


def _hands_on(text: str) -> bool:
    """Whether its words are read anew: by another interpreter, or as a variable that was given one
    and is used outside of quotes."""
    if len(text) > LONGEST_LOOKED_THROUGH or _HANDS_ON.search(text) is not None:
        return True
    before = (word.partition("{{")[0] for word in text.split() if "{{" in word)
    given = {name for part in before for name in _GIVEN.findall(part)}
    return bool(given) and not given.isdisjoint(_USED.findall(text))


def _ends_of(text: str) -> list[int]:
    """The lines that may end a here-document."""
    words = {re.sub(r"[\\\"']", "", word) for word in _HEREDOC.findall(text)}
    return [n for n, line in enumerate(text.split("\n")) if line.strip() in words] if words else []


def plainly_filled(text: str, values: Mapping[str, str]) -> str:
    """A text that no shell reads, such as a folder's path, filled in as it is."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def _written(name: str, value: str, place: Place) -> str:
    shown = f"the value of {{{{{name}}}}}, {value[:60]!r},"
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UsageError(f"{shown} has control characters: nothing is run with them")
    if not value.strip():
        raise UsageError(
            f"{{{{{name}}}}} is empty: /srv/{{{{{name}}}}} would be all of /srv; v sets it"
        )
    if value.startswith("-"):
        raise UsageError(f"{shown} begins with a -: a program would take it for an option")
    if place == "bare":
        return shlex.quote(value)
    allowed = _PLAIN if place == "quoted" else _BARE
    if not allowed.fullmatch(value):
        raise UsageError(
            f"{shown} stands where another shell or program may read it anew: there only letters,"
            " digits and @%+=:,./- are taken; edit the command (e) where you mean it"
        )
    return value


def places_of(text: str) -> dict[int, Place]:
    """Where each placeholder stands, by its offset. What is not certainly bare or quoted is text:
    one here-document, backquote or `$'` makes everything after it so."""
    found: dict[int, Place] = {}
    quote, at, certain, comment, fresh = "", 0, True, False, True
    starts = {match.start(): match.end() for match in PLACEHOLDER.finditer(text)}
    while at < len(text):
        if at in starts:
            sure = certain and not comment
            found[at] = ("quoted" if quote else "bare") if sure else "text"
            at, fresh = starts[at], False
            continue
        character = text[at]
        was_fresh, fresh = fresh, not quote and character in " \t\n;&|()<>"
        if comment:
            comment = character != "\n"
        elif character == "\\" and quote != "'":
            at += 1
            fresh = was_fresh and text.startswith("\n", at)
        elif quote:
            quote = "" if character == quote else quote
            certain = certain and not _nested(text, at, quote)
        elif character in "'\"":
            certain = certain and not (at and text[at - 1] == "$")
            quote = character
        elif character == "#" and was_fresh:
            comment = True
        elif _nested(text, at, "") or text.startswith("<<", at):
            certain = False
        at += 1
    return found


def _nested(text: str, at: int, quote: str) -> bool:
    """Whether another level of shell begins here, in which quotes count anew."""
    if quote == "'":
        return False
    return text[at] == "`" or text.startswith(("$(", "${"), at)


def unset_in(text: str, environ: Mapping[str, str]) -> list[str]:
    """Environment variables that a command needs and that are not set here."""
    assigned = set(
        re.findall(r"(?:^|[\s;(])(?:export\s+|read\s+(?:-r\s+)?)?([A-Z][A-Z0-9_]*)=", text)
    )
    found = (match[1] for match in _UNSET.finditer(_without_single(text)))
    return [n for n in dict.fromkeys(found) if n not in environ and n not in assigned]


def _without_single(text: str) -> str:
    """What stands in single quotes is not the shell's."""
    return re.sub(r"'[^']*'", "''", text)
