"""Fenced code of a playbook: its language and attributes, and the commands in it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from opsdeck.catalog.markdown_text import clean, fold
from opsdeck.catalog.playbook import Command
from opsdeck.durations import LONGEST_S, parse_duration

# fmt: off
SHELLS = frozenset((
    "sh", "bash", "shell", "zsh", "ksh", "dash", "ash", "fish", "shellscript", "shell-script",
    "bash-script", "csh", "tcsh",
))
CONSOLES = frozenset((
    "console", "shell-session", "shellsession", "shell-console", "sh-session", "bash-session",
    "zsh-session", "terminal", "term", "cli", "command", "commandline", "command-line", "cmdline",
    "session",
))
# fmt: on
_WORD = re.compile(r"""([\w.-]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}]+))?""")
_LANGUAGE = re.compile(
    r"^\s*(?:\{code(?:-block)?\}\s*|\{\s*(?:#[\w:-]+\s+)?)?(?:#!)?(?:/(?:usr/)?bin/)?[\"']?\.?"
    r"(?:language-|lang-)?([\w+#-]+)"
)
_PLACE = (
    r"^\s*(?:\([\w./ -]+\)\s*)?"
    r"(?:\[[^\]\n]*\]|[\w.-]+@[\w.-]+[:\s][^$#%>\n]*|(?:sh|bash|ksh|zsh)-[\d.]+"
    r"|[\w.-]{1,60}:~?[\w./-]{0,200} [\w.-]{1,60}|[\w.~/-]{1,200}/[\w.-]{0,60}\s?)"
)
"""What a prompt says of where it is: `[me@host ~]`, `me@host:~`, `sh-4.4`, `host:~ me`, `~/src`."""
_PROMPT = re.compile(r"^\s*(?:\([\w./ -]+\)\s*)?[$❯➜]\s+(.*)$|" + _PLACE + r"[$#%❯➜]\s+(.*)$")
_PERCENT = re.compile(r"^\s*%\s+(.*)$")
_ROOT_PROMPT = re.compile(r"^\s*#\s+(.*)$")
_PROSE = re.compile(r"[^a-z/.]|\S+[ \t]+[a-z]+[ \t]+[a-z]+[ \t]+[a-z]+\b(?![./=-])|.*[a-z][:.]$")
"""What stands behind a `#` where it is no prompt of root's but a comment."""
_TYPED = re.compile(r"^[ \t]*\$ +\S", re.M)
_BEGINS = re.compile(
    r"\s*(?:#.*\n\s*)*(?:\$ +\S|[^\s#]{0,100}@[^\n$#]{1,200}[$#] +\S|[\w./-]{1,99}\$ +\S)"
)
"""A shell's fence is a session where the first thing in it that is no comment was typed."""
_HEREDOC = re.compile(r"(?<!<)<<(?!<)-?\s*[\"']?([A-Za-z_]\w*)[\"']?")
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:[^"\\]|\\.)*"|(?:^|(?<=\s))#.*""", re.M | re.S)
_MOST_MORE = 60
_NO = ("false", "no", "0", "off")


class Info(NamedTuple):
    """The info string of a fence: `sh {name=x timeout=30s}`."""

    language: str
    attributes: dict[str, Any]


def read_info(info: str) -> Info:
    """Its language in lower case, and its attributes; a bare word is an attribute that is true."""
    info = info.strip()
    match = _LANGUAGE.match(info)
    language = match[1].lower() if match else ""
    rest = info[match.end() :] if match else info
    at = rest.find("{")
    if at >= 0:
        try:
            found = json.loads(rest[at:])
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return Info(language, {str(key).lower(): value for key, value in found.items()})
    attributes: dict[str, Any] = {}
    for word in _WORD.finditer(rest):
        attributes[word[1].lower().lstrip(".")] = True if word[2] is None else _unquoted(word[2])
    return Info(language, attributes)


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = text[1:-1]
        return re.sub(r"\\(.)", r"\1", inner) if text[0] == '"' else inner
    return text


def commands_of(info: Info, content: str, line: int, name: str) -> list[Command]:
    """The commands of a fence: a shell's is one; of a console each prompt is one.

    Where no language is named only what stands behind a `$` counts, for the rest may be output.
    """
    text = content.rstrip("\n")
    if not text.strip():
        return []
    if info.language in SHELLS:
        pieces = prompted(text) if _BEGINS.match(text) else []
        pieces = pieces or [(0, _dedented(text))]
    elif info.language in CONSOLES:
        pieces = prompted(text, root=True) or [(0, _dedented(text))]
    elif not info.language:
        pieces = prompted(text) if _TYPED.search(text) else []
    else:
        return []
    made = [_command(info, piece, line + offset) for offset, piece in pieces]
    return [_named(command, name, number, len(made)) for number, command in enumerate(made, 1)]


def _dedented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text).strip("\n")


