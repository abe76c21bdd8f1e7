"""Results of a check as JUnit XML, in the form that both Ant's and Jenkins' schemas accept.

A run is a suite and an item a test case. What failed is a `failure`; what could not be looked at is
an `error`, so that a build does not turn green on what nobody knows; what only helps a person is
`skipped`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from opsdeck.checks.brief import brief
from opsdeck.checks.result import Result
from opsdeck.reports.check_counts import counts, grouped, line, offline_line

_LONGEST_DOCUMENT = 2_000


def render(
    results: Sequence[Result],
    *,
    shown: Sequence[Result] | None = None,
    offline_since: datetime | None = None,
    hostname: str = "localhost",
) -> str:
    """The shown results (all, unless said otherwise) as one ASCII document."""
    rows = results if shown is None else shown
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for number, (run, members) in enumerate(grouped(rows).items()):
        lines += _suite(run, members, number, hostname, offline_since)
    lines.append("</testsuites>")
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode() + "\n"


def _suite(
    run: str, members: list[Result], number: int, hostname: str, offline_since: datetime | None
) -> Iterator[str]:
    found = counts(members)
    attributes = {
        "name": run,
        "package": members[0].section or members[0].checklist,
        "id": str(number),
        "timestamp": f"{min(r.at for r in members).astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "hostname": hostname or "localhost",
        "tests": str(len(members)),
        "failures": str(found.failed),
        "errors": str(found.unknown),
        "skipped": str(found.assist),
        "time": _seconds(sum(_finite(r.took_ms) for r in members)),
    }
    yield f"  <testsuite {_attributes(attributes)}>"
    if offline_since is None:
        yield "    <properties/>"
    else:
        about = {"name": "offline_since", "value": offline_line(offline_since)}
        yield f"    <properties><property {_attributes(about)}/></properties>"
    for result in members:
        yield from _case(result)
    yield "    <system-out/>"
    yield "    <system-err/>"
    yield "  </testsuite>"


def _case(result: Result) -> Iterator[str]:
    attributes = {
        "name": result.item,
        "classname": f"opsdeck.{result.checklist}",
        "time": _seconds(_finite(result.took_ms)),
    }
    opened = f"    <testcase {_attributes(attributes)}"
    if result.assist:
        yield f"{opened}>"
        yield f"      <skipped {_attributes({'message': _manual(result)})}/>"
    elif result.verdict == "passed":
        yield f"{opened}/>"
        return
    else:
        tag, kind = ("failure", "expectation")
        if result.verdict == "unknown":
            tag, kind = ("error", "unknown")
        about = {"type": result.cause or kind, "message": result.reason or result.verdict}
        body = escape("\n".join(_body(result)), quote=False)
        yield f"{opened}>"
        yield f"      <{tag} {_attributes(about)}>{body}</{tag}>"
    yield "    </testcase>"


def _manual(result: Result) -> str:
    return f"a person must judge: {result.reason or result.text}"


def _body(result: Result) -> Iterator[str]:
    """What a developer reads in the build: the item, its expectations, and what was found."""
    yield line(result.text)
    if result.kind:
        yield line(f"probe: {result.kind}" + (f" at {result.target}" if result.target else ""))
    for one in result.expect:
        yield line(f"{'holds' if one.holds else 'fails'}: {one.expression} (found: {one.found})")
    if result.document is not None:
        yield line(f"document: {brief(result.document, _LONGEST_DOCUMENT)}")


def _attributes(values: dict[str, str]) -> str:
    return " ".join(f'{name}="{escape(_token(value))}"' for name, value in values.items())


def _token(value: str) -> str:
    """A value without the white space that schemas would fold; never empty."""
    return " ".join(line(value).split()) or "-"


def _finite(number: float) -> float:
    return max(number, 0.0) if math.isfinite(number) else 0.0


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1_000:.3f}"
