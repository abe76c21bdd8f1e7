"""Hold XML against a schema: as much of XSD as `tests/data/junit.xsd` uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

_XS = "{http://www.w3.org/2001/XMLSchema}"


class Schema:
    """Global elements with sequences, choices and attributes whose types are patterns."""

    def __init__(self, path: Path) -> None:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        self._elements = {e.get("name", ""): e for e in root.findall(f"{_XS}element")}
        self._patterns = {
            t.get("name", ""): re.compile(t[0][0].get("value", ""))
            for t in root.findall(f"{_XS}simpleType")
        }

    def faults(self, document: str) -> list[str]:
        """Where the document breaks the schema; empty when it is valid."""
        return list(self._element(ElementTree.fromstring(document.encode())))

    def _element(self, element: ElementTree.Element) -> Iterator[str]:
        declared = self._elements.get(element.tag)
        if declared is None:
            yield f"no element {element.tag} is declared"
            return
        kind = declared.find(f"{_XS}complexType")
        if kind is None:  # xs:string
            if len(element) or element.attrib:
                yield f"{element.tag} may only hold text"
            return
        yield from self._attributes(element, kind)
        yield from self._content(element, kind)
        for child in element:
            yield from self._element(child)

    def _attributes(self, element: ElementTree.Element, kind: ElementTree.Element) -> Iterator[str]:
        known = {a.get("name", ""): a for a in kind.findall(f"{_XS}attribute")}
        for name, value in element.attrib.items():
            if name not in known:
                yield f"{element.tag} has no attribute {name}"
            elif not self._patterns[known[name].get("type", "")].fullmatch(" ".join(value.split())):
                yield f"{element.tag}/@{name} is {value!r}"
        for name in known.keys() - element.attrib.keys():
            yield f"{element.tag} lacks {name}"

    def _content(self, element: ElementTree.Element, kind: ElementTree.Element) -> Iterator[str]:
        if kind.get("mixed") != "true":
            texts = [element.text, *(child.tail for child in element)]
            if any(text and text.strip() for text in texts):
                yield f"{element.tag} holds text"
        tags = " ".join(["", *(child.tag for child in element)])
        if not re.fullmatch(_model(kind), tags):
            yield f"{element.tag} holds{tags or ' nothing'}"


def _model(kind: ElementTree.Element) -> str:
    """What may stand in an element, as a pattern over the names of its children."""
    sequence, choice = kind.find(f"{_XS}sequence"), kind.find(f"{_XS}choice")
    if choice is not None:
        return f"(?:{'|'.join(_particle(e) for e in choice)})?"
    return "".join(_particle(e) for e in sequence) if sequence is not None else ""


def _particle(element: ElementTree.Element) -> str:
    name = f"(?: {re.escape(element.get('ref', ''))})"
    return name + ("*" if element.get("maxOccurs") == "unbounded" else "")
