"""Looks at a web target by HTTP requests: what it answers, how fast, with which headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes._http_request import METHODS, MOST_REDIRECTS, SAFE_METHODS, header_problem
from opsdeck.probes._http_url import parse_address
from opsdeck.probes.base import Consent, Document, Parameter, Target
from opsdeck.probes.blocking import import_module

ABOUT = "an HTTP request: status, latency, headers, body, redirects, days left of the certificate"
TARGETS = ("web", "http")
PARAMETERS = {
    "url": Parameter((str,), "the whole address, instead of the target's url and a path"),
    "path": Parameter((str,), "below the target's url, or a whole address; default /"),
    "method": Parameter((str,), f"one of {', '.join(METHODS)}", "GET"),
    "headers": Parameter((dict,), "request headers, for the first origin only"),
    "body": Parameter((str, dict, list), "sent as it is, or as JSON"),
    "host": Parameter((str,), "the Host header; TLS still verifies the url's host"),
    "redirects": Parameter((int,), "how many are followed; 0 gives the 3xx itself", 5),
    "auth": Parameter((bool,), "send the target's token, or its username and password", False),
    "anonymous": Parameter((bool,), "send none of the target's headers", False),
    "changes": Parameter((bool,), "whether the request may change the target", False),
    "samples": Parameter((int,), "ask so often, one after the other, for p50 and p95"),
    "burst": Parameter((int,), "ask so often, many at once, and count who is turned away"),
    "paths": Parameter((list,), "several paths, or {path, has} tables, in one look"),
    "every_instance": Parameter((bool,), "ask each of the target's `instances`, or its url", False),
    "nowhere": Parameter((bool,), "ask too for a page that cannot exist, and compare", False),
    "text": Parameter((str,), "a text that must be in the body"),
    "lookalike": Parameter((str,), "an origin; sent as Origin is one that only ends like it"),
    "also": Parameter((dict,), "further requests by name, each with what differs in it"),
    "wanted": Parameter((list,), "names that must be among the dependencies of a health document"),
}
_IN_ALSO = (
    "url",
    "path",
    "method",
    "headers",
    "host",
    "redirects",
    "auth",
    "anonymous",
    "lookalike",
)
_WAYS = ("samples", "burst", "paths", "also")
_GO_TOGETHER = ({"paths", "also"}, {"paths", "samples"}, {"paths", "samples", "also"})
MOST_ALSO = 5
MOST_PATHS = 50


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """Ask once, or as `samples`, `burst`, `paths` or `also` say.

    Raises ProbeError when nothing was answered; any HTTP status is an answer.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    several = await import_module("opsdeck.probes._http_several")
    looks = await import_module("opsdeck.probes._http_looks")
    this = looks.Look(target, parameters, deadline, timeout_s)
    document: Document
    if parameters.get("paths") is not None or parameters.get("every_instance"):
        document = await several.look_around(this)
    elif parameters.get("burst") is not None:
        document = await several.look_burst(this, parameters["burst"])
    elif parameters.get("samples") is not None:
        document = await looks.look_often(this, parameters["samples"])
    else:
        document = await looks.look_once(this)
    return document


def consent(parameters: Mapping[str, Any]) -> Consent | None:
    """Requests that may change the target, and bursts, are not sent unasked."""
    method = parameters.get("method", "GET")
    where = parameters.get("url") or parameters.get("path") or "/"
    if parameters.get("burst") is not None:
        return Consent("burst", f"{parameters['burst']} requests at once: {method} {where}")
    if method not in SAFE_METHODS:
        return Consent("change", f"{method} {where}{_body_text(parameters.get('body'))}")
    return None


