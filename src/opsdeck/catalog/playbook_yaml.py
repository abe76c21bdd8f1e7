"""The plain part of YAML, as front matter has it: scalars, lists, pairs of scalars."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

_KEY = r"""(?:"((?:[^"\\]|\\.)*+)"|'((?:[^']|'')*+)'|([\w.-]+))[ \t]*:(?:[ \t]+(.*))?$"""
_PAIR = re.compile("^()" + _KEY)
_INNER_PAIR = re.compile(r"^([ \t]+)" + _KEY)
_ENTRY = re.compile(r"^[ \t]*-[ \t]+(.*)$")
_LIKE_YAML = re.compile(r"""^(?:$|[ \t#\]}]|-(?:[ \t]|$)|["'?\w][^`]*:(?:[ \t]|$))""")
"""A line as it may stand in YAML; prose and fences do not: they are a text between two rules."""
_STRING = r""""(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'"""
_QUOTED = re.compile(rf"({_STRING})[ \t]*(?:#.*)?$")
_BLOCK = re.compile(r"^([|>])[-+\d]*[ \t]*(?:#.*)?$")
_FLOW = re.compile(rf"{_STRING}|#.*|[^,\s\[\]\"'][^,\n\[\]]*+|[\[\]]")
_FLOW_ENDS = re.compile(r"\][ \t]*(?:#.*)?$")


def is_yaml(lines: list[str]) -> bool:
    """Whether all lines may stand in YAML, and one of them is a pair."""
    return any(map(_PAIR.match, lines)) and all(map(_LIKE_YAML.match, lines))


def read_yaml(lines: list[str]) -> dict[str, Any]:
    """What is said in it; whatever else there is belongs to other programs."""
    found: dict[str, Any] = {}
    key = indent = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        pair, entry = _PAIR.match(line), _ENTRY.match(line)
        if pair is not None:
            key = _key(pair)
            found[key], at = _value(pair[5] or "", lines, at, 0)
        elif entry is not None and key:
            if not isinstance(found[key], list):
                found[key] = []
            found[key].append(_scalar(entry[1]))
        elif (inner := _INNER_PAIR.match(line)) is not None and key:
            if found[key] == "":
                found[key], indent = {}, inner[1]
            said = bool(inner[5]) and not inner[5].startswith("#")  # else it has no value
            if isinstance(found[key], dict) and inner[1] == indent and said:
                found[key][_key(inner)], at = _value(inner[5], lines, at, len(indent))
    return found


def _key(pair: re.Match[str]) -> str:
    if pair[4] is not None:
        return pair[4]
    return _unquoted(f'"{pair[2]}"' if pair[2] is not None else f"'{pair[3]}'")


def _value(text: str, lines: list[str], at: int, indent: int) -> tuple[Any, int]:
    """A value that begins with `text`, and the line after it."""
    block = _BLOCK.match(text)
    if block is not None:
        return _block(block[1], lines, at, indent)
    if text.startswith("[") and not indent:
        for end in range(at, len(lines) + 1):
            if end > at and _PAIR.match(lines[end - 1]):
                break
            if _FLOW_ENDS.search(lines[end - 1] if end > at else text):
                return _flow("\n".join([text, *lines[at:end]])), end
    return _scalar(text), at


def _flow(text: str) -> list[str]:
    """The entries of `[a, "b, c"]`."""
    found: list[str] = []
    for entry in _FLOW.findall(text):
        if entry == "]":
            break
        if entry[0] not in "[#":
            found.append(_scalar(entry.strip()))
    return found


def _block(style: str, lines: list[str], at: int, indent: int) -> tuple[str, int]:
    """A text over several lines: `|` keeps them, `>` makes one line of each paragraph."""
    end = at
    while end < len(lines) and _deeper(lines[end], indent):
        end += 1
    said = textwrap.dedent("\n".join(lines[at:end])).strip("\n")
    if style == ">":
        said = "\n".join(part.replace("\n", " ") for part in said.split("\n\n"))
    return said, end


def _deeper(line: str, indent: int) -> bool:
    return not line.strip() or len(line) - len(line.lstrip(" \t")) > indent


def _scalar(text: str) -> str:
    quoted = _QUOTED.match(text)
    if quoted is not None:
        return _unquoted(quoted[1])
    return text.partition(" #")[0].rstrip()


def _unquoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    try:
        return str(json.loads(text)).encode("utf-8", "replace").decode("utf-8")
    except ValueError:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
