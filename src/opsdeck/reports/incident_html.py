"""A post-incident report as one HTML file: no script, nothing from elsewhere, fit for A4 paper."""

from __future__ import annotations

import html
from collections.abc import Iterator

from opsdeck.reports.incident_blocks import (
    Block,
    Code,
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
td:empty::after { content: "\\00a0"; }
tr { break-inside: avoid; }
pre { padding: .5rem .7rem; border: 1px solid #ddd; background: #f6f6f6;
  font: 13px/1.35 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; }
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
    """The whole report; times are in the deck's time zone."""
    lines = [line for block in document(report) for line in _lines(block)]
    head = _HEAD.format(title=_text(title_of(report)), style=_STYLE)
    return head + "\n".join(lines) + "\n</body>\n</html>\n"


def _text(text: str) -> str:
    return html.escape(visible(text))


def _pre(text: str) -> str:
    return f"<pre>{html.escape(chr(10).join(visible_lines(text)))}</pre>"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            yield f"<p>{_text(text)}</p>"
        case Prompt(text):
            yield f'<p class="prompt">{_text(text)}</p>'
        case Points(points):
            yield "<ul>"
            yield from map(_point, points)
            yield "</ul>"
        case Table(head, rows):
            yield "<table>"
            yield f"<thead><tr>{''.join(f'<th>{_text(cell)}</th>' for cell in head)}</tr></thead>"
            yield "<tbody>"
            for row in rows:
                yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"
            yield "</tbody>"
            yield "</table>"
        case Code(text):
            yield _pre(text)


def _point(point: Point) -> str:
    below = "".join(f"<li>{_text(more)}</li>" for more in point.more)
    more = f"<ul>{below}</ul>" if below else ""
    code = _pre("\n".join(point.code)) if point.code else ""
    return f"<li>{_text(point.text)}{more}{code}</li>"
