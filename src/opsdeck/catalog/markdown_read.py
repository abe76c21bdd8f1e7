"""Read a Markdown file and take its GitHub task lists out as checklists."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.catalog.markdown_html import ends_in_comment, read_html
from opsdeck.catalog.markdown_ids import checklist_ids, item_ids
from opsdeck.catalog.markdown_outline import DraftList, Outline
from opsdeck.catalog.markdown_tasks import checkbox_tasks, label_lines, split_task, table_row
from opsdeck.catalog.markdown_text import InlineReader, Plain, clean, fold
from opsdeck.catalog.markdown_values import ImportedChecklist, ImportedItem
from opsdeck.catalog.model import Cadence
from opsdeck.errors import DataError, NoInputError

MAX_BYTES = 20_000_000

# Each level of a list counts twice, as a list and as its item. The parser recurses, so the
# second, safe figure is for what does not fit Python's stack (hundreds of nested quotations).
_MAX_NESTING = (420, 200)

_FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\n(?=(?:[ \t]*\n|#.*\n)*[\w\"'-]+[ \t]*[:=]|\1)"
    r"((?:(?!(?:\1|\.\.\.)[ \t]*(?:\n|\Z)).*\n)*)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)"
)
_TASK_LINE = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[[ xX]\]\s", re.M)
_NAMED = re.compile(r"^(name|title)[ \t]*[:=][ \t]*(.+)$", re.M)
_ATTRIBUTES = re.compile(r"\s*\{[#.:][^{}]*\}$")
_EXTENSION = re.compile(r"\.(?:md|markdown|mdown|mkdn?|mdx|txt)$", re.I)

_CADENCES: tuple[tuple[Cadence, re.Pattern[str]], ...] = (
    ("daily", re.compile(r"\b(?:daily|(?:every|each) day)\b", re.I)),
    ("weekly", re.compile(r"\b(?:weekly|(?:every|each) week)\b", re.I)),
    ("monthly", re.compile(r"\b(?:monthly|(?:every|each) month)\b", re.I)),
    ("release", re.compile(
        r"\b(?:re)?deploy|\breleas(?:e|es|ing)\b|\b(?:pre|post)?-?launch|\bgo(?:ing)?[- ]?live\b",
        re.I,
    )),
)  # fmt: skip


def read_markdown(path: Path) -> str:
    """The text of a Markdown file: UTF-8, with or without a byte-order mark.

    Raises NoInputError when there is no such readable file and DataError when it is too big
    or not UTF-8. Never waits: a pipe or device is refused, not opened for reading.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NoInputError(f"{path}: there is no such file. Check the name.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NoInputError(f"{path}: cannot be read: {reason}.") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise NoInputError(f"{path}: is a folder. Name a Markdown file in it.")
        if not stat.S_ISREG(mode):
            raise NoInputError(f"{path}: is not a plain file. Save the Markdown to a file first.")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NoInputError(f"{path}: cannot be read: {error.strerror}.") from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{path}: is larger than {MAX_BYTES // 1_000_000} MB, the most that is imported. "
            "Divide it into several files."
        )
    return _decode(data, path)


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            hint = "It looks like UTF-16: save it as UTF-8."
        else:
            hint = "Save it as UTF-8."
        # The decoder does not count the byte-order mark that it has skipped.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        line = data.count(b"\n", 0, offset) + 1
        raise DataError(
            f"{path}:{line}: is not UTF-8: byte 0x{data[offset]:02x} at offset {offset}. {hint}"
        ) from None


def import_markdown(text: str, name: str) -> tuple[ImportedChecklist, ...]:
    """The task lists of a Markdown text as checklists, in reading order.

    `name` is the name of the file; it stands in notes, and as a title where there is no other.
    Never raises on any text: what is no task list gives no checklist.
    """
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    text, stated = _without_front_matter(text)
    name = fold(name)
    outline = Outline(name)
    _Walk(outline).read(text)
    title = outline.title or stated or _title_of_file(name)
    return _finish(outline.lists, title)


def guess_cadence(title: str, section: str) -> Cadence:
    """When a checklist starts afresh, by what its title says, else its section."""
    for words in (title, section):
        for cadence, pattern in _CADENCES:
            if pattern.search(words):
                return cadence
    return "standing"


def _finish(drafts: list[DraftList], document: str) -> tuple[ImportedChecklist, ...]:
    """The drafts with ids, titles and sections."""
    ids = checklist_ids([(draft.title or document, draft.parents) for draft in drafts])
    result = []
    for checklist_id, draft in zip(ids, drafts, strict=True):
        title, section = draft.title or document, draft.section or document
        names = item_ids((item.text, item.group) for item in draft.items)
        items = tuple(
            ImportedItem(
                id=item_id, text=item.text, group=item.group, note=item.note, guide=item.guide
            )
            for item_id, item in zip(names, draft.items, strict=True)
        )
        result.append(
            ImportedChecklist(
                id=checklist_id,
                title=title,
                section=section,
                cadence=guess_cadence(title, section),
                items=items,
            )
        )
    return tuple(result)


def _without_front_matter(text: str) -> tuple[str, str | None]:
    """The text after its YAML or TOML front matter, and the name that this states."""
    found = _FRONT_MATTER.match(text)
    # Two rules around a task list look much the same, and must not swallow it.
    if not found or _TASK_LINE.search(found[2]):
        return text, None
    stated = {key: fold(value.strip().strip("\"'")) for key, value in _NAMED.findall(found[2])}
    # GitHub's issue templates have both: there `title` is what each issue's title begins with.
    return text[found.end() :], stated.get("name") or stated.get("title") or None


def _title_of_file(name: str) -> str:
    words = fold(_EXTENSION.sub("", name.rsplit("/", 1)[-1]).replace("_", " ").replace("-", " "))
    if words.isupper() or words.islower():
        words = words.capitalize()
    return words or "Checklist"


def _as_written(url: str) -> str:
    """Addresses are noted for people to read, so nothing in them is percent-encoded."""
    return url


class _Walk:
    """Walks the block tokens of one document and tells the outline what they are."""

    def __init__(self, outline: Outline) -> None:
        parser = MarkdownIt("commonmark")
        parser.enable(["table", "strikethrough"])
        parser.normalizeLink = _as_written  # type: ignore[method-assign]
        # Inline markup is only parsed where it is wanted, and after `[ ]` has been taken off.
        parser.core.ruler.enableOnly(["normalize", "block"])
        self._parser = parser
        self._env: dict[str, Any] = {}
        self._reader = InlineReader(parser, self._env)
        self._outline = outline
        self._in_head = False
        self._heads: list[str] = []
        self._cells: list[str] = []
        self._hidden = False
        self._last_comment_end = -1

    def read(self, text: str) -> None:
        tokens = self._tokens(text)
        for index, token in enumerate(tokens):
            if "-->" in token.content:
                self._last_comment_end = index
        for index, token in enumerate(tokens):
            match token.type:
                case "inline":
                    if not self._is_hidden(token.content):
                        self._inline(token, tokens[index - 1])
                case "list_item_open":
                    self._outline.open("item", f"{token.info}. " if token.info else "- ")
                case "list_item_close":
                    self._outline.close("item")
                case "blockquote_open":
                    self._outline.open("quote")
                case "blockquote_close":
                    self._outline.close("quote")
                case "fence" | "code_block":
                    if not self._is_hidden(token.content):
                        self._outline.prose(token.content)
                case "html_block":
                    self._html(token.content, index)
                case "table_open" | "tr_open" | "tr_close" | "thead_close":
                    self._table(token.type)

    def _tokens(self, text: str) -> list[Token]:
        for depth in _MAX_NESTING:
            self._env.clear()
            self._parser.options["maxNesting"] = depth
            with suppress(RecursionError):
                return self._parser.parse(text, self._env)
        return []

    def _table(self, event: str) -> None:
        match event:
            case "table_open":
                self._in_head = True
            case "thead_close":
                self._in_head = False
                self._heads = [self._reader.plain(cell).text for cell in self._cells]
            case "tr_open":
                self._cells = []
            case "tr_close" if not self._in_head and not self._hidden:
                table_row(self._outline, self._reader, self._cells, self._heads)

    def _inline(self, token: Token, opener: Token) -> None:
        outline, raw = self._outline, token.content
        if opener.type == "heading_open":
            text = _ATTRIBUTES.sub("", self._reader.plain(raw).text)
            outline.heading(int(opener.tag[1]), text)
        elif opener.type in ("td_open", "th_open"):
            self._cells.append(raw)
        elif boxes := checkbox_tasks(raw):
            for box in boxes:
                self._task(split_task(box))
        elif not outline.in_item:
            return
        elif not outline.at_item_start:
            outline.prose(self._reader.plain(raw, show_urls=True).text)
        elif (task := split_task(raw)) is not None:
            self._task(task)
        else:
            name, rest = label_lines(raw)
            outline.label(self._reader.plain(name).text)
            if rest:
                outline.prose(self._reader.plain(rest, show_urls=True).text)

    def _task(self, task: tuple[bool, str] | None) -> None:
        plain = self._reader.plain(task[1]) if task else Plain("")
        if task and plain.text:
            self._outline.task(plain, task[0])
        elif self._outline.at_item_start:
            self._outline.skip_item()

    def _html(self, html: str, index: int) -> None:
        if self._is_hidden(html):
            return
        # A comment may begin in a list item and end outside, or never; then it hides nothing.
        if ends_in_comment(html):
            self._hidden = index < self._last_comment_end
        read_html(self._outline, html)

    def _is_hidden(self, content: str) -> bool:
        """Whether a comment that began earlier still hides this; it ends where it is closed."""
        if not self._hidden:
            return False
        if "-->" in content:
            self._hidden = False
        return True
