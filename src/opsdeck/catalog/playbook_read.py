"""Read a playbook. Any Markdown opens: a file that is no runbook is one step to read."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.catalog.markdown_text import clean_code, fold, shorten
from opsdeck.catalog.playbook import Block, Command, Playbook, Step
from opsdeck.catalog.playbook_fence import Info, commands_of, read_info
from opsdeck.catalog.playbook_front import split_front
from opsdeck.catalog.playbook_inline import Inline
from opsdeck.catalog.playbook_prepare import prepared
from opsdeck.catalog.playbook_steps import Draft, anchor, parted, starts_of
from opsdeck.catalog.playbook_text import Source, decoded, source_of, title_of
from opsdeck.catalog.playbook_toml import diagnostic, texts, variables_of
from opsdeck.text import storable

__all__ = ["decoded", "read_playbook", "title_of"]

_MAX_NESTING = (420, 200)
_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:`{3,}(?=[^`\n]*$)|~{3,})", re.M)
_NESTED = {
    "blockquote_open": "a quotation is nested too deeply: what stands in it is not read",
    "list_item_open": "a list is nested too deeply: nothing in it or after it is read",
}
_MOST_INDENTED = 4
_TASK = re.compile(r"^\[[ xX]\][ \t]+(.+)", re.S)
_LONGEST_TITLE = 200


def read_playbook(data: bytes, identity: str, file: str = "", *, whole: str = "") -> Playbook:
    """The playbook in a file's bytes; `identity` is its id, whatever its front matter says.

    `whole` is the digest of the whole file where these bytes are only its beginning. Never raises
    on any bytes; `faults` says what could not be understood.
    """
    source = source_of(data, cut=bool(whole))
    front, skipped, fault = split_front(source.text)
    reading = _Reading(source, skipped)
    steps = tuple(reading.steps())
    faults = [fault] if fault else []
    if whole:
        faults.append(f"only its first {len(data) // 1_000_000} MB are read")
    title = _one(front.get("title")) or reading.title or title_of(identity)
    return Playbook(
        id=identity,
        title=shorten(fold(title), _LONGEST_TITLE),
        digest=whole or hashlib.sha256(data).hexdigest(),
        text=source.text,
        severity=_one(front.get("severity")),
        gauges=texts(front.get("gauges")),
        inhibits=texts(front.get("inhibits")),
        variables=variables_of(front.get("variables")),
        about=tuple(reading.about),
        steps=steps,
        file=file,
        faults=(*faults, *dict.fromkeys(reading.faults)),
    )


def _one(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""


class _Reading:
    """Walks the block tokens of one document and sorts them into steps."""

    def __init__(self, source: Source, skipped: int) -> None:
        self._parser = MarkdownIt("commonmark")
        self._parser.enable(["table", "strikethrough"])
        self._parser.disable("html_block")
        self._parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
        self._parser.core.ruler.enableOnly(["normalize", "block"])
        self._env: dict[str, Any] = {}
        self._inline = Inline(self._parser, self._env)
        body = "\n".join(source.text.split("\n")[skipped:])
        text, self._lines = prepared(body, cut=source.cut)
        self._skipped = skipped
        self._broken = source.broken
        self._end = source.text.rstrip().count("\n") + 1 if source.cut else sys.maxsize
        """The last line that is read where the file goes on: what reaches it may not be whole."""
        self._depth = 0
        self.faults: list[str] = []
        self.title = ""
        self.about: list[Block] = []
        self._intro = Draft("", 1)
        self._drafts: list[Draft] = []
        self._lists: list[tuple[str, int]] = []
        self._row: list[str] = []
        self._rows: list[tuple[str, ...]] = []
        self._titles: set[int] = set()
        """Places of texts that became titles: they are not shown again."""
        self._walk(self._tokens(text, self._env))

    def _tokens(self, text: str, env: dict[str, Any]) -> list[Token]:
        for depth in _MAX_NESTING:
            env.clear()
            self._parser.options["maxNesting"] = depth
            with suppress(RecursionError):
                found = self._parser.parse(text, env)
                deep = (t for t in found if t.level >= depth - 1 and t.type in _NESTED)
                if (first := next(deep, None)) is not None:
                    line = self._line(first.map[0] if first.map else 0)
                    self.faults.append(f"line {line}: {_NESTED[first.type]}")
                return found
        self.faults.append("it is nested too deeply: what stands in it is not read")
        return []

    def _line(self, place: int) -> int:
        """The line of the file, from 1, of what stands at a line of the text that is parsed."""
        return self._lines[min(place, len(self._lines) - 1)] + self._skipped + 1

    @property
    def _here(self) -> Draft:
        return self._drafts[-1] if self._drafts else self._intro

    def steps(self) -> Iterator[Step]:
        """The steps; what stands before the first is one where there is anything to do in it."""
        drafts = self._drafts
        if self._intro.to_do or not drafts:
            title = "Before the first step" if drafts else (self.title or "All of it")
            drafts = [self._intro.named(title), *drafts]
        else:
            self.about = self._intro.blocks
        taken: dict[str, int] = {}
        for draft in drafts:
            yield draft.step(anchor(draft.given_id or draft.title, taken))

    def _walk(self, tokens: list[Token]) -> None:
        starts = starts_of(tokens)
        for index, token in enumerate(tokens):
            if index in starts:
                self._begin(tokens, index)
            elif index not in self._titles:
                self._token(token, tokens[index - 1] if index else token)

    def _begin(self, tokens: list[Token], index: int) -> None:
        token = tokens[index]
        line = self._line(token.map[0] if token.map else 0)
        place = index + 1 if token.type == "heading_open" else index + 2
        inline = tokens[place] if place < len(tokens) and tokens[place].type == "inline" else None
        raw, given = inline.content if inline is not None else "", ""
        rest = ""
        if token.type == "heading_open":
            raw, given = parted(raw)
        else:
            raw, _, rest = raw.partition("\n")
            task = _TASK.match(raw)
            raw = task[1] if task else raw
        title, links = self._inline.read(raw)
        plain = title
        for link in links:
            plain = plain.replace(f" ({link.target})", "")  # an address is no part of an anchor
        given = given or (plain if plain != title else "")
        self._drafts.append(Draft(shorten(title, _LONGEST_TITLE) or "Untitled", line, given))
        self._here.links += links
        if inline is not None:
            self._titles.add(place)
        if rest.strip():
            self._text(rest)
        if token.type == "list_item_open":
            self._lists = [("", 0)]

    def _token(self, token: Token, before: Token) -> None:
        match token.type:
            case "inline":
                self._said(token, before)
            case "fence" | "code_block":
                self._code(token)
            case "bullet_list_open" | "ordered_list_open":
                self._lists.append(("", 0))
            case "bullet_list_close" | "ordered_list_close":
                if self._lists:
                    self._lists.pop()
            case "list_item_open":
                mark = f"{token.info}." if token.info else "-"
                if self._lists:
                    self._lists[-1] = (mark, 0)
            case "tr_open":
                self._row = []
            case "tr_close":
                self._rows.append(tuple(self._row))
            case "table_open":
                self._rows = []
            case "table_close":
                self._add(Block(kind="table", indent=self._indent, rows=tuple(self._rows)))
                self._rows = []

    @property
    def _indent(self) -> int:
        return max(0, len(self._lists) - 1)

    def _add(self, block: Block) -> None:
        self._here.blocks.append(block)

    def _mark(self) -> str:
        """The mark of the list item that begins here; what follows in it has none."""
        if not self._lists:
            return ""
        mark, _ = self._lists[-1]
        self._lists[-1] = ("", 0)
        return mark

    def _said(self, token: Token, before: Token) -> None:
        if before.type in ("td_open", "th_open"):
            text, links = self._inline.read(token.content)
            self._row.append(text)
            self._here.links += links
        elif before.type == "heading_open":
            self._heading(token, before)
        else:
            self._text(token.content)

    def _heading(self, token: Token, before: Token) -> None:
        text, links = self._inline.read(parted(token.content)[0])
        if before.tag == "h1" and not self.title and not self._drafts:
            self.title = text
            return
        self._here.links += links
        self._add(Block(kind="heading", text=text, number=int(before.tag[1])))

    def _text(self, raw: str) -> None:
        for part in re.split(r"\n(?=\s*\[[ xX]\]\s)", raw):
            task = _TASK.match(part)
            text, links = self._inline.read(task[1] if task else part)
            here, mark = self._here, self._mark()
            here.links += links
            if task and text:
                self._add(
                    Block(kind="tick", text=text, indent=self._indent, number=len(here.ticks))
                )
                here.ticks.append(text)
            elif text:
                self._add(Block(kind="text", text=text, indent=self._indent, mark=mark))

    def _code(self, token: Token) -> None:
        indented = token.type == "code_block" and self._depth < _MOST_INDENTED
        if indented and _FENCE.search(token.content):
            self._indented(token)
            return
        first, last = token.map or (0, 0)
        info = read_info(token.info) if token.type == "fence" else Info("", {})
        here, line = self._here, self._line(first + (token.type == "fence"))
        content, whole = clean_code(token.content), self._line(last - 1) < self._end
        if whole and info.language == "toml" and "probe" in info.attributes:
            self._add(Block(kind="probe", indent=self._indent, number=len(here.probes)))
            here.probes.append(diagnostic(content, self._line(first)))
            return
        found = commands_of(info, content, line, here.title or "Command") if whole else []
        if found and content != token.content:
            self.faults.append(f"line {line}: unseen characters are left out of a command")
        broken = self._broken_in(line, self._line(last - 1)) if found else 0
        for command in found:
            if broken and "\ufffd" in command.text:
                self._refused(command, broken, info)
                continue
            self._add(Block(kind="command", indent=self._indent, number=len(here.commands)))
            here.add(command)
        if not found and content.strip():
            text = content.rstrip("\n")
            self._add(Block(kind="code", text=text, indent=self._indent, mark=info.language))

    def _broken_in(self, first: int, last: int) -> int:
        """The first of these lines whose bytes are no text; 0 for none."""
        lines = range(first, last + 1) if self._broken else ()
        return next((line for line in lines if line in self._broken), 0)

    def _refused(self, command: Command, line: int, info: Info) -> None:
        """A command whose text is not what its author wrote is shown, and not offered."""
        said = f"line {line} holds bytes that are no UTF-8: this is not offered as a command"
        self._add(Block(kind="code", text=command.text, indent=self._indent, mark=info.language))
        self._add(Block(kind="text", text=said, indent=self._indent))
        self.faults.append(said)

    def _indented(self, token: Token) -> None:
        """Fences that are indented too far for CommonMark, as within `<details>`."""
        lines, (text, inner) = self._lines, prepared(token.content)
        above, last = token.map[0] if token.map else 0, len(lines) - 1
        self._lines, self._depth = [lines[min(above + n, last)] for n in inner], self._depth + 1
        tokens = self._tokens(text, {})
        for index, token in enumerate(tokens):
            self._token(token, tokens[index - 1] if index else token)
        self._lines, self._depth = lines, self._depth - 1
