"""The ways a probe may ask: once, several times, many at once, at several addresses.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from opsdeck.probes._http_body import read_content
from opsdeck.probes._http_differences import differences
from opsdeck.probes._http_facts import (
    cache_of,
    cookies_of,
    cors_of,
    counted,
    csp_of,
    dependencies_of,
    joined,
    retry_after_s,
    shows_csrf_token,
)
from opsdeck.probes._http_request import Request, instances_of, request_of
from opsdeck.probes._http_wire import Answer, ask
from opsdeck.probes.base import ANSWERED, Document, ProbeError, Target

AT_ONCE = 16
_LARGE = ("body", "dependencies", "tls", "left_out", "ip", "http_version")


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
    return await _with_others(look, document)


async def _with_others(look: Look, document: Document) -> Document:
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
    without = {"method", "body", "wanted"}
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
    return _document(look.target, request, answer, parameters.get("wanted"))


async def look_often(look: Look, samples: int) -> Document:
    """The last of several answers one after the other, and how long they took."""
    request = request_of(look.target, look.parameters)
    answers, failures = await _one_by_one(look, request, samples)
    if not answers:
        raise failures[0]
    times = sorted(answer.head_ms for answer in answers)
    document = _document(look.target, request, answers[-1], look.parameters.get("wanted"))
    document["samples"] = {
        "count": samples,
        "answered": len(answers),
        "p50_ms": _percentile(times, 50),
        "p95_ms": _percentile(times, 95),
        "max_ms": times[-1],
    }
    document["statuses"] = _statuses(answers, failures)
    return document


async def _one_by_one(
    look: Look, request: Request, samples: int
) -> tuple[list[Answer], list[ProbeError]]:
    answers: list[Answer] = []
    failures: list[ProbeError] = []
    for _ in range(samples):
        try:
            answers.append(await look.ask(request))
        except ProbeError as error:
            failures.append(error)
            if error.cause in ("dns", "missing", "internal", "timeout"):
                failures += [error] * (samples - len(answers) - len(failures))
                break
    return answers, failures


async def look_burst(look: Look, burst: int) -> Document:
    """How a burst of the same request is answered."""
    request = request_of(look.target, look.parameters)
    outcomes = await _at_once([lambda: look.ask(request)] * burst)
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, ProbeError)]
    if not answers:
        raise failures[0]
    limited = [answer for answer in answers if _is_limit(answer)]
    waits = [retry_after_s(joined(answer.headers)[0]) for answer in limited]
    return {
        "latency_ms": _percentile(sorted(answer.head_ms for answer in answers), 50),
        "url": request.address.text,
        "sent": burst,
        "statuses": _statuses(answers, failures),
        "limited": len(limited),
        "served": sum(answer.status < 500 and answer not in limited for answer in answers),
        "failed": len(failures) + sum(a.status >= 500 and a not in limited for a in answers),
        "retry_after_s": next((wait for wait in waits if wait is not None), None),
    }


def _is_limit(answer: Answer) -> bool:
    """429; a 503 only where it says when to come again: without that it may be a collapse."""
    if answer.status == 503:
        return any(name == "retry-after" for name, _ in answer.headers)
    return answer.status == 429


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
    outcomes = await _at_once([_asking(look, request) for _, request in asked])
    if all(isinstance(outcome, ProbeError) for outcome in outcomes):
        first = outcomes[0]
        assert isinstance(first, ProbeError)
        raise first
    times = [outcome.head_ms for outcome in outcomes if isinstance(outcome, Answer)]
    entries = [
        _entry(look, wish, request, outcome)
        for (wish, request), outcome in zip(asked, outcomes, strict=True)
    ]
    document = {"latency_ms": max(times), "asked": len(entries), "answers": entries}
    return await _with_others(look, document)


def _asking(look: Look, request: Request) -> Callable[[], Awaitable[Answer]]:
    return lambda: look.ask(request)


def _entry(
    look: Look, wish: Mapping[str, Any], request: Request, outcome: Answer | ProbeError
) -> Document:
    # Where instances are asked, they are told apart by their whole addresses.
    every = look.parameters.get("every_instance")
    url = request.address.text
    entry: Document = {"path": url if every else wish["path"], "url": url}
    wanted = wish.get("has")
    if isinstance(outcome, ProbeError):
        missing = {"status": None, "latency_ms": None, "content_type": None, "matches": False}
        return {**entry, **missing, "cause": outcome.cause, "error": str(outcome)}
    content_type = _content_type(outcome)
    _hide_reflected(look.target, outcome)
    entry |= {
        "url": outcome.address.text,
        "status": outcome.status,
        "latency_ms": outcome.head_ms,
        "content_type": content_type or None,
        "redirected": bool(outcome.redirects),
    }
    if wanted is None:
        return {**entry, "matches": None}
    body = read_content(outcome.content, content_type).body
    differing = differences(wanted, body)
    return {**entry, "matches": not differing, "differences": differing}


async def _at_once(
    asks: Sequence[Callable[[], Awaitable[Answer]]],
) -> list[Answer | ProbeError]:
    """Every outcome in order, a bounded number under way at a time."""
    outcomes: dict[int, Answer | ProbeError] = {}
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


def _document(target: Target, request: Request, answer: Answer, wanted: Any) -> Document:
    headers, headers_left = joined(answer.headers)
    cookies, _, cookies_left = cookies_of(answer.headers)
    content_type = _content_type(answer)
    content = read_content(answer.content, headers.get("content-type", ""))
    _hide_reflected(target, answer)
    dependencies = dependencies_of(content.body)
    document: Document = {
        "status": answer.status,
        "reason": answer.reason,
        "latency_ms": answer.head_ms,
        "total_ms": answer.total_ms,
        "url": answer.address.text,
        "redirects": answer.redirects,
        "redirect_stopped": answer.stopped,
        "http_version": answer.http_version,
        "ip": answer.ip,
        "content_type": content_type or None,
        "body": content.body,
        "body_bytes": len(answer.content.content),
        "truncated": answer.content.truncated,
        "headers": headers,
        "cookies": cookies,
        "tls": answer.tls,
        "cache": cache_of(headers),
        "csp": csp_of(answer.headers),
        "csrf_token": shows_csrf_token(headers, cookies, content.body),
        "cors": cors_of(request.origin, headers) if request.origin else None,
        "retry_after_s": retry_after_s(headers),
        "dependencies": dependencies,
        "left_out": {"headers": headers_left, "cookies": cookies_left, "body": content.left_out},
    }
    if wanted is not None:
        listed = {entry["name"] for entry in dependencies}
        document["dependencies_missing"] = [name for name in wanted if name not in listed]
    return document


def _content_type(answer: Answer) -> str:
    value = next((value for name, value in answer.headers if name == "content-type"), "")
    return value.partition(";")[0].strip().lower()[:200]


def _hide_reflected(target: Target, answer: Answer) -> None:
    """Cookie values are not in a document, unless the answer shows them elsewhere too."""
    _, values, _ = cookies_of(answer.headers)
    elsewhere = [value for name, value in answer.headers if name != "set-cookie"]
    for value in values:
        inside = value.encode("utf-8", "replace") in answer.content.content
        if inside or any(value in text for text in (*elsewhere, answer.address.text)):
            target.hide(value)


def _statuses(answers: Sequence[Answer], failures: Sequence[ProbeError]) -> dict[str, int]:
    return counted([str(a.status) for a in answers] + [str(f.cause) for f in failures])


def _percentile(times: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile of sorted times."""
    return times[max(0, math.ceil(len(times) * percent / 100) - 1)]