def _body_text(body: Any) -> str:
    """What a request would send, on lines of its own."""
    if body is None:
        return ""
    return "\n" + (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right however the target is."""
    method = parameters.get("method", "GET")
    if method not in METHODS:
        yield f"method is {method!r}; allowed are {', '.join(METHODS)}"
    elif method not in SAFE_METHODS and parameters.get("changes") is not True:
        yield f"a {method} request needs changes = true: it may change the target"
    if parameters.get("changes") is True and method in SAFE_METHODS:
        yield f"changes = true is for other methods than {', '.join(SAFE_METHODS)}"
    yield from _together(parameters, str(method))
    yield from _request_problems(parameters)
    yield from _range("samples", parameters.get("samples"), 1, 20)
    yield from _range("burst", parameters.get("burst"), 2, 200)
    yield from _paths(parameters.get("paths"))
    yield from _also(parameters.get("also"))


def _together(parameters: Mapping[str, Any], method: str) -> Iterator[str]:
    """What cannot stand side by side."""
    if parameters.get("url") is not None and parameters.get("path") is not None:
        yield "url and path cannot both be given: a path is below the target's url"
    ways = [way for way in _WAYS if parameters.get(way) is not None]
    around = {"paths"} if parameters.get("every_instance") else set()
    if len(ways) > 1 and set(ways) | around not in _GO_TOGETHER:
        yield f"{' and '.join(ways)} cannot be combined"
    several = [way for way in ways if way != "also"]
    if several and method not in SAFE_METHODS:
        yield f"{several[0]} is for {', '.join(SAFE_METHODS)}: {method} is sent once only"
    if parameters.get("paths") is not None and (parameters.keys() & {"url", "path"}):
        yield "paths cannot be combined with url or path"
    every = parameters.get("every_instance")
    if every and (parameters.get("url") or parameters.get("burst") is not None):
        yield "every_instance goes with path, paths, samples or also only"
    if parameters.get("nowhere") and (method != "GET" or parameters.get("burst") is not None):
        yield "nowhere is for GET, and not for a burst: pages are compared"
    if parameters.get("every_instance") and method not in SAFE_METHODS:
        yield f"every_instance is for {', '.join(SAFE_METHODS)}"


def _request_problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one request."""
    url = parameters.get("url")
    if isinstance(url, str) and "{" not in url:
        try:
            parse_address(url)
        except ValueError as error:
            yield f"url is {url!r}: {error}"
    headers = parameters.get("headers")
    if isinstance(headers, Mapping):
        for name, value in headers.items():
            if problem := header_problem(str(name), value):
                yield f"headers: {problem}"
    host = parameters.get("host")
    if isinstance(host, str) and (problem := header_problem("x", host)):
        yield f"host: {problem.removeprefix('x ')}"
    yield from _range("redirects", parameters.get("redirects"), 0, MOST_REDIRECTS)
    if parameters.get("auth") is True and parameters.get("anonymous") is True:
        yield "auth and anonymous cannot both be true"


def _range(name: str, value: Any, least: int, most: int) -> Iterator[str]:
    if isinstance(value, int) and not least <= value <= most:
        yield f"{name} is {value}; it must be {least} to {most}"


def _paths(paths: Any) -> Iterator[str]:
    if not isinstance(paths, list):
        return
    if not 1 <= len(paths) <= MOST_PATHS:
        yield f"paths has {len(paths)} entries; it must have 1 to {MOST_PATHS}"
    for entry in paths:
        path = entry.get("path") if isinstance(entry, Mapping) else entry
        if not isinstance(path, str):
            yield f"paths has {entry!r}; each must be a path or a table with `path` and `has`"
        elif isinstance(entry, Mapping) and (unknown := entry.keys() - {"path", "has"}):
            yield f"paths: {path} has {', '.join(sorted(unknown))}; known are path, has"


def _also(also: Any) -> Iterator[str]:
    if not isinstance(also, Mapping):
        return
    if not 1 <= len(also) <= MOST_ALSO:
        yield f"also has {len(also)} requests; it must have 1 to {MOST_ALSO}"
    for name, changed in also.items():
        if not isinstance(changed, Mapping):
            yield f"also: {name} must be a table"
            continue
        if unknown := changed.keys() - set(_IN_ALSO):
            yield (
                f"also: {name} has {', '.join(sorted(unknown))}; known are {', '.join(_IN_ALSO)}"
            )
        if changed.get("method", "GET") not in SAFE_METHODS:
            yield f"also: {name} may be {', '.join(SAFE_METHODS)} only"
        for problem in _request_problems(changed):
            yield f"also: {name}: {problem}"