def prompted(text: str, *, root: bool = False) -> list[tuple[int, str]]:
    """What was typed behind prompts: (line, command). What the machine answered is left out."""
    lines = text.split("\n")
    found: list[tuple[int, str]] = []
    prompt = _PROMPT
    if not any(map(_PROMPT.match, lines)):
        prompt = _PERCENT
        if root and not any(map(_PERCENT.match, lines)):
            marked = [match[1] for line in lines if (match := _ROOT_PROMPT.match(line))]
            if any(map(_PROSE.match, marked)):
                return []
            prompt = _ROOT_PROMPT
    at = 0
    while at < len(lines):
        match = prompt.match(lines[at])
        start, at = at, at + 1
        said = next((g for g in match.groups() if g), "") if match is not None else ""
        if not said.strip():
            continue
        typed = [said.rstrip()]
        ends = _HEREDOC.findall(typed[0])
        while at < len(lines) and (ends or typed[-1].endswith("\\")):
            typed.append(lines[at].removeprefix("> "))
            if ends and typed[-1].strip() == ends[0]:
                ends.pop(0)
            at += 1
        while at < len(lines) and lines[at].startswith("> "):
            typed.append(lines[at][2:])
            at += 1
        more = 0 if ends else _goes_on("\n".join(typed), lines, at, prompt)
        typed += lines[at : at + more]
        at += more
        found.append((start, "\n".join(typed)))
    return found


def _goes_on(typed: str, lines: list[str], at: int, prompt: re.Pattern[str]) -> int:
    """How many lines more a command takes that ends in `|` or within quotes or a loop; 0 where it
    never ends before the next prompt: then it is whole as it stands."""
    for more in range(min(_MOST_MORE, len(lines) - at) + 1):
        if more and prompt.match(lines[at + more - 1]):
            return 0
        if more:
            typed += "\n" + lines[at + more - 1]
        if _whole(typed):
            return more
    return 0


def _whole(typed: str) -> bool:
    """Whether a shell would not wait for more."""
    bare = _QUOTED.sub("x", typed)
    words = re.split(r"[\s;]+", bare)
    opened = sum(words.count(word) for word in ("do", "then", "case"))
    closed = sum(words.count(word) for word in ("done", "fi", "esac"))
    heads = words[0] in ("for", "while", "until", "if", "case") and not opened
    unquoted = "'" not in bare and '"' not in bare
    return unquoted and not bare.rstrip().endswith(("|", "&&")) and opened <= closed and not heads


def _command(info: Info, text: str, line: int) -> Command:
    given = info.attributes
    shell = info.language if info.language in ("bash", "zsh", "ksh", "dash", "fish") else "sh"
    return Command(
        name=_text(given.get("name")),
        text=text,
        line=line,
        shell=shell,
        cwd=_text(given.get("cwd")),
        env=_environment(given.get("env")),
        timeout_s=_seconds(given.get("timeout")),
        confirm=_confirm(given.get("confirm")),
        interactive=_flag(given.get("interactive")),
        background=_flag(given.get("background")),
        risk=_risk(given),
    )


def _named(command: Command, name: str, number: int, of: int) -> Command:
    import msgspec

    own = command.name or name
    return msgspec.structs.replace(command, name=f"{own} {number}" if of > 1 else own)


def _risk(given: dict[str, Any]) -> str | None:
    risk = given.get("risk")
    if isinstance(risk, str) and risk.strip():
        return fold(risk)
    return "it changes something" if _flag(given.get("changes")) else None


def _text(value: Any) -> str:
    return clean(value).strip() if isinstance(value, str) else ""


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() not in _NO)


def _confirm(value: Any) -> str:
    """The word to type; `confirm` alone asks for `yes`, only `false` for none: a word such as `off`
    is one to type."""
    if isinstance(value, str) and value.lower() not in ("true", "false"):
        return _text(value)
    return "yes" if _flag(value) else ""


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 < value < LONGEST_S else None
    if isinstance(value, str):
        try:
            return float(value) if value.replace(".", "", 1).isdigit() else parse_duration(value)
        except ValueError:
            return None
    return None


def _environment(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(inner) for key, inner in value.items() if str(key).isidentifier()}
    pairs = (part.partition("=") for part in value.split(",")) if isinstance(value, str) else ()
    return {name.strip(): text for name, _, text in pairs if name.strip().isidentifier()}
