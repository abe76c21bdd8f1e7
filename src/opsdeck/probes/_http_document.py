"""The document of one answer.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opsdeck.probes._http_body import read_content
from opsdeck.probes._http_facts import (
    cache_of,
    cookies_of,
    cors_of,
    csp_of,
    joined,
    retry_after_s,
    shows_csrf_token,
    speaks_of_csrf,
)
from opsdeck.probes._http_health import dependencies_of, healthy_of
from opsdeck.probes._http_pages import Page, stand_in_of, title_of
from opsdeck.probes._http_request import Request
from opsdeck.probes._http_url import is_absolute, same_site
from opsdeck.probes._http_wire import Answer
from opsdeck.probes.base import Document, Target


def document_of(
    target: Target, request: Request, answer: Answer, parameters: Mapping[str, Any]
) -> Document:
    """What an answer says."""
    headers, headers_left = joined(answer.headers)
    cookies, _, cookies_left = cookies_of(answer.headers)
    content = read_content(answer.content, headers.get("content-type", ""))
    hide_reflected(target, answer)
    dependencies = dependencies_of(content.body)
    title, own = title_of(content.body), _origin(answer)
    document: Document = {
        "status": answer.status,
        "reason": answer.reason,
        "latency_ms": answer.head_ms,
        "total_ms": answer.total_ms,
        "url": answer.address.text,
        "redirects": answer.redirects,
        "redirect_stopped": answer.stopped,
        "elsewhere": not same_site(request.address, answer.address.text),
        "leads_home": _leads_home(request, headers.get("location")),
        "http_version": answer.http_version,
        "ip": answer.ip,
        "content_type": content_type_of(answer) or None,
        "title": title,
        "stand_in": stand_in_of(title),
        "body": content.body,
        "body_bytes": len(answer.content.content),
        "truncated": answer.content.truncated,
        "headers": headers,
        "cookies": cookies,
        "tls": answer.tls,
        "cache": cache_of(headers),
        "csp": csp_of(answer.headers),
        "csrf_token": shows_csrf_token(headers, cookies, content.body),
        "csrf_named": speaks_of_csrf(content.body),
        "cors": cors_of(request.origin, own, headers) if request.origin else None,
        "retry_after_s": retry_after_s(headers),
        "healthy": healthy_of(content.body, dependencies),
        "dependencies": dependencies,
        "left_out": {"headers": headers_left, "cookies": cookies_left, "body": content.left_out},
    }
    return document | _wishes(document, parameters)


def _wishes(document: Document, parameters: Mapping[str, Any]) -> Document:
    """Whether there is what `wanted` and `text` ask for."""
    found: Document = {}
    if (wanted := parameters.get("wanted")) is not None:
        listed = {str(entry["name"]).lower() for entry in document["dependencies"]}
        found["dependencies_missing"] = [n for n in wanted if str(n).lower() not in listed]
    if (text := parameters.get("text")) is not None:
        body = document["body"]
        written = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        found["has_text"] = text in written
    return found


def _origin(answer: Answer) -> str:
    return f"{answer.address.scheme}://{answer.address.netloc}"


def _leads_home(request: Request, location: str | None) -> bool | None:
    """Whether a Location names the url's own host, whatever the Host header said."""
    if location is None:
        return None
    return is_absolute(location) and same_site(request.address, location)


def page_of(request: Request, answer: Answer) -> Page:
    """An answer as it is compared with others."""
    content_type = content_type_of(answer)
    body = read_content(answer.content, content_type).body
    return Page(answer.status, content_type, request.address.target, body)


def content_type_of(answer: Answer) -> str:
    """The media type without its parameters, in small letters; "" for none."""
    value = next((value for name, value in answer.headers if name == "content-type"), "")
    return value.partition(";")[0].strip().lower()[:200]


def hide_reflected(target: Target, answer: Answer) -> None:
    """Cookie values are not in a document, unless the answer shows them elsewhere too."""
    _, values, _ = cookies_of(answer.headers)
    elsewhere = [value for name, value in answer.headers if name != "set-cookie"]
    for value in values:
        inside = value.encode("utf-8", "replace") in answer.content.content
        if inside or any(value in text for text in (*elsewhere, answer.address.text)):
            target.hide(value)
