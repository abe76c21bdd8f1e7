"""Sessions of a terminal: what was typed behind prompts, and where it ends."""

from __future__ import annotations

import re

_PLACE = (
    r"^\s*(?:\([\w./ -]+\)\s*)?"
    r"(?:\[[^\]\n]*\]|[\w.-]+@[\w.-]+[:\s][^$#%>\n]*|(?:sh|bash|ksh|zsh)-[\d.]+"
    r"|[\w.-]{1,60}:~?[\w./-]{0,200} [\w.-]{1,60}|[\w.~/-]{1,200}/[\w.-]{0,60}\s?)"
)
"""What a prompt says of where it is: `[me@host ~]`, `me@host:~`, `sh-4.4`, `host:~ me`, `~/src`."""
_PROMPT = re.compile(r"^\s*(?:\([\w./ -]+\)\s*)?[$❯➜]\s+(.*)$|" + _PLACE + r"[$#%❯➜]\s+(.*)$")
_PERCENT = re.compile(r"^\s*%\s+(.*)$")
_ROOT_PROMPT = re.compile(r"^\s*#\s+(.*)$")
_BARE_PROMPT = re.compile(r"^\s*\$([a-z][\w.-]*(?:\s.*)?)$")
"""`$ls`: only in a console where no other prompt is."""
_PROSE = re.compile(r"[^a-z/.]|\S+[ \t]+[a-z]+[ \t]+[a-z]+[ \t]+[a-z]+\b(?![./=-])|.*[a-z][:.]$")
"""What stands behind a `#` where it is no prompt of root's but a comment."""
_OTHER_SHELL = re.compile(r"^\s*(?:PS(?: [A-Za-z]:[^>\n]*| /[^>\n]*)?>|[A-Za-z]:\\[^>\n]*>)", re.M)
TYPED = re.compile(r"^[ \t]*\$ +\S", re.M)
BEGINS = re.compile(
    r"\s*+(?:#.*+\n\s*+)*+(?:\$ +\S|[^\s#]{0,100}@[^\n$#]{1,200}[$#] +\S|[\w./-]{1,99}\$ +\S"
    r"|(?:sh|bash|ksh|zsh)-[\d.]+# +\S|[\w.-]{1,60}:~?[\w./-]{0,200} [\w.-]{1,60}\$ +\S)"
)
"""A shell's fence is a session where the first thing in it that is no comment was typed."""
_HEREDOC = re.compile(r"(?<!<)<<(?!<)-?\s*[\"']?([A-Za-z_]\w*)[\"']?")
_MOST_MORE = 100
"""Lines that a command takes within quotes or loops: what goes on longer was no quote."""


def other_shell(text: str) -> bool:
    """Whether it was typed where no POSIX shell is: `PS C:\\>`."""
    return _OTHER_SHELL.search(text) is not None


def prompted(text: str, *, console: bool = False) -> list[tuple[int, str]]:
    """What was typed behind prompts: (line, command). What the machine answered is left out."""
    lines = text.split("\n")
    prompt = _prompt_of(lines, console)
    if prompt is None:
        return []
    session = _Session(lines, prompt)
    found: list[tuple[int, str]] = []
    at = 0
    while at < len(lines):
        start, said = at, session.said(at)
        at += 1
        if said.strip():
            typed, at = session.typed(said.rstrip(), at)
            found.append((start, typed))
    return found


def _prompt_of(lines: list[str], console: bool) -> re.Pattern[str] | None:
    """The kind of prompt that is used: root's `#` only in a console, where it is no comment."""
    for prompt in (_PROMPT, _PERCENT):
        if any(map(prompt.match, lines)):
            return prompt
    if not console:
        return None
    marked = [match[1] for line in lines if (match := _ROOT_PROMPT.match(line))]
    if marked:
        return None if any(map(_PROSE.match, marked)) else _ROOT_PROMPT
    first = next((line for line in lines if line.strip()), "")
    return _BARE_PROMPT if _BARE_PROMPT.match(first) else None


class _Session:
    """The lines of a session, and what was typed in them."""

    def __init__(self, lines: list[str], prompt: re.Pattern[str]) -> None:
        self._lines = lines
        self._prompt = prompt
        self._last = {line.strip(): number for number, line in enumerate(lines)}
        """Where a line stands last: a here-document that never ends is none."""

    def said(self, at: int) -> str:
        """What stands behind the prompt of a line; "" where it has none."""
        match = self._prompt.match(self._lines[at])
        return next((g for g in match.groups() if g), "") if match is not None else ""

    def typed(self, said: str, at: int) -> tuple[str, int]:
        """A command that begins with `said`, and the line after it."""
        lines = self._lines
        typed = [said]
        ends = self._documents(said, at)
        while at < len(lines) and (ends or typed[-1].endswith("\\")):
            line = lines[at].removeprefix("> ")
            at += 1
            typed.append(line)
            if not ends:
                ends = self._documents(line, at)
            elif line.strip() == ends[0]:
                ends.pop(0)
        while at < len(lines) and lines[at].startswith("> "):
            typed.append(lines[at][2:])
            at += 1
        more = self._more(typed, at)
        return "\n".join([*typed, *lines[at : at + more]]), at + more

    def _documents(self, line: str, at: int) -> list[str]:
        """The ends of the here-documents that begin in a line."""
        return [end for end in _HEREDOC.findall(line) if self._last.get(end, -1) >= at]

    def _more(self, typed: list[str], at: int) -> int:
        """How many lines more a command takes that ends in `|` or within quotes or a loop; 0 where
        it never ends before the next prompt: then it is whole as it stands."""
        shell = _Shell()
        for line in typed:
            shell.take(line)
        for more in range(_MOST_MORE + 1):
            if not shell.waits:
                return more
            if at + more >= len(self._lines) or self._prompt.match(self._lines[at + more]):
                return 0
            shell.take(self._lines[at + more])
        return 0


_OPENS = re.compile(r"""\\.|['"]|(?<!\S)#""")
_CLOSES = {"'": re.compile("[^']*+'"), '"': re.compile(r'(?:[^"\\]|\\.)*+"')}
_HEADS = ("for", "while", "until", "if", "case")


class _Shell:
    """What a shell has read so far, as far as it matters for whether it waits for more."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        """Loops and the like that were opened and not closed."""
        self._head = self._joined = False

    @property
    def waits(self) -> bool:
        """Whether it would not run anything yet."""
        return bool(self._quote) or self._depth > 0 or self._head or self._joined

    def take(self, line: str) -> None:
        """The next line."""
        bare = self._bare(line)
        words = re.split(r"[\s;]+", bare)
        opened = sum(words.count(word) for word in ("do", "then", "case", "{"))
        closed = sum(words.count(word) for word in ("done", "fi", "esac", "}"))
        self._depth += opened - closed
        self._head = (self._head or words[0] in _HEADS) and not opened
        if bare.strip():
            self._joined = bare.rstrip().endswith(("|", "&&", "\\"))

    def _bare(self, line: str) -> str:
        """A line without what is quoted or a comment."""
        kept, at = [], 0
        while at < len(line) or self._quote:
            if self._quote:
                found = _CLOSES[self._quote].match(line, at)
                if found is None:
                    break
                self._quote = ""
            else:
                found = _OPENS.search(line, at)
                if found is None:
                    kept.append(line[at:])
                    break
                kept.append(line[at : found.start()] + ("" if found[0] == "#" else "x"))
                if found[0] == "#":
                    break
                self._quote = found[0] if found[0] in "'\"" else ""
            at = found.end()
        return "".join(kept)
