"""Which programs a shell text starts: the first word of each simple command, as far as is plain."""

from __future__ import annotations

import re
import shlex
from bisect import bisect

_BUILTINS = frozenset(
    """. : [ [[ ]] { } ! alias bg break builtin case cd command continue declare dirs disown do done
    echo elif else enable esac eval exec exit export false fg fi for function getopts hash help
    history if in jobs kill let local logout popd printf pushd pwd read readonly return select set
    shift shopt source suspend test then time times trap true type typeset ulimit umask unalias
    unset until wait while""".split()  # noqa: SIM905
)
_PREFIXES = frozenset(
    "sudo env nohup time exec command nice do then else if while until ! { (".split()  # noqa: SIM905
)
_SEPARATORS = frozenset(";|&\n(){}")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_PROGRAM = re.compile(r"[A-Za-z0-9][\w.+-]*|(?:\.{0,2}/)[\w./+-]+")
_HEREDOC = re.compile(r"(?<!<)<<(?!<)-?[ \t]*[\"']?(\w+)")
_FUNCTION = re.compile(r"(?:^|\s)(?:function\s+)?([\w-]+)\s*\(\)", re.M)


LONGEST_READ = 20_000
"""Of a longer text the whole lines within so many characters are read: it is a guess, and shlex
takes a square of a word's length."""


def programs_in(text: str) -> list[str]:
    """Their names, each once, in order; what is computed (`$x`) is not guessed at."""
    if len(text) > LONGEST_READ:
        text = text[:LONGEST_READ].rpartition("\n")[0]
    text = _without_documents(text.replace("\\\n", " "))
    own = {match[1] for match in _FUNCTION.finditer(text)}
    try:
        lexer = shlex.shlex(text.replace("\n", " ;\n"), posix=True, punctuation_chars=";|&()<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = list(lexer)
    except ValueError:
        words = text.split()
    found: dict[str, None] = {}
    expected, skip = True, False
    for word in words:
        if skip:
            skip = False
        elif word and set(word) <= _SEPARATORS:
            expected = True
        elif word and set(word) <= set("<>&0123456789"):
            skip = bool(set(word) & set("<>"))
        elif expected:
            if word in _PREFIXES or _ASSIGNMENT.match(word) or (word[0] == "-" and found):
                continue
            expected = False
            if word not in _BUILTINS and word not in own and _PROGRAM.fullmatch(word):
                found[word] = None
    return list(found)


def _without_documents(text: str) -> str:
    """The text without its here-documents, those that end."""
    lines = text.split("\n")
    ends: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        ends.setdefault(line.strip(" \t"), []).append(number)
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        for begun in _HEREDOC.finditer(line):
            places = ends.get(begun[1], [])
            after = bisect(places, at - 1)
            if after < len(places):
                line, at = line[: begun.start()], places[after] + 1
                break
        kept.append(line)
    return "\n".join(kept)
