"""Fenced code of a playbook: its language and attributes, and the commands in it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from opsdeck.catalog.markdown_text import clean_code, fold
from opsdeck.catalog.playbook import Command
from opsdeck.catalog.playbook_prompts import BEGINS, TYPED, other_shell, prompted
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
_OPTIONS = re.compile(r"(?::[\w-]+:(?:[ \t].*)?\n)+\n*")
"""What MyST says of code in its first lines: `:caption: x`."""
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
    if (options := _OPTIONS.match(text)) is not None:
        line, text = line + options[0].count("\n"), text[options.end() :]
    if not text.strip():
        return []
    if info.language in SHELLS:
        pieces = prompted(text) if BEGINS.match(text) else []
        pieces = pieces or [(0, _dedented(text))]
    elif info.language in CONSOLES:
        pieces = prompted(text, console=True)
        if not pieces and not other_shell(text):
            pieces = [(0, _dedented(text))]
    elif not info.language:
        pieces = prompted(text) if TYPED.search(text) else []
    else:
        return []
    made = [_command(info, piece, line + offset) for offset, piece in pieces]
    return [_named(command, name, number, len(made)) for number, command in enumerate(made, 1)]


def _dedented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text).strip("\n")


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
    return clean_code(value).strip() if isinstance(value, str) else ""


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
