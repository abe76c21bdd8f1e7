"""A report's blocks as one HTML file: no script, nothing from elsewhere, fit for A4 paper."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from opsdeck.reports.incident_blocks import (
    Banner,
    Block,
    Cell,
    Code,
    Form,
    Heading,
    Paragraph,
    Point,
    Points,
    Prompt,
    Table,
)
from opsdeck.reports.incident_document import document, title_of
from opsdeck.reports.incident_report import IncidentReport
from opsdeck.text import visible, visible_lines

_DENSE = 5
"""From so many columns on a table is set smaller."""

_STYLE = """\
@page { size: A4; margin: 18mm 16mm; }
:root { color-scheme: light; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; }
h2 { margin-top: 2rem; border-bottom: 1px solid #ccc; font-size: 1.2rem; }
h3 { font-size: 1.05rem; }
h4 { font-size: 1rem; margin-bottom: .3rem; }
h1, h2, h3, h4 { break-after: avoid; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { border: 1px solid #bbb; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { overflow-wrap: normal; }
td:empty::after { content: "\\00a0"; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.dense { font-size: .85em; line-height: 1.4; }
.dense th:first-child { min-width: 5.5rem; }
.form th { width: 12rem; }
pre { padding: .5rem .7rem; border: 1px solid #ddd; background: #f6f6f6;
  font: 13px/1.35 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; }
.banner { padding: .5rem .8rem; border: 3px solid #000; font-weight: bold; }
.prompt { color: #666; font-style: italic; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; }
  pre { font-size: 9pt; } }
"""

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
"""


def incident_html(report: IncidentReport) -> str:
    """A whole post-incident report; times are in the deck's time zone."""
    return html_of(title_of(report), document(report))


def html_of(title: str, blocks: Iterable[Block]) -> str:
    """These blocks as a document of this title."""
    lines = [line for block in blocks for line in _lines(block)]
    head = _HEAD.format(title=_text(title), style=_STYLE)
    return head + "\n".join(lines) + "\n</body>\n</html>\n"


def _text(text: str) -> str:
    return html.escape(visible(text))


def _pre(text: str) -> str:
    lines = html.escape("\n".join(visible_lines(text)))
    first = "\n" if lines.startswith("\n") else ""  # the one that a browser leaves out
    return f"<pre>{first}{lines}</pre>"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            yield f"<p>{_text(text)}</p>"
        case Banner(text):
            yield f'<p class="banner">{_text(text)}</p>'
        case Prompt(text):
            yield f'<p class="prompt">{_text(text)}</p>'
        case Points(points):
            yield "<ul>"
            yield from map(_point, points)
            yield "</ul>"
        case Table(head, rows):
            yield "<table>" if len(head) < _DENSE else '<table class="dense">'
            yield f"<thead><tr>{''.join(f'<th>{_text(cell)}</th>' for cell in head)}</tr></thead>"
            yield "<tbody>"
            for row in rows:
                yield f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>"
            yield "</tbody>"
            yield "</table>"
        case Form(fields):
            yield '<table class="form">'
            for name, text in fields:
                yield f'<tr><th scope="row">{_text(name)}</th><td>{_text(text)}</td></tr>'
            yield "</table>"
        case Code(text):
            yield _pre(text)


def _cell(cell: Cell) -> str:
    return _text(cell) if isinstance(cell, str) else "<br>".join(_text(t) for t in cell if t)


def _point(point: Point) -> str:
    below = "".join(f"<li>{_text(more)}</li>" for more in point.more)
    more = f"<ul>{below}</ul>" if below else ""
    code = _pre("\n".join(point.code)) if point.code else ""
    return f"<li>{_text(point.text)}{more}{code}</li>"
