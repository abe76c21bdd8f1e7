"""Read a playbook. Any Markdown opens: a file that is no runbook is one step to read."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.catalog.markdown_text import clean, fold, shorten
from opsdeck.catalog.playbook import Block, Command, Diagnostic, Playbook, Step
from opsdeck.catalog.playbook_fence import Info, commands_of, read_info
from opsdeck.catalog.playbook_front import split_front, texts
from opsdeck.catalog.playbook_inline import Inline
from opsdeck.catalog.playbook_steps import Draft, anchor, starts_of
from opsdeck.text import storable

_MAX_NESTING = (420, 200)
_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*$)|~{3,})", re.M)
_HIGHLIGHT = re.compile(
    r"""^([ \t]*)(?:\{\{[<%]\s*highlight\s+["']?([\w+-]+)[^}]*[>%]\}\}"""
    r"""|\{%-?\s*highlight\s+([\w+-]+)[^%}]*%\})[ \t]*$"""
)
_HIGHLIGHT_END = re.compile(
    r"^[ \t]*(?:\{\{[<%]\s*/\s*highlight\s*[>%]\}\}|\{%-?\s*endhighlight\s*-?%\})[ \t]*$"
)
_SHORTCODE = re.compile(r"\{\{[<%][^{}\n]*[>%]\}\}")
_TASK = re.compile(r"^\[[ xX]\][ \t]+(.+)", re.S)
_HEADING_ID = re.compile(r"\{#([\w-]++)[^{}]*+\}$")
_LONGEST_TITLE = 200


def decoded(data: bytes) -> str:
    """The text of a file, whatever its encoding: what is no UTF-8 is shown as replaced."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def read_playbook(data: bytes, identity: str, file: str = "") -> Playbook:
    """The playbook in a file's bytes; `identity` is its id, whatever its front matter says.

    Never raises on any bytes; `faults` says what could not be understood.
    """
    text = storable_text(decoded(data))
    front, skipped, fault = split_front(text)
    body = "\n".join(text.split("\n")[skipped:])
    reading = _Reading(_prepared(body), skipped)
    steps = tuple(reading.steps())
    title = _one(front.get("title")) or reading.title or title_of(identity)
    variables = front.get("variables")
    return Playbook(
        id=identity,
        title=shorten(fold(title), _LONGEST_TITLE),
        digest=hashlib.sha256(data).hexdigest(),
        text=text,
        severity=_one(front.get("severity")),
        gauges=texts(front.get("gauges")),
        inhibits=texts(front.get("inhibits")),
        variables={str(k): _plain(v) for k, v in variables.items()}
        if isinstance(variables, dict)
        else {},
        about=tuple(reading.about),
        steps=steps,
        file=file,
        faults=(fault,) if fault else (),
    )


def storable_text(text: str) -> str:
    """Line ends as they should be, and nothing that no file may hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "replace").decode("utf-8")


def title_of(identity: str) -> str:
    """What a playbook is called by its id alone: `high-cpu-usage` is `High cpu usage`."""
    words = identity.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _plain(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # a hexadecimal number of thousands of digits
        return ""


def _one(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""


def _prepared(text: str) -> str:
    """Hugo's highlight is a fence; other shortcodes and comments are not for the reader.

    The number of lines stays as it is.
    """
    if "<!--" in text:
        text = _without_comments(text)
    if "{{<" not in text and "{{%" not in text and "{%" not in text:
        return text
    lines = text.split("\n")
    fence = indent = ""
    for number, line in enumerate(lines):
        fence, was = _fence_after(line, fence), fence
        if fence or was:
            continue
        opened = _HIGHLIGHT.match(line)
        if opened is not None:
            indent = opened[1]
            lines[number] = f"{indent}```{opened[2] or opened[3]}"
        elif _HIGHLIGHT_END.match(line):
            lines[number] = f"{indent}```"  # one that stands elsewhere would begin another
        else:
            lines[number] = _SHORTCODE.sub("", line)
    return "\n".join(lines)


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line; "" for none."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1]
    closes = match[1].startswith(fence) and not line[match.end() :].strip()
    return "" if closes else fence


def _without_comments(text: str) -> str:
    """Comments outside of code blotted out; one that is never closed hides nothing."""
    kept: list[str] = []
    fence, after = "", 0
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if number < after:
            kept.append("")
            continue
        fence, was = _fence_after(line, fence), fence
        if fence or was:
            kept.append(line)
            continue
        line = _without_whole_comments(line)
        begin = line.find("<!--")
        if begin < 0 or line[:begin].count("`") % 2:
            kept.append(line)
            continue
        end = next((n for n in range(number + 1, len(lines)) if "-->" in lines[n]), None)
        if end is None:
            return "\n".join([*kept, line, *lines[number + 1 :]])
        kept.append(line[:begin])
        lines[end] = lines[end].partition("-->")[2]
        after = end
    return "\n".join(kept)


def _without_whole_comments(line: str) -> str:
    """A line without the comments that begin and end in it."""
    kept, at = [], 0
    while (begin := line.find("<!--", at)) >= 0 and (end := line.find("-->", begin + 4)) >= 0:
        kept.append(line[at:begin])
        at = end + 3
    return "".join([*kept, line[at:]])


def _parted(heading: str) -> tuple[str, str]:
    """A heading and the id it gives itself, `## Title {#id}`; "" for none."""
    heading = heading.rstrip()
    found = _HEADING_ID.match(heading, max(0, heading.rfind("{#")))
    return (heading[: found.start()].rstrip(), found[1]) if found else (heading, "")


class _Reading:
    """Walks the block tokens of one document and sorts them into steps."""

    def __init__(self, text: str, skipped: int) -> None:
        self._parser = MarkdownIt("commonmark")
        self._parser.enable(["table", "strikethrough"])
        self._parser.disable("html_block")
        self._parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
        self._parser.core.ruler.enableOnly(["normalize", "block"])
        self._env: dict[str, Any] = {}
        self._inline = Inline(self._parser, self._env)
        self._skipped = skipped
        self._indented = False
        self.title = ""
        self.about: list[Block] = []
        self._intro = Draft("", 1)
        self._drafts: list[Draft] = []
        self._lists: list[tuple[str, int]] = []
        self._row: list[str] = []
        self._rows: list[tuple[str, ...]] = []
        self._titles: set[int] = set()
        """Places of texts that became titles: they are not shown again."""
        self._walk(self._tokens(text))

    def _tokens(self, text: str) -> list[Token]:
        for depth in _MAX_NESTING:
            self._env.clear()
            self._parser.options["maxNesting"] = depth
            with suppress(RecursionError):
                return self._parser.parse(text, self._env)
        return []

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
        line = (token.map[0] if token.map else 0) + self._skipped + 1
        place = index + 1 if token.type == "heading_open" else index + 2
        inline = tokens[place] if place < len(tokens) and tokens[place].type == "inline" else None
        raw, given = inline.content if inline is not None else "", ""
        rest = ""
        if token.type == "heading_open":
            raw, given = _parted(raw)
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
        text, links = self._inline.read(_parted(token.content)[0])
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
        line = (token.map[0] if token.map else 0) + self._skipped + 1
        if token.type == "code_block" and _FENCE.match(token.content) and not self._indented:
            self._fences_in(token)
            return
        info = read_info(token.info) if token.type == "fence" else Info("", {})
        here, fenced = self._here, token.type == "fence"
        content = clean(token.content)
        if info.language == "toml" and "probe" in info.attributes:
            self._add(Block(kind="probe", indent=self._indent, number=len(here.probes)))
            here.probes.append(_diagnostic(content, line))
            return
        found = commands_of(info, content, line + fenced, here.title)
        for command in found:
            command = _named_once(command, here.commands)
            self._add(Block(kind="command", indent=self._indent, number=len(here.commands)))
            here.commands.append(command)
        if not found and content.strip():
            text = content.rstrip("\n")
            self._add(Block(kind="code", text=text, indent=self._indent, mark=info.language))

    def _fences_in(self, token: Token) -> None:
        """A fence that is indented too far for CommonMark, as in tabs of MkDocs or `<details>`."""
        first, skipped = (token.map[0] if token.map else 0), self._skipped
        self._skipped, self._indented = skipped + first, True
        tokens = self._parser.parse(token.content, {})
        for index, inner in enumerate(tokens):
            self._token(inner, tokens[index - 1] if index else inner)
        self._skipped, self._indented = skipped, False


def _diagnostic(content: str, line: int) -> Diagnostic:
    try:
        values = tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        return Diagnostic(title="A look", probe={}, line=line, fault=f"it is no TOML: {error}")
    show, columns = values.pop("show", ""), texts(values.pop("columns", ()))
    title = values.pop("title", "")
    if isinstance(values.get("probe"), dict):  # as checklists have it
        values = values["probe"]
    kind = values.get("kind")
    return Diagnostic(
        title=fold(title) if isinstance(title, str) and title else f"{kind or 'A'} look",
        probe=values,
        line=line,
        show=show if isinstance(show, str) else "",
        columns=columns,
        fault="" if isinstance(kind, str) else 'it names no kind: write for example kind = "host"',
    )


def _named_once(command: Command, before: list[Command]) -> Command:
    """What ran is known by its name: no two commands of a step have the same."""
    taken, name, number = {each.name for each in before}, command.name, 2
    while name in taken:
        name, number = f"{command.name} ({number})", number + 1
    return command if name == command.name else msgspec.structs.replace(command, name=name)
