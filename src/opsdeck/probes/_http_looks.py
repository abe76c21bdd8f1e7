"""One request, with others beside it, or the same one several times.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opsdeck.probes._http_document import document_of, page_of
from opsdeck.probes._http_facts import counted
from opsdeck.probes._http_pages import Page, alike
from opsdeck.probes._http_request import Request, request_of
from opsdeck.probes._http_url import beside
from opsdeck.probes._http_wire import Answer, ask
from opsdeck.probes.base import ANSWERED, Document, ProbeError, Target

_LARGE = ("body", "dependencies", "tls", "left_out", "ip", "http_version")
_OF_THE_FIRST = ("method", "body", "wanted", "text", "nowhere", "lookalike")


class Look(NamedTuple):
    """One look: at what, how, and until when (loop time)."""

    target: Target
    parameters: Mapping[str, Any]
    deadline: float
    timeout_s: float

    async def ask(self, request: Request) -> Answer:
        """The answer to a request; raises ProbeError when there is none in time."""
        return await ask(self.target, request, self.deadline, self.timeout_s)


async def look_once(look: Look) -> Document:
    """One answer, and those to the requests of `also`."""
    document = await _asked(look, look.parameters)
    return await with_others(look, document)


async def with_others(look: Look, document: Document) -> Document:
    """The document with the answers to the requests of `also`, each by its name."""
    also: Mapping[str, Mapping[str, Any]] = look.parameters.get("also") or {}
    if also:
        document["also"] = {
            name: await _other(look, _merged(look.parameters, changed))
            for name, changed in also.items()
        }
    return document


def _merged(parameters: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a further request: those of the first with what differs."""
    without = set(_OF_THE_FIRST)
    if changed.keys() & {"path", "url"}:
        without |= {"path", "url"}
    merged = {k: v for k, v in parameters.items() if k not in without} | dict(changed)
    merged["auth"] = bool(merged.get("auth")) and not changed.get("anonymous")
    return merged


async def _other(look: Look, parameters: Mapping[str, Any]) -> Document:
    """A further answer, without what would make the document large.

    That the connection is refused or cut is an answer too: the first request had a better one.
    """
    try:
        document = await _asked(look, parameters)
    except ProbeError as error:
        if error.cause not in ANSWERED:
            raise
        return {"status": None, "latency_ms": None, "cause": error.cause, "error": str(error)}
    return {key: value for key, value in document.items() if key not in _LARGE} | {"cause": None}


async def _asked(look: Look, parameters: Mapping[str, Any]) -> Document:
    request = request_of(look.target, parameters)
    answer = await look.ask(request)
    document = document_of(look.target, request, answer, parameters)
    if parameters.get("nowhere"):
        document["own_page"] = own_page(request, answer, await nowhere(look, request))
    return document


async def look_often(look: Look, samples: int) -> Document:
    """The last of several answers one after the other, and how long they took."""
    request = request_of(look.target, look.parameters)
    taken = await one_by_one(look, request, samples)
    if taken.last is None:
        raise taken.failures[0]
    document = document_of(look.target, request, taken.last, look.parameters)
    document["samples"] = {
        "count": samples,
        "answered": len(taken.times),
        "p50_ms": percentile(taken.times, 50),
        "p95_ms": percentile(taken.times, 95),
        "max_ms": max(taken.times),
    }
    document["statuses"] = statuses(taken.statuses, taken.failures)
    if look.parameters.get("nowhere"):
        document["own_page"] = own_page(request, taken.last, await nowhere(look, request))
    return document


class Taken(NamedTuple):
    """What several answers to one request had; content is kept of the last one only."""

    last: Answer | None
    statuses: list[int]
    times: list[float]
    failures: list[ProbeError]


async def one_by_one(look: Look, request: Request, samples: int) -> Taken:
    """Ask so often, one after the other; what will not get better is not asked again."""
    last: Answer | None = None
    codes: list[int] = []
    times: list[float] = []
    failures: list[ProbeError] = []
    for asked in range(1, samples + 1):
        try:
            last = await look.ask(request)
        except ProbeError as error:
            failures.append(error)
            if error.cause in ("dns", "missing", "internal", "timeout"):
                failures += [error] * (samples - asked)
                break
        else:
            codes.append(last.status)
            times.append(last.head_ms)
    return Taken(last, codes, times, failures)


async def nowhere(look: Look, request: Request) -> Page | None:
    """What is answered for a page that cannot exist, beside the one of a request; or None."""
    asked = request._replace(address=beside(request.address))
    try:
        return page_of(asked, await look.ask(asked))
    except ProbeError:
        return None


def own_page(request: Request, answer: Answer, fallback: Page | None) -> bool:
    """Whether an answer differs from that for a page that cannot exist."""
    return fallback is None or not alike(page_of(request, answer), fallback)


def statuses(codes: Sequence[int], failures: Sequence[ProbeError]) -> dict[str, int]:
    """How often each status came, and each cause of none."""
    return counted([str(code) for code in codes] + [str(f.cause) for f in failures])


def percentile(times: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile."""
    return sorted(times)[max(0, math.ceil(len(times) * percent / 100) - 1)]
