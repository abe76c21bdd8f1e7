"""Many requests in one look: a burst of the same, or several paths and instances.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from opsdeck.probes._http_body import read_content
from opsdeck.probes._http_differences import differences
from opsdeck.probes._http_document import content_type_of, hide_reflected
from opsdeck.probes._http_facts import joined, retry_after_s
from opsdeck.probes._http_health import dependencies_of, healthy_of
from opsdeck.probes._http_looks import (
    Look,
    nowhere,
    one_by_one,
    own_page,
    percentile,
    statuses,
    with_others,
)
from opsdeck.probes._http_pages import Page
from opsdeck.probes._http_request import Request, instances_of, request_of
from opsdeck.probes._http_url import Address, beside
from opsdeck.probes.base import Document, ProbeError

AT_ONCE = 16
_Outcome = TypeVar("_Outcome")
_Fallbacks = Mapping[Address, Page | None]


class _Counted(NamedTuple):
    """One answer of a burst."""

    status: int
    head_ms: float
    retry_after: str | None

    @property
    def is_limit(self) -> bool:
        """429; a 503 only where it says when to come again: else it may be a collapse."""
        return self.status == 429 or (self.status == 503 and self.retry_after is not None)


async def look_burst(look: Look, burst: int) -> Document:
    """How a burst of the same request is answered."""
    request = request_of(look.target, look.parameters)

    async def one() -> _Counted:
        answer = await look.ask(request)
        return _Counted(answer.status, answer.head_ms, joined(answer.headers)[0].get("retry-after"))

    outcomes = await _at_once([one] * burst)
    answers = [outcome for outcome in outcomes if isinstance(outcome, _Counted)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, ProbeError)]
    if not answers:
        raise failures[0]
    limited = [answer for answer in answers if answer.is_limit]
    others = [answer for answer in answers if not answer.is_limit]
    waits = [retry_after_s({"retry-after": answer.retry_after or ""}) for answer in limited]
    return {
        "latency_ms": percentile([answer.head_ms for answer in answers], 50),
        "url": request.address.text,
        "sent": burst,
        "statuses": statuses([answer.status for answer in answers], failures),
        "limited": len(limited),
        "served": sum(answer.status < 500 for answer in others),
        "failed": len(failures) + sum(answer.status >= 500 for answer in others),
        "retry_after_s": next((wait for wait in waits if wait is not None), None),
    }


async def look_around(look: Look) -> Document:
    """The answers at several paths, at the target's url or at each of its instances, and those
    to the requests of `also` at its url."""
    paths: Sequence[Any] = look.parameters.get("paths") or [look.parameters.get("path") or "/"]
    every = look.parameters.get("every_instance")
    bases = instances_of(look.target) if every else [None]
    shared = {k: v for k, v in look.parameters.items() if k not in ("url", "path", "paths")}
    wishes = [(entry if isinstance(entry, Mapping) else {"path": entry}) for entry in paths]
    asked = [
        (wish, request_of(look.target, {**shared, "path": wish["path"]}, base))
        for base in bases
        for wish in wishes
    ]
    fallbacks = await _fallbacks(look, [request for _, request in asked])
    entries = await _at_once([_entering(look, wish, one, fallbacks) for wish, one in asked])
    failures = [entry for entry in entries if isinstance(entry, ProbeError)]
    told = [
        _unanswered(look, wish, request, entry) if isinstance(entry, ProbeError) else entry
        for (wish, request), entry in zip(asked, entries, strict=True)
    ]
    if len(failures) == len(entries):
        raise failures[0]
    times = [entry["latency_ms"] for entry in told if entry["latency_ms"] is not None]
    document = {"latency_ms": max(times), "asked": len(told), "answers": told}
    return await with_others(look, document)


async def _fallbacks(look: Look, requests: Sequence[Request]) -> _Fallbacks:
    """What is answered for pages that cannot exist, once for each folder that is asked about."""
    if not look.parameters.get("nowhere"):
        return {}
    places = {beside(request.address): request for request in requests}

    def asking(request: Request) -> Callable[[], Awaitable[Page | None]]:
        return lambda: nowhere(look, request)

    pages = await _at_once([asking(request) for request in places.values()])
    found = [None if isinstance(page, ProbeError) else page for page in pages]
    return dict(zip(places, found, strict=True))


def _entering(
    look: Look, wish: Mapping[str, Any], request: Request, fallbacks: _Fallbacks
) -> Callable[[], Awaitable[Document]]:
    return lambda: _entry(look, wish, request, fallbacks)


async def _entry(
    look: Look, wish: Mapping[str, Any], request: Request, fallbacks: _Fallbacks
) -> Document:
    """How one address answers; raises ProbeError when a request to it went without an answer.

    Of several samples the status is the worst, and the latency the median.
    """
    taken = await one_by_one(look, request, int(look.parameters.get("samples") or 1))
    if taken.failures or taken.last is None:
        raise taken.failures[0]
    answer, content_type = taken.last, content_type_of(taken.last)
    hide_reflected(look.target, answer)
    body = read_content(answer.content, content_type).body
    wanted = wish.get("has") or None
    differing = [] if wanted is None else differences(wanted, body)
    entry: Document = {
        "path": _called(look, wish, request),
        "url": answer.address.text,
        "status": max(taken.statuses),
        "latency_ms": percentile(taken.times, 50),
        "content_type": content_type or None,
        "redirected": bool(answer.redirects),
        "healthy": healthy_of(body, dependencies_of(body)),
        "matches": None if wanted is None else not differing,
    }
    if wanted is not None:
        entry["differences"] = differing
    if fallbacks:
        entry["own_page"] = own_page(request, answer, fallbacks[beside(request.address)])
    return entry


def _called(look: Look, wish: Mapping[str, Any], request: Request) -> str:
    """A path; where instances are asked, they are told apart by their whole addresses."""
    return request.address.text if look.parameters.get("every_instance") else str(wish["path"])


def _unanswered(
    look: Look, wish: Mapping[str, Any], request: Request, error: ProbeError
) -> Document:
    return {
        "path": _called(look, wish, request),
        "url": request.address.text,
        "status": None,
        "latency_ms": None,
        "content_type": None,
        "matches": False,
        "cause": error.cause,
        "error": str(error),
    }


async def _at_once(
    asks: Sequence[Callable[[], Awaitable[_Outcome]]],
) -> list[_Outcome | ProbeError]:
    """Every outcome in order, a bounded number under way at a time."""
    outcomes: dict[int, _Outcome | ProbeError] = {}
    numbered = iter(enumerate(asks))

    async def work() -> None:
        for number, call in numbered:
            try:
                outcomes[number] = await call()
            except ProbeError as error:
                outcomes[number] = error

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(asks))):
            group.create_task(work())
    return [outcomes[number] for number in range(len(asks))]
